//! A window thinned out for its low frequencies: a low-pass, and of its rows only every so many.
//!
//! The spectrum below 80 Hz stays what it was to one part in a thousand, at a fraction of the rows. Called by `line`.

use super::goertzel::back;
use crate::emg::units::{float_len, length};
use std::f64::consts::PI;

/// Rows a second that are left at least: what folds back below 80 Hz lay above 170 Hz.
const LEFT_HZ: f64 = 250.0;
/// Half the length of the low-pass, in rows that are left: between 80 Hz and what folds onto it, Blackman's window
/// needs that much for its 74 dB.
const HALF: usize = 7;
/// Taps side by side in vector lanes.
const LANES: usize = 4;

/// Thins windows of one rate.
#[derive(Clone, Debug)]
pub(super) struct Thin {
    every: usize,
    /// Taps about their middle, and zeros that fill the last lanes; none where all rows are kept.
    taps: Vec<f64>,
    half: usize,
}

impl Thin {
    pub(super) fn new(rate_hz: f64) -> Self {
        let every = length((rate_hz / LEFT_HZ).floor()).max(1);
        if every == 1 {
            return Self { every, taps: Vec::new(), half: 0 };
        }
        let half = HALF * every;
        let mut taps: Vec<f64> = (0..=2 * half).map(|tap| weight(tap, half, every)).collect();
        let sum: f64 = taps.iter().sum();
        for tap in &mut taps {
            *tap /= sum;
        }
        taps.resize(taps.len().next_multiple_of(LANES), 0.0);
        Self { every, taps, half }
    }

    /// Rows of which one is left.
    pub(super) fn every(&self) -> usize {
        self.every
    }

    /// Row `n` that is left stands where `n x every` stood; beyond its ends the window is zero.
    pub(super) fn thin(&self, window: impl Iterator<Item = f64>) -> Vec<f64> {
        if self.every == 1 {
            return window.collect();
        }
        let mut padded = vec![0.0; self.half];
        padded.extend(window);
        padded.resize(padded.len() - self.half + self.taps.len() - 1, 0.0);
        padded.windows(self.taps.len()).step_by(self.every).map(|rows| product(rows, &self.taps)).collect()
    }
}

/// Blackman's window over the response of a perfect low-pass at half the rate that is left.
fn weight(tap: usize, half: usize, every: usize) -> f64 {
    let share = float_len(tap) / float_len(2 * half);
    let window = 0.42 - 0.5 * back(share).re + 0.08 * back(2.0 * share).re;
    let turns = (float_len(tap) - float_len(half)) / float_len(every);
    // The sine of half a turn, as everywhere here by elementary operations.
    let sinc = if tap == half { 1.0 } else { -back(turns / 2.0).im / (PI * turns) };
    window * sinc
}

/// The sum of products, in the same order on every machine.
fn product(rows: &[f64], taps: &[f64]) -> f64 {
    let mut sums = [0.0; LANES];
    for (rows, taps) in rows.as_chunks::<LANES>().0.iter().zip(taps.as_chunks::<LANES>().0) {
        for lane in 0..LANES {
            sums[lane] += rows[lane] * taps[lane];
        }
    }
    sums.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::{SQRT_2, TAU};

    /// Gain of a tone of 2 s that was thinned, as the rms of what is left of its middle.
    fn gain(hz: f64, rate_hz: f64) -> f64 {
        let wave = (0..length(2.0 * rate_hz)).map(|row| (TAU * hz / rate_hz * float_len(row)).sin());
        let left = Thin::new(rate_hz).thin(wave);
        let middle = &left[left.len() / 4..3 * left.len() / 4];
        SQRT_2 * (middle.iter().map(|value| value * value).sum::<f64>() / float_len(middle.len())).sqrt()
    }

    #[test]
    fn low_frequencies_stay_and_what_would_fold_onto_them_goes() {
        for rate_hz in [500.0, 904.0, 1000.0, 2000.0, 4000.0] {
            let left_hz = rate_hz / float_len(Thin::new(rate_hz).every());
            for hz in [36.0, 50.0, 60.0, 74.0] {
                let (kept, folds) = (gain(hz, rate_hz), gain(left_hz - hz, rate_hz));
                assert!((kept - 1.0).abs() < 0.01, "{hz} of {rate_hz} Hz: {kept}");
                assert!(folds < 1e-3, "{} of {rate_hz} Hz: {folds}", left_hz - hz);
            }
        }
    }

    #[test]
    fn slow_windows_are_left_alone() {
        let window: Vec<f64> = (0..400).map(float_len).collect();
        assert_eq!(Thin::new(200.0).thin(window.iter().copied()), window);
    }
}
