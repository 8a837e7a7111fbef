//! What is wrong: the conditions threads reported and those that only a look at the whole shows.
//!
//! Pure: vitals, picture and the time in, every condition out, whether it holds or not. `alarms` decides what
//! becomes of them.

use crate::emg::finding::quality::flag;
use crate::emg::units::{float, nanos};
use crate::emg::{Channel, Kind as Carries, Quality};
use crate::recorder::LATE;
use crate::recorder::alarms::Kind;
use crate::recorder::vitals::Vitals;
use crate::session::snapshot::State;
use crate::source::Description;

/// With rows to write, bytes this old are an alarm of their own.
const NOTHING_NS: i64 = 3_000_000_000;
/// A live source without rows for so long is silent ...
const SILENT_NS: i64 = 1_000_000_000;
/// ... unless it is so slow that this many rows take longer.
const SILENT_ROWS: f64 = 3.0;
/// A rate this far off its nominal one is wrong.
const RATE_OFF: f64 = 0.005;
/// A clock this far off ours drifts.
const DRIFT_PPM: f64 = 100.0;
/// What happens now and then has happened lately for so long.
const LATELY_NS: i64 = 10_000_000_000;

/// A condition: what it is, the channel it is about, and a sentence while it holds.
pub(super) type Condition = (Kind, Option<u16>, Option<String>);

/// What is looked at.
pub(super) struct View<'a> {
    pub(super) state: State,
    pub(super) vitals: &'a Vitals,
    /// Each channel over its last whole second.
    pub(super) quality: &'a [Option<Quality>],
    pub(super) channels: &'a [Channel],
    pub(super) source: &'a Description,
    /// Whether more than 80 % of the journal's queue is taken.
    pub(super) crowded: bool,
    /// A thread that has not gone round its loop for long, and for how many seconds.
    pub(super) stuck: Option<(&'static str, f64)>,
    pub(super) now_ns: i64,
}

/// What was seen so far of counts that only rise.
#[derive(Debug, Default)]
pub(in crate::recorder) struct Watch {
    lost: Lately,
    refused: Lately,
    skipped: Lately,
    failed: Lately,
}

impl Watch {
    /// All conditions. Nothing is expected of a source that has been told to end.
    pub(super) fn look(&mut self, view: &View<'_>) -> Vec<Condition> {
        let running = matches!(view.state, State::Monitoring | State::Recording);
        let mut all = view.disk();
        all.extend(self.threads(view));
        if running {
            all.extend(view.source());
            all.extend(self.counts(view));
            all.extend(view.electrodes());
        } else {
            use Kind::{Away, Drift, Flat, Hum, Lost, Off, Rate, Refused, Saturated, Skipped, Source};
            let of_source = [Away, Source, Rate, Drift, Lost, Refused, Skipped];
            all.extend(of_source.map(|kind| (kind, None, None)));
            let channels = (0..).take(view.channels.len());
            all.extend(
                channels
                    .flat_map(|channel| [Saturated, Flat, Off, Hum].map(|kind| (kind, Some(channel), None))),
            );
        }
        all
    }

    /// Threads of the recorder that failed or do not move.
    fn threads(&mut self, view: &View<'_>) -> [Condition; 2] {
        let failed = self.failed.look(view.vitals.panics, view.now_ns);
        let failed =
            failed.map(|_| view.vitals.blemishes.iter().rev().find(|text| text.starts_with("the thread")));
        // When the recording ends, so do they.
        let running = matches!(view.state, State::Monitoring | State::Recording);
        let stuck = view
            .stuck
            .filter(|_| running)
            .map(|(name, s)| format!("the thread `{name}` has not moved for {s:.0} s"));
        [
            (Kind::Failed, None, failed.map(|text| text.cloned().unwrap_or("a thread failed".to_owned()))),
            (Kind::Stuck, None, stuck),
        ]
    }

    fn counts(&mut self, view: &View<'_>) -> [Condition; 3] {
        let (vitals, now) = (view.vitals, view.now_ns);
        let lost = self.lost.look(vitals.lost_counted, now);
        let refused = self.refused.look(vitals.refused, now);
        let skipped = self.skipped.look(vitals.skipped_rows, now);
        let word = if view.source.losses_counted { "frames or lines" } else { "lines" };
        [
            (Kind::Lost, None, lost.map(|n| format!("{n} samples of each channel never arrived"))),
            (Kind::Refused, None, refused.map(|n| format!("{n} {word} were no row and were left out"))),
            (Kind::Skipped, None, skipped.map(|n| format!("the screen fell behind and left out {n} rows"))),
        ]
    }
}

impl View<'_> {
    /// What a thread reported.
    fn reported(&self, kind: Kind) -> Option<String> {
        self.vitals.wrong.get(&kind).cloned()
    }

    /// Journal, projector and the queue between source and disk.
    fn disk(&self) -> Vec<Condition> {
        let vitals = self.vitals;
        let recording = self.state == State::Recording;
        let write = self.reported(Kind::Write);
        // The sentence that knows more is enough.
        let silent = recording && write.is_none();
        // Rows have arrived since: a source that is silent or away is no fault of the disk.
        let stalled = silent
            && vitals.alive
            && vitals.newest_ns > vitals.written_ns
            && self.now_ns - vitals.written_ns > NOTHING_NS;
        let late = silent
            && !stalled
            && vitals.unwritten_since_ns > 0
            && self.now_ns - vitals.unwritten_since_ns > nanos(LATE.as_secs_f64());
        let crowded = recording && self.crowded && !self.source.can_wait;
        let when = |is: bool, text: &str| is.then(|| text.to_owned());
        let queue = self.reported(Kind::Queue).or(when(crowded, "the journal's queue is over 80 % full"));
        vec![
            (Kind::Stalled, None, when(stalled, "nothing has been written for 3 s although rows arrive")),
            (Kind::Late, None, when(late, "rows wait longer than 100 ms to be written")),
            (Kind::Disk, None, when(vitals.short_of_space, "the disk is full but for the last reserve")),
            (Kind::Write, None, write),
            (Kind::Sync, None, self.reported(Kind::Sync)),
            (Kind::Projector, None, self.reported(Kind::Projector)),
            (Kind::Rotation, None, self.reported(Kind::Rotation)),
            (Kind::Queue, None, queue),
        ]
    }

    /// Whether rows come, and as fast as they should.
    fn source(&self) -> [Condition; 4] {
        let vitals = self.vitals;
        let live = !self.source.can_wait;
        let silent_ns = self.now_ns - vitals.newest_ns;
        let rate_hz = vitals.fit.map(|fit| fit.rate_hz).or(self.source.nominal_hz);
        let patience_ns = SILENT_NS.max(rate_hz.map_or(0, |rate| nanos(SILENT_ROWS / rate)));
        let silent = live && vitals.alive && vitals.newest_ns > 0 && silent_ns > patience_ns;
        let (mut rate, mut drift) = (None, None);
        if let (Some(fit), Some(nominal), true) = (vitals.fit, self.source.nominal_hz, live && vitals.alive) {
            if (fit.rate_hz / nominal - 1.0).abs() > RATE_OFF {
                rate = Some(format!("the source gives {:.1} rows/s, not {nominal}", fit.rate_hz));
            } else if fit.drift_ppm.abs() > DRIFT_PPM {
                drift = Some(format!("the source's clock is {:.0} ppm off this computer's", fit.drift_ppm));
            }
        }
        [
            (Kind::Away, None, self.reported(Kind::Away)),
            (Kind::Source, None, silent.then(|| "the source sends nothing".to_owned())),
            (Kind::Rate, None, rate),
            (Kind::Drift, None, drift),
        ]
    }

    fn electrodes(&self) -> impl Iterator<Item = Condition> + '_ {
        // Before the first second is over nothing is known of them.
        let newest = self.quality.iter().copied().chain(std::iter::repeat(None));
        (0..).zip(self.channels).zip(newest).flat_map(|((at, channel), quality)| {
            let name = &channel.name;
            let flags = quality.map_or(0, |quality| quality.flags);
            let when = |bit: u32, text: String| (flags & bit != 0).then_some(text);
            // What does not move at all is known better than that it has no contact.
            let off = if flags & flag::FLAT == 0 { flag::OFF } else { 0 };
            let guessed = if channel.kind == Carries::Raw { "" } else { ", as far as its sensor tells" };
            [
                (
                    Kind::Saturated,
                    Some(at),
                    when(flag::SATURATED, format!("{name} is at the end of its range")),
                ),
                (Kind::Flat, Some(at), when(flag::FLAT, format!("{name} does not move at all"))),
                (Kind::Off, Some(at), when(off, format!("{name} has no contact{guessed}"))),
                (Kind::Hum, Some(at), when(flag::LINE, format!("{name} hums with the mains"))),
            ]
        })
    }
}

/// Whether a count rose not long ago, and by how much since it last stood still.
#[derive(Debug, Default)]
struct Lately {
    count: u64,
    rose_by: u64,
    rose_ns: i64,
}

impl Lately {
    fn look(&mut self, count: u64, now_ns: i64) -> Option<u64> {
        if self.rose_by > 0 && now_ns - self.rose_ns >= LATELY_NS {
            self.rose_by = 0;
        }
        if count > self.count {
            self.rose_by += count - self.count;
            self.rose_ns = now_ns;
        }
        // A recording that begins counts from 0 again.
        self.count = count;
        (self.rose_by > 0).then_some(self.rose_by)
    }
}

/// More than 80 % of a queue.
pub(super) fn is_crowded(queued: u64, capacity: usize) -> bool {
    float(queued) > 0.8 * crate::emg::units::float_len(capacity)
}

#[cfg(test)]
mod tests;
