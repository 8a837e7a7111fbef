//! THE CALIBRATION: what the subject is to do now and for how long, how strongly the muscle answers, and what was
//! measured of each, with a verdict and what to do about it.

mod earlier;

use super::{row, styled, words, write};
use crate::face::calibration::{LEAD_S, Muscle, Phase, Progress, Verdict, cue};
use crate::session::snapshot::ChannelState;
use crate::tui::app::App;
use crate::tui::keys::calibration::TABLE;
use crate::tui::widget::{Column, bar, columns};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

/// What was measured of a muscle.
const COLUMNS: [Column; 10] = [
    Column::right("#", 2),
    Column::left("ELECTRODE", 10),
    Column::right("REST", 5),
    Column::right("SD", 5),
    Column::right("1st", 5),
    Column::right("2nd", 5),
    Column::right("3rd", 5),
    Column::right("MAXIMUM", 7),
    Column::right("DIFFER", 6),
    Column::left("VERDICT", 19),
];
/// Rows above the table: what goes on, what to do, how strongly it is done, a blank one.
const HEAD: u16 = 4;
/// The bar of a first contraction is full at so many times the rest.
const FULL_RESTS: f64 = 20.0;

/// Draws the view.
pub(super) fn draw(app: &App, body: Rect, buffer: &mut Buffer) {
    let keys = row(body, body.height.saturating_sub(1));
    write(keys, buffer, styled(hints(app), app.theme.title));
    let Some(progress) = &app.snapshot.calibration else {
        return explain(app, body, buffer);
    };
    head(app, progress, body, buffer);
    let compared = u16::from(earlier::is_any(app));
    let rows = body.height.saturating_sub(HEAD + 3 + compared);
    write(row(body, HEAD), buffer, styled(columns::heading(&COLUMNS), app.theme.title));
    let all = progress.muscles.len();
    let wanted = progress.channel.or_else(|| app.selected.and_then(|n| u16::try_from(n).ok()));
    let at = progress.muscles.iter().position(|muscle| Some(muscle.channel) == wanted).unwrap_or(0);
    let room = usize::from(rows).min(all);
    let first = (at + 1).saturating_sub(room).min(all - room);
    for (y, muscle) in (HEAD + 1..).zip(progress.muscles.iter().skip(first).take(room)) {
        let Some(state) = app.snapshot.channels.get(usize::from(muscle.channel)) else { continue };
        let selected = app.selected == Some(usize::from(muscle.channel));
        let style = if selected { app.theme.selected } else { Style::new() };
        let mut line = Line::from(styled(numbers(state, muscle), style));
        if Some(muscle.channel) == progress.channel {
            line.push_span(styled(app.dots.pick(" ◀", " <"), app.theme.title));
        }
        write(row(body, y), buffer, line);
    }
    let asked = app.selected.or(progress.channel.map(usize::from)).unwrap_or(0);
    if let Some(text) = earlier::of_one(app, asked) {
        let text = words::cut(&text, usize::from(body.width), app.dots);
        write(row(body, body.height.saturating_sub(3)), buffer, text);
    }
    if let Some(text) = advice(app, progress) {
        let text = words::cut(&text, usize::from(body.width), app.dots);
        write(row(body, body.height.saturating_sub(2)), buffer, text);
    }
}

/// Before anything was measured: what will happen.
fn explain(app: &App, body: Rect, buffer: &mut Buffer) {
    let text = "B begins: the subject rests for 10 s, then contracts each muscle three times for 3 s, as hard as \
                possible, in turns, so that each rests 30 s. Nothing is kept until K keeps it. It may be done before \
                the recording or after the session; it holds for the whole application of the electrodes, until \
                :calibrate moved says that they were moved.";
    let mut lines = words::wrap(text, usize::from(body.width));
    let earlier = earlier::of_all(app);
    if !earlier.is_empty() {
        lines.push(String::new());
        lines.extend(earlier);
    }
    super::write_all(row_to(body, body.height.saturating_sub(1)), buffer, lines.into_iter().map(Line::from));
}

/// The first rows of `area`.
fn row_to(area: Rect, height: u16) -> Rect {
    Rect { height: height.min(area.height), ..area }
}

/// What goes on, what to do and how strongly it is done.
fn head(app: &App, progress: &Progress, body: Rect, buffer: &mut Buffer) {
    let width = usize::from(body.width);
    let state = progress.channel.and_then(|n| app.snapshot.channels.get(usize::from(n)));
    let name = state.map_or("", |state| state.channel.name.as_str());
    let left = format!("{:.0} s", progress.left_s.ceil());
    let (word, text) = match progress.phase {
        _ if progress.settling => ("WAIT", "the filters settle".to_owned()),
        Phase::Idle => ("", "nothing is measured at present".to_owned()),
        Phase::Rest => ("REST", format!("{left}   sit still, look straight ahead, let your face be loose")),
        Phase::Ready if progress.left_s > LEAD_S => ("PAUSE", format!("{left}   then {name}")),
        Phase::Ready => ("READY", format!("{left}   {name}")),
        Phase::Contract => ("NOW", format!("{left}   {name}")),
        Phase::Judge => ("DONE", "K keeps it, R measures the selected one again, D discards it".to_owned()),
    };
    let of = if progress.channel.is_some() {
        format!("contraction {} of 3, ", progress.round)
    } else {
        String::new()
    };
    let to_end = format!("{of}{} to the end", words::ms(progress.to_end_s.ceil()));
    let to_end = if matches!(progress.phase, Phase::Idle | Phase::Judge) { String::new() } else { to_end };
    let style = if progress.phase == Phase::Contract { app.theme.alarm } else { app.theme.title };
    let chip = if word.is_empty() { Span::raw("") } else { styled(format!(" {word} "), style) };
    let rest = width.saturating_sub(chip.width() + 1);
    let line = Line::from(vec![chip, Span::raw(format!(" {}", words::apart(&text, &to_end, rest)))]);
    write(row(body, 0), buffer, line);
    let Some(state) = state else { return };
    let cue = format!("   {}, as hard as you can", cue::of(&state.channel));
    write(row(body, 1), buffer, styled(words::cut(&cue, width, app.dots), app.theme.title));
    feedback(app, progress, state, row(body, 2), buffer);
}

/// How strongly the muscle answers, against the best so far.
fn feedback(app: &App, progress: &Progress, state: &ChannelState, area: Rect, buffer: &mut Buffer) {
    let muscle = progress.muscles.iter().find(|muscle| Some(muscle.channel) == progress.channel);
    let Some(muscle) = muscle else { return };
    let known = muscle.mvc().max(progress.best);
    let full = if known.is_nan() { FULL_RESTS * muscle.rest_mean } else { known };
    let share = (progress.level - muscle.rest_mean) / (full - muscle.rest_mean);
    let unit = &state.channel.unit;
    let text = format!(" {:>5} {unit}  best {}", words::value(progress.level), words::value(known));
    let cells = area.width.saturating_sub(3 + u16::try_from(text.chars().count()).unwrap_or(0)).min(48);
    write(area, buffer, format!("   {}{text}", bar::bar(share, usize::from(cells), app.dots)));
}

/// The numbers in their columns.
fn numbers(state: &ChannelState, muscle: &Muscle) -> String {
    let trial = |n: usize| muscle.trials.get(n).map_or_else(String::new, |value| words::value(*value));
    let spread = muscle.spread();
    let spread = if spread.is_nan() { String::new() } else { format!("{:.0} %", spread * 100.0) };
    let verdict = match (muscle.kept, muscle.verdict) {
        (true, Verdict::Ok) => "kept".to_owned(),
        (true, verdict) => format!("kept, {}", verdict.word()),
        (false, verdict) => verdict.word().to_owned(),
    };
    let shown = |value: f64| if value.is_nan() { String::new() } else { words::value(value) };
    let cells = [
        (muscle.channel + 1).to_string(),
        state.channel.name.clone(),
        shown(muscle.rest_mean),
        shown(muscle.rest_sd),
        trial(0),
        trial(1),
        trial(2),
        shown(muscle.mvc()),
        spread,
        verdict,
    ];
    columns::line(&COLUMNS, cells)
}

/// What to do about the selected muscle, or else the first that needs something.
fn advice(app: &App, progress: &Progress) -> Option<String> {
    let selected = |muscle: &&Muscle| app.selected == Some(usize::from(muscle.channel));
    let needy = |muscle: &&Muscle| !muscle.verdict.advice().is_empty();
    let muscle = progress.muscles.iter().find(selected).or_else(|| progress.muscles.iter().find(needy))?;
    let name = &app.snapshot.channels.get(usize::from(muscle.channel))?.channel.name;
    let advice = muscle.verdict.advice();
    (!advice.is_empty()).then(|| format!("{name} {}: {advice}", muscle.verdict.word()))
}

/// The keys that do something here and now.
fn hints(app: &App) -> String {
    use crate::session::command::CalibrateStep::{Discard, Keep, Moved, Next, Redo, Skip, Start};

    if app.read_only {
        return String::new();
    }
    let progress = app.snapshot.calibration.as_ref();
    let phase = progress.map_or(Phase::Idle, |progress| progress.phase);
    let unkept = progress.is_some_and(|progress| progress.muscles.iter().any(|muscle| !muscle.kept));
    let useful = |step| match step {
        Start => matches!(phase, Phase::Idle | Phase::Judge),
        Next => phase == Phase::Ready,
        Skip => matches!(phase, Phase::Ready | Phase::Contract),
        Redo => phase != Phase::Idle || progress.is_some(),
        Keep => phase == Phase::Judge && unkept,
        Discard => phase != Phase::Idle,
        Moved => false,
    };
    let hints: Vec<&str> = TABLE.iter().filter(|row| useful(row.1)).map(|row| row.2).collect();
    let moved = if progress.is_some() { "  :calibrate moved" } else { "" };
    format!("{}{moved}", hints.join("  "))
}
