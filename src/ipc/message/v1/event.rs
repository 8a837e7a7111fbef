//! What a recorder told in version 1.

use super::emg::Marker;
use super::snapshot::Snapshot;
use super::twin::heard;
use crate::session::{self, event};
use serde::Deserialize;

/// In the order of their numbers.
#[derive(Clone, Debug, Deserialize)]
pub(super) enum Event {
    Tick(Box<Snapshot>),
    Bins(Bins),
    Marked(Marker),
    Notice { utc_ns: i64, level: u8, text: String },
    Answer { request: u64, answer: Answer },
    Finished { code: u8, text: String },
}

/// In the order of their numbers.
#[derive(Clone, Debug, Deserialize)]
pub(super) enum Answer {
    Stored { id: u64, sample: u64 },
    Done,
    Status(Box<Snapshot>),
    Refused(String),
}

heard!(
    Bins =
        event::Bins { first: u64, rows_per_bin: u32, channels: u16, clean: [(f32, f32)], raw: [(f32, f32)] }
);

impl From<Event> for session::Event {
    fn from(event: Event) -> Self {
        match event {
            Event::Tick(snapshot) => Self::Tick(Box::new((*snapshot).into())),
            Event::Bins(bins) => Self::Bins(bins.into()),
            Event::Marked(marker) => Self::Marked(marker.into()),
            Event::Notice { utc_ns, level, text } => Self::Notice { utc_ns, level, text },
            Event::Answer { request, answer } => Self::Answer { request, answer: answer.into() },
            Event::Finished { code, text } => Self::Finished { code, text },
        }
    }
}

impl From<Answer> for session::Answer {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Stored { id, sample } => Self::Stored { id, sample },
            Answer::Done => Self::Done,
            Answer::Status(snapshot) => Self::Status(Box::new((*snapshot).into())),
            Answer::Refused(why) => Self::Refused(why),
        }
    }
}
