//! A sender's clock against the host's, from pings that wait for their pongs.
//!
//! A ping leaves after the pong before it has arrived, and arrives after it has left: so `t` of a ping lies, on
//! the host's clock, between the sending of that pong and the ping's arrival. Of the last such intervals the
//! narrowest tells, each widened by what two quartzes may have drifted apart since.

use std::collections::VecDeque;

/// Intervals kept.
const KEPT: usize = 16;
/// What two clocks may drift apart: 50 ppm each, as ordinary quartzes promise.
const DRIFT_PPM: i64 = 100;

/// Where host time less sender time lay at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "units live in names")]
struct Interval {
    at_ns: i64,
    low_ns: i64,
    high_ns: i64,
}

impl Interval {
    /// Half its width at another time.
    fn half_ns(self, now_ns: i64) -> i64 {
        (self.high_ns - self.low_ns) / 2 + now_ns.abs_diff(self.at_ns).cast_signed() / 1_000_000 * DRIFT_PPM
    }

    fn middle_ns(self) -> i64 {
        self.low_ns + (self.high_ns - self.low_ns) / 2
    }
}

/// What is known of a sender's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Offset {
    /// Host time less sender time, nanoseconds.
    pub(super) ns: i64,
    /// Half-width of the interval that holds it, nanoseconds.
    pub(super) uncertainty_ns: i64,
    /// Longest way of a message and back that was seen lately, of the quickest; nanoseconds.
    pub(super) round_trip_ns: i64,
}

/// The pings of one connection.
#[derive(Debug, Default)]
pub(super) struct Clock {
    /// When the last line was answered, unless the next one was there already.
    answered_ns: Option<i64>,
    intervals: VecDeque<Interval>,
}

impl Clock {
    /// A ping of sender time `t_ns` has arrived.
    pub(super) fn ping(&mut self, t_ns: i64, arrived_ns: i64) {
        let Some(low_ns) = self.answered_ns.and_then(|answered| answered.checked_sub(t_ns)) else { return };
        let Some(high_ns) = arrived_ns.checked_sub(t_ns) else { return };
        let new = Interval { at_ns: arrived_ns, low_ns, high_ns };
        if let Some(known) = self.at(arrived_ns) {
            let apart = known.ns.abs_diff(new.middle_ns()).cast_signed();
            if apart > known.uncertainty_ns.saturating_add(new.half_ns(arrived_ns)) {
                // Its clock was set: what was known is about another one.
                self.intervals.clear();
            }
        }
        if self.intervals.len() == KEPT {
            self.intervals.pop_front();
        }
        self.intervals.push_back(new);
    }

    /// The pong of a ping is about to be sent; `waited` unless more of the sender's bytes are there already, so
    /// that it did not wait for it.
    pub(super) fn pong(&mut self, now_ns: i64, waited: bool) {
        self.answered_ns = waited.then_some(now_ns);
    }

    /// What is known at a time; none before two pings.
    pub(super) fn at(&self, now_ns: i64) -> Option<Offset> {
        let best = self.intervals.iter().min_by_key(|interval| interval.half_ns(now_ns))?;
        Some(Offset {
            ns: best.middle_ns(),
            uncertainty_ns: best.half_ns(now_ns),
            round_trip_ns: best.high_ns - best.low_ns,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MS: i64 = 1_000_000;

    /// A sender whose clock is `behind_ns` behind the host's and drifts; its pings wait for their pongs.
    fn pings(behind_ns: i64, drift_ppm: i64, ways: &[(i64, i64, i64)]) -> (Clock, i64, i64) {
        let (mut clock, mut host) = (Clock::default(), 5_000_000 * MS);
        let sender = |host: i64| host - behind_ns + host / 1_000_000 * drift_ppm;
        for &(think, there, back) in ways {
            host += think;
            let t = sender(host);
            host += there;
            clock.ping(t, host);
            clock.pong(host, true);
            host += back;
        }
        (clock, host, host - sender(host))
    }

    proptest! {
        #[test]
        fn the_true_offset_lies_within_the_uncertainty_whatever_the_ways(
            behind_ns in -1_000_000_000_000_i64..1_000_000_000_000,
            drift_ppm in -100_i64..=100,
            ways in prop::collection::vec((0..5_000 * MS, 0..80 * MS, 0..80 * MS), 2..40),
            later in 0..600_000 * MS,
        ) {
            let (clock, host, _) = pings(behind_ns, drift_ppm, &ways);
            let now = host + later;
            let truth = behind_ns - now / 1_000_000 * drift_ppm;
            let known = clock.at(now).unwrap();
            let slack = 2_000_000 / 1_000; // Whole parts per million of the drift, rounded each.
            prop_assert!((known.ns - truth).abs() <= known.uncertainty_ns + slack, "{known:?}, in truth {truth}");
        }

        #[test]
        fn no_numbers_overflow(t in any::<i64>(), arrived in any::<i64>(), now in any::<i64>()) {
            let mut clock = Clock::default();
            clock.pong(arrived, true);
            clock.ping(t, arrived);
            clock.pong(now, true);
            clock.ping(t, now);
            let _ = clock.at(now);
        }
    }

    #[test]
    fn one_ping_alone_tells_nothing_and_the_quickest_tells_most() {
        let (clock, host, _) = pings(MS, 0, &[(0, MS, MS)]);
        assert_eq!(clock.at(host), None);
        let (clock, host, truth) =
            pings(77 * MS, 0, &[(0, MS, MS), (0, 40 * MS, 9 * MS), (0, MS, MS), (0, 9 * MS, 0)]);
        let known = clock.at(host).unwrap();
        assert!(
            known.uncertainty_ns <= 5 * MS + MS && (known.ns - truth).abs() <= known.uncertainty_ns,
            "{known:?}"
        );
    }

    #[test]
    fn an_offset_grows_old() {
        let (clock, host, _) = pings(0, 0, &[(0, MS, MS); 3]);
        let hour = 3_600_000 * MS;
        let grown = clock.at(host + hour).unwrap().uncertainty_ns - clock.at(host).unwrap().uncertainty_ns;
        assert_eq!(grown, hour / 10_000);
    }

    #[test]
    fn a_sender_that_does_not_wait_is_not_believed() {
        let mut clock = Clock::default();
        for at in 1..9 {
            clock.ping(at, 50 * MS + at);
            clock.pong(50 * MS + at, false);
        }
        assert_eq!(clock.at(50 * MS), None);
    }

    #[test]
    fn a_clock_that_was_set_is_measured_afresh() {
        let mut clock = Clock::default();
        for (t, host) in [(0, 10 * MS), (12 * MS, 20 * MS), (-500 * MS, 30 * MS)] {
            clock.ping(t, host);
            clock.pong(host, true);
        }
        let known = clock.at(30 * MS).unwrap();
        assert_eq!((known.ns, known.uncertainty_ns), (525 * MS, 5 * MS));
    }
}
