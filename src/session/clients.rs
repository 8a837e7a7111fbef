//! The recorder's end of its sessions: what reaches it from all front ends, and how it speaks to them.
//!
//! `ipc` fills both over a socket; a test of the recorder fills them with channels.

use super::{Command, Event};

/// One connected front end; numbers are never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientId(pub u64);

/// What reaches the recorder from its front ends. A client's `Connected` comes before its commands and its
/// `Disconnected` after them.
#[derive(Clone, Debug, PartialEq)]
pub enum Incoming {
    /// A front end is there.
    Connected {
        /// Its number.
        client: ClientId,
        /// What it calls itself; goes into the markers it makes.
        name: String,
        /// Its process, 0 where the system does not say.
        pid: u32,
    },
    /// A front end wants something.
    Command {
        /// Which one.
        client: ClientId,
        /// What.
        command: Command,
    },
    /// A front end is gone.
    Disconnected {
        /// Its number.
        client: ClientId,
    },
}

/// How a recorder speaks to its front ends. No call waits for a front end.
pub trait Clients: Send + Sync {
    /// Says something to one front end, which need not be there any more.
    fn send_to(&self, client: ClientId, event: Event);

    /// Says something to all subscribed front ends.
    fn broadcast(&self, event: Event);

    /// Hands a front end what came before (traces, a tick), then everything that is broadcast from here on.
    fn subscribe(&self, client: ClientId, history: Vec<Event>);
}
