//! What there is to jump to in a recording: markers as they stand after retractions, gaps, the log, judgements.
//! Muscle events, which may be many, stay in their timeline: `places` puts them into words.

use crate::emg::marker::{Action, Marker};
use crate::emg::{Artefact, Gap};
use crate::session::review::{Line, Story};
use std::collections::HashMap;

/// What the jumps go by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    /// What somebody said happened.
    Markers,
    /// What muscles did.
    Events,
    /// What is missing.
    Gaps,
    /// What the station said: alarms, warnings, information.
    Log,
    /// What was judged unusable.
    Artefacts,
}

impl Sort {
    /// All, in the order of Tab.
    pub(crate) const ALL: [Self; 5] = [Self::Markers, Self::Events, Self::Gaps, Self::Log, Self::Artefacts];

    /// Its name.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Markers => "markers",
            Self::Events => "events",
            Self::Gaps => "gaps",
            Self::Log => "log",
            Self::Artefacts => "artefacts",
        }
    }

    /// The next one.
    pub(crate) fn next(self) -> Self {
        let at = Self::ALL.iter().position(|sort| *sort == self).unwrap_or(0);
        Self::ALL[(at + 1) % Self::ALL.len()]
    }
}

/// One place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Landmark {
    /// Its row.
    pub(crate) row: u64,
    /// What is there, a few words.
    pub(crate) text: String,
    /// Whether it stands: was not taken back.
    pub(crate) stands: bool,
}

/// All places of a recording but its events, each sort in the order of rows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Landmarks {
    sorts: [Vec<Landmark>; 5],
}

impl Landmarks {
    /// The places a story tells of.
    pub(crate) fn of(story: &Story) -> Self {
        let named = |one: &Artefact| artefact(one, story);
        let mut sorts = [
            markers(&story.markers),
            Vec::new(),
            story.gaps.iter().map(gap).collect(),
            story.log.iter().map(|line| log(line, story.rows.start)).collect(),
            story.artefacts.iter().map(named).collect(),
        ];
        for sort in &mut sorts {
            sort.sort_by_key(|landmark| landmark.row);
        }
        Self { sorts }
    }

    /// Those of one sort; no events.
    pub(crate) fn all(&self, sort: Sort) -> &[Landmark] {
        let at = Sort::ALL.iter().position(|one| *one == sort).unwrap_or(0);
        &self.sorts[at]
    }
}

/// The markers that were set, with what later rows say of them.
fn markers(rows: &[Marker]) -> Vec<Landmark> {
    let mut said: HashMap<(u64, Action), &Marker> = HashMap::new();
    for row in rows.iter().filter(|row| row.refers_to != 0) {
        said.insert((row.refers_to, row.action), row);
    }
    let set = rows.iter().filter(|row| matches!(row.action, Action::Add | Action::End));
    let shown = set.map(|marker| {
        let about = |action| said.get(&(marker.id, action)).copied();
        let label = about(Action::Relabel).map_or(&marker.label, |row| &row.label);
        let note = about(Action::Note).map_or(&marker.note, |row| &row.note);
        let stands = about(Action::Retract).is_none();
        let note = if note.is_empty() { String::new() } else { format!(": {note}") };
        let end = if stands { "" } else { " (taken back)" };
        Landmark { row: marker.sample, text: format!("{label}{note}{end}"), stands }
    });
    shown.collect()
}

/// How a gap is told in a list and under the cursor.
fn gap(gap: &Gap) -> Landmark {
    let size =
        if gap.exact { format!("{} rows", gap.missing) } else { format!("about {} rows", gap.missing) };
    Landmark { row: gap.sample, text: format!("{size} lost: {}", gap.cause.word()), stands: true }
}

fn log(line: &Line, first: u64) -> Landmark {
    let word = ["", "ALARM ", "warn "].get(usize::from(line.level)).copied().unwrap_or_default();
    Landmark { row: line.row.unwrap_or(first), text: format!("{word}{}", line.text), stands: true }
}

/// Whose judgement, on which channels, and what was noted.
fn artefact(one: &Artefact, story: &Story) -> Landmark {
    let on: Vec<&str> = (0..story.channels.len())
        .filter(|n| one.is_on(*n))
        .map(|n| story.channels[n].name.as_str())
        .collect();
    let channels = if on.len() == story.channels.len() { "all".to_owned() } else { on.join(",") };
    let who = if one.coder.is_empty() { &one.rule } else { &one.coder };
    let note = if one.note.is_empty() { String::new() } else { format!(": {}", one.note) };
    let end = if one.retracted { " (taken back)" } else { "" };
    Landmark { row: one.onset, text: format!("{who} {channels}{note}{end}"), stands: !one.retracted }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::app::review::places::Places;
    use crate::tui::tests::fixture::marker;

    #[test]
    fn later_rows_change_what_a_marker_says() {
        let about = |id, action, refers_to, label: &str, note: &str| Marker {
            action,
            refers_to,
            note: note.into(),
            ..marker(id, 90, label)
        };
        let story = Story {
            markers: vec![
                marker(1, 500, "stim_on"),
                marker(2, 300, "early"),
                about(3, Action::Retract, 1, "", ""),
                about(4, Action::Relabel, 2, "late", ""),
                about(5, Action::Note, 2, "", "sneezed"),
            ],
            ..Story::default()
        };
        let landmarks = Landmarks::of(&story);
        let texts: Vec<&str> = landmarks.all(Sort::Markers).iter().map(|one| one.text.as_str()).collect();
        assert_eq!(texts, ["late: sneezed", "stim_on (taken back)"], "in the order of rows");
        let markers = Places::Landmarks(landmarks.all(Sort::Markers));
        assert_eq!(markers.beside(0, true).map(|one| one.row), Some(300));
        assert_eq!(markers.beside(300, true), None, "what was taken back is passed by");
        assert_eq!((markers.last_at(299), markers.last_at(300)), (None, Some(0)));
    }

    #[test]
    fn tab_comes_round() {
        let mut sort = Sort::Markers;
        let seen: Vec<&str> = (0..6)
            .map(|_| {
                let word = sort.word();
                sort = sort.next();
                word
            })
            .collect();
        assert_eq!(seen, ["markers", "events", "gaps", "log", "artefacts", "markers"]);
    }
}
