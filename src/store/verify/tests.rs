//! Files that are whole, files somebody changed, and files that are nothing of the kind.

use super::*;
use crate::emg::Event;
use crate::emg::{SampleType, Samples};
use crate::store::inspect::inspect;
use crate::store::layout::later::EventRow;
use crate::store::projector::tests::{Story, header};
use proptest::prelude::*;
use std::path::PathBuf;

const ALL: Options = Options { recompute: true };

fn sealed(story: &Story) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.h5");
    story.sealed(&path);
    (folder, path)
}

fn failed(report: &Report) -> Vec<&'static str> {
    report.summary.checks.iter().filter(|check| !check.ok).map(|check| check.name).collect()
}

/// Changes a sealed file behind our back, as a bug or a stranger's script would.
fn tamper(path: &Path, change: impl FnOnce(&hdf5::File)) {
    let file = hdf5::File::open_rw(path).unwrap();
    change(&file);
    file.close().unwrap();
}

#[test]
fn a_recording_without_losses_is_intact() {
    let mut story = Story::new(header(SampleType::I16));
    story.rows(2222).mark("a", 0).rows(5);
    let (_folder, path) = sealed(&story);
    let report = verify(&path, ALL);
    assert_eq!((report.verdict, report.verdict.exit_code()), (Verdict::Intact, 0), "{report:?}");
    assert_eq!(report.summary.checks.len(), 11);
    let clean = report.summary.checks.last().unwrap();
    assert_eq!(clean.detail, "2227 rows recomputed from raw, equal to the bit");
}

#[test]
fn an_empty_recording_is_intact_too() {
    let (_folder, path) = sealed(&Story::new(header(SampleType::F64)));
    let report = verify(&path, ALL);
    assert_eq!(report.verdict, Verdict::Intact, "{report:?}");
}

#[test]
fn gaps_are_counted_and_make_it_incomplete() {
    for sample_type in [SampleType::I16, SampleType::F32] {
        let (_folder, path) = sealed(&Story::afternoon(header(sample_type)));
        let report = verify(&path, ALL);
        assert_eq!((report.verdict, failed(&report)), (Verdict::Incomplete, vec![]), "{report:?}");
        let summary = inspect(&path).unwrap();
        assert_eq!((summary.gaps, summary.samples_lost, summary.epochs, summary.markers), (2, 437, 2, 2));
        assert_eq!(summary.rows, 1230 + 37 + 800 + 640 + 777);
        assert!((summary.duration_s - (3.484 + 0.4)).abs() < 1e-9);
    }
}

#[test]
fn a_file_that_is_still_written_is_true_as_far_as_it_goes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.h5");
    let mut projection = Story::afternoon(header(SampleType::I16)).project(&path);
    projection.flush().unwrap();
    let report = verify(&path, ALL);
    assert_eq!((report.verdict, failed(&report)), (Verdict::Incomplete, vec![]), "{report:?}");
    assert!(report.sentence.contains("not sealed"), "{}", report.sentence);
}

#[test]
fn what_a_stranger_changed_is_found() {
    let story = Story::afternoon(header(SampleType::I16));
    let write = |part: &'static str, at: usize, value: f32| {
        move |file: &hdf5::File| {
            let dataset = file.dataset(part).unwrap();
            dataset.write_slice(&ndarray::arr2(&[[value]]), ndarray::s![at..=at, 0..1]).unwrap();
        }
    };
    for (part, at, check) in [
        ("raw/samples", 1240, "gaps"),
        ("raw/samples", 700, "clean"),
        ("clean/samples", 1900, "clean"),
        ("clean/envelope", 100, "clean"),
        ("filter/sections", 3, "clean"),
    ] {
        let (_folder, path) = sealed(&story);
        tamper(&path, write(part, at, 0.25));
        let report = verify(&path, ALL);
        assert_eq!(report.verdict, Verdict::Damaged);
        assert!(failed(&report).contains(&check), "{part} row {at}: {:?}", report.summary.checks);
    }
}

#[test]
fn what_cannot_have_been_found_is_no_finding() {
    let story = Story::afternoon(header(SampleType::I16));
    let event = |channel, onset, end| Event { channel, onset, apex: onset, end, ..Event::default() };
    for (event, ok) in [
        (event(0, 100, 300), true),
        (event(77, 100, 300), false),
        (event(0, 1_000_000_000, 1_000_000_001), false),
    ] {
        let (_folder, path) = sealed(&story);
        tamper(&path, |file| {
            let table = file.dataset("events").unwrap();
            let rows = table.shape()[0];
            crate::store::layout::append(&table, rows, 1, &[EventRow::of(&event, "AU12")]).unwrap();
        });
        let report = verify(&path, ALL);
        assert_eq!(!failed(&report).contains(&"findings"), ok, "{event:?}: {:?}", report.summary.checks);
    }
}

#[test]
fn a_lost_row_of_the_account_is_found() {
    let story = Story::afternoon(header(SampleType::I16));
    for (part, check) in [("time/blocks", "blocks"), ("gaps", "blocks"), ("filter/spans", "spans")] {
        let (_folder, path) = sealed(&story);
        tamper(&path, |file| {
            let table = file.dataset(part).unwrap();
            table.resize(table.shape()[0] - 1).unwrap();
            if part == "gaps" {
                table.resize(0).unwrap();
            }
        });
        let report = verify(&path, ALL);
        assert!(failed(&report).contains(&check), "{part}: {:?}", report.summary.checks);
    }
}

#[test]
fn strangers_get_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("text"), "hello").unwrap();
    hdf5::File::create(path("foreign")).unwrap().close().unwrap();
    Story::new(header(SampleType::I16)).sealed(&path("newer"));
    tamper(&path("newer"), |file| {
        crate::store::layout::attributes::change_label(file, "format_version", "2.0").unwrap();
    });
    for (name, words) in [
        ("nothing", "could not be read"),
        ("text", "cannot be opened as HDF5"),
        ("foreign", "no myograph recording"),
        ("newer", "format version 2.0"),
    ] {
        let report = verify(&path(name), ALL);
        assert_eq!(report.verdict.exit_code(), 2);
        assert!(report.sentence.contains(words), "{name}: {}", report.sentence);
        assert!(inspect(&path(name)).is_err());
    }
}

#[test]
fn another_version_may_round_differently_and_no_more() {
    let mut foreign = header(SampleType::I16);
    foreign.software_version = "0.0.9".into();
    let mut story = Story::new(foreign);
    story.rows(3000);
    let (_folder, path) = sealed(&story);
    // Recomputed here, so the file says so and bits must agree.
    assert_eq!(
        crate::store::Recording::open(&path).unwrap().facts().clean_recomputed_by,
        env!("CARGO_PKG_VERSION")
    );
    tamper(&path, |file| {
        crate::store::layout::attributes::change_label(file, "clean_recomputed_by", "0.1.1-other").unwrap();
        let clean = file.dataset("clean/samples").unwrap();
        let mut values = clean.read_2d::<f32>().unwrap();
        values.mapv_inplace(|value| f32::from_bits(value.to_bits() ^ 1));
        clean.write(&values).unwrap();
    });
    let report = verify(&path, ALL);
    assert_eq!(report.verdict, Verdict::Intact, "{report:?}");
    tamper(&path, |file| {
        let clean = file.dataset("clean/samples").unwrap();
        let value = clean.read_2d::<f32>().unwrap()[[2000, 1]];
        clean.write_slice(&ndarray::arr2(&[[value * 1.0001]]), ndarray::s![2000..2001, 1..2]).unwrap();
    });
    assert_eq!(failed(&verify(&path, ALL)), ["clean"]);
}

fn raw(path: &Path) -> Option<Samples> {
    let recording = Recording::open(path).ok()?;
    recording.raw(recording.span()).ok()
}

#[test]
fn a_damaged_beginning_is_said_at_once() {
    // HDF5 would look at it a hundred times, each time after twice the wait.
    let (_folder, path) = sealed(&Story::new(header(SampleType::I16)));
    let whole = std::fs::read(&path).unwrap();
    for at in 0..48 {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(verify(&path, ALL).verdict, Verdict::Damaged, "byte {at}");
    }
}

/// A sealed file and its raw values, made once.
static WHOLE: std::sync::OnceLock<(Vec<u8>, Option<Samples>)> = std::sync::OnceLock::new();

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn damaged_bytes_never_become_wrong_raw_values(
        damage in prop::collection::vec((any::<prop::sample::Index>(), 1_u8..), 1..6),
        cut in prop::option::weighted(0.2, any::<prop::sample::Index>()),
    ) {
        let (whole, before) = WHOLE.get_or_init(|| {
            let (_folder, path) = sealed(&Story::afternoon(header(SampleType::I16)));
            (std::fs::read(&path).unwrap(), raw(&path))
        });
        let mut bytes = whole.clone();
        for (at, by) in damage {
            let at = at.index(bytes.len());
            bytes[at] ^= by;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.h5");
        std::fs::write(&path, bytes).unwrap();
        let report = verify(&path, ALL);
        if report.verdict != Verdict::Damaged {
            prop_assert_eq!(&raw(&path), before, "{:?}", report);
        }
    }
}
