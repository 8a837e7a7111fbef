//! Judgements survive everything but the will to change them.

use super::*;
use proptest::prelude::*;

fn about() -> About {
    About { rate_hz: 1000.0, names: vec!["ZYG-L".into(), "COR \"L\"".into()] }
}

fn one(onset: u64, end: u64) -> Artefact {
    Artefact {
        onset,
        end,
        channels: 0b11,
        rule: artefact::MANUAL.into(),
        coder: "anna".into(),
        ..Artefact::default()
    }
}

/// A folder and the table of anna in it.
fn table() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = path_of(&folder.path().join("sub-01_task-faces_run-01_emg.h5"), "anna");
    (folder, path)
}

#[test]
fn a_judgement_is_kept_and_one_taken_back_stays() {
    let (folder, path) = table();
    assert!(path.ends_with("sub-01_task-faces_run-01_emg.artefacts-anna.tsv"));
    let mut sidecar = Sidecar::open(path.clone(), about()).unwrap();
    assert!(!path.exists(), "looking creates nothing");
    sidecar.keep(Artefact { note: "sneezed\t\"loud\"\n".into(), ..one(1250, 2000) }).unwrap();
    sidecar.keep(one(3000, 3001)).unwrap();
    let first = sidecar.rows()[0].clone();
    sidecar.take_back(&first).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "onset\tend\tchannels\trule\tcoder\tonset_s\tend_s\tnames\tnote\tretracted");
    assert_eq!(
        lines[1],
        "1250\t2000\t3\tmanual\tanna\t1.250000\t2.000000\tZYG-L,COR 'L'\tsneezed 'loud' \t1"
    );
    let again = Sidecar::open(path.clone(), about()).unwrap();
    assert_eq!((again.rows()[0].retracted, &again.rows()[1]), (true, &one(3000, 3001)));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no twin is left");
    assert_eq!(beside(&folder.path().join("sub-01_task-faces_run-01_emg.h5")), [path]);
}

#[test]
fn what_another_program_wrote_is_not_overwritten() {
    let (_folder, path) = table();
    let mut mine = Sidecar::open(path.clone(), about()).unwrap();
    let mut yours = Sidecar::open(path, about()).unwrap();
    mine.keep(one(10, 20)).unwrap();
    assert!(matches!(yours.keep(one(30, 40)), Err(StoreError::Changed { .. })));
    assert_eq!(yours.rows(), [one(10, 20)], "it was read instead");
    yours.keep(one(30, 40)).unwrap();
    assert!(mine.refresh().unwrap() && !mine.refresh().unwrap());
    assert_eq!(mine.rows().len(), 2);
}

#[test]
fn two_coders_have_two_tables() {
    let (folder, path) = table();
    let recording = folder.path().join("sub-01_task-faces_run-01_emg.h5");
    for coder in ["anna", "ben"] {
        let mut sidecar = Sidecar::open(path_of(&recording, coder), about()).unwrap();
        sidecar.keep(Artefact { coder: coder.into(), ..one(1, 2) }).unwrap();
    }
    assert_eq!(beside(&recording), [path, path_of(&recording, "ben")]);
}

#[test]
fn a_table_that_makes_no_sense_is_refused_by_its_line_and_left_alone() {
    let (_folder, path) = table();
    let header = COLUMNS.join("\t");
    for (text, line) in [
        ("onset\tend\n1\t2\n".to_owned(), 1),
        (format!("{header}\n1\t2\t3\tmanual\tanna\t0\t0\t\t\t0\n5\t5\t3\tmanual\tanna\t0\t0\t\t\t0\n"), 3),
        (format!("{header}\n1\t2\t3\tmanual\tanna\t0\t0\t\t\tmaybe\n"), 2),
        (format!("{header}\n-1\t2\t3\tmanual\tanna\t0\t0\t\t\t0\n"), 2),
    ] {
        std::fs::write(&path, &text).unwrap();
        let refused = Sidecar::open(path.clone(), about());
        assert!(matches!(refused, Err(StoreError::Sidecar { line: at, .. }) if at == line), "{refused:?}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    }
}

#[test]
fn what_cannot_be_written_is_not_pretended() {
    let mut sidecar = Sidecar::open(PathBuf::from("/proc/no.artefacts-anna.tsv"), about()).unwrap();
    assert!(matches!(sidecar.keep(one(1, 2)), Err(StoreError::Write { .. })));
    assert!(sidecar.rows().is_empty());
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(Path::new("x"), &bytes);
    }

    #[test]
    fn any_judgement_reads_back(onset in any::<u32>(), length in 1_u64..9999, mask in any::<u64>(), note in ".{0,80}") {
        let (_folder, path) = table();
        let row = Artefact { channels: mask, note, ..one(u64::from(onset), u64::from(onset) + length) };
        let mut sidecar = Sidecar::open(path.clone(), about()).unwrap();
        sidecar.keep(row.clone()).unwrap();
        let kept = Artefact { note: plain(&clip(&row.note, NOTE_BYTES)), ..row };
        let again = Sidecar::open(path, about()).unwrap();
        prop_assert_eq!(again.rows(), [kept]);
    }
}
