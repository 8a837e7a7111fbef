//! Two lines that answer: which file, whole or growing, where in it, what of it, and what is wrong with it.

use super::super::{row, styled, words, write};
use super::time;
use crate::emg::units;
use crate::session::review::Story;
use crate::tui::app::App;
use crate::tui::app::review::Review;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// Between two fields.
const APART: &str = "  ";
/// A file name is not cut below this.
const SHORTEST_NAME: usize = 8;

/// Draws both lines.
pub(super) fn draw(app: &App, review: &Review, area: Rect, buffer: &mut Buffer) {
    let width = usize::from(area.width);
    let Some(story) = &review.story else {
        return write(area, buffer, styled(state(review), app.theme.state));
    };
    let state = state(review);
    let (whole, size) = (whole(review), size(story));
    let used = state.chars().count() + whole.chars().count() + size.chars().count() + 3 * APART.len();
    let name = words::fit(file_name(story), width.saturating_sub(used).max(SHORTEST_NAME), app.dots);
    let first = vec![
        styled(state, app.theme.state),
        Span::raw(APART),
        Span::raw(whole),
        Span::raw(APART),
        styled(name, app.theme.title),
        Span::raw(APART),
        Span::raw(size),
    ];
    write(row(area, 0), buffer, Line::from(first));
    let mut second = Line::default();
    for (n, field) in signal(app, review, story).into_iter().enumerate() {
        if n > 0 {
            second.push_span(Span::raw(APART));
        }
        second.push_span(field);
    }
    write(row(area, 1), buffer, second);
}

/// The same as one fact per line.
pub(super) fn facts(app: &App, review: &Review, width: usize) -> Vec<String> {
    let mut facts = vec![state(review).trim().to_owned()];
    if let Some(story) = &review.story {
        facts.push(words::fit(file_name(story), width, app.dots));
        facts.push(whole(review));
        facts.extend(signal(app, review, story).into_iter().map(|field| field.content.into_owned()));
    }
    facts
}

/// Whether it is a file that still grows.
fn state(review: &Review) -> String {
    let word = match &review.story {
        None => "REVIEW opening",
        Some(story) if story.growing => "REVIEW live",
        Some(_) => "REVIEW",
    };
    format!(" {word} ")
}

fn whole(review: &Review) -> String {
    let span = review.span();
    let from = if span.start > 0 { format!("{} to ", time(review, span.start)) } else { String::new() };
    format!("{from}{}", time(review, span.end))
}

fn size(story: &Story) -> String {
    format!("{} {}", story.state, words::bytes(story.bytes))
}

fn file_name(story: &Story) -> &str {
    story.file.rsplit('/').next().unwrap_or_default()
}

/// What is seen of it, and what is known of it, by importance.
fn signal(app: &App, review: &Review, story: &Story) -> Vec<Span<'static>> {
    let rows = review.window();
    let length = units::float(rows.end - rows.start) / review.rate_hz();
    let whole = if review.is_whole() { " (all)" } else { "" };
    let mut fields = vec![
        styled(if review.raw { "RAW" } else { "clean" }, app.theme.title),
        Span::raw(format!("window {}{whole}", span(length))),
    ];
    if let Some(painted) = review.painted.as_ref().filter(|painted| painted.read < 1.0) {
        fields.push(styled(format!("READING {:.0} %", painted.read * 100.0), app.theme.alarm));
    }
    if review.follows && story.growing {
        fields.push(styled("follows the end", app.theme.title));
    }
    if story.blind {
        fields.push(styled(" BLIND ", app.theme.alarm));
    }
    if !story.coder.is_empty() {
        let spans = story.artefacts.iter().filter(|one| !one.retracted).count();
        fields.push(styled(format!("coder {}, artefacts {spans}", story.coder), app.theme.title));
    }
    let lost: u64 = story.gaps.iter().fold(0, |sum, gap| sum.saturating_add(gap.missing));
    let many = if story.gaps.len() == 1 { "" } else { "s" };
    let gaps = format!("{} gap{many}, {lost} rows lost", story.gaps.len());
    fields.push(if story.gaps.is_empty() { Span::raw("no gaps") } else { styled(gaps, app.theme.alarm) });
    fields.push(Span::raw(format!("{} ch", story.channels.len())));
    if story.rate_hz.is_nan() {
        fields.push(styled("rate unknown: 1000 Hz assumed", app.theme.alarm));
    } else {
        fields.push(Span::raw(format!("{} Hz", story.rate_hz)));
    }
    fields.push(Span::raw(if review.raw || story.chain.is_empty() {
        String::new()
    } else {
        story.chain.clone()
    }));
    fields
}

/// A length of time as people say it: a window is half a second or half a day.
fn span(seconds: f64) -> String {
    if seconds.fract() == 0.0 && seconds < 100.0 {
        format!("{seconds:.0} s")
    } else if seconds < 100.0 {
        format!("{} s", words::value(seconds))
    } else {
        words::hms(seconds)
    }
}
