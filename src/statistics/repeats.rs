//! How many repeats it takes to find a difference.

use super::pairs::{LEAST_PASSES, ratio_of_pairs, ratio_of_sets};
use super::student::{Z_95, Z_975, quantile};
use serde::Serialize;

/// What so many passes find, and how many would find what one wants to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Repeats {
    /// The least difference, as a factor above 1, that as many passes as there were find 19 times in 20.
    pub finds: f64,
    /// Passes of each that it takes to find the difference that was asked for 19 times in 20.
    pub needed: usize,
}

/// How many passes it takes until a difference by `factor` is found (the interval of the ratio does not
/// hold 1) 19 times in 20. `of` and `to` are passes, `paired` or not. None if there are too few to know
/// how much they spread.
///
/// The rule is that of the first stage of Stein's procedure (A Two-Sample Test for a Linear Hypothesis
/// Whose Power is Independent of the Variance, 1945): the standard error times the sum of Student's
/// quantiles, for the interval and for the share that is to be found, is to be as small as the difference.
/// That the spread is itself an estimate from few passes is in the quantiles.
///
/// ```
/// use framehaul::statistics::repeats_to_find;
/// let noisy = [1.00, 1.06, 0.97, 1.02, 0.95, 1.03, 1.05, 0.98];
/// let quiet = [1.00, 1.01, 0.99, 1.01, 0.99, 1.00, 1.01, 1.00];
/// let needed = |passes| repeats_to_find(1.03, passes, &[1.0; 8], true).unwrap().needed;
/// assert!(needed(&noisy) > 4 * needed(&quiet));
/// ```
pub fn repeats_to_find(factor: f64, of: &[f64], to: &[f64], paired: bool) -> Option<Repeats> {
    let (ratio, passes) = match paired {
        true => (ratio_of_pairs(of, to)?, of.len()),
        false => (ratio_of_sets(of, to)?, of.len().min(to.len())),
    };
    let df = match paired {
        true => passes - 1,
        false => of.len() + to.len() - 2,
    };
    let quantiles = |df: usize| quantile(Z_975, df as f64) + quantile(Z_95, df as f64);
    let half_width = (ratio.high / ratio.low).ln() / 2.0;
    let standard_error = half_width / quantile(Z_975, df as f64);
    // Of a number of passes; of few, their own quantiles are the larger ones.
    let finds = |number: usize| {
        let quantiles = quantiles(df).max(quantiles(number - 1));
        quantiles * standard_error * (passes as f64 / number as f64).sqrt()
    };
    let wanted = factor.ln();
    let about = passes as f64 * (finds(passes) / wanted).powi(2);
    let mut needed = (about as usize).clamp(LEAST_PASSES, MOST);
    while needed < MOST && finds(needed) > wanted {
        needed += 1;
    }
    Some(Repeats {
        finds: finds(passes).exp(),
        needed,
    })
}

/// More than this is not advice.
const MOST: usize = 100_000;
