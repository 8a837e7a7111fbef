//! The channels: a label column, a sweep for each, the time ruler under them, and a stripe over them when
//! the picture is not the present.

use super::found;
use crate::emg::units;
use crate::session::snapshot::ChannelState;
use crate::tui::app::App;
use crate::tui::app::marks::Shown;
use crate::tui::view::{row, styled, words, write};
use crate::tui::widget::ruler::Ruler;
use crate::tui::widget::{Envelope, Sweep, bar};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

/// Cells left blank in front of the pen.
const PEN_GAP: u64 = 2;

/// Draws labels, traces and ruler.
pub(in crate::tui::view) fn draw(app: &App, labels: Rect, traces: Rect, buffer: &mut Buffer) {
    if traces.height < 2 || traces.width < 2 {
        return;
    }
    let shown = shown_channels(app, traces.height - 1);
    let per_channel = shown_height(traces.height - 1, shown.len());
    let wide = u64::from(app.dots.wide());
    let (picture, cells) = (app.picture(), u64::from(traces.width));
    let sweep = Sweep::new(app.window_bins(), cells * wide, picture.end(), PEN_GAP * wide);
    let signs = signs(app, sweep);
    let marks: Vec<u16> = signs.iter().map(|(cell, _)| *cell).collect();
    let mut y = traces.y;
    for channel in shown.clone() {
        let Some(state) = app.snapshot.channels.get(channel) else {
            break;
        };
        label(app, channel, state, Rect { y, height: per_channel, ..labels }, buffer);
        if let Some(scale) = app.scales.get(channel) {
            let style =
                if is(state, "saturated") { app.theme.saturated } else { app.theme.traces[channel % 2] };
            let envelope = Envelope {
                history: picture,
                channel,
                sweep,
                span: scale.span(),
                dots: app.dots,
                style,
                marks: &marks,
                mark_style: app.theme.marker,
            };
            let area = Rect { y, height: per_channel, ..traces };
            envelope.render(area, buffer);
            found::draw(app, channel, sweep, area, buffer);
        }
        y += per_channel;
    }
    let ruler = Ruler {
        seconds: app.window_s(),
        style: app.theme.frame,
        marks: &signs,
        pen: u16::try_from(sweep.pen() / wide).ok(),
        line: app.dots.pick('┊', ':'),
        mark_style: app.theme.marker,
    };
    ruler.render(Rect { y, height: 1, ..traces }, buffer);
    let hidden = app.snapshot.channels.len() - shown.len().min(app.snapshot.channels.len());
    write(Rect { y, height: 1, ..labels }, buffer, under_labels(app, hidden));
    stripe(app, Rect { height: y - traces.y, ..traces }, buffer);
}

/// The channels there is room for, the selected one among them.
fn shown_channels(app: &App, rows: u16) -> std::ops::Range<usize> {
    let all = app.snapshot.channels.len();
    let selected = app.selected.unwrap_or(0);
    if app.zoomed {
        return selected..selected + 1;
    }
    let room = usize::from(rows).min(all);
    let first = (selected + 1).saturating_sub(room).min(all - room);
    first..first + room
}

/// Rows for each channel.
fn shown_height(rows: u16, channels: usize) -> u16 {
    rows.checked_div(u16::try_from(channels).unwrap_or(u16::MAX)).unwrap_or(0)
}

/// What stands left of the ruler: the window, and what is not to be seen.
fn under_labels(app: &App, hidden: usize) -> Line<'static> {
    let mut line = Line::raw(format!(" {} s ", app.window_s()));
    if app.frozen.is_some() {
        line.push_span(styled(" FROZEN ", app.theme.alarm));
    } else if hidden > 0 {
        line.push_span(Span::raw(format!("{hidden} hidden")));
    }
    line
}

/// Whether a channel carries a flag.
fn is(state: &ChannelState, flag: &str) -> bool {
    state.flags.iter().any(|f| f == flag)
}

/// The exceptions of a channel as short words; that all settle is said in the header.
pub(in crate::tui::view) fn exceptions(state: &ChannelState) -> Vec<String> {
    let short = |flag: &String| match flag.as_str() {
        "saturated" => "!SAT".to_owned(),
        other => format!("!{}", other.to_uppercase().chars().take(6).collect::<String>()),
    };
    state.flags.iter().filter(|flag| *flag != "settling").map(short).collect()
}

/// Draws what is known of a channel: name, unit of action, flags, level, full scale, share of the maximum.
fn label(app: &App, n: usize, state: &ChannelState, area: Rect, buffer: &mut Buffer) {
    let width = usize::from(area.width).saturating_sub(1);
    let channel = &state.channel;
    let name_style = if app.selected == Some(n) { app.theme.selected } else { app.theme.title };
    let level = format!("{} {}", words::value(state.level), channel.unit);
    let flags = exceptions(state).join(" ");
    let beside = match (area.height, flags.is_empty()) {
        (1, true) => Span::raw(level.clone()),
        (_, true) if found::is_active(app, n) => {
            styled(format!("* {}", channel.action_unit), app.theme.title)
        }
        (_, true) => Span::raw(channel.action_unit.clone()),
        (_, false) => styled(flags, app.theme.alarm),
    };
    let name = format!("{} {}", n + 1, channel.name);
    let name = words::fit(&name, width.saturating_sub(beside.width() + 1), app.dots);
    let space = " ".repeat(width.saturating_sub(name.chars().count() + beside.width()));
    write(row(area, 0), buffer, Line::from(vec![styled(name, name_style), Span::raw(space), beside]));
    let scale = app.scales.get(n).map_or_else(String::new, |scale| scale.word(app.dots.pick("±", "+-")));
    let share = (!state.mvc_percent.is_nan()).then(|| of_maximum(app, state, width));
    match share {
        // Where there is no row for both, the share of the maximum says more than microvolts.
        Some(share) if area.height == 2 => write(row(area, 1), buffer, share),
        share => {
            write(row(area, 1), buffer, words::apart(&format!("  {level}"), &scale, width));
            write(row(area, 2), buffer, share.unwrap_or_default());
        }
    }
    for y in 0..area.height {
        write(Rect { x: area.right() - 1, width: 1, ..row(area, y) }, buffer, app.dots.pick("│", "|"));
    }
}

/// The share of the maximal contraction as a bar and a number.
fn of_maximum(app: &App, state: &ChannelState, width: usize) -> String {
    let text = format!(" {:>3.0} %MVC", state.mvc_percent);
    let cells = width.saturating_sub(2 + text.chars().count());
    format!("  {}{text}", bar::bar(state.mvc_percent / 100.0, cells, app.dots))
}

/// Where markers stand in the picture: the cell and the sign under it, the key that set it where there is one.
fn signs(app: &App, sweep: Sweep) -> Vec<(u16, char)> {
    let rows = app.picture().rows_per_bin();
    let standing = app.marks.shown().filter(|shown| !shown.retracted);
    let sign = |shown: &Shown<'_>| {
        let label = app.label_of(shown);
        let key = app.snapshot.keys.iter().find(|bound| bound.label == label);
        key.map_or(app.dots.pick('▲', '^'), |bound| bound.key)
    };
    let place = |sample: u64| {
        let cell = sweep.column_of(sample / rows)? / u64::from(app.dots.wide());
        u16::try_from(cell).ok()
    };
    standing.filter_map(|shown| Some((place(shown.marker.sample)?, sign(&shown)))).collect()
}

/// A stripe over the picture when it is old: a still picture looks alive.
fn stripe(app: &App, area: Rect, buffer: &mut Buffer) {
    let text = match (app.silent_since(), app.heard) {
        (Some(since), _) => format!("NO DATA SINCE {}", words::clock(since.utc_ns, app.utc_offset_s)),
        (None, None) if app.lost => "THE RECORDER DOES NOT ANSWER".to_owned(),
        (None, None) => "WAITING FOR THE RECORDER".to_owned(),
        (None, Some(_)) if !app.snapshot.source.alive && !app.snapshot.channels.is_empty() => {
            "NO SAMPLES FROM THE SOURCE".to_owned()
        }
        _ => return,
    };
    let width = units::index(u64::from(area.width));
    let line = styled(format!("{text:^width$}"), app.theme.alarm);
    write(row(area, area.height / 2), buffer, line);
}
