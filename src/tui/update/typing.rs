//! A line of text being typed or pasted: notes, commands, searches. Markers are off meanwhile.

use super::{command, marking, reply};
use crate::emg::{Stamp, marker};
use crate::session::Command;
use crate::tui::app::line::{Line, Purpose, remember};
use crate::tui::app::{App, Mode};
use crate::tui::keys::{Key, View, command as table};

/// Longest line, bytes: what a note may hold.
const LONGEST: usize = marker::NOTE_BYTES;

/// Pasted text goes into a line, as one line, and nowhere else.
pub(super) fn paste(app: &mut App, text: &str) {
    match &mut app.mode {
        Mode::Line(line) => line.text = marker::clip(&format!("{}{text}", line.text), LONGEST),
        _ => reply(app, "pasted text is not taken as keys"),
    }
}

pub(super) fn press(app: &mut App, at: Stamp, key: Key, mut line: Line) -> Vec<Command> {
    let history = line.purpose == Purpose::Command;
    match key {
        Key::Esc => {
            if line.purpose == Purpose::Search {
                app.log.search.clear();
            }
            return Vec::new();
        }
        Key::Enter => return finish(app, at, &line),
        // Rubbing out the `:` itself closes the line.
        Key::Backspace if history && line.text.is_empty() => return Vec::new(),
        Key::Backspace => drop(line.text.pop()),
        Key::Up | Key::Down if history => line.recall(&app.typed, key == Key::Up),
        Key::Tab if history => complete(&mut line.text),
        Key::Char(c) if line.text.len() + c.len_utf8() <= LONGEST => line.text.push(c),
        _ => {}
    }
    app.mode = Mode::Line(line);
    Vec::new()
}

fn finish(app: &mut App, at: Stamp, line: &Line) -> Vec<Command> {
    let text = line.text.trim();
    match line.purpose {
        Purpose::Search => {
            text.clone_into(&mut app.log.search);
            if !text.is_empty() {
                app.view = View::Log;
                app.scroll(usize::MAX, true);
            }
            Vec::new()
        }
        _ if text.is_empty() => Vec::new(),
        Purpose::Note => marking::note(app, at, text).into_iter().collect(),
        Purpose::Command => {
            remember(&mut app.typed, text);
            command::run(app, at, text).into_iter().collect()
        }
    }
}

/// Completes the name of a command, or a word it takes, where only one begins like it.
fn complete(text: &mut String) {
    if let Some((name, rest)) = text.split_once(' ') {
        let (Ok(command), Some(begun)) = (table::find(name), rest.split(' ').next_back()) else { return };
        let words =
            command.takes.split([' ', '|']).filter(|word| !begun.is_empty() && word.starts_with(begun));
        if let [word] = words.collect::<Vec<_>>()[..] {
            let (word, end) = word.split_once('=').map_or((word, " "), |(key, _)| (key, "="));
            *text = format!("{}{word}{end}", &text[..text.len() - begun.len()]);
        }
        return;
    }
    if let (false, Ok(command)) = (text.is_empty(), table::find(text)) {
        *text = format!("{} ", command.name);
    }
}
