//! Muscles, the action units they drive and the emotions whose prototypes hold those units: facts as data.
//!
//! Action units after the Facial Action Coding System; prototypes in the EMFACS style: happiness 6+12, sadness
//! 1+4+15, surprise 1+2+5+26, fear 1+2+4+5+20+26, anger 4+5+7+23, disgust 9+15+16, contempt R12+R14. An electrode
//! site is a region, not one muscle.

/// A facial muscle and what it moves; each exists on both sides except where it is said to be midline.
#[derive(Debug, PartialEq, Eq)]
pub struct Muscle {
    /// As in montages.
    pub name: &'static str,
    /// Where it lies.
    pub side: Side,
    /// Action units it drives when it tenses; empty where only its relaxation is one.
    pub units: &'static [u8],
    /// Action units its relaxation shows (masseter: jaw drop); EMG sees them as a fall, if at all.
    pub relaxes: &'static [u8],
    /// Whether electrodes on the skin can hear it.
    pub surface: bool,
    /// What it does to the face.
    pub movement: &'static str,
}

/// Which halves of the face hold a muscle, or show a unit of a prototype.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Left and right.
    Both,
    /// The right half alone.
    Right,
    /// Across the middle.
    Midline,
}

/// An emotion as a combination of action units.
#[derive(Debug, PartialEq, Eq)]
pub struct Prototype {
    /// The emotion.
    pub emotion: &'static str,
    /// Its units.
    pub units: &'static [u8],
    /// Where they show.
    pub side: Side,
}

const fn muscle(name: &'static str, units: &'static [u8], movement: &'static str) -> Muscle {
    Muscle { name, side: Side::Both, units, relaxes: &[], surface: true, movement }
}

/// Every muscle the station knows, from the brow down.
pub const MUSCLES: [Muscle; 18] = [
    muscle("frontalis medialis", &[1], "raises the inner brow"),
    muscle("frontalis lateralis", &[2], "raises the outer brow"),
    muscle("corrugator supercilii", &[4], "lowers and draws together the brows"),
    muscle("depressor supercilii", &[4], "lowers the inner brow"),
    Muscle { surface: false, ..muscle("levator palpebrae superioris", &[5], "raises the upper lid") },
    muscle("orbicularis oculi", &[6, 7], "raises the cheek, tightens the lids, blinks"),
    muscle("levator labii alaeque nasi", &[9], "wrinkles the nose"),
    muscle("levator labii superioris", &[10], "raises the upper lip"),
    muscle("zygomaticus minor", &[11], "deepens the nasolabial fold"),
    muscle("zygomaticus major", &[12], "pulls the lip corner up"),
    muscle("buccinator", &[14], "dimples the cheek"),
    muscle("depressor anguli oris", &[15], "pulls the lip corner down"),
    muscle("depressor labii inferioris", &[16], "lowers the lower lip"),
    Muscle { side: Side::Midline, ..muscle("mentalis", &[17], "raises the chin") },
    muscle("risorius", &[20], "stretches the lips"),
    Muscle {
        side: Side::Midline,
        ..muscle("orbicularis oris", &[22, 23, 24], "funnels, tightens, presses the lips")
    },
    Muscle { relaxes: &[26], ..muscle("masseter", &[31], "clenches the jaw; also chewing and speech") },
    Muscle { relaxes: &[26], ..muscle("temporalis", &[31], "clenches the jaw; also chewing and speech") },
];

const fn prototype(emotion: &'static str, units: &'static [u8]) -> Prototype {
    Prototype { emotion, units, side: Side::Both }
}

/// The six basic emotions and contempt.
pub const PROTOTYPES: [Prototype; 7] = [
    prototype("happiness", &[6, 12]),
    prototype("sadness", &[1, 4, 15]),
    prototype("surprise", &[1, 2, 5, 26]),
    prototype("fear", &[1, 2, 4, 5, 20, 26]),
    prototype("anger", &[4, 5, 7, 23]),
    prototype("disgust", &[9, 15, 16]),
    Prototype { side: Side::Right, ..prototype("contempt", &[12, 14]) },
];

impl Muscle {
    /// The muscle of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        MUSCLES.iter().find(|m| m.name == name)
    }

    /// The prototypes that hold one of its units, tensed or relaxed.
    pub fn prototypes(&self) -> impl Iterator<Item = &'static Prototype> {
        let mine = |unit: &u8| self.units.contains(unit) || self.relaxes.contains(unit);
        PROTOTYPES.iter().filter(move |p| p.units.iter().any(mine))
    }
}

impl Prototype {
    /// The prototype of that emotion.
    #[must_use]
    pub fn of(emotion: &str) -> Option<&'static Self> {
        PROTOTYPES.iter().find(|p| p.emotion == emotion)
    }

    /// Its units that electrodes over these muscles hear tensing, and those they cannot; the side is the
    /// caller's to check.
    #[must_use]
    pub fn observed_by(&self, muscles: &[&str]) -> (Vec<u8>, Vec<u8>) {
        let heard = |unit: &u8| {
            muscles.iter().filter_map(|name| Muscle::named(name)).any(|m| m.surface && m.units.contains(unit))
        };
        self.units.iter().copied().partition(heard)
    }
}

/// Pairs of emotions that electrodes over these muscles cannot tell apart, because the muscles they hear are
/// the same or none.
#[must_use]
pub fn confused_by(muscles: &[&str]) -> Vec<(&'static str, &'static str)> {
    let heard = |p: &Prototype| -> Vec<bool> {
        let moves = |name: &&str| {
            Muscle::named(name).is_some_and(|m| m.surface && m.units.iter().any(|u| p.units.contains(u)))
        };
        muscles.iter().map(moves).collect()
    };
    let pairs =
        PROTOTYPES.iter().enumerate().flat_map(|(at, a)| PROTOTYPES[at + 1..].iter().map(move |b| (a, b)));
    pairs.filter(|(a, b)| heard(a) == heard(b)).map(|(a, b)| (a.emotion, b.emotion)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::sim::anatomy;

    #[test]
    fn every_unit_of_an_emotion_belongs_to_a_muscle() {
        for unit in PROTOTYPES.iter().flat_map(|p| p.units) {
            assert!(MUSCLES.iter().any(|m| m.units.contains(unit) || m.relaxes.contains(unit)), "AU{unit}");
        }
    }

    #[test]
    fn surprise_loses_the_lid_and_the_jaw_to_electrodes() {
        let surprise = Prototype::of("surprise").unwrap();
        let all: Vec<_> = MUSCLES.iter().map(|m| m.name).collect();
        assert_eq!(surprise.observed_by(&all), (vec![1, 2], vec![5, 26]));
        assert_eq!(surprise.observed_by(&["zygomaticus major"]), (vec![], vec![1, 2, 5, 26]));
    }

    #[test]
    fn the_classic_pair_confuses_what_only_the_brow_shows() {
        let confused = confused_by(&["zygomaticus major", "corrugator supercilii"]);
        assert!(confused.contains(&("sadness", "anger")) && confused.contains(&("surprise", "disgust")));
        assert!(!confused.contains(&("happiness", "anger")));
        assert!(confused_by(&MUSCLES.map(|m| m.name)).is_empty());
    }

    #[test]
    fn masseter_belongs_to_the_emotions_that_drop_the_jaw() {
        let emotions: Vec<_> = Muscle::named("masseter").unwrap().prototypes().map(|p| p.emotion).collect();
        assert_eq!(emotions, ["surprise", "fear"]);
    }

    /// The simulated face may not look here (sources know nothing of faces), so it keeps its own list.
    #[test]
    fn the_simulated_face_has_the_same_muscles_and_shows_the_same_emotions() {
        for simulated in &anatomy::MUSCLES {
            let known = Muscle::named(simulated.name).unwrap();
            let mut units = simulated.units.to_vec();
            units.sort_unstable();
            assert_eq!(units, known.units, "{}", known.name);
            assert!(known.surface);
        }
        for prototype in &PROTOTYPES {
            let shown = anatomy::Prototype::named(prototype.emotion).unwrap();
            let names = anatomy::MUSCLES.each_ref().map(|m| m.name);
            let units: Vec<u8> = shown.actions.iter().map(|(unit, _)| *unit).collect();
            assert_eq!(units, prototype.observed_by(&names).0, "{}", prototype.emotion);
            assert_eq!(shown.side.is_some(), prototype.side == Side::Right);
        }
    }
}
