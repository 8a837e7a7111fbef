//! The numbers of one stretch: mean and deviation of a rest, the best half second of a contraction, and how close
//! raw values came to a rail.

use crate::emg::units::{float_len, length};
use crate::emg::{Channel, Kind};
use std::collections::VecDeque;

/// The maximum is the best mean over this long, seconds.
const BEST_S: f64 = 0.5;
/// What a bar shows is the mean over this long, seconds.
const SHOWN_S: f64 = 0.1;
/// Less than this many rows make no rest.
const REST_ROWS: usize = 10;
/// Raw values within a count of their greatest for this long are a sensor's rail, seconds: an envelope swings by
/// more, even at its top.
const PLATEAU_S: f64 = 0.1;
/// From this share of the converter's range on a signal is near its rail,
const NEAR: f64 = 0.95;
/// and for so long in a contraction it matters, seconds: the rare peaks of a raw signal do not.
const NEAR_S: f64 = 0.03;

/// Mean and standard deviation (n - 1) of the finite values; NaN where there are too few.
pub(super) fn mean_and_sd(values: &[f32]) -> (f64, f64) {
    let finite = || values.iter().copied().map(f64::from).filter(|value| value.is_finite());
    let n = finite().count();
    if n < REST_ROWS {
        return (f64::NAN, f64::NAN);
    }
    let mean = finite().sum::<f64>() / float_len(n);
    let squares: f64 = finite().map(|value| (value - mean).powi(2)).sum();
    (mean, (squares / float_len(n - 1)).sqrt())
}

/// One contraction as its envelope rows come.
#[derive(Clone, Debug)]
pub(super) struct Effort {
    window: VecDeque<f64>,
    /// Best mean over a whole window; NaN before there was one.
    pub(super) best: f64,
}

impl Default for Effort {
    fn default() -> Self {
        Self { window: VecDeque::new(), best: f64::NAN }
    }
}

impl Effort {
    /// The next value; one that is missing breaks the window.
    pub(super) fn push(&mut self, value: f64, rate_hz: f64) {
        if !value.is_finite() {
            return self.window.clear();
        }
        let wanted = length((BEST_S * rate_hz).round()).max(1);
        self.window.push_back(value);
        self.window.drain(..self.window.len().saturating_sub(wanted));
        if self.window.len() == wanted {
            // Summed anew, so that a mean does not depend on what came before it.
            self.best = self.best.max(self.window.iter().sum::<f64>() / float_len(wanted));
        }
    }

    /// Mean over the last 100 ms; NaN without a value.
    pub(super) fn level(&self, rate_hz: f64) -> f64 {
        let shown = length(SHOWN_S * rate_hz).max(1);
        let (sum, n) = self.window.iter().rev().take(shown).fold((0.0, 0), |(sum, n), v| (sum + v, n + 1));
        if n > 0 { sum / float_len(n) } else { f64::NAN }
    }
}

/// How close the raw values of a channel's contractions came to the rail of its converter or of its sensor.
#[derive(Clone, Debug, Default)]
pub(super) struct Rail {
    kind: Kind,
    /// The converter's largest count, where its resolution is known.
    top: Option<f64>,
    /// Seconds near the converter's rail.
    near_s: f64,
    seen: bool,
    /// A value that was exceeded by no more than a count, and seconds in a row within a count of it.
    plateau: f64,
    run_s: f64,
    longest_s: f64,
}

impl Rail {
    pub(super) fn of(channel: &Channel) -> Self {
        let top = (channel.adc_bits > 0).then(|| f64::from((1_u32 << channel.adc_bits.min(31)) - 1));
        Self { kind: channel.kind, top, ..Self::default() }
    }

    /// One raw value, in counts.
    pub(super) fn see(&mut self, value: f64, rate_hz: f64) {
        if !value.is_finite() || rate_hz.is_nan() || rate_hz <= 0.0 {
            return;
        }
        if !self.seen || value > self.plateau + 1.0 {
            (self.plateau, self.run_s, self.longest_s) = (value, 0.0, 0.0);
        }
        self.seen = true;
        let below = |top: f64| self.kind == Kind::Raw && value <= (1.0 - NEAR) * top;
        if self.top.is_some_and(|top| value >= NEAR * top || below(top)) {
            self.near_s += 1.0 / rate_hz;
        }
        self.run_s = if value >= self.plateau - 1.0 { self.run_s + 1.0 / rate_hz } else { 0.0 };
        self.longest_s = self.longest_s.max(self.run_s);
    }

    /// Whether the signal may have been cut off.
    pub(super) fn is_near(&self) -> bool {
        let sensor = self.kind != Kind::Raw && self.longest_s >= PLATEAU_S;
        self.near_s >= NEAR_S || sensor
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_half_second_is_found_wherever_it_lies_and_never_across_a_hole() {
        let mut effort = Effort::default();
        let push = |effort: &mut Effort, values: &[f64]| values.iter().for_each(|v| effort.push(*v, 10.0));
        push(&mut effort, &[1.0, 9.0, 9.0]);
        assert!(effort.best.is_nan(), "a third of a second is none");
        push(&mut effort, &[9.0, 9.0, 9.0, 2.0]);
        assert!((effort.best - 9.0).abs() < 1e-12);
        push(&mut effort, &[50.0, 50.0, f64::NAN, 50.0, 50.0, 50.0, 50.0]);
        assert!((effort.best - (9.0 * 2.0 + 2.0 + 100.0) / 5.0).abs() < 1e-12, "{}", effort.best);
        assert!((effort.level(10.0) - 50.0).abs() < 1e-12);
    }

    #[test]
    fn a_rest_has_a_mean_and_a_deviation_of_what_is_there() {
        let mut values: Vec<f32> = (0..20_u8).map(|n| f32::from(n % 2) * 2.0).collect();
        values.push(f32::NAN);
        let (mean, sd) = mean_and_sd(&values);
        assert!((mean - 1.0).abs() < 1e-12 && (sd - (20.0_f64 / 19.0).sqrt()).abs() < 1e-12);
        assert!(mean_and_sd(&values[..5]).0.is_nan());
    }

    #[test]
    fn a_sensor_that_goes_no_further_stands_still_and_a_muscle_does_not() {
        let channel = Channel { adc_bits: 10, ..Channel::new("zyg", Kind::Envelope) };
        let near = |value: &dyn Fn(u32) -> f64| {
            let mut rail = Rail::of(&channel);
            (0..1000).for_each(|row| rail.see(value(row), 1000.0));
            rail.is_near()
        };
        let swing = |row: u32| 500.0 + 30.0 * (f64::from(row) / 80.0).sin();
        assert!(!near(&swing));
        assert!(near(&|row| swing(row).min(510.0)), "it is cut off below the converter's range");
        assert!(near(&|row| 480.0 + swing(row)), "the converter's range ends");
        let peaks = |row: u32| if row.is_multiple_of(50) { 1023.0 } else { swing(row) };
        assert!(!near(&peaks), "20 ms in a second");
        assert!(!near(&|row| if row < 300 { 10.0 } else { swing(row) }), "rest stands still too");
    }
}
