//! What the presets promise: which operators stand in a chain for which rate, kind and wish.

use super::*;
use proptest::prelude::*;

fn raw(rate_hz: Option<f64>, preset: Preset) -> (Chain, Vec<String>) {
    let options = Options { line_hz: 50.0, preset, ..Options::default() };
    let (change, remarks) = chains(&[Channel::new("a", Kind::Raw)], &options, &occasion(rate_hz));
    (change.chains[0].clone(), remarks)
}

fn occasion(rate_hz: Option<f64>) -> Occasion {
    Occasion { sample: 0, reason: Reason::Start, rate_hz, decimation: decimation(rate_hz), first_id: 0 }
}

fn is_identity(chain: &Chain) -> bool {
    chain.sections.is_empty()
        && chain.envelope_sections.is_empty()
        && !chain.rectify
        && chain.settle_rows == 0
}

#[test]
fn the_default_band_is_whole_at_one_kilohertz() {
    let (chain, remarks) = raw(Some(1000.0), Preset::Default);
    assert!(remarks.is_empty(), "{remarks:?}");
    assert_eq!(chain.words, "BP20-450 N50+h Q10");
    // Four of the band-pass, 50 to 400 Hz: the notch at 450 Hz would sit on the edge.
    assert_eq!(chain.sections.len(), 4 + 8);
    assert_eq!(chain.envelope_sections.len(), 1);
    assert!(chain.rectify);
    assert!((200..400).contains(&chain.settle_rows), "{}", chain.settle_rows);
    assert!((1.0..20.0).contains(&chain.delay_samples), "{}", chain.delay_samples);
}

#[test]
fn the_default_band_shrinks_to_the_rate_and_says_so() {
    let (chain, remarks) = raw(Some(904.0), Preset::Default);
    assert_eq!(chain.words, "BP20-406.8 N50+h Q10");
    assert_eq!(remarks, ["this source gives 904 rows/s, so the default band 20-450 Hz becomes 20-406.8 Hz"]);
    assert_eq!(raw(Some(200.0), Preset::Default).0.words, "BP20-90 N50 Q10");
    assert_eq!(raw(Some(100.0), Preset::Default).0.words, "BP20-45");
}

#[test]
fn a_rate_too_low_for_any_emg_gives_the_empty_chain_and_says_why() {
    let (chain, remarks) = raw(Some(20.0), Preset::Default);
    assert!(is_identity(&chain));
    assert_eq!(chain.words, "no filter");
    let said = "this source gives 20 rows/s, which cannot carry EMG above 9 Hz: no filter runs, the cleaned signal is \
                the raw one";
    assert_eq!(remarks, [said]);
}

#[test]
fn a_wish_the_rate_cannot_carry_is_told_from_one_it_can() {
    let channels = [Channel::new("a", Kind::Raw), Channel::new("b", Kind::Envelope)];
    let wish =
        |preset, rate_hz| admit(&channels, &Options { line_hz: 50.0, preset, ..Options::default() }, rate_hz);
    assert_eq!(
        wish(Preset::Band { low: 20.0, high: 400.0 }, Some(200.0)).unwrap_err(),
        "this source gives 200 rows/s, which cannot carry EMG above 90 Hz and not a band of 20-400 Hz"
    );
    assert!(wish(Preset::Default, Some(20.0)).is_err());
    for (preset, rate_hz) in
        [(Preset::Default, Some(200.0)), (Preset::Startle28, None), (Preset::Off, Some(20.0))]
    {
        assert_eq!(wish(preset, rate_hz), Ok(()));
    }
    let envelopes = Options { line_hz: 50.0, preset: Preset::Startle28, ..Options::default() };
    assert_eq!(admit(&channels[1..], &envelopes, Some(20.0)), Ok(()), "no band-pass runs on an envelope");
}

#[test]
fn a_preset_that_does_not_fit_is_refused_not_shrunk() {
    let (chain, remarks) = raw(Some(1000.0), Preset::Startle28);
    assert!(is_identity(&chain));
    assert!(remarks[0].contains("450 Hz and not a band of 28-500 Hz"), "{remarks:?}");
    assert_eq!(raw(Some(2000.0), Preset::Startle28).0.words, "BP28-500 N50+h Q10");
    let (chain, remarks) = raw(Some(1000.0), Preset::Band { low: 90.0, high: 30.0 });
    assert!(is_identity(&chain));
    assert!(remarks[0].starts_with("a band from 90 to 30 Hz is empty or too narrow"), "{remarks:?}");
}

#[test]
fn without_a_rate_nothing_is_filtered_and_nothing_said() {
    let (chain, remarks) = raw(None, Preset::Default);
    assert!(is_identity(&chain) && remarks.is_empty());
    assert!(chain.design_rate_hz.abs() < f64::EPSILON);
    assert!(is_identity(&raw(Some(1000.0), Preset::Off).0));
    assert!(is_identity(&raw(Some(0.0), Preset::Default).0));
}

#[test]
fn each_kind_gets_what_its_signal_allows() {
    let kinds = [Kind::Raw, Kind::Trigger, Kind::Envelope, Kind::Raw, Kind::Rectified, Kind::Aux];
    let channels = kinds.map(|kind| Channel::new(kind.word(), kind));
    let options = Options { line_hz: 60.0, preset: Preset::Default, ..Options::default() };
    let late = Occasion { first_id: 7, sample: 90, reason: Reason::Rate, ..occasion(Some(2000.0)) };
    let (change, remarks) = chains(&channels, &options, &late);
    assert!(remarks.is_empty());
    assert_eq!((change.sample, change.reason, change.decimation), (90, Reason::Rate, 20));
    assert_eq!(change.assignment, [7, 8, 9, 7, 10, 11]);
    assert_eq!(change.chains.iter().map(|chain| chain.id).collect::<Vec<_>>(), [7, 8, 9, 10, 11]);
    let by_kind = |at: usize| &change.chains[at];
    assert_eq!(by_kind(0).words, "BP20-450 N60+h Q10");
    assert!(is_identity(by_kind(1)) && is_identity(by_kind(4)));
    for smoothed in [by_kind(2), by_kind(3)] {
        assert!(smoothed.sections.is_empty() && smoothed.envelope_sections.len() == 1 && !smoothed.rectify);
        assert_eq!(smoothed.words, "env LP20");
    }
}

#[test]
fn a_baseline_stands_on_the_envelope_alone_and_its_settling_is_counted() {
    let channels = [Channel::new("a", Kind::Raw), Channel::new("b", Kind::Envelope)];
    let of = |word: &str| {
        let options = Options { baseline: Baseline::from_word(word).unwrap(), ..Options::default() };
        chains(&channels, &options, &occasion(Some(1000.0))).0.chains
    };
    let (plain, high_pass, tracked) = (of("off"), of("0.1"), of("track"));
    let words = |chains: &[Chain]| chains.iter().map(|chain| chain.words.clone()).collect::<Vec<_>>();
    assert_eq!(words(&high_pass), ["BP20-450 N50+h Q10 HP0.1 on the envelope", "env LP20 HP0.1"]);
    let said = ["BP20-450 N50+h Q10 BL track 0.5/60s on the envelope", "env LP20 BL track 0.5/60s"];
    assert_eq!(words(&tracked), said);
    for (plain, tracked) in plain.iter().zip(&tracked) {
        let shares = tracked.tracker.unwrap();
        assert!((shares.fall - 2e-3).abs() < 3e-6 && (shares.rise - 1.0 / 60_000.0).abs() < 1e-9);
        // ln 100 x 0.5 s on top of what the filters before it need.
        assert_eq!(tracked.settle_rows, plain.settle_rows + 2303);
        assert_eq!(
            (&tracked.sections, &tracked.envelope_sections),
            (&plain.sections, &plain.envelope_sections)
        );
        assert_eq!(tracked.envelope_memories(), plain.envelope_memories() + 1);
    }
    for rate_hz in [200.0, 1000.0, 10_000.0] {
        let takes = |word: &str| {
            let options = Options { baseline: Baseline::from_word(word).unwrap(), ..Options::default() };
            let all = chains(&channels, &options, &occasion(Some(rate_hz))).0.chains;
            all.iter().map(Chain::takes_baseline).collect::<Vec<_>>()
        };
        assert_eq!(takes("off"), [false, false]);
        for word in ["track", "0.01", "1"] {
            assert_eq!(takes(word), [true, true], "{word} at {rate_hz}");
        }
    }
    let slow = chains(
        &channels,
        &Options { baseline: Baseline::from_word("track").unwrap(), ..Options::default() },
        &occasion(Some(20.0)),
    );
    assert!(slow.0.chains.iter().all(|chain| chain.tracker.is_none()), "where nothing is smoothed");
}

#[test]
fn a_narrower_band_and_a_notch_outside_it_are_both_said() {
    let options = Options { notches: Notches::from_word("50,425").unwrap(), ..Options::default() };
    let (_, remarks) = chains(&[Channel::new("a", Kind::Raw)], &options, &occasion(Some(904.0)));
    let said = [
        "this source gives 904 rows/s, so the default band 20-450 Hz becomes 20-406.8 Hz",
        "no notch at 425 Hz: the band 20-406.8 Hz has nothing there",
    ];
    assert_eq!(remarks, said);
}

#[test]
fn slow_envelopes_are_left_alone_and_it_is_said_once() {
    let channels = [Channel::new("a", Kind::Envelope), Channel::new("b", Kind::Rectified)];
    let (change, remarks) = chains(&channels, &Options::default(), &occasion(Some(20.0)));
    assert!(change.chains.iter().all(is_identity));
    assert_eq!(remarks.len(), 1, "{remarks:?}");
}

#[test]
fn about_a_hundred_envelope_rows_a_second() {
    let of = |rate| decimation(Some(rate));
    assert_eq!((of(1000.0), of(904.0), of(200.0), of(20.0), decimation(None)), (10, 9, 2, 1, 10));
}

proptest! {
    #[test]
    fn whatever_is_wished_for_gives_finite_filters_or_a_reason(
        low in prop_oneof![-10.0..600.0_f64, 0.0..1e-3_f64, Just(f64::NAN), Just(f64::INFINITY)],
        width in prop_oneof![-10.0..600.0_f64, 0.0..1e-3_f64, Just(f64::NAN), Just(f64::INFINITY)],
        rate_hz in prop_oneof![0.1..5000.0_f64, Just(f64::NAN), Just(f64::INFINITY), Just(-1.0)],
    ) {
        let preset = Preset::Band { low, high: low + width };
        let (chain, remarks) = raw(Some(rate_hz), preset);
        prop_assert!(chain.sections.as_flattened().iter().all(|c| c.is_finite()));
        prop_assert!(chain.delay_samples.is_finite());
        let known = rate_hz.is_finite() && rate_hz > 0.0;
        prop_assert_eq!(known && chain.sections.is_empty(), !remarks.is_empty());
    }
}
