//! MUSCLE EVENTS as they happen: when each muscle was active, how strongly, what that was, and how sure all of it is.
//!
//! One detector per channel finds activity (`hunt` in a muscle's own voltage, `slow` behind an envelope sensor), one
//! judge says what it was once its neighbours are known. All times are of the signal before any filter. An event is
//! handed out once, at most 3 s after its end was certain. Driven by `Observer`, live and offline alike.

mod course;
mod floor;
mod habits;
mod hunt;
mod judge;
mod ring;
mod slow;
mod weigh;

pub use judge::class_of;

use super::observe::{Findings, GRID, Look};
use super::state::{Reel, Tape};
use crate::dsp::Section;
use crate::emg::units::wide;
use crate::emg::{Calibration, Channel, Kind};
use crate::pipeline::ChainChange;
use habits::Site;
use hunt::{Found, Hunt};
use judge::Judge;
use slow::Slow;
use weigh::{Front, SLOWEST_HZ};

/// An event that goes on, for the screen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Active {
    /// The channel.
    pub channel: u16,
    /// Its first row, as far as is known now.
    pub onset: u64,
    /// Greatest activity above rest until now, in the channel's unit.
    pub peak: f64,
}

/// An event that ended and is not judged yet, because its neighbours in time are not known; for the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The channel.
    pub channel: u16,
    /// Its first row.
    pub onset: u64,
    /// The row after its last one.
    pub end: u64,
}

/// Muscle events of all channels.
#[derive(Clone, Debug)]
pub struct Events {
    rate_hz: f64,
    lanes: Vec<Lane>,
    front: Front,
    /// Sections of every chain that may run.
    chains: Vec<(u32, Vec<Section>)>,
    judge: Judge,
}

/// One channel.
#[derive(Clone, Debug)]
struct Lane {
    kind: Kind,
    tau_s: f64,
    /// Units per raw step.
    scale: f64,
    /// Mean at rest and at maximum voluntary contraction; NaN while not calibrated.
    range: (f64, f64),
    /// First and first settled row of the running span.
    span: Option<(u64, u64)>,
    /// Chain whose rest is known.
    chain: Option<u32>,
    detector: Detector,
}

#[derive(Clone, Debug)]
enum Detector {
    /// The signal's rate is too low, or it carries no muscle.
    None,
    Fast(Box<Hunt>),
    Slow(Box<Slow>),
}

impl Detector {
    fn new(lane: &Lane, rate_hz: f64) -> Self {
        let Lane { kind, tau_s, scale, .. } = *lane;
        match kind {
            Kind::Raw | Kind::Rectified if rate_hz >= SLOWEST_HZ => {
                Self::Fast(Box::new(Hunt::new(rate_hz, kind == Kind::Rectified)))
            }
            Kind::Envelope | Kind::Rectified => Self::Slow(Box::new(Slow::new(rate_hz, tau_s, scale))),
            Kind::Raw | Kind::Aux | Kind::Trigger => Self::None,
        }
    }

    fn forget(&mut self) {
        match self {
            Self::None => {}
            Self::Fast(hunt) => hunt.forget(),
            Self::Slow(slow) => slow.forget(),
        }
    }

    fn listen(&mut self, chain: &[Section]) {
        if let Self::Fast(hunt) = self {
            hunt.listen(chain);
        }
    }

    /// Rows begin with this clean value.
    fn begin(&mut self, clean: f64) {
        if let Self::Slow(slow) = self {
            slow.begin(clean);
        }
    }

    fn cut(&mut self, row: u64) -> Option<Found> {
        match self {
            Self::None => None,
            Self::Fast(hunt) => hunt.cut(row),
            Self::Slow(slow) => slow.cut(row),
        }
    }

    fn active(&self) -> Option<(u64, f64)> {
        match self {
            Self::None => None,
            Self::Fast(hunt) => hunt.active(),
            Self::Slow(slow) => slow.active(),
        }
    }
}

impl Lane {
    /// Takes clean rows from `first` on, and what the front made of them; notes what ended with the row it ended at.
    fn rows(
        &mut self,
        first: u64,
        clean: impl Iterator<Item = f64>,
        front: impl Iterator<Item = (f64, f64)>,
        mut ended: impl FnMut(u64, Found),
    ) {
        let Some((_, settled)) = self.span else { return };
        for (row, (clean, (band, envelope))) in (first..).zip(clean.zip(front)) {
            let found = match &mut self.detector {
                Detector::None => return,
                detector if !clean.is_finite() => detector.cut(row),
                Detector::Fast(hunt) if row >= settled => hunt.row(row, band, envelope),
                Detector::Fast(hunt) => {
                    hunt.pass(row, band, envelope);
                    None
                }
                Detector::Slow(slow) if row >= settled => slow.row(row, clean),
                Detector::Slow(slow) => {
                    slow.pass(row, clean);
                    None
                }
            };
            if let Some(found) = found {
                ended(row, found);
            }
        }
    }
}

impl Events {
    /// Before the first row.
    #[must_use]
    pub fn new(channels: &[Channel]) -> Self {
        let lane = |channel: &Channel| Lane {
            kind: channel.kind,
            tau_s: channel.sensor_tau_s,
            scale: channel.scale,
            range: (f64::NAN, f64::NAN),
            span: None,
            chain: None,
            detector: Detector::None,
        };
        Self {
            rate_hz: 0.0,
            lanes: channels.iter().map(lane).collect(),
            front: Front::none(channels.len()),
            chains: Vec::new(),
            judge: Judge::new(channels.iter().map(Site::of).collect()),
        }
    }

    /// Takes chains that will run: their notches tell the mains.
    pub fn chains(&mut self, change: &ChainChange) {
        for chain in &change.chains {
            self.chains.retain(|(id, _)| *id != chain.id);
            self.chains.push((chain.id, chain.sections.clone()));
        }
    }

    /// Takes the next rows.
    pub fn look(&mut self, look: &Look<'_>, found: &mut Findings) {
        if look.rate_hz.to_bits() != self.rate_hz.to_bits() {
            self.pace(look.rate_hz, look.sample);
        }
        self.judge.reject(&found.artefacts);
        self.spans(look);
        let width = look.channels.max(1);
        self.front.run(look.raw, look.clean);
        let mut found_here: Vec<(u64, usize, Found)> = Vec::new();
        for (channel, lane) in self.lanes.iter_mut().enumerate() {
            let clean = look.clean.iter().skip(channel).step_by(width).map(|value| f64::from(*value));
            let front = self.front.rows(channel);
            lane.rows(look.sample, clean, front, |row, found| found_here.push((row, channel, found)));
        }
        // Row by row, as they would have come one at a time.
        found_here.sort_by_key(|(row, channel, _)| (*row, *channel));
        for (_, channel, found) in found_here {
            self.judge.take(channel, found);
        }
        let end = look.sample + wide(look.rows());
        if end.is_multiple_of(GRID) {
            self.decide(end, false, found);
        }
    }

    /// The recording ends at `row`.
    pub fn finish(&mut self, row: u64, found: &mut Findings) {
        self.judge.reject(&found.artefacts);
        (0..self.lanes.len()).for_each(|channel| self.cut(channel, row));
        self.decide(row, true, found);
    }

    /// Takes a calibration: it holds for events from now on.
    pub fn calibrate(&mut self, calibration: &Calibration) {
        if let Some(lane) = self.lanes.get_mut(usize::from(calibration.channel)) {
            let none = (f64::NAN, f64::NAN);
            lane.range = if calibration.valid { (calibration.rest_mean, calibration.mvc) } else { none };
        }
    }

    /// Events that go on, in order of channels.
    pub fn active(&self) -> impl Iterator<Item = Active> + '_ {
        self.lanes.iter().enumerate().filter_map(|(channel, lane)| {
            let (onset, peak) = lane.detector.active()?;
            Some(Active { channel: u16::try_from(channel).unwrap_or(u16::MAX), onset, peak })
        })
    }

    /// Events that ended and are not judged yet, at most 3 s of them.
    pub fn waiting(&self) -> impl Iterator<Item = Waiting> + '_ {
        self.judge.waiting().map(|(channel, onset, end)| Waiting {
            channel: u16::try_from(channel).unwrap_or(u16::MAX),
            onset,
            end,
        })
    }

    fn decide(&mut self, row: u64, all: bool, found: &mut Findings) {
        let running =
            self.lanes.iter().filter_map(|lane| lane.detector.active()).map(|(onset, _)| onset).min();
        let percent = |channel: usize, level: f64| {
            let (rest_mean, mvc) = self.lanes[channel].range;
            Calibration { rest_mean, mvc, ..Calibration::default() }.percent(level)
        };
        self.judge.decide(row, running, all, percent, found);
    }

    /// Detectors for another rate; what goes on ends here.
    fn pace(&mut self, rate_hz: f64, row: u64) {
        (0..self.lanes.len()).for_each(|channel| self.cut(channel, row));
        self.rate_hz = rate_hz;
        self.judge.pace(rate_hz);
        for lane in &mut self.lanes {
            lane.detector = Detector::new(lane, rate_hz);
            (lane.span, lane.chain) = (None, None);
        }
        self.front = self.front();
    }

    /// The front of the present detectors.
    fn front(&self) -> Front {
        let fast = |lane: &Lane| matches!(lane.detector, Detector::Fast(_)).then_some(lane.kind == Kind::Raw);
        Front::new(self.rate_hz, &self.lanes.iter().map(fast).collect::<Vec<_>>())
    }

    /// Where a span ended or another began: a hole, other filters.
    fn spans(&mut self, look: &Look<'_>) {
        for channel in 0..self.lanes.len() {
            let span = look.spans.get(channel).copied().flatten();
            let rows = span.map(|span| (span.sample, span.settled_sample));
            if rows == self.lanes[channel].span {
                continue;
            }
            self.cut(channel, look.sample);
            let lane = &mut self.lanes[channel];
            lane.span = rows;
            let Some(span) = span else { continue };
            if lane.chain != Some(span.chain) {
                lane.chain = Some(span.chain);
                lane.detector.forget();
                if let Some((_, sections)) = self.chains.iter().find(|(id, _)| *id == span.chain) {
                    lane.detector.listen(sections);
                }
            }
            let (raw, clean) = (look.raw[channel], f64::from(look.clean[channel]));
            lane.detector.begin(clean);
            self.front.begin(channel, raw, clean);
        }
    }

    fn cut(&mut self, channel: usize, row: u64) {
        let lane = &mut self.lanes[channel];
        if let Some(found) = lane.detector.cut(row) {
            self.judge.take(channel, found);
        }
    }

    /// Puts down what is carried on.
    pub fn save(&self, tape: &mut Tape) {
        tape.f64(self.rate_hz).u64(wide(self.chains.len()));
        for (id, sections) in &self.chains {
            tape.u64(u64::from(*id)).f64s(sections.as_flattened().iter());
        }
        for lane in &self.lanes {
            tape.f64(lane.range.0).f64(lane.range.1);
            tape.u64(lane.chain.map_or(0, |chain| u64::from(chain) + 1));
            let (first, settled) = lane.span.map_or((0, 0), |(first, settled)| (first + 1, settled));
            tape.u64(first).u64(settled);
            match &lane.detector {
                Detector::None => {}
                Detector::Fast(hunt) => hunt.save(tape),
                Detector::Slow(slow) => slow.save(tape),
            }
        }
        self.front.save(tape);
        self.judge.save(tape);
    }

    /// Takes up what was put down.
    pub fn load(&mut self, reel: &mut Reel<'_>) -> Option<()> {
        self.rate_hz = reel.f64()?;
        for _ in 0..reel.u64()? {
            let id = u32::try_from(reel.u64()?).ok()?;
            self.chains.push((id, reel.f64s::<Vec<f64>>()?.as_chunks().0.to_vec()));
        }
        for lane in &mut self.lanes {
            lane.range = (reel.f64()?, reel.f64()?);
            lane.chain = reel.u64()?.checked_sub(1).and_then(|chain| u32::try_from(chain).ok());
            let (first, settled) = (reel.u64()?, reel.u64()?);
            lane.span = first.checked_sub(1).map(|first| (first, settled));
            if self.rate_hz > 0.0 {
                lane.detector = Detector::new(lane, self.rate_hz);
            }
            match &mut lane.detector {
                Detector::None => {}
                Detector::Fast(hunt) => hunt.load(reel)?,
                Detector::Slow(slow) => slow.load(reel)?,
            }
        }
        if self.rate_hz > 0.0 {
            self.front = self.front();
        }
        self.front.load(reel)?;
        self.judge.load(reel)
    }
}

#[cfg(test)]
mod tests;
