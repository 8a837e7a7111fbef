//! What the raw values of the last second, and the levels of the last minute, say of one channel's electrodes.
//!
//! Pure; `process` feeds it and shows what it says. An envelope sensor's own rail lies below the converter's and is
//! not known here.

use crate::emg::units::float;
use crate::emg::{Channel, Kind};
use std::collections::VecDeque;

/// Values at a rail for this long in the last second are saturation.
const SATURATED_S: f64 = 0.05;
/// The floor is the lowest of so many seconds.
const FLOOR_SECONDS: usize = 60;

/// One channel as it stands; numbers that are not known are NaN.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::recorder) struct Standing {
    /// Mean of the envelope over the last second, in the channel's unit.
    pub(in crate::recorder) level: f64,
    /// Lowest level of the last minute, in the channel's unit.
    pub(in crate::recorder) floor: f64,
    /// Mean of the raw signal over the last second, in the channel's unit.
    pub(in crate::recorder) offset: f64,
    /// Share of the converter's range that the last second reached, percent.
    pub(in crate::recorder) range_percent: f64,
    /// All values of the last second were one and the same.
    pub(in crate::recorder) flat: bool,
    /// The last second was at a rail for longer than 50 ms.
    pub(in crate::recorder) saturated: bool,
}

impl Default for Standing {
    fn default() -> Self {
        let unknown = f64::NAN;
        Self {
            level: unknown,
            floor: unknown,
            offset: unknown,
            range_percent: unknown,
            flat: false,
            saturated: false,
        }
    }
}

impl Standing {
    /// The flags of a screen.
    pub(in crate::recorder) fn flags(&self) -> Vec<String> {
        let flags = [(self.flat, "flat"), (self.saturated, "saturated")];
        flags.into_iter().filter(|(is, _)| *is).map(|(_, word)| word.to_owned()).collect()
    }
}

/// What one channel's raw values were like since the last look.
#[derive(Clone, Debug, Default)]
pub(super) struct Electrode {
    rows: u64,
    clipped: u64,
    low: f64,
    high: f64,
    sum: f64,
    /// Levels of the last minute, one for each second.
    levels: VecDeque<f64>,
}

impl Electrode {
    /// One raw value.
    pub(super) fn see(&mut self, value: f64, channel: &Channel) {
        if self.rows == 0 {
            (self.low, self.high) = (value, value);
        }
        (self.low, self.high) = (self.low.min(value), self.high.max(value));
        self.sum += value;
        self.rows += 1;
        // Where the converter's range is not known, nothing is called saturated; a signal that was rectified rests
        // at the lower end.
        let at_rail = |top| value >= top || value <= 0.0 && channel.kind == Kind::Raw;
        self.clipped += u64::from(top(channel).is_some_and(at_rail));
    }

    /// Rows since the last look.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// What the values since the last look say, once a second; `level` is that of the same second, none while the
    /// filters settle.
    pub(super) fn look(&mut self, level: Option<f64>, channel: &Channel, rate_hz: f64) -> Standing {
        self.levels.extend(level.filter(|level| level.is_finite()));
        self.levels.drain(..self.levels.len().saturating_sub(FLOOR_SECONDS));
        let mean = self.sum / float(self.rows);
        // A trigger line stands still, and stands at its rails, until something happens.
        let judged = channel.kind != Kind::Trigger && channel.kind != Kind::Aux;
        let flat = judged && self.low >= self.high;
        let saturated = judged && !flat && float(self.clipped) >= (SATURATED_S * rate_hz).max(2.0);
        let standing = Standing {
            level: f64::NAN,
            floor: self.levels.iter().copied().fold(f64::NAN, f64::min),
            offset: (mean - channel.offset) * channel.scale,
            range_percent: self.range_percent(channel),
            flat,
            saturated,
        };
        (self.rows, self.clipped, self.sum) = (0, 0, 0.0);
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

    /// Other filters give other levels.
    pub(super) fn forget_levels(&mut self) {
        self.levels.clear();
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

    fn second(
        electrode: &mut Electrode,
        channel: &Channel,
        value: impl Fn(u32) -> f64,
        level: f64,
    ) -> Standing {
        (0..1000).for_each(|row| electrode.see(value(row), channel));
        electrode.look(Some(level), channel, 1000.0)
    }

    #[test]
    fn a_second_says_where_the_electrode_sits_and_how_far_it_swings() {
        let (raw, mut electrode) = (channel(Kind::Raw), Electrode::default());
        let swing = |row: u32| if row.is_multiple_of(2) { 412.0 } else { 632.0 };
        let standing = second(&mut electrode, &raw, swing, 5.0);
        assert!((standing.offset - 20.0).abs() < 1e-9, "{standing:?}");
        assert!((standing.range_percent - (632.0 - 511.5) / 5.115).abs() < 1e-9, "{standing:?}");
        assert!(standing.flags().is_empty());
        let unknown = Channel { adc_bits: 0, ..raw };
        assert!(second(&mut electrode, &unknown, swing, 5.0).range_percent.is_nan());
    }

    #[test]
    fn fifty_milliseconds_at_a_rail_are_saturation_and_a_still_line_is_flat() {
        let (raw, mut electrode) = (channel(Kind::Raw), Electrode::default());
        let clipped = |rows: u32| move |row: u32| if row < rows { 1023.0 } else { 500.0 };
        assert!(second(&mut electrode, &raw, clipped(49), 1.0).flags().is_empty());
        assert_eq!(second(&mut electrode, &raw, clipped(50), 1.0).flags(), ["saturated"]);
        assert_eq!(second(&mut electrode, &raw, |_| 0.0, 1.0).flags(), ["flat"]);
        let (trigger, envelope) = (channel(Kind::Trigger), channel(Kind::Envelope));
        assert!(second(&mut electrode, &trigger, |_| 0.0, 1.0).flags().is_empty());
        let rest = |row: u32| f64::from(row / 900);
        assert!(second(&mut electrode, &envelope, rest, 1.0).flags().is_empty(), "it rests at the lower end");
    }

    #[test]
    fn the_floor_is_the_lowest_level_of_the_last_minute() {
        let (raw, mut electrode) = (channel(Kind::Raw), Electrode::default());
        let floors: Vec<f64> = (0..130)
            .map(|at| second(&mut electrode, &raw, f64::from, if at == 3 { 0.5 } else { 2.0 }).floor)
            .collect();
        assert!(
            (floors[0] - 2.0).abs() < 1e-9
                && (floors[62] - 0.5).abs() < 1e-9
                && (floors[63] - 2.0).abs() < 1e-9
        );
        assert!((second(&mut electrode, &raw, f64::from, f64::NAN).floor - 2.0).abs() < 1e-9);
        electrode.forget_levels();
        assert!(second(&mut electrode, &raw, f64::from, f64::NAN).floor.is_nan());
    }
}
