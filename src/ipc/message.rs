//! What travels: a [`Hello`], its [`Reply`], then [`Command`]s one way and [`Event`]s the other. The session's
//! types stay without serde; their wire twins live below. Callers: `server`, `client`.
//!
//! The greeting is postcard and never changes. Messages of version 2 are `MessagePack` with named fields, so that
//! a program may add fields, actions and events without a new version: what the other one does not know it
//! passes over, or refuses by name. Version 1 is kept on the clients' side alone: an upgrade must not strand a
//! recording that runs, while a dashboard of the older program may be started again as the newer one.

mod command;
mod emg;
mod event;
mod head;
pub mod hello;
mod snapshot;
#[cfg(test)]
mod tests;
mod twin;
mod v1;

pub use hello::{Hello, Refusal, Reply, Versions, Welcome};

use super::codec::{COMMAND_LIMIT, EVENT_LIMIT};
use crate::session::{Command, Event};
use serde::de::DeserializeOwned;

/// The versions of commands a client of this program can say.
pub const COMMANDS: Versions = Versions { oldest: 1, newest: 2 };
/// The versions of events a client of this program can hear.
pub const EVENTS: Versions = Versions { oldest: 1, newest: 2 };
/// The version a recorder of this program speaks, both ways.
pub const RECORDER: Versions = Versions { oldest: 2, newest: 2 };

/// Why bytes are no message, or a message has no bytes.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not in the form of the greeting or of version 1.
    #[error("its bytes are not in order")]
    Postcard(#[from] postcard::Error),
    /// Not in the form of version 2.
    #[error("its beginning cannot be read")]
    Decode(#[from] rmp_serde::decode::Error),
    /// It cannot be written down.
    #[error("it cannot be written")]
    Encode(#[from] rmp_serde::encode::Error),
    /// In the form of version 2, and of a name or with content that is not known here.
    #[error("`{is}` is not known here")]
    Unknown {
        /// What it is.
        is: String,
        /// The command it is or answers.
        request: Option<u64>,
    },
    /// The recorder's version has no words for it.
    #[error("the recorder is older and has no {what}")]
    Older {
        /// What it lacks.
        what: &'static str,
    },
}

/// Something that travels as one frame, in the newest version.
pub trait Message: Sized {
    /// Longest body, bytes.
    const LIMIT: u32;

    /// The body.
    fn to_body(&self) -> Result<Vec<u8>, Error>;

    /// The message in a body. Never panics, whatever the bytes.
    fn from_body(body: &[u8]) -> Result<Self, Error>;
}

/// A command for a recorder that speaks `version`.
pub fn command_body(command: &Command, version: u16) -> Result<Vec<u8>, Error> {
    if version == 1 { v1::command(command.clone()) } else { command.to_body() }
}

/// An event of a recorder that speaks `version`.
pub fn event_from(body: &[u8], version: u16) -> Result<Event, Error> {
    if version == 1 { v1::event(body) } else { Event::from_body(body) }
}

impl Message for Command {
    const LIMIT: u32 = COMMAND_LIMIT;

    fn to_body(&self) -> Result<Vec<u8>, Error> {
        command::body(self.clone())
    }

    fn from_body(body: &[u8]) -> Result<Self, Error> {
        command::read(&head::open(body)?)
    }
}

impl Message for Event {
    const LIMIT: u32 = EVENT_LIMIT;

    fn to_body(&self) -> Result<Vec<u8>, Error> {
        event::body(self.clone())
    }

    fn from_body(body: &[u8]) -> Result<Self, Error> {
        event::read(&head::open(body)?)
    }
}

/// The twin in a body that holds nothing else.
fn whole<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    match postcard::take_from_bytes(body)? {
        (twin, []) => Ok(twin),
        _ => Err(postcard::Error::DeserializeBadEncoding.into()),
    }
}

/// The greeting in a body; a later program may have added to its end.
fn beginning<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    Ok(postcard::take_from_bytes(body).map(|(greeting, _)| greeting)?)
}

impl Message for Hello {
    const LIMIT: u32 = COMMAND_LIMIT;

    fn to_body(&self) -> Result<Vec<u8>, Error> {
        Ok(postcard::to_stdvec(self)?)
    }

    fn from_body(body: &[u8]) -> Result<Self, Error> {
        beginning(body)
    }
}

impl Message for Reply {
    const LIMIT: u32 = COMMAND_LIMIT;

    fn to_body(&self) -> Result<Vec<u8>, Error> {
        Ok(postcard::to_stdvec(self)?)
    }

    fn from_body(body: &[u8]) -> Result<Self, Error> {
        beginning(body)
    }
}
