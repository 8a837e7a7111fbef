//! A journal whose recorder is gone becomes a file: built beside the old one, then put in its place.

use super::claim::{Claim, patient_lock};
use super::feed::Feed;
use super::torn::{self, Opened};
use super::{ASIDE, is_ours, remove_if_there, retire};
use crate::pipeline::ChainChange;
use crate::store::StoreError;
use crate::store::journal::writer::sync_folder;
use crate::store::journal::{Follower, Record};
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
    /// The journal told nothing: this is what the file beside it still showed.
    pub from_file: bool,
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
    let opened = match Follower::open(journal) {
        Ok(follower) => Some((follower, None)),
        Err(lost @ StoreError::NotAJournal { .. }) => {
            let opened = torn::open(journal, target)?;
            if opened.is_none() && !torn::shows_rows(journal) {
                return Err(lost);
            }
            opened
        }
        Err(error) => return Err(error),
    };
    let lock = || {
        let by = opened.as_ref().map_or("a recorder", |(follower, _)| &follower.header().recorder).to_owned();
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
    match opened {
        Some(opened) => rebuild_claimed(journal, opened, target, keep_journal),
        None => remade(journal, target, keep_journal),
    }
}

/// A file made of what the file beside a journal still shows, for a journal of which nothing is left.
fn remade(journal: &Path, target: &Path, keep_journal: bool) -> Result<Recovered, StoreError> {
    let fail = |source| StoreError::Write { path: target.to_owned(), source };
    if !keep_journal && let Some(whole) = sealed(target, 0) {
        remove_if_there(journal)?;
        sync_folder(journal).map_err(fail)?;
        return Ok(whole);
    }
    let building = target.with_extension("h5.recovering");
    remove_if_there(&building)?;
    let made = torn::remake(journal, &building).map_err(|error| error.of(target));
    let rows = made.inspect_err(|_| drop(std::fs::remove_file(&building)))?;
    let damaged_bytes = std::fs::metadata(journal).map_err(fail)?.len();
    let kept = if keep_journal { None } else { keep_aside(target)? };
    name(&building, journal, target)?;
    if !keep_journal {
        remove_if_there(journal)?;
        sync_folder(journal).map_err(fail)?;
    }
    Ok(Recovered {
        file: target.to_owned(),
        rows,
        damaged: true,
        from_file: true,
        damaged_bytes,
        kept,
        ..Recovered::default()
    })
}

/// Puts a file that may hold what the new one does not aside; gives where.
fn keep_aside(target: &Path) -> Result<Option<PathBuf>, StoreError> {
    let fail = |source| StoreError::Write { path: target.to_owned(), source };
    let kept = target.with_extension(ASIDE);
    // An older kept file is the original; what stands in its place came from an earlier recovery.
    if !target.exists() || kept.exists() {
        return Ok(None);
    }
    std::fs::rename(target, &kept).map_err(fail)?;
    Ok(Some(kept))
}

/// Gives a sealed file its name.
fn name(building: &Path, journal: &Path, target: &Path) -> Result<(), StoreError> {
    let fail = |source| StoreError::Write { path: target.to_owned(), source };
    // Whoever may read the one may read the other.
    let mode = std::fs::metadata(journal).map_err(fail)?.permissions();
    std::fs::set_permissions(building, mode).map_err(fail)?;
    std::fs::rename(building, target).map_err(fail)?;
    sync_folder(target).map_err(fail)
}

/// The same, for who holds journal and claim already.
pub(super) fn rebuild_claimed(
    journal: &Path,
    (mut follower, chains): Opened,
    target: &Path,
    keep_journal: bool,
) -> Result<Recovered, StoreError> {
    let ours = is_ours(target, &follower)?;
    let building = target.with_extension("h5.recovering");
    remove_if_there(&building)?;
    let built = build(&building, &mut follower, chains, target);
    let mut recovered = match built {
        Ok(recovered) => recovered,
        Err(error) => {
            // A half-built copy only takes room from whoever records.
            let _ = std::fs::remove_file(&building);
            return Err(error);
        }
    };
    if !keep_journal
        && ours
        && recovered.damaged
        && let Some(whole) = sealed(target, recovered.rows)
    {
        remove_if_there(&building)?;
        retire(journal, &follower)?;
        return Ok(whole);
    }
    let fewer = ours && rows_of(target).is_some_and(|rows| rows > recovered.rows);
    if recovered.damaged || fewer || !ours {
        recovered.kept = keep_aside(target)?;
    }
    name(&building, journal, target)?;
    if !keep_journal {
        retire(journal, &follower)?;
    }
    Ok(recovered)
}

/// Projects all of the journal into `building` and seals it.
fn build(
    building: &Path,
    follower: &mut Follower,
    chains: Option<ChainChange>,
    target: &Path,
) -> Result<Recovered, StoreError> {
    let mut feed = Feed::new(building, follower)?;
    feed.projection.observe_aside();
    if let Some(change) = chains {
        feed.take(&Record::Chains(change))?;
    }
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
        ..Recovered::default()
    };
    if damaged {
        feed.log(&format!(
            "recovered from a damaged journal: {} bytes unreadable, {} records missing, {} rows filled",
            recovered.damaged_bytes, recovered.missing_records, recovered.hole_rows
        ))?;
    }
    if follower.header_is_lost {
        feed.log("its header was lost; header and filters are those of its file or the segment before, without predictions")?;
    }
    feed.projection.close(if recovered.complete { State::Closed } else { State::Recovered })?;
    Ok(recovered)
}

/// Whether `path` still names the file behind `handle`.
fn is_still_at(handle: &File, path: &Path) -> bool {
    let (Ok(held), Ok(named)) = (handle.metadata(), std::fs::metadata(path)) else { return false };
    (held.dev(), held.ino()) == (named.dev(), named.ino())
}

/// A file that is whole as it is: closed, with all rows before this one, and nothing in it is wrong. It was closed with
/// all its journal held then, and a power cut tore the journal, whose removal was not durable yet.
fn sealed(path: &Path, rows: u64) -> Option<Recovered> {
    let file = Recording::open(path).ok()?;
    let end = file.span().end;
    let closed = file.facts().state == State::Closed && end >= rows;
    drop(file);
    let whole = closed && verify(path, Options { recompute: true }).verdict != Verdict::Damaged;
    let recovered = Recovered { file: path.to_owned(), rows: end, complete: true, ..Recovered::default() };
    whole.then_some(recovered)
}

/// The row after the last that a reader of a file can see.
fn rows_of(path: &Path) -> Option<u64> {
    Recording::open(path).ok().map(|recording| recording.span().end)
}
