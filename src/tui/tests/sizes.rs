//! Any terminal at all: no size, view or panel makes the dashboard fall over.

use super::fixture::{Watched, at};
use super::screens::{alarm, screen, well};
use crate::session::Snapshot;
use crate::session::alarm::Priority;
use crate::session::snapshot::OpenMark;
use crate::tui::keys::{Key, View};
use crate::tui::update::{Input, update};
use crate::tui::widget::Dots;
use proptest::prelude::*;
use proptest::sample::select;

/// Everything that may go wrong at once, with long words.
fn everything(s: &mut Snapshot) {
    let words = "a sentence that is longer than any screen is wide, ".repeat(9);
    s.alarms = (0..30).map(|n| alarm(Priority::ALL[n % 3], u16::try_from(n).ok(), &words, &words)).collect();
    s.open_marks = vec![OpenMark { label: words.clone(), ..OpenMark::default() }; 9];
    s.channels.iter_mut().for_each(|c| c.flags = vec![words.clone(); 3]);
    s.system.stages.iter_mut().for_each(|stage| (stage.queued, stage.capacity) = (u64::MAX, 2));
    s.viewers.iter_mut().for_each(|viewer| viewer.name.clone_from(&words));
    (s.blind, s.file, s.chain, s.settled) = (true, words.clone(), words, false);
}

fn view_and_keys() -> impl Strategy<Value = (View, String, bool)> {
    (select(View::TABLE.map(|row| row.0).to_vec()), "(\\?|\\?\\?|S|N|Z|,|F|:|/|:the|)", any::<bool>())
}

fn drawn((view, keys, ill): (View, String, bool), dots: Dots, channels: usize, size: (u16, u16)) {
    let seen = Watched::new(dots, channels);
    let mut seen = if ill { seen.until(1.3, everything) } else { seen.until(1.3, well) };
    seen.app.view = view;
    for key in keys.chars() {
        update(&mut seen.app, at(1.4), Input::Key(Key::Char(key)));
    }
    screen(&seen, size);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn no_size_panics(
        width in 0_u16..300, height in 0_u16..300, channels in 0_usize..40, shown in view_and_keys(),
    ) {
        drawn(shown, Dots::Braille, channels, (width, height));
    }

    #[test]
    fn no_size_at_the_edge_panics(width in 0_u16..70, height in 0_u16..26, shown in view_and_keys()) {
        drawn(shown, Dots::Ascii, 8, (width, height));
    }
}
