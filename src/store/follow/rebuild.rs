//! A journal whose recorder is gone becomes a file: built beside the old one, then put in its place.

use super::claim::{Claim, patient_lock};
use super::feed::Feed;
use super::{ASIDE, is_ours, remove_if_there, retire, torn};
use crate::store::StoreError;
use crate::store::journal::Follower;
use crate::store::journal::writer::sync_folder;
use crate::store::layout::State;
use crate::store::naming::projection_path;
use crate::store::reader::Recording;
use crate::store::verify::{Options, Verdict, verify};
use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long `recover` waits for a projector that is still at work.
const PROJECTOR_PATIENCE: Duration = Duration::from_secs(10);
/// A projector that looks whether the recorder lives holds the journal's lock for an instant.
const LOCK_PATIENCE: Duration = Duration::from_millis(500);

/// What came of a recovery.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// The file.
    pub file: PathBuf,
    /// The row after its last.
    pub rows: u64,
    /// The recorder had ended the recording itself, and all of the journal could be read.
    pub complete: bool,
    /// Something in the journal could not be read; a torn last record is no such damage.
    pub damaged: bool,
    /// Bytes of the journal that could not be read, a torn last record left out.
    pub damaged_bytes: u64,
    /// Records missing from it, or fitting nowhere because of those.
    pub missing_records: u64,
    /// Rows filled because of that.
    pub hole_rows: u64,
    /// Where the older file was kept, if it may hold what this one does not.
    pub kept: Option<PathBuf>,
}

/// Rebuilds the file of a journal and puts it where it belongs. With `to`, the result goes into that folder and the
/// journal stays.
pub fn recover(journal: &Path, to: Option<&Path>) -> Result<Recovered, StoreError> {
    let beside = projection_path(journal);
    match (to, beside.file_name()) {
        (Some(folder), Some(name)) => rebuild(journal, &folder.join(name), true),
        _ => rebuild(journal, &beside, false),
    }
}

/// Projects a finished or abandoned journal into `target`, replacing what an unsealed projection left there.
pub fn rebuild(journal: &Path, target: &Path, keep_journal: bool) -> Result<Recovered, StoreError> {
    let handle =
        File::open(journal).map_err(|source| StoreError::Open { path: journal.to_owned(), source })?;
    let follower = match Follower::open(journal) {
        Err(lost @ StoreError::NotAJournal { .. }) => torn::open(journal, target)?.ok_or(lost)?,
        found => found?,
    };
    let lock = || {
        let by = follower.header().recorder.clone();
        let held = || StoreError::BeingRecorded { path: journal.to_owned(), by };
        patient_lock(&handle, LOCK_PATIENCE).then_some(()).ok_or_else(held)
    };
    lock()?;
    if keep_journal && target.exists() {
        return Err(StoreError::Exists { path: target.to_owned() });
    }
    // The result elsewhere is in no projector's way, and the journal's folder may not be writable.
    let _claim = if keep_journal {
        None
    } else {
        // A projector ends when it finds this lock free, so it must: a recorder that is gone does not come back.
        handle.unlock().map_err(|source| StoreError::Open { path: journal.to_owned(), source })?;
        let claim = Claim::take(journal, PROJECTOR_PATIENCE)?;
        lock()?;
        Some(claim)
    };
    if !is_still_at(&handle, journal) {
        return Err(StoreError::SealedMeanwhile { path: journal.to_owned() });
    }
    rebuild_claimed(journal, follower, target, keep_journal)
}

/// The same, for who holds journal and claim already.
pub(super) fn rebuild_claimed(
    journal: &Path,
    mut follower: Follower,
    target: &Path,
    keep_journal: bool,
) -> Result<Recovered, StoreError> {
    let ours = is_ours(target, &follower)?;
    let building = target.with_extension("h5.recovering");
    remove_if_there(&building)?;
    let built = build(&building, &mut follower, target);
    let mut recovered = match built {
        Ok(recovered) => recovered,
        Err(error) => {
            // A half-built copy only takes room from whoever records.
            let _ = std::fs::remove_file(&building);
            return Err(error);
        }
    };
    if !keep_journal && ours && recovered.damaged && is_sealed(target, recovered.rows) {
        // A power cut kept the file and tore the journal, whose removal was not durable yet.
        remove_if_there(&building)?;
        retire(journal, &follower)?;
        let rows = rows_of(target).unwrap_or(recovered.rows);
        return Ok(Recovered { file: target.to_owned(), rows, complete: true, ..Recovered::default() });
    }
    let fail = |source| StoreError::Write { path: target.to_owned(), source };
    let fewer = ours && rows_of(target).is_some_and(|rows| rows > recovered.rows);
    if target.exists() && (recovered.damaged || fewer || !ours) {
        let kept = target.with_extension(ASIDE);
        // An older kept file is the original; what stands in its place came from an earlier recovery.
        if !kept.exists() {
            std::fs::rename(target, &kept).map_err(fail)?;
            recovered.kept = Some(kept);
        }
    }
    // Whoever may read the one may read the other.
    let mode = std::fs::metadata(journal).map_err(fail)?.permissions();
    std::fs::set_permissions(&building, mode).map_err(fail)?;
    std::fs::rename(&building, target).map_err(fail)?;
    sync_folder(target).map_err(fail)?;
    if !keep_journal {
        retire(journal, &follower)?;
    }
    Ok(recovered)
}

/// Projects all of the journal into `building` and seals it.
fn build(building: &Path, follower: &mut Follower, target: &Path) -> Result<Recovered, StoreError> {
    let mut feed = Feed::new(building, follower)?;
    feed.projection.observe_aside();
    while feed.take_batch(follower, usize::MAX, true)? {}
    let damaged = feed.is_damaged(follower);
    let recovered = Recovered {
        file: target.to_owned(),
        rows: feed.projection.next_row(),
        complete: feed.end && !damaged,
        damaged,
        damaged_bytes: follower.damaged_bytes(),
        missing_records: follower.missing_records + feed.misfits,
        hole_rows: feed.hole_rows,
        kept: None,
    };
    if damaged {
        feed.log(&format!(
            "recovered from a damaged journal: {} bytes unreadable, {} records missing, {} rows filled",
            recovered.damaged_bytes, recovered.missing_records, recovered.hole_rows
        ))?;
    }
    if follower.header_is_lost {
        feed.log("its header was lost, and that of the segment before stands in; predictions are not in it")?;
    }
    feed.projection.close(if recovered.complete { State::Closed } else { State::Recovered })?;
    Ok(recovered)
}

/// Whether `path` still names the file behind `handle`.
fn is_still_at(handle: &File, path: &Path) -> bool {
    let (Ok(held), Ok(named)) = (handle.metadata(), std::fs::metadata(path)) else { return false };
    (held.dev(), held.ino()) == (named.dev(), named.ino())
}

/// Whether a file is whole: closed, with all rows before this one, and nothing in it is wrong. It was closed with all its
/// journal held then, and a damaged journal holds no more.
fn is_sealed(path: &Path, rows: u64) -> bool {
    let closed = |recording: &Recording| recording.facts().state == State::Closed;
    Recording::open(path).is_ok_and(|recording| closed(&recording) && recording.span().end >= rows)
        && verify(path, Options { recompute: true }).verdict != Verdict::Damaged
}

/// The row after the last that a reader of a file can see.
fn rows_of(path: &Path) -> Option<u64> {
    Recording::open(path).ok().map(|recording| recording.span().end)
}
