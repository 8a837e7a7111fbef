//! Seconds of simulated faces and of signals made to look bad.

use super::*;
use crate::emg::finding::quality::flag;
use crate::emg::units::{float_len, int16};
use crate::face::Observer;
use crate::face::tests::{Recording, face};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use std::f64::consts::TAU;

const BLOCKS: &[usize] = &[100];
const CALM: &str = "[artefacts]\nblink=false\nswallow=false\nspeech=false\nmotion=false\n";

fn judged(recording: &Recording, blocks: &[usize], lost: std::ops::Range<u64>) -> Vec<Quality> {
    let mut observer = Observer::new(&recording.channels);
    let found =
        recording.steps(blocks, lost).flat_map(|(input, clean)| observer.step(&input, &clean).quality);
    found.collect()
}

/// One channel of counts about the middle, from a rule that gives microvolts for a second and a row.
fn rows(kind: Kind, seconds: usize, mut uv: impl FnMut(usize, &mut ChaCha8Rng) -> f64) -> Recording {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let middle = if kind == Kind::Raw { 512.0 } else { 0.0 };
    let value = |row: usize| int16((middle + uv(row, &mut rng)).clamp(0.0, 1023.0));
    let samples = (0..seconds * 1000).map(value).collect();
    let channel = Channel { adc_bits: 10, offset: middle, ..Channel::new("zyg", kind) };
    Recording { channels: vec![channel], rate_hz: 1000.0, samples, truth: Vec::new() }
}

fn noise(rng: &mut ChaCha8Rng) -> f64 {
    rng.sample(StandardNormal)
}

/// Flags of every second, in words.
fn words(recording: &Recording) -> Vec<Vec<&'static str>> {
    judged(recording, BLOCKS, 0..0).iter().map(|q| flag::words(q.flags)).collect()
}

#[test]
fn a_calm_face_is_stable_after_some_seconds_and_hums_as_much_as_it_was_told() {
    let recording = face("seed=3", &format!("{CALM}hum_uv=10\nhum_hz=50\n"), 20.0);
    let found = judged(&recording, BLOCKS, 0..0);
    assert_eq!(found.len(), 20 * 8, "a row per channel and second");
    for (at, quality) in found.iter().enumerate() {
        assert_eq!((quality.sample, usize::from(quality.channel)), (wide(at / 8) * 1000, at % 8));
    }
    for quality in found.iter().filter(|quality| quality.sample >= 6000) {
        assert_eq!(quality.flags & !flag::LINE, 0, "{:?} at {}", flag::words(quality.flags), quality.sample);
        assert!((quality.line_hz - 50.0).abs() < 0.1, "{quality:?}");
        // The fundamental is 10 uV peak times a coupling of 0.5 to 1.5.
        assert!((3.0..13.0).contains(&quality.line_level), "{quality:?}");
        assert!((0.7..3.0).contains(&quality.floor) && quality.level >= quality.floor, "{quality:?}");
    }
}

#[test]
fn hum_that_the_notches_miss_is_told_before_hum_they_take() {
    let humming = |hz: f64| {
        let wave = move |row: usize| 8.0 * 2_f64.sqrt() * (TAU * hz * float_len(row) / 1000.0).sin();
        let recording = rows(Kind::Raw, 10, move |row, rng| 4.0 * noise(rng) + wave(row));
        let found = judged(&recording, BLOCKS, 0..0);
        let late = found.into_iter().filter(|quality| quality.sample >= 5000);
        late.map(|quality| (quality.line_hz.round(), quality.flags & flag::LINE != 0)).collect::<Vec<_>>()
    };
    assert_eq!(humming(50.0), [(50.0, false); 5], "as loud, and taken away");
    assert_eq!(humming(60.0), [(60.0, true); 5], "the notches stand at 50 Hz");
}

#[test]
fn the_repertoire_never_looks_like_another_kind_nor_like_open_electrodes() {
    for query in ["seed=5", "seed=5&kind=envelope", "seed=6&rate=200"] {
        let recording = face(query, "", 60.0);
        let found = judged(&recording, BLOCKS, 0..0);
        let share = |bit: u32| {
            float_len(found.iter().filter(|quality| quality.flags & bit != 0).count())
                / float_len(found.len())
        };
        for (bit, word) in flag::WORDS {
            println!("{query}: {word} {:.1} %", 100.0 * share(bit));
        }
        for bit in [flag::KIND, flag::OFF, flag::FLAT, flag::SATURATED, flag::GAP] {
            assert!(share(bit) < 1e-9, "{query}: {:?} in {:.1} %", flag::words(bit), 100.0 * share(bit));
        }
        let no_line = found.iter().all(|quality| quality.line_hz.is_nan() && quality.line_level.is_nan());
        assert_eq!(no_line, query.contains("envelope"), "{query}: behind a rectifier no mains are heard");
        assert!(found.iter().all(|quality| quality.line_hz.is_nan() || (quality.line_hz - 50.0).abs() < 0.1));
    }
}

#[test]
fn a_signal_of_another_kind_than_declared_is_seen_once_its_muscle_speaks() {
    for (query, wrong) in
        [("seed=5", Kind::Envelope), ("seed=5", Kind::Rectified), ("seed=5&kind=envelope", Kind::Raw)]
    {
        let mut recording = face(query, "", 60.0);
        recording.channels.iter_mut().for_each(|channel| channel.kind = wrong);
        let found = judged(&recording, BLOCKS, 0..0);
        let late = found.iter().filter(|quality| quality.sample >= 50_000);
        let seen = late.filter(|quality| quality.flags & flag::KIND != 0).count();
        println!("{query} declared {}: {seen} of 80", wrong.word());
        assert!(seen >= 40, "{query} declared {}: {seen} of 80", wrong.word());
    }
}

#[test]
fn rails_flat_lines_and_open_electrodes_are_told_apart() {
    let emg = |row: usize, rng: &mut ChaCha8Rng| if row < 8000 { 4.0 * noise(rng) } else { 0.0 };
    let flat = words(&rows(Kind::Raw, 12, emg));
    assert!(!flat[7].contains(&"flat") && flat[8].contains(&"flat") && flat[9].contains(&"off"), "{flat:?}");

    let clipped =
        words(&rows(
            Kind::Raw,
            8,
            |row, rng| {
                if row % 1000 < 100 && row > 4000 { 900.0 } else { 4.0 * noise(rng) }
            },
        ));
    assert!(clipped[5].contains(&"saturated") && !clipped[3].contains(&"saturated"), "{clipped:?}");

    // Volts of mains on an open input: a square wave between the rails.
    let open = words(&rows(Kind::Raw, 8, |row, _| 5e4 * (TAU * 0.05 * float_len(row)).sin()));
    assert!(open[3].contains(&"off") && open[3].contains(&"saturated"), "{open:?}");
}

#[test]
fn a_flag_falls_after_three_times_as_many_good_seconds() {
    let burst = |row: usize, rng: &mut ChaCha8Rng| {
        if (5000..5200).contains(&row) { 900.0 } else { 4.0 * noise(rng) }
    };
    let seen: Vec<bool> =
        words(&rows(Kind::Raw, 12, burst)).iter().map(|w| w.contains(&"saturated")).collect();
    assert_eq!(seen.iter().position(|is| *is), Some(5));
    assert_eq!(seen.iter().filter(|is| **is).count(), 3, "{seen:?}");
}

#[test]
fn the_rail_of_an_envelope_sensor_is_learned_below_the_converter_s() {
    // Contractions of 1 s each 3 s; the supply ends at 700 counts. The noise is a muscle's: a tenth of the level.
    let sensor = |limit: f64| {
        let mut level = 20.0;
        let mut wave = 0.0;
        rows(Kind::Envelope, 20, move |row, rng| {
            let target = if row % 3000 < 1000 { 800.0 } else { 20.0 };
            level += (target - level) / 80.0;
            wave += (noise(rng) - wave) / 20.0;
            (level * (1.0 + 0.5 * wave)).clamp(0.0, limit)
        })
    };
    let seen = words(&sensor(700.0));
    assert!(seen.iter().skip(6).any(|words| words.contains(&"saturated")), "{seen:?}");
    let free = words(&sensor(1000.0));
    assert!(!free.iter().any(|words| words.contains(&"saturated")), "{free:?}");
}

#[test]
fn the_envelope_of_a_sensor_that_stays_on_one_count_is_not_flat_at_once() {
    let seen = words(&rows(Kind::Envelope, 15, |_, _| 20.0));
    assert!(!seen[8].contains(&"flat") && seen[10].contains(&"flat"), "{seen:?}");
}

#[test]
fn what_a_neighbour_says_is_not_taken_for_the_muscle_s_own() {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let mut pair = |share: f64| {
        let values = (0..10_000).flat_map(|row: usize| {
            let active = if row % 1000 < 400 { 60.0 } else { 2.0 };
            let (loud, own) = (active * noise(&mut rng), noise(&mut rng));
            let quiet = if share > 0.0 { 2.0 * own + share * loud } else { 0.3 * active * own };
            [int16(512.0 + loud), int16(512.0 + quiet)]
        });
        let channel = Channel { offset: 512.0, adc_bits: 10, ..Channel::new("a", Kind::Raw) };
        let samples = values.collect();
        let channels = vec![channel.clone(), Channel { name: "b".into(), ..channel }];
        words(&Recording { channels, rate_hz: 1000.0, samples, truth: Vec::new() })
    };
    let echo = pair(0.3);
    assert!(echo[2 * 6 + 1].contains(&"crosstalk") && !echo[2 * 6].contains(&"crosstalk"), "{echo:?}");
    let together = pair(0.0);
    assert!(!together.iter().any(|words| words.contains(&"crosstalk")), "{together:?}");
}

#[test]
fn missing_rows_are_said_and_hurt_no_other_second() {
    let recording = face("seed=3", CALM, 20.0);
    let found = judged(&recording, BLOCKS, 8500..9200);
    assert_eq!(found.len(), 20 * 8);
    for quality in &found {
        let second = quality.sample / 1000;
        assert_eq!(quality.flags & flag::GAP != 0, second == 8 || second == 9, "{quality:?}");
        if second >= 12 {
            assert!(quality.level.is_finite() && quality.floor.is_finite() && quality.line_level.is_finite());
        }
    }
    let lost = found.iter().find(|quality| quality.sample == 8000).unwrap();
    assert!(lost.line_level.is_nan(), "a window with a hole tells no mains");
}

#[test]
fn a_board_of_a_hundred_thousand_rows_keeps_a_bounded_state() {
    let recording = face("seed=3&rate=100000&channels=1", CALM, 3.0);
    let mut observer = Observer::new(&recording.channels);
    let found: Vec<Quality> = recording
        .steps(&[9973], 0..0)
        .flat_map(|(input, clean)| observer.step(&input, &clean).quality)
        .collect();
    assert_eq!(found.len(), 3);
    // Events keep somewhat more than a second of rows; seconds and artefacts little beside that.
    assert!(observer.state().len() < 150_000, "{} words", observer.state().len());
    assert!((found[2].line_hz - 50.0).abs() < 0.1, "{:?}", found[2]);
}

#[test]
fn a_state_cut_short_is_none() {
    let recording = face("seed=3", CALM, 2.5);
    let mut observer = Observer::new(&recording.channels);
    recording.steps(BLOCKS, 0..0).for_each(|(input, clean)| _ = observer.step(&input, &clean));
    let words = observer.state();
    for length in (0..words.len()).step_by(97) {
        assert!(Observer::restore(&recording.channels, &words[..length]).is_none());
    }
}

/// Everything found, as bits; NaN equals NaN.
fn bits(found: &[Quality]) -> Vec<[u64; 7]> {
    let one = |q: &Quality| {
        let [level, floor, line, hz] = [q.level, q.floor, q.line_level, q.line_hz].map(f64::to_bits);
        [q.sample, u64::from(q.channel), u64::from(q.flags), level, floor, line, hz]
    };
    found.iter().map(one).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn cuts_and_a_change_of_segment_do_not_matter(
        blocks in prop::collection::vec(1..3000_usize, 1..6),
        rate in prop::sample::select(vec![40.0, 250.0, 904.0, 5000.0]),
        border in 0.1..0.9_f64,
    ) {
        let recording = face(&format!("seed=9&channels=3&rate={rate}"), "", 7.3);
        let lost = recording.rows() / 3..recording.rows() / 3 + 50;
        let whole = judged(&recording, &[311], lost.clone());
        let steps: Vec<_> = recording.steps(&blocks, lost).collect();
        let cut = index(count(float_len(steps.len()) * border));
        let mut observer = Observer::new(&recording.channels);
        let mut spans = Vec::new();
        let mut found = Vec::new();
        for (at, (input, clean)) in steps.iter().enumerate() {
            if at == cut {
                let words = observer.state();
                observer = Observer::restore(&recording.channels, &words).unwrap();
                prop_assert_eq!(&observer.state(), &words);
                observer.adopt(&spans);
            }
            if matches!(input, crate::pipeline::Input::Gap(_)) {
                spans.clear();
            }
            spans.extend(clean.spans.iter().copied());
            found.extend(observer.step(input, clean).quality);
        }
        prop_assert_eq!(bits(&whole), bits(&found));
    }
}
