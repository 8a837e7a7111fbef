//! The channels of a review: labels, envelopes, what lies over them, the time and the places under them.

use super::super::live::found;
use super::super::{row, styled, words, write};
use super::axis::Axis;
use super::overlay::{Cells, lay, say};
use crate::emg::Channel;
use crate::session::review::{Story, Window};
use crate::tui::app::App;
use crate::tui::app::review::landmarks::{Landmark, Sort};
use crate::tui::app::review::{Painted, Review};
use crate::tui::widget::Envelope;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;
use std::ops::Range;

/// Draws labels, traces, time and places.
pub(super) fn draw(app: &App, review: &Review, labels: Rect, picture: Rect, buffer: &mut Buffer) {
    let Some(story) = review.story.as_ref().filter(|_| picture.height >= 3 && picture.width >= 2) else {
        return;
    };
    let shown = shown_channels(review, story.channels.len(), picture.height - 2);
    let per_channel =
        (picture.height - 2).checked_div(u16::try_from(shown.len()).unwrap_or(u16::MAX)).unwrap_or(0);
    let window = review.painted.as_ref().map_or(Window::over(&review.window(), review.raw), |p| p.window);
    let cells = Cells::new(window, picture.width, app.dots.wide());
    let mut y = picture.y;
    for channel in shown.clone() {
        let area = Rect { y, height: per_channel, ..picture };
        label(
            app,
            review,
            channel,
            &story.channels[channel],
            Rect { y, height: per_channel, ..labels },
            buffer,
        );
        if let Some(painted) = &review.painted {
            trace(app, review, painted, channel, area, buffer);
        }
        y += per_channel;
    }
    gaps(app, story, &cells, Rect { height: y - picture.y, ..picture }, buffer);
    for (n, channel) in (0..).zip(shown.clone()) {
        let area = Rect { y: picture.y + n * per_channel, height: per_channel, ..picture };
        over(app, review, &cells, channel, area, buffer);
    }
    cursor(app, review, &cells, Rect { height: y - picture.y, ..picture }, buffer);
    let axis = Axis { rows: &window.rows(), rate_hz: review.rate_hz(), style: app.theme.frame };
    axis.render(Rect { y, height: 1, ..picture }, buffer);
    places(app, review, story, &cells, Rect { y: y + 1, height: 1, ..picture }, buffer);
    let hidden = story.channels.len() - shown.len();
    if hidden > 0 {
        write(Rect { y, height: 1, ..labels }, buffer, format!(" {hidden} hidden"));
    }
}

/// The channels there is room for, the selected one among them.
fn shown_channels(review: &Review, all: usize, rows: u16) -> Range<usize> {
    let selected = review.selected.unwrap_or(0);
    if review.zoomed && selected < all {
        return selected..selected + 1;
    }
    let room = usize::from(rows).min(all);
    let first = (selected + 1).saturating_sub(room).min(all - room);
    first..first + room
}

fn trace(app: &App, review: &Review, painted: &Painted, channel: usize, area: Rect, buffer: &mut Buffer) {
    let Some(scale) = review.scales.get(channel) else { return };
    let envelope = Envelope {
        history: &painted.bins,
        channel,
        sweep: Review::sweep(painted.window, u64::from(area.width) * u64::from(app.dots.wide())),
        span: scale.span(),
        dots: app.dots,
        style: app.theme.traces[channel % 2],
        marks: &[],
        mark_style: app.theme.marker,
    };
    envelope.render(area, buffer);
}

/// What lies over one channel: filters that settle, judgements, the stretch that is being judged, muscle events.
fn over(app: &App, review: &Review, cells: &Cells, channel: usize, area: Rect, buffer: &mut Buffer) {
    let Some(story) = &review.story else { return };
    let underlined = Style::new().add_modifier(Modifier::UNDERLINED | Modifier::DIM);
    for settling in story.settling.iter().filter(|one| one.channel == channel && !review.raw) {
        let bottom = Rect { y: area.bottom().saturating_sub(1), height: 1, ..area };
        lay(bottom, cells.touching(&settling.rows), '~', underlined, buffer);
    }
    let reversed = Style::new().add_modifier(Modifier::REVERSED);
    for one in story.artefacts.iter().filter(|one| !one.retracted && one.is_on(channel)) {
        lay(area, cells.touching(&(one.onset..one.end)), app.dots.pick('▒', '%'), reversed, buffer);
    }
    if let Some(onset) = review.onset
        && review.selected.is_none_or(|selected| selected == channel)
    {
        let rows = onset.min(review.cursor)..onset.max(review.cursor) + 1;
        lay(area, cells.touching(&rows), app.dots.pick('░', '='), app.theme.selected, buffer);
    }
    found::edge(app, area, buffer, |x| {
        let (at, event) = story.events.latest(channel, cells.rows(x)?)?;
        Some((at, found::sign(event.class)))
    });
}

/// Hatches what is missing, and says why; where nobody knows how many rows are, there is none to hatch but a line.
fn gaps(app: &App, story: &Story, cells: &Cells, area: Rect, buffer: &mut Buffer) {
    for gap in &story.gaps {
        let lost = match cells.of(gap.sample).filter(|_| !gap.exact) {
            Some(cell) => cell..cell + 1,
            None => cells.lost(gap),
        };
        if !lost.is_empty() {
            lay(area, lost.clone(), app.dots.pick('╱', '/'), app.theme.frame, buffer);
            say(area, &lost, &format!("{} {}", gap.cause.word(), gap.missing), app.theme.alarm, buffer);
        }
    }
}

fn cursor(app: &App, review: &Review, cells: &Cells, area: Rect, buffer: &mut Buffer) {
    if let Some(cell) = cells.of(review.cursor) {
        // Not the character of a trace, which must be told from it.
        lay(area, cell..cell + 1, app.dots.pick('│', ':'), app.theme.marker, buffer);
    }
}

/// Signs under the time: gaps and alarms, then markers with as much of their labels as has room, then the cursor.
fn places(app: &App, review: &Review, story: &Story, cells: &Cells, area: Rect, buffer: &mut Buffer) {
    let area = area.intersection(buffer.area);
    if area.is_empty() {
        return;
    }
    let stands = |one: &&Landmark| one.stands;
    let of = |sort| review.landmarks.all(sort).iter().filter(stands);
    let found = |one: &Landmark| cells.of(one.row).map(|cell| (cell, one.text.clone()));
    let markers: Vec<(u16, String)> = of(Sort::Markers).filter_map(found).collect();
    for (n, (cell, text)) in markers.iter().enumerate() {
        let next = markers.get(n + 1).map_or(area.width, |(next, _)| *next);
        let room = usize::from(next.saturating_sub(*cell));
        let text = words::fit(&format!("{}{text}", app.dots.pick('▲', '^')), room.max(1), app.dots);
        buffer.set_stringn(area.x + cell, area.y, text, room.max(1), app.theme.marker);
    }
    let alarms = story.log.iter().filter(|line| line.level == 1).filter_map(|line| line.row);
    let signs = story.gaps.iter().map(|gap| (gap.sample, 'x')).chain(alarms.map(|row| (row, '!')));
    for (cell, sign) in signs.filter_map(|(row, sign)| cells.of(row).map(|cell| (cell, sign))) {
        buffer[(area.x + cell, area.y)].set_char(sign).set_style(app.theme.alarm);
    }
    if let Some(cell) = cells.of(review.cursor) {
        let style = app.theme.selected;
        let cell = &mut buffer[(area.x + cell, area.y)];
        if cell.symbol() == " " {
            cell.set_char(app.dots.pick('│', ':'));
        }
        cell.set_style(style);
    }
}

/// Name, unit of action, unit and full scale.
fn label(app: &App, review: &Review, n: usize, channel: &Channel, area: Rect, buffer: &mut Buffer) {
    let width = usize::from(area.width).saturating_sub(1);
    let style = if review.selected == Some(n) { app.theme.selected } else { app.theme.title };
    let scale = review.scales.get(n).map_or_else(String::new, |scale| scale.word(app.dots.pick("±", "+-")));
    let beside = match (area.height, width) {
        (0..=1, 14..) => scale.clone(),
        (0..=1, _) => String::new(),
        _ => channel.action_unit.clone(),
    };
    let name = words::fit(
        &format!("{} {}", n + 1, channel.name),
        width.saturating_sub(beside.chars().count() + 1),
        app.dots,
    );
    let space = " ".repeat(width.saturating_sub(name.chars().count() + beside.chars().count()));
    write(row(area, 0), buffer, Line::from(vec![styled(name, style), Span::raw(space), Span::raw(beside)]));
    write(row(area, 1), buffer, format!("  {scale} {}", channel.unit));
    for y in 0..area.height {
        write(
            Rect { x: area.right().saturating_sub(1), width: 1, ..row(area, y) },
            buffer,
            app.dots.pick("│", "|"),
        );
    }
}

/// The lowest and highest value of a channel under the cursor, where there is any.
pub(super) fn value(review: &Review, channel: usize) -> Option<(f32, f32)> {
    let painted = review.painted.as_ref()?;
    let bin = (review.cursor / painted.window.rows_per_bin).checked_sub(painted.window.first)?;
    painted.bins.extent(channel, bin, bin + 1)
}

/// A value or a range of them.
pub(super) fn values((low, high): (f32, f32)) -> String {
    let (low, high) = (f64::from(low), f64::from(high));
    let (from, to) = (words::value(low), words::value(high));
    if from == to { from } else { format!("{from} to {to}") }
}
