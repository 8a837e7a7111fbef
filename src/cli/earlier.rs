//! Calibrations of earlier recordings of a subject, read for the dashboard in its own process: a recorder opens no
//! HDF5. For comparison only; see `session/earlier`.

use crate::emg::Calibration;
use crate::ipc;
use crate::session::command::Action;
use crate::session::earlier::{Earlier, Shelf};
use crate::session::{Answer, Snapshot};
use crate::store::StoreError;
use crate::store::layout::State;
use crate::store::naming;
use crate::store::reader::Recording;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

/// A recorder that says nothing for so long is not asked again.
const PATIENCE: Duration = Duration::from_secs(5);
/// Newest files that are looked into: a subject of a long study must not keep the disk busy.
const FILES: usize = 40;
/// Recordings that are shown.
const RECORDINGS: usize = 8;

/// A shelf that is being filled in the background; dropped, no further file is opened.
#[derive(Debug)]
pub(super) struct LookUp {
    pub(super) shelf: Shelf,
    enough: Enough,
}

/// Whether nobody looks any more. Held while a file is read: the program must not end while the library that reads
/// HDF5 is at work.
type Enough = Arc<Mutex<bool>>;

fn lock(enough: &Enough) -> MutexGuard<'_, bool> {
    enough.lock().unwrap_or_else(PoisonError::into_inner)
}

impl LookUp {
    /// Asks the recorder whose recordings to look for, and reads them. One that finds nothing, or no recorder, leaves
    /// the shelf empty: there is nothing to compare with, and all else works.
    pub(super) fn begin(socket: &Path) -> Self {
        let (shelf, enough) = (Shelf::default(), Enough::default());
        let (socket, to, stop) = (socket.to_owned(), Shelf::clone(&shelf), Enough::clone(&enough));
        let read = move || {
            let answer = ipc::request(&socket, &super::control::own_name(), Action::Status, PATIENCE);
            if let Ok(Answer::Status(snapshot)) = answer {
                let _ = to.set(of(&snapshot, &stop));
            }
        };
        drop(std::thread::Builder::new().name("earlier".to_owned()).spawn(read));
        Self { shelf, enough }
    }
}

impl Drop for LookUp {
    fn drop(&mut self) {
        *lock(&self.enough) = true;
    }
}

/// What is known of the subject that is recorded, from other recordings than this one.
fn of(snapshot: &Snapshot, enough: &Enough) -> Vec<Earlier> {
    let own = recording_of(Path::new(&snapshot.file));
    let mut files: Vec<(SystemTime, PathBuf)> = Vec::new();
    if Path::new(&snapshot.folder).is_dir() {
        let others = naming::recordings(Path::new(&snapshot.folder)).into_iter();
        let others = others.filter(|file| snapshot.file.is_empty() || recording_of(file) != own);
        files.extend(others.filter_map(|file| Some((file.metadata().ok()?.modified().ok()?, file))));
    }
    files.sort_by(|one, other| other.cmp(one));
    let (mut found, mut seen): (Vec<Earlier>, Vec<PathBuf>) = (Vec::new(), Vec::new());
    for (_, file) in files.into_iter().take(FILES) {
        let recording = recording_of(&file);
        let enough = lock(enough);
        if *enough || seen.len() == RECORDINGS {
            break;
        }
        if !seen.contains(&recording) {
            // A file that cannot be read has its own commands to say so.
            let kept = kept(&file).unwrap_or_default();
            if !kept.is_empty() {
                seen.push(recording);
                found.extend(kept);
            }
        }
    }
    found
}

/// The same for all files of a rotated recording.
fn recording_of(file: &Path) -> PathBuf {
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let whole = name.split('_').filter(|part| !part.starts_with("split-")).collect::<Vec<_>>().join("_");
    file.with_file_name(whole)
}

/// The last calibration of each channel that was kept in a closed file.
fn kept(file: &Path) -> Result<Vec<Earlier>, StoreError> {
    let recording = Recording::open(file)?;
    let facts = recording.facts();
    if facts.state == State::Open {
        return Ok(Vec::new());
    }
    let names = &facts.entities;
    let session = if names.session.is_empty() { String::new() } else { format!("ses-{} ", names.session) };
    let name = format!("{session}task-{} run-{:02}", names.task, names.run);
    let rows = recording.calibrations()?;
    let last = |channel: usize| {
        let mine = |row: &&Calibration| row.valid && usize::from(row.channel) == channel;
        rows.iter().rfind(mine)
    };
    let all = recording.channels().iter().enumerate();
    let found = all.filter_map(|(at, channel)| {
        let row = last(at)?;
        Some(Earlier {
            recording: name.clone(),
            day: facts.created_utc.chars().take(10).collect(),
            channel: channel.name.clone(),
            muscle: channel.muscle.clone(),
            side: channel.side.clone(),
            unit: channel.unit.clone(),
            rest: row.rest_mean,
            mvc: row.mvc,
        })
    });
    Ok(found.collect())
}

/// The shelf as lines; none where there is nothing on it.
pub(super) fn lines(shelf: &Shelf) -> Vec<String> {
    let all = shelf.get().map(Vec::as_slice).unwrap_or_default();
    let told = all.iter().map(|one| {
        let Earlier { recording, day, channel, unit, mvc, .. } = one;
        format!("  {channel}: {mvc:.3} {unit}, {day} {recording}")
    });
    let head = "earlier maxima of this subject, under other electrodes: for comparison, never used";
    (!all.is_empty()).then(|| head.to_owned()).into_iter().chain(told).collect()
}
