//! How far a run should have come by the host's clock: tells whether a counter of eight bits may have gone round.

use crate::emg::Stamp;
use crate::emg::units::{float, seconds};

/// The fastest of these boards, assumed until a run has shown its own rate.
const FASTEST_HZ: f64 = 500.0;
/// A run this old has shown its rate.
const SHOWN_S: f64 = 0.5;
/// Rows the clock may be away from the counter without a doubt: half a round.
const HALF_ROUND: f64 = 128.0;
/// Rows of delay that do not count as a stall when the rate is taken.
const JITTER: f64 = 32.0;

/// What the clock says about a counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is as it says.
    Sure,
    /// It may have gone round once or more.
    Doubt,
    /// The row has not happened yet: the packet comes from the past.
    Past,
}

/// The pace of one run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    start: Stamp,
    rate_hz: Option<f64>,
}

impl Pace {
    /// The pace of a run whose first row was read at `start`.
    pub(super) fn new(start: Stamp) -> Self {
        Self { start, rate_hz: None }
    }

    /// The rows before `rows` have arrived.
    pub(super) fn arrived(&mut self, rows: u64, stamp: Stamp) {
        let age_s = self.age_s(stamp);
        if age_s >= SHOWN_S && (self.rate_hz.is_none() || self.ahead(rows, stamp) < JITTER) {
            self.rate_hz = Some(float(rows) / age_s);
        }
    }

    /// Whether a row read at `stamp` can be the row `index`.
    pub(super) fn judge(&self, index: u64, stamp: Stamp) -> Verdict {
        let ahead = self.ahead(index, stamp);
        if ahead >= HALF_ROUND {
            Verdict::Doubt
        } else if ahead < -HALF_ROUND {
            Verdict::Past
        } else {
            Verdict::Sure
        }
    }

    /// Rows the clock says should have come beyond `rows`.
    fn ahead(&self, rows: u64, stamp: Stamp) -> f64 {
        self.rate_hz.unwrap_or(FASTEST_HZ) * self.age_s(stamp) - float(rows)
    }

    fn age_s(&self, stamp: Stamp) -> f64 {
        seconds(stamp.host_ns - self.start.host_ns)
    }
}
