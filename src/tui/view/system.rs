//! THE SYSTEM: the recorder's stages along the flow of data, its disk, its source, who looks at it, and what
//! this screen costs.

use super::live::side::heading;
use super::{row, styled, words, write_all};
use crate::emg::units;
use crate::session::Role;
use crate::session::system::Stage;
use crate::tui::app::App;
use crate::tui::widget::{Column, Spark, columns};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::Widget;

/// Stages of the recorder.
const STAGES: [Column; 3] = [Column::left("STAGE", 14), Column::right("BEAT", 8), Column::right("QUEUE", 13)];
/// A stage that has not gone round for longer than this is late, milliseconds.
const LATE_MS: f64 = 1000.0;
/// A queue is nearly full above this many hundredths.
const FULL_PERCENT: u64 = 80;
/// The left column, from which the right one begins.
const LEFT: u16 = 42;

/// Draws the view.
pub(super) fn draw(app: &App, body: Rect, buffer: &mut Buffer) {
    let left = Rect { width: (LEFT - 2).min(body.width), ..body };
    let x = (body.x + LEFT).min(body.right());
    let right = Rect { x, width: body.right() - x, ..body };
    let rate = stack(left, [recorder(app), source(app)], buffer);
    // What is written, under the recorder's numbers where there is room for it.
    let bars = super::below(left, rate);
    let bars = Rect { height: bars.height.min(4), ..bars };
    if bars.height > 1 {
        super::write(row(bars, 0), buffer, styled("BYTES WRITTEN, LAST 60 s", app.theme.title));
        let spark =
            Spark { values: &app.trends.written, full: f64::NAN, dots: app.dots, style: app.theme.traces[1] };
        spark.render(super::below(bars, bars.y + 1), buffer);
    }
    stack(right, [stages(app), clients(app), screen(app)], buffer);
}

/// Writes lists under each other, a blank line between them where all have room; gives the row below.
fn stack<const N: usize>(area: Rect, lists: [Vec<Line<'static>>; N], buffer: &mut Buffer) -> u16 {
    let wanted = lists.iter().map(Vec::len).sum::<usize>() + N;
    let apart = wanted <= usize::from(area.height);
    let mut lines = Vec::new();
    for list in lists {
        lines.extend(list);
        lines.extend(apart.then(Line::default));
    }
    let used = u16::try_from(lines.len()).unwrap_or(u16::MAX).min(area.height);
    write_all(area, buffer, lines);
    area.y + used
}

fn fact(name: &str, value: impl std::fmt::Display) -> Line<'static> {
    Line::raw(format!("{name:<11}{value}"))
}

/// A number with its unit, or `--`.
fn number(value: f64, digits: usize, unit: &str) -> String {
    if value.is_nan() { "--".to_owned() } else { format!("{value:.digits$} {unit}") }
}

/// The recorder in numbers.
pub(super) fn recorder(app: &App) -> Vec<Line<'static>> {
    let s = &app.snapshot;
    let pid = if s.system.pid == 0 { "--".to_owned() } else { s.system.pid.to_string() };
    let projector =
        if s.system.projector_pid == 0 { "none".to_owned() } else { s.system.projector_pid.to_string() };
    let version = if s.system.version.is_empty() { "--" } else { &s.system.version };
    let mut lines = vec![
        heading(app, format!("RECORDER {}", s.id)),
        fact("version", version),
        fact("process", format!("{pid}, projector {projector}")),
        fact("rows", format!("{}, {} not in the file", s.rows, s.rows.saturating_sub(s.projected_rows))),
        fact("unwritten", number(s.unwritten_ms, 0, "ms")),
        fact("unsynced", number(s.undurable_ms, 0, "ms")),
        fact(
            "sync",
            format!(
                "{}, worst {}",
                number(s.system.sync_ms, 1, "ms"),
                number(s.system.sync_worst_ms, 1, "ms")
            ),
        ),
        fact("disk free", format!("{}, {}", words::bytes(s.free_bytes), words::span(s.disk_seconds_left))),
        fact("load", format!("{:.1} % of a core, {}", s.cpu_percent, words::bytes(s.rss_bytes))),
    ];
    if !s.system.listens.is_empty() {
        lines.push(fact("listens", &s.system.listens));
    }
    lines
}

/// The source in numbers.
pub(super) fn source(app: &App) -> Vec<Line<'static>> {
    let s = &app.snapshot.source;
    let lost = if s.losses_counted { s.lost_samples.to_string() } else { "not countable".to_owned() };
    let drift = if s.drift_ppm.is_nan() { "--".to_owned() } else { format!("{:+.1} ppm", s.drift_ppm) };
    vec![
        heading(app, format!("SOURCE {}", s.board)),
        fact("uri", words::fit(&s.uri, usize::from(LEFT) - 13, app.dots)),
        fact(
            "rate",
            format!("{} of {}", number(s.rate_measured_hz, 2, "Hz"), number(s.rate_nominal_hz, 0, "Hz")),
        ),
        fact("drift", format!("{drift}, scatter {}", number(s.residual_us, 0, "us"))),
        fact("lost", format!("{lost}, gaps {}", s.gaps)),
        fact("refused", format!("{}, reconnects {}", s.refused, s.reconnects)),
    ]
}

/// The stages, those that are late or full said so.
fn stages(app: &App) -> Vec<Line<'static>> {
    let mut lines = vec![heading(app, columns::heading(&STAGES))];
    let line = |stage: &Stage| {
        let beat = number(stage.beat_age_ms, 0, "ms");
        let queue = match stage.capacity {
            0 => "--".to_owned(),
            capacity => format!("{}/{capacity}", stage.queued),
        };
        let text = columns::line(&STAGES, [stage.name.clone(), beat, queue]);
        let late = stage.beat_age_ms > LATE_MS;
        let full = stage.capacity > 0
            && stage.queued.saturating_mul(100) > stage.capacity.saturating_mul(FULL_PERCENT);
        let word = match (late, full) {
            (false, false) => return Line::raw(text),
            (true, false) => " LATE ",
            (_, true) => " FULL ",
        };
        Line::from(vec![text.into(), styled(word, app.theme.alarm)])
    };
    lines.extend(app.snapshot.system.stages.iter().map(line));
    if app.snapshot.system.stages.is_empty() {
        lines.push(Line::raw("this recorder does not say"));
    }
    lines
}

/// Who looks, and what each may do.
fn clients(app: &App) -> Vec<Line<'static>> {
    let viewers = &app.snapshot.viewers;
    let mut lines = vec![heading(app, format!("CLIENTS {}", viewers.len()))];
    for viewer in viewers {
        let me = if Some(viewer.client) == app.client { " (this screen)" } else { "" };
        let text = format!("{:>3} {}  {}{me}", viewer.client, viewer.name, viewer.role.word());
        let style = if viewer.role == Role::Control { app.theme.title } else { Style::new() };
        lines.push(Line::from(styled(text, style)));
    }
    lines
}

/// What this screen is and costs.
fn screen(app: &App) -> Vec<Line<'static>> {
    let fps = app.link.slowed_to.map_or_else(|| "10 fps".to_owned(), |fps| format!("slowed to {fps} fps"));
    let rate = format!("{:.1} kB/s", units::float(app.link.bytes_per_s) / 1e3);
    let bell = if app.bell.on { "on" } else { "off" };
    vec![
        heading(app, "THIS SCREEN".to_owned()),
        fact("link", format!("{rate}, {fps}")),
        fact("bell", bell),
        fact("version", env!("CARGO_PKG_VERSION")),
    ]
}
