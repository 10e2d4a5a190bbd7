//! The exponent of a power law.

use crate::statistics::Estimate;

/// The exponent `a` of `y = b x^a`, fitted to points by least squares of the logarithms, with the interval that
/// the intervals of the `y` leave it; none for fewer than three points, if they all lie at one `x`, or if a `y`
/// may be zero or less.
pub(super) fn exponent(points: &[(f64, Estimate)]) -> Option<Estimate> {
    let is_above = |(x, y): &(f64, Estimate)| *x > 0.0 && y.low > 0.0;
    if points.len() < 3 || !points.iter().all(is_above) {
        return None;
    }
    let n = points.len() as f64;
    let mean = points.iter().map(|(x, _)| x.ln()).sum::<f64>() / n;
    let square: f64 = points.iter().map(|(x, _)| (x.ln() - mean).powi(2)).sum();
    if square <= 0.0 {
        return None;
    }
    // The slope is a sum of the `y`, each with a weight, and their errors have nothing to do with each other.
    let weighted = |of: fn(&Estimate) -> f64| {
        let weigh = move |(x, y): &(f64, Estimate)| (x.ln() - mean) / square * of(y);
        points.iter().map(weigh)
    };
    let value: f64 = weighted(|y| y.value.ln()).sum();
    let half = |y: &Estimate| (y.high / y.value).max(y.value / y.low).ln();
    let error = weighted(half).map(|part| part.powi(2)).sum::<f64>().sqrt();
    Some(Estimate {
        value,
        low: value - error,
        high: value + error,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_that_of_the_law_that_the_points_follow() {
        for law in [-1.0, 0.0, 0.5, 2.0] {
            let points =
                [1.0, 3.0, 10.0, 70.0].map(|x: f64| (x, Estimate::exact(5.0 * x.powf(law))));
            let fitted = exponent(&points).unwrap();
            assert!((fitted.value - law).abs() < 1e-9, "{fitted:?} for {law}");
            assert!(fitted.high - fitted.low < 1e-9, "{fitted:?} for {law}");
        }
    }

    #[test]
    fn it_is_known_as_well_as_the_points_at_the_ends_are() {
        let e = std::f64::consts::E;
        let known_to = |factors: [f64; 3]| {
            let point = |(x, factor): (f64, f64)| {
                let y = Estimate {
                    value: 1.0 / x,
                    low: 1.0 / x / factor,
                    high: 1.0 / x * factor,
                };
                (x, y)
            };
            let points: Vec<_> = [1.0, e, e * e]
                .into_iter()
                .zip(factors)
                .map(point)
                .collect();
            let fitted = exponent(&points).unwrap();
            (fitted.high - fitted.low) / 2.0
        };
        // Both ends are half of the way from one unit to the other of the logarithm's.
        assert!((known_to([e, 1.0, 1.0]) - 0.5).abs() < 1e-9);
        assert!((known_to([e, 1.0, e]) - 0.5f64.sqrt()).abs() < 1e-9);
        assert!(known_to([1.0, e, 1.0]).abs() < 1e-9);
    }

    #[test]
    fn two_points_or_points_above_each_other_are_no_law() {
        assert_eq!(
            exponent(&[(1.0, Estimate::exact(1.0)), (2.0, Estimate::exact(4.0))]),
            None
        );
        let above = [
            (2.0, Estimate::exact(1.0)),
            (2.0, Estimate::exact(4.0)),
            (2.0, Estimate::exact(5.0)),
        ];
        assert_eq!(exponent(&above), None);
    }

    #[test]
    fn what_may_be_nothing_is_no_point_of_a_law() {
        let of = |low| {
            let may_be = Estimate {
                low,
                ..Estimate::exact(3.0)
            };
            exponent(&[
                (1.0, Estimate::exact(1.0)),
                (2.0, may_be),
                (3.0, Estimate::exact(2.0)),
            ])
        };
        assert!(of(0.1).is_some());
        assert_eq!((of(0.0), of(-0.1)), (None, None));
    }
}
