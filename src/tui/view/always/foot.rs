//! The lines at the foot: what is wrong, the last markers, what just happened, which keys there are.

use super::header;
use crate::session::alarm::Priority;
use crate::session::snapshot::State;
use crate::session::{Alarm, Role};
use crate::tui::app::App;
use crate::tui::keys::{Act, Binding, TABLE, View};
use crate::tui::view::live::side;
use crate::tui::view::{row, styled, words, write};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

/// The worst alarm, what to do about it and how many more there are; beside it, while it leaves room, the
/// views there are.
pub(in crate::tui::view) fn alarm(app: &App, area: Rect, buffer: &mut Buffer) {
    let width = usize::from(area.width);
    let alarms = app.alarms();
    let (line, taken) = match alarms.first() {
        None => (Line::raw("no alarm"), "no alarm".len()),
        Some(worst) => worst_alarm(app, worst, alarms.len() - 1, width),
    };
    write(area, buffer, line);
    let tabs = tabs(app);
    if let Some(left) = width.checked_sub(tabs.width()).filter(|left| *left > taken + 2) {
        let x = area.x + u16::try_from(left).unwrap_or(area.width);
        write(Rect { x, width: area.right() - x, ..area }, buffer, tabs);
    }
}

/// One alarm in a line as wide as it may be, and how much of it that takes. Something urgent that nobody has
/// seen fills the whole line.
fn worst_alarm(app: &App, alarm: &Alarm, others: usize, width: usize) -> (Line<'static>, usize) {
    let seen = !alarm.acknowledged_by.is_empty();
    let more = if others > 0 { format!(" (+{others})") } else { String::new() };
    let key = if seen { " (seen)" } else { "  A = seen" };
    let word = if alarm.priority == Priority::First { "ALARM" } else { "CHECK" };
    let room = width.saturating_sub(word.len() + 3 + more.len() + key.len());
    let text = words::cut(&sentence(alarm), room, app.dots);
    if alarm.priority == Priority::First && !seen {
        let banner = format!(" {word} {text}{more}{key}");
        return (Line::from(styled(format!("{banner:<width$}"), app.theme.alarm)), width);
    }
    let style = if seen { app.theme.title } else { app.theme.alarm };
    let rest = format!(" {text}{more}{key}");
    let taken = word.len() + 2 + rest.chars().count();
    (Line::from(vec![styled(format!(" {word} "), style), Span::raw(rest)]), taken)
}

/// What is wrong and what to do about it.
pub(in crate::tui::view) fn sentence(alarm: &Alarm) -> String {
    if alarm.advice.is_empty() { alarm.text.clone() } else { format!("{}: {}", alarm.text, alarm.advice) }
}

/// The views, the present one marked.
fn tabs(app: &App) -> Line<'static> {
    let tab = |&(view, number, name): &(View, u8, &str)| {
        let shown = view == app.view;
        let style = if shown { app.theme.selected } else { Style::new() };
        styled(format!(" F{number} {name} "), style)
    };
    View::TABLE.iter().map(tab).collect()
}

/// The newest markers in one line, for screens without a marker list; open durations before them.
pub(in crate::tui::view) fn marks(app: &App, area: Rect, buffer: &mut Buffer) {
    let mut line = Line::from(styled(format!("MARKERS {}", app.snapshot.markers), app.theme.title));
    let open = header::open_marks(app).map(|text| styled(text, app.theme.title));
    for text in open.chain(side::marker_lines(app, usize::from(area.height) * 4)) {
        if line.width() + text.width() + 2 > usize::from(area.width) {
            break;
        }
        line.push_span(Span::raw("  "));
        line.push_span(text);
    }
    write(area, buffer, line);
}

/// What the last key did, or else the newest line of the log where that is not on the screen anyway.
pub(in crate::tui::view) fn log(app: &App, area: Rect, buffer: &mut Buffer) {
    if let Some((_, text)) = &app.reply {
        let text = words::cut(&format!("> {text}"), usize::from(area.width), app.dots);
        return write(area, buffer, styled(text, app.theme.title));
    }
    if let Some(last) = app.log.lines.back().filter(|_| app.view != View::Log) {
        write(area, buffer, side::log_line(app, last));
    }
}

/// The marker keys of this recording with what this screen may do, and the station's keys.
pub(in crate::tui::view) fn keys(app: &App, area: Rect, buffer: &mut Buffer) {
    let width = usize::from(area.width);
    let role = role(app);
    let own = app.snapshot.keys.iter().map(|k| format!("{} {}", k.key, k.label));
    let own = if app.read_only { String::new() } else { join(own, width.saturating_sub(role.len() + 2)) };
    let (station, ends) = station(app);
    let ends = join(ends.into_iter(), width);
    let station = join(station.into_iter(), width.saturating_sub(ends.len() + 2));
    if area.height > 1 {
        write(row(area, 0), buffer, words::apart(&own, &role, width));
        write(row(area, 1), buffer, words::apart(&station, &ends, width));
    } else {
        let own = words::fit(&own, width.saturating_sub(ends.len() + 2), app.dots);
        write(area, buffer, words::apart(&own, &ends, width));
    }
}

/// What this front end may do, and who may more.
fn role(app: &App) -> String {
    match (app.role(), app.other_in_control()) {
        (None, _) => String::new(),
        (Some(Role::Viewer), Some(name)) => format!("viewer ({name} has control)"),
        (Some(Role::Viewer), None) => "viewer (nobody has control)".to_owned(),
        (Some(role), _) => role.word().to_owned(),
    }
}

/// The keys that do something here and now, and those that always do.
fn station(app: &App) -> (Vec<String>, Vec<String>) {
    let monitoring = app.snapshot.state == State::Monitoring;
    let unseen = app.alarms().iter().any(|alarm| alarm.acknowledged_by.is_empty());
    let useful = |act: Act| match act {
        Act::Record => monitoring && !app.read_only,
        Act::Mark | Act::Retract | Act::Note => !monitoring && !app.read_only,
        Act::Stop => !app.read_only,
        Act::Acknowledge => unseen,
        Act::Gain(_) | Act::Window(_) | Act::Zoom | Act::Freeze => app.view == View::Live,
        Act::Search => app.view == View::Log,
        _ => true,
    };
    let hints = TABLE.iter().filter(|b| !b.hint.is_empty() && useful(b.act));
    let (ends, station): (Vec<&Binding>, Vec<&Binding>) =
        hints.partition(|b| matches!(b.act, Act::Turn(_) | Act::Help | Act::Detach));
    let names = |list: Vec<&Binding>| list.into_iter().map(|b| b.hint.to_owned()).collect();
    (names(station), names(ends))
}

/// As many whole words as fit, two spaces between them.
fn join(words: impl Iterator<Item = String>, width: usize) -> String {
    let mut line = String::new();
    for word in words {
        let wanted = line.chars().count() + word.chars().count() + 2 * usize::from(!line.is_empty());
        if wanted > width {
            break;
        }
        if !line.is_empty() {
            line.push_str("  ");
        }
        line.push_str(&word);
    }
    line
}
