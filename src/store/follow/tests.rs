//! Stories of what a power cut leaves of a border between two segments.

use super::*;
use crate::emg::SampleType;
use crate::store::journal::{Header, Journal, Record};
use crate::store::projector::tests::{Story, header};

/// A recording that handed over to its second segment.
fn handed_over(out: &Path) -> (PathBuf, PathBuf, Header, u64) {
    let mut header = header(SampleType::I16);
    header.entities.split = Some(1);
    let path = |split| {
        let names = crate::store::journal::Entities { split: Some(split), ..header.entities.clone() };
        naming::journal_path(&naming::recording_path(out, &names))
    };
    let (first, second) = (path(1), path(2));
    std::fs::create_dir_all(first.parent().unwrap()).unwrap();
    let story = Story::afternoon(header.clone());
    let mut journal = Journal::create(&first, &header).unwrap();
    for record in story.records.iter().filter(|record| !matches!(record, Record::End { .. })) {
        journal.append(record).unwrap();
    }
    journal.append(&Record::Handover { next_row: story.row }).unwrap();
    (first, second, header, story.row)
}

#[test]
fn a_segment_of_which_only_the_name_is_left_is_no_segment() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second, header, next_row) = handed_over(folder.path());
    for left in [Vec::new(), vec![0; 70_000], b"MYOJ and half a header".to_vec()] {
        std::fs::write(&second, left).unwrap();
        std::fs::write(projection_path(&second), "as far as it came").unwrap();
        assert!(cut_off(folder.path(), &header.entities).is_none(), "its name is taken");
        sweep(folder.path());
        assert!(first.exists() && !second.exists() && !projection_path(&second).exists());
        assert!(projection_path(&second).with_extension(ASIDE).exists(), "it is put aside");
        let found = cut_off(folder.path(), &header.entities).expect("it goes on where it handed over");
        assert_eq!((found.next_row, found.header.segment), (next_row, 0));
    }
}

#[test]
fn a_journal_that_holds_anything_is_not_swept_away() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second, header, _) = handed_over(folder.path());
    let next = Header { segment: 1, ..header };
    let alive = Journal::begin(&second, &next).unwrap();
    sweep(folder.path());
    drop(alive);
    sweep(folder.path());
    assert!(second.exists(), "a header is enough");
    let mut bytes = std::fs::read(&first).unwrap();
    bytes[..100].fill(0);
    std::fs::write(&first, bytes).unwrap();
    sweep(folder.path());
    assert!(first.exists(), "its header is damaged, and what follows is not");
}

#[test]
fn a_segment_of_its_header_alone_counts_chains_and_epochs_on_from_the_one_before() {
    let folder = tempfile::tempdir().unwrap();
    let (_, second, header, next_row) = handed_over(folder.path());
    let names = header.entities.clone();
    let before = cut_off(folder.path(), &names).unwrap();
    assert!(before.chain_id > 0 && before.epoch > 0, "{before:?}");
    let later = header.created_utc_ns + 1_000_000_000;
    let mut next = Header { segment: 1, first_row: next_row, created_utc_ns: later, ..header };
    next.entities.split = Some(2);
    drop(Journal::begin(&second, &next).unwrap());
    let found = cut_off(folder.path(), &names).unwrap();
    assert_eq!((found.header.segment, found.next_row), (1, next_row));
    assert_eq!((found.chain_id, found.epoch), (before.chain_id, before.epoch));
}

#[test]
fn a_whole_file_is_not_replaced_by_what_a_torn_journal_still_shows() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, ..) = handed_over(folder.path());
    let bytes = std::fs::read(&journal).unwrap();
    let sealed = recover(&journal, None).unwrap();
    let whole = std::fs::read(&sealed.file).unwrap();
    assert!(!journal.exists());
    // The journal's removal was not durable, nor was its middle.
    let mut torn = bytes;
    let middle = torn.len() / 2;
    torn[middle..middle + 4096].fill(0);
    std::fs::write(&journal, torn).unwrap();
    let again = recover(&journal, None).unwrap();
    assert_eq!((again.rows, again.complete, again.damaged), (sealed.rows, true, false));
    assert_eq!(std::fs::read(&sealed.file).unwrap(), whole);
    assert!(!journal.exists() && !sealed.file.with_extension(ASIDE).exists());
    // Nor was anything of it.
    std::fs::write(&journal, "").unwrap();
    sweep(folder.path());
    let again = recover(&journal, None).unwrap();
    assert_eq!((again.rows, again.complete, again.from_file), (sealed.rows, true, false));
    assert_eq!(std::fs::read(&sealed.file).unwrap(), whole);
    assert!(!journal.exists() && !sealed.file.with_extension(ASIDE).exists());
}

#[test]
fn a_journal_that_lost_its_header_is_read_under_that_of_the_segment_before() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second, header, _) = handed_over(folder.path());
    let story = Story::afternoon(header.clone());
    let shifted = |block: &crate::emg::RawBlock| crate::emg::RawBlock {
        sample: block.sample + story.row,
        ..block.clone()
    };
    let next = Header { segment: 1, first_row: story.row, ..header };
    let mut journal = Journal::create(&second, &next).unwrap();
    let blocks = story.records.iter().filter_map(|record| match record {
        Record::Rows(block) => Some(shifted(block)),
        _ => None,
    });
    let blocks: Vec<_> = blocks.take(3).collect();
    for block in &blocks {
        journal.append(&Record::Rows(block.clone())).unwrap();
    }
    drop(journal);
    let mut torn = std::fs::read(&second).unwrap();
    torn[..100].fill(0);
    std::fs::write(&second, &torn).unwrap();
    let lost = recover(&second, None).unwrap_err();
    assert!(matches!(lost, StoreError::NotAJournal { .. }), "alone it says nothing: {lost}");
    assert!(second.exists());

    recover(&first, None).unwrap();
    let made = recover(&second, None).unwrap();
    assert!(
        made.damaged && !made.complete && made.damaged_bytes > 100 && made.missing_records == 0,
        "{made:?}"
    );
    assert!(!second.exists());
    let recording = Recording::open(&made.file).unwrap();
    let facts = recording.facts();
    assert_eq!((facts.segment, facts.first_row, facts.state), (1, story.row, State::Recovered));
    let words = recording.chains().unwrap().into_iter().map(|chain| chain.words);
    assert!(words.clone().count() > 0 && words.clone().all(|words| words != "no filter"), "filters stay");
    assert_eq!(facts.entities.split, Some(2));
    for block in &blocks {
        assert_eq!(recording.raw(block.sample..block.end()).unwrap(), block.samples);
    }
    let said = recording.log().unwrap().into_iter().any(|(.., text)| text.contains("its header was lost"));
    assert!(said && crate::store::reader::Joined::open(&made.file).unwrap().missing.is_empty());

    // Markers count where there are no rows yet.
    std::fs::remove_file(&made.file).unwrap();
    let mut journal = Journal::create(&second, &next).unwrap();
    journal.append(&Record::Log { utc_ns: 1, level: 3, text: "kept".to_owned() }).unwrap();
    drop(journal);
    let mut torn = std::fs::read(&second).unwrap();
    torn[..100].fill(0);
    std::fs::write(&second, &torn).unwrap();
    let made = recover(&second, None).unwrap();
    let recording = Recording::open(&made.file).unwrap();
    assert_eq!((recording.rows(), recording.facts().first_row), (0, story.row));
    assert!(recording.log().unwrap().into_iter().any(|(.., text)| text == "kept"));
}

/// What a projector wrote of a recording until it was killed, at the journal's side.
fn shown(journal: &Path, story: &Story) {
    let file = projection_path(journal);
    let live = file.with_extension("live");
    let mut projection = crate::store::Projection::create(&live, &story.header).unwrap();
    for record in story.records.iter().filter(|record| !matches!(record, Record::End { .. })) {
        projection.take(record).unwrap();
    }
    projection.flush().unwrap();
    drop(projection);
    std::fs::rename(&live, &file).unwrap();
}

#[test]
fn a_journal_that_lost_its_header_is_read_under_that_of_its_own_file() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, _, header, row) = handed_over(folder.path());
    let whole = folder.path().join("whole.h5");
    rebuild(&journal, &whole, true).unwrap();
    shown(&journal, &Story::afternoon(header));
    let mut torn = std::fs::read(&journal).unwrap();
    torn[..100].fill(0);
    std::fs::write(&journal, torn).unwrap();
    let made = recover(&journal, None).unwrap();
    assert_eq!((made.rows, made.complete, made.from_file, made.missing_records), (row, false, false, 0));
    let (made, whole) = (Recording::open(&made.file).unwrap(), Recording::open(&whole).unwrap());
    let bits = |file: &Recording| {
        file.clean(0..u64::MAX).unwrap().iter().map(|value| value.to_bits()).collect::<Vec<_>>()
    };
    assert_eq!(made.raw(0..u64::MAX).unwrap(), whole.raw(0..u64::MAX).unwrap());
    assert_eq!(bits(&made), bits(&whole), "under the same filters");
    assert_eq!(made.spans().unwrap(), whole.spans().unwrap());
}

#[test]
fn of_a_journal_that_is_empty_what_its_file_shows_is_kept() {
    for left in [Vec::new(), vec![0; 70_000]] {
        let folder = tempfile::tempdir().unwrap();
        let (journal, _, header, _) = handed_over(folder.path());
        shown(&journal, &Story::afternoon(header));
        std::fs::write(&journal, left).unwrap();
        sweep(folder.path());
        assert!(journal.exists(), "there is something to recover");
        let beside = projection_path(&journal);
        let seen = Recording::open(&beside).unwrap();
        let (rows, raw, id) =
            (seen.span(), seen.raw(0..u64::MAX).unwrap(), seen.facts().recording_id.clone());
        drop(seen);
        let made = recover(&journal, None).unwrap();
        assert!(rows.end > 1000 && made.from_file && !made.complete, "{made:?}");
        assert_eq!((made.rows, made.kept.clone()), (rows.end, Some(beside.with_extension(ASIDE))));
        let recording = Recording::open(&made.file).unwrap();
        assert_eq!((recording.facts().state, &recording.facts().recording_id), (State::Recovered, &id));
        assert_eq!((recording.span(), recording.raw(0..u64::MAX).unwrap()), (rows, raw));
        assert!(!journal.exists() && recover(&journal, None).is_err());
    }
}
