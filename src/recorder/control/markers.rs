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

pub(super) use place::{Place, place, row_at};

/// Rows shown on screens.
const SHOWN: usize = 20;
/// Requests remembered so that one sent twice is stored once.
const REMEMBERED: usize = 4096;

/// Everything about markers that is not in the journal.
#[derive(Debug)]
pub(in crate::recorder) struct Markers {
    /// Markers asked for so far: their tickets while they are under way, as ids are the journal's to give.
    tickets: u64,
    names: HashMap<ClientId, String>,
    known: VecDeque<Known>,
    /// Who asked for what is under way, by ticket.
    waiting: HashMap<u64, Vec<Asker>>,
    /// What can only be understood once all that is under way is stored.
    deferred: VecDeque<(Asker, Wanted, Place)>,
    ledger: Ledger,
    /// Rows stored.
    pub(in crate::recorder) count: u64,
    /// The newest rows.
    pub(super) last: VecDeque<Marker>,
}

/// Who asked: the front end and its number for the request.
pub(super) type Asker = (ClientId, u64);

/// What a front end asked for.
#[derive(Clone, Debug)]
pub(super) enum Wanted {
    /// This marker.
    Marker(MarkRequest),
    /// Its last key marker taken back.
    Retraction,
}

/// A request that became a marker.
#[derive(Clone, Copy, Debug)]
struct Known {
    asked: Asked,
    ticket: u64,
    /// Id and row, once it is stored.
    stored: Option<(u64, u64)>,
}

/// What tells a request from another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// The key its front end drew for it.
    Key(u64),
    /// Its number, for what carries no key.
    Number(Asker),
}

impl Markers {
    /// No marker yet; `keys` are those of the screens.
    pub(in crate::recorder) fn new(keys: &[MarkKey]) -> Self {
        Self {
            tickets: 0,
            names: HashMap::new(),
            known: VecDeque::new(),
            waiting: HashMap::new(),
            deferred: VecDeque::new(),
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

    /// How many rows were stored, and what was left open, in words.
    pub(in crate::recorder) fn words(&self) -> String {
        let open = match self.open().len() {
            0 => String::new(),
            1 => ", 1 duration never ended".to_owned(),
            n => format!(", {n} durations never ended"),
        };
        format!("{} markers{open}", self.count)
    }

    /// Durations that were opened and not ended.
    pub(super) fn open(&self) -> &[OpenMark] {
        self.ledger.open()
    }

    /// Sends what is wanted to the journal; an answer at once if the same request was stored before, or if it
    /// speaks of a marker that cannot be spoken of.
    pub(super) fn request(
        &mut self,
        from: Asker,
        wanted: Wanted,
        place: Place,
        requests: &Sender<Request>,
    ) -> Option<Answer> {
        let asked = wanted.asked(from);
        if let Some(known) = self.known.iter().find(|known| known.asked == asked) {
            if let Some((id, sample)) = known.stored {
                return Some(Answer::Stored { id, sample });
            }
            let askers = self.waiting.entry(known.ticket).or_default();
            if !askers.contains(&from) {
                askers.push(from);
            }
            return None;
        }
        if self.depends(&wanted) && !self.waiting.is_empty() {
            self.deferred.push_back((from, wanted, place));
            return None;
        }
        match self.resolve(from.0, wanted) {
            Ok(wanted) => self.send(from, asked, (&wanted, place), requests),
            Err(why) => Some(Answer::Refused(why)),
        }
    }

    /// Takes up what waited for others to be stored; the answers that can be given at once.
    pub(super) fn resume(&mut self, requests: &Sender<Request>) -> Vec<(Asker, Answer)> {
        let mut answers = Vec::new();
        while self.waiting.is_empty()
            && let Some((from, wanted, place)) = self.deferred.pop_front()
        {
            answers.extend(self.request(from, wanted, place, requests).map(|answer| (from, answer)));
        }
        answers
    }

    /// Whether the meaning of a request depends on the markers before it.
    fn depends(&self, wanted: &Wanted) -> bool {
        match wanted {
            Wanted::Retraction => true,
            Wanted::Marker(wanted) => self.ledger.depends(wanted),
        }
    }

    /// The request as it is to be stored, or why it cannot be.
    fn resolve(&self, client: ClientId, wanted: Wanted) -> Result<MarkRequest, String> {
        match wanted {
            Wanted::Marker(wanted) => self.ledger.resolve(wanted),
            Wanted::Retraction => {
                let name = self.names.get(&client).map(String::as_str).unwrap_or_default();
                let none = || "there is no marker of this dashboard to take back".to_owned();
                let (id, label) = self.ledger.newest_of(name).ok_or_else(none)?;
                Ok(retraction(id, label))
            }
        }
    }

    fn marker(&self, client: ClientId, wanted: &MarkRequest, place: Place) -> Marker {
        let latency_ns = Stamp::now().host_ns.saturating_sub(wanted.stamp.host_ns).max(0);
        Marker {
            id: 0,
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
        from: Asker,
        asked: Asked,
        (wanted, place): (&MarkRequest, Place),
        requests: &Sender<Request>,
    ) -> Option<Answer> {
        self.tickets += 1;
        let ticket = self.tickets;
        // Never waited for: a journal that hangs must not hang who has to say so.
        if requests.try_send(Request::Marker(ticket, self.marker(from.0, wanted, place))).is_err() {
            return Some(Answer::Refused("not stored: the journal does not keep up".to_owned()));
        }
        if self.known.len() == REMEMBERED {
            self.known.pop_front();
        }
        self.known.push_back(Known { asked, ticket, stored: None });
        self.waiting.entry(ticket).or_default().push(from);
        None
    }

    /// The journal has it, whether it was asked for or is an edge of an input; gives who asked.
    pub(super) fn stored(&mut self, ticket: Option<u64>, marker: &Marker) -> Vec<Asker> {
        self.count += 1;
        self.ledger.stored(marker);
        if self.last.len() == SHOWN {
            self.last.pop_front();
        }
        self.last.push_back(marker.clone());
        let Some(ticket) = ticket else { return Vec::new() };
        if let Some(known) = self.known.iter_mut().find(|known| known.ticket == ticket) {
            known.stored = Some((marker.id, marker.sample));
        }
        self.waiting.remove(&ticket).unwrap_or_default()
    }

    /// The journal does not have it, and the same request may come again; gives who asked.
    pub(super) fn refused(&mut self, ticket: u64) -> Vec<Asker> {
        self.known.retain(|known| known.ticket != ticket);
        self.waiting.remove(&ticket).unwrap_or_default()
    }

    /// Who waits for an answer about any marker; nothing is under way afterwards.
    pub(super) fn all_waiting(&mut self) -> Vec<Asker> {
        let deferred = self.deferred.drain(..).map(|(from, ..)| from);
        self.waiting.drain().flat_map(|(_, askers)| askers).chain(deferred).collect()
    }
}

impl Wanted {
    /// What tells this request from another one.
    fn asked(&self, from: Asker) -> Asked {
        match self {
            Self::Marker(wanted) => Asked::Key(wanted.key),
            Self::Retraction => Asked::Number(from),
        }
    }
}

/// The row that takes a marker back.
fn retraction(refers_to: u64, label: String) -> MarkRequest {
    MarkRequest {
        key: 0,
        stamp: Stamp::now(),
        label,
        note: String::new(),
        code: 0,
        origin: Origin::Key,
        action: Action::Retract,
        refers_to,
        uncertainty_us: 0,
    }
}

#[cfg(test)]
mod tests;
