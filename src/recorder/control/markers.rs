//! Markers on their way: who asked, what was already asked. Where they belong is `place`'s business, what they
//! add up to `ledger`'s.

mod ledger;
mod place;

use crate::emg::Stamp;
use crate::emg::marker::{Action, LABEL_BYTES, Marker, NOTE_BYTES, Origin, clip};
use crate::recorder::journal::Request;
use crate::session::snapshot::{MarkKey, OpenMark};
use crate::session::{Answer, ClientId, MarkRequest};
use crossbeam_channel::Sender;
use ledger::Ledger;
use std::collections::{HashMap, VecDeque};

pub(super) use place::{Place, place};

/// Rows shown on screens.
const SHOWN: usize = 20;
/// Requests remembered so that one sent twice is stored once.
const REMEMBERED: usize = 4096;

/// Everything about markers that is not in the journal.
#[derive(Debug)]
pub(in crate::recorder) struct Markers {
    next_id: u64,
    names: HashMap<ClientId, String>,
    known: VecDeque<Known>,
    waiting: HashMap<u64, Vec<(ClientId, u64)>>,
    ledger: Ledger,
    /// Rows stored.
    pub(in crate::recorder) count: u64,
    /// The newest rows.
    pub(super) last: VecDeque<Marker>,
}

/// A request that became a marker.
#[derive(Clone, Copy, Debug)]
struct Known {
    asked: Asked,
    id: u64,
    sample: u64,
}

/// What tells a request from another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// The key its front end drew for it.
    Key(u64),
    /// Its number, for what carries no key.
    Number(ClientId, u64),
}

impl Markers {
    /// No marker yet; `keys` are those of the screens.
    pub(in crate::recorder) fn new(keys: &[MarkKey]) -> Self {
        Self {
            next_id: 0,
            names: HashMap::new(),
            known: VecDeque::new(),
            waiting: HashMap::new(),
            ledger: Ledger::new(keys),
            count: 0,
            last: VecDeque::new(),
        }
    }

    pub(super) fn joined(&mut self, client: ClientId, name: String) {
        self.names.insert(client, name);
    }

    pub(super) fn left(&mut self, client: ClientId) {
        self.names.remove(&client);
    }

    /// Durations that were opened and not ended.
    pub(super) fn open(&self) -> &[OpenMark] {
        self.ledger.open()
    }

    /// Sends a marker to the journal; an answer at once if the same request was stored before, or if it speaks
    /// of a marker that cannot be spoken of.
    pub(super) fn request(
        &mut self,
        client: ClientId,
        request: u64,
        wanted: &MarkRequest,
        place: Place,
        requests: &Sender<Request>,
    ) -> Option<Answer> {
        let asked = Asked::Key(wanted.key);
        if let Some(known) = self.known(asked) {
            return self.again((client, request), known);
        }
        match self.ledger.resolve(wanted.clone()) {
            Ok(wanted) => self.send((client, request), asked, (&wanted, place), requests),
            Err(why) => return Some(Answer::Refused(why)),
        }
        None
    }

    /// Takes the last key marker of this front end back; an answer at once where there is none, or where the same
    /// request was stored before.
    pub(super) fn retract(
        &mut self,
        client: ClientId,
        request: u64,
        place: Place,
        requests: &Sender<Request>,
    ) -> Option<Answer> {
        let asked = Asked::Number(client, request);
        if let Some(known) = self.known(asked) {
            return self.again((client, request), known);
        }
        let name = self.names.get(&client).map(String::as_str).unwrap_or_default();
        let Some((id, label)) = self.ledger.newest_of(name) else {
            return Some(Answer::Refused("there is no marker of this dashboard to take back".to_owned()));
        };
        let wanted = MarkRequest {
            key: 0,
            stamp: Stamp::now(),
            label,
            note: String::new(),
            code: 0,
            origin: Origin::Key,
            action: Action::Retract,
            refers_to: id,
            uncertainty_us: 0,
        };
        self.send((client, request), asked, (&wanted, place), requests);
        None
    }

    fn known(&self, asked: Asked) -> Option<Known> {
        self.known.iter().find(|known| known.asked == asked).copied()
    }

    /// The answer to a request that came before, unless the journal still has to give it.
    fn again(&mut self, from: (ClientId, u64), known: Known) -> Option<Answer> {
        let Some(under_way) = self.waiting.get_mut(&known.id) else {
            return Some(Answer::Stored { id: known.id, sample: known.sample });
        };
        if !under_way.contains(&from) {
            under_way.push(from);
        }
        None
    }

    fn marker(&mut self, client: ClientId, wanted: &MarkRequest, place: Place) -> Marker {
        self.next_id += 1;
        let latency_ns = Stamp::now().host_ns.saturating_sub(wanted.stamp.host_ns).max(0);
        Marker {
            id: self.next_id,
            sample: place.sample,
            stamp: wanted.stamp,
            label: clip(&wanted.label, LABEL_BYTES),
            note: clip(&wanted.note, NOTE_BYTES),
            code: wanted.code,
            origin: wanted.origin,
            client: self.names.get(&client).cloned().unwrap_or_default(),
            latency_us: u32::try_from(latency_ns / 1000).unwrap_or(u32::MAX),
            uncertainty_us: place.uncertainty_us.saturating_add(wanted.uncertainty_us),
            placed: place.placed,
            action: wanted.action,
            refers_to: wanted.refers_to,
        }
    }

    fn send(
        &mut self,
        from: (ClientId, u64),
        asked: Asked,
        (wanted, place): (&MarkRequest, Place),
        requests: &Sender<Request>,
    ) {
        let marker = self.marker(from.0, wanted, place);
        if self.known.len() == REMEMBERED {
            self.known.pop_front();
        }
        self.known.push_back(Known { asked, id: marker.id, sample: marker.sample });
        self.ledger.sent(&marker);
        self.waiting.entry(marker.id).or_default().push(from);
        // The queue is as long as all markers that may be under way; the journal's thread never waits for us.
        let _ = requests.send(Request::Marker(marker));
    }

    /// The journal has it.
    pub(super) fn stored(&mut self, marker: &Marker) {
        self.count += 1;
        if self.last.len() == SHOWN {
            self.last.pop_front();
        }
        self.last.push_back(marker.clone());
    }

    /// The journal does not have it: the same request may come again, and what was to be taken back still can be.
    pub(super) fn refused(&mut self, marker: &Marker) {
        self.known.retain(|known| known.id != marker.id);
        self.ledger.refused(marker);
    }

    /// Who waits for an answer about this marker.
    pub(super) fn waiting(&mut self, id: u64) -> Vec<(ClientId, u64)> {
        self.waiting.remove(&id).unwrap_or_default()
    }

    /// Who waits for an answer about any marker; nothing is under way afterwards.
    pub(super) fn all_waiting(&mut self) -> Vec<(ClientId, u64)> {
        self.waiting.drain().flat_map(|(_, askers)| askers).collect()
    }
}

#[cfg(test)]
mod tests;
