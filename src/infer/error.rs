//! Why a model cannot be used. Each message says what happened to which file; [`Error::advice`] what to do next.

use std::path::PathBuf;

/// What a card says that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CardError {
    /// It is not TOML, or lacks something.
    #[error("line {line}: {message}")]
    Toml {
        /// Where, counted from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// It is of another format.
    #[error("it is of format {format}, and this program reads format {}", super::card::FORMAT)]
    Format {
        /// Its format.
        format: u32,
    },
    /// A value is outside its bounds.
    #[error("`{field}`: {problem}")]
    Value {
        /// The key.
        field: &'static str,
        /// What is wrong with it.
        problem: String,
    },
}

/// What was attempted with which model, and why it failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A model or its card could not be read.
    #[error("{path} could not be read", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file larger than any model this station runs.
    #[error("{path} has more than {limit} bytes", path = path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit.
        limit: u64,
    },
    /// The card is wrong in itself.
    #[error("the card {path} cannot be used", path = path.display())]
    Card {
        /// The card.
        path: PathBuf,
        /// What is wrong.
        source: CardError,
    },
    /// The file is not the one the card was written for.
    #[error("{path} is not the file its card was written for: {found} instead of {expected}", path = path.display())]
    NotTheFile {
        /// The model.
        path: PathBuf,
        /// What the card says.
        expected: String,
        /// What was found.
        found: String,
    },
    /// The file is no ONNX model, or one with something this station does not run.
    #[error("{path} cannot be run here: {problem}", path = path.display())]
    Refused {
        /// The model.
        path: PathBuf,
        /// What it has or lacks.
        problem: String,
    },
    /// The inference library gave up.
    #[error("{path} failed while {doing}: {problem}", path = path.display())]
    Library {
        /// The model.
        path: PathBuf,
        /// What was under way.
        doing: &'static str,
        /// Its words, shortened.
        problem: String,
    },
    /// The model does not answer as it did when its card was written.
    #[error("{path} does not answer as its card says: {problem}", path = path.display())]
    Answers {
        /// The model.
        path: PathBuf,
        /// How they differ.
        problem: String,
    },
}

impl Error {
    /// What to do next.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Read { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
                "name the .onnx file, and keep its card, the .toml of the same name, beside it"
            }
            Self::Read { .. } => "look at the file's permissions",
            Self::TooLarge { .. } => "name a model that was made for this station",
            Self::Card { .. } => "export the model again; a card is not written by hand",
            Self::NotTheFile { .. } => "copy model and card again, both from the same export",
            Self::Refused { .. } => "export it again: ONNX opset 17, batch 1, everything in one file",
            Self::Library { .. } | Self::Answers { .. } => {
                "export the model again, and report this if it happens once more"
            }
        }
    }
}
