//! Trials, measures and z scores by hand; the whole table is checked against Python in the stories.

use super::find::{labels, trials};
use super::*;
use crate::emg::marker::{Action, Marker, Origin as By, Placed};
use crate::emg::{Kind, Stamp};

fn marker(id: u64, sample: u64, label: &str) -> Marker {
    Marker {
        id,
        sample,
        stamp: Stamp::default(),
        label: label.to_owned(),
        note: String::new(),
        code: 7,
        origin: By::Key,
        client: String::new(),
        latency_us: 0,
        uncertainty_us: 500,
        placed: Placed::Fit,
        action: Action::Add,
        refers_to: 0,
    }
}

fn about(id: u64, action: Action, refers_to: u64, sample: u64, label: &str) -> Marker {
    Marker { action, refers_to, ..marker(id, sample, label) }
}

/// A second of baseline and four of window, in rows of 1 ms.
const USED: [Range<i64>; 2] = [-1000..0, 0..4000];

#[test]
fn a_trial_is_a_marker_as_it_stands_in_the_end() {
    let markers = [
        marker(1, 9000, "happy"),
        marker(2, 2000, "angry"),
        marker(3, 30_000, "typo"),
        marker(4, 40_000, "happy"),
        about(5, Action::Retract, 4, 40_500, ""),
        about(6, Action::Relabel, 3, 0, "smile"),
        about(7, Action::Relabel, 3, 0, "happy"),
        about(8, Action::End, 1, 11_000, "happy"),
        about(9, Action::End, 2, 3000, "angry"),
        about(10, Action::Retract, 9, 0, ""),
        about(11, Action::Note, 2, 0, ""),
    ];
    let found = trials(&markers, &["happy".to_owned()], &USED);
    let told: Vec<_> =
        found.iter().map(|trial| (trial.number, trial.marker, trial.onset, trial.code)).collect();
    assert_eq!(told, [(1, 1, 9000, 7), (2, 3, 30_000, 0)], "a new label has no code that is known");
    assert_eq!(found[0].duration, Some(2000));
    let all = trials(&markers, &[], &USED);
    assert_eq!(all.len(), 3);
    assert_eq!(all[0].duration, None, "an end that was taken back is none");
    assert_eq!(labels(&markers), "angry, happy");
}

#[test]
fn trials_that_reach_into_one_another_say_so() {
    let at = |onsets: &[u64]| -> Vec<Vec<u32>> {
        let markers: Vec<Marker> = (1..).zip(onsets).map(|(id, onset)| marker(id, *onset, "x")).collect();
        trials(&markers, &[], &USED).into_iter().map(|trial| trial.overlaps).collect()
    };
    let none: Vec<u32> = Vec::new();
    assert_eq!(at(&[0, 5000, 10_000]), [none.clone(), none.clone(), none.clone()]);
    // The second's baseline lies in the first's window; the first's rows are its own.
    assert_eq!(at(&[0, 4999]), [none.clone(), vec![1]]);
    assert_eq!(at(&[0, 3999]), [vec![2], vec![1]]);
    assert_eq!(at(&[0, 100, 200]), [vec![2, 3], vec![1, 3], vec![1, 2]]);
    assert_eq!(at(&[]), Vec::<Vec<u32>>::new());
}

#[test]
fn measures_are_what_they_are_called() {
    assert_eq!(Measure::Difference.of(3.0, 2.0), Ok(1.0));
    assert_eq!(Measure::Ratio.of(3.0, 2.0), Ok(150.0));
    assert_eq!(Measure::LogRatio.of(2.0, 2.0), Ok(0.0));
    assert_eq!(Measure::LogRatio.of(4.0, 2.0), Measure::LogRatio.of(2.0, 1.0));
    assert_eq!(Measure::Difference.of(-3.0, -2.0), Ok(-1.0));
    for baseline in [0.0, -1.0, f64::NAN] {
        assert_eq!(Measure::Ratio.of(1.0, baseline), Err(Exclusion::BaselineNotPositive));
        assert_eq!(Measure::LogRatio.of(1.0, baseline), Err(Exclusion::BaselineNotPositive));
    }
    assert_eq!(Measure::Ratio.of(-1.0, 2.0), Ok(-50.0));
    for mean in [0.0, -1.0] {
        assert_eq!(Measure::LogRatio.of(mean, 2.0), Err(Exclusion::RatioNotPositive));
    }
}

#[test]
fn what_is_too_much_is_named() {
    let of = |lost, artefact, mean| Amount { mean, lost, artefact, settling: 0.0 }.fault(0.5);
    assert_eq!((of(0.0, 0.0, 1.0), of(0.2, 0.3, 1.0)), (None, None));
    assert_eq!(of(0.6, 0.0, 1.0), Some(Fault::Lost));
    assert_eq!(of(0.0, 0.8, 1.0), Some(Fault::Artefact));
    assert_eq!(of(0.3, 0.9, 1.0), Some(Fault::Artefact), "63 % of all rows");
    assert_eq!(of(0.4, 0.5, 1.0), Some(Fault::LostAndArtefact), "40 % and 30 %");
    assert_eq!(of(0.6, 1.0, f64::NAN), Some(Fault::Lost));
    let all = Amount { mean: f64::NAN, lost: 0.0, artefact: 1.0, settling: 0.0 };
    assert_eq!(all.fault(1.0), Some(Fault::Artefact), "nothing is left to average");
}

/// A row of one person and muscle; NaN for an excluded one.
fn row(subject: &str, muscle: &str, condition: &str, value: f64) -> Row {
    let label = marker(1, 0, condition);
    let excluded = value.is_nan().then_some(Exclusion::Window(Fault::Lost));
    Row {
        origin: Arc::new(Origin { subject: subject.to_owned(), rate_hz: 1000.0, ..Origin::default() }),
        trial: Arc::new(trials(&[label], &[], &USED).remove(0)),
        channel: Arc::new(Channel { muscle: muscle.to_owned(), ..Channel::new("ch1", Kind::Raw) }),
        bin: 1,
        span: 0..4000,
        value,
        amount: Amount { mean: value, lost: 0.0, artefact: 0.0, settling: 0.0 },
        baseline: 0.0,
        exclusion: excluded,
    }
}

#[test]
fn values_are_standardised_within_muscle_and_subject() {
    let mut rows = [
        row("01", "zyg", "a", 1.0),
        row("01", "zyg", "b", 3.0),
        row("01", "zyg", "b", f64::NAN),
        row("01", "corr", "a", 100.0),
        row("01", "corr", "a", 300.0),
        row("02", "zyg", "a", 5.0),
        row("02", "corr", "a", 4.0),
        row("02", "corr", "b", 4.0),
    ];
    standardise(&mut rows);
    let half = 0.5_f64.sqrt();
    for (at, z) in [(0, -half), (1, half), (3, -half), (4, half)] {
        assert!((rows[at].value - z).abs() < 1e-12, "{at}: {}", rows[at].value);
    }
    assert_eq!(rows[2].exclusion, Some(Exclusion::Window(Fault::Lost)), "the first reason stays");
    for at in [5, 6, 7] {
        assert_eq!(rows[at].exclusion, Some(Exclusion::NoSpread), "one value, or equal ones");
        assert!(rows[at].value.is_nan());
    }
}

#[test]
fn people_count_and_not_their_trials() {
    let rows = [
        row("01", "zyg", "a", 1.0),
        row("01", "zyg", "a", 3.0),
        row("01", "zyg", "a", f64::NAN),
        row("02", "zyg", "a", 5.0),
        row("03", "zyg", "a", f64::NAN),
    ];
    let all = summarise(&rows);
    assert_eq!(all.len(), 1);
    let one = &all[0];
    assert_eq!((one.people, one.values, one.excluded), (2, 3, 2));
    assert!((one.mean - 3.5).abs() < 1e-12, "of 2 and 5, not of 1, 3 and 5");
    assert!((one.se - 1.5).abs() < 1e-12);
}
