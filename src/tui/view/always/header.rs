//! Two lines that answer: are we recording, is it growing, is the source alive, is anything lost.
//!
//! Fields stand in the order of their importance and are dropped from the right; the recording's own five
//! and the source are never dropped, the file name shrinks for them.

use crate::emg::units;
use crate::session::Snapshot;
use crate::session::snapshot::State;
use crate::tui::app::App;
use crate::tui::view::live::{models, side};
use crate::tui::view::{row, styled, words, write};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

/// Between two fields.
const APART: &str = "  ";
/// A file name is not cut below this.
const SHORTEST_NAME: usize = 8;
/// A file that has not grown for longer is not growing, seconds.
const STALLED_S: f64 = 3.0;

/// Draws both lines.
pub(in crate::tui::view) fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    let width = usize::from(area.width);
    let mut first = recording(app, width);
    let mut second = Vec::new();
    let mut rest = signal(app).into_iter().peekable();
    // What has room beside the recording stands there, so that the second line reaches further.
    while let Some(field) = rest.next_if(|field| spread(&first) + APART.len() + field.width() <= width) {
        first.push(field);
    }
    for field in rest {
        let room = width.saturating_sub(spread(&second) + APART.len() * usize::from(!second.is_empty()));
        // A field that has no room ends the line: what follows it is less important.
        if field.width() > room {
            break;
        }
        second.push(field);
    }
    write(row(area, 0), buffer, line(first));
    write(row(area, 1), buffer, line(second));
}

fn line(fields: Vec<Span<'_>>) -> Line<'_> {
    spaced(fields).collect()
}

/// Fields with space between them.
fn spaced(fields: Vec<Span<'_>>) -> impl Iterator<Item = Span<'_>> {
    fields.into_iter().enumerate().flat_map(|(n, field)| {
        let space = (n > 0).then(|| Span::raw(APART));
        space.into_iter().chain([field])
    })
}

/// Width of fields on a line.
fn spread(fields: &[Span<'_>]) -> usize {
    fields.iter().map(Span::width).sum::<usize>() + APART.len() * fields.len().saturating_sub(1)
}

/// State, elapsed, file, bytes with write age, disk time: the five that are on the first line always.
fn recording(app: &App, width: usize) -> Vec<Span<'static>> {
    let snapshot = &app.snapshot;
    let stalled = snapshot.state == State::Recording && snapshot.write_age_s > STALLED_S;
    let mut fields = vec![
        styled(state(app), app.theme.state),
        Span::raw(words::hms(snapshot.elapsed_s)),
        Span::raw(String::new()),
        styled(written(snapshot), if stalled { app.theme.alarm } else { Style::new() }),
        Span::raw(format!("disk {}", words::span(snapshot.disk_seconds_left))),
    ];
    let name = file_name(snapshot);
    let room = width.saturating_sub(spread(&fields)).max(SHORTEST_NAME);
    fields[2] = styled(words::fit(name, room, app.dots), app.theme.title);
    fields
}

/// What the recorder is doing, as a word.
pub(in crate::tui::view) fn state(app: &App) -> String {
    let sign = app.dots.pick("● ", "");
    let word = match app.snapshot.state {
        _ if app.lost => "NO RECORDER",
        _ if app.heard.is_none() => "WAITING",
        State::Recording => return format!(" {sign}REC "),
        State::Monitoring => "MON",
        State::Draining => "CLOSING",
        State::Closed => "CLOSED",
    };
    format!(" {word} ")
}

/// The file's name without its folders.
pub(in crate::tui::view) fn file_name(snapshot: &Snapshot) -> &str {
    match snapshot.file.rsplit('/').next() {
        None | Some("") => "nothing is written",
        Some(name) => name,
    }
}

/// Bytes and how long ago they grew.
pub(in crate::tui::view) fn written(snapshot: &Snapshot) -> String {
    match snapshot.state {
        State::Monitoring => "not recording".to_owned(),
        _ => format!("{} {}", words::bytes(snapshot.bytes), words::age(snapshot.write_age_s)),
    }
}

/// The source in one field: alive, at which rate, what was lost.
pub(in crate::tui::view) fn source(app: &App) -> String {
    let source = &app.snapshot.source;
    let word = if source.alive && app.silent_since().is_none() { "OK" } else { "LOST" };
    let rate = |hz: f64, digits: usize| {
        if hz.is_finite() { format!("{hz:.digits$}") } else { "--".to_owned() }
    };
    let lost = if source.losses_counted {
        format!("lost {}", source.lost_samples)
    } else {
        "losses cannot be counted".to_owned()
    };
    format!("SRC {word} {}/{} Hz {lost}", rate(source.rate_measured_hz, 1), rate(source.rate_nominal_hz, 0))
}

/// Channels without an exception, of all; settling is said once, by the chain.
pub(in crate::tui::view) fn channels_ok(snapshot: &Snapshot) -> (usize, usize) {
    let well = |flags: &[String]| flags.iter().all(|flag| flag == "settling");
    let ok = snapshot.channels.iter().filter(|state| well(&state.flags)).count();
    (ok, snapshot.channels.len())
}

/// Everything after the first five, by importance.
fn signal(app: &App) -> Vec<Span<'static>> {
    let snapshot = &app.snapshot;
    let alarm_if = |wrong: bool| if wrong { app.theme.alarm } else { Style::new() };
    let (ok, all) = channels_ok(snapshot);
    let source_is_well =
        snapshot.source.alive && snapshot.source.lost_samples == 0 && app.silent_since().is_none();
    let mut fields = vec![styled(source(app), alarm_if(!source_is_well && app.heard.is_some()))];
    if snapshot.blind {
        fields.push(styled(" BLIND ", app.theme.state));
    }
    fields.extend(app.link.slowed_to.map(|fps| styled(format!("link slow {fps} fps"), app.theme.title)));
    fields.push(Span::raw(format!("recon {}", snapshot.source.reconnects)));
    if snapshot.source.drift_ppm.is_finite() {
        fields.push(Span::raw(format!("{:+.0} ppm", snapshot.source.drift_ppm)));
    }
    fields.push(styled(format!("ch {ok}/{all} ok"), alarm_if(ok < all)));
    fields.extend(settling(snapshot).map(|text| styled(text, app.theme.title)));
    fields.push(Span::raw(chain(snapshot)));
    fields.extend(open_marks(app).map(|text| styled(text, app.theme.title)));
    if let Some(last) = app.marks.last() {
        let seconds = units::seconds(app.now.host_ns - last.marker.stamp.host_ns).max(0.0);
        fields.push(Span::raw(format!("last [{}] {} ago", app.label_of(&last), words::span(seconds))));
    }
    fields.extend(models::field(app).map(Span::raw));
    fields.extend(side::newest_event(app).map(Span::raw));
    if snapshot.skipped_rows > 0 {
        fields.push(Span::raw(format!("screen skipped {} rows", snapshot.skipped_rows)));
    }
    fields.push(Span::raw(format!("viewers {}", snapshot.viewers.len())));
    fields
}

/// The filter chain.
pub(in crate::tui::view) fn chain(snapshot: &Snapshot) -> String {
    if snapshot.chain.is_empty() { "no filter".to_owned() } else { snapshot.chain.clone() }
}

/// How long the filters take to settle, while they do.
pub(in crate::tui::view) fn settling(snapshot: &Snapshot) -> Option<String> {
    let settles = !snapshot.settled && !snapshot.channels.is_empty();
    settles.then(|| format!("SETTLING {:.0} s", snapshot.settling_s.max(0.0).ceil()))
}

/// The durations that were opened and not ended, with their age.
pub(in crate::tui::view) fn open_marks(app: &App) -> impl Iterator<Item = String> {
    app.snapshot.open_marks.iter().map(|open| {
        let seconds = units::seconds(app.now.host_ns - open.since_host_ns).max(0.0);
        format!("open {} {}", open.label, words::ms(seconds))
    })
}
