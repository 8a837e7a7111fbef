//! A whole recording: its segments in order, and its rows filtered again as they were live.
//!
//! What every offline command reads. Segments are found beside the one that was named; those that are not there are
//! named, never passed over in silence.

use super::{Facts, Recording, Replay};
use crate::emg::{Channel, Event};
use crate::pipeline::{CleanBlock, Input, Pipeline};
use crate::store::StoreError;
use crate::store::projector::PROGRAM;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The segments of one recording, in order.
#[derive(Debug)]
pub struct Joined {
    /// Those that were found, at least one.
    pub segments: Vec<Recording>,
    /// What is missing between, before or behind them, one sentence each.
    pub missing: Vec<String>,
}

impl Joined {
    /// Opens a recording by any of its files.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let named = Recording::open(path)?;
        let mut segments = Vec::new();
        if named.facts.entities.split.is_some() {
            for other in neighbours(path) {
                let segment = Recording::open(&other);
                segments.extend(segment.ok().filter(|s| s.facts.recording_id == named.facts.recording_id));
            }
        }
        segments.push(named);
        segments.sort_by_key(|segment| segment.facts.segment);
        let missing = missing(&segments);
        Ok(Self { segments, missing })
    }

    /// Its columns.
    #[must_use]
    pub fn channels(&self) -> &[Channel] {
        self.segments.first().map_or(&[], Recording::channels)
    }

    /// The first segment, whose facts are those of the recording.
    #[must_use]
    pub fn first(&self) -> &Recording {
        &self.segments[0]
    }

    /// The rows of one of its tables, segment after segment.
    pub fn table<T>(
        &self,
        read: impl Fn(&Recording) -> Result<Vec<T>, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut rows = Vec::new();
        for segment in &self.segments {
            rows.extend(read(segment)?);
        }
        Ok(rows)
    }

    /// Whether this program would find the quality, artefacts and events that are stored again, in the same rows and under
    /// the same chains: not where another version found them, where a maximum was measured of which not all of them are a
    /// share, or where they cannot be read.
    #[must_use]
    pub fn found_as_now(&self) -> bool {
        let Ok(calibrations) = self.table(Recording::calibrations) else { return false };
        let by = |facts: &Facts| match facts.clean_recomputed_by.as_str() {
            "" => facts.software_version == PROGRAM,
            version => version == PROGRAM,
        };
        let is_final = |event: &Event| {
            let mut own = calibrations.iter().filter(|kept| kept.channel == event.channel);
            // The first is also the last, and the event came after it.
            own.next().is_none() || own.next().is_none() && !event.mvc_percent.is_nan()
        };
        self.segments.iter().all(|segment| {
            let found = || segment.findings();
            by(&segment.facts) && found().is_ok_and(|found| found.events.iter().all(is_final))
        })
    }

    /// The pipeline's inputs again, each with what the stored chains make of it, bit for bit as it was live, or as
    /// it is stored where that was filtered forward and backward. Where
    /// a later segment begins, its chains come again, with the spans that run on.
    #[must_use]
    pub fn again(&self) -> Again<'_> {
        Again { segments: self.segments.iter(), running: None }
    }
}

/// See [`Joined::again`].
#[derive(Debug)]
pub struct Again<'a> {
    segments: std::slice::Iter<'a, Recording>,
    running: Option<(Pipeline, Replay<'a>)>,
}

impl Iterator for Again<'_> {
    type Item = Result<(Input, CleanBlock), StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some((pipeline, replay)) = &mut self.running {
                match replay.next_input().transpose() {
                    Some(Ok(input)) => {
                        let clean = pipeline.step(&input);
                        return Some(replay.as_stored(clean).map(|clean| (input, clean)));
                    }
                    Some(Err(error)) => {
                        self.running = None;
                        self.segments = [].iter();
                        return Some(Err(error));
                    }
                    None => self.running = None,
                }
            }
            let (pipeline, replay) = match self.segments.next()?.replay(u64::MAX) {
                Ok(running) => running,
                Err(error) => return Some(Err(error)),
            };
            let chains = pipeline.changes().into_iter().next();
            let clean = CleanBlock {
                sample: pipeline.row(),
                spans: pipeline.spans().collect(),
                ..CleanBlock::default()
            };
            self.running = Some((pipeline, replay));
            if let Some(chains) = chains {
                return Some(Ok((Input::Chains(Arc::new(chains)), clean)));
            }
        }
    }
}

/// Other files beside this one whose names differ from its own only in the number of the segment.
pub(in crate::store) fn neighbours(path: &Path) -> Vec<PathBuf> {
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let parts = |name: &str| {
        let (before, after) = name.rsplit_once("_split-")?;
        Some((before.to_owned(), after.trim_start_matches(|c: char| c.is_ascii_digit()).to_owned()))
    };
    let Some(own) = parts(&name(path)) else { return Vec::new() };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.filter(|other| name(other) != name(path) && parts(&name(other)).as_ref() == Some(&own)).collect()
}

/// Sentences about holes between segments.
fn missing(segments: &[Recording]) -> Vec<String> {
    let mut sentences = Vec::new();
    let first = segments.first().map(|segment| segment.facts.segment);
    if let Some(first) = first.filter(|first| *first > 0) {
        sentences.push(format!("the {first} segments before the first file are not there"));
    }
    for pair in segments.windows(2) {
        if pair[1].facts.first_row != pair[0].span().end {
            sentences.push(format!(
                "rows {} to {} between {} and {} are not there",
                pair[0].span().end,
                pair[1].facts.first_row,
                pair[0].path.display(),
                pair[1].path.display()
            ));
        }
    }
    if let Some(last) = segments.last().filter(|last| !last.facts.next.is_empty()) {
        sentences.push(format!("the segments after {} are not there", last.path.display()));
    }
    sentences
}
