//! Markers, as the keyboard makes them: stamped when the key was read, sent at once, kept until answered.

use super::{ask, may_write, reply, scramble};
use crate::emg::Stamp;
use crate::emg::marker::{self, Origin};
use crate::session::command::Action;
use crate::session::{Command, MarkRequest};
use crate::tui::app::App;
use crate::tui::keys::Key;

/// Whether a key that changes the recording was pressed and not held.
fn pressed(app: &mut App, at: Stamp, key: Key) -> bool {
    let counts = app.guard.counts(key, at);
    if !counts {
        reply(app, "the same key again within 0.7 s: counted once");
    }
    counts
}

pub(super) fn mark(app: &mut App, at: Stamp, key: Key, (label, code): (String, i32)) -> Option<Command> {
    if !may_write(app) || !pressed(app, at, key) {
        return None;
    }
    reply(app, format!("sent: {label}"));
    Some(ask_mark(app, at, MarkRequest { label, code, ..blank(at, marker::Action::Add) }))
}

pub(super) fn note(app: &mut App, at: Stamp, text: &str) -> Option<Command> {
    if !may_write(app) {
        return None;
    }
    let about = app.marks.last().map(|shown| shown.marker.id);
    // Without a marker to speak of, the note stands for itself.
    let action = if about.is_some() { marker::Action::Note } else { marker::Action::Add };
    let (label, note) = ("note".to_owned(), text.to_owned());
    Some(ask_mark(app, at, MarkRequest { label, note, refers_to: about.unwrap_or(0), ..blank(at, action) }))
}

pub(super) fn retract(app: &mut App, at: Stamp, key: Key) -> Option<Command> {
    (may_write(app) && pressed(app, at, key)).then(|| ask(app, "take back", Action::RetractLast))
}

/// A marker request that says nothing yet.
fn blank(stamp: Stamp, action: marker::Action) -> MarkRequest {
    MarkRequest {
        key: 0,
        stamp,
        label: String::new(),
        note: String::new(),
        code: 0,
        origin: Origin::Key,
        action,
        refers_to: 0,
        // The way from a remote keyboard to this process is not measured yet.
        uncertainty_us: 0,
    }
}

fn ask_mark(app: &mut App, at: Stamp, request: MarkRequest) -> Command {
    let request = MarkRequest { key: scramble(app.seed ^ scramble(app.next_request)), ..request };
    let command = ask(app, "marker", Action::Mark(request.clone()));
    if let Some(asked) = app.asked.last_mut() {
        asked.mark = Some(request);
        asked.at = at;
    }
    command
}
