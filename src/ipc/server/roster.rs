//! Who is connected, and the recorder's voice to them.

use super::queue::{Audience, Put, Queue};
use crate::session::{ClientId, Clients, Event};
use std::collections::BTreeMap;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Connections at one time; each costs two threads. A lab has two screens and a few shells.
pub const CLIENTS: usize = 16;

/// One connection.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) queue: Queue,
    pub(super) stream: UnixStream,
}

impl Peer {
    /// Ends the connection now; its threads notice.
    pub(super) fn cut(&self) {
        self.queue.close();
        // Fails only where the other end was faster.
        let _ = self.stream.shutdown(Shutdown::Both);
    }

    fn put(&self, event: Arc<Event>, audience: Audience) {
        if self.queue.put(event, audience) == Put::Overflow {
            self.cut();
        }
    }
}

/// All connections.
#[derive(Debug, Default)]
pub(super) struct Roster {
    peers: Mutex<Peers>,
    left: Condvar,
}

#[derive(Debug, Default)]
struct Peers {
    next: u64,
    by_id: BTreeMap<ClientId, Arc<Peer>>,
}

impl Roster {
    /// Gives a connection a number, or gives it back where there are too many.
    pub(super) fn enter(&self, stream: UnixStream) -> Result<(ClientId, Arc<Peer>), UnixStream> {
        let mut peers = self.lock();
        if peers.by_id.len() >= CLIENTS {
            return Err(stream);
        }
        peers.next += 1;
        let client = ClientId(peers.next);
        let peer = Arc::new(Peer { queue: Queue::new(), stream });
        peers.by_id.insert(client, Arc::clone(&peer));
        Ok((client, peer))
    }

    pub(super) fn leave(&self, client: ClientId) {
        self.lock().by_id.remove(&client);
        self.left.notify_all();
    }

    /// Says the last word to everybody, cuts off those who are still greeting, and waits until all have
    /// heard it and left, at most `limit`; then cuts off the rest.
    pub(super) fn finish(&self, last: Option<Event>, limit: Duration) {
        let last = last.map(Arc::new);
        for peer in self.lock().by_id.values() {
            match &last {
                Some(last) if peer.queue.is_welcome() => peer.put(Arc::clone(last), Audience::Present),
                _ => peer.cut(),
            }
        }
        self.wait_empty(limit);
        self.lock().by_id.values().for_each(|peer| peer.cut());
        self.wait_empty(AFTER_CUT);
    }

    fn wait_empty(&self, limit: Duration) {
        let start = Instant::now();
        let mut peers = self.lock();
        while !peers.by_id.is_empty() && start.elapsed() < limit {
            let left = limit.saturating_sub(start.elapsed());
            peers = self.left.wait_timeout(peers, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Peers> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A cut connection ends at once; this only keeps a defect from holding the recorder's end.
const AFTER_CUT: Duration = Duration::from_secs(2);

/// The recorder's voice: a cheap clone, and no call ever waits for a client.
#[derive(Clone, Debug)]
pub struct Outbox(pub(super) Arc<Roster>);

#[cfg(test)]
impl Outbox {
    /// How many front ends have subscribed; one that only asks something does not look.
    pub(super) fn watching(&self) -> u32 {
        let peers = self.0.lock();
        crate::emg::units::small(peers.by_id.values().filter(|peer| peer.queue.is_subscribed()).count())
    }
}

impl Clients for Outbox {
    fn send_to(&self, client: ClientId, event: Event) {
        if let Some(peer) = self.0.lock().by_id.get(&client) {
            peer.put(Arc::new(event), Audience::Present);
        }
    }

    fn broadcast(&self, event: Event) {
        let event = Arc::new(event);
        for peer in self.0.lock().by_id.values() {
            peer.put(Arc::clone(&event), Audience::Subscribed);
        }
    }

    fn subscribe(&self, client: ClientId, history: Vec<Event>) {
        if let Some(peer) = self.0.lock().by_id.get(&client)
            && peer.queue.subscribe(history) == Put::Overflow
        {
            peer.cut();
        }
    }
}
