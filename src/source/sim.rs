//! `sim:` is a face without a subject: deterministic facial EMG whose every movement is known.
//!
//! The same seed and options give the same counts and the same truth, however fast and in whatever blocks they
//! are read. Not here: faults of a wire (`simulate` speaks the serial protocol). Called through [`Source`].
//!
//! A script (`script=FILE`) replaces the built-in repertoire. Without `repeat_s` it is played once; a prototype
//! (`happiness`, `sadness`, `surprise`, `fear`, `anger`, `disgust`, `contempt` on the right side, `neutral`)
//! or `muscles` says what moves, on both sides unless the name ends in `left` or `right`:
//! ```toml
//! repeat_s = 10.0
//!
//! [[expression]]
//! at_s = 1.0                # seconds after the first row
//! name = "happiness"
//! duration_s = 2.0          # from the first to the last active row
//! level = 0.5               # of the prototype at its strongest; 1 if left out
//! rise_s = 0.15             # 0.3 x duration_s, at most 0.2, if left out
//!
//! [[expression]]
//! at_s = 5.0
//! name = "anger"
//! duration_s = 0.2
//! level = 0.1
//!
//! [[expression]]
//! at_s = 7.0
//! name = "half smile"       # a free name beside `muscles`
//! muscles = { "zygomaticus major left" = 0.6 }
//! duration_s = 1.0
//!
//! [artefacts]               # what is left out stays as usual
//! blink = 12                # per minute; true (15), false
//! swallow = true            # 1 per minute
//! speech = false            # 1 per minute
//! motion = 0.5              # 1 per minute: head movements and cable steps
//! hum_uv = 3.0              # peak of the fundamental at the electrodes, about
//! hum_hz = 50.0
//! drift_uv = 10.0           # rms, below about 0.1 Hz
//!
//! [face]                    # electrodes, cross-talk, tone, effort and tempo differ from face to face
//! spread = 0.5              # how much: 0 if left out, up to 1; expressions become weaker and shorter, never more
//! person = 3                # whose face it is, whatever the seed; the seed's own if left out
//! ```
//! In the truth the level of `motion` is a share of half the converter's range, else of the muscle's maximum.

pub(crate) mod anatomy;
mod director;
mod expressions;
mod noise;
mod reflexes;
mod script;
mod sensor;
mod signal;

use super::uri::{SimOptions, Speed};
use super::{Description, Error, Packet, Reading, Source};
use crate::emg::units::{count, float, index, rows_ns};
use crate::emg::{Cause, Channel, Kind, SampleType, Samples, Stamp};
use anatomy::Site;
use anatomy::person::Person;
use director::{Cast, Director, Player, Pose};
use noise::{Purpose, stream};
use script::Script;
use signal::Signal;
use std::time::Duration;

/// Wall time a packet spans when rows are paced.
const PACKET_S: f64 = 0.02;
/// Most signal time in a packet, and the size of packets that are not paced.
const LONGEST_PACKET_S: f64 = 0.1;
/// Longest sleep in one read.
const NAP: Duration = Duration::from_millis(20);

/// A simulated face.
pub struct Sim {
    options: SimOptions,
    /// Host time of row 0; where rows are paced, the moment of the first read.
    start: Stamp,
    begun: bool,
    face: Option<Face>,
    /// The next row.
    row: u64,
}

/// The parts that make rows.
struct Face {
    director: Director,
    signal: Signal,
    pose: Pose,
}

impl Sim {
    /// A face that begins at `start` by its own clock. Paced rows are dated from the first read instead, for
    /// markers are dated by the host's clock.
    #[must_use]
    pub fn new(options: SimOptions, start: Stamp) -> Self {
        Self { options, start, begun: false, face: None, row: 0 }
    }

    fn cast(&self) -> Cast {
        let sites = (0..usize::from(self.options.channels)).map(Site::of_channel).collect();
        Cast { sites, rate_hz: self.options.rate_hz }
    }

    fn uri(&self) -> String {
        let SimOptions { seed, channels, rate_hz, script, speed, envelope, tau_s } = &self.options;
        let speed = match speed {
            Speed::Times(times) => times.to_string(),
            Speed::Max => "max".to_owned(),
        };
        let script = script.as_ref().map_or(String::new(), |path| format!("&script={}", path.display()));
        let sensor = if *envelope { format!("&kind=envelope&tau={tau_s}") } else { String::new() };
        format!("sim:?seed={seed}&channels={channels}&rate={rate_hz}{script}&speed={speed}{sensor}")
    }

    fn check(&self) -> Result<(), Error> {
        let SimOptions { channels, rate_hz, speed, tau_s, .. } = &self.options;
        let (reason, advice) = if *channels == 0 {
            ("a face needs a channel".to_owned(), "Ask for 1 to 64 channels.")
        } else if !(1.0..=100_000.0).contains(rate_hz) {
            (format!("a rate of {rate_hz} rows per second"), "Ask for a rate between 1 and 100000.")
        } else if !(*tau_s > 0.0 && *tau_s <= 10.0) {
            (format!("a time constant of {tau_s} s"), "Ask for one above 0 and up to 10 s.")
        } else if let Speed::Times(times) = speed
            && !(0.001..=10_000.0).contains(times)
        {
            (format!("a speed of {times}"), "Ask for 0.001 to 10000, or `max`.")
        } else {
            return Ok(());
        };
        Err(Error::Uri { uri: self.uri(), reason, advice: advice.to_owned() })
    }

    /// Rows in a packet: 20 ms of wall time, never more than 100 ms of signal.
    fn packet_rows(&self) -> u64 {
        let span_s = match self.options.speed {
            Speed::Times(times) => (PACKET_S * times).min(LONGEST_PACKET_S),
            Speed::Max => LONGEST_PACKET_S,
        };
        count(self.options.rate_hz * span_s).max(1)
    }

    /// The ideal host time at which row `end - 1` is complete.
    fn due(&self, end: u64) -> Stamp {
        let rate_hz = match self.options.speed {
            Speed::Times(times) => self.options.rate_hz * times,
            Speed::Max => self.options.rate_hz,
        };
        self.start.plus_ns(rows_ns(end, rate_hz))
    }

    /// Whether the rows before `end` may be handed over; sleeps a little where not.
    fn is_time(&mut self, end: u64) -> bool {
        if matches!(self.options.speed, Speed::Max) {
            return true;
        }
        if !self.begun {
            self.begun = true;
            self.start = Stamp::now();
        }
        let due_ns = self.due(end).host_ns;
        let left = u64::try_from(due_ns - Stamp::now().host_ns).unwrap_or(0);
        if left > 0 {
            std::thread::sleep(Duration::from_nanos(left).min(NAP));
        }
        left == 0 || Stamp::now().host_ns >= due_ns
    }
}

impl Face {
    fn new(options: &SimOptions, cast: &Cast, script: Option<Script>) -> Self {
        let seed = options.seed;
        let artefacts = script.as_ref().map(|script| script.artefacts).unwrap_or_default();
        let wearer = script.as_ref().map(|script| script.wearer).unwrap_or_default();
        let person = Person::new(seed, wearer);
        let expressions: Player = match script {
            Some(script) => Box::new(expressions::scripted(cast.clone(), script, &person)),
            None => Box::new(expressions::repertoire(cast.clone(), stream(seed, Purpose::Expressions, 0))),
        };
        let mut players = vec![expressions];
        players.extend(reflexes::players(cast, seed, &artefacts));
        let silent = vec![0.0; cast.sites.len()];
        Self {
            director: Director::new(players),
            signal: Signal::new(options, cast, &artefacts, &person),
            pose: Pose { activation: silent.clone(), baseline: silent },
        }
    }

    /// The counts of rows `first..end`, which follow the rows made before.
    fn rows(&mut self, first: u64, end: u64) -> Vec<i16> {
        let mut out = Vec::with_capacity(index((end - first) * self.signal.channels()));
        for row in first..end {
            self.director.pose(row, &mut self.pose);
            self.signal.row(row, &self.pose, &mut out);
        }
        out
    }
}

impl Source for Sim {
    fn open(&mut self) -> Result<Description, Error> {
        self.check()?;
        let script = self.options.script.as_deref().map(script::read).transpose()?;
        let cast = self.cast();
        let channels = cast.sites.iter().map(|site| channel(*site, &self.options)).collect();
        self.face = Some(Face::new(&self.options, &cast, script));
        (self.row, self.begun) = (0, false);
        Ok(Description {
            uri: self.uri(),
            board: "simulated face".to_owned(),
            channels,
            sample_type: SampleType::I16,
            nominal_hz: Some(self.options.rate_hz),
            losses_counted: true,
            digital: false,
            can_wait: true,
            remarks: vec![format!(
                "This face is simulated from seed {}; nobody is recorded.",
                self.options.seed
            )],
        })
    }

    fn read(&mut self) -> Result<Reading, Error> {
        let end = self.row + self.packet_rows();
        if !self.is_time(end) {
            return Ok(Reading::Idle);
        }
        let stamp = self.due(end);
        let Some(face) = &mut self.face else {
            self.open()?;
            return Ok(Reading::Idle);
        };
        let truths = face.director.announce(end);
        if !truths.is_empty() {
            return Ok(Reading::Truth(truths));
        }
        let first = std::mem::replace(&mut self.row, end);
        Ok(Reading::Rows(Packet {
            epoch: 0,
            index: first,
            device_us: count(float(first) / self.options.rate_hz * 1e6),
            stamp,
            samples: Samples::I16(face.rows(first, end)),
            digital: Vec::new(),
            cause: Cause::Unknown,
        }))
    }
}

/// The column of one site.
fn channel(site: Site, options: &SimOptions) -> Channel {
    let muscle = site.anatomy();
    let mut channel = Channel::new(site.name(), Kind::Raw);
    muscle.name.clone_into(&mut channel.muscle);
    site.side.word().clone_into(&mut channel.side);
    channel.action_unit = format!("AU{}", muscle.units[0]);
    channel.skew_us = 0.0;
    "simulated".clone_into(&mut channel.electrode);
    channel.position = format!("over the {} {}", site.side.word(), muscle.name);
    sensor::describe(&mut channel, options.envelope, options.tau_s);
    channel
}

#[cfg(test)]
mod tests;
