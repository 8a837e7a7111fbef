//! Every preset at every rate that carries it, against SciPy, and what filters do with signals at their limits.

use super::preset::{self, Occasion};
use super::*;
use crate::emg::units::{float_len, int16, wide};
use crate::emg::{Channel, Kind, Samples, Stamp};

/// Made by `scripts/golden`: a `preset` line, then rows of raw, clean, envelope, and both by `sosfiltfilt`.
const GOLDEN: &str = include_str!("../../tests/golden/dsp_presets.txt");

fn change(rate_hz: f64, preset: Preset, line_hz: f64, sample: u64, first_id: u32) -> ChainChange {
    let reason = if sample == 0 { Reason::Start } else { Reason::Rate };
    let decimation = preset::decimation(Some(1000.0));
    let occasion = Occasion { sample, reason, rate_hz: Some(rate_hz), decimation, first_id };
    let (change, remarks) =
        preset::chains(&channels(), &Options { line_hz, preset, ..Options::default() }, &occasion);
    assert!(preset == Preset::Default || remarks.is_empty(), "{remarks:?}");
    change
}

fn channels() -> [Channel; 1] {
    [Channel::new("a", Kind::Raw)]
}

fn rows(sample: u64, counts: &[f64]) -> Input {
    Input::Rows(Arc::new(RawBlock {
        sample,
        channels: 1,
        epoch: 1,
        device_index: sample,
        device_us: 0,
        stamp: Stamp::default(),
        samples: Samples::I16(counts.iter().map(|&count| int16(count)).collect()),
        digital: Vec::new(),
    }))
}

fn run(change: &ChainChange, counts: &[f64]) -> CleanBlock {
    let mut pipeline = Pipeline::new(&channels());
    pipeline.step(&Input::Chains(Arc::new(change.clone())));
    pipeline.step(&rows(0, counts))
}

/// Root mean square of the difference, as a share of the expected.
fn off(ours: impl Iterator<Item = f64>, expected: &[f64]) -> f64 {
    let difference: f64 = ours.zip(expected).map(|(a, b)| (a - b).powi(2)).sum();
    (difference / expected.iter().map(|b| b * b).sum::<f64>()).sqrt()
}

#[test]
fn every_preset_filters_as_scipy_does_forward_and_both_ways() {
    let mut cases = 0;
    for case in GOLDEN.split("preset ").skip(1) {
        let mut lines = case.lines();
        let title = lines.next().unwrap();
        let [rate, word, line] = title.split(' ').collect::<Vec<_>>()[..] else { panic!("{title}") };
        let table: Vec<Vec<f64>> =
            lines.map(|line| line.split(' ').map(|word| word.parse().unwrap()).collect()).collect();
        let column = |at: usize| table.iter().map(|row| row[at]).collect::<Vec<_>>();
        let change =
            change(rate.parse().unwrap(), Preset::from_word(word).unwrap(), line.parse().unwrap(), 0, 0);
        let out = run(&change, &column(0));
        let step = usize::try_from(change.decimation).unwrap();
        let thinned = |at: usize| column(at).into_iter().skip(step - 1).step_by(step).collect::<Vec<_>>();
        let single = |values: &[f32]| values.iter().copied().map(f64::from).collect::<Vec<_>>();
        // Single precision rounds to 6e-8 of a value; the f64 kernel itself is held to 1e-9 below and in `run`.
        assert!(off(single(&out.clean).into_iter(), &column(1)) < 6e-8, "{title}: clean");
        assert!(off(single(&out.envelope).into_iter(), &thinned(2)) < 6e-8, "{title}: envelope");

        let chain = &change.chains[0];
        let mut still = column(0);
        crate::dsp::zero_phase::filter(&chain.sections, 1, &mut still);
        assert!(off(still.iter().copied(), &column(3)) < 1e-9, "{title}: both ways");
        let mut envelope: Vec<f64> = still.iter().map(|value| value.abs()).collect();
        crate::dsp::zero_phase::filter(&chain.envelope_sections, 1, &mut envelope);
        assert!(off(envelope.into_iter(), &column(4)) < 1e-9, "{title}: envelope both ways");
        cases += 1;
    }
    assert_eq!(cases, 16);
}

/// Made by `scripts/golden`: a `track` line, then raw and both envelopes, each less its floor.
const TRACKED: &str = include_str!("../../tests/golden/dsp_tracker.txt");

#[test]
fn a_tracked_floor_is_the_one_numpy_finds_forward_and_behind_zero_phase_filters() {
    let numbers = |line: &str| line.split(' ').map(|word| word.parse().unwrap()).collect::<Vec<f64>>();
    let lines: Vec<&str> = TRACKED.lines().collect();
    for case in lines.chunks_exact(4) {
        let [_, rate, word, settle, fall, rise] = case[0].split(' ').collect::<Vec<_>>()[..] else {
            panic!()
        };
        let rate_hz: f64 = rate.parse().unwrap();
        let decimation = preset::decimation(Some(rate_hz));
        let occasion =
            Occasion { sample: 0, reason: Reason::Start, rate_hz: Some(rate_hz), decimation, first_id: 0 };
        let options = Options { baseline: Baseline::from_word(word).unwrap(), ..Options::default() };
        let (change, _) = preset::chains(&channels(), &options, &occasion);
        let chain = &change.chains[0];
        let tracker = chain.tracker.unwrap();
        assert_eq!(chain.settle_rows.to_string(), settle, "{rate} Hz");
        for (ours, theirs) in [(tracker.fall, fall), (tracker.rise, rise)] {
            assert!((ours / theirs.parse::<f64>().unwrap() - 1.0).abs() < 1e-14, "{ours} {theirs}");
        }
        let counts = numbers(case[1]);
        let out = run(&change, &counts);
        let single = |values: &[f32]| values.iter().copied().map(f64::from).collect::<Vec<_>>();
        assert!(off(single(&out.envelope).into_iter(), &numbers(case[2])) < 6e-8, "{rate} Hz");
        let inputs = [Input::Chains(Arc::new(change)), rows(0, &counts)];
        let inputs = inputs.into_iter().map(Ok::<_, std::convert::Infallible>);
        let Ok(still) = ZeroPhase::of(&channels(), Pipeline::new(&channels()), inputs);
        let mut block = out;
        still.replace(&mut block);
        assert!(off(single(&block.envelope).into_iter(), &numbers(case[3])) < 6e-8, "{rate} Hz, both ways");
    }
    assert_eq!(lines.len(), 16, "four rates");
}

#[test]
fn without_a_filter_the_signal_is_itself_at_every_rate() {
    for rate_hz in [200.0, 904.0, 1000.0, 2000.0] {
        let counts: Vec<f64> = (0..100).map(|n| float_len(n * 37 % 1024)).collect();
        let out = run(&change(rate_hz, Preset::Off, 50.0, 0, 0), &counts);
        assert!(
            out.clean.iter().zip(&counts).all(|(ours, count)| f64::from(*ours).to_bits() == count.to_bits())
        );
    }
}

#[test]
fn a_signal_at_its_rails_stays_finite_and_is_forgotten() {
    for (rate_hz, word) in
        [(200.0, "default"), (1000.0, "default"), (1000.0, "30-85"), (2000.0, "startle-28")]
    {
        let change = change(rate_hz, Preset::from_word(word).unwrap(), 50.0, 0, 0);
        // Full scale of the widest converter there is, up and down, then rest in the middle.
        let mut counts: Vec<f64> =
            (0..3000).map(|n| if n / 7 % 2 == 0 { f64::from(i16::MAX) } else { -32_767.0 }).collect();
        counts.resize(9000, 0.0);
        let out = run(&change, &counts);
        let peak = |values: &[f32]| values.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
        assert!(out.clean.iter().chain(&out.envelope).all(|value| value.is_finite()), "{rate_hz} {word}");
        assert!(peak(&out.clean) > 1e4 && peak(&out.clean) < 3e5, "{rate_hz} {word}: {}", peak(&out.clean));
        assert!(peak(&out.clean[8000..]) < 1e-3, "{rate_hz} {word}: {}", peak(&out.clean[8000..]));
        assert!(peak(&out.envelope[890..]) < 1e-3, "{rate_hz} {word}: {}", peak(&out.envelope[890..]));
    }
}

#[test]
fn a_constant_is_silent_under_every_band_filter_both_ways_too() {
    for (rate_hz, word) in [(200.0, "30-85"), (904.0, "default"), (1000.0, "15-400"), (2000.0, "startle-28")]
    {
        let change = change(rate_hz, Preset::from_word(word).unwrap(), 60.0, 0, 0);
        let out = run(&change, &[731.0; 500]);
        assert!(out.clean.iter().chain(&out.envelope).all(|value| value.abs() < 1e-6), "{rate_hz} {word}");
        let mut still = vec![731.0; 500];
        crate::dsp::zero_phase::filter(&change.chains[0].sections, 1, &mut still);
        assert!(still.iter().all(|value| value.abs() < 1e-6), "{rate_hz} {word}");
    }
}

#[test]
fn behind_a_change_of_rate_the_rows_are_those_of_a_fresh_start() {
    let counts: Vec<f64> = (0..1500).map(|n| float_len(n * n % 911)).collect();
    let cut = 700;
    let (before, after) =
        (change(904.0, Preset::Default, 50.0, 0, 0), change(1000.0, Preset::Default, 50.0, wide(cut), 1));
    let mut pipeline = Pipeline::new(&channels());
    pipeline.step(&Input::Chains(Arc::new(before)));
    pipeline.step(&Input::Chains(Arc::new(after.clone())));
    let out = pipeline.step(&rows(0, &counts));
    let mut fresh = Pipeline::new(&channels());
    fresh.step(&Input::Chains(Arc::new(after)));
    let alone = fresh.step(&rows(wide(cut), &counts[cut..]));
    assert_eq!(
        out.clean[cut..].iter().map(|v| v.to_bits()).collect::<Vec<_>>(),
        alone.clean.iter().map(|v| v.to_bits()).collect::<Vec<_>>()
    );
    assert_eq!(out.spans[1], Span { reason: Reason::Rate, ..alone.spans[0] });
}

#[test]
fn both_ways_no_value_depends_on_what_lies_behind_a_gap() {
    let change = change(1000.0, Preset::Default, 50.0, 0, 0);
    let counts: Vec<f64> = (0..900).map(|n| float_len(n * 31 % 257)).collect();
    let whole = |behind: f64| {
        let gap = crate::emg::Gap {
            sample: 900,
            missing: 25,
            exact: true,
            epoch: 1,
            cause: crate::emg::Cause::Counter,
            host_ns: 0,
        };
        let inputs = [
            Input::Chains(Arc::new(change.clone())),
            rows(0, &counts),
            Input::Gap(gap),
            rows(925, &[behind; 300]),
        ];
        let inputs = inputs.into_iter().map(Ok::<_, std::convert::Infallible>);
        let Ok(filtered) = ZeroPhase::of(&channels(), Pipeline::new(&channels()), inputs);
        let mut block =
            CleanBlock { clean: vec![0.0; 1225], envelope: vec![0.0; 122], ..CleanBlock::default() };
        filtered.replace(&mut block);
        block
    };
    let (calm, loud) = (whole(500.0), whole(-20_000.0));
    assert!(calm.clean[900..925].iter().all(|value| value.is_nan()) && calm.envelope[90].is_nan());
    assert!(calm.clean[..900].iter().zip(&loud.clean).all(|(a, b)| a.to_bits() == b.to_bits()));
    assert!(calm.envelope[..90].iter().zip(&loud.envelope).all(|(a, b)| a.to_bits() == b.to_bits()));
    let mut alone = counts.clone();
    crate::dsp::zero_phase::filter(&change.chains[0].sections, 1, &mut alone);
    assert!(off(calm.clean.iter().copied().map(f64::from), &alone) < 6e-8);
    assert!(calm.clean[925..].iter().all(|value| value.abs() < 1e-6), "a constant behind it is silent");
}
