//! How strong a window is, and the shape of the bump a contraction makes in an envelope. `x` are its `N` values, `i`
//! counts from 1.

use crate::emg::units::float_len;

/// Modified mean absolute value 1: `1/N sum w_i |x_i|`, `w_i` = 1 for `0.25 N <= i <= 0.75 N`, else 0.5
/// (Phinyomark et al. 2012, Expert Syst. Appl. 39:7420).
#[must_use]
pub fn mmav1(x: &[f64]) -> f64 {
    weighted(x, |_| 0.5)
}

/// Modified mean absolute value 2: as [`mmav1`], but `w_i = 4 i / N` before the middle and `4 (N - i) / N` behind it.
/// The paper prints the second as `4 (i - N) / N`, which is negative and cannot be a weight.
#[must_use]
pub fn mmav2(x: &[f64]) -> f64 {
    weighted(x, |place| 4.0 * place.min(1.0 - place))
}

/// `1/N sum w |x|`; the weight is 1 in the middle half and `edge(i / N)` outside of it.
fn weighted(x: &[f64], edge: impl Fn(f64) -> f64) -> f64 {
    let n = float_len(x.len());
    let weight = |place: f64| if (0.25..=0.75).contains(&place) { 1.0 } else { edge(place) };
    let sum: f64 = x.iter().enumerate().map(|(at, v)| weight(float_len(at + 1) / n) * v.abs()).sum();
    sum / n
}

/// Variance: `sum (x_i - mean)^2 / (N - 1)`. The mean is taken out although the usual formula assumes it zero: that of
/// an envelope is not.
#[must_use]
pub fn variance(x: &[f64]) -> f64 {
    let n = float_len(x.len());
    let mean = x.iter().sum::<f64>() / n;
    x.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0)
}

/// Sum of squared differences between neighbours.
#[must_use]
pub fn squared_steps(x: &[f64]) -> f64 {
    x.windows(2).map(|pair| (pair[1] - pair[0]).powi(2)).sum()
}

/// Log detector: `exp(1/N sum ln |x_i|)`, the geometric mean; 0 where a value is 0.
#[must_use]
pub fn log_detector(x: &[f64]) -> f64 {
    (x.iter().map(|v| v.abs().ln()).sum::<f64>() / float_len(x.len())).exp()
}

/// Mean squared root: `1/N sum sqrt |x_i|`.
#[must_use]
pub fn root(x: &[f64]) -> f64 {
    x.iter().map(|v| v.abs().sqrt()).sum::<f64>() / float_len(x.len())
}

/// L-scale, the second L-moment: half the expected difference of two values drawn from the window
/// (Hosking 1990, J. R. Stat. Soc. B 52:105), by the unbiased sum over the sorted values.
#[must_use]
pub fn l_scale(x: &[f64]) -> f64 {
    let mut sorted = x.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let n = float_len(x.len());
    let first = sorted.iter().sum::<f64>() / n;
    let ranked: f64 = sorted.iter().enumerate().map(|(rank, v)| float_len(rank) * v).sum();
    2.0 * ranked / (n * (n - 1.0)) - first
}

/// Steps between neighbours greater than the threshold: the Willison amplitude. NaN where a value is missing or the
/// threshold is not known.
#[must_use]
pub fn willison(x: &[f64], threshold: f64) -> f64 {
    let steps = x.windows(2).filter(|pair| (pair[1] - pair[0]).abs() > threshold).count();
    known(x, threshold, float_len(steps))
}

/// Rows at least as strong as the threshold. NaN as for [`willison`].
#[must_use]
pub fn active(x: &[f64], threshold: f64) -> f64 {
    let rows = x.iter().filter(|v| v.abs() >= threshold).count();
    known(x, threshold, float_len(rows))
}

/// A comparison with NaN is false and would be counted as one.
fn known(x: &[f64], threshold: f64, counted: f64) -> f64 {
    if threshold.is_nan() || x.iter().any(|v| v.is_nan()) { f64::NAN } else { counted }
}

/// Greatest `|x_i|`.
#[must_use]
pub fn peak(x: &[f64]) -> f64 {
    x.iter().map(|v| v.abs()).fold(0.0, |most: f64, v| if v.is_nan() { v } else { most.max(v) })
}

/// A window's greatest value, and the way up to it and down again; means something in a smooth signal only. Times in
/// rows from the window's first.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bump {
    /// Row of the first greatest value.
    pub apex: f64,
    /// Mean rise per row from the last lowest value before the apex up to it; 0 where the apex comes first.
    pub slope: f64,
    /// Rows around the apex that stay at or above half way between the window's lowest and greatest value.
    pub width: f64,
}

impl Bump {
    /// Looks at a window; all NaN where a value is missing or there is none.
    #[must_use]
    pub fn of(x: &[f64]) -> Self {
        let unknown = Self { apex: f64::NAN, slope: f64::NAN, width: f64::NAN };
        if x.is_empty() || x.iter().any(|v| v.is_nan()) {
            return unknown;
        }
        let higher = |best: usize, at: usize| if x[at] > x[best] { at } else { best };
        let lower = |best: usize, at: usize| if x[at] <= x[best] { at } else { best };
        let apex = (0..x.len()).fold(0, higher);
        let foot = (0..=apex).fold(0, lower);
        let lowest = x.iter().copied().fold(f64::INFINITY, f64::min);
        let half = f64::midpoint(lowest, x[apex]);
        let before = x[..apex].iter().rev().take_while(|v| **v >= half).count();
        let after = x[apex..].iter().take_while(|v| **v >= half).count();
        let rise = x[apex] - x[foot];
        Self {
            apex: float_len(apex),
            slope: if apex > foot { rise / float_len(apex - foot) } else { 0.0 },
            width: float_len(before + after),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_those_of_the_definitions() {
        // N = 8: full weight from i = 2 to i = 6.
        assert!((mmav1(&[1.0; 8]) - (5.0 + 3.0 * 0.5) / 8.0).abs() < 1e-15);
        assert!((mmav2(&[-1.0; 8]) - (5.0 + 0.5 + 0.5 + 0.0) / 8.0).abs() < 1e-15);
    }

    #[test]
    fn a_triangle_is_measured() {
        let bump = Bump::of(&[5.0, 1.0, 1.0, 3.0, 5.0, 7.0, 9.0, 5.0, 1.0, 5.0]);
        assert_eq!(bump, Bump { apex: 6.0, slope: 2.0, width: 4.0 });
    }

    #[test]
    fn a_fall_has_no_rise_and_a_constant_is_all_apex() {
        assert_eq!(Bump::of(&[3.0, 2.0, 1.0]), Bump { apex: 0.0, slope: 0.0, width: 2.0 });
        assert_eq!(Bump::of(&[3.0; 4]), Bump { apex: 0.0, slope: 0.0, width: 4.0 });
    }

    #[test]
    fn a_missing_value_leaves_nothing_known() {
        assert!(Bump::of(&[1.0, f64::NAN, 2.0]).apex.is_nan());
        assert!(Bump::of(&[]).width.is_nan());
    }
}
