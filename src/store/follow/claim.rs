//! The projector's claim on a journal: a lock on a file of its own beside it, `NAME.wal.projecting`.
//!
//! It is not on the recording, because HDF5 in a reader's hands locks what it reads, and a reader must neither be
//! kept out nor keep a projector out. The file goes with the claim; one that a crash left is taken over.

use crate::store::StoreError;
use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Between two attempts.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Only the holder projects the journal.
#[derive(Debug)]
pub(super) struct Claim {
    path: PathBuf,
    _file: File,
}

impl Claim {
    /// Takes the claim on a journal, waiting for another projector at most so long.
    pub(super) fn take(journal: &Path, patience: Duration) -> Result<Self, StoreError> {
        let path = path_of(journal);
        let fail = |source| StoreError::Write { path: path.clone(), source };
        let until = Instant::now() + patience;
        loop {
            let open = OpenOptions::new().write(true).create(true).truncate(false).open(&path);
            let file = open.map_err(fail)?;
            match file.try_lock() {
                // Whoever held it last may have removed it in between; then it claims nothing.
                Ok(()) if file.metadata().map_err(fail)?.nlink() > 0 => {
                    return Ok(Self { path, _file: file });
                }
                Ok(()) => {}
                Err(TryLockError::WouldBlock) if Instant::now() < until => std::thread::sleep(LOOK_EVERY),
                Err(TryLockError::WouldBlock) => {
                    return Err(StoreError::BeingProjected { path: journal.to_owned() });
                }
                Err(TryLockError::Error(source)) => return Err(fail(source)),
            }
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // While it is still locked: nobody else can have claimed this name. A file that stays does no harm.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Whether somebody holds the claim on a journal.
pub(super) fn is_held(journal: &Path) -> bool {
    File::open(path_of(journal)).is_ok_and(|file| file.try_lock_shared().is_err())
}

fn path_of(journal: &Path) -> PathBuf {
    journal.with_extension("wal.projecting")
}

/// Takes a lock, waiting for it at most so long.
pub(super) fn patient_lock(file: &File, patience: Duration) -> bool {
    let until = Instant::now() + patience;
    loop {
        match file.try_lock() {
            Ok(()) => return true,
            Err(TryLockError::WouldBlock) if Instant::now() < until => std::thread::sleep(LOOK_EVERY),
            Err(_) => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_projector_at_a_time_and_no_trace_of_it_afterwards() {
        let folder = tempfile::tempdir().unwrap();
        let journal = folder.path().join("a_emg.wal");
        let take = || Claim::take(&journal, Duration::ZERO);
        let claim = take().unwrap();
        assert!(matches!(take(), Err(StoreError::BeingProjected { .. })));
        drop(claim);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        std::fs::write(folder.path().join("a_emg.wal.projecting"), "").unwrap();
        drop(take().expect("what a crash left claims nothing"));
    }

    #[test]
    fn a_claim_waits_for_the_one_before_it() {
        let folder = tempfile::tempdir().unwrap();
        let journal = folder.path().join("a_emg.wal");
        let claim = Claim::take(&journal, Duration::ZERO).unwrap();
        std::thread::scope(|threads| {
            let waiting = threads.spawn(|| Claim::take(&journal, Duration::from_mins(1)));
            std::thread::sleep(LOOK_EVERY);
            drop(claim);
            let claim = waiting.join().unwrap().unwrap();
            assert!(claim.path.exists());
        });
    }
}
