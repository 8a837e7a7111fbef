//! What travels: a [`Hello`], its [`Reply`], then [`Command`]s one way and [`Event`]s the other, as postcard
//! bodies. The session's types stay without serde; their wire twins live below. Callers: `server`, `client`.
//!
//! Commands and events have a version each. Both ends name the oldest and newest they speak and the recorder
//! takes the newest common one, so a program keeps the twins of a version for one version after the next.

mod command;
mod emg;
mod event;
pub mod hello;
mod snapshot;
#[cfg(test)]
mod tests;
mod twin;

pub use hello::{Hello, Refusal, Reply, Versions, Welcome};

use super::codec::{COMMAND_LIMIT, EVENT_LIMIT};
use crate::session::{Command, Event};
use serde::de::DeserializeOwned;

/// The versions of client messages this program speaks.
pub const COMMANDS: Versions = Versions { oldest: 1, newest: 1 };
/// The versions of recorder messages this program speaks.
pub const EVENTS: Versions = Versions { oldest: 2, newest: 2 };

/// Something that travels as one frame.
pub trait Message: Sized {
    /// Longest body, bytes.
    const LIMIT: u32;

    /// The body.
    fn to_body(&self) -> Result<Vec<u8>, postcard::Error>;

    /// The message in a body. Never panics, whatever the bytes.
    fn from_body(body: &[u8]) -> Result<Self, postcard::Error>;
}

impl Message for Command {
    const LIMIT: u32 = COMMAND_LIMIT;

    fn to_body(&self) -> Result<Vec<u8>, postcard::Error> {
        postcard::to_stdvec(&command::Command::from(self.clone()))
    }

    fn from_body(body: &[u8]) -> Result<Self, postcard::Error> {
        whole::<command::Command>(body).map(Into::into)
    }
}

impl Message for Event {
    const LIMIT: u32 = EVENT_LIMIT;

    fn to_body(&self) -> Result<Vec<u8>, postcard::Error> {
        postcard::to_stdvec(&event::Event::from(self.clone()))
    }

    fn from_body(body: &[u8]) -> Result<Self, postcard::Error> {
        whole::<event::Event>(body).map(Into::into)
    }
}

/// The twin in a body that holds nothing else.
fn whole<T: DeserializeOwned>(body: &[u8]) -> Result<T, postcard::Error> {
    match postcard::take_from_bytes(body)? {
        (twin, []) => Ok(twin),
        _ => Err(postcard::Error::DeserializeBadEncoding),
    }
}

/// The greeting in a body; a later program may have added to its end.
fn beginning<T: DeserializeOwned>(body: &[u8]) -> Result<T, postcard::Error> {
    postcard::take_from_bytes(body).map(|(greeting, _)| greeting)
}

impl Message for Hello {
    const LIMIT: u32 = COMMAND_LIMIT;

    fn to_body(&self) -> Result<Vec<u8>, postcard::Error> {
        postcard::to_stdvec(self)
    }

    fn from_body(body: &[u8]) -> Result<Self, postcard::Error> {
        beginning(body)
    }
}

impl Message for Reply {
    const LIMIT: u32 = COMMAND_LIMIT;

    fn to_body(&self) -> Result<Vec<u8>, postcard::Error> {
        postcard::to_stdvec(self)
    }

    fn from_body(body: &[u8]) -> Result<Self, postcard::Error> {
        beginning(body)
    }
}
