//! A recorder's socket: one thread accepts, two serve each client, and the recorder waits for none of them.
//!
//! What clients say arrives as [`Incoming`] on the one channel the recorder gave; what it says goes through an
//! [`Outbox`]. A socket file that vanishes (a runtime folder removed at logout) is made again.

mod peer;
mod queue;
mod roster;
#[cfg(test)]
mod tests;

pub use roster::{CLIENTS, Outbox};

use super::Error;
use super::message::Refusal;
use super::socket::{self, Access};
use crate::session::{Event, Incoming};
use crossbeam_channel::Sender;
use peer::{Connection, refuse};
use roster::Roster;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::sockopt::socket_peercred;
use std::io;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How often the socket file is looked for, and how long a failing `accept` is left alone.
const LOOK: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };

/// Who the recorder is, as its clients are told.
#[derive(Clone, Debug)]
pub struct Identity {
    /// For `attach` and `stop`.
    pub id: String,
    /// `VERSION` of the program.
    pub version: String,
}

/// A listening socket and all its connections. Dropped without [`Server::finish`], it cuts them off.
#[derive(Debug)]
pub struct Server {
    path: PathBuf,
    roster: Arc<Roster>,
    stop: Stop,
    /// Closing it wakes the accepting thread.
    wake: Option<UnixStream>,
    accepting: Option<JoinHandle<()>>,
}

impl Server {
    /// Listens on `path` (see [`socket::path`]), in place of a dead recorder's socket. Everything clients say
    /// goes to `incoming`; while that is full clients wait, and nothing is lost.
    pub fn bind(
        path: &Path,
        access: Access,
        identity: Identity,
        incoming: Sender<Incoming>,
    ) -> Result<Self, Error> {
        let listener = listen(path, access)?;
        let failed = |source| Error::Bind { path: path.to_owned(), source };
        let (wake, woken) = UnixStream::pair().map_err(failed)?;
        let (roster, stop) = (Arc::new(Roster::default()), Stop::default());
        let door = Door {
            path: path.to_owned(),
            access,
            identity: Arc::new(identity),
            roster: Arc::clone(&roster),
            incoming,
            stop: stop.clone(),
        };
        let accepting = thread::Builder::new()
            .name("ipc-accept".into())
            .spawn(move || door.run(listener, &woken))
            .map_err(|source| Error::Thread { thread: "ipc-accept", source })?;
        Ok(Self { path: path.to_owned(), roster, stop, wake: Some(wake), accepting: Some(accepting) })
    }

    /// The recorder's voice.
    #[must_use]
    pub fn outbox(&self) -> Outbox {
        Outbox(Arc::clone(&self.roster))
    }

    /// Where it listens.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes no more clients, tells every one of them the end after all it has yet to hear, waits at most
    /// `limit` for them to hear it, and removes the socket.
    pub fn finish(mut self, code: u8, text: String, limit: Duration) {
        self.close(Some(Event::Finished { code, text }), limit);
    }

    fn close(&mut self, last: Option<Event>, limit: Duration) {
        let Some(accepting) = self.accepting.take() else {
            return;
        };
        self.stop.set();
        self.wake = None;
        // A panic there has been reported by its own thread.
        let _ = accepting.join();
        self.roster.finish(last, limit);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.close(None, Duration::ZERO);
    }
}

/// Said once, when the server ends.
#[derive(Clone, Debug, Default)]
struct Stop(Arc<AtomicBool>);

impl Stop {
    fn set(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    fn is_set(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// Listens without ever blocking in `accept`.
fn listen(path: &Path, access: Access) -> Result<UnixListener, Error> {
    let listener = socket::listen(path, access)?;
    listener.set_nonblocking(true).map_err(|source| Error::Bind { path: path.to_owned(), source })?;
    Ok(listener)
}

/// Whether a process of this user may command a recorder of `own`. Who is of the group the kernel has seen by the
/// socket's mode.
fn may_enter(uid: u32, own: u32, access: Access) -> bool {
    uid == own || uid == 0 || access == Access::Group
}

/// What the accepting thread needs.
struct Door {
    path: PathBuf,
    access: Access,
    identity: Arc<Identity>,
    roster: Arc<Roster>,
    incoming: Sender<Incoming>,
    stop: Stop,
}

impl Door {
    /// Lets clients in until `woken` closes, then removes the socket file if it is still this server's.
    fn run(self, mut listener: UnixListener, woken: &UnixStream) {
        let mut file = socket::identity(&self.path);
        while !self.stop.is_set() {
            let mut waiting = [PollFd::new(&listener, PollFlags::IN), PollFd::new(woken, PollFlags::IN)];
            // An interrupted poll has nothing to tell; the loop looks again.
            let _ = poll(&mut waiting, Some(&LOOK));
            if socket::identity(&self.path) != file
                && let Ok(again) = listen(&self.path, self.access)
            {
                listener = again;
                file = socket::identity(&self.path);
            }
            self.accept_all(&listener);
        }
        if file.is_some() && socket::identity(&self.path) == file {
            // Somebody who found nobody listening may have been faster.
            let _ = std::fs::remove_file(&self.path);
        }
    }

    fn accept_all(&self, listener: &UnixListener) {
        while !self.stop.is_set() {
            match listener.accept() {
                Ok((stream, _)) => self.enter(stream),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // Out of descriptors: whoever waits stays in the queue, and poll would return at once.
                Err(_) => return thread::sleep(Duration::from_millis(100)),
            }
        }
    }

    fn enter(&self, stream: UnixStream) {
        let Ok(other) = socket_peercred(&stream) else {
            return;
        };
        if !may_enter(other.uid.as_raw(), socket::own_uid(), self.access) {
            let sentence = "it belongs to another user.".to_owned();
            return refuse(&stream, Refusal::Stranger, sentence);
        }
        let (client, peer) = match self.roster.enter(stream) {
            Ok(entered) => entered,
            Err(stream) => {
                let sentence = format!("{CLIENTS} programs are connected already; close one of them.");
                return refuse(&stream, Refusal::Full, sentence);
            }
        };
        let connection = Connection {
            client,
            peer,
            pid: u32::try_from(other.pid.as_raw_nonzero().get()).unwrap_or(0),
            identity: Arc::clone(&self.identity),
            roster: Arc::clone(&self.roster),
            incoming: self.incoming.clone(),
            stop: self.stop.clone(),
        };
        let serving = thread::Builder::new().name("ipc-read".into()).spawn(move || connection.run());
        if serving.is_err() {
            self.roster.leave(client);
        }
    }
}
