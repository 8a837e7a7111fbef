//! A journal in parts. After a failed sync the kernel may call lost pages clean, so that file is never trusted again:
//! `NAME.wal-2` (then `-3`) goes on, and begins with everything since the last sync that succeeded.
//!
//! Sequence numbers run on; where two parts hold the same record, the later one is right. The lock stays on the first.

use std::path::{Path, PathBuf};

/// More parts than this were written by nobody: a disk that fails so often has other problems.
const PARTS: u32 = 1000;

/// The file of a part, counted from 1; the first is the journal's own name.
#[must_use]
pub fn path(journal: &Path, part: u32) -> PathBuf {
    if part <= 1 { journal.to_owned() } else { journal.with_extension(format!("wal-{part}")) }
}

/// The parts after the first that there are, in order.
#[must_use]
pub fn later(journal: &Path) -> Vec<PathBuf> {
    (2..PARTS).map(|part| path(journal, part)).take_while(|path| path.exists()).collect()
}

/// The journal a later part belongs to, by its name.
#[must_use]
pub fn journal_of(part: &Path) -> Option<PathBuf> {
    let number = part.extension()?.to_str()?.strip_prefix("wal-")?.parse::<u32>().ok()?;
    (2..PARTS).contains(&number).then(|| part.with_extension("wal"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_counted_from_the_journal_on_and_are_no_journals_themselves() {
        let folder = tempfile::tempdir().unwrap();
        let journal = folder.path().join("sub-01_task-free_run-01_emg.wal");
        assert_eq!(path(&journal, 1), journal);
        for part in [2, 3, 5] {
            std::fs::write(path(&journal, part), "").unwrap();
        }
        assert_eq!(
            later(&journal),
            [path(&journal, 2), path(&journal, 3)],
            "what follows a hole is not read"
        );
        assert_eq!(journal_of(&path(&journal, 3)), Some(journal.clone()));
        assert_eq!(journal_of(&journal), None);
        assert_eq!(journal_of(Path::new("a.wal-x")), None);
        assert!(crate::store::naming::journals(folder.path()).is_empty());
    }
}
