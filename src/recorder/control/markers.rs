//! Markers on their way: where they belong, who asked, what was already asked.

use crate::emg::marker::{Action, LABEL_BYTES, Marker, NOTE_BYTES, Origin, Placed, clip};
use crate::emg::{Gap, Stamp};
use crate::recorder::journal::Request;
use crate::recorder::vitals::Shared;
use crate::session::{ClientId, MarkRequest};
use crossbeam_channel::Sender;
use std::collections::{HashMap, VecDeque};

/// Rows shown on screens.
const SHOWN: usize = 20;
/// Requests remembered so that one sent twice is stored once.
const REMEMBERED: usize = 4096;
/// A newest row this far from now belongs to a source with another clock than ours.
const OWN_TIME_NS: i64 = 2_000_000_000;

/// Where a marker belongs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    sample: u64,
    placed: Placed,
    uncertainty_us: u32,
}

/// Everything about markers that is not in the journal.
#[derive(Debug, Default)]
pub(in crate::recorder) struct Markers {
    next_id: u64,
    names: HashMap<ClientId, String>,
    /// Idempotency keys and the marker each became.
    known: VecDeque<(u64, u64, u64)>,
    waiting: HashMap<u64, Vec<(ClientId, u64)>>,
    /// Each front end's key markers that can still be taken back, by its name.
    undo: HashMap<String, Vec<(u64, String)>>,
    /// Rows stored.
    pub(in crate::recorder) count: u64,
    /// The newest rows.
    pub(super) last: VecDeque<Marker>,
}

impl Markers {
    pub(super) fn joined(&mut self, client: ClientId, name: String) {
        self.names.insert(client, name);
    }

    pub(super) fn left(&mut self, client: ClientId) {
        self.names.remove(&client);
    }

    /// Sends a marker to the journal; gives id and row at once if the same request was stored before.
    pub(super) fn request(
        &mut self,
        client: ClientId,
        request: u64,
        wanted: &MarkRequest,
        place: Place,
        requests: &Sender<Request>,
    ) -> Option<(u64, u64)> {
        if let Some(&(_, id, sample)) = self.known.iter().find(|(key, ..)| *key == wanted.key) {
            let Some(under_way) = self.waiting.get_mut(&id) else { return Some((id, sample)) };
            under_way.push((client, request));
            return None;
        }
        let marker = self.marker(client, wanted, place);
        if self.known.len() == REMEMBERED {
            self.known.pop_front();
        }
        self.known.push_back((wanted.key, marker.id, marker.sample));
        self.send(client, request, marker, requests);
        None
    }

    /// Takes the last key marker of this front end back; a sentence when there is none.
    pub(super) fn retract(
        &mut self,
        client: ClientId,
        request: u64,
        place: Place,
        requests: &Sender<Request>,
    ) -> Option<String> {
        let name = self.names.get(&client).cloned().unwrap_or_default();
        let Some((id, label)) = self.undo.get_mut(&name).and_then(Vec::pop) else {
            return Some("there is no marker of this dashboard to take back".to_owned());
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
        let marker = self.marker(client, &wanted, place);
        self.send(client, request, marker, requests);
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

    fn send(&mut self, client: ClientId, request: u64, marker: Marker, requests: &Sender<Request>) {
        self.waiting.entry(marker.id).or_default().push((client, request));
        // The queue is as long as all markers that may be under way; the journal's thread never waits for us.
        let _ = requests.send(Request::Marker(marker));
    }

    /// The journal has it.
    pub(super) fn stored(&mut self, marker: &Marker) {
        self.count += 1;
        if marker.origin == Origin::Key && marker.action == Action::Add {
            let undo = self.undo.entry(marker.client.clone()).or_default();
            undo.push((marker.id, marker.label.clone()));
        }
        if self.last.len() == SHOWN {
            self.last.pop_front();
        }
        self.last.push_back(marker.clone());
    }

    /// The journal does not have it: the same request may come again, and what was to be taken back still can be.
    pub(super) fn refused(&mut self, marker: &Marker) {
        self.known.retain(|(_, id, _)| *id != marker.id);
        if marker.action == Action::Retract {
            let undo = self.undo.entry(marker.client.clone()).or_default();
            let at = undo.partition_point(|(id, _)| *id < marker.refers_to);
            undo.insert(at, (marker.refers_to, marker.label.clone()));
        }
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

/// The row nearest to a stamp by the fit in force; while none serves, the newest row.
pub(super) fn place(stamp: Stamp, vitals: &Shared) -> Place {
    let vitals = vitals.lock();
    let now = Stamp::now().host_ns;
    let own_time = (now - vitals.newest_ns).abs() < OWN_TIME_NS;
    let micros = |us: f64| u32::try_from(crate::emg::units::count(us)).unwrap_or(u32::MAX);
    let newest = vitals.next_row.saturating_sub(1);
    match vitals.fit {
        Some(fit) if own_time && vitals.alive => {
            let sample = fit.row_at(stamp.host_ns);
            let placed = if vitals.last_gap.is_some_and(|gap| covers(&gap, sample)) {
                Placed::InGap
            } else {
                Placed::Fit
            };
            let half_row_us = 0.5e6 / fit.rate_hz;
            Place { sample, placed, uncertainty_us: micros(fit.residual_us + half_row_us) }
        }
        _ => {
            let placed = if vitals.alive { Placed::Provisional } else { Placed::BetweenEpochs };
            let age_us = crate::emg::units::float_ns(now - vitals.newest_ns) / 1000.0;
            Place { sample: newest, placed, uncertainty_us: micros(age_us) }
        }
    }
}

fn covers(gap: &Gap, sample: u64) -> bool {
    (gap.sample..gap.sample + gap.filled()).contains(&sample)
}

#[cfg(test)]
mod tests;
