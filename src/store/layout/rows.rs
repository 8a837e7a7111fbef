//! The compound rows of the tables a recording fills from its first version on.
//!
//! Column names are the file format. Truth values are `u8`, because a damaged file may hold any byte.

use super::Row;
use super::text::{Code, Label, Note};
use crate::pipeline::Tracker;
use hdf5::H5Type;

/// Declares a row type together with its place and its description.
macro_rules! row {
    ($(#[$doc:meta])* $name:ident at $path:literal: $description:literal { $($field:ident: $type:ty),* $(,)? }) => {
        $(#[$doc])*
        #[derive(H5Type, Clone, Copy)]
        #[repr(C)]
        pub(crate) struct $name { $(pub(crate) $field: $type),* }

        impl Row for $name {
            const PATH: &'static str = $path;
            const DESCRIPTION: &'static str = $description;
        }
    };
}
pub(super) use row;

row! {
    /// One column of the recording.
    ChannelRow at "channels": "One row per column of /raw/samples. Value in `unit` = (raw - offset) x scale; NaN \
        and 0 bits = not known; skew_us = conversion delay behind channel 0" {
        name: Label, kind: Code, muscle: Label, side: Code, action_unit: Code, unit: Code, scale: f64, offset: f64,
        gain: f64, adc_bits: u8, reference_v: f64, skew_us: f64, sensor: Label, sensor_tau_s: f64, electrode: Label,
        size_mm: f64, spacing_mm: f64, impedance_kohm: f64, position: Note,
    }
}
row! {
    /// One block as it was received.
    BlockRow at "time/blocks": "Blocks as received, never corrected. device_index: the device's own index of the \
        first row, unwrapped; host_ns: CLOCK_BOOTTIME when the last byte was read; device_us: 0 = no clock" {
        sample: u64, count: u32, epoch: u32, device_index: u64, device_us: u64, host_ns: i64, utc_ns: i64,
    }
}
row! {
    /// One line from rows to host time.
    FitRow at "time/fit": "host_ns of row r in its epoch = origin_ns + (r - sample) / rate_hz x 1e9, by the last \
        line with sample <= r, else the first; drift_ppm: measured against nominal rate, NaN in the first minute" {
        epoch: u32, sample: u64, origin_ns: i64, rate_hz: f64, drift_ppm: f64, residual_us: f64,
    }
}
row! {
    /// A hole.
    GapRow at "gaps": "exact = 1: rows sample .. sample + missing exist and are filled; exact = 0: `missing` is \
        estimated from the clock, nothing is filled, sample is the row after the hole" {
        sample: u64, missing: u64, exact: u8, epoch: u32, cause: Code, host_ns: i64,
    }
}
row! {
    /// An offset between the host's clock and a sender's.
    ClockOffsetRow at "clock_offsets": "A sender's clock shows host_ns + offset_ns at host_ns; sample: the row at \
        that time; uncertainty_us: half-width" {
        sender: Label, sample: u64, host_ns: i64, offset_ns: i64, uncertainty_us: u32,
    }
}
row! {
    /// A marker row.
    MarkerRow at "markers": "Rows are added, never changed: action retract, relabel, note and end speak of marker \
        refers_to. sample may lie ahead of the last row; uncertainty_us: half-width" {
        id: u64, sample: u64, host_ns: i64, utc_ns: i64, label: Label, note: Note, code: i32, source: Code,
        client: Label, latency_us: u32, uncertainty_us: u32, placed: Code, action: Code, refers_to: u64,
    }
}
row! {
    /// A filter chain.
    ChainRow at "filter/chains": "Chain id = sections first_section .. + count of /filter/sections, then |x| if \
        rectify, then envelope_first .. + envelope_count of /filter/envelope_sections, then less the floor that \
        baseline_fall, _rise move (0 = none); delays in rows" {
        id: u32, first_section: u32, count: u32, envelope_first: u32, envelope_count: u32, design_rate_hz: f64,
        words: Note, delay_samples: f64, rectify: u8, settle_samples: u64, baseline_fall: f64, baseline_rise: f64,
    }
}
row! {
    /// A filter chain in a file of before floors were tracked.
    EarlyChainRow at "filter/chains": "" {
        id: u32, first_section: u32, count: u32, envelope_first: u32, envelope_count: u32, design_rate_hz: f64,
        words: Note, delay_samples: f64, rectify: u8, settle_samples: u64,
    }
}
row! {
    /// A run of rows under one chain with unbroken filter state.
    SpanRow at "filter/spans": "From row `sample` on the channel runs under `chain`, beginning in the steady state \
        of its first value; spans before first_row are those that go on from the previous segment" {
        sample: u64, channel: u16, chain: u32, settled_sample: u64, reason: Code,
    }
}
row! {
    /// A line of the log.
    LogRow at "log": "level 1 alarm, 2 warning, 3 information; a long text goes on in further rows of the same time" {
        utc_ns: i64, level: u8, text: Note,
    }
}
row! {
    /// A movement of a simulated face.
    TruthRow at "truth": "What a simulated face really did; level: share of the muscle's maximum, 0 to 1" {
        onset: u64, end: u64, channel: u16, expression: Label, level: f64,
    }
}

impl From<&EarlyChainRow> for ChainRow {
    fn from(row: &EarlyChainRow) -> Self {
        Self {
            id: row.id,
            first_section: row.first_section,
            count: row.count,
            envelope_first: row.envelope_first,
            envelope_count: row.envelope_count,
            design_rate_hz: row.design_rate_hz,
            words: row.words,
            delay_samples: row.delay_samples,
            rectify: row.rectify,
            settle_samples: row.settle_samples,
            baseline_fall: 0.0,
            baseline_rise: 0.0,
        }
    }
}

impl ChainRow {
    /// The floor the chain tracks.
    pub(crate) fn tracker(&self) -> Option<Tracker> {
        let (fall, rise) = (self.baseline_fall, self.baseline_rise);
        (fall > 0.0).then_some(Tracker { fall, rise })
    }
}
