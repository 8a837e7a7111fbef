//! Lines through arrivals that are late in every way a serial bridge and a busy computer make them late.

use super::*;
use crate::emg::units::{float, nanos};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use std::f64::consts::TAU;

/// Rows per second by the device's crystal, and rows in a frame.
const RATE: f64 = 1000.0;
const FRAME: u64 = 10;
/// Before that a line is still being found.
const WARM_UP_S: f64 = 120.0;

/// A device whose clock is off and wanders, behind a bridge that delays.
struct Story {
    hours: f64,
    /// Parts per million the device is slow, and how far that swings within an hour.
    slow_ppm: f64,
    wander_ppm: f64,
    /// Delay of a frame, shortest and longest, milliseconds.
    delay_ms: (f64, f64),
    seed: u64,
}

/// How the live line compared with the truth, frame by frame after the warm-up.
#[derive(Debug)]
struct Told {
    mean_us: f64,
    sd_us: f64,
    most_us: f64,
    drift_off_ppm: f64,
}

fn uniform(rng: &mut ChaCha8Rng) -> f64 {
    float(rng.next_u64() >> 11) / 9_007_199_254_740_992.0
}

/// Plays a story into a fitter; fails where time, as told at the newest row, does not go forward.
fn play(story: &Story) -> Told {
    let mut rng = ChaCha8Rng::seed_from_u64(story.seed);
    let start_ns = 5_000_000_000_000;
    let mut fitter = Fitter::new(0, 0, start_ns, Some(RATE));
    let (mut truth_s, mut told_ns) = (0.0, i64::MIN);
    let (mut n, mut sum, mut squares, mut most_us, mut drift_off_ppm) = (0.0, 0.0, 0.0, 0.0_f64, 0.0_f64);
    let frame_s = float(FRAME) / RATE;
    // The earliest of 100 delays is this late on average: a latency nobody can know from here.
    let floor_s = (story.delay_ms.0 + (story.delay_ms.1 - story.delay_ms.0) / 101.0) / 1e3;
    for frame in 1..=count(story.hours * 3600.0 / frame_s) {
        let slow_ppm = story.slow_ppm + story.wander_ppm * (TAU * truth_s / 3600.0).cos();
        truth_s += frame_s * (1.0 + slow_ppm * 1e-6);
        let (low, high) = story.delay_ms;
        let mut late_s = (low + (high - low) * uniform(&mut rng)) / 1e3;
        if uniform(&mut rng) < 1e-4 {
            late_s += 0.02 + 0.18 * uniform(&mut rng);
        }
        let row = frame * FRAME - 1;
        fitter.arrived(row, start_ns + nanos(truth_s + late_s));
        let fit = fitter.fit().unwrap();
        let now_ns = fit.time_of(row);
        assert!(now_ns > told_ns, "time goes back at {truth_s} s: {fit:?}");
        told_ns = now_ns;
        if truth_s > WARM_UP_S {
            let off_us = float_ns(now_ns - start_ns) / 1e3 - (truth_s + floor_s) * 1e6;
            (n, sum, squares) = (n + 1.0, sum + off_us, squares + off_us * off_us);
            most_us = most_us.max(off_us.abs());
            let truth_ppm = (1.0 / (1.0 + slow_ppm * 1e-6) - 1.0) * 1e6;
            drift_off_ppm = drift_off_ppm.max((fit.drift_ppm - truth_ppm).abs());
        }
    }
    let mean_us = sum / n;
    Told { mean_us, sd_us: (squares / n - mean_us * mean_us).sqrt(), most_us, drift_off_ppm }
}

#[test]
fn twelve_hours_of_a_wandering_clock_behind_a_late_bridge() {
    let story = Story { hours: 12.0, slow_ppm: 50.0, wander_ppm: 2.0, delay_ms: (1.0, 16.0), seed: 1 };
    let told = play(&story);
    assert!(told.sd_us <= 50.0 && told.most_us <= 200.0 && told.drift_off_ppm <= 1.0, "{told:?}");
    assert!(told.mean_us.abs() < 5.0, "only the constant part of the delay is left: {told:?}");
}

#[test]
fn a_ceramic_resonator_is_followed_as_well_as_a_crystal() {
    for (slow_ppm, seed) in [(3000.0, 1), (3000.0, 2), (-3000.0, 3), (-3000.0, 4)] {
        let told = play(&Story { hours: 1.0, slow_ppm, wander_ppm: 2.0, delay_ms: (1.0, 16.0), seed });
        assert!(told.sd_us <= 50.0 && told.most_us <= 200.0 && told.drift_off_ppm <= 1.0, "{told:?}");
        assert!(told.mean_us.abs() < 5.0, "a slope inside the bucket is no delay: {told:?}");
    }
}

#[test]
fn a_resonator_that_warms_up_is_followed_within_a_fifth_of_a_row() {
    let told =
        play(&Story { hours: 2.0, slow_ppm: 3000.0, wander_ppm: 50.0, delay_ms: (1.0, 16.0), seed: 1 });
    assert!(told.sd_us <= 100.0 && told.most_us <= 250.0, "{told:?}");
}

/// Arrivals of single rows `from..to`, `rate_hz` apart from `start_s` on, each `late` seconds late.
fn rows(
    fitter: &mut Fitter,
    (from, to): (u64, u64),
    (start_s, rate_hz): (f64, f64),
    late: impl Fn(u64) -> f64,
) {
    for row in from..to {
        fitter.arrived(row, nanos(start_s + float(row - from) / rate_hz + late(row)));
    }
}

/// Up to 15 ms, on time once in a while.
fn jitter(row: u64) -> f64 {
    float((row * 7919) % 16) / 1e3
}

/// The row the line sees at `at_s`, against the truth.
fn off_s(fitter: &Fitter, row: u64, at_s: f64) -> f64 {
    float_ns(fitter.fit().unwrap().time_of(row)) / NS_PER_S - at_s
}

#[test]
fn without_a_rate_there_is_no_line_before_there_is_a_slope() {
    let mut fitter = Fitter::new(0, 0, 0, None);
    for row in 0..200_u64 {
        fitter.arrived(row, nanos(float(row) / 200.0));
        assert_eq!(fitter.fit(), None, "row {row}");
    }
    fitter.arrived(200, nanos(1.0));
    let fit = fitter.fit().unwrap();
    assert!((fit.rate_hz - 200.0).abs() < 1e-6 && fit.drift_ppm.is_nan(), "{fit:?}");
}

#[test]
fn rows_that_waited_for_the_first_look_do_not_bend_the_slope() {
    let mut fitter = Fitter::new(0, 0, 0, None);
    // A second's worth of rows lay in the port when it was opened.
    fitter.arrived(199, 0);
    rows(&mut fitter, (200, 400), (0.005, 200.0), |_| 0.0);
    assert!((fitter.fit().unwrap().rate_hz - 200.0).abs() < 1e-6);
}

#[test]
fn a_plainly_wrong_rate_is_not_waited_for() {
    let mut fitter = Fitter::new(0, 0, 0, Some(1000.0));
    rows(&mut fitter, (0, 904 * 5), (0.0, 904.0), jitter);
    let fit = fitter.fit().unwrap();
    assert!((fit.rate_hz - 904.0).abs() < 5.0, "{fit:?}");
    assert!(off_s(&fitter, 904 * 5, 5.0).abs() < 0.02, "{fit:?}");
    rows(&mut fitter, (904 * 5, 904 * 60), (5.0, 904.0), jitter);
    let fit = fitter.fit().unwrap();
    assert!(
        (fit.rate_hz - 904.0).abs() < 0.1 && fit.drift_ppm.is_nan(),
        "no drift in the first minute: {fit:?}"
    );
    rows(&mut fitter, (904 * 60, 904 * 90), (60.0, 904.0), jitter);
    assert!((fitter.fit().unwrap().drift_ppm + 96_000.0).abs() < 50.0);
}

#[test]
fn a_few_lines_a_second_are_enough_for_a_line() {
    for rate_hz in [1.0, 19.0, 20.0] {
        let mut fitter = Fitter::new(0, 0, 0, None);
        rows(&mut fitter, (0, 600), (0.0, rate_hz), jitter);
        let fit = fitter.fit().unwrap();
        assert!((fit.rate_hz / rate_hz - 1.0).abs() < 1e-3, "{fit:?}");
        assert!(off_s(&fitter, 600, 600.0 / rate_hz).abs() < 0.008, "{rate_hz} Hz: {fit:?}");
    }
}

#[test]
fn a_computer_that_sleeps_over_its_port_moves_nothing() {
    let mut fitter = Fitter::new(0, 0, 0, Some(1000.0));
    rows(&mut fitter, (0, 60_000), (0.0, 1000.0), jitter);
    // For 2.7 s nothing is read, then all of it at once.
    rows(&mut fitter, (60_000, 62_700), (60.0, 1000.0), |row| float(62_700 - row) / 1e3);
    rows(&mut fitter, (62_700, 90_000), (62.7, 1000.0), jitter);
    let fit = fitter.fit().unwrap();
    assert!(off_s(&fitter, 90_000, 90.0).abs() < 1e-3 && fit.drift_ppm.abs() < 5.0, "{fit:?}");
}

#[test]
fn a_line_that_was_left_is_found_again_and_time_never_goes_back() {
    // Half a second of lines is lost, or a sketch changes its rate.
    for (start_s, rate_hz) in [(60.5, 1000.0), (60.0, 900.0), (60.0, 1100.0)] {
        let mut fitter = Fitter::new(0, 0, 0, Some(1000.0));
        rows(&mut fitter, (0, 60_000), (0.0, 1000.0), jitter);
        let mut before = i64::MIN;
        for row in 60_000..90_000 {
            rows(&mut fitter, (row, row + 1), (start_s + float(row - 60_000) / rate_hz, rate_hz), jitter);
            let told = fitter.fit().unwrap().time_of(row);
            assert!(told > before, "row {row}");
            before = told;
        }
        let at_s = start_s + 30_000.0 / rate_hz;
        assert!(off_s(&fitter, 90_000, at_s).abs() < 0.005, "{start_s} {rate_hz}: {:?}", fitter.fit());
    }
}

#[test]
fn a_row_before_the_epoch_is_not_negative() {
    let fit = Fit { epoch: 0, sample: 5, origin_ns: 0, rate_hz: 1000.0, drift_ppm: 0.0, residual_us: 0.0 };
    assert_eq!(fit.row_at(-1_000_000_000), 0);
    assert_eq!(fit.row_at(10_000_000), 15);
}
