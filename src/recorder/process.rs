//! Thread `process`: pieces -> the same pipeline the file gets -> bins, levels and flags for the screen.
//!
//! May fall behind and lose pieces of a live source; it then starts its filters afresh and says so at the next
//! segment border. Writes nothing.

use super::Plan;
use super::sequence::Piece;
use super::vitals::{Shared, Stage};
use crate::dsp::bins::{Binner, MinMax};
use crate::emg::units::{float, index, length, narrow, small, wide};
use crate::emg::{Channel, Event, Quality, RawBlock};
use crate::face::calibration::Calibrator;
use crate::face::events::{Active, Waiting};
use crate::face::{Findings, Observer};
use crate::pipeline::{ChainChange, CleanBlock, Input, Pipeline, PipelineState, Reason};
use crate::session::Bins;
use crate::session::snapshot::MOST_WAITING;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

mod electrode;
pub(super) mod predict;

use electrode::Electrode;
pub(super) use electrode::Standing;
use predict::{Step, Work};

/// Traces kept for a viewer that joins late.
const HISTORY_S: f64 = 60.0;
/// Events a screen is told of.
const LAST_EVENTS: usize = 20;
/// A bin on the wire lasts about this long; screens merge whole bins.
const BIN_S: f64 = 0.004;
/// Without pieces the thread says this often that it lives.
const BEAT_EVERY: Duration = Duration::from_millis(250);

/// What a segment's border hands over to the next segment's projector.
#[derive(Clone, Debug)]
pub(super) struct Carried {
    /// Of the filters.
    pub(super) pipeline: PipelineState,
    /// Of what is found beside them.
    pub(super) observer: Vec<u64>,
}

/// What the screen's side knows, for `control` to copy.
#[derive(Debug, Default)]
pub(super) struct Picture {
    /// Bins not yet broadcast and those already sent, oldest first: `(clean, raw)` per bin and channel.
    bins: VecDeque<(MinMax, MinMax)>,
    first_bin: u64,
    fresh_from: u64,
    rows_per_bin: u32,
    channels: usize,
    /// Chains in words.
    pub(super) chain: String,
    /// Rate they were designed for.
    pub(super) design_rate_hz: f64,
    /// Row at which all channels have settled.
    pub(super) settled_at: u64,
    /// Newest row the pipeline saw.
    pub(super) row: u64,
    /// Each channel as it stands.
    pub(super) standings: Vec<Standing>,
    /// Each channel over its last whole second; none before the first.
    pub(super) quality: Vec<Option<Quality>>,
    /// Events that ended, and the newest of them, oldest first.
    pub(super) events: u64,
    pub(super) last_events: VecDeque<Event>,
    /// Events that go on.
    pub(super) active: Vec<Active>,
    /// Events that ended and are not judged yet.
    pub(super) waiting: Vec<Waiting>,
    /// Rest and maximal contractions, as they are measured and kept.
    pub(super) calibrator: Calibrator,
}

impl Picture {
    /// The bins not handed out before.
    pub(super) fn take_fresh(&mut self) -> Option<Bins> {
        let from = self.fresh_from.max(self.first_bin);
        let bins = self.range(from);
        self.fresh_from = bins.first + wide(bins.len());
        (!bins.is_empty()).then_some(bins)
    }

    /// The bins already handed out that are still kept.
    pub(super) fn history(&self) -> Bins {
        let mut all = self.range(self.first_bin);
        let sent = index(self.fresh_from.saturating_sub(self.first_bin)) * self.channels;
        all.clean.truncate(sent);
        all.raw.truncate(sent);
        all
    }

    /// Keeps what a screen shows of what was found.
    fn note(&mut self, found: Findings) {
        self.quality.resize(self.channels, None);
        for quality in found.quality {
            if let Some(slot) = self.quality.get_mut(usize::from(quality.channel)) {
                *slot = Some(quality);
            }
        }
        self.events += wide(found.events.len());
        self.last_events.extend(found.events);
        self.last_events.drain(..self.last_events.len().saturating_sub(LAST_EVENTS));
    }

    fn range(&self, from: u64) -> Bins {
        let skip = index(from - self.first_bin) * self.channels;
        Bins {
            first: from,
            rows_per_bin: self.rows_per_bin,
            channels: u16::try_from(self.channels).unwrap_or(u16::MAX),
            clean: self.bins.iter().skip(skip).map(|bin| bin.0).collect(),
            raw: self.bins.iter().skip(skip).map(|bin| bin.1).collect(),
        }
    }

    /// Adds bins from number `first` on, keeping a minute; bins nobody made are holes.
    fn append(&mut self, first: u64, bins: impl Iterator<Item = (MinMax, MinMax)>) {
        let keep = length(HISTORY_S / BIN_S);
        let next = self.first_bin + wide(self.bins.len() / self.channels);
        let hole = index(first.saturating_sub(next));
        if hole > keep {
            self.bins.clear();
            self.first_bin = first;
        } else {
            let none = ((f32::NAN, f32::NAN), (f32::NAN, f32::NAN));
            self.bins.extend(std::iter::repeat_n(none, hole * self.channels));
        }
        self.bins.extend(bins);
        let extra = (self.bins.len() / self.channels).saturating_sub(keep);
        self.bins.drain(..extra * self.channels);
        self.first_bin += wide(extra);
    }
}

/// The picture, shared.
#[derive(Debug, Default)]
pub(super) struct SharedPicture(Mutex<Picture>);

impl SharedPicture {
    /// A look or a change.
    pub(super) fn lock(&self) -> MutexGuard<'_, Picture> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread.
pub(super) struct Process {
    channels: Vec<Channel>,
    rate_hz: f64,
    pipeline: Option<Pipeline>,
    observer: Observer,
    chains: Option<ChainChange>,
    clean_bins: Binner,
    raw_bins: Binner,
    /// Envelope rows of the last second.
    recent: VecDeque<f32>,
    electrodes: Vec<Electrode>,
    vitals: Arc<Shared>,
    picture: Arc<SharedPicture>,
    states: Sender<(u64, Option<Carried>)>,
    /// Where models predict, none without any.
    predict: Option<Sender<Work>>,
    /// A source that can wait does so for the models too.
    can_wait: bool,
    diverged: Arc<AtomicBool>,
}

impl Process {
    pub(super) fn new(
        plan: &Plan,
        vitals: Arc<Shared>,
        picture: Arc<SharedPicture>,
        states: Sender<(u64, Option<Carried>)>,
        predict: Option<Sender<Work>>,
        diverged: Arc<AtomicBool>,
    ) -> Self {
        let (channels, nominal_hz) = (plan.channels.clone(), plan.description.nominal_hz);
        let rows_per_bin = nominal_hz.map_or(1, |rate| small(length(rate * BIN_S)).max(1));
        let n = channels.len();
        let mut fresh = picture.lock();
        (fresh.rows_per_bin, fresh.channels) = (rows_per_bin, n);
        fresh.standings = vec![Standing::default(); n];
        fresh.calibrator = Calibrator::new(&channels);
        drop(fresh);
        Self {
            rate_hz: nominal_hz.unwrap_or(1000.0),
            pipeline: None,
            observer: Observer::new(&channels),
            chains: None,
            clean_bins: Binner::new(n, rows_per_bin),
            raw_bins: Binner::new(n, rows_per_bin),
            recent: VecDeque::new(),
            electrodes: vec![Electrode::default(); n],
            channels,
            vitals,
            picture,
            states,
            predict,
            can_wait: plan.description.can_wait,
            diverged,
        }
    }

    /// Runs until `acquire` is done.
    pub(super) fn run(mut self, pieces: &Receiver<Piece>) {
        loop {
            self.vitals.beat(Stage::Process);
            match pieces.recv_timeout(BEAT_EVERY) {
                Ok(piece) => self.take_guarded(piece),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.vitals.waits(Stage::Process, pieces.len());
        }
    }

    /// Takes a piece; should that fail, the screen's filters start afresh behind it, and the file's are not touched.
    fn take_guarded(&mut self, piece: Piece) {
        let vitals = self.vitals.clone();
        if vitals.guard(Stage::Process, || self.take(piece)).is_none() {
            self.diverged.store(true, Ordering::Relaxed);
            self.pipeline = None;
            self.observer = Observer::new(&self.channels);
        }
    }

    fn take(&mut self, piece: Piece) {
        match piece {
            Piece::Chains(change) => {
                self.chains = Some(self.chains.as_ref().merged(&change));
                self.step(&Input::Chains(change));
            }
            Piece::Rows(rows) => {
                self.catch_up(rows.sample);
                self.rows(rows);
            }
            Piece::Gap(gap) => {
                self.catch_up(gap.sample);
                self.step(&Input::Gap(gap));
            }
            Piece::Begin => self.begin_again(),
            Piece::Border(row) => self.border(row),
            Piece::Fit(_) | Piece::Truth(_) | Piece::Marker(_) | Piece::Log(..) | Piece::Calibration(_) => {}
        }
    }

    /// A recording begins: rows count from 0 again, what was only looked at is forgotten.
    fn begin_again(&mut self) {
        let mut picture = self.picture.lock();
        let (rows_per_bin, channels) = (picture.rows_per_bin, picture.channels);
        picture.bins.clear();
        (picture.first_bin, picture.fresh_from) = (0, 0);
        picture.events = 0;
        picture.last_events.clear();
        picture.active.clear();
        picture.waiting.clear();
        picture.quality.clear();
        drop(picture);
        if let Some(predict) = &self.predict {
            let _ = predict.send(Work::Begin);
        }
        (self.pipeline, self.chains) = (None, None);
        self.observer = Observer::new(&self.channels);
        self.recent.clear();
        self.clean_bins = Binner::new(channels, rows_per_bin);
        self.raw_bins = Binner::new(channels, rows_per_bin);
    }

    /// Rows this thread never got are a hole in its picture, and its filters no longer those of the file.
    fn catch_up(&mut self, sample: u64) {
        let missed = match &self.pipeline {
            Some(pipeline) => pipeline.row() != sample,
            None => self.chains.is_some(),
        };
        if missed {
            self.diverged.store(true, Ordering::Relaxed);
            self.start_afresh(sample);
        }
    }

    fn start_afresh(&mut self, sample: u64) {
        self.pipeline = None;
        self.observer = Observer::new(&self.channels);
        if let Some(chains) = self.chains.clone() {
            self.step(&Input::Chains(Arc::new(ChainChange { sample, reason: Reason::Start, ..chains })));
        }
    }

    /// Gives the state at a segment's first row, or starts afresh with the segment when it is not the file's.
    fn border(&mut self, row: u64) {
        self.catch_up(row);
        let lost = self.diverged.swap(false, Ordering::Relaxed);
        let carried =
            |pipeline: &Pipeline| Carried { pipeline: pipeline.state(), observer: self.observer.state() };
        let state = self.pipeline.as_ref().filter(|_| !lost).map(carried);
        if state.is_none() {
            self.start_afresh(row);
        }
        // The queue holds one for every border that can be under way; a writer that gave up needs none.
        let _ = self.states.try_send((row, state));
    }

    /// Runs the pipeline over one input.
    fn step(&mut self, input: &Input) -> Arc<CleanBlock> {
        let pipeline = self.pipeline.get_or_insert_with(|| Pipeline::new(&self.channels));
        let clean = Arc::new(pipeline.step(input));
        let found = self.observer.step(input, &clean);
        if let Some(predict) = &self.predict {
            let quality = found.quality.clone();
            let step = Box::new(Step { input: input.clone(), clean: clean.clone(), quality });
            offer(predict, Work::Step(step), self.can_wait);
        }
        let n = self.channels.len();
        self.recent.extend(&clean.envelope);
        let decimation = self.chains.as_ref().map_or(1, |chains| chains.decimation);
        let second = length(self.rate_hz / f64::from(decimation.max(1))).max(1) * n;
        self.recent.drain(..self.recent.len().saturating_sub(second));
        let mut picture = self.picture.lock();
        picture.note(found);
        picture.active.clear();
        picture.active.extend(self.observer.active());
        picture.waiting.clear();
        picture.waiting.extend(self.observer.waiting().take(MOST_WAITING));
        picture.row = pipeline.row();
        picture.settled_at = pipeline.spans().map(|span| span.settled_sample).max().unwrap_or(0);
        if let Some(chains) = &self.chains {
            picture.chain = words(chains);
            picture.design_rate_hz =
                chains.chains.iter().map(|chain| chain.design_rate_hz).fold(0.0, f64::max);
        }
        let settled = picture.row >= picture.settled_at;
        let rate_hz = rate_of(&picture, self.rate_hz);
        picture.calibrator.envelope(&clean.envelope, rate_hz / f64::from(decimation.max(1)), settled);
        for (channel, standing) in picture.standings.iter_mut().enumerate() {
            standing.level = mean(self.recent.iter().skip(channel).step_by(n.max(1)));
        }
        clean
    }

    /// Rows in the channels' units, and what their raw values say of the electrodes.
    fn rows(&mut self, rows: Arc<RawBlock>) {
        let n = self.channels.len();
        let mut raw = Vec::with_capacity(rows.samples.len());
        for at in 0..rows.samples.len() {
            let channel = &self.channels[at % n];
            let value = rows.samples.get(at);
            self.electrodes[at % n].see(value);
            raw.push(narrow((value - channel.offset) * channel.scale));
        }
        let mut picture = self.picture.lock();
        let rate_hz = rate_of(&picture, self.rate_hz);
        picture.calibrator.raw(&rows, rate_hz);
        drop(picture);
        let sample = rows.sample;
        let clean = self.step(&Input::Rows(rows));
        self.bin(sample, &raw, &clean.clean);
        if self.electrodes.first().is_some_and(|electrode| float(electrode.rows()) >= self.rate_hz) {
            self.look();
        }
    }

    /// Once a second: how the electrodes stand.
    fn look(&mut self) {
        let mut picture = self.picture.lock();
        let each = self.electrodes.iter_mut().zip(&self.channels).zip(&mut picture.standings);
        for ((electrode, channel), standing) in each {
            *standing = electrode.look(standing.level, channel);
        }
    }

    fn bin(&mut self, sample: u64, raw: &[f32], clean: &[f32]) {
        let raw = self.raw_bins.push(sample, raw);
        let clean = self.clean_bins.push(sample, clean);
        if !raw.bins.is_empty() {
            self.picture.lock().append(raw.first, clean.bins.into_iter().zip(raw.bins));
        }
    }
}

/// All chains ever brought, with the assignment now in force, as one change a fresh pipeline can start from.
pub(super) trait Merged {
    /// These and those of a further change.
    fn merged(self, change: &ChainChange) -> ChainChange;
}

impl Merged for Option<&ChainChange> {
    fn merged(self, change: &ChainChange) -> ChainChange {
        let mut chains = self.map_or_else(Vec::new, |known| known.chains.clone());
        chains.extend(change.chains.iter().cloned());
        ChainChange { chains, ..change.clone() }
    }
}

/// Rows per second: what the filters were designed for, else what the source claims.
fn rate_of(picture: &Picture, claimed_hz: f64) -> f64 {
    if picture.design_rate_hz > 0.0 { picture.design_rate_hz } else { claimed_hz }
}

/// The chains in force, each once, in the order of the channels.
fn words(change: &ChainChange) -> String {
    let mut seen: Vec<&str> = Vec::new();
    for id in &change.assignment {
        let chain = change.chains.iter().find(|chain| chain.id == *id);
        if let Some(text) = chain.map(|chain| chain.words.as_str()).filter(|text| !seen.contains(text)) {
            seen.push(text);
        }
    }
    seen.join(" / ")
}

/// Hands work to the models; where they are behind a live source, it is left out.
fn offer(predict: &Sender<Work>, work: Work, can_wait: bool) {
    // Filters are rare, and without them nothing that follows means anything.
    let waits = can_wait || matches!(&work, Work::Step(step) if matches!(step.input, Input::Chains(_)));
    if waits {
        let _ = predict.send(work);
    } else {
        let _ = predict.try_send(work);
    }
}

fn mean<'a>(values: impl Iterator<Item = &'a f32>) -> f64 {
    let (sum, n) = values.fold((0.0, 0.0), |(sum, n), value| (sum + f64::from(*value), n + 1.0));
    if n > 0.0 { sum / n } else { f64::NAN }
}
