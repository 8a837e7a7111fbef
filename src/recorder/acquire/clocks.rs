//! Whether the computer slept, or somebody set its wall clock: seen by the clocks that run on and those that do not.
//!
//! Pure: readings of the clocks in, what happened out.

use crate::emg::clock::Clocks;

/// Readings of which one clock was read so much later than another say nothing: the thread was put aside in between.
const TORN_NS: i64 = 1_000_000;
/// Looks closer together than this are one.
const EVERY_NS: i64 = 1_000_000_000;
/// The computer slept if it missed so much.
const SLEPT_NS: i64 = 100_000_000;
/// The wall clock was set if it moved so much within a second or two; a clock that is slewed moves 0.5 ms a second.
const SET_NS: i64 = 100_000_000;

/// What the clocks tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// The computer slept for so long.
    Slept(i64),
    /// The wall clock was set forward by so much, or back.
    Set(i64),
}

/// Looks at the clocks now and then.
#[derive(Debug, Default)]
pub(in crate::recorder) struct Watch {
    /// How far the clock that counts sleep is ahead of the one that does not, and the wall clock of it.
    last: Option<(i64, i64)>,
    /// The next look that counts.
    due_ns: i64,
}

impl Watch {
    /// What happened since the look before.
    pub(super) fn look(&mut self, now: &Clocks) -> Option<Told> {
        if now.torn_ns > TORN_NS || now.boot_ns < self.due_ns {
            return None;
        }
        self.due_ns = now.boot_ns + EVERY_NS;
        let (asleep, ahead) = (now.boot_ns - now.awake_ns, now.utc_ns - now.boot_ns);
        let (asleep_before, ahead_before) = self.last.replace((asleep, ahead))?;
        let (slept, set) = (asleep - asleep_before, ahead - ahead_before);
        if slept > SLEPT_NS {
            Some(Told::Slept(slept))
        } else if set.abs() > SET_NS {
            Some(Told::Set(set))
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: i64 = 1_000_000_000;

    fn at(awake_s: i64, slept_s: i64, utc_off_ns: i64, torn_ns: i64) -> Clocks {
        let boot_ns = (awake_s + slept_s) * S;
        Clocks { awake_ns: awake_s * S, boot_ns, utc_ns: boot_ns + 1_700_000_000 * S + utc_off_ns, torn_ns }
    }

    #[test]
    fn sleep_is_seen_and_is_no_step_of_the_wall_clock() {
        let mut watch = Watch::default();
        assert_eq!(watch.look(&at(1, 0, 0, 0)), None);
        assert_eq!(watch.look(&at(2, 0, 500_000, 0)), None, "a clock that is slewed is not set");
        assert_eq!(watch.look(&at(3, 3600, 1_000_000, 0)), Some(Told::Slept(3600 * S)));
        assert_eq!(watch.look(&at(4, 3600, 1_000_000, 0)), None);
    }

    #[test]
    fn a_clock_that_is_set_is_said_with_its_sign_and_a_torn_reading_says_nothing() {
        let mut watch = Watch::default();
        for (look, expected) in [
            (at(1, 0, 0, 0), None),
            (at(2, 0, 3 * S, 2_000_000), None),
            (at(3, 0, 3 * S, 0), Some(Told::Set(3 * S))),
            (at(4, 0, -7 * S, 0), Some(Told::Set(-10 * S))),
            (at(5, 0, -7 * S, 0), None),
        ] {
            assert_eq!(watch.look(&look), expected);
        }
    }
}
