//! `:filter` and what may follow it: only what is said changes.

use super::{ask, may_control, reply};
use crate::pipeline::preset::{Options, Preset};
use crate::session::command::{Action, FilterRequest};
use crate::session::{Command, Snapshot};
use crate::tui::app::App;
use crate::tui::app::filter::MAINS_HZ;

/// What may follow, in a sentence.
const TAKES: &str = "filter takes a preset (default, startle-28, off, or a band such as 30-400), 50 or 60, \
                     notches=50,150, order=4, baseline=track";

/// Asks the recorder for the filters a line names, or says what is wrong with the line.
pub(super) fn run(app: &mut App, rest: &str) -> Option<Command> {
    match read(&app.snapshot, rest) {
        Ok(request) => may_control(app).then(|| ask(app, "filter", Action::Filter(request))),
        Err(why) => {
            reply(app, why);
            None
        }
    }
}

/// The request in a line; what it does not name is asked for as it stands.
fn read(now: &Snapshot, rest: &str) -> Result<FilterRequest, String> {
    let mut request = FilterRequest {
        preset: now.preset.clone(),
        line_hz: if now.line_hz.is_finite() { now.line_hz } else { MAINS_HZ[0] },
        ..FilterRequest::default()
    };
    for word in rest.split_whitespace() {
        match word.split_once('=') {
            Some(_) if now.notches.is_empty() => {
                return Err("this recorder is of a version that changes preset and mains only".to_owned());
            }
            Some(("notches", list)) if !list.is_empty() => list.clone_into(&mut request.notches),
            Some(("baseline", word)) if !word.is_empty() => word.clone_into(&mut request.baseline),
            Some(("order", order)) => {
                request.order = order.parse().ok().filter(|order| *order > 0).ok_or(TAKES)?;
            }
            None if Preset::from_word(word).is_some() => word.clone_into(&mut request.preset),
            _ => request.line_hz = mains(word).ok_or(TAKES)?,
        }
    }
    request.over(Options::default()).map(|_| request)
}

fn mains(word: &str) -> Option<f64> {
    MAINS_HZ.into_iter().find(|hz| hz.to_string() == word)
}
