//! A journal as a crash, a bad disk or a newer program may leave it: read twice alike, while it grows as afterwards, and
//! never more out of it than bytes went in.

use crc::{CRC_32_ISCSI, Crc, Table};
use myograph::emg::units::{index, wide};
use myograph::emg::{RawBlock, SampleType};
use myograph::store::journal::frame::{CRC_BYTES, HEAD_BYTES, MAGIC};
use myograph::store::journal::{Follower, Header, Record, Step, codec, parts};
use std::fs;
use std::path::Path;

const CRC: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISCSI);
/// What stands between two parts of a journal in one input.
const PART: &[u8] = b"\n-- next part --\n";
/// More parts than this tell nothing new.
const MOST_PARTS: usize = 3;
/// No record is smaller than its frame.
const LEAST: usize = HEAD_BYTES + CRC_BYTES;

/// The bytes as they are, and again with every checksum made to fit.
pub(crate) fn journal(bytes: &[u8]) {
    let Ok(folder) = tempfile::tempdir() else { return };
    let path = folder.path().join("sub-01_task-free_run-01_emg.wal");
    let files = pieces(bytes);
    let fitting: Vec<Vec<u8>> = files.iter().map(|file| mended(file)).collect();
    read_and_check(&path, &files);
    read_and_check(&path, &fitting.iter().map(Vec::as_slice).collect::<Vec<_>>());
}

fn pieces(bytes: &[u8]) -> Vec<&[u8]> {
    let (mut files, mut rest) = (Vec::new(), bytes);
    while files.len() + 1 < MOST_PARTS
        && let Some(at) = rest.windows(PART.len()).position(|window| window == PART)
    {
        files.push(&rest[..at]);
        rest = &rest[at + PART.len()..];
    }
    files.push(rest);
    files
}

/// Wherever a frame seems to begin, with the checksum that fits it.
fn mended(file: &[u8]) -> Vec<u8> {
    let (mut file, mut at) = (file.to_vec(), 0);
    while let Some(found) = file[at..].windows(MAGIC.len()).position(|window| window == MAGIC) {
        at += found;
        let Some(length) = file.get(at + 8..at + 12).and_then(|bytes| bytes.first_chunk().copied()) else {
            break;
        };
        let end = at.saturating_add(HEAD_BYTES).saturating_add(index(u64::from(u32::from_le_bytes(length))));
        if end.saturating_add(CRC_BYTES) > file.len() {
            at += MAGIC.len();
            continue;
        }
        let check = CRC.checksum(&file[at..end]);
        file[end..end + CRC_BYTES].copy_from_slice(&check.to_le_bytes());
        at = end + CRC_BYTES;
    }
    file
}

/// What a journal gave.
struct Told {
    records: Vec<Record>,
    steps: usize,
    damaged: u64,
    next: u64,
}

fn read_and_check(path: &Path, files: &[&[u8]]) {
    for (part, file) in (1..).zip(files) {
        if fs::write(parts::path(path, part), file).is_err() {
            return;
        }
    }
    let Some(told) = read(path) else { return };
    let again = read(path);
    let words = |told: &Told| format!("{:?} {} {}", told.records, told.damaged, told.next);
    assert_eq!(Some(words(&told)), again.as_ref().map(words), "read again");
    let bytes: usize = files.iter().map(|file| file.len()).sum();
    assert!(told.steps * LEAST <= bytes, "{} records of {bytes} bytes", told.steps);
    assert!(told.damaged <= wide(bytes), "{} damaged of {bytes} bytes", told.damaged);
    let values = |record: &Record| if let Record::Rows(block) = record { 2 * block.samples.len() } else { 0 };
    assert!(told.records.iter().map(values).sum::<usize>() <= bytes);
    for record in &told.records {
        let (kind, payload) = codec::encode(record);
        let back = codec::decode(kind, &payload).ok().flatten();
        assert_eq!(format!("{back:?}"), format!("{:?}", Some(record)), "written and read");
    }
    if let [file] = files {
        grow(path, file, &told.records);
    }
}

/// All of a journal nobody writes any more, under another header where its own is lost; none where no record is whole.
fn read(path: &Path) -> Option<Told> {
    let other = |_, first: Option<&RawBlock>| {
        let (sample, ty) =
            first.map_or((0, SampleType::I16), |first| (first.sample, first.samples.sample_type()));
        Some(Header { first_row: sample, ..Header::of(Vec::new(), ty) })
    };
    let torn = || Follower::open_torn(path, other).ok().flatten();
    let mut follower = Follower::open(path).ok().or_else(torn)?;
    let (mut records, mut steps) = (Vec::new(), 0);
    while follow(&mut follower, true, &mut records) {
        steps += 1;
    }
    let (damaged, next) = (follower.damaged_bytes(), follower.next_sequence());
    Some(Told { records, steps, damaged, next })
}

/// Takes a step; false where there is nothing more for now.
fn follow(follower: &mut Follower, ended: bool, records: &mut Vec<Record>) -> bool {
    match follower.step(ended) {
        Ok(Step::Record(record)) => records.push(record),
        Ok(Step::Skipped) => {}
        Ok(Step::Waiting) | Err(_) => return false,
    }
    true
}

/// Reads the journal at three times of its growth; nothing but the end of it may be told otherwise than later.
fn grow(path: &Path, file: &[u8], later: &[Record]) {
    let mut records = Vec::new();
    let mut follower: Option<Follower> = None;
    for length in [file.len() / 2, file.len() * 3 / 4, file.len()] {
        if fs::write(path, &file[..length]).is_err() {
            return;
        }
        follower = follower.or_else(|| Follower::open(path).ok());
        let Some(follower) = &mut follower else { continue };
        while follow(follower, false, &mut records) {}
    }
    let (records, later) = (format!("{records:?}"), format!("{later:?}"));
    assert!(later.starts_with(records.trim_end_matches(']')), "{records} while it grew, {later} later");
}
