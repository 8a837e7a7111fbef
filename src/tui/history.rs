//! THE LAST MINUTE of trace bins, as the recorder sent them, and what it found in them.
//!
//! Bins are kept whole and are never merged here: `widget/sweep` decides which of them share a column.
//! `update` fills it, `view/traces` reads it.

use crate::emg::{Event, units};
use crate::session::Bins;
use std::collections::VecDeque;

/// Bins kept: 65 s of 4 ms bins, twice the longest window, so that both passes of a sweep are there.
const KEPT: usize = 16_384;
/// Events kept: a muscle that twitches four times a second all the while.
const EVENTS: usize = 256;

/// Minima and maxima of the newest bins of all channels.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    rows_per_bin: u32,
    channels: usize,
    first: u64,
    clean: VecDeque<(f32, f32)>,
    events: VecDeque<Event>,
}

impl History {
    /// Takes bins that follow, leaving a hole where some were missed; bins that were seen before are not
    /// taken again, and bins that lie wholly before the newest one begin another recording.
    pub(crate) fn push(&mut self, bins: &Bins) {
        let channels = usize::from(bins.channels);
        if bins.is_empty() || channels == 0 || bins.rows_per_bin == 0 {
            return;
        }
        let end = bins.first.saturating_add(units::wide(bins.len()));
        let other_shape = channels != self.channels || bins.rows_per_bin != self.rows_per_bin;
        let too_far = bins.first.saturating_sub(self.end()) > units::wide(KEPT);
        if other_shape || too_far || end <= self.end() {
            *self = Self { rows_per_bin: bins.rows_per_bin, channels, first: bins.first, ..Self::default() };
        }
        let hole = units::index(bins.first.saturating_sub(self.end()));
        self.clean.extend(std::iter::repeat_n((f32::NAN, f32::NAN), hole * channels));
        let seen = units::index(self.end().saturating_sub(bins.first));
        self.clean.extend(bins.clean.iter().take(bins.len() * channels).skip(seen * channels));
        let surplus = self.bins().saturating_sub(KEPT);
        self.clean.drain(..surplus * channels);
        self.first += units::wide(surplus);
    }

    /// Takes events that ended, oldest first, those that are known already too.
    pub(crate) fn found(&mut self, events: &[Event]) {
        for event in events {
            let known = |old: &Event| (old.channel, old.onset) == (event.channel, event.onset);
            if !self.events.iter().any(known) {
                self.events.push_back(event.clone());
            }
        }
        self.events.drain(..self.events.len().saturating_sub(EVENTS));
    }

    /// Events of one channel that ended, in the order they did.
    pub(crate) fn events(&self, channel: usize) -> impl Iterator<Item = &Event> {
        self.events.iter().filter(move |event| usize::from(event.channel) == channel)
    }

    /// How many bins are kept.
    pub(crate) fn bins(&self) -> usize {
        self.clean.len().checked_div(self.channels).unwrap_or(0)
    }

    /// Number of the bin after the newest one.
    pub(crate) fn end(&self) -> u64 {
        self.first.saturating_add(units::wide(self.bins()))
    }

    /// Rows in a bin, at least 1.
    pub(crate) fn rows_per_bin(&self) -> u64 {
        u64::from(self.rows_per_bin.max(1))
    }

    /// Lowest and highest value of one channel in bins `from..to`; none where all of it is missing.
    pub(crate) fn extent(&self, channel: usize, from: u64, to: u64) -> Option<(f32, f32)> {
        if channel >= self.channels {
            return None;
        }
        let from = units::index(from.max(self.first) - self.first);
        let to = units::index(to.min(self.end()).saturating_sub(self.first));
        (from..to)
            .filter_map(|bin| self.clean.get(bin * self.channels + channel))
            .filter(|(low, high)| !low.is_nan() && !high.is_nan())
            .copied()
            .reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bins(first: u64, values: &[f32]) -> Bins {
        let clean: Vec<_> = values.iter().map(|v| (-v, *v)).collect();
        Bins { first, rows_per_bin: 4, channels: 1, raw: clean.clone(), clean }
    }

    #[test]
    fn missed_bins_leave_a_hole_and_old_ones_are_not_taken_twice() {
        let mut history = History::default();
        history.push(&bins(100, &[1.0, 2.0]));
        history.push(&bins(104, &[5.0]));
        assert_eq!(history.extent(0, 102, 104), None, "nothing is known of the hole");
        assert_eq!(history.extent(0, 100, 105), Some((-5.0, 5.0)));
        history.push(&bins(103, &[9.0, 9.0, 6.0]));
        assert_eq!(history.end(), 106);
        assert_eq!(history.extent(0, 100, 106), Some((-6.0, 6.0)), "bins 103 and 104 stay as they were");
    }

    #[test]
    fn a_new_recording_starts_from_nothing() {
        let mut history = History::default();
        history.push(&bins(5000, &[1.0, 2.0]));
        history.push(&bins(0, &[3.0]));
        assert_eq!((history.end(), history.extent(0, 0, 9000)), (1, Some((-3.0, 3.0))));
    }

    #[test]
    fn events_are_kept_once_and_forgotten_with_their_recording() {
        let event = |onset| Event { onset, end: onset + 9, ..Event::default() };
        let mut history = History::default();
        history.push(&bins(5000, &[1.0, 2.0]));
        history.found(&[event(20_000), event(20_004)]);
        history.found(&[event(20_004), event(20_006)]);
        let onsets: Vec<u64> = history.events(0).map(|event| event.onset).collect();
        assert_eq!((onsets, history.events(1).count()), (vec![20_000, 20_004, 20_006], 0));
        history.found(&(0..9000).map(event).collect::<Vec<_>>());
        assert_eq!(history.events(0).count(), EVENTS);
        history.push(&bins(0, &[3.0]));
        assert_eq!(history.events(0).count(), 0);
    }

    #[test]
    fn memory_is_bounded() {
        let mut history = History::default();
        for block in 0..200 {
            history.push(&bins(block * 100, &[0.5; 100]));
        }
        assert_eq!(history.bins(), KEPT);
        assert_eq!(history.end(), 20_000);
    }

    #[test]
    fn bins_without_channels_are_nothing() {
        let mut history = History::default();
        history.push(&Bins { first: 0, rows_per_bin: 0, channels: 0, clean: vec![(0.0, 0.0)], raw: vec![] });
        assert_eq!(history.end(), 0);
    }
}
