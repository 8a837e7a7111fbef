//! A recording made again out of a recording: its records through the same projection as a journal's, into a new file.
//!
//! Built under a hidden name and given its own only when it is sealed, unless that name is taken by then.

use crate::pipeline::{ChainChange, ZeroPhase};
use crate::store::StoreError;
use crate::store::journal::writer::{publish, sync_folder};
use crate::store::journal::{Header, Record};
use crate::store::layout::State;
use crate::store::naming::hidden_twin;
use crate::store::projector::{Projection, Sealed};
use crate::store::reader::Joined;
use std::path::Path;

/// What the new recording is to be.
#[derive(Debug)]
pub struct Anew<'a> {
    /// Where everything but the filters comes from.
    pub source: &'a Joined,
    /// The new recording's own.
    pub header: Header,
    /// Its chains, from the first row on.
    pub changes: Vec<ChainChange>,
    /// Clean rows and envelope that were filtered forward and backward; none where the chains run as they do live.
    pub ready: Option<ZeroPhase>,
    /// Whether quality, artefacts and events are the source's and not to be found anew.
    pub as_found: bool,
    /// Log lines that follow the source's: wall clock, level, text.
    pub log: Vec<(i64, u8, String)>,
}

impl Anew<'_> {
    /// Writes it to `target`, telling `progress` how many rows are done.
    pub fn write(self, target: &Path, progress: impl FnMut(u64)) -> Result<Sealed, StoreError> {
        let exists = || StoreError::Exists { path: target.to_owned() };
        if target.exists() {
            return Err(exists());
        }
        let hidden = hidden_twin(target);
        let fail = |source: std::io::Error| match source.kind() {
            std::io::ErrorKind::AlreadyExists => exists(),
            _ => StoreError::Write { path: target.to_owned(), source },
        };
        let written = self.project(&hidden, progress).map_err(|error| error.of(target));
        let published = written.and_then(|sealed| {
            publish(&hidden, target).map_err(fail)?;
            sync_folder(target).map_err(fail)?;
            Ok(Sealed { path: target.to_owned(), ..sealed })
        });
        if published.is_err() {
            // Half a copy only takes room; where it was never made there is nothing to remove.
            let _ = std::fs::remove_file(&hidden);
        }
        published
    }

    /// The same without the name: into a file that must not be there, to be named by the caller.
    pub(super) fn project(self, path: &Path, mut progress: impl FnMut(u64)) -> Result<Sealed, StoreError> {
        let mut projection = Projection::create(path, &self.header)?;
        if self.as_found {
            for segment in &self.source.segments {
                projection.found_before(&segment.findings()?)?;
            }
        } else {
            projection.observe_aside();
        }
        if let Some(ready) = self.ready {
            projection.replace_by(ready);
        }
        for change in self.changes {
            projection.take(&Record::Chains(change))?;
        }
        for note in self.source.notes()? {
            projection.take(&note)?;
        }
        for (utc_ns, level, text) in self.log {
            projection.take(&Record::Log { utc_ns, level, text })?;
        }
        // Tables of a file that was left open may be ahead of its rows.
        let end = self.source.segments.last().map_or(0, |segment| segment.span().end);
        for piece in self.source.pieces() {
            let piece = piece?;
            let beyond = match &piece {
                Record::Rows(block) => block.end() > end,
                Record::Gap(gap) => gap.sample.saturating_add(gap.filled()) > end,
                _ => false,
            };
            if beyond {
                break;
            }
            projection.take(&piece)?;
            progress(projection.next_row() - self.header.first_row);
        }
        // A recording that was cut off stays one that was.
        let cut_off = self.source.segments.iter().any(|segment| segment.facts().state != State::Closed);
        projection.close(if cut_off { State::Recovered } else { State::Closed })
    }
}
