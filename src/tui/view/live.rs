//! THE LIVE VIEW: labels, traces and their time; on larger screens markers, log and numbers beside them.
//!
//! ```text
//!  80x24                                120x40 and up
//! +----------------------------------+ +----------------------------------------------+
//! | labels | traces                  | | labels | traces                  | | models  |
//! |   18   | 2 rows a channel        | | 20-24  | 4-6 rows a channel      | | markers |
//! |        | time ruler              | |        |                         | | 34-44   |
//! | models, a row each               | |        | time ruler              | | log     |
//! +----------------------------------+ +----------------------------------------------+
//! ```

pub(super) mod found;
pub(super) mod models;
pub(super) mod side;
pub(super) mod traces;

use super::SIDE_FROM;
use crate::tui::app::App;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Draws the view.
pub(super) fn draw(app: &App, body: Rect, buffer: &mut Buffer) {
    let (label_width, side_width) = match body.width {
        160.. => (24, 44),
        SIDE_FROM.. => (20, 34),
        _ => (18, 0),
    };
    let below = if side_width == 0 { models::small_height(app) } else { 0 };
    let whole = body;
    let body = Rect { height: body.height.saturating_sub(below), ..body };
    models::rows(app, Rect { y: body.bottom(), height: below, ..whole }, buffer);
    let labels = Rect { width: label_width, ..body };
    let side = Rect { x: body.right() - side_width, width: side_width, ..body };
    let apart = u16::from(side_width > 0);
    let traces = Rect { x: labels.right(), width: side.x - labels.right() - apart, ..body };
    traces::draw(app, labels, traces, buffer);
    side::draw(app, side, buffer);
}
