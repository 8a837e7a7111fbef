//! The running pipeline: raw rows in, clean rows and envelope rows out; which chains hold is kept in `chains`.
//!
//! A channel is either in a span, where its filters run without a break, or waits for its next finite value.
//! Whatever the cut into blocks, the same rows give the same bits: state changes only at rows, never at block borders.

use super::state::FilterState;
use super::{Chain, ChainChange, Input, Reason, Span};
use crate::dsp::cascade::Cascade;
use crate::dsp::envelope::{self, Envelope};
use crate::emg::units::{index, narrow, wide};
use crate::emg::{Channel, Gap, RawBlock};
use std::collections::VecDeque;

mod chains;

use chains::find;

/// Rows that go through all filters before the next ones do: they stay in the nearest cache.
const TILE: usize = 128;

/// What one input gave.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CleanBlock {
    /// Row of the first clean sample.
    pub sample: u64,
    /// `rows x channels` values, f64 kernel rounded to f32; NaN where raw is missing.
    pub clean: Vec<f32>,
    /// Number of the first envelope row in `envelope`.
    pub envelope_first: u64,
    /// `m x channels` envelope values; envelope row j belongs to sample `(j + 1) x decimation - 1`.
    pub envelope: Vec<f32>,
    /// Spans that began in these rows.
    pub spans: Vec<Span>,
    /// For each of `spans` the state at its first row: the steady state of its first value. Those of spans that
    /// begin at the recording's first row are what `/filter/state` holds; a later segment has them in its
    /// [`PipelineState`](super::PipelineState).
    pub starts: Vec<FilterState>,
}

/// One channel between two rows.
#[derive(Clone, Copy, Debug)]
struct Track {
    offset: f64,
    scale: f64,
    chain: u32,
    /// First row and first settled row of the running span.
    span: Option<(u64, u64)>,
    /// Of the running span, else of the next.
    reason: Reason,
}

impl Track {
    /// Ends the running span; the next one begins for this reason, or a weightier one that waits already.
    fn interrupt(&mut self, reason: Reason) {
        self.reason = if self.span.take().is_some() { reason } else { self.reason.or(reason) };
    }
}

/// The pipeline.
#[derive(Clone, Debug)]
pub struct Pipeline {
    row: u64,
    epoch: u32,
    /// Rows per envelope row; 0 before the first change.
    decimation: u32,
    /// All chains brought so far.
    chains: Vec<Chain>,
    /// Changes that lie ahead, in order of rows.
    ahead: VecDeque<ChainChange>,
    tracks: Vec<Track>,
    clean: Cascade,
    envelope: Envelope,
    scratch: Vec<f64>,
}

impl Pipeline {
    /// A pipeline for these channels, before its first chains; these tell it the row it starts at.
    ///
    /// # Panics
    /// Without any channel.
    #[must_use]
    pub fn new(channels: &[Channel]) -> Self {
        assert!(!channels.is_empty(), "a pipeline needs at least one channel");
        let track = |channel: &Channel| Track {
            offset: channel.offset,
            scale: channel.scale,
            chain: 0,
            span: None,
            reason: Reason::Start,
        };
        Self {
            row: 0,
            epoch: 0,
            decimation: 0,
            chains: Vec::new(),
            ahead: VecDeque::new(),
            tracks: channels.iter().map(track).collect(),
            clean: Cascade::new(&[]),
            envelope: Envelope::new(&[]),
            scratch: Vec::new(),
        }
    }

    /// Takes the next input.
    ///
    /// # Panics
    /// When rows or a gap come before the first chains or do not follow the last row, when a block or change is
    /// made for another number of channels, or when a change names a chain nobody brought or another decimation.
    pub fn step(&mut self, input: &Input) -> CleanBlock {
        if !matches!(input, Input::Chains(_)) {
            assert!(self.decimation > 0, "the pipeline was given rows or a gap before its first chains");
        }
        let mut out = CleanBlock { sample: self.row, ..CleanBlock::default() };
        match input {
            Input::Chains(change) => {
                self.announce(change);
                out.sample = self.row;
            }
            Input::Gap(gap) => self.gap(gap, &mut out),
            Input::Rows(block) => self.rows(block, &mut out),
        }
        out.envelope_first = envelope::first_at(out.sample, self.decimation);
        out
    }

    /// The next row.
    #[must_use]
    pub fn row(&self) -> u64 {
        self.row
    }

    /// The spans that are running, in order of channels; a channel whose value is missing has none.
    pub fn spans(&self) -> impl Iterator<Item = Span> + '_ {
        self.tracks.iter().enumerate().filter_map(|(channel, track)| span(channel, track))
    }

    fn gap(&mut self, gap: &Gap, out: &mut CleanBlock) {
        assert!(gap.sample == self.row, "a gap at row {} does not follow row {}", gap.sample, self.row);
        if !gap.exact {
            self.interrupt(Reason::Reconnect);
        } else if gap.missing > 0 {
            self.interrupt(Reason::Gap);
            let (rows, channels) = (index(gap.missing), self.tracks.len());
            let kept = index(envelope::kept_count(self.row, rows, self.decimation));
            out.clean = vec![f32::NAN; rows * channels];
            out.envelope = vec![f32::NAN; kept * channels];
            self.row += gap.missing;
            self.catch_up();
        }
    }

    /// Ends the spans of all channels.
    fn interrupt(&mut self, reason: Reason) {
        for (channel, track) in self.tracks.iter_mut().enumerate() {
            track.interrupt(reason);
            self.clean.stop(channel);
            self.envelope.stop(channel);
        }
    }

    fn rows(&mut self, block: &RawBlock, out: &mut CleanBlock) {
        let channels = self.tracks.len();
        assert!(block.channels == channels, "rows of {} channels for {channels}", block.channels);
        assert!(block.samples.len().is_multiple_of(channels), "the last row of a block is not whole");
        assert!(block.sample == self.row, "rows from {} on do not follow row {}", block.sample, self.row);
        if block.epoch != self.epoch {
            self.epoch = block.epoch;
            self.interrupt(Reason::Reconnect);
        }
        let mut values = std::mem::take(&mut self.scratch);
        values.clear();
        block.samples.widen(&mut values);
        self.scale(&mut values);
        out.clean.reserve_exact(values.len());
        let mut rest = values.as_mut_slice();
        while !rest.is_empty() {
            let (now, later) = rest.split_at_mut(self.undisturbed(rest) * channels);
            self.stretch(now, out);
            rest = later;
        }
        self.scratch = values;
    }

    /// From the converter's numbers to the channels' units.
    fn scale(&self, values: &mut [f64]) {
        let same = |a: &Track, b: &Track| (a.offset, a.scale) == (b.offset, b.scale);
        let first = self.tracks[0];
        if self.tracks.iter().all(|track| same(track, &first)) {
            for value in values {
                *value = (*value - first.offset) * first.scale;
            }
            return;
        }
        for row in values.chunks_exact_mut(self.tracks.len()) {
            for (value, track) in row.iter_mut().zip(&self.tracks) {
                *value = (*value - track.offset) * track.scale;
            }
        }
    }

    /// How many rows pass until a change of chains or until a channel's value comes or goes missing, at most a tile's;
    /// at least one.
    fn undisturbed(&self, values: &[f64]) -> usize {
        let channels = self.tracks.len();
        let most = self.ahead.front().map_or(TILE, |change| TILE.min(index(change.sample - self.row)));
        let values = &values[..values.len().min(most * channels)];
        if values.iter().fold(true, |all, value| all & value.is_finite()) {
            return values.len() / channels;
        }
        let (first, others) = values.split_at(channels);
        let alike = |row: &&[f64]| row.iter().zip(first).all(|(a, b)| a.is_finite() == b.is_finite());
        1 + others.chunks_exact(channels).take_while(alike).count()
    }

    /// Filters rows over which every channel is either there or missing throughout.
    fn stretch(&mut self, values: &mut [f64], out: &mut CleanBlock) {
        let channels = self.tracks.len();
        let rows = values.len() / channels;
        let before = out.spans.len();
        self.open_spans(&values[..channels], out);
        for channel in (0..channels).filter(|&channel| self.tracks[channel].span.is_none()) {
            // A NaN would stay in the lane for ever.
            values.iter_mut().skip(channel).step_by(channels).for_each(|value| *value = 0.0);
        }
        self.clean.run(values);
        for (span, start) in out.spans.iter().zip(&mut out.starts).skip(before) {
            let channel = usize::from(span.channel);
            self.envelope.start(channel, values[channel], span.settled_sample - span.sample);
            start.envelope = self.envelope.memory(channel);
        }
        self.emit(values, &mut out.clean);
        self.envelope.run(values);
        for row in envelope::kept(self.row, rows, self.decimation) {
            self.emit(&values[row * channels..][..channels], &mut out.envelope);
        }
        self.row += wide(rows);
        self.catch_up();
    }

    /// Begins a span on each channel that has a value again, ends it on each that has none.
    fn open_spans(&mut self, row: &[f64], out: &mut CleanBlock) {
        for (channel, (track, &value)) in self.tracks.iter_mut().zip(row).enumerate() {
            if !value.is_finite() {
                track.interrupt(Reason::Gap);
                self.clean.stop(channel);
                self.envelope.stop(channel);
            } else if track.span.is_none() {
                let settled = self.row + find(&self.chains, track.chain).settle_rows;
                track.span = Some((self.row, settled));
                self.clean.start(channel, value);
                out.spans.extend(span(channel, track));
                let sections = self.clean.memory(channel);
                out.starts.push(FilterState { sections, envelope: Vec::new() });
            }
        }
    }

    /// Appends rows as the files hold them.
    fn emit(&self, rows: &[f64], to: &mut Vec<f32>) {
        if self.tracks.iter().all(|track| track.span.is_some()) {
            to.extend(rows.iter().map(|&value| narrow(value)));
            return;
        }
        for row in rows.chunks_exact(self.tracks.len()) {
            let stored = |(&value, track): (&f64, &Track)| {
                if track.span.is_some() { narrow(value) } else { f32::NAN }
            };
            to.extend(row.iter().zip(&self.tracks).map(stored));
        }
    }
}

/// The running span of a channel as others see it.
fn span(channel: usize, track: &Track) -> Option<Span> {
    let (sample, settled_sample) = track.span?;
    let channel = u16::try_from(channel).unwrap_or(u16::MAX);
    Some(Span { sample, channel, chain: track.chain, settled_sample, reason: track.reason })
}

#[cfg(test)]
mod tests;
