//! Bursts with known onsets through the real pipeline and observer: found where they are, and alike however rows come.

use crate::emg::finding::event::Class;
use crate::emg::units::{count, float, index, narrow, wide};
use crate::emg::{Channel, Event, Kind, RawBlock, Samples, Stamp};
use crate::face::{Findings, Observer};
use crate::pipeline::preset::{self, Occasion, Options};
use crate::pipeline::{Input, Pipeline, Reason};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::sync::Arc;

const RATE: f64 = 1000.0;

/// A random stream with normal values.
struct Noise(ChaCha8Rng);

impl Noise {
    fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    fn normal(&mut self) -> f64 {
        let (u, v): (f64, f64) = (self.0.random_range(1e-12..1.0), self.0.random_range(0.0..1.0));
        (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
    }

    /// Noise with the spectrum of facial EMG, rms 1: one pole up at 60 Hz twice, one down at 120 Hz twice.
    fn emg(&mut self, rows: usize) -> Vec<f64> {
        let (up, down) = ((-std::f64::consts::TAU * 0.06).exp(), (-std::f64::consts::TAU * 0.12).exp());
        let mut state = [0.0; 3];
        let values: Vec<f64> = (0..rows)
            .map(|_| {
                let x = self.normal();
                state[0] = up * state[0] + (1.0 - up) * x;
                let x = x - state[0];
                state[1] += (1.0 - down) * (x - state[1]);
                state[2] += (1.0 - down) * (state[1] - state[2]);
                state[2]
            })
            .collect();
        let rms = (values.iter().map(|v| v * v).sum::<f64>() / crate::emg::units::float_len(rows)).sqrt();
        values.iter().map(|v| v / rms).collect()
    }
}

/// A burst that was planted: onset and end in seconds.
type Planted = (f64, f64);

/// Rest of 2 uV with hum and drift, and bursts of an SNR and these durations in milliseconds, 0.7-1.8 s apart.
fn bursts(seed: u64, snr_db: f64, durations: &[u32]) -> (Vec<f64>, Vec<Planted>) {
    let mut noise = Noise::new(seed);
    let (mut planted, mut t) = (Vec::new(), 3.0);
    for &ms in durations {
        t = ((t + noise.0.random_range(0.7..1.8)) * RATE).round() / RATE;
        let end = t + f64::from(ms) / 1000.0;
        planted.push((t, end));
        t = end;
    }
    let rows = index(count((t + 3.0) * RATE));
    let emg = noise.emg(rows);
    let loud = 2.0 * 10.0_f64.powf(snr_db / 20.0);
    let mut signal: Vec<f64> = (0..rows)
        .map(|row| {
            let t = float(wide(row)) / RATE;
            let wave = |hz: f64| (std::f64::consts::TAU * hz * t).sin();
            2.0 * noise.normal() + 0.5 * wave(50.0) + 3.0 * wave(0.3)
        })
        .collect();
    for &(onset, end) in &planted {
        let (first, last) = (index(count(onset * RATE)), index(count(end * RATE)));
        let ramp = ((last - first) / 6).clamp(3, 10);
        for row in first..last {
            let edge = (row - first + 1).min(last - row).min(ramp);
            signal[row] += loud * emg[row] * float(wide(edge)) / float(wide(ramp));
        }
    }
    (signal, planted)
}

fn channel(name: &str, muscle: &str, kind: Kind) -> Channel {
    Channel { muscle: muscle.to_owned(), ..Channel::new(name, kind) }
}

/// The chains of these channels from row 0 on.
fn chains(channels: &[Channel], rate_hz: f64) -> Input {
    let occasion =
        Occasion { sample: 0, reason: Reason::Start, rate_hz: Some(rate_hz), decimation: 10, first_id: 0 };
    Input::Chains(Arc::new(preset::chains(channels, &Options::default(), &occasion).0))
}

fn block(sample: u64, channels: usize, values: &[f64]) -> Input {
    let samples = Samples::F32(values.iter().map(|v| narrow(*v)).collect());
    let stamp = Stamp::default();
    let (device_index, device_us, digital, epoch) = (sample, 0, Vec::new(), 0);
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

/// Everything found in rows that come in blocks of these sizes, over and over.
fn observe(channels: &[Channel], rate_hz: f64, values: &[f64], sizes: &[usize]) -> Findings {
    let mut pipeline = Pipeline::new(channels);
    let mut observer = Observer::new(channels);
    let mut all = Findings::default();
    let mut step = |input: &Input, observer: &mut Observer| {
        let found = observer.step(input, &pipeline.step(input));
        all.events.extend(found.events);
        all.artefacts.extend(found.artefacts);
    };
    step(&chains(channels, rate_hz), &mut observer);
    let width = channels.len();
    let (mut at, mut sizes) = (0, sizes.iter().cycle());
    while at < values.len() {
        let rows = sizes.next().copied().unwrap_or(100).max(1);
        let end = (at + rows * width).min(values.len());
        step(&block(wide(at / width), width, &values[at..end]), &mut observer);
        at = end;
    }
    let found = observer.finish(wide(values.len() / width));
    all.events.extend(found.events);
    all.artefacts.extend(found.artefacts);
    all
}

/// What came of planted bursts: hits with their errors in ms, misses, false alarms.
#[derive(Debug, Default)]
struct Score {
    planted: usize,
    errors: Vec<f64>,
    /// Error over stated standard uncertainty.
    shares: Vec<f64>,
    durations: Vec<(f64, f64)>,
    false_alarms: usize,
    rest_s: f64,
}

impl Score {
    /// Counts as the benchmark does: one to one, within 50 ms before and the duration, or 100 ms, after.
    fn add(&mut self, planted: &[Planted], events: &[Event], end_s: f64) {
        let mut left: Vec<&Event> = events.iter().filter(|e| float(e.onset) / RATE >= 3.0).collect();
        for &(onset, end) in planted {
            self.planted += 1;
            let error = |e: &Event| float(e.onset) / RATE - onset;
            let near = |e: &&Event| (-0.05..=(end - onset).max(0.1)).contains(&error(e));
            let best =
                left.iter().copied().filter(near).min_by(|a, b| error(a).abs().total_cmp(&error(b).abs()));
            if let Some(event) = best {
                left.retain(|other| *other != event);
                self.errors.push(error(event) * 1000.0);
                self.shares.push(error(event).abs() * 1e6 / event.onset_uncertainty_us);
                self.durations.push((event.duration_corrected_us / 1000.0, (end - onset) * 1000.0));
            }
            self.rest_s -= end - onset;
        }
        let inside = |e: &&&Event| {
            let t = float(e.onset) / RATE;
            planted.iter().any(|&(onset, end)| (onset - 0.05..=end + 0.1).contains(&t))
        };
        self.false_alarms += left.len() - left.iter().filter(inside).count();
        self.rest_s += end_s - 3.0;
    }

    fn hit_rate(&self) -> f64 {
        float(wide(self.errors.len())) / float(wide(self.planted))
    }

    fn quantile(values: &[f64], share: f64) -> f64 {
        let mut values: Vec<f64> = values.to_vec();
        values.sort_by(f64::total_cmp);
        values[index(count(share * float(wide(values.len() - 1))))]
    }

    fn median_error(&self) -> f64 {
        Self::quantile(&self.errors.iter().map(|e| e.abs()).collect::<Vec<_>>(), 0.5)
    }
}

#[test]
fn bursts_are_found_where_they_are() {
    let mut durations: Vec<u32> = [40, 80, 160, 300, 500].repeat(20);
    let (mut all, mut short) = (Score::default(), Score::default());
    for seed in 0..2_u64 {
        for snr_db in [3.0, 6.0, 10.0, 15.0, 20.0] {
            durations.rotate_left(1);
            let (signal, planted) = bursts(1000 * seed + count(snr_db), snr_db, &durations);
            let found = observe(&[channel("emg", "", Kind::Raw)], RATE, &signal, &[100]);
            let mut one = Score::default();
            one.add(&planted, &found.events, float(wide(signal.len())) / RATE);
            let within = |n: f64| one.shares.iter().filter(|s| **s <= n).count() * 100 / one.shares.len();
            println!(
                "{snr_db} dB: hits {:.3}, median error {:.1} ms (signed {:.1}), false {}, within 1 u {} %, 2 u {} %",
                one.hit_rate(),
                one.median_error(),
                Score::quantile(&one.errors, 0.5),
                one.false_alarms,
                within(1.0),
                within(2.0)
            );
            let longer: Vec<f64> = one.durations.iter().map(|(d, t)| d - t).collect();
            println!(
                "   durations longer by {:.1} ms (median), {:.1} .. {:.1}",
                Score::quantile(&longer, 0.5),
                Score::quantile(&longer, 0.05),
                Score::quantile(&longer, 0.95)
            );
            all.add(&planted, &found.events, float(wide(signal.len())) / RATE);
            let brief: Vec<Planted> = planted.into_iter().filter(|(a, b)| b - a < 0.05).collect();
            short.add(&brief, &found.events, 0.0);
        }
    }
    println!(
        "all: {:.3}, 40 ms: {:.3}, {} false in {:.1} min",
        all.hit_rate(),
        short.hit_rate(),
        all.false_alarms,
        all.rest_s / 60.0
    );
    assert!(all.hit_rate() >= 0.95, "{}", all.hit_rate());
    assert!(short.hit_rate() >= 0.85, "{}", short.hit_rate());
    assert!(all.median_error() <= 12.0, "{}", all.median_error());
    assert!(all.false_alarms <= 6, "{} in {} s", all.false_alarms, all.rest_s);
}
