//! What is known of a chain of sections before it runs: steady state, delay, how long it takes to settle.
//!
//! Nothing here filters a signal; `cascade` does.

use super::cascade::Cascade;
use super::complex::Complex;
use super::{Memory, Section, line};
use crate::emg::units::{length, wide};
use std::f64::consts::PI;

/// The state of each section once an input of constant 1 has gone on forever; times `x`, for constant `x`.
/// Equal to `SciPy`'s `sosfilt_zi`.
#[must_use]
pub fn steady(sections: &[Section]) -> Vec<Memory> {
    let mut input = 1.0;
    sections
        .iter()
        .map(|&[b0, b1, b2, _, a1, a2]| {
            let output = input * (b0 + b1 + b2) / (1.0 + a1 + a2);
            let memory = [output - b0 * input, b2 * input - a2 * output];
            input = output;
            memory
        })
        .collect()
}

/// Delay of the envelope of a narrow band around `hz`, in rows.
#[must_use]
pub fn group_delay(sections: &[Section], hz: f64, rate_hz: f64) -> f64 {
    let angle = 2.0 * PI * hz / rate_hz;
    sections
        .iter()
        .map(|&[b0, b1, b2, a0, a1, a2]| {
            polynomial_delay([b0, b1, b2], angle) - polynomial_delay([a0, a1, a2], angle)
        })
        .sum()
}

/// Group delay of `c0 + c1 / z + c2 / z^2`, rows: the real part of `sum(k c_k z^-k) / sum(c_k z^-k)`.
#[expect(clippy::float_cmp, reason = "only exact symmetry has an exact delay")]
fn polynomial_delay(c: [f64; 3], angle: f64) -> f64 {
    let symmetric = c[0] == c[2] || (c[0] == -c[2] && c[1] == 0.0);
    if symmetric {
        // Linear phase, also at the zeros on the unit circle where the quotient is 0 / 0.
        return 1.0;
    }
    let (cos, sin) = (angle.cos(), angle.sin());
    let (cos2, sin2) = ((2.0 * angle).cos(), (2.0 * angle).sin());
    let sum = (c[0] + c[1] * cos + c[2] * cos2, c[1] * sin + c[2] * sin2);
    let weighted = (c[1] * cos + 2.0 * c[2] * cos2, c[1] * sin + 2.0 * c[2] * sin2);
    (weighted.0 * sum.0 + weighted.1 * sum.1) / (sum.0 * sum.0 + sum.1 * sum.1)
}

/// Share of the transient that is left when a chain counts as settled.
const SETTLED: f64 = 0.01;

/// Rows after a start until what came before it, which the filter did not see, could move the output by less than
/// 1 % of what it could move the first row, whatever it was: the smallest `n` for which `sum |h[k]|, k > n` is below
/// 1 % of `sum |h[k]|, k > 0`, `h` being the impulse response, measured. 0 for the identity.
///
/// # Panics
/// When a pole does not lie inside the unit circle.
#[must_use]
pub fn settle_rows(sections: &[Section]) -> u64 {
    let Some(radius) = sections.iter().map(slowest_pole).max_by(f64::total_cmp) else {
        return 0;
    };
    assert!(radius < 1.0, "a chain with a pole at radius {radius} never settles");
    // Far enough for the slowest pole to fall to 1e-9, and past the end of one that has none.
    let rows = 2 * sections.len() + length((1e-9_f64.ln() / radius.ln()).ceil());
    let mut left = vec![0.0; rows];
    left[0] = 1.0;
    Cascade::new(&[sections]).run(&mut left);
    for h in &mut left {
        *h = h.abs();
    }
    // From here on `left[n]` is what the row `n + 1` before the start does to the output.
    left.remove(0);
    let limit = SETTLED * left.iter().sum::<f64>();
    let mut tail = 0.0;
    let harmless = left.iter().rev().take_while(|&&h| {
        tail += h;
        tail < limit
    });
    wide(left.len() - harmless.count())
}

/// What is left of a sine at `hz`, as a share: the magnitude of the response.
#[must_use]
pub fn gain(sections: &[Section], hz: f64, rate_hz: f64) -> f64 {
    let back = line::back(hz / rate_hz);
    let power = |c0: f64, c1: f64, c2: f64| {
        let sum = Complex::from(c0) + back * (Complex::from(c1) + back * Complex::from(c2));
        sum.re * sum.re + sum.im * sum.im
    };
    let each = sections.iter().map(|&[b0, b1, b2, a0, a1, a2]| power(b0, b1, b2) / power(a0, a1, a2));
    each.product::<f64>().sqrt()
}

/// The larger pole radius of a section.
#[must_use]
pub fn slowest_pole(&[.., a1, a2]: &Section) -> f64 {
    let discriminant = a1 * a1 / 4.0 - a2;
    if discriminant < 0.0 { a2.sqrt() } else { (a1 / 2.0).abs() + discriminant.sqrt() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::design::{Band, butterworth, notch};

    #[test]
    fn a_notch_settles_as_its_width_says() {
        // 5 Hz wide: the transient falls as exp(-pi 5 t), which takes 0.293 s to 1 %.
        let rows = settle_rows(&[notch(50.0, 10.0, 1000.0)]);
        assert!((270..300).contains(&rows), "{rows}");
        // A sharper notch rings longer, in proportion.
        assert!(settle_rows(&[notch(50.0, 30.0, 1000.0)]) > 2 * rows);
    }

    #[test]
    fn a_notch_leaves_nothing_at_its_frequency_and_half_the_power_at_its_edge() {
        let notch = [notch(50.0, 10.0, 1000.0)];
        assert!(gain(&notch, 50.0, 1000.0) < 1e-9 && (gain(&notch, 200.0, 1000.0) - 1.0).abs() < 1e-2);
        // 5 Hz wide; the edges lie at 50 Hz times and over 1.0513.
        assert!((gain(&notch, 52.56, 1000.0) - 0.5_f64.sqrt()).abs() < 0.01);
        assert!((gain(&[], 50.0, 1000.0) - 1.0).abs() < f64::EPSILON);
    }

    #[test]
    fn the_identity_is_settled_at_once() {
        assert_eq!(settle_rows(&[]), 0);
        assert!(group_delay(&[], 100.0, 1000.0).abs() < f64::EPSILON);
    }

    #[test]
    fn after_settling_the_worst_past_hardly_matters() {
        let mut sections = butterworth(4, Band::BandPass(20.0, 450.0), 1000.0);
        sections.push(notch(50.0, 10.0, 1000.0));
        let settle = length(crate::emg::units::float(settle_rows(&sections)));
        let mut response = vec![0.0; 3000];
        response[0] = 1.0;
        Cascade::new(&[&sections]).run(&mut response);
        // Full scale in whichever sign does most harm to the first row after the start, then nothing.
        let mut signal: Vec<f64> = response[1..].iter().rev().map(|h| h.signum()).collect();
        let start = signal.len();
        signal.resize(start + 2 * settle, 0.0);
        Cascade::new(&[&sections]).run(&mut signal);
        let late = signal[start + settle..].iter().fold(0.0, |most: f64, v| most.max(v.abs()));
        assert!(
            settle > 100 && late < 0.01 * signal[start].abs(),
            "{late} of {} after {settle}",
            signal[start]
        );
    }

    #[test]
    fn a_notch_has_a_delay_at_its_own_frequency() {
        let delay = group_delay(&[notch(100.0, 10.0, 1000.0)], 100.0, 1000.0);
        assert!(delay.is_finite(), "{delay}");
    }
}
