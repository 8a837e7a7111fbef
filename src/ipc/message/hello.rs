//! The greeting. Its layout never changes: fields may be added at the end of a struct, where older programs
//! do not look, and a number a program does not know must not stop it from showing the sentence beside it.

use serde::{Deserialize, Serialize};

/// First bytes of a client, so that a stray program is told from an old one.
pub const MAGIC: [u8; 8] = *b"myograph";

/// A run of versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versions {
    /// The oldest still spoken.
    pub oldest: u16,
    /// The newest.
    pub newest: u16,
}

impl Versions {
    /// The newest version both sides speak.
    #[must_use]
    pub fn common(self, other: Self) -> Option<u16> {
        let newest = self.newest.min(other.newest);
        (newest >= self.oldest.max(other.oldest)).then_some(newest)
    }
}

impl std::fmt::Display for Versions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.oldest == self.newest {
            write!(f, "{}", self.newest)
        } else {
            write!(f, "{} to {}", self.oldest, self.newest)
        }
    }
}

/// A client's first message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// [`MAGIC`].
    pub magic: [u8; 8],
    /// Versions of commands it can send.
    pub commands: Versions,
    /// Versions of events it can read.
    pub events: Versions,
    /// What it calls itself in markers and logs, e.g. `attach@pts/3`.
    pub name: String,
}

/// A recorder's first message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// Come in.
    Welcome(Welcome),
    /// Stay out; the connection ends here.
    Refused {
        /// The code of a [`Refusal`].
        code: u8,
        /// Why, for people.
        sentence: String,
    },
}

/// Who the recorder is and how it will be spoken to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The recorder's id, for `attach` and `stop`.
    pub id: String,
    /// `VERSION` of the recorder's program.
    pub version: String,
    /// Process id of the recorder.
    pub pid: u32,
    /// The version commands are sent in.
    pub commands: u16,
    /// The version events come in.
    pub events: u16,
}

/// Why a recorder does not take a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// For a reason only its sentence tells.
    Other,
    /// No common version.
    Version,
    /// Too many clients.
    Full,
    /// Another user's process.
    Stranger,
    /// What it said was no greeting.
    Garbled,
}

impl Refusal {
    /// The number on the wire.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Other => 0,
            Self::Version => 1,
            Self::Full => 2,
            Self::Stranger => 3,
            Self::Garbled => 4,
        }
    }

    /// The reason with this number; [`Refusal::Other`] for one that is not known here.
    #[must_use]
    pub fn from_code(code: u8) -> Self {
        match code {
            1 => Self::Version,
            2 => Self::Full,
            3 => Self::Stranger,
            4 => Self::Garbled,
            _ => Self::Other,
        }
    }
}
