//! Steps of a calibration, by key in its view or typed as `:calibrate STEP [CHANNEL]`. The recorder decides.

use super::{ask, may_control, reply};
use crate::session::Command;
use crate::session::command::{Action, CalibrateRequest, CalibrateStep};
use crate::tui::app::App;
use crate::tui::keys::View;

/// A step for the selected channel, where the step is about one.
pub(super) fn press(app: &mut App, step: CalibrateStep) -> Option<Command> {
    let about_one = matches!(step, CalibrateStep::Redo | CalibrateStep::Keep);
    let channel = app.selected.filter(|_| about_one).and_then(|n| u16::try_from(n).ok());
    request(app, CalibrateRequest { step, channel })
}

/// A step in words; without any, the view is shown.
pub(super) fn run(app: &mut App, rest: &str) -> Option<Command> {
    let mut words = rest.split_whitespace();
    let Some(word) = words.next() else {
        app.view = View::Calibration;
        return None;
    };
    let step = CalibrateStep::TABLE.iter().find(|row| row.1 == word).map(|row| row.0);
    let channel = words.next().map(|name| channel(app, name));
    let (Some(step), None | Some(Some(_)), None) = (step, channel, words.next()) else {
        let steps: Vec<&str> = CalibrateStep::TABLE.iter().map(|row| row.1).collect();
        reply(app, format!("calibrate takes {}; then a channel, or none for all", steps.join(", ")));
        return None;
    };
    request(app, CalibrateRequest { step, channel: channel.flatten() })
}

/// A channel by its number on the screen or its name.
fn channel(app: &App, word: &str) -> Option<u16> {
    let channels = &app.snapshot.channels;
    let named = channels.iter().position(|state| state.channel.name.eq_ignore_ascii_case(word));
    let counted = || word.parse::<usize>().ok().filter(|n| (1..=channels.len()).contains(n)).map(|n| n - 1);
    u16::try_from(named.or_else(counted)?).ok()
}

fn request(app: &mut App, request: CalibrateRequest) -> Option<Command> {
    may_control(app).then(|| ask(app, "calibrate", Action::Calibrate(request)))
}
