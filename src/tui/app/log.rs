//! What happened, in one order: the recorder's sentences and the markers, searched and scrolled.

use super::App;
use super::marks::Shown;
use std::collections::VecDeque;

/// Lines kept.
const KEPT: usize = 400;

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

/// The log and how it is looked at.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log {
    /// Its lines, oldest first.
    pub(crate) lines: VecDeque<LogLine>,
    /// Only entries with these words are shown; empty for all.
    pub(crate) search: String,
    /// The moment of the lowest entry shown; none for the newest, whatever comes.
    until: Option<i64>,
}

/// One entry of the log view.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Entry<'a> {
    /// A sentence of the recorder.
    Line(&'a LogLine),
    /// A marker.
    Mark(Shown<'a>),
}

impl Entry<'_> {
    /// Wall clock, nanoseconds since 1970 UTC.
    pub(crate) fn utc_ns(&self) -> i64 {
        match self {
            Self::Line(line) => line.utc_ns,
            Self::Mark(shown) => shown.marker.stamp.utc_ns,
        }
    }
}

impl Log {
    /// Adds a line.
    pub(crate) fn push(&mut self, line: LogLine) {
        if self.lines.len() == KEPT {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }
}

impl App {
    /// Sentences and markers that hold the words searched for, oldest first.
    pub(crate) fn entries(&self) -> Vec<Entry<'_>> {
        let wanted = self.log.search.to_lowercase();
        let holds = |text: &str| text.to_lowercase().contains(&wanted);
        let lines = self.log.lines.iter().filter(|line| holds(&line.text)).map(Entry::Line);
        let found = |shown: &Shown<'_>| holds(self.label_of(shown)) || holds(self.note_of(shown));
        let marks = self.marks.shown().filter(found).map(Entry::Mark);
        let mut all: Vec<_> = lines.chain(marks).collect();
        all.sort_by_key(Entry::utc_ns);
        all
    }

    /// All entries, and how many of them down to the lowest one shown: a page of `room` lines is never less than
    /// full while there are entries for it.
    pub(crate) fn entries_shown(&self, room: usize) -> (Vec<Entry<'_>>, usize) {
        let all = self.entries();
        let shown = self.lowest(&all).max(room.min(all.len()));
        (all, shown)
    }

    /// How many entries stand above the lower edge, the lowest one counted; at least 1 where there are any.
    fn lowest(&self, all: &[Entry<'_>]) -> usize {
        let until = self.log.until.unwrap_or(i64::MAX);
        all.partition_point(|entry| entry.utc_ns() <= until).max(all.len().min(1))
    }

    /// Scrolls by entries, towards the newest (`down`) or the oldest one.
    pub(crate) fn scroll(&mut self, by: usize, down: bool) {
        let all = self.entries();
        let shown = self.lowest(&all);
        let Some(now) = shown.checked_sub(1).map(|lowest| all[lowest].utc_ns()) else { return };
        let wanted = if down { shown.saturating_add(by) } else { shown.saturating_sub(by).max(1) };
        let place = wanted.min(all.len()) - 1;
        // Entries of one moment are stepped over together.
        let place =
            if down { place } else { place.min(all.partition_point(|e| e.utc_ns() < now).max(1) - 1) };
        let until = (place + 1 < all.len()).then(|| all[place].utc_ns());
        self.log.until = until;
    }
}

#[cfg(test)]
mod tests {
    use crate::tui::tests::fixture::{at, watched};
    use crate::tui::widget::Dots;

    use super::*;

    fn texts(app: &App) -> Vec<String> {
        let text = |entry: &Entry<'_>| match entry {
            Entry::Line(line) => line.text.clone(),
            Entry::Mark(shown) => format!("<{}>", shown.label),
        };
        let (all, shown) = app.entries_shown(1);
        all[..shown].iter().map(text).collect()
    }

    #[test]
    fn sentences_and_markers_stand_in_the_order_they_happened() {
        let seen = watched(Dots::Braille, |_| {});
        let all =
            ["clock fit in force", "<stim_on>", "the projector was started again", "<stim_off>", "<mark>"];
        assert_eq!(texts(&seen.app), all);
    }

    #[test]
    fn what_is_scrolled_back_stays_while_more_comes() {
        let mut app = watched(Dots::Braille, |_| {}).app;
        app.scroll(2, false);
        let before = texts(&app);
        assert_eq!(before.last().map(String::as_str), Some("the projector was started again"));
        app.log.push(LogLine { utc_ns: at(13.0).utc_ns, level: 3, text: "news".into() });
        let (all, shown) = app.entries_shown(1);
        let newer = all.len() - shown;
        assert_eq!((texts(&app), newer), (before, 3));
        assert_eq!(app.entries_shown(5).1, 5, "a page is full while there is something for it");
        app.scroll(usize::MAX, false);
        assert_eq!(texts(&app), ["clock fit in force"]);
        app.scroll(usize::MAX, true);
        assert_eq!(texts(&app).last().map(String::as_str), Some("news"));
    }

    #[test]
    fn a_search_leaves_what_holds_its_words() {
        let mut app = watched(Dots::Braille, |_| {}).app;
        app.log.search = "STIM".to_owned();
        assert_eq!(texts(&app), ["<stim_on>", "<stim_off>"]);
        app.log.search = "nothing has this".to_owned();
        app.scroll(3, false);
        assert!(texts(&app).is_empty());
    }
}
