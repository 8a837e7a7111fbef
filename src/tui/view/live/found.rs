//! What the detector found, on the traces it found it in: a letter where an event begins, or where it
//! is first to be seen, and a line under it to its end.
//!
//! The letter says what it was, so that no fact is in the line or a colour alone. The shape of the trace stays.

use crate::emg::finding::event::{Class, Event};
use crate::tui::app::App;
use crate::tui::widget::Sweep;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use std::ops::Range;

/// The sign of an event that goes on.
const ACTIVE: char = '*';

/// All signs, for help.
pub(in crate::tui::view) const SIGNS: &str =
    "Traces: * now  B brief  M macro  S sustained  K blink  X artefact  ? unsure";

/// The sign of an event that ended.
fn sign(class: Class) -> char {
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
    let area = area.intersection(buffer.area);
    let picture = app.picture();
    let bin = |row: u64| row / picture.rows_per_bin();
    let ended = picture.events(channel).map(|Event { onset, end, class, .. }| {
        (bin(*onset)..bin(end.saturating_sub(1)).max(bin(*onset)) + 1, sign(*class))
    });
    let live =
        app.snapshot.active.iter().filter(|one| usize::from(one.channel) == channel && app.frozen.is_none());
    let live = live.map(|active| (bin(active.onset)..picture.end().max(bin(active.onset) + 1), ACTIVE));
    let spans: Vec<(Range<u64>, char)> = ended.chain(live).collect();
    if spans.is_empty() || area.is_empty() {
        return;
    }
    let y = area.bottom() - 1;
    let underlined = Style::new().add_modifier(Modifier::UNDERLINED);
    let mut before = None;
    for x in 0..area.width {
        let shown = bins_of_cell(sweep, x, app.dots.wide());
        let meets = |(span, _): &(Range<u64>, char)| {
            shown.as_ref().is_some_and(|shown| span.start < shown.end && shown.start < span.end)
        };
        let here = spans.iter().rposition(meets);
        let new = here != before;
        before = here;
        let Some((_, sign)) = here.and_then(|at| spans.get(at)) else { continue };
        let cell = &mut buffer[(area.x + x, y)];
        cell.set_style(underlined);
        // Also where the beginning itself is not to be seen, behind the pen or before the window.
        if new {
            cell.set_char(*sign).set_style(app.theme.title);
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
