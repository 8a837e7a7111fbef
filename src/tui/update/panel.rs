//! The two panels that take all keys: the stop dialog and the filter panel.

use super::{ask, may_control, reply};
use crate::session::Command;
use crate::session::command::Action;
use crate::tui::app::filter::{Choice, MAINS_HZ};
use crate::tui::app::{App, Mode};
use crate::tui::keys::Key;

/// Only the word `stop` and Enter stop; any other word empties the line.
pub(super) fn press_in_stop(app: &mut App, key: Key, mut typed: String, opened_ns: i64) -> Vec<Command> {
    match key {
        Key::Esc => {
            reply(app, "not stopped");
            return Vec::new();
        }
        Key::Enter if typed == "stop" => {
            reply(app, "stopping: the last rows are on their way into the file");
            return vec![ask(app, "stop", Action::Stop)];
        }
        Key::Enter => {
            typed.clear();
            reply(app, "not stopped: type the word stop, or Esc to keep recording");
        }
        Key::Backspace => drop(typed.pop()),
        Key::Char(c) if typed.len() < 8 => typed.push(c),
        _ => {}
    }
    app.mode = Mode::Stop { typed, opened_ns };
    Vec::new()
}

/// Arrows choose, Enter asks the recorder, anything else that closes changes nothing.
pub(super) fn press_in_filter(app: &mut App, key: Key, mut choice: Choice) -> Vec<Command> {
    match key {
        Key::Esc | Key::Char('F' | 'q') => return Vec::new(),
        Key::Up | Key::Down => choice.step(key == Key::Down),
        Key::Char('N' | 'n') => choice.turn_notches(),
        Key::Char('B' | 'b') => choice.turn_baseline(),
        Key::Char(sign @ ('+' | '-')) => choice.steepen(sign == '+'),
        Key::Left | Key::Right | Key::Tab => choice.mains = (choice.mains + 1) % MAINS_HZ.len(),
        Key::Enter if may_control(app) => {
            let request = choice.request();
            reply(app, format!("filter: {} with {} Hz mains was asked for", request.preset, request.line_hz));
            return vec![ask(app, "filter", Action::Filter(request))];
        }
        _ => {}
    }
    app.mode = Mode::Filter(choice);
    Vec::new()
}
