//! Rows of counts: muscle voices by the pose of the face, cross-talk, hum, drift, electronics, then the sensor.
//!
//! One row after the other, so that blocks of any size hold the same values.

use super::anatomy::Site;
use super::anatomy::person::Person;
use super::director::{Cast, Pose};
use super::noise::{Drift, Hum, Mains, Purpose, Voice, White, stream};
use super::script::Artefacts;
use super::sensor::{HALF_RANGE_UV, Sensor};
use crate::emg::units::{count, float, wide};
use crate::source::uri::SimOptions;

/// Noise of amplifier and electrodes, microvolts rms, white.
const ELECTRONICS_UV: f64 = 0.8;
/// An envelope sensor rectifies before anybody samples: it is computed at this rate at least.
const RECTIFIER_HZ: f64 = 1000.0;

/// One channel's sources of voltage and its sensor.
struct Lead {
    site: Site,
    voice: Voice,
    electronics: White,
    drift: Drift,
    hum: Hum,
    sensor: Sensor,
    /// Factors on what the muscles give and on their tone at rest.
    gain: f64,
    tone: f64,
    /// Other channels whose muscles are heard here, with their shares.
    neighbours: Vec<(usize, f64)>,
}

/// Everything electrical about the face.
pub(super) struct Signal {
    leads: Vec<Lead>,
    mains: Mains,
    /// Computed steps per row: 1, or more for an envelope sensor at a low rate.
    steps: u64,
    /// What each muscle gives in the present step, microvolts.
    spoken: Vec<f64>,
}

impl Signal {
    pub(super) fn new(options: &SimOptions, cast: &Cast, artefacts: &Artefacts, person: &Person) -> Self {
        let steps = if options.envelope { count((RECTIFIER_HZ / cast.rate_hz).ceil()).max(1) } else { 1 };
        let rate_hz = cast.rate_hz * float(steps);
        let lead = |(at, &site): (usize, &Site)| {
            let rng = |purpose| stream(options.seed, purpose, at);
            let mut electrode = person.electrode(at);
            let heard_from = |other: &Site| site.crosstalk_from(*other) * electrode.leak();
            let neighbours = cast.sites.iter().map(heard_from).enumerate();
            let neighbours = neighbours.filter(|&(other, share)| other != at && share > 0.0).collect();
            Lead {
                site,
                voice: Voice::new(rng(Purpose::Voice), rate_hz),
                electronics: White(rng(Purpose::Electronics)),
                drift: Drift::new(rng(Purpose::Drift), rate_hz, artefacts.drift_uv),
                hum: Hum::new(rng(Purpose::Hum), artefacts.hum_uv),
                sensor: if options.envelope { Sensor::envelope(options.tau_s, rate_hz) } else { Sensor::Raw },
                gain: electrode.gain,
                tone: electrode.tone,
                neighbours,
            }
        };
        Self {
            leads: cast.sites.iter().enumerate().map(lead).collect(),
            mains: Mains::new(artefacts.hum_hz, rate_hz),
            steps,
            spoken: vec![0.0; cast.sites.len()],
        }
    }

    /// Appends one row for a face in `pose`.
    pub(super) fn row(&mut self, row: u64, pose: &Pose, out: &mut Vec<i16>) {
        for step in 0..self.steps {
            self.mains.at(row * self.steps + step);
            for ((spoken, lead), activation) in
                self.spoken.iter_mut().zip(&mut self.leads).zip(&pose.activation)
            {
                let muscle = lead.site.anatomy();
                *spoken = (muscle.rest_uv * lead.tone + activation * muscle.mvc_uv) * lead.voice.next();
            }
            for (at, lead) in self.leads.iter_mut().enumerate() {
                let heard: f64 =
                    lead.neighbours.iter().map(|&(other, share)| share * self.spoken[other]).sum();
                let uv = lead.gain * (self.spoken[at] + heard)
                    + self.mains.in_channel(&lead.hum)
                    + lead.drift.next()
                    + ELECTRONICS_UV * lead.electronics.next()
                    + pose.baseline[at] * HALF_RANGE_UV;
                let held = lead.sensor.feed(uv);
                if step + 1 == self.steps {
                    out.push(lead.sensor.convert(held));
                }
            }
        }
    }

    /// Channels in a row.
    pub(super) fn channels(&self) -> u64 {
        wide(self.leads.len())
    }
}
