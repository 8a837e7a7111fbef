//! REST AND MAXIMAL CONTRACTION as they are measured: 10 s of rest, then three contractions of 3 s of each muscle,
//! interleaved so that each rests 30 s while the others work. Time is counted in envelope rows, never by a clock.
//!
//! Pure: the recorder feeds raw values and envelope rows and asks for [`Progress`]. Not here: where what is kept is
//! stored. `effort` measures, `run` keeps the order, `verdict` judges, `cue` has the words for the subject.

pub mod cue;
mod effort;
mod run;
pub mod verdict;

pub use verdict::Verdict;

use crate::emg::{Calibration, Channel, Kind, RawBlock};
use effort::{Rail, mean_and_sd};
use run::Run;

/// Rest at the beginning, seconds.
pub const REST_S: f64 = 10.0;
/// One contraction, seconds.
pub const CONTRACT_S: f64 = 3.0;
/// Contractions of each muscle.
pub const ROUNDS: u16 = 3;
/// A muscle rests this long between two contractions, seconds.
pub const RECOVER_S: f64 = 30.0;
/// The subject hears what comes this long before it, seconds.
pub const LEAD_S: f64 = 3.0;

/// What is going on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// Nothing.
    #[default]
    Idle,
    /// The subject rests.
    Rest,
    /// The next contraction is announced, or its muscle still rests.
    Ready,
    /// The subject contracts a muscle as hard as possible.
    Contract,
    /// Everything is measured and waits for the operator.
    Judge,
}

impl Phase {
    /// All phases.
    pub const ALL: [Self; 5] = [Self::Idle, Self::Rest, Self::Ready, Self::Contract, Self::Judge];
}

/// What was measured of one channel; NaN where nothing was.
#[derive(Clone, Debug, PartialEq)]
pub struct Muscle {
    /// The channel.
    pub channel: u16,
    /// Mean of the envelope at rest, in the channel's unit.
    pub rest_mean: f64,
    /// Its standard deviation.
    pub rest_sd: f64,
    /// Best 500 ms mean of the envelope in each contraction, in the channel's unit.
    pub trials: Vec<f64>,
    /// What is to be thought of it.
    pub verdict: Verdict,
    /// Whether the operator kept it.
    pub kept: bool,
}

impl Muscle {
    fn of(channel: u16) -> Self {
        let (rest_mean, rest_sd) = (f64::NAN, f64::NAN);
        Self { channel, rest_mean, rest_sd, trials: Vec::new(), verdict: Verdict::Open, kept: false }
    }

    /// The best contraction, in the channel's unit; NaN without one.
    #[must_use]
    pub fn mvc(&self) -> f64 {
        self.trials.iter().copied().fold(f64::NAN, f64::max)
    }

    /// Greatest difference between contractions as a share of the greatest; NaN with fewer than two.
    #[must_use]
    pub fn spread(&self) -> f64 {
        let least = self.trials.iter().copied().fold(f64::NAN, f64::min);
        if self.trials.len() > 1 { (self.mvc() - least) / self.mvc() } else { f64::NAN }
    }
}

/// A calibration at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// What is going on.
    pub phase: Phase,
    /// Whose contraction comes or is made.
    pub channel: Option<u16>,
    /// Which of its contractions, counted from 1.
    pub round: u16,
    /// Until the next phase, seconds.
    pub left_s: f64,
    /// Until everything is measured, seconds.
    pub to_end_s: f64,
    /// Time stands still because the filters settle.
    pub settling: bool,
    /// Envelope of the muscle in question over the last 100 ms, in the channel's unit; NaN where none is.
    pub level: f64,
    /// Best 500 ms of this contraction so far, in the channel's unit; NaN where none is made.
    pub best: f64,
    /// What was measured of each channel that is calibrated.
    pub muscles: Vec<Muscle>,
}

/// Why nothing was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A calibration is under way.
    #[error("a calibration is under way: discard it first")]
    Running,
    /// None is.
    #[error("no calibration is under way: start one first")]
    NotRunning,
    /// Nothing is waited for.
    #[error("nothing is waited for: rest and contractions take their time")]
    NoWait,
    /// No contraction is announced or made.
    #[error("no contraction is announced or made")]
    NoMuscle,
    /// Not all is measured.
    #[error("not everything is measured yet")]
    Unfinished,
    /// The channel is none that is calibrated.
    #[error("this channel is not calibrated: it is no EMG, or there is none of this number")]
    Channel,
    /// Rest is not known.
    #[error("its rest is not known: start with the whole calibration")]
    NoRest,
    /// There is nothing that could be kept.
    #[error("there is nothing to keep: no contraction rose above rest")]
    Nothing,
    /// There is nothing to take back.
    #[error("no calibration was kept that could be taken back")]
    NothingKept,
}

/// Measures rest and maximal contractions, and holds what was kept of them.
#[derive(Clone, Debug, Default)]
pub struct Calibrator {
    channels: Vec<Channel>,
    muscles: Vec<Muscle>,
    /// The present contraction.
    rail: Option<Rail>,
    /// For each channel which of its contractions came near a rail.
    railed: Vec<Vec<bool>>,
    run: Option<Run>,
    kept: Vec<Calibration>,
    /// What was measured for them.
    held: Vec<Muscle>,
}

impl Calibrator {
    /// A calibrator of these channels that has measured nothing.
    #[must_use]
    pub fn new(channels: &[Channel]) -> Self {
        Self { channels: channels.to_vec(), ..Self::default() }
    }

    /// Takes raw values of the rows that the next envelope rows are made of; `rate_hz` is theirs.
    pub fn raw(&mut self, block: &RawBlock, rate_hz: f64) {
        let Some(channel) = self.run.as_ref().and_then(Run::contracting) else { return };
        let rail = self.rail.get_or_insert_with(|| Rail::of(&self.channels[channel]));
        for at in (channel..block.samples.len()).step_by(block.channels.max(1)) {
            rail.see(block.samples.get(at), rate_hz);
        }
    }

    /// Takes envelope rows, all channels in each; while the filters are not settled, time stands still.
    pub fn envelope(&mut self, rows: &[f32], rate_hz: f64, settled: bool) {
        let Some(run) = &mut self.run else { return };
        if rate_hz.is_nan() || rate_hz <= 0.0 {
            return;
        }
        for row in rows.chunks_exact(self.channels.len().max(1)) {
            if !settled {
                run.stand_still();
                continue;
            }
            match run.step(row, rate_hz) {
                None => {}
                Some(run::Done::Rest(values)) => {
                    for muscle in &mut self.muscles {
                        let of = values.get(usize::from(muscle.channel)).map_or(&[][..], Vec::as_slice);
                        (muscle.rest_mean, muscle.rest_sd) = mean_and_sd(of);
                    }
                }
                Some(run::Done::Trial(channel, best)) => {
                    let judged =
                        self.muscles.iter_mut().find(|muscle| usize::from(muscle.channel) == channel);
                    let near = self.rail.take().is_some_and(|rail| rail.is_near());
                    if let (Some(muscle), true) = (judged, best.is_finite()) {
                        muscle.trials.push(best);
                        muscle.kept = false;
                        self.railed[channel].push(near);
                        let near = self.railed[channel].contains(&true);
                        muscle.verdict = verdict::judge(muscle, &self.channels[channel], near);
                    }
                }
            }
            if run.contracting().is_none() {
                self.rail = None;
            }
        }
    }

    /// What is going on; none before anything was.
    #[must_use]
    pub fn progress(&self) -> Option<Progress> {
        if self.muscles.is_empty() {
            return None;
        }
        let mut progress = self.run.as_ref().map_or_else(Progress::default, Run::progress);
        if self.run.is_none() {
            (progress.level, progress.best) = (f64::NAN, f64::NAN);
        }
        progress.muscles.clone_from(&self.muscles);
        let made =
            |channel: u16| self.muscles.iter().find(|m| m.channel == channel).map_or(0, |m| m.trials.len());
        progress.round =
            progress.channel.map_or(0, |channel| u16::try_from(made(channel)).unwrap_or(ROUNDS) + 1);
        Some(progress)
    }

    /// What was kept and holds: one for each channel that has one.
    #[must_use]
    pub fn kept(&self) -> &[Calibration] {
        &self.kept
    }

    /// An envelope value of a channel as percent of its maximal contraction; NaN where none was kept.
    #[must_use]
    pub fn percent(&self, channel: usize, level: f64) -> f64 {
        let of = self.kept.iter().find(|kept| usize::from(kept.channel) == channel);
        of.map_or(f64::NAN, |kept| kept.percent(level))
    }

    /// Channels whose measurement nobody has kept.
    #[must_use]
    pub fn unkept(&self) -> usize {
        self.muscles.iter().filter(|muscle| can_keep(muscle) && !muscle.kept).count()
    }

    /// Begins anew: rest, then all muscles. What was kept before holds until something else is kept.
    pub fn start(&mut self) -> Result<(), Refusal> {
        if self.is_measuring() {
            return Err(Refusal::Running);
        }
        let channels: Vec<u16> =
            (0..).zip(&self.channels).filter(|(_, channel)| is_emg(channel.kind)).map(|(n, _)| n).collect();
        if channels.is_empty() {
            return Err(Refusal::Channel);
        }
        self.muscles = channels.iter().copied().map(Muscle::of).collect();
        self.railed = vec![Vec::new(); self.channels.len()];
        let order = (0..ROUNDS).flat_map(|_| channels.iter().map(|n| usize::from(*n))).collect();
        self.run = Some(Run::with_rest(self.channels.len(), order));
        Ok(())
    }

    /// Does not wait for the muscle to have rested, but goes on at once.
    pub fn go_on(&mut self) -> Result<(), Refusal> {
        self.run.as_mut().ok_or(Refusal::NotRunning)?.hurry()
    }

    /// Leaves the muscle in question out from here on.
    pub fn skip(&mut self) -> Result<(), Refusal> {
        self.run.as_mut().ok_or(Refusal::NotRunning)?.leave_out()
    }

    /// Makes the last contraction again, or all of one channel, or the rest while it lasts.
    pub fn redo(&mut self, channel: Option<u16>) -> Result<(), Refusal> {
        let Some(channel) = channel else {
            let run = self.run.as_mut().ok_or(Refusal::NotRunning)?;
            if let Some(last) = run.again() {
                let muscle = self.muscles.iter_mut().find(|muscle| usize::from(muscle.channel) == last);
                if let Some(muscle) = muscle {
                    muscle.trials.pop();
                    self.railed[last].pop();
                    let near = self.railed[last].contains(&true);
                    muscle.verdict = verdict::judge(muscle, &self.channels[last], near);
                    muscle.kept = false;
                }
            }
            return Ok(());
        };
        let muscle =
            self.muscles.iter_mut().find(|muscle| muscle.channel == channel).ok_or(Refusal::Channel)?;
        if muscle.rest_mean.is_nan() {
            return Err(Refusal::NoRest);
        }
        muscle.trials.clear();
        (muscle.verdict, muscle.kept) = (Verdict::Open, false);
        let at = usize::from(channel);
        self.railed[at].clear();
        self.run.get_or_insert_with(|| Run::without_rest(self.channels.len())).all_again(at);
        Ok(())
    }

    /// The calibrations that the operator keeps: of one channel, or all in which a contraction rose above rest.
    pub fn keep(
        &mut self,
        channel: Option<u16>,
        sample: u64,
        who: &str,
    ) -> Result<Vec<Calibration>, Refusal> {
        if self.is_measuring() {
            return Err(Refusal::Unfinished);
        }
        let mut rows = Vec::new();
        for muscle in &mut self.muscles {
            let meant = channel.is_none_or(|channel| channel == muscle.channel);
            if meant && can_keep(muscle) && !muscle.kept {
                muscle.kept = true;
                rows.push(Calibration {
                    channel: muscle.channel,
                    rest_mean: muscle.rest_mean,
                    rest_sd: muscle.rest_sd,
                    mvc: muscle.mvc(),
                    trials: u16::try_from(muscle.trials.len()).unwrap_or(u16::MAX),
                    spread: muscle.spread(),
                    sample,
                    accepted_by: who.to_owned(),
                    valid: true,
                });
            }
        }
        if rows.is_empty() {
            return Err(Refusal::Nothing);
        }
        let is_new = |channel: u16| rows.iter().any(|new| new.channel == channel);
        self.kept.retain(|old| !is_new(old.channel));
        self.kept.extend(rows.iter().cloned());
        self.held.retain(|old| !is_new(old.channel));
        self.held.extend(self.muscles.iter().filter(|muscle| is_new(muscle.channel)).cloned());
        self.held.sort_by_key(|muscle| muscle.channel);
        if self.unkept() == 0 {
            self.run = None;
        }
        Ok(rows)
    }

    /// Forgets what was measured and not kept; what was kept still holds.
    pub fn discard(&mut self) -> Result<(), Refusal> {
        if self.run.take().is_none() && self.unkept() == 0 {
            return Err(Refusal::NotRunning);
        }
        self.muscles.clone_from(&self.held);
        Ok(())
    }

    /// What was kept no longer holds, of one channel or of all; the rows that say so.
    pub fn take_back(
        &mut self,
        channel: Option<u16>,
        sample: u64,
        who: &str,
    ) -> Result<Vec<Calibration>, Refusal> {
        let meant = |of: u16| channel.is_none_or(|channel| channel == of);
        // What is measured at present is measured at electrodes that have moved since.
        let running = self.run.take().is_some();
        self.held.retain(|muscle| !meant(muscle.channel));
        self.muscles.clone_from(&self.held);
        let (gone, kept): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.kept).into_iter().partition(|kept| meant(kept.channel));
        self.kept = kept;
        if gone.is_empty() && !running {
            return Err(Refusal::NothingKept);
        }
        let back = |kept| Calibration { sample, valid: false, accepted_by: who.to_owned(), ..kept };
        Ok(gone.into_iter().map(back).collect())
    }

    fn is_measuring(&self) -> bool {
        self.run.as_ref().is_some_and(|run| run.phase() != Phase::Judge)
    }
}

/// A share of nothing says nothing.
fn can_keep(muscle: &Muscle) -> bool {
    !matches!(muscle.verdict, Verdict::Open | Verdict::NoRise)
}

fn is_emg(kind: Kind) -> bool {
    matches!(kind, Kind::Raw | Kind::Rectified | Kind::Envelope)
}

#[cfg(test)]
mod tests;
