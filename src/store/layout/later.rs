//! The compound rows of tables that exist in every recording and stay empty until their feature is used.
//!
//! They are created up front because the structure of a live file must never change.

use super::Row;
use super::rows::row;
use super::text::{Code, Label, Note};
use hdf5::H5Type;

row! {
    /// A stretch judged unusable.
    ArtefactRow at "artefacts": "Rows onset .. end are unusable on the channels of the mask (bit 0 = channel 0); \
        rule: the rule's name or `manual`" {
        onset: u64, end: u64, channels: u64, rule: Label, coder: Label,
    }
}
row! {
    /// Signal quality of one channel over one second.
    QualityRow at "quality": "One row per channel and second; levels in the channel's unit; line_hz: mains \
        frequency found, NaN = none" {
        sample: u64, channel: u16, level: f64, floor: f64, line_level: f64, line_hz: f64, flags: u32,
    }
}
row! {
    /// A muscle event.
    EventRow at "events": "Muscle events; end exclusive; duration_corrected_us and its interval undo the sensor's \
        own smoothing; NaN = not known" {
        onset: u64, apex: u64, end: u64, channel: u16, action_unit: Code, class: Code, peak: f64, mvc_percent: f64,
        snr_db: f64, rise_us: f64, onset_uncertainty_us: f64, duration_corrected_us: f64, duration_low_us: f64,
        duration_high_us: f64, verdict: Code,
    }
}
row! {
    /// Rest and maximal contraction of one channel.
    CalibrationRow at "calibration": "Envelope values in the channel's unit, kept at row sample. It holds before and \
        after it for one application of the electrodes: as far as rows of its channel with valid = 0" {
        channel: u16, rest_mean: f64, rest_sd: f64, mvc: f64, trials: u16, spread: f64, sample: u64,
        accepted_by: Label, valid: u8,
    }
}
row! {
    /// A trial as it was run.
    TrialRow at "protocol/trials": "Trials as run, rejected ones kept; number counts trials, attempt counts \
        repetitions of one" {
        number: u32, attempt: u32, onset: u64, end: u64, block: Label, label: Label, target: Label, rejected: u8,
        reason: Label,
    }
}
row! {
    /// One check made before the recording.
    PreflightRow at "preflight": "Checks before the recording; result: skip, ok, warn or fail; a long value goes on in rows whose result is empty" {
        check: Label, result: Code, value: Label, advice: Note,
    }
}
row! {
    /// A video action unit.
    AuRow at "aus": "Action units from video on the video's own clock (see /clock_offsets); intensity 0 to 5" {
        video_us: i64, action_unit: Code, intensity: f64, present: u8, confidence: f64,
    }
}
