//! Stories about whole files: small ones written here, real ones where `MYOGRAPH_DATA` points to them.

use super::*;
use crate::emg::Kind;
use proptest::prelude::*;
use std::fmt::Write as _;

fn said(columns: &str, markers: &str, rate_hz: Option<f64>) -> Options {
    let list = |text: &str| text.split(',').filter(|t| !t.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    Options {
        format: None,
        columns: list(columns).iter().map(|text| text.parse().unwrap()).collect(),
        markers: list(markers).iter().map(|text| text.parse().unwrap()).collect(),
        rate_hz,
    }
}

fn open(text: &str, options: &Options) -> Result<Imported, Error> {
    parse(Path::new("face.csv"), text.as_bytes(), options)
}

fn plain(text: &str) -> Imported {
    open(text, &Options::default()).unwrap()
}

fn names(file: &Imported) -> Vec<&str> {
    file.channels.iter().map(|channel| channel.name.as_str()).collect()
}

fn kinds(file: &Imported) -> Vec<Kind> {
    file.channels.iter().map(|channel| channel.kind).collect()
}

fn warned(file: &Imported, of: &str) -> bool {
    file.warnings.iter().any(|warning| warning.contains(of))
}

fn row(file: &Imported, row: usize) -> Vec<f64> {
    let width = file.channels.len();
    (0..width).map(|at| file.samples.get(row * width + at)).collect()
}

fn column(file: &Imported, column: usize) -> Vec<f64> {
    (0..file.stored()).map(|at| row(file, at)[column]).collect()
}

/// Noise without any memory, 0 to 1.
fn noise(seed: u64) -> impl Iterator<Item = f64> {
    let mut state = seed;
    std::iter::repeat_with(move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f64::from(u32::try_from(state >> 32).unwrap()) / f64::from(u32::MAX)
    })
}

#[test]
fn a_table_with_time_and_units_needs_nothing_said() {
    let file =
        plain("\u{feff}Time_s,EMG_zyg_uv,EMG_cor_mv,count\r\n0,1,2,3\r\n0.001,4,5,6\r\n0.002,7,8,9\r\n");
    assert_eq!(file.format, Format::Csv);
    assert_eq!(names(&file), ["EMG_zyg_uv", "EMG_cor_mv", "count"]);
    let units: Vec<&str> = file.channels.iter().map(|channel| channel.unit.as_str()).collect();
    assert_eq!(units, ["uV", "mV", "count"]);
    assert_eq!(file.nominal_hz, Some(1000.0));
    assert_eq!(file.time_us, [0, 1000, 2000]);
    assert_eq!(file.samples, Samples::I32((1..=9).collect()));
    assert!(file.warnings.is_empty(), "{:?}", file.warnings);
}

#[test]
fn every_delimiter_and_line_end_gives_the_same_rows() {
    let shapes =
        ["a,b\n1.5,2\n3,4\n", "a\tb\r\n1.5\t2\r\n3\t4", "a;b\n1,5;2\n3,0;4\n", "  a   b\r 1.5   2\r 3 4\r"];
    for text in shapes {
        let file = plain(text);
        assert_eq!(names(&file), ["a", "b"], "{text:?}");
        assert_eq!(file.samples, Samples::F64(vec![1.5, 2.0, 3.0, 4.0]), "{text:?}");
    }
}

#[test]
fn banners_and_commented_names_are_understood() {
    let file = plain("Station 4\nrecorded on Tuesday\n\n# zyg, cor\n512,513\n514,515\n");
    assert_eq!(names(&file), ["zyg", "cor"]);
    let file = plain("adc readings of today\n512,513\n514,515\n");
    assert_eq!(names(&file), ["col1", "col2"]);
    assert!(warned(&file, "1 names for 2 columns"));
    assert_eq!(names(&plain("emg,emg,\n1,2,\n3,4,\n")), ["emg", "emg 2"]);
}

#[test]
fn an_empty_field_is_a_missing_value_of_its_channel_alone() {
    let file = plain("zyg,cor\n1,2\n,3\nNaN,4\n5,inf\n");
    assert_eq!(file.stored(), 4);
    assert!(file.samples.get(2).is_nan() && file.samples.get(4).is_nan() && file.samples.get(7).is_nan());
    assert_eq!(row(&file, 0), [1.0, 2.0]);
    assert!(warned(&file, "channel `zyg` lacks 2 of 4 values"));
}

#[test]
fn a_damaged_row_is_refused_and_keeps_its_place_in_time() {
    let file = plain("zyg,cor\n1,2\n3,x4\n5,6\n-- pause --,x\n7,8\n9\n");
    assert_eq!(file.samples, Samples::I32(vec![1, 2, 5, 6, 7, 8]));
    assert_eq!(file.holes, [Hole { at: 1, sample: 1, missing: 1, exact: true }]);
    assert_eq!(file.rows, 4);
    assert!(warned(&file, "3 lines are no rows and were refused, 2 of them damaged rows: lines 3, 5, 7"));
    let runs = file.runs();
    assert_eq!(runs.len(), 2);
    assert_eq!((runs[0].sample, runs[0].stored.clone(), runs[0].after), (0, 0..1, None));
    assert_eq!((runs[1].sample, runs[1].stored.clone(), runs[1].after), (2, 1..3, Some(file.holes[0])));
}

#[test]
fn markers_stand_at_rows_of_the_recording_and_not_of_the_file() {
    let options = said("", "on=stim:step5", Some(10.0));
    let file = open("zyg,stim\n1,0\nx,0\n2,0\n3,5\n", &options).unwrap();
    assert_eq!(file.marks, [Mark { sample: 3, label: "on".into(), code: 0 }]);
    assert_eq!(kinds(&file), [Kind::Raw, Kind::Trigger]);
    assert_eq!(file.rows, 4);
}

#[test]
fn the_papers_table_is_imported_with_every_warning_it_deserves() {
    let mut text = String::from("timestamp,emotion_label,s1,s2,muscle_name\n");
    let labels = ["happy", "sadness", "surprise"];
    for (at, pair) in noise(7).zip(noise(8)).take(6000).enumerate() {
        let (high, low) = ((pair.0 * 797.0).round(), (pair.1 * 94.0).round());
        let second = 1_700_000_000 + at / 3500;
        writeln!(text, "{second},{},{high},{low},\"zygomaticus, orbicularis\"", labels[at / 2000]).unwrap();
    }
    let file = plain(&text);
    assert_eq!(names(&file), ["s1", "s2"]);
    assert_eq!((file.stored(), file.nominal_hz, file.time_us.len()), (6000, None, 0));
    assert_eq!(file.samples.sample_type(), crate::emg::SampleType::I32);
    let marks: Vec<(u64, &str)> = file.marks.iter().map(|mark| (mark.sample, mark.label.as_str())).collect();
    assert_eq!(marks, [(0, "happy"), (2000, "sadness"), (4000, "surprise")]);
    for warning in [
        "time column `timestamp` cannot be used",
        "the rate is not known",
        "white spectrum",
        "words are not imported: `muscle_name`",
    ] {
        assert!(warned(&file, warning), "{warning}: {:?}", file.warnings);
    }
    let rated = open(&text, &said("", "", Some(1000.0))).unwrap();
    assert_eq!(rated.nominal_hz, Some(1000.0));
    assert!(warned(&rated, "white spectrum"));
}

#[test]
fn a_measured_rate_beats_a_stated_one_aloud() {
    let mut text = String::from("millis,zyg\n");
    for at in 0..500 {
        writeln!(text, "{},{}", at * 50, at % 7).unwrap();
    }
    let file = open(&text, &said("", "", Some(1000.0))).unwrap();
    assert_eq!(file.nominal_hz, Some(20.0));
    assert!(warned(&file, "--rate says 1000 Hz") && warned(&file, "cannot carry EMG above 10.0 Hz"));
}

#[test]
fn a_clock_without_a_name_is_suspected() {
    let mut text = String::new();
    for at in 0..500 {
        writeln!(text, "{},{}", 1200 + at * 52, at % 7).unwrap();
    }
    let file = plain(&text);
    assert_eq!((names(&file), file.nominal_hz), (vec!["col1", "col2"], None));
    assert!(warned(&file, "`col1` only ever rises") && !warned(&file, "`col2` only"));
}

#[test]
fn labels_may_be_numbers() {
    let file = plain("zyg,emotion_label\n1,3\n2,3\n3,\n4,0\n");
    let marks: Vec<(u64, &str, i32)> =
        file.marks.iter().map(|m| (m.sample, m.label.as_str(), m.code)).collect();
    assert_eq!(marks, [(0, "3", 3), (3, "0", 0)]);
}

#[test]
fn columns_and_markers_that_are_not_there_are_named_with_those_that_are() {
    let text = "zyg,who\n1,anna\n2,anna\n";
    let why = |columns, markers| {
        let error = open(text, &said(columns, markers, None)).unwrap_err();
        format!("{error}; {}", error.advice())
    };
    assert!(why("a=3:raw:mV", "").contains("no column `3`"));
    assert!(why("a=corr:raw:mV", "").contains("1 `zyg`, 2 `who`"));
    assert!(why("a=who:raw:mV", "").contains("holds text"));
    assert!(why("", "on=9:step5").contains("--markers"));
    assert!(why("a=1:raw:mV,a=1:raw:mV", "").contains("two channels `a`"));
    assert!(open(text, &said("", "", Some(-1.0))).unwrap_err().to_string().contains("--rate -1"));
}

#[test]
fn what_is_no_table_is_refused_with_the_line_that_shows_it() {
    let why = |text: &str| open(text, &Options::default()).unwrap_err().to_string();
    assert!(why("Dear reader,\nthere is nothing here.\n").contains("line 1 reads `Dear reader,`"));
    assert!(why("").contains("0 of"));
    assert!(why("1,2\nx\ny\nz\n3,4\nw\n").contains("line 2 reads `x`"));
    assert!(matches!(open("\0\0HDF", &Options::default()), Err(Error::Binary { .. })));
    assert!(why("who\nanna\n").contains("face.csv"));
    assert!(why("time\n1\n2\n").contains("beside its time"));
    let forced = Options { format: Some(Format::AcqKnowledge), ..Options::default() };
    assert!(open("a,b\n1,2\n", &forced).unwrap_err().to_string().contains("is not acqknowledge text"));
    assert!(
        read(Path::new("/nowhere/face.csv"), &forced).unwrap_err().to_string().contains("/nowhere/face.csv")
    );
}

#[test]
fn acqknowledge_text_brings_its_channels_units_and_rate() {
    let text = "face.acq\r\n0.5 msec/sample\r\n4 channels\r\nZyg\r\nmV\r\nSkin\r\numho\r\nZyg Processed\r\nVolts\r\n\
                Digital input\r\nVolts\r\nsec,CH1,CH2,CH40,CH28,\r\n,5,5,5,5,\r\n0,1,2,3,0,\r\n0.0005,1,2,3,5,\r\n";
    let file = open(text, &said("", "", None)).unwrap();
    assert_eq!(file.format, Format::AcqKnowledge);
    assert_eq!(names(&file), ["Zyg", "Skin", "Zyg Processed", "Digital input"]);
    assert_eq!(kinds(&file), [Kind::Raw, Kind::Aux, Kind::Aux, Kind::Trigger]);
    assert_eq!((file.nominal_hz, file.stored()), (Some(2000.0), 2));
    assert!(warned(&file, "announces 5 rows, the file holds 2") && warned(&file, "`Zyg Processed`"));
}

#[test]
fn new_opensignals_text_tells_counters_wires_and_sensors_apart() {
    let text = "# OpenSignals Text File Format. Version 1\n# {\"98:D3:31\": {\"sensor\": [\"EMG\", \"EDA\"], \
                \"column\": [\"nSeq\", \"I1\", \"A1\", \"A2\"], \"sampling rate\": 1000, \
                \"resolution\": [4, 1, 10, 10], \"label\": [\"A1\", \"A2\"]}}\n# EndOfHeader\n\
                0\t0\t512\t3\t\n1\t1\t514\t3\t\n";
    let file = plain(text);
    assert_eq!(file.format, Format::OpenSignals);
    assert_eq!(names(&file), ["nSeq", "I1", "A1", "A2"]);
    assert_eq!(kinds(&file), [Kind::Aux, Kind::Trigger, Kind::Raw, Kind::Aux]);
    assert_eq!((file.channels[2].adc_bits, file.channels[2].sensor.as_str()), (10, "EMG"));
    assert_eq!((file.nominal_hz, row(&file, 1)), (Some(1000.0), vec![1.0, 1.0, 514.0, 3.0]));
    assert!(warned(&file, "`A2` is of a sensor called EDA"));
}

#[test]
fn old_opensignals_text_names_its_columns() {
    let text = "# Simple Text Format\n# Sampling Rate (Hz):= 500.00\n# Resolution:= 12\n# Labels:= zyg\tcor\n1\t2\n3\t4\n";
    let file = plain(text);
    assert_eq!((names(&file), file.nominal_hz), (vec!["zyg", "cor"], Some(500.0)));
    assert_eq!(file.channels[1].adc_bits, 12);
    let rated = open(text, &said("", "", Some(1000.0))).unwrap();
    assert_eq!(rated.nominal_hz, Some(1000.0));
    assert!(warned(&rated, "--rate holds"));
}

proptest! {
    #[test]
    fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let _ = parse(Path::new("garbage"), &bytes, &said("", "a=1:step5", Some(1000.0)));
    }

    #[test]
    fn damaged_tables_never_panic(text in "(time|#|CH1|1 msec/sample|2 channels|\\{|:=|\"|[-0-9.eE,;\t\n\r ]){0,400}") {
        for format in [None, Some(Format::Csv), Some(Format::AcqKnowledge), Some(Format::OpenSignals)] {
            let options = Options { format, ..said("", "a=1:step5", None) };
            if let Ok(file) = open(&text, &options) {
                let runs = file.runs();
                prop_assert_eq!(runs.iter().map(|run| run.stored.len()).sum::<usize>(), file.stored());
                prop_assert!(file.marks.iter().all(|mark| mark.sample < file.rows));
            }
        }
    }

    #[test]
    fn times_of_any_size_never_panic(times in proptest::collection::vec(any::<f64>(), 0..50), sorted: bool) {
        let mut times = times;
        if sorted {
            times.sort_by(f64::total_cmp);
        }
        let mut text = String::from("t,zyg\n");
        for time in times {
            writeln!(text, "{time:e},1").unwrap();
        }
        let _ = open(&text, &Options::default());
    }

    #[test]
    fn what_was_written_is_read(rows in proptest::collection::vec(proptest::array::uniform3(-1e9_f64..1e9), 1..50)) {
        let mut text = String::from("a,b,c\n");
        for [a, b, c] in &rows {
            writeln!(text, "{a},{b},{c}").unwrap();
        }
        let mut values = Vec::new();
        plain(&text).samples.widen(&mut values);
        prop_assert_eq!(values, rows.concat());
    }
}

/// A file of the shared recordings, read; none where they are not there.
fn real(file: &str, options: &Options) -> Option<Imported> {
    let Some(folder) = std::env::var_os("MYOGRAPH_DATA") else {
        eprintln!("skipped: set MYOGRAPH_DATA");
        return None;
    };
    let path = Path::new(&folder).join(file);
    let start = std::time::Instant::now();
    let read = read(&path, options).unwrap();
    let megabytes = f64::from(u32::try_from(std::fs::metadata(&path).unwrap().len()).unwrap()) / 1e6;
    eprintln!("{file}: {:.1} MB/s, {:#?}", megabytes / start.elapsed().as_secs_f64(), read.warnings);
    Some(read)
}

fn range(values: &[f64]) -> (f64, f64) {
    values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(*v), high.max(*v)))
}

#[test]
fn real_opensignals_text() {
    let files =
        [("emg.txt", 100_000, (2037.0, 2071.0), 2053.7), ("emg_1.txt", 63_880, (1412.0, 2443.0), 2040.0)];
    for (name, rows, limits, mean) in files {
        let Some(file) = real(&format!("limb_biosppy/{name}"), &Options::default()) else {
            return;
        };
        assert_eq!((file.format, file.stored(), file.nominal_hz), (Format::OpenSignals, rows, Some(1000.0)));
        assert_eq!((names(&file), file.channels[0].adc_bits), (vec!["EMG"], 12));
        let values = column(&file, 0);
        assert_eq!(range(&values), limits);
        assert!((values.iter().sum::<f64>() / crate::emg::units::float_len(rows) - mean).abs() < 0.05);
        assert!(matches!(file.samples, Samples::I32(_)) && file.warnings.is_empty(), "{:?}", file.warnings);
    }
}

#[test]
fn real_acqknowledge_text() {
    let options = said("", "stim=5:step5", None);
    let Some(file) = real("face_countenance/femg_raw_exported_sample.txt", &options) else {
        return;
    };
    assert_eq!((file.format, file.stored(), file.nominal_hz), (Format::AcqKnowledge, 13_150, Some(1000.0)));
    assert_eq!(names(&file)[..5], ["Corr Raw", "Zyg Raw", "Lev Raw", "Digital input", "Digital input 2"]);
    assert_eq!(range(&column(&file, 2)), (-0.103_149, 0.101_318));
    assert_eq!(row(&file, 0)[..3], [-0.003_845_21, -0.001_220_7, 0.000_610_352]);
    let units: Vec<&str> = file.channels[..3].iter().map(|channel| channel.unit.as_str()).collect();
    assert_eq!(units, ["mV", "mV", "V"]);
    let count = |kind| kinds(&file).into_iter().filter(|it| *it == kind).count();
    assert_eq!((count(Kind::Raw), count(Kind::Trigger), count(Kind::Aux)), (3, 9, 3));
    assert!(warned(&file, "announces 2054992 rows") && !warned(&file, "white"));
    assert_eq!(file.marks, [Mark { sample: 150, label: "stim".into(), code: 0 }]);
}

#[test]
fn real_tables_without_names() {
    let options = said(
        "zyg=4:rectified:mV,corr=5:rectified:mV",
        "angry=6:step-5,happy=7:step-5,neutral=8:step-5",
        Some(100.0),
    );
    let people =
        [(9, 26_523), (10, 35_019), (11, 28_908), (12, 30_497), (14, 28_487), (15, 30_021), (16, 29_233)];
    for (person, rows) in people.into_iter().chain([(17, 31_198)]) {
        let Some(file) = real(&format!("face_oxazepam/{person:02}_FMOV_preprocessed.txt"), &options) else {
            return;
        };
        assert_eq!((file.stored(), file.nominal_hz, names(&file)), (rows, Some(100.0), vec!["zyg", "corr"]));
        for label in ["angry", "happy", "neutral"] {
            assert_eq!(file.marks.iter().filter(|mark| mark.label == label).count(), 4, "{person} {label}");
        }
        assert!(file.warnings.is_empty() && range(&column(&file, 0)).0 >= 0.0, "{:?}", file.warnings);
    }
    let Some(all) = real("face_oxazepam/09_FMOV_preprocessed.txt", &said("", "", Some(100.0))) else {
        return;
    };
    assert_eq!((names(&all).len(), row(&all, 0)[0]), (8, 4.9115));
    assert!(warned(&all, "100.000 Hz cannot carry EMG above 50.0 Hz"));
}

/// Mean log ratio after a happy face, one person: 1 to 4 s after the onset against the 2 s before.
fn mimicry(file: &Imported, channel: usize) -> f64 {
    let values = column(file, channel);
    let mean = |rows: Range<usize>| {
        let rows = &values[rows];
        rows.iter().sum::<f64>() / crate::emg::units::float_len(rows.len())
    };
    let onsets: Vec<usize> = file
        .marks
        .iter()
        .filter(|mark| mark.label == "happy")
        .map(|mark| crate::emg::units::index(mark.sample))
        .collect();
    let ratio = |at: &usize| (mean(at + 100..at + 400) / mean(at - 200..*at)).ln();
    onsets.iter().map(ratio).sum::<f64>() / crate::emg::units::float_len(onsets.len())
}

#[test]
fn real_faces_mimic_as_published() {
    let options = said("zyg=4:rectified:mV,corr=5:rectified:mV", "happy=7:step-5", Some(100.0));
    let mut means = [0.0; 2];
    for person in [9, 10, 11, 12, 14, 15, 16, 17] {
        let Some(file) = real(&format!("face_oxazepam/{person:02}_FMOV_preprocessed.txt"), &options) else {
            return;
        };
        means = [means[0] + mimicry(&file, 0) / 8.0, means[1] + mimicry(&file, 1) / 8.0];
    }
    assert!((means[0] - 0.276).abs() < 0.01 && (means[1] + 0.229).abs() < 0.01, "{means:?}");
}

#[test]
fn real_envelopes_of_an_irregular_clock() {
    let files = [
        ("Power_grasp_1_s", 4027, 19.150),
        ("Power_grasp_2_s", 3823, 19.025),
        ("light_tool_1", 4613, 19.215),
        ("parallel_extension_1", 4659, 18.958),
        ("sphere_finger_1", 4704, 19.041),
    ];
    for (name, rows, rate) in files {
        let options = said("", "", Some(20.0));
        let path = format!("envelope_myoware/20_02_Protocol_{name}.csv");
        let Some(file) = real(&path, &options) else { return };
        assert_eq!((file.stored(), names(&file)), (rows, vec!["Voltage1", "Voltage2"]));
        assert!((file.nominal_hz.unwrap() - rate).abs() < 0.001, "{:?}", file.nominal_hz);
        assert_eq!((file.time_us.len(), file.holes.len()), (rows, 0));
        for warning in ["is irregular", "--rate says 20 Hz", "no unit is known of `Voltage1`"] {
            assert!(warned(&file, warning), "{warning}: {:?}", file.warnings);
        }
    }
}

#[test]
fn real_video_tables_are_tables_too() {
    for (name, rows, rate) in [("demo.csv", 490, 25.0), ("head_test.csv", 715, 30.0)] {
        let Some(file) = real(&format!("action_units/{name}"), &Options::default()) else {
            return;
        };
        assert_eq!((file.stored(), file.channels.len()), (rows, 25));
        assert!((file.nominal_hz.unwrap() / rate - 1.0).abs() < 0.01, "{:?}", file.nominal_hz);
    }
}
