//! What makes one simulated face differ from the next: electrodes, tone, cross-talk, effort, tempo.
//!
//! All of it is a factor that is exactly 1 where the script's `spread` is 0. Sizes are chosen, not measured. What
//! belongs to the person comes from the person's number, what belongs to one sitting from the seed of the run.

use super::super::noise::{Purpose, stream};
use super::MUSCLES;
use crate::source::sim::script::Wearer;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

/// Standard deviation of the logarithm of a person's gain at spread 1: skin, fat, placement.
const GAIN_OF_PERSON: f64 = 0.6;
/// The same from one application of the electrodes to the next.
const GAIN_OF_SITTING: f64 = 0.25;
/// Standard deviation of the logarithm of the tone at rest.
const TONE: f64 = 0.4;
/// Cross-talk grows by up to so many times itself.
const LEAK: f64 = 5.0;
/// A muscle is used less than in the prototype by up to this share, always by this person and once more each time.
const EFFORT: (f64, f64) = (0.7, 0.6);
/// Expressions are shorter by up to this share.
const TEMPO: f64 = 0.4;

/// One face in one sitting.
pub(in crate::source::sim) struct Person {
    who: u64,
    seed: u64,
    spread: f64,
}

/// What is special about one channel of a face.
pub(in crate::source::sim) struct Electrode {
    /// On what muscles give, not on hum and noise.
    pub(in crate::source::sim) gain: f64,
    /// On the tone at rest.
    pub(in crate::source::sim) tone: f64,
    leak: ChaCha8Rng,
    spread: f64,
}

impl Electrode {
    /// A factor on the cross-talk from the next channel.
    pub(in crate::source::sim) fn leak(&mut self) -> f64 {
        1.0 + self.spread * LEAK * self.leak.random_range(0.0..1.0)
    }
}

impl Person {
    /// The face of a run with this seed.
    pub(in crate::source::sim) fn new(seed: u64, wearer: Wearer) -> Self {
        Self { who: wearer.person.unwrap_or(seed), seed, spread: wearer.spread }
    }

    /// Channel `at` of this face.
    pub(in crate::source::sim) fn electrode(&self, at: usize) -> Electrode {
        let mut always = stream(self.who, Purpose::Electrode, at);
        let mut now = stream(self.seed, Purpose::Sitting, at);
        let normal = |rng: &mut ChaCha8Rng| self.spread * rng.sample::<f64, _>(StandardNormal);
        let gain = (GAIN_OF_PERSON * normal(&mut always) + GAIN_OF_SITTING * normal(&mut now)).exp();
        let tone = (TONE * normal(&mut always)).exp();
        Electrode { gain, tone, leak: always, spread: self.spread }
    }

    /// Factors on the level of each muscle in all this person's expressions.
    pub(in crate::source::sim) fn effort(&self) -> [f64; MUSCLES.len()] {
        let mut rng = stream(self.who, Purpose::Effort, 0);
        std::array::from_fn(|_| 1.0 - self.spread * EFFORT.0 * rng.random_range(0.0..1.0))
    }

    /// A factor on the duration of all this person's expressions.
    pub(in crate::source::sim) fn tempo(&self) -> f64 {
        1.0 - self.spread * TEMPO * stream(self.who, Purpose::Tempo, 0).random_range(0.0..1.0)
    }

    /// Factors on the level of each muscle in one performance after the other.
    pub(in crate::source::sim) fn performances(&self) -> impl FnMut() -> [f64; MUSCLES.len()] + Send + use<> {
        let (mut rng, spread) = (stream(self.seed, Purpose::Performance, 0), self.spread);
        move || std::array::from_fn(|_| 1.0 - spread * EFFORT.1 * rng.random_range(0.0..1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gains(seed: u64, spread: f64, person: Option<u64>) -> Vec<f64> {
        let face = Person::new(seed, Wearer { spread, person });
        (0..8).map(|at| face.electrode(at).gain).collect()
    }

    #[test]
    fn without_spread_every_face_is_the_same_to_the_bit() {
        let face = Person::new(7, Wearer::default());
        for at in 0..64 {
            let mut electrode = face.electrode(at);
            let factors = [electrode.gain, electrode.tone, electrode.leak(), electrode.leak()];
            assert_eq!(factors.map(f64::to_bits), [1.0_f64.to_bits(); 4]);
        }
        assert_eq!(face.tempo().to_bits(), 1.0_f64.to_bits());
        assert!(face.effort().iter().chain(&face.performances()()).all(|f| f.to_bits() == 1.0_f64.to_bits()));
    }

    #[test]
    fn a_person_comes_back_with_nearly_the_same_electrodes_and_another_does_not() {
        let distance =
            |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| (a / b).ln().abs()).sum() };
        let (monday, tuesday) = (gains(1, 1.0, Some(5)), gains(2, 1.0, Some(5)));
        let other = gains(2, 1.0, Some(6));
        assert!(monday != tuesday, "electrodes are never put on twice alike");
        assert!(distance(&monday, &tuesday) < distance(&monday, &other));
        assert_eq!(gains(3, 1.0, None), gains(3, 1.0, Some(3)), "who is not named is the seed's own person");
    }
}
