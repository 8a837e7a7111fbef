//! The places a review jumps between now, one after the other: landmarks of one sort, or muscle events, of which
//! there may be so many that each is put into words only when it is looked at.

use super::landmarks::Landmark;
use crate::emg::units::float;
use crate::emg::{Channel, Event};
use crate::session::review::{Story, Timeline};

/// Places in the order of rows.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Places<'a> {
    /// Landmarks.
    Landmarks(&'a [Landmark]),
    /// Events, of one channel or all, of channels, at so many rows a second.
    Events(&'a Timeline, Option<usize>, &'a [Channel], f64),
}

impl<'a> Places<'a> {
    /// The events of a story, on one channel or all.
    pub(crate) fn events(story: &'a Story, channel: Option<usize>, rate_hz: f64) -> Self {
        Self::Events(&story.events, channel, &story.channels, rate_hz)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Landmarks(all) => all.len(),
            Self::Events(timeline, channel, ..) => timeline.len(*channel),
        }
    }

    /// One of them.
    pub(crate) fn get(&self, n: usize) -> Option<Landmark> {
        match self {
            Self::Landmarks(all) => all.get(n).cloned(),
            Self::Events(timeline, channel, channels, rate_hz) => {
                let event = timeline.get(*channel, n)?;
                Some(Landmark { row: event.onset, text: told(event, channels, *rate_hz), stands: true })
            }
        }
    }

    /// How many lie before a row.
    fn before(&self, row: u64) -> usize {
        match self {
            Self::Landmarks(all) => all.partition_point(|landmark| landmark.row < row),
            Self::Events(timeline, channel, ..) => timeline.before(*channel, row),
        }
    }

    /// The nearest one that stands after a row (`true`) or before it.
    pub(crate) fn beside(&self, row: u64, after: bool) -> Option<Landmark> {
        let stands = |landmark: &Landmark| landmark.stands;
        if after {
            (self.before(row.saturating_add(1))..self.len()).filter_map(|n| self.get(n)).find(stands)
        } else {
            (0..self.before(row)).rev().filter_map(|n| self.get(n)).find(stands)
        }
    }

    /// Which is the last one at or before a row.
    pub(crate) fn last_at(&self, row: u64) -> Option<usize> {
        self.before(row.saturating_add(1)).checked_sub(1)
    }
}

/// An event in a few words: what, where, how long.
pub(crate) fn told(event: &Event, channels: &[Channel], rate_hz: f64) -> String {
    let name = channels.get(usize::from(event.channel)).map_or("", |channel| &*channel.name);
    let ms = float(event.end.saturating_sub(event.onset)) / rate_hz * 1e3;
    format!("{} {name} {ms:.0} ms", event.class.word())
}
