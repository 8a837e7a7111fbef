//! Which markers begin trials, what they are called in the end, and where trials run into one another.

use crate::emg::marker::{Action, Marker, Placed};
use std::collections::HashMap;
use std::ops::Range;

/// A marker that stands, as a trial.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// Counted from 1 among the trials of the recording that were asked for, in the order of their onsets.
    pub number: u32,
    /// Id of the marker, the same whichever trials are asked for.
    pub marker: u64,
    /// The condition: the marker's label, or the last one it was given.
    pub label: String,
    /// The label's number, 0 for none or where the label was changed.
    pub code: i32,
    /// Its first row.
    pub onset: u64,
    /// Half-width of the interval that holds the true onset, microseconds.
    pub uncertainty_us: u32,
    /// Rows to its end, where somebody marked one.
    pub duration: Option<u64>,
    /// How its onset was found.
    pub placed: Placed,
    /// Numbers of the trials in whose windows this one's baseline or window reaches.
    pub overlaps: Vec<u32>,
}

/// The trials with these labels (all if none), `used` being the rows of baseline and window against an onset.
pub(super) fn trials(markers: &[Marker], labels: &[String], used: &[Range<i64>; 2]) -> Vec<Trial> {
    let mut retracted = Vec::new();
    let mut renamed: HashMap<u64, &str> = HashMap::new();
    for marker in markers {
        match marker.action {
            Action::Retract => retracted.push(marker.refers_to),
            Action::Relabel => drop(renamed.insert(marker.refers_to, &marker.label)),
            Action::Add | Action::Note | Action::End => {}
        }
    }
    let standing = || markers.iter().filter(|marker| !retracted.contains(&marker.id));
    let ends: HashMap<u64, u64> = standing()
        .filter(|marker| marker.action == Action::End)
        .map(|marker| (marker.refers_to, marker.sample))
        .collect();
    let trial = |marker: &Marker| {
        let new = renamed.get(&marker.id).filter(|label| **label != marker.label);
        Trial {
            number: 0,
            marker: marker.id,
            label: new.map_or_else(|| marker.label.clone(), |label| (*label).to_owned()),
            code: if new.is_some() { 0 } else { marker.code },
            onset: marker.sample,
            uncertainty_us: marker.uncertainty_us,
            duration: ends.get(&marker.id).and_then(|end| end.checked_sub(marker.sample)),
            placed: marker.placed,
            overlaps: Vec::new(),
        }
    };
    let added = standing().filter(|marker| marker.action == Action::Add).map(trial);
    let mut trials: Vec<Trial> =
        added.filter(|trial| labels.is_empty() || labels.contains(&trial.label)).collect();
    trials.sort_by_key(|trial| (trial.onset, trial.marker));
    for (number, trial) in (1..).zip(&mut trials) {
        trial.number = number;
    }
    find_overlaps(&mut trials, used);
    trials
}

/// Notes in each trial whose windows it reaches into.
fn find_overlaps(trials: &mut [Trial], used: &[Range<i64>; 2]) {
    let onsets: Vec<i64> = trials.iter().map(|trial| signed(trial.onset)).collect();
    let [_, window] = used;
    let reach = used[0].start.min(window.start)..used[0].end.max(window.end);
    for (at, trial) in trials.iter_mut().enumerate() {
        let onset = onsets[at];
        let meets = |other: i64| {
            used.iter()
                .any(|own| onset + own.start < other + window.end && other + window.start < onset + own.end)
        };
        // Onsets ascend, so those in reach stand together.
        let first = onsets.partition_point(|other| other + window.end <= onset + reach.start);
        let behind = onsets.partition_point(|other| other + window.start < onset + reach.end);
        let others = (first..behind).filter(|other| *other != at && meets(onsets[*other]));
        trial.overlaps = others.map(|other| crate::emg::units::small(other + 1)).collect();
    }
}

/// A row as a number that may be compared with rows before the recording.
pub(super) fn signed(row: u64) -> i64 {
    i64::try_from(row).unwrap_or(i64::MAX / 4)
}

/// The labels that markers have, for people.
pub(super) fn labels(markers: &[Marker]) -> String {
    let mut labels: Vec<String> =
        trials(markers, &[], &[0..0, 0..0]).into_iter().map(|trial| trial.label).collect();
    labels.sort();
    labels.dedup();
    labels.join(", ")
}
