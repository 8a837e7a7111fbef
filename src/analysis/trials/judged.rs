//! Whose judgements keep rows out of means: what rules wrote into the recording, what coders wrote beside it.

use crate::emg::Artefact;
use crate::store::StoreError;
use crate::store::reader::{Joined, Recording};
use crate::store::sidecar::{About, Sidecar, beside};

/// Whose judgements count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Judges {
    /// Rules and people.
    #[default]
    All,
    /// People only.
    Coders,
    /// Nobody's.
    None,
}

impl Judges {
    /// All choices.
    pub const ALL: [Self; 3] = [Self::All, Self::Coders, Self::None];

    /// The word on the command line.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Coders => "coders",
            Self::None => "none",
        }
    }
}

/// The judgements that stand: of `/artefacts` and of every coder's table beside any of the files.
pub fn judged(joined: &Joined, judges: Judges) -> Result<Vec<Artefact>, StoreError> {
    if judges == Judges::None {
        return Ok(Vec::new());
    }
    let mut all = if judges == Judges::All { joined.table(Recording::artefacts)? } else { Vec::new() };
    for segment in &joined.segments {
        for table in beside(segment.path()) {
            all.extend_from_slice(Sidecar::open(table, About::default())?.rows());
        }
    }
    all.retain(|one| !one.retracted);
    Ok(all)
}
