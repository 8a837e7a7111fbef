//! The power of a stretch of signal at each frequency.
//!
//! One transform of a fixed size, planned once; weights, means and scales are the caller's business. Called by `spectral`.

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};
use std::sync::Arc;

/// A planned transform and its memory.
#[derive(Clone)]
pub struct Spectrum {
    plan: Arc<dyn RealToComplex<f64>>,
    input: Vec<f64>,
    output: Vec<Complex<f64>>,
    scratch: Vec<Complex<f64>>,
    power: Vec<f64>,
}

impl std::fmt::Debug for Spectrum {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Spectrum").field("size", &self.size()).finish_non_exhaustive()
    }
}

impl Spectrum {
    /// Plans a transform of `size` points.
    ///
    /// # Panics
    /// When there would be no point.
    #[must_use]
    pub fn new(size: usize) -> Self {
        assert!(size > 0, "a spectrum needs at least one point");
        let plan = RealFftPlanner::new().plan_fft_forward(size);
        Self {
            input: plan.make_input_vec(),
            output: plan.make_output_vec(),
            scratch: plan.make_scratch_vec(),
            power: Vec::new(),
            plan,
        }
    }

    /// Points of the transform.
    #[must_use]
    pub fn size(&self) -> usize {
        self.input.len()
    }

    /// `|X_k|^2` for `k` from 0 to half of [`Spectrum::size`]; bin `k` lies at `k x rate / size`. What the values do
    /// not fill is zero. One missing value makes every bin NaN.
    ///
    /// # Panics
    /// When there are more values than points.
    pub fn power(&mut self, values: impl IntoIterator<Item = f64>) -> &[f64] {
        let mut values = values.into_iter();
        self.input.iter_mut().for_each(|point| *point = values.next().unwrap_or(0.0));
        assert!(values.next().is_none(), "more values than the {} points of the spectrum", self.size());
        let done = self.plan.process_with_scratch(&mut self.input, &mut self.output, &mut self.scratch);
        self.power.clear();
        match done {
            Ok(()) => self.power.extend(self.output.iter().map(Complex::norm_sqr)),
            // Only for memory of other sizes than the plan's own.
            Err(_) => self.power.resize(self.output.len(), f64::NAN),
        }
        &self.power
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emg::units::float_len;

    #[test]
    fn a_tone_stands_in_its_bin() {
        let tone: Vec<f64> =
            (0..100).map(|n| 3.0 * (2.0 * std::f64::consts::PI * 0.07 * float_len(n)).cos()).collect();
        let mut spectrum = Spectrum::new(100);
        let power = spectrum.power(tone.iter().copied());
        assert_eq!(power.len(), 51);
        // A cosine of amplitude A over N points has |X|^2 = (A N / 2)^2 in its bin.
        assert!((power[7] - 150.0_f64.powi(2)).abs() < 1e-8);
        assert!(power.iter().enumerate().all(|(k, p)| k == 7 || *p < 1e-18));
    }

    #[test]
    fn power_is_that_of_the_signal() {
        // Parseval: the sum of squares is the mean of |X|^2 over all bins, those above half mirrored.
        for (size, length) in [(64, 64), (64, 50), (75, 75)] {
            let values: Vec<f64> = (0..length).map(|n| (float_len(n * n) * 0.37).sin()).collect();
            let mut spectrum = Spectrum::new(size);
            let power = spectrum.power(values.iter().copied()).to_vec();
            let mirrored: f64 = (0..size).map(|k| power[k.min(size - k)]).sum();
            let squares: f64 = values.iter().map(|v| v * v).sum();
            assert!((mirrored / float_len(size) - squares).abs() < 1e-9 * squares);
        }
    }

    #[test]
    fn a_missing_value_leaves_nothing_known() {
        let mut spectrum = Spectrum::new(8);
        assert!(spectrum.power([1.0, f64::NAN, 2.0]).iter().all(|p| p.is_nan()));
        assert!(spectrum.power([1.0, 2.0]).iter().all(|p| p.is_finite()), "the next stretch is its own");
    }
}
