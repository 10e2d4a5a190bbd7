//! The exponent of a power law.

/// The exponent `a` of `y = b x^a`, fitted to points by least squares of the logarithms; none for
/// fewer than three points, if they all lie at one `x`, or if one of them is not above zero.
pub(super) fn exponent(points: &[(f64, f64)]) -> Option<f64> {
    if points.len() < 3 || !points.iter().all(|(x, y)| *x > 0.0 && *y > 0.0) {
        return None;
    }
    let logs = points.iter().map(|(x, y)| (x.ln(), y.ln()));
    let n = points.len() as f64;
    let (sum_x, sum_y) = logs
        .clone()
        .fold((0.0, 0.0), |(a, b), (x, y)| (a + x, b + y));
    let (mean_x, mean_y) = (sum_x / n, sum_y / n);
    let (both, square) = logs.fold((0.0, 0.0), |(both, square), (x, y)| {
        let x = x - mean_x;
        (both + x * (y - mean_y), square + x * x)
    });
    (square > 0.0).then(|| both / square)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_that_of_the_law_that_the_points_follow() {
        for law in [-1.0, 0.0, 0.5, 2.0] {
            let points = [1.0, 3.0, 10.0, 70.0].map(|x: f64| (x, 5.0 * x.powf(law)));
            let fitted = exponent(&points).unwrap();
            assert!((fitted - law).abs() < 1e-9, "{fitted} for {law}");
        }
    }

    #[test]
    fn two_points_or_points_above_each_other_are_no_law() {
        assert_eq!(exponent(&[(1.0, 1.0), (2.0, 4.0)]), None);
        assert_eq!(exponent(&[(2.0, 1.0), (2.0, 4.0), (2.0, 5.0)]), None);
        assert_eq!(exponent(&[(1.0, 1.0), (2.0, -1.0), (3.0, 2.0)]), None);
    }
}
