//! Stories of the thread that writes, whose pieces are sent by the test.

use super::*;
use crate::emg::{Channel, Kind as Signal, SampleType, Samples};
use crate::pipeline::PipelineState;
use crate::store::journal::{Follower, Step};
use crossbeam_channel::bounded;

fn rows(sample: u64, rows: usize) -> Piece {
    Piece::Rows(Arc::new(RawBlock {
        sample,
        channels: 1,
        epoch: 0,
        device_index: sample,
        device_us: 0,
        stamp: Stamp::now(),
        samples: Samples::I16(vec![7; rows]),
        digital: Vec::new(),
    }))
}

/// What leads to the thread and from it.
struct Ends {
    pieces: Sender<Piece>,
    states: Sender<(u64, Option<Carried>)>,
    kept: Receiver<PathBuf>,
    vitals: Arc<Shared>,
    _requests: Sender<Request>,
    _reports: Receiver<Report>,
    _synced: Receiver<Arc<Durable>>,
}

fn writer(folder: &Path) -> (JournalWriter, Ends) {
    let vitals = Arc::new(Shared::default());
    let (piece_in, pieces) = bounded(64);
    let (request, requests) = bounded(1);
    let (reports, report) = bounded(64);
    let (state, states) = bounded(1);
    let ((sync, synced), (keeper, kept)) = (bounded(16), bounded(16));
    let links = Links {
        pieces,
        requests,
        predictions: None,
        reports,
        states,
        diverged: Arc::default(),
        sync,
        keeper,
        vitals: vitals.clone(),
        can_wait: false,
        orders: Arc::new(Orders::new(true)),
    };
    let mut header = Header::of(vec![Channel::new("zyg", Signal::Raw)], SampleType::I16);
    header.entities.split = Some(1);
    let Ok(writer) = JournalWriter::create(folder, header, links) else { panic!("no journal") };
    let ends = Ends {
        pieces: piece_in,
        states: state,
        kept,
        vitals,
        _requests: request,
        _reports: report,
        _synced: synced,
    };
    (writer, ends)
}

fn records(journal: &Path) -> Vec<Record> {
    let mut follower = Follower::open(journal).unwrap();
    let mut found = Vec::new();
    while let Step::Record(record) = follower.step(true).unwrap() {
        found.push(record);
    }
    found
}

/// Runs the thread over these pieces; what the journal then holds, and what the thread said of itself.
fn written(pieces: Vec<Piece>) -> (Vec<Record>, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let (writer, ends) = writer(folder.path());
    for piece in pieces {
        ends.pieces.send(piece).unwrap();
    }
    let Ends { pieces, kept, vitals, .. } = ends;
    drop(pieces);
    writer.run();
    let blemishes = vitals.lock().blemishes.clone();
    (records(&kept.recv().unwrap()), blemishes)
}

#[test]
fn rows_that_a_failed_turn_took_with_it_become_a_gap_and_the_rest_is_written() {
    // No record may be so long, which is an assertion of its encoder.
    let too_long = 9_000_000;
    let (found, blemishes) = written(vec![rows(0, 100), rows(100, too_long), rows(9_000_100, 100)]);
    let account: Vec<(u64, u64)> = found
        .iter()
        .filter_map(|record| match record {
            Record::Rows(block) => Some((block.sample, wide(block.rows()))),
            Record::Gap(gap) => {
                assert!(gap.exact && gap.cause == Cause::Restart);
                Some((gap.sample, gap.missing))
            }
            _ => None,
        })
        .collect();
    let end = account.iter().fold(0, |next, (sample, rows)| {
        assert_eq!(*sample, next, "{account:?}");
        next + rows
    });
    assert_eq!(end, 9_000_200);
    assert!(matches!(found.last(), Some(Record::End { rows: 9_000_200, .. })));
    assert!(blemishes[0].contains("`journal` failed"), "{blemishes:?}");
}

#[test]
fn rows_do_not_wait_for_the_filters_state_at_a_border() {
    let folder = tempfile::tempdir().unwrap();
    let (writer, ends) = writer(folder.path());
    for piece in [rows(0, 100), Piece::Border(100), rows(100, 100)] {
        ends.pieces.send(piece).unwrap();
    }
    let writing = std::thread::Builder::new().spawn(move || writer.run()).unwrap();
    let first = ends.kept.recv().unwrap();
    let second = ends.kept.recv().unwrap();
    let kinds = |journal: &Path| -> Vec<String> {
        let name = |record: &Record| format!("{record:?}").split(['(', ' ']).next().unwrap_or("").to_owned();
        records(journal).iter().map(name).collect()
    };
    while !kinds(&second).contains(&"Rows".to_owned()) {
        assert!(!writing.is_finished());
        std::thread::sleep(LOOK_EVERY);
    }
    let state = PipelineState { row: 100, epoch: 0, tracks: Vec::new() };
    ends.states.send((100, Some(Carried { pipeline: state, observer: vec![7] }))).unwrap();
    drop(ends.pieces);
    writing.join().unwrap();
    assert_eq!(kinds(&first), ["Rows", "Handover"]);
    assert_eq!(kinds(&second), ["Chains", "Rows", "State", "Observer", "End"]);
    assert!(ends.vitals.lock().blemishes.is_empty());
}
