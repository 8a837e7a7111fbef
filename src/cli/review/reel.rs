//! The file behind a review: follows it while it grows, paints windows piece by piece, keeps judgements.
//!
//! Everything here may wait for a disk; the screen does not, because it only exchanges messages with this thread.

use super::events::Events;
use super::story;
use crate::session::review::{Ask, Picture, Story, Tell, Window};
use crate::store::layout::State;
use crate::store::reader::outline::{Outline, Signal, Stretch};
use crate::store::sidecar::{About, Sidecar, beside, path_of};
use crate::store::{Recording, StoreError, follow, in_full, naming};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How often a file is looked at: as often as its projector shows what it got.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often a picture is shown before it is whole.
const SHOW_EVERY: Duration = Duration::from_millis(150);

/// A recording that is looked at.
pub(super) struct Reel {
    path: PathBuf,
    /// None between two files: HDF5 must let go of one before it sees what became of it.
    recording: Option<Recording>,
    /// Which file the recording was opened as: another one may take its name.
    inode: u64,
    outline: Outline,
    /// The judgements of the coder, or of all there are.
    sidecars: Vec<Sidecar>,
    coder: String,
    blind: bool,
    /// What the tables tell, labels included.
    tables: Story,
    events: Events,
    /// What the front end was told.
    told: Story,
    /// The last window asked for: painted again when the file has grown into it.
    window: Option<Window>,
    /// What is left to paint of it.
    stretch: Option<Stretch>,
    shown: Instant,
}

impl Reel {
    /// A reel of an open recording.
    pub(super) fn new(recording: Recording, coder: Option<String>, blind: bool) -> Result<Self, StoreError> {
        let path = recording.path().to_owned();
        let names = recording.channels().iter().map(|channel| channel.name.clone()).collect();
        let about = About { rate_hz: recording.facts().sampling_rate_hz, names };
        // Whoever codes does not see what others judged.
        let tables = coder.as_deref().map_or_else(|| beside(&path), |coder| vec![path_of(&path, coder)]);
        let sidecars = tables.into_iter().map(|table| Sidecar::open(table, about.clone()));
        let mut events = Events::default();
        events.read(&recording)?;
        Ok(Self {
            events,
            sidecars: sidecars.collect::<Result<_, _>>()?,
            tables: story::of(&recording, &Story::default())?,
            recording: Some(recording),
            inode: inode(&path),
            path,
            outline: Outline::default(),
            coder: coder.unwrap_or_default(),
            blind,
            told: Story::default(),
            window: None,
            stretch: None,
            shown: Instant::now(),
        })
    }

    /// Answers until the front end is gone.
    pub(super) fn run(mut self, asked: &Receiver<Ask>, told: &Sender<Tell>) {
        let mut tells = self.tell_story();
        let mut looked = Instant::now();
        loop {
            for tell in tells {
                if told.send(tell).is_err() {
                    return;
                }
            }
            let rest = LOOK_EVERY.saturating_sub(looked.elapsed());
            let patience = if self.stretch.is_some() { Duration::ZERO } else { rest };
            tells = match asked.recv_timeout(patience) {
                Ok(Ask::Paint(window)) => {
                    self.window = Some(window);
                    self.begin();
                    Vec::new()
                }
                Ok(Ask::Keep(one)) => self.judge("kept in", |table| table.keep(one)),
                Ok(Ask::TakeBack(one)) => self.judge("taken back in", |table| table.take_back(&one)),
                Ok(Ask::Note(one, note)) => self.judge("noted in", |table| table.note(&one, &note)),
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => self.paint().into_iter().collect(),
            };
            if looked.elapsed() >= LOOK_EVERY {
                looked = Instant::now();
                tells.extend(self.look());
            }
        }
    }

    /// Begins to paint the window.
    fn begin(&mut self) {
        let (Some(window), Some(recording)) = (self.window, &self.recording) else { return };
        let signal = if window.raw { Signal::Raw } else { Signal::Clean };
        let bins = window.first..window.first.saturating_add(window.bins);
        self.stretch = Some(Stretch::new(recording, signal, window.rows_per_bin, bins));
        self.shown = Instant::now();
    }

    /// Reads one piece of the window; gives the picture when it is whole, or the last one is old.
    fn paint(&mut self) -> Option<Tell> {
        let mut stretch = self.stretch.take()?;
        let (window, recording) = (self.window?, self.recording.as_ref()?);
        if !stretch.is_whole()
            && let Err(error) = self.outline.advance(recording, &self.tables.gaps, &mut stretch)
        {
            return Some(self.refused(&error));
        }
        let read = stretch.read();
        if stretch.is_whole() {
            return Some(Tell::Picture(Picture { window, values: stretch.bins, read }));
        }
        let is_old = self.shown.elapsed() >= SHOW_EVERY;
        let preview = is_old.then(|| Picture { window, values: stretch.bins.clone(), read });
        if is_old {
            self.shown = Instant::now();
        }
        self.stretch = Some(stretch);
        preview.map(Tell::Picture)
    }

    /// Looks at the files again: the story if it changed, and the window anew if there is more of it.
    fn look(&mut self) -> Vec<Tell> {
        let (end, state) = (self.tables.rows.end, self.tables.state.clone());
        let failure = self.renew().err().or_else(|| self.refresh_sidecars().err());
        let has_grown = self.tables.rows.end > end || self.tables.state != state;
        if self.stretch.is_none() && has_grown && self.window.is_some_and(|window| window.rows().end > end) {
            self.begin();
        }
        let mut tells = self.tell_story();
        // A growing file may be met between two writes; the next look finds it whole.
        if let Some(error) = failure
            && !follow::is_attended(&naming::journal_path(&self.path))
        {
            tells.push(self.refused(&error));
        }
        tells
    }

    /// Takes in what the file has got since, or the file that took its place.
    fn renew(&mut self) -> Result<(), StoreError> {
        if self.tables.state != State::Open.word() {
            // What its last rows were may be told by the segment that goes on.
            let recording = self.recording.as_ref().filter(|_| !self.events.is_complete());
            return recording.map_or(Ok(()), |recording| self.events.read(recording));
        }
        let same = inode(&self.path) == self.inode && naming::journal_path(&self.path).exists();
        if let (true, Some(recording)) = (same, &mut self.recording) {
            recording.refresh()?;
            self.tables = story::of(recording, &self.tables)?;
            return self.events.read(recording);
        }
        // Sealed, or built anew by another projector or by `recover`.
        self.recording = None;
        (self.outline, self.events) = (Outline::default(), Events::default());
        self.stretch = None;
        let recording = Recording::open(&self.path)?;
        self.tables = story::of(&recording, &Story::default())?;
        self.events.read(&recording)?;
        self.inode = inode(&self.path);
        self.recording = Some(recording);
        self.begin();
        Ok(())
    }

    fn refresh_sidecars(&mut self) -> Result<(), StoreError> {
        self.sidecars.iter_mut().try_for_each(|sidecar| sidecar.refresh().map(drop))
    }

    /// The story, if it is not what was told last.
    fn tell_story(&mut self) -> Vec<Tell> {
        let journal = naming::journal_path(&self.path);
        let is_open = self.tables.state == State::Open.word();
        let growing = is_open && follow::is_attended(&journal);
        let left = is_open && !growing && journal.exists();
        let trouble =
            format!("its recorder is gone: leave, and run `myograph recover {}`", journal.display());
        let story = Story {
            growing,
            trouble: if left { trouble } else { String::new() },
            artefacts: self.sidecars.iter().flat_map(|sidecar| sidecar.rows().iter().cloned()).collect(),
            coder: self.coder.clone(),
            events: self.events.timeline.clone(),
            ..self.tables.clone()
        };
        // A recording that keeps its labels from the screen keeps them from this one too, until it is closed.
        let story = if self.blind || (is_open && self.tables.blind) { story.blinded() } else { story };
        let story = Story { blind: self.blind || (is_open && self.tables.blind), ..story };
        if story == self.told {
            return Vec::new();
        }
        self.told = story.clone();
        vec![Tell::Story(Box::new(story))]
    }

    /// Does something to the coder's table, shows what it holds then, and says what came of it.
    fn judge(&mut self, done: &str, act: impl FnOnce(&mut Sidecar) -> Result<(), StoreError>) -> Vec<Tell> {
        let Some(sidecar) = self.sidecars.first_mut().filter(|_| !self.coder.is_empty()) else {
            return vec![Tell::Refused("nobody judges here; `--code NAME` does".to_owned())];
        };
        let name = sidecar.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
        let said = match act(sidecar) {
            Ok(()) => Tell::Kept(format!("{done} {name}")),
            Err(error) => self.refused(&error),
        };
        let mut tells = self.tell_story();
        tells.push(said);
        tells
    }

    /// A failure in a line of a screen, which has no room for the folder everything lies in.
    fn refused(&self, error: &StoreError) -> Tell {
        let sentence = format!("{}; {}", in_full(error), error.advice());
        let folder = self.path.with_file_name("");
        Tell::Refused(sentence.replace(&*folder.to_string_lossy(), ""))
    }
}

fn inode(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |meta| meta.ino())
}
