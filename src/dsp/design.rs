//! Designs filters as second-order sections: Butterworth low-, high- and band-pass, and a notch.
//!
//! The sections agree with `SciPy`'s `butter(..., output="sos")` and `iirnotch` in value, pairing and order, so a
//! file can be checked with SciPy. Called by `pipeline/preset`; what is designed travels as coefficients from then on.

use super::Section;
use super::complex::Complex;
use std::f64::consts::PI;

/// What a filter lets through; edges in Hz, where the power is halved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Band {
    /// Everything below the edge.
    LowPass(f64),
    /// Everything above the edge.
    HighPass(f64),
    /// Everything between the edges.
    BandPass(f64, f64),
}

/// A Butterworth filter; a band-pass has twice `order` poles. Prototype poles on the unit circle, moved to the
/// band and through the bilinear transform with pre-warped edges (Oppenheim & Schafer, ch. 7).
///
/// # Panics
/// When `order` is 0 or an edge does not lie between 0 and half of `rate_hz`, edges of a band in order.
#[must_use]
pub fn butterworth(order: u32, band: Band, rate_hz: f64) -> Vec<Section> {
    assert!(order > 0, "a filter of order 0 filters nothing");
    let warp = |hz: f64| {
        assert!(hz > 0.0 && hz < rate_hz / 2.0, "an edge of {hz} Hz does not fit a rate of {rate_hz} Hz");
        (PI * hz / rate_hz).tan()
    };
    let powers = i32::try_from(order).unwrap_or(i32::MAX);
    let mut roots = Roots { zeros: Vec::new(), poles: Vec::new(), shrink: 1.0 };
    let gain = match band {
        Band::LowPass(edge) => {
            let edge = warp(edge);
            prototype(order).for_each(|pole| roots.pole(pole * edge));
            (0..order).for_each(|_| roots.zeros.push(-1.0));
            edge.powi(powers)
        }
        Band::HighPass(edge) => {
            let edge = Complex::from(warp(edge));
            prototype(order).for_each(|pole| roots.pole(edge / pole));
            (0..order).for_each(|_| roots.zeros.push(1.0));
            1.0
        }
        Band::BandPass(low, high) => {
            assert!(low < high, "a band from {low} to {high} Hz is empty");
            let (low, high) = (warp(low), warp(high));
            prototype(order).for_each(|pole| roots.pole_pair(pole * ((high - low) / 2.0), low * high));
            (0..order).for_each(|_| roots.zeros.extend([-1.0, 1.0]));
            (high - low).powi(powers)
        }
    };
    roots.into_sections(gain)
}

/// A notch whose width at half power is `hz / q` (Orfanidis, Introduction to Signal Processing, eq. 11.3.7).
///
/// # Panics
/// When `hz` does not lie between 0 and half of `rate_hz`, or `q` is not positive.
#[must_use]
pub fn notch(hz: f64, q: f64, rate_hz: f64) -> Section {
    assert!(hz > 0.0 && hz < rate_hz / 2.0, "a notch at {hz} Hz does not fit a rate of {rate_hz} Hz");
    assert!(q > 0.0, "a notch needs a positive Q, not {q}");
    let angle = 2.0 * PI * hz / rate_hz;
    let gain = 1.0 / (1.0 + (angle / q / 2.0).tan());
    let middle = -2.0 * angle.cos();
    [gain, gain * middle, gain, 1.0, gain * middle, 2.0 * gain - 1.0]
}

/// Poles of the low-pass with edge 1, upper half plane only; the middle one of an odd order is real.
fn prototype(order: u32) -> impl Iterator<Item = Complex> {
    let step = PI / (2.0 * f64::from(order));
    let first = u32::from(order.is_multiple_of(2));
    (first..order).step_by(2).map(move |m| -Complex::unit(-f64::from(m) * step)).map(|pole| {
        // Sine of zero is zero, but its sign decides nothing: an exactly real pole stays real.
        if pole.im == 0.0 { Complex::from(pole.re) } else { pole }
    })
}

/// Zeros and poles in the z plane; all zeros of these filters are real, complex poles stand for themselves and
/// their conjugates.
struct Roots {
    zeros: Vec<f64>,
    poles: Vec<Complex>,
    /// Product over all analog poles of `1 - s`, by which the bilinear transform divides the gain.
    shrink: f64,
}

impl Roots {
    /// Takes an analog pole, and its conjugate with it, into the z plane.
    fn pole(&mut self, s: Complex) {
        let below = Complex::from(1.0) - s;
        self.shrink *= if s.im == 0.0 { below.re } else { below.re * below.re + below.im * below.im };
        self.poles.push(((Complex::from(1.0) + s) / below).upper());
    }

    /// Takes the two analog band-pass poles that come of one prototype pole: the roots of
    /// `s^2 - 2 half s + centre`, and their conjugates where `half` is not real.
    fn pole_pair(&mut self, half: Complex, centre: f64) {
        let root = (half * half - Complex::from(centre)).sqrt();
        if half.im == 0.0 && root.im != 0.0 {
            // Conjugates of each other already.
            self.pole(half + root);
        } else {
            self.pole(half + root);
            self.pole(half - root);
        }
    }

    /// Pairs each pole with its nearest zeros, beginning with the pole nearest to the unit circle, which ends up
    /// in the last section; the gain goes into the first. This is the rule of `zpk2sos(pairing="nearest")`.
    fn into_sections(mut self, gain: f64) -> Vec<Section> {
        let gain = gain / self.shrink;
        if self.zeros.len() % 2 == 1 {
            self.zeros.push(0.0);
            self.poles.push(Complex::from(0.0));
        }
        self.zeros.sort_by(f64::total_cmp);
        // Complex before real, each by real part: where two are equally near, the first is taken.
        self.poles.sort_by(|a, b| (a.im == 0.0).cmp(&(b.im == 0.0)).then(a.re.total_cmp(&b.re)));
        let mut sections = Vec::with_capacity(self.zeros.len() / 2);
        while let Some(at) = nearest(&self.poles, |pole| (1.0 - pole.abs()).abs()) {
            sections.push(self.next_section(at));
        }
        sections.reverse();
        if let Some(first) = sections.first_mut() {
            first[..3].iter_mut().for_each(|b| *b *= gain);
        }
        sections
    }

    /// Takes the pole at `at`, its partner and the two zeros nearest to it out of the roots.
    fn next_section(&mut self, at: usize) -> Section {
        let pole = self.poles.remove(at);
        let (a1, a2) = if pole.im == 0.0 {
            let apart = |other: &Complex| {
                if other.im == 0.0 { (1.0 - other.abs()).abs() } else { f64::INFINITY }
            };
            let partner = nearest(&self.poles, apart).map_or(0.0, |at| self.poles.remove(at).re);
            (-(pole.re + partner), pole.re * partner)
        } else {
            (-2.0 * pole.re, pole.re * pole.re + pole.im * pole.im)
        };
        let mut zero = || {
            let apart = |&zero: &f64| (Complex::from(zero) - pole).abs();
            nearest(&self.zeros, apart).map_or(0.0, |at| self.zeros.remove(at))
        };
        let (one, two) = (zero(), zero());
        [1.0, -(one + two), one * two, 1.0, a1, a2]
    }
}

/// Where `distance` is least, the first of equals.
fn nearest<T>(items: &[T], distance: impl Fn(&T) -> f64) -> Option<usize> {
    (0..items.len()).min_by(|&a, &b| distance(&items[a]).total_cmp(&distance(&items[b])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::response::{group_delay, steady};

    /// Made by `scripts/golden`: a `design` line, then its `sos`, `zi` and `delay` lines.
    const GOLDEN: &str = include_str!("../../tests/golden/dsp_design.txt");

    fn numbers(line: &str) -> Vec<f64> {
        line.split_whitespace().skip(1).map(|word| word.parse().unwrap()).collect()
    }

    fn designed(line: &str) -> (Vec<Section>, f64) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let n = |at: usize| words[at].parse::<f64>().unwrap();
        let order = || words[3].parse().unwrap();
        match words[1] {
            "lowpass" => (butterworth(order(), Band::LowPass(n(4)), n(2)), n(2)),
            "highpass" => (butterworth(order(), Band::HighPass(n(4)), n(2)), n(2)),
            "bandpass" => (butterworth(order(), Band::BandPass(n(4), n(5)), n(2)), n(2)),
            "notch" => (vec![notch(n(3), n(4), n(2))], n(2)),
            other => panic!("{other}"),
        }
    }

    fn close(ours: &[f64], theirs: &[f64], tolerance: f64, what: &str) {
        assert_eq!(ours.len(), theirs.len(), "{what}");
        for (a, b) in ours.iter().zip(theirs) {
            assert!((a - b).abs() <= 1e-12 * b.abs() + tolerance, "{what}: {ours:?} is not {theirs:?}");
        }
    }

    #[test]
    fn sections_are_those_of_scipy() {
        let (mut designs, mut sections, mut rate_hz, mut at) = (0, Vec::new(), 0.0, 0);
        let mut title = "";
        for line in GOLDEN.lines() {
            match line.split_whitespace().next() {
                Some("design") => {
                    assert_eq!(at, sections.len(), "{title}");
                    (sections, rate_hz) = designed(line);
                    (title, at, designs) = (line, 0, designs + 1);
                }
                Some("sos") => {
                    close(&sections[at], &numbers(line), 1e-15, title);
                    at += 1;
                }
                // Differences of nearly equal numbers, hence no relative bound.
                Some("zi") => close(steady(&sections).as_flattened(), &numbers(line), 1e-12, title),
                Some("delay") => {
                    let [hz, rows] = numbers(line)[..] else { panic!("{line}") };
                    let ours = group_delay(&sections, hz, rate_hz);
                    assert!(
                        (ours - rows).abs() < 1e-8 * rows.abs().max(1.0),
                        "{title}: {ours} is not {rows}"
                    );
                }
                _ => {}
            }
        }
        assert!(designs > 40, "only {designs} designs were compared");
    }

    #[test]
    #[should_panic(expected = "an edge of 500 Hz does not fit a rate of 1000 Hz")]
    fn an_edge_at_half_the_rate_is_a_mistake() {
        let _ = butterworth(4, Band::BandPass(20.0, 500.0), 1000.0);
    }
}
