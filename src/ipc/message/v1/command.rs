//! What a front end could ask in version 1.

use super::twin::{said, said_codes};
use crate::emg::{self, marker};
use crate::ipc::message::Error;
use crate::session::command;
use serde::Serialize;

#[derive(Clone, Debug, Serialize)]
pub(super) struct Command {
    request: u64,
    action: Action,
}

/// In the order of their numbers.
#[derive(Clone, Debug, Serialize)]
enum Action {
    Mark(MarkRequest),
    RetractLast,
    Record,
    Stop,
    Status,
    Subscribe,
}

said!(Stamp = emg::Stamp { host_ns: i64, utc_ns: i64 });
said_codes!(Origin = marker::Origin { Key, Command, Network, Protocol, Ttl, Lsl });
said_codes!(MarkAction = marker::Action { Add, Retract, Relabel, Note, End });
said!(
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

impl TryFrom<command::Command> for Command {
    type Error = Error;

    fn try_from(command: command::Command) -> Result<Self, Error> {
        let action = match command.action {
            command::Action::Mark(request) => Action::Mark(request.into()),
            command::Action::RetractLast => Action::RetractLast,
            command::Action::Record => Action::Record,
            command::Action::Stop => Action::Stop,
            command::Action::Status => Action::Status,
            // Version 1 knows no roles; a front end that only looks keeps to it by itself.
            command::Action::Subscribe { .. } => Action::Subscribe,
            command::Action::Take => return Err(Error::Older { what: "control that moves" }),
            command::Action::Acknowledge => {
                return Err(Error::Older { what: "alarms that are acknowledged" });
            }
            command::Action::Filter(_) => return Err(Error::Older { what: "filters that change" }),
            command::Action::Calibrate(_) => return Err(Error::Older { what: "calibration" }),
            command::Action::ClockOffset(_) => return Err(Error::Older { what: "clock offsets" }),
        };
        Ok(Self { request: command.request, action })
    }
}
