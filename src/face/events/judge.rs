//! What an event is, once its neighbours in time are known: classes by duration, and what faces do without meaning it.
//!
//! An event waits for a second after its end, or up to three while another that overlaps it goes on, and is decided on
//! a row that is a multiple of [`GRID`](super::GRID): so it never depends on how rows came.

use super::habits::{Habit, Scene, Site};
use super::hunt::Found;
use crate::emg::artefact::bit;
use crate::emg::finding::event::{Class, Verdict};
use crate::emg::units::{count, float};
use crate::emg::{Artefact, Event};
use crate::face::observe::Findings;
use crate::face::state::{Reel, Tape};

/// Time an event waits for its neighbours, seconds; the longest it waits while one of them goes on.
const HOLD_S: f64 = 1.0;
const LATEST_S: f64 = 3.0;
/// How long decided events and artefacts are remembered, seconds.
const MEMORY_S: f64 = 10.0;
/// Nothing shorter is an event, seconds (Ekman's 1/25 s).
const SHORTEST_S: f64 = 0.04;
/// Borders between classes, seconds.
const BRIEF_S: f64 = 0.5;
const MACRO_S: f64 = 4.0;
/// Share of an event that an artefact must cover to reject it.
const COVERED: f64 = 0.25;

/// One event on one channel, decided or not.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) channel: usize,
    pub(super) found: Found,
    pub(super) decided: bool,
}

impl Entry {
    /// Height of the envelope above rest.
    pub(super) fn height(&self) -> f64 {
        self.found.top - self.found.rest
    }
}

/// Events that wait, and what they may have to do with each other.
#[derive(Clone, Debug)]
pub(super) struct Judge {
    sites: Vec<Site>,
    rate_hz: f64,
    entries: Vec<Entry>,
    /// Onset, end and channels of stretches that other rules rejected.
    rejected: Vec<(u64, u64, u64)>,
}

impl Judge {
    pub(super) fn new(sites: Vec<Site>) -> Self {
        Self { sites, rate_hz: 1.0, entries: Vec::new(), rejected: Vec::new() }
    }

    /// Rows come at this rate.
    pub(super) fn pace(&mut self, rate_hz: f64) {
        self.rate_hz = rate_hz;
    }

    /// Takes an event that a channel showed; too short ones are none.
    pub(super) fn take(&mut self, channel: usize, found: Found) {
        if found.duration[2] >= SHORTEST_S * self.rate_hz {
            self.entries.push(Entry { channel, found, decided: false });
        }
    }

    /// Takes stretches that other rules rejected.
    pub(super) fn reject(&mut self, artefacts: &[Artefact]) {
        let standing = artefacts.iter().filter(|artefact| !artefact.retracted);
        self.rejected.extend(standing.map(|artefact| (artefact.onset, artefact.end, artefact.channels)));
    }

    /// Channel, onset and end of events that are not decided yet.
    pub(super) fn waiting(&self) -> impl Iterator<Item = (usize, u64, u64)> + '_ {
        let undecided = self.entries.iter().filter(|entry| !entry.decided);
        undecided.map(|entry| (entry.channel, entry.found.onset, entry.found.end))
    }

    /// Decides what can be decided at `row`; `running` is the earliest onset of what goes on, `all` the end of the
    /// recording. `percent` gives a level of a channel as a share of its maximum.
    pub(super) fn decide(
        &mut self,
        row: u64,
        running: Option<u64>,
        all: bool,
        percent: impl Fn(usize, f64) -> f64,
        to: &mut Findings,
    ) {
        if self.entries.is_empty() && self.rejected.is_empty() {
            return;
        }
        let (hold, latest) = (count(HOLD_S * self.rate_hz), count(LATEST_S * self.rate_hz));
        // Blocks bring several events at once; the order of the rows is the order that counts.
        self.entries.sort_by_key(|entry| (entry.found.end, entry.channel));
        for at in 0..self.entries.len() {
            let entry = &self.entries[at];
            let waits = row < entry.found.end + hold
                || (row < entry.found.end + latest && running.is_some_and(|onset| onset < entry.found.end));
            if !entry.decided && (all || !waits) {
                self.settle(at, &percent, to);
            }
        }
        let old = row.saturating_sub(count(MEMORY_S * self.rate_hz));
        self.entries.retain(|entry| !entry.decided || entry.found.end >= old);
        self.rejected.retain(|(_, end, _)| *end >= old);
    }

    /// Decides one event, and those that are part of the same habit.
    fn settle(&mut self, at: usize, percent: &impl Fn(usize, f64) -> f64, to: &mut Findings) {
        if self.is_rejected(&self.entries[at]) {
            return self.emit(at, Class::Artefact, percent, to);
        }
        let scene = Scene { sites: &self.sites, entries: &self.entries, rate_hz: self.rate_hz };
        let Some((habit, members)) = scene.habit(at) else {
            let class = class_of(self.entries[at].found.duration.map(|rows| rows / self.rate_hz));
            return self.emit(at, class, percent, to);
        };
        let new: Vec<usize> = members.into_iter().filter(|&member| !self.entries[member].decided).collect();
        let mut artefact = Artefact { onset: u64::MAX, rule: habit.rule().to_owned(), ..Artefact::default() };
        for &member in &new {
            let entry = &self.entries[member];
            artefact.onset = artefact.onset.min(entry.found.onset);
            artefact.end = artefact.end.max(entry.found.end);
            artefact.channels |= bit(entry.channel).unwrap_or(0);
            let is_eye = self.sites[entry.channel] == Site::Eye;
            let class = if habit == Habit::Blink && is_eye { Class::Blink } else { Class::Artefact };
            self.emit(member, class, percent, to);
        }
        to.artefacts.push(artefact);
    }

    /// Whether another rule rejected a good part of it.
    fn is_rejected(&self, entry: &Entry) -> bool {
        let Found { onset, end, .. } = entry.found;
        self.rejected.iter().any(|&(first, last, channels)| {
            let common = end.min(last).saturating_sub(onset.max(first));
            bit(entry.channel).is_some_and(|bit| channels & bit != 0)
                && float(common) >= COVERED * float(end - onset)
        })
    }

    fn emit(&mut self, at: usize, class: Class, percent: &impl Fn(usize, f64) -> f64, to: &mut Findings) {
        let Self { entries, rate_hz, .. } = self;
        let entry = &mut entries[at];
        entry.decided = true;
        let found = &entry.found;
        let us = |rows: f64| if rows.is_finite() { rows * 1e6 / *rate_hz } else { f64::NAN };
        let [low, middle, high] = found.duration.map(us);
        to.events.push(Event {
            onset: found.onset,
            apex: found.apex,
            end: found.end,
            channel: u16::try_from(entry.channel).unwrap_or(u16::MAX),
            class,
            peak: found.top - found.rest,
            mvc_percent: percent(entry.channel, found.top),
            snr_db: 10.0 * found.ratio.log10(),
            rise_us: us(found.rise),
            onset_uncertainty_us: us(found.onset_sd),
            duration_corrected_us: middle,
            duration_low_us: low,
            duration_high_us: high,
            verdict: if class == Class::Brief { Verdict::Candidate } else { Verdict::None },
        });
    }

    pub(super) fn save(&self, tape: &mut Tape) {
        tape.f64(self.rate_hz).u64(crate::emg::units::wide(self.entries.len()));
        for Entry { channel, found, decided } in &self.entries {
            tape.u64(crate::emg::units::wide(*channel)).u64(u64::from(*decided));
            tape.u64(found.onset).u64(found.apex).u64(found.end).u64(u64::from(found.bursts));
            tape.f64(found.top).f64(found.rest).f64(found.ratio).f64(found.rise);
            tape.f64(found.onset_sd).f64(found.end_sd).f64s(found.duration.iter());
        }
        tape.u64(crate::emg::units::wide(self.rejected.len()));
        for (onset, end, channels) in &self.rejected {
            tape.u64(*onset).u64(*end).u64(*channels);
        }
    }

    pub(super) fn load(&mut self, reel: &mut Reel<'_>) -> Option<()> {
        self.rate_hz = reel.f64()?;
        for _ in 0..reel.u64()? {
            let channel = crate::emg::units::index(reel.u64()?);
            let decided = reel.u64()? == 1;
            let (onset, apex, end) = (reel.u64()?, reel.u64()?, reel.u64()?);
            let bursts = u32::try_from(reel.u64()?).ok()?;
            let (top, rest, ratio, rise) = (reel.f64()?, reel.f64()?, reel.f64()?, reel.f64()?);
            let (onset_sd, end_sd) = (reel.f64()?, reel.f64()?);
            let duration = <[f64; 3]>::try_from(reel.f64s::<Vec<f64>>()?).ok()?;
            let found =
                Found { onset, apex, end, top, rest, ratio, rise, onset_sd, end_sd, duration, bursts };
            (channel < self.sites.len() && end > onset).then_some(())?;
            self.entries.push(Entry { channel, found, decided });
        }
        for _ in 0..reel.u64()? {
            self.rejected.push((reel.u64()?, reel.u64()?, reel.u64()?));
        }
        Some(())
    }
}

/// The class of a duration and its interval, seconds: undetermined where the ends are of different classes, or where it
/// is shorter than any event and only its interval is not.
#[must_use]
pub fn class_of([low_s, seconds, high_s]: [f64; 3]) -> Class {
    let of = |s: f64| match s {
        s if s <= BRIEF_S => Class::Brief,
        s if s <= MACRO_S => Class::Macro,
        _ => Class::Sustained,
    };
    if seconds < SHORTEST_S || of(low_s) != of(high_s) { Class::Undetermined } else { of(low_s) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_is_that_of_the_whole_interval_or_none() {
        for (seconds, class) in [
            ([0.045, 0.050, 0.055], Class::Brief),
            ([0.035, 0.042, 0.049], Class::Brief),
            ([0.020, 0.030, 0.050], Class::Undetermined),
            ([0.480, 0.495, 0.510], Class::Undetermined),
            ([0.510, 0.520, 0.530], Class::Macro),
            ([3.9, 4.0, f64::NAN], Class::Undetermined),
            ([4.1, 4.2, f64::NAN], Class::Sustained),
        ] {
            assert_eq!(class_of(seconds), class, "{seconds:?}");
        }
    }
}
