//! Under which name a journal is created: the first of a recording under a free run, each in its folder.

use crate::emg::Stamp;
use crate::store::journal::{Header, Journal};
use crate::store::{StoreError, naming};
use std::path::Path;

/// Runs that others may take while we look for a free one.
const CLAIMS: u32 = 100;

/// Creates the first journal; with run 0 in the header, under the next free run.
pub(super) fn claim(out: &Path, header: &mut Header) -> Result<Journal, StoreError> {
    if header.segment > 0 {
        // It goes on with a recording that has its run.
        return start_segment(out, header, Journal::create);
    }
    if header.entities.run != 0 {
        if naming::runs(out, &header.entities).contains(&header.entities.run) {
            let path = naming::recording_path(out, &header.entities);
            return Err(StoreError::Exists { path });
        }
        return start_segment(out, header, Journal::create);
    }
    for _ in 0..CLAIMS {
        header.entities.run =
            naming::runs(out, &header.entities).last().map_or(1, |run| run.saturating_add(1));
        match start_segment(out, header, Journal::create) {
            // Somebody else took this run between the look and the claim.
            Err(StoreError::Exists { .. }) => {}
            result => return result,
        }
    }
    let path = naming::recording_path(out, &header.entities);
    Err(StoreError::Exists { path })
}

/// Creates the folder and the journal of a segment; a recording of that name must not exist either.
pub(super) fn start_segment(
    out: &Path,
    header: &Header,
    create: impl Fn(&Path, &Header) -> Result<Journal, StoreError>,
) -> Result<Journal, StoreError> {
    let recording = naming::recording_path(out, &header.entities);
    let fail = |source| StoreError::Create { path: recording.clone(), source };
    if let Some(folder) = recording.parent() {
        std::fs::create_dir_all(folder).map_err(fail)?;
    }
    if recording.exists() {
        return Err(StoreError::Exists { path: recording });
    }
    let now = Stamp::now();
    let header = Header { created_utc_ns: now.utc_ns, created_host_ns: now.host_ns, ..header.clone() };
    create(&naming::journal_path(&recording), &header)
}
