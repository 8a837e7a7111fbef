//! The fault script of a simulated board: TOML in, checked faults and inputs out, and what happens when.
//!
//! The format is shown in `source::board`. Every mistake names the file, the line and what would be right.

use crate::emg::units::count;
use crate::source::Error;
use serde::Deserialize;
use std::ops::Range;
use std::path::Path;
use toml::Spanned;

/// Longest time in a script, seconds.
const LONGEST_S: f64 = 1e6;

/// A checked script.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Script {
    /// Of everything random.
    pub seed: u64,
    /// How much too fast the board's clock is, parts per million.
    pub clock_ppm: f64,
    /// Seconds from a reset to the first frame.
    pub boot_s: f64,
    /// Where counters begin.
    pub counters: Counters,
    /// Chances per byte.
    pub noise: Noise,
    /// What goes wrong.
    #[serde(rename = "fault")]
    faults: Vec<Spanned<Fault>>,
    /// What the digital inputs see.
    #[serde(rename = "input")]
    inputs: Vec<Spanned<Input>>,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            seed: 1,
            clock_ppm: 0.0,
            boot_s: 0.8,
            counters: Counters::default(),
            noise: Noise::default(),
            faults: Vec::new(),
            inputs: Vec::new(),
        }
    }
}

/// Where the counters of a board begin.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct Counters {
    /// Before the first start.
    pub epoch: u8,
    /// Of the first data frame.
    pub seq: u16,
    /// Of the first scan of every run.
    pub index: u32,
    /// After a reset.
    pub t_us: u32,
}

/// Chances per byte on the line.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Noise {
    /// To vanish.
    pub drop: f64,
    /// To arrive with another bit.
    pub flip: f64,
    /// To be followed by the bytes before it once more.
    pub repeat: f64,
}

impl Noise {
    pub(super) fn is_silent(self) -> bool {
        self.drop + self.flip + self.repeat <= 0.0
    }
}

/// What can go wrong.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Drop,
    Flip,
    Repeat,
    Stall,
    Overrun,
    Choke,
    Reset,
    Unplug,
}

impl Kind {
    /// Whether it lasts.
    fn lasts(self) -> bool {
        matches!(self, Self::Stall | Self::Overrun | Self::Choke | Self::Unplug)
    }
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Fault {
    kind: Kind,
    at_s: f64,
    for_s: Option<f64>,
    every_s: Option<f64>,
    bytes: Option<u32>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Input {
    pin: Pin,
    at_s: f64,
    for_s: f64,
    every_s: Option<f64>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Pin {
    Trigger,
    Photodiode,
    Button,
}

impl Pin {
    fn bit(self) -> u8 {
        match self {
            Self::Trigger => 1,
            Self::Photodiode => 2,
            Self::Button => 4,
        }
    }
}

/// Something of the script that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Happening {
    pub(super) kind: Kind,
    pub(super) bytes: u32,
    /// Begins, or ends what lasted.
    pub(super) starts: bool,
}

impl Script {
    /// How fast the board's clock runs against a true one.
    pub(super) fn speed(&self) -> f64 {
        1.0 + self.clock_ppm * 1e-6
    }

    /// What begins or ends within a span of seconds, its start included, its end not.
    pub(super) fn between(&self, span: &Range<f64>) -> Vec<Happening> {
        let mut due = Vec::new();
        for fault in self.faults.iter().map(Spanned::get_ref) {
            let bytes = fault.bytes.unwrap_or(1);
            let mut meet = |at_s: f64, starts: bool| {
                if first_from(at_s, fault.every_s, span.start).is_some_and(|next| next < span.end) {
                    due.push(Happening { kind: fault.kind, bytes, starts });
                }
            };
            meet(fault.at_s, true);
            if let Some(for_s) = fault.for_s.filter(|_| fault.kind.lasts()) {
                meet(fault.at_s + for_s, false);
            }
        }
        due
    }

    /// Whether the converter is too late at a time of the board's clock.
    pub(super) fn is_overrun(&self, at_s: f64) -> bool {
        let mut overruns = self.faults.iter().map(Spanned::get_ref).filter(|f| f.kind == Kind::Overrun);
        overruns.any(|fault| within(at_s, fault.at_s, fault.for_s.unwrap_or(0.0), fault.every_s))
    }

    /// The byte of digital inputs at a time of the board's clock.
    pub(super) fn inputs(&self, at_s: f64) -> u8 {
        let inputs = self.inputs.iter().map(Spanned::get_ref);
        let high = inputs.filter(|input| within(at_s, input.at_s, input.for_s, input.every_s));
        high.fold(0, |byte, input| byte | input.pin.bit())
    }

    /// Understands a script; `subject` names it in the error.
    pub(super) fn parse(text: &str, subject: &str) -> Result<Self, Error> {
        let parsed = toml::from_str::<Self>(text)
            .map_err(|error| (error.span(), error.message().trim().replace('\n', "; ")));
        parsed.and_then(Self::check).map_err(|(place, reason)| {
            let line = |at: Range<usize>| text.bytes().take(at.start).filter(|b| *b == b'\n').count() + 1;
            Error::Open {
                subject: subject.to_owned(),
                reason: place.map_or(reason.clone(), |at| format!("line {}: {reason}", line(at))),
                advice: "correct that line of the script and start again".to_owned(),
            }
        })
    }

    fn check(self) -> Result<Self, (Option<Range<usize>>, String)> {
        let bounded = |name: &str, value: f64, range: std::ops::RangeInclusive<f64>| {
            let (from, to) = (range.start(), range.end());
            let reason = format!("`{name}` is {value} and must lie between {from} and {to}");
            if range.contains(&value) { Ok(()) } else { Err(reason) }
        };
        let times = |at_s: f64, for_s: Option<f64>, every_s: Option<f64>| {
            bounded("at_s", at_s, 0.0..=LONGEST_S)?;
            for_s.map_or(Ok(()), |for_s| bounded("for_s", for_s, 0.0..=LONGEST_S))?;
            let shortest = for_s.unwrap_or(0.0).max(0.001);
            every_s.map_or(Ok(()), |every_s| bounded("every_s", every_s, shortest..=LONGEST_S))
        };
        let place = |reason| (None, reason);
        bounded("clock_ppm", self.clock_ppm, -100_000.0..=100_000.0).map_err(place)?;
        bounded("boot_s", self.boot_s, 0.0..=60.0).map_err(place)?;
        for (name, chance) in
            [("drop", self.noise.drop), ("flip", self.noise.flip), ("repeat", self.noise.repeat)]
        {
            bounded(name, chance, 0.0..=0.1).map_err(place)?;
        }
        for fault in &self.faults {
            let Fault { kind, at_s, for_s, every_s, bytes } = *fault.get_ref();
            let misfit = match () {
                () if kind.lasts() && for_s.is_none() => Err("this kind of fault needs `for_s`".to_owned()),
                () if !kind.lasts() && for_s.is_some() => Err("this kind of fault has no `for_s`".to_owned()),
                () if bytes.is_some() && (kind.lasts() || kind == Kind::Reset) => {
                    Err("this kind of fault has no `bytes`".to_owned())
                }
                () => times(at_s, for_s, every_s),
            };
            misfit.map_err(|reason| (Some(fault.span()), reason))?;
        }
        for input in &self.inputs {
            let Input { at_s, for_s, every_s, .. } = *input.get_ref();
            times(at_s, Some(for_s), every_s).map_err(|reason| (Some(input.span()), reason))?;
        }
        Ok(self)
    }
}

/// Reads a script file.
pub fn read(path: &Path) -> Result<Script, Error> {
    let subject = format!("the fault script {}", path.display());
    match std::fs::read_to_string(path) {
        Ok(text) => Script::parse(&text, &subject),
        Err(error) => Err(Error::Open {
            subject,
            reason: error.to_string(),
            advice: "give the path of a readable TOML file, or leave `--faults` out".to_owned(),
        }),
    }
}

/// When something that begins at `at_s` and perhaps again every so often next begins, not before `from_s`.
fn first_from(at_s: f64, every_s: Option<f64>, from_s: f64) -> Option<f64> {
    if at_s >= from_s {
        return Some(at_s);
    }
    every_s.map(|every_s| at_s + every_s * ((from_s - at_s) / every_s).ceil())
}

/// Whether something that begins at `at_s`, lasts and perhaps comes again is under way. Compared in whole
/// microseconds, so that a scan on the very edge does not depend on rounding.
fn within(now_s: f64, at_s: f64, for_s: f64, every_s: Option<f64>) -> bool {
    let us = |s: f64| count(s * 1e6);
    let Some(since) = us(now_s).checked_sub(us(at_s)) else { return false };
    every_s.map_or(since, |every_s| since % us(every_s).max(1)) < us(for_s)
}
