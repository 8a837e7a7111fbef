//! What the filter panel offers, and what is chosen in it.

use crate::pipeline::preset::STEEPEST;
use crate::session::Snapshot;
use crate::session::command::FilterRequest;

/// The presets, in the words of the configuration, and what each is for.
const PRESETS: [(&str, &str); 3] = [
    ("default", "20-450 Hz, or as far up as the rate carries"),
    ("startle-28", "28-500 Hz, for the blink reflex"),
    ("off", "no filter: the raw signal"),
];
/// Mains frequencies, Hz.
pub(crate) const MAINS_HZ: [f64; 2] = [50.0, 60.0];

/// The choice as it stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Choice {
    /// Presets to choose from: a band in force that is none of the known ones stands first.
    pub(crate) presets: Vec<(String, &'static str)>,
    /// Which of them.
    pub(crate) preset: usize,
    /// Which of [`MAINS_HZ`].
    pub(crate) mains: usize,
    /// Places of notches to choose from, in the words of the configuration; none where the recorder is of a version
    /// that does not change them.
    pub(crate) notches: Vec<String>,
    /// Which of them.
    pub(crate) notch: usize,
    /// Order of the band-pass; 0 where the recorder does not change it.
    pub(crate) order: u32,
    /// Baselines of the envelope to choose from, as `notches`.
    pub(crate) baselines: Vec<String>,
    /// Which of them.
    pub(crate) baseline: usize,
}

impl Choice {
    /// What is in force.
    pub(crate) fn of(snapshot: &Snapshot) -> Self {
        let known = PRESETS.map(|(word, what)| (word.to_owned(), what));
        let own = !snapshot.preset.is_empty() && !known.iter().any(|(word, _)| *word == snapshot.preset);
        let band = own.then(|| (snapshot.preset.clone(), "Hz, as it is now"));
        let presets: Vec<_> = band.into_iter().chain(known).collect();
        let preset = presets.iter().position(|(word, _)| *word == snapshot.preset).unwrap_or(0);
        let mains = MAINS_HZ.iter().position(|hz| (hz - snapshot.line_hz).abs() < 1.0).unwrap_or(0);
        let (notches, notch) = words(&["auto", "off"], &snapshot.notches);
        let (baselines, baseline) = words(&["off", "track"], &snapshot.baseline);
        Self { presets, preset, mains, notches, notch, order: snapshot.order, baselines, baseline }
    }

    /// Moves on to the next place for notches, the first after the last.
    pub(crate) fn turn_notches(&mut self) {
        self.notch = (self.notch + 1) % self.notches.len().max(1);
    }

    /// Moves on to the next baseline, the first after the last.
    pub(crate) fn turn_baseline(&mut self) {
        self.baseline = (self.baseline + 1) % self.baselines.len().max(1);
    }

    /// A steeper band-pass or a flatter one, as far as there are any.
    pub(crate) fn steepen(&mut self, up: bool) {
        if self.order > 0 {
            self.order = if up { self.order + 1 } else { self.order - 1 }.clamp(1, STEEPEST);
        }
    }

    /// Moves on to the next preset or the one before, stopping at the ends.
    pub(crate) fn step(&mut self, down: bool) {
        let next = if down { self.preset + 1 } else { self.preset.saturating_sub(1) };
        self.preset = next.min(self.presets.len().saturating_sub(1));
    }

    /// The choice in a few words, for screens without room for a panel.
    pub(crate) fn words(&self) -> String {
        let FilterRequest { preset, line_hz, .. } = self.request();
        format!("{preset}, {line_hz} Hz mains")
    }

    /// What is asked of the recorder.
    pub(crate) fn request(&self) -> FilterRequest {
        let preset = self.presets.get(self.preset).map_or_else(String::new, |(word, _)| word.clone());
        FilterRequest {
            preset,
            line_hz: MAINS_HZ[self.mains.min(MAINS_HZ.len() - 1)],
            order: self.order,
            notches: self.notches.get(self.notch).cloned().unwrap_or_default(),
            baseline: self.baselines.get(self.baseline).cloned().unwrap_or_default(),
        }
    }
}

/// The words to choose from, with what is in force last where it is none of them, and its place; none where nothing is
/// known to be in force.
fn words(usual: &[&str], now: &str) -> (Vec<String>, usize) {
    if now.is_empty() {
        return (Vec::new(), 0);
    }
    let own = (!usual.contains(&now)).then_some(now);
    let all: Vec<String> = usual.iter().copied().chain(own).map(str::to_owned).collect();
    let at = all.iter().position(|word| word == now).unwrap_or(0);
    (all, at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(preset: &str, line_hz: f64) -> Choice {
        Choice::of(&Snapshot { preset: preset.to_owned(), line_hz, ..Snapshot::default() })
    }

    #[test]
    fn the_choice_begins_with_what_is_in_force() {
        let of = |preset, hz| {
            let FilterRequest { preset, line_hz, .. } = choice(preset, hz).request();
            (preset, line_hz)
        };
        assert_eq!(of("startle-28", 60.0), ("startle-28".to_owned(), 60.0));
        assert_eq!(of("30-400", 50.0), ("30-400".to_owned(), 50.0));
        assert_eq!(of("", f64::NAN), ("default".to_owned(), 50.0));
    }

    #[test]
    fn a_list_of_notches_in_force_is_one_of_three_places_and_orders_have_ends() {
        let snapshot = Snapshot { notches: "50,150".into(), order: 7, ..Snapshot::default() };
        let mut choice = Choice::of(&snapshot);
        let mut seen = Vec::new();
        for _ in 0..4 {
            seen.push(choice.request().notches);
            choice.turn_notches();
            choice.steepen(true);
        }
        assert_eq!(seen, ["50,150", "auto", "off", "50,150"]);
        assert_eq!(choice.request().order, STEEPEST);
        let mut older = Choice::of(&Snapshot::default());
        older.turn_notches();
        older.steepen(true);
        assert_eq!((older.request().notches.as_str(), older.request().order), ("", 0), "as they are");
    }

    #[test]
    fn the_baseline_in_force_is_asked_for_again_and_turns_round() {
        let mut choice = Choice::of(&Snapshot { baseline: "track:0.5/120".into(), ..Snapshot::default() });
        let mut seen = Vec::new();
        for _ in 0..4 {
            seen.push(choice.request().baseline);
            choice.turn_baseline();
        }
        assert_eq!(seen, ["track:0.5/120", "off", "track", "track:0.5/120"]);
        assert_eq!(Choice::of(&Snapshot::default()).request().baseline, "", "as it is");
    }

    #[test]
    fn it_stops_at_the_ends() {
        let mut choice = choice("default", 50.0);
        choice.step(false);
        assert_eq!(choice.request().preset, "default");
        for _ in 0..9 {
            choice.step(true);
        }
        assert_eq!(choice.request().preset, "off");
    }
}
