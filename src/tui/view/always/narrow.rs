//! Screens too small for traces: one fact per line, the most important first, down to a single cell.

use super::header;
use crate::tui::app::{App, Mode};
use crate::tui::view::live::{side, traces};
use crate::tui::view::{over, row, styled, words, write};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// Draws as many facts as there are rows; a dialog takes the place of all but the first.
pub(in crate::tui::view) fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    let mut lines = vec![state(app)];
    match &app.mode {
        Mode::Stop { typed, .. } => lines.push(Line::raw(format!("type stop: {typed}_ (Esc)"))),
        Mode::Line(line) => lines.push(Line::raw(format!("{}{}_", over::prompt(line.purpose), line.text))),
        Mode::Filter(choice) => {
            lines.push(Line::raw(format!("filter {}", choice.words())));
            lines.push(Line::raw("Up Down Left Right choose"));
            lines.push(Line::raw("Enter asks  Esc closes"));
        }
        Mode::Help { .. } => lines.push(Line::raw("help needs 60x16; Esc closes")),
        Mode::Keys => lines.extend(facts(app, usize::from(area.width))),
    }
    for (n, line) in (0..area.height).zip(lines) {
        write(row(area, n), buffer, line);
    }
}

/// State, time, and whether anything is wrong.
fn state(app: &App) -> Line<'static> {
    let verdict = if app.alarms().is_empty() { "OK" } else { "ALARM" };
    let word = header::state(app).trim().to_owned();
    Line::from(vec![
        styled(word, app.theme.state),
        format!(" {} ", words::hms(app.snapshot.elapsed_s)).into(),
        styled(verdict, if verdict == "OK" { app.theme.title } else { app.theme.alarm }),
        Span::raw(if app.snapshot.blind { " BLIND" } else { "" }),
    ])
}

/// The facts after the state, by importance.
fn facts(app: &App, width: usize) -> Vec<Line<'static>> {
    let snapshot = &app.snapshot;
    let mut lines: Vec<Line<'static>> = Vec::new();
    lines.extend(app.reply.iter().map(|(_, text)| Line::raw(format!("> {text}"))));
    if let Some(worst) = app.alarms().first() {
        lines.push(Line::from(styled(words::cut(&worst.text, width, app.dots), app.theme.alarm)));
        let advice = if worst.advice.is_empty() { Vec::new() } else { words::wrap(&worst.advice, width) };
        lines.extend(advice.into_iter().take(2).map(Line::raw));
    }
    lines.push(Line::raw(words::fit(header::file_name(snapshot), width, app.dots)));
    lines.push(Line::raw(header::written(snapshot)));
    lines.push(Line::raw(format!("disk {}", words::span(snapshot.disk_seconds_left))));
    lines.push(Line::raw(header::source(app)));
    let (ok, all) = header::channels_ok(snapshot);
    lines.push(Line::raw(format!("ch {ok}/{all} ok")));
    let worst = snapshot.channels.iter().find(|state| !traces::exceptions(state).is_empty());
    lines.extend(worst.map(|state| {
        Line::from(styled(
            format!("{} {}", state.channel.name, traces::exceptions(state).join(" ")),
            app.theme.alarm,
        ))
    }));
    lines.extend(side::marker_lines(app, 1).into_iter().map(Line::from));
    lines.push(Line::raw(header::chain(snapshot)));
    lines.push(Line::raw("? help  q leave"));
    lines
}
