//! The five-second test in words: what a technician must find at once stands on a screen of 80 x 24 without a
//! colour, in health and in trouble.

use super::fixture::{Watched, watched};
use super::screens::{alarm, buffer, screen};
use crate::session::Snapshot;
use crate::session::alarm::Priority;
use crate::tui::app::App;
use crate::tui::keys::View;
use crate::tui::theme::Theme;
use crate::tui::widget::Dots;
use crate::tui::{Color, Look};
use ratatui::style::Color as Ink;

const SIZE: (u16, u16) = (80, 24);

fn mono(change: impl Fn(&mut Snapshot)) -> Watched {
    let mut seen = watched(Dots::Braille, change);
    seen.app.theme = Theme::new(Color::Never, Look::Default);
    seen
}

/// Fails unless all words stand on the screen, in every view.
#[track_caller]
fn says(seen: &mut Watched, views: &[View], words: &[&str]) {
    for view in views {
        seen.app.view = *view;
        let text = screen(seen, SIZE);
        for word in words {
            assert!(text.contains(word), "{view:?} does not say `{word}`:\n{text}");
        }
        let inks = buffer(seen, SIZE).content.iter().any(|cell| cell.fg != Ink::Reset);
        assert!(!inks, "a colour without colours");
    }
}

const ALL: &[View] = &[View::Live, View::Electrodes, View::Log, View::System];

#[test]
fn are_we_recording_to_which_file_and_is_it_growing() {
    says(&mut mono(|_| {}), ALL, &["● REC", "03:12:58", "sub-01_ses", "emg.h5", "416.8 MB", "+0."]);
    let mut stalled = mono(|s| {
        s.write_age_s = 9.0;
        s.alarms =
            vec![alarm(Priority::First, None, "no bytes were written for 9 s", "free space on the disk")];
    });
    says(&mut stalled, ALL, &["+9.0s", "ALARM", "no bytes were written", "free space"]);
}

#[test]
fn is_the_source_alive_at_the_right_rate_and_nothing_lost() {
    says(&mut mono(|_| {}), ALL, &["SRC OK", "1000.0/1000 Hz", "lost 0"]);
    let mut lost = mono(|s| {
        s.source.alive = false;
        s.source.lost_samples = 1840;
        s.source.reconnects = 1;
    });
    says(&mut lost, ALL, &["SRC LOST", "lost 1840", "recon 1"]);
    says(&mut lost, &[View::Live], &["NO SAMPLES FROM THE SOURCE"]);
}

#[test]
fn which_electrode_needs_a_hand_and_why() {
    says(&mut mono(|_| {}), ALL, &["ch 8/8 ok", "no alarm"]);
    let mut sick = mono(|s| {
        s.channels[3].flags.push("saturated".to_owned());
        s.alarms = vec![alarm(Priority::Second, Some(3), "COR-R is saturated", "lower the gain")];
    });
    says(&mut sick, ALL, &["ch 7/8 ok", "COR-R is saturated", "lower the gain"]);
    says(&mut sick, &[View::Live, View::Electrodes], &["!SAT"]);
}

#[test]
fn where_are_we_and_did_the_last_marker_arrive() {
    says(&mut mono(|_| {}), ALL, &["03:12:56.950 mark"]);
    let mut seen = mono(|_| {});
    crate::tui::update::update(
        &mut seen.app,
        super::fixture::at(13.4),
        crate::tui::update::Input::Key(crate::tui::keys::Key::Char('2')),
    );
    says(&mut seen, ALL, &["sent: stim_off"]);
}

#[test]
fn will_it_last_the_night() {
    says(&mut mono(|_| {}), ALL, &["disk 212 h"]);
    says(&mut mono(|s| s.disk_seconds_left = 1500.0), ALL, &["disk 25 min"]);
}

#[test]
fn what_to_press_if_something_is_wrong() {
    says(&mut mono(|_| {}), ALL, &["? help", "q leave"]);
    let advice = "check the cable of /dev/ttyACM0";
    let ill =
        |s: &mut Snapshot| s.alarms = vec![alarm(Priority::First, None, "the source is silent", advice)];
    says(&mut mono(ill), ALL, &[advice, "A = seen"]);
    let mut gone = mono(|_| {});
    let lose = |app: &mut App| app.lost = true;
    lose(&mut gone.app);
    says(&mut gone, ALL, &["NO RECORDER", "ALARM", "q leaves", "myograph status"]);
}
