//! The values a recording is made of, as version 1 laid them out.

use super::twin::{heard, heard_codes};
use crate::emg::{self, marker, montage};

heard!(Stamp = emg::Stamp { host_ns: i64, utc_ns: i64 });

heard_codes!(Origin = marker::Origin { Key, Command, Network, Protocol, Ttl, Lsl });
heard_codes!(Placed = marker::Placed { Fit, Provisional, InGap, BetweenEpochs });
heard_codes!(MarkAction = marker::Action { Add, Retract, Relabel, Note, End });
heard_codes!(Kind = montage::Kind { Raw, Rectified, Envelope, Aux, Trigger });

heard!(
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

heard!(
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
