//! What opens over the picture: the stop dialog, the line for a note, the key table.

use super::{header, row, styled, words, write};
use crate::emg::units;
use crate::session::snapshot::State;
use crate::tui::app::App;
use crate::tui::keys::{Binding, TABLE};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::{Block, Clear, Widget};

/// Asks for the word, and says what happens without it.
pub(super) fn stop(app: &App, typed: &str, opened_ns: i64, area: Rect, buffer: &mut Buffer) {
    let lines = stop_lines(app, typed, opened_ns);
    let inner = frame(app, " STOP ", 56, lines.len(), area, buffer);
    for (n, line) in (0..).zip(lines) {
        write(row(inner, n), buffer, line);
    }
}

/// The sentences of the stop dialog.
pub(super) fn stop_lines(app: &App, typed: &str, opened_ns: i64) -> Vec<String> {
    let snapshot = &app.snapshot;
    let left = 15.0 - units::seconds(app.now.host_ns - opened_ns);
    let (what, keep) = match snapshot.state {
        State::Monitoring => ("Stop monitoring? Nothing is being recorded.".to_owned(), "Esc goes on."),
        _ => (
            format!("Stop recording {}?", words::fit(header::file_name(snapshot), 36, app.dots)),
            "Esc keeps recording.",
        ),
    };
    vec![
        what,
        format!("{}, {}", words::hms(snapshot.elapsed_s), header::written(snapshot)),
        String::new(),
        format!("Type the word stop, then Enter: {typed}_"),
        format!("{keep} Closes by itself in {:.0} s.", left.max(0.0).ceil()),
    ]
}

/// The line a note is typed on.
pub(super) fn note(app: &App, text: &str, area: Rect, buffer: &mut Buffer) {
    let about =
        app.marks.last().map_or_else(|| "NOTE".to_owned(), |shown| format!("NOTE to {}", shown.label));
    let room = usize::from(area.width).saturating_sub(about.chars().count() + 5);
    let skipped = text.chars().count().saturating_sub(room);
    let tail: String = text.chars().skip(skipped).collect();
    write(
        row(area, 0),
        buffer,
        Line::from(vec![styled(format!(" {about} "), app.theme.alarm), format!(" {tail}_").into()]),
    );
    let left = crate::emg::marker::NOTE_BYTES.saturating_sub(text.len());
    write(
        row(area, 1),
        buffer,
        format!("Enter sends  Esc cancels  {left} bytes left  markers are off while you type"),
    );
}

/// The live key table.
pub(super) fn help(app: &App, area: Rect, buffer: &mut Buffer) {
    let mut lines = station_lines();
    lines.push(String::new());
    let own: Vec<String> = app.snapshot.keys.iter().map(|k| format!("{} {}", k.key, k.label)).collect();
    let own = if own.is_empty() { "none are configured".to_owned() } else { own.join("  ") };
    lines.push(format!("Marker keys: {own}"));
    lines.push("Held keys and pastes never mark; for exact timing use a trigger, not a key.".to_owned());
    let inner = frame(app, " KEYS  (Esc closes) ", 88, lines.len(), area, buffer);
    for (n, line) in (0..).zip(lines) {
        write(row(inner, n), buffer, line);
    }
}

/// The station's keys, those that do the same on one line.
fn station_lines() -> Vec<String> {
    let mut rows: Vec<(String, &Binding)> = Vec::new();
    for binding in &TABLE {
        match rows.last_mut() {
            Some((names, _)) if binding.help.is_empty() => *names = format!("{names} {}", binding.name),
            _ => rows.push((binding.name.to_owned(), binding)),
        }
    }
    rows.iter().map(|(names, binding)| format!("{names:<16}{}", binding.help)).collect()
}

/// Clears a framed place in the middle and returns its inside.
fn frame(app: &App, title: &str, width: u16, lines: usize, area: Rect, buffer: &mut Buffer) -> Rect {
    let height = u16::try_from(lines).unwrap_or(u16::MAX).saturating_add(2).min(area.height);
    let width = width.min(area.width);
    let place =
        Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height };
    Clear.render(place, buffer);
    let border = app.dots.pick(ratatui::symbols::border::PLAIN, ASCII);
    let block =
        Block::bordered().border_set(border).title(styled(title, app.theme.title)).style(Style::new());
    let inner = block.inner(place);
    block.render(place, buffer);
    inner
}

/// A frame without box-drawing characters.
const ASCII: ratatui::symbols::border::Set<'static> = ratatui::symbols::border::Set {
    top_left: "+",
    top_right: "+",
    bottom_left: "+",
    bottom_right: "+",
    vertical_left: "|",
    vertical_right: "|",
    horizontal_top: "-",
    horizontal_bottom: "-",
};
