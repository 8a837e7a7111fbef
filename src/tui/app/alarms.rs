//! What is wrong, as this screen shows it, and when it rings: the recorder decides and logs its alarms; only
//! what it cannot know, that it is silent itself or that a marker has no answer, is decided here.

use super::{App, Asked, UNANSWERED_NS};
use crate::session::Alarm;
use crate::session::alarm::Priority;

/// The bell for something urgent that nobody has acknowledged comes again after this long.
const AGAIN_NS: i64 = 30_000_000_000;
/// Alarms remembered as rung or seen: more than a station has at once.
const KEPT: usize = 64;

/// One raising of an alarm: its kind, its number and when.
type Raised = (String, u64, i64);

fn raised(alarm: &Alarm) -> Raised {
    (alarm.kind.clone(), alarm.id, alarm.since_utc_ns)
}

/// When to ring.
#[derive(Clone, Debug)]
pub(crate) struct Bell {
    /// Whether it rings at all.
    pub(crate) on: bool,
    /// What has rung.
    rung: Vec<Raised>,
    /// When it last rang.
    last_ns: i64,
    /// Alarms of this screen's own that were acknowledged.
    seen: Vec<Raised>,
}

impl Default for Bell {
    fn default() -> Self {
        Self { on: true, rung: Vec::new(), last_ns: i64::MIN / 2, seen: Vec::new() }
    }
}

impl Bell {
    /// Whether these open alarms ring now: urgent ones at once and every 30 s until they are acknowledged,
    /// others once. Nothing rings that somebody has acknowledged.
    pub(crate) fn rings(&mut self, alarms: &[Alarm], now_ns: i64) -> bool {
        let unseen = || alarms.iter().filter(|alarm| alarm.acknowledged_by.is_empty());
        let audible = unseen().filter(|alarm| alarm.priority != Priority::Third);
        let fresh: Vec<Raised> = audible.map(raised).filter(|alarm| !self.rung.contains(alarm)).collect();
        let urgent = unseen().any(|alarm| alarm.priority == Priority::First);
        let rings = !fresh.is_empty() || (urgent && now_ns - self.last_ns >= AGAIN_NS);
        keep(&mut self.rung, fresh);
        if rings {
            self.last_ns = now_ns;
        }
        rings && self.on
    }
}

fn keep(list: &mut Vec<Raised>, more: Vec<Raised>) {
    list.extend(more);
    let surplus = list.len().saturating_sub(KEPT);
    list.drain(..surplus);
}

impl App {
    /// What is wrong: first what nobody has acknowledged, and there the worst first; this screen's own alarms
    /// before the recorder's.
    pub(crate) fn alarms(&self) -> Vec<Alarm> {
        let mut alarms: Vec<Alarm> = self.own_alarms().collect();
        alarms.extend(self.snapshot.alarms.iter().cloned());
        alarms.sort_by_key(|alarm| (!alarm.acknowledged_by.is_empty(), alarm.priority));
        alarms
    }

    /// What only this side can see.
    fn own_alarms(&self) -> impl Iterator<Item = Alarm> {
        let silent = self.silent_since().or(self.lost.then_some(self.now)).map(|since| {
            let (text, advice) = if self.lost {
                ("the recorder does not answer", "q leaves, then `myograph status`")
            } else {
                ("the recorder is silent", "see `myograph status` in another terminal")
            };
            ("silent", since.utc_ns, text.to_owned(), advice)
        });
        let late = |asked: &&Asked| self.now.host_ns - asked.at.host_ns > UNANSWERED_NS;
        let mark = self.asked.iter().filter(late).find_map(|asked| Some((asked.at, asked.mark.as_ref()?)));
        let mark = mark.map(|(at, mark)| {
            let text = format!("marker `{}` was sent and is not confirmed", mark.label);
            ("unconfirmed", at.utc_ns, text, "write its time down")
        });
        let typing = self.pace.doubted(self.now).map(|since| {
            let text = "typing? the keys set markers, which are kept with the note `typing?`".to_owned();
            ("typing", since.utc_ns, text, "click into the window you mean; `BkSp` takes markers back")
        });
        silent.into_iter().chain(mark).chain(typing).map(|(kind, since_utc_ns, text, advice)| {
            let priority = if kind == "typing" { Priority::Second } else { Priority::First };
            let mut alarm = Alarm {
                kind: kind.to_owned(),
                priority,
                since_utc_ns,
                text,
                advice: advice.to_owned(),
                ..Alarm::default()
            };
            if self.bell.seen.contains(&raised(&alarm)) {
                "here".clone_into(&mut alarm.acknowledged_by);
            }
            alarm
        })
    }

    /// Remembers that this screen's own alarms were seen.
    pub(crate) fn see_own_alarms(&mut self) {
        let seen = self.own_alarms().map(|alarm| raised(&alarm)).collect();
        keep(&mut self.bell.seen, seen);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    fn alarm(id: u64, priority: Priority) -> Alarm {
        Alarm { id, priority, kind: "source".to_owned(), ..Alarm::default() }
    }

    fn seconds_of_ringing(alarms: impl Fn(i64) -> Vec<Alarm>) -> Vec<i64> {
        let mut bell = Bell::default();
        (0..100).filter(|second| bell.rings(&alarms(*second), second * SECOND)).collect()
    }

    #[test]
    fn something_urgent_rings_every_half_minute_until_it_is_acknowledged() {
        let seen = |second| if second < 50 { String::new() } else { "tty1".to_owned() };
        let open = |second| vec![Alarm { acknowledged_by: seen(second), ..alarm(1, Priority::First) }];
        assert_eq!(seconds_of_ringing(open), [0, 30]);
    }

    #[test]
    fn anything_else_rings_once_and_what_is_only_logged_never() {
        assert_eq!(seconds_of_ringing(|_| vec![alarm(1, Priority::Second)]), [0]);
        assert_eq!(seconds_of_ringing(|_| vec![alarm(1, Priority::Third)]), [0; 0]);
        let again = |second| (second != 5).then(|| alarm(1 + u64::from(second > 5), Priority::Second));
        assert_eq!(seconds_of_ringing(|second| again(second).into_iter().collect()), [0, 6], "raised twice");
    }

    #[test]
    fn a_silenced_bell_does_not_make_up_for_it() {
        let mut bell = Bell { on: false, ..Bell::default() };
        assert!(!bell.rings(&[alarm(1, Priority::Second)], 0));
        bell.on = true;
        assert!(!bell.rings(&[alarm(1, Priority::Second)], SECOND));
    }
}
