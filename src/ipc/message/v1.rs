//! Version 1, frozen: what recorders spoke before messages named their fields. Postcard, fields by their place.
//!
//! A program that is newer than a running recorder looks at it, marks and stops it through these twins; nothing
//! here ever changes but the values that stand for what version 1 did not say. Callers: `message` alone.

mod command;
mod emg;
mod event;
mod snapshot;
#[cfg(test)]
mod tests;
mod twin;

use super::{Error, whole};
use crate::session::{Command, Event};

/// The body of a command; an error for what version 1 has no words for.
pub(super) fn command(command: Command) -> Result<Vec<u8>, Error> {
    let twin = command::Command::try_from(command)?;
    Ok(postcard::to_stdvec(&twin)?)
}

/// The event in a body.
pub(super) fn event(body: &[u8]) -> Result<Event, Error> {
    Ok(whole::<event::Event>(body)?.into())
}
