//! Where one channel's raw values sit in their range, second by second, for the screen.
//!
//! Pure; `process` feeds it and shows what it says. What is wrong with an electrode is judged in `face::quality`.

use crate::emg::units::float;
use crate::emg::{Channel, Kind};

/// One channel as it stands; numbers that are not known are NaN.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::recorder) struct Standing {
    /// Mean of the envelope over the last second, in the channel's unit.
    pub(in crate::recorder) level: f64,
    /// Mean of the raw signal over the last second, in the channel's unit.
    pub(in crate::recorder) offset: f64,
    /// Share of the converter's range that the last second reached, percent.
    pub(in crate::recorder) range_percent: f64,
}

impl Default for Standing {
    fn default() -> Self {
        Self { level: f64::NAN, offset: f64::NAN, range_percent: f64::NAN }
    }
}

/// What one channel's raw values were like since the last look.
#[derive(Clone, Debug, Default)]
pub(super) struct Electrode {
    rows: u64,
    low: f64,
    high: f64,
    sum: f64,
}

impl Electrode {
    /// One raw value.
    pub(super) fn see(&mut self, value: f64) {
        if self.rows == 0 {
            (self.low, self.high) = (value, value);
        }
        (self.low, self.high) = (self.low.min(value), self.high.max(value));
        self.sum += value;
        self.rows += 1;
    }

    /// Rows since the last look.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// What the values since the last look say, once a second, beside the `level` of the same second.
    pub(super) fn look(&mut self, level: f64, channel: &Channel) -> Standing {
        let mean = self.sum / float(self.rows);
        let offset = (mean - channel.offset) * channel.scale;
        let standing = Standing { level, offset, range_percent: self.range_percent(channel) };
        (self.rows, self.sum) = (0, 0.0);
        standing
    }

    /// A raw signal swings about the middle of the range, others stand on its lower end.
    fn range_percent(&self, channel: &Channel) -> f64 {
        top(channel).map_or(f64::NAN, |top| {
            let middle = top / 2.0;
            let share = if channel.kind == Kind::Raw {
                (self.high - middle).abs().max((middle - self.low).abs()) / middle
            } else {
                self.high / top
            };
            share * 100.0
        })
    }
}

/// The converter's largest count, where its resolution is known.
fn top(channel: &Channel) -> Option<f64> {
    (channel.adc_bits > 0).then(|| f64::from((1_u32 << channel.adc_bits.min(31)) - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channel(kind: Kind) -> Channel {
        Channel { adc_bits: 10, offset: 512.0, scale: 2.0, ..Channel::new("zyg", kind) }
    }

    fn second(electrode: &mut Electrode, channel: &Channel, value: impl Fn(u32) -> f64) -> Standing {
        (0..1000).for_each(|row| electrode.see(value(row)));
        electrode.look(5.0, channel)
    }

    #[test]
    fn a_second_says_where_the_electrode_sits_and_how_far_it_swings() {
        let (raw, mut electrode) = (channel(Kind::Raw), Electrode::default());
        let swing = |row: u32| if row.is_multiple_of(2) { 412.0 } else { 632.0 };
        let standing = second(&mut electrode, &raw, swing);
        assert!((standing.offset - 20.0).abs() < 1e-9, "{standing:?}");
        assert!((standing.range_percent - (632.0 - 511.5) / 5.115).abs() < 1e-9, "{standing:?}");
        let rests = second(&mut electrode, &channel(Kind::Envelope), |row| f64::from(row % 2) * 102.3);
        assert!((rests.range_percent - 10.0).abs() < 1e-9, "an envelope rests at the lower end: {rests:?}");
        let unknown = Channel { adc_bits: 0, ..raw };
        assert!(second(&mut electrode, &unknown, swing).range_percent.is_nan());
    }
}
