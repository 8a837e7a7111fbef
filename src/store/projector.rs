//! FROM JOURNAL TO HDF5: one code path for the live file (SWMR), the sealed file and the recovered one.
//!
//! A [`Projection`] is given a journal's records in order, runs the pipeline over them and appends. It does not
//! follow files or locks: the projector process does, and after any HDF5 error that process ends, because the
//! library may crash when it closes a file it could not write; handles are leaked then, never dropped.

mod aside;
mod feed;
mod matrix;
mod open;
mod seal;

use super::StoreError;
use super::journal::{Header, Record};
use super::layout::{self, State};
use crate::emg::units::wide;
use crate::emg::{Gap, RawBlock};
use crate::face::Findings;
use crate::pipeline::{ChainChange, CleanBlock, ZeroPhase};
use aside::Desk;
use feed::{Feed, Misfit};
use open::Open;
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The version that recomputes clean samples here.
pub const PROGRAM: &str = env!("CARGO_PKG_VERSION");

/// Largest chunk of samples a header may ask for; HDF5 refuses 4 GiB, and readers hold a chunk in memory.
const CHUNK_VALUES: u64 = 64 << 20;

/// Rows of a long gap that go through the pipeline at a time, in chunks.
const GAP_CHUNKS: u64 = 4;

/// An HDF5 file under construction.
///
/// Dropped without [`Projection::close`], it leaves its HDF5 handles open on purpose: the file is then as unfinished
/// as after a crash, and is rebuilt from the journal.
#[derive(Debug)]
pub struct Projection {
    path: PathBuf,
    header: Header,
    feed: Feed,
    open: ManuallyDrop<Open>,
    handover: bool,
    poisoned: bool,
}

/// A file that was closed, synced, read back and found equal to what was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// The file.
    pub path: PathBuf,
    /// Rows in it.
    pub rows: u64,
    /// Its size.
    pub bytes: u64,
}

/// Why a record could not be taken.
enum Trouble {
    Hdf5(&'static str, hdf5::Error),
    Misfit(Misfit),
}

impl From<Misfit> for Trouble {
    fn from(misfit: Misfit) -> Self {
        Self::Misfit(misfit)
    }
}

/// Says what was under way when HDF5 failed.
fn while_<T>(doing: &'static str, result: hdf5::Result<T>) -> Result<T, Trouble> {
    result.map_err(|source| Trouble::Hdf5(doing, source))
}

impl Projection {
    /// Creates the file with its whole structure, exclusively, and opens it to live readers.
    pub fn create(path: &Path, header: &Header) -> Result<Self, StoreError> {
        let values = u64::from(header.chunk_rows) * wide(header.channels.len());
        let fits = u16::try_from(header.channels.len()).is_ok() && (1..=CHUNK_VALUES).contains(&values);
        if !fits || header.decimation == 0 {
            return Err(StoreError::Misfit { path: path.to_owned(), record: "header" });
        }
        let fail = |doing| move |source| StoreError::Project { path: path.to_owned(), doing, source };
        let file = ManuallyDrop::new(layout::create::file(path).map_err(fail("creating it"))?);
        layout::create::structure(&file, header, PROGRAM).map_err(fail("laying it out"))?;
        let open = Open::start(ManuallyDrop::into_inner(file), header);
        Ok(Self {
            path: path.to_owned(),
            header: header.clone(),
            feed: Feed::new(header),
            open: ManuallyDrop::new(open.map_err(fail("opening it to readers"))?),
            handover: false,
            poisoned: false,
        })
    }

    /// From now on clean rows and envelope are these, and not what the pipeline makes of the rows that come.
    pub fn replace_by(&mut self, ready: ZeroPhase) {
        self.feed.ready = Some(ready);
    }

    /// Quality, artefacts and events are found on a thread of their own: for whole recordings at once. To be said before
    /// the first row.
    pub fn observe_aside(&mut self) {
        self.feed.desk = Desk::Leaving;
    }

    /// Some of what was found before, by the same observer in the same rows: nothing is looked for again. All of it is to be
    /// said before the first row.
    pub fn found_before(&mut self, found: &Findings) -> Result<(), StoreError> {
        self.guard(|this| {
            this.feed.desk = Desk::Closed;
            this.open.found(found);
            while_("writing what was found", this.open.relieve())
        })
    }

    /// Takes the next record of the journal. An error of order or fit leaves the projection as it was; after an
    /// error of HDF5 it takes nothing more.
    pub fn take(&mut self, record: &Record) -> Result<(), StoreError> {
        self.guard(|this| match record {
            Record::Header(_) | Record::End { .. } | Record::Sealed => Ok(()),
            Record::State(state) => Ok(this.feed.resume(state.clone())?),
            Record::Calibration(kept) => {
                this.feed.calibrated(kept);
                this.open.note(record);
                Ok(())
            }
            Record::Observer(words) => {
                this.feed.observed(words.clone());
                Ok(())
            }
            Record::Prediction(prediction) => {
                this.open.prediction(prediction);
                Ok(())
            }
            Record::Chains(change) => this.take_chains(change),
            Record::Rows(block) => this.take_rows(block),
            Record::Gap(gap) => this.take_gap(*gap),
            Record::Handover { .. } => {
                this.handover = true;
                Ok(())
            }
            Record::Marker(_)
            | Record::ClockOffset(_)
            | Record::Fit(_)
            | Record::Preflight(_)
            | Record::Log { .. }
            | Record::Truth(_) => {
                this.open.note(record);
                Ok(())
            }
        })
    }

    /// Writes what is pending in whole chunks and shows it to live readers; to be called once a second.
    pub fn flush(&mut self) -> Result<(), StoreError> {
        self.guard(|this| while_("flushing it", this.open.flush()))
    }

    /// The row that is due next, counted over the whole recording.
    #[must_use]
    pub fn next_row(&self) -> u64 {
        self.feed.next_row()
    }

    /// Rows a reader of the file can see, counted from the file's first.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.open.rows()
    }

    /// Writes the last partial chunks, marks the file as whole, closes and syncs it, reads it back and compares
    /// every chunk with what was written. The journal may go only after this returned.
    ///
    /// # Panics
    /// When asked to seal a file as still open.
    pub fn close(mut self, state: State) -> Result<Sealed, StoreError> {
        assert!(state != State::Open, "a sealed file is closed or recovered");
        self.guard(|this| {
            this.begin()?;
            let found = this.feed.finish(this.handover);
            this.open.found(&found);
            let next = layout::create::segment_name(&this.header.recording_id, this.header.segment + 1);
            let next = if this.handover { next.as_str() } else { "" };
            while_("writing its last rows", this.open.finish(state, next))
        })?;
        let written = self.open.written();
        // Objects first, then the file: HDF5 closes a file only when nothing in it is open.
        drop(ManuallyDrop::into_inner(self.open));
        seal::seal(&self.path, &written)
    }

    /// Runs a step unless HDF5 failed before, and remembers if it fails now.
    fn guard<T>(&mut self, step: impl FnOnce(&mut Self) -> Result<T, Trouble>) -> Result<T, StoreError> {
        let path = self.path.clone();
        if self.poisoned {
            return Err(StoreError::Poisoned { path });
        }
        step(self).map_err(|trouble| match trouble {
            Trouble::Hdf5(doing, source) => {
                self.poisoned = true;
                StoreError::Project { path, doing, source }
            }
            Trouble::Misfit(Misfit::Record(record)) => StoreError::Misfit { path, record },
            Trouble::Misfit(Misfit::Order { expected, found }) => StoreError::Order { path, expected, found },
        })
    }

    fn take_chains(&mut self, change: &ChainChange) -> Result<(), Trouble> {
        let fresh = self.feed.chains(change)?;
        self.open.chains(&fresh);
        let rate = fresh.iter().map(|chain| chain.design_rate_hz).find(|rate| *rate > 0.0);
        match rate {
            Some(rate) => while_("noting its rate", self.open.rate(rate)),
            None => Ok(()),
        }
    }

    fn take_rows(&mut self, block: &RawBlock) -> Result<(), Trouble> {
        self.feed.admit_rows(block)?;
        self.begin()?;
        let (clean, found) = self.feed.rows(Arc::new(block.clone()));
        self.open.block(block);
        self.put(&clean, &found)
    }

    fn take_gap(&mut self, gap: Gap) -> Result<(), Trouble> {
        self.feed.admit_gap(&gap)?;
        self.begin()?;
        self.open.gap(&gap);
        // A night's gap is not held in memory at once.
        let piece = u64::from(self.header.chunk_rows) * GAP_CHUNKS;
        let mut left = gap.filled();
        loop {
            let missing = if gap.exact { left.min(piece) } else { gap.missing };
            let (clean, found) = self.feed.gap(Gap { sample: self.feed.next_row(), missing, ..gap });
            if gap.exact {
                self.open.missing(missing);
                left -= missing;
            }
            self.put(&clean, &found)?;
            if left == 0 {
                return Ok(());
            }
        }
    }

    /// Before the first row: the state it starts from and the spans that go on from the segment before.
    fn begin(&mut self) -> Result<(), Trouble> {
        let Some(running) = self.feed.begin() else {
            return Ok(());
        };
        self.open.spans(&running.spans);
        while_("writing its filter state", self.open.state(&running.filters))
    }

    fn put(&mut self, clean: &CleanBlock, found: &Findings) -> Result<(), Trouble> {
        self.open.found(found);
        if let Some(filters) = self.feed.first_filters(clean) {
            while_("writing its filter state", self.open.state(&filters))?;
        }
        while_("writing rows", self.open.clean(clean))
    }
}

#[cfg(test)]
pub(in crate::store) mod tests;
