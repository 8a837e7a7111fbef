//! What one second of one channel looks like; a function of its rows, without memory.

use crate::dsp::sum;
use crate::emg::units::{float_len, length};
use crate::emg::{Channel, Kind};

/// Windows in which quiet is looked for, seconds.
const WINDOW_S: f64 = 0.1;
/// Steps of the envelope that channels are compared by, seconds.
const STEP_S: f64 = 0.02;
/// Averages over this are what is slower than about 10 Hz, seconds.
const SLOW_S: f64 = 0.05;
/// Shares of the power that is slower than that: an envelope's at least, a fluctuating signal's at most.
const SLOW: f64 = 0.7;
const FAST: f64 = 0.5;
/// A lopsided and a balanced distribution, by their skewness; half a normal distribution has 1.
const LOPSIDED: f64 = 0.6;
/// How far, in standard deviations, the mean of a rectified signal lies above its end, 1.3 for normal noise, and
/// that of a balanced one at least.
const AT_ITS_END: f64 = 1.7;
const IN_THE_MIDDLE: f64 = 2.0;
/// An envelope rests in the lower part of the range.
const LOW: f64 = 0.4;
/// Quieter than so many steps of the converter, a signal shows no kind.
const SPEAKS: f64 = 3.0;

/// One channel over one second.
#[derive(Clone, Debug)]
pub(super) struct Second<'a> {
    /// As sent, NaN where missing.
    pub(super) raw: &'a [f64],
    /// In the channel's unit.
    pub(super) clean: &'a [f64],
    /// Of the settled rows what a muscle's strength is seen in: the rectified clean signal, an envelope as it is.
    pub(super) active: Vec<f64>,
    /// Rows before this one were not settled.
    pub(super) settled: usize,
    /// The chain that cleaned.
    pub(super) chain: u64,
    pub(super) channel: &'a Channel,
    pub(super) rate_hz: f64,
}

/// Moments of raw values, in raw steps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) mean: f64,
    pub(super) deviation: f64,
    pub(super) skew: f64,
}

impl Second<'_> {
    pub(super) fn has_gap(&self) -> bool {
        self.raw.iter().any(|value| !value.is_finite())
    }

    /// Whether filters were still settling when the second ended.
    pub(super) fn ends_unsettled(&self) -> bool {
        self.settled >= self.raw.len()
    }

    /// Mean of the rectified clean signal, of an envelope the signal's own; NaN where half of it is not settled.
    pub(super) fn level(&self) -> f64 {
        let level = mean(&self.active);
        if !level.is_nan() && 2 * self.active.len() >= self.clean.len() {
            return level;
        }
        let there: Vec<f64> = self.active.iter().copied().filter(|value| value.is_finite()).collect();
        if 2 * there.len() < self.clean.len() { f64::NAN } else { mean(&there) }
    }

    /// Levels of the settled windows of a tenth of a second.
    pub(super) fn windows(&self) -> impl Iterator<Item = f64> + '_ {
        let rows = length(WINDOW_S * self.rate_hz).max(1);
        self.active.chunks_exact(rows).map(mean).filter(|level| level.is_finite())
    }

    /// Rms of the clean signal; NaN where a value is missing or not settled.
    pub(super) fn loudness(&self) -> f64 {
        let squares = sum(&self.active, |value| value * value);
        if self.settled > 0 { f64::NAN } else { (squares / float_len(self.active.len())).sqrt() }
    }

    /// The envelope in steps of 20 ms; none where a value is missing or not settled.
    pub(super) fn steps(&self) -> Option<Vec<f64>> {
        let rows = length(STEP_S * self.rate_hz).max(1);
        let steps: Vec<f64> = self.active.chunks_exact(rows).map(mean).collect();
        (self.settled == 0 && !steps.is_empty() && steps.iter().all(|step| step.is_finite())).then_some(steps)
    }

    /// Moments of the raw values that are there; none without any.
    pub(super) fn shape(&self) -> Option<Shape> {
        if !self.has_gap() {
            return Shape::of(self.raw);
        }
        Shape::of(&self.raw.iter().copied().filter(|value| value.is_finite()).collect::<Vec<_>>())
    }

    /// How far the baseline wandered: range of the means of a tenth of a second, whole cycles of both mains, in the
    /// channel's unit; NaN where a value is missing.
    pub(super) fn wander(&self) -> f64 {
        let rows = length(WINDOW_S * self.rate_hz).max(1);
        let means = self.raw.chunks_exact(rows).map(mean);
        let fold = |(low, high): (f64, f64), mean: f64| {
            if mean.is_nan() { (mean, mean) } else { (low.min(mean), high.max(mean)) }
        };
        let (low, high) = means.fold((f64::INFINITY, f64::NEG_INFINITY), fold);
        (high - low) * self.channel.scale.abs()
    }

    /// What kind of signal this looks like; none where it is too quiet, too slow or between kinds. `step` is the
    /// converter's.
    pub(super) fn kind(&self, shape: &Shape, step: f64) -> Option<Kind> {
        let rows = length(SLOW_S * self.rate_hz);
        if rows < 4 || self.has_gap() || shape.deviation < SPEAKS * step {
            return None;
        }
        let slow: Vec<f64> = self.raw.chunks_exact(rows).map(mean).collect();
        let centre = mean(&slow);
        let slow = sum(&slow, |v| (v - centre) * (v - centre)) / float_len(slow.len());
        let slow = slow / shape.deviation.powi(2);
        let above_end = (shape.mean - shape.low) / shape.deviation;
        let rests_low = match top(self.channel) {
            Some(top) => shape.mean < LOW * top,
            None => shape.low >= 0.0 && shape.skew > LOPSIDED,
        };
        if slow > SLOW && rests_low {
            Some(Kind::Envelope)
        } else if slow < FAST && shape.skew > LOPSIDED && above_end < AT_ITS_END {
            Some(Kind::Rectified)
        } else if slow < FAST && shape.skew.abs() < LOPSIDED && above_end > IN_THE_MIDDLE {
            Some(Kind::Raw)
        } else {
            None
        }
    }
}

impl Shape {
    fn of(values: &[f64]) -> Option<Self> {
        let mean = mean(values);
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for &value in values {
            low = if value < low { value } else { low };
            high = if value > high { value } else { high };
        }
        let moment = |of: fn(f64) -> f64| sum(values, |value| of(value - mean)) / float_len(values.len());
        let deviation = moment(|away| away * away).sqrt();
        let skew = if deviation > 0.0 { moment(|away| away * away * away) / deviation.powi(3) } else { 0.0 };
        (!values.is_empty()).then_some(Self { low, high, mean, deviation, skew })
    }
}

/// The converter's largest count, where its resolution is known.
pub(in crate::face) fn top(channel: &Channel) -> Option<f64> {
    (channel.adc_bits > 0).then(|| f64::from((1_u32 << channel.adc_bits.min(31)) - 1))
}

/// Mean; NaN of nothing.
pub(super) fn mean(values: &[f64]) -> f64 {
    sum(values, |value| value) / float_len(values.len())
}
