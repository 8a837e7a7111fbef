//! What the pipeline carries from one block to the next, as values a journal can hold.
//!
//! Enough to continue bit for bit, given the chains; the chains themselves are in [`ChainChange`](super::ChainChange)s
//! and not repeated here. The envelope's phase is no state: its rows follow from the row count.

use super::Reason;
use crate::dsp::Memory;

/// State of one channel's filters in f64, laid out as `SciPy`'s `zi`: `[s1, s2]` per section.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FilterState {
    /// One entry per section of the chain; empty for the identity.
    pub sections: Vec<Memory>,
    /// One entry per envelope section of the chain, and behind them `[mean, floor]` of its tracker where it has one;
    /// empty without smoothing. How long the floor has still to settle follows from the span.
    pub envelope: Vec<Memory>,
}

/// Everything the pipeline carries from one block to the next.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PipelineState {
    /// The next row.
    pub row: u64,
    /// Epoch of the last rows.
    pub epoch: u32,
    /// One entry per channel.
    pub tracks: Vec<TrackState>,
}

impl PipelineState {
    /// No state: the filters start afresh at `row`.
    #[must_use]
    pub fn none(row: u64) -> Self {
        Self { row, epoch: 0, tracks: Vec::new() }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.tracks.is_empty()
    }
}

/// One channel in a [`PipelineState`].
#[derive(Clone, Debug, PartialEq)]
pub struct TrackState {
    /// Id of the chain in force.
    pub chain: u32,
    /// Whether a span is running; otherwise one begins at the channel's next finite value.
    pub running: bool,
    /// First row of the running span, else 0.
    pub sample: u64,
    /// First settled row of the running span, else 0.
    pub settled_sample: u64,
    /// Why the running span began, or why the next one will.
    pub reason: Reason,
    /// State of its filters; all zero without a running span.
    pub filter: FilterState,
}
