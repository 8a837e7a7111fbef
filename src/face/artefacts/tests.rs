//! Movements of a simulated face, whose truth is known, and rails.

use super::*;
use crate::emg::Truth;
use crate::face::Observer;
use crate::face::tests::{Recording, face};
use proptest::prelude::*;

fn found(recording: &Recording, blocks: &[usize]) -> Vec<Artefact> {
    let mut observer = Observer::new(&recording.channels);
    let mut all: Vec<Artefact> = recording
        .steps(blocks, 0..0)
        .flat_map(|(input, clean)| observer.step(&input, &clean).artefacts)
        .collect();
    all.extend(observer.finish(recording.rows()).artefacts);
    // What the muscles' patterns tell is the business of `events`.
    all.retain(|artefact| [MOTION, CABLE, SATURATION].contains(&artefact.rule.as_str()));
    all
}

/// Movements of the head and cables, one for all channels.
fn movements(recording: &Recording) -> Vec<&Truth> {
    recording.truth.iter().filter(|truth| truth.expression == "motion" && truth.channel == 0).collect()
}

fn meets(artefact: &Artefact, truth: &Truth, slack: u64) -> bool {
    artefact.onset < truth.end + slack && truth.onset < artefact.end + slack
}

#[test]
fn movements_are_found_and_faces_are_not_taken_for_them() {
    for (rate_hz, minutes) in [(200, 8), (1000, 2)] {
        movements_are_found(rate_hz, minutes);
    }
}

#[test]
#[ignore = "an hour of a face takes minutes"]
fn movements_are_found_over_an_hour() {
    movements_are_found(500, 60);
}

/// Six movements a minute beside expressions, blinks, swallows and speech; prints what it measured.
fn movements_are_found(rate_hz: u64, minutes: u32) {
    let recording =
        face(&format!("seed=21&rate={rate_hz}"), &with_repertoire("motion = 6"), 60.0 * f64::from(minutes));
    let (truth, found) = (movements(&recording), found(&recording, &[97]));
    let slack = rate_hz / 5;
    let hit = truth.iter().filter(|truth| found.iter().any(|a| meets(a, truth, 0))).count();
    let wrong = found.iter().filter(|a| !truth.iter().any(|truth| meets(a, truth, slack))).count();
    let covered = truth.iter().map(|t| overlap(t, &found)).sum::<u64>();
    let all: u64 = truth.iter().map(|t| t.end - t.onset).sum();
    let cables = found.iter().filter(|a| a.rule == CABLE).count();
    println!(
        "{rate_hz} Hz: {hit} of {} movements, {wrong} false in {minutes} min, {cables} cables, {:.0} % of rows",
        truth.len(),
        100.0 * float(covered) / float(all)
    );
    assert!(truth.len() > 8 && 10 * hit >= 9 * truth.len(), "{hit} of {}", truth.len());
    assert!(wrong <= 1, "{wrong} false in {minutes} minutes");
}

/// The usual face: a few strong expressions over and over beside what `artefacts` says.
fn with_repertoire(artefacts: &str) -> String {
    let one = |at: u32, name: &str, level: f64, duration: f64| {
        format!("[[expression]]\nat_s={at}\nname=\"{name}\"\nduration_s={duration}\nlevel={level}\n")
    };
    let names = ["happiness", "anger", "surprise", "disgust", "fear", "sadness"];
    let all: String = (0..12_u32)
        .map(|n| {
            one(
                2 * n + 1,
                names[n as usize % 6],
                if n % 2 == 0 { 1.0 } else { 0.1 },
                if n % 2 == 0 { 1.5 } else { 0.15 },
            )
        })
        .collect();
    format!("repeat_s = 30.0\n{all}[artefacts]\n{artefacts}\n")
}

fn overlap(truth: &Truth, found: &[Artefact]) -> u64 {
    let one = |a: &Artefact| a.end.min(truth.end).saturating_sub(a.onset.max(truth.onset));
    found.iter().map(one).sum()
}

#[test]
fn a_still_head_moves_nothing_in_ten_minutes() {
    let recording = face("seed=22&rate=200", &with_repertoire("motion = false"), 600.0);
    let found = found(&recording, &[200]);
    println!("{} artefacts in 10 minutes without movement: {found:?}", found.len());
    assert!(found.len() <= 1, "{found:?}");
}

#[test]
fn an_envelope_sensor_keeps_its_baseline_to_itself() {
    let recording = face("seed=21&kind=envelope", &with_repertoire("motion = 6"), 60.0);
    let found = found(&recording, &[100]);
    assert!(found.iter().all(|artefact| artefact.rule == SATURATION), "{found:?}");
}

#[test]
fn a_rail_is_rejected_from_its_first_row_to_its_last_on_its_channel_alone() {
    let mut recording = face("seed=23&channels=4", "[artefacts]\nmotion=false\n", 10.0);
    for row in (5000..5300).chain(5350..5400).chain(7000..7020) {
        recording.samples[row * 4 + 2] = 1023;
    }
    let found = found(&recording, &[64]);
    let spans: Vec<_> = found.iter().map(|a| (a.onset, a.end, a.channels, a.rule.as_str())).collect();
    assert_eq!(spans, [(5000, 5400, 0b100, SATURATION)], "20 ms are too short");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn cuts_and_a_change_of_segment_do_not_matter(
        blocks in prop::collection::vec(1..2000_usize, 1..5),
        border in 0.1..0.9_f64,
    ) {
        let recording = face("seed=24&channels=4&rate=500", "[artefacts]\nmotion = 12\n", 30.0);
        let whole = found(&recording, &[333]);
        let steps: Vec<_> = recording.steps(&blocks, 0..0).collect();
        let cut = index(count(float(wide(steps.len())) * border));
        let (mut observer, mut again) = (Observer::new(&recording.channels), Vec::new());
        for (at, (input, clean)) in steps.iter().enumerate() {
            if at == cut {
                let words = observer.state();
                observer = Observer::restore(&recording.channels, &words).unwrap();
                prop_assert_eq!(&observer.state(), &words);
            }
            again.extend(observer.step(input, clean).artefacts);
        }
        again.extend(observer.finish(recording.rows()).artefacts);
        prop_assert_eq!(whole, again);
    }

    #[test]
    fn what_is_said_of_old_rows_stays(blocks in prop::collection::vec(1..400_usize, 1..5)) {
        let recording = face("seed=25&channels=4&rate=200", "[artefacts]\nmotion = 20\n", 20.0);
        let mut artefacts = Artefacts::new(&recording.channels);
        let mut said: std::collections::BTreeMap<u64, bool> = std::collections::BTreeMap::new();
        let raw: Vec<f64> = recording.samples.iter().copied().map(f64::from).collect();
        let (mut row, mut sizes) = (0, blocks.iter().copied().cycle());
        let rows = index(recording.rows());
        while row < rows {
            let end = (row + sizes.next().unwrap()).min(rows);
            let look = Look {
                sample: wide(row),
                channels: 4,
                raw: &raw[row * 4..end * 4],
                clean: &vec![0.0; (end - row) * 4],
                spans: &[None; 4],
                hum: &[[f64::NAN; 2]; 4],
                rate_hz: 200.0,
            };
            artefacts.look(&look, &mut Findings::default());
            row = end;
            for old in 0..wide(row).saturating_sub(count(SETTLED_S * 200.0)) {
                let now = artefacts.covers(1, &(old..old + 1));
                prop_assert_eq!(*said.entry(old).or_insert(now), now, "row {}", old);
            }
        }
    }
}
