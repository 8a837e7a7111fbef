//! Which part of a cleaned signal tells activity from rest, and what is known of that part beforehand.
//!
//! Facial EMG has its power between about 30 and 250 Hz with a peak near 90 Hz, while rest of electrode and amplifier
//! is flat: the ratio of the two is what a best detector weighs its input with, and a band of these edges is near it.
//! Two poles at each edge keep it quick: 2-5 ms.

use crate::dsp::design::{Band, butterworth};
use crate::dsp::response::group_delay;
use crate::dsp::{Memory, Section};
use crate::emg::units::float_len;
use crate::face::state::{Reel, Tape};
use std::f64::consts::PI;

/// Edges of the weighting band, Hz.
const BAND_HZ: (f64, f64) = (30.0, 250.0);
/// The upper edge is used where it lies below this share of the rate.
const USABLE: f64 = 0.4;
/// Below this rate, rows/s, no EMG is left to weigh.
pub(super) const SLOWEST_HZ: f64 = 120.0;
/// Where delays are known, Hz.
const PLACES_HZ: [f64; 14] =
    [25.0, 35.0, 45.0, 60.0, 75.0, 90.0, 110.0, 130.0, 160.0, 190.0, 230.0, 280.0, 340.0, 410.0];
/// Steps of the spectrum over which a chain's power is averaged.
const STEPS: usize = 500;

/// One second-order section, direct form II transposed.
#[derive(Clone, Debug)]
pub(super) struct Biquad {
    section: Section,
    memory: Memory,
}

impl Biquad {
    pub(super) fn new(section: Section) -> Self {
        Self { section, memory: [0.0; 2] }
    }

    #[inline]
    pub(super) fn run(&mut self, x: f64) -> f64 {
        let [b0, b1, b2, _, a1, a2] = self.section;
        let y = self.memory[0] + b0 * x;
        self.memory = [self.memory[1] + b1 * x - a1 * y, b2 * x - a2 * y];
        y
    }

    /// Takes the state that a constant input of `x` leads to; gives the constant output.
    pub(super) fn start(&mut self, x: f64) -> f64 {
        let [b0, b1, b2, _, a1, a2] = self.section;
        let y = x * (b0 + b1 + b2) / (1.0 + a1 + a2);
        self.memory = [y - b0 * x, b2 * x - a2 * y];
        y
    }

    pub(super) fn save(&self, tape: &mut Tape) {
        tape.f64(self.memory[0]).f64(self.memory[1]);
    }

    pub(super) fn load(&mut self, reel: &mut Reel<'_>) -> Option<()> {
        self.memory = [reel.f64()?, reel.f64()?];
        Some(())
    }
}

/// Sections of the weighting at a rate.
pub(super) fn sections(rate_hz: f64) -> Vec<Section> {
    let mut sections = butterworth(2, Band::HighPass(BAND_HZ.0), rate_hz);
    if BAND_HZ.1 < USABLE * rate_hz {
        sections.extend(butterworth(2, Band::LowPass(BAND_HZ.1), rate_hz));
    }
    sections
}

/// What a chain and the weighting behind it do to flat noise and to the time of an onset.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Model {
    /// The chain.
    pub(super) chain: u32,
    /// Independent values in a row: flat noise through chain and weighting carries that much less news than its rows.
    pub(super) news: f64,
    /// Group delay of chain and weighting at [`PLACES_HZ`], rows.
    delays: Vec<f64>,
}

impl Model {
    /// Of a chain's sections at a rate.
    pub(super) fn new(chain: u32, before: &[Section], rate_hz: f64) -> Self {
        let all = [before, &sections(rate_hz)].concat();
        let places = PLACES_HZ.iter().filter(|&&hz| hz < USABLE * rate_hz);
        let delays = places.map(|&hz| group_delay(&all, hz, rate_hz)).collect();
        let (mut sum, mut squares) = (0.0, 0.0);
        for step in 0..STEPS {
            let power = power(&all, PI * (float_len(step) + 0.5) / float_len(STEPS));
            (sum, squares) = (sum + power, squares + power * power);
        }
        Self { chain, news: sum * sum / squares / float_len(STEPS), delays }
    }

    /// Where nothing is known of any chain.
    pub(super) fn unknown() -> Self {
        Self { chain: 0, news: 1.0, delays: Vec::new() }
    }

    /// Mean and spread of the delay of these weighed values, rows: the group delay averaged over their own spectrum.
    pub(super) fn delay(&self, values: &[f64], rate_hz: f64) -> (f64, f64) {
        let (mut sum, mut first, mut second) = (0.0, 0.0, 0.0);
        for (at, (&hz, &delay)) in PLACES_HZ.iter().zip(&self.delays).enumerate() {
            let width = PLACES_HZ.get(at + 1).map_or(60.0, |next| next - hz);
            let weight = width * tone(values, 2.0 * PI * hz / rate_hz);
            (sum, first, second) = (sum + weight, first + weight * delay, second + weight * delay * delay);
        }
        if sum > 0.0 {
            let mean = first / sum;
            (mean, (second / sum - mean * mean).max(0.0).sqrt())
        } else {
            (0.0, 0.0)
        }
    }

    pub(super) fn save(&self, tape: &mut Tape) {
        tape.u64(u64::from(self.chain)).f64(self.news).f64s(self.delays.iter());
    }

    pub(super) fn load(reel: &mut Reel<'_>) -> Option<Self> {
        Some(Self { chain: u32::try_from(reel.u64()?).ok()?, news: reel.f64()?, delays: reel.f64s()? })
    }
}

/// Power gain of sections at an angle of 0 to pi.
fn power(sections: &[Section], angle: f64) -> f64 {
    let size = |c0: f64, c1: f64, c2: f64| {
        let re = c0 + c1 * angle.cos() + c2 * (2.0 * angle).cos();
        let im = c1 * angle.sin() + c2 * (2.0 * angle).sin();
        re * re + im * im
    };
    sections.iter().map(|&[b0, b1, b2, a0, a1, a2]| size(b0, b1, b2) / size(a0, a1, a2)).product()
}

/// Power of values at an angle per row (Goertzel 1958).
fn tone(values: &[f64], angle: f64) -> f64 {
    let twice = 2.0 * angle.cos();
    let (one, two) = values.iter().fold((0.0, 0.0), |(one, two), x| (x + twice * one - two, one));
    one * one + two * two - twice * one * two
}
