//! Newline JSON over TCP for stimulus machines: markers with the sender's own time, pings, a short status.
//!
//! Each sender is one more front end of the recorder: what it asks goes the way of all commands, and nothing is
//! answered ok that was not done. `line` holds the words, `clock` the sender's clock, `guest` one connection.
//! Loopback unless a host is given; other addresses need a token. Callers: `cli`.

mod clock;
mod guest;
pub mod line;
#[cfg(test)]
mod tests;

use super::Error;
use crate::session::{Answer, ClientId, Clients, Event, Incoming};
use crossbeam_channel::{Receiver, Sender, bounded};
use guest::Guest;
use rustix::event::{PollFd, PollFlags, poll};
use std::collections::BTreeMap;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Senders at one time; each costs a thread. A lab has one or two.
pub const GUESTS: usize = 16;
/// Numbers of senders begin here, where no connection of the socket ever gets.
const FIRST: u64 = 1 << 32;
/// Answers a sender may leave unread; it waits for each.
const ANSWERS: usize = 64;
/// How long senders have at the end to hear what came of their last line.
const FAREWELL: Duration = Duration::from_secs(2);
/// How long a failing `accept` is left alone.
const REST: Duration = Duration::from_millis(100);

/// Where to listen, and to whom.
#[derive(Clone, Debug)]
pub struct Terms {
    /// Name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// What every sender says first; may be absent on loopback.
    pub token: Option<String>,
}

/// A listening TCP socket and its connections; dropped, it hears them out and hangs up.
#[derive(Debug)]
pub struct Listener {
    address: SocketAddr,
    hall: Arc<Hall>,
    /// Closing it wakes the accepting thread.
    wake: Option<UnixStream>,
    accepting: Option<JoinHandle<()>>,
}

impl Listener {
    /// Listens on the first address the host has. What senders want goes to `incoming`.
    pub fn bind(terms: &Terms, incoming: Sender<Incoming>) -> Result<Self, Error> {
        let Terms { host, port, token } = terms;
        let failed = |source| Error::Listen { host: host.clone(), port: *port, source };
        let mut addresses = (host.as_str(), *port).to_socket_addrs().map_err(failed)?;
        let address = addresses.next().ok_or_else(|| failed(io::ErrorKind::AddrNotAvailable.into()))?;
        if !address.ip().is_loopback() && token.is_none() {
            return Err(Error::NoToken { host: host.clone(), port: *port });
        }
        let listener = TcpListener::bind(address).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (wake, woken) = UnixStream::pair().map_err(failed)?;
        let hall = Arc::new(Hall { token: token.clone(), incoming, ..Hall::new() });
        let door = hall.clone();
        let accepting = thread::Builder::new()
            .name("tcp-accept".into())
            .spawn(move || accept(&door, &listener, &woken))
            .map_err(|source| Error::Thread { thread: "tcp-accept", source })?;
        Ok(Self { address, hall, wake: Some(wake), accepting: Some(accepting) })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.hall.stop.store(true, Ordering::SeqCst);
        self.wake = None;
        if let Some(accepting) = self.accepting.take() {
            // A panic there has been reported by its own thread.
            let _ = accepting.join();
        }
        self.hall.close();
    }
}

/// The recorder's voice to senders and to all others; what it says of itself, it adds where it listens.
#[derive(Debug)]
pub struct Switchboard<C> {
    others: C,
    hall: Option<(Arc<Hall>, String)>,
}

impl<C> Switchboard<C> {
    /// Speaks to the senders of `listener`, where there is one, and to `others`.
    #[must_use]
    pub fn new(others: C, listener: Option<&Listener>) -> Self {
        Self { others, hall: listener.map(|listener| (listener.hall.clone(), listener.address.to_string())) }
    }

    fn complete(&self, mut event: Event) -> Event {
        if let (
            Some((_, listens)),
            Event::Tick(snapshot) | Event::Answer { answer: Answer::Status(snapshot), .. },
        ) = (&self.hall, &mut event)
        {
            snapshot.system.listens.clone_from(listens);
        }
        event
    }
}

impl<C: Clients> Clients for Switchboard<C> {
    fn send_to(&self, client: ClientId, event: Event) {
        match &self.hall {
            Some((hall, _)) if client.0 >= FIRST => hall.tell(client, self.complete(event)),
            _ => self.others.send_to(client, self.complete(event)),
        }
    }

    fn broadcast(&self, event: Event) {
        self.others.broadcast(self.complete(event));
    }

    fn subscribe(&self, client: ClientId, history: Vec<Event>) {
        self.others.subscribe(client, history.into_iter().map(|event| self.complete(event)).collect());
    }
}

/// All connections.
#[derive(Debug)]
struct Hall {
    token: Option<String>,
    incoming: Sender<Incoming>,
    stop: AtomicBool,
    seats: Mutex<Seats>,
    left: Condvar,
}

#[derive(Debug, Default)]
struct Seats {
    next: u64,
    by_id: BTreeMap<ClientId, Seat>,
}

#[derive(Debug)]
struct Seat {
    answers: Sender<Event>,
    stream: TcpStream,
}

impl Hall {
    fn new() -> Self {
        Self {
            token: None,
            incoming: bounded(0).0,
            stop: AtomicBool::new(false),
            seats: Mutex::default(),
            left: Condvar::new(),
        }
    }

    fn is_closing(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    /// A number for a connection and where its answers arrive; none where there are too many.
    fn enter(&self, stream: TcpStream) -> Option<(ClientId, Receiver<Event>)> {
        let mut seats = self.lock();
        if seats.by_id.len() >= GUESTS {
            return None;
        }
        seats.next += 1;
        let client = ClientId(FIRST + seats.next);
        let (answers, heard) = bounded(ANSWERS);
        seats.by_id.insert(client, Seat { answers, stream });
        Some((client, heard))
    }

    fn leave(&self, client: ClientId) {
        self.lock().by_id.remove(&client);
        self.left.notify_all();
    }

    fn tell(&self, client: ClientId, event: Event) {
        if let Some(seat) = self.lock().by_id.get(&client) {
            // A sender waits for each answer, so that a full queue holds only what it no longer waits for.
            let _ = seat.answers.try_send(event);
        }
    }

    /// Lets everybody finish the line they are at, and hangs up.
    fn close(&self) {
        for (how, limit) in [(Shutdown::Read, FAREWELL), (Shutdown::Both, FAREWELL)] {
            let mut seats = self.lock();
            for seat in seats.by_id.values() {
                // Fails only where the sender was faster.
                let _ = seat.stream.shutdown(how);
            }
            let start = Instant::now();
            while !seats.by_id.is_empty() && start.elapsed() < limit {
                let left = limit.saturating_sub(start.elapsed());
                seats = self.left.wait_timeout(seats, left).unwrap_or_else(PoisonError::into_inner).0;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Seats> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets senders in until `woken` closes.
fn accept(hall: &Arc<Hall>, listener: &TcpListener, woken: &UnixStream) {
    while !hall.is_closing() {
        let mut waiting = [PollFd::new(listener, PollFlags::IN), PollFd::new(woken, PollFlags::IN)];
        // An interrupted poll has nothing to tell; the loop looks again.
        let _ = poll(&mut waiting, None);
        match listener.accept() {
            Ok((stream, from)) => seat(hall, stream, from),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
            // Out of descriptors: whoever waits stays in the queue, and poll would return at once.
            Err(_) => thread::sleep(REST),
        }
    }
}

fn seat(hall: &Arc<Hall>, stream: TcpStream, from: SocketAddr) {
    let Ok(own) = guest::settle(&stream).and_then(|()| stream.try_clone()) else { return };
    let Some((client, answers)) = hall.enter(own) else {
        return guest::turn_away(
            &stream,
            &format!("{GUESTS} senders are connected already; close one of them"),
        );
    };
    let guest = Guest::new(client, stream, from, answers, hall.clone());
    if thread::Builder::new().name("tcp-guest".into()).spawn(move || guest.run()).is_err() {
        hall.leave(client);
    }
}
