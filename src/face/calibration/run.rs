//! The order of a calibration: rest, then contractions from a queue, each announced, none before its muscle has
//! rested. Whenever the filters have to settle, the present phase begins again.

use super::effort::Effort;
use super::{CONTRACT_S, LEAD_S, Phase, Progress, RECOVER_S, REST_S, ROUNDS, Refusal};
use std::collections::VecDeque;

/// What ended with a row.
pub(super) enum Done {
    /// The rest: the values of each channel.
    Rest(Vec<Vec<f32>>),
    /// A contraction: its channel, and its best half second, NaN where none was whole.
    Trial(usize, f64),
}

/// A calibration under way.
#[derive(Clone, Debug)]
pub(super) struct Run {
    phase: Phase,
    /// Channels still to contract, in order; the first one is announced or contracts.
    queue: VecDeque<usize>,
    /// Signal time since the beginning, and when the phase is over.
    now_s: f64,
    until_s: f64,
    rate_hz: f64,
    settling: bool,
    /// Values at rest, each channel.
    rest: Vec<Vec<f32>>,
    /// When each channel's muscle has rested.
    rested_s: Vec<f64>,
    effort: Effort,
    /// Whose contraction was the last one.
    last: Option<usize>,
}

impl Run {
    fn new(channels: usize, queue: VecDeque<usize>) -> Self {
        Self {
            phase: Phase::Judge,
            queue,
            now_s: 0.0,
            until_s: 0.0,
            rate_hz: f64::NAN,
            settling: false,
            rest: vec![Vec::new(); channels],
            rested_s: vec![0.0; channels],
            effort: Effort::default(),
            last: None,
        }
    }

    /// Rest, then these contractions.
    pub(super) fn with_rest(channels: usize, queue: VecDeque<usize>) -> Self {
        Self { phase: Phase::Rest, until_s: REST_S, ..Self::new(channels, queue) }
    }

    /// Nothing, until something is to be done again.
    pub(super) fn without_rest(channels: usize) -> Self {
        Self::new(channels, VecDeque::new())
    }

    pub(super) fn phase(&self) -> Phase {
        self.phase
    }

    /// The channel that contracts now.
    pub(super) fn contracting(&self) -> Option<usize> {
        self.queue.front().copied().filter(|_| self.phase == Phase::Contract)
    }

    /// One envelope row.
    pub(super) fn step(&mut self, row: &[f32], rate_hz: f64) -> Option<Done> {
        (self.rate_hz, self.settling) = (rate_hz, false);
        self.now_s += 1.0 / rate_hz;
        let value = self.queue.front().and_then(|channel| row.get(*channel)).copied();
        match self.phase {
            Phase::Rest => {
                self.rest.iter_mut().zip(row).for_each(|(values, value)| values.push(*value));
            }
            Phase::Ready | Phase::Contract => {
                self.effort.push(value.map_or(f64::NAN, f64::from), rate_hz);
            }
            Phase::Idle | Phase::Judge => return None,
        }
        // A rounding error of a sum of many rows is no reason for one more.
        if self.now_s + 0.5 / rate_hz < self.until_s { None } else { self.advance() }
    }

    /// The phase is over.
    fn advance(&mut self) -> Option<Done> {
        match self.phase {
            Phase::Rest => {
                let values = self.rest.iter_mut().map(std::mem::take).collect();
                self.announce();
                Some(Done::Rest(values))
            }
            Phase::Ready => {
                self.phase = Phase::Contract;
                self.until_s = self.now_s + CONTRACT_S;
                self.effort = Effort::default();
                None
            }
            Phase::Contract => {
                let channel = self.queue.pop_front()?;
                let best = self.effort.best;
                self.rested_s[channel] = self.now_s + RECOVER_S;
                self.last = Some(channel);
                self.announce();
                Some(Done::Trial(channel, best))
            }
            Phase::Idle | Phase::Judge => None,
        }
    }

    /// Announces the next contraction, if there is one.
    fn announce(&mut self) {
        self.effort = Effort::default();
        let next = self.queue.front();
        self.phase = if next.is_some() { Phase::Ready } else { Phase::Judge };
        self.until_s = next.map_or(self.now_s, |channel| self.begins_s(*channel, self.now_s));
    }

    /// When a channel may contract after what ends at a moment.
    fn begins_s(&self, channel: usize, end_s: f64) -> f64 {
        (end_s + LEAD_S).max(self.rested_s[channel])
    }

    /// A row while the filters settle: what it says is not believed, and the phase begins again after it.
    pub(super) fn stand_still(&mut self) {
        self.settling = true;
        match self.phase {
            Phase::Rest => {
                self.rest.iter_mut().for_each(Vec::clear);
                self.until_s = self.now_s + REST_S;
            }
            Phase::Ready | Phase::Contract => self.announce(),
            Phase::Idle | Phase::Judge => {}
        }
    }

    /// Contracts now what is announced.
    pub(super) fn hurry(&mut self) -> Result<(), Refusal> {
        if self.phase != Phase::Ready {
            return Err(Refusal::NoWait);
        }
        self.until_s = self.now_s;
        Ok(())
    }

    /// Leaves the muscle that is announced or contracts out.
    pub(super) fn leave_out(&mut self) -> Result<(), Refusal> {
        let Some(channel) = self.queue.front().copied().filter(|_| self.phase != Phase::Rest) else {
            return Err(Refusal::NoMuscle);
        };
        self.queue.retain(|other| *other != channel);
        self.announce();
        Ok(())
    }

    /// Rests or contracts again; the channel whose last contraction does not count, if one was over.
    pub(super) fn again(&mut self) -> Option<usize> {
        match self.phase {
            Phase::Rest => {
                self.stand_still();
                self.settling = false;
                None
            }
            Phase::Contract => {
                let channel = self.queue.front().copied();
                if let Some(channel) = channel {
                    self.rested_s[channel] = self.now_s + RECOVER_S;
                }
                self.announce();
                None
            }
            Phase::Ready | Phase::Judge | Phase::Idle => {
                let last = self.last.take()?;
                self.queue.push_front(last);
                self.announce();
                Some(last)
            }
        }
    }

    /// All contractions of a channel again, after those that are still to come.
    pub(super) fn all_again(&mut self, channel: usize) {
        let contracts = self.contracting();
        if contracts == Some(channel) {
            self.rested_s[channel] = self.now_s + RECOVER_S;
        }
        let announced = self.queue.front().copied();
        self.queue.retain(|other| *other != channel);
        let others: Vec<usize> = std::mem::take(&mut self.queue).into();
        self.queue = interleaved(&others, channel);
        if self.phase == Phase::Judge || announced == Some(channel) {
            self.announce();
        }
    }

    /// What is going on; who was measured and how often is not known here.
    pub(super) fn progress(&self) -> Progress {
        let busy = matches!(self.phase, Phase::Ready | Phase::Contract);
        let channel = self.queue.front().filter(|_| busy).and_then(|channel| u16::try_from(*channel).ok());
        Progress {
            phase: self.phase,
            channel,
            round: 0,
            left_s: (self.until_s - self.now_s).max(0.0),
            to_end_s: self.to_end_s(),
            settling: self.settling,
            level: if busy { self.effort.level(self.rate_hz) } else { f64::NAN },
            best: if self.phase == Phase::Contract { self.effort.best } else { f64::NAN },
            muscles: Vec::new(),
        }
    }

    /// Until the last contraction ends if nothing comes between, seconds.
    fn to_end_s(&self) -> f64 {
        let mut rested = self.rested_s.clone();
        let mut end_s = self.until_s;
        for (n, channel) in self.queue.iter().enumerate() {
            let begins = match (n, self.phase) {
                (0, Phase::Ready) => self.until_s,
                (0, Phase::Contract) => self.until_s - CONTRACT_S,
                _ => (end_s + LEAD_S).max(rested[*channel]),
            };
            end_s = begins + CONTRACT_S;
            rested[*channel] = end_s + RECOVER_S;
        }
        (end_s - self.now_s).max(0.0)
    }
}

/// The contractions of one more channel among those of others, so that nobody waits for its rest: after each round
/// of the others, as far as there are rounds.
fn interleaved(others: &[usize], channel: usize) -> VecDeque<usize> {
    let mut queue = VecDeque::new();
    let mut left = ROUNDS;
    let mut round: Vec<usize> = Vec::new();
    for other in others {
        if round.contains(other) && left > 0 {
            queue.push_back(channel);
            left -= 1;
            round.clear();
        }
        round.push(*other);
        queue.push_back(*other);
    }
    queue.extend((0..left).map(|_| channel));
    queue
}
