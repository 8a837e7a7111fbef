//! THE PICTURE: draws an [`App`] into a frame, of any size, and changes nothing.
//!
//! Here is where things stand. `always` is on every screen; `live`, `calibration`, `electrodes`, `log` and `system` each fill
//! the middle; `over` opens above them; `review` is the whole screen of a recording looked at again; `words` puts numbers into words. Called by the painter and by tests.

mod always;
mod calibration;
mod electrodes;
mod live;
mod log;
mod over;
mod review;
mod system;
mod words;

use super::app::{App, Mode};
use super::keys::View;
use always::{foot, header, narrow};
use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

/// Below either of these there is one fact per line.
const SMALLEST: (u16, u16) = (60, 16);
/// From this width on, markers and log have a column of their own.
const SIDE_FROM: u16 = 110;

/// Where the parts of the picture stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Places {
    header: Rect,
    body: Rect,
    alarm: Rect,
    marks: Rect,
    log: Rect,
    keys: Rect,
}

/// Draws everything.
pub(crate) fn draw(app: &App, frame: &mut Frame<'_>) {
    let area = frame.area();
    paint(app, area, frame.buffer_mut());
}

/// Draws everything into a buffer.
fn paint(app: &App, area: Rect, buffer: &mut Buffer) {
    if let Some(review) = &app.review {
        return review::draw(app, review, area, buffer);
    }
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        return narrow::draw(app, area, buffer);
    }
    let places = arrange(app, area);
    header::draw(app, places.header, buffer);
    match app.view {
        View::Live => live::draw(app, places.body, buffer),
        View::Calibration => calibration::draw(app, places.body, buffer),
        View::Electrodes => electrodes::draw(app, places.body, buffer),
        View::Log => log::draw(app, places.body, buffer),
        View::System => system::draw(app, places.body, buffer),
    }
    foot::alarm(app, places.alarm, buffer);
    foot::marks(app, places.marks, buffer);
    foot::log(app, places.log, buffer);
    match &app.mode {
        Mode::Line(line) => over::line(app, line, places.keys, buffer),
        _ => foot::keys(app, places.keys, buffer),
    }
    match &app.mode {
        Mode::Stop { typed, opened_ns } => over::stop(app, typed, *opened_ns, area, buffer),
        Mode::Filter(choice) => over::filter(app, choice, area, buffer),
        Mode::Help { commands } => over::help(app, *commands, below(area, places.header.bottom()), buffer),
        Mode::Keys | Mode::Line(_) => {}
    }
}

/// Divides the screen.
///
/// ```text
/// +------------------------------------------------+
/// | header: recording and file                     |
/// | header: source and signal                      |
/// | body: what the view draws                      |
/// | ...                                            |
/// | alarm, or the views there are                  |
/// | last markers, where the view has no list       |
/// | reply to the last key, or log                  |
/// | keys: markers; what this screen may do         |
/// | keys: station                                  |
/// +------------------------------------------------+
/// ```
fn arrange(app: &App, area: Rect) -> Places {
    let listed = match app.view {
        View::Live => area.width >= SIDE_FROM,
        View::Log => true,
        View::Calibration | View::Electrodes | View::System => false,
    };
    let keys = if area.height >= 24 { 2 } else { 1 };
    let marks = u16::from(!listed);
    let middle = area.height.saturating_sub(2 + 1 + marks + 1 + keys);
    let mut y = area.y;
    let mut row = |height: u16| {
        let rect = Rect { y, height, ..area };
        y += height;
        rect
    };
    Places {
        header: row(2),
        body: row(middle),
        alarm: row(1),
        marks: row(marks),
        log: row(1),
        keys: row(keys),
    }
}

/// The part of `area` from row `y` on.
fn below(area: Rect, y: u16) -> Rect {
    Rect { y, height: area.bottom().saturating_sub(y), ..area }
}

/// One row of `area`, counted from its top; empty where there is none.
fn row(area: Rect, n: u16) -> Rect {
    if n < area.height { Rect { y: area.y + n, height: 1, ..area } } else { Rect::ZERO }
}

/// Writes a line, cut at the right edge.
fn write<'a>(area: Rect, buffer: &mut Buffer, line: impl Into<Line<'a>>) {
    line.into().render(area.intersection(buffer.area), buffer);
}

/// Writes lines from the top down, as many as there is room for.
fn write_all<'a>(area: Rect, buffer: &mut Buffer, lines: impl IntoIterator<Item = Line<'a>>) {
    for (n, line) in (0..area.height).zip(lines) {
        write(row(area, n), buffer, line);
    }
}

/// Text in a style.
fn styled<'a>(text: impl Into<std::borrow::Cow<'a, str>>, style: Style) -> Span<'a> {
    Span::styled(text, style)
}
