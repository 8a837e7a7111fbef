//! What the subject is asked to do with a muscle, as the operator reads it out.

use crate::emg::Channel;
use crate::face::table::Muscle;

/// Action unit and movement, as hard as possible.
const CUES: [(u8, &str); 18] = [
    (1, "raise your inner brows"),
    (2, "raise your outer brows"),
    (4, "frown: draw your brows together"),
    (6, "squeeze your eyes shut"),
    (7, "squeeze your eyes shut"),
    (9, "wrinkle your nose"),
    (10, "raise your upper lip, show your upper teeth"),
    (11, "smile as if you did not mean it"),
    (12, "smile as broadly as you can"),
    (14, "press the corners of your mouth against your teeth"),
    (15, "pull the corners of your mouth down"),
    (16, "pull your lower lip down, show your lower teeth"),
    (17, "push your chin up"),
    (20, "stretch your lips sideways"),
    (22, "push your lips forward"),
    (23, "press your lips together"),
    (24, "press your lips together"),
    (31, "clench your teeth"),
];

/// What to ask for at this channel's electrodes: by its muscle, else by its action unit, else by its name.
#[must_use]
pub fn of(channel: &Channel) -> String {
    let by_muscle = Muscle::named(&channel.muscle).and_then(|muscle| muscle.units.first().copied());
    let digits = channel.action_unit.trim_start_matches("AU").split(|c: char| !c.is_ascii_digit()).next();
    let unit = by_muscle.or_else(|| digits.and_then(|digits| digits.parse().ok()));
    let known = unit.and_then(|unit| CUES.iter().find(|(known, _)| *known == unit));
    known.map_or_else(|| format!("tense the muscle at {}", channel.name), |(_, cue)| (*cue).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emg::Kind;
    use crate::face::table::MUSCLES;

    #[test]
    fn every_muscle_under_the_skin_has_words_of_its_own() {
        let channel = |muscle: &str, unit: &str| Channel {
            muscle: muscle.to_owned(),
            action_unit: unit.to_owned(),
            ..Channel::new("A1", Kind::Raw)
        };
        for muscle in MUSCLES.iter().filter(|muscle| muscle.surface) {
            assert!(!of(&channel(muscle.name, "")).contains("A1"), "{}", muscle.name);
        }
        assert_eq!(of(&channel("frontalis", "AU1+2")), "raise your inner brows");
        assert_eq!(of(&channel("", "")), "tense the muscle at A1");
    }
}
