//! From microvolts at the electrode to counts: a raw amplifier or an envelope sensor, then a 10-bit converter.

use super::noise::OnePole;
use crate::emg::units::int16;
use crate::emg::{Channel, Kind};

/// Converter reference, volts.
const REFERENCE_V: f64 = 5.0;
/// Converter resolution.
const ADC_BITS: u8 = 10;
/// The largest count.
const FULL: f64 = 1023.0;
/// Volts per count.
const STEP_V: f64 = REFERENCE_V / FULL;
/// The count of 0 V at the electrodes of the raw amplifier.
const MIDDLE: f64 = 512.0;
/// Gain of the raw amplifier: one count is 1.222 uV, the range +-625 uV holds 3.3 times the rms of the loudest
/// muscle at its maximum (190 uV).
const GAIN: f64 = 4000.0;
/// Microvolts per count behind the raw amplifier.
pub(super) const STEP_UV: f64 = STEP_V / GAIN * 1e6;
/// Largest displacement the raw amplifier shows, microvolts.
pub(super) const HALF_RANGE_UV: f64 = MIDDLE * STEP_UV;
/// Gain of the envelope sensor, its trimpot set so that the loudest maximum reads about 4 V.
const ENVELOPE_GAIN: f64 = 26_000.0;
/// Input coupling of the envelope sensor; the real board's corner is not documented.
const COUPLING_HZ: f64 = 20.0;

/// What is soldered to one pair of electrodes.
pub(super) enum Sensor {
    /// Amplifies around mid-scale.
    Raw,
    /// Couples, rectifies, smooths with one pole.
    Envelope {
        /// Keeps electrode drift out of the rectifier.
        coupling: OnePole,
        /// Share of the way to the rectified signal that is gone in one step.
        step: f64,
        /// The smoothed signal, microvolts.
        level_uv: f64,
    },
}

impl Sensor {
    pub(super) fn envelope(tau_s: f64, rate_hz: f64) -> Self {
        Self::Envelope {
            coupling: OnePole::high_pass(COUPLING_HZ, rate_hz),
            step: 1.0 - (-1.0 / (tau_s * rate_hz)).exp(),
            level_uv: 0.0,
        }
    }

    /// Takes the voltage between the electrodes and returns what the sensor holds, microvolts.
    #[inline]
    pub(super) fn feed(&mut self, uv: f64) -> f64 {
        match self {
            Self::Raw => uv,
            Self::Envelope { coupling, step, level_uv } => {
                *level_uv += *step * (coupling.feed(uv).abs() - *level_uv);
                *level_uv
            }
        }
    }

    /// What the converter reads, clipped at its rails.
    #[inline]
    pub(super) fn convert(&self, uv: f64) -> i16 {
        let counts = match self {
            Self::Raw => MIDDLE + uv / STEP_UV,
            Self::Envelope { .. } => uv * 1e-6 * ENVELOPE_GAIN / STEP_V,
        };
        int16(counts.clamp(0.0, FULL))
    }
}

/// Writes into a channel what its sensor and converter are.
pub(super) fn describe(channel: &mut Channel, envelope: bool, tau_s: f64) {
    channel.adc_bits = ADC_BITS;
    channel.reference_v = REFERENCE_V;
    if envelope {
        channel.kind = Kind::Envelope;
        "EMG Muscle Sensor V3.0 (simulated)".clone_into(&mut channel.sensor);
        channel.sensor_tau_s = tau_s;
        "V".clone_into(&mut channel.unit);
        channel.scale = STEP_V;
        // The gain stays unknown on purpose: the real sensor's trimpot has no scale.
    } else {
        channel.kind = Kind::Raw;
        "raw amplifier (simulated)".clone_into(&mut channel.sensor);
        channel.gain = GAIN;
        "uV".clone_into(&mut channel.unit);
        channel.offset = MIDDLE;
        channel.scale = STEP_UV;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_burst_does_not_reach_its_plateau_in_the_envelope_sensor() {
        // Rows of alternating sign keep clear of the input coupling: only the one pole shapes them.
        let peak = |burst_rows: u32| {
            let mut sensor = Sensor::envelope(0.081, 1000.0);
            (0..burst_rows).map(|r| sensor.feed(if r % 2 == 0 { 100.0 } else { -100.0 })).fold(0.0, f64::max)
        };
        let plateau = peak(5000);
        assert!((peak(100) / plateau - 0.71).abs() < 0.01, "{}", peak(100) / plateau);
        assert!((peak(40) / plateau - 0.39).abs() < 0.01, "{}", peak(40) / plateau);
    }

    #[test]
    fn the_converter_clips_at_its_rails_and_rests_in_the_middle() {
        assert_eq!(Sensor::Raw.convert(0.0), 512);
        assert_eq!(Sensor::Raw.convert(1e9), 1023);
        assert_eq!(Sensor::Raw.convert(-1e9), 0);
        assert!((STEP_UV - 1.222).abs() < 1e-3);
        assert_eq!(Sensor::envelope(0.081, 1000.0).convert(-1.0), 0);
    }
}
