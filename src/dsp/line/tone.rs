//! How much of a signal is one frequency: the hum of the mains, measured without a filter.
//!
//! A stretch of a few seconds is enough and no state is kept; `doctor` asks.

use crate::emg::units::float_len;
use std::f64::consts::TAU;

/// Root mean square of the part of `values` at `hz`, in their unit: correlation with that frequency under a Hann
/// window, about `2 x rate / length` Hz wide to either side; a tone `rate / (2 x length)` beside `hz` reads 15 % low. The
/// mean does not count. 0 for fewer than two values.
#[must_use]
pub fn tone_rms(values: &[f64], rate_hz: f64, hz: f64) -> f64 {
    if values.len() < 2 {
        return 0.0;
    }
    let n = float_len(values.len());
    let mean = values.iter().sum::<f64>() / n;
    let (mut re, mut im, mut weights) = (0.0, 0.0, 0.0);
    for (at, value) in values.iter().enumerate() {
        let at = float_len(at);
        let weight = 0.5 - 0.5 * (TAU * at / (n - 1.0)).cos();
        let angle = TAU * hz / rate_hz * at;
        re += weight * (value - mean) * angle.cos();
        im += weight * (value - mean) * angle.sin();
        weights += weight;
    }
    std::f64::consts::SQRT_2 * re.hypot(im) / weights.max(f64::MIN_POSITIVE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(rows: usize, parts: &[(f64, f64)]) -> Vec<f64> {
        let value = |at: usize, (hz, rms): &(f64, f64)| {
            rms * 2_f64.sqrt() * (TAU * hz / 1000.0 * float_len(at)).sin()
        };
        (0..rows).map(|at| 512.0 + parts.iter().map(|part| value(at, part)).sum::<f64>()).collect()
    }

    #[test]
    fn hum_is_told_from_what_lies_beside_it() {
        let values = wave(4000, &[(50.0, 3.0), (60.0, 0.5), (120.0, 20.0)]);
        for (hz, rms) in [(50.0, 3.0), (60.0, 0.5), (55.0, 0.0)] {
            assert!((tone_rms(&values, 1000.0, hz) - rms).abs() < 0.01, "{hz} Hz");
        }
        assert!((tone_rms(&values, 1000.0, 50.1) - 3.0).abs() < 0.4, "mains are never exactly 50 Hz");
    }

    #[test]
    fn nothing_hums_in_silence() {
        assert!(tone_rms(&[], 1000.0, 50.0).abs() < 1e-12);
        assert!(tone_rms(&[7.0], 1000.0, 50.0).abs() < 1e-12);
        assert!(tone_rms(&[7.0; 500], 1000.0, 50.0).abs() < 1e-12);
    }
}
