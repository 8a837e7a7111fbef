//! Commands typed after `:`, looked up in `keys/command` and run.

use super::{ask, calibration, filter, marking, may_command, may_write, press, reply};
use crate::emg::Stamp;
use crate::emg::marker::{self, Action as Deed};
use crate::session::command::Action;
use crate::session::{Command, MarkRequest};
use crate::tui::Look;
use crate::tui::app::{App, WINDOWS_S};
use crate::tui::keys::command::{Unknown, Wish, find};
use crate::tui::keys::{Act, Key, View};
use crate::tui::widget::Dots;

/// Runs a line; what it could not do is said in the reply.
pub(super) fn run(app: &mut App, at: Stamp, line: &str) -> Option<Command> {
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.trim();
    let command = match find(word) {
        Ok(command) => command,
        Err(Unknown::Nearest(name)) => {
            reply(app, format!("`{word}` is no command; `{name}` is the nearest, ? lists all"));
            return None;
        }
        Err(Unknown::Ambiguous(names)) => {
            reply(app, format!("`{word}` may be {}", names.join(" or ")));
            return None;
        }
    };
    let done = match command.wish {
        Wish::Key(act) => return press::obey(app, at, Key::Enter, act),
        Wish::Take => return may_command(app).then(|| ask(app, "take control", Action::Take)),
        Wish::Calibrate => return calibration::run(app, rest),
        Wish::Filter | Wish::Mark | Wish::Note | Wish::Relabel | Wish::Retract if rest.is_empty() => None,
        Wish::Filter => return filter::run(app, rest),
        Wish::Mark => return mark(app, at, Deed::Add, rest, 0),
        Wish::Note => return marking::note(app, at, rest),
        Wish::Relabel => return relabel(app, at, rest),
        Wish::Retract => return retract(app, at, rest),
        Wish::Glyphs => glyphs(app, rest),
        Wish::Theme => theme(app, rest),
        Wish::Bell => bell(app, rest),
        Wish::Window => window(app, rest),
        Wish::Gain => gain(app, at, rest),
        Wish::View => view(app, rest),
    };
    let text = done.unwrap_or_else(|| format!("{} takes {}: {}", command.name, command.takes, command.help));
    reply(app, text);
    None
}

/// A marker row of this screen; typed in full, so that no guard against held keys is wanted.
fn mark(app: &mut App, at: Stamp, action: Deed, label: &str, refers_to: u64) -> Option<Command> {
    if !may_write(app) {
        return None;
    }
    let label = marker::clip(label, marker::LABEL_BYTES);
    reply(app, format!("sent: {label}"));
    let request = MarkRequest { label, refers_to, ..marking::blank(at, action) };
    Some(marking::ask_mark(app, at, request))
}

/// `LABEL` for the last marker, `ID LABEL` for any other.
fn relabel(app: &mut App, at: Stamp, rest: &str) -> Option<Command> {
    let named = rest
        .split_once(char::is_whitespace)
        .and_then(|(id, label)| Some((id.trim_start_matches('#').parse::<u64>().ok()?, label.trim())));
    if let Some((id, label)) = named {
        return mark(app, at, Deed::Relabel, label, id);
    }
    let label = rest;
    let Some(id) = app.marks.last().map(|shown| shown.marker.id) else {
        reply(app, "there is no marker to relabel");
        return None;
    };
    mark(app, at, Deed::Relabel, label, id)
}

fn retract(app: &mut App, at: Stamp, rest: &str) -> Option<Command> {
    let id = rest.parse::<u64>().ok().filter(|id| *id > 0);
    let Some(id) = id else {
        reply(app, "retract takes the number of a marker, as the log shows it");
        return None;
    };
    let label = app.marks.shown().find(|shown| shown.marker.id == id).map(|shown| shown.label.to_owned());
    mark(app, at, Deed::Retract, &label.unwrap_or_default(), id)
}

fn glyphs(app: &mut App, rest: &str) -> Option<String> {
    let sets = [("braille", Dots::Braille), ("block", Dots::Block), ("ascii", Dots::Ascii)];
    if let Some((_, dots)) = sets.into_iter().find(|(word, _)| *word == rest) {
        app.dots = dots;
        return Some(format!("characters: {rest}"));
    }
    // Fonts cannot be asked: whoever sees the samples can tell.
    rest.is_empty()
        .then(|| "which can you see?  braille ⣀⣤⣶⣿  block ▄█▀  ascii .|'  then :glyphs NAME".to_owned())
}

fn theme(app: &mut App, rest: &str) -> Option<String> {
    let look = Look::ALL.into_iter().find(|look| look.word() == rest)?;
    app.theme = app.theme.with(look);
    Some(format!("theme: {rest}"))
}

fn bell(app: &mut App, rest: &str) -> Option<String> {
    app.bell.on = match rest {
        "on" => true,
        "off" => false,
        _ => return None,
    };
    Some(format!("bell: {rest}"))
}

fn window(app: &mut App, rest: &str) -> Option<String> {
    let seconds = rest.trim_end_matches('s').trim_end();
    app.window = WINDOWS_S.iter().position(|window| window.to_string() == seconds)?;
    Some(format!("window: {seconds} s"))
}

fn gain(app: &mut App, at: Stamp, rest: &str) -> Option<String> {
    let act = match rest {
        "+" => Act::Gain(true),
        "-" => Act::Gain(false),
        "auto" | "=" => Act::Fit,
        _ => return None,
    };
    press::obey(app, at, Key::Enter, act);
    Some(format!("gain: {rest}"))
}

fn view(app: &mut App, rest: &str) -> Option<String> {
    app.view = View::named(rest)?;
    Some(format!("view: {rest}"))
}
