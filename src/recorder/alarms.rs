//! When something wrong is an alarm: entered and left with patience, so that nothing flaps, and numbered.
//!
//! Pure: conditions and the time in, changes out. Threads report conditions through `vitals`, `control/watch` sees the
//! rest, and `control` shows what this decides to the four who must know: screens, log, snapshot, hooks.

use crate::emg::Stamp;
use crate::session::{Alarm, alarm::Priority};
use std::collections::BTreeMap;

/// What can be wrong, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// The disk refuses the journal.
    Write,
    /// Rows arrive and nothing is written.
    Stalled,
    /// A sync failed.
    Sync,
    /// Less is left than the journal keeps in reserve.
    Disk,
    /// Rows wait too long to be written.
    Late,
    /// The source is not there.
    Away,
    /// It is, and sends nothing.
    Source,
    /// The journal's queue is nearly full.
    Queue,
    /// A projector died or cannot be started.
    Projector,
    /// A thread of the recorder does not go round its loop.
    Stuck,
    /// A turn of a thread failed and was caught.
    Failed,
    /// No next file can be begun.
    Rotation,
    /// A channel touches the ends of its range.
    Saturated,
    /// A channel does not move.
    Flat,
    /// An electrode seems to have come off.
    Off,
    /// The mains disturb a channel.
    Hum,
    /// Samples the device counted never arrived.
    Lost,
    /// The source is faster or slower than it claims.
    Rate,
    /// Its clock runs away from ours.
    Drift,
    /// Lines or frames were no row.
    Refused,
    /// A model's predictions come late, or no more.
    Model,
    /// The screen's side had to leave out rows.
    Skipped,
}

/// What is said of a kind.
struct Rule {
    word: &'static str,
    priority: Priority,
    /// How long the condition must hold; 0 where the condition is itself a time that has passed.
    enter_ms: i64,
    advice: &'static str,
}

/// No alarm ends sooner after its condition did: what comes back within this is one alarm, not two.
const LEAST_LEAVE_MS: i64 = 3000;
/// Leaving takes so many times as long as entering.
const LEAVE: i64 = 3;

impl Kind {
    #[cfg(test)]
    const ALL: [Self; 22] = [
        Self::Write,
        Self::Stalled,
        Self::Sync,
        Self::Disk,
        Self::Late,
        Self::Away,
        Self::Source,
        Self::Queue,
        Self::Projector,
        Self::Stuck,
        Self::Failed,
        Self::Rotation,
        Self::Saturated,
        Self::Flat,
        Self::Off,
        Self::Hum,
        Self::Lost,
        Self::Rate,
        Self::Drift,
        Self::Refused,
        Self::Model,
        Self::Skipped,
    ];

    /// The table.
    fn rule(self) -> Rule {
        use Priority::{First, Second, Third};
        let (word, priority, enter_ms, advice) = match self {
            Self::Write => {
                ("write", First, 0, "free space on its disk: what cannot be written becomes a gap")
            }
            Self::Stalled => ("stalled", First, 0, "the disk does not answer: check it and its cable"),
            Self::Sync => ("sync", First, 0, "stop, and check the disk before the next recording"),
            Self::Disk => ("disk", First, 0, "free space, or stop before it is full"),
            // Three looks: one slow write is a busy disk, three in a row are one that does not keep up.
            Self::Late => ("late", First, 300, "the disk is slow: end other programs that write to it"),
            Self::Away => {
                ("away", First, 0, "check its cable and power: the recording goes on when it is back")
            }
            Self::Source => ("source", First, 0, "check its power and its program, then its cable"),
            // A burst passes in less.
            Self::Queue => ("queue", First, 300, "the disk does not keep up: end what else writes to it"),
            Self::Projector => ("projector", First, 0, "nothing is lost: if it stays, stop and `recover`"),
            Self::Rotation => ("rotation", Second, 0, "check the folder's disk, its inodes and its rights"),
            Self::Stuck => {
                ("stuck", First, 0, "rows are kept as long as they arrive: stop when you can, and report it")
            }
            Self::Failed => ("failed", First, 0, "look for the gap, stop when you can, and please report it"),
            Self::Saturated => ("saturated", Second, 0, "lower its gain, or look for a loose electrode"),
            // The resting output of an envelope sensor may stand still on one count for a second or two.
            Self::Flat => ("flat", Second, 5000, "check its electrodes, its cable and the reference"),
            // A finger that presses on an electrode takes it off for less.
            Self::Off => ("off", Second, 3000, "press it on, or take a fresh one: see the Electrodes view"),
            Self::Hum => {
                ("hum", Second, 5000, "check the reference, and keep mains cables away from its leads")
            }
            Self::Lost => ("lost", Second, 0, "check cable and port, and connect the board without a hub"),
            // A line through ten seconds of arrivals is right to 0.05 % when they jitter by 5 ms.
            Self::Rate => ("rate", Second, 5000, "say the rate it has with `rate=` in the source's URI"),
            // Arrivals that jitter by 1 ms show 100 ppm in 10 s of any clock, and 17 ppm in 60 s.
            Self::Drift => {
                ("drift", Second, 60_000, "rows and markers stay in place: note the board's clock")
            }
            Self::Refused => ("refused", Second, 0, "check the line's format, speed and cable"),
            Self::Model => ("model", Second, 0, "the recording is not touched: record with fewer models"),
            Self::Skipped => ("skipped", Third, 0, "the file has them: end other programs"),
        };
        Rule { word, priority, enter_ms, advice }
    }

    /// How long its condition must be gone.
    fn leave_ms(self) -> i64 {
        (LEAVE * self.rule().enter_ms).max(LEAST_LEAVE_MS)
    }
}

/// What an observation changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// An alarm is open from now on.
    Raised(Alarm),
    /// It was, and is not any more.
    Over(Alarm),
}

/// What a kind is about: the station, or one channel.
type Key = (Kind, Option<u16>);

/// The state machine.
#[derive(Debug, Default)]
pub(super) struct Alarms {
    /// Conditions that hold and are no alarm yet, and since when.
    rising: BTreeMap<Key, i64>,
    open: BTreeMap<Key, Open>,
    last_id: u64,
}

#[derive(Debug)]
struct Open {
    alarm: Alarm,
    /// Since when its condition is gone.
    gone_ns: Option<i64>,
}

impl Alarms {
    /// Looks at one condition: a sentence while it holds. Every condition is to be looked at about ten times a
    /// second, whether it holds or not; the sentence of an open alarm follows its condition.
    pub(super) fn observe(
        &mut self,
        kind: Kind,
        channel: Option<u16>,
        active: Option<String>,
        now: Stamp,
    ) -> Option<Change> {
        let key = (kind, channel);
        let Some(open) = self.open.get_mut(&key) else {
            let Some(text) = active else {
                self.rising.remove(&key);
                return None;
            };
            let since_ns = *self.rising.entry(key).or_insert(now.host_ns);
            let entered = now.host_ns - since_ns >= kind.rule().enter_ms * 1_000_000;
            return entered.then(|| self.raise(key, text, now));
        };
        if let Some(text) = active {
            (open.alarm.text, open.gone_ns) = (text, None);
            return None;
        }
        let gone_ns = *open.gone_ns.get_or_insert(now.host_ns);
        if now.host_ns - gone_ns < kind.leave_ms() * 1_000_000 {
            return None;
        }
        self.open.remove(&key).map(|open| Change::Over(open.alarm))
    }

    fn raise(&mut self, key: Key, text: String, now: Stamp) -> Change {
        self.rising.remove(&key);
        self.last_id += 1;
        let (kind, channel) = key;
        let Rule { word, priority, advice, .. } = kind.rule();
        let alarm = Alarm {
            id: self.last_id,
            kind: word.to_owned(),
            channel,
            priority,
            since_utc_ns: now.utc_ns,
            text,
            advice: advice.to_owned(),
            acknowledged_by: String::new(),
        };
        self.open.insert(key, Open { alarm: alarm.clone(), gone_ns: None });
        Change::Raised(alarm)
    }

    /// The open alarms somebody has to act on, worst first.
    pub(super) fn open(&self) -> impl Iterator<Item = &Alarm> {
        let standing = |alarm: &&Alarm| alarm.priority != Priority::Third;
        self.open.values().map(|open| &open.alarm).filter(standing)
    }

    /// Somebody has seen all open alarms; gives those nobody had seen before.
    pub(super) fn acknowledge(&mut self, by: &str) -> Vec<String> {
        let mut seen = Vec::new();
        for Open { alarm, .. } in self.open.values_mut().filter(|open| open.alarm.acknowledged_by.is_empty())
        {
            by.clone_into(&mut alarm.acknowledged_by);
            seen.push(alarm.text.clone());
        }
        seen
    }
}

#[cfg(test)]
mod tests;
