//! Why there is no table of features, and what to do.

use crate::store::StoreError;
use std::path::PathBuf;

/// What was wanted that cannot be.
#[derive(Debug, thiserror::Error)]
pub enum FeaturesError {
    /// A recording without a rate has neither seconds nor hertz.
    #[error("the rate of {path} is not known, so windows have no length", path = path.display())]
    RateUnknown {
        /// The recording.
        path: PathBuf,
    },
    /// A window or a step of too few rows.
    #[error("a {what} of {seconds} s at {rate_hz} Hz holds fewer than {least} rows")]
    TooShort {
        /// Window or step.
        what: &'static str,
        /// Its length.
        seconds: f64,
        /// The recording's rate.
        rate_hz: f64,
        /// What it must hold.
        least: usize,
    },
    /// A name no channel has.
    #[error("no channel is called `{name}`")]
    NoChannel {
        /// The name.
        name: String,
        /// Those there are.
        known: String,
    },
    /// A channel that carries something else.
    #[error("channel `{name}` is {kind} and carries no EMG")]
    NotEmg {
        /// Its name.
        name: String,
        /// Its kind.
        kind: &'static str,
        /// Those that do.
        known: String,
    },
    /// A recording of other things.
    #[error("no channel of the recording carries EMG")]
    NoEmg,
    /// A threshold in volts for a channel in counts, or the like.
    #[error("a threshold in {threshold} cannot be applied to channel `{channel}`, which is in {unit}")]
    Unit {
        /// The threshold's unit.
        threshold: String,
        /// The channel.
        channel: String,
        /// Its unit.
        unit: String,
    },
    /// The recording could not be read.
    #[error(transparent)]
    Store(StoreError),
}

impl FeaturesError {
    /// What to do next.
    #[must_use]
    pub fn advice(&self) -> String {
        match self {
            Self::RateUnknown { .. } => "import it again with `--rate`".to_owned(),
            Self::TooShort { what, .. } => format!("give a longer `--{what}`"),
            Self::NoChannel { known, .. } | Self::NotEmg { known, .. } => format!("there are {known}"),
            Self::NoEmg => "see its kinds with `myograph inspect`".to_owned(),
            Self::Unit { unit, .. } => format!(
                "give it in {unit}, as a multiple of the noise at rest such as `3x`, or choose with `--channels`"
            ),
            Self::Store(error) => error.advice(),
        }
    }
}
