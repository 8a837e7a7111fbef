//! Reads a journal from its beginning: while it grows, or to the end of what a crash left behind.

use super::codec;
use super::frame::{self, Identity, Parsed};
use super::record::{Header, Record};
use crate::emg::units::wide;
use crate::store::StoreError;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Bytes asked of the file at a time.
const READ_BYTES: usize = 256 * 1024;

/// What the next bytes were.
#[derive(Debug)]
pub enum Step {
    /// A record.
    Record(Record),
    /// Records that could not be read: damaged bytes, a break in the sequence, or types of a newer version.
    Skipped,
    /// Nothing more for now.
    Waiting,
}

/// A reader that remembers where it is.
#[derive(Debug)]
pub struct Follower {
    path: PathBuf,
    file: File,
    header: Header,
    identity: Identity,
    next_sequence: u64,
    buffer: Vec<u8>,
    at: usize,
    /// File offset of the end of the buffer.
    read_to: u64,
    /// Bytes from the beginning of a half frame to the end of an ended journal, unless a whole one follows.
    torn_bytes: u64,
    /// Bytes that were no frame of this journal.
    pub skipped_bytes: u64,
    /// Whole records of types this version does not know, or whose payload it cannot read.
    pub unknown_records: u64,
    /// Records missing from the sequence.
    pub missing_records: u64,
}

impl Follower {
    /// Opens a journal and reads its header; a journal whose header is damaged cannot be projected.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let fail = |source| StoreError::Open { path: path.to_owned(), source };
        let file = File::open(path).map_err(fail)?;
        let mut buffer = Vec::new();
        let mut read_to = 0;
        while matches!(frame::parse(&buffer), Parsed::Partial) {
            if read_more(&file, &mut read_to, &mut buffer).map_err(fail)? == 0 {
                break;
            }
        }
        let Parsed::Whole(found, used) = frame::parse(&buffer) else {
            return Err(StoreError::NotAJournal { path: path.to_owned() });
        };
        if found.version > frame::JOURNAL_VERSION {
            return Err(StoreError::NewerJournal { path: path.to_owned(), version: found.version });
        }
        let Ok(Some(Record::Header(header))) = codec::decode(found.kind, found.payload) else {
            return Err(StoreError::NotAJournal { path: path.to_owned() });
        };
        Ok(Self {
            path: path.to_owned(),
            header: *header,
            identity: found.identity,
            next_sequence: found.sequence + 1,
            file,
            buffer,
            at: used,
            read_to,
            torn_bytes: 0,
            skipped_bytes: 0,
            unknown_records: 0,
            missing_records: 0,
        })
    }

    /// The header.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Recording and segment.
    #[must_use]
    pub fn identity(&self) -> Identity {
        self.identity
    }

    /// The sequence number a further record would have.
    #[must_use]
    pub fn next_sequence(&self) -> u64 {
        self.next_sequence
    }

    /// Bytes that could not be read, a torn last record left out: that much every crash may cost.
    #[must_use]
    pub fn damaged_bytes(&self) -> u64 {
        self.skipped_bytes.saturating_sub(self.torn_bytes)
    }

    /// The next record. With `ended`, nobody writes any more: a half frame at the end is damage, not patience.
    pub fn step(&mut self, ended: bool) -> Result<Step, StoreError> {
        loop {
            let rest = &self.buffer[self.at..];
            match frame::parse(rest) {
                Parsed::Whole(found, used) => {
                    let own = found.identity == self.identity && found.sequence >= self.next_sequence;
                    let record = codec::decode(found.kind, found.payload);
                    let sequence = found.sequence;
                    self.at += used;
                    if !own {
                        self.skipped_bytes += wide(used);
                        continue;
                    }
                    self.torn_bytes = 0;
                    self.missing_records += sequence - self.next_sequence;
                    self.next_sequence = sequence + 1;
                    if let Ok(Some(record)) = record {
                        return Ok(Step::Record(record));
                    }
                    self.unknown_records += 1;
                    return Ok(Step::Skipped);
                }
                Parsed::Partial => {
                    if self.more()? {
                        continue;
                    }
                    if ended && self.at < self.buffer.len() {
                        self.torn_bytes = self.torn_bytes.max(wide(self.buffer.len() - self.at));
                        self.skip();
                        continue;
                    }
                    // A half frame may be taken back and written anew: it is read again, not remembered.
                    self.read_to -= wide(self.buffer.len() - self.at);
                    self.buffer.truncate(self.at);
                    return Ok(Step::Waiting);
                }
                Parsed::Damaged => self.skip(),
            }
        }
    }

    /// Moves to the next place where a frame may begin.
    fn skip(&mut self) {
        let by = frame::next_candidate(&self.buffer[self.at..]);
        self.skipped_bytes += wide(by);
        self.at += by;
    }

    fn more(&mut self) -> Result<bool, StoreError> {
        self.buffer.drain(..self.at);
        self.at = 0;
        let got = read_more(&self.file, &mut self.read_to, &mut self.buffer)
            .map_err(|source| StoreError::Open { path: self.path.clone(), source })?;
        Ok(got > 0)
    }
}

fn read_more(file: &File, read_to: &mut u64, buffer: &mut Vec<u8>) -> std::io::Result<usize> {
    let start = buffer.len();
    buffer.resize(start + READ_BYTES, 0);
    let got = loop {
        match file.read_at(&mut buffer[start..], *read_to) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            result => break result,
        }
    };
    let read = *got.as_ref().unwrap_or(&0);
    buffer.truncate(start + read);
    *read_to += wide(read);
    got
}
