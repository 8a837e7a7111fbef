//! WHAT THE DASHBOARD KNOWS: the last snapshot, the traces, markers sent and stored, and what the user
//! set on the screen.
//!
//! Only `update` changes it; `view` reads it. No I/O, no clock: the moment is a value.

pub(crate) mod alarms;
pub(crate) mod filter;
pub(crate) mod line;
pub(crate) mod log;
pub(crate) mod marks;
pub(crate) mod pace;
pub(crate) mod review;
pub(crate) mod scale;
pub(crate) mod trends;

use super::Exit;
use super::history::History;
use super::keys::{RepeatGuard, View};
use super::theme::Theme;
use super::widget::Dots;
use crate::emg::marker::Origin;
use crate::emg::{Stamp, units};
use crate::session::earlier::Shelf;
use crate::session::{MarkRequest, Role, Snapshot, Viewer};
use alarms::Bell;
use filter::Choice;
use line::Line;
use log::Log;
use marks::{Marks, Shown};
use pace::Pace;
use scale::Scale;
use trends::Trends;

/// Lengths of the window, seconds.
pub(crate) const WINDOWS_S: [u16; 5] = [2, 4, 8, 16, 32];
/// A recorder that says nothing for this long is not drawn as if it lived.
const SILENCE_NS: i64 = 3_000_000_000;
/// A marker without an answer for this long is an alarm.
pub(crate) const UNANSWERED_NS: i64 = 500_000_000;

/// What the keys go to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Mode {
    /// Markers and station keys.
    Keys,
    /// The same, with the table of keys, or of commands, over the view.
    Help {
        /// Whether the commands are shown.
        commands: bool,
    },
    /// A line of text.
    Line(Line),
    /// The filter panel.
    Filter(Choice),
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

/// What the picture costs on its way to the terminal, as the painter measures it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Link {
    /// Bytes written in the last second.
    pub(crate) bytes_per_s: u64,
    /// Pictures a second where the link is too slow for all of them.
    pub(crate) slowed_to: Option<u16>,
}

/// What the app wants of the world; whoever fulfils a wish takes it away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wishes {
    /// Ring the bell.
    pub(crate) ring: bool,
    /// Draw everything anew.
    pub(crate) repaint: bool,
    /// Stop this program, as a job of the shell.
    pub(crate) suspend: bool,
    /// End the dashboard.
    pub(crate) exit: Option<Exit>,
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
    /// This front end's number among the viewers, once the recorder has said it.
    pub(crate) client: Option<u64>,
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
    /// The log.
    pub(crate) log: Log,
    /// Calibrations of earlier recordings, to compare with.
    pub(crate) earlier: Shelf,
    /// The last minute, second by second.
    pub(crate) trends: Trends,
    /// When to ring.
    pub(crate) bell: Bell,
    /// The way to the terminal.
    pub(crate) link: Link,
    /// What the last key did, and when.
    pub(crate) reply: Option<(Stamp, String)>,
    /// What fills the screen.
    pub(crate) view: View,
    /// Where keys go.
    pub(crate) mode: Mode,
    /// Commands that were typed, oldest first.
    pub(crate) typed: Vec<String>,
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
    /// A recording that is looked at again, instead of a recorder.
    pub(crate) review: Option<Box<review::Review>>,
    /// What is to be done outside.
    pub(crate) wishes: Wishes,
}

impl App {
    /// A dashboard that has heard nothing yet.
    pub(crate) fn new(dots: Dots, theme: Theme, read_only: bool, now: Stamp) -> Self {
        Self {
            dots,
            theme,
            read_only,
            client: None,
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
            log: Log::default(),
            earlier: Shelf::default(),
            trends: Trends::default(),
            bell: Bell::default(),
            link: Link::default(),
            reply: None,
            view: View::default(),
            mode: Mode::Keys,
            typed: Vec::new(),
            selected: None,
            zoomed: false,
            window: 2,
            guard: RepeatGuard::default(),
            pace: Pace::default(),
            next_request: 1,
            seed: 0,
            review: None,
            wishes: Wishes::default(),
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

    /// What this front end may do, once the recorder has said so.
    pub(crate) fn role(&self) -> Option<Role> {
        let me = |viewer: &&Viewer| Some(viewer.client) == self.client;
        let told = self.snapshot.viewers.iter().find(me).map(|viewer| viewer.role);
        if self.read_only { Some(Role::ReadOnly) } else { told }
    }

    /// Who may stop the recording and change filters, if it is somebody else.
    pub(crate) fn other_in_control(&self) -> Option<&str> {
        let rules = |viewer: &&Viewer| viewer.role == Role::Control && Some(viewer.client) != self.client;
        // Before it knows its own number, this front end cannot tell itself from others.
        self.client.and_then(|_| self.snapshot.viewers.iter().find(rules)).map(|viewer| viewer.name.as_str())
    }

    /// Whether what a marker says is kept from the screen: it might tell the condition.
    fn hides(&self, shown: &Shown<'_>) -> bool {
        let known = self.snapshot.keys.iter().map(|key| key.label.as_str()).chain(["mark"]);
        let plain = shown.marker.origin == Origin::Key && known.into_iter().any(|label| label == shown.label);
        self.snapshot.blind && !plain
    }

    /// A marker's label, as far as it may be seen.
    pub(crate) fn label_of<'a>(&self, shown: &Shown<'a>) -> &'a str {
        if self.hides(shown) { "(hidden)" } else { shown.label }
    }

    /// A marker's note, as far as it may be seen.
    pub(crate) fn note_of<'a>(&self, shown: &Shown<'a>) -> &'a str {
        if self.snapshot.blind { "" } else { shown.note }
    }
}
