//! How many repeats it takes to find a difference.

use super::pairs::{ratio_of_pairs, ratio_of_sets};
use super::student::{Z_99, Z_975, quantile};
use serde::Serialize;

/// What so many passes find, and how many would find what one wants to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Repeats {
    /// The least difference, as a factor above 1, that as many passes as there were find 19 times in 20.
    pub finds: f64,
    /// Passes of each that it takes to find the difference that was asked for 19 times in 20; 1000 if it
    /// takes as many or more.
    pub needed: usize,
}

/// How many passes it takes until a difference by `factor` is found (the interval of the ratio does not
/// hold 1) 19 times in 20. `of` and `to` are passes, `paired` or not. None if there are too few to know
/// how much they spread.
///
/// The standard error, times Student's quantile of the interval and the normal one of the share that is to be
/// found, is to be as small as the difference; that share is taken to be 99 in 100, which leaves most of the
/// misses to a machine that changes meanwhile. How much passes spread is known from some of them alone, and
/// those may have been quiet ones: what counts is the spread's upper confidence limit of 99 %, and less than
/// 20 passes are never enough, since what stands out once in ten may not have been among those few. Tried
/// on the passes that are recorded in `tests/golden/passes`, of a shared machine.
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
    let df = (passes - 1) as f64;
    let half_width = (ratio.high / ratio.low).ln() / 2.0;
    let standard_error = half_width / quantile(Z_975, df) * at_most(df);
    let finds = |number: usize| {
        let quantiles = quantile(Z_975, (number - 1) as f64) + Z_99;
        quantiles * standard_error * (passes as f64 / number as f64).sqrt()
    };
    let wanted = factor.ln();
    let about = passes as f64 * (finds(passes) / wanted).powi(2);
    // Student's quantile is larger for fewer.
    let mut needed = (about as usize / 2).clamp(LEAST_ADVISED, MOST_REPEATS);
    while needed < MOST_REPEATS && finds(needed) > wanted {
        needed += 1;
    }
    // Passes that are too few to find the one do not find less.
    let least = wanted * (needed as f64 / passes as f64).sqrt();
    Some(Repeats {
        finds: match needed > passes {
            true => finds(passes).max(least),
            false => finds(passes),
        }
        .exp(),
        needed,
    })
}

/// Noise spreads, 99 times in 100, less than so many times what `df` degrees of freedom make of it: one over
/// the root of the chi-squared quantile of 1 % for each of them (by Wilson and Hilferty, The Distribution of
/// Chi-Square, 1931).
fn at_most(df: f64) -> f64 {
    let ninth = 2.0 / (9.0 * df);
    (1.0 - ninth - Z_99 * ninth.sqrt()).powf(-1.5)
}

/// Fewer passes are no advice.
const LEAST_ADVISED: usize = 20;

/// More passes than this are no advice.
pub const MOST_REPEATS: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    /// Tables of chi-squared, as printed in any textbook.
    #[test]
    fn the_limit_of_a_spread_is_that_of_the_tables() {
        for (df, chi_squared_of_1_percent) in
            [(5.0, 0.554), (11.0, 3.053), (19.0, 7.633), (50.0, 29.71)]
        {
            let expected = f64::sqrt(df / chi_squared_of_1_percent);
            assert!(
                (at_most(df) / expected - 1.0).abs() < 0.06,
                "{df}: {}",
                at_most(df)
            );
        }
    }

    #[test]
    fn what_is_found_and_what_it_takes_agree() {
        let noise =
            |times: f64| [0.4, -1.0, 0.1, 0.9, -0.3, 0.0, -0.6, 0.7].map(|x| 1.0 + times * x);
        for (times, factor) in [(0.002, 1.03), (0.01, 1.03), (0.04, 1.03), (0.04, 1.3)] {
            let found = repeats_to_find(factor, &noise(times), &[1.0; 8], true).unwrap();
            assert!(found.needed >= LEAST_ADVISED);
            assert!(
                found.finds > factor,
                "8 are too few, whatever they say: {found:?}"
            );
            let many = noise(times).repeat(found.needed.div_ceil(8));
            let ones = vec![1.0; many.len()];
            let again = repeats_to_find(factor, &many, &ones, true).unwrap();
            assert!(
                again.needed <= many.len() && again.finds <= factor,
                "{found:?} {again:?}"
            );
        }
        let hopeless = repeats_to_find(1.0001, &noise(0.3), &[1.0; 8], true).unwrap();
        assert_eq!(hopeless.needed, MOST_REPEATS);
    }
}
