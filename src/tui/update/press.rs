//! What the user types, turned into changes of the screen and commands. Keys are looked up in `keys`.

use super::{ask, leave, marking, may_command, may_write, reply};
use crate::emg::{Stamp, marker};
use crate::session::Command;
use crate::session::command::Action;
use crate::session::snapshot::{MarkKey, State};
use crate::tui::app::scale::Scale;
use crate::tui::app::{App, Mode, WINDOWS_S};
use crate::tui::keys::{self, Act, Key};

/// Pasted text goes into a note, in one line, and nowhere else.
pub(super) fn paste(app: &mut App, text: &str) {
    match &mut app.mode {
        Mode::Note(note) => *note = marker::clip(&format!("{note}{text}"), marker::NOTE_BYTES),
        _ => reply(app, "pasted text is not taken as keys"),
    }
}

pub(super) fn press(app: &mut App, at: Stamp, key: Key) -> Vec<Command> {
    if key == Key::Ctrl('c') {
        leave(app);
        return Vec::new();
    }
    match std::mem::replace(&mut app.mode, Mode::Live) {
        Mode::Note(text) => press_in_note(app, at, key, text),
        Mode::Stop { typed, opened_ns } => press_in_stop(app, key, typed, opened_ns),
        Mode::Help if matches!(key, Key::Esc | Key::Char('?' | 'q')) => Vec::new(),
        mode => {
            app.mode = mode;
            press_live(app, at, key)
        }
    }
}

fn press_in_note(app: &mut App, at: Stamp, key: Key, mut text: String) -> Vec<Command> {
    match key {
        Key::Esc => return Vec::new(),
        Key::Enter if text.trim().is_empty() => return Vec::new(),
        Key::Enter => return marking::note(app, at, None, text.trim()).into_iter().collect(),
        Key::Backspace => drop(text.pop()),
        Key::Char(c) if text.len() + c.len_utf8() <= marker::NOTE_BYTES => text.push(c),
        _ => {}
    }
    app.mode = Mode::Note(text);
    Vec::new()
}

fn press_in_stop(app: &mut App, key: Key, mut typed: String, opened_ns: i64) -> Vec<Command> {
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

fn press_live(app: &mut App, at: Stamp, key: Key) -> Vec<Command> {
    let bound = |c: char| app.snapshot.keys.iter().find(|bound| bound.key == c).cloned();
    match (keys::act_of(key), key) {
        (Some(act), _) => obey(app, at, key, act).into_iter().collect(),
        (None, Key::Char(c)) => {
            if let Some(bound) = bound(c) {
                marking::mark(app, at, key, &bound).into_iter().collect()
            } else {
                reply(app, format!("`{c}` is bound to nothing: ? lists the keys"));
                Vec::new()
            }
        }
        _ => Vec::new(),
    }
}

fn obey(app: &mut App, at: Stamp, key: Key, act: Act) -> Option<Command> {
    match act {
        Act::Mark => {
            let guard_ms = keys::GUARD_MS;
            let plain = MarkKey { key: ' ', label: "mark".to_owned(), guard_ms, ..MarkKey::default() };
            return marking::mark(app, at, key, &plain);
        }
        Act::Retract => return marking::retract(app, at, key),
        Act::Note if may_write(app) => app.mode = Mode::Note(String::new()),
        Act::Stop if may_command(app) => {
            app.mode = Mode::Stop { typed: String::new(), opened_ns: app.now.host_ns };
        }
        Act::Record if may_command(app) => return record(app),
        Act::Note | Act::Stop | Act::Record => {}
        Act::Gain(larger) => each_scale(app, |scale, _, _| scale.step(!larger)),
        Act::Fit => each_scale(app, |_, kind, extent| Scale::fit(kind, extent)),
        Act::Window(longer) => {
            let step = if longer { app.window + 1 } else { app.window.saturating_sub(1) };
            app.window = step.min(WINDOWS_S.len() - 1);
        }
        Act::Zoom => {
            app.selected = app.selected.or(Some(0)).filter(|_| !app.snapshot.channels.is_empty());
            app.zoomed = !app.zoomed && app.selected.is_some();
        }
        Act::Select(down) => select(app, down),
        Act::Freeze => app.frozen = if app.frozen.is_some() { None } else { Some(app.history.clone()) },
        Act::Help => app.mode = if app.mode == Mode::Help { Mode::Live } else { Mode::Help },
        Act::Close => {
            app.mode = Mode::Live;
            app.selected = None;
            app.zoomed = false;
            app.frozen = None;
        }
        Act::Detach => leave(app),
    }
    None
}

/// Selects the next channel; past the last one, none.
fn select(app: &mut App, down: bool) {
    let last = app.snapshot.channels.len().checked_sub(1);
    app.selected = match (app.selected, last) {
        (None, Some(last)) => Some(if down { 0 } else { last }),
        (Some(at), Some(last)) if down => (at < last).then_some(at + 1),
        (Some(at), _) => at.checked_sub(1),
        (None, None) => None,
    };
    app.zoomed &= app.selected.is_some();
}

/// Changes the scale of the selected channel, or of all.
fn each_scale(app: &mut App, change: impl Fn(Scale, crate::emg::Kind, (f32, f32)) -> Scale) {
    let end = app.history.end();
    let from = end.saturating_sub(app.window_bins());
    for (n, (scale, state)) in app.scales.iter_mut().zip(&app.snapshot.channels).enumerate() {
        if app.selected.is_none_or(|selected| selected == n) {
            let extent = app.history.extent(n, from, end).unwrap_or_default();
            *scale = change(*scale, state.channel.kind, extent);
        }
    }
}

fn record(app: &mut App) -> Option<Command> {
    if app.snapshot.state == State::Monitoring {
        return Some(ask(app, "record", Action::Record));
    }
    reply(app, "already recording");
    None
}
