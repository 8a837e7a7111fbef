//! Wire twins of what a recorder tells, version 1.

use super::emg::Marker;
use super::snapshot::Snapshot;
use super::twin::twin;
use crate::session::{self, event};
use serde::{Deserialize, Serialize};

/// New events go to the end.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Event {
    Tick(Box<Snapshot>),
    Bins(Bins),
    Marked(Marker),
    Notice { utc_ns: i64, level: u8, text: String },
    Answer { request: u64, answer: Answer },
    Finished { code: u8, text: String },
}

/// New answers go to the end.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Answer {
    Stored { id: u64, sample: u64 },
    Done,
    Subscribed { client: u64 },
    Status(Box<Snapshot>),
    Refused(String),
}

twin!(
    Bins =
        event::Bins { first: u64, rows_per_bin: u32, channels: u16, clean: [(f32, f32)], raw: [(f32, f32)] }
);

impl From<session::Event> for Event {
    fn from(event: session::Event) -> Self {
        match event {
            session::Event::Tick(snapshot) => Self::Tick(Box::new((*snapshot).into())),
            session::Event::Bins(bins) => Self::Bins(bins.into()),
            session::Event::Marked(marker) => Self::Marked(marker.into()),
            session::Event::Notice { utc_ns, level, text } => Self::Notice { utc_ns, level, text },
            session::Event::Answer { request, answer } => Self::Answer { request, answer: answer.into() },
            session::Event::Finished { code, text } => Self::Finished { code, text },
        }
    }
}

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

impl From<session::Answer> for Answer {
    fn from(answer: session::Answer) -> Self {
        match answer {
            session::Answer::Stored { id, sample } => Self::Stored { id, sample },
            session::Answer::Done => Self::Done,
            session::Answer::Subscribed { client } => Self::Subscribed { client },
            session::Answer::Status(snapshot) => Self::Status(Box::new((*snapshot).into())),
            session::Answer::Refused(why) => Self::Refused(why),
        }
    }
}

impl From<Answer> for session::Answer {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Stored { id, sample } => Self::Stored { id, sample },
            Answer::Done => Self::Done,
            Answer::Subscribed { client } => Self::Subscribed { client },
            Answer::Status(snapshot) => Self::Status(Box::new((*snapshot).into())),
            Answer::Refused(why) => Self::Refused(why),
        }
    }
}
