//! The lines at the foot: what is wrong, the last markers, what just happened, which keys there are.

use super::{row, side, styled, words, write};
use crate::session::snapshot::State;
use crate::tui::app::App;
use crate::tui::keys::{Act, Binding, TABLE};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// The worst alarm and how many more there are.
pub(super) fn alarm(app: &App, area: Rect, buffer: &mut Buffer) {
    let alarms = app.alarms();
    let Some(worst) = alarms.first() else {
        return write(area, buffer, "no alarm");
    };
    let more = match alarms.len() {
        1 => String::new(),
        n => format!(" (+{})", n - 1),
    };
    let width = usize::from(area.width).saturating_sub(8 + more.len());
    let text = format!(" ALARM {}{more} ", words::fit(worst, width, app.dots));
    write(area, buffer, styled(text, app.theme.alarm));
}

/// The newest markers in one line, for screens without a marker list.
pub(super) fn marks(app: &App, area: Rect, buffer: &mut Buffer) {
    let mut line = Line::from(styled(format!("MARKERS {}", app.snapshot.markers), app.theme.title));
    for text in side::marker_lines(app, usize::from(area.height) * 4) {
        line.push_span(Span::raw("  "));
        line.push_span(text);
    }
    write(area, buffer, line);
}

/// What the last key did, or else the newest line of the log.
pub(super) fn log(app: &App, area: Rect, buffer: &mut Buffer) {
    if let Some((_, text)) = &app.reply {
        return write(area, buffer, styled(format!("> {text}"), app.theme.title));
    }
    if let Some(last) = app.log.back() {
        write(area, buffer, side::log_line(app, last));
    }
}

/// The marker keys of this recording, and the station's.
pub(super) fn keys(app: &App, area: Rect, buffer: &mut Buffer) {
    let width = usize::from(area.width);
    let own = app.snapshot.keys.iter().map(|k| format!("{} {}", k.key, k.label));
    let own =
        if app.read_only { join(std::iter::once("read-only".to_owned()), width) } else { join(own, width) };
    let monitoring = app.snapshot.state == State::Monitoring;
    let useful = |act: Act| match act {
        Act::Record => monitoring && !app.read_only,
        Act::Mark | Act::Retract | Act::Note => !monitoring && !app.read_only,
        Act::Stop => !app.read_only,
        _ => true,
    };
    let hints = TABLE.iter().filter(|b| !b.hint.is_empty() && useful(b.act));
    let (ends, station): (Vec<&Binding>, Vec<&Binding>) =
        hints.partition(|b| matches!(b.act, Act::Help | Act::Detach));
    let ends = ends.iter().map(|b| b.hint).collect::<Vec<_>>().join("  ");
    let station = join(station.iter().map(|b| b.hint.to_owned()), width.saturating_sub(ends.len() + 2));
    if area.height > 1 {
        write(row(area, 0), buffer, own);
        write(row(area, 1), buffer, format!("{station}  {ends}"));
    } else {
        let own = words::fit(&own, width.saturating_sub(ends.len() + 2), app.dots);
        write(area, buffer, format!("{own}  {ends}"));
    }
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
