//! What of a journal is on the disk for certain: one descriptor, shared by who writes and who syncs, and the frames
//! that no sync has covered yet.

use super::writer::sync_folder;
use crate::emg::units::wide;
use std::collections::VecDeque;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Frames kept in memory until a sync covers them: at 64 channels x 4 kHz a minute of a disk that does not answer.
pub const TAIL_BYTES: u64 = 32 * 1024 * 1024;

/// A journal's descriptor and how much of it is durable. A sync that failed once is never believed again: the kernel
/// reports lost pages once and calls them clean from then on.
#[derive(Debug)]
pub struct Durable {
    pub(super) file: File,
    /// Sequence number after the newest record written.
    written: AtomicU64,
    /// Sequence number after the newest record a sync covered.
    synced: AtomicU64,
    doubted: AtomicBool,
    path: PathBuf,
    /// Its name is on the disk, too.
    named: AtomicBool,
    syncing: Mutex<()>,
}

impl Durable {
    /// A file that was just published as `path` with the records below `written` in it, of which no sync has covered
    /// those from `synced` on.
    pub(super) fn fresh(file: File, path: &Path, (synced, written): (u64, u64)) -> Self {
        Self {
            file,
            written: AtomicU64::new(written),
            synced: AtomicU64::new(synced),
            doubted: AtomicBool::new(false),
            path: path.to_owned(),
            named: AtomicBool::new(false),
            syncing: Mutex::new(()),
        }
    }

    /// Everything written before this call is on the disk when it returns `Ok`; an error ends all trust.
    pub fn sync(&self) -> std::io::Result<()> {
        // Of two syncs at once the kernel tells only one that it failed.
        let _alone = self.syncing.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_doubted() {
            return Err(std::io::Error::other("an earlier sync of this file failed"));
        }
        let upto = self.written.load(Ordering::Acquire);
        match self.sync_all() {
            Ok(()) => {
                self.synced.fetch_max(upto, Ordering::AcqRel);
                Ok(())
            }
            Err(error) => {
                self.doubted.store(true, Ordering::Release);
                Err(error)
            }
        }
    }

    fn sync_all(&self) -> std::io::Result<()> {
        if self.named.load(Ordering::Acquire) {
            return self.file.sync_data();
        }
        self.file.sync_all()?;
        sync_folder(&self.path)?;
        self.named.store(true, Ordering::Release);
        Ok(())
    }

    /// Whether everything written is durable.
    #[must_use]
    pub fn is_synced(&self) -> bool {
        self.named.load(Ordering::Acquire) && self.synced() >= self.written.load(Ordering::Acquire)
    }

    /// Whether a sync failed.
    #[must_use]
    pub fn is_doubted(&self) -> bool {
        self.doubted.load(Ordering::Acquire)
    }

    /// As if a sync had failed.
    #[cfg(test)]
    pub(super) fn doubt(&self) {
        self.doubted.store(true, Ordering::Release);
    }

    pub(super) fn wrote(&self, next_sequence: u64) {
        self.written.store(next_sequence, Ordering::Release);
    }

    pub(super) fn synced(&self) -> u64 {
        self.synced.load(Ordering::Acquire)
    }
}

/// Frames that may not be on the disk yet, oldest first.
#[derive(Debug, Default)]
pub(super) struct Tail {
    frames: VecDeque<(u64, Vec<u8>)>,
    bytes: u64,
}

impl Tail {
    /// Keeps a frame and forgets those a sync has covered; beyond the bound, the oldest.
    pub(super) fn push(&mut self, sequence: u64, frame: &[u8], synced: u64) {
        self.frames.push_back((sequence, frame.to_vec()));
        self.bytes += wide(frame.len());
        while let Some((first, oldest)) = self.frames.front()
            && (*first < synced || self.bytes > TAIL_BYTES)
        {
            self.bytes -= wide(oldest.len());
            self.frames.pop_front();
        }
    }

    /// The frames from `synced` on, and whether older ones of those had to be forgotten.
    pub(super) fn since(&self, synced: u64) -> (Vec<u8>, bool) {
        let kept = self.frames.iter().skip_while(|(sequence, _)| *sequence < synced);
        let whole = kept.clone().next().is_none_or(|(sequence, _)| *sequence == synced);
        (kept.flat_map(|(_, frame)| frame.iter().copied()).collect(), !whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_sync_covered_is_forgotten_and_the_rest_is_bounded() {
        let mut tail = Tail::default();
        for sequence in 0..10 {
            tail.push(sequence, &[u8::try_from(sequence).unwrap(); 3], 4);
        }
        assert_eq!(tail.since(8), (vec![8, 8, 8, 9, 9, 9], false));
        assert_eq!(tail.since(4).0.len(), 18);
        let megabyte = vec![0; 1 << 20];
        for sequence in 10..60 {
            tail.push(sequence, &megabyte, 4);
        }
        let (kept, forgotten) = tail.since(4);
        assert!(forgotten && wide(kept.len()) <= TAIL_BYTES);
    }

    #[test]
    fn a_failed_sync_is_never_forgiven() {
        // A pipe cannot be synced: the kernel says EINVAL.
        let (read, _write) = std::io::pipe().unwrap();
        let durable = Durable::fresh(File::from(std::os::fd::OwnedFd::from(read)), Path::new("a"), (3, 3));
        durable.wrote(7);
        assert!(durable.sync().is_err() && durable.is_doubted());
        assert_eq!(durable.synced(), 3, "nothing became durable by it");
        assert!(durable.sync().is_err());
    }
}
