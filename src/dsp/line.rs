//! Whether the mains hum in a signal, at 50 or at 60 Hz, and how loudly.
//!
//! A sine is told from muscle by three things: it towers over the frequencies beside it, its peak is as narrow as the
//! window allows, and it keeps its phase from one quarter of the window to the next. Sines and cosines are computed here by
//! elementary operations, so that every machine finds the same bits. `face::quality` asks once a second.

pub mod tone;

use super::complex::Complex;
use crate::emg::units::{float_len, length};
use std::f64::consts::TAU;

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
const HARMONIC_BESIDE_HZ: [f64; 6] = [-7.0, -5.0, -3.0, 3.0, 5.0, 7.0];
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
        able.then(|| Self { rate_hz, whole: Window::new(rows), quarter: Window::new(rows / QUARTERS) })
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
        if !window.iter().all(|value| value.is_finite()) {
            return None;
        }
        let mean = window.iter().sum::<f64>() / float_len(window.len());
        let values: Vec<f64> = window.iter().map(|value| value - mean).collect();
        let weighted = self.whole.weigh(&values);
        let [at_50, at_60] = MAINS_HZ.map(about);
        let [mut beside, of_50, of_60] = self.powers_of(&weighted, [&beside(), &at_50, &at_60]);
        let beside = lower_mean(&mut beside);
        let peaks = [self.peak(&weighted, &at_50, &of_50), self.peak(&weighted, &at_60, &of_60)];
        let louder = usize::from(peaks[1].1 > peaks[0].1);
        let (hz, (measured_hz, power)) = (MAINS_HZ[louder], peaks[louder]);
        let limit = (STANDS_OUT * beside).sqrt();
        // What is left of a constant is rounding, whatever towers over it.
        let audible = power > (ROUNDING * mean).powi(2);
        let hums = audible
            && power >= STANDS_OUT * beside
            && self.is_narrow(&weighted, measured_hz, power)
            && self.coherence(&values, measured_hz) >= COHERENT;
        if !hums {
            return Some(Line { hz: None, measured_hz: f64::NAN, rms: 0.0, limit });
        }
        let rms = (power + self.harmonics(&weighted, measured_hz)).sqrt();
        Some(Line { hz: Some(hz), measured_hz, rms, limit })
    }

    /// Mean squares of the sines at these frequencies.
    fn powers(&self, weighted: &[f64], hz: &[f64]) -> Vec<f64> {
        let cycles: Vec<f64> = hz.iter().map(|hz| hz / self.rate_hz).collect();
        let amplitude = std::f64::consts::SQRT_2 / self.whole.sum;
        spectrum(weighted, &cycles).into_iter().map(|bin| square(bin) * amplitude * amplitude).collect()
    }

    /// The same of several lists of frequencies, in one pass over the rows.
    fn powers_of<const LISTS: usize>(&self, weighted: &[f64], lists: [&[f64]; LISTS]) -> [Vec<f64>; LISTS] {
        let powers = self.powers(weighted, &lists.concat());
        let mut rest = &powers[..];
        lists.map(|list| {
            let (its, others) = rest.split_at(list.len());
            rest = others;
            its.to_vec()
        })
    }

    /// Frequency and mean square of the strongest sine among and between frequencies that were tried.
    fn peak(&self, weighted: &[f64], tried: &[f64], powers: &[f64]) -> (f64, f64) {
        let steps = tried.len() - 1;
        let best = (1..steps).max_by(|&a, &b| powers[a].total_cmp(&powers[b])).unwrap_or(steps / 2);
        // A parabola through the three highest bins.
        let (left, top, right) = (powers[best - 1].sqrt(), powers[best].sqrt(), powers[best + 1].sqrt());
        let bend = left - 2.0 * top + right;
        let aside = if bend < 0.0 { (0.5 * (left - right) / bend).clamp(-1.0, 1.0) } else { 0.0 };
        let hz = tried[best] + STEP_HZ * aside;
        let refined = self.powers(weighted, &[hz]).into_iter().fold(0.0, f64::max);
        if refined > powers[best] { (hz, refined) } else { (tried[best], powers[best]) }
    }

    /// Whether a peak is no wider than that of a sine.
    fn is_narrow(&self, weighted: &[f64], hz: f64, power: f64) -> bool {
        let bin_hz = self.rate_hz / float_len(weighted.len());
        let near = NEAR_BINS.map(|bins| hz + bins * bin_hz.max(NEAR_BIN_HZ));
        let flanks: f64 = self.powers(weighted, &near).iter().sum();
        power * float_len(near.len()) >= NARROW * flanks
    }

    /// How well the quarters of the window agree on the phase of a frequency, 0 to 1.
    fn coherence(&self, values: &[f64], hz: f64) -> f64 {
        let rows = self.quarter.weights.len();
        let cycles = hz / self.rate_hz;
        let (mut sum, mut power) = (Complex::new(0.0, 0.0), 0.0);
        for (at, part) in values.chunks_exact(rows).take(QUARTERS).enumerate() {
            for bin in spectrum(&self.quarter.weigh(part), &[cycles]) {
                power += square(bin);
                sum = sum + bin * back(cycles * float_len(at * rows));
            }
        }
        if power > 0.0 { square(sum) / (float_len(QUARTERS) * power) } else { 0.0 }
    }

    /// Mean square of the harmonics that stand out.
    fn harmonics(&self, weighted: &[f64], fundamental_hz: f64) -> f64 {
        let each = HARMONICS.map(|times| f64::from(times) * fundamental_hz);
        let each = each.take_while(|&hz| hz < USABLE * self.rate_hz);
        let tried: Vec<f64> =
            each.flat_map(|hz| std::iter::once(hz).chain(HARMONIC_BESIDE_HZ.map(|off| hz + off))).collect();
        let stands_out = |powers: &mut [f64]| {
            let (power, beside) = powers.split_first_mut()?;
            let beside = lower_mean(beside);
            (*power > HARMONIC_STANDS_OUT * beside).then_some(*power - beside)
        };
        self.powers(weighted, &tried).chunks_mut(1 + HARMONIC_BESIDE_HZ.len()).filter_map(stands_out).sum()
    }
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

    fn weigh(&self, values: &[f64]) -> Vec<f64> {
        values.iter().zip(&self.weights).map(|(value, weight)| value * weight).collect()
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

/// Bins side by side in vector lanes: of many, so many that no lane waits for its last step. Measured: 24 at once take
/// half the time of three times 8.
const FEW: usize = 8;
const MANY: usize = 24;

/// The sums of `values[n] x exp(-2 pi i cycles n)` by the recurrence of Goertzel (1958).
fn spectrum(values: &[f64], cycles: &[f64]) -> Vec<Complex> {
    if cycles.len() <= FEW { sums::<FEW>(values, cycles) } else { sums::<MANY>(values, cycles) }
}

/// The same, so many at a time.
fn sums<const LANES: usize>(values: &[f64], cycles: &[f64]) -> Vec<Complex> {
    let mut out = Vec::with_capacity(cycles.len());
    for some in cycles.chunks(LANES) {
        let (mut twice, mut s1, mut s2) = ([0.0; LANES], [0.0; LANES], [0.0; LANES]);
        twice.iter_mut().zip(some).for_each(|(twice, cycles)| *twice = 2.0 * back(*cycles).re);
        for value in values {
            for lane in 0..LANES {
                let s = value + twice[lane] * s1[lane] - s2[lane];
                s2[lane] = s1[lane];
                s1[lane] = s;
            }
        }
        let last = float_len(values.len().saturating_sub(1));
        out.extend(some.iter().enumerate().map(|(lane, &cycles)| {
            (Complex::from(s1[lane]) - back(cycles) * Complex::from(s2[lane])) * back(cycles * last)
        }));
    }
    out
}

fn square(bin: Complex) -> f64 {
    bin.re * bin.re + bin.im * bin.im
}

/// Terms of the series of sine and cosine; the next is below 1e-16 within an eighth of a turn.
const TERMS: u32 = 9;

/// `exp(-2 pi i cycles)` by elementary operations alone.
fn back(cycles: f64) -> Complex {
    let part = cycles - cycles.round();
    let quarter = (4.0 * part).round();
    let x = TAU * (part - quarter / 4.0);
    // Horner's scheme of both series, from the last term to the first.
    let series = |first: f64, odd: u32| {
        let nest =
            |inner: f64, term: u32| 1.0 - x * x / f64::from((2 * term - 1 + odd) * (2 * term + odd)) * inner;
        first * (1..=TERMS).rev().fold(1.0, nest)
    };
    let (cos, sin) = (series(1.0, 0), series(x, 1));
    match quarter.rem_euclid(4.0) {
        q if q < 0.5 => Complex::new(cos, -sin),
        q if q < 1.5 => Complex::new(-sin, -cos),
        q if q < 2.5 => Complex::new(-cos, sin),
        _ => Complex::new(sin, cos),
    }
}

#[cfg(test)]
mod tests;
