//! WHAT IS SAID between a recorder and any front end: commands in, events out, as plain owned values.
//!
//! No sockets here (`ipc` carries these types, `tui` consumes them) and no serde: `ipc/message` has the twins.

pub mod alarm;
pub mod clients;
pub mod command;
pub mod earlier;
pub mod event;
pub mod model;
pub mod review;
pub mod snapshot;
pub mod system;

pub use alarm::Alarm;
pub use clients::{ClientId, Clients, Incoming};
pub use command::{Command, MarkRequest};
pub use event::{Answer, Bins, Event};
pub use model::ModelState;
pub use review::Review;
pub use snapshot::Snapshot;
pub use system::{Role, System, Viewer};

use crossbeam_channel::{Receiver, Sender};

/// A front end's end of a session: it cannot tell a socket from a channel.
#[derive(Debug)]
pub struct Session {
    /// What the front end wants.
    pub commands: Sender<Command>,
    /// What the recorder says. Disconnected = the recorder is gone.
    pub events: Receiver<Event>,
}
