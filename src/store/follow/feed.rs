//! Records in order into a projection: what a damaged journal lost becomes a gap, never a wrong value.

use crate::emg::{Cause, Gap, Stamp};
use crate::pipeline::{Chain, ChainChange, Reason};
use crate::store::StoreError;
use crate::store::journal::{Follower, Record, Step};
use crate::store::projector::Projection;
use std::path::Path;

/// A hole is filled in runs of this many rows.
const HOLE_ROWS: u64 = 65_536;
/// Rows and gaps that wait for a state at most, in records: more than a recorder's queues hold.
const HELD_PIECES: usize = 4800;
/// Id of the chain that stands in for lost ones; recorders count from 0.
const STAND_IN: u32 = u32::MAX;

/// A projection that is fed records and remembers what was wrong with them.
pub(super) struct Feed {
    pub(super) projection: Projection,
    channels: usize,
    decimation: u32,
    has_chains: bool,
    /// Records that wait for the filters' state, which may come after the first rows of its segment.
    held: Option<Vec<Record>>,
    held_pieces: usize,
    /// Epoch and host time of the newest row or gap.
    newest: (u32, i64),
    /// Rows filled because their records are lost.
    pub(super) hole_rows: u64,
    /// Records that fit nowhere, because those they belong to are lost.
    pub(super) misfits: u64,
    /// The recorder's last record was seen.
    pub(super) end: bool,
}

impl Feed {
    pub(super) fn new(path: &Path, follower: &Follower) -> Result<Self, StoreError> {
        let header = follower.header();
        Ok(Self {
            projection: Projection::create(path, header)?,
            channels: header.channels.len(),
            decimation: header.decimation,
            has_chains: false,
            held: (header.segment > 0).then(Vec::new),
            held_pieces: 0,
            newest: (0, header.created_host_ns),
            hole_rows: 0,
            misfits: 0,
            end: false,
        })
    }

    /// Takes up to `most` records of those there are; false when nothing more is.
    pub(super) fn take_batch(
        &mut self,
        follower: &mut Follower,
        most: usize,
        ended: bool,
    ) -> Result<bool, StoreError> {
        for _ in 0..most {
            match follower.step(ended)? {
                Step::Record(record) => self.hold_or_take(record)?,
                Step::Skipped => {}
                Step::Waiting if ended => return self.release().map(|()| false),
                Step::Waiting => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Whether the journal was not read as it was written.
    pub(super) fn is_damaged(&self, follower: &Follower) -> bool {
        self.hole_rows > 0 || self.misfits > 0 || follower.missing_records > 0 || follower.damaged_bytes() > 0
    }

    /// Rows are filtered from the state that the segment before ended with; it is written as soon as it is known.
    fn hold_or_take(&mut self, record: Record) -> Result<(), StoreError> {
        let Some(held) = &mut self.held else {
            // A state that comes after its rows were filtered is of no use any more.
            let is_late = matches!(record, Record::State(_) | Record::Observer(_));
            return if is_late { Ok(()) } else { self.take(&record) };
        };
        match record {
            Record::State(state) if state.is_none() => self.release(),
            // Predictions stand in no order with rows.
            Record::State(_) | Record::Prediction(_) => self.take(&record),
            Record::Observer(_) => {
                self.take(&record)?;
                self.release()
            }
            Record::End { .. } | Record::Handover { .. } => {
                self.release()?;
                self.take(&record)
            }
            _ if held.is_empty() && !matches!(record, Record::Rows(_) | Record::Gap(_)) => self.take(&record),
            _ => {
                self.held_pieces += usize::from(matches!(record, Record::Rows(_) | Record::Gap(_)));
                held.push(record);
                // A damaged journal may have lost it.
                if self.held_pieces > HELD_PIECES { self.release() } else { Ok(()) }
            }
        }
    }

    fn release(&mut self) -> Result<(), StoreError> {
        self.held.take().into_iter().flatten().try_for_each(|record| self.take(&record))
    }

    /// Takes a record at once.
    pub(super) fn take(&mut self, record: &Record) -> Result<(), StoreError> {
        match record {
            Record::Rows(rows) => {
                self.newest = (rows.epoch, rows.stamp.host_ns);
                self.close_hole(rows.sample)?;
            }
            Record::Gap(gap) => {
                self.newest = (gap.epoch, gap.host_ns);
                self.close_hole(gap.sample)?;
            }
            Record::Chains(change) => {
                if !self.has_chains && change.sample > self.projection.next_row() {
                    self.close_hole(change.sample)?;
                }
                self.has_chains = true;
            }
            Record::End { rows: end, .. } | Record::Handover { next_row: end } => {
                self.end = true;
                if *end > self.projection.next_row() {
                    self.close_hole(*end)?;
                }
            }
            _ => {}
        }
        match self.projection.take(record) {
            Err(StoreError::Misfit { .. } | StoreError::Order { .. }) => {
                self.misfits += 1;
                Ok(())
            }
            result => result,
        }
    }

    /// Rows the journal no longer holds become a gap; chains it no longer holds, the identity.
    fn close_hole(&mut self, sample: u64) -> Result<(), StoreError> {
        if !self.has_chains {
            self.has_chains = true;
            let change = identity(self.projection.next_row(), self.channels, self.decimation);
            self.projection.take(&Record::Chains(change))?;
            self.log("the journal lost its filter chains: the cleaned signal is the raw one from here on")?;
        }
        let (epoch, host_ns) = self.newest;
        while self.projection.next_row() < sample {
            let at = self.projection.next_row();
            let missing = (sample - at).min(HOLE_ROWS);
            let gap = Gap { sample: at, missing, exact: true, epoch, cause: Cause::Journal, host_ns };
            self.projection.take(&Record::Gap(gap))?;
            self.hole_rows += missing;
        }
        Ok(())
    }

    /// A line for the file's own log.
    pub(super) fn log(&mut self, text: &str) -> Result<(), StoreError> {
        let text = crate::emg::marker::clip(text, crate::emg::marker::NOTE_BYTES);
        self.projection.take(&Record::Log { utc_ns: Stamp::now().utc_ns, level: 1, text })
    }
}

/// The chain that does nothing, from `sample` on.
fn identity(sample: u64, channels: usize, decimation: u32) -> ChainChange {
    let chain = Chain {
        id: STAND_IN,
        sections: Vec::new(),
        envelope_sections: Vec::new(),
        rectify: false,
        tracker: None,
        design_rate_hz: 0.0,
        words: "no filter".to_owned(),
        delay_samples: 0.0,
        settle_rows: 0,
    };
    let assignment = vec![STAND_IN; channels];
    ChainChange { sample, reason: Reason::Start, decimation, chains: vec![chain], assignment }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::PipelineState;
    use crate::store::follow::rebuild;
    use crate::store::journal::Journal;
    use crate::store::projector::tests::second_segment;
    use crate::store::reader::Recording;

    /// Cleaned values of a segment whose journal has these records, to the bit, and whether it was read whole.
    fn cleaned(header: &crate::store::journal::Header, records: &[Record]) -> (Vec<u32>, bool) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a_emg.wal");
        let mut journal = Journal::create(&path, header).unwrap();
        for record in records {
            journal.append(record).unwrap();
        }
        drop(journal);
        let recovered = rebuild(&path, &folder.path().join("a_emg.h5"), false).unwrap();
        let recording = Recording::open(&recovered.file).unwrap();
        let clean = recording.clean(0..u64::MAX).unwrap();
        (clean.iter().map(|value| value.to_bits()).collect(), !recovered.damaged)
    }

    #[test]
    fn rows_are_filtered_from_the_state_before_them_however_late_it_comes() {
        let (_, segment) = second_segment();
        let (state, rest) = segment.records.split_first().unwrap();
        let observer = Record::Observer(Vec::new());
        let early = cleaned(&segment.header, &[&[state.clone(), observer.clone()], rest].concat());
        let afresh = cleaned(&segment.header, rest);
        assert!(early.1 && afresh.1 && early.0 != afresh.0);
        for rows in [1, 2, rest.len() - 1] {
            let at = rest.iter().position(|record| matches!(record, Record::Rows(_))).unwrap() + rows;
            let at = at.min(rest.len());
            let late = [&rest[..at], &[state.clone(), observer.clone()], &rest[at..]].concat();
            assert!(cleaned(&segment.header, &late) == early, "{rows} records later");
        }
        let none = [&rest[..4], &[Record::State(PipelineState::none(2067))], &rest[4..]].concat();
        assert!(cleaned(&segment.header, &none) == afresh, "none is said to be there");
    }
}
