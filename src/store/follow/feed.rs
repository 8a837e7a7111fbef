//! Records in order into a projection: what a damaged journal lost becomes a gap, never a wrong value.

use crate::emg::{Cause, Gap, Stamp};
use crate::pipeline::{Chain, ChainChange, Reason};
use crate::store::StoreError;
use crate::store::journal::{Follower, Record, Step};
use crate::store::projector::Projection;
use std::path::Path;

/// A hole is filled in runs of this many rows.
const HOLE_ROWS: u64 = 65_536;
/// Id of the chain that stands in for lost ones; recorders count from 0.
const STAND_IN: u32 = u32::MAX;

/// A projection that is fed records and remembers what was wrong with them.
pub(super) struct Feed {
    pub(super) projection: Projection,
    channels: usize,
    decimation: u32,
    has_chains: bool,
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
                Step::Record(record) => self.take(&record)?,
                Step::Skipped => {}
                Step::Waiting => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Whether the journal was not read as it was written.
    pub(super) fn is_damaged(&self, follower: &Follower) -> bool {
        self.hole_rows > 0 || self.misfits > 0 || follower.missing_records > 0 || follower.damaged_bytes() > 0
    }

    fn take(&mut self, record: &Record) -> Result<(), StoreError> {
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
        design_rate_hz: 0.0,
        words: "no filter".to_owned(),
        delay_samples: 0.0,
        settle_rows: 0,
    };
    let assignment = vec![STAND_IN; channels];
    ChainChange { sample, reason: Reason::Start, decimation, chains: vec![chain], assignment }
}
