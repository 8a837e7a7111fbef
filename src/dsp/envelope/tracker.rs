//! A floor under the envelope of each channel, taken away from it: what a muscle does at rest, followed at once where
//! it sinks and slowly where it rises.
//!
//! Not linear, so unlike a high-pass it neither sinks much under a long contraction nor swings below zero for long
//! behind one. Its order of operations is part of the file format, as the kernel's in `cascade` is.

use crate::dsp::Memory;
use crate::emg::units::{length, wide};

/// How fast a floor moves, as shares per row.
///
/// For each row `x`: `mean += (x - mean) * fall`; `floor = mean` where the mean is below it or the channel has not
/// settled yet, else `floor += (mean - floor) * rise`; what is left is `x - floor`, below zero too.
///
/// The short mean in front keeps the floor off the troughs of the noise. On the envelope of noise (0.5 s and 60 s, a
/// low-pass of 20 Hz) the floor lies 5.5 % under the mean at rest; it would lie 28 % under it if it followed the
/// envelope itself. That share is left at rest and belongs to any floor. A contraction sinks by 6 % in 4 s and by 39 %
/// in 30 s (91 % and 100 % under a high-pass of 0.1 Hz); behind one the floor is back after 3 s.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tracker {
    /// Share of the way from the mean to the envelope that the mean goes in a row.
    pub fall: f64,
    /// Share of the way up to the mean that the floor goes in a row.
    pub rise: f64,
}

impl Tracker {
    /// One whose mean has a time constant of `fall_s` seconds, and whose floor rises with one of `rise_s`.
    #[must_use]
    pub fn new(fall_s: f64, rise_s: f64, rate_hz: f64) -> Self {
        let share = |tau_s: f64| -(-1.0 / (rate_hz * tau_s)).exp_m1();
        Self { fall: share(fall_s), rise: share(rise_s) }
    }

    /// Rows after which less than 1 % is left of the value its mean began with.
    #[must_use]
    pub fn settle_rows(&self) -> u64 {
        wide(length((0.01_f64.ln() / (-self.fall).ln_1p()).ceil()))
    }
}

/// The floor of one channel.
#[derive(Clone, Copy, Debug)]
pub(super) struct Floor {
    tracker: Tracker,
    mean: f64,
    level: f64,
    /// Rows until the channel has settled: up to there the floor is the mean, since nothing is known of rest yet.
    settling: u64,
}

impl Floor {
    pub(super) fn new(tracker: Tracker) -> Self {
        Self { tracker, mean: 0.0, level: 0.0, settling: 0 }
    }

    /// What is left of a row.
    pub(super) fn above(&mut self, x: f64) -> f64 {
        let Tracker { fall, rise } = self.tracker;
        self.mean += (x - self.mean) * fall;
        if self.settling > 0 || self.mean < self.level {
            self.settling = self.settling.saturating_sub(1);
            self.level = self.mean;
        } else {
            self.level += (self.mean - self.level) * rise;
        }
        x - self.level
    }

    pub(super) fn memory(&self) -> Memory {
        [self.mean, self.level]
    }

    pub(super) fn recall(&mut self, [mean, level]: Memory, settling: u64) {
        (self.mean, self.level, self.settling) = (mean, level, settling);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::cascade::Cascade;
    use crate::dsp::design::{Band, butterworth};
    use crate::emg::units::float_len;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;
    use rand_distr::StandardNormal;

    fn run(floor: &mut Floor, values: impl IntoIterator<Item = f64>) -> Vec<f64> {
        values.into_iter().map(|x| floor.above(x)).collect()
    }

    /// A floor at rest at 10, 100 rows a second.
    fn resting() -> Floor {
        let mut floor = Floor::new(Tracker::new(0.5, 60.0, 100.0));
        floor.recall([10.0, 10.0], 0);
        floor
    }

    #[test]
    fn a_long_contraction_keeps_its_height_and_leaves_no_hole_behind_it() {
        let mut floor = resting();
        let held = run(&mut floor, std::iter::repeat_n(110.0, 400));
        // The floor rises by 1 - exp(-4 s / 60 s), less what the mean needs to get there.
        assert!((held[0] - 100.0).abs() < 0.1 && (93.5..94.6).contains(&held[399]), "{}", held[399]);
        let behind = run(&mut floor, std::iter::repeat_n(10.0, 400));
        assert!((-6.4..-6.1).contains(&behind[100]), "until the mean is down too: {}", behind[100]);
        assert!(behind[299..].iter().all(|left| (-0.5..0.0).contains(left)), "{}", behind[299]);
    }

    #[test]
    fn after_half_a_minute_a_contraction_has_sunk_by_two_fifths() {
        let held = run(&mut resting(), std::iter::repeat_n(110.0, 3000));
        assert!((60.5..61.5).contains(&held[2999]), "{}", held[2999]);
    }

    #[test]
    fn at_rest_a_twentieth_is_left_because_a_floor_lies_under_the_mean_of_noise() {
        let mut rng = ChaCha8Rng::seed_from_u64(20);
        let mut values: Vec<f64> = (0..300_000).map(|_| rng.sample(StandardNormal)).collect();
        let (band, low) = (Band::BandPass(20.0, 450.0), Band::LowPass(20.0));
        Cascade::new(&[&butterworth(4, band, 1000.0)]).run(&mut values);
        for value in &mut values {
            *value = value.abs();
        }
        Cascade::new(&[&butterworth(2, low, 1000.0)]).run(&mut values);
        let tracker = Tracker::new(0.5, 60.0, 1000.0);
        let mut floor = Floor::new(tracker);
        floor.recall([values[0]; 2], tracker.settle_rows());
        let rest = &values[120_000..];
        let mean = crate::dsp::sum(rest, |value| value) / float_len(rest.len());
        let left = run(&mut floor, values.iter().copied());
        let left = crate::dsp::sum(&left[120_000..], |value| value) / float_len(rest.len());
        println!("{:.2} % of the mean are left at rest", 100.0 * left / mean);
        assert!((0.045..0.065).contains(&(left / mean)), "{left} of {mean}");
    }

    #[test]
    fn a_floor_that_sinks_is_followed_at_once_and_one_that_rises_slowly() {
        let mut floor = resting();
        let sunk = run(&mut floor, std::iter::repeat_n(4.0, 250));
        assert!((sunk[0] + 6.0).abs() < 0.2 && sunk[249].abs() < 0.06, "{} {}", sunk[0], sunk[249]);
        let risen = run(&mut floor, std::iter::repeat_n(10.0, 6000));
        assert!((2.1..2.4).contains(&risen[5999]), "6 / e after a minute: {}", risen[5999]);
    }

    #[test]
    fn until_it_has_settled_the_floor_is_the_mean_and_then_its_first_value_is_forgotten() {
        let tracker = Tracker::new(0.5, 60.0, 100.0);
        assert_eq!(tracker.settle_rows(), 231, "ln 100 x 0.5 s");
        let mut floor = Floor::new(tracker);
        floor.recall([0.0, 0.0], 231);
        let left = run(&mut floor, std::iter::repeat_n(10.0, 232));
        assert!((left[0] - 10.0 * (1.0 - tracker.fall)).abs() < 1e-12);
        assert!((0.09..0.1).contains(&left[230]), "{}", left[230]);
        assert!(left[230] - left[231] < 1e-4, "from here on it rises slowly");
    }
}
