//! What the models say: the class that holds, its probability, how late it came, the last minute; whether they agree.
//!
//! On larger screens a block on top of the side column, on small ones a row for each model under the traces.

use super::side::heading;
use crate::emg::finding::prediction::flag;
use crate::infer::steady::agree;
use crate::session::ModelState;
use crate::tui::app::App;
use crate::tui::view::{row, styled, words, write};
use crate::tui::widget::Spark;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;
use std::collections::VecDeque;

/// Rows of a model in the side column: what holds, what else is likely, its minute.
const EACH: u16 = 3;
/// Models that are shown; more would leave nothing for markers.
const MOST: usize = 3;
/// Classes named beside each other.
const LIKELIEST: usize = 3;
/// Bars of a minute.
const MINUTE: u16 = 60;

/// Rows the block takes in the side column, a blank one below it included.
pub(in crate::tui::view) fn height(app: &App) -> u16 {
    match u16::try_from(app.snapshot.models.len().min(MOST)).unwrap_or(0) {
        0 => 0,
        models => 1 + models * EACH + u16::from(!note(app).is_empty()) + 1,
    }
}

/// Draws the block.
pub(in crate::tui::view) fn block(app: &App, area: Rect, buffer: &mut Buffer) {
    write(row(area, 0), buffer, heading(app, format!("MODELS {}", agreement(app))));
    let mut y = 1;
    for model in app.snapshot.models.iter().take(MOST) {
        write(row(area, y), buffer, line(app, model));
        write(row(area, y + 1), buffer, Span::raw(format!("  {}", likeliest(model))));
        minute(app, model, row(area, y + 2), buffer);
        y += EACH;
    }
    let note = words::cut(note(app), usize::from(area.width), app.dots);
    write(row(area, y), buffer, styled(note, app.theme.title));
}

/// Draws a row for each model, with its minute where there is room.
pub(in crate::tui::view) fn rows(app: &App, area: Rect, buffer: &mut Buffer) {
    for (n, model) in (0..area.height).zip(&app.snapshot.models) {
        let mut line = line(app, model);
        line.push_span(styled(format!("  {}", model.note), app.theme.title));
        let room = row(area, n);
        let taken = u16::try_from(line.width()).unwrap_or(u16::MAX).saturating_add(2);
        write(room, buffer, line);
        let width = room.width.saturating_sub(taken).min(MINUTE);
        minute(app, model, Rect { x: room.right() - width, width, ..room }, buffer);
    }
}

/// Rows that [`rows`] takes under the traces.
pub(in crate::tui::view) fn small_height(app: &App) -> u16 {
    u16::try_from(app.snapshot.models.len().min(2)).unwrap_or(0)
}

/// All models in one field of the header.
pub(in crate::tui::view) fn field(app: &App) -> Option<String> {
    let one = |model: &ModelState| match (model.trouble.is_empty(), model.label.is_empty()) {
        (false, _) => format!("{} off", model.name),
        (true, true) => format!("{} --", model.name),
        (true, false) => format!("{} {} {:.2}", model.name, model.label, model.probability),
    };
    let models = &app.snapshot.models;
    let all: Vec<String> = models.iter().take(MOST).map(one).collect();
    (!all.is_empty()).then(|| format!("{} {}", all.join(", "), agreement(app)).trim_end().to_owned())
}

/// Whether those that say something say the same.
fn agreement(app: &App) -> &'static str {
    let labels = app.snapshot.models.iter().map(|model| Some(model.label.as_str()));
    let labels: Vec<_> = labels.map(|label| label.filter(|label| !label.is_empty())).collect();
    match agree(&labels) {
        Some(true) => "agree",
        Some(false) => "differ",
        None => "",
    }
}

fn line(app: &App, model: &ModelState) -> Line<'static> {
    if !model.trouble.is_empty() {
        return Line::from(styled(format!("{}: {}", model.name, model.trouble), app.theme.alarm));
    }
    let name = Span::raw(format!("{} ", model.name));
    if model.label.is_empty() {
        return Line::from(vec![name, Span::raw("nothing yet")]);
    }
    let what = styled(format!("{} {:.2}", model.label, model.probability), app.theme.selected);
    let late = if model.late > 0 { format!(", {} late", model.late) } else { String::new() };
    Line::from(vec![
        name,
        what,
        Span::raw(format!(" {:.0} ms{late}{}", model.latency_ms, doubts(model.flags))),
    ])
}

/// Why the newest prediction is to be trusted less.
fn doubts(flags: u32) -> String {
    let words = [(flag::GAP, "gap"), (flag::SETTLING, "settling"), (flag::BAD_CHANNEL, "bad channel")];
    let set: Vec<&str> = words.iter().filter(|(bit, _)| flags & bit != 0).map(|(_, word)| *word).collect();
    if set.is_empty() { String::new() } else { format!(" ({})", set.join(", ")) }
}

/// The likeliest classes with their probabilities.
fn likeliest(model: &ModelState) -> String {
    let mut all: Vec<(&str, f64)> =
        model.classes.iter().map(String::as_str).zip(model.probabilities.iter().copied()).collect();
    all.sort_by(|a, b| b.1.total_cmp(&a.1));
    let one = |(class, probability): &(&str, f64)| format!("{class} {probability:.2}");
    all.iter().take(LIKELIEST).map(one).collect::<Vec<_>>().join("  ")
}

fn minute(app: &App, model: &ModelState, area: Rect, buffer: &mut Buffer) {
    let values: VecDeque<f64> = model.history.iter().copied().collect();
    Spark { values: &values, full: 1.0, dots: app.dots, style: app.theme.traces[0] }.render(area, buffer);
}

/// What the cards say about the models, once.
fn note(app: &App) -> &str {
    app.snapshot.models.iter().map(|model| model.note.as_str()).find(|note| !note.is_empty()).unwrap_or("")
}
