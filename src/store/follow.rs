//! From a journal to its HDF5 file: live beside a recorder, or afterwards from what a crash left behind.
//!
//! One code path for both: records in order into a [`Projection`](super::Projection), holes turned into gaps, then the
//! seal. Called by the projector process, by `recover`, `import` and `clean`.

use super::StoreError;
use super::journal::writer::{append_sealed, sync_folder};
use super::journal::{Follower, frame, parts};
use super::layout::{State, create::hex};
use super::naming::{self, projection_path};
use super::reader::Recording;
use crate::emg::units::wide;
use claim::Claim;
use feed::Feed;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

mod anew;
mod claim;
mod cut_off;
mod feed;
mod rebuild;
mod torn;

pub use anew::Anew;
pub use cut_off::{CutOff, cut_off};
pub use rebuild::{Recovered, rebuild, recover};

/// How often a live journal is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How often a live file shows what it got.
const FLUSH_EVERY: Duration = Duration::from_secs(1);
/// Records taken between two looks at the clock.
const BATCH: usize = 256;
/// A file being made is written to more often than this.
const STILLBORN_AFTER: Duration = Duration::from_hours(1);
/// A journal that is longer has been written for a while.
const BLANK_BYTES: u64 = 1024 * 1024;
/// Ending of a file that gave way to another one.
const ASIDE: &str = "h5.before-recovery";
/// First bytes of every HDF5 file.
const SIGNATURE: [u8; 8] = *b"\x89HDF\r\n\x1a\n";

/// How following a live journal ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The file is sealed and the journal removed.
    Sealed,
    /// The same, but the journal was damaged and the file is marked as recovered.
    Repaired,
    /// The recorder is gone without an end: `recover` decides.
    Abandoned,
}

/// Follows a live journal until its recorder ends it, then seals. `progress` hears rows and bytes once a second.
pub fn follow(journal: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<Ended, StoreError> {
    let mut follower = Follower::open(journal)?;
    let file = projection_path(journal);
    let _claim = Claim::take(journal, Duration::ZERO)?;
    is_ours(&file, &follower)?;
    // What a dead projector of this journal left is worth nothing: the journal has it all.
    remove_if_there(&file)?;
    let mut feed = Feed::new(&file, &follower)?;
    let mut flushed = Instant::now();
    let mut abandoned = false;
    while !feed.end {
        let more = feed.take_batch(&mut follower, BATCH, abandoned)?;
        if flushed.elapsed() >= FLUSH_EVERY {
            flushed = Instant::now();
            feed.projection.flush()?;
            progress(feed.projection.next_row(), size(&file));
        }
        if more {
            continue;
        }
        if abandoned {
            return Ok(Ended::Abandoned);
        }
        // The recorder writes its end before it lets the lock go, so one more pass after this sees it.
        abandoned = !feed.end && recorder_is_gone(journal);
        if !feed.end && !abandoned {
            std::thread::sleep(LOOK_EVERY);
        }
    }
    let rows = feed.projection.next_row();
    if feed.is_damaged(&follower) {
        // Read live, a journal can look damaged where a write was torn and taken back; read whole, it tells.
        drop(feed);
        remove_if_there(&file)?;
        let recovered = rebuild::rebuild_claimed(journal, (Follower::open(journal)?, None), &file, false)?;
        progress(recovered.rows, size(&file));
        return Ok(if recovered.complete { Ended::Sealed } else { Ended::Repaired });
    }
    feed.projection.close(State::Closed)?;
    retire(journal, &follower)?;
    progress(rows, size(&file));
    Ok(Ended::Sealed)
}

/// Whether the file at `path` may be replaced by this journal's projection without a copy: it is not there, or an
/// HDF5 file that is none of another recording. Another recording's file is an error.
fn is_ours(path: &Path, follower: &Follower) -> Result<bool, StoreError> {
    let Ok(mut file) = File::open(path) else { return Ok(true) };
    if let Ok(recording) = Recording::open(path) {
        let (facts, header) = (recording.facts(), follower.header());
        if facts.recording_id != hex(&header.recording_id) || facts.segment != header.segment {
            return Err(StoreError::Exists { path: path.to_owned() });
        }
        return Ok(true);
    }
    let mut first = [0; SIGNATURE.len()];
    Ok(file.read_exact(&mut first).is_err() || first == SIGNATURE)
}

/// Marks a projected journal as sealed and removes it: while a journal exists, it rules.
fn retire(journal: &Path, follower: &Follower) -> Result<(), StoreError> {
    let fail = |source| StoreError::Write { path: journal.to_owned(), source };
    let later = parts::later(journal);
    let newest = later.last().map_or(journal, PathBuf::as_path);
    append_sealed(newest, follower.identity(), follower.next_sequence()).map_err(fail)?;
    std::fs::remove_file(journal).map_err(fail)?;
    sync_folder(journal).map_err(fail)?;
    // A part that outlives its journal is swept away; a journal that outlived its parts would rule without them.
    for part in &later {
        std::fs::remove_file(part).map_err(fail)?;
    }
    if later.is_empty() { Ok(()) } else { sync_folder(journal).map_err(fail) }
}

/// Removes what crashes left below a folder and nobody can use: later parts of journals that are sealed, files that
/// never got their name, and journals that a power cut left nothing of but the name.
pub fn sweep(folder: &Path) {
    let dead = naming::hidden_twins(folder).into_iter().filter(|twin| is_stillborn(twin));
    for file in naming::loose_parts(folder).into_iter().chain(dead) {
        let _ = std::fs::remove_file(file);
    }
    for journal in naming::journals(folder).into_iter().filter(|journal| is_blank(journal)) {
        // What was projected of it was no more durable, and is put aside for whoever wants to look.
        let file = projection_path(&journal);
        let aside = file.with_extension(ASIDE);
        let _ = if aside.exists() { std::fs::remove_file(&file) } else { std::fs::rename(&file, aside) };
        let _ = std::fs::remove_file(journal);
    }
}

/// Whether a journal holds not one whole record, nor does a part, and nobody is at work on it.
fn is_blank(journal: &Path) -> bool {
    let is_empty = || {
        let bytes = std::fs::read(journal).ok().filter(|bytes| wide(bytes.len()) <= BLANK_BYTES);
        bytes.is_some_and(|bytes| !frame::stands_in(&bytes))
    };
    let small = std::fs::metadata(journal).is_ok_and(|meta| meta.len() <= BLANK_BYTES);
    let blank = small && parts::later(journal).is_empty() && !is_attended(journal) && is_empty();
    // Where its file shows rows, it was no journal that was never synced, and `recover` has something to do.
    blank && !torn::shows_rows(journal)
}

/// Whether nobody makes this file any more: it is not locked, and for an hour nothing was written into it.
fn is_stillborn(twin: &Path) -> bool {
    let Ok(file) = File::open(twin) else { return false };
    let written = file.metadata().and_then(|meta| meta.modified());
    let old = written.is_ok_and(|at| at.elapsed().is_ok_and(|age| age >= STILLBORN_AFTER));
    old && file.try_lock_shared().is_ok()
}

/// Whether nobody holds the journal's lock any more.
fn recorder_is_gone(journal: &Path) -> bool {
    File::open(journal).is_ok_and(|file| file.try_lock_shared().is_ok())
}

/// Whether a recorder or a projector is at work on a journal.
#[must_use]
pub fn is_attended(journal: &Path) -> bool {
    journal.exists() && (!recorder_is_gone(journal) || claim::is_held(journal))
}

fn remove_if_there(path: &Path) -> Result<(), StoreError> {
    match std::fs::remove_file(path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(StoreError::Write { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}

fn size(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |meta| meta.len())
}

#[cfg(test)]
mod tests;
