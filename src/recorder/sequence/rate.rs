//! The rate filters are designed for: declared, or measured once for text lines, and changed only for good cause.

use crate::emg::units::{count, float};

/// Text lines without a declared rate are measured this long.
const MEASURE_S: f64 = 10.0;
/// A design rate this far off is wrong.
const TOLERANCE: f64 = 0.005;
/// It must have been wrong this long before the chain is designed again.
const PATIENCE_S: f64 = 60.0;

/// What the chains are designed for.
#[derive(Debug)]
pub(super) struct DesignRate {
    hz: Option<f64>,
    /// Whether arrival times are what the rate is judged by; boards with a counter are believed.
    measured: bool,
    /// Age of the epoch when the rate was last seen to be right; its beginning as long as it never was.
    right_at_s: f64,
}

impl DesignRate {
    pub(super) fn new(nominal_hz: Option<f64>, measured: bool) -> Self {
        Self { hz: nominal_hz, measured, right_at_s: 0.0 }
    }

    pub(super) fn hz(&self) -> Option<f64> {
        self.hz
    }

    /// Another epoch: how long the rate was wrong in the one before says nothing about it.
    pub(super) fn begin_epoch(&mut self) {
        self.right_at_s = 0.0;
    }

    /// `measured_hz` is the rate seen in the first `seen_s` of an epoch; a sentence when the design rate changes.
    pub(super) fn observe(&mut self, seen_s: f64, measured_hz: f64) -> Option<String> {
        if !self.measured || seen_s < MEASURE_S {
            return None;
        }
        let rounded = float(count(measured_hz)).max(1.0);
        let Some(design) = self.hz else {
            self.hz = Some(rounded);
            return Some(format!(
                "the source gives {measured_hz:.1} rows/s: filters run for {rounded} Hz from here on"
            ));
        };
        if (measured_hz / design - 1.0).abs() <= TOLERANCE || (rounded - design).abs() < f64::EPSILON {
            self.right_at_s = seen_s;
            return None;
        }
        if seen_s - self.right_at_s < PATIENCE_S {
            return None;
        }
        self.right_at_s = seen_s;
        self.hz = Some(rounded);
        Some(format!(
            "the filters ran for {design} Hz but the source gives {measured_hz:.1} rows/s: designed again for {rounded} Hz"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_rate_is_measured_once_and_rounded() {
        let mut rate = DesignRate::new(None, true);
        assert_eq!(rate.observe(9.9, 19.3), None);
        assert!(rate.observe(10.0, 19.3).unwrap().contains("19.3 rows/s"));
        assert_eq!(rate.hz(), Some(19.0));
        assert_eq!(rate.observe(500.0, 19.4), None, "one hertz is as fine as it gets");
    }

    #[test]
    fn a_wrong_rate_must_stay_wrong_for_a_minute() {
        let mut rate = DesignRate::new(Some(1000.0), true);
        assert_eq!(rate.observe(20.0, 905.0), None);
        assert_eq!(rate.observe(79.0, 1001.0), None);
        assert_eq!(rate.observe(80.0, 905.0), None);
        assert_eq!(rate.observe(138.0, 905.0), None);
        assert!(rate.observe(139.0, 905.0).unwrap().contains("905"));
        assert_eq!(rate.hz(), Some(905.0));
    }

    #[test]
    fn a_board_with_a_counter_is_believed() {
        let mut rate = DesignRate::new(Some(1000.0), false);
        assert_eq!(rate.observe(20.0, 500.0), None);
        assert_eq!(rate.observe(200.0, 500.0), None);
    }

    #[test]
    fn a_minute_of_a_wrong_rate_lies_within_one_epoch() {
        let mut rate = DesignRate::new(Some(1000.0), true);
        assert_eq!(rate.observe(20.0, 905.0), None);
        rate.begin_epoch();
        assert_eq!(rate.observe(59.0, 905.0), None, "it was wrong for 59 s here, whatever was before");
        assert!(rate.observe(60.0, 905.0).is_some(), "the line through 60 s says so of all of them");
    }
}
