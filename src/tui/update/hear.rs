//! What the recorder says, taken into the app.

use super::reply;
use crate::emg::marker::{Marker, Placed};
use crate::emg::units;
use crate::session::{Answer, Event, MarkRequest, Snapshot};
use crate::tui::Exit;
use crate::tui::app::App;
use crate::tui::app::log::LogLine;
use crate::tui::app::scale::Scale;

/// Traces are scaled for the first time when this much of them is there, seconds.
const FIRST_FIT_S: f64 = 1.0;

/// Puts the waiting state on the screen.
pub(super) fn renew(app: &mut App) {
    let Some(snapshot) = app.incoming.take() else {
        return;
    };
    app.selected = app.selected.filter(|&channel| channel < snapshot.channels.len());
    app.snapshot = snapshot;
    app.renewed_ns = app.now.host_ns;
}

pub(super) fn hear(app: &mut App, event: Event) {
    match event {
        Event::Tick(snapshot) => take_snapshot(app, snapshot),
        Event::Bins(bins) => {
            let passes = app.history.end() / app.window_bins();
            app.history.push(&bins);
            fit_scales(app, passes != app.history.end() / app.window_bins());
        }
        Event::Marked(marker) => app.marks.insert(marker),
        Event::Notice { utc_ns, level, text } => app.log.push(LogLine { utc_ns, level, text }),
        Event::Answer { request, answer } => answered(app, request, answer),
        Event::Finished { code, text } => app.wishes.exit = Some(Exit::Finished { code, text }),
    }
}

/// Keeps the newest state for the next renewal; a change of what the recorder does shows at once.
fn take_snapshot(app: &mut App, snapshot: Box<Snapshot>) {
    for marker in &snapshot.last_markers {
        app.marks.insert(marker.clone());
    }
    app.history.found(&snapshot.last_events);
    // A picture is frozen to look at what just happened: what that was comes later.
    app.frozen.iter_mut().for_each(|frozen| frozen.found(&snapshot.last_events));
    app.trends.take(app.now.host_ns, &snapshot);
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
        (Answer::Subscribed { client }, _) => app.client = Some(client),
        (Answer::Status(snapshot), _) => take_snapshot(app, snapshot),
        (Answer::Refused(why), _) => {
            let text = format!("{} refused: {why}", asked.what);
            reply(app, text.clone());
            app.log.push(LogLine { utc_ns: app.now.utc_ns, level: 2, text });
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
