//! WHAT HAPPENS NEXT: one input changes the app and yields the commands to send. Pure.
//!
//! `hear` takes in what the recorder says; `press`, `typing`, `panel`, `command` and `filter` what the user does;
//! `marking` makes markers. The recorder decides what is stored and what is an alarm.

mod calibration;
mod command;
mod filter;
mod hear;
mod marking;
mod panel;
mod press;
mod review;
mod typing;

use super::Exit;
use super::app::{App, Asked, Mode};
use super::keys::Key;
use crate::emg::Stamp;
use crate::session::command::Action;
use crate::session::review::Tell;
use crate::session::snapshot::State;
use crate::session::{Command, Event};
use hear::{hear, renew};
use press::press;
use typing::paste;

/// Something that happened.
#[derive(Debug)]
pub(crate) enum Input {
    /// A key press.
    Key(Key),
    /// Pasted text.
    Paste(String),
    /// The recorder spoke.
    Event(Event),
    /// The recorder is gone.
    Lost,
    /// The recording that is looked at again spoke.
    Tell(Tell),
    /// Time has passed.
    Clock,
    /// The dashboard was asked to end by a signal.
    Quit,
    /// The program was stopped and goes on.
    Resumed,
}

/// Distance of two renewals of the numbers on the screen; a little less than two frames.
const NUMBERS_NS: i64 = 180_000_000;
/// The stop dialog closes itself after this.
const STOP_NS: i64 = 15_000_000_000;
/// The reply to a key stays this long.
const REPLY_NS: i64 = 5_000_000_000;
/// Unanswered commands remembered: more than anyone types at a recorder that does not answer.
const ASKED: usize = 64;

/// The first command of every dashboard: send pictures.
pub(crate) fn subscribe(app: &mut App) -> Command {
    let read_only = app.read_only;
    ask(app, "subscribe", Action::Subscribe { read_only })
}

/// Takes in what happened at a moment; the returned commands are to be sent in order.
pub(crate) fn update(app: &mut App, at: Stamp, input: Input) -> Vec<Command> {
    app.now = Stamp { host_ns: app.now.host_ns.max(at.host_ns), utc_ns: at.utc_ns };
    match input {
        Input::Key(key) if app.review.is_some() => review::press(app, key),
        Input::Paste(text) if app.review.is_some() => review::paste(app, &text),
        Input::Tell(tell) => review::hear(app, tell),
        Input::Key(key) => return press(app, at, key),
        Input::Paste(text) => paste(app, &text),
        Input::Event(event) => {
            app.heard = Some(at);
            hear(app, event);
        }
        Input::Lost => lose(app),
        Input::Clock => return tick(app),
        Input::Quit => leave(app),
        Input::Resumed => {
            // It heard nothing because it stood still.
            app.heard = app.heard.map(|_| at);
            app.wishes.repaint = true;
        }
    }
    Vec::new()
}

fn tick(app: &mut App) -> Vec<Command> {
    let now = app.now.host_ns;
    if app.incoming.is_some() && now - app.renewed_ns >= NUMBERS_NS {
        renew(app);
    }
    let alarms = app.alarms();
    app.wishes.ring |= app.bell.rings(&alarms, now);
    if app.reply.as_ref().is_some_and(|(since, _)| now - since.host_ns > REPLY_NS) {
        app.reply = None;
    }
    if let Mode::Stop { opened_ns, .. } = app.mode
        && now - opened_ns >= STOP_NS
    {
        app.mode = Mode::Keys;
        reply(app, "not stopped: nobody typed the word");
    }
    marking::watch(app)
}

fn reply(app: &mut App, text: impl Into<String>) {
    app.reply = Some((app.now, text.into()));
}

/// Nobody speaks any more.
fn lose(app: &mut App) {
    match &mut app.review {
        Some(review) => review.lose(),
        None => app.lost = true,
    }
}

fn leave(app: &mut App) {
    app.wishes.exit.get_or_insert(if app.lost { Exit::RecorderGone } else { Exit::Detached });
}

/// Whether this dashboard may ask anything of the recorder; says so where not.
fn may_command(app: &mut App) -> bool {
    if app.lost {
        reply(app, "no recorder: q leaves");
    } else if app.read_only {
        reply(app, "read-only: this screen may only look");
    }
    !app.lost && !app.read_only
}

/// Whether this dashboard may stop the recording and change filters; says who may where not. The recorder
/// gives control to the first who asks while nobody has it.
fn may_control(app: &mut App) -> bool {
    if !may_command(app) {
        return false;
    }
    let Some(name) = app.other_in_control() else { return true };
    let text = format!("{name} has control; :take moves it here");
    reply(app, text);
    false
}

/// Whether a marker would be stored; says so where not.
fn may_write(app: &mut App) -> bool {
    if !may_command(app) {
        return false;
    }
    match app.snapshot.state {
        State::Recording => return true,
        State::Monitoring => reply(app, "MON: not stored (M begins to record)"),
        State::Draining | State::Closed => reply(app, "closing: not stored"),
    }
    false
}

fn ask(app: &mut App, what: &'static str, action: Action) -> Command {
    let request = app.next_request;
    app.next_request += 1;
    if app.asked.len() == ASKED {
        app.asked.remove(0);
    }
    let (at, sent_ns) = (app.now, app.now.host_ns);
    app.asked.push(Asked { request, at, sent_ns, tries: 1, what, mark: None });
    Command { request, action }
}

/// A well-mixed number from a plain one (the finaliser of splitmix64, Steele and others 2014).
pub(crate) fn scramble(seed: u64) -> u64 {
    let z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
