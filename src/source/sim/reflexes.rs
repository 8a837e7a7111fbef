//! What a face does without meaning anything: blinks, swallows, speech; and what its cables do.
//!
//! Every kind has its own random stream and its own clock, so switching one off leaves the others as they were.

use super::anatomy::{MUSCLES, Shares};
use super::director::{Act, Cast, Course, Movement};
use super::noise::{Purpose, stream};
use super::script::{Artefacts, Target};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::sync::Arc;

/// Length of a syllable in speech, seconds.
const SYLLABLE_S: f64 = 0.22;

/// Onset and duration of the events of one kind: starts a mean interval apart, give or take half of it,
/// never before the last has ended.
struct Beat {
    rng: ChaCha8Rng,
    interval_s: f64,
    clock_s: f64,
    free_s: f64,
}

impl Beat {
    fn new(rng: ChaCha8Rng, per_minute: f64) -> Self {
        Self { rng, interval_s: 60.0 / per_minute, clock_s: 0.0, free_s: 0.0 }
    }

    fn next(&mut self, duration_s: (f64, f64)) -> (f64, f64) {
        self.clock_s += self.interval_s * self.rng.random_range(0.5..1.5);
        let at_s = self.clock_s.max(self.free_s);
        let duration_s = self.rng.random_range(duration_s.0..duration_s.1);
        self.clock_s = at_s;
        self.free_s = at_s + duration_s + 0.05;
        (at_s, duration_s)
    }
}

/// All kinds that the script leaves on.
pub(super) fn players(cast: &Cast, seed: u64, rates: &Artefacts) -> Vec<super::director::Player> {
    let beat = |purpose, per_minute: f64| {
        (per_minute > 0.0).then(|| Beat::new(stream(seed, purpose, 0), per_minute))
    };
    let mut players: Vec<super::director::Player> = Vec::new();
    if let Some(beat) = beat(Purpose::Blink, rates.blink) {
        players.push(Box::new(blinks(cast.clone(), beat)));
    }
    if let Some(beat) = beat(Purpose::Swallow, rates.swallow) {
        players.push(Box::new(swallows(cast.clone(), beat)));
    }
    if let Some(beat) = beat(Purpose::Speech, rates.speech) {
        players.push(Box::new(speech(cast.clone(), beat)));
    }
    if let Some(beat) = beat(Purpose::Motion, rates.motion) {
        let coupling = (0..cast.sites.len()).map(|at| stream(seed, Purpose::MotionGain, at)).collect();
        players.push(Box::new(motion(cast.clone(), beat, coupling)));
    }
    players
}

/// Each muscle with its share of a reflex at full level.
fn targets(share: fn(&Shares) -> f64, level: f64) -> impl Iterator<Item = Target> {
    let target = move |(muscle, share): (usize, f64)| Target { muscle, side: None, level: share * level };
    MUSCLES.iter().enumerate().map(move |(at, m)| (at, share(&m.share))).map(target)
}

/// 100-300 ms of the orbicularis oculi, quick to close.
fn blinks(cast: Cast, mut beat: Beat) -> impl Iterator<Item = Act> {
    std::iter::repeat_with(move || {
        let (at_s, duration_s) = beat.next((0.1, 0.3));
        let level = beat.rng.random_range(0.08..0.25);
        let name = Arc::from("blink");
        let swell = |target| cast.swell(&name, target, (at_s, duration_s), 0.25 * duration_s);
        Act { onset: cast.row(at_s), movements: targets(|s| s.blink, level).flat_map(swell).collect() }
    })
}

/// About a second of lips and chin.
fn swallows(cast: Cast, mut beat: Beat) -> impl Iterator<Item = Act> {
    std::iter::repeat_with(move || {
        let (at_s, duration_s) = beat.next((0.6, 1.2));
        let level = beat.rng.random_range(0.1..0.3);
        let name = Arc::from("swallow");
        let swell = |target| cast.swell(&name, target, (at_s, duration_s), 0.4 * duration_s);
        Act { onset: cast.row(at_s), movements: targets(|s| s.swallow, level).flat_map(swell).collect() }
    })
}

/// A few seconds of mouth and jaw in syllables.
fn speech(cast: Cast, mut beat: Beat) -> impl Iterator<Item = Act> {
    std::iter::repeat_with(move || {
        let (at_s, duration_s) = beat.next((1.5, 4.0));
        let level = beat.rng.random_range(0.1..0.35);
        let expression: Arc<str> = Arc::from("speech");
        let onset = cast.row(at_s);
        let end = cast.row(at_s + duration_s).max(onset + 1);
        let course = Course::Syllables { rows: SYLLABLE_S * cast.rate_hz };
        let movements = targets(|s| s.speech, level).flat_map(|target| {
            let expression = Arc::clone(&expression);
            cast.over(target, move |channel| Movement {
                onset,
                end,
                channel,
                expression: Arc::clone(&expression),
                level: target.level,
                course,
            })
        });
        Act { onset, movements: movements.collect() }
    })
}

/// Excursions of the baseline on every channel at once: the head moves, or (each third time) a cable jumps.
fn motion(cast: Cast, mut beat: Beat, mut coupling: Vec<ChaCha8Rng>) -> impl Iterator<Item = Act> {
    std::iter::repeat_with(move || {
        let (at_s, duration_s) = beat.next((0.3, 1.5));
        let level = beat.rng.random_range(0.1..0.6);
        let cable = beat.rng.random_range(0.0..3.0) < 1.0;
        let onset = cast.row(at_s);
        let end = cast.row(at_s + duration_s).max(onset + 1);
        let expression: Arc<str> = Arc::from("motion");
        let movements = coupling.iter_mut().enumerate().map(|(channel, rng)| {
            let sign = if rng.random_range(0.0..1.0) < 0.5 { -1.0 } else { 1.0 };
            Movement {
                onset,
                end,
                channel,
                expression: Arc::clone(&expression),
                level: level * rng.random_range(0.3..1.0),
                course: if cable { Course::Step { sign } } else { Course::Bump { sign } },
            }
        });
        Act { onset, movements: movements.collect() }
    })
}
