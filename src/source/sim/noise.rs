//! Randomness and the textures made of it: the voice of a muscle, drift, mains hum.
//!
//! Every purpose of every channel draws from a stream of its own, so that one more artefact, channel or
//! expression never changes the noise of another.

use crate::emg::units::{float, length, wide};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use std::f64::consts::{PI, TAU};

/// What a stream of random numbers is for.
#[derive(Clone, Copy)]
#[repr(u8)]
pub(super) enum Purpose {
    Voice = 1,
    Electronics,
    Drift,
    Hum,
    MotionGain,
    Expressions,
    Blink,
    Swallow,
    Speech,
    Motion,
    Electrode,
    Sitting,
    Effort,
    Tempo,
    Performance,
}

/// The stream for one purpose of one channel (0 for purposes of the whole face).
pub(super) fn stream(seed: u64, purpose: Purpose, channel: usize) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream((u64::from(purpose as u8) << 32) | wide(channel));
    rng
}

/// White noise of standard deviation 1.
pub(super) struct White(pub(super) ChaCha8Rng);

impl White {
    #[inline]
    pub(super) fn next(&mut self) -> f64 {
        self.0.sample(StandardNormal)
    }
}

/// A first-order low-pass or high-pass by the bilinear transform, exact at its corner.
#[derive(Clone, Copy)]
pub(super) struct OnePole {
    feed: f64,
    feed_last: f64,
    back: f64,
    x: f64,
    y: f64,
}

impl OnePole {
    pub(super) fn low_pass(corner_hz: f64, rate_hz: f64) -> Self {
        let k = (PI * corner_hz / rate_hz).tan();
        Self { feed: k / (1.0 + k), feed_last: k / (1.0 + k), back: (1.0 - k) / (1.0 + k), x: 0.0, y: 0.0 }
    }

    pub(super) fn high_pass(corner_hz: f64, rate_hz: f64) -> Self {
        let k = (PI * corner_hz / rate_hz).tan();
        Self {
            feed: 1.0 / (1.0 + k),
            feed_last: -1.0 / (1.0 + k),
            back: (1.0 - k) / (1.0 + k),
            x: 0.0,
            y: 0.0,
        }
    }

    #[inline]
    pub(super) fn feed(&mut self, x: f64) -> f64 {
        self.y = self.feed * x + self.feed_last * self.x + self.back * self.y;
        self.x = x;
        self.y
    }
}

/// Lower and upper corner of the muscle's spectrum.
const CORNERS_HZ: (f64, f64) = (60.0, 120.0);
/// Below this rate both corners shrink with it, as behind an anti-aliasing filter.
const FULL_BAND_RATE_HZ: f64 = 400.0;

/// The interference pattern of one muscle at unit rms: white noise through two high-passes at 60 Hz and two
/// low-passes at 120 Hz, so that the amplitude goes as f^2/(f^2+60^2) x 120^2/(f^2+120^2) with its peak at 85 Hz.
pub(super) struct Voice {
    white: White,
    stages: [OnePole; 4],
    gain: f64,
}

impl Voice {
    pub(super) fn new(rng: ChaCha8Rng, rate_hz: f64) -> Self {
        let shrink = (rate_hz / FULL_BAND_RATE_HZ).min(1.0);
        let high = OnePole::high_pass(CORNERS_HZ.0 * shrink, rate_hz);
        let low = OnePole::low_pass(CORNERS_HZ.1 * shrink, rate_hz);
        let fresh = [high, high, low, low];
        // All stages forget within a few periods of the lower corner; ten of them are all of the energy.
        let memory = length(10.0 * rate_hz / (CORNERS_HZ.0 * shrink));
        let mut probe = fresh;
        let energy: f64 =
            (0..memory).map(|at| through(&mut probe, if at == 0 { 1.0 } else { 0.0 }).powi(2)).sum();
        let mut voice = Self { white: White(rng), stages: fresh, gain: energy.sqrt().recip() };
        for _ in 0..memory {
            voice.next();
        }
        voice
    }

    #[inline]
    pub(super) fn next(&mut self) -> f64 {
        self.gain * through(&mut self.stages, self.white.next())
    }
}

#[inline]
fn through(stages: &mut [OnePole; 4], x: f64) -> f64 {
    stages.iter_mut().fold(x, |x, stage| stage.feed(x))
}

/// A slowly wandering electrode potential: white noise through two equal leaky integrators.
pub(super) struct Drift {
    white: White,
    keep: f64,
    gain: f64,
    inner: f64,
    outer: f64,
}

/// Corner of both integrators.
const DRIFT_HZ: f64 = 0.1;

impl Drift {
    pub(super) fn new(rng: ChaCha8Rng, rate_hz: f64, rms_uv: f64) -> Self {
        let keep = (-TAU * DRIFT_HZ / rate_hz).exp();
        // Variance of white noise through 1/(1 - a z^-1)^2 is (1 + a^2)/(1 - a^2)^3.
        let gain = rms_uv * ((1.0 - keep * keep).powi(3) / (1.0 + keep * keep)).sqrt();
        Self { white: White(rng), keep, gain, inner: 0.0, outer: 0.0 }
    }

    #[inline]
    pub(super) fn next(&mut self) -> f64 {
        self.inner = self.keep * self.inner + self.white.next();
        self.outer = self.keep * self.outer + self.inner;
        self.gain * self.outer
    }
}

/// Harmonics of the mains in the hum, with their shares of the fundamental.
const HARMONICS: [(f64, f64); 4] = [(1.0, 1.0), (2.0, 0.15), (3.0, 0.35), (5.0, 0.15)];

/// The mains as a sine and a cosine per harmonic, computed once per row for all channels.
pub(super) struct Mains {
    /// Cycles per row of each harmonic below half the rate.
    cycles: Vec<f64>,
    now: Vec<(f64, f64)>,
}

/// How one channel hears the mains: amplitude of sine and cosine per harmonic, microvolts.
pub(super) struct Hum(Vec<(f64, f64)>);

impl Mains {
    /// Harmonics that the rate cannot carry are left out.
    pub(super) fn new(line_hz: f64, rate_hz: f64) -> Self {
        let cycles: Vec<_> =
            HARMONICS.iter().map(|(times, _)| times * line_hz / rate_hz).filter(|c| *c < 0.5).collect();
        Self { now: vec![(0.0, 0.0); cycles.len()], cycles }
    }

    pub(super) fn at(&mut self, row: u64) {
        for (now, cycles) in self.now.iter_mut().zip(&self.cycles) {
            *now = ((float(row) * cycles).fract() * TAU).sin_cos();
        }
    }

    #[inline]
    pub(super) fn in_channel(&self, hum: &Hum) -> f64 {
        self.now.iter().zip(&hum.0).map(|((sin, cos), (a, b))| a * sin + b * cos).sum()
    }
}

impl Hum {
    /// Peak `uv` of the fundamental, times a coupling of 0.5 to 1.5 that differs between channels.
    pub(super) fn new(mut rng: ChaCha8Rng, uv: f64) -> Self {
        let coupling = rng.random_range(0.5..1.5);
        let part = |(_, share): &(f64, f64)| {
            let (sin, cos) = rng.random_range(0.0..TAU).sin_cos();
            (uv * coupling * share * cos, uv * coupling * share * sin)
        };
        Self(HARMONICS.iter().map(part).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rms(values: impl Iterator<Item = f64>) -> f64 {
        let (n, sum) = values.fold((0.0, 0.0), |(n, sum), x| (n + 1.0, sum + x * x));
        (sum / n).sqrt()
    }

    #[test]
    fn a_voice_has_unit_rms_at_every_rate() {
        for rate in [20.0, 200.0, 1000.0, 4000.0] {
            let mut voice = Voice::new(stream(1, Purpose::Voice, 0), rate);
            let level = rms((0..100_000).map(|_| voice.next()));
            assert!((level - 1.0).abs() < 0.03, "{rate} Hz: {level}");
        }
    }

    #[test]
    fn drift_has_the_rms_asked_for_and_hardly_moves_within_a_millisecond() {
        let mut drift = Drift::new(stream(1, Purpose::Drift, 0), 1000.0, 10.0);
        let values: Vec<_> = (0..1_000_000).map(|_| drift.next()).collect();
        let level = rms(values.iter().copied());
        assert!((5.0..15.0).contains(&level), "{level}");
        assert!(rms(values.windows(2).map(|w| w[1] - w[0])) < 0.05);
    }

    #[test]
    fn harmonics_above_half_the_rate_are_not_folded_back() {
        assert_eq!(Mains::new(50.0, 1000.0).cycles.len(), 4);
        assert_eq!(Mains::new(50.0, 250.0).cycles.len(), 2);
        assert!(Mains::new(50.0, 80.0).cycles.is_empty());
    }
}
