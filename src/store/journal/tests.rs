//! Stories of a journal: written, followed while it grows, damaged, and read again.

use super::*;
use crate::emg::clock::Fit;
use crate::emg::finding::prediction::Participant;
use crate::emg::marker::{Action, Origin, Placed};
use crate::emg::{
    Cause, Channel, Gap, Kind, Marker, Prediction, RawBlock, SampleType, Samples, Stamp, Truth,
};
use crate::pipeline::chain::{Chain, ChainChange, Reason, Tracker};
use crate::store::StoreError;

fn header() -> Header {
    let mut channel = Channel::new("ZYG-L", Kind::Raw);
    channel.muscle = "zygomaticus major – links".into();
    Header {
        recording_id: [9; 16],
        segment: 0,
        first_row: 0,
        software_version: "0.1.0".into(),
        created_utc_ns: 1,
        created_host_ns: 2,
        boot_id: "boot".into(),
        pid: 77,
        recorder: "r-1".into(),
        socket: "/run/x.sock".into(),
        entities: Entities {
            subject: "01".into(),
            session: String::new(),
            task: "free".into(),
            run: 3,
            split: Some(1),
        },
        source: "sim:".into(),
        board: "simulated face".into(),
        channels: vec![channel, Channel::new("AUX", Kind::Aux)],
        sample_type: SampleType::I16,
        digital: true,
        losses_counted: true,
        nominal_hz: 1000.0,
        chunk_rows: 1000,
        decimation: 10,
        config: "out = \"recordings\"".into(),
        protocol: String::new(),
        montage: "paper-8".into(),
        seed: 7,
        models: vec![Participant {
            name: "cnn".into(),
            file: "models/cnn.onnx".into(),
            sha256: "ab".into(),
            classes: vec!["neutral".into(), "joy".into()],
            mode: "window".into(),
            window: 256,
            stride: 32,
        }],
        markers: 41,
    }
}

fn rows(sample: u64, samples: Samples) -> Record {
    let digital = vec![1; samples.len() / 2];
    Record::Rows(RawBlock {
        sample,
        channels: 2,
        epoch: 4,
        device_index: sample + 5,
        device_us: sample * 1000,
        stamp: Stamp { host_ns: 3, utc_ns: 4 },
        samples,
        digital,
    })
}

/// What was found beside the rows.
fn findings() -> Vec<Record> {
    vec![
        Record::Calibration(crate::emg::Calibration {
            channel: 1,
            rest_mean: 4.25,
            rest_sd: 0.5,
            mvc: 300.0,
            trials: 3,
            spread: 0.125,
            sample: 44,
            accepted_by: "pts/0".into(),
            valid: true,
        }),
        Record::Observer(vec![0, u64::MAX, 7]),
        Record::Preflight(crate::emg::Preflight::warn("ch ZYG-L", "noise floor 40 µV", "clean the skin")),
        Record::Prediction(Prediction {
            model: 0,
            first: 1,
            end: 257,
            label: 1,
            probabilities: vec![0.25, 0.75],
            took_us: 90,
            flags: 3,
        }),
    ]
}

fn every_record() -> Vec<Record> {
    let stamp = Stamp { host_ns: -1, utc_ns: i64::MAX };
    let mut all = findings();
    all.extend(vec![
        rows(0, Samples::I16(vec![i16::MIN, 5, 6, i16::MAX])),
        rows(2, Samples::I32(vec![1, -2])),
        rows(3, Samples::F32(vec![0.5, -0.0])),
        rows(4, Samples::F64(vec![1e-300, 2.5])),
        Record::Gap(Gap { sample: 5, missing: 9, exact: true, epoch: 4, cause: Cause::Unknown, host_ns: 6 }),
        Record::Chains(ChainChange {
            sample: 14,
            reason: Reason::Rate,
            decimation: 10,
            chains: vec![Chain {
                id: 1,
                sections: vec![[0.1, 0.2, 0.3, 1.0, -0.4, 0.5]],
                envelope_sections: vec![],
                rectify: true,
                tracker: Some(Tracker { fall: 0.002, rise: 1e-5 }),
                design_rate_hz: 904.0,
                words: "BP20-407".into(),
                delay_samples: 3.5,
                settle_rows: 120,
            }],
            assignment: vec![1, 0],
        }),
        Record::Marker(Marker {
            id: 1,
            sample: 15,
            stamp,
            label: "Lächeln".into(),
            note: "→".into(),
            code: -3,
            origin: Origin::Ttl,
            client: "pts/0".into(),
            latency_us: 8,
            uncertainty_us: 9,
            placed: Placed::BetweenEpochs,
            action: Action::End,
            refers_to: 1,
        }),
        Record::Fit(Fit {
            epoch: 4,
            sample: 0,
            origin_ns: 5,
            rate_hz: 999.9,
            drift_ppm: -100.0,
            residual_us: 28.0,
        }),
        Record::Log { utc_ns: 1, level: 2, text: "losses cannot be counted".into() },
        Record::ClockOffset(crate::emg::ClockOffset {
            sender: "stim".into(),
            sample: 3,
            host_ns: 9,
            offset_ns: -7,
            uncertainty_us: 120,
        }),
        Record::Truth(Truth { onset: 1, end: 2, channel: 1, expression: "blink".into(), level: 0.5 }),
        Record::Handover { next_row: 16 },
        Record::End { rows: 16, utc_ns: 2 },
        Record::Sealed,
    ]);
    all
}

fn read_all(path: &std::path::Path) -> (Vec<Record>, Follower) {
    let mut follower = Follower::open(path).unwrap();
    let mut found = Vec::new();
    loop {
        match follower.step(true).unwrap() {
            Step::Record(record) => found.push(record),
            Step::Skipped => {}
            Step::Waiting => return (found, follower),
        }
    }
}

#[test]
fn every_record_comes_back_as_it_went_in() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.wal");
    let mut journal = Journal::create(&path, &header()).unwrap();
    for record in every_record() {
        journal.append(&record).unwrap();
    }
    let (found, follower) = read_all(&path);
    assert_eq!(found, every_record());
    // Unknown numbers are NaN, so headers are compared as bytes.
    let bytes = |header: &Header| codec::encode(&Record::Header(Box::new(header.clone())));
    assert_eq!(bytes(follower.header()), bytes(&header()));
}

/// A second segment by version 1, whose chains track nothing, and what version 1 made of it; its recorder was killed.
const VERSION_1: &str = "tests/golden/v1/segment";

#[test]
fn a_journal_of_version_1_becomes_the_file_that_version_1_made_of_it() {
    use crate::store::reader::Recording;
    let golden = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(VERSION_1);
    let folder = tempfile::tempdir().unwrap();
    let (journal, file) = (folder.path().join("a_emg.wal"), folder.path().join("a_emg.h5"));
    std::fs::copy(golden.with_extension("wal"), &journal).unwrap();
    let (records, follower) = read_all(&journal);
    let kept = (follower.unknown_records, follower.missing_records, follower.damaged_bytes());
    assert_eq!(kept, (0, 0, 0));
    let count = |is: fn(&Record) -> bool| records.iter().filter(|record| is(record)).count();
    assert_eq!(count(|record| matches!(record, Record::State(state) if !state.is_none())), 1);
    assert_eq!(count(|record| matches!(record, Record::Chains(_))), 1);

    let recovered = crate::store::follow::rebuild(&journal, &file, true).unwrap();
    assert!(!recovered.damaged);
    let [ours, theirs] = [file, golden.with_extension("h5")].map(|path| Recording::open(&path).unwrap());
    let bits = |values: Vec<f32>| values.into_iter().map(f32::to_bits).collect::<Vec<_>>();
    assert_eq!(bits(ours.clean(0..u64::MAX).unwrap()), bits(theirs.clean(0..u64::MAX).unwrap()));
    assert_eq!(bits(ours.envelope(0..u64::MAX).unwrap()), bits(theirs.envelope(0..u64::MAX).unwrap()));
    assert_eq!(ours.rows(), 236);
    // The older file has no columns for a floor.
    assert_eq!(ours.chains().unwrap(), theirs.chains().unwrap());
    assert!(theirs.chains().unwrap()[0].words.ends_with("HP0.5 on the envelope"));
    let report =
        crate::store::verify::verify(theirs.path(), crate::store::verify::Options { recompute: true });
    let checks = report.summary.checks;
    assert!(checks.len() > 5 && checks.iter().all(|check| check.ok), "{checks:?}");
}

#[test]
fn a_follower_sees_records_as_they_are_appended_and_waits_between_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.wal");
    let mut journal = Journal::create(&path, &header()).unwrap();
    let mut follower = Follower::open(&path).unwrap();
    for record in every_record() {
        assert!(matches!(follower.step(false).unwrap(), Step::Waiting));
        journal.append(&record).unwrap();
        match follower.step(false).unwrap() {
            Step::Record(found) => assert_eq!(found, record),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_second_recorder_can_neither_take_the_name_nor_the_lock() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.wal");
    let journal = Journal::create(&path, &header()).unwrap();
    assert!(matches!(Journal::create(&path, &header()), Err(StoreError::Exists { .. })));
    let other = std::fs::File::open(&path).unwrap();
    assert!(other.try_lock_shared().is_err());
    drop(journal);
    assert!(other.try_lock_shared().is_ok());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no hidden twin stays behind");
}

#[test]
fn damage_costs_the_records_it_touches_and_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.wal");
    let mut journal = Journal::create(&path, &header()).unwrap();
    let after_header = usize::try_from(journal.length()).unwrap();
    for record in every_record() {
        journal.append(&record).unwrap();
    }
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[after_header + 50] ^= 4;
    bytes.truncate(bytes.len() - 3);
    std::fs::write(&path, &bytes).unwrap();
    let (found, follower) = read_all(&path);
    let expected = every_record();
    assert_eq!(found, expected[1..expected.len() - 1]);
    assert_eq!(follower.missing_records, 1);
    assert!(follower.skipped_bytes > 0);
}

#[test]
fn the_last_sequence_number_there_is_ends_a_journal_and_not_its_reader() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.wal");
    drop(Journal::create(&path, &header()).unwrap());
    let identity = Identity { recording_id: header().recording_id, segment: header().segment };
    let mut bytes = std::fs::read(&path).unwrap();
    let (kind, payload) = codec::encode(&Record::Handover { next_row: 5 });
    frame::encode(identity, u64::MAX, kind, &payload, &mut bytes);
    std::fs::write(&path, &bytes).unwrap();
    let (found, follower) = read_all(&path);
    assert_eq!((found, follower.next_sequence()), (vec![Record::Handover { next_row: 5 }], u64::MAX));
}

proptest::proptest! {
    #[test]
    fn any_payload_decodes_or_is_refused(kind in 0..30_u16, bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
        let _ = codec::decode(kind, &bytes);
    }
}

/// What a journal goes through: records, syncs that succeed, syncs that fail and what follows from them.
#[derive(Clone, Copy, Debug)]
enum Turn {
    Append,
    Sync,
    Fail,
}

fn turns() -> impl proptest::strategy::Strategy<Value = Vec<Turn>> {
    use proptest::prelude::*;
    let turn = prop_oneof![6 => Just(Turn::Append), 2 => Just(Turn::Sync), 1 => Just(Turn::Fail)];
    prop::collection::vec(turn, 1..40)
}

#[test]
fn a_journal_whose_very_first_sync_failed_is_read_from_its_second_part() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a_emg.wal");
    let records = [rows(0, Samples::I16(vec![1, 2, 3, 4])), rows(2, Samples::I16(vec![5, 6, 7, 8]))];
    let mut journal = Journal::begin(&path, &header()).unwrap();
    journal.append(&records[0]).unwrap();
    journal.durable().doubt();
    assert!(!journal.renew().unwrap());
    journal.append(&records[1]).unwrap();
    drop(journal);
    for lost in [Vec::new(), vec![0; 4096]] {
        std::fs::write(&path, lost).unwrap();
        let (found, follower) = read_all(&path);
        assert_eq!((&found[..], &follower.header().recorder), (&records[..], &header().recorder));
    }
}

/// What came of the turns.
struct Played {
    written: Vec<Record>,
    /// How many records were promised to be on the disk.
    promised: usize,
    /// Bytes of each part that were.
    durable: Vec<u64>,
}

fn play(path: &std::path::Path, turns: &[Turn], mut look: impl FnMut()) -> Played {
    let mut journal = Journal::create(path, &header()).unwrap();
    let (mut written, mut promised, mut durable) = (Vec::new(), 0, vec![journal.length()]);
    for turn in turns {
        match turn {
            Turn::Append => {
                let sample = 2 * written.len() as u64;
                let record = rows(sample, Samples::I16(vec![3, 1, 4, i16::try_from(sample).unwrap()]));
                journal.append(&record).unwrap();
                written.push(record);
            }
            Turn::Sync => {
                journal.sync().unwrap();
                promised = written.len();
                *durable.last_mut().unwrap() = journal.length();
            }
            Turn::Fail => {
                journal.durable().doubt();
                assert!(journal.sync().is_err());
                look();
                assert!(!journal.renew().unwrap(), "all of it is still in memory");
                promised = written.len();
                durable.push(journal.length());
            }
        }
        look();
    }
    Played { written, promised, durable }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(60))]

    #[test]
    fn a_failed_sync_costs_nothing_and_a_reader_of_the_live_journal_sees_each_record_once(turns in turns()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a_emg.wal");
        let (mut live, mut seen) = (None, Vec::new());
        let Played { written, .. } = play(&path, &turns, || {
            let follower = live.get_or_insert_with(|| Follower::open(&path).unwrap());
            while let Step::Record(record) = follower.step(false).unwrap() {
                seen.push(record);
            }
        });
        proptest::prop_assert_eq!(&seen, &written);
        let (later, follower) = read_all(&path);
        proptest::prop_assert_eq!(&later, &written);
        proptest::prop_assert_eq!(follower.missing_records + follower.damaged_bytes(), 0);
    }

    #[test]
    fn what_a_failed_sync_lost_in_one_part_is_whole_in_the_next(turns in turns(), damage in 0..2_u8) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a_emg.wal");
        let Played { written, promised, durable } = play(&path, &turns, || {});
        // The power fails: of every part, what no sync covered is gone or rubbish.
        for (part, kept) in (1..).zip(durable) {
            let (part, kept) = (parts::path(&path, part), usize::try_from(kept).unwrap());
            let mut bytes = std::fs::read(&part).unwrap();
            if damage == 0 { bytes.truncate(kept) } else { bytes[kept..].fill(0) }
            std::fs::write(&part, &bytes).unwrap();
        }
        let (found, _) = read_all(&path);
        proptest::prop_assert!(found.len() >= promised, "{} of {promised}", found.len());
        proptest::prop_assert_eq!(&found[..], &written[..found.len()]);
    }
}
