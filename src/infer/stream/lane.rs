//! One model and the rows it is fed.
//!
//! Rows are counted as the model is fed them: rows of the recording, or rows of the envelope.

use super::Clock;
use super::verdicts::Verdicts;
use crate::emg::Prediction;
use crate::emg::finding::prediction::flag;
use crate::emg::units::wide;
use crate::infer::card::{Mode, Signal};
use crate::infer::model::are_probabilities;
use crate::infer::station::chain_sha256;
use crate::infer::{Error, Memory, Model};
use crate::pipeline::Chain;

/// A span that begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start<'a> {
    pub(super) channel: usize,
    /// Its first row in the recording.
    pub(super) row: u64,
    /// Its first settled row in the recording.
    pub(super) settled: u64,
    /// Whether rows are missing before it, counted or not.
    pub(super) after_gap: bool,
    pub(super) chain: &'a Chain,
}

/// Rows and all that is known of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fed<'a> {
    /// Number of the first row, as the model counts.
    pub(super) first: u64,
    /// `rows x channels` values.
    pub(super) values: &'a [f32],
    pub(super) channels: usize,
    /// Spans that begin in the block, in the order of their rows.
    pub(super) starts: &'a [Start<'a>],
    pub(super) verdicts: &'a Verdicts,
    pub(super) clock: Clock,
}

#[derive(Debug)]
pub(super) struct Lane {
    model: Model,
    /// The station's columns, in the model's order.
    columns: Vec<usize>,
    /// Rows of the recording in a row it is fed.
    every: u64,
    /// The latest rows without a missing value between them, row-major in the model's order.
    held: Vec<f32>,
    memory: Memory,
    /// First row the memory knows of; none while it is blank.
    since: Option<u64>,
    /// For each of its columns the chain in force.
    chains: Vec<Option<Chain>>,
    /// Whether these are the filters it was trained under.
    fits: bool,
    /// For each of its columns the first settled row.
    settled: Vec<u64>,
    /// The latest row before which rows were missing.
    gap: u64,
    skipped: u64,
    failed: bool,
    failure: Option<Error>,
}

impl Lane {
    pub(super) fn new(model: Model, columns: Vec<usize>, decimation: u32) -> Self {
        let every = match model.card().signal {
            Signal::Clean => 1,
            Signal::Envelope => u64::from(decimation),
        };
        Self {
            every,
            held: Vec::new(),
            memory: model.blank(),
            since: None,
            chains: vec![None; columns.len()],
            fits: false,
            settled: vec![0; columns.len()],
            gap: 0,
            skipped: 0,
            failed: false,
            failure: None,
            columns,
            model,
        }
    }

    pub(super) fn model(&self) -> &Model {
        &self.model
    }

    pub(super) fn is_fed_envelopes(&self) -> bool {
        self.model.card().signal == Signal::Envelope
    }

    /// Rows of the recording that an answer depends on at most.
    pub(super) fn reach(&self) -> u64 {
        let card = self.model.card();
        wide(card.window.max(card.stride)).saturating_mul(self.every)
    }

    pub(super) fn skipped(&self) -> u64 {
        self.skipped
    }

    pub(super) fn failure(&mut self) -> Option<Error> {
        self.failure.take()
    }

    /// Forgets all rows: what follows does not follow them.
    pub(super) fn lose(&mut self) {
        self.held.clear();
        self.forget();
    }

    /// Takes rows and answers at the end of each stride.
    pub(super) fn feed(&mut self, fed: &Fed<'_>, found: &mut Vec<Prediction>) {
        let mut starts = fed.starts.iter().peekable();
        for (row, values) in (fed.first..).zip(fed.values.chunks_exact(fed.channels)) {
            while let Some(start) = starts.next_if(|start| start.row / self.every <= row) {
                self.start(start);
            }
            self.hold(values);
            if (row + 1).is_multiple_of(wide(self.model.card().stride)) {
                found.extend(self.answer(row + 1, fed));
            }
        }
        // A span may begin between two rows of the envelope.
        starts.for_each(|start| self.start(start));
    }

    fn start(&mut self, start: &Start<'_>) {
        let Some(at) = self.columns.iter().position(|column| *column == start.channel) else { return };
        let row = start.row / self.every;
        self.settled[at] = start.settled / self.every;
        if start.after_gap {
            self.gap = self.gap.max(row);
        }
        if self.chains[at].as_ref() != Some(start.chain) {
            self.chains[at] = Some(start.chain.clone());
            self.fits = self.knows_its_filters();
        }
        if self.model.card().mode == Mode::Step {
            self.lose();
        }
    }

    fn knows_its_filters(&self) -> bool {
        let card = self.model.card();
        let chains: Option<Vec<&Chain>> = self.chains.iter().map(Option::as_ref).collect();
        chains.is_some_and(|chains| {
            card.chain_sha256.is_empty() || chain_sha256(&chains, card.signal) == card.chain_sha256
        })
    }

    /// Keeps a row; a missing value ends what was held.
    fn hold(&mut self, values: &[f32]) {
        if self.columns.iter().any(|column| !values[*column].is_finite()) {
            self.held.clear();
            return;
        }
        let most = self.model.card().values();
        if self.held.len() >= 2 * most {
            self.held.drain(..self.held.len() - most);
        }
        self.held.extend(self.columns.iter().map(|column| values[*column]));
    }

    /// The answer for the rows before `end`; none where some are missing.
    fn answer(&mut self, end: u64, fed: &Fed<'_>) -> Option<Prediction> {
        let card = self.model.card();
        let rows = card.rows();
        if self.failed || end < wide(rows) {
            return None;
        }
        if !self.fits || self.held.len() < card.values() {
            self.skipped += 1;
            return None;
        }
        let input = by_channel(&self.held[self.held.len() - card.values()..], self.columns.len());
        let before = (fed.clock)();
        let answer = self.model.run(&input, &mut self.memory);
        let took_us = (fed.clock)().saturating_sub(before);
        let probabilities = match answer {
            Ok(probabilities) => probabilities,
            Err(error) => {
                (self.failed, self.failure) = (true, Some(error));
                return None;
            }
        };
        if !are_probabilities(&probabilities) {
            self.skipped += 1;
            self.forget();
            return None;
        }
        let first = match self.model.card().mode {
            Mode::Window => end - wide(rows),
            Mode::Step => *self.since.get_or_insert(end - wide(rows)),
        };
        Some(Prediction {
            model: 0,
            first: first * self.every,
            end: end * self.every,
            label: largest(&probabilities),
            probabilities,
            took_us: u32::try_from(took_us).unwrap_or(u32::MAX),
            flags: self.flags(first, end, fed.verdicts),
        })
    }

    fn flags(&self, first: u64, end: u64, verdicts: &Verdicts) -> u32 {
        let window = wide(self.model.card().window);
        let from = first.max(end.saturating_sub(window));
        let young = end - first < window;
        let rows = from * self.every..end * self.every;
        let mut flags = 0;
        if self.gap > from {
            flags |= flag::GAP;
        }
        if young || self.settled.iter().any(|settled| *settled > from) {
            flags |= flag::SETTLING;
        }
        if self.columns.iter().any(|column| verdicts.is_bad(*column, &rows)) {
            flags |= flag::BAD_CHANNEL;
        }
        flags
    }

    fn forget(&mut self) {
        self.memory = self.model.blank();
        self.since = None;
    }
}

/// Row-major values channel by channel.
fn by_channel(rows: &[f32], channels: usize) -> Vec<f32> {
    (0..channels).flat_map(|channel| rows.iter().skip(channel).step_by(channels).copied()).collect()
}

/// The first class of the greatest probability.
fn largest(probabilities: &[f32]) -> u16 {
    let mut best = 0;
    for (class, probability) in probabilities.iter().enumerate() {
        if *probability > probabilities[best] {
            best = class;
        }
    }
    u16::try_from(best).unwrap_or(u16::MAX)
}
