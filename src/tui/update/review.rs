//! What happens next in a review: keys move the window, the cursor and the judgement; the recording answers.

use super::reply;
use crate::emg::marker::{NOTE_BYTES, clip};
use crate::emg::{Artefact, artefact, units};
use crate::session::review::{Ask, Story, Tell};
use crate::tui::app::App;
use crate::tui::app::review::landmarks::Sort;
use crate::tui::app::review::{Mode, Review};
use crate::tui::keys::Key;
use crate::tui::keys::review::{Step, step_of};

/// Longest line that says where to go.
const GOTO_BYTES: usize = 20;

/// Takes in what the recording tells.
pub(super) fn hear(app: &mut App, tell: Tell) {
    let Some(review) = &mut app.review else { return };
    match tell {
        Tell::Story(story) => review.hear(story),
        Tell::Picture(picture) => review.show(picture),
        Tell::Refused(why) => review.refused = Some(why),
        Tell::Kept(what) => reply(app, what),
    }
}

/// Takes in a key.
pub(super) fn press(app: &mut App, key: Key) {
    let Some(review) = &mut app.review else { return };
    review.refused = None;
    let said = match (std::mem::replace(&mut review.mode, Mode::Keys), step_of(key)) {
        (_, Some(Step::Leave)) if matches!(key, Key::Ctrl(_)) => return super::leave(app),
        (Mode::Goto(line), _) => type_place(review, key, line),
        (Mode::Note(one, line), _) => type_note(review, key, one, line),
        (Mode::Help, Some(Step::Help | Step::Close | Step::Leave)) => None,
        (Mode::Keys, Some(Step::Leave)) => return super::leave(app),
        (_, Some(Step::Repaint)) => {
            app.wishes.repaint = true;
            None
        }
        (_, Some(Step::Suspend)) => {
            app.wishes.suspend = true;
            None
        }
        (mode, Some(step)) => {
            review.mode = mode;
            obey(review, step)
        }
        (mode, None) => {
            review.mode = mode;
            match key {
                Key::Char(c) => Some(format!("`{c}` is bound to nothing: ? lists the keys")),
                _ => None,
            }
        }
    };
    if let Some(said) = said {
        reply(app, said);
    }
}

/// Pasted text goes into the line that is typed, and nowhere else.
pub(super) fn paste(app: &mut App, text: &str) {
    match app.review.as_mut().map(|review| &mut review.mode) {
        Some(Mode::Goto(line)) => *line = clip(&format!("{line}{text}"), GOTO_BYTES),
        Some(Mode::Note(_, line)) => *line = clip(&format!("{line}{text}"), NOTE_BYTES),
        _ => reply(app, "pasted text is not taken as keys"),
    }
}

/// A key in the line that says where to go; gives what is to be said.
fn type_place(review: &mut Review, key: Key, mut line: String) -> Option<String> {
    match key {
        Key::Esc => return None,
        Key::Enter => {
            let Some(row) = place(line.trim(), review.rate_hz()) else {
                return Some(format!("`{line}` is no time: 1:02:03.5, 2:03 or 123.4, or a row as #1234"));
            };
            review.follows = false;
            review.go(row);
            return (review.cursor != row)
                .then(|| "the file does not reach there: went to its edge".to_owned());
        }
        _ => edit(&mut line, key, GOTO_BYTES),
    }
    review.mode = Mode::Goto(line);
    None
}

/// A key in the line of a note.
fn type_note(review: &mut Review, key: Key, one: Artefact, mut line: String) -> Option<String> {
    match key {
        Key::Esc => return None,
        Key::Enter => {
            review.asks.push_back(Ask::Note(one, line.trim().to_owned()));
            return None;
        }
        _ => edit(&mut line, key, NOTE_BYTES),
    }
    review.mode = Mode::Note(one, line);
    None
}

fn edit(line: &mut String, key: Key, room: usize) {
    match key {
        Key::Backspace => drop(line.pop()),
        Key::Char(c) if line.len() + c.len_utf8() <= room => line.push(c),
        _ => {}
    }
}

/// The row of `h:m:s`, `m:s`, seconds, or `#row`.
fn place(text: &str, rate_hz: f64) -> Option<u64> {
    if let Some(row) = text.strip_prefix('#') {
        return row.parse().ok();
    }
    let mut seconds = 0.0;
    for part in text.split(':') {
        let part: f64 = part.parse().ok().filter(|part: &f64| part.is_finite() && *part >= 0.0)?;
        seconds = seconds * 60.0 + part;
    }
    (text.split(':').count() <= 3).then(|| units::count(seconds * rate_hz))
}

/// Does what a key stands for; gives what is to be said.
fn obey(review: &mut Review, step: Step) -> Option<String> {
    match step {
        Step::Half(_) | Step::Page(_) | Step::Edge(_) | Step::Cursor(_) | Step::Window(_) => {
            travel(review, step);
        }
        Step::Jump(after) => return Some(jump(review, after)),
        Step::Event(after) => {
            review.sort = Sort::Events;
            return Some(jump(review, after));
        }
        Step::Sort => review.sort = review.sort.next(),
        Step::Goto => review.mode = Mode::Goto(String::new()),
        Step::Select(down) => select(review, down),
        Step::Zoom => {
            review.selected = review.selected.or(Some(0)).filter(|_| !review.scales.is_empty());
            review.zoomed = !review.zoomed && review.selected.is_some();
        }
        Step::Raw => {
            review.raw = !review.raw;
            review.scales.clear();
            review.painted = None;
            review.want();
        }
        Step::Gain(larger) => {
            let meant = |n: usize| review.selected.is_none_or(|selected| selected == n);
            for (_, scale) in review.scales.iter_mut().enumerate().filter(|(n, _)| meant(*n)) {
                *scale = scale.step(!larger);
            }
        }
        Step::Fit => review.fit(),
        Step::Onset | Step::End | Step::TakeBack | Step::Note => return judge(review, step),
        Step::Help => review.mode = Mode::Help,
        Step::Close if review.onset.is_some() => review.onset = None,
        Step::Close => {
            review.selected = None;
            review.zoomed = false;
        }
        Step::Leave | Step::Repaint | Step::Suspend => {}
    }
    None
}

/// Moves about.
fn travel(review: &mut Review, step: Step) {
    review.follows = matches!(step, Step::Edge(true)) || (review.follows && matches!(step, Step::Window(_)));
    match step {
        Step::Half(forward) => review.pan(0.5, forward),
        Step::Page(forward) => review.pan(1.0, forward),
        Step::Edge(true) => review.go(u64::MAX),
        Step::Edge(false) => review.go(0),
        Step::Cursor(forward) => review.step(forward),
        Step::Window(longer) => review.resize(longer),
        _ => {}
    }
}

/// Goes to the next place or the one before; gives what is there.
fn jump(review: &mut Review, after: bool) -> String {
    let span = review.span();
    // A marker may lie ahead of the last row, an event have begun in the segment before: there is nothing to see.
    let found = review.places().beside(review.cursor, after).filter(|landmark| span.contains(&landmark.row));
    let Some(landmark) = found else { return no_place(review, after) };
    review.follows = false;
    review.go(landmark.row);
    landmark.text
}

/// Why there is no place to go to, and what else there is.
fn no_place(review: &Review, after: bool) -> String {
    let (sort, story) = (review.sort, review.story.as_deref());
    let is = |of: fn(&Story) -> bool| story.is_some_and(of);
    if sort == Sort::Events && is(|story| story.events.is_empty()) {
        return if is(|story| story.blind) {
            "events are kept from this screen: the review is blind".to_owned()
        } else if is(|story| story.growing) {
            "no muscle event was found yet; one is told a second or more after it ended".to_owned()
        } else {
            "this file holds no muscle events (Tab chooses other places)".to_owned()
        };
    }
    let which = if after { "after" } else { "before" };
    let on = review.selected.filter(|_| sort == Sort::Events);
    let on = on.and_then(|channel| story?.channels.get(channel));
    let on = on.map_or_else(String::new, |channel| format!(" on {}", channel.name));
    let more = if after && is(|story| story.goes_on) { " in this segment" } else { "" };
    format!("{}{on} {which} this{more}: none (Tab chooses others)", sort.word())
}

/// Selects the next channel; past the last one, none.
fn select(review: &mut Review, down: bool) {
    let channels = review.story.as_ref().map_or(0, |story| story.channels.len());
    review.selected = match review.selected {
        _ if channels == 0 => None,
        None => Some(if down { 0 } else { channels - 1 }),
        Some(at) if down => (at + 1 < channels).then_some(at + 1),
        Some(at) => at.checked_sub(1),
    };
    review.zoomed &= review.selected.is_some();
}

/// Judges, for whoever came to do so.
fn judge(review: &mut Review, step: Step) -> Option<String> {
    let story = review.story.as_ref()?;
    let coder = story.coder.clone();
    if coder.is_empty() {
        return Some("nobody judges here: `myograph review FILE --code NAME`".to_owned());
    }
    match (step, review.onset) {
        (Step::Onset, _) => {
            review.onset = Some(review.cursor);
            Some("an artefact begins here: ) ends it, Esc forgets it".to_owned())
        }
        (Step::End, None) => Some("no artefact was begun: ( begins one".to_owned()),
        (Step::End, Some(onset)) => {
            let channels = match review.selected {
                Some(channel) => artefact::bit(channel),
                None => Some(artefact::all(story.channels.len())),
            };
            let Some(channels) = channels else {
                return Some("a mask has room for 64 channels: this one has no bit".to_owned());
            };
            review.onset = None;
            review.asks.push_back(Ask::Keep(Artefact {
                onset: onset.min(review.cursor),
                end: onset.max(review.cursor) + 1,
                channels,
                rule: artefact::MANUAL.to_owned(),
                coder,
                ..Artefact::default()
            }));
            None
        }
        (_, _) => {
            let Some(one) = review.judged().cloned() else {
                return Some("no artefact under the cursor".to_owned());
            };
            if step == Step::Note {
                let note = one.note.clone();
                review.mode = Mode::Note(one, note);
            } else {
                review.asks.push_back(Ask::TakeBack(one));
            }
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_times_or_rows() {
        for (text, row) in [
            ("1:02:03.5", Some(3_723_500)),
            ("2:03", Some(123_000)),
            ("12.25", Some(12_250)),
            ("#77", Some(77)),
            ("", None),
            ("-3", None),
            ("1:2:3:4", None),
            ("nan", None),
            ("#x", None),
        ] {
            assert_eq!(place(text, 1000.0), row, "{text}");
        }
    }
}
