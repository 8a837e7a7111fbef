//! What somebody said happened, at which sample, and how sure that place is.

use super::Stamp;

/// Who made a marker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A key on a dashboard.
    Key,
    /// `myograph mark`.
    Command,
    /// A stimulus machine over TCP.
    Network,
    /// The trial runner.
    Protocol,
    /// An edge on a digital input: exact to the sample.
    Ttl,
    /// A lab streaming layer stream.
    Lsl,
}

/// How a marker found its sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placed {
    /// By the clock fit in force.
    Fit,
    /// Before a fit existed, by the newest row.
    Provisional,
    /// Inside a gap.
    InGap,
    /// While the source was away.
    BetweenEpochs,
}

/// What a marker row does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Says that something happened.
    Add,
    /// Takes an earlier marker back; both rows stay.
    Retract,
    /// Gives an earlier marker another label.
    Relabel,
    /// Adds a note to an earlier marker.
    Note,
    /// Ends the duration an earlier marker opened.
    End,
}

impl Origin {
    /// All origins, in the order of their codes in the journal.
    pub const ALL: [Self; 6] =
        [Self::Key, Self::Command, Self::Network, Self::Protocol, Self::Ttl, Self::Lsl];

    /// The word in files.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Command => "command",
            Self::Network => "network",
            Self::Protocol => "protocol",
            Self::Ttl => "ttl",
            Self::Lsl => "lsl",
        }
    }
}

impl Placed {
    /// All ways, in the order of their codes in the journal.
    pub const ALL: [Self; 4] = [Self::Fit, Self::Provisional, Self::InGap, Self::BetweenEpochs];

    /// The word in files.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Fit => "fit",
            Self::Provisional => "provisional",
            Self::InGap => "in_gap",
            Self::BetweenEpochs => "between_epochs",
        }
    }
}

impl Action {
    /// All actions, in the order of their codes in the journal.
    pub const ALL: [Self; 5] = [Self::Add, Self::Retract, Self::Relabel, Self::Note, Self::End];

    /// The word in files.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Retract => "retract",
            Self::Relabel => "relabel",
            Self::Note => "note",
            Self::End => "end",
        }
    }
}

/// One row of the marker table; rows are added, never changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Marker {
    /// Counts up from 1 in each recording.
    pub id: u64,
    /// The row it belongs to; it may lie ahead of the newest row.
    pub sample: u64,
    /// When it was stamped.
    pub stamp: Stamp,
    /// The label, at most [`LABEL_BYTES`] bytes of UTF-8.
    pub label: String,
    /// Free text, at most [`NOTE_BYTES`] bytes of UTF-8.
    pub note: String,
    /// The number a key map or protocol gives the label, 0 for none.
    pub code: i32,
    /// Who made it.
    pub origin: Origin,
    /// Which front end sent it.
    pub client: String,
    /// From the stamp to its acceptance by the recorder, microseconds.
    pub latency_us: u32,
    /// Half-width of the interval that holds the true time, microseconds.
    pub uncertainty_us: u32,
    /// How it found its sample.
    pub placed: Placed,
    /// What it does.
    pub action: Action,
    /// The marker it speaks of, 0 for none.
    pub refers_to: u64,
}

/// Longest label in a recording, bytes of UTF-8.
pub const LABEL_BYTES: usize = 64;
/// Longest note or log line in one row of a recording, bytes of UTF-8.
pub const NOTE_BYTES: usize = 256;

/// `text` cut to at most `bytes` bytes on a character border, without control characters.
#[must_use]
pub fn clip(text: &str, bytes: usize) -> String {
    let mut out = String::with_capacity(text.len().min(bytes));
    for c in text.chars().map(|c| if c.is_control() { ' ' } else { c }) {
        if out.len() + c.len_utf8() > bytes {
            break;
        }
        out.push(c);
    }
    out
}
