//! Rows from the station's own values and back. A word a row may not hold makes it no value at all.

use super::State;
use super::later::{ArtefactRow, CalibrationRow, EventRow, PreflightRow, QualityRow};
use super::rows::{
    BlockRow, ChannelRow, ClockOffsetRow, FitRow, GapRow, LogRow, MarkerRow, SpanRow, TruthRow,
};
use super::text::{code, fixed, read, read_code};
use crate::emg::clock::Fit;
use crate::emg::finding::event::{Class, Verdict};
use crate::emg::finding::preflight::Outcome;
use crate::emg::marker::{Action, LABEL_BYTES, Origin, Placed};
use crate::emg::montage::Kind;
use crate::emg::units::small;
use crate::emg::{
    Artefact, Calibration, Cause, Channel, ClockOffset, Event, Gap, Marker, Preflight, Quality, RawBlock,
    Stamp, Truth,
};
use crate::pipeline::{Reason, Span};

/// The member of `all` whose word is in the file.
fn by_word<T: Copy>(all: &[T], word: fn(T) -> &'static str, found: &str) -> Option<T> {
    all.iter().copied().find(|&one| word(one) == found)
}

/// The state an attribute names.
pub(crate) fn state(word: &str) -> Option<State> {
    by_word(&State::ALL, State::word, word)
}

impl From<&Channel> for ChannelRow {
    fn from(c: &Channel) -> Self {
        Self {
            name: fixed(&c.name),
            kind: code(c.kind.word()),
            muscle: fixed(&c.muscle),
            side: code(&c.side),
            action_unit: code(&c.action_unit),
            unit: code(&c.unit),
            scale: c.scale,
            offset: c.offset,
            gain: c.gain,
            adc_bits: c.adc_bits,
            reference_v: c.reference_v,
            skew_us: c.skew_us,
            sensor: fixed(&c.sensor),
            sensor_tau_s: c.sensor_tau_s,
            electrode: fixed(&c.electrode),
            size_mm: c.size_mm,
            spacing_mm: c.spacing_mm,
            impedance_kohm: c.impedance_kohm,
            position: fixed(&c.position),
        }
    }
}

impl ChannelRow {
    /// The channel.
    pub(crate) fn value(&self) -> Option<Channel> {
        Some(Channel {
            name: read(&self.name),
            kind: by_word(&Kind::ALL, Kind::word, &read_code(&self.kind))?,
            muscle: read(&self.muscle),
            side: read_code(&self.side),
            action_unit: read_code(&self.action_unit),
            unit: read_code(&self.unit),
            offset: self.offset,
            scale: self.scale,
            gain: self.gain,
            adc_bits: self.adc_bits,
            reference_v: self.reference_v,
            skew_us: self.skew_us,
            sensor: read(&self.sensor),
            sensor_tau_s: self.sensor_tau_s,
            electrode: read(&self.electrode),
            size_mm: self.size_mm,
            spacing_mm: self.spacing_mm,
            impedance_kohm: self.impedance_kohm,
            position: read(&self.position),
        })
    }
}

impl From<&RawBlock> for BlockRow {
    fn from(block: &RawBlock) -> Self {
        Self {
            sample: block.sample,
            count: small(block.rows()),
            epoch: block.epoch,
            device_index: block.device_index,
            device_us: block.device_us,
            host_ns: block.stamp.host_ns,
            utc_ns: block.stamp.utc_ns,
        }
    }
}

impl From<&Fit> for FitRow {
    fn from(fit: &Fit) -> Self {
        Self {
            epoch: fit.epoch,
            sample: fit.sample,
            origin_ns: fit.origin_ns,
            rate_hz: fit.rate_hz,
            drift_ppm: fit.drift_ppm,
            residual_us: fit.residual_us,
        }
    }
}

impl FitRow {
    /// The fit.
    pub(crate) fn value(&self) -> Fit {
        Fit {
            epoch: self.epoch,
            sample: self.sample,
            origin_ns: self.origin_ns,
            rate_hz: self.rate_hz,
            drift_ppm: self.drift_ppm,
            residual_us: self.residual_us,
        }
    }
}

impl From<&Gap> for GapRow {
    fn from(gap: &Gap) -> Self {
        Self {
            sample: gap.sample,
            missing: gap.missing,
            exact: u8::from(gap.exact),
            epoch: gap.epoch,
            cause: code(gap.cause.word()),
            host_ns: gap.host_ns,
        }
    }
}

impl GapRow {
    /// The gap.
    pub(crate) fn value(&self) -> Option<Gap> {
        Some(Gap {
            sample: self.sample,
            missing: self.missing,
            exact: self.exact != 0,
            epoch: self.epoch,
            cause: by_word(&Cause::ALL, Cause::word, &read_code(&self.cause))?,
            host_ns: self.host_ns,
        })
    }
}

impl From<&ClockOffset> for ClockOffsetRow {
    fn from(offset: &ClockOffset) -> Self {
        Self {
            sender: fixed(&offset.sender),
            sample: offset.sample,
            host_ns: offset.host_ns,
            offset_ns: offset.offset_ns,
            uncertainty_us: offset.uncertainty_us,
        }
    }
}

impl ClockOffsetRow {
    /// The offset.
    pub(crate) fn value(&self) -> ClockOffset {
        ClockOffset {
            sender: read(&self.sender),
            sample: self.sample,
            host_ns: self.host_ns,
            offset_ns: self.offset_ns,
            uncertainty_us: self.uncertainty_us,
        }
    }
}

impl From<&Marker> for MarkerRow {
    fn from(marker: &Marker) -> Self {
        Self {
            id: marker.id,
            sample: marker.sample,
            host_ns: marker.stamp.host_ns,
            utc_ns: marker.stamp.utc_ns,
            label: fixed(&marker.label),
            note: fixed(&marker.note),
            code: marker.code,
            source: code(marker.origin.word()),
            client: fixed(&marker.client),
            latency_us: marker.latency_us,
            uncertainty_us: marker.uncertainty_us,
            placed: code(marker.placed.word()),
            action: code(marker.action.word()),
            refers_to: marker.refers_to,
        }
    }
}

impl MarkerRow {
    /// The marker.
    pub(crate) fn value(&self) -> Option<Marker> {
        Some(Marker {
            id: self.id,
            sample: self.sample,
            stamp: Stamp { host_ns: self.host_ns, utc_ns: self.utc_ns },
            label: read(&self.label),
            note: read(&self.note),
            code: self.code,
            origin: by_word(&Origin::ALL, Origin::word, &read_code(&self.source))?,
            client: read(&self.client),
            latency_us: self.latency_us,
            uncertainty_us: self.uncertainty_us,
            placed: by_word(&Placed::ALL, Placed::word, &read_code(&self.placed))?,
            action: by_word(&Action::ALL, Action::word, &read_code(&self.action))?,
            refers_to: self.refers_to,
        })
    }
}

impl From<&Span> for SpanRow {
    fn from(span: &Span) -> Self {
        Self {
            sample: span.sample,
            channel: span.channel,
            chain: span.chain,
            settled_sample: span.settled_sample,
            reason: code(span.reason.word()),
        }
    }
}

impl SpanRow {
    /// The span.
    pub(crate) fn value(&self) -> Option<Span> {
        Some(Span {
            sample: self.sample,
            channel: self.channel,
            chain: self.chain,
            settled_sample: self.settled_sample,
            reason: by_word(&Reason::ALL, Reason::word, &read_code(&self.reason))?,
        })
    }
}

impl From<&Truth> for TruthRow {
    fn from(truth: &Truth) -> Self {
        Self {
            onset: truth.onset,
            end: truth.end,
            channel: truth.channel,
            expression: fixed(&truth.expression),
            level: truth.level,
        }
    }
}

impl TruthRow {
    /// The movement.
    pub(crate) fn value(&self) -> Truth {
        Truth {
            onset: self.onset,
            end: self.end,
            channel: self.channel,
            expression: read(&self.expression),
            level: self.level,
        }
    }
}

impl EventRow {
    /// An event on a channel of that action unit.
    pub(crate) fn of(event: &Event, action_unit: &str) -> Self {
        Self {
            onset: event.onset,
            apex: event.apex,
            end: event.end,
            channel: event.channel,
            action_unit: code(action_unit),
            class: code(event.class.word()),
            peak: event.peak,
            mvc_percent: event.mvc_percent,
            snr_db: event.snr_db,
            rise_us: event.rise_us,
            onset_uncertainty_us: event.onset_uncertainty_us,
            duration_corrected_us: event.duration_corrected_us,
            duration_low_us: event.duration_low_us,
            duration_high_us: event.duration_high_us,
            verdict: code(event.verdict.word()),
        }
    }

    /// The event.
    pub(crate) fn value(&self) -> Option<Event> {
        Some(Event {
            onset: self.onset,
            apex: self.apex,
            end: self.end,
            channel: self.channel,
            class: by_word(&Class::ALL, Class::word, &read_code(&self.class))?,
            peak: self.peak,
            mvc_percent: self.mvc_percent,
            snr_db: self.snr_db,
            rise_us: self.rise_us,
            onset_uncertainty_us: self.onset_uncertainty_us,
            duration_corrected_us: self.duration_corrected_us,
            duration_low_us: self.duration_low_us,
            duration_high_us: self.duration_high_us,
            verdict: by_word(&Verdict::ALL, Verdict::word, &read_code(&self.verdict))?,
        })
    }
}

impl From<&Quality> for QualityRow {
    fn from(quality: &Quality) -> Self {
        Self {
            sample: quality.sample,
            channel: quality.channel,
            level: quality.level,
            floor: quality.floor,
            line_level: quality.line_level,
            line_hz: quality.line_hz,
            flags: quality.flags,
        }
    }
}

impl QualityRow {
    /// The second.
    pub(crate) fn value(&self) -> Quality {
        Quality {
            sample: self.sample,
            channel: self.channel,
            level: self.level,
            floor: self.floor,
            line_level: self.line_level,
            line_hz: self.line_hz,
            flags: self.flags,
        }
    }
}

impl From<&Artefact> for ArtefactRow {
    fn from(artefact: &Artefact) -> Self {
        Self {
            onset: artefact.onset,
            end: artefact.end,
            channels: artefact.channels,
            rule: fixed(&artefact.rule),
            coder: fixed(&artefact.coder),
        }
    }
}

impl ArtefactRow {
    /// The stretch.
    pub(crate) fn value(&self) -> Artefact {
        Artefact {
            onset: self.onset,
            end: self.end,
            channels: self.channels,
            rule: read(&self.rule),
            coder: read(&self.coder),
            ..Artefact::default()
        }
    }
}

impl PreflightRow {
    /// The rows of a line: what does not fit into the first goes on in further ones, whose result is empty.
    pub(crate) fn all(line: &Preflight) -> Vec<Self> {
        let (mut rows, mut rest) = (Vec::new(), line.value.as_str());
        loop {
            let (piece, more) = rest.split_at(rest.floor_char_boundary(LABEL_BYTES));
            let first = rows.is_empty();
            rows.push(Self {
                check: fixed(&line.check),
                result: code(if first { line.outcome.word() } else { "" }),
                value: fixed(piece),
                advice: fixed(if first { &line.advice } else { "" }),
            });
            if more.is_empty() {
                return rows;
            }
            rest = more;
        }
    }

    /// The lines of such rows.
    pub(crate) fn join(rows: &[Self]) -> Vec<Preflight> {
        let mut lines: Vec<Preflight> = Vec::new();
        for row in rows {
            let word = read_code(&row.result);
            let outcome = Outcome::ALL.into_iter().find(|outcome| outcome.word() == word);
            match (outcome, lines.last_mut()) {
                (None, Some(line)) => line.value.push_str(&read(&row.value)),
                (outcome, _) => lines.push(Preflight {
                    check: read(&row.check),
                    outcome: outcome.unwrap_or(Outcome::Skip),
                    value: read(&row.value),
                    advice: read(&row.advice),
                }),
            }
        }
        lines
    }
}

impl From<&Calibration> for CalibrationRow {
    fn from(calibration: &Calibration) -> Self {
        Self {
            channel: calibration.channel,
            rest_mean: calibration.rest_mean,
            rest_sd: calibration.rest_sd,
            mvc: calibration.mvc,
            trials: calibration.trials,
            spread: calibration.spread,
            sample: calibration.sample,
            accepted_by: fixed(&calibration.accepted_by),
            valid: u8::from(calibration.valid),
        }
    }
}

impl CalibrationRow {
    /// The calibration.
    pub(crate) fn value(&self) -> Calibration {
        Calibration {
            channel: self.channel,
            rest_mean: self.rest_mean,
            rest_sd: self.rest_sd,
            mvc: self.mvc,
            trials: self.trials,
            spread: self.spread,
            sample: self.sample,
            accepted_by: read(&self.accepted_by),
            valid: self.valid != 0,
        }
    }
}

/// A log line in as many rows as its text needs.
pub(crate) fn log_rows(utc_ns: i64, level: u8, text: &str) -> Vec<LogRow> {
    super::text::pieces(text).into_iter().map(|text| LogRow { utc_ns, level, text }).collect()
}
