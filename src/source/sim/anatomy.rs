//! The simulated face's muscles: where their electrodes sit, how loud they are, what moves them together.
//!
//! Places and amplitudes are round numbers inside the usual ranges (rest 1-3 uV, maximum 0.1-0.2 mV rms),
//! not measurements of anyone. The facts of FACS live in `face::table`; a test there keeps both in agreement.

pub(super) mod person;

use crate::emg::units::float_len;

/// One superficial muscle.
#[derive(Debug)]
pub(crate) struct Muscle {
    /// As in montages and scripts.
    pub(crate) name: &'static str,
    /// Stem of its channels' names.
    pub(crate) short: &'static str,
    /// Action units it drives, the one a channel is labelled with first.
    pub(crate) units: &'static [u8],
    /// Tone at rest, microvolts rms.
    pub(crate) rest_uv: f64,
    /// At maximum voluntary contraction, microvolts rms.
    pub(crate) mvc_uv: f64,
    /// Place of the electrodes, centimetres lateral of the midline and above the mouth.
    at_cm: (f64, f64),
    /// Share in a blink, a swallow and speech, of its maximum at level 1.
    pub(crate) share: Shares,
}

/// How much a muscle takes part in what faces do without meaning anything.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shares {
    pub(crate) blink: f64,
    pub(crate) swallow: f64,
    pub(crate) speech: f64,
}

/// Which half of the face.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Left,
    Right,
}

impl Side {
    /// The word in channel tables and scripts.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Right => "right",
        }
    }
}

const fn muscle(
    (name, short): (&'static str, &'static str),
    units: &'static [u8],
    (rest_uv, mvc_uv): (f64, f64),
    at_cm: (f64, f64),
    (blink, swallow, speech): (f64, f64, f64),
) -> Muscle {
    Muscle { name, short, units, rest_uv, mvc_uv, at_cm, share: Shares { blink, swallow, speech } }
}

/// The muscles in the order channels are given out: the paper's eight sites first.
#[rustfmt::skip]
pub(crate) const MUSCLES: [Muscle; 16] = [
    muscle(("zygomaticus major", "ZYG"), &[12], (1.6, 160.0), (4.2, 1.5), (0.0, 0.1, 0.4)),
    muscle(("frontalis medialis", "FRM"), &[1], (2.0, 120.0), (1.5, 9.5), (0.0, 0.0, 0.0)),
    muscle(("levator labii alaeque nasi", "LLA"), &[9], (1.4, 110.0), (1.3, 4.5), (0.0, 0.0, 0.2)),
    muscle(("depressor anguli oris", "DAO"), &[15], (1.8, 120.0), (3.0, -1.5), (0.0, 0.5, 0.6)),
    muscle(("corrugator supercilii", "COR"), &[4], (2.6, 130.0), (2.2, 8.0), (0.0, 0.0, 0.0)),
    muscle(("depressor supercilii", "DSU"), &[4], (2.0, 110.0), (1.0, 7.2), (0.0, 0.0, 0.0)),
    muscle(("orbicularis oris", "OOR"), &[23, 22, 24], (2.2, 140.0), (1.4, 1.0), (0.0, 0.7, 1.0)),
    muscle(("orbicularis oculi", "OOC"), &[6, 7], (2.0, 170.0), (3.6, 5.6), (1.0, 0.0, 0.0)),
    muscle(("frontalis lateralis", "FRL"), &[2], (1.8, 110.0), (3.8, 9.2), (0.0, 0.0, 0.0)),
    muscle(("levator labii superioris", "LLS"), &[10], (1.4, 110.0), (2.2, 3.2), (0.0, 0.0, 0.4)),
    muscle(("mentalis", "MEN"), &[17], (2.4, 150.0), (0.9, -3.2), (0.0, 1.0, 0.6)),
    muscle(("masseter", "MAS"), &[31], (2.0, 190.0), (6.0, -0.5), (0.0, 0.6, 0.5)),
    muscle(("depressor labii inferioris", "DLI"), &[16], (1.8, 110.0), (1.8, -2.0), (0.0, 0.4, 0.8)),
    muscle(("buccinator", "BUC"), &[14], (1.4, 100.0), (4.4, -0.2), (0.0, 0.3, 0.4)),
    muscle(("risorius", "RIS"), &[20], (1.2, 100.0), (4.8, 0.3), (0.0, 0.1, 0.3)),
    muscle(("zygomaticus minor", "ZMI"), &[11], (1.4, 100.0), (3.2, 2.8), (0.0, 0.0, 0.2)),
];

/// Where one channel's electrodes sit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Site {
    /// Index into [`MUSCLES`].
    pub(crate) muscle: usize,
    pub(crate) side: Side,
    /// 0 for the first pair of electrodes over the muscle.
    pub(crate) pair: usize,
}

impl Site {
    /// The site of channel `at`: all muscles of the left side, then the right, then further pairs.
    pub(crate) fn of_channel(at: usize) -> Self {
        let side = if (at / MUSCLES.len()).is_multiple_of(2) { Side::Left } else { Side::Right };
        Self { muscle: at % MUSCLES.len(), side, pair: at / (2 * MUSCLES.len()) }
    }

    /// Its muscle.
    pub(crate) fn anatomy(self) -> &'static Muscle {
        &MUSCLES[self.muscle]
    }

    /// Its channel's name: `ZYG-L`, `ZYG-R`, then `ZYG-L2`.
    pub(crate) fn name(self) -> String {
        let side = if self.side == Side::Left { "L" } else { "R" };
        let pair = if self.pair == 0 { String::new() } else { (self.pair + 1).to_string() };
        format!("{}-{side}{pair}", self.anatomy().short)
    }

    /// The share of another site's signal that this site's electrodes pick up: 8 % under the same
    /// electrodes, falling by e each 2 cm, nothing below 0.5 %. The law is chosen, not measured.
    pub(crate) fn crosstalk_from(self, other: Self) -> f64 {
        let (ax, ay) = self.place_cm();
        let (bx, by) = other.place_cm();
        let share = 0.08 * (-(ax - bx).hypot(ay - by) / 2.0).exp();
        if share < 0.005 { 0.0 } else { share }
    }

    /// Position on the face; every further pair sits 0.8 cm more lateral.
    fn place_cm(self) -> (f64, f64) {
        let (lateral, up) = self.anatomy().at_cm;
        let lateral = lateral + 0.8 * float_len(self.pair);
        (if self.side == Side::Left { lateral } else { -lateral }, up)
    }
}

/// An expression as the face performs it: action units and the share of the muscle's maximum at level 1.
/// AU5 and AU26 belong to some prototypes but tense no muscle with surface EMG.
#[derive(Debug)]
pub(crate) struct Prototype {
    pub(crate) name: &'static str,
    pub(crate) actions: &'static [(u8, f64)],
    /// The only side that moves, where one does.
    pub(crate) side: Option<Side>,
}

/// What the face can be told to show by name.
#[rustfmt::skip]
pub(crate) const PROTOTYPES: [Prototype; 8] = [
    Prototype { name: "happiness", actions: &[(6, 0.6), (12, 1.0)], side: None },
    Prototype { name: "sadness", actions: &[(1, 0.7), (4, 0.5), (15, 0.8)], side: None },
    Prototype { name: "surprise", actions: &[(1, 0.9), (2, 1.0)], side: None },
    Prototype { name: "fear", actions: &[(1, 0.8), (2, 0.7), (4, 0.7), (20, 0.8)], side: None },
    Prototype { name: "anger", actions: &[(4, 1.0), (7, 0.6), (23, 0.7)], side: None },
    Prototype { name: "disgust", actions: &[(9, 1.0), (15, 0.5), (16, 0.6)], side: None },
    Prototype { name: "contempt", actions: &[(12, 0.5), (14, 0.8)], side: Some(Side::Right) },
    Prototype { name: "neutral", actions: &[], side: None },
];

impl Prototype {
    /// The prototype of that name.
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        PROTOTYPES.iter().find(|p| p.name == name)
    }

    /// Each muscle it tenses, with its share at level 1.
    pub(crate) fn muscles(&self) -> impl Iterator<Item = (usize, f64)> {
        MUSCLES.iter().enumerate().filter_map(|(at, muscle)| {
            let share = |&(unit, share): &(u8, f64)| muscle.units.contains(&unit).then_some(share);
            self.actions.iter().filter_map(share).reduce(f64::max).map(|share| (at, share))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn sixty_four_channels_have_sixty_four_names() {
        let names: HashSet<_> = (0..64).map(|at| Site::of_channel(at).name()).collect();
        assert_eq!(names.len(), 64);
        assert_eq!(Site::of_channel(0).name(), "ZYG-L");
        assert_eq!(Site::of_channel(16).name(), "ZYG-R");
        assert_eq!(Site::of_channel(63).name(), "ZMI-R2");
    }

    #[test]
    fn neighbours_hear_a_few_percent_and_the_other_side_hardly_anything() {
        let site = |name: &str| (0..32).map(Site::of_channel).find(|s| s.name() == name).unwrap();
        let near = site("COR-L").crosstalk_from(site("DSU-L"));
        assert!((0.02..0.08).contains(&near), "{near}");
        assert!(site("ZYG-L").crosstalk_from(site("ZYG-R")).abs() < f64::EPSILON);
    }
}
