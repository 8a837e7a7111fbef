//! A recording as the pipeline's inputs again: rows, gaps and chains in their order, a chunk of rows at a time.
//!
//! What `verify` recomputes clean samples from, and what offline commands filter anew. Chain changes are found in the
//! spans: each span says which chain holds on its channel.

use super::{Block, Recording};
use crate::emg::units::wide;
use crate::emg::{Gap, RawBlock, Stamp};
use crate::pipeline::{
    Chain, ChainChange, CleanBlock, FilterState, Input, Pipeline, PipelineState, Reason, Span, TrackState,
    zero_phase,
};
use crate::store::StoreError;
use crate::store::error::Problem;
use crate::store::layout::path;
use std::sync::Arc;

/// Values read at a time at most, whatever a file claims its chunks to be.
const READ_VALUES: u64 = 8 << 20;

/// The inputs of one segment, in order, up to a row.
#[derive(Debug)]
pub struct Replay<'a> {
    recording: &'a Recording,
    blocks: Vec<Block>,
    gaps: std::iter::Peekable<std::vec::IntoIter<Gap>>,
    changes: std::iter::Peekable<std::vec::IntoIter<ChainChange>>,
    /// The next row and the row after the last.
    row: u64,
    end: u64,
    block: usize,
    /// Whether the file's clean values were filtered forward and backward.
    zero_phase: bool,
}

impl Recording {
    /// A pipeline in the state it had before the first row of this file, and the inputs that follow, up to row
    /// `end` at most.
    pub fn replay(&self, end: u64) -> Result<(Pipeline, Replay<'_>), StoreError> {
        let mut changes = self.changes()?;
        let gaps = self.gaps()?;
        if changes.is_empty() && self.rows() > 0 {
            return Err(self.damaged("filter/chains", Problem::Size));
        }
        let pipeline = if self.facts.segment == 0 || changes.is_empty() {
            Pipeline::new(&self.channels)
        } else {
            let first = changes.remove(0);
            let state = self.state(&first)?;
            Pipeline::restore(&self.channels, &state, &[first])
        };
        let replay = Replay {
            recording: self,
            blocks: self.blocks()?,
            gaps: gaps.into_iter().peekable(),
            changes: changes.into_iter().peekable(),
            row: self.facts.first_row,
            end: end.min(self.span().end),
            block: 0,
            zero_phase: self.chains()?.iter().any(zero_phase::is_marked),
        };
        Ok((pipeline, replay))
    }

    /// The changes of chains: all chains and the first assignment at the first row, then what the spans tell.
    pub(in crate::store) fn changes(&self) -> Result<Vec<ChainChange>, StoreError> {
        let chains = self.chains()?;
        let spans = self.spans()?;
        let wrong = || self.damaged("filter/spans", Problem::Value);
        let known = |id: u32| chains.iter().any(|chain| chain.id == id);
        let width = self.channels.len();
        if spans.iter().any(|span| usize::from(span.channel) >= width || !known(span.chain)) {
            return Err(wrong());
        }
        let Some(any) = chains.first().map(|chain| chain.id) else {
            return if spans.is_empty() { Ok(Vec::new()) } else { Err(wrong()) };
        };
        let first_on = |channel| spans.iter().find(|span| usize::from(span.channel) == channel);
        let mut assignment: Vec<u32> =
            (0..width).map(|c| first_on(c).map_or(any, |span| span.chain)).collect();
        let change = |sample, reason, chains: &[Chain], assignment: &[u32]| ChainChange {
            sample,
            reason,
            decimation: self.facts.decimation,
            chains: chains.to_vec(),
            assignment: assignment.to_vec(),
        };
        let mut changes = vec![change(self.facts.first_row, Reason::Start, &chains, &assignment)];
        for group in spans.chunk_by(|a, b| a.sample == b.sample) {
            let before = assignment.clone();
            for span in group {
                assignment[usize::from(span.channel)] = span.chain;
            }
            if assignment != before {
                changes.push(change(group[0].sample, group[0].reason, &[], &assignment));
            }
        }
        Ok(changes)
    }

    /// The pipeline's state before the first row of a later segment.
    fn state(&self, first: &ChainChange) -> Result<PipelineState, StoreError> {
        let start = self.facts.first_row;
        let spans = self.spans()?;
        let sections = self.states(path::STATE)?;
        let envelopes = self.states(path::ENVELOPE_STATE)?;
        let running = |channel: usize| {
            spans.iter().find(|span| usize::from(span.channel) == channel && span.sample < start).copied()
        };
        let track = |channel: usize| {
            let id = first.assignment[channel];
            let chain = first.chains.iter().find(|chain| chain.id == id)?;
            let filter =
                FilterState { sections: sections[channel].clone(), envelope: envelopes[channel].clone() };
            let rest = FilterState {
                sections: vec![[0.0; 2]; chain.sections.len()],
                envelope: vec![[0.0; 2]; chain.envelope_memories()],
            };
            let span: Option<Span> = running(channel);
            let fits =
                filter.sections.len() == rest.sections.len() && filter.envelope.len() == rest.envelope.len();
            if span.is_some() && !fits {
                return None;
            }
            Some(TrackState {
                chain: id,
                running: span.is_some(),
                sample: span.map_or(0, |span| span.sample),
                settled_sample: span.map_or(0, |span| span.settled_sample),
                reason: span.map_or(Reason::Start, |span| span.reason),
                filter: if span.is_some() { filter } else { rest },
            })
        };
        let tracks: Option<Vec<TrackState>> = (0..self.channels.len()).map(track).collect();
        let tracks = tracks.ok_or_else(|| self.damaged(path::STATE, Problem::Shape))?;
        let epoch = self.blocks()?.first().map_or(0, |block| block.epoch);
        Ok(PipelineState { row: start, epoch, tracks })
    }
}

impl Replay<'_> {
    /// The next input, or none at the end. Where neither a block nor a gap accounts for a row, the replay fails.
    pub fn next_input(&mut self) -> Result<Option<Input>, StoreError> {
        if let Some(change) = self.changes.next_if(|change| change.sample <= self.row) {
            return Ok(Some(Input::Chains(Arc::new(change))));
        }
        if self.row >= self.end {
            return Ok(None);
        }
        if let Some(gap) = self.gaps.next_if(|gap| gap.sample <= self.row) {
            return self.gap(gap).map(Some);
        }
        self.rows().map(Some)
    }

    /// What the pipeline made of an input, with the stored values where it cannot make them as it goes.
    pub(super) fn as_stored(&self, block: CleanBlock) -> Result<CleanBlock, StoreError> {
        if !self.zero_phase {
            return Ok(block);
        }
        let width = self.recording.channels.len();
        let rows = |first: u64, values: &[f32]| first..first + wide(values.len() / width);
        Ok(CleanBlock {
            clean: self.recording.clean(rows(block.sample, &block.clean))?,
            envelope: self.recording.envelope(rows(block.envelope_first, &block.envelope))?,
            starts: Vec::new(),
            ..block
        })
    }

    fn gap(&mut self, gap: Gap) -> Result<Input, StoreError> {
        if gap.sample != self.row {
            return Err(self.recording.damaged("gaps", Problem::Value));
        }
        let filled = gap.filled().min(self.end - self.row);
        self.row += filled;
        Ok(Input::Gap(Gap { missing: if gap.exact { filled } else { gap.missing }, ..gap }))
    }

    /// Rows up to the end of a chunk, of the epoch, to the next gap or change.
    fn rows(&mut self) -> Result<Input, StoreError> {
        let lost = || self.recording.damaged("time/blocks", Problem::Value);
        while self.blocks.get(self.block).is_some_and(|block| block.end() <= self.row) {
            self.block += 1;
        }
        let mut rest = self.blocks[self.block..].iter();
        let block = rest.next().filter(|block| block.sample <= self.row).ok_or_else(lost)?;
        let facts = &self.recording.facts;
        let step = facts.chunk_rows.min(READ_VALUES / wide(self.recording.channels.len())).max(1);
        let chunk = ((self.row - facts.first_row) / step + 1).saturating_mul(step);
        let mut limit = self.end.min(facts.first_row.saturating_add(chunk));
        if let Some(gap) = self.gaps.peek() {
            limit = limit.min(gap.sample);
        }
        if let Some(change) = self.changes.peek() {
            limit = limit.min(change.sample);
        }
        let mut end = block.end();
        while end < limit
            && let Some(next) = rest.next()
            && next.epoch == block.epoch
            && next.sample == end
        {
            end = next.end();
        }
        let rows = self.row..end.min(limit);
        let samples = self.recording.raw(rows.clone())?;
        let channels = self.recording.channels.len();
        if wide(samples.len()) != (rows.end - rows.start) * wide(channels) {
            return Err(lost());
        }
        self.row = rows.end;
        Ok(Input::Rows(Arc::new(RawBlock {
            sample: rows.start,
            channels,
            epoch: block.epoch,
            device_index: block.device_index.saturating_add(rows.start - block.sample),
            device_us: 0,
            stamp: Stamp { host_ns: block.host_ns, utc_ns: 0 },
            samples,
            digital: self.recording.digital(rows)?,
        })))
    }
}
