//! What a front end may ask. An action or content a recorder does not know is refused by name, never guessed.

use super::Error;
use super::emg::{ClockOffset, Stamp};
use super::head::{self, Nothing, Opened};
use super::twin::{codes, twin};
use crate::emg::marker;
use crate::session::command::{self, Action, Command};
use serde::{Deserialize, Serialize};

codes!(Origin = marker::Origin { Key, Command, Network, Protocol, Ttl, Lsl });
codes!(MarkAction = marker::Action { Add, Retract, Relabel, Note, End });

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

codes!(CalibrateStep = command::CalibrateStep { Start, Next, Skip, Redo, Keep, Discard, Moved });
/// A macro takes one token for a type.
type SomeChannel = Option<u16>;
twin!(CalibrateRequest = command::CalibrateRequest { step: CalibrateStep, channel: SomeChannel });
twin!(
    FilterRequest = command::FilterRequest {
        preset: String,
        line_hz: f64,
        order: u32,
        notches: String,
        baseline: String,
    }
);

/// How a front end looks.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Subscribe {
    read_only: bool,
}

/// The body of a command.
pub(super) fn body(Command { request, action }: Command) -> Result<Vec<u8>, Error> {
    let number = Some(request);
    let plain = |is| head::body(is, number, &Nothing {});
    match action {
        Action::Mark(request) => head::body("mark", number, &MarkRequest::from(request)),
        Action::RetractLast => plain("retract-last"),
        Action::Record => plain("record"),
        Action::Stop => plain("stop"),
        Action::Status => plain("status"),
        Action::Subscribe { read_only } => head::body("subscribe", number, &Subscribe { read_only }),
        Action::Take => plain("take"),
        Action::Acknowledge => plain("acknowledge"),
        Action::Filter(request) => head::body("filter", number, &FilterRequest::from(request)),
        Action::ClockOffset(offset) => head::body("clock-offset", number, &ClockOffset::from(offset)),
        Action::Calibrate(request) => head::body("calibrate", number, &CalibrateRequest::from(request)),
    }
}

/// The command in a body.
pub(super) fn read(opened: &Opened<'_>) -> Result<Command, Error> {
    let Some(request) = opened.head.request else { return Err(opened.unknown()) };
    let plain = |action| opened.read::<Nothing>().map(|Nothing {}| action);
    let action = match opened.head.is.as_str() {
        "mark" => Action::Mark(opened.read::<MarkRequest>()?.into()),
        "retract-last" => plain(Action::RetractLast)?,
        "record" => plain(Action::Record)?,
        "stop" => plain(Action::Stop)?,
        "status" => plain(Action::Status)?,
        "subscribe" => Action::Subscribe { read_only: opened.read::<Subscribe>()?.read_only },
        "take" => plain(Action::Take)?,
        "acknowledge" => plain(Action::Acknowledge)?,
        "filter" => Action::Filter(opened.read::<FilterRequest>()?.into()),
        "clock-offset" => Action::ClockOffset(opened.read::<ClockOffset>()?.into()),
        "calibrate" => Action::Calibrate(opened.read::<CalibrateRequest>()?.into()),
        _ => return Err(opened.unknown()),
    };
    Ok(Command { request, action })
}
