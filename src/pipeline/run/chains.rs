//! Which chains hold in a running pipeline, and how it is put down and taken up again.
//!
//! Changes take effect between two rows, here and nowhere else; the rows themselves are the parent's business.

use super::{Pipeline, Track};
use crate::dsp::cascade::Cascade;
use crate::dsp::envelope::{Envelope, Path};
use crate::emg::Channel;
use crate::pipeline::state::{FilterState, PipelineState, TrackState};
use crate::pipeline::{Chain, ChainChange, Reason};

impl Pipeline {
    /// All chains brought so far with the present assignment, and then the changes that lie ahead: what
    /// [`Pipeline::restore`] needs, and what the next segment of a recording repeats at its start.
    #[must_use]
    pub fn changes(&self) -> Vec<ChainChange> {
        if self.decimation == 0 {
            return Vec::new();
        }
        let present = ChainChange {
            sample: self.row,
            reason: Reason::Start,
            decimation: self.decimation,
            chains: self.chains.clone(),
            assignment: self.tracks.iter().map(|track| track.chain).collect(),
        };
        std::iter::once(present).chain(self.ahead.iter().cloned()).collect()
    }

    /// Everything that is carried on, given the chains.
    #[must_use]
    pub fn state(&self) -> PipelineState {
        let track = |(channel, track): (usize, &Track)| {
            let (sample, settled_sample) = track.span.unwrap_or_default();
            TrackState {
                chain: track.chain,
                running: track.span.is_some(),
                sample,
                settled_sample,
                reason: track.reason,
                filter: self.filter_state(channel),
            }
        };
        let tracks = if self.decimation == 0 {
            Vec::new()
        } else {
            self.tracks.iter().enumerate().map(track).collect()
        };
        PipelineState { row: self.row, epoch: self.epoch, tracks }
    }

    /// The pipeline that goes on from a state, under the chains it ran with: [`Pipeline::changes`] of the one that
    /// gave the state, or the recording's changes up to then.
    ///
    /// # Panics
    /// When state, channels and changes do not belong together.
    #[must_use]
    pub fn restore(channels: &[Channel], state: &PipelineState, changes: &[ChainChange]) -> Self {
        let mut pipeline = Self::new(channels);
        (pipeline.row, pipeline.epoch) = (state.row, state.epoch);
        if state.tracks.is_empty() {
            return pipeline;
        }
        assert!(state.tracks.len() == channels.len(), "a state of other channels cannot be restored");
        for change in changes {
            pipeline.admit(change);
            if change.sample > state.row {
                pipeline.ahead.push_back(change.clone());
            }
        }
        for (track, from) in pipeline.tracks.iter_mut().zip(&state.tracks) {
            (track.chain, track.reason) = (from.chain, from.reason);
            track.span = from.running.then_some((from.sample, from.settled_sample));
        }
        let filters: Vec<_> = state.tracks.iter().map(|track| Some(track.filter.clone())).collect();
        pipeline.rebuild(&filters);
        pipeline
    }

    pub(super) fn filter_state(&self, channel: usize) -> FilterState {
        FilterState { sections: self.clean.memory(channel), envelope: self.envelope.memory(channel) }
    }

    /// Takes a change's chains in and checks that it belongs to this recording.
    fn admit(&mut self, change: &ChainChange) {
        assert!(change.decimation > 0, "an envelope row needs at least one row");
        assert!(
            self.decimation == 0 || self.decimation == change.decimation,
            "the decimation of a recording cannot change from {} to {}",
            self.decimation,
            change.decimation
        );
        assert!(
            change.assignment.len() == self.tracks.len(),
            "a change of chains assigns {} channels, not {}",
            change.assignment.len(),
            self.tracks.len()
        );
        self.decimation = change.decimation;
        // A segment repeats at its start the chains it goes on with.
        let known = |chain: &Chain, chains: &[Chain]| chains.iter().any(|other| other.id == chain.id);
        for chain in &change.chains {
            if !known(chain, &self.chains) {
                self.chains.push(chain.clone());
            }
        }
        for id in &change.assignment {
            assert!(
                self.chains.iter().any(|chain| chain.id == *id),
                "chain {id} was assigned but never brought"
            );
        }
    }

    /// Takes a change that holds from its own row on; one whose row has passed holds from the next row.
    pub(super) fn announce(&mut self, change: &ChainChange) {
        let first = self.decimation == 0;
        self.admit(change);
        if first {
            self.row = change.sample;
            self.tracks.iter_mut().zip(&change.assignment).for_each(|(track, &id)| track.chain = id);
            let fresh = vec![None; self.tracks.len()];
            self.rebuild(&fresh);
        } else {
            let at = self.ahead.partition_point(|other| other.sample <= change.sample);
            self.ahead.insert(at, change.clone());
            self.catch_up();
        }
    }

    /// Puts the changes into force whose row has come.
    pub(super) fn catch_up(&mut self) {
        while self.ahead.front().is_some_and(|change| change.sample <= self.row) {
            let Some(change) = self.ahead.pop_front() else {
                break;
            };
            let mut filters: Vec<_> = (0..self.tracks.len()).map(|c| Some(self.filter_state(c))).collect();
            for ((track, &id), filter) in self.tracks.iter_mut().zip(&change.assignment).zip(&mut filters) {
                if track.chain != id {
                    track.chain = id;
                    track.interrupt(change.reason);
                    *filter = None;
                }
            }
            self.rebuild(&filters);
        }
    }

    /// Seats the channels anew under their chains, with the states given, at rest where none is.
    fn rebuild(&mut self, filters: &[Option<FilterState>]) {
        let chains: Vec<&Chain> = self.tracks.iter().map(|track| find(&self.chains, track.chain)).collect();
        let sections: Vec<_> = chains.iter().map(|chain| chain.sections.as_slice()).collect();
        let paths: Vec<_> = chains
            .iter()
            .map(|chain| Path {
                rectify: chain.rectify,
                sections: &chain.envelope_sections,
                tracker: chain.tracker,
            })
            .collect();
        (self.clean, self.envelope) = (Cascade::new(&sections), Envelope::new(&paths));
        for (channel, filter) in filters.iter().enumerate() {
            if let Some(filter) = filter {
                let (_, settled) = self.tracks[channel].span.unwrap_or_default();
                self.clean.recall(channel, &filter.sections);
                self.envelope.recall(channel, &filter.envelope, settled.saturating_sub(self.row));
            }
        }
    }
}

/// The chain of this id; admission made sure that it exists.
pub(super) fn find(chains: &[Chain], id: u32) -> &Chain {
    let chain = chains.iter().find(|chain| chain.id == id);
    assert!(chain.is_some(), "chain {id} is in force but was never brought");
    chain.unwrap_or(&chains[0])
}
