//! Stories of conditions that come, go and flicker.

use super::*;
use proptest::prelude::*;

fn at(ms: i64) -> Stamp {
    Stamp { host_ns: 1 + ms * 1_000_000, utc_ns: ms * 1_000_000 }
}

/// Looks each 100 ms from `from_ms` on at a condition that holds or not; when, in ms, it was raised and over.
fn looks(alarms: &mut Alarms, kind: Kind, from_ms: i64, holds: &[bool]) -> Vec<(i64, bool)> {
    let mut changes = Vec::new();
    for (ms, holds) in (from_ms..).step_by(100).zip(holds) {
        match alarms.observe(kind, None, holds.then(|| "it is so".to_owned()), at(ms)) {
            Some(Change::Raised(_)) => changes.push((ms, true)),
            Some(Change::Over(_)) => changes.push((ms, false)),
            None => {}
        }
    }
    changes
}

#[test]
fn one_slow_write_is_no_alarm_and_a_slow_disk_is() {
    let mut alarms = Alarms::default();
    let flicker = [true, true, true, false, true, true, true];
    assert_eq!(looks(&mut alarms, Kind::Late, 0, &flicker), []);
    assert_eq!(looks(&mut alarms, Kind::Late, 700, &[true, true]), [(700, true)]);
}

#[test]
fn an_alarm_ends_after_its_condition_was_gone_three_times_as_long() {
    let mut alarms = Alarms::default();
    assert_eq!(looks(&mut alarms, Kind::Flat, 0, &[true; 60]), [(5000, true)]);
    let gone = looks(&mut alarms, Kind::Flat, 6000, &[false; 200]);
    assert_eq!(gone, [(6000 + 15_000, false)]);
    assert_eq!(looks(&mut alarms, Kind::Write, 0, &[true]), [(0, true)], "the disk is not waited for");
    assert_eq!(looks(&mut alarms, Kind::Write, 100, &[false; 40]), [(3100, false)]);
}

#[test]
fn the_worst_comes_first_and_what_is_for_the_log_does_not_stand() {
    let mut alarms = Alarms::default();
    for (kind, channel) in [
        (Kind::Skipped, None),
        (Kind::Saturated, Some(3)),
        (Kind::Saturated, Some(1)),
        (Kind::Source, None),
        (Kind::Write, None),
    ] {
        let raised = alarms.observe(kind, channel, Some(format!("{kind:?}")), at(0));
        assert!(matches!(raised, Some(Change::Raised(_))));
    }
    let open: Vec<_> = alarms.open().map(|alarm| (alarm.id, alarm.kind.as_str(), alarm.channel)).collect();
    let wanted =
        [(5, "write", None), (4, "source", None), (3, "saturated", Some(1)), (2, "saturated", Some(3))];
    assert_eq!(open, wanted);
}

#[test]
fn the_sentence_of_an_open_alarm_follows_and_who_has_seen_it_is_kept() {
    let mut alarms = Alarms::default();
    alarms.observe(Kind::Lost, None, Some("3 lost".to_owned()), at(0));
    assert_eq!(alarms.acknowledge("pts/1"), ["3 lost"]);
    assert_eq!(alarms.observe(Kind::Lost, None, Some("5 lost".to_owned()), at(100)), None);
    assert_eq!(alarms.acknowledge("pts/2"), [""; 0], "it has been seen");
    let open: Vec<_> = alarms.open().collect();
    assert_eq!((open[0].text.as_str(), open[0].acknowledged_by.as_str()), ("5 lost", "pts/1"));
}

#[test]
fn the_table_is_in_order_and_each_kind_says_what_to_do() {
    let mut words = Vec::new();
    for pair in Kind::ALL.windows(2) {
        assert!(pair[0] < pair[1] && pair[0].rule().priority <= pair[1].rule().priority, "{pair:?}");
    }
    for kind in Kind::ALL {
        let Rule { word, enter_ms, advice, .. } = kind.rule();
        assert!(!words.contains(&word) && !advice.is_empty());
        assert!(kind.leave_ms() >= 3 * enter_ms && kind.leave_ms() >= LEAST_LEAVE_MS);
        words.push(word);
    }
}

proptest! {
    /// Whatever a condition does, its alarm is open at least as long as leaving takes, closed at least as long as
    /// entering takes, and never changes its mind in between.
    #[test]
    fn nothing_flaps(
        kind in prop::sample::select(Kind::ALL.to_vec()),
        channel in prop::option::of(0..4_u16),
        steps in prop::collection::vec((1..2000_i64, prop::bool::ANY, 1..40_usize), 1..60),
    ) {
        let (enter_ms, leave_ms) = (kind.rule().enter_ms, kind.leave_ms());
        let mut alarms = Alarms::default();
        let (mut now_ms, mut last_id) = (0, 0);
        // Since when the condition holds or not, and when the alarm last changed.
        let (mut held, mut since_ms, mut changed_ms, mut open) = (false, 0, None, false);
        for (step_ms, holds, times) in steps {
            for _ in 0..times {
                now_ms += step_ms;
                if holds != held {
                    (held, since_ms) = (holds, now_ms);
                }
                let change = alarms.observe(kind, channel, holds.then(String::new), at(now_ms));
                match change {
                    Some(Change::Raised(alarm)) => {
                        prop_assert!(!open && holds && now_ms - since_ms >= enter_ms);
                        prop_assert!(changed_ms.is_none_or(|ms| now_ms - ms >= enter_ms));
                        prop_assert!(alarm.id > last_id);
                        (open, changed_ms, last_id) = (true, Some(now_ms), alarm.id);
                    }
                    Some(Change::Over(alarm)) => {
                        prop_assert!(open && !holds && now_ms - since_ms >= leave_ms);
                        prop_assert!(changed_ms.is_some_and(|ms| now_ms - ms >= leave_ms));
                        prop_assert_eq!(alarm.id, last_id);
                        (open, changed_ms) = (false, Some(now_ms));
                    }
                    None => {
                        let due = if holds { now_ms - since_ms >= enter_ms } else { now_ms - since_ms < leave_ms && open };
                        prop_assert!(!due || open, "an alarm is late");
                    }
                }
            }
        }
    }
}
