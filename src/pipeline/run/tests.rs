//! The running pipeline against SciPy, against any cut into blocks, over gaps and changes of chains.

use super::*;
use crate::emg::{Cause, Kind, Samples, Stamp};
use crate::pipeline::preset::{self, Occasion, Options, Preset};
use crate::pipeline::{Baseline, Tracker};
use proptest::prelude::*;
use std::sync::Arc;

fn gap(sample: u64, missing: u64, exact: bool, epoch: u32) -> Input {
    Input::Gap(Gap { sample, missing, exact, epoch, cause: Cause::Counter, host_ns: 0 })
}

fn rows(sample: u64, epoch: u32, channels: usize, samples: Samples) -> Input {
    let stamp = Stamp::default();
    let (device_index, device_us) = (sample, 0);
    let digital = Vec::new();
    Input::Rows(Arc::new(RawBlock {
        sample,
        channels,
        epoch,
        device_index,
        device_us,
        stamp,
        samples,
        digital,
    }))
}

fn change(channels: &[Channel], preset: Preset, sample: u64, reason: Reason, first_id: u32) -> ChainChange {
    let occasion = Occasion { sample, reason, rate_hz: Some(1000.0), decimation: 10, first_id };
    preset::chains(channels, &Options { line_hz: 50.0, preset, ..Options::default() }, &occasion).0
}

/// A pipeline of raw channels under the default chain, at row 0.
fn raw(channels: usize) -> Pipeline {
    let channels: Vec<_> = (0..channels).map(|c| Channel::new(format!("c{c}"), Kind::Raw)).collect();
    let mut pipeline = Pipeline::new(&channels);
    pipeline.step(&Input::Chains(Arc::new(change(&channels, Preset::Default, 0, Reason::Start, 0))));
    pipeline
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// Everything a run of inputs gave, bits for values.
#[derive(Debug, Default, PartialEq)]
struct Taken {
    clean: Vec<u32>,
    envelope: Vec<u32>,
    spans: Vec<Span>,
    starts: Vec<FilterState>,
}

impl Taken {
    fn add(&mut self, block: CleanBlock, channels: usize, decimation: u32) {
        let at = |values: &Vec<u32>| wide(values.len() / channels);
        if !block.clean.is_empty() {
            assert_eq!(block.sample, at(&self.clean));
        }
        assert_eq!(block.envelope_first, block.sample / u64::from(decimation));
        if !block.envelope.is_empty() {
            assert_eq!(block.envelope_first, at(&self.envelope));
        }
        assert_eq!(block.spans.len(), block.starts.len());
        self.clean.extend(bits(&block.clean));
        self.envelope.extend(bits(&block.envelope));
        self.spans.extend(block.spans);
        self.starts.extend(block.starts);
    }
}

/// SciPy's filtering of one signal at one rate: raw, clean and the envelope before decimation.
fn golden(text: &str) -> Vec<[f64; 3]> {
    let number = |word: &str| word.parse::<f64>().unwrap();
    text.lines().map(|line| line.split(' ').map(number).collect::<Vec<_>>().try_into().unwrap()).collect()
}

fn rms(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let n = crate::emg::units::float_len(values.clone().count());
    (values.map(|v| v * v).sum::<f64>() / n).sqrt()
}

#[test]
fn the_default_chain_filters_as_scipy_does() {
    let texts = [
        (200.0, include_str!("../../../tests/golden/dsp_clean_200.txt")),
        (904.0, include_str!("../../../tests/golden/dsp_clean_904.txt")),
        (1000.0, include_str!("../../../tests/golden/dsp_clean_1000.txt")),
        (2000.0, include_str!("../../../tests/golden/dsp_clean_2000.txt")),
    ];
    for (rate_hz, text) in texts {
        let signal = golden(text);
        let channels = [Channel::new("a", Kind::Raw)];
        let decimation = preset::decimation(Some(rate_hz));
        let occasion =
            Occasion { sample: 0, reason: Reason::Start, rate_hz: Some(rate_hz), decimation, first_id: 0 };
        let (change, _) = preset::chains(&channels, &Options::default(), &occasion);
        let mut pipeline = Pipeline::new(&channels);
        pipeline.step(&Input::Chains(Arc::new(change)));

        // The f64 kernel, before the cast.
        let mut twin = pipeline.clone();
        let mut values: Vec<f64> = signal.iter().map(|row| row[0]).collect();
        twin.clean.start(0, values[0]);
        twin.clean.run(&mut values);
        let error = rms(values.iter().zip(&signal).map(|(ours, row)| ours - row[1]));
        assert!(
            error < 1e-9,
            "{rate_hz} Hz: {error} beside a signal of {}",
            rms(signal.iter().map(|row| row[1]))
        );

        // The whole pipeline, after it.
        let counts = signal.iter().map(|row| crate::emg::units::int16(row[0])).collect();
        let out = pipeline.step(&rows(0, 1, 1, Samples::I16(counts)));
        let error = rms(out.clean.iter().zip(&signal).map(|(ours, row)| f64::from(*ours) - row[1]));
        assert!(error < 1e-5, "{rate_hz} Hz: {error}");
        let step = usize::try_from(decimation).unwrap();
        let thinned = signal.iter().skip(step - 1).step_by(step);
        assert_eq!(out.envelope.len(), thinned.clone().count());
        let error = rms(out.envelope.iter().zip(thinned).map(|(ours, row)| f64::from(*ours) - row[2]));
        assert!(error < 1e-5, "{rate_hz} Hz: envelope {error}");
    }
}

#[test]
fn a_constant_input_is_silent_from_the_first_row() {
    let mut pipeline = raw(1);
    let out = pipeline.step(&rows(0, 1, 1, Samples::I16(vec![512; 2000])));
    assert!(out.clean.iter().chain(&out.envelope).all(|v| v.abs() < 1e-6));
    assert_eq!(out.envelope.len(), 200);
    let span = out.spans[0];
    assert_eq!((span.sample, span.reason, span.chain, out.spans.len()), (0, Reason::Start, 0, 1));
    assert!(span.settled_sample > 200);
    // What `/filter/state` holds: one state per section.
    assert_eq!((out.starts[0].sections.len(), out.starts[0].envelope.len()), (12, 1));
}

#[test]
fn units_are_applied_before_the_filters() {
    let channel = Channel { offset: 100.0, scale: 0.5, ..Channel::new("a", Kind::Aux) };
    let mut pipeline = Pipeline::new(std::slice::from_ref(&channel));
    let first = change(std::slice::from_ref(&channel), Preset::Default, 0, Reason::Start, 0);
    pipeline.step(&Input::Chains(Arc::new(first)));
    let out = pipeline.step(&rows(0, 1, 1, Samples::I32((100..120).collect())));
    assert_eq!(out.clean[..3], [0.0, 0.5, 1.0]);
    assert_eq!(out.envelope, [4.5, 9.5], "envelope rows belong to samples 9 and 19");
}

#[test]
fn an_envelope_sensor_is_smoothed_and_not_rectified() {
    let channels = [Channel::new("a", Kind::Envelope)];
    let mut pipeline = Pipeline::new(&channels);
    pipeline.step(&Input::Chains(Arc::new(change(&channels, Preset::Default, 0, Reason::Start, 0))));
    let out = pipeline.step(&rows(0, 1, 1, Samples::I16(vec![-40; 100])));
    assert!(out.clean.iter().all(|&v| v.to_bits() == (-40.0_f32).to_bits()));
    assert!(out.envelope.iter().all(|v| (v + 40.0).abs() < 1e-4), "{:?}", out.envelope);
}

#[test]
fn a_tracked_floor_begins_anew_behind_a_gap_and_settles_with_its_span() {
    let channels = [Channel::new("a", Kind::Envelope)];
    let options = Options { baseline: Baseline::from_word("track:0.1/20").unwrap(), ..Options::default() };
    let occasion =
        Occasion { sample: 0, reason: Reason::Start, rate_hz: Some(1000.0), decimation: 1, first_id: 0 };
    let chains = preset::chains(&channels, &options, &occasion).0;
    let settle = chains.chains[0].settle_rows;
    let mut pipeline = Pipeline::new(&channels);
    pipeline.step(&Input::Chains(Arc::new(chains)));
    let out = pipeline.step(&rows(0, 1, 1, Samples::F32(vec![40.0; 1000])));
    assert!(out.envelope.iter().all(|left| left.abs() < 1e-4), "a constant is its own floor at once");
    assert_eq!((out.spans[0].settled_sample, out.starts[0].envelope.len()), (settle, 2));
    assert_eq!(out.starts[0].envelope[1].map(f64::to_bits), [40.0_f64.to_bits(); 2]);
    pipeline.step(&gap(1000, 10, true, 1));
    let mut behind = vec![90.0; 2000];
    behind[1500..].fill(190.0);
    let out = pipeline.step(&rows(1010, 1, 1, Samples::F32(behind)));
    assert_eq!(out.spans[0].settled_sample, 1010 + settle);
    assert!(out.envelope[..1500].iter().all(|left| left.abs() < 1e-4), "what was before is forgotten");
    assert!(out.envelope[1600..].iter().all(|left| *left > 97.0), "{:?}", &out.envelope[1600..]);
}

#[test]
fn a_counted_loss_is_nan_and_begins_a_span_on_every_channel() {
    let mut pipeline = raw(2);
    pipeline.step(&rows(0, 1, 2, Samples::I16(vec![7; 30])));
    let hole = pipeline.step(&gap(15, 10, true, 1));
    assert_eq!((hole.sample, hole.clean.len(), hole.envelope.len(), hole.envelope_first), (15, 20, 2, 1));
    assert!(hole.clean.iter().chain(&hole.envelope).all(|v| v.is_nan()));
    assert_eq!(pipeline.spans().count(), 0);
    let after = pipeline.step(&rows(25, 1, 2, Samples::I16(vec![9; 10])));
    let spans: Vec<_> = after.spans.iter().map(|s| (s.sample, s.channel, s.reason)).collect();
    assert_eq!(spans, [(25, 0, Reason::Gap), (25, 1, Reason::Gap)]);
    assert!(after.clean.iter().all(|v| v.abs() < 1e-6), "the new span is steady at once");
}

#[test]
fn between_epochs_no_row_is_filled() {
    let mut pipeline = raw(1);
    pipeline.step(&rows(0, 1, 1, Samples::I16(vec![7; 15])));
    let hole = pipeline.step(&gap(15, 12_345, false, 2));
    assert_eq!((hole.clean.len(), hole.envelope.len(), pipeline.row()), (0, 0, 15));
    let after = pipeline.step(&rows(15, 2, 1, Samples::I16(vec![9; 10])));
    assert_eq!((after.spans[0].sample, after.spans[0].reason), (15, Reason::Reconnect));
    // A change of epoch nobody announced is one as well.
    let after = pipeline.step(&rows(25, 3, 1, Samples::I16(vec![9; 10])));
    assert_eq!((after.spans[0].sample, after.spans[0].reason), (25, Reason::Reconnect));
}

#[test]
fn a_missing_value_on_one_channel_leaves_the_others_alone() {
    let whole: Vec<f32> = (0..60).map(|n| crate::emg::units::narrow(f64::from(n * n % 17))).collect();
    let mut holed = whole.clone();
    holed[20] = f32::NAN;
    holed[22] = f32::INFINITY;
    let one = raw(2).step(&rows(0, 1, 2, Samples::F32(whole)));
    let mut pipeline = raw(2);
    let two = pipeline.step(&rows(0, 1, 2, Samples::F32(holed)));
    for row in 0..30 {
        assert_eq!(one.clean[2 * row + 1].to_bits(), two.clean[2 * row + 1].to_bits());
        assert_eq!(two.clean[2 * row].is_nan(), row == 10 || row == 11, "row {row}");
    }
    let last = two.spans[2];
    assert_eq!((last.sample, last.channel, last.reason, two.spans.len()), (12, 0, Reason::Gap, 3));
    assert!(two.envelope.iter().all(|v| !v.is_nan()), "no envelope row belongs to a missing one");
}

#[test]
fn a_channel_that_starts_without_a_value_starts_with_its_first_one() {
    let mut pipeline = raw(1);
    let out = pipeline.step(&rows(0, 1, 1, Samples::F64(vec![f64::NAN, f64::NAN, 3.0])));
    assert_eq!((out.spans[0].sample, out.spans[0].reason), (2, Reason::Start));
    assert!(out.clean[0].is_nan() && out.clean[2].abs() < 1e-6);
}

#[test]
fn a_change_takes_effect_on_its_own_row_and_only_where_it_changes() {
    let channels = [Channel::new("emg", Kind::Raw), Channel::new("light", Kind::Aux)];
    let first = change(&channels, Preset::Off, 0, Reason::Start, 0);
    let mut second = change(&channels, Preset::Default, 17, Reason::Rate, 2);
    second.assignment[1] = first.assignment[1];
    let mut pipeline = Pipeline::new(&channels);
    pipeline.step(&Input::Chains(Arc::new(first)));
    pipeline.step(&rows(0, 1, 2, Samples::I16(vec![5; 20])));
    pipeline.step(&Input::Chains(Arc::new(second)));
    let out = pipeline.step(&rows(10, 1, 2, Samples::I16(vec![5; 20])));
    let spans: Vec<_> = out.spans.iter().map(|s| (s.sample, s.channel, s.chain, s.reason)).collect();
    assert_eq!(spans, [(17, 0, 2, Reason::Rate)]);
    assert!((out.clean[2 * 6] - 5.0).abs() < 1e-6 && out.clean[2 * 7].abs() < 1e-6);
    assert_eq!(pipeline.spans().map(|s| s.sample).collect::<Vec<_>>(), [17, 0]);
}

#[test]
#[should_panic(expected = "before its first chains")]
fn rows_without_chains_are_a_mistake() {
    Pipeline::new(&[Channel::new("a", Kind::Raw)]).step(&rows(0, 1, 1, Samples::I16(vec![1])));
}

/// What happens next in a random recording of three channels.
#[derive(Clone, Debug)]
enum Event {
    Rows(Vec<f32>),
    Lost(u64),
    Reopened,
    Chains { ahead: u64, preset: Preset, keep_last: bool, track: bool },
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let value = prop_oneof![30 => -500.0..500.0_f32, 1 => Just(f32::NAN)];
    let block = prop::collection::vec(prop::array::uniform3(value), 0..30);
    let preset = prop_oneof![
        Just(Preset::Default),
        Just(Preset::Off),
        (5.0..50.0_f64, 60.0..440.0_f64).prop_map(|(low, high)| Preset::Band { low, high }),
    ];
    let event = prop_oneof![
        6 => block.prop_map(|rows| Event::Rows(rows.concat())),
        1 => (0..25_u64).prop_map(Event::Lost),
        1 => Just(Event::Reopened),
        2 => (0..40_u64, preset, any::<bool>(), any::<bool>())
            .prop_map(|(ahead, preset, keep_last, track)| Event::Chains { ahead, preset, keep_last, track }),
    ];
    prop::collection::vec(event, 1..12)
}

/// The change with floors that are tracked, and so fast that they settle within a test.
fn tracked(mut change: ChainChange) -> ChainChange {
    for chain in &mut change.chains {
        chain.tracker = Some(Tracker { fall: 0.2, rise: 0.01 });
        chain.settle_rows = 15;
    }
    change
}

fn columns() -> [Channel; 3] {
    [Channel::new("a", Kind::Raw), Channel::new("b", Kind::Envelope), Channel::new("c", Kind::Raw)]
}

/// The inputs of the events, blocks and gaps cut into pieces of at most `piece` rows.
fn inputs(events: &[Event], piece: usize) -> Vec<Input> {
    let channels = columns();
    let (mut row, mut epoch) = (0, 1);
    let mut last = tracked(change(&channels, Preset::Default, 0, Reason::Start, 0));
    let mut inputs = vec![Input::Chains(Arc::new(last.clone()))];
    for event in events {
        match event {
            Event::Rows(values) => {
                for part in values.chunks(piece * channels.len()) {
                    inputs.push(rows(row, epoch, channels.len(), Samples::F32(part.to_vec())));
                    row += wide(part.len() / channels.len());
                }
            }
            Event::Lost(missing) => {
                let mut left = *missing;
                while left > 0 {
                    let part = left.min(wide(piece));
                    inputs.push(gap(row, part, true, epoch));
                    (row, left) = (row + part, left - part);
                }
            }
            Event::Reopened => {
                epoch += 1;
                inputs.push(gap(row, 1000, false, epoch));
            }
            Event::Chains { ahead, preset, keep_last, track } => {
                let first_id = last.chains.iter().map(|chain| chain.id).max().unwrap() + 1;
                let mut next = change(&channels, *preset, row + ahead, Reason::Change, first_id);
                if *track {
                    next = tracked(next);
                }
                if *keep_last {
                    next.assignment[2] = last.assignment[2];
                }
                inputs.push(Input::Chains(Arc::new(next.clone())));
                last = next;
            }
        }
    }
    inputs
}

fn run(pipeline: &mut Pipeline, inputs: &[Input], taken: &mut Taken) {
    for input in inputs {
        taken.add(pipeline.step(input), 3, 10);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_size_of_blocks_does_not_matter(events in events(), piece in 1..12_usize) {
        let (mut whole, mut parts) = (Taken::default(), Taken::default());
        let (mut one, mut two) = (Pipeline::new(&columns()), Pipeline::new(&columns()));
        run(&mut one, &inputs(&events, usize::MAX / 8), &mut whole);
        run(&mut two, &inputs(&events, piece), &mut parts);
        prop_assert_eq!(whole, parts);
        prop_assert_eq!(one.state(), two.state());
    }

    #[test]
    fn a_restored_pipeline_goes_on_bit_for_bit(events in events(), cut in 0.0..1.0_f64) {
        let inputs = inputs(&events, 7);
        let cut = crate::emg::units::length(cut * crate::emg::units::float_len(inputs.len() - 1)) + 1;
        let (mut whole, mut parts) = (Taken::default(), Taken::default());
        let mut one = Pipeline::new(&columns());
        run(&mut one, &inputs, &mut whole);
        let mut before = Pipeline::new(&columns());
        run(&mut before, &inputs[..cut], &mut parts);
        let state = before.state();
        let mut after = Pipeline::restore(&columns(), &state, &before.changes());
        prop_assert_eq!(after.state(), state);
        prop_assert_eq!(after.spans().collect::<Vec<_>>(), before.spans().collect::<Vec<_>>());
        run(&mut after, &inputs[cut..], &mut parts);
        prop_assert_eq!(whole, parts);
        prop_assert_eq!(one.state(), after.state());
    }
}
