//! Where a window's power lies: sums over its spectrum.
//!
//! The spectrum is that of the window as it is, neither weighted nor freed of its mean, zero-padded to `M`, the next
//! power of two: `P_k = |X_k|^2 / N^2` at `f_k = k x rate / M` for `k` from 0 to below `M / 2`. Sums below go over `k`.

use super::spectrum::Spectrum;
use crate::emg::units::float_len;

/// Where [`Power::ratio`] parts low from high frequencies, hertz.
pub const SPLIT_HZ: f64 = 100.0;

/// How far around the peak [`Power::near_peak`] reaches, hertz.
pub const NEAR_HZ: f64 = 20.0;

/// Sums over a spectrum, in squared units of the signal and hertz.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Power {
    /// Bins, `M / 2`.
    pub bins: f64,
    /// `sum P`, `sum f P`, `sum f^2 P`, `sum f^3 P`.
    pub moments: [f64; 4],
    /// Frequency of the first bin at which the sum so far exceeds half of the whole.
    pub median_hz: f64,
    /// Power below [`SPLIT_HZ`] over power at and above it; NaN where the rate carries nothing above.
    pub ratio: f64,
    /// Share of the power within [`NEAR_HZ`] of the strongest bin.
    pub near_peak: f64,
}

/// Points of the transform of a window of `rows` rows.
#[must_use]
pub fn points(rows: usize) -> usize {
    rows.next_power_of_two()
}

impl Power {
    /// Looks at a window; `spectrum` has [`points`] of its rows. NaN where a value is missing or all are 0.
    #[must_use]
    pub fn of(x: &[f64], rate_hz: f64, spectrum: &mut Spectrum) -> Self {
        let size = spectrum.size();
        let scale = 1.0 / float_len(x.len()).powi(2);
        let all = spectrum.power(x.iter().copied());
        let power = &all[..size / 2];
        let hz = |k: usize| float_len(k) * rate_hz / float_len(size);
        let mut moments = [0.0; 4];
        for (k, p) in power.iter().enumerate() {
            let f = hz(k);
            for (moment, weight) in moments.iter_mut().zip([1.0, f, f * f, f * f * f]) {
                *moment += p * scale * weight;
            }
        }
        let low: f64 = power.iter().enumerate().filter(|(k, _)| hz(*k) < SPLIT_HZ).map(|(_, p)| p).sum();
        let whole: f64 = power.iter().sum();
        let strongest = (0..power.len()).fold(0, |best, k| if power[k] > power[best] { k } else { best });
        let is_near = |k: usize| (hz(k) - hz(strongest)).abs() <= NEAR_HZ;
        let near: f64 = power.iter().enumerate().filter(|(k, _)| is_near(*k)).map(|(_, p)| p).sum();
        let carries = hz(power.len()) > SPLIT_HZ;
        Self {
            bins: float_len(power.len()),
            moments,
            median_hz: median(power, whole).map_or(f64::NAN, hz),
            ratio: if carries { low / (whole - low) } else { f64::NAN },
            near_peak: near / whole,
        }
    }

    /// `sum f P / sum P`.
    #[must_use]
    pub fn mean_hz(&self) -> f64 {
        self.moments[1] / self.moments[0]
    }

    /// Variance of the central frequency: `sum f^2 P / sum P - mean^2`, hertz squared.
    #[must_use]
    pub fn central_variance(&self) -> f64 {
        self.moments[2] / self.moments[0] - self.mean_hz().powi(2)
    }
}

/// The first bin at which the sum so far exceeds half of the whole.
fn median(power: &[f64], whole: f64) -> Option<usize> {
    let mut sum = 0.0;
    power.iter().position(|p| {
        sum += p;
        sum > whole / 2.0
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::PI;

    fn tone(hz: f64, rows: usize) -> Vec<f64> {
        (0..rows).map(|n| (2.0 * PI * hz / 1000.0 * float_len(n)).sin()).collect()
    }

    #[test]
    fn a_tone_has_its_frequency_and_no_width() {
        // 125 Hz is bin 32 of 256 at 1000 Hz, exactly.
        let power = Power::of(&tone(125.0, 256), 1000.0, &mut Spectrum::new(256));
        assert!((power.mean_hz() - 125.0).abs() < 1e-9, "{power:?}");
        assert!((power.median_hz - 125.0).abs() < 1e-12);
        assert!(power.central_variance().abs() < 1e-6);
        assert!((power.near_peak - 1.0).abs() < 1e-12);
        assert!((power.moments[0] - 0.25).abs() < 1e-12, "one-sided: a quarter of A^2");
    }

    #[test]
    fn power_on_both_sides_of_the_split_is_compared() {
        let both: Vec<f64> =
            tone(31.25, 256).iter().zip(tone(250.0, 256)).map(|(a, b)| 2.0 * a + b).collect();
        let power = Power::of(&both, 1000.0, &mut Spectrum::new(256));
        assert!((power.ratio - 4.0).abs() < 1e-9);
        assert!((power.near_peak - 0.8).abs() < 1e-9);
        assert!(Power::of(&both, 150.0, &mut Spectrum::new(256)).ratio.is_nan());
    }

    #[test]
    fn silence_has_no_frequency() {
        let power = Power::of(&[0.0; 50], 1000.0, &mut Spectrum::new(64));
        assert!(power.mean_hz().is_nan() && power.median_hz.is_nan());
        assert!(power.moments[0].abs() < f64::MIN_POSITIVE);
    }
}
