//! THE PICTURE: draws an [`App`] into a frame, of any size, and changes nothing.
//!
//! Here is where things stand; what they say is in the files below. Called by the painter and by tests.

mod dialog;
mod foot;
mod header;
mod narrow;
mod side;
mod traces;
mod words;

use super::app::{App, Mode};
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
    labels: Rect,
    traces: Rect,
    side: Rect,
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
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        return narrow::draw(app, area, buffer);
    }
    let places = arrange(area);
    header::draw(app, places.header, buffer);
    traces::draw(app, places.labels, places.traces, buffer);
    side::draw(app, places.side, buffer);
    foot::alarm(app, places.alarm, buffer);
    foot::marks(app, places.marks, buffer);
    foot::log(app, places.log, buffer);
    match &app.mode {
        Mode::Note(text) => dialog::note(app, text, places.keys, buffer),
        _ => foot::keys(app, places.keys, buffer),
    }
    match &app.mode {
        Mode::Stop { typed, opened_ns } => dialog::stop(app, typed, *opened_ns, area, buffer),
        Mode::Help => dialog::help(app, below(area, places.header.bottom()), buffer),
        Mode::Live | Mode::Note(_) => {}
    }
}

/// Divides the screen.
///
/// ```text
///  80x24                                120x40 and up
/// +----------------------------------+ +----------------------------------------------+
/// | header: recording and file       | | header: recording and file                   |
/// | header: source and signal        | | header: source and signal                    |
/// | labels | traces                  | | labels | traces                  | | markers |
/// |   18   | 2 rows a channel        | | 20-24  | 4-6 rows a channel      | | 34-44   |
/// |        | time ruler              | |        |                         | | log     |
/// | alarm                            | |        | time ruler              | | ...     |
/// | last markers                     | | alarm                                        |
/// | reply to the last key, or log    | | reply to the last key, or log                |
/// | keys: markers                    | | keys: markers                                |
/// | keys: station                    | | keys: station                                |
/// +----------------------------------+ +----------------------------------------------+
/// ```
fn arrange(area: Rect) -> Places {
    let wide = area.width >= SIDE_FROM;
    let keys = if area.height >= 24 { 2 } else { 1 };
    let marks = u16::from(!wide);
    let middle = area.height.saturating_sub(2 + 1 + marks + 1 + keys);
    let mut y = area.y;
    let mut row = |height: u16| {
        let rect = Rect { y, height, ..area };
        y += height;
        rect
    };
    let (header, body) = (row(2), row(middle));
    let (label_width, side_width) = match area.width {
        160.. => (24, 44),
        SIDE_FROM.. => (20, 34),
        _ => (18, 0),
    };
    let labels = Rect { width: label_width, ..body };
    let side = Rect { x: body.right() - side_width, width: side_width, ..body };
    let traces = Rect { x: labels.right(), width: side.x - labels.right() - u16::from(wide), ..body };
    Places { header, labels, traces, side, alarm: row(1), marks: row(marks), log: row(1), keys: row(keys) }
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

/// Text in a style.
fn styled<'a>(text: impl Into<std::borrow::Cow<'a, str>>, style: Style) -> Span<'a> {
    Span::styled(text, style)
}
