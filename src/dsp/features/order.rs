//! How a window's values follow each other: linear prediction, derivatives, moments, entropy. Raw signals only.

use super::amplitude::variance;
use crate::emg::units::float_len;

/// Order of the linear prediction.
pub const AR_ORDER: usize = 4;

/// Length of the patterns [`sample_entropy`] compares.
pub const PATTERN: usize = 2;

/// How near values must be to each other to be alike, in standard deviations.
pub const ALIKE: f64 = 0.2;

/// Coefficients `a_1 .. a_4` of the prediction error filter `e_n = x_n + sum a_k x_{n-k}` by Burg's method (Burg 1975;
/// recursion of Marple 1980, IEEE Trans. ASSP 28:441); the values are neither weighted nor freed of their mean. 0
/// where nothing is left to be predicted, NaN where a value is missing.
#[must_use]
pub fn prediction(x: &[f64]) -> [f64; AR_ORDER] {
    let mut coefficients = [0.0; AR_ORDER];
    let mut forward = x.to_vec();
    let mut backward = x.to_vec();
    for order in 0..AR_ORDER.min(x.len().saturating_sub(1)) {
        // The forward error of row n meets the backward error of row n - 1.
        forward.remove(0);
        backward.pop();
        let pairs = || forward.iter().zip(&backward);
        let energy: f64 = pairs().map(|(f, b)| f * f + b * b).sum();
        let product: f64 = pairs().map(|(f, b)| f * b).sum();
        let reflection = if energy == 0.0 { 0.0 } else { -2.0 * product / energy };
        let before = coefficients;
        for k in 0..order {
            coefficients[k] += reflection * before[order - 1 - k];
        }
        coefficients[order] = reflection;
        for (f, b) in forward.iter_mut().zip(&mut backward) {
            (*f, *b) = (*f + reflection * *b, *b + reflection * *f);
        }
    }
    coefficients
}

/// Hjorth's mobility: `sqrt(var(x') / var(x))` with differences for derivatives and variances over their number of
/// values (Hjorth 1970, Electroencephalogr. Clin. Neurophysiol. 29:306).
#[must_use]
pub fn mobility(x: &[f64]) -> f64 {
    (spread(&steps(x)) / spread(x)).sqrt()
}

/// Hjorth's complexity: the mobility of `x'` over that of `x`; 1 for a sine, up to the error of differences.
#[must_use]
pub fn complexity(x: &[f64]) -> f64 {
    mobility(&steps(x)) / mobility(x)
}

/// Variance over `N`, Hjorth's activity.
#[must_use]
pub fn spread(x: &[f64]) -> f64 {
    central(x, 2)
}

/// Skewness: `m_3 / m_2^1.5`, `m_k` being the mean of `(x - mean)^k`.
#[must_use]
pub fn skewness(x: &[f64]) -> f64 {
    central(x, 3) / spread(x).powf(1.5)
}

/// Kurtosis: `m_4 / m_2^2`; 3 for a normal distribution.
#[must_use]
pub fn kurtosis(x: &[f64]) -> f64 {
    central(x, 4) / spread(x).powi(2)
}

fn steps(x: &[f64]) -> Vec<f64> {
    x.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

fn central(x: &[f64], power: i32) -> f64 {
    let n = float_len(x.len());
    let mean = x.iter().sum::<f64>() / n;
    x.iter().map(|v| (v - mean).powi(power)).sum::<f64>() / n
}

/// Sample entropy: `-ln(A / B)`, `B` the pairs of patterns of [`PATTERN`] rows whose values all differ by no more than
/// [`ALIKE`] standard deviations (over `N - 1`), `A` those of them that still do one row later (Richman & Moorman
/// 2000, Am. J. Physiol. 278:H2039). Infinite where no pair goes on alike, NaN where no two patterns are. The work
/// grows with the square of `N`.
#[must_use]
pub fn sample_entropy(x: &[f64]) -> f64 {
    let tolerance = ALIKE * variance(x).sqrt();
    let alike = |i: usize, j: usize| (x[i] - x[j]).abs() <= tolerance;
    let (mut begun, mut gone_on) = (0_usize, 0_usize);
    for lag in 1..x.len().saturating_sub(PATTERN) {
        // Along one lag, a pair of patterns is a run of alike neighbours.
        let mut run = 0;
        for i in 0..x.len() - lag {
            run = if alike(i, i + lag) { run + 1 } else { 0 };
            begun += usize::from(run >= PATTERN && i + lag + 1 < x.len());
            gone_on += usize::from(run > PATTERN);
        }
    }
    if begun == 0 { f64::NAN } else { -(float_len(gone_on) / float_len(begun)).ln() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::f64::consts::PI;

    fn tone(cycles: f64, rows: usize) -> Vec<f64> {
        (0..rows).map(|n| (2.0 * PI * cycles * float_len(n)).sin()).collect()
    }

    #[test]
    fn a_tone_is_predicted_by_the_values_before_it() {
        let x = tone(0.05, 400);
        let a = prediction(&x);
        let error = |five: &[f64]| five[4] + (0..AR_ORDER).map(|k| a[k] * five[3 - k]).sum::<f64>();
        let greatest = x.windows(AR_ORDER + 1).map(|five| error(five).abs()).fold(0.0, f64::max);
        assert!(greatest < 1e-2, "{greatest} {a:?}");
        assert!(prediction(&[0.0; 20]).iter().chain(&prediction(&[])).all(|a| a.to_bits() == 0));
    }

    #[test]
    fn a_tone_has_the_mobility_of_its_frequency_and_complexity_one() {
        let x = tone(0.01, 1000);
        assert!((mobility(&x) - 2.0 * (0.01 * PI).sin()).abs() < 1e-3);
        assert!((complexity(&x) - 1.0).abs() < 1e-2);
    }

    /// Pairs of patterns, compared one by one.
    fn entropy_by_hand(x: &[f64]) -> f64 {
        let tolerance = ALIKE * variance(x).sqrt();
        let patterns = x.len() - PATTERN;
        let pairs = |m: usize| {
            let like = |i: usize, j: usize| (0..m).all(|k| (x[i + k] - x[j + k]).abs() <= tolerance);
            (0..patterns)
                .flat_map(|i| (i + 1..patterns).map(move |j| (i, j)))
                .filter(|&(i, j)| like(i, j))
                .count()
        };
        let (b, a) = (pairs(PATTERN), pairs(PATTERN + 1));
        if b == 0 { f64::NAN } else { -(float_len(a) / float_len(b)).ln() }
    }

    proptest! {
        #[test]
        fn runs_along_lags_are_pairs_of_patterns(x in prop::collection::vec(-3.0..3.0_f64, 4..80)) {
            let (fast, plain) = (sample_entropy(&x), entropy_by_hand(&x));
            prop_assert!(fast.to_bits() == plain.to_bits() || fast.is_nan() && plain.is_nan(), "{} {}", fast, plain);
        }
    }
}
