//! Why something could not be stored or read back. Each message says what happened to which file;
//! [`StoreError::advice`] says what to do next.

use std::path::PathBuf;

/// What was attempted, on which file, and why it failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A journal could not be created.
    #[error("{path} could not be created", path = path.display())]
    Create {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A journal could not be written.
    #[error("{path} could not be written", path = path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A journal could not be read.
    #[error("{path} could not be read", path = path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file without a whole journal header.
    #[error("{path} does not begin with a whole journal header", path = path.display())]
    NotAJournal {
        /// The file.
        path: PathBuf,
    },
    /// A journal whose recorder lives.
    #[error("{path} is being recorded by {by}, or recovered by another command", path = path.display())]
    BeingRecorded {
        /// The journal.
        path: PathBuf,
        /// The recorder's id.
        by: String,
    },
    /// A file whose projector lives.
    #[error("{path} is still being written by a projector", path = path.display())]
    BeingProjected {
        /// The file.
        path: PathBuf,
    },
    /// A journal whose projector finished while it was waited for.
    #[error("{path} was sealed meanwhile", path = path.display())]
    SealedMeanwhile {
        /// The journal.
        path: PathBuf,
    },
    /// A file that is in the way.
    #[error("{path} exists already and is never overwritten", path = path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A journal of a later program.
    #[error("{path} is a journal of version {version}", path = path.display())]
    NewerJournal {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: u16,
    },
    /// HDF5 refused a write; the projection takes nothing more and its handles are never closed.
    #[error("{path} could not be written while {doing}", path = path.display())]
    Project {
        /// The file.
        path: PathBuf,
        /// What was under way.
        doing: &'static str,
        /// Why.
        source: hdf5::Error,
    },
    /// A projection that already failed was asked to go on.
    #[error("{path} failed before and takes nothing more", path = path.display())]
    Poisoned {
        /// The file.
        path: PathBuf,
    },
    /// Records of a journal do not follow one another.
    #[error("the journal of {path} goes on at row {found} where row {expected} is due", path = path.display())]
    Order {
        /// The HDF5 file.
        path: PathBuf,
        /// The next row.
        expected: u64,
        /// What came.
        found: u64,
    },
    /// A record speaks of channels, chains or types this recording does not have.
    #[error("a {record} record in the journal of {path} does not fit the recording", path = path.display())]
    Misfit {
        /// The HDF5 file.
        path: PathBuf,
        /// What kind of record.
        record: &'static str,
    },
    /// A sealed file reads back differently from what was written.
    #[error("{part} of {path} reads back differently from what was written", path = path.display())]
    Differs {
        /// The file.
        path: PathBuf,
        /// Which dataset.
        part: String,
    },
    /// No HDF5 file, or one whose beginning is lost.
    #[error("{path} cannot be opened as HDF5", path = path.display())]
    NotHdf5 {
        /// The file.
        path: PathBuf,
        /// Why.
        source: hdf5::Error,
    },
    /// An HDF5 file of somebody else.
    #[error("{path} is an HDF5 file, but no myograph recording", path = path.display())]
    NotARecording {
        /// The file.
        path: PathBuf,
    },
    /// A recording of a later program.
    #[error("{path} has format version {version}", path = path.display())]
    NewerRecording {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: String,
    },
    /// A table of judgements that cannot be understood.
    #[error("line {line} of {path} is no judged stretch ({problem})", path = path.display())]
    Sidecar {
        /// The file.
        path: PathBuf,
        /// Which line, counted from 1.
        line: u64,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A table of judgements that somebody else changed.
    #[error("{path} was changed by another program", path = path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// A part of a recording that HDF5 cannot deliver.
    #[error("{part} of {path} cannot be read", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Which dataset or attribute.
        part: String,
        /// Why.
        source: hdf5::Error,
    },
    /// A part of a recording that HDF5 delivers and that makes no sense.
    #[error("{part} of {path} is damaged ({problem})", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Which dataset or attribute.
        part: String,
        /// In which way.
        problem: Problem,
    },
}

impl StoreError {
    /// The same of a file whose name was to be another one.
    #[must_use]
    pub(super) fn of(mut self, name: &std::path::Path) -> Self {
        if let Self::Write { path, .. }
        | Self::Project { path, .. }
        | Self::Differs { path, .. }
        | Self::Misfit { path, .. }
        | Self::Order { path, .. }
        | Self::Poisoned { path } = &mut self
        {
            name.clone_into(path);
        }
        self
    }

    /// What the user should do next, one sentence.
    #[must_use]
    pub fn advice(&self) -> String {
        match self {
            Self::Create { .. } => "choose another folder, or make this one writable",
            Self::Write { .. } => "make room on the disk; what was written before is kept",
            Self::Open { .. } => "check its name and permissions",
            Self::NotAJournal { .. } => {
                "name a journal (.wal), with the other files of its recording beside it"
            }
            Self::BeingRecorded { by, .. } => return format!("end it with `myograph stop {by}`, or wait"),
            Self::BeingProjected { .. } => "wait for it, or end it",
            Self::SealedMeanwhile { .. } => "look at the recording itself",
            Self::Exists { .. } => "choose another name",
            Self::NewerJournal { .. } | Self::NewerRecording { .. } => "use the newer myograph that wrote it",
            Self::Project { .. } => "its journal holds the recording: make room, then `myograph recover`",
            Self::Poisoned { .. } | Self::Order { .. } | Self::Misfit { .. } => {
                "rebuild it with `myograph recover`"
            }
            Self::Differs { .. } => "check the disk, then `myograph recover`",
            Self::NotHdf5 { .. } => {
                "name a recording (.h5); if its journal (.wal) lies beside it, run `myograph recover`"
            }
            Self::NotARecording { .. } => "bring foreign files in with `myograph import`",
            Self::Sidecar { .. } => "mend that line, or move the file away",
            Self::Changed { .. } => "look at what it holds now, then do it again",
            Self::Unreadable { .. } | Self::Damaged { .. } => "run `myograph verify` to see what is whole",
        }
        .to_owned()
    }
}

/// In which way a part of a recording makes no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// A column is missing or of another type.
    Type,
    /// Its shape contradicts the rest of the file.
    Shape,
    /// A word or number it must not hold.
    Value,
    /// It claims more rows than the file has bytes for.
    Size,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Type => "another type",
            Self::Shape => "another shape",
            Self::Value => "an impossible value",
            Self::Size => "more rows than the file can hold",
        })
    }
}

/// An error in full: it and all its causes, in one line.
#[must_use]
pub fn in_full(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(|cause| plain(&cause.to_string())).collect::<Vec<_>>().join(": ")
}

/// Of a failed system call HDF5 tells buffers and addresses too, over several lines; what the system said is quoted there.
fn plain(words: &str) -> String {
    let quoted = words.split_once("error message = '").and_then(|(_, rest)| rest.split_once('\''));
    quoted.map_or(words, |(said, _)| said).replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_full_disk_hdf5_is_quoted_with_what_the_system_said() {
        let long = "H5Dwrite(): can't write data: file write failed: time = Mon\n, filename = 'a.h5', errno = 28, \
                    error message = 'No space left on device', buf = 0x5627, total write size = 6562";
        assert_eq!(plain(long), "No space left on device");
        assert_eq!(plain("H5Fopen(): can't\nopen"), "H5Fopen(): can't open");
    }
}
