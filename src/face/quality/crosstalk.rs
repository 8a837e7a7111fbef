//! Whether a channel hears its neighbour: the same envelope at the same time, and in raw signals the same waveform.
//!
//! Muscles that act together have like envelopes and waveforms of their own; a neighbour's current has both. Behind a
//! rectifier the waveform is gone and only a near copy is called an echo. Channels of one side count as neighbours.

use super::second::{Second, mean};
use crate::emg::Kind;

/// Correlation of envelopes at no lag from which one may be the other's echo, and where waveforms are gone.
const ALIKE: f64 = 0.9;
const COPY: f64 = 0.98;
/// ... and of the waveforms.
const SAME_WAVE: f64 = 0.5;
/// A muscle so many times above its floor is active; at rest all channels hear the same room.
const ACTIVE: f64 = 3.0;

/// For each channel whether it echoes a louder neighbour in this second.
pub(super) fn echoes(seconds: &[Second<'_>], floors: &[f64]) -> Vec<bool> {
    let mut echoes = vec![false; seconds.len()];
    let levels: Vec<f64> = seconds.iter().map(Second::level).collect();
    for (loud, second) in seconds.iter().enumerate() {
        if !is_muscle(second) || levels[loud].is_nan() || levels[loud] <= ACTIVE * floors[loud] {
            continue;
        }
        let Some(steps) = second.steps() else { continue };
        for (quiet, other) in seconds.iter().enumerate() {
            let candidate = quiet != loud && levels[quiet] < levels[loud] && are_neighbours(second, other);
            if candidate && !echoes[quiet] {
                echoes[quiet] = is_echo(second, other, &steps);
            }
        }
    }
    echoes
}

fn is_echo(loud: &Second<'_>, quiet: &Second<'_>, steps: &[f64]) -> bool {
    let Some(others) = quiet.steps() else { return false };
    let alike = correlation(steps, &others);
    if loud.channel.kind == Kind::Raw {
        alike > ALIKE && correlation(loud.clean, quiet.clean).abs() > SAME_WAVE
    } else {
        alike > COPY
    }
}

fn is_muscle(second: &Second<'_>) -> bool {
    !matches!(second.channel.kind, Kind::Aux | Kind::Trigger)
}

fn are_neighbours(one: &Second<'_>, other: &Second<'_>) -> bool {
    let (a, b) = (one.channel, other.channel);
    let sided = |side: &str| side == "left" || side == "right";
    a.kind == b.kind && !(sided(&a.side) && sided(&b.side) && a.side != b.side)
}

/// Pearson's correlation; NaN where one does not move.
fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let (of_a, of_b) = (mean(a), mean(b));
    let sum = |x: &[f64], mx: f64, y: &[f64], my: f64| -> f64 {
        x.iter().zip(y).map(|(x, y)| (x - mx) * (y - my)).sum()
    };
    sum(a, of_a, b, of_b) / (sum(a, of_a, a, of_a) * sum(b, of_b, b, of_b)).sqrt()
}
