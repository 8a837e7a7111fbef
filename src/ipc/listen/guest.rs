//! One sender: a thread that reads a line, does it, and answers, until the sender leaves or is put out.

use super::Hall;
use super::clock::{Clock, Offset};
use super::line::{self, LINE_BYTES, Wish};
use crate::emg::units::nanos;
use crate::emg::{ClockOffset, Stamp, marker};
use crate::session::command::Action;
use crate::session::{Answer, ClientId, Command, Event, Incoming, MarkRequest};
use crossbeam_channel::{Receiver, SendTimeoutError};
use rustix::net::sockopt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// A sender that does not say its token for this long is none.
const GREETING: Duration = Duration::from_secs(10);
/// A wrong token is answered at once, and the line held this long, so that guessing takes years.
const PENANCE: Duration = Duration::from_secs(1);
/// A recorder that lives answers within this.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often a wish that finds the recorder busy looks whether the recorder is ending.
const LOOK: Duration = Duration::from_millis(100);
/// What is read of a sender that is put out, so that closing does not take the answer from it.
const LAST_BYTES: usize = 1 << 20;
/// A marker's time lies at most this far from its arrival: further off, it is of another clock than the pings.
const FAR_NS: i64 = 600_000_000_000;
/// Offsets go into the recording with the marker that rests on them, and otherwise this seldom.
const STORE_EVERY_NS: i64 = 1_000_000_000;
/// Stands for an uncertainty that is not known.
const UNKNOWN_US: u32 = u32::MAX;

/// A fresh connection: small lines go at once, and a machine that vanishes is noticed within minutes.
pub(super) fn settle(stream: &TcpStream) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_nodelay(true)?;
    stream.set_write_timeout(Some(PATIENCE))?;
    sockopt::set_socket_keepalive(stream, true)?;
    sockopt::set_tcp_keepidle(stream, Duration::from_mins(1))?;
    Ok(())
}

/// Tells a sender why it is not taken.
pub(super) fn turn_away(mut stream: &TcpStream, why: &str) {
    let _ = writeln!(stream, "{}", line::refused(why));
    let _ = stream.shutdown(Shutdown::Write);
}

/// One sender.
pub(super) struct Guest {
    client: ClientId,
    lines: Lines,
    from: SocketAddr,
    /// How it is called in the recording.
    name: String,
    /// The recorder has heard of it.
    is_known: bool,
    answers: Receiver<Event>,
    hall: Arc<Hall>,
    requests: u64,
    clock: Clock,
    /// The offset last stored, and when.
    stored: Option<(Offset, i64)>,
}

/// What becomes of a sender after a line.
enum Fate {
    /// It is answered and may say more.
    Stays(String),
    /// It is answered and put out.
    Leaves(String),
}

impl Guest {
    pub(super) fn new(
        client: ClientId,
        stream: TcpStream,
        from: SocketAddr,
        answers: Receiver<Event>,
        hall: Arc<Hall>,
    ) -> Self {
        let lines = Lines { stream, bytes: Vec::new() };
        let (requests, clock) = (0, Clock::default());
        Self {
            client,
            lines,
            from,
            name: format!("tcp@{from}"),
            is_known: false,
            answers,
            hall,
            requests,
            clock,
            stored: None,
        }
    }

    /// Serves the sender until it leaves or is put out.
    pub(super) fn run(mut self) {
        // Where the connection failed there is nobody to tell.
        let _ = self.converse();
        self.lines.farewell();
        self.hall.leave(self.client);
        if self.is_known {
            self.deliver(Incoming::Disconnected { client: self.client });
        }
    }

    /// Talks until one side has enough.
    fn converse(&mut self) -> io::Result<()> {
        let mut deadline = self.hall.token.is_some().then(|| Instant::now() + GREETING);
        while !self.hall.is_closing() {
            let (line, arrived) = match self.lines.next(deadline)? {
                Heard::Line(line, arrived) => (line, arrived),
                Heard::End => break,
                Heard::TooLong => {
                    self.say(&line::refused(&format!("a line may have {LINE_BYTES} bytes")))?;
                    break;
                }
                Heard::Late => {
                    self.say(&line::refused("the token did not come in time"))?;
                    break;
                }
            };
            let fate = match line::read(&line) {
                Ok(wish) if !self.is_known => match self.welcome(&wish) {
                    Ok(()) => {
                        deadline = None;
                        let (client, name) = (self.client, self.name.clone());
                        if !self.deliver(Incoming::Connected { client, name, pid: 0 }) {
                            break;
                        }
                        self.is_known = true;
                        self.grant(wish, arrived)
                    }
                    Err(why) => Fate::Leaves(line::refused(why)),
                },
                Ok(Wish::Hello { .. }) => {
                    Fate::Stays(line::refused("token and name belong in the first line"))
                }
                Ok(wish) => self.grant(wish, arrived),
                // A web page can make a browser say HTTP here, with a line of ours in its body.
                Err(why) if !self.is_known && (self.hall.token.is_some() || is_http(&line)) => {
                    Fate::Leaves(line::refused(&why))
                }
                Err(why) => Fate::Stays(line::refused(&why)),
            };
            match fate {
                Fate::Stays(answer) => self.say(&answer)?,
                Fate::Leaves(answer) => {
                    self.say(&answer)?;
                    thread::sleep(PENANCE);
                    break;
                }
            }
        }
        Ok(())
    }

    /// Judges a first line.
    fn welcome(&mut self, wish: &Wish) -> Result<(), &'static str> {
        let (token, name) = match wish {
            Wish::Hello { token, name } => (token.as_str(), name.as_str()),
            _ => ("", ""),
        };
        if self.hall.token.as_ref().is_some_and(|own| !same(own, token)) {
            return Err("the first line must hold the station's token, {\"token\": \"...\"}");
        }
        if !name.is_empty() {
            self.name = marker::clip(&format!("{name}@{}", self.from.ip()), marker::LABEL_BYTES);
        }
        Ok(())
    }

    /// Does what a line wants.
    fn grant(&mut self, wish: Wish, arrived: Stamp) -> Fate {
        Fate::Stays(match wish {
            Wish::Hello { .. } => line::granted(),
            Wish::Ping { t } => self.ping(t, arrived),
            Wish::Status => match self.ask(Action::Status) {
                Ok(Answer::Status(snapshot)) => line::status(&snapshot),
                Ok(_) => line::refused("the recorder gave no status"),
                Err(why) => line::refused(why),
            },
            Wish::Mark { label, note, t, key } => match self.mark(label, note, t, key, arrived) {
                Ok(answer) => answer,
                Err(why) => line::refused(&why),
            },
        })
    }

    fn ping(&mut self, t: f64, arrived: Stamp) -> String {
        self.clock.ping(nanos(t), arrived.host_ns);
        let known = self.clock.at(arrived.host_ns);
        let due = self.stored.is_none_or(|(_, at)| arrived.host_ns - at >= STORE_EVERY_NS);
        if let Some(offset) = known.filter(|_| due) {
            self.store(offset, arrived.host_ns);
        }
        let waited = !self.lines.has_more();
        let now = Stamp::now().host_ns;
        self.clock.pong(now, waited);
        line::pong(t, now, known.map(|known| known.uncertainty_ns))
    }

    /// Puts a marker where the sender's clock says, or where it arrived.
    fn mark(
        &mut self,
        label: String,
        note: String,
        t: Option<f64>,
        key: Option<u64>,
        arrived: Stamp,
    ) -> Result<String, String> {
        let key = key.map_or_else(random, |number| self.fingerprint(number, &label, &note, t));
        let known = self.clock.at(arrived.host_ns);
        let (stamp, uncertainty_us) = match (t, known) {
            (Some(t), Some(offset)) => {
                self.store(offset, arrived.host_ns);
                let moved = nanos(t).saturating_add(offset.ns).saturating_sub(arrived.host_ns);
                if moved.saturating_abs() > FAR_NS {
                    return Err(
                        "`t` is more than ten minutes from now by your pings; take both from one clock"
                            .to_owned(),
                    );
                }
                (arrived.plus_ns(moved), micros(offset.uncertainty_ns))
            }
            // Its way took no longer than the quickest one there and back, if there was one.
            _ => (arrived, known.map_or(UNKNOWN_US, |offset| micros(offset.round_trip_ns))),
        };
        let request = MarkRequest {
            key,
            stamp,
            label,
            note,
            code: 0,
            origin: marker::Origin::Network,
            action: marker::Action::Add,
            refers_to: 0,
            uncertainty_us,
        };
        match self.ask(Action::Mark(request))? {
            Answer::Stored { id, sample } => Ok(line::stored(id, sample)),
            Answer::Refused(why) => Err(why),
            _ => Err("the recorder gave no answer a marker can have".to_owned()),
        }
    }

    /// Stores what is known of the sender's clock, unless that is stored.
    fn store(&mut self, offset: Offset, now_ns: i64) {
        if self.stored.is_some_and(|(stored, _)| stored.ns == offset.ns) {
            return;
        }
        self.stored = Some((offset, now_ns));
        let action = Action::ClockOffset(ClockOffset {
            sender: self.name.clone(),
            sample: 0,
            host_ns: now_ns,
            offset_ns: -offset.ns,
            uncertainty_us: micros(offset.uncertainty_ns),
        });
        // Nobody waits for it: while nothing is recorded it has nowhere to go, and pings come again.
        self.command(action);
    }

    /// The same line sent again is the same marker, whichever connection it comes by; another sender's, or
    /// another line with the same number, is not.
    fn fingerprint(&self, number: u64, label: &str, note: &str, t: Option<f64>) -> u64 {
        let name = self.name.split_once('@').map_or("", |(name, _)| name);
        let mut hash = DefaultHasher::new();
        (self.from.ip(), name, number, label, note, t.map(f64::to_bits)).hash(&mut hash);
        hash.finish()
    }

    /// Asks the recorder and waits for its answer.
    fn ask(&mut self, action: Action) -> Result<Answer, &'static str> {
        // Nobody waited for what lies here.
        self.answers.try_iter().for_each(drop);
        let request = self.command(action).ok_or("the recorder is ending")?;
        let until = Instant::now() + PATIENCE;
        loop {
            match self.answers.recv_deadline(until) {
                Ok(Event::Answer { request: answered, answer }) if answered == request => return Ok(answer),
                Ok(_) => {}
                Err(_) => {
                    return Err(
                        "the recorder did not answer in time; send the same line with the same `key` again",
                    );
                }
            }
        }
    }

    fn command(&mut self, action: Action) -> Option<u64> {
        self.requests += 1;
        let (client, request) = (self.client, self.requests);
        self.deliver(Incoming::Command { client, command: Command { request, action } }).then_some(request)
    }

    /// Waits until the recorder takes it; false once the recorder is ending.
    fn deliver(&self, mut incoming: Incoming) -> bool {
        loop {
            match self.hall.incoming.send_timeout(incoming, LOOK) {
                Ok(()) => return true,
                Err(SendTimeoutError::Timeout(back)) if !self.hall.is_closing() => incoming = back,
                Err(_) => return false,
            }
        }
    }

    fn say(&mut self, answer: &str) -> io::Result<()> {
        (&self.lines.stream).write_all(format!("{answer}\n").as_bytes())
    }
}

/// Nanoseconds as microseconds, rounded up.
/// Whether a line is the first of a browser's request.
fn is_http(line: &[u8]) -> bool {
    line.windows(7).any(|window| window == b" HTTP/1")
}

fn micros(ns: i64) -> u32 {
    u32::try_from(ns / 1000 + 1).unwrap_or(UNKNOWN_US)
}

/// A number nobody else has.
fn random() -> u64 {
    let bytes = *uuid::Uuid::new_v4().as_bytes();
    u64::from_le_bytes(*bytes.first_chunk().unwrap_or(&[0; 8]))
}

/// Whether two secrets are the same, in a time that does not tell where they differ.
fn same(own: &str, said: &str) -> bool {
    let differences = own.bytes().zip(said.bytes()).fold(0, |all, (a, b)| all | (a ^ b));
    own.len() == said.len() && differences == 0
}

/// What a stream brings.
enum Heard {
    /// A line without its end, and when its last bytes were read.
    Line(Vec<u8>, Stamp),
    /// More bytes than a line may have.
    TooLong,
    /// Nothing until the deadline.
    Late,
    /// The sender has left.
    End,
}

/// A stream cut into lines.
struct Lines {
    stream: TcpStream,
    /// Read and not yet given out.
    bytes: Vec<u8>,
}

impl Lines {
    fn next(&mut self, deadline: Option<Instant>) -> io::Result<Heard> {
        let mut arrived = Stamp::now();
        loop {
            let end = self.bytes.iter().position(|byte| *byte == b'\n');
            if end.unwrap_or(self.bytes.len()) > LINE_BYTES {
                return Ok(Heard::TooLong);
            }
            if let Some(end) = end {
                let line: Vec<u8> = self.bytes.drain(..=end).collect();
                return Ok(Heard::Line(line.trim_ascii_end().to_vec(), arrived));
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Ok(Heard::Late);
            }
            self.stream.set_read_timeout(left)?;
            let mut chunk = [0; LINE_BYTES];
            match self.stream.read(&mut chunk) {
                Ok(0) => return Ok(Heard::End),
                Ok(count) => {
                    arrived = Stamp::now();
                    self.bytes.extend_from_slice(&chunk[..count]);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Heard::Late),
                Err(error) => return Err(error),
            }
        }
    }

    /// Whether the sender has said more already.
    fn has_more(&self) -> bool {
        !self.bytes.is_empty() || rustix::io::ioctl_fionread(&self.stream).is_ok_and(|count| count > 0)
    }

    /// Says that nothing follows, and reads what is on its way for a moment: bytes nobody read would make the
    /// system take the last answer back.
    fn farewell(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Write);
        let _ = self.stream.set_read_timeout(Some(PENANCE));
        let (mut chunk, mut left, until) = ([0; LINE_BYTES], LAST_BYTES, Instant::now() + PENANCE);
        while left > 0 && Instant::now() < until {
            match self.stream.read(&mut chunk) {
                Ok(0) | Err(_) => return,
                Ok(count) => left = left.saturating_sub(count),
            }
        }
    }
}
