//! What the face shows: the built-in repertoire, or the expressions of a script.
//!
//! Random numbers are drawn per expression and per muscle, never per channel: a face recorded with more
//! channels makes the same movements.

use super::anatomy::person::Person;
use super::anatomy::{MUSCLES, PROTOTYPES, Side};
use super::director::{Act, Cast, Course, Movement};
use super::script::{Expression, Script, Target};
use crate::emg::units::{count, float, float_len};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::sync::Arc;

/// When the first expression of the repertoire begins: three seconds of rest to calibrate on.
const FIRST_S: f64 = 3.0;
/// Rest between two expressions, seconds.
const REST_S: (f64, f64) = (1.0, 2.5);
/// The six basic emotions and neutral take turns; contempt is for scripts.
const TURNS: [&str; 7] = ["happiness", "sadness", "surprise", "fear", "anger", "disgust", "neutral"];
/// Muscles of one expression start within this many seconds, and within a tenth of its duration.
const SPREAD_S: f64 = 0.04;

impl Cast {
    /// The nearest row to a time.
    pub(super) fn row(&self, seconds: f64) -> u64 {
        count(seconds * self.rate_hz)
    }

    /// The movements of one muscle on every channel that sits over it, from `at_s` for `duration_s`.
    pub(super) fn swell(
        &self,
        name: &Arc<str>,
        target: Target,
        span: (f64, f64),
        rise_s: f64,
    ) -> Vec<Movement> {
        let (onset, end) = (self.row(span.0), self.row(span.0 + span.1));
        let end = end.max(onset + 1);
        let rise = self.row(rise_s).min(end - onset);
        let fall = count(1.5 * float(rise)).min(end - onset - rise);
        self.over(target, |channel| Movement {
            onset,
            end,
            channel,
            expression: Arc::clone(name),
            level: target.level,
            course: Course::Swell { rise, fall },
        })
    }

    /// One movement for each channel over the target, none where it does not move.
    pub(super) fn over(&self, target: Target, movement: impl Fn(usize) -> Movement) -> Vec<Movement> {
        let moved = |side: Side| target.side.is_none_or(|wanted| wanted == side);
        self.sites
            .iter()
            .enumerate()
            .filter(|(_, site)| target.level > 0.0 && site.muscle == target.muscle && moved(site.side))
            .map(|(channel, _)| movement(channel))
            .collect()
    }
}

/// The built-in repertoire: each emotion first as a macro (0.5-4 s), then as a brief expression (40-500 ms at
/// 7-15 % of the maximum), with jitter, for ever; rounding to rows never takes one across the border of 500 ms.
pub(super) fn repertoire(cast: Cast, mut rng: ChaCha8Rng) -> impl Iterator<Item = Act> {
    let mut clock_s = FIRST_S;
    (0_usize..).map(move |turn| {
        let brief = !turn.is_multiple_of(2);
        let duration_s: f64 = if brief { rng.random_range(0.04..0.5) } else { rng.random_range(0.5..4.0) };
        let strength: f64 = rng.random_range(0.3..0.8);
        let rise_share: f64 = rng.random_range(0.2..0.4);
        let jitter: Vec<(f64, f64)> = MUSCLES
            .iter()
            .map(|_| (rng.random_range(0.0..SPREAD_S.min(duration_s / 10.0)), rng.random_range(0.07..0.15)))
            .collect();
        let name = TURNS[turn / 2 % TURNS.len()];
        let movements = PROTOTYPES
            .iter()
            .filter(|p| p.name == name)
            .flat_map(|p| p.muscles().map(|(muscle, share)| (muscle, share, p.side)))
            .flat_map(|(muscle, share, side)| {
                let (late_s, brief_level) = jitter[muscle];
                let level = if brief { brief_level } else { strength * share };
                let span = (clock_s + late_s, duration_s);
                let rise_s = (rise_share * duration_s).min(0.4);
                cast.swell(&Arc::from(name), Target { muscle, side, level }, span, rise_s)
            })
            .collect();
        let onset = cast.row(clock_s);
        clock_s += duration_s + rng.random_range(REST_S.0..REST_S.1);
        Act { onset, movements }
    })
}

/// The expressions of a script, once or over and over: as written where faces do not differ, else the way this
/// person performs them.
pub(super) fn scripted(cast: Cast, script: Script, person: &Person) -> impl Iterator<Item = Act> + use<> {
    let rounds = if script.repeat_s.is_some() { usize::MAX } else { 1 };
    let rounds = if script.expressions.is_empty() { 0 } else { rounds };
    let repeat_s = script.repeat_s.unwrap_or(0.0);
    let written: Vec<Expression> = script.expressions;
    let expressions = written.len();
    let (effort, tempo, mut performance) = (person.effort(), person.tempo(), person.performances());
    let turns = (0..rounds).flat_map(move |round| (0..expressions).map(move |at| (round, at)));
    turns.map(move |(round, at)| {
        let expression = &written[at];
        let (at_s, now) = (float_len(round) * repeat_s + expression.at_s, performance());
        let name = Arc::from(expression.name.as_str());
        let span = (at_s, expression.duration_s * tempo);
        let swell = |target: &Target| {
            let level = target.level * effort[target.muscle] * now[target.muscle];
            cast.swell(&name, Target { level, ..*target }, span, expression.rise_s * tempo)
        };
        Act { onset: cast.row(at_s), movements: expression.targets.iter().flat_map(swell).collect() }
    })
}
