//! Under the picture: what is at the cursor, the places about it, what is wrong, the keys.

use super::super::live::found::CLASSES;
use super::super::{row, styled, words, write};
use super::{time, traces};
use crate::emg::Event;
use crate::session::review::Story;
use crate::tui::app::App;
use crate::tui::app::review::landmarks::{Landmark, Sort};
use crate::tui::app::review::places::told;
use crate::tui::app::review::{Mode, Review};
use crate::tui::keys::review::{Binding, Step, TABLE};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget};

/// Where the cursor is.
pub(super) fn place(review: &Review) -> String {
    format!("{} row {}", time(review, review.cursor), review.cursor)
}

/// Everything that holds at the cursor.
pub(super) fn cursor(app: &App, review: &Review, area: Rect, buffer: &mut Buffer) {
    let Some(story) = &review.story else { return };
    let mut line = Line::from(styled(place(review), app.theme.title));
    let mut say = |text: String, is_loud: bool| {
        line.push_span(Span::raw("  "));
        line.push_span(styled(text, if is_loud { app.theme.alarm } else { app.theme.frame }));
    };
    if let Some(onset) = review.onset {
        say(format!("ARTEFACT from {}: ) ends it", time(review, onset)), true);
    }
    if let Some((channel, value)) = review.selected.and_then(|n| Some((n, traces::value(review, n)?))) {
        let channel = &story.channels[channel];
        say(format!("{} {} {}", channel.name, traces::values(value), channel.unit), false);
    }
    let at = review.cursor;
    let lost = story
        .gaps
        .iter()
        .find(|gap| (gap.sample..gap.sample.saturating_add(gap.filled().max(1))).contains(&at));
    if let Some(gap) = lost {
        let about = if gap.exact { "" } else { "about " };
        say(format!("GAP {about}{} rows: {}", gap.missing, gap.cause.word()), true);
    }
    let is_on = |channel: usize| review.selected.is_none_or(|selected| selected == channel);
    let settling = story.settling.iter().find(|one| is_on(one.channel) && one.rows.contains(&at));
    if let Some(settling) = settling.filter(|_| !review.raw) {
        say(format!("filter settling after {}", settling.reason), false);
    }
    if let Some(one) = review.judged() {
        let who = if one.coder.is_empty() { &one.rule } else { &one.coder };
        let note = if one.note.is_empty() { String::new() } else { format!(": {}", one.note) };
        say(format!("artefact by {who}{note}"), false);
    }
    if let Some(event) = at_cursor(review, story) {
        say(event, false);
    }
    write(area, buffer, line);
}

/// The muscle events at the cursor, on the selected channel if there is one: the last of them, and how many more.
fn at_cursor(review: &Review, story: &Story) -> Option<String> {
    let rows = review.cursor..review.cursor + 1;
    let on = |channel: &usize| review.selected.is_none_or(|selected| selected == *channel);
    let here = (0..story.channels.len()).filter(on);
    let here: Vec<&Event> =
        here.filter_map(|channel| story.events.latest(channel, &rows)).map(|(_, event)| event).collect();
    let last = here.iter().max_by_key(|event| event.onset)?;
    let unit = story.channels.get(usize::from(last.channel)).map_or("", |channel| &*channel.unit);
    let peak = format!(", {} {unit}", words::value(last.peak));
    let share = format!(" ({:.0} %MVC)", last.mvc_percent);
    let share = if last.mvc_percent.is_nan() { "" } else { &share };
    let more = if here.len() > 1 { format!(" and {} more", here.len() - 1) } else { String::new() };
    Some(format!("{}{peak}{share}{more}", told(last, &story.channels, review.rate_hz())))
}

/// A heading that says which places the jumps go by.
fn heading(app: &App, review: &Review) -> Span<'static> {
    let (places, sort) = (review.places(), review.sort);
    let at = places.last_at(review.cursor).map_or(0, |at| at + 1);
    let story = review.story.as_ref().filter(|_| sort == Sort::Events);
    let on = story.and_then(|story| story.channels.get(review.selected?));
    let on = on.map_or_else(String::new, |channel| format!(" {}", channel.name));
    styled(format!("{}{on} {at}/{}", sort.word().to_uppercase(), places.len()), app.theme.title)
}

/// The place at or before the cursor, and those about it, on one line.
pub(super) fn beside(app: &App, review: &Review, area: Rect, buffer: &mut Buffer) {
    let mut line = Line::from(heading(app, review));
    let places = review.places();
    let at = places.last_at(review.cursor);
    let from = at.unwrap_or(0);
    for (n, one) in (from..from + 4).filter_map(|n| Some((n, places.get(n)?))) {
        line.push_span(Span::raw("  "));
        line.push_span(entry(app, review, &one, at == Some(n)));
    }
    write(area, buffer, line);
}

/// A column of places about the cursor.
pub(super) fn list(app: &App, review: &Review, area: Rect, buffer: &mut Buffer) {
    write(row(area, 0), buffer, Line::from(heading(app, review)));
    let places = review.places();
    let room = usize::from(area.height).saturating_sub(1);
    let at = places.last_at(review.cursor);
    let first = at.unwrap_or(0).saturating_sub(room / 2).min(places.len().saturating_sub(room));
    for (y, (n, one)) in (1..area.height).zip((first..).map_while(|n| Some((n, places.get(n)?)))) {
        write(row(area, y), buffer, Line::from(entry(app, review, &one, at == Some(n))));
    }
}

/// A place in a list; the one the cursor is at or behind carries a sign.
fn entry(app: &App, review: &Review, one: &Landmark, is_here: bool) -> Span<'static> {
    let sign = if is_here { ">" } else { " " };
    let style = if is_here { app.theme.title } else { app.theme.frame };
    styled(format!("{sign}{} {}", time(review, one.row), one.text), style)
}

/// The last two lines: what is wrong or what the last key did, then the keys; what is wrong has both if it is long.
pub(super) fn reply_and_keys(app: &App, review: &Review, area: Rect, buffer: &mut Buffer) {
    let trouble = review.story.as_ref().map(|story| story.trouble.as_str()).filter(|text| !text.is_empty());
    if let Some(wrong) = review.refused.as_deref().or(trouble) {
        let width = usize::from(area.width).saturating_sub(2);
        let types = matches!(review.mode, Mode::Goto(_) | Mode::Note(..));
        let (first, second) = if types { (wrong, "") } else { broken(wrong, width) };
        let loud = |text: &str| styled(format!(" {} ", words::fit(text, width, app.dots)), app.theme.alarm);
        write(row(area, 0), buffer, loud(first));
        if !second.is_empty() {
            return write(row(area, 1), buffer, loud(second));
        }
    } else if let Some((_, text)) = &app.reply {
        write(row(area, 0), buffer, styled(format!("> {text}"), app.theme.title));
    } else if review.story.is_none() {
        write(row(area, 0), buffer, "opening the recording");
    }
    keys(app, review, row(area, 1), buffer);
}

/// A sentence in two lines, broken between words if it can be.
fn broken(text: &str, width: usize) -> (&str, &str) {
    let Some((end, _)) = text.char_indices().nth(width) else { return (text, "") };
    let at = text[..end].rfind(' ').unwrap_or(end);
    (&text[..at], text[at..].trim_start())
}

/// The line that is typed, or the keys.
fn keys(app: &App, review: &Review, area: Rect, buffer: &mut Buffer) {
    match &review.mode {
        Mode::Goto(text) => {
            let help = "Enter goes  Esc cancels  1:02:03.5, 123.4 or #row";
            write(area, buffer, typed(app, " GOTO ", text, help, area.width));
        }
        Mode::Note(_, text) => {
            write(area, buffer, typed(app, " NOTE ", text, "Enter keeps  Esc cancels", area.width));
        }
        Mode::Keys | Mode::Help => {
            let codes = review.story.as_ref().is_some_and(|story| !story.coder.is_empty());
            let useful = |b: &&Binding| !b.hint.is_empty() && (codes || !b.step.judges());
            let (ends, rest): (Vec<&Binding>, Vec<&Binding>) =
                TABLE.iter().filter(useful).partition(|b| matches!(b.step, Step::Help | Step::Leave));
            let ends = ends.iter().map(|b| b.hint).collect::<Vec<_>>().join("  ");
            let mut line = String::new();
            for hint in rest.iter().map(|b| b.hint) {
                if line.len() + hint.len() + ends.len() + 4 <= usize::from(area.width) {
                    line += hint;
                    line += "  ";
                }
            }
            write(area, buffer, line + &ends);
        }
    }
}

/// A typed text, its end always to be seen.
fn typed(app: &App, title: &'static str, text: &str, help: &str, width: u16) -> Line<'static> {
    let room = usize::from(width).saturating_sub(title.len() + help.len() + 4);
    let skipped = text.chars().count().saturating_sub(room);
    let tail: String = text.chars().skip(skipped).collect();
    Line::from(vec![styled(title, app.theme.alarm), Span::raw(format!(" {tail}_  {help}"))])
}

/// The live key table, over everything.
pub(super) fn help(app: &App, review: &Review, area: Rect, buffer: &mut Buffer) {
    Clear.render(area.intersection(buffer.area), buffer);
    let codes = review.story.as_ref().is_some_and(|story| !story.coder.is_empty());
    let mut lines: Vec<(String, &str)> = Vec::new();
    for binding in TABLE.iter().filter(|b| codes || !b.step.judges()) {
        match lines.last_mut() {
            Some((names, _)) if binding.help.is_empty() => *names = format!("{names} {}", binding.name),
            _ => lines.push((binding.name.to_owned(), binding.help)),
        }
    }
    write(row(area, 0), buffer, styled(" KEYS OF A REVIEW  (Esc closes) ", app.theme.state));
    for (n, (names, help)) in (1..).zip(lines) {
        write(row(area, n), buffer, format!(" {:<12}{help}", format!("{names} ")));
    }
    let last = row(area, area.height.saturating_sub(2));
    write(last, buffer, format!(" Traces: {CLASSES}"));
    let last = row(area, area.height.saturating_sub(1));
    write(last, buffer, " Under the time: ^ marker  x gap  ! alarm");
}
