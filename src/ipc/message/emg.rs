//! Wire twins of the values a recording is made of.

use super::twin::{codes, twin};
use crate::emg::finding::event;
use crate::emg::{self, marker, montage};

twin!(Stamp = emg::Stamp { host_ns: i64, utc_ns: i64 });

codes!(Origin = marker::Origin { Key, Command, Network, Protocol, Ttl, Lsl } else Command);
codes!(Placed = marker::Placed { Fit, Provisional, InGap, BetweenEpochs } else Provisional);
// A marker that does what is not known here speaks of another one, at least.
codes!(MarkAction = marker::Action { Add, Retract, Relabel, Note, End } else Note);
// A class that is not known here is one nobody can name.
codes!(Class = event::Class { Brief, Macro, Sustained, Blink, Artefact, Undetermined } else Undetermined);
codes!(Verdict = event::Verdict { None, Candidate } else None);
twin!(
    Event = emg::Event {
        onset: u64,
        apex: u64,
        end: u64,
        channel: u16,
        class: Class,
        peak: f64,
        mvc_percent: f64,
        snr_db: f64,
        rise_us: f64,
        onset_uncertainty_us: f64,
        duration_corrected_us: f64,
        duration_low_us: f64,
        duration_high_us: f64,
        verdict: Verdict,
    }
);
codes!(Kind = montage::Kind { Raw, Rectified, Envelope, Aux, Trigger } else Aux);
twin!(
    Marker = emg::Marker {
        id: u64,
        sample: u64,
        stamp: Stamp,
        label: String,
        note: String,
        code: i32,
        origin: Origin,
        client: String,
        latency_us: u32,
        uncertainty_us: u32,
        placed: Placed,
        action: MarkAction,
        refers_to: u64,
    }
);

twin!(
    Channel = emg::Channel {
        name: String,
        kind: Kind,
        muscle: String,
        side: String,
        action_unit: String,
        unit: String,
        offset: f64,
        scale: f64,
        gain: f64,
        adc_bits: u8,
        reference_v: f64,
        skew_us: f64,
        sensor: String,
        sensor_tau_s: f64,
        electrode: String,
        size_mm: f64,
        spacing_mm: f64,
        impedance_kohm: f64,
        position: String,
    }
);

twin!(
    ClockOffset =
        emg::ClockOffset { sender: String, sample: u64, host_ns: i64, offset_ns: i64, uncertainty_us: u32 }
);
