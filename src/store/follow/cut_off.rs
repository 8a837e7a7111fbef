//! A recording whose recorder was cut off, as far as the next recorder must know it to go on as its next segment.

use super::recorder_is_gone;
use crate::emg::units::wide;
use crate::store::StoreError;
use crate::store::journal::{Entities, Follower, Header, Record, Step};
use crate::store::naming;
use std::path::{Path, PathBuf};

/// Where a recording stopped.
#[derive(Clone, Debug)]
pub struct CutOff {
    /// Header of its last segment.
    pub header: Header,
    /// The row that is due next.
    pub next_row: u64,
    /// Epoch of its last rows.
    pub epoch: u32,
    /// Wall clock of its last rows, or of its beginning.
    pub utc_ns: i64,
    /// Id that its next marker gets.
    pub marker_id: u64,
    /// Ids of filter chains below this are taken.
    pub chain_id: u32,
}

/// The newest recording of these names that a recorder left without an end; none where its name
/// has no room for a next segment.
#[must_use]
pub fn cut_off(out: &Path, names: &Entities) -> Option<CutOff> {
    let left = naming::journals(out).into_iter().filter(|journal| recorder_is_gone(journal));
    let left: Vec<(Header, PathBuf)> = left
        .filter_map(|journal| {
            let header = Follower::open(&journal).ok()?.header().clone();
            let found = &header.entities;
            let same = (&found.subject, &found.session, &found.task)
                == (&names.subject, &names.session, &names.task)
                && (names.run == 0 || names.run == found.run);
            (same && found.split.is_some()).then_some((header, journal))
        })
        .collect();
    let (last, journal) = left.iter().max_by_key(|(header, _)| header.created_utc_ns)?;
    let mut found = CutOff::read(journal).ok().flatten()?;
    // Cut off right behind a border, a journal has no chains yet: its predecessor, which is hardly sealed then, does.
    let before = left
        .iter()
        .find(|(header, _)| header.recording_id == last.recording_id && header.segment + 1 == last.segment);
    if let Some(before) = before.and_then(|(_, journal)| CutOff::read(journal).ok().flatten()) {
        found.chain_id = found.chain_id.max(before.chain_id);
        found.epoch = found.epoch.max(before.epoch);
    }
    let next = naming::recording_path(out, &found.next_names());
    (!next.exists() && !naming::journal_path(&next).exists()).then_some(found)
}

impl CutOff {
    /// Names of the segment that comes next.
    #[must_use]
    pub fn next_names(&self) -> Entities {
        let names = &self.header.entities;
        Entities { split: names.split.map(|split| split + 1), ..names.clone() }
    }

    /// Reads a journal to where it stops; none where its recorder ended it.
    fn read(journal: &Path) -> Result<Option<Self>, StoreError> {
        let mut follower = Follower::open(journal)?;
        let header = follower.header().clone();
        let mut found = Self {
            next_row: header.first_row,
            epoch: 0,
            utc_ns: header.created_utc_ns,
            marker_id: header.markers + 1,
            chain_id: 0,
            header,
        };
        loop {
            match follower.step(true)? {
                Step::Record(Record::End { .. } | Record::Sealed) => return Ok(None),
                // Where the next segment is there, its name is taken, and this one is not the newest.
                Step::Record(Record::Handover { next_row }) => found.next_row = next_row,
                Step::Record(record) => found.see(&record),
                Step::Skipped => {}
                Step::Waiting => return Ok(Some(found)),
            }
        }
    }

    fn see(&mut self, record: &Record) {
        match record {
            Record::Rows(rows) => {
                (self.next_row, self.epoch) = (rows.sample + wide(rows.rows()), rows.epoch);
                self.utc_ns = rows.stamp.utc_ns;
            }
            Record::Gap(gap) => {
                (self.next_row, self.epoch) = (gap.sample + gap.filled(), self.epoch.max(gap.epoch));
            }
            Record::Marker(marker) => self.marker_id = self.marker_id.max(marker.id + 1),
            Record::Chains(change) => {
                let next = change.chains.iter().map(|chain| chain.id + 1).max().unwrap_or(0);
                self.chain_id = self.chain_id.max(next);
            }
            _ => {}
        }
    }
}
