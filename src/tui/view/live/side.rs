//! The right-hand column of larger screens: source and recorder in numbers, markers, log.

use super::models;
use crate::emg::marker::Action;
use crate::emg::units;
use crate::tui::app::App;
use crate::tui::app::log::LogLine;
use crate::tui::app::marks::Shown;
use crate::tui::view::always::header;
use crate::tui::view::{row, styled, system, words, write};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

/// From this height on, source and recorder are shown in numbers too.
const TABLES_FROM: u16 = 44;

/// Draws what there is room for, newest first in each list.
pub(in crate::tui::view) fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    let taken = models::height(app).min(area.height / 2);
    if taken > 0 {
        models::block(app, Rect { height: taken, ..area }, buffer);
    }
    let area = Rect { y: area.y + taken, height: area.height - taken, ..area };
    let mut lines = if area.height >= TABLES_FROM { tables(app) } else { Vec::new() };
    let rest = usize::from(area.height).saturating_sub(lines.len());
    let markers = rest * 3 / 5;
    lines.extend(newest_event(app).map(|text| Line::from(Span::raw(text))));
    lines.push(heading(app, format!("MARKERS {}", app.snapshot.markers)));
    let open = header::open_marks(app).map(|text| heading(app, text));
    let stored = marker_lines(app, markers).into_iter().map(Line::from);
    lines.extend(open.chain(stored).take(markers.saturating_sub(2)));
    lines.resize(usize::from(area.height) - rest + markers, Line::default());
    lines.push(heading(app, "LOG".to_owned()));
    for line in app.log.lines.iter().rev().take(usize::from(area.height)) {
        let Span { content, style } = log_line(app, line);
        let wrapped = words::wrap(&content, usize::from(area.width).saturating_sub(2));
        let indent = |n: usize| if n == 0 { "" } else { "  " };
        lines.extend(
            wrapped
                .into_iter()
                .enumerate()
                .map(|(n, text)| Line::from(styled(format!("{}{text}", indent(n)), style))),
        );
    }
    for (n, line) in (0..area.height).zip(lines) {
        write(row(area, n), buffer, line);
    }
}

pub(in crate::tui::view) fn heading(app: &App, text: String) -> Line<'static> {
    Line::from(styled(text, app.theme.title))
}

/// The newest muscle event, how many there were.
pub(in crate::tui::view) fn newest_event(app: &App) -> Option<String> {
    let last = app.snapshot.last_events.last()?;
    let name = app.snapshot.channels.get(usize::from(last.channel)).map_or("", |state| &state.channel.name);
    let rate = app.rate_hz();
    let ms = units::float(last.end.saturating_sub(last.onset)) / rate * 1e3;
    let time = words::hms_ms(units::float(last.onset) / rate);
    Some(format!("EVENTS {}: {time} {name} {} {ms:.0} ms", app.snapshot.events, last.class.word()))
}

/// The newest markers: the ones still on their way, then the stored ones.
pub(in crate::tui::view) fn marker_lines(app: &App, room: usize) -> Vec<Span<'static>> {
    let sent = app.asked.iter().rev().filter_map(|asked| asked.mark.as_ref());
    let sent = sent.map(|mark| styled(format!("sent         {}", mark.label), app.theme.title));
    let stored = app.marks.shown().rev().map(|shown| Span::raw(marker_line(app, &shown)));
    sent.chain(stored).take(room).collect()
}

/// Time in the recording, label, note.
pub(in crate::tui::view) fn marker_line(app: &App, shown: &Shown<'_>) -> String {
    let time = words::hms_ms(units::float(shown.marker.sample) / app.rate_hz());
    let end = if shown.retracted { " (taken back)" } else { "" };
    let ends = if shown.marker.action == Action::End { " (end)" } else { "" };
    let note = app.note_of(shown);
    let note = if note.is_empty() { String::new() } else { format!(": {note}") };
    format!("{time} {}{ends}{note}{end}", app.label_of(shown))
}

/// Time of day and sentence; alarms and warnings say so.
pub(in crate::tui::view) fn log_line(app: &App, line: &LogLine) -> Span<'static> {
    let (word, style) = match line.level {
        1 => ("ALARM ", app.theme.title),
        2 => ("warn ", app.theme.title),
        _ => ("", Style::new()),
    };
    styled(format!("{} {word}{}", words::clock(line.utc_ns, app.utc_offset_s), line.text), style)
}

/// Source and recorder in numbers.
fn tables(app: &App) -> Vec<Line<'static>> {
    let apart = || Line::default();
    let (source, recorder) = (system::source(app), system::recorder(app));
    source.into_iter().chain([apart()]).chain(recorder).chain([apart()]).collect()
}
