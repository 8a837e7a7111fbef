//! The inside of the recorder, for the system view and for whoever looks for the cause of an alarm.

/// What a front end may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// Look, and nothing else.
    ReadOnly,
    /// Look and mark.
    #[default]
    Viewer,
    /// Look, mark, begin, stop and change filters: one at a time.
    Control,
}

impl Role {
    /// All roles, in the order of their codes on the wire.
    pub const ALL: [Self; 3] = [Self::ReadOnly, Self::Viewer, Self::Control];

    /// The word on screens.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::ReadOnly => "read-only",
            Self::Viewer => "viewer",
            Self::Control => "control",
        }
    }
}

/// A front end that is looking.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Viewer {
    /// Its number, as told to it when it subscribed.
    pub client: u64,
    /// What it calls itself.
    pub name: String,
    /// What it may do.
    pub role: Role,
}

/// A thread or process of the recorder and the queue in front of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stage {
    /// Its name, e.g. `journal`.
    pub name: String,
    /// Since it last went round its loop, milliseconds; NaN where that is not measured.
    pub beat_age_ms: f64,
    /// What waits in front of it.
    pub queued: u64,
    /// How much may wait; 0 where it has no queue.
    pub capacity: u64,
}

/// The inside of the recorder at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct System {
    /// Threads and processes, along the flow of data.
    pub stages: Vec<Stage>,
    /// How long the last sync took, milliseconds; NaN before the first.
    pub sync_ms: f64,
    /// The longest of the last minute.
    pub sync_worst_ms: f64,
    /// Process id of the recorder.
    pub pid: u32,
    /// Process id of the newest projector, 0 while there is none.
    pub projector_pid: u32,
    /// `VERSION` of the recorder.
    pub version: String,
    /// Where stimulus machines reach it, empty while it does not listen.
    pub listens: String,
}
