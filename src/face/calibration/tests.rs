//! Stories of calibrations: subjects that do as they are told, or do not.

use super::*;
use crate::emg::{SampleType, Samples, Stamp};
use proptest::prelude::*;

const RATE_HZ: f64 = 100.0;

/// A station with subjects whose envelope is a function of phase, round and channel.
struct Station {
    calibrator: Calibrator,
    channels: usize,
    /// Signal seconds so far, and when each contraction began and whose it was.
    seconds: f64,
    begun: Vec<(u16, f64)>,
}

impl Station {
    fn new(kinds: &[Kind]) -> Self {
        let channel =
            |(n, kind): (usize, &Kind)| Channel { adc_bits: 10, ..Channel::new(format!("{n}"), *kind) };
        let channels: Vec<Channel> = kinds.iter().enumerate().map(channel).collect();
        let channels_n = channels.len();
        Self { calibrator: Calibrator::new(&channels), channels: channels_n, seconds: 0.0, begun: Vec::new() }
    }

    fn progress(&self) -> Progress {
        self.calibrator.progress().unwrap()
    }

    /// One row of what `level` says of each channel, raw and envelope alike, with a little unrest.
    fn row(&mut self, level: &impl Fn(&Progress, u16) -> f64) {
        let before = self.progress();
        let unrest = if (self.seconds * RATE_HZ).round() % 2.0 == 0.0 { 0.25 } else { -0.25 };
        let channels = u16::try_from(self.channels).unwrap();
        let values: Vec<f32> =
            (0..channels).map(|n| crate::emg::units::narrow(level(&before, n) + unrest)).collect();
        let mut samples = Samples::empty(SampleType::F32);
        samples.append(&Samples::F32(values.clone()));
        let block = RawBlock {
            sample: 0,
            channels: self.channels,
            epoch: 0,
            device_index: 0,
            device_us: 0,
            stamp: Stamp::default(),
            samples,
            digital: Vec::new(),
        };
        self.calibrator.raw(&block, RATE_HZ);
        self.calibrator.envelope(&values, RATE_HZ, true);
        self.seconds += 1.0 / RATE_HZ;
        let after = self.progress();
        if after.phase == Phase::Contract && before.phase != Phase::Contract {
            self.begun.push((after.channel.unwrap(), self.seconds));
        }
    }

    fn until(&mut self, phase: Phase, level: impl Fn(&Progress, u16) -> f64) {
        for _ in 0..100_000 {
            if self.progress().phase == phase {
                return;
            }
            self.row(&level);
        }
        panic!("never {phase:?}: {:?}", self.progress());
    }

    fn verdict(&self, channel: u16) -> Verdict {
        self.progress().muscles.iter().find(|muscle| muscle.channel == channel).unwrap().verdict
    }
}

/// Rest at 10 counts, contractions at 400.
fn obedient(progress: &Progress, channel: u16) -> f64 {
    let works = progress.phase == Phase::Contract && progress.channel == Some(channel);
    let swing = 30.0 * (20.0 * progress.left_s).sin();
    if works { 400.0 + 20.0 * f64::from(progress.round) + swing } else { 10.0 }
}

const EIGHT: [Kind; 8] = [Kind::Envelope; 8];

#[test]
fn eight_muscles_take_their_turns_and_nobody_waits() {
    let mut station = Station::new(&EIGHT);
    assert_eq!(station.calibrator.progress(), None);
    station.calibrator.start().unwrap();
    let told = station.progress().to_end_s;
    station.until(Phase::Judge, obedient);
    let order: Vec<u16> = station.begun.iter().map(|(channel, _)| *channel).collect();
    assert_eq!(order, (0..3).flat_map(|_| 0..8).collect::<Vec<_>>());
    // Rest, then 24 contractions with 3 s before each: nobody waited longer.
    assert!((station.seconds - (10.0 + 24.0 * 6.0)).abs() < 0.1, "{}", station.seconds);
    assert!((told - station.seconds).abs() < 0.1, "it was foretold: {told}");
    for channel in 0..8 {
        let mine: Vec<f64> =
            station.begun.iter().filter(|(whose, _)| *whose == channel).map(|(_, at)| *at).collect();
        assert!(mine.windows(2).all(|two| two[1] - two[0] - CONTRACT_S >= RECOVER_S - 0.05), "{mine:?}");
    }
    let muscle = &station.progress().muscles[5];
    assert!((muscle.rest_mean - 10.0).abs() < 0.01 && (muscle.mvc() - 460.0).abs() < 10.0, "{muscle:?}");
    assert!((muscle.spread() - 40.0 / 460.0).abs() < 0.01 && muscle.verdict == Verdict::Ok);
}

#[test]
fn a_single_muscle_waits_until_it_has_rested_unless_it_is_hurried() {
    let mut station = Station::new(&[Kind::Envelope]);
    station.calibrator.start().unwrap();
    assert_eq!(station.calibrator.go_on(), Err(Refusal::NoWait), "a rest takes its time");
    station.until(Phase::Judge, obedient);
    assert!((station.seconds - (10.0 + 3.0 + 3.0 + 2.0 * 33.0)).abs() < 0.1, "{}", station.seconds);
    station.calibrator.redo(Some(0)).unwrap();
    let from = station.seconds;
    for _ in 0..3 {
        station.until(Phase::Ready, obedient);
        station.calibrator.go_on().unwrap();
        station.until(Phase::Contract, obedient);
    }
    station.until(Phase::Judge, obedient);
    assert!(station.seconds - from < 10.0);
}

#[test]
fn only_what_is_kept_counts() {
    let mut station = Station::new(&[Kind::Envelope, Kind::Aux, Kind::Raw]);
    station.calibrator.start().unwrap();
    assert_eq!(station.calibrator.keep(None, 7, "me"), Err(Refusal::Unfinished));
    station.until(Phase::Judge, obedient);
    assert_eq!(station.progress().muscles.len(), 2, "a photodiode has no maximum");
    assert!(station.calibrator.percent(0, 200.0).is_nan());
    let kept = station.calibrator.keep(Some(0), 7, "me").unwrap();
    assert_eq!((kept.len(), kept[0].channel, kept[0].sample, kept[0].trials), (1, 0, 7, 3));
    let middle = f64::midpoint(kept[0].rest_mean, kept[0].mvc);
    assert!((station.calibrator.percent(0, middle) - 50.0).abs() < 0.01);
    assert!(station.calibrator.percent(0, 500.0) > 105.0, "it may exceed 100");
    assert_eq!(station.calibrator.unkept(), 1);
    station.calibrator.discard().unwrap();
    assert_eq!((station.calibrator.unkept(), station.calibrator.kept().len()), (0, 1));
    assert_eq!(station.calibrator.discard(), Err(Refusal::NotRunning));
    let back = station.calibrator.take_back(None, 99, "you").unwrap();
    assert_eq!(
        (back.len(), back[0].valid, back[0].sample, back[0].accepted_by.as_str()),
        (1, false, 99, "you")
    );
    assert!(station.calibrator.percent(0, 200.0).is_nan() && station.calibrator.progress().is_none());
    assert_eq!(station.calibrator.take_back(None, 99, "you"), Err(Refusal::NothingKept));
}

#[test]
fn every_verdict_has_its_subject() {
    use Verdict::{Differ, NoRise, Noisy, Ok, Open, Rail, Small};
    let mut station = Station::new(&EIGHT);
    station.calibrator.start().unwrap();
    station.until(Phase::Judge, |progress, channel| {
        let works = progress.phase == Phase::Contract && progress.channel == Some(channel);
        let beat = progress.left_s.fract();
        match (channel, works) {
            (1, _) => 10.0 + beat * 0.1,
            (2, true) => 90.0 + beat * 30.0,
            (3, true) => 1010.0,
            (4, true) => (400.0 + beat * 200.0).min(500.0),
            (5, false) => 10.0 + beat * 60.0,
            (6, true) => 300.0 / f64::from(progress.round) + beat * 30.0,
            (7, false) => f64::NAN,
            (_, true) => 400.0 + beat * 30.0,
            (_, false) => 10.0,
        }
    });
    let found: Vec<Verdict> = (0..8).map(|channel| station.verdict(channel)).collect();
    assert_eq!(found, [Ok, NoRise, Small, Rail, Rail, Noisy, Differ, Open]);
    let kept = station.calibrator.keep(None, 0, "me").unwrap();
    assert_eq!(kept.iter().map(|kept| kept.channel).collect::<Vec<_>>(), [0, 2, 3, 4, 5, 6]);
}

#[test]
fn the_last_contraction_is_made_again_and_one_muscle_is_left_out() {
    let mut station = Station::new(&[Kind::Envelope, Kind::Envelope]);
    station.calibrator.start().unwrap();
    assert_eq!(station.calibrator.skip(), Err(Refusal::NoMuscle), "everybody rests");
    station.until(Phase::Contract, obedient);
    station.until(Phase::Ready, |_, _| 10.0);
    assert_eq!(station.verdict(0), Verdict::NoRise);
    station.calibrator.redo(None).unwrap();
    assert_eq!((station.progress().channel, station.progress().muscles[0].trials.len()), (Some(0), 0));
    station.until(Phase::Contract, obedient);
    station.until(Phase::Ready, obedient);
    assert_eq!((station.verdict(0), station.progress().channel), (Verdict::Ok, Some(1)));
    station.calibrator.skip().unwrap();
    station.until(Phase::Judge, obedient);
    let trials: Vec<usize> = station.progress().muscles.iter().map(|muscle| muscle.trials.len()).collect();
    assert_eq!(trials, [3, 0]);
    assert_eq!(station.calibrator.redo(Some(9)), Err(Refusal::Channel));
}

#[test]
fn while_filters_settle_time_stands_still() {
    let mut station = Station::new(&[Kind::Raw]);
    station.calibrator.start().unwrap();
    station.row(&obedient);
    for _ in 0..500 {
        station.calibrator.envelope(&[900.0], RATE_HZ, false);
    }
    assert!(station.progress().settling && (station.progress().left_s - REST_S).abs() < 1e-6);
    station.until(Phase::Contract, obedient);
    station.calibrator.envelope(&[900.0], RATE_HZ, false);
    assert_eq!(station.progress().phase, Phase::Ready, "it is announced again");
    station.until(Phase::Judge, obedient);
    let muscle = &station.progress().muscles[0];
    assert!((muscle.rest_mean - 10.0).abs() < 0.01 && muscle.mvc() < 500.0, "{muscle:?}");
}

#[derive(Clone, Copy, Debug)]
enum Deed {
    Rows(u16, bool),
    Start,
    Next,
    Skip,
    Redo(Option<u16>),
    Keep(Option<u16>),
    Discard,
    Moved(Option<u16>),
}

fn deed() -> impl Strategy<Value = Deed> {
    let channel = || proptest::option::of(0_u16..5);
    prop_oneof![
        6 => (1_u16..2000, prop::bool::weighted(0.95)).prop_map(|(rows, settled)| Deed::Rows(rows, settled)),
        1 => Just(Deed::Start),
        1 => Just(Deed::Next),
        1 => Just(Deed::Skip),
        1 => channel().prop_map(Deed::Redo),
        1 => channel().prop_map(Deed::Keep),
        1 => Just(Deed::Discard),
        1 => channel().prop_map(Deed::Moved),
    ]
}

proptest! {
    /// Whatever operators do, it ends, nobody contracts tired unless hurried, and nothing is kept unasked.
    #[test]
    fn whatever_operators_do(deeds in proptest::collection::vec(deed(), 0..60)) {
        let mut station = Station::new(&[Kind::Raw, Kind::Aux, Kind::Envelope, Kind::Rectified]);
        let calibrator = &mut station.calibrator;
        let mut kept = 0;
        for deed in deeds {
            match deed {
                Deed::Rows(rows, settled) => {
                    for row in 0..rows {
                        let level = if row % 7 == 3 { f32::NAN } else { f32::from(row % 300) };
                        calibrator.envelope(&[level; 4], RATE_HZ, settled);
                    }
                }
                Deed::Start => drop(calibrator.start()),
                Deed::Next => drop(calibrator.go_on()),
                Deed::Skip => drop(calibrator.skip()),
                Deed::Redo(channel) => drop(calibrator.redo(channel)),
                Deed::Keep(channel) => {
                    kept += calibrator.keep(channel, 1, "me").map_or(0, |rows| rows.len());
                    prop_assert!(calibrator.kept().iter().all(|kept| kept.mvc > kept.rest_mean));
                }
                Deed::Discard => drop(calibrator.discard()),
                Deed::Moved(channel) => drop(calibrator.take_back(channel, 1, "me")),
            }
            prop_assert!(calibrator.kept().len() <= kept.min(3));
            if let Some(progress) = calibrator.progress() {
                prop_assert!(progress.left_s >= 0.0 && progress.to_end_s >= progress.left_s - 1e-6);
                let busy = matches!(progress.phase, Phase::Ready | Phase::Contract);
                prop_assert_eq!(progress.channel.is_some(), busy);
            }
        }
    }
}
