//! What the user types, turned into changes of the screen and commands. Keys are looked up in `keys`.

use super::{ask, calibration, leave, marking, may_command, may_control, may_write, panel, reply, typing};
use crate::emg::Stamp;
use crate::session::Command;
use crate::session::command::Action;
use crate::session::snapshot::{MarkKey, State};
use crate::tui::app::filter::Choice;
use crate::tui::app::line::{Line, Purpose};
use crate::tui::app::scale::Scale;
use crate::tui::app::{App, Mode, WINDOWS_S};
use crate::tui::keys::{self, Act, Key, View};

/// Lines of the log that Page Up and Page Down go by.
const PAGE: usize = 10;

pub(super) fn press(app: &mut App, at: Stamp, key: Key) -> Vec<Command> {
    if key == Key::Ctrl('c') {
        leave(app);
        return Vec::new();
    }
    match std::mem::replace(&mut app.mode, Mode::Keys) {
        Mode::Line(line) => typing::press(app, at, key, line),
        Mode::Stop { typed, opened_ns } => panel::press_in_stop(app, key, typed, opened_ns),
        Mode::Filter(choice) => panel::press_in_filter(app, key, choice),
        Mode::Help { .. } if matches!(key, Key::Esc | Key::Char('q')) => Vec::new(),
        mode => {
            app.mode = mode;
            press_key(app, at, key)
        }
    }
}

fn press_key(app: &mut App, at: Stamp, key: Key) -> Vec<Command> {
    if let (View::Calibration, Some(step)) = (app.view, keys::calibration::step_of(key)) {
        return calibration::press(app, step).into_iter().collect();
    }
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

/// Does what a key stands for.
pub(super) fn obey(app: &mut App, at: Stamp, key: Key, act: Act) -> Option<Command> {
    match act {
        Act::Mark => {
            let guard_ms = keys::GUARD_MS;
            let plain = MarkKey { key: ' ', label: "mark".to_owned(), guard_ms, ..MarkKey::default() };
            return marking::mark(app, at, key, &plain);
        }
        Act::Retract => return marking::retract(app, at, key),
        Act::Note if may_write(app) => app.mode = Mode::Line(Line::new(Purpose::Note)),
        Act::Stop if may_control(app) => {
            app.mode = Mode::Stop { typed: String::new(), opened_ns: app.now.host_ns };
        }
        Act::Record if may_control(app) => return record(app),
        Act::Note | Act::Stop | Act::Record => {}
        Act::Acknowledge => return acknowledge(app),
        Act::Filter => app.mode = Mode::Filter(Choice::of(&app.snapshot)),
        Act::Command => app.mode = Mode::Line(Line::new(Purpose::Command)),
        Act::Search => app.mode = Mode::Line(Line::new(Purpose::Search)),
        Act::Help => {
            app.mode = match app.mode {
                Mode::Help { commands: false } => Mode::Help { commands: true },
                Mode::Help { commands: true } => Mode::Keys,
                _ => Mode::Help { commands: false },
            };
        }
        Act::Close => close(app),
        Act::Detach => leave(app),
        Act::Repaint => app.wishes.repaint = true,
        Act::Suspend => app.wishes.suspend = true,
        _ => look(app, act),
    }
    None
}

/// Changes what is seen, and nothing else.
fn look(app: &mut App, act: Act) {
    match act {
        Act::Show(view) => app.view = view,
        Act::Turn(forward) => app.view = app.view.turn(forward),
        Act::Step(down) if app.view == View::Log => app.scroll(1, down),
        Act::Step(down) => select(app, down),
        Act::Page(down) => app.scroll(PAGE, down),
        Act::Edge(newest) => app.scroll(usize::MAX, newest),
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
        Act::Freeze => app.frozen = if app.frozen.is_some() { None } else { Some(app.history.clone()) },
        _ => {}
    }
}

/// Back to the plain picture of this view.
fn close(app: &mut App) {
    app.mode = Mode::Keys;
    app.selected = None;
    app.zoomed = false;
    app.frozen = None;
    app.log.search.clear();
}

/// Says that the open alarms were seen: this screen's own here, the recorder's there.
fn acknowledge(app: &mut App) -> Option<Command> {
    if app.alarms().iter().all(|alarm| !alarm.acknowledged_by.is_empty()) {
        reply(app, "no alarm waits to be seen");
        return None;
    }
    app.see_own_alarms();
    let asks = app.snapshot.alarms.iter().any(|alarm| alarm.acknowledged_by.is_empty());
    (asks && may_command(app)).then(|| ask(app, "acknowledge", Action::Acknowledge))
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
