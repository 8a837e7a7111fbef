//! Names of recordings: BIDS entities to paths, run numbers, what a crash left behind. Creates folders, not files.

use super::journal::{Entities, parts};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// More journals than this are no leftovers but somebody's archive.
const JOURNALS: usize = 10_000;

/// The folder of all recordings of a subject below `out`.
#[must_use]
pub fn subject_folder(out: &Path, names: &Entities) -> PathBuf {
    out.join(format!("sub-{}", names.subject))
}

/// The HDF5 file a set of entities names below `out`.
#[must_use]
pub fn recording_path(out: &Path, names: &Entities) -> PathBuf {
    let Entities { subject, session, task, run, split } = names;
    let mut folder = subject_folder(out, names);
    let mut session_part = String::new();
    if !session.is_empty() {
        folder.push(format!("ses-{session}"));
        session_part = format!("_ses-{session}");
    }
    let split_part = split.map_or_else(String::new, |split| format!("_split-{split:02}"));
    let file = format!("sub-{subject}{session_part}_task-{task}_run-{run:02}{split_part}_emg.h5");
    folder.join("emg").join(file)
}

/// The journal of an HDF5 file: the same name, ending `.wal`.
#[must_use]
pub fn journal_path(recording: &Path) -> PathBuf {
    recording.with_extension("wal")
}

/// The HDF5 file of a journal.
#[must_use]
pub fn projection_path(journal: &Path) -> PathBuf {
    journal.with_extension("h5")
}

/// The run numbers that have a file of any split, journal or recording.
#[must_use]
pub fn runs(out: &Path, names: &Entities) -> BTreeSet<u32> {
    let any = recording_path(out, &Entities { run: 0, split: None, ..names.clone() });
    let stem = any.file_name().unwrap_or_default().to_string_lossy().replace("00_emg.h5", "");
    let taken =
        any.parent().and_then(|folder| std::fs::read_dir(folder).ok()).into_iter().flatten().flatten();
    taken
        .filter_map(|entry| {
            let name = entry.file_name();
            let rest = name.to_str()?.strip_prefix(stem.as_str())?;
            rest.split('_').next()?.parse::<u32>().ok()
        })
        .collect()
}

/// Every journal below a path, or the path itself if it is one, in order.
#[must_use]
pub fn journals(path: &Path) -> Vec<PathBuf> {
    below(path, &|file| !is_hidden(file) && file.extension().is_some_and(|ending| ending == "wal"))
}

/// Every recording below a path, or the path itself if it is a file, in order.
#[must_use]
pub fn recordings(path: &Path) -> Vec<PathBuf> {
    if !path.is_dir() {
        // Whoever names a file means it, whatever its ending.
        return vec![path.to_owned()];
    }
    below(path, &|file| !is_hidden(file) && file.extension().is_some_and(|ending| ending == "h5"))
}

/// Later parts of journals below a folder whose first part is gone while the recording is there: sealed long ago.
pub(super) fn loose_parts(folder: &Path) -> Vec<PathBuf> {
    below(folder, &|file| {
        let journal = parts::journal_of(file).filter(|_| !is_hidden(file));
        let is_gone = |journal: &Path| journal.try_exists().is_ok_and(|exists| !exists);
        journal.is_some_and(|journal| is_gone(&journal) && projection_path(&journal).exists())
    })
}

/// A name beside `path` that nobody else uses: what is made there gets its own name when it is whole.
pub(super) fn hidden_twin(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}", uuid::Uuid::new_v4().simple()))
}

/// Hidden twins of journals and recordings below a folder, whether still being made or left by a crash.
pub(super) fn hidden_twins(folder: &Path) -> Vec<PathBuf> {
    below(folder, &|file| twin_of(file).is_some_and(|name| name.contains("_emg.")))
}

/// The name a hidden twin was to get.
fn twin_of(hidden: &Path) -> Option<&str> {
    let (name, id) = hidden.file_name()?.to_str()?.strip_prefix('.')?.rsplit_once('.')?;
    uuid::Uuid::try_parse(id).is_ok_and(|_| id.len() == 32).then_some(name)
}

/// Recordings lie at most four folders below `out`; deeper trees are somebody else's.
const DEPTH: usize = 6;

fn is_hidden(file: &Path) -> bool {
    file.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'))
}

/// The files below a path, or itself, that are wanted, in order.
fn below(path: &Path, wanted: &dyn Fn(&Path) -> bool) -> Vec<PathBuf> {
    let mut found = Vec::new();
    collect(path, 0, wanted, &mut found);
    found.sort();
    found
}

fn collect(path: &Path, depth: usize, wanted: &dyn Fn(&Path) -> bool, found: &mut Vec<PathBuf>) {
    if path.is_file() {
        if wanted(path) {
            found.push(path.to_owned());
        }
    } else if depth < DEPTH && found.len() < JOURNALS {
        for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
            let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
            if !is_link {
                collect(&entry.path(), depth + 1, wanted, found);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(run: u32, split: Option<u32>) -> Entities {
        Entities { subject: "01".into(), session: "01".into(), task: "faces".into(), run, split }
    }

    #[test]
    fn names_follow_bids() {
        let path = recording_path(Path::new("recordings"), &names(1, None));
        assert_eq!(path, Path::new("recordings/sub-01/ses-01/emg/sub-01_ses-01_task-faces_run-01_emg.h5"));
        let split =
            recording_path(Path::new("r"), &Entities { session: String::new(), ..names(12, Some(3)) });
        assert_eq!(split, Path::new("r/sub-01/emg/sub-01_task-faces_run-12_split-03_emg.h5"));
    }

    #[test]
    fn what_was_being_made_is_told_from_what_is_there_and_from_what_is_not_ours() {
        let folder = tempfile::tempdir().unwrap();
        let journal = folder.path().join("sub-01_task-faces_run-01_emg.wal");
        let twin = hidden_twin(&journal);
        for path in [&journal, &twin, &folder.path().join("._sub-01_emg.wal"), &folder.path().join(".x.txt")]
        {
            std::fs::write(path, "").unwrap();
        }
        assert_eq!(hidden_twins(folder.path()), [twin]);
        assert_eq!(journals(folder.path()), [journal]);
    }

    #[test]
    fn recordings_are_those_below_a_folder_or_the_file_that_is_named() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b_emg.h5", "a_emg.h5", "a_emg.h5.before-recovery", ".a_emg.h5", "a_emg.wal"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        assert_eq!(recordings(folder.path()), ["a_emg.h5", "b_emg.h5"].map(|name| folder.path().join(name)));
        let other = folder.path().join("a_emg.wal");
        assert_eq!(recordings(&other), [other]);
    }

    #[test]
    fn a_run_is_taken_by_any_file_of_the_recording_whatever_its_ending() {
        let folder = tempfile::tempdir().unwrap();
        assert!(runs(folder.path(), &names(0, None)).is_empty());
        for (run, split, ending) in [(1, None, "h5"), (4, Some(2), "wal"), (3, None, "h5")] {
            let path = recording_path(folder.path(), &names(run, split)).with_extension(ending);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        assert_eq!(runs(folder.path(), &names(0, None)).into_iter().collect::<Vec<_>>(), [1, 3, 4]);
        assert_eq!(journals(folder.path()).len(), 1);
    }
}
