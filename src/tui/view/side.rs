//! The right-hand column of larger screens: source and recorder in numbers, markers, log.

use super::{row, styled, words, write};
use crate::emg::marker::Action;
use crate::emg::units;
use crate::tui::app::marks::Shown;
use crate::tui::app::{App, LogLine};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

/// From this height on, source and recorder are shown in numbers too.
const TABLES_FROM: u16 = 44;

/// Draws what there is room for, newest first in each list.
pub(super) fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    let mut lines = if area.height >= TABLES_FROM { tables(app) } else { Vec::new() };
    let rest = usize::from(area.height).saturating_sub(lines.len());
    let markers = rest * 3 / 5;
    lines.push(heading(app, format!("MARKERS {}", app.snapshot.markers)));
    lines.extend(marker_lines(app, markers.saturating_sub(2)).into_iter().map(Line::from));
    lines.resize(usize::from(area.height) - rest + markers, Line::default());
    lines.push(heading(app, "LOG".to_owned()));
    lines.extend(app.log.iter().rev().map(|line| Line::from(log_line(app, line))));
    for (n, line) in (0..area.height).zip(lines) {
        write(row(area, n), buffer, line);
    }
}

fn heading(app: &App, text: String) -> Line<'static> {
    Line::from(styled(text, app.theme.title))
}

/// The newest markers: the ones still on their way, then the stored ones.
pub(super) fn marker_lines(app: &App, room: usize) -> Vec<Span<'static>> {
    let sent = app.asked.iter().rev().filter_map(|asked| asked.mark.as_ref());
    let sent = sent.map(|mark| styled(format!("sent         {}", mark.label), app.theme.title));
    let stored = app.marks.shown().rev().map(|shown| Span::raw(marker_line(app, &shown)));
    sent.chain(stored).take(room).collect()
}

/// Time in the recording, label, note.
fn marker_line(app: &App, shown: &Shown<'_>) -> String {
    let time = words::hms_ms(units::float(shown.marker.sample) / app.rate_hz());
    let end = if shown.retracted { " (taken back)" } else { "" };
    let ends = if shown.marker.action == Action::End { " (end)" } else { "" };
    let note = if shown.note.is_empty() { String::new() } else { format!(": {}", shown.note) };
    format!("{time} {}{ends}{note}{end}", shown.label)
}

/// Time of day and sentence; alarms and warnings say so.
pub(super) fn log_line(app: &App, line: &LogLine) -> Span<'static> {
    let (word, style) = match line.level {
        1 => ("ALARM ", app.theme.title),
        2 => ("warn ", app.theme.title),
        _ => ("", Style::new()),
    };
    styled(format!("{} {word}{}", words::clock(line.utc_ns, app.utc_offset_s), line.text), style)
}

/// Source and recorder in numbers.
fn tables(app: &App) -> Vec<Line<'static>> {
    let s = &app.snapshot;
    let ppm = if s.source.drift_ppm.is_nan() {
        "--".to_owned()
    } else {
        format!("{:+.1} ppm, residual {:.0} us", s.source.drift_ppm, s.source.residual_us)
    };
    let lost =
        if s.source.losses_counted { s.source.lost_samples.to_string() } else { "not countable".to_owned() };
    let row = |name: &str, value: String| Line::raw(format!("{name:<12}{value}"));
    let mut lines = vec![
        heading(app, "SOURCE".to_owned()),
        row("board", s.source.board.clone()),
        row("uri", words::fit(&s.source.uri, 31, app.dots)),
        row("rate", format!("{:.2} of {:.0} Hz", s.source.rate_measured_hz, s.source.rate_nominal_hz)),
        row("drift", ppm),
        row("lost", lost),
        row("gaps", s.source.gaps.to_string()),
        row("refused", s.source.refused.to_string()),
        row("reconnects", s.source.reconnects.to_string()),
        Line::default(),
        heading(app, "RECORDER".to_owned()),
        row("id", s.id.clone()),
        row("rows", format!("{} ({} in the file)", s.rows, s.projected_rows)),
        row("unwritten", format!("{:.0} ms", s.unwritten_ms)),
        row("unsynced", format!("{:.0} ms", s.undurable_ms)),
        row("disk free", words::bytes(s.free_bytes)),
        row("processor", format!("{:.1} % of a core", s.cpu_percent)),
        row("memory", words::bytes(s.rss_bytes)),
        row("viewers", s.viewers.len().to_string()),
    ];
    lines.push(Line::default());
    lines
}
