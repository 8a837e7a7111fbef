//! What is wrong, as the recorder decides it; screens only show it.

/// How soon somebody has to act.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// At once: data are being lost or soon will be. A banner, and a bell until acknowledged.
    First,
    /// Soon: the data are doubtful. A flag, and one bell.
    #[default]
    Second,
    /// For the log.
    Third,
}

impl Priority {
    /// All priorities, in the order of their codes on the wire.
    pub const ALL: [Self; 3] = [Self::First, Self::Second, Self::Third];

    /// `P1`, `P2` or `P3`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::First => "P1",
            Self::Second => "P2",
            Self::Third => "P3",
        }
    }
}

/// An alarm that is open at the moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Alarm {
    /// Number of this alarm in this recorder, counted from 1; a new one for each time it is raised.
    pub id: u64,
    /// What kind it is, one word that does not change: `write`, `source`, `saturated`.
    pub kind: String,
    /// The channel it is about, none where it is about the station.
    pub channel: Option<u16>,
    /// How soon somebody has to act.
    pub priority: Priority,
    /// When it was raised, nanoseconds since 1970 UTC.
    pub since_utc_ns: i64,
    /// What is wrong, one sentence.
    pub text: String,
    /// What to do about it, one sentence.
    pub advice: String,
    /// Who has seen it and said so; empty while nobody has.
    pub acknowledged_by: String,
}
