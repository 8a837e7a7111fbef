//! WHAT THE DASHBOARD KNOWS: the last snapshot, the traces, markers sent and stored, and what the user
//! set on the screen.
//!
//! Only `update` changes it; `view` reads it. No I/O, no clock: the moment is a value.

pub(crate) mod marks;
pub(crate) mod pace;
pub(crate) mod scale;

use super::Exit;
use super::history::History;
use super::keys::RepeatGuard;
use super::theme::Theme;
use super::widget::Dots;
use crate::emg::{Stamp, units};
use crate::session::{MarkRequest, Snapshot};
use marks::Marks;
use pace::Pace;
use scale::Scale;
use std::collections::VecDeque;

/// Lengths of the window, seconds.
pub(crate) const WINDOWS_S: [u16; 5] = [2, 4, 8, 16, 32];
/// Log lines kept.
pub(crate) const LOG_LINES: usize = 200;
/// A recorder that says nothing for this long is not drawn as if it lived.
const SILENCE_NS: i64 = 3_000_000_000;
/// A marker without an answer for this long is an alarm.
pub(crate) const UNANSWERED_NS: i64 = 500_000_000;

/// What the keys go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Markers and station keys.
    Live,
    /// The same, with the key table over the traces.
    Help,
    /// A line of text for a note.
    Note(String),
    /// The word `stop`, letter by letter, until the dialog closes itself.
    Stop {
        /// What was typed.
        typed: String,
        /// When the dialog opened, host nanoseconds.
        opened_ns: i64,
    },
}

/// A command that waits for its answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Asked {
    /// Its number.
    pub(crate) request: u64,
    /// When it was asked.
    pub(crate) at: Stamp,
    /// When it was last sent, host nanoseconds.
    pub(crate) sent_ns: i64,
    /// How often it was sent.
    pub(crate) tries: u32,
    /// What for, in a word, for a refusal.
    pub(crate) what: &'static str,
    /// The marker it carries.
    pub(crate) mark: Option<MarkRequest>,
}

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogLine {
    /// Wall clock, nanoseconds since 1970 UTC.
    pub(crate) utc_ns: i64,
    /// 1 alarm, 2 warning, 3 information.
    pub(crate) level: u8,
    /// One sentence.
    pub(crate) text: String,
}

/// The state of the dashboard.
#[derive(Debug)]
pub(crate) struct App {
    /// Characters to draw with.
    pub(crate) dots: Dots,
    /// Styles to draw with.
    pub(crate) theme: Theme,
    /// Whether this dashboard may only look.
    pub(crate) read_only: bool,
    /// Local time minus UTC, seconds.
    pub(crate) utc_offset_s: i32,
    /// The present moment, as of the last input.
    pub(crate) now: Stamp,
    /// The state on the screen, renewed five times a second.
    pub(crate) snapshot: Box<Snapshot>,
    /// A newer state that waits for its turn.
    pub(crate) incoming: Option<Box<Snapshot>>,
    /// When the state on the screen was renewed.
    pub(crate) renewed_ns: i64,
    /// When the recorder last said anything; none before it did.
    pub(crate) heard: Option<Stamp>,
    /// Whether the recorder is gone for good.
    pub(crate) lost: bool,
    /// Traces.
    pub(crate) history: History,
    /// The traces as they were when the picture was frozen.
    pub(crate) frozen: Option<History>,
    /// Full scales, one per channel.
    pub(crate) scales: Vec<Scale>,
    /// Stored markers.
    pub(crate) marks: Marks,
    /// Commands without an answer.
    pub(crate) asked: Vec<Asked>,
    /// The log, oldest first.
    pub(crate) log: VecDeque<LogLine>,
    /// What the last key did, and when.
    pub(crate) reply: Option<(Stamp, String)>,
    /// Where keys go.
    pub(crate) mode: Mode,
    /// The channel keys speak of; none for all.
    pub(crate) selected: Option<usize>,
    /// Whether only the selected channel is drawn.
    pub(crate) zoomed: bool,
    /// Index into [`WINDOWS_S`].
    pub(crate) window: usize,
    /// Tells a new key press from a held key.
    pub(crate) guard: RepeatGuard,
    /// Tells marking from typing.
    pub(crate) pace: Pace,
    /// Number of the next command.
    pub(crate) next_request: u64,
    /// Where the keys of markers are drawn from.
    pub(crate) seed: u64,
    /// Set when the dashboard is to end.
    pub(crate) exit: Option<Exit>,
}

impl App {
    /// A dashboard that has heard nothing yet.
    pub(crate) fn new(dots: Dots, theme: Theme, read_only: bool, now: Stamp) -> Self {
        Self {
            dots,
            theme,
            read_only,
            utc_offset_s: 0,
            now,
            snapshot: Box::default(),
            incoming: None,
            renewed_ns: i64::MIN / 2,
            heard: None,
            lost: false,
            history: History::default(),
            frozen: None,
            scales: Vec::new(),
            marks: Marks::default(),
            asked: Vec::new(),
            log: VecDeque::new(),
            reply: None,
            mode: Mode::Live,
            selected: None,
            zoomed: false,
            window: 2,
            guard: RepeatGuard::default(),
            pace: Pace::default(),
            next_request: 1,
            seed: 0,
            exit: None,
        }
    }

    /// Length of the window, seconds.
    pub(crate) fn window_s(&self) -> u16 {
        WINDOWS_S[self.window.min(WINDOWS_S.len() - 1)]
    }

    /// Rows per second the picture is drawn for: it must not waver, so it is never a measured rate.
    pub(crate) fn rate_hz(&self) -> f64 {
        let known = |rate: f64| (rate.is_finite() && rate > 0.0).then_some(rate);
        known(self.snapshot.design_rate_hz)
            .or_else(|| known(self.snapshot.source.rate_nominal_hz))
            .unwrap_or(1000.0)
    }

    /// Bins in the window, at least 1.
    pub(crate) fn window_bins(&self) -> u64 {
        let rows = f64::from(self.window_s()) * self.rate_hz();
        units::count(rows / units::float(self.history.rows_per_bin())).max(1)
    }

    /// The traces to draw.
    pub(crate) fn picture(&self) -> &History {
        self.frozen.as_ref().unwrap_or(&self.history)
    }

    /// Since when nothing was heard, if that is too long ago.
    pub(crate) fn silent_since(&self) -> Option<Stamp> {
        let heard = self.heard?;
        (self.lost || self.now.host_ns - heard.host_ns > SILENCE_NS).then_some(heard)
    }

    /// What is wrong, worst first: the recorder's own alarms after those only this side can see.
    pub(crate) fn alarms(&self) -> Vec<String> {
        let mut alarms = Vec::new();
        if self.lost {
            alarms.push("the recorder does not answer: q leaves, then `myograph status`".to_owned());
        } else if self.silent_since().is_some() {
            alarms.push("the recorder is silent: see `myograph status` in another terminal".to_owned());
        }
        let late = |asked: &&Asked| self.now.host_ns - asked.at.host_ns > UNANSWERED_NS;
        if let Some(mark) = self.asked.iter().filter(late).find_map(|asked| asked.mark.as_ref()) {
            alarms.push(format!("marker `{}` was sent and is not confirmed", mark.label));
        }
        if self.pace.is_doubtful(self.now) {
            alarms.push("typing? the keys set markers: they are kept, with the note `typing?`".to_owned());
        }
        alarms.extend(self.snapshot.alarms.iter().map(|alarm| alarm.text.clone()));
        alarms
    }
}
