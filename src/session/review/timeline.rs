//! The muscle events of a recording, laid out once so that those of any window are found without a look at all.
//!
//! Three days hold tens of thousands; a screen asks for each cell of each trace.

use crate::emg::Event;
use std::ops::Range;
use std::sync::Arc;

/// Events in the order of their onsets. A copy is the same timeline and equal to it; what is laid out anew is another
/// one, because numbers that are not known cannot be compared.
#[derive(Clone, Debug, Default)]
pub struct Timeline(Option<Arc<Laid>>);

#[derive(Debug)]
struct Laid {
    all: Vec<Event>,
    lanes: Vec<Lane>,
}

/// The events of one channel.
#[derive(Clone, Debug, Default)]
struct Lane {
    /// Where they stand among all, in order.
    at: Vec<usize>,
    /// For each the greatest end until and with it.
    reach: Vec<u64>,
}

impl PartialEq for Timeline {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (one, other) => one.is_none() && other.is_none(),
        }
    }
}

impl Timeline {
    /// Lays out events that come in any order.
    #[must_use]
    pub fn new(mut all: Vec<Event>) -> Self {
        if all.is_empty() {
            return Self::default();
        }
        all.sort_by_key(|event| (event.onset, event.channel, event.end));
        let mut lanes: Vec<Lane> = Vec::new();
        for (at, event) in all.iter().enumerate() {
            let channel = usize::from(event.channel);
            if lanes.len() <= channel {
                lanes.resize(channel + 1, Lane::default());
            }
            let lane = &mut lanes[channel];
            lane.at.push(at);
            lane.reach.push(lane.reach.last().map_or(event.end, |reach| event.end.max(*reach)));
        }
        Self(Some(Arc::new(Laid { all, lanes })))
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// How many there are on a channel, or on all.
    #[must_use]
    pub fn len(&self, channel: Option<usize>) -> usize {
        match (&self.0, channel) {
            (None, _) => 0,
            (Some(laid), None) => laid.all.len(),
            (Some(laid), Some(channel)) => laid.lanes.get(channel).map_or(0, |lane| lane.at.len()),
        }
    }

    /// The `n`th event of a channel, or of all.
    #[must_use]
    pub fn get(&self, channel: Option<usize>, n: usize) -> Option<&Event> {
        let laid = self.0.as_ref()?;
        let at = match channel {
            None => n,
            Some(channel) => *laid.lanes.get(channel)?.at.get(n)?,
        };
        laid.all.get(at)
    }

    /// How many of a channel, or of all, begin before a row.
    #[must_use]
    pub fn before(&self, channel: Option<usize>, row: u64) -> usize {
        let Some(laid) = &self.0 else { return 0 };
        match channel {
            None => laid.all.partition_point(|event| event.onset < row),
            Some(channel) => laid
                .lanes
                .get(channel)
                .map_or(0, |lane| lane.at.partition_point(|&at| laid.all[at].onset < row)),
        }
    }

    /// The last event of a channel that shares a row with these, and its number there.
    #[must_use]
    pub fn latest(&self, channel: usize, rows: &Range<u64>) -> Option<(usize, &Event)> {
        let laid = self.0.as_ref()?;
        let lane = laid.lanes.get(channel)?;
        let until = self.before(Some(channel), rows.end);
        let from = lane.reach.partition_point(|reach| *reach <= rows.start);
        (from..until).rev().map(|n| (n, &laid.all[lane.at[n]])).find(|(_, event)| event.end > rows.start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn event(channel: u16, onset: u64, end: u64) -> Event {
        Event { channel, onset, end, peak: f64::NAN, ..Event::default() }
    }

    #[test]
    fn a_copy_is_the_same_and_another_is_not() {
        let timeline = Timeline::new(vec![event(0, 5, 9)]);
        assert_eq!(timeline, timeline.clone());
        assert_ne!(timeline, Timeline::new(vec![event(0, 5, 9)]));
        assert_eq!(Timeline::default(), Timeline::new(Vec::new()));
        assert_ne!(timeline, Timeline::default());
    }

    proptest! {
        #[test]
        fn what_a_window_shows_is_what_a_look_at_all_finds(
            all in prop::collection::vec((0_u16..3, 0_u64..500, 1_u64..80), 0..60),
            start in 0_u64..600, length in 1_u64..90, channel in 0_usize..4,
        ) {
            let all: Vec<Event> = all.into_iter().map(|(channel, onset, rows)| event(channel, onset, onset + rows)).collect();
            let timeline = Timeline::new(all.clone());
            let rows = start..start + length;
            let on = |event: &&Event| usize::from(event.channel) == channel;
            let meets = |event: &&Event| event.onset < rows.end && rows.start < event.end;
            let expected = all.iter().filter(on).filter(meets).map(|event| (event.onset, event.end)).max();
            let found = timeline.latest(channel, &rows);
            prop_assert_eq!(found.map(|(_, event)| (event.onset, event.end)), expected);
            for of in [None, Some(channel)] {
                let mut onsets: Vec<u64> =
                    all.iter().filter(|event| of.is_none() || on(event)).map(|event| event.onset).collect();
                onsets.sort_unstable();
                let told: Vec<u64> = (0..timeline.len(of)).map(|n| timeline.get(of, n).unwrap().onset).collect();
                prop_assert_eq!(&told, &onsets);
                prop_assert_eq!(timeline.before(of, start), onsets.iter().filter(|onset| **onset < start).count());
                prop_assert!(timeline.get(of, onsets.len()).is_none());
            }
        }
    }
}
