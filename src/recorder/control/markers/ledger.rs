//! What the marker rows so far add up to: which can be spoken of, which durations are open, what a front end
//! may take back. Pure; follows the rows that the journal has.

use crate::emg::Marker;
use crate::emg::marker::{Action, Origin};
use crate::session::MarkRequest;
use crate::session::snapshot::{MarkKey, OpenMark};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

/// Markers that can still be spoken of: a weekend of one marker every twenty seconds.
const KEPT: usize = 8192;
/// Edges of inputs that can still be spoken of: they come in thousands, and hardly anybody speaks of them.
const EDGES: usize = 1024;
/// Markers of one front end that can be taken back one after the other.
const UNDO: usize = 256;

/// A marker that stands in the recording, or stood.
#[derive(Clone, Debug)]
struct Standing {
    label: String,
    retracted: bool,
    /// The duration it opened.
    opens: Option<OpenMark>,
    /// The marker whose duration it ended, 0 for none.
    ends: u64,
}

/// The sum of all rows so far.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// Labels whose keys open and end durations.
    durations: Vec<String>,
    rows: BTreeMap<u64, Standing>,
    /// The same for edges of inputs, which open nothing.
    edges: BTreeMap<u64, Standing>,
    open: Vec<OpenMark>,
    /// Ids each front end can take back, by its name, oldest first.
    undo: HashMap<String, VecDeque<u64>>,
}

impl Ledger {
    /// An empty ledger that knows which keys open durations.
    pub(super) fn new(keys: &[MarkKey]) -> Self {
        let durations = keys.iter().filter(|key| key.duration).map(|key| key.label.clone()).collect();
        Self { durations, ..Self::default() }
    }

    /// Durations that were opened and not ended, oldest first.
    pub(super) fn open(&self) -> &[OpenMark] {
        &self.open
    }

    /// The newest marker this front end set by key and has not taken back, with its label.
    pub(super) fn newest_of(&self, client: &str) -> Option<(u64, String)> {
        let id = *self.undo.get(client)?.back()?;
        Some((id, self.rows.get(&id)?.label.clone()))
    }

    /// Whether a request means something else once the markers before it are stored.
    pub(super) fn depends(&self, wanted: &MarkRequest) -> bool {
        let plain = wanted.action == Action::Add;
        !plain || wanted.origin == Origin::Key && self.durations.contains(&wanted.label)
    }

    /// The request as it is to be stored: a key of a duration that is open ends it. A sentence where it
    /// speaks of a marker that cannot be spoken of.
    pub(super) fn resolve(&self, mut wanted: MarkRequest) -> Result<MarkRequest, String> {
        match wanted.action {
            Action::Add if wanted.origin == Origin::Key => {
                if let Some(open) = self.open.iter().find(|open| open.label == wanted.label) {
                    wanted.action = Action::End;
                    wanted.refers_to = open.id;
                }
            }
            Action::Add => {}
            Action::Retract | Action::Relabel | Action::Note | Action::End => {
                let id = wanted.refers_to;
                let about = self.rows.get(&id).or_else(|| self.edges.get(&id));
                let about = about.ok_or_else(|| format!("there is no marker {id} to speak of"))?;
                if about.retracted {
                    return Err(format!("marker {id} `{}` was taken back already", about.label));
                }
                if wanted.action == Action::Relabel && wanted.label.is_empty() {
                    return Err(format!("marker {id} needs a label, not an empty one"));
                }
                if wanted.action == Action::End && !self.open.iter().any(|open| open.id == id) {
                    return Err(format!("marker {id} `{}` is no open duration", about.label));
                }
            }
        }
        Ok(wanted)
    }

    /// A row is in the journal.
    pub(super) fn stored(&mut self, marker: &Marker) {
        match marker.action {
            Action::Add if marker.origin == Origin::Ttl => return self.add_edge(marker),
            Action::Add | Action::End => self.add(marker),
            Action::Retract => self.retract(marker.refers_to),
            Action::Relabel => self.relabel(marker.refers_to, &marker.label),
            Action::Note => {}
        }
        self.sum_up();
    }

    fn add_edge(&mut self, marker: &Marker) {
        let row = Standing { label: marker.label.clone(), retracted: false, opens: None, ends: 0 };
        self.edges.insert(marker.id, row);
        if self.edges.len() > EDGES {
            self.edges.pop_first();
        }
    }

    fn add(&mut self, marker: &Marker) {
        let by_key = marker.origin == Origin::Key;
        let opens = marker.action == Action::Add && by_key && self.durations.contains(&marker.label);
        let opened = || OpenMark {
            id: marker.id,
            label: marker.label.clone(),
            code: marker.code,
            since_host_ns: marker.stamp.host_ns,
        };
        let row = Standing {
            label: marker.label.clone(),
            retracted: false,
            opens: opens.then(opened),
            ends: if marker.action == Action::End { marker.refers_to } else { 0 },
        };
        self.rows.insert(marker.id, row);
        if self.rows.len() > KEPT {
            self.rows.pop_first();
        }
        if by_key {
            let undo = self.undo.entry(marker.client.clone()).or_default();
            undo.push_back(marker.id);
            if undo.len() > UNDO {
                undo.pop_front();
            }
        }
    }

    /// Open is what was opened and neither taken back nor ended by an end that stands.
    fn sum_up(&mut self) {
        let standing = || self.rows.values().filter(|row| !row.retracted);
        let ended: HashSet<u64> = standing().map(|row| row.ends).collect();
        self.open =
            standing().filter_map(|row| row.opens.clone()).filter(|open| !ended.contains(&open.id)).collect();
    }

    fn retract(&mut self, id: u64) {
        if let Some(row) = self.rows.get_mut(&id).or_else(|| self.edges.get_mut(&id)) {
            row.retracted = true;
        }
        for undo in self.undo.values_mut() {
            undo.retain(|known| *known != id);
        }
    }

    fn relabel(&mut self, id: u64, label: &str) {
        if let Some(row) = self.rows.get_mut(&id).or_else(|| self.edges.get_mut(&id)) {
            label.clone_into(&mut row.label);
        }
    }
}
