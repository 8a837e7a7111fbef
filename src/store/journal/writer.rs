//! Appends records to a journal file: one `write` each, space allocated ahead, durable when told to.

use super::durable::{Durable, Tail};
use super::frame::{self, Identity};
use super::record::{Header, Record};
use super::{codec, parts};
use crate::emg::units::wide;
use crate::store::StoreError;
use crate::store::naming::hidden_twin;
use rustix::fs::{FallocateFlags, RenameFlags};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Space kept allocated beyond the end, so that a full disk is noticed while there is still room.
pub const AHEAD_BYTES: u64 = 16 * 1024 * 1024;
/// Whether the group may read is the process's mask's business.
const MODE: u32 = 0o640;
/// On a small disk no more than one part in so many of what is free.
pub const AHEAD_SHARE: u64 = 20;

/// An open journal. The lock belongs to this value: whoever finds it free knows that the recorder is gone.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    /// The part being written.
    part: u32,
    disk: Arc<Durable>,
    /// The part others find locked, once another is written.
    first: Option<Arc<Durable>>,
    header: Header,
    identity: Identity,
    tail: Tail,
    sequence: u64,
    length: u64,
    allocated: u64,
    ahead: u64,
    buffer: Vec<u8>,
}

impl Journal {
    /// Creates the journal under a hidden name, locks it, syncs its header and publishes it as `path`, all of it durable.
    ///
    /// The publication never replaces a file, so it also claims the name (and the run number) of the recording.
    pub fn create(path: &Path, header: &Header) -> Result<Self, StoreError> {
        let journal = Self::begin(path, header)?;
        let durable = journal.disk.sync();
        durable.map_err(|source| {
            // Nothing is in it yet, and its name may be wanted.
            let _ = std::fs::remove_file(path);
            StoreError::Create { path: path.to_owned(), source }
        })?;
        Ok(journal)
    }

    /// The same, not durable before its first sync: rows that wait for a slow disk are lost to a kill.
    pub fn begin(path: &Path, header: &Header) -> Result<Self, StoreError> {
        let fail = |source: std::io::Error| match source.kind() {
            std::io::ErrorKind::AlreadyExists => StoreError::Exists { path: path.to_owned() },
            _ => StoreError::Create { path: path.to_owned(), source },
        };
        let identity = Identity { recording_id: header.recording_id, segment: header.segment };
        let mut first = Vec::new();
        framed(identity, 0, &Record::Header(Box::new(header.clone())), &mut first);
        let file = publish_part(path, &first, false).map_err(fail)?;
        let mut journal = Self {
            path: path.to_owned(),
            part: 1,
            disk: Arc::new(Durable::fresh(file, path, (1, 1))),
            first: None,
            header: header.clone(),
            identity,
            tail: Tail::default(),
            sequence: 1,
            length: wide(first.len()),
            allocated: 0,
            ahead: AHEAD_BYTES.min(free_bytes(path).unwrap_or(u64::MAX) / AHEAD_SHARE),
            buffer: Vec::new(),
        };
        journal.allocate_ahead();
        Ok(journal)
    }

    /// Leaves a file whose sync failed: the next part gets everything since the last sync that succeeded, durably.
    /// Says whether some of that was no longer in memory. On failure the newest part there is is written on, and as
    /// little trusted as the one before.
    pub fn renew(&mut self) -> Result<bool, StoreError> {
        let path = parts::path(&self.path, self.part + 1);
        let mut bytes = Vec::new();
        framed(self.identity, 0, &Record::Header(Box::new(self.header.clone())), &mut bytes);
        let (tail, forgotten) = self.tail.since(self.disk.synced());
        bytes.extend(tail);
        let fail = |source| StoreError::Create { path: path.clone(), source };
        let file = publish_part(&path, &bytes, true).map_err(fail)?;
        // From here on readers may have turned to it, so there is no way back.
        let next = Durable::fresh(file, &path, (self.disk.synced(), self.sequence));
        let old = std::mem::replace(&mut self.disk, Arc::new(next));
        self.first.get_or_insert(old);
        self.part += 1;
        (self.length, self.allocated) = (wide(bytes.len()), 0);
        self.disk.sync().map_err(fail)?;
        self.allocate_ahead();
        Ok(forgotten)
    }

    /// Appends a record with one `write`. After an error the file ends where it ended before, or in a torn
    /// frame that readers skip.
    pub fn append(&mut self, record: &Record) -> Result<(), StoreError> {
        self.write(record).map_err(|source| StoreError::Write { path: self.path.clone(), source })
    }

    fn write(&mut self, record: &Record) -> std::io::Result<()> {
        self.buffer.clear();
        framed(self.identity, self.sequence, record, &mut self.buffer);
        if let Err(error) = self.disk.file.write_all_at(&self.buffer, self.length) {
            // A half-written frame would only cost the next reader a scan; try to leave none.
            let _ = self.disk.file.set_len(self.length);
            self.allocated = self.length;
            return Err(error);
        }
        self.length += wide(self.buffer.len());
        self.tail.push(self.sequence, &self.buffer, self.disk.synced());
        self.sequence += 1;
        self.disk.wrote(self.sequence);
        self.allocate_ahead();
        Ok(())
    }

    /// Keeps space allocated; file systems that cannot are left alone.
    fn allocate_ahead(&mut self) {
        if self.ahead == 0 || self.length + self.ahead / 2 <= self.allocated {
            return;
        }
        let from = self.allocated.max(self.length);
        match rustix::fs::fallocate(&self.disk.file, FallocateFlags::KEEP_SIZE, from, self.ahead) {
            Ok(()) => self.allocated = from + self.ahead,
            Err(rustix::io::Errno::NOSPC) => {}
            Err(_) => self.ahead = 0,
        }
    }

    /// Whether the space ahead could not be allocated: the disk is nearly full.
    #[must_use]
    pub fn is_short_of_space(&self) -> bool {
        self.ahead > 0 && self.allocated < self.length + self.ahead / 2
    }

    /// What the thread that syncs needs of the part being written.
    #[must_use]
    pub fn durable(&self) -> Arc<Durable> {
        self.disk.clone()
    }

    /// Everything appended so far is on the disk when this returns.
    pub fn sync(&self) -> Result<(), StoreError> {
        self.disk.sync().map_err(|source| StoreError::Write { path: self.path.clone(), source })
    }

    /// Whether a sync of the part being written failed: then it is time to [`renew`](Self::renew).
    #[must_use]
    pub fn is_doubted(&self) -> bool {
        self.disk.is_doubted()
    }

    /// Bytes of the part being written.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Appends one record's frame to `out`.
fn framed(identity: Identity, sequence: u64, record: &Record, out: &mut Vec<u8>) {
    let (kind, payload) = codec::encode(record);
    frame::encode(identity, sequence, kind, &payload, out);
}

/// Creates a file with `bytes` in it under a hidden name, locks it, makes them `durable` where that is wanted, and
/// publishes it as `path`.
fn publish_part(path: &Path, bytes: &[u8], durable: bool) -> std::io::Result<File> {
    let hidden = hidden_twin(path);
    let mut options = OpenOptions::new();
    let file = options.read(true).write(true).create_new(true).mode(MODE).open(&hidden)?;
    let published = file
        .try_lock()
        .map_err(std::io::Error::from)
        .and_then(|()| file.write_all_at(bytes, 0))
        .and_then(|()| if durable { file.sync_all() } else { Ok(()) })
        .and_then(|()| publish(&hidden, path));
    if let Err(error) = published {
        let _ = std::fs::remove_file(&hidden);
        return Err(error);
    }
    Ok(file)
}

/// Appends [`Record::Sealed`] to a finished journal and makes it durable, without the writer's state.
pub(in crate::store) fn append_sealed(path: &Path, identity: Identity, sequence: u64) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    framed(identity, sequence, &Record::Sealed, &mut bytes);
    let mut file = OpenOptions::new().append(true).open(path)?;
    file.write_all(&bytes)?;
    file.sync_data()
}

/// Gives `hidden` its public name unless that name is taken.
pub(in crate::store) fn publish(hidden: &Path, path: &Path) -> std::io::Result<()> {
    match rustix::fs::renameat_with(rustix::fs::CWD, hidden, rustix::fs::CWD, path, RenameFlags::NOREPLACE) {
        // Some network file systems know no exclusive rename; a hard link is as exclusive.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => {
            std::fs::hard_link(hidden, path)?;
            std::fs::remove_file(hidden)
        }
        result => Ok(result?),
    }
}

/// Makes the entries of the folder that holds `path` durable.
pub(in crate::store) fn sync_folder(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

/// Free bytes for this user on the file system of `path` or its nearest existing parent.
#[must_use]
pub fn free_bytes(path: &Path) -> Option<u64> {
    let existing = path.ancestors().find(|p| p.exists()).unwrap_or(Path::new("."));
    let stat = rustix::fs::statvfs(existing).ok()?;
    Some(stat.f_bavail.saturating_mul(stat.f_frsize))
}
