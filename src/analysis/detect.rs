//! Muscle events of whole recordings: as they were found live, in both directions of time, or by a published method.
//!
//! Nothing is stored; `cli/detect` turns events into a table.

mod casmemg;

use crate::emg::finding::event::{Class, Verdict};
use crate::emg::units::{float, wide};
use crate::emg::{Channel, Event, Kind, RawBlock, Samples, Stamp};
use crate::face::Observer;
use crate::face::events::class_of;
use crate::pipeline::{ChainChange, CleanBlock, Input, Pipeline};
use crate::store::StoreError;
use crate::store::reader::{Joined, Recording};
use std::sync::Arc;

/// Rows that are looked at together when time runs backward.
const BLOCK_ROWS: usize = 4096;

/// How events are looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Method {
    /// As live.
    #[default]
    Adaptive,
    /// As live, and once more backward in time, so that ends are placed as well as onsets and no filter's ringing is
    /// left in them. Needs the recording in memory, 8 bytes a value.
    BothWays,
    /// The published detector of CASMEMG; on raw channels.
    Casmemg,
}

/// The events of a recording in order of onsets. `done` is told how many rows were read.
///
/// Calibrations hold for the whole recording, whenever they were accepted.
pub fn events(joined: &Joined, method: Method, mut done: impl FnMut(u64)) -> Result<Vec<Event>, StoreError> {
    let channels = joined.channels();
    let mut observer = Observer::new(channels);
    for calibration in joined.table(Recording::calibrations)? {
        observer.calibrate(&calibration);
    }
    let mut kept = Kept { channels: channels.len(), ..Kept::default() };
    let (mut events, mut row) = (Vec::new(), 0);
    for step in joined.again() {
        let (input, clean) = step?;
        if method != Method::Casmemg {
            events.append(&mut observer.step(&input, &clean).events);
        }
        if method != Method::Adaptive {
            kept.take(&input, &clean);
        }
        row = clean.sample + wide(clean.clean.len() / channels.len().max(1));
        done(row);
    }
    events.append(&mut observer.finish(row).events);
    match method {
        Method::Adaptive => {}
        Method::BothWays => {
            let mut backward = kept.backward(channels);
            // A sensor's pole cannot be undone backward.
            backward.retain(|event| channels[usize::from(event.channel)].kind != Kind::Envelope);
            mirror(&mut events, &backward, kept.first + wide(kept.rows()), kept.rate_hz());
        }
        Method::Casmemg => events = casmemg::events(channels, &kept.values, kept.rate_hz()),
    }
    // A recording that lost its first files does not begin at row 0.
    if method == Method::Casmemg {
        for event in &mut events {
            event.onset += kept.first;
            event.apex += kept.first;
            event.end += kept.first;
        }
    }
    events.sort_by_key(|event| (event.onset, event.channel));
    Ok(events)
}

/// A recording's raw values in memory.
#[derive(Debug, Default)]
struct Kept {
    channels: usize,
    first: u64,
    values: Vec<f64>,
    change: Option<Arc<ChainChange>>,
}

impl Kept {
    fn take(&mut self, input: &Input, clean: &CleanBlock) {
        if self.values.is_empty() {
            self.first = clean.sample;
        }
        match input {
            Input::Chains(change) => self.change = Some(Arc::clone(change)),
            Input::Gap(_) => self.values.resize(self.values.len() + clean.clean.len(), f64::NAN),
            Input::Rows(block) => block.samples.widen(&mut self.values),
        }
    }

    fn rows(&self) -> usize {
        self.values.len() / self.channels.max(1)
    }

    fn rate_hz(&self) -> f64 {
        let chains = self.change.as_ref().map_or(&[][..], |change| &change.chains);
        chains.iter().map(|chain| chain.design_rate_hz).find(|rate| *rate > 0.0).unwrap_or(f64::NAN)
    }

    /// What is found when time runs backward, under the chains that ran last; rows count from the end.
    fn backward(&self, channels: &[Channel]) -> Vec<Event> {
        let Some(change) = &self.change else { return Vec::new() };
        let chains = Input::Chains(Arc::new(ChainChange { sample: 0, ..ChainChange::clone(change) }));
        let (mut pipeline, mut observer) = (Pipeline::new(channels), Observer::new(channels));
        let mut events = observer.step(&chains, &pipeline.step(&chains)).events;
        let mut row = 0;
        for piece in self.values.rchunks(BLOCK_ROWS * self.channels.max(1)) {
            let rows = piece.rchunks_exact(self.channels.max(1));
            let samples = Samples::F64(rows.flatten().copied().collect());
            let input = Input::Rows(Arc::new(RawBlock {
                sample: row,
                channels: self.channels,
                epoch: 0,
                device_index: row,
                device_us: 0,
                stamp: Stamp::default(),
                samples,
                digital: Vec::new(),
            }));
            events.append(&mut observer.step(&input, &pipeline.step(&input)).events);
            row += wide(piece.len() / self.channels.max(1));
        }
        events.append(&mut observer.finish(row).events);
        events
    }
}

/// Ends forward events where the same activity begins when time runs backward. Rows and rate of the recording.
fn mirror(events: &mut [Event], backward: &[Event], rows: u64, rate_hz: f64) {
    let turned = |event: &Event| (rows.saturating_sub(event.end), rows.saturating_sub(event.onset));
    for event in events.iter_mut() {
        let common = |other: &Event| {
            let (onset, end) = turned(other);
            end.min(event.end).saturating_sub(onset.max(event.onset))
        };
        let same = backward.iter().filter(|other| other.channel == event.channel && common(other) > 0);
        let Some(other) = same.max_by_key(|other| common(other)) else { continue };
        let end = turned(other).1;
        if end <= event.onset {
            continue;
        }
        event.end = end;
        event.apex = event.apex.min(end - 1);
        let us = float(end - event.onset) * 1e6 / rate_hz;
        let spread = 2.0 * event.onset_uncertainty_us.hypot(other.onset_uncertainty_us);
        event.duration_corrected_us = us;
        (event.duration_low_us, event.duration_high_us) = ((us - spread).max(0.0), us + spread);
        if !matches!(event.class, Class::Blink | Class::Artefact) {
            event.class = class_of([event.duration_low_us, us, event.duration_high_us].map(|us| us / 1e6));
            event.verdict = if event.class == Class::Brief { Verdict::Candidate } else { Verdict::None };
        }
    }
}
