//! The last minute in steps of a second: the level of each channel, and how fast bytes are written.

use crate::emg::units;
use crate::session::Snapshot;
use std::collections::VecDeque;

/// Seconds kept.
pub(crate) const SECONDS: usize = 60;
/// Nanoseconds in a second.
const SECOND_NS: i64 = 1_000_000_000;

/// One value a second, oldest first; NaN where nothing is known.
pub(crate) type Trend = VecDeque<f64>;

/// The trends of a station.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trends {
    /// The second the newest values belong to.
    second: i64,
    /// The highest level of each channel in each second, in percent of its maximum where that is known.
    pub(crate) levels: Vec<Trend>,
    /// Bytes written in each whole second.
    pub(crate) written: Trend,
    /// Bytes at the beginning of this second.
    bytes: Option<u64>,
}

impl Trends {
    /// Takes a state that came at a moment of the host's clock.
    pub(crate) fn take(&mut self, host_ns: i64, snapshot: &Snapshot) {
        let second = host_ns.div_euclid(SECOND_NS);
        if self.levels.len() != snapshot.channels.len() {
            *self = Self { levels: vec![Trend::new(); snapshot.channels.len()], ..Self::default() };
        }
        let passed = if self.bytes.is_none() { 1 } else { second.saturating_sub(self.second) };
        let passed = usize::try_from(passed).unwrap_or(0).min(SECONDS);
        if passed > 0 {
            let grown = self.bytes.map(|before| units::float(snapshot.bytes.saturating_sub(before)));
            let grown = grown.map(|bytes| bytes / units::float_len(passed));
            for _ in 0..passed {
                push(&mut self.written, grown.unwrap_or(f64::NAN));
                self.levels.iter_mut().for_each(|trend| push(trend, f64::NAN));
            }
            self.second = second;
            self.bytes = Some(snapshot.bytes);
        }
        for (trend, state) in self.levels.iter_mut().zip(&snapshot.channels) {
            let value = if state.mvc_percent.is_nan() { state.level } else { state.mvc_percent };
            if let Some(newest) = trend.back_mut() {
                // `max` prefers the number to the NaN.
                *newest = newest.max(value);
            }
        }
    }
}

fn push(trend: &mut Trend, value: f64) {
    if trend.len() == SECONDS {
        trend.pop_front();
    }
    trend.push_back(value);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::tests::fixture;

    fn at(level: f64, bytes: u64) -> Snapshot {
        let mut snapshot = Snapshot { channels: fixture::channels(1), bytes, ..Snapshot::default() };
        snapshot.channels[0].level = level;
        snapshot
    }

    #[test]
    fn a_second_keeps_its_highest_level_and_what_was_written() {
        let mut trends = Trends::default();
        for (tenth, level) in [(0, 3.0), (4, 9.0), (9, 2.0), (10, 1.0), (20, 4.0)] {
            trends.take(tenth * SECOND_NS / 10, &at(level, 1000 + 50 * tenth.cast_unsigned()));
        }
        assert_eq!(trends.levels[0], [9.0, 1.0, 4.0]);
        assert_eq!(trends.written.iter().skip(1).copied().collect::<Vec<_>>(), [500.0, 500.0]);
    }

    #[test]
    fn seconds_without_news_are_unknown_and_memory_is_bounded() {
        let mut trends = Trends::default();
        trends.take(0, &at(5.0, 0));
        trends.take(3 * SECOND_NS, &at(6.0, 0));
        let known: Vec<bool> = trends.levels[0].iter().map(|value| !value.is_nan()).collect();
        assert_eq!(known, [true, false, false, true]);
        trends.take(4000 * SECOND_NS, &at(7.0, 0));
        trends.take(i64::MAX, &at(7.0, 0));
        assert_eq!((trends.levels[0].len(), trends.written.len()), (SECONDS, SECONDS));
    }
}
