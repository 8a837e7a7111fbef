//! Whether the mains hum in a signal, at 50 or at 60 Hz, and how loudly.
//!
//! A sine is told from muscle by three things: it towers over the frequencies beside it, its peak is as narrow as the
//! window allows, and it keeps its phase from one quarter of the window to the next. It is looked for in a window that is
//! thinned out (`thin`), bin by bin (`goertzel`). `face::quality` asks once a second.

mod goertzel;
mod thin;
pub mod tone;

use super::complex::Complex;
use super::sum;
use crate::emg::units::{float_len, length};
pub(super) use goertzel::back;
use goertzel::{Bin, goertzel, spectrum};
use thin::Thin;

/// The mains of this world, Hz.
pub const MAINS_HZ: [f64; 2] = [50.0, 60.0];
/// A window is at least so long, seconds; two seconds are what the thresholds were measured with.
pub const SHORTEST_S: f64 = 1.0;
/// Least rows per second: the frequencies beside 60 Hz must lie below half of it.
pub const SLOWEST_HZ: f64 = 160.0;

/// Mains are looked for this far from their nominal frequency: grids stray by 0.2 Hz, boards' clocks by a percent.
const ASTRAY_HZ: f64 = 1.0;
/// ... in steps well inside the width of a bin of two seconds.
const STEP_HZ: f64 = 0.2;
/// Frequencies that tell what is no mains: between these, in such steps, none nearer than this to 50 and 60 Hz.
const BESIDE_HZ: (f64, f64) = (38.5, 72.0);
const BESIDE_STEP_HZ: f64 = 0.5;
const APART_HZ: f64 = 3.0;
/// Of these the loudest quarter does not count: another machine may sing there.
const COUNTED: f64 = 0.75;
/// So many times the power beside it is no chance any more. Measured: `tests`.
const STANDS_OUT: f64 = 36.0;
/// A sine towers so many times over its flanks: these bins beside its own, of windows of two seconds or shorter.
const NARROW: f64 = 12.0;
const NEAR_BINS: [f64; 4] = [-4.0, -3.0, 3.0, 4.0];
const NEAR_BIN_HZ: f64 = 0.5;
/// Share of the power of the four quarters that is left when they are added in phase: 1 for a sine, 1/4 for a burst
/// that fills one of them.
const COHERENT: f64 = 0.75;
/// Share of a constant that is rounding.
const ROUNDING: f64 = 1e-12;
const QUARTERS: usize = 4;
/// Harmonics that are added, where they stand out of what lies this far beside them.
const HARMONICS: std::ops::RangeInclusive<u32> = 2..=8;
const HARMONIC_BESIDE_HZ: [f64; 4] = [-6.0, -4.0, 4.0, 6.0];
const HARMONIC_STANDS_OUT: f64 = 8.0;
/// Share of the rate up to which a harmonic is believed to be no image of another frequency.
const USABLE: f64 = 0.45;

/// What the mains do in a window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// 50 or 60; none where no hum stands out.
    pub hz: Option<f64>,
    /// Its frequency as measured against the rate of the rows, Hz; NaN for none.
    pub measured_hz: f64,
    /// Rms of the fundamental and of the harmonics that stand out, in the unit of the values; 0 for none.
    pub rms: f64,
    /// Rms from which on a fundamental would have been found in this window.
    pub limit: f64,
}

/// Looks for the mains in windows of one length; keeps what depends on the length and the rate alone.
#[derive(Clone, Debug)]
pub struct Listener {
    rate_hz: f64,
    whole: Window,
    quarter: Window,
    thin: Thin,
    /// Frequencies tried about each of the mains, Hz.
    about: [Vec<f64>; 2],
    /// Bins beside the mains, then those about each.
    bins: Vec<Bin>,
}

/// Looks for the mains in one window; none where it is shorter than a second, slower than 160 rows per second, or
/// not finite throughout.
#[must_use]
pub fn identify(window: &[f64], rate_hz: f64) -> Option<Line> {
    Listener::new(window.len(), rate_hz)?.identify(window)
}

impl Listener {
    /// A listener for windows of so many rows; none where they are too short or the rate is too low.
    #[must_use]
    pub fn new(rows: usize, rate_hz: f64) -> Option<Self> {
        let long = rows >= length(SHORTEST_S * rate_hz).max(QUARTERS);
        let able = rate_hz.is_finite() && rate_hz >= SLOWEST_HZ && long;
        able.then(|| {
            let thin = Thin::new(rate_hz);
            let about = MAINS_HZ.map(about);
            let left_hz = rate_hz / float_len(thin.every());
            let bin = |hz: &f64| Bin::new(hz / left_hz, rows.div_ceil(thin.every()));
            let bins = beside().iter().chain(about.iter().flatten()).map(bin).collect();
            Self {
                rate_hz,
                whole: Window::new(rows),
                quarter: Window::new(rows / QUARTERS),
                thin,
                about,
                bins,
            }
        })
    }

    /// Rows of its windows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.whole.weights.len()
    }

    /// Looks for the mains; none where a value is missing.
    ///
    /// # Panics
    /// When the window has another length than the listener is for.
    #[must_use]
    pub fn identify(&self, window: &[f64]) -> Option<Line> {
        assert!(window.len() == self.rows(), "a listener hears windows of its own length");
        let mean = sum(window, |value| value) / float_len(window.len());
        if !mean.is_finite() {
            return None;
        }
        let low = self.thin.thin(self.whole.weigh(window, mean));
        let low = Weighted { rows: &low, every: self.thin.every() };
        let mut powers = self.powers(low, &self.bins);
        let (beside, about) =
            powers.split_at_mut(self.bins.len() - self.about[0].len() - self.about[1].len());
        let (of_50, of_60) = about.split_at(self.about[0].len());
        let beside = lower_mean(beside);
        let peaks = [self.peak(low, &self.about[0], of_50), self.peak(low, &self.about[1], of_60)];
        let louder = usize::from(peaks[1].1 > peaks[0].1);
        let (hz, (measured_hz, power)) = (MAINS_HZ[louder], peaks[louder]);
        let limit = (STANDS_OUT * beside).sqrt();
        // What is left of a constant is rounding, whatever towers over it.
        let audible = power > (ROUNDING * mean).powi(2);
        let hums = audible
            && power >= STANDS_OUT * beside
            && self.is_narrow(low, measured_hz, power)
            && self.coherence(window, mean, measured_hz) >= COHERENT;
        if !hums {
            return Some(Line { hz: None, measured_hz: f64::NAN, rms: 0.0, limit });
        }
        let rms = (power + self.harmonics(window, mean, measured_hz)).sqrt();
        Some(Line { hz: Some(hz), measured_hz, rms, limit })
    }

    /// Mean squares of the sines in these bins.
    fn powers(&self, weighted: Weighted<'_>, bins: &[Bin]) -> Vec<f64> {
        let amplitude = std::f64::consts::SQRT_2 * float_len(weighted.every) / self.whole.sum;
        spectrum(weighted.rows, bins).into_iter().map(|bin| square(bin) * amplitude * amplitude).collect()
    }

    /// The same at frequencies that are not known beforehand.
    fn powers_at(&self, weighted: Weighted<'_>, hz: &[f64]) -> Vec<f64> {
        let left_hz = self.rate_hz / float_len(weighted.every);
        let bins: Vec<Bin> = hz.iter().map(|hz| Bin::new(hz / left_hz, weighted.rows.len())).collect();
        self.powers(weighted, &bins)
    }

    /// Frequency and mean square of the strongest sine among and between frequencies that were tried.
    fn peak(&self, weighted: Weighted<'_>, tried: &[f64], powers: &[f64]) -> (f64, f64) {
        let steps = tried.len() - 1;
        let best = (1..steps).max_by(|&a, &b| powers[a].total_cmp(&powers[b])).unwrap_or(steps / 2);
        // A parabola through the three highest bins.
        let (left, top, right) = (powers[best - 1].sqrt(), powers[best].sqrt(), powers[best + 1].sqrt());
        let bend = left - 2.0 * top + right;
        let aside = if bend < 0.0 { (0.5 * (left - right) / bend).clamp(-1.0, 1.0) } else { 0.0 };
        let hz = tried[best] + STEP_HZ * aside;
        let refined = self.powers_at(weighted, &[hz]).into_iter().fold(0.0, f64::max);
        if refined > powers[best] { (hz, refined) } else { (tried[best], powers[best]) }
    }

    /// Whether a peak is no wider than that of a sine.
    fn is_narrow(&self, weighted: Weighted<'_>, hz: f64, power: f64) -> bool {
        let bin_hz = self.rate_hz / float_len(self.rows());
        let near = NEAR_BINS.map(|bins| hz + bins * bin_hz.max(NEAR_BIN_HZ));
        let flanks: f64 = self.powers_at(weighted, &near).iter().sum();
        power * float_len(near.len()) >= NARROW * flanks
    }

    /// How well the quarters of the window agree on the phase of a frequency, 0 to 1.
    fn coherence(&self, window: &[f64], mean: f64, hz: f64) -> f64 {
        let rows = self.quarter.weights.len();
        let cycles = hz / self.rate_hz;
        let quarter = |at: usize| self.quarter.weigh(&window[at * rows..], mean);
        let mut weighted = vec![[0.0; QUARTERS]; rows];
        for at in 0..QUARTERS {
            weighted.iter_mut().zip(quarter(at)).for_each(|(row, value)| row[at] = value);
        }
        let bin = Bin::new(cycles, rows);
        let (mut sum, mut power) = (Complex::new(0.0, 0.0), 0.0);
        for (at, part) in goertzel(&weighted, &[bin; QUARTERS]).into_iter().enumerate() {
            power += square(part);
            sum = sum + part * back(cycles * float_len(at * rows));
        }
        if power > 0.0 { square(sum) / (float_len(QUARTERS) * power) } else { 0.0 }
    }

    /// Mean square of the harmonics that stand out.
    fn harmonics(&self, window: &[f64], mean: f64, fundamental_hz: f64) -> f64 {
        let each = HARMONICS.map(|times| f64::from(times) * fundamental_hz);
        let each = each.take_while(|&hz| hz < USABLE * self.rate_hz);
        let tried: Vec<f64> =
            each.flat_map(|hz| std::iter::once(hz).chain(HARMONIC_BESIDE_HZ.map(|off| hz + off))).collect();
        let stands_out = |powers: &mut [f64]| {
            let (power, beside) = powers.split_first_mut()?;
            let beside = lower_mean(beside);
            (*power > HARMONIC_STANDS_OUT * beside).then_some(*power - beside)
        };
        let weighted: Vec<f64> = self.whole.weigh(window, mean).collect();
        let all = Weighted { rows: &weighted, every: 1 };
        self.powers_at(all, &tried).chunks_mut(1 + HARMONIC_BESIDE_HZ.len()).filter_map(stands_out).sum()
    }
}

/// A window under its weights, of which every so many rows are left.
#[derive(Clone, Copy, Debug)]
struct Weighted<'a> {
    rows: &'a [f64],
    every: usize,
}

/// Hann weights of a window.
#[derive(Clone, Debug)]
struct Window {
    weights: Vec<f64>,
    sum: f64,
}

impl Window {
    fn new(rows: usize) -> Self {
        let share = |row: usize| 0.5 - 0.5 * back((float_len(row) + 0.5) / float_len(rows)).re;
        let weights: Vec<f64> = (0..rows).map(share).collect();
        let sum = weights.iter().sum();
        Self { weights, sum }
    }

    fn weigh(&self, values: &[f64], mean: f64) -> impl Iterator<Item = f64> {
        values.iter().zip(&self.weights).map(move |(value, weight)| (value - mean) * weight)
    }
}

/// Frequencies about a nominal one.
fn about(nominal_hz: f64) -> Vec<f64> {
    let steps = length(2.0 * ASTRAY_HZ / STEP_HZ);
    (0..=steps).map(|step| nominal_hz - ASTRAY_HZ + STEP_HZ * float_len(step)).collect()
}

/// Frequencies whose power tells what is no mains.
fn beside() -> Vec<f64> {
    let (low, high) = BESIDE_HZ;
    let all = (0..=length((high - low) / BESIDE_STEP_HZ)).map(|step| low + BESIDE_STEP_HZ * float_len(step));
    all.take_while(|hz| *hz <= high)
        .filter(|hz| MAINS_HZ.iter().all(|mains| (hz - mains).abs() >= APART_HZ))
        .collect()
}

/// Mean of the values but the greatest quarter.
fn lower_mean(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let counted = length(COUNTED * float_len(values.len())).max(1).min(values.len());
    values[..counted].iter().sum::<f64>() / float_len(counted.max(1))
}

fn square(bin: Complex) -> f64 {
    bin.re * bin.re + bin.im * bin.im
}

#[cfg(test)]
mod tests;
