//! What the filter panel offers, and what is chosen in it.

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
        Self { presets, preset, mains }
    }

    /// Moves on to the next preset or the one before, stopping at the ends.
    pub(crate) fn step(&mut self, down: bool) {
        let next = if down { self.preset + 1 } else { self.preset.saturating_sub(1) };
        self.preset = next.min(self.presets.len().saturating_sub(1));
    }

    /// The choice in a few words, for screens without room for a panel.
    pub(crate) fn words(&self) -> String {
        let FilterRequest { preset, line_hz } = self.request();
        format!("{preset}, {line_hz} Hz mains")
    }

    /// What is asked of the recorder.
    pub(crate) fn request(&self) -> FilterRequest {
        let preset = self.presets.get(self.preset).map_or_else(String::new, |(word, _)| word.clone());
        FilterRequest { preset, line_hz: MAINS_HZ[self.mains.min(MAINS_HZ.len() - 1)] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(preset: &str, line_hz: f64) -> Choice {
        Choice::of(&Snapshot { preset: preset.to_owned(), line_hz, ..Snapshot::default() })
    }

    #[test]
    fn the_choice_begins_with_what_is_in_force() {
        let of = |preset, hz| choice(preset, hz).request();
        assert_eq!(of("startle-28", 60.0), FilterRequest { preset: "startle-28".into(), line_hz: 60.0 });
        assert_eq!(of("30-400", 50.0), FilterRequest { preset: "30-400".into(), line_hz: 50.0 });
        assert_eq!(of("", f64::NAN), FilterRequest { preset: "default".into(), line_hz: 50.0 });
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
