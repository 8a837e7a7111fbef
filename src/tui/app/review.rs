//! WHAT A REVIEW KNOWS: the story of a recording, the window on it, the cursor, and what is being judged.
//!
//! A window never leaves the file and holds the cursor; it is asked for, and what came of it is drawn until the next
//! one is there. Only `update/review` changes it; `view/review` reads it.

pub(crate) mod landmarks;
pub(crate) mod places;

use super::scale::Scale;
use crate::emg::{Artefact, Kind, units};
use crate::session::Bins;
use crate::session::review::{Ask, Picture, Story, Window};
use crate::tui::history::History;
use crate::tui::widget::Sweep;
use landmarks::{Landmarks, Sort};
use places::Places;
use std::collections::VecDeque;
use std::ops::Range;

/// Lengths of the window in seconds; beyond the last one, and where the file is shorter, it is the whole file.
const LENGTHS_S: [f64; 13] = [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0];
/// The length to begin with.
const FIRST_LENGTH: usize = 4;
/// Steps of the cursor in a window.
const STEPS: u64 = 100;

/// What takes the keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The picture.
    Keys,
    /// The same, the key table covering it.
    Help,
    /// A line that says where to go.
    Goto(String),
    /// A line of a note to this judgement.
    Note(Artefact, String),
}

/// What was painted last.
#[derive(Clone, Debug, Default)]
pub(crate) struct Painted {
    /// Its window.
    pub(crate) window: Window,
    /// Its bins, counted from the window's first one.
    pub(crate) bins: History,
    /// Share of it that was read.
    pub(crate) read: f64,
}

/// The state of a review.
#[derive(Debug)]
pub(crate) struct Review {
    /// What is known beside the signal; none before the first word.
    pub(crate) story: Option<Box<Story>>,
    /// What there is to jump to.
    pub(crate) landmarks: Landmarks,
    /// Which of it the jumps go by and the list shows.
    pub(crate) sort: Sort,
    /// The picture; none before the first one.
    pub(crate) painted: Option<Painted>,
    /// Full scales, one per channel.
    pub(crate) scales: Vec<Scale>,
    /// The channel keys speak of; none for all.
    pub(crate) selected: Option<usize>,
    /// Whether only the selected channel is drawn.
    pub(crate) zoomed: bool,
    /// Whether raw samples are drawn.
    pub(crate) raw: bool,
    /// First row of the window.
    at: u64,
    /// Index into [`LENGTHS_S`].
    length: usize,
    /// The row keys speak of.
    pub(crate) cursor: u64,
    /// Whether the cursor stays at the end of a file that grows.
    pub(crate) follows: bool,
    /// Where the stretch that is being judged begins.
    pub(crate) onset: Option<u64>,
    /// What takes the keys.
    pub(crate) mode: Mode,
    /// What could not be done, until the next key.
    pub(crate) refused: Option<String>,
    /// What waits to be asked, in order.
    pub(crate) asks: VecDeque<Ask>,
    /// The window that was asked for last.
    asked: Option<Window>,
}

impl Review {
    /// A review of which nothing is known yet.
    pub(crate) fn new() -> Self {
        Self {
            story: None,
            landmarks: Landmarks::default(),
            sort: Sort::Markers,
            painted: None,
            scales: Vec::new(),
            selected: None,
            zoomed: false,
            raw: false,
            at: 0,
            length: FIRST_LENGTH,
            cursor: 0,
            follows: false,
            onset: None,
            mode: Mode::Keys,
            refused: None,
            asks: VecDeque::new(),
            asked: None,
        }
    }

    /// Takes in the story; the first one puts the cursor on its first row.
    pub(crate) fn hear(&mut self, story: Box<Story>) {
        let first = self.story.is_none();
        self.landmarks = Landmarks::of(&story);
        self.selected = self.selected.filter(|&channel| channel < story.channels.len());
        self.zoomed &= self.selected.is_some();
        let span = story.rows.clone();
        self.story = Some(story);
        self.go(if first {
            span.start
        } else if self.follows {
            span.end
        } else {
            self.cursor
        });
        self.want();
    }

    /// Takes in a picture, unless another one was asked for since.
    pub(crate) fn show(&mut self, picture: Picture) {
        let channels = self.story.as_ref().map_or(0, |story| story.channels.len());
        if self.asked != Some(picture.window) || channels == 0 {
            return;
        }
        let mut bins = History::default();
        bins.push(&Bins {
            first: 0,
            rows_per_bin: u32::try_from(picture.window.rows_per_bin).unwrap_or(u32::MAX),
            channels: u16::try_from(channels).unwrap_or(u16::MAX),
            clean: picture.values,
            raw: Vec::new(),
        });
        self.painted = Some(Painted { window: picture.window, bins, read: picture.read });
        self.rescale(|_| false);
    }

    /// Nothing more will be told.
    pub(crate) fn lose(&mut self) {
        let story = self.story.get_or_insert_default();
        story.growing = false;
        "the recording cannot be read any more: q leaves".clone_into(&mut story.trouble);
    }

    /// Lets the selected channel, or all, find their scales anew.
    pub(crate) fn fit(&mut self) {
        let selected = self.selected;
        self.rescale(|channel| selected.is_none_or(|selected| selected == channel));
    }

    /// Lets scales follow the picture, but for those set by hand; some begin anew.
    fn rescale(&mut self, anew: impl Fn(usize) -> bool) {
        let (Some(painted), Some(story)) = (&self.painted, &self.story) else { return };
        let fitted = story.channels.iter().enumerate().map(|(n, channel)| {
            // A raw signal rides on whatever its electrode sits at.
            let kind = if self.raw { Kind::Aux } else { channel.kind };
            let extent = painted.bins.extent(n, 0, painted.window.bins);
            match (self.scales.get(n), extent) {
                (Some(scale), None) => *scale,
                (Some(scale), Some(extent)) if !anew(n) => scale.follow(kind, extent),
                (_, extent) => Scale::fit(kind, extent.unwrap_or_default()),
            }
        });
        self.scales = fitted.collect();
    }

    /// Rows per second; 1000 where nobody knows.
    pub(crate) fn rate_hz(&self) -> f64 {
        let rate = self.story.as_ref().map_or(f64::NAN, |story| story.rate_hz);
        if rate.is_finite() && rate > 0.0 { rate } else { 1000.0 }
    }

    /// The rows of the file.
    pub(crate) fn span(&self) -> Range<u64> {
        self.story.as_ref().map_or(0..0, |story| story.rows.clone())
    }

    /// Rows in the window, at least 1.
    fn length(&self) -> u64 {
        let whole = self.span().end - self.span().start;
        let rows = LENGTHS_S.get(self.length).map_or(whole, |s| units::count(s * self.rate_hz()));
        rows.clamp(1, whole.max(1))
    }

    /// Whether the window holds the whole file.
    pub(crate) fn is_whole(&self) -> bool {
        self.length() >= self.span().end - self.span().start
    }

    /// The rows of the window.
    pub(crate) fn window(&self) -> Range<u64> {
        self.at..self.at + self.length()
    }

    /// Puts the cursor on a row, and the window where the cursor is: unmoved if it holds it, else about it.
    pub(crate) fn go(&mut self, row: u64) {
        let span = self.span();
        self.cursor = row.clamp(span.start, span.end.saturating_sub(1).max(span.start));
        let length = self.length();
        if !(self.at..self.at + length).contains(&self.cursor) {
            self.at = self.cursor.saturating_sub(length / 2);
        }
        self.at = self.at.clamp(span.start, span.end.saturating_sub(length).max(span.start));
        self.want();
    }

    /// Moves window and cursor by a share of the window.
    pub(crate) fn pan(&mut self, share: f64, forward: bool) {
        let rows = units::count(units::float(self.length()) * share).max(1);
        let shift = |row: u64| if forward { row.saturating_add(rows) } else { row.saturating_sub(rows) };
        let span = self.span();
        self.at = shift(self.at).clamp(span.start, span.end.saturating_sub(self.length()).max(span.start));
        self.go(shift(self.cursor));
    }

    /// Moves the cursor by a hundredth of the window.
    pub(crate) fn step(&mut self, forward: bool) {
        let rows = (self.length() / STEPS).max(1);
        self.go(if forward { self.cursor.saturating_add(rows) } else { self.cursor.saturating_sub(rows) });
    }

    /// Shows more (`true`) or less time, the cursor staying at its place on the screen as far as the file allows.
    pub(crate) fn resize(&mut self, longer: bool) {
        let (rate, before) = (self.rate_hz(), self.length());
        let rows = |s: &f64| units::count(s * rate);
        self.length = if longer {
            LENGTHS_S.iter().position(|s| rows(s) > before).unwrap_or(LENGTHS_S.len())
        } else {
            LENGTHS_S.iter().rposition(|s| rows(s) < before).unwrap_or(0)
        };
        let share = units::float(self.cursor - self.at) / units::float(before);
        let left = units::count(share * units::float(self.length())).min(self.length() - 1);
        self.at = self.cursor.saturating_sub(left);
        self.go(self.cursor);
    }

    /// Asks for the window, if another one was asked for last.
    pub(crate) fn want(&mut self) {
        let window = Window::over(&self.window(), self.raw);
        if self.story.is_none() || self.asked == Some(window) {
            return;
        }
        self.asked = Some(window);
        self.asks.retain(|ask| !matches!(ask, Ask::Paint(_)));
        self.asks.push_back(Ask::Paint(window));
    }

    /// What the jumps go by and the list shows; of events those of the selected channel, if there is one.
    pub(crate) fn places(&self) -> Places<'_> {
        match &self.story {
            Some(story) if self.sort == Sort::Events => Places::events(story, self.selected, self.rate_hz()),
            _ => Places::Landmarks(self.landmarks.all(self.sort)),
        }
    }

    /// The last judgement that stands under the cursor, on the selected channel if there is one.
    pub(crate) fn judged(&self) -> Option<&Artefact> {
        let all = &self.story.as_ref()?.artefacts;
        all.iter().rev().find(|one| one.covers(self.cursor, self.selected))
    }

    /// The geometry of the picture over so many dot columns.
    pub(crate) fn sweep(window: Window, columns: u64) -> Sweep {
        // A pass that is complete to its last bin has no pen.
        Sweep::new(window.bins, columns, window.bins, 0)
    }
}
