//! The pipeline and the observer behind a journal: checks that each record follows and fits, so that no damaged journal
//! reaches the pipeline's own assertions, and picks a segment up where the one before it ended.

use super::aside::{Aside, Desk};
use crate::emg::units::index;
use crate::emg::{Calibration, Channel, Gap, RawBlock, SampleType};
use crate::face::{Findings, Observer};
use crate::pipeline::{
    Chain, ChainChange, CleanBlock, FilterState, Input, Pipeline, PipelineState, Span, TrackState, ZeroPhase,
};
use crate::store::journal::Header;
use std::sync::Arc;

/// Why a record cannot be taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Misfit {
    /// It is about another row than the one that is due.
    Order {
        /// The row that is due.
        expected: u64,
        /// The record's.
        found: u64,
    },
    /// It does not belong to this recording.
    Record(&'static str),
}

/// What runs already when a segment begins.
pub(super) struct Running {
    pub(super) spans: Vec<Span>,
    pub(super) filters: Vec<Option<FilterState>>,
}

#[derive(Debug)]
pub(super) struct Feed {
    channels: Vec<Channel>,
    sample_type: SampleType,
    digital: bool,
    decimation: u32,
    first: u64,
    next: u64,
    pipeline: Pipeline,
    observer: Observer,
    pub(super) desk: Desk,
    /// All chains brought so far.
    chains: Vec<Chain>,
    /// The state to go on from and the changes seen since, until the first row.
    resume: Option<PipelineState>,
    changes: Vec<ChainChange>,
    /// The observer's state of the segment before.
    observed: Option<Vec<u64>>,
    /// Calibrations before the first row.
    calibrations: Vec<Calibration>,
    begun: bool,
    /// Whether the state at the first row was handed out.
    stated: bool,
    /// Clean rows and envelope that were made elsewhere.
    pub(super) ready: Option<ZeroPhase>,
}

impl Feed {
    pub(super) fn new(header: &Header) -> Self {
        Self {
            channels: header.channels.clone(),
            sample_type: header.sample_type,
            digital: header.digital,
            decimation: header.decimation,
            first: header.first_row,
            next: header.first_row,
            pipeline: Pipeline::new(&header.channels),
            observer: Observer::new(&header.channels),
            desk: Desk::Here,
            chains: Vec::new(),
            resume: None,
            changes: Vec::new(),
            observed: None,
            calibrations: Vec::new(),
            begun: false,
            stated: false,
            ready: None,
        }
    }

    pub(super) fn next_row(&self) -> u64 {
        self.next
    }

    /// Keeps the state of the segment before until its chains are known.
    pub(super) fn resume(&mut self, state: PipelineState) -> Result<(), Misfit> {
        if state.row != self.first || state.tracks.len() != self.channels.len() || self.begun {
            return Err(Misfit::Record("state"));
        }
        self.resume = Some(state);
        Ok(())
    }

    /// Keeps what the observer of the segment before had seen.
    pub(super) fn observed(&mut self, words: Vec<u64>) {
        self.observed = Some(words);
    }

    /// Activity is a share of this maximum from the next row on.
    pub(super) fn calibrated(&mut self, calibration: &Calibration) {
        self.observer.calibrate(calibration);
        if let Desk::Aside(aside) = &mut self.desk {
            aside.calibrate(calibration);
        }
        if !self.begun {
            // The state of the observer before, which knew none, is still to come.
            self.calibrations.push(calibration.clone());
        }
    }

    /// Announces chains and says which of them are new.
    pub(super) fn chains(&mut self, change: &ChainChange) -> Result<Vec<Chain>, Misfit> {
        let known = |id: u32, chains: &[Chain]| chains.iter().any(|chain| chain.id == id);
        let fresh = |chain: &&Chain| !known(chain.id, &self.chains);
        let fresh: Vec<Chain> = change.chains.iter().filter(fresh).cloned().collect();
        let assigned = |id: &u32| known(*id, &self.chains) || known(*id, &fresh);
        if change.decimation != self.decimation
            || change.assignment.len() != self.channels.len()
            || !change.assignment.iter().all(assigned)
        {
            return Err(Misfit::Record("chains"));
        }
        if self.chains.is_empty() && self.resume.is_none() {
            self.due(change.sample)?;
        }
        self.chains.extend(fresh.iter().cloned());
        if !self.begun {
            // A state, before or after its chains, replaces the pipeline they were given to.
            self.changes.push(change.clone());
        }
        let input = Input::Chains(Arc::new(change.clone()));
        self.observe(&input, &CleanBlock::default());
        if self.resume.is_none() {
            self.pipeline.step(&input);
        }
        Ok(fresh)
    }

    /// Whether these rows are the ones that are due.
    pub(super) fn admit_rows(&self, block: &RawBlock) -> Result<(), Misfit> {
        let rows = block.rows();
        let whole = block.channels == self.channels.len() && block.samples.len() == rows * block.channels;
        let digital = block.digital.len() == if self.digital { rows } else { 0 };
        if !whole || !digital || block.samples.sample_type() != self.sample_type || self.chains.is_empty() {
            return Err(Misfit::Record("rows"));
        }
        self.due(block.sample)
    }

    /// Whether this gap begins at the row that is due.
    pub(super) fn admit_gap(&self, gap: &Gap) -> Result<(), Misfit> {
        if self.chains.is_empty() || self.next.checked_add(gap.filled()).is_none() {
            return Err(Misfit::Record("gap"));
        }
        self.due(gap.sample)
    }

    fn due(&self, found: u64) -> Result<(), Misfit> {
        let expected = self.next;
        if found == expected { Ok(()) } else { Err(Misfit::Order { expected, found }) }
    }

    /// Picks the state up before the first row; none when that was done before or there is none to pick up.
    pub(super) fn begin(&mut self) -> Option<Running> {
        if self.begun {
            return None;
        }
        self.begun = true;
        let running = self.pick_up();
        if matches!(self.desk, Desk::Leaving) {
            self.desk = Aside::send(&self.observer).map_or(Desk::Here, Desk::Aside);
        }
        running
    }

    fn pick_up(&mut self) -> Option<Running> {
        let state = self.resume.take()?;
        let seen = self.observed.take().and_then(|words| Observer::restore(&self.channels, &words));
        if !state.tracks.iter().all(|track| self.holds(track)) {
            // Its chains are lost: the filters that are left start afresh, which their spans say.
            for change in &self.changes {
                self.pipeline.step(&Input::Chains(Arc::new(change.clone())));
            }
            return None;
        }
        self.pipeline = Pipeline::restore(&self.channels, &state, &self.changes);
        self.stated = true;
        self.observer = seen.unwrap_or_else(|| self.observer.clone());
        self.calibrations.drain(..).for_each(|kept| self.observer.calibrate(&kept));
        self.observer.adopt(&self.pipeline.spans().collect::<Vec<_>>());
        let filters = state.tracks.into_iter().map(|track| track.running.then_some(track.filter)).collect();
        Some(Running { spans: self.pipeline.spans().collect(), filters })
    }

    /// Whether a track's state has the sections of a chain that is known.
    fn holds(&self, track: &TrackState) -> bool {
        self.chains.iter().any(|chain| {
            chain.id == track.chain
                && chain.sections.len() == track.filter.sections.len()
                && chain.envelope_memories() == track.filter.envelope.len()
        })
    }

    /// Filters rows that were admitted.
    pub(super) fn rows(&mut self, block: Arc<RawBlock>) -> (CleanBlock, Findings) {
        self.next = block.end();
        self.step(&Input::Rows(block))
    }

    /// Filters a gap, or a piece of one, that was admitted.
    pub(super) fn gap(&mut self, gap: Gap) -> (CleanBlock, Findings) {
        self.next += gap.filled();
        self.step(&Input::Gap(gap))
    }

    /// What is not handed out yet, and where the recording ends and does not go on in another file what is still open.
    pub(super) fn finish(&mut self, goes_on: bool) -> Findings {
        let end = (!goes_on).then_some(self.next);
        match (std::mem::take(&mut self.desk), end) {
            (Desk::Aside(aside), end) => aside.finish(end),
            (Desk::Closed, _) | (_, None) => Findings::default(),
            (_, Some(row)) => self.observer.finish(row),
        }
    }

    /// What is found is found in the causal samples, also where others are stored.
    fn step(&mut self, input: &Input) -> (CleanBlock, Findings) {
        let mut clean = self.pipeline.step(input);
        let found = self.observe(input, &clean);
        if let Some(ready) = &self.ready {
            ready.replace(&mut clean);
        }
        (clean, found)
    }

    fn observe(&mut self, input: &Input, clean: &CleanBlock) -> Findings {
        match &mut self.desk {
            Desk::Aside(aside) => aside.step(input, clean),
            Desk::Closed => Findings::default(),
            _ => self.observer.step(input, clean),
        }
    }

    /// The filters' states at the very first row, once, out of the first rows' clean block.
    pub(super) fn first_filters(&mut self, clean: &CleanBlock) -> Option<Vec<Option<FilterState>>> {
        if self.stated || clean.clean.is_empty() {
            return None;
        }
        self.stated = true;
        let mut filters = vec![None; self.channels.len()];
        let starts = clean.spans.iter().zip(&clean.starts);
        for (span, start) in starts.filter(|(span, _)| span.sample == self.first) {
            if let Some(filter) = filters.get_mut(index(u64::from(span.channel))) {
                *filter = Some(start.clone());
            }
        }
        Some(filters)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::journal::Record;
    use crate::store::projector::tests::second_segment;

    #[test]
    fn a_calibration_outlives_the_state_of_an_observer_that_knew_none() {
        let kept = Calibration { rest_mean: 1.0, mvc: 101.0, valid: true, ..Calibration::default() };
        let begun = |before: bool| {
            let (_, segment) = second_segment();
            let mut feed = Feed::new(&segment.header);
            if before {
                feed.calibrated(&kept);
            }
            for record in &segment.records {
                match record {
                    Record::State(state) => feed.resume(state.clone()).unwrap(),
                    Record::Chains(change) => drop(feed.chains(change)),
                    _ => break,
                }
            }
            feed.observed(Observer::new(&segment.header.channels).state());
            assert!(feed.begin().is_some());
            if !before {
                feed.calibrated(&kept);
            }
            feed.observer.state()
        };
        assert_eq!(begun(true), begun(false));
    }
}
