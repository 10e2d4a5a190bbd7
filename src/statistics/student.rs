//! Quantiles of Student's t, and the normal distribution's share below a value.

/// The standard normal quantiles of 97.5 % and of 99 %.
pub(super) const Z_975: f64 = 1.959_963_985;
pub(super) const Z_99: f64 = 2.326_347_874;

/// The quantile of Student's t with `df` degrees of freedom, 5 or more, whose standard normal
/// counterpart is `z`: the expansion of Abramowitz and Stegun, Handbook of Mathematical Functions,
/// 26.7.5, right to a part in a thousand from 5 on.
pub(super) fn quantile(z: f64, df: f64) -> f64 {
    let odd = |powers: &[f64]| {
        powers
            .iter()
            .rev()
            .fold(0.0, |sum, factor| sum * z * z + factor)
            * z
    };
    z + odd(&[1.0, 1.0]) / (4.0 * df)
        + odd(&[3.0, 16.0, 5.0]) / (96.0 * df.powi(2))
        + odd(&[-15.0, 17.0, 19.0, 3.0]) / (384.0 * df.powi(3))
        + odd(&[-945.0, -1920.0, 1482.0, 776.0, 79.0]) / (92_160.0 * df.powi(4))
}

/// The share of a standard normal distribution that is below `z`, from 0 down (ibid., 26.2.17, to 1e-7).
pub(super) fn below(z: f64) -> f64 {
    let t = 1.0 / (1.0 - 0.231_641_9 * z);
    let factors = [
        0.319_381_530,
        -0.356_563_782,
        1.781_477_937,
        -1.821_255_978,
        1.330_274_429,
    ];
    let sum = factors
        .iter()
        .rev()
        .fold(0.0, |sum, factor| (sum + factor) * t);
    sum * (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tables of Student's t, as printed in any textbook.
    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (df, at_975, at_99) in [
            (5.0, 2.571, 3.365),
            (6.0, 2.447, 3.143),
            (9.0, 2.262, 2.821),
            (19.0, 2.093, 2.539),
            (99.0, 1.984, 2.365),
        ] {
            assert!((quantile(Z_975, df) - at_975).abs() < 0.003, "{df}");
            assert!((quantile(Z_99, df) - at_99).abs() < 0.02, "{df}");
        }
    }

    #[test]
    fn shares_are_those_of_the_tables() {
        for (z, share) in [(-1.959_964, 0.025), (-3.0, 0.001_349_9), (0.0, 0.5)] {
            assert!((below(z) - share).abs() < 1e-6, "{z}");
        }
    }
}
