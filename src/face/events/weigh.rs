//! Which part of a cleaned signal tells activity from rest, and what is known of that part beforehand.
//!
//! Facial EMG has its power between about 30 and 250 Hz with a peak near 90 Hz, while rest of electrode and amplifier
//! is flat: the ratio of the two is what a best detector weighs its input with, and a band of these edges is near it.
//! It is taken from the raw signal, for the recording's own chain smears a third of a burst's power over tens of
//! milliseconds (its steep edge at 20 Hz, its notches); here the mains is followed and subtracted instead.

use super::hunt::ENVELOPE_HZ;
use crate::dsp::Section;
use crate::dsp::cascade::Cascade;
use crate::dsp::design::{Band, butterworth};
use crate::dsp::response::group_delay;
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
/// Lines of the mains above this are left to the band's upper edge; the others are followed this closely, Hz.
const LAST_LINE_HZ: f64 = 200.0;
const LINE_WIDTH_HZ: f64 = 1.0;
/// Steps of the spectrum over which a chain's power is averaged.
const STEPS: usize = 500;

/// Sections of the weighting at a rate.
fn sections(rate_hz: f64) -> Vec<Section> {
    let mut sections = butterworth(4, Band::HighPass(BAND_HZ.0), rate_hz);
    if BAND_HZ.1 < USABLE * rate_hz {
        sections.extend(butterworth(2, Band::LowPass(BAND_HZ.1), rate_hz));
    }
    sections
}

/// What the detectors of muscles' own voltages are given, all channels side by side: each channel's band, and the
/// envelope of its clean signal.
#[derive(Clone, Debug)]
pub(super) struct Front {
    /// Channels whose band is that of the raw signal; a rectified one is taken clean and whole.
    raw: Vec<bool>,
    bands: Cascade,
    envelopes: Cascade,
    band: Vec<f64>,
    envelope: Vec<f64>,
}

impl Front {
    /// Before the rate is known.
    pub(super) fn none(channels: usize) -> Self {
        let none = || Cascade::new(&vec![&[] as &[Section]; channels]);
        let raw = vec![false; channels];
        Self { raw, bands: none(), envelopes: none(), band: Vec::new(), envelope: Vec::new() }
    }

    /// For each channel whether it is raw; none where no muscle's own voltage is to be had.
    pub(super) fn new(rate_hz: f64, channels: &[Option<bool>]) -> Self {
        if channels.iter().all(Option::is_none) {
            return Self::none(channels.len());
        }
        let (band, low) = (sections(rate_hz), butterworth(2, Band::LowPass(ENVELOPE_HZ), rate_hz));
        let raw = |channel: &Option<bool>| *channel == Some(true);
        let bands: Vec<&[Section]> =
            channels.iter().map(|channel| if raw(channel) { &band[..] } else { &[] }).collect();
        let envelopes: Vec<&[Section]> =
            channels.iter().map(|channel| if channel.is_some() { &low[..] } else { &[] }).collect();
        Self {
            raw: channels.iter().map(raw).collect(),
            bands: Cascade::new(&bands),
            envelopes: Cascade::new(&envelopes),
            band: Vec::new(),
            envelope: Vec::new(),
        }
    }

    /// A channel's rows begin with this raw and this clean value.
    pub(super) fn begin(&mut self, channel: usize, raw: f64, clean: f64) {
        self.bands.start(channel, raw);
        self.envelopes.start(channel, clean.abs());
    }

    /// Takes the next rows of all channels; of a channel that is missing, nothing until it begins again means anything.
    pub(super) fn run(&mut self, raw: &[f64], clean: &[f32]) {
        self.band.clear();
        self.band.extend_from_slice(raw);
        let width = self.raw.len();
        for channel in (0..width).filter(|&channel| !self.raw[channel]) {
            let clean = clean.iter().skip(channel).step_by(width);
            let band = self.band.iter_mut().skip(channel).step_by(width);
            band.zip(clean).for_each(|(band, clean)| *band = f64::from(*clean));
        }
        self.bands.run(&mut self.band);
        self.envelope.clear();
        self.envelope.extend(clean.iter().map(|clean| f64::from(clean.abs())));
        self.envelopes.run(&mut self.envelope);
    }

    /// Band and envelope of a channel in the rows taken last.
    pub(super) fn rows(&self, channel: usize) -> impl Iterator<Item = (f64, f64)> + '_ {
        let rows = self.band.iter().zip(&self.envelope).skip(channel).step_by(self.raw.len());
        rows.map(|(band, envelope)| (*band, *envelope))
    }

    pub(super) fn save(&self, tape: &mut Tape) {
        for channel in 0..self.raw.len() {
            tape.f64s(self.bands.memory(channel).as_flattened().iter());
            tape.f64s(self.envelopes.memory(channel).as_flattened().iter());
        }
    }

    pub(super) fn load(&mut self, reel: &mut Reel<'_>) -> Option<()> {
        for channel in 0..self.raw.len() {
            for cascade in [&mut self.bands, &mut self.envelopes] {
                let memory: Vec<f64> = reel.f64s()?;
                let memory = memory.as_chunks::<2>().0;
                (memory.len() == cascade.memory(channel).len()).then(|| cascade.recall(channel, memory))?;
            }
        }
        Some(())
    }
}

/// The weighting of one channel behind its band, and what it does to flat noise and to the time of an onset.
#[derive(Clone, Debug)]
pub(super) struct Weighting {
    mains: Vec<Line>,
    /// Independent values in a row: flat noise behind the band carries that much less news than its rows.
    pub(super) news: f64,
    /// Group delay at [`PLACES_HZ`], rows.
    delays: Vec<f64>,
    rate_hz: f64,
}

impl Weighting {
    pub(super) fn new(rate_hz: f64) -> Self {
        let all = sections(rate_hz);
        let places = PLACES_HZ.iter().filter(|&&hz| hz < USABLE * rate_hz);
        let delays = places.map(|&hz| group_delay(&all, hz, rate_hz)).collect();
        let (mut sum, mut squares) = (0.0, 0.0);
        for step in 0..STEPS {
            let power = power(&all, PI * (float_len(step) + 0.5) / float_len(STEPS));
            (sum, squares) = (sum + power, squares + power * power);
        }
        let news = sum * sum / squares / float_len(STEPS);
        Self { mains: Vec::new(), news, delays, rate_hz }
    }

    /// Takes the mains from the notches of the chain that cleans the channel.
    pub(super) fn listen(&mut self, chain: &[Section]) {
        let lines = chain
            .iter()
            .filter_map(notch_angle)
            .filter(|&angle| angle < 2.0 * PI * LAST_LINE_HZ / self.rate_hz);
        let gain = 2.0 * PI * LINE_WIDTH_HZ / self.rate_hz;
        self.mains =
            lines.map(|angle| Line { turn: [angle.cos(), angle.sin()], at: [0.0; 2], gain }).collect();
    }

    /// Takes the mains out of a value of the band. What is learned from it about them is bounded by `limit`: a burst is
    /// not hum.
    #[inline]
    pub(super) fn run(&mut self, y: f64, limit: f64) -> f64 {
        let rest = self.mains.iter_mut().fold(y, |y, line| y - line.turn());
        let news = rest.clamp(-limit, limit);
        self.mains.iter_mut().for_each(|line| line.learn(news));
        rest
    }

    /// Median and spread of the delay of these weighed values, rows: the group delay over their own spectrum. The
    /// median, because an onset is seen when most of it has arrived, not when its slowest part has.
    pub(super) fn delay(&self, values: &[f64]) -> (f64, f64) {
        let weight = |(at, &delay): (usize, &f64)| {
            let hz = PLACES_HZ[at];
            let width = PLACES_HZ.get(at + 1).map_or(60.0, |next| next - hz);
            (delay, width * tone(values, 2.0 * PI * hz / self.rate_hz))
        };
        let mut shares: Vec<(f64, f64)> = self.delays.iter().enumerate().map(weight).collect();
        shares.sort_by(|a, b| a.0.total_cmp(&b.0));
        let sum: f64 = shares.iter().map(|(_, share)| share).sum();
        let quantile = |share: f64| {
            let mut left = share * sum;
            let at = shares.iter().position(|(_, weight)| {
                left -= weight;
                left <= 0.0
            });
            at.map_or(0.0, |at| shares[at].0)
        };
        // A normal distribution's quartiles lie 1.35 standard deviations apart.
        (quantile(0.5), (quantile(0.75) - quantile(0.25)) / 1.35)
    }

    pub(super) fn save(&self, tape: &mut Tape) {
        tape.u64(crate::emg::units::wide(self.mains.len()));
        for Line { turn, at, gain } in &self.mains {
            tape.f64(turn[0]).f64(turn[1]).f64(at[0]).f64(at[1]).f64(*gain);
        }
    }

    pub(super) fn load(&mut self, reel: &mut Reel<'_>) -> Option<()> {
        for _ in 0..reel.u64()? {
            let (turn, at) = ([reel.f64()?, reel.f64()?], [reel.f64()?, reel.f64()?]);
            self.mains.push(Line { turn, at, gain: reel.f64()? });
        }
        Some(())
    }
}

/// One line of the mains as a turning pointer that follows what it hears: a notch so narrow that it hardly rings.
#[derive(Clone, Copy, Debug)]
struct Line {
    turn: [f64; 2],
    at: [f64; 2],
    gain: f64,
}

impl Line {
    /// Its value at the next row.
    #[inline]
    fn turn(&mut self) -> f64 {
        let ([c, s], [x, y]) = (self.turn, self.at);
        self.at = [c * x - s * y, s * x + c * y];
        self.at[0]
    }

    #[inline]
    fn learn(&mut self, news: f64) {
        self.at[0] += self.gain * news;
    }
}

/// The angle that a section takes out altogether, where it does.
fn notch_angle(&[b0, b1, b2, ..]: &Section) -> Option<f64> {
    let cos = -b1 / (2.0 * b0);
    ((b0 - b2).abs() < 1e-9 * b0.abs() && cos.abs() < 0.999_999).then(|| cos.acos())
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
