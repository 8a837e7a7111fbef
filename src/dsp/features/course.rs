//! The five sums of the Hudgins set and RMS, taken in one pass over a window.
//!
//! Neighbouring rows stand in vector lanes. Each lane has its own sums, added up at the end: the order of additions
//! depends on the window's length alone.

use crate::emg::units::float_len;

/// Rows side by side.
const LANES: usize = 8;

type Lanes = [f64; LANES];

/// Sums over a window `x` of `N` rows; counts are whole numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Course {
    /// `N`.
    pub rows: f64,
    /// `sum |x_i|`.
    pub absolute: f64,
    /// `sum x_i^2`.
    pub square: f64,
    /// `sum |x_{i+1} - x_i|`.
    pub length: f64,
    /// Neighbours of opposite sign that differ by more than the threshold; a value of exactly 0 has no sign.
    pub crossings: f64,
    /// Rows greater or less than both neighbours, and by more than the threshold than at least one of them.
    pub turns: f64,
}

/// The sums of each lane.
#[derive(Clone, Copy, Default)]
struct Sums {
    absolute: Lanes,
    square: Lanes,
    length: Lanes,
    crossings: Lanes,
    turns: Lanes,
}

impl Course {
    /// Goes over a window; `threshold` in the unit of `x`. NaN where a value is missing, counts also where the
    /// threshold is not known.
    #[must_use]
    pub fn of(x: &[f64], threshold: f64) -> Self {
        let mut sums = Sums::default();
        let mut at = 0;
        while let Some(ahead) = x[at..].first_chunk::<{ LANES + 2 }>() {
            sums.rows(ahead, threshold);
            at += LANES;
        }
        let mut course = Self {
            rows: float_len(x.len()),
            absolute: sums.absolute.iter().sum(),
            square: sums.square.iter().sum(),
            length: sums.length.iter().sum(),
            crossings: sums.crossings.iter().sum(),
            turns: sums.turns.iter().sum(),
        };
        course.rest(&x[at..], threshold);
        if threshold.is_nan() || course.absolute.is_nan() {
            (course.crossings, course.turns) = (f64::NAN, f64::NAN);
        }
        course
    }

    /// The rows after the last whole group of lanes.
    fn rest(&mut self, x: &[f64], threshold: f64) {
        for &a in x {
            self.absolute += a.abs();
            self.square += a * a;
        }
        for pair in x.windows(2) {
            self.length += (pair[1] - pair[0]).abs();
            self.crossings += crosses(pair[0], pair[1], threshold);
        }
        self.turns += x.windows(3).map(|three| turns(three[0], three[1], three[2], threshold)).sum::<f64>();
    }
}

impl Sums {
    fn rows(&mut self, x: &[f64; LANES + 2], threshold: f64) {
        for lane in 0..LANES {
            let (a, b, c) = (x[lane], x[lane + 1], x[lane + 2]);
            self.absolute[lane] += a.abs();
            self.square[lane] += a * a;
            self.length[lane] += (b - a).abs();
            self.crossings[lane] += crosses(a, b, threshold);
            self.turns[lane] += turns(a, b, c, threshold);
        }
    }
}

/// 1 where the sign changes between neighbours. The product of two values under 1e-154 is lost, and they with it.
#[inline]
fn crosses(a: f64, b: f64, threshold: f64) -> f64 {
    if (a * b < 0.0) & ((b - a).abs() > threshold) { 1.0 } else { 0.0 }
}

/// 1 where the middle one is a peak or a valley.
#[inline]
fn turns(a: f64, b: f64, c: f64, threshold: f64) -> f64 {
    let (before, after) = (b - a, b - c);
    let clear = (before.abs() > threshold) | (after.abs() > threshold);
    if (before * after > 0.0) & clear { 1.0 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The definitions, one after the other.
    fn by_hand(x: &[f64], threshold: f64) -> Course {
        let pairs = || x.windows(2).map(|p| (p[0], p[1]));
        let sign = |v: f64| i32::from(v > 0.0) - i32::from(v < 0.0);
        Course {
            rows: float_len(x.len()),
            absolute: x.iter().map(|v| v.abs()).sum(),
            square: x.iter().map(|v| v * v).sum(),
            length: pairs().map(|(a, b)| (b - a).abs()).sum(),
            crossings: float_len(
                pairs().filter(|&(a, b)| sign(a) * sign(b) == -1 && (b - a).abs() > threshold).count(),
            ),
            turns: float_len(
                x.windows(3)
                    .filter(|t| {
                        let (before, after) = (t[1] - t[0], t[1] - t[2]);
                        sign(before) * sign(after) == 1 && before.abs().max(after.abs()) > threshold
                    })
                    .count(),
            ),
        }
    }

    #[test]
    fn a_zigzag_is_counted() {
        let course = Course::of(&[1.0, -1.0, 1.0, -1.0, 0.0, 2.0], 0.0);
        assert_eq!((course.absolute, course.length), (6.0, 9.0));
        // -1, 0, 2 passes zero on a row: no two neighbours differ in sign.
        assert_eq!((course.crossings, course.turns), (3.0, 3.0));
        let gated = Course::of(&[1.0, -1.0, 1.0, -1.0, 0.0, 2.0], 2.0);
        assert_eq!((gated.crossings, gated.turns), (0.0, 0.0), "a difference of just the threshold is none");
    }

    #[test]
    fn a_constant_neither_crosses_nor_turns() {
        let course = Course::of(&[0.7; 40], 0.0);
        assert_eq!((course.length, course.crossings, course.turns), (0.0, 0.0, 0.0));
    }

    #[test]
    fn without_a_threshold_nothing_is_counted_and_the_sums_stand() {
        let course = Course::of(&[1.0, -1.0, 1.0], f64::NAN);
        assert!(course.crossings.is_nan() && course.turns.is_nan());
        assert_eq!((course.absolute, course.length), (3.0, 4.0));
    }

    proptest! {
        #[test]
        fn lanes_count_what_the_definitions_say(
            x in prop::collection::vec(prop_oneof![8 => -5.0..5.0_f64, 2 => (-2..3_i32).prop_map(f64::from)], 0..70),
            threshold in prop_oneof![Just(0.0), 0.0..4.0_f64],
        ) {
            let (fast, plain) = (Course::of(&x, threshold), by_hand(&x, threshold));
            prop_assert_eq!((fast.crossings, fast.turns), (plain.crossings, plain.turns));
            for (a, b) in [(fast.absolute, plain.absolute), (fast.square, plain.square), (fast.length, plain.length)] {
                prop_assert!((a - b).abs() <= 1e-12 * b.abs(), "{} {}", a, b);
            }
        }
    }
}
