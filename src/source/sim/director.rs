//! Who moves when: gathers the acts of all players in the order of their onsets, says them aloud before they
//! begin and plays the ones that are on.
//!
//! Players are endless or short iterators over acts; they never see a row being made.

use super::anatomy::Site;
use crate::emg::Truth;
use crate::emg::units::float;
use std::collections::{BTreeMap, VecDeque};
use std::f64::consts::PI;
use std::iter::Peekable;
use std::sync::Arc;

/// The face's channels and the rate its rows come at.
#[derive(Clone)]
pub(super) struct Cast {
    pub(super) sites: Arc<[Site]>,
    pub(super) rate_hz: f64,
}

/// One movement of one channel, over rows `onset..end`.
#[derive(Clone, Debug)]
pub(super) struct Movement {
    pub(super) onset: u64,
    pub(super) end: u64,
    pub(super) channel: usize,
    pub(super) expression: Arc<str>,
    /// Share of the muscle's maximum, of half the converter's range for the baseline.
    pub(super) level: f64,
    pub(super) course: Course,
}

/// How a movement runs from its onset to its end.
#[derive(Clone, Copy, Debug)]
pub(super) enum Course {
    /// The muscle rises, holds and lets go, over so many rows.
    Swell { rise: u64, fall: u64 },
    /// The muscle works in syllables, each so many rows long.
    Syllables { rows: f64 },
    /// The baseline makes an excursion and returns, in the direction of the sign.
    Bump { sign: f64 },
    /// The baseline jumps at once and creeps back.
    Step { sign: f64 },
}

/// Movements that belong together; none begins before `onset`.
pub(super) struct Act {
    pub(super) onset: u64,
    pub(super) movements: Vec<Movement>,
}

/// A part of the face's behaviour: acts in the order of their onsets.
pub(super) type Player = Box<dyn Iterator<Item = Act> + Send>;

/// What the movements of one row add up to, per channel.
pub(super) struct Pose {
    /// Share of the muscle's maximum, 0 to 1.
    pub(super) activation: Vec<f64>,
    /// Displacement of the baseline, share of half the converter's range.
    pub(super) baseline: Vec<f64>,
}

/// Knows every movement between its first mention by a player and its last row.
pub(super) struct Director {
    players: Vec<Peekable<Player>>,
    /// Movements of acts already fetched, by onset and order of arrival.
    expected: BTreeMap<(u64, u64), Movement>,
    fetched: u64,
    announced: VecDeque<Movement>,
    active: Vec<Movement>,
}

impl Director {
    pub(super) fn new(players: Vec<Player>) -> Self {
        Self {
            players: players.into_iter().map(Iterator::peekable).collect(),
            expected: BTreeMap::new(),
            fetched: 0,
            announced: VecDeque::new(),
            active: Vec::new(),
        }
    }

    /// All movements with an onset before row `until` that were not announced yet, by onset.
    pub(super) fn announce(&mut self, until: u64) -> Vec<Truth> {
        while let Some(act) = self.next_act(until) {
            for movement in act.movements {
                self.expected.insert((movement.onset, self.fetched), movement);
                self.fetched += 1;
            }
        }
        let mut truths = Vec::new();
        while let Some(entry) = self.expected.first_entry() {
            if entry.key().0 >= until {
                break;
            }
            let movement = entry.remove();
            truths.push(Truth {
                onset: movement.onset,
                end: movement.end,
                channel: u16::try_from(movement.channel).unwrap_or(u16::MAX),
                expression: movement.expression.to_string(),
                level: movement.level,
            });
            self.announced.push_back(movement);
        }
        truths
    }

    /// The earliest act before row `until`, the first player's among equals, whatever rows were asked before.
    fn next_act(&mut self, until: u64) -> Option<Act> {
        let onsets = self.players.iter_mut().map(|player| player.peek().map_or(u64::MAX, |act| act.onset));
        let (at, onset) = onsets.enumerate().min_by_key(|&(_, onset)| onset)?;
        if onset < until { self.players[at].next() } else { None }
    }

    /// Fills `pose` for one row; rows come in order, each announced before.
    pub(super) fn pose(&mut self, row: u64, pose: &mut Pose) {
        while self.announced.front().is_some_and(|m| m.onset <= row) {
            self.active.extend(self.announced.pop_front());
        }
        self.active.retain(|m| m.end > row);
        pose.activation.fill(0.0);
        pose.baseline.fill(0.0);
        for movement in &self.active {
            let value = movement.level * movement.course_at(row);
            match movement.course {
                Course::Swell { .. } | Course::Syllables { .. } => pose.activation[movement.channel] += value,
                Course::Bump { .. } | Course::Step { .. } => pose.baseline[movement.channel] += value,
            }
        }
        for activation in &mut pose.activation {
            *activation = activation.min(1.0);
        }
    }
}

impl Movement {
    /// Progress at an active row: 0 to 1 for muscles, -1 to 1 for the baseline.
    fn course_at(&self, row: u64) -> f64 {
        let (since, left) = (float(row - self.onset), float(self.end - row));
        let share = (since + 0.5) / (since + left);
        match self.course {
            Course::Swell { rise, fall } => {
                smooth((since + 1.0) / (float(rise) + 1.0)).min(smooth(left / (float(fall) + 1.0)))
            }
            Course::Syllables { rows } => 0.3 + 0.7 * (PI * since / rows).sin().powi(2),
            Course::Bump { sign } => sign * (PI * share).sin().powi(2),
            Course::Step { sign } => sign * (1.0 - share).powi(2),
        }
    }
}

/// 0 to 1 with a level start and finish (3 u^2 - 2 u^3); 1 for all beyond.
fn smooth(u: f64) -> f64 {
    let u = u.min(1.0);
    u * u * (3.0 - 2.0 * u)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn act(onset: u64, end: u64) -> Act {
        let movement = Movement {
            onset: onset + 3,
            end,
            channel: 0,
            expression: "fear".into(),
            level: 0.5,
            course: Course::Swell { rise: 4, fall: 6 },
        };
        Act { onset, movements: vec![Movement { onset, ..movement.clone() }, movement] }
    }

    fn director() -> Director {
        let players: Vec<Player> = vec![
            Box::new((0..50).map(|n| act(n * 20, n * 20 + 15))),
            Box::new((0..30).map(|n| act(n * 32 + 1, n * 32 + 25))),
        ];
        Director::new(players)
    }

    #[test]
    fn what_is_announced_does_not_depend_on_how_often_one_asks() {
        let whole = director().announce(900);
        let mut halting = director();
        let parts: Vec<_> = (1..=900).flat_map(|until| halting.announce(until)).collect();
        assert_eq!(whole, parts);
        assert!(whole.is_sorted_by_key(|t| t.onset));
    }

    #[test]
    fn a_muscle_is_active_from_onset_to_end_and_never_beyond_its_maximum() {
        let mut director = director();
        director.announce(900);
        let mut pose = Pose { activation: vec![0.0], baseline: vec![0.0] };
        for row in 0..900_u64 {
            director.pose(row, &mut pose);
            let level = pose.activation[0];
            let alone = row % 20 >= 15 && (row + 31) % 32 >= 24;
            assert!((0.0..=1.0).contains(&level));
            assert_eq!(level > 0.0, !alone, "row {row}: {level}");
        }
    }
}
