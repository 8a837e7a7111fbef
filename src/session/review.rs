//! What is said between a recording that is looked at again and the front end that shows it: windows asked for and
//! painted, the story told by its tables, judgements kept.
//!
//! The front end cannot tell a closed file from a growing one but by [`Story::growing`].

mod timeline;

pub use timeline::Timeline;

use crate::emg::marker::{Action, Marker};
use crate::emg::{Artefact, Channel, Gap};
use crossbeam_channel::{Receiver, Sender};
use std::ops::Range;

/// A front end's end of a review.
#[derive(Debug)]
pub struct Review {
    /// What the front end wants.
    pub asks: Sender<Ask>,
    /// What the recording shows. Disconnected = it cannot be read any more.
    pub tells: Receiver<Tell>,
}

/// The most bins a window has; more than a terminal has dot columns.
pub const MOST_BINS: u64 = 4096;

/// Which rows to paint, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// Number of the first bin: bin `b` holds rows `b x rows_per_bin ..`.
    pub first: u64,
    /// Rows in a bin, a power of two.
    pub rows_per_bin: u64,
    /// How many bins.
    pub bins: u64,
    /// Raw instead of clean.
    pub raw: bool,
}

impl Window {
    /// The window over `rows` whose bins are as fine as [`MOST_BINS`] allows; it may begin and end up to a bin early
    /// and late, because bins are aligned to row 0.
    #[must_use]
    pub fn over(rows: &Range<u64>, raw: bool) -> Self {
        let length = rows.end.saturating_sub(rows.start).max(1);
        // One bin less than there may be: a window that begins within a bin ends within another.
        let rows_per_bin = length.div_ceil(MOST_BINS - 1).next_power_of_two();
        let first = rows.start / rows_per_bin;
        let end = rows.start.saturating_add(length).div_ceil(rows_per_bin);
        Self { first, rows_per_bin, bins: end - first, raw }
    }

    /// Its rows.
    #[must_use]
    pub fn rows(&self) -> Range<u64> {
        let row = |bin: u64| bin.saturating_mul(self.rows_per_bin);
        row(self.first)..row(self.first.saturating_add(self.bins))
    }
}

/// What a front end may ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Paint this window; only the newest one asked for is painted.
    Paint(Window),
    /// Keep this judgement.
    Keep(Artefact),
    /// Take this judgement back.
    TakeBack(Artefact),
    /// Write this note to this judgement.
    Note(Artefact, String),
}

/// What a review tells.
#[derive(Clone, Debug, PartialEq)]
pub enum Tell {
    /// All that is known beside the signal: once at first, and whenever it changed.
    Story(Box<Story>),
    /// A window, as far as it was read.
    Picture(Picture),
    /// A judgement is kept or taken back; the sentence says which.
    Kept(String),
    /// Something could not be done, and what to do.
    Refused(String),
}

/// Minima and maxima of a window.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Picture {
    /// The window.
    pub window: Window,
    /// `bins x channels` pairs in the channels' units; NaN where rows are missing or not read yet.
    pub values: Vec<(f32, f32)>,
    /// Share of the window that was read, 0 to 1.
    pub read: f64,
}

/// All that is known of a recording beside its signal.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Story {
    /// The file.
    pub file: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// The rows of the recording that lie in it; those of the clean signal may end a second earlier while it grows.
    pub rows: Range<u64>,
    /// Rows per second; NaN where nobody knows.
    pub rate_hz: f64,
    /// `open`, `closed` or `recovered`.
    pub state: String,
    /// Whether somebody is still writing it.
    pub growing: bool,
    /// What is wrong with it and what to do; empty where nothing is.
    pub trouble: String,
    /// Its channels.
    pub channels: Vec<Channel>,
    /// The filter chains in words.
    pub chain: String,
    /// Marker rows, in order.
    pub markers: Vec<Marker>,
    /// Gaps, in order.
    pub gaps: Vec<Gap>,
    /// Stretches in which filters had not settled, in order.
    pub settling: Vec<Settling>,
    /// Lines of the log, in order.
    pub log: Vec<Line>,
    /// Muscle events, those of the next segment that began in this one included; none where labels are kept from the
    /// screen.
    pub events: Timeline,
    /// Whether the recording goes on in another segment.
    pub goes_on: bool,
    /// Judged stretches, in order, those taken back included.
    pub artefacts: Vec<Artefact>,
    /// Who judges here; empty where nobody does.
    pub coder: String,
    /// Whether labels are kept from the screen.
    pub blind: bool,
}

/// Rows of a channel whose filters still swing from a start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settling {
    /// The channel.
    pub channel: usize,
    /// The rows.
    pub rows: Range<u64>,
    /// Why they started anew, one word.
    pub reason: &'static str,
}

/// A line of the log and the row that was recorded when it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The row, none where no row was.
    pub row: Option<u64>,
    /// Wall clock, nanoseconds since 1970 UTC.
    pub utc_ns: i64,
    /// 1 alarm, 2 warning, 3 information.
    pub level: u8,
    /// One sentence.
    pub text: String,
}

impl Story {
    /// The same without what tells a condition: labels, codes and notes of markers, whoever set them, and events.
    #[must_use]
    pub fn blinded(mut self) -> Self {
        self.blind = true;
        self.events = Timeline::default();
        for marker in &mut self.markers {
            marker.label = if marker.action == Action::End { "end".to_owned() } else { "marker".to_owned() };
            marker.note.clear();
            marker.code = 0;
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_holds_its_rows_in_few_bins() {
        for (rows, raw) in
            [(0..1, false), (7..8_007, true), (4095..8191, false), (3..86_400_000, true), (5..5, false)]
        {
            let window = Window::over(&rows, raw);
            assert!(window.rows().start <= rows.start && window.rows().end >= rows.end, "{rows:?}");
            assert!((1..=MOST_BINS).contains(&window.bins), "{rows:?}: {}", window.bins);
            assert!(window.rows_per_bin.is_power_of_two());
        }
    }
}
