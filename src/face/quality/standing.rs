//! What is remembered of a channel from second to second: its floor, its rails, its contact, and its flags.
//!
//! A flag is raised after some bad seconds in a row and falls after three times as many good ones.

use super::rail::Rail;
use super::second::{Second, Shape, top};
use crate::dsp::line::Line;
use crate::emg::finding::quality::flag;
use crate::emg::units::{float_len, index, length, wide};
use crate::emg::{Channel, Kind, Quality};
use crate::face::state::{Reel, Tape};
use std::collections::VecDeque;

/// The floor is that of the last minute, in windows of a tenth of a second.
const WINDOWS: usize = 600;
/// ... the level that a tenth of them stays below; fewer windows than this tell none.
const QUIETEST: f64 = 0.1;
const FEWEST: usize = 10;
/// Rows at a rail for longer than this are saturation, seconds.
const SATURATED_S: f64 = 0.05;
/// Hum so many times the floor disturbs: what the notch leaves of it reaches the floor.
const HUMS: f64 = 5.0;
/// ... and so does hum that the filters leave so many times the floor of, which it may be itself.
const KEPT: f64 = 0.5;
/// Hum so many times the floor, or of this share of the converter's range, comes through an open electrode.
const OPEN_HUM: f64 = 100.0;
const OPEN_SHARE: f64 = 0.1;
/// An envelope that fluctuates by less than this share of its level, at so many times its floor, is no muscle.
const STEADY: f64 = 0.03;
const STEADY_LEVEL: f64 = 5.0;
/// A baseline that wanders so many times the floor within a second, beyond what the muscle itself does.
const WANDERS: f64 = 20.0;
/// An electrode is stable after so many seconds without wandering.
const STABLE_S: u64 = 3;

/// How an electrode sits, as far as its signal tells; a guess on rectified and envelope sensors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Contact {
    /// Nothing was judged yet, or it sits for less than a second.
    #[default]
    On,
    /// It seems to touch nothing.
    Off,
    /// It touches, and filters or baseline still move.
    Settling,
    /// It touches and rests.
    Stable,
}

impl Contact {
    const ALL: [Self; 4] = [Self::On, Self::Off, Self::Settling, Self::Stable];

    /// The word on screens.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Off => "off",
            Self::Settling => "settling",
            Self::Stable => "stable",
        }
    }
}

/// What was heard of the mains in a second.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heard {
    pub(super) line: Option<Line>,
    /// What the filters leave of it, raw steps rms; NaN where there is none.
    pub(super) kept: f64,
}

/// What else a second shows.
#[derive(Clone, Copy, Debug)]
struct Signs {
    /// Share of its rows at a rail.
    at_rail: f64,
    /// It echoes a neighbour.
    echoes: bool,
    /// Hum that the filters leave, in the channel's unit.
    kept_hum: f64,
}

/// A flag with its inertia.
#[derive(Clone, Copy, Debug, Default)]
struct Latch {
    /// Bad seconds in a row while down, good ones while up.
    against: u64,
    is_up: bool,
}

impl Latch {
    /// Takes a second's verdict, none where it cannot tell; `enter` bad seconds raise the flag.
    fn step(&mut self, bad: Option<bool>, enter: u64) -> bool {
        if let Some(bad) = bad {
            self.against = if bad == self.is_up { 0 } else { self.against + 1 };
            if self.against >= if self.is_up { 3 * enter } else { enter } {
                (self.is_up, self.against) = (!self.is_up, 0);
            }
        }
        self.is_up
    }
}

/// Flags with inertia, in the order of a standing's latches.
const LATCHED: [u32; 7] =
    [flag::SATURATED, flag::FLAT, flag::OFF, flag::LINE, flag::MOTION, flag::CROSSTALK, flag::KIND];

/// One channel.
#[derive(Clone, Debug)]
pub(super) struct Standing {
    kind: Kind,
    scale: f64,
    top: Option<f64>,
    rail: Rail,
    /// Levels of the last minute's windows, how quiet they show the channel can be, the chain they came through.
    windows: VecDeque<f64>,
    floor: f64,
    chain: u64,
    latches: [Latch; 7],
    contact: Contact,
    /// Seconds in which the baseline rested, in a row.
    rested: u64,
    /// Mean of the second before, in raw steps.
    mean: f64,
    latest: Option<Quality>,
}

impl Standing {
    pub(super) fn new(channel: &Channel) -> Self {
        Self {
            kind: channel.kind,
            scale: channel.scale.abs(),
            top: top(channel),
            rail: Rail::new(channel),
            windows: VecDeque::new(),
            floor: f64::NAN,
            chain: u64::MAX,
            latches: [Latch::default(); 7],
            contact: Contact::default(),
            rested: 0,
            mean: f64::NAN,
            latest: None,
        }
    }

    pub(super) fn latest(&self) -> Option<Quality> {
        self.latest
    }

    pub(super) fn remember(&mut self, quality: Quality) {
        self.latest = Some(quality);
    }

    pub(super) fn contact(&self) -> Contact {
        self.contact
    }

    /// How quiet the channel can be; NaN before it is known.
    pub(super) fn floor(&self) -> f64 {
        self.floor
    }

    /// Judges a second; its row and channel are left to the caller.
    pub(super) fn judge(&mut self, second: &Second<'_>, heard: Heard, echoes: bool) -> Quality {
        let line = heard.line;
        if self.chain != second.chain {
            // Other filters give other levels.
            self.windows.clear();
            self.chain = second.chain;
        }
        self.windows.extend(second.windows());
        self.windows.drain(..self.windows.len().saturating_sub(WINDOWS));
        self.floor = quietest(&self.windows);
        let mut quality = Quality {
            sample: 0,
            channel: 0,
            level: second.level(),
            floor: self.floor,
            line_level: line.map_or(f64::NAN, |line| line.rms * self.scale),
            line_hz: line.and_then(|line| line.hz).unwrap_or(f64::NAN),
            flags: if second.has_gap() { flag::GAP } else { 0 },
        };
        let rows = second.raw.iter().filter(|&&value| self.rail.feed(value, second.rate_hz)).count();
        if matches!(self.kind, Kind::Aux | Kind::Trigger) {
            quality.floor = f64::NAN;
            return quality;
        }
        let share = float_len(rows) / float_len(second.raw.len().max(1));
        let moments = second.shape();
        let signs = Signs { at_rail: share, echoes, kept_hum: heard.kept * self.scale };
        let bad = self.verdicts(second, &quality, signs, moments.as_ref());
        for ((latch, bit), (bad, enter)) in self.latches.iter_mut().zip(LATCHED).zip(bad) {
            quality.flags |= if latch.step(bad, enter) { bit } else { 0 };
        }
        self.settle(second, &quality, moments.as_ref());
        if second.ends_unsettled() || self.contact == Contact::Settling {
            quality.flags |= flag::SETTLING;
        }
        quality
    }

    /// For each latched flag whether this second is bad, and how many bad ones raise it.
    fn verdicts(
        &self,
        second: &Second<'_>,
        quality: &Quality,
        Signs { at_rail, echoes, kept_hum }: Signs,
        shape: Option<&Shape>,
    ) -> [(Option<bool>, u64); 7] {
        let is_raw = self.kind == Kind::Raw;
        let flat = shape.map(|shape| shape.low >= shape.high);
        // An envelope sensor at rest may well stay on one count for a while.
        let patience = if is_raw { 1 } else { 10 };
        let saturated =
            shape.map(|_| at_rail * float_len(second.raw.len()) >= (SATURATED_S * second.rate_hz).max(2.0));
        let hums = (quality.line_level / quality.floor).is_finite();
        let loud = quality.line_level > HUMS * quality.floor || kept_hum > KEPT * quality.floor;
        let hums = hums.then(|| quality.line_hz.is_finite() && loud);
        let seen = shape.and_then(|shape| second.kind(shape, self.rail.step()));
        let off = shape.map(|shape| self.is_open(quality, at_rail, shape));
        [
            (saturated.map(|bad| bad && flat == Some(false)), 1),
            (flat, patience),
            (off, if is_raw { 2 } else { 3 }),
            (hums.filter(|_| is_raw), 2),
            (moves(second, quality).filter(|_| is_raw), 1),
            ((!second.has_gap()).then_some(echoes), 2),
            (seen.map(|seen| seen != self.kind), 10),
        ]
    }

    /// Whether nothing seems to touch the skin.
    fn is_open(&self, quality: &Quality, at_rail: f64, shape: &Shape) -> bool {
        if self.kind == Kind::Raw {
            let hum = quality.line_level;
            let range = self.top.map_or(f64::INFINITY, |top| top * self.scale);
            let flat = shape.low >= shape.high;
            return flat || at_rail > 0.5 || hum > OPEN_HUM * quality.floor || hum > OPEN_SHARE * range;
        }
        let steady = shape.deviation < STEADY * shape.mean.abs() && shape.deviation > 0.0;
        steady && quality.level > STEADY_LEVEL * quality.floor.max(0.0) && quality.floor > 0.0
            || at_rail >= 1.0
    }

    /// Follows the electrode: it is stable once its baseline rested for a while.
    fn settle(&mut self, second: &Second<'_>, quality: &Quality, shape: Option<&Shape>) {
        let mean = shape.map_or(f64::NAN, |shape| shape.mean);
        let shift = (mean - self.mean).abs() * self.scale;
        self.mean = mean;
        // An envelope's mean follows the muscle: its electrode is taken to rest.
        let rests = shift <= WANDERS * quality.floor || self.kind != Kind::Raw && shift.is_finite();
        self.rested = if rests && !second.ends_unsettled() { self.rested + 1 } else { 0 };
        self.contact = if quality.flags & flag::OFF != 0 {
            self.rested = 0;
            Contact::Off
        } else if self.rested >= STABLE_S || self.contact == Contact::Stable && !second.ends_unsettled() {
            Contact::Stable
        } else if self.latest.is_none() {
            Contact::On
        } else {
            Contact::Settling
        };
    }

    pub(super) fn save(&self, tape: &mut Tape) {
        self.rail.save(tape);
        tape.u64(wide(self.windows.len()));
        self.windows.iter().for_each(|level| _ = tape.f64(*level));
        tape.u64(self.chain);
        for latch in &self.latches {
            tape.u64(latch.against).u64(u64::from(latch.is_up));
        }
        let contact = Contact::ALL.iter().position(|contact| *contact == self.contact).unwrap_or(0);
        tape.u64(wide(contact)).u64(self.rested).f64(self.mean).u64(u64::from(self.latest.is_some()));
        if let Some(q) = &self.latest {
            tape.u64(q.sample).u64(u64::from(q.channel)).u64(u64::from(q.flags));
            tape.f64(q.level).f64(q.floor).f64(q.line_level).f64(q.line_hz);
        }
    }

    pub(super) fn load(&mut self, reel: &mut Reel<'_>) -> Option<()> {
        self.rail.load(reel)?;
        self.windows = reel.f64s()?;
        self.floor = quietest(&self.windows);
        self.chain = reel.u64()?;
        for latch in &mut self.latches {
            *latch = Latch { against: reel.u64()?, is_up: reel.u64()? != 0 };
        }
        self.contact = *Contact::ALL.get(index(reel.u64()?))?;
        (self.rested, self.mean) = (reel.u64()?, reel.f64()?);
        self.latest = if reel.u64()? == 0 { None } else { Some(quality(reel)?) };
        Some(())
    }
}

fn quality(reel: &mut Reel<'_>) -> Option<Quality> {
    Some(Quality {
        sample: reel.u64()?,
        channel: u16::try_from(reel.u64()?).ok()?,
        flags: u32::try_from(reel.u64()?).ok()?,
        level: reel.f64()?,
        floor: reel.f64()?,
        line_level: reel.f64()?,
        line_hz: reel.f64()?,
    })
}

/// The level that the quietest windows stay below; NaN of too few.
fn quietest(windows: &VecDeque<f64>) -> f64 {
    if windows.len() < FEWEST {
        return f64::NAN;
    }
    let mut levels: Vec<f64> = windows.iter().copied().collect();
    let rank = length(QUIETEST * float_len(levels.len())).min(levels.len() - 1);
    *levels.select_nth_unstable_by(rank, f64::total_cmp).1
}

/// Whether the baseline wandered; none where that is not known.
fn moves(second: &Second<'_>, quality: &Quality) -> Option<bool> {
    let limit = WANDERS * quality.floor + second.loudness();
    let wander = second.wander();
    (limit.is_finite() && wander.is_finite()).then_some(wander > limit)
}
