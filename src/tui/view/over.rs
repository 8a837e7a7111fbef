//! What opens over the picture: the stop dialog, the line for a note, the key table.

use super::always::header;
use super::live::found::SIGNS;
use super::{row, styled, words, write, write_all};
use crate::emg::units;
use crate::session::Role;
use crate::session::snapshot::State;
use crate::tui::app::App;
use crate::tui::app::filter::{Choice, MAINS_HZ};
use crate::tui::app::line::{Line, Purpose};
use crate::tui::keys::{Binding, TABLE, command};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text;
use ratatui::widgets::{Block, Clear, Widget};

/// Asks for the word, and says what happens without it.
pub(super) fn stop(app: &App, typed: &str, opened_ns: i64, area: Rect, buffer: &mut Buffer) {
    let lines = stop_lines(app, typed, opened_ns);
    let inner = frame(app, " STOP ", 56, lines.len(), area, buffer);
    write_all(inner, buffer, lines.into_iter().map(text::Line::raw));
}

/// The sentences of the stop dialog.
pub(super) fn stop_lines(app: &App, typed: &str, opened_ns: i64) -> Vec<String> {
    let snapshot = &app.snapshot;
    let left = 15.0 - units::seconds(app.now.host_ns - opened_ns);
    let (what, keep) = match snapshot.state {
        State::Monitoring => ("Stop monitoring? Nothing is being recorded.".to_owned(), "Esc goes on."),
        _ => (
            format!("Stop recording {}?", words::fit(header::file_name(snapshot), 36, app.dots)),
            "Esc keeps recording.",
        ),
    };
    vec![
        what,
        format!("{}, {}", words::hms(snapshot.elapsed_s), header::written(snapshot)),
        String::new(),
        format!("Type the word stop, then Enter: {typed}_"),
        format!("{keep} Closes by itself in {:.0} s.", left.max(0.0).ceil()),
    ]
}

/// What stands before a line of text.
pub(super) fn prompt(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Note => "note: ",
        Purpose::Command => ":",
        Purpose::Search => "/",
    }
}

/// The line that is being typed, and what ends it.
pub(super) fn line(app: &App, line: &Line, area: Rect, buffer: &mut Buffer) {
    let (about, below) = match line.purpose {
        Purpose::Note => {
            let label = app.marks.last().map_or("", |shown| app.label_of(&shown));
            let left = crate::emg::marker::NOTE_BYTES.saturating_sub(line.text.len());
            (format!("NOTE {label}"), format!("Enter sends  Esc cancels  {left} bytes left"))
        }
        Purpose::Command => (":".to_owned(), suggestion(&line.text)),
        Purpose::Search => ("/".to_owned(), "Enter searches log and markers  Esc shows all again".to_owned()),
    };
    let room = usize::from(area.width).saturating_sub(about.trim_end().chars().count() + 5);
    let skipped = line.text.chars().count().saturating_sub(room);
    let tail: String = line.text.chars().skip(skipped).collect();
    let about = styled(format!(" {} ", about.trim_end()), app.theme.alarm);
    write(row(area, 0), buffer, text::Line::from(vec![about, format!(" {tail}_").into()]));
    let off = "markers are off while you type";
    let room = usize::from(area.width);
    let both = below.chars().count() + off.len() + 2 <= room;
    write(row(area, 1), buffer, if both { words::apart(&below, off, room) } else { below });
}

/// What may follow: the names that begin so, or what the one that is meant takes.
fn suggestion(typed: &str) -> String {
    let (word, rest) = typed.split_once(' ').map_or((typed, None), |(word, rest)| (word, Some(rest)));
    match (command::find(word), rest) {
        (Ok(command), _) => format!("{} {}: {}", command.name, command.takes, command.help),
        (Err(_), Some(_)) => "no such command".to_owned(),
        (Err(_), None) => {
            let names = command::TABLE.iter().map(|command| command.name);
            names.filter(|name| name.starts_with(word)).take(9).collect::<Vec<_>>().join("  ")
        }
    }
}

/// The filters that run, those to choose from, and who may choose.
pub(super) fn filter(app: &App, choice: &Choice, area: Rect, buffer: &mut Buffer) {
    let snapshot = &app.snapshot;
    let who = match (app.role(), app.other_in_control()) {
        (Some(Role::ReadOnly), _) => "this screen may only look".to_owned(),
        (_, Some(name)) => format!("{name} has control; :take moves it here"),
        _ => "Enter filters so from the next row on, in the file too".to_owned(),
    };
    let mains = if snapshot.line_hz.is_nan() { "--".to_owned() } else { format!("{:.0}", snapshot.line_hz) };
    let settled = if snapshot.settled {
        "settled".to_owned()
    } else {
        format!("settling {:.0} s", snapshot.settling_s)
    };
    let preset = if snapshot.preset.is_empty() { "--" } else { &snapshot.preset };
    let mut lines = vec![
        text::Line::raw(format!("now      {}", header::chain(snapshot))),
        text::Line::raw(format!("         {preset}, {mains} Hz mains, {settled}")),
        text::Line::raw(""),
    ];
    for (n, (word, what)) in choice.presets.iter().enumerate() {
        let (sign, style) = if n == choice.preset { ('>', app.theme.title) } else { (' ', Style::new()) };
        let head = if n == 0 { "preset" } else { "" };
        lines.push(text::Line::from(vec![
            format!("{head:<7}{sign} ").into(),
            styled(format!("{word:<12}{what}"), style),
        ]));
    }
    let row = |head: &str, words: &[String], at: usize| -> text::Line<'static> {
        let word = |(n, word): (usize, &String)| {
            let (sign, style) = if n == at { ('>', app.theme.title) } else { (' ', Style::new()) };
            styled(format!("{sign} {word}   "), style)
        };
        std::iter::once(format!("{head:<7}").into()).chain(words.iter().enumerate().map(word)).collect()
    };
    lines.push(row("mains", &MAINS_HZ.map(|hz| format!("{hz} Hz")), choice.mains));
    let ends = if choice.notches.is_empty() {
        vec![String::new(), who, "Up Down preset   Left Right mains   Enter asks   Esc closes".to_owned()]
    } else {
        lines.push(row("notch", &choice.notches, choice.notch));
        let mut last = row("base", &choice.baselines, choice.baseline);
        last.spans.insert(0, format!("order  > {:<8}", choice.order).into());
        lines.push(last);
        let keys = "Up Down preset   Left Right mains   N notch   + - order";
        let more = "B base   Enter asks   Esc closes   or :filter notches=50,150";
        vec![String::new(), who, keys.to_owned(), more.to_owned()]
    };
    lines.extend(ends.into_iter().map(text::Line::raw));
    let inner = frame(app, " FILTER ", 62, lines.len(), area, buffer);
    write_all(inner, buffer, lines);
}

/// The live table of keys, or of commands.
pub(super) fn help(app: &App, commands: bool, area: Rect, buffer: &mut Buffer) {
    let (title, lines) = if commands {
        let own: Vec<String> = app.snapshot.keys.iter().map(|k| format!("{} {}", k.key, k.label)).collect();
        let own = if own.is_empty() { "none are configured".to_owned() } else { own.join("  ") };
        let mut lines = command_lines();
        lines.push(format!("Marker keys: {own}"));
        (" COMMANDS AND MARKERS  (Esc closes) ", lines)
    } else {
        (" KEYS  (? commands, Esc closes) ", station_lines())
    };
    let inner = frame(app, title, 78, lines.len(), area, buffer);
    // On the frame, as the tables leave no row of the smallest screen free.
    write(Rect { y: inner.bottom(), height: 1, ..inner }, buffer, SIGNS);
    write_all(inner, buffer, lines.into_iter().map(text::Line::raw));
}

/// The commands, what each takes and does.
fn command_lines() -> Vec<String> {
    let line = |command: &command::Command| {
        let typed = format!(":{} {}", command.name, command.takes);
        format!("{typed:<32} {}", command.help)
    };
    let mut lines: Vec<String> = command::TABLE.iter().map(line).collect();
    lines.push("A held key marks once, a paste never; for exact timing use a trigger.".to_owned());
    lines
}

/// The station's keys, those that do the same on one line.
fn station_lines() -> Vec<String> {
    let mut rows: Vec<(String, &Binding)> = Vec::new();
    for binding in &TABLE {
        match rows.last_mut() {
            Some((names, _)) if binding.help.is_empty() => *names = format!("{names} {}", binding.name),
            _ => rows.push((binding.name.to_owned(), binding)),
        }
    }
    rows.iter().map(|(names, binding)| format!("{names:<20}{}", binding.help)).collect()
}

/// Clears a framed place in the middle and returns its inside.
fn frame(app: &App, title: &str, width: u16, lines: usize, area: Rect, buffer: &mut Buffer) -> Rect {
    let height = u16::try_from(lines).unwrap_or(u16::MAX).saturating_add(2).min(area.height);
    let width = width.min(area.width);
    let place =
        Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height };
    Clear.render(place, buffer);
    let border = app.dots.pick(ratatui::symbols::border::PLAIN, ASCII);
    let block =
        Block::bordered().border_set(border).title(styled(title, app.theme.title)).style(Style::new());
    let inner = block.inner(place);
    block.render(place, buffer);
    inner
}

/// A frame without box-drawing characters.
const ASCII: ratatui::symbols::border::Set<'static> = ratatui::symbols::border::Set {
    top_left: "+",
    top_right: "+",
    bottom_left: "+",
    bottom_right: "+",
    vertical_left: "|",
    vertical_right: "|",
    horizontal_top: "-",
    horizontal_bottom: "-",
};
