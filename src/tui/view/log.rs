//! LOG AND ALARMS: what is wrong with since when and what to do, then what happened, searched and scrolled.

use super::live::side::{heading, marker_line};
use super::{row, styled, words, write, write_all};
use crate::emg::units;
use crate::session::Alarm;
use crate::tui::app::App;
use crate::tui::app::log::Entry;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

/// Width of what stands before a sentence.
const INDENT: usize = 15;

/// Draws the view.
pub(super) fn draw(app: &App, body: Rect, buffer: &mut Buffer) {
    let width = usize::from(body.width);
    let mut lines = alarms(app, width);
    // The alarms never push the log out.
    lines.truncate(usize::from(body.height / 2).max(2));
    let used = u16::try_from(lines.len()).unwrap_or(u16::MAX).min(body.height);
    write_all(body, buffer, lines);
    entries(app, Rect { y: body.y + used, height: body.height - used, ..body }, buffer);
}

/// The open alarms, those that nobody has acknowledged first.
fn alarms(app: &App, width: usize) -> Vec<Line<'static>> {
    let alarms = app.alarms();
    if alarms.is_empty() {
        return vec![heading(app, "ALARMS  none is open".to_owned()), Line::default()];
    }
    let unseen = alarms.iter().filter(|alarm| alarm.acknowledged_by.is_empty()).count();
    let key = if unseen > 0 {
        format!(", {unseen} not seen by anybody: A says that you have")
    } else {
        String::new()
    };
    let mut lines = vec![heading(app, format!("ALARMS  {} open{key}", alarms.len()))];
    for alarm in &alarms {
        lines.extend(one_alarm(app, alarm, width));
    }
    lines.push(Line::default());
    lines
}

/// Priority, since when, what is wrong; then what to do and who has seen it.
fn one_alarm(app: &App, alarm: &Alarm, width: usize) -> Vec<Line<'static>> {
    let seen = if alarm.acknowledged_by.is_empty() {
        String::new()
    } else {
        format!(" (seen by {})", alarm.acknowledged_by)
    };
    let seconds = units::seconds(app.now.utc_ns - alarm.since_utc_ns).max(0.0);
    let when = format!("{} for {}", words::clock(alarm.since_utc_ns, app.utc_offset_s), words::span(seconds));
    let chip = if seen.is_empty() { app.theme.alarm } else { app.theme.title };
    let first = format!(" {}{seen}, since {when}", alarm.text);
    let first = vec![
        styled(format!(" {} ", alarm.priority.word()), chip),
        Span::raw(words::cut(&first, width.saturating_sub(4), app.dots)),
    ];
    let advice = words::cut(&alarm.advice, width.saturating_sub(5), app.dots);
    let advice = (!advice.is_empty()).then(|| Line::from(styled(format!("     {advice}"), app.theme.title)));
    std::iter::once(Line::from(first)).chain(advice).collect()
}

/// The newest entries that have room, the newest at the foot.
fn entries(app: &App, area: Rect, buffer: &mut Buffer) {
    let room = usize::from(area.height.saturating_sub(1));
    let (all, shown) = app.entries_shown(room);
    let newer = all.len() - shown;
    let title = match app.log.search.as_str() {
        "" => "LOG AND MARKERS".to_owned(),
        words => format!("LOG AND MARKERS  with `{words}`: {} (Esc shows all)", all.len()),
    };
    let below = if newer > 0 { format!("{newer} newer below (End)") } else { String::new() };
    let title = words::apart(&title, &below, usize::from(area.width));
    write(row(area, 0), buffer, heading(app, title));
    let mut lines: Vec<Line<'static>> = Vec::new();
    for entry in all[..shown].iter().rev() {
        let mut entry = entry_lines(app, entry, usize::from(area.width));
        entry.reverse();
        lines.extend(entry);
        if lines.len() >= room {
            break;
        }
    }
    lines.truncate(room);
    lines.reverse();
    write_all(super::below(area, area.y + 1), buffer, lines);
}

/// Time of day, what kind of entry, and its sentence on as many lines as it takes.
fn entry_lines(app: &App, entry: &Entry<'_>, width: usize) -> Vec<Line<'static>> {
    let time = words::clock(entry.utc_ns(), app.utc_offset_s);
    let (word, text) = match entry {
        Entry::Line(line) => {
            (["", "ALARM", "warn"].get(usize::from(line.level)).copied().unwrap_or(""), line.text.clone())
        }
        Entry::Mark(shown) => ("mark", format!("#{} {}", shown.marker.id, marker_line(app, shown))),
    };
    let style = if word.is_empty() { Style::new() } else { app.theme.title };
    let sentence = words::wrap(&text, width.saturating_sub(INDENT));
    let head = |n: usize| if n == 0 { format!("{time} {word:<6}") } else { " ".repeat(INDENT) };
    sentence
        .into_iter()
        .enumerate()
        .map(|(n, text)| Line::from(vec![styled(head(n), style), text.into()]))
        .collect()
}
