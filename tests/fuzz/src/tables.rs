//! What other programs, and people in them, saved as text: recordings to be imported, tables of judged stretches.

use myograph::emg::Artefact;
use myograph::emg::units::wide;
use myograph::import::{self, Format, Imported, Options};
use myograph::store::Sidecar;
use myograph::store::sidecar::About;
use std::path::Path;

/// A file to be imported, under what a user may say about it.
pub(crate) fn imports(bytes: &[u8]) {
    let columns = ["zyg=2:raw:mV", "aux=1:aux:count"].map(str::parse).into_iter().flatten().collect();
    let markers = ["up=2:step5", "down=1:step-1"].map(str::parse).into_iter().flatten().collect();
    let words = [
        Options { format: Some(Format::Csv), columns, ..Options::default() },
        Options { format: Some(Format::AcqKnowledge), markers, ..Options::default() },
        Options { format: Some(Format::OpenSignals), rate_hz: Some(1000.0), ..Options::default() },
        Options { rate_hz: Some(0.001), ..Options::default() },
    ];
    // All of them for every file would make few files.
    for options in [&Options::default(), &words[bytes.len() % words.len()]] {
        match import::parse(Path::new("recording.txt"), bytes, options) {
            Ok(imported) => check(&imported, bytes.len()),
            Err(why) => assert!(!why.to_string().is_empty() && !why.advice().is_empty()),
        }
    }
}

/// Every stored row is in one run, every row of the recording is stored or missing, and nothing is dated outside.
fn check(imported: &Imported, bytes: usize) {
    let (channels, stored) = (imported.channels.len(), imported.stored());
    assert!(channels > 0 && stored > 0 && imported.samples.len() == stored * channels);
    assert!(imported.samples.len() <= bytes, "{} values of {bytes} bytes", imported.samples.len());
    assert!(imported.nominal_hz.is_none_or(|hz| hz > 0.0 && hz.is_finite()), "{:?}", imported.nominal_hz);
    let times = &imported.time_us;
    assert!(times.is_empty() || times.len() == stored && times.is_sorted(), "{times:?}");
    let (mut at, mut sample) = (0, 0);
    for run in imported.runs() {
        let missing = run.after.map_or(0, |hole| if hole.exact { hole.missing } else { 0 });
        assert!(run.stored.start == at && run.stored.end >= at, "{run:?} behind stored row {at}");
        assert_eq!(run.sample, sample + missing, "{run:?}");
        sample = run.sample + wide(run.stored.len());
        at = run.stored.end;
    }
    assert_eq!((at, sample), (stored, imported.rows));
    assert!(imported.marks.iter().all(|mark| mark.sample < imported.rows), "{:?}", imported.marks);
    assert!(imported.warnings.iter().all(|warning| !warning.contains('\n')), "{:?}", imported.warnings);
}

/// A coder's table: one judgement more, and it reads as it was written.
pub(crate) fn sidecars(bytes: &[u8]) {
    let Ok(folder) = tempfile::tempdir() else { return };
    let path = folder.path().join("a_emg.artefacts-anna.tsv");
    let about = About { rate_hz: 1000.0, names: vec!["zyg \"L\"".to_owned(), "corr\t".to_owned()] };
    if std::fs::write(&path, bytes).is_err() {
        return;
    }
    let Ok(mut sidecar) = Sidecar::open(path.clone(), about.clone()) else { return };
    assert!(sidecar.rows().iter().all(|row| row.onset < row.end));
    assert!(
        sidecar.rows().len() <= bytes.len() / 10,
        "{} rows of {} bytes",
        sidecar.rows().len(),
        bytes.len()
    );
    let one =
        Artefact { onset: 3, end: 9, channels: 3, note: "a \"note\"\n".to_owned(), ..Artefact::default() };
    if sidecar.keep(one).is_err() {
        return;
    }
    let numbers = |sidecar: &Sidecar| -> Vec<(u64, u64, u64, bool)> {
        sidecar.rows().iter().map(|row| (row.onset, row.end, row.channels, row.retracted)).collect()
    };
    let again = Sidecar::open(path, about).map(|again| numbers(&again));
    assert_eq!(again.ok(), Some(numbers(&sidecar)), "written and read");
}
