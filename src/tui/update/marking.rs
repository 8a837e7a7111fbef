//! Markers, as the keyboard makes them: stamped when the key was read, sent at once, kept until answered.

use super::{ask, may_write, reply, scramble};
use crate::emg::Stamp;
use crate::emg::marker::{self, Origin};
use crate::session::command::Action;
use crate::session::snapshot::MarkKey;
use crate::session::{Command, MarkRequest};
use crate::tui::app::log::LogLine;
use crate::tui::app::{App, Asked};
use crate::tui::keys::{self, Key};

/// A marker without an answer is sent again after this long, with the stamp and the key it had: the recorder
/// stores it once.
const AGAIN_NS: i64 = 1_000_000_000;
/// What a retraction is called while it waits.
const TAKE_BACK: &str = "take back";
/// So often; then only the alarm stays.
const TRIES: u32 = 10;
/// The note of a marker that looks like typed text.
const TYPING: &str = "typing?";

/// Whether a key that changes the recording was pressed and not held.
fn pressed(app: &mut App, at: Stamp, key: Key, guard_ms: u32) -> bool {
    let counts = app.guard.counts(key, at, guard_ms);
    if !counts {
        let seconds = f64::from(guard_ms) / 1000.0;
        reply(app, format!("the same key again within {seconds} s: counted once"));
    }
    counts
}

/// A marker key: for a duration, the recorder knows whether this press opens or ends it.
pub(super) fn mark(app: &mut App, at: Stamp, key: Key, bound: &MarkKey) -> Option<Command> {
    if !may_write(app) || !pressed(app, at, key, bound.guard_ms) {
        return None;
    }
    let ends = bound.duration && app.snapshot.open_marks.iter().any(|open| open.label == bound.label);
    reply(app, format!("sent: {}{}", bound.label, if ends { " (end)" } else { "" }));
    let note = if app.pace.press(&bound.label, at) { TYPING } else { "" };
    let (label, note, code) = (bound.label.clone(), note.to_owned(), bound.code);
    Some(ask_mark(app, at, MarkRequest { label, note, code, ..blank(at, marker::Action::Add) }))
}

/// A note to the last marker that stands; without any it stands for itself.
pub(super) fn note(app: &mut App, at: Stamp, text: &str) -> Option<Command> {
    if !may_write(app) {
        return None;
    }
    let about = app.marks.last().map(|shown| shown.marker.id);
    let action = if about.is_some() { marker::Action::Note } else { marker::Action::Add };
    let (label, note) = ("note".to_owned(), text.to_owned());
    Some(ask_mark(app, at, MarkRequest { label, note, refers_to: about.unwrap_or(0), ..blank(at, action) }))
}

/// Takes back the last marker this dashboard set by key.
pub(super) fn retract(app: &mut App, at: Stamp, key: Key) -> Option<Command> {
    (may_write(app) && pressed(app, at, key, keys::GUARD_MS))
        .then(|| ask(app, TAKE_BACK, Action::RetractLast))
}

/// What has waited for its answer too long, once more; and a line for the log when a key was held.
pub(super) fn watch(app: &mut App) -> Vec<Command> {
    if let Some((key, times)) = app.guard.take_suppressed(app.now) {
        let text = format!("key {key}: {times} repeats did not count");
        app.log.push(LogLine { utc_ns: app.now.utc_ns, level: 3, text });
    }
    if app.lost {
        return Vec::new();
    }
    let now = app.now.host_ns;
    let late = |asked: &&mut Asked| now - asked.sent_ns >= AGAIN_NS && asked.tries < TRIES;
    let again = |asked: &mut Asked| {
        let action = match &asked.mark {
            Some(mark) => Action::Mark(mark.clone()),
            None if asked.what == TAKE_BACK => Action::RetractLast,
            None => return None,
        };
        asked.sent_ns = now;
        asked.tries += 1;
        Some(Command { request: asked.request, action })
    };
    app.asked.iter_mut().filter(late).filter_map(again).collect()
}

/// A marker request that says nothing yet.
pub(super) fn blank(stamp: Stamp, action: marker::Action) -> MarkRequest {
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

pub(super) fn ask_mark(app: &mut App, at: Stamp, request: MarkRequest) -> Command {
    let request = MarkRequest { key: scramble(app.seed ^ scramble(app.next_request)), ..request };
    let command = ask(app, "marker", Action::Mark(request.clone()));
    if let Some(asked) = app.asked.last_mut() {
        asked.mark = Some(request);
        asked.at = at;
    }
    command
}
