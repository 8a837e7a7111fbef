//! Wire twins of what a front end may ask, version 1.

use super::emg::{MarkAction, Origin, Stamp};
use super::twin::twin;
use crate::session::command;
use serde::{Deserialize, Serialize};

twin!(Command = command::Command { request: u64, action: Action });

/// New actions go to the end.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Action {
    Mark(MarkRequest),
    RetractLast,
    Record,
    Stop,
    Status,
    Subscribe { read_only: bool },
    Take,
    Acknowledge,
    Filter(FilterRequest),
}

twin!(FilterRequest = command::FilterRequest { preset: String, line_hz: f64 });

twin!(
    MarkRequest = command::MarkRequest {
        key: u64,
        stamp: Stamp,
        label: String,
        note: String,
        code: i32,
        origin: Origin,
        action: MarkAction,
        refers_to: u64,
        uncertainty_us: u32,
    }
);

impl From<command::Action> for Action {
    fn from(action: command::Action) -> Self {
        match action {
            command::Action::Mark(request) => Self::Mark(request.into()),
            command::Action::RetractLast => Self::RetractLast,
            command::Action::Record => Self::Record,
            command::Action::Stop => Self::Stop,
            command::Action::Status => Self::Status,
            command::Action::Subscribe { read_only } => Self::Subscribe { read_only },
            command::Action::Take => Self::Take,
            command::Action::Acknowledge => Self::Acknowledge,
            command::Action::Filter(request) => Self::Filter(request.into()),
        }
    }
}

impl From<Action> for command::Action {
    fn from(action: Action) -> Self {
        match action {
            Action::Mark(request) => Self::Mark(request.into()),
            Action::RetractLast => Self::RetractLast,
            Action::Record => Self::Record,
            Action::Stop => Self::Stop,
            Action::Status => Self::Status,
            Action::Subscribe { read_only } => Self::Subscribe { read_only },
            Action::Take => Self::Take,
            Action::Acknowledge => Self::Acknowledge,
            Action::Filter(request) => Self::Filter(request.into()),
        }
    }
}
