//! Stories of the thread that writes, whose pieces are sent by the test.

use super::*;
use crate::emg::{Channel, Kind as Signal, SampleType, Samples};
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

/// Runs the thread over these pieces; what the journal then holds, and what the thread said of itself.
fn written(pieces: Vec<Piece>) -> (Vec<Record>, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let vitals = Arc::new(Shared::default());
    let (piece_in, piece_out) = bounded(64);
    let (_request, requests) = bounded(1);
    let (reports, _report) = bounded(64);
    let (_state, states) = bounded(1);
    let ((sync, _synced), (keeper, kept)) = (bounded(16), bounded(16));
    let links = Links {
        pieces: piece_out,
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
    let header = Header::of(vec![Channel::new("zyg", Signal::Raw)], SampleType::I16);
    let Ok(writer) = JournalWriter::create(folder.path(), header, links) else { panic!("no journal") };
    for piece in pieces {
        piece_in.send(piece).unwrap();
    }
    drop(piece_in);
    writer.run();
    let mut follower = Follower::open(&kept.recv().unwrap()).unwrap();
    let mut found = Vec::new();
    while let Step::Record(record) = follower.step(true).unwrap() {
        found.push(record);
    }
    let blemishes = vitals.lock().blemishes.clone();
    (found, blemishes)
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
