//! Every front end's way to a recorder: a [`Session`] for a dashboard, a [`Link`] for one-shot commands.

use super::codec::{COMMAND_LIMIT, EVENT_LIMIT};
use super::message::hello::MAGIC;
use super::message::{self, COMMANDS, EVENTS, Hello, Message, Refusal, Reply, Welcome};
use super::stream::{Inbound, send, send_body};
use super::{Error, socket};
use crate::emg::{Stamp, marker};
use crate::session::command::Action;
use crate::session::{Answer, Command, Event, Session};
use crossbeam_channel::{Receiver, Sender, bounded};
use std::io;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Longest wait for a greeting: a recorder answers from a thread of its own, however busy it is.
const GREETING: Duration = Duration::from_secs(3);
/// Commands a dashboard may send ahead: a burst of keys.
const COMMANDS_AHEAD: usize = 64;
/// Events kept for a dashboard that is drawing; behind them the recorder's own queue ranks and drops.
const EVENTS_AHEAD: usize = 64;

/// How a recording ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// Exit code of the recorder.
    pub code: u8,
    /// What was stored, or what was lost.
    pub text: String,
}

/// A socket somebody listens on, and how that went.
#[derive(Debug)]
pub struct Found {
    /// The recorder's id.
    pub id: String,
    /// Its socket.
    pub path: PathBuf,
    /// A connection to it, or why there is none: silent, full or of another version.
    pub link: Result<Link, Error>,
}

/// All recorders in `folder` (see [`socket::folder`]), by id. `name` is what this program calls itself.
pub fn list(folder: &Path, name: &str) -> Result<Vec<Found>, Error> {
    let found = |(id, path): (String, PathBuf)| Found { id, link: Link::open(&path, name), path };
    Ok(socket::sockets(folder)?.into_iter().map(found).collect())
}

/// Asks one thing of the recorder on `path` and waits at most `patience` for its answer.
pub fn request(path: &Path, name: &str, action: Action, patience: Duration) -> Result<Answer, Error> {
    Link::open(path, name)?.request(action, patience)
}

/// Ends the recording on `path` and waits until it is sealed, as long as the recorder lives.
pub fn stop(path: &Path, name: &str) -> Result<Finished, Error> {
    Link::open(path, name)?.stop()
}

/// A session with the recorder on `path`. Dropping it, or only its `commands`, hangs up; when the recorder is
/// gone its `events` disconnect.
pub fn connect(path: &Path, name: &str) -> Result<(Session, Welcome), Error> {
    let Link { path, inbound, welcome, .. } = Link::open(path, name)?;
    let failed = |source| Error::Connection { path: path.clone(), source };
    inbound.stream.set_read_timeout(None).map_err(failed)?;
    let outbound = inbound.stream.try_clone().map_err(failed)?;
    let (commands, to_send) = bounded(COMMANDS_AHEAD);
    let (heard, events) = bounded(EVENTS_AHEAD);
    let ear = Ear(Arc::new(Mutex::new(Some(heard))));
    let (speaks, understands, of_commands) = (welcome.commands, welcome.events, ear.clone());
    spawn("ipc-commands", move || pump_commands(&outbound, &to_send, speaks, &of_commands))?;
    spawn("ipc-events", move || pump_events(inbound, understands, &ear))?;
    Ok((Session { commands, events }, welcome))
}

/// Where a session's events arrive; deaf once the recorder is gone, so that the session hears of it.
#[derive(Clone)]
struct Ear(Arc<Mutex<Option<Sender<Event>>>>);

impl Ear {
    /// Hands an event over, waiting for room; false where nobody listens any more.
    fn tell(&self, event: Event) -> bool {
        let heard = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        heard.is_some_and(|heard| heard.send(event).is_ok())
    }

    fn close(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

fn spawn(thread: &'static str, run: impl FnOnce() + Send + 'static) -> Result<(), Error> {
    let spawned = thread::Builder::new().name(thread.into()).spawn(run);
    spawned.map(drop).map_err(|source| Error::Thread { thread, source })
}

fn pump_commands(stream: &UnixStream, commands: &Receiver<Command>, version: u16, ear: &Ear) {
    for command in commands {
        let request = command.request;
        let said = match message::command_body(&shortened(command), version) {
            Ok(body) => send_body(stream, &body, COMMAND_LIMIT).is_ok(),
            Err(error) => ear.tell(Event::Answer { request, answer: Answer::Refused(format!("{error}.")) }),
        };
        if !said {
            break;
        }
    }
    // Fails only where the recorder was faster.
    let _ = stream.shutdown(Shutdown::Both);
}

fn pump_events(mut inbound: Inbound<UnixStream>, version: u16, ear: &Ear) {
    let mut hinted = false;
    let warn = |level, text: &str| {
        ear.tell(Event::Notice { utc_ns: Stamp::now().utc_ns, level, text: text.to_owned() })
    };
    while let Ok(Some(body)) = inbound.body() {
        let goes_on = match message::event_from(&body, version) {
            Ok(event) => ear.tell(event),
            Err(message::Error::Unknown { request: Some(request), .. }) => {
                ear.tell(Event::Answer { request, answer: not_understood() })
            }
            Err(message::Error::Unknown { .. }) if hinted => true,
            Err(message::Error::Unknown { .. }) => {
                hinted = true;
                warn(3, "the recorder is newer and says more than this dashboard knows: the rest is shown.")
            }
            Err(error) => {
                warn(
                    1,
                    &format!("this dashboard hangs up: a message of the recorder cannot be read ({error})."),
                );
                false
            }
        };
        if !goes_on {
            break;
        }
    }
    ear.close();
    let _ = inbound.stream.shutdown(Shutdown::Both);
}

/// What stands for an answer of a later version.
fn not_understood() -> Answer {
    Answer::Refused("answered in words this program does not know; a newer `myograph` does".to_owned())
}

/// Cuts a marker's texts to what a recording holds, so that no command outgrows its frame.
fn shortened(mut command: Command) -> Command {
    if let Action::Mark(request) = &mut command.action {
        request.label = marker::clip(&request.label, marker::LABEL_BYTES);
        request.note = marker::clip(&request.note, marker::NOTE_BYTES);
    }
    command
}

/// A connection that asks and waits, without threads.
#[derive(Debug)]
pub struct Link {
    path: PathBuf,
    inbound: Inbound<UnixStream>,
    welcome: Welcome,
    /// Requests made so far.
    requests: u64,
    /// The end, where it was heard while something else was waited for.
    finished: Option<Finished>,
}

impl Link {
    /// Connects and greets.
    pub fn open(path: &Path, name: &str) -> Result<Self, Error> {
        use io::ErrorKind::{ConnectionRefused, NotFound};
        let stream = UnixStream::connect(path).map_err(|source| match source.kind() {
            ConnectionRefused | NotFound => Error::Nobody { path: path.to_owned(), source },
            _ => Error::Connection { path: path.to_owned(), source },
        })?;
        // A journal somebody else left may name any socket.
        let other = rustix::net::sockopt::socket_peercred(&stream)
            .map_err(|error| Error::Connection { path: path.to_owned(), source: error.into() })?;
        if !socket::is_believed(other.uid.as_raw(), path) {
            let sentence = "it belongs to another user.".to_owned();
            return Err(Error::Refused { path: path.to_owned(), sentence });
        }
        let hello = Hello { magic: MAGIC, commands: COMMANDS, events: EVENTS, name: name.to_owned() };
        // A recorder that is full hangs up without listening; what it said first is still to be read.
        let _ = send(&stream, &hello);
        let mut inbound = Inbound::new(stream, EVENT_LIMIT);
        let body = next_body(path, &mut inbound, Some(GREETING), "greeting it")?;
        match Reply::from_body(&body).map_err(|source| Error::Garbled { path: path.to_owned(), source })? {
            Reply::Welcome(welcome) => {
                Ok(Self { path: path.to_owned(), inbound, welcome, requests: 0, finished: None })
            }
            Reply::Refused { code, sentence } => Err(match Refusal::from_code(code) {
                Refusal::Version => Error::Version { path: path.to_owned(), sentence },
                _ => Error::Refused { path: path.to_owned(), sentence },
            }),
        }
    }

    /// Who answered.
    #[must_use]
    pub fn welcome(&self) -> &Welcome {
        &self.welcome
    }

    /// Asks one thing and waits at most `patience` for its answer.
    pub fn request(&mut self, action: Action, patience: Duration) -> Result<Answer, Error> {
        let request = self.send(action)?;
        let start = Instant::now();
        loop {
            let left = patience.checked_sub(start.elapsed());
            let left = left.ok_or_else(|| Error::TimedOut { path: self.path.clone() })?;
            match self.event(Some(left), "answering")? {
                Event::Answer { request: answered, answer } if answered == request => return Ok(answer),
                Event::Finished { code, text } => self.finished = Some(Finished { code, text }),
                _ => {}
            }
        }
    }

    /// Asks for the end of the recording and waits until it is sealed, as long as the recorder lives.
    pub fn stop(mut self) -> Result<Finished, Error> {
        let request = self.send(Action::Stop)?;
        self.finish(Some(request))
    }

    /// Waits until the recording is sealed, as long as the recorder lives.
    pub fn wait_finished(mut self) -> Result<Finished, Error> {
        self.finish(None)
    }

    fn finish(&mut self, stop: Option<u64>) -> Result<Finished, Error> {
        loop {
            if let Some(finished) = self.finished.take() {
                return Ok(finished);
            }
            match self.event(None, "sealing its recording")? {
                Event::Finished { code, text } => self.finished = Some(Finished { code, text }),
                Event::Answer { request, answer: Answer::Refused(sentence) } if Some(request) == stop => {
                    return Err(Error::Declined { path: self.path.clone(), sentence });
                }
                _ => {}
            }
        }
    }

    fn send(&mut self, action: Action) -> Result<u64, Error> {
        self.requests += 1;
        let command = shortened(Command { request: self.requests, action });
        let body = message::command_body(&command, self.welcome.commands).map_err(|error| match error {
            message::Error::Older { .. } => {
                Error::Declined { path: self.path.clone(), sentence: error.to_string() }
            }
            source => Error::Garbled { path: self.path.clone(), source },
        })?;
        // A recorder that has just hung up may have said why, or that it is finished: reading tells.
        match send_body(&self.inbound.stream, &body, COMMAND_LIMIT) {
            Err(source) if source.kind() != io::ErrorKind::BrokenPipe => {
                Err(Error::Connection { path: self.path.clone(), source })
            }
            _ => Ok(self.requests),
        }
    }

    /// The next event that this program knows.
    fn event(&mut self, patience: Option<Duration>, waiting: &'static str) -> Result<Event, Error> {
        let start = Instant::now();
        loop {
            let left = patience.map(|patience| patience.saturating_sub(start.elapsed()));
            let body = next_body(&self.path, &mut self.inbound, left, waiting)?;
            match message::event_from(&body, self.welcome.events) {
                Ok(event) => return Ok(event),
                Err(message::Error::Unknown { request: Some(request), .. }) => {
                    return Ok(Event::Answer { request, answer: not_understood() });
                }
                Err(message::Error::Unknown { .. }) => {}
                Err(source) => return Err(Error::Garbled { path: self.path.clone(), source }),
            }
        }
    }
}

/// The next body, for which a stream that ends, fails or stays silent is an error.
fn next_body(
    path: &Path,
    inbound: &mut Inbound<UnixStream>,
    patience: Option<Duration>,
    waiting: &'static str,
) -> Result<Vec<u8>, Error> {
    use io::ErrorKind::{BrokenPipe, ConnectionReset, TimedOut, UnexpectedEof, WouldBlock};
    let path = || path.to_owned();
    // Zero would mean for ever.
    let timeout = patience.map(|patience| patience.max(Duration::from_millis(1)));
    inbound.stream.set_read_timeout(timeout).map_err(|source| Error::Connection { path: path(), source })?;
    match inbound.body() {
        Ok(Some(body)) => Ok(body),
        Ok(None) => Err(Error::Lost { path: path(), waiting }),
        Err(source) => Err(match source.kind() {
            WouldBlock | TimedOut => Error::TimedOut { path: path() },
            UnexpectedEof | ConnectionReset | BrokenPipe => Error::Lost { path: path(), waiting },
            _ => Error::Connection { path: path(), source },
        }),
    }
}
