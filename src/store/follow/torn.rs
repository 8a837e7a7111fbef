//! A journal that lost its header, or everything: what it still holds is read under the header and the chains of its own
//! file or of the segment before; what only the file still shows is written anew from there.
//!
//! A power cut may keep later pages of a journal that no sync had reached, and not its first. Called by `rebuild`.

use super::anew::Anew;
use crate::emg::{RawBlock, Stamp};
use crate::pipeline::{ChainChange, Reason};
use crate::store::StoreError;
use crate::store::journal::{Entities, Follower, Header, Identity};
use crate::store::layout::create::{hex, segment_name};
use crate::store::naming::projection_path;
use crate::store::reader::{Joined, Recording, neighbours};
use std::path::Path;

/// A journal that can be read, and the chains that hold at its first row where its own may be lost.
pub(super) type Opened = (Follower, Option<ChainChange>);

/// Opens such a journal; none where no record is left of it, or nothing of the recording it belongs to. Its file is to
/// be `target`.
pub(super) fn open(journal: &Path, target: &Path) -> Result<Option<Opened>, StoreError> {
    let mut chains = None;
    let follower = Follower::open_torn(journal, |identity, first| {
        let beside = projection_path(journal);
        let mut others = vec![beside.clone()];
        others.extend(neighbours(target).into_iter().chain(neighbours(&beside)));
        let recordings = others.iter().filter_map(|other| Recording::open(other).ok());
        let own = recordings.filter(|other| {
            let facts = other.facts();
            facts.recording_id == hex(&identity.recording_id) && facts.segment <= identity.segment
        });
        let nearest = own.max_by_key(|other| other.facts().segment)?;
        let is_own = nearest.facts().segment == identity.segment;
        let changes = nearest.changes();
        let header = borrowed(&alone(nearest), identity, first)?;
        chains = changes.ok().and_then(|changes| holding(&changes, is_own, &header));
        Some(header)
    })?;
    Ok(follower.map(|follower| (follower, chains)))
}

/// The chains that hold at the first row: those a file of the segment began with, or those the one before ended with.
fn holding(changes: &[ChainChange], own: bool, header: &Header) -> Option<ChainChange> {
    let (first, last) = (changes.first()?, changes.last()?);
    let now = if own { first } else { last };
    let used = |id: u32| now.assignment.contains(&id);
    let chains = first.chains.iter().filter(|chain| used(chain.id)).cloned().collect();
    Some(ChainChange { sample: header.first_row, reason: Reason::Start, chains, ..now.clone() })
}

/// The header that a segment had, as far as its own file or the segment before tells. Which models took part in which
/// order it does not: predictions are left to `myograph predict`.
fn borrowed(from: &Joined, identity: Identity, first: Option<&RawBlock>) -> Option<Header> {
    let Identity { recording_id, segment } = identity;
    let header = header_of(from)?;
    if header.segment == segment {
        return Some(header);
    }
    let border = from.first().span().end;
    let follows = from.first().facts().next == segment_name(&recording_id, segment);
    // Where the one before does not tell the border, it is where rows are.
    let first_row =
        first.map_or(border, |first| if follows { border.min(first.sample) } else { first.sample });
    let before = Stamp { host_ns: header.created_host_ns, utc_ns: header.created_utc_ns };
    let begun = first.map_or(before, |first| first.stamp);
    Some(Header {
        segment,
        first_row,
        created_utc_ns: begun.utc_ns,
        created_host_ns: begun.host_ns,
        entities: Entities { split: segment.checked_add(1), ..header.entities.clone() },
        ..header
    })
}

/// A file without the others of its recording.
fn alone(file: Recording) -> Joined {
    Joined { segments: vec![file], missing: Vec::new() }
}

/// The header of a file, as its journal had it but for its models.
fn header_of(file: &Joined) -> Option<Header> {
    let facts = file.first().facts();
    let id = uuid::Uuid::parse_str(&facts.recording_id).ok()?;
    let (segment, entities) = (facts.segment, facts.entities.clone());
    Some(Header { recording_id: *id.as_bytes(), segment, entities, ..file.header().ok()? })
}

/// Whether the file beside a journal shows rows.
pub(super) fn shows_rows(journal: &Path) -> bool {
    Recording::open(&projection_path(journal)).is_ok_and(|file| file.rows() > 0)
}

/// Writes what the file beside a journal still shows into `building`; gives the row after the last.
pub(super) fn remake(journal: &Path, building: &Path) -> Result<u64, StoreError> {
    let file = projection_path(journal);
    let lost = || StoreError::NotAJournal { path: journal.to_owned() };
    let source = alone(Recording::open(&file)?);
    let header = header_of(&source).ok_or_else(lost)?;
    let text = "its journal was lost: this is what the file beside it still showed, without predictions";
    let anew = Anew {
        source: &source,
        header,
        changes: source.changes()?,
        ready: None,
        as_found: false,
        log: vec![(Stamp::now().utc_ns, 1, text.to_owned())],
    };
    anew.project(building, |_| {}).map(|sealed| sealed.rows + source.first().facts().first_row)
}
