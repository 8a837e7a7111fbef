//! Reads a journal from its beginning: while it grows, or to the end of what a crash left behind.

use super::frame::{self, Frame, Identity, Parsed};
use super::record::{Header, Record};
use super::{codec, parts};
use crate::emg::units::wide;
use crate::emg::{RawBlock, SampleType};
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
    /// The part being read.
    part: u32,
    header: Header,
    /// The header is not this journal's own.
    pub header_is_lost: bool,
    identity: Identity,
    next_sequence: u64,
    source: Bytes,
    /// The next part, once it is there.
    next: Option<Part>,
    /// Bytes from the beginning of a half frame to the end of an ended journal, unless a whole one follows.
    torn_bytes: u64,
    /// Bytes that were no frame of this journal.
    pub skipped_bytes: u64,
    /// Whole records of types this version does not know, or whose payload it cannot read.
    pub unknown_records: u64,
    /// Records missing from the sequence.
    pub missing_records: u64,
}

/// A file's bytes as far as they were read, and where the reader is in them.
#[derive(Debug)]
struct Bytes {
    file: File,
    buffer: Vec<u8>,
    at: usize,
    /// File offset of the end of the buffer.
    read_to: u64,
}

/// A part that goes on where another is not to be trusted.
#[derive(Debug)]
struct Part {
    bytes: Bytes,
    /// Its first record; what the part before it holds from there on is not read.
    first: Option<u64>,
}

impl Follower {
    /// Opens a journal and reads its header; a journal whose header is damaged cannot be projected, unless a later part
    /// repeats it.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let second = parts::path(path, 2);
        match Self::open_part(path, path, 1) {
            Err(StoreError::NotAJournal { .. }) if second.exists() => Self::open_part(path, &second, 2),
            result => result,
        }
    }

    /// Opens a journal whose header is lost under one that is known from elsewhere: `find` is told whose records these are
    /// and the first rows among them. None where no record is whole, or no header is known.
    pub fn open_torn(
        path: &Path,
        find: impl FnOnce(Identity, Option<&RawBlock>) -> Option<Header>,
    ) -> Result<Option<Self>, StoreError> {
        let fail = |source| StoreError::Open { path: path.to_owned(), source };
        let Some((identity, _)) = first_of(path, |_| true).map_err(fail)? else { return Ok(None) };
        // The header was the first record, and is missing.
        let open = |header| Self::under(header, (identity, 1), path, 1, Bytes::open(path).map_err(fail)?);
        let mut look = open(Header::of(Vec::new(), SampleType::I16))?;
        let first = loop {
            match look.step(true)? {
                Step::Record(Record::Rows(block)) => break Some(block),
                Step::Record(_) | Step::Skipped => {}
                Step::Waiting => break None,
            }
        };
        let Some(header) = find(identity, first.as_ref()) else { return Ok(None) };
        Ok(Some(Self { header_is_lost: true, ..open(header)? }))
    }

    fn open_part(path: &Path, file: &Path, part: u32) -> Result<Self, StoreError> {
        let fail = |source| StoreError::Open { path: path.to_owned(), source };
        let mut source = Bytes::open(file).map_err(fail)?;
        while matches!(frame::parse(source.rest()), Parsed::Partial) && source.more().map_err(fail)? {}
        let Parsed::Whole(found, used) = frame::parse(source.rest()) else {
            return Err(StoreError::NotAJournal { path: path.to_owned() });
        };
        if found.version > frame::JOURNAL_VERSION {
            return Err(StoreError::NewerJournal { path: path.to_owned(), version: found.version });
        }
        let Ok(Some(Record::Header(header))) = codec::decode(found.kind, found.payload) else {
            return Err(StoreError::NotAJournal { path: path.to_owned() });
        };
        let behind = (found.identity, found.sequence.saturating_add(1));
        source.at += used;
        Self::under(*header, behind, path, part, source)
    }

    /// A reader of what follows a header: whose records, and the next of them.
    fn under(
        header: Header,
        (identity, next_sequence): (Identity, u64),
        path: &Path,
        part: u32,
        source: Bytes,
    ) -> Result<Self, StoreError> {
        let mut follower = Self {
            path: path.to_owned(),
            part,
            header,
            header_is_lost: false,
            identity,
            next_sequence,
            source,
            next: None,
            torn_bytes: 0,
            skipped_bytes: 0,
            unknown_records: 0,
            missing_records: 0,
        };
        follower.look_for_next()?;
        Ok(follower)
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
            let first_of_next = self.next.as_ref().and_then(|part| part.first);
            if first_of_next.is_some_and(|first| self.next_sequence >= first) {
                self.turn_over()?;
                continue;
            }
            match frame::parse(self.source.rest()) {
                Parsed::Whole(found, used) => {
                    let (sequence, own) = (found.sequence, found.identity == self.identity);
                    if own && first_of_next.is_some_and(|first| sequence >= first) {
                        self.turn_over()?;
                        continue;
                    }
                    let record = codec::decode(found.kind, found.payload);
                    self.source.at += used;
                    if !own || sequence < self.next_sequence {
                        // A later part repeats what an earlier one may have lost.
                        let repeated = own && self.part > 1;
                        self.skipped_bytes += if repeated { 0 } else { wide(used) };
                        continue;
                    }
                    self.torn_bytes = 0;
                    self.missing_records += sequence - self.next_sequence;
                    self.next_sequence = sequence.saturating_add(1);
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
                    if self.next.is_some() {
                        self.turn_over()?;
                        continue;
                    }
                    // What was written before the next part appeared is read first.
                    if self.look_for_next()? {
                        continue;
                    }
                    if ended && !self.source.rest().is_empty() {
                        self.torn_bytes = self.torn_bytes.max(wide(self.source.rest().len()));
                        self.skip();
                        continue;
                    }
                    self.source.forget_rest();
                    return Ok(Step::Waiting);
                }
                Parsed::Damaged => self.skip(),
            }
        }
    }

    /// Moves to the next place where a frame may begin.
    fn skip(&mut self) {
        let by = frame::next_candidate(self.source.rest());
        self.skipped_bytes += wide(by);
        self.source.at += by;
    }

    fn more(&mut self) -> Result<bool, StoreError> {
        self.source.more().map_err(|source| StoreError::Open { path: self.path.clone(), source })
    }

    /// Whether there is a part after this one.
    fn look_for_next(&mut self) -> Result<bool, StoreError> {
        let path = parts::path(&self.path, self.part + 1);
        if self.next.is_none() && path.exists() {
            let part = Part::open(&path, self.identity);
            self.next = Some(part.map_err(|source| StoreError::Open { path, source })?);
        }
        Ok(self.next.is_some())
    }

    /// Goes on in the next part.
    fn turn_over(&mut self) -> Result<(), StoreError> {
        if let Some(part) = self.next.take() {
            self.source = part.bytes;
            self.part += 1;
            self.torn_bytes = 0;
        }
        self.look_for_next().map(drop)
    }
}

impl Part {
    fn open(path: &Path, identity: Identity) -> std::io::Result<Self> {
        // Its header is a copy of the first part's.
        let first = first_of(path, |found| found.identity == identity && found.sequence > 0)?;
        Ok(Self { bytes: Bytes::open(path)?, first: first.map(|(_, sequence)| sequence) })
    }
}

/// Whose the first whole frame of a file is that is as it should be, and which of them.
fn first_of(path: &Path, fits: impl Fn(&Frame<'_>) -> bool) -> std::io::Result<Option<(Identity, u64)>> {
    let mut scan = Bytes::open(path)?;
    loop {
        let by = match frame::parse(scan.rest()) {
            Parsed::Whole(found, _) if fits(&found) => return Ok(Some((found.identity, found.sequence))),
            Parsed::Whole(_, used) => used,
            Parsed::Partial => 0,
            Parsed::Damaged => frame::next_candidate(scan.rest()),
        };
        scan.at += by;
        if by == 0 && !scan.more()? {
            if scan.rest().is_empty() {
                return Ok(None);
            }
            scan.at += frame::next_candidate(scan.rest());
        }
    }
}

impl Bytes {
    fn open(path: &Path) -> std::io::Result<Self> {
        Ok(Self { file: File::open(path)?, buffer: Vec::new(), at: 0, read_to: 0 })
    }

    fn rest(&self) -> &[u8] {
        &self.buffer[self.at..]
    }

    /// A half frame may be taken back and written anew: it is read again, not remembered.
    fn forget_rest(&mut self) {
        self.read_to -= wide(self.buffer.len() - self.at);
        self.buffer.truncate(self.at);
    }

    /// Reads on; false at the end of what there is.
    fn more(&mut self) -> std::io::Result<bool> {
        self.buffer.drain(..self.at);
        self.at = 0;
        let start = self.buffer.len();
        self.buffer.resize(start + READ_BYTES, 0);
        let got = loop {
            match self.file.read_at(&mut self.buffer[start..], self.read_to) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                result => break result,
            }
        };
        let read = *got.as_ref().unwrap_or(&0);
        self.buffer.truncate(start + read);
        self.read_to += wide(read);
        got.map(|read| read > 0)
    }
}
