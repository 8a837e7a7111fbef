//! How much of a frequency there is in rows, several frequencies or several stretches side by side.
//!
//! Sines and cosines are computed by elementary operations, so that every machine finds the same bits. Called by `line`.

use crate::dsp::complex::Complex;
use crate::emg::units::float_len;
use std::f64::consts::TAU;

/// A frequency in windows of one length: what turns by `cycles` from row to row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bin {
    twice: f64,
    back: Complex,
    last: Complex,
}

impl Bin {
    pub(super) fn new(cycles: f64, rows: usize) -> Self {
        let (one, last) = (back(cycles), back(cycles * float_len(rows.saturating_sub(1))));
        Self { twice: 2.0 * one.re, back: one, last }
    }
}

/// Bins side by side in vector lanes: so many that all stay in registers and no lane waits for its last step.
const LANES: usize = 8;

/// The sums of `values[n] x exp(-2 pi i cycles n)`.
pub(super) fn spectrum(values: &[f64], bins: &[Bin]) -> Vec<Complex> {
    let mut out = Vec::with_capacity(bins.len());
    for some in bins.chunks(LANES) {
        let mut lanes = [some[0]; LANES];
        lanes[..some.len()].copy_from_slice(some);
        out.extend(&goertzel(values, &lanes)[..some.len()]);
    }
    out
}

/// A value for each lane.
pub(super) trait Lanes<const N: usize> {
    fn lane(&self, at: usize) -> f64;
}

/// All lanes hear the same.
impl<const N: usize> Lanes<N> for f64 {
    fn lane(&self, _at: usize) -> f64 {
        *self
    }
}

/// Each lane hears its own.
impl<const N: usize> Lanes<N> for [f64; N] {
    fn lane(&self, at: usize) -> f64 {
        self[at]
    }
}

/// The recurrence of Goertzel (1958), one bin in each lane.
pub(super) fn goertzel<const N: usize>(values: &[impl Lanes<N>], bins: &[Bin; N]) -> [Complex; N] {
    let (twice, mut s1, mut s2) = (bins.map(|bin| bin.twice), [0.0; N], [0.0; N]);
    for value in values {
        for lane in 0..N {
            // The difference does not wait for the step before, which takes a third off all.
            let s = twice[lane] * s1[lane] + (value.lane(lane) - s2[lane]);
            s2[lane] = s1[lane];
            s1[lane] = s;
        }
    }
    std::array::from_fn(|lane| {
        let Bin { back, last, .. } = bins[lane];
        (Complex::from(s1[lane]) - back * Complex::from(s2[lane])) * last
    })
}

/// Terms of the series of sine and cosine; the next is below 1e-16 within an eighth of a turn.
const TERMS: usize = 9;
/// What each term of the series of the cosine, and of the sine, is to the one before it, over `-x x`.
const COS_STEPS: [f64; TERMS] = steps(0.0);
const SIN_STEPS: [f64; TERMS] = steps(1.0);

const fn steps(odd: f64) -> [f64; TERMS] {
    let mut steps = [0.0; TERMS];
    let (mut at, mut twice) = (0, 2.0);
    while at < TERMS {
        steps[at] = 1.0 / ((twice - 1.0 + odd) * (twice + odd));
        (at, twice) = (at + 1, twice + 2.0);
    }
    steps
}

/// `exp(-2 pi i cycles)` by elementary operations alone.
pub(in crate::dsp) fn back(cycles: f64) -> Complex {
    let part = cycles - cycles.round();
    let quarter = (4.0 * part).round();
    let x = TAU * (part - quarter / 4.0);
    // Horner's scheme of both series, from the last term to the first.
    let nest = |inner: f64, step: &f64| 1.0 - x * x * step * inner;
    let cos = COS_STEPS.iter().rev().fold(1.0, nest);
    let sin = x * SIN_STEPS.iter().rev().fold(1.0, nest);
    match quarter.rem_euclid(4.0) {
        q if q < 0.5 => Complex::new(cos, -sin),
        q if q < 1.5 => Complex::new(-sin, -cos),
        q if q < 2.5 => Complex::new(-cos, sin),
        _ => Complex::new(sin, cos),
    }
}
