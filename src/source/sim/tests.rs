//! What the rest of the house relies on: the same seed is the same face, and the truth is true.

use super::*;
use crate::emg::Truth;
use crate::emg::units::{float_len, wide};
use std::io::Write;

const START: Stamp = Stamp { host_ns: 5_000_000_000, utc_ns: 1_700_000_000_000_000_000 };

fn options() -> SimOptions {
    SimOptions {
        seed: 7,
        channels: 8,
        rate_hz: 1000.0,
        script: None,
        speed: Speed::Max,
        envelope: false,
        tau_s: 0.081,
    }
}

fn scripted(text: &str) -> (SimOptions, tempfile::NamedTempFile) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    (SimOptions { script: Some(file.path().to_owned()), ..options() }, file)
}

/// Reads at least `rows` rows and cuts there: the counts, the truth, the stamps.
fn recorded(options: &SimOptions, rows: u64) -> (Vec<i16>, Vec<Truth>, Vec<(u64, Stamp)>) {
    let mut sim = Sim::new(options.clone(), START);
    sim.open().unwrap();
    let (mut counts, mut truths, mut stamps) = (Vec::new(), Vec::new(), Vec::new());
    let channels = u64::from(options.channels);
    while wide(counts.len()) < rows * channels {
        match sim.read().unwrap() {
            Reading::Truth(more) => {
                assert!(more.iter().all(|t| t.onset * channels >= wide(counts.len())), "told too late");
                truths.extend(more);
            }
            Reading::Rows(packet) => {
                assert_eq!(packet.index * channels, wide(counts.len()), "a row was skipped");
                let Samples::I16(values) = packet.samples else { panic!("{:?}", packet.samples) };
                counts.extend(values);
                stamps.push((wide(counts.len()) / channels, packet.stamp));
            }
            Reading::Idle => {}
            other => panic!("{other:?}"),
        }
    }
    counts.truncate(index(rows * channels));
    truths.retain(|t| t.onset < rows);
    (counts, truths, stamps)
}

/// One channel in microvolts.
fn column(counts: &[i16], channels: usize, channel: usize) -> Vec<f64> {
    counts.iter().skip(channel).step_by(channels).map(|c| (f64::from(*c) - 512.0) * sensor::STEP_UV).collect()
}

fn rms(values: &[f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / float_len(values.len());
    (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / float_len(values.len())).sqrt()
}

/// Power in each 1 Hz bin below half of 1000 rows per second, by the definition of the Fourier transform.
fn spectrum(values: &[f64]) -> Vec<f64> {
    let turn: Vec<_> = (0..1000).map(|n| (f64::from(n) / 1000.0 * std::f64::consts::TAU).sin_cos()).collect();
    let mut power = vec![0.0; 500];
    for second in values.chunks_exact(1000) {
        for (hz, power) in power.iter_mut().enumerate() {
            let (a, b) = second.iter().enumerate().fold((0.0, 0.0), |(a, b), (n, v)| {
                let window = 0.5 - 0.5 * turn[n].1;
                let (sin, cos) = turn[n * hz % 1000];
                (a + window * v * cos, b + window * v * sin)
            });
            *power += a * a + b * b;
        }
    }
    power
}

#[test]
fn the_same_seed_is_the_same_face_at_any_speed_and_in_any_blocks() {
    let (counts, truths, _) = recorded(&options(), 6000);
    let fast = SimOptions { speed: Speed::Times(60.0), ..options() };
    assert_eq!(recorded(&fast, 6000).0, counts, "paced");
    assert_eq!(recorded(&fast, 6000).1, truths, "paced");
    let sim = Sim::new(options(), START);
    let mut face = Face::new(&options(), &sim.cast(), None);
    let (mut halting, mut told, mut at) = (Vec::new(), Vec::new(), 0);
    while at < 6000 {
        let end = (at + 1 + at % 97).min(6000);
        told.extend(face.director.announce(end));
        halting.extend(face.rows(at, end));
        at = end;
    }
    assert!(halting == counts, "blocks of 1 to 97 rows");
    assert_eq!(told, truths);
}

#[test]
fn another_seed_is_another_face() {
    let other = SimOptions { seed: 8, ..options() };
    let ((a, truth_a, _), (b, truth_b, _)) = (recorded(&options(), 5000), recorded(&other, 5000));
    assert!(a != b && truth_a != truth_b);
}

#[test]
fn more_channels_see_the_same_movements() {
    let wide = SimOptions { channels: 64, rate_hz: 200.0, ..options() };
    let few = SimOptions { channels: 8, ..wide.clone() };
    let mut seen = recorded(&wide, 6000).1;
    seen.retain(|t| t.channel < 8);
    assert_eq!(seen, recorded(&few, 6000).1);
}

#[test]
fn switching_an_artefact_off_leaves_everything_else_as_it_was() {
    let script = "[artefacts]\nmotion = false\n";
    let (with, _keep) = scripted(&format!("{script}blink = true"));
    let (without, _keep_too) = scripted(&format!("{script}blink = false"));
    let ((a, truth, _), (b, _, _)) = (recorded(&with, 8000), recorded(&without, 8000));
    let blinking =
        |row: usize| truth.iter().any(|t| t.expression == "blink" && (t.onset..t.end).contains(&wide(row)));
    let differs: Vec<_> = (0..8000).filter(|r| a[r * 8..r * 8 + 8] != b[r * 8..r * 8 + 8]).collect();
    assert!(!differs.is_empty());
    assert!(differs.into_iter().all(blinking), "noise changed outside the blinks");
}

#[test]
fn faces_differ_only_as_far_as_the_script_lets_them() {
    let frown = "[[expression]]\nat_s=1\nduration_s=2\nname=\"anger\"\nlevel=0.5\n";
    let (plain, _keep) = scripted(frown);
    let (alike, _keep_too) = scripted(&format!("{frown}[face]\nspread=0\nperson=9\n"));
    assert!(recorded(&plain, 4000) == recorded(&alike, 4000), "no spread, no difference");
    let (anna, _keep_anna) = scripted(&format!("{frown}[face]\nspread=0.8\nperson=1\n"));
    let (bert, _keep_bert) = scripted(&format!("{frown}[face]\nspread=0.8\nperson=2\n"));
    let ((a, truth_a, _), (b, truth_b, _)) = (recorded(&anna, 4000), recorded(&bert, 4000));
    assert!(a != b && truth_a != truth_b);
    let length = |truth: &[Truth]| truth.iter().find(|t| t.expression == "anger").map(|t| t.end - t.onset);
    assert!(length(&truth_a) != length(&truth_b) && length(&truth_a) < Some(2000));
    let levels =
        |truth: &[Truth]| truth.iter().filter(|t| t.expression == "anger").map(|t| t.level).sum::<f64>();
    let (_, truth, _) = recorded(&plain, 4000);
    assert!(
        levels(&truth_a) < levels(&truth) && levels(&truth_b) < levels(&truth),
        "never more than asked for"
    );
    let later = SimOptions { seed: 8, ..anna.clone() };
    assert_eq!(length(&recorded(&later, 4000).1), length(&truth_a), "the same person, another day");
}

#[test]
fn ten_minutes_hold_every_expression_and_an_ordered_truth() {
    let (counts, truths, _) = recorded(&SimOptions { rate_hz: 100.0, ..options() }, 60_000);
    assert!(counts.iter().all(|c| (0..=1023).contains(c)));
    assert!(truths.is_sorted_by_key(|t| t.onset));
    for truth in &truths {
        assert!(truth.onset < truth.end && truth.channel < 8, "{truth:?}");
        assert!(truth.level > 0.0 && truth.level <= 1.0, "{truth:?}");
    }
    for name in "happiness sadness surprise fear anger disgust blink swallow speech motion".split(' ') {
        assert!(truths.iter().any(|t| t.expression == name), "no {name}");
    }
    let blinks = truths.iter().filter(|t| t.expression == "blink").count();
    assert!((120..=180).contains(&blinks), "{blinks} blinks in ten minutes");
    let emotions =
        truths.iter().filter(|t| !["blink", "swallow", "speech", "motion"].contains(&&*t.expression));
    let (brief, macros): (Vec<_>, Vec<_>) = emotions.partition(|t| t.end - t.onset <= 50);
    assert!(brief.iter().all(|t| (0.07..0.15).contains(&t.level)), "brief expressions are weak");
    assert!(macros.iter().all(|t| t.end - t.onset <= 401), "macro expressions end within 4 s");
    assert!(brief.len() > 50 && macros.len() > 50);
}

#[test]
fn a_muscle_at_rest_sounds_like_emg() {
    let (quiet, _keep) = scripted(
        "[artefacts]\nblink=false\nswallow=false\nspeech=false\nmotion=false\nhum_uv=0\ndrift_uv=0\n",
    );
    let (counts, truths, _) = recorded(&quiet, 20_000);
    assert!(truths.is_empty());
    let power = spectrum(&column(&counts, 8, 4));
    let share = |from: usize, to: usize| power[from..to].iter().sum::<f64>() / power[1..].iter().sum::<f64>();
    assert!(share(20, 300) > 0.85, "{}", share(20, 300));
    assert!(share(1, 15) < 0.03, "{}", share(1, 15));
    let peak = (20..480).max_by(|a, b| share(a - 10, a + 10).total_cmp(&share(b - 10, b + 10))).unwrap();
    assert!((60..115).contains(&peak), "{peak} Hz");
    let level = rms(&column(&counts, 8, 4));
    assert!((2.0..4.0).contains(&level), "{level} uV");
}

#[test]
fn hum_stands_at_its_line_and_its_harmonics() {
    let (humming, _keep) = scripted("[artefacts]\nmotion=false\nhum_uv=20\nhum_hz=60\n");
    let power = spectrum(&column(&recorded(&humming, 4000).0, 8, 1));
    for hz in [60, 180, 300] {
        assert!(power[hz] > 10.0 * power[hz - 5].max(power[hz + 5]), "{hz} Hz");
    }
}

#[test]
fn a_script_is_performed_to_the_row_and_heard_in_the_right_muscle() {
    let (smile, _keep) = scripted(
        "[[expression]]\nat_s=2\nduration_s=1\nname=\"happiness\"\nlevel=0.5\n\
         [[expression]]\nat_s=4\nduration_s=0.1\nrise_s=0.02\nmuscles={\"corrugator supercilii\"=1}\n\
         [artefacts]\nblink=false\nswallow=false\nspeech=false\nmotion=false\n",
    );
    let (counts, truths, _) = recorded(&smile, 5000);
    let told: Vec<_> =
        truths.iter().map(|t| (t.channel, t.onset, t.end, t.expression.as_str(), t.level)).collect();
    let wanted = [
        (0, 2000, 3000, "happiness", 0.5),
        (7, 2000, 3000, "happiness", 0.3),
        (4, 4000, 4100, "custom", 1.0),
    ];
    assert_eq!(told, wanted);
    for (channel, onset, end, _, _) in wanted {
        let muscle = column(&counts, 8, usize::from(channel));
        let (rest, moved) = (rms(&muscle[200..1200]), rms(&muscle[index(onset)..index(end)]));
        assert!(moved > 5.0 * rest, "channel {channel}: {rest} uV at rest, {moved} uV moved");
    }
    let levator = column(&counts, 8, 2);
    assert!(
        rms(&levator[2200..2800]) < 0.1 * rms(&column(&counts, 8, 0)[2200..2800]),
        "cross-talk is a few percent"
    );
    let frown = column(&counts, 8, 4);
    assert!(rms(&frown[4030..4060]) > 80.0, "a maximum is a tenth of a millivolt and more");
}

#[test]
fn an_envelope_sensor_gives_volts_that_follow_the_smile() {
    let (mut smile, _keep) = scripted(
        "[[expression]]\nat_s=2\nduration_s=1\nname=\"happiness\"\n\
         [artefacts]\nblink=false\nswallow=false\nspeech=false\nmotion=false\n",
    );
    for rate_hz in [20.0, 1000.0] {
        smile = SimOptions { envelope: true, rate_hz, ..smile };
        let description = Sim::new(smile.clone(), START).open().unwrap();
        let zygomatic = &description.channels[0];
        assert_eq!((zygomatic.kind, zygomatic.unit.as_str()), (Kind::Envelope, "V"));
        assert_eq!(zygomatic.sensor, "EMG Muscle Sensor V3.0 (simulated)");
        assert!((zygomatic.sensor_tau_s - 0.081).abs() < f64::EPSILON && zygomatic.gain.is_nan());
        let (counts, _, _) = recorded(&smile, count(4.0 * rate_hz));
        let volts = |at_s: f64| f64::from(counts[index(count(at_s * rate_hz)) * 8]) * zygomatic.scale;
        assert!(volts(1.0) < 0.2, "{} V at rest", volts(1.0));
        assert!((2.0..4.8).contains(&volts(2.6)), "{} V at the maximum", volts(2.6));
        assert!(volts(3.9) < 0.2, "{} V afterwards", volts(3.9));
    }
}

#[test]
fn packets_are_dated_by_the_rate_and_never_by_the_reader() {
    let (_, _, stamps) = recorded(&options(), 1000);
    for (end, stamp) in stamps {
        assert_eq!(stamp, START.plus_ns(rows_ns(end, 1000.0)));
    }
    let slow = SimOptions { speed: Speed::Times(20.0), ..options() };
    let before = Stamp::now();
    let (_, _, stamps) = recorded(&slow, 1000);
    assert!(stamps[0].1.host_ns >= before.host_ns, "paced rows are dated from the first read");
    for pair in stamps.windows(2) {
        let rows = pair[1].0 - pair[0].0;
        assert!((pair[1].1.host_ns - pair[0].1.host_ns - rows_ns(rows, 20_000.0)).abs() <= 1);
    }
}

#[test]
fn every_channel_says_what_it_is() {
    let description = Sim::new(SimOptions { channels: 64, ..options() }, START).open().unwrap();
    assert_eq!(description.board, "simulated face");
    assert_eq!(description.uri, "sim:?seed=7&channels=64&rate=1000&speed=max");
    for channel in &description.channels {
        assert_eq!((channel.unit.as_str(), channel.kind, channel.adc_bits), ("uV", Kind::Raw, 10));
        assert!(channel.action_unit.starts_with("AU") && !channel.muscle.is_empty());
        assert!((channel.offset - 512.0).abs() < f64::EPSILON && (channel.scale - 1.222).abs() < 0.001);
    }
}

#[test]
fn a_face_that_cannot_be_made_is_refused_when_opened() {
    let refused = |options: SimOptions| Sim::new(options, START).open().unwrap_err().to_string();
    assert!(refused(SimOptions { rate_hz: f64::NAN, ..options() }).contains("NaN rows per second"));
    assert!(refused(SimOptions { channels: 0, ..options() }).contains("needs a channel"));
    assert!(refused(SimOptions { speed: Speed::Times(0.0), ..options() }).contains("a speed of 0"));
    let missing = refused(SimOptions { script: Some("no/such/face.toml".into()), ..options() });
    assert!(missing.starts_with("the script no/such/face.toml cannot be opened: "), "{missing}");
}
