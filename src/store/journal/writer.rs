//! Appends records to a journal file: one `write` each, space allocated ahead, durable when told to.

use super::codec;
use super::frame::{self, Identity};
use super::record::{Header, Record};
use crate::emg::units::wide;
use crate::store::StoreError;
use rustix::fs::{FallocateFlags, RenameFlags};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Space kept allocated beyond the end, so that a full disk is noticed while there is still room.
const AHEAD_BYTES: u64 = 16 * 1024 * 1024;
/// On a small disk no more than this share of what is free.
const AHEAD_SHARE: u64 = 20;

/// An open journal. The lock belongs to this value: whoever finds it free knows that the recorder is gone.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    identity: Identity,
    sequence: u64,
    length: u64,
    allocated: u64,
    ahead: u64,
    buffer: Vec<u8>,
}

impl Journal {
    /// Creates the journal under a hidden name, locks it, syncs its header and publishes it as `path`.
    ///
    /// The publication never replaces a file, so it also claims the name (and the run number) of the recording.
    pub fn create(path: &Path, header: &Header) -> Result<Self, StoreError> {
        let fail = |source: std::io::Error| match source.kind() {
            std::io::ErrorKind::AlreadyExists => StoreError::Exists { path: path.to_owned() },
            _ => StoreError::Create { path: path.to_owned(), source },
        };
        let hidden = hidden_twin(path);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&hidden)
            .map_err(fail)?;
        let mut journal = Self {
            path: path.to_owned(),
            file,
            identity: Identity { recording_id: header.recording_id, segment: header.segment },
            sequence: 0,
            length: 0,
            allocated: 0,
            ahead: AHEAD_BYTES.min(free_bytes(path).unwrap_or(u64::MAX) / AHEAD_SHARE),
            buffer: Vec::new(),
        };
        let published = journal
            .file
            .try_lock()
            .map_err(std::io::Error::from)
            .and_then(|()| journal.write(&Record::Header(Box::new(header.clone()))))
            .and_then(|()| journal.file.sync_all())
            .and_then(|()| publish(&hidden, path))
            .and_then(|()| sync_folder(path));
        if let Err(source) = published {
            let _ = std::fs::remove_file(&hidden);
            return Err(fail(source));
        }
        Ok(journal)
    }

    /// Appends a record with one `write`. After an error the file ends where it ended before, or in a torn
    /// frame that readers skip.
    pub fn append(&mut self, record: &Record) -> Result<(), StoreError> {
        self.write(record).map_err(|source| StoreError::Write { path: self.path.clone(), source })
    }

    fn write(&mut self, record: &Record) -> std::io::Result<()> {
        let (kind, payload) = codec::encode(record);
        self.buffer.clear();
        frame::encode(self.identity, self.sequence, kind, &payload, &mut self.buffer);
        if let Err(error) = self.file.write_all_at(&self.buffer, self.length) {
            // A half-written frame would only cost the next reader a scan; try to leave none.
            let _ = self.file.set_len(self.length);
            self.allocated = self.length;
            return Err(error);
        }
        self.length += wide(self.buffer.len());
        self.sequence += 1;
        self.allocate_ahead();
        Ok(())
    }

    /// Keeps space allocated; file systems that cannot are left alone.
    fn allocate_ahead(&mut self) {
        if self.ahead == 0 || self.length + self.ahead / 2 <= self.allocated {
            return;
        }
        let from = self.allocated.max(self.length);
        match rustix::fs::fallocate(&self.file, FallocateFlags::KEEP_SIZE, from, self.ahead) {
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

    /// A second handle for the thread that syncs.
    pub fn sync_handle(&self) -> std::io::Result<File> {
        self.file.try_clone()
    }

    /// Everything appended so far is on the disk when this returns.
    pub fn sync(&self) -> Result<(), StoreError> {
        self.file.sync_data().map_err(|source| StoreError::Write { path: self.path.clone(), source })
    }

    /// Bytes appended.
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

/// Appends [`Record::Sealed`] to a finished journal and makes it durable, without the writer's state.
pub(in crate::store) fn append_sealed(path: &Path, identity: Identity, sequence: u64) -> std::io::Result<()> {
    let (kind, payload) = codec::encode(&Record::Sealed);
    let mut bytes = Vec::new();
    frame::encode(identity, sequence, kind, &payload, &mut bytes);
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

/// A name beside `path` that nobody else uses.
pub(in crate::store) fn hidden_twin(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}", uuid::Uuid::new_v4().simple()))
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
