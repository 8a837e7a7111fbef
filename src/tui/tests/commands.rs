//! Commands, panels, roles, alarms: what is asked of the recorder, and what only changes this screen.

use super::fixture::{Watched, at, watched};
use super::screens::{alarm, well};
use crate::emg::marker::Action as Deed;
use crate::session::alarm::Priority;
use crate::session::command::{Action, FilterRequest};
use crate::session::{Answer, Command, Event, MarkRequest, Snapshot};
use crate::tui::app::Mode;
use crate::tui::keys::{Key, View, command};
use crate::tui::update::{Input, update};
use crate::tui::widget::Dots;

fn press(seen: &mut Watched, key: Key) -> Vec<Command> {
    seen.seconds += 1.0;
    update(&mut seen.app, at(seen.seconds), Input::Key(key))
}

fn types(seen: &mut Watched, text: &str) -> Vec<Command> {
    text.chars().flat_map(|c| press(seen, Key::Char(c))).collect()
}

/// Types a command and gives what it asked and what it said.
fn runs(seen: &mut Watched, line: &str) -> (Vec<Action>, String) {
    types(seen, &format!(":{line}"));
    let asked = press(seen, Key::Enter).into_iter().map(|command| command.action).collect();
    (asked, seen.app.reply.as_ref().map_or_else(String::new, |(_, text)| text.clone()))
}

fn mark_of(actions: &[Action]) -> &MarkRequest {
    match actions {
        [Action::Mark(request)] => request,
        other => panic!("not one marker: {other:?}"),
    }
}

#[test]
fn commands_ask_the_recorder() {
    let mut seen = watched(Dots::Braille, well);
    assert_eq!(runs(&mut seen, "take").0, [Action::Take]);
    let wanted = FilterRequest { preset: "30-400".into(), line_hz: 60.0, ..FilterRequest::default() };
    assert_eq!(runs(&mut seen, "filter 30-400 60").0, [Action::Filter(wanted)]);
    let wanted = FilterRequest { preset: "off".into(), line_hz: 50.0, ..FilterRequest::default() };
    assert_eq!(runs(&mut seen, "filter off").0, [Action::Filter(wanted)], "the mains stay as they are");
    let wanted = FilterRequest {
        preset: "default".into(),
        line_hz: 50.0,
        order: 2,
        notches: "50,150".into(),
        baseline: "off".into(),
    };
    let asked = runs(&mut seen, "filter notches=50,150 order=2 baseline=off").0;
    assert_eq!(asked, [Action::Filter(wanted)], "the band stays as it is");
    let (asked, said) = runs(&mut seen, "mark blinked twice");
    let mark = mark_of(&asked);
    assert_eq!(
        (mark.label.as_str(), mark.action, said.as_str()),
        ("blinked twice", Deed::Add, "sent: blinked twice")
    );
    let asked = runs(&mut seen, "relabel smile").0;
    let mark = mark_of(&asked);
    assert_eq!((mark.label.as_str(), mark.action, mark.refers_to), ("smile", Deed::Relabel, 12));
    let asked = runs(&mut seen, "retract 11").0;
    assert_eq!((mark_of(&asked).action, mark_of(&asked).refers_to), (Deed::Retract, 11));
    let asked = runs(&mut seen, "note sneezed").0;
    assert_eq!((mark_of(&asked).note.as_str(), mark_of(&asked).refers_to), ("sneezed", 12));
}

#[test]
fn commands_change_the_screen() {
    let mut seen = watched(Dots::Braille, well);
    for line in ["glyphs ascii", "theme mono", "bell off", "window 16", "gain -", "view log", "freeze"] {
        let (asked, _) = runs(&mut seen, line);
        assert!(asked.is_empty(), "{line}");
    }
    let app = &seen.app;
    assert_eq!((app.dots, app.bell.on, app.window_s(), app.view), (Dots::Ascii, false, 16, View::Log));
    assert!(app.scales.iter().all(|scale| scale.by_hand) && app.frozen.is_some());
    runs(&mut seen, "stop");
    assert!(matches!(seen.app.mode, Mode::Stop { .. }), "stop asks for the word, as its key does");
    press(&mut seen, Key::Esc);
    runs(&mut seen, "q");
    assert!(seen.app.wishes.exit.is_some());
}

#[test]
fn what_cannot_be_run_is_explained_and_nothing_is_asked() {
    let mut seen = watched(Dots::Braille, well);
    for (line, words) in [
        ("thme mono", "`theme` is the nearest"),
        ("t", "`t` may be take or theme"),
        ("theme pink", "theme takes default|colour-blind|mono"),
        ("window 5", "window takes SECONDS"),
        ("filter loud", "filter takes a preset"),
        ("filter default 55", "filter takes a preset"),
        ("filter notches=", "filter takes a preset"),
        ("filter order=0", "filter takes a preset"),
        ("filter notches=50,loud", "`50,loud` is no list of notches; say auto, off, or up to 8 frequencies"),
        ("filter baseline=track:9", "`track:9` is no baseline of the envelope; say off, the edge"),
        ("filter order=9", "`9` is no order of the band-pass; say 1 to 8"),
        ("mark", "mark takes LABEL"),
        ("retract it", "the number of a marker"),
        ("glyphs", "which can you see?"),
    ] {
        let (asked, said) = runs(&mut seen, line);
        assert!(asked.is_empty() && said.contains(words), "{line}: {said}");
    }
    for command in command::TABLE.iter().filter(|command| !command.takes.is_empty()) {
        assert!(runs(&mut seen, command.name).0.is_empty(), "{} without what it takes", command.name);
    }
}

#[test]
fn a_command_is_recalled_completed_and_given_up() {
    let mut seen = watched(Dots::Braille, well);
    runs(&mut seen, "window 4");
    types(&mut seen, ":");
    press(&mut seen, Key::Up);
    assert!(press(&mut seen, Key::Enter).is_empty());
    assert_eq!(seen.app.window_s(), 4);
    types(&mut seen, ":wi");
    press(&mut seen, Key::Tab);
    types(&mut seen, "8");
    press(&mut seen, Key::Enter);
    assert_eq!(seen.app.window_s(), 8);
    types(&mut seen, ":filter no");
    press(&mut seen, Key::Tab);
    types(&mut seen, "off or");
    press(&mut seen, Key::Tab);
    let Mode::Line(line) = &seen.app.mode else { panic!("no line") };
    assert_eq!(line.text, "filter notches=off order=");
    press(&mut seen, Key::Esc);
    types(&mut seen, ":x");
    press(&mut seen, Key::Backspace);
    press(&mut seen, Key::Backspace);
    assert_eq!(seen.app.mode, Mode::Keys, "rubbing the `:` out closes the line");
}

#[test]
fn a_line_being_typed_sets_no_marker() {
    let mut seen = watched(Dots::Braille, well);
    for opener in [":", "/", "N"] {
        assert!(types(&mut seen, &format!("{opener}1 2 a S")).is_empty(), "{opener}");
        press(&mut seen, Key::Esc);
    }
}

#[test]
fn the_filter_panel_asks_for_what_was_chosen() {
    let mut seen = watched(Dots::Braille, well);
    for key in [Key::Char('F'), Key::Down, Key::Right, Key::Char('N'), Key::Char('-'), Key::Char('B')] {
        assert!(press(&mut seen, key).is_empty());
    }
    let asked = press(&mut seen, Key::Enter);
    let wanted = FilterRequest {
        preset: "startle-28".into(),
        line_hz: 60.0,
        order: 3,
        notches: "off".into(),
        baseline: "track".into(),
    };
    assert!(matches!(&asked[..], [Command { action: Action::Filter(request), .. }] if *request == wanted));
    assert_eq!(seen.app.mode, Mode::Keys);
    types(&mut seen, "F");
    assert!(press(&mut seen, Key::Esc).is_empty());
}

#[test]
fn who_has_no_control_is_told_who_has() {
    let mut seen = watched(Dots::Braille, well);
    seen.app.client = Some(4);
    for keys in ["S", "F"] {
        types(&mut seen, keys);
        assert!(press(&mut seen, Key::Enter).is_empty(), "{keys}");
        let said = seen.app.reply.as_ref().map(|(_, text)| text.as_str());
        assert_eq!(said, Some("attach@tty1 has control; :take moves it here"), "{keys}");
        press(&mut seen, Key::Esc);
    }
    assert_eq!(runs(&mut seen, "take").0, [Action::Take]);
    assert_eq!(types(&mut seen, "1").len(), 1, "markers are everybody's");
}

#[test]
fn control_that_nobody_has_may_be_asked_for() {
    let free = |s: &mut Snapshot| s.viewers.remove(0);
    let mut seen = watched(Dots::Braille, |s| drop(free(s)));
    seen.app.client = Some(4);
    assert_eq!(runs(&mut seen, "filter off").0.len(), 1);
}

#[test]
fn the_recorder_says_which_viewer_this_is() {
    let mut seen = watched(Dots::Braille, well);
    seen.app.client = None;
    let request = crate::tui::update::subscribe(&mut seen.app).request;
    seen.says(Event::Answer { request, answer: Answer::Subscribed { client: 4 } });
    assert_eq!(seen.app.client, Some(4));
    assert_eq!(seen.app.other_in_control(), Some("attach@tty1"));
}

#[test]
fn alarms_are_acknowledged_once() {
    let ill =
        |s: &mut Snapshot| s.alarms = vec![alarm(Priority::First, None, "the source is silent", "look")];
    let mut seen = watched(Dots::Braille, ill);
    assert!(matches!(press(&mut seen, Key::Char('A'))[..], [Command { action: Action::Acknowledge, .. }]));
    let mut quiet = watched(Dots::Braille, well);
    assert!(press(&mut quiet, Key::Char('A')).is_empty());
    seen.app.read_only = true;
    assert!(press(&mut seen, Key::Char('A')).is_empty());
}

#[test]
fn a_lost_recorder_rings_until_somebody_here_has_seen_it() {
    let mut seen = watched(Dots::Braille, well);
    seen.app.wishes.ring = false;
    let mut rung = Vec::new();
    update(&mut seen.app, at(14.0), Input::Lost);
    for second in 15..120 {
        if second == 80 {
            assert!(
                update(&mut seen.app, at(79.5), Input::Key(Key::Char('A'))).is_empty(),
                "there is nobody to ask"
            );
        }
        update(&mut seen.app, at(f64::from(second)), Input::Clock);
        rung.extend(std::mem::take(&mut seen.app.wishes.ring).then_some(second));
    }
    assert_eq!(rung, [15, 45, 75]);
}

#[test]
fn views_are_reached_by_tab_by_number_and_by_name() {
    let mut seen = watched(Dots::Braille, well);
    let mut round = Vec::new();
    for _ in View::TABLE {
        press(&mut seen, Key::Tab);
        round.push(seen.app.view);
    }
    assert_eq!(round, [View::Calibration, View::Electrodes, View::Log, View::System, View::Live]);
    press(&mut seen, Key::BackTab);
    assert_eq!(seen.app.view, View::System);
    press(&mut seen, Key::F(4));
    assert_eq!(seen.app.view, View::Electrodes);
    press(&mut seen, Key::F(9));
    assert_eq!(seen.app.view, View::Electrodes, "F9 is nothing");
    assert_eq!(types(&mut seen, "1").len(), 1, "markers are set from every view");
}

#[test]
fn a_calibration_is_led_by_keys_in_its_view_and_by_words_anywhere() {
    use crate::session::command::CalibrateStep::{Keep, Moved, Redo, Start};
    use crate::session::command::{CalibrateRequest, CalibrateStep};
    let step = |step: CalibrateStep, channel| [Action::Calibrate(CalibrateRequest { step, channel })];
    let mut seen = watched(Dots::Braille, well);
    assert_eq!(runs(&mut seen, "calibrate keep").0, step(Keep, None));
    assert_eq!(runs(&mut seen, "calibrate moved cor-r").0, step(Moved, Some(3)));
    assert_eq!(runs(&mut seen, "calibrate redo 8").0, step(Redo, Some(7)));
    for line in ["calibrate redo 9", "calibrate ruin", "calibrate keep 1 2"] {
        let (asked, said) = runs(&mut seen, line);
        assert!(asked.is_empty() && said.contains("start, next, skip"), "{line}: {said}");
    }
    let pressed = |seen: &mut Watched, key| -> Vec<Action> {
        press(seen, key).into_iter().map(|command| command.action).collect()
    };
    assert!(pressed(&mut seen, Key::Char('B')).is_empty(), "the view is not shown");
    assert_eq!((runs(&mut seen, "calibrate").0, seen.app.view), (Vec::new(), View::Calibration));
    assert_eq!(pressed(&mut seen, Key::Char('B')), step(Start, None));
    press(&mut seen, Key::Down);
    assert_eq!(pressed(&mut seen, Key::Char('R')), step(Redo, Some(0)), "the selected one");
    press(&mut seen, Key::Esc);
    assert_eq!(pressed(&mut seen, Key::Char('K')), step(Keep, None));
    seen.app.read_only = true;
    assert!(pressed(&mut seen, Key::Char('K')).is_empty());
}

#[test]
fn a_search_opens_the_log_and_esc_shows_all_of_it_again() {
    let mut seen = watched(Dots::Braille, well);
    types(&mut seen, "/stim");
    press(&mut seen, Key::Enter);
    assert_eq!((seen.app.view, seen.app.entries().len()), (View::Log, 2));
    press(&mut seen, Key::Esc);
    assert_eq!(seen.app.entries().len(), 5);
}

#[test]
fn going_on_after_a_stop_draws_everything_and_calls_nobody_silent() {
    let mut seen = watched(Dots::Braille, well);
    press(&mut seen, Key::Ctrl('z'));
    assert!(std::mem::take(&mut seen.app.wishes.suspend));
    update(&mut seen.app, at(5000.0), Input::Resumed);
    assert!(seen.app.wishes.repaint && seen.app.silent_since().is_none());
    assert!(seen.app.alarms().is_empty());
}
