//! THE ELECTRODES: what each one gives, how quiet it can be, how much it hums, what it sits at, how much of the range
//! it uses, its last minute, where it is; and what it needs, where it needs something.

use super::live::traces::exceptions;
use super::{row, styled, words, write};
use crate::emg::Channel;
use crate::emg::finding::quality::flag;
use crate::emg::units;
use crate::face::quality::advice;
use crate::session::Alarm;
use crate::session::snapshot::ChannelState;
use crate::tui::app::App;
use crate::tui::app::trends::SECONDS;
use crate::tui::widget::{Column, Spark, columns};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

/// Numbers of an electrode.
const COLUMNS: [Column; 8] = [
    Column::right("#", 2),
    Column::left("ELECTRODE", 10),
    Column::right("LEVEL", 7),
    Column::right("FLOOR", 7),
    Column::right("HUM", 6),
    Column::right("OFFSET", 7),
    Column::right("RANGE", 6),
    Column::left("UNIT", 5),
];
/// Rows of one electrode, at most: numbers, place, advice, a blank one.
const MOST_ROWS: u16 = 4;
/// Widest column of numbers and words.
const WORDS: u16 = 83;
/// A bar is full at this many times the floor, unless it was higher: so that rest looks like rest.
const FULL_FLOORS: f64 = 10.0;

/// Draws the view.
pub(super) fn draw(app: &App, body: Rect, buffer: &mut Buffer) {
    let used = u16::try_from(columns::width(&COLUMNS) + 2).unwrap_or(u16::MAX);
    let minute = u16::try_from(SECONDS).unwrap_or(u16::MAX).min(body.width.saturating_sub(used));
    // On wide screens the minute stands near the numbers, so that the eye finds its row.
    let spark = Rect { x: body.x + (body.width - minute).min(WORDS), width: minute, ..body };
    write(row(body, 0), buffer, styled(columns::heading(&COLUMNS), app.theme.title));
    write(row(spark, 0), buffer, styled("LEVEL, LAST 60 s", app.theme.title));
    let all = app.snapshot.channels.len();
    let rows = body.height.saturating_sub(1);
    let each = rows.checked_div(u16::try_from(all).unwrap_or(u16::MAX)).unwrap_or(0).clamp(1, MOST_ROWS);
    let room = usize::from(rows / each).min(all);
    let first = (app.selected.unwrap_or(0) + 1).saturating_sub(room).min(all - room);
    let mut y = body.y + 1;
    for (n, state) in app.snapshot.channels.iter().enumerate().skip(first).take(room) {
        let place = Rect { y, height: each, ..body };
        electrode(app, (n, state), place, Rect { y, height: each, ..spark }, buffer);
        y += each;
    }
}

/// Draws one electrode: numbers and minute, then where it is and what it needs, as far as there are rows.
fn electrode(app: &App, (n, state): (usize, &ChannelState), place: Rect, spark: Rect, buffer: &mut Buffer) {
    let style = if app.selected == Some(n) { app.theme.selected } else { Style::new() };
    write(row(place, 0), buffer, styled(numbers(n, state), style));
    let need = need(app, n, state);
    let text = Rect { width: spark.x - place.x, ..place };
    let (width, left) = (usize::from(place.width), usize::from(text.width));
    if place.height == 1
        && let Some(need) = need
    {
        return write(spark, buffer, need);
    }
    bars(app, n, state, Rect { height: (place.height - 1).max(1), ..spark }, buffer);
    let indent =
        |text: String, width: usize| format!("   {}", words::cut(&text, width.saturating_sub(4), app.dots));
    match (place.height, need) {
        // The need is more important than the place, and may be longer than what stands beside the minute.
        (2, Some(need)) => write(row(place, 1), buffer, need),
        (2, None) => write(row(place, 1), buffer, indent(position(&state.channel), width)),
        (_, need) => {
            write(row(text, 1), buffer, indent(position(&state.channel), left));
            if let Some(need) = need {
                write(row(text, 2), buffer, need);
            }
        }
    }
}

/// The numbers in their columns.
fn numbers(n: usize, state: &ChannelState) -> String {
    let share =
        if state.range_percent.is_nan() { "--".to_owned() } else { format!("{:.0} %", state.range_percent) };
    let cells = [
        (n + 1).to_string(),
        state.channel.name.clone(),
        words::value(state.level),
        words::value(state.floor),
        words::value(state.line_level),
        words::value(state.offset),
        share,
        state.channel.unit.clone(),
    ];
    columns::line(&COLUMNS, cells)
}

/// Draws the last minute.
fn bars(app: &App, n: usize, state: &ChannelState, area: Rect, buffer: &mut Buffer) {
    let Some(values) = app.trends.levels.get(n) else { return };
    let largest = values.iter().copied().fold(f64::NAN, f64::max);
    let full = if state.mvc_percent.is_nan() { largest.max(FULL_FLOORS * state.floor) } else { 100.0 };
    Spark { values, full, dots: app.dots, style: app.theme.traces[n % 2] }.render(area, buffer);
}

/// What an electrode needs: its flags, and the advice of the alarm about it, else that about its first flag.
fn need(app: &App, n: usize, state: &ChannelState) -> Option<Line<'static>> {
    let flags = exceptions(state).join(" ");
    let about = |alarm: &&Alarm| alarm.channel.is_some_and(|at| u64::from(at) == units::wide(n));
    let advice = app.snapshot.alarms.iter().find(about).map(|alarm| alarm.advice.clone());
    if flags.is_empty() && advice.is_none() {
        return None;
    }
    let advice = advice.or_else(|| advice_about(state).map(str::to_owned));
    let chip = if flags.is_empty() { "!".to_owned() } else { flags };
    let chip = styled(format!(" {chip} "), app.theme.alarm);
    Some(Line::from(vec![Span::raw("   "), chip, format!(" {}", advice.unwrap_or_default()).into()]))
}

/// What to do about the first flag that is an exception.
fn advice_about(state: &ChannelState) -> Option<&'static str> {
    let bit = |word: &String| flag::WORDS.iter().find(|(_, known)| known == word).map(|(bit, _)| *bit);
    let set =
        state.flags.iter().filter_map(bit).filter(|bit| *bit != flag::SETTLING).fold(0, |all, bit| all | bit);
    advice(set, state.channel.kind).first().copied()
}

/// Where an electrode sits and what it is, as far as the montage says.
fn position(channel: &Channel) -> String {
    let mm =
        |value: f64, word: &str| if value.is_nan() { String::new() } else { format!("{value} mm {word}") };
    let impedance = if channel.impedance_kohm.is_nan() {
        String::new()
    } else {
        format!("{} kohm", channel.impedance_kohm)
    };
    let muscle = format!("{} {}", channel.muscle, channel.side).trim().to_owned();
    let facts = [
        muscle,
        channel.action_unit.clone(),
        channel.position.clone(),
        channel.electrode.clone(),
        mm(channel.size_mm, "contact"),
        mm(channel.spacing_mm, "apart"),
        impedance,
        channel.sensor.clone(),
    ];
    let known: Vec<String> = facts.into_iter().filter(|fact| !fact.is_empty()).collect();
    if known.is_empty() { "its place is not in the montage".to_owned() } else { known.join(", ") }
}
