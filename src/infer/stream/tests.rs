//! A pipeline, its rows cut in every way, and what models say of them.

use super::*;
use crate::emg::finding::prediction::flag;
use crate::emg::finding::quality::flag as quality_flag;
use crate::emg::{Cause, Channel, Gap, Kind, RawBlock, Samples, Stamp};
use crate::infer::Limits;
use crate::infer::station::chain_sha256;
use crate::pipeline::preset::{self, Occasion, Options};
use crate::pipeline::{ChainChange, Pipeline};
use proptest::prelude::*;
use std::path::Path;
use std::sync::Arc;

const RATE_HZ: f64 = 1000.0;
const NAMES: [&str; 8] = ["ZYG-L", "FRM-L", "LLA-L", "DAO-L", "COR-L", "DSU-L", "OOR-L", "OOC-L"];

/// A golden model, its card with these replacements.
fn model(name: &str, replacements: &[(&str, &str)]) -> Model {
    let golden =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/models").join(format!("{name}.onnx"));
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("model.onnx");
    let mut card = std::fs::read_to_string(golden.with_extension("toml")).unwrap();
    for (from, to) in replacements {
        assert!(card.contains(from), "{from}");
        card = card.replace(from, to);
    }
    std::fs::copy(golden, &place).unwrap();
    std::fs::write(place.with_extension("toml"), card).unwrap();
    Model::load(&place, &Limits::default()).unwrap()
}

/// The muscles in an order of the station's own, and a channel no model knows.
fn channels() -> Vec<Channel> {
    let golden = model("step-cnn", &[]);
    let muscle =
        |name| golden.card().channels.iter().find(|channel| channel.name == name).unwrap().muscle.clone();
    let mut channels: Vec<Channel> = NAMES
        .iter()
        .rev()
        .map(|name| Channel {
            muscle: muscle(*name),
            unit: "uV".to_owned(),
            ..Channel::new(*name, Kind::Raw)
        })
        .collect();
    channels.insert(3, Channel::new("battery", Kind::Aux));
    channels
}

fn chains(sample: u64, line_hz: f64, first_id: u32) -> ChainChange {
    let occasion =
        Occasion { sample, reason: Reason::Change, rate_hz: Some(RATE_HZ), decimation: 10, first_id };
    preset::chains(&channels(), &Options { line_hz, ..Options::default() }, &occasion).0
}

fn station() -> Station {
    Station { channels: channels(), rate_hz: Some(RATE_HZ), chains: chains(0, 50.0, 0) }
}

fn predictor(models: Vec<Model>) -> Predictor {
    Predictor::new(models, &station(), || 0).unwrap()
}

/// Something like EMG, a function of row and channel alone.
fn value(row: u64, channel: u64) -> f64 {
    let mixed = (row * 9 + channel).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
    (crate::emg::units::float(mixed) / 16_777_216.0 - 0.5)
        * (20.0 + 60.0 * crate::emg::units::float(row / 300 % 3))
}

fn rows(rows: std::ops::Range<u64>, epoch: u32) -> Input {
    let samples = rows.clone().flat_map(|row| (0..9).map(move |channel| value(row, channel))).collect();
    Input::Rows(Arc::new(RawBlock {
        sample: rows.start,
        channels: 9,
        epoch,
        device_index: rows.start,
        device_us: 0,
        stamp: Stamp { host_ns: 0, utc_ns: 0 },
        samples: Samples::F64(samples),
        digital: Vec::new(),
    }))
}

fn gap(sample: u64, missing: u64) -> Input {
    Input::Gap(Gap { sample, missing, exact: true, epoch: 0, cause: Cause::Unknown, host_ns: 0 })
}

/// All predictions over these inputs.
fn predict(predictor: &mut Predictor, inputs: &[Input]) -> Vec<Prediction> {
    let mut pipeline = Pipeline::new(&channels());
    inputs
        .iter()
        .flat_map(|input| {
            let clean = pipeline.step(input);
            predictor.step(input, &clean)
        })
        .collect()
}

fn start() -> Input {
    Input::Chains(Arc::new(chains(0, 50.0, 0)))
}

fn ends(predictions: &[Prediction]) -> Vec<u64> {
    predictions.iter().map(|prediction| prediction.end).collect()
}

#[test]
fn windows_end_at_multiples_of_the_stride_and_steps_begin_with_the_first() {
    let mut both = predictor(vec![model("window-cnn", &[]), model("step-cnn", &[])]);
    let found = predict(&mut both, &[start(), rows(0..300, 0)]);
    let (windows, steps): (Vec<_>, Vec<_>) = found.into_iter().partition(|prediction| prediction.model == 0);
    assert_eq!(ends(&windows), [128, 160, 192, 224, 256, 288]);
    assert!(windows.iter().all(|prediction| prediction.end - prediction.first == 128));
    assert_eq!(ends(&steps), [32, 64, 96, 128, 160, 192, 224, 256, 288]);
    assert!(steps.iter().all(|prediction| prediction.first == 0 && prediction.flags & flag::SETTLING != 0));
    // The network is the same: a window's answer is that of the four strides in it, from a whole memory on.
    for window in &windows {
        let step = steps.iter().find(|step| step.end == window.end).unwrap();
        let apart = window.probabilities.iter().zip(&step.probabilities).map(|(a, b)| (a - b).abs());
        assert!(apart.fold(0.0, f32::max) < 1e-5, "{window:?} {step:?}");
    }
}

#[test]
fn a_gap_silences_windows_and_empties_memories() {
    let mut both = predictor(vec![model("window-lstm", &[]), model("step-lstm", &[])]);
    let inputs = [start(), rows(0..200, 0), gap(200, 50), rows(250..450, 0)];
    let found = predict(&mut both, &inputs);
    let (windows, steps): (Vec<_>, Vec<_>) = found.into_iter().partition(|prediction| prediction.model == 0);
    assert_eq!(ends(&windows), [128, 160, 192, 384, 416, 448], "no window has a missing row");
    let firsts: Vec<(u64, u64)> = steps.iter().map(|step| (step.first, step.end)).collect();
    let from = |first, ends: &[u64]| ends.iter().map(|end| (first, *end)).collect::<Vec<_>>();
    let before = from(0, &[32, 64, 96, 128, 160, 192]);
    let after = from(256, &[288, 320, 352, 384, 416, 448]);
    assert_eq!(firsts, [before, after].concat(), "the stride that began in the gap is not fed");
    assert_eq!((both.skipped(0), both.skipped(1)), (5, 2));
}

#[test]
fn rows_that_nobody_could_count_flag_the_windows_across_them() {
    let mut both = predictor(vec![model("window-cnn", &[]), model("step-cnn", &[])]);
    let found = predict(&mut both, &[start(), rows(0..320, 0), rows(320..600, 1)]);
    for prediction in &found {
        let across = prediction.first < 320 && 320 < prediction.end;
        assert_eq!(prediction.flags & flag::GAP != 0, across, "{prediction:?}");
        assert!(prediction.model == 0 || !across, "a memory ends where the device came back");
    }
    assert!(found.iter().any(|prediction| prediction.flags & flag::GAP != 0));
}

#[test]
fn settled_windows_carry_no_flag() {
    let mut all = predictor(vec![model("window-cnn", &[]), model("step-cnn", &[])]);
    let settled = chains(0, 50.0, 0).chains.iter().map(|chain| chain.settle_rows).max().unwrap();
    let found = predict(&mut all, &[start(), rows(0..settled + 600, 0)]);
    for prediction in &found {
        let from = prediction.end.saturating_sub(128);
        assert_eq!(
            prediction.flags & flag::SETTLING != 0,
            from < settled || prediction.end < 128,
            "{prediction:?}"
        );
    }
    assert_eq!(found.last().unwrap().flags, 0);
}

#[test]
fn a_model_is_silent_under_filters_it_was_not_trained_with() {
    let station = station();
    let columns = station.columns(model("step-cnn", &[]).card()).unwrap();
    let hash = station.chain_sha256(&columns, crate::infer::card::Signal::Clean).unwrap();
    let with_hash = format!("chain_sha256 = \"{hash}\"");
    let knows = model("step-cnn", &[("chain_sha256 = \"\"", &with_hash)]);
    let mut predictor = predictor(vec![knows]);
    let (other, back) = (chains(320, 60.0, 10), chains(640, 50.0, 20));
    let inputs = [
        start(),
        rows(0..320, 0),
        Input::Chains(Arc::new(other)),
        rows(320..640, 0),
        Input::Chains(Arc::new(back)),
        rows(640..960, 0),
    ];
    let found = predict(&mut predictor, &inputs);
    assert!(!found.is_empty());
    assert!(found.iter().all(|prediction| prediction.end <= 320 || prediction.first == 640), "{found:?}");
    assert_eq!(found.last().unwrap().end, 960, "the same filters under another number are the same");
}

#[test]
fn chains_told_again_at_a_segments_start_change_nothing() {
    let models = || vec![model("window-lstm", &[]), model("step-lstm", &[])];
    let whole = predict(&mut predictor(models()), &[start(), rows(0..700, 0)]);
    let mut pipeline = Pipeline::new(&channels());
    let mut predictor = predictor(models());
    let mut found = Vec::new();
    for (at, input) in [start(), rows(0..333, 0), rows(333..700, 0)].iter().enumerate() {
        if at == 2 {
            let again = Input::Chains(Arc::new(pipeline.changes().remove(0)));
            let spans = pipeline.spans().collect();
            found.extend(predictor.step(&again, &CleanBlock { sample: 333, spans, ..CleanBlock::default() }));
        }
        let clean = pipeline.step(input);
        found.extend(predictor.step(input, &clean));
    }
    assert_eq!(found, whole);
}

#[test]
fn rows_the_caller_left_out_are_missing() {
    let mut pipeline = Pipeline::new(&channels());
    let mut predictor = predictor(vec![model("window-cnn", &[]), model("step-cnn", &[])]);
    let mut found = Vec::new();
    for (at, input) in [start(), rows(0..200, 0), rows(200..300, 0), rows(300..600, 0)].iter().enumerate() {
        let clean = pipeline.step(input);
        if at != 2 {
            found.extend(predictor.step(input, &clean));
        }
    }
    assert!(found.iter().all(|prediction| prediction.end <= 200 || prediction.first >= 300), "{found:?}");
    assert_eq!(found.iter().rfind(|prediction| prediction.model == 1).unwrap().first, 320);
}

#[test]
fn an_envelope_model_counts_rows_of_the_recording_all_the_same() {
    let of_envelope =
        [("signal = \"clean\"", "signal = \"envelope\""), ("rate_hz = 1000.0", "rate_hz = 100.0")];
    let mut predictor = predictor(vec![model("window-cnn", &of_envelope), model("step-cnn", &of_envelope)]);
    let inputs = [start(), rows(0..2000, 0), gap(2000, 15), rows(2015..4000, 0)];
    let found = predict(&mut predictor, &inputs);
    assert_eq!((found[0].first, found[0].end, found[0].model), (0, 320, 1));
    let window = found.iter().find(|prediction| prediction.model == 0).unwrap();
    assert_eq!((window.first, window.end), (0, 1280));
    let again = found.iter().find(|prediction| prediction.model == 1 && prediction.end > 2000).unwrap();
    // Row 201 of the envelope is of sample 2019, row 192 the first of the stride that the gap is in.
    assert_eq!((again.first, again.end), (2240, 2560));
}

#[test]
fn a_bad_second_flags_what_touches_it_and_what_follows_until_a_better_one() {
    let mut predictor = predictor(vec![model("window-cnn", &[])]);
    let mut pipeline = Pipeline::new(&channels());
    let second = |sample: u64, flags| Quality {
        sample,
        channel: 0,
        level: 1.0,
        floor: 1.0,
        line_level: f64::NAN,
        line_hz: f64::NAN,
        flags,
    };
    let mut found = Vec::new();
    let inputs = [start(), rows(0..1000, 0), rows(1000..2000, 0), rows(2000..3000, 0), rows(3000..4000, 0)];
    for (at, input) in (0..).zip(&inputs) {
        let clean = pipeline.step(input);
        if at >= 1 {
            let flags = if at == 2 { quality_flag::OFF } else { quality_flag::CROSSTALK };
            predictor.judge(&second((at - 1) * 1000, flags));
        }
        found.extend(predictor.step(input, &clean));
    }
    for prediction in &found {
        let bad = prediction.end >= 2000 && prediction.first < 2000 || (2000..3000).contains(&prediction.end);
        assert_eq!(prediction.flags & flag::BAD_CHANNEL != 0, bad, "{prediction:?}");
    }
}

#[test]
fn a_station_that_lacks_things_is_told_all_of_them() {
    let mut station = station();
    station.rate_hz = Some(500.0);
    station.channels.retain(|channel| channel.name != "OOR-L");
    let at =
        |channels: &[Channel], name: &str| channels.iter().position(|channel| channel.name == name).unwrap();
    let zyg = at(&station.channels, "ZYG-L");
    station.channels[zyg].kind = Kind::Envelope;
    station.channels[zyg].muscle = "masseter".to_owned();
    station.channels[zyg].unit = "count".to_owned();
    let said = Predictor::new(vec![model("step-cnn", &[])], &station, || 0).unwrap_err();
    let fields: Vec<&str> = said.all.iter().map(|mismatch| mismatch.field.as_str()).collect();
    let zyg = "channel ZYG-L";
    let expected = [
        "rate_hz".to_owned(),
        format!("{zyg}, muscle"),
        format!("{zyg}, kind"),
        format!("{zyg}, unit"),
        "channel OOR-L".to_owned(),
    ];
    assert_eq!(fields, expected);
    assert!(said.to_string().contains("the model expects 1000 rows/s, here it is 500 rows/s"), "{said}");
}

#[test]
fn filters_hash_by_what_they_compute_each_once() {
    use crate::infer::card::Signal::{Clean, Envelope};
    let change = chains(0, 50.0, 0);
    let chain = &change.chains[0];
    let renumbered = Chain { id: 99, words: "the same".to_owned(), ..chain.clone() };
    assert_eq!(chain_sha256(&[chain, chain, &renumbered], Clean), chain_sha256(&[chain], Clean));
    assert_ne!(chain_sha256(&[chain], Envelope), chain_sha256(&[chain], Clean));
    let smoothed_otherwise = Chain { rectify: false, ..chain.clone() };
    assert_eq!(chain_sha256(&[&smoothed_otherwise], Clean), chain_sha256(&[chain], Clean));
    assert_ne!(chain_sha256(&[&smoothed_otherwise], Envelope), chain_sha256(&[chain], Envelope));
    let tracker = Some(crate::pipeline::Tracker { fall: 0.002, rise: 1e-5 });
    let on_its_floor = Chain { tracker, ..chain.clone() };
    assert_eq!(chain_sha256(&[&on_its_floor], Clean), chain_sha256(&[chain], Clean));
    assert_ne!(chain_sha256(&[&on_its_floor], Envelope), chain_sha256(&[chain], Envelope));
    let none = Chain { sections: Vec::new(), ..chain.clone() };
    let of_nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(chain_sha256(&[&none], Clean), of_nothing);
}

/// What happens between two runs of rows.
#[derive(Clone, Debug)]
enum Break {
    None,
    Gap(u64),
    Epoch,
    Filters,
}

fn breaks() -> impl Strategy<Value = Vec<(u64, Break)>> {
    let kind = prop_oneof![
        Just(Break::None),
        (1_u64..90).prop_map(Break::Gap),
        Just(Break::Epoch),
        Just(Break::Filters),
    ];
    proptest::collection::vec((1_u64..250, kind), 1..6)
}

/// The inputs of a recording, its rows cut after `cut` of them at most.
fn recording(breaks: &[(u64, Break)], cut: u64) -> Vec<Input> {
    let (mut inputs, mut row, mut epoch, mut id) = (vec![start()], 0, 0, 10);
    for (length, after) in breaks {
        let end = row + length;
        while row < end {
            let next = (row + cut).min(end);
            inputs.push(rows(row..next, epoch));
            row = next;
        }
        match after {
            Break::None => {}
            Break::Gap(missing) => {
                inputs.push(gap(row, *missing));
                row += missing;
            }
            Break::Epoch => epoch += 1,
            Break::Filters => {
                inputs.push(Input::Chains(Arc::new(chains(row, if id % 20 == 0 { 50.0 } else { 60.0 }, id))));
                id += 10;
            }
        }
    }
    inputs
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn the_same_rows_give_the_same_predictions_however_they_are_cut(breaks in breaks(), cut in 1_u64..70) {
        let of_envelope = [("signal = \"clean\"", "signal = \"envelope\""), ("rate_hz = 1000.0", "rate_hz = 100.0")];
        let models = vec![
            model("window-lstm", &[]),
            model("step-lstm", &[]),
            model("step-cnn", &of_envelope),
        ];
        let whole = predict(&mut predictor(models.clone()), &recording(&breaks, u64::MAX / 2));
        let cut = predict(&mut predictor(models), &recording(&breaks, cut));
        prop_assert_eq!(whole, cut);
    }
}
