//! A journal that lost its header: what it still holds is read under the header of the segment before it.
//!
//! A power cut may keep later pages of a journal that no sync had reached, and not its first. Called by `rebuild`.

use crate::emg::{RawBlock, Stamp};
use crate::store::StoreError;
use crate::store::journal::{Entities, Follower, Header, Identity};
use crate::store::layout::create::{hex, segment_name};
use crate::store::naming::projection_path;
use crate::store::reader::{Joined, Recording, neighbours};
use std::path::Path;

/// Opens such a journal; none where nothing is left of it, or of the recording before it. Its file is to be `target`.
pub(super) fn open(journal: &Path, target: &Path) -> Result<Option<Follower>, StoreError> {
    Follower::open_torn(journal, |identity, first| {
        let mut others = neighbours(target);
        others.extend(neighbours(&projection_path(journal)));
        let recordings = others.iter().filter_map(|other| Recording::open(other).ok());
        let own = recordings.filter(|other| {
            let facts = other.facts();
            facts.recording_id == hex(&identity.recording_id) && facts.segment < identity.segment
        });
        borrowed(own.max_by_key(|other| other.facts().segment)?, identity, first)
    })
}

/// The header that a segment had, as far as the one before tells. Which models took part in which order it does not:
/// predictions are left to `myograph predict`.
fn borrowed(before: Recording, identity: Identity, first: Option<&RawBlock>) -> Option<Header> {
    let Identity { recording_id, segment } = identity;
    let border = before.span().end;
    let follows = before.facts().next == segment_name(&recording_id, segment);
    let header = Joined { segments: vec![before], missing: Vec::new() }.header().ok()?;
    // Where the one before does not tell the border, it is where rows are.
    let first_row =
        first.map_or(border, |first| if follows { border.min(first.sample) } else { first.sample });
    let before = Stamp { host_ns: header.created_host_ns, utc_ns: header.created_utc_ns };
    let begun = first.map_or(before, |first| first.stamp);
    Some(Header {
        recording_id,
        segment,
        first_row,
        created_utc_ns: begun.utc_ns,
        created_host_ns: begun.host_ns,
        entities: Entities { split: segment.checked_add(1), ..header.entities.clone() },
        ..header
    })
}
