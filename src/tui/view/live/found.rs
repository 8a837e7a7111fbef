//! What the detector found, on the traces it found it in: a letter where an event begins, or where it
//! is first to be seen, and a line under it to its end.
//!
//! The letter says what it was, so that no fact is in the line or a colour alone. The shape of the trace stays. An
//! event that ended keeps a fainter line until it is judged, up to 3 s later.

use crate::emg::finding::event::{Class, Event};
use crate::face::events::Waiting;
use crate::tui::app::App;
use crate::tui::widget::Sweep;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use std::ops::Range;

/// The sign of an event that goes on, and of one that ended and is not judged yet.
const ACTIVE: char = '*';
const WAITING: char = '+';

/// All signs, for help.
pub(in crate::tui::view) const SIGNS: &str =
    "* now  + ended  B brief  M macro  S sustained  K blink  X artefact  ? unsure";

/// Those of events that were judged.
pub(in crate::tui::view) const CLASSES: &str = "B brief  M macro  S sustained  K blink  X artefact  ? unsure";

/// The sign of an event that was judged.
pub(in crate::tui::view) fn sign(class: Class) -> char {
    match class {
        Class::Brief => 'B',
        Class::Macro => 'M',
        Class::Sustained => 'S',
        Class::Blink => 'K',
        Class::Artefact => 'X',
        Class::Undetermined => '?',
    }
}

/// Whether something goes on in a channel.
pub(in crate::tui::view) fn is_active(app: &App, channel: usize) -> bool {
    app.snapshot.active.iter().any(|active| usize::from(active.channel) == channel)
}

/// Draws the events of a channel over its trace, along its lower edge.
pub(super) fn draw(app: &App, channel: usize, sweep: Sweep, area: Rect, buffer: &mut Buffer) {
    let spans = spans(app, channel);
    edge(app, area, buffer, |x| {
        let shown = bins_of_cell(sweep, x, app.dots.wide())?;
        let at = spans.iter().rposition(|(span, _)| span.start < shown.end && shown.start < span.end)?;
        Some((at, spans[at].1))
    });
}

/// The bins of a channel's events with their signs; where they share a cell, the later one of them is shown.
fn spans(app: &App, channel: usize) -> Vec<(Range<u64>, char)> {
    let picture = app.picture();
    let bin = |row: u64| row / picture.rows_per_bin();
    let bins = |onset: u64, end: u64| bin(onset)..bin(end.saturating_sub(1)).max(bin(onset)) + 1;
    let is_here = |of: u16| usize::from(of) == channel;
    // The judgement comes before the list it leaves is renewed, so it is drawn over the waiting.
    let waiting = app.snapshot.waiting.iter().filter(|one| is_here(one.channel));
    let waiting = waiting.map(|Waiting { onset, end, .. }| (bins(*onset, *end), WAITING));
    let judged = picture.events(channel);
    let judged = judged.map(|Event { onset, end, class, .. }| (bins(*onset, *end), sign(*class)));
    let live = app.snapshot.active.iter().filter(|one| is_here(one.channel) && app.frozen.is_none());
    let live = live.map(|active| (bin(active.onset)..picture.end().max(bin(active.onset) + 1), ACTIVE));
    waiting.chain(judged).chain(live).collect()
}

/// Underlines the cells in which something is, and writes its sign into the first of them; `here` gives which of the
/// events that is, and its sign.
pub(in crate::tui::view) fn edge(
    app: &App,
    area: Rect,
    buffer: &mut Buffer,
    here: impl Fn(u16) -> Option<(usize, char)>,
) {
    let area = area.intersection(buffer.area);
    if area.is_empty() {
        return;
    }
    let y = area.bottom() - 1;
    let mut before = None;
    for x in 0..area.width {
        let here = here(x);
        // Also where the beginning itself is not to be seen, behind the pen or before the window.
        let new = here != before;
        before = here;
        let Some((_, sign)) = here else { continue };
        let faint = if sign == WAITING { Modifier::DIM } else { Modifier::empty() };
        let cell = &mut buffer[(area.x + x, y)];
        cell.set_style(Style::new().add_modifier(Modifier::UNDERLINED | faint));
        if new {
            cell.set_char(sign).set_style(app.theme.title);
        }
    }
}

/// The bins a cell of a sweep shows.
fn bins_of_cell(sweep: Sweep, x: u16, wide: u16) -> Option<Range<u64>> {
    let first = u64::from(x) * u64::from(wide);
    let (from, to) = sweep.bins_of(first)?;
    let last = (1..u64::from(wide)).filter_map(|n| sweep.bins_of(first + n)).next_back();
    // The pen may stand within a cell: what is behind it belongs to the pass before.
    Some(from..last.map_or(to, |(_, last)| last.max(to)))
}
