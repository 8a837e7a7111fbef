//! What earlier recordings of this subject knew of its muscles, labelled as what it is: of other electrodes, not used.

use crate::emg::Channel;
use crate::session::earlier::Earlier;
use crate::tui::app::App;
use crate::tui::view::words;

/// Maxima shown of a muscle.
const SHOWN: usize = 3;

/// Whether there is anything to compare with.
pub(super) fn is_any(app: &App) -> bool {
    app.snapshot.channels.iter().any(|state| of(app, &state.channel).next().is_some())
}

/// Newest first.
fn of<'a>(app: &'a App, channel: &'a Channel) -> impl Iterator<Item = &'a Earlier> {
    app.earlier.get().into_iter().flatten().filter(|one| one.is_of(channel))
}

/// The maxima of one muscle with their days in a line; none where there are none.
pub(super) fn of_one(app: &App, n: usize) -> Option<String> {
    let channel = &app.snapshot.channels.get(n)?.channel;
    let told = of(app, channel).take(SHOWN).map(|one| {
        let Earlier { day, unit, mvc, .. } = one;
        format!("{} {unit} {day}", words::value(*mvc))
    });
    let told: Vec<String> = told.collect();
    (!told.is_empty())
        .then(|| format!("{} earlier, other electrodes, not used: {}", channel.name, told.join(", ")))
}

/// The newest maximum of every muscle that has one, a line each, under a heading.
pub(super) fn of_all(app: &App) -> Vec<String> {
    let told = app.snapshot.channels.iter().filter_map(|state| {
        let Earlier { recording, day, unit, mvc, .. } = of(app, &state.channel).next()?;
        Some(format!("  {:<10} {:>5} {unit}  {day}  {recording}", state.channel.name, words::value(*mvc)))
    });
    let told: Vec<String> = told.collect();
    let head = "EARLIER MAXIMA, under other electrodes: for comparison, never used";
    (!told.is_empty()).then(|| head.to_owned()).into_iter().chain(told).collect()
}
