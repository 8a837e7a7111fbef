//! A recording that is looked at again: where its parts stand. What they say is in the files below.
//!
//! ```text
//! | header: state, place, file, size                |
//! | header: window, signal, chain, gaps, markers    |
//! | labels | traces                       | list    |
//! |        | time axis                    | (wide   |
//! |        | markers, gaps, alarms        | only)   |
//! | what is under the cursor                        |
//! | the places beside it (narrow only)              |
//! | what is wrong, or what the last key did         |
//! | keys, or the line that is typed                 |
//! ```

mod axis;
mod foot;
mod header;
mod overlay;
mod traces;

use super::{SIDE_FROM, SMALLEST, row, styled, words, write};
use crate::emg::units;
use crate::tui::app::App;
use crate::tui::app::review::{Mode, Review};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Draws everything.
pub(super) fn draw(app: &App, review: &Review, area: Rect, buffer: &mut Buffer) {
    if review.mode == Mode::Help {
        return foot::help(app, review, area, buffer);
    }
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        return narrow(app, review, area, buffer);
    }
    let wide = area.width >= SIDE_FROM;
    let under = 3 + u16::from(!wide);
    let mut y = area.y;
    let mut take = |height: u16| {
        let rect = Rect { y, height, ..area };
        y += height;
        rect
    };
    let (head, body) = (take(2), take(area.height - 2 - under));
    header::draw(app, review, head, buffer);
    let (label_width, side_width) = match area.width {
        160.. => (24, 44),
        SIDE_FROM.. => (20, 34),
        _ => (18, 0),
    };
    let labels = Rect { width: label_width, ..body };
    let side = Rect { x: body.right() - side_width, width: side_width, ..body };
    let picture = Rect { x: labels.right(), width: side.x - labels.right() - u16::from(wide), ..body };
    traces::draw(app, review, labels, picture, buffer);
    foot::cursor(app, review, take(1), buffer);
    if wide {
        foot::list(app, review, side, buffer);
    } else {
        foot::beside(app, review, take(1), buffer);
    }
    foot::reply_and_keys(app, review, take(2), buffer);
}

/// One fact per line, the most important first, and below them as much of the picture as there is room for.
fn narrow(app: &App, review: &Review, area: Rect, buffer: &mut Buffer) {
    let mut facts = header::facts(app, review, usize::from(area.width));
    let room = area.height.saturating_sub(8);
    if room < 3 {
        facts.insert(1.min(facts.len()), foot::place(review));
    }
    let shown = if room < 3 { area.height } else { area.height - room - 1 };
    for (n, fact) in (0..shown).zip(facts) {
        let line = words::fit(&fact, usize::from(area.width), app.dots);
        let style = if n == 0 { app.theme.state } else { app.theme.frame };
        write(row(area, n), buffer, styled(line, style));
    }
    if room >= 3 {
        let body = Rect { y: area.y + shown, height: room, ..area };
        let label_width = (area.width / 4).min(10);
        let labels = Rect { width: label_width, ..body };
        let picture = Rect { x: labels.right(), width: area.width - label_width, ..body };
        traces::draw(app, review, labels, picture, buffer);
        foot::cursor(app, review, Rect { y: body.bottom(), height: 1, ..area }, buffer);
    }
}

/// A row as the time since the recording's first one.
fn time(review: &Review, row: u64) -> String {
    words::hms_ms(units::float(row) / review.rate_hz())
}
