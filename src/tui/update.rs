//! WHAT HAPPENS NEXT: one input changes the app and yields the commands to send. Pure.
//!
//! Keys are looked up in `keys`; the recorder decides what is stored and what is an alarm.

use super::Exit;
use super::app::scale::Scale;
use super::app::{App, Asked, LOG_LINES, LogLine, Mode, WINDOWS_S};
use super::keys::{self, Act, Key};
use crate::emg::marker::{self, Marker, Origin, Placed};
use crate::emg::{Stamp, units};
use crate::session::command::Action;
use crate::session::snapshot::State;
use crate::session::{Answer, Command, Event, MarkRequest, Snapshot};

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
    /// Time has passed.
    Clock,
    /// The dashboard was asked to end by a signal.
    Quit,
}

/// Distance of two renewals of the numbers on the screen; a little less than two frames.
const NUMBERS_NS: i64 = 180_000_000;
/// The stop dialog closes itself after this.
const STOP_NS: i64 = 15_000_000_000;
/// The reply to a key stays this long.
const REPLY_NS: i64 = 5_000_000_000;
/// Unanswered commands remembered: more than anyone types at a recorder that does not answer.
const ASKED: usize = 64;
/// Traces are scaled for the first time when this much of them is there, seconds.
const FIRST_FIT_S: f64 = 1.0;

/// The first command of every dashboard: send pictures.
pub(crate) fn subscribe(app: &mut App) -> Command {
    ask(app, "subscribe", Action::Subscribe)
}

/// Takes in what happened at a moment; the returned commands are to be sent in order.
pub(crate) fn update(app: &mut App, at: Stamp, input: Input) -> Vec<Command> {
    app.now = Stamp { host_ns: app.now.host_ns.max(at.host_ns), utc_ns: at.utc_ns };
    match input {
        Input::Key(key) => return press(app, at, key),
        Input::Paste(text) => paste(app, &text),
        Input::Event(event) => {
            app.heard = Some(at);
            hear(app, event);
        }
        Input::Lost => app.lost = true,
        Input::Clock => tick(app),
        Input::Quit => leave(app),
    }
    Vec::new()
}

fn tick(app: &mut App) {
    let now = app.now.host_ns;
    if app.incoming.is_some() && now - app.renewed_ns >= NUMBERS_NS {
        renew(app);
    }
    if app.reply.as_ref().is_some_and(|(since, _)| now - since.host_ns > REPLY_NS) {
        app.reply = None;
    }
    if let Mode::Stop { opened_ns, .. } = app.mode
        && now - opened_ns >= STOP_NS
    {
        app.mode = Mode::Live;
        reply(app, "not stopped: nobody typed the word");
    }
}

/// Puts the waiting state on the screen.
fn renew(app: &mut App) {
    let Some(snapshot) = app.incoming.take() else {
        return;
    };
    app.selected = app.selected.filter(|&channel| channel < snapshot.channels.len());
    app.snapshot = snapshot;
    app.renewed_ns = app.now.host_ns;
}

fn hear(app: &mut App, event: Event) {
    match event {
        Event::Tick(snapshot) => take_snapshot(app, snapshot),
        Event::Bins(bins) => {
            let passes = app.history.end() / app.window_bins();
            app.history.push(&bins);
            fit_scales(app, passes != app.history.end() / app.window_bins());
        }
        Event::Marked(marker) => app.marks.insert(marker),
        Event::Notice { utc_ns, level, text } => log(app, LogLine { utc_ns, level, text }),
        Event::Answer { request, answer } => answered(app, request, answer),
        Event::Finished { code, text } => app.exit = Some(Exit::Finished { code, text }),
    }
}

/// Keeps the newest state for the next renewal; a change of what the recorder does shows at once.
fn take_snapshot(app: &mut App, snapshot: Box<Snapshot>) {
    for marker in &snapshot.last_markers {
        app.marks.insert(marker.clone());
    }
    let urgent = app.snapshot.state != snapshot.state || app.snapshot.channels.is_empty();
    app.incoming = Some(snapshot);
    if urgent {
        renew(app);
    }
}

/// Chooses scales: once a second of signal is there, and then once in each pass, when the pen is at the left.
fn fit_scales(app: &mut App, new_pass: bool) {
    let end = app.history.end();
    let seen = units::wide(app.history.bins()) * app.history.rows_per_bin();
    let seen_s = units::float(seen) / app.rate_hz();
    if seen_s < FIRST_FIT_S || !(new_pass || app.scales.len() != app.snapshot.channels.len()) {
        return;
    }
    let from = end.saturating_sub(app.window_bins());
    let fitted = app.snapshot.channels.iter().enumerate().map(|(n, state)| {
        let extent = app.history.extent(n, from, end).unwrap_or_default();
        let kind = state.channel.kind;
        app.scales.get(n).map_or_else(|| Scale::fit(kind, extent), |s| s.follow(kind, extent))
    });
    app.scales = fitted.collect();
}

fn answered(app: &mut App, request: u64, answer: Answer) {
    let Some(at) = app.asked.iter().position(|asked| asked.request == request) else {
        return;
    };
    let asked = app.asked.remove(at);
    match (answer, asked.mark) {
        (Answer::Stored { id, sample }, Some(mark)) => {
            reply(app, format!("stored: {}", mark.label));
            app.marks.insert(stored_row(id, sample, mark));
        }
        (Answer::Stored { .. } | Answer::Done, _) if asked.what != "subscribe" => {
            reply(app, format!("{}: done", asked.what));
        }
        (Answer::Status(snapshot), _) => take_snapshot(app, snapshot),
        (Answer::Refused(why), _) => {
            let text = format!("{} refused: {why}", asked.what);
            reply(app, text.clone());
            log(app, LogLine { utc_ns: app.now.utc_ns, level: 2, text });
        }
        _ => {}
    }
}

/// The row as it stands in the recording, as far as this side knows it before the recorder shows it.
fn stored_row(id: u64, sample: u64, mark: MarkRequest) -> Marker {
    Marker {
        id,
        sample,
        stamp: mark.stamp,
        label: mark.label,
        note: mark.note,
        code: mark.code,
        origin: mark.origin,
        client: String::new(),
        latency_us: 0,
        uncertainty_us: mark.uncertainty_us,
        placed: Placed::Fit,
        action: mark.action,
        refers_to: mark.refers_to,
    }
}

fn log(app: &mut App, line: LogLine) {
    app.log.push_back(line);
    if app.log.len() > LOG_LINES {
        app.log.pop_front();
    }
}

fn reply(app: &mut App, text: impl Into<String>) {
    app.reply = Some((app.now, text.into()));
}

fn leave(app: &mut App) {
    app.exit.get_or_insert(if app.lost { Exit::RecorderGone } else { Exit::Detached });
}

/// Pasted text goes into a note, in one line, and nowhere else.
fn paste(app: &mut App, text: &str) {
    match &mut app.mode {
        Mode::Note(note) => *note = marker::clip(&format!("{note}{text}"), marker::NOTE_BYTES),
        _ => reply(app, "pasted text is not taken as keys"),
    }
}

fn press(app: &mut App, at: Stamp, key: Key) -> Vec<Command> {
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
        Key::Enter => return note(app, at, text.trim()).into_iter().collect(),
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
    let marks = |c: char| app.snapshot.keys.iter().position(|(bound, _)| *bound == c);
    match (keys::act_of(key), key) {
        (Some(act), _) => obey(app, at, key, act).into_iter().collect(),
        (None, Key::Char(c)) => {
            if let Some(n) = marks(c) {
                let label = app.snapshot.keys[n].1.clone();
                let code = i32::try_from(n + 1).unwrap_or(0);
                mark(app, at, key, (label, code)).into_iter().collect()
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
        Act::Mark => return mark(app, at, key, ("mark".to_owned(), 0)),
        Act::Retract => return retract(app, at, key),
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

/// Whether this dashboard may ask anything of the recorder; says so where not.
fn may_command(app: &mut App) -> bool {
    if app.lost {
        reply(app, "no recorder: q leaves");
    } else if app.read_only {
        reply(app, "read-only: this screen may only look");
    }
    !app.lost && !app.read_only
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

fn record(app: &mut App) -> Option<Command> {
    if app.snapshot.state == State::Monitoring {
        return Some(ask(app, "record", Action::Record));
    }
    reply(app, "already recording");
    None
}

/// Whether a key that changes the recording was pressed and not held.
fn pressed(app: &mut App, at: Stamp, key: Key) -> bool {
    let counts = app.guard.counts(key, at);
    if !counts {
        reply(app, "the same key again within 0.7 s: counted once");
    }
    counts
}

fn mark(app: &mut App, at: Stamp, key: Key, (label, code): (String, i32)) -> Option<Command> {
    if !may_write(app) || !pressed(app, at, key) {
        return None;
    }
    reply(app, format!("sent: {label}"));
    Some(ask_mark(app, at, MarkRequest { label, code, ..blank(at, marker::Action::Add) }))
}

fn note(app: &mut App, at: Stamp, text: &str) -> Option<Command> {
    if !may_write(app) {
        return None;
    }
    let about = app.marks.last().map(|shown| shown.marker.id);
    // Without a marker to speak of, the note stands for itself.
    let action = if about.is_some() { marker::Action::Note } else { marker::Action::Add };
    let (label, note) = ("note".to_owned(), text.to_owned());
    Some(ask_mark(app, at, MarkRequest { label, note, refers_to: about.unwrap_or(0), ..blank(at, action) }))
}

fn retract(app: &mut App, at: Stamp, key: Key) -> Option<Command> {
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

fn ask(app: &mut App, what: &'static str, action: Action) -> Command {
    let request = app.next_request;
    app.next_request += 1;
    if app.asked.len() == ASKED {
        app.asked.remove(0);
    }
    app.asked.push(Asked { request, at: app.now, what, mark: None });
    Command { request, action }
}

/// A well-mixed number from a plain one (the finaliser of splitmix64, Steele and others 2014).
pub(crate) fn scramble(seed: u64) -> u64 {
    let z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
