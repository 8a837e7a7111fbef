//! Where a value came from, and why a configuration or montage is refused.

use std::fmt;
use std::path::PathBuf;

/// Where a value came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// Nobody said anything.
    #[default]
    Default,
    /// A file.
    File {
        /// As found or named.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
    },
    /// An environment variable, by name.
    Environment(String),
    /// A command-line flag, by its key.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Environment(variable) => f.write_str(variable),
            Self::Flag(key) => write!(f, "--{key}"),
        }
    }
}

/// Why a configuration or montage cannot be used. Each message says what is wrong where;
/// [`Error::advice`] says what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("the {what} `{}` cannot be read", path.display())]
    Read {
        /// `configuration` or `montage`.
        what: &'static str,
        /// As found or named.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The text is not TOML.
    #[error("{origin}: this is not TOML: {reason}")]
    Syntax {
        /// File and line.
        origin: Origin,
        /// The parser's reason.
        reason: String,
    },
    /// A key nobody knows.
    #[error("{origin}: `{key}` is not a key here; the nearest is `{nearest}`")]
    UnknownKey {
        /// File and line.
        origin: Origin,
        /// As written.
        key: String,
        /// The known key spelled most like it.
        nearest: &'static str,
    },
    /// A key of the interface that this version does not carry out.
    #[error("{origin}: `{key}` is not supported by this version")]
    LaterKey {
        /// File and line.
        origin: Origin,
        /// As written.
        key: String,
    },
    /// A value of the wrong form.
    #[error("{origin}: `{key}` cannot be `{value}`")]
    Value {
        /// Where it was given.
        origin: Origin,
        /// Its key.
        key: String,
        /// As written, shortened.
        value: String,
        /// What is allowed.
        form: &'static str,
    },
    /// A marker on a key the dashboard needs.
    #[error("{origin}: the key `{key}` cannot set the marker `{label}`: the dashboard uses it to {action}")]
    ReservedKey {
        /// File and line.
        origin: Origin,
        /// As written.
        key: String,
        /// The marker it was to set.
        label: String,
        /// What the dashboard does with it.
        action: &'static str,
    },
    /// Neither a shipped montage nor a file.
    #[error("there is no montage `{name}`, neither shipped nor as a file")]
    NoMontage {
        /// As asked for.
        name: String,
    },
    /// A montage without something it needs.
    #[error("the montage {} has no {missing}", path.display())]
    Incomplete {
        /// The file.
        path: PathBuf,
        /// What is missing.
        missing: &'static str,
    },
    /// A montage for another number of sensors.
    #[error("the montage `{montage}` describes {sites} channels, but the source sends {device}")]
    ChannelCount {
        /// Its name.
        montage: String,
        /// Channels it describes.
        sites: usize,
        /// Channels of the source.
        device: usize,
    },
}

impl Error {
    /// What the user should do next, one sentence.
    #[must_use]
    pub fn advice(&self) -> String {
        match self {
            Self::Read { .. } => "check its name and permissions, or name another file".to_owned(),
            Self::Syntax { .. } => "correct the line; texts stand in double quotes".to_owned(),
            Self::UnknownKey { nearest, .. } => format!("write `{nearest}`, or remove the line"),
            Self::LaterKey { .. } => "remove the line".to_owned(),
            Self::Value { form, .. } => format!("allowed: {form}"),
            Self::ReservedKey { .. } => {
                "choose a digit or a lower case letter other than `q` for it".to_owned()
            }
            Self::NoMontage { .. } => format!(
                "name a file, or one of {}",
                super::Montage::shipped().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
            ),
            Self::Incomplete { missing, .. } => format!("add its {missing}; models/montages/ has examples"),
            Self::ChannelCount { .. } => {
                "choose a montage with as many channels as the source, or record without one".to_owned()
            }
        }
    }
}
