//! One connection of a recorder: the greeting, then a thread that reads commands and one that writes events.
//!
//! Neither can hold up anything but this client: events come from its own [`Queue`](super::queue::Queue).

use super::queue::{Audience, Put};
use super::roster::{Peer, Roster};
use super::{Identity, Stop};
use crate::emg::units::wide;
use crate::emg::{Stamp, marker};
use crate::ipc::codec::COMMAND_LIMIT;
use crate::ipc::message::hello::MAGIC;
use crate::ipc::message::{self, Hello, Message, RECORDER, Refusal, Reply, Versions, Welcome};
use crate::ipc::stream::{Inbound, send};
use crate::session::{Answer, Bins, ClientId, Command, Event, Incoming};
use crossbeam_channel::{SendTimeoutError, Sender, bounded};
use std::io;
use std::ops::Range;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// A client that does not say what it is for this long is none.
const GREETING: Duration = Duration::from_secs(5);
/// How long a client that spoke nonsense is given to read why it is put out.
const FAREWELL: Duration = Duration::from_secs(1);
/// How often a command that finds the recorder busy looks whether the recorder is ending.
const PATIENCE: Duration = Duration::from_millis(100);

/// Everything the threads of a connection share.
pub(super) struct Connection {
    pub(super) client: ClientId,
    pub(super) peer: Arc<Peer>,
    /// Process at the other end, 0 where unknown.
    pub(super) pid: u32,
    pub(super) identity: Arc<Identity>,
    pub(super) roster: Arc<Roster>,
    pub(super) incoming: Sender<Incoming>,
    pub(super) stop: Stop,
}

/// Why a client is put out.
struct PutOut {
    refusal: Refusal,
    sentence: String,
}

impl Connection {
    /// Serves the client until it leaves, is put out or cut off.
    pub(super) fn run(self) {
        let mut bytes = Inbound::new(&self.peer.stream, COMMAND_LIMIT);
        let name = self.greet(&mut bytes).unwrap_or_else(|out| {
            refuse(&self.peer.stream, out.refusal, out.sentence);
            None
        });
        let was_known = name.is_some_and(|name| self.converse(&mut bytes, name));
        self.peer.cut();
        self.roster.leave(self.client);
        if was_known {
            self.deliver(Incoming::Disconnected { client: self.client });
        }
    }

    /// The client's name once it has been welcomed; none where it left before it said anything.
    fn greet(&self, bytes: &mut Inbound<&UnixStream>) -> Result<Option<String>, PutOut> {
        let out = |refusal, sentence: &str| PutOut { refusal, sentence: sentence.to_owned() };
        let no_greeting = || out(Refusal::Garbled, "what this program said is not a myograph greeting.");
        // Without the timeout a silent client would keep its place; failing to set it costs no more.
        let _ = self.peer.stream.set_read_timeout(Some(GREETING));
        let body = match bytes.body() {
            Ok(Some(body)) => body,
            Ok(None) => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                return Err(out(Refusal::Garbled, "this program did not greet in time."));
            }
            Err(_) => return Err(no_greeting()),
        };
        let hello =
            Hello::from_body(&body).ok().filter(|hello| hello.magic == MAGIC).ok_or_else(no_greeting)?;
        let welcome = self.identity.welcome(&hello)?;
        let _ = self.peer.stream.set_read_timeout(None);
        if send(&self.peer.stream, &Reply::Welcome(welcome)).is_err() {
            return Ok(None);
        }
        Ok(Some(hello.name))
    }

    /// Talks until one side has enough; whether the recorder came to know of the client.
    fn converse(&self, bytes: &mut Inbound<&UnixStream>, name: String) -> bool {
        self.peer.queue.welcome();
        if !self.deliver(Incoming::Connected { client: self.client, name, pid: self.pid }) {
            return false;
        }
        let (done, written) = bounded::<()>(0);
        let peer = Arc::clone(&self.peer);
        let writer = thread::Builder::new().name("ipc-write".into()).spawn(move || {
            let _done = done;
            write_events(&peer);
        });
        // Without a writer the client is put out like one that left.
        let Ok(writer) = writer else { return true };
        if let Err(why) = self.read_commands(bytes) {
            let text = format!("the recorder hangs up: {why}.");
            let notice = Event::Notice { utc_ns: Stamp::now().utc_ns, level: 1, text };
            self.peer.queue.put(Arc::new(notice), Audience::Present);
            self.peer.queue.end();
            // Ends when the writer does, or when the client has had its time.
            let _ = written.recv_timeout(FAREWELL);
        }
        self.peer.cut();
        // A panic there has been reported by its own thread.
        let _ = writer.join();
        true
    }

    /// Hands commands to the recorder until the client leaves; the error is what is wrong with one that
    /// spoke nonsense.
    fn read_commands(&self, bytes: &mut Inbound<&UnixStream>) -> Result<(), String> {
        loop {
            let body = match bytes.body() {
                Ok(Some(body)) => body,
                Err(error) if error.kind() == io::ErrorKind::InvalidData => return Err(error.to_string()),
                Ok(None) | Err(_) => return Ok(()),
            };
            let command = match Command::from_body(&body) {
                Ok(command) => command,
                Err(message::Error::Unknown { is, request: Some(request) }) => {
                    self.refuse_unknown(&is, request);
                    continue;
                }
                Err(error) => return Err(format!("a command cannot be read ({error})")),
            };
            if !self.deliver(Incoming::Command { client: self.client, command }) {
                return Ok(());
            }
        }
    }

    /// A later program may ask for more than this recorder can do; it goes on without.
    fn refuse_unknown(&self, is: &str, request: u64) {
        let version = &self.identity.version;
        let is = marker::clip(is, marker::LABEL_BYTES);
        let why = format!("this recorder ({version}) does not know that command, `{is}`");
        let answer = Event::Answer { request, answer: Answer::Refused(why) };
        if self.peer.queue.put(Arc::new(answer), Audience::Present) == Put::Overflow {
            self.peer.cut();
        }
    }

    /// Waits until the recorder takes it; false once the recorder is ending.
    fn deliver(&self, mut incoming: Incoming) -> bool {
        loop {
            match self.incoming.send_timeout(incoming, PATIENCE) {
                Ok(()) => return true,
                Err(SendTimeoutError::Timeout(back)) if !self.stop.is_set() => incoming = back,
                Err(_) => return false,
            }
        }
    }
}

impl Identity {
    /// The answer to a greeting.
    fn welcome(&self, hello: &Hello) -> Result<Welcome, PutOut> {
        let no_common = |what, theirs, ours| PutOut {
            refusal: Refusal::Version,
            sentence: format!(
                "it speaks version {theirs} of {what}, the recorder ({}) {ours}.",
                self.version
            ),
        };
        let common =
            |what, theirs: Versions| RECORDER.common(theirs).ok_or_else(|| no_common(what, theirs, RECORDER));
        Ok(Welcome {
            id: self.id.clone(),
            version: self.version.clone(),
            pid: std::process::id(),
            commands: common("commands", hello.commands)?,
            events: common("events", hello.events)?,
        })
    }
}

/// Tells a client why it is not taken; best effort, as it may not listen.
pub(super) fn refuse(stream: &UnixStream, refusal: Refusal, sentence: String) {
    // A fresh connection has room for one sentence: whoever filled it cannot make this wait.
    let _ = stream.set_nonblocking(true);
    let _ = send(stream, &Reply::Refused { code: refusal.code(), sentence });
}

/// Tells the client what its queue holds until that ends or the client is gone.
fn write_events(peer: &Peer) {
    while let Some(event) = peer.queue.next() {
        if send_event(&peer.stream, &event).is_err() {
            break;
        }
    }
    peer.cut();
}

/// Writes an event; bins too many for one frame go in several.
fn send_event(stream: &UnixStream, event: &Event) -> io::Result<()> {
    match (send(stream, event), event) {
        (Err(error), Event::Bins(bins)) if error.kind() == io::ErrorKind::InvalidInput && bins.len() > 1 => {
            let [front, back] = halves(bins);
            send_event(stream, &Event::Bins(front))?;
            send_event(stream, &Event::Bins(back))
        }
        (sent, _) => sent,
    }
}

fn halves(bins: &Bins) -> [Bins; 2] {
    let middle = bins.len() / 2;
    let pairs = middle * usize::from(bins.channels);
    let part = |first, range: Range<usize>| Bins {
        first,
        rows_per_bin: bins.rows_per_bin,
        channels: bins.channels,
        clean: bins.clean.get(range.clone()).unwrap_or_default().to_vec(),
        raw: bins.raw.get(range).unwrap_or_default().to_vec(),
    };
    let second = bins.first + wide(middle);
    [part(bins.first, 0..pairs), part(second, pairs..bins.clean.len())]
}
