//! THE SESSION OVER A UNIX SOCKET: a recorder on one end, dashboards and one-shot commands on the other.
//!
//! `message` holds the wire twins of the session types, `codec` frames, `socket` knows where recorders are
//! found, `server` serves one recorder's clients, `listen` stimulus machines over TCP, `client` is every front
//! end's way in. Blocking named threads and bounded queues. What a command means is not decided here. Callers: `cli` only; it hands the recorder a
//! [`server::Server`]'s ends and the dashboard a [`crate::session::Session`].

pub mod client;
pub mod codec;
pub mod error;
pub mod listen;
pub mod message;
pub mod server;
pub mod socket;
mod stream;

pub use client::{Found, Link, connect, list, request, stop};
pub use error::Error;
pub use message::Welcome;
pub use server::{Identity, Server};
