//! Whether rows reach the disk in time. Pure: vitals and the time in, a sentence for the alarm out.

use crate::recorder::vitals::{Alarm, Vitals};

/// A row that is older than this and not yet written is late.
const LATE_NS: i64 = 100_000_000;
/// With rows to write, bytes this old are an alarm of their own.
const NOTHING_NS: i64 = 3_000_000_000;
/// Looks in a row after which it is an alarm.
const ENTER: u32 = 3;
/// Looks in a row after which it is over.
const LEAVE: u32 = 3 * ENTER;

/// What was seen so far.
#[derive(Debug, Default)]
pub(in crate::recorder) struct Lateness {
    on: bool,
    /// Looks in a row that said the other thing.
    against: u32,
}

impl Lateness {
    /// Looks at the vitals of a recorder that is `recording` or not; a sentence while rows are late and nothing more
    /// particular is known of the disk.
    pub(in crate::recorder) fn look(
        &mut self,
        vitals: &Vitals,
        recording: bool,
        now_ns: i64,
    ) -> Option<&'static str> {
        if !recording {
            *self = Self::default();
            return None;
        }
        let late = vitals.unwritten_since_ns > 0 && now_ns - vitals.unwritten_since_ns > LATE_NS;
        self.see(late);
        // Rows have arrived since: a source that is silent or away is no fault of the disk.
        let nothing =
            vitals.alive && vitals.newest_ns > vitals.written_ns && now_ns - vitals.written_ns > NOTHING_NS;
        if vitals.alarms.contains_key(&Alarm::Write) {
            None
        } else if nothing {
            Some("nothing has been written for 3 s: the disk does not answer, check it")
        } else {
            self.on.then_some("rows wait longer than 100 ms to be written: the disk is slow, check it")
        }
    }

    fn see(&mut self, late: bool) {
        self.against = if late == self.on { 0 } else { self.against + 1 };
        if self.against >= if self.on { LEAVE } else { ENTER } {
            (self.on, self.against) = (late, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    /// Looks every 100 ms at rows of these ages (ms); whether each look gave an alarm.
    fn looks(lateness: &mut Lateness, ages: &[i64]) -> Vec<bool> {
        let now = 1_000_000 * MS;
        let look = |age: &i64| {
            let since = if *age == 0 { 0 } else { now - age * MS };
            let vitals = Vitals { unwritten_since_ns: since, written_ns: now, ..Vitals::default() };
            lateness.look(&vitals, true, now).is_some()
        };
        ages.iter().map(look).collect()
    }

    #[test]
    fn one_slow_write_is_no_alarm_and_three_looks_are() {
        let mut lateness = Lateness::default();
        assert_eq!(looks(&mut lateness, &[150, 150, 0, 150, 150]), [false; 5]);
        assert_eq!(looks(&mut lateness, &[250]), [true]);
    }

    #[test]
    fn an_alarm_goes_after_nine_looks_in_time() {
        let mut lateness = Lateness::default();
        looks(&mut lateness, &[150; 3]);
        assert_eq!(looks(&mut lateness, &[0; 8]), [true; 8]);
        assert_eq!(looks(&mut lateness, &[150]), [true]);
        assert_eq!(looks(&mut lateness, &[50; 9])[7..], [true, false]);
    }

    #[test]
    fn rows_without_a_write_for_three_seconds_are_an_alarm_at_once_and_a_silent_source_is_none() {
        let now = 1_000_000 * MS;
        let mut vitals =
            Vitals { alive: true, newest_ns: now, written_ns: now - 3001 * MS, ..Vitals::default() };
        assert!(Lateness::default().look(&vitals, true, now).is_some());
        assert!(Lateness::default().look(&vitals, false, now).is_none());
        vitals.alarms.insert(Alarm::Write, "no space left".to_owned());
        assert!(Lateness::default().look(&vitals, true, now).is_none(), "the sentence that knows more wins");
        vitals.alarms.clear();
        vitals.newest_ns = vitals.written_ns - MS;
        assert!(Lateness::default().look(&vitals, true, now).is_none());
    }
}
