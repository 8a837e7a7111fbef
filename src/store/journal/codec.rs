//! Records as payload bytes and back: the journal's wire twin of the types in `record`, without serde so that
//! every byte of the format stands here.

use super::bytes::{In, Malformed, Out, code_of};
use super::record::Record;
use crate::emg::clock::Fit;
use crate::emg::finding::preflight::Outcome;
use crate::emg::gap::Cause;
use crate::emg::marker::{Action, Marker, Origin, Placed};
use crate::emg::{
    Calibration, ClockOffset, Gap, Prediction, Preflight, RawBlock, SampleType, Samples, Stamp, Truth,
};
use crate::pipeline::chain::{Chain, ChainChange, Reason, Tracker};

mod header;
mod state;

/// Type numbers, fixed for ever; a number is never used again for something else. 20 to 22, 24 and 25 are
/// kept for trials, predictions, alarms, digital edges and artefact spans.
mod kind {
    pub(super) const HEADER: u16 = 1;
    pub(super) const STATE: u16 = 2;
    pub(super) const ROWS: u16 = 3;
    pub(super) const GAP: u16 = 4;
    pub(super) const CHAINS: u16 = 5;
    pub(super) const MARKER: u16 = 6;
    pub(super) const FIT: u16 = 7;
    pub(super) const LOG: u16 = 8;
    pub(super) const TRUTH: u16 = 9;
    pub(super) const HANDOVER: u16 = 10;
    pub(super) const END: u16 = 11;
    pub(super) const SEALED: u16 = 12;
    pub(super) const CLOCK_OFFSET: u16 = 13;
    pub(super) const PREFLIGHT: u16 = 14;
    pub(super) const OBSERVER: u16 = 15;
    pub(super) const PREDICTION: u16 = 21;
    pub(super) const CALIBRATION: u16 = 23;
}

const SAMPLE_TYPES: [SampleType; 4] = [SampleType::I16, SampleType::I32, SampleType::F32, SampleType::F64];

/// Stands where a chain tracks no floor.
const NO_TRACKER: Tracker = Tracker { fall: 0.0, rise: 0.0 };

/// Type number and payload of a record.
#[must_use]
pub fn encode(record: &Record) -> (u16, Vec<u8>) {
    let mut out = Out::default();
    let kind = match record {
        Record::Header(header) => {
            header::put(&mut out, header);
            kind::HEADER
        }
        Record::State(pipeline) => {
            state::put(&mut out, pipeline);
            kind::STATE
        }
        Record::Observer(words) => {
            put_words(&mut out, words);
            kind::OBSERVER
        }
        Record::Rows(block) => {
            put_rows(&mut out, block);
            kind::ROWS
        }
        Record::Gap(gap) => {
            put_gap(&mut out, gap);
            kind::GAP
        }
        Record::Chains(change) => {
            put_chains(&mut out, change);
            kind::CHAINS
        }
        Record::Marker(marker) => {
            put_marker(&mut out, marker);
            kind::MARKER
        }
        Record::Fit(fit) => {
            put_fit(&mut out, fit);
            kind::FIT
        }
        Record::Log { utc_ns, level, text } => {
            out.i64(*utc_ns).u8(*level).text(text);
            kind::LOG
        }
        Record::Truth(truth) => {
            out.u64(truth.onset).u64(truth.end).u16(truth.channel).text(&truth.expression).f64(truth.level);
            kind::TRUTH
        }
        Record::ClockOffset(offset) => {
            put_clock_offset(&mut out, offset);
            kind::CLOCK_OFFSET
        }
        Record::Prediction(prediction) => {
            put_prediction(&mut out, prediction);
            kind::PREDICTION
        }
        Record::Calibration(calibration) => {
            put_calibration(&mut out, calibration);
            kind::CALIBRATION
        }
        Record::Preflight(line) => {
            put_preflight(&mut out, line);
            kind::PREFLIGHT
        }
        Record::Handover { next_row } => {
            out.u64(*next_row);
            kind::HANDOVER
        }
        Record::End { rows, utc_ns } => {
            out.u64(*rows).i64(*utc_ns);
            kind::END
        }
        Record::Sealed => kind::SEALED,
    };
    (kind, out.0)
}

/// The record in a payload; none for a type this version does not know.
pub fn decode(kind: u16, payload: &[u8]) -> Result<Option<Record>, Malformed> {
    let input = &mut In(payload);
    let record = match kind {
        kind::HEADER => Record::Header(Box::new(header::take(input)?)),
        kind::STATE => Record::State(state::take(input)?),
        kind::OBSERVER => Record::Observer(input.list(In::u64)?),
        kind::ROWS => Record::Rows(take_rows(input)?),
        kind::GAP => Record::Gap(Gap {
            sample: input.u64()?,
            missing: input.u64()?,
            exact: input.flag()?,
            epoch: input.u32()?,
            cause: input.code(&Cause::ALL)?,
            host_ns: input.i64()?,
        }),
        kind::CHAINS => Record::Chains(take_chains(input)?),
        kind::MARKER => Record::Marker(take_marker(input)?),
        kind::FIT => Record::Fit(Fit {
            epoch: input.u32()?,
            sample: input.u64()?,
            origin_ns: input.i64()?,
            rate_hz: input.f64()?,
            drift_ppm: input.f64()?,
            residual_us: input.f64()?,
        }),
        kind::LOG => Record::Log { utc_ns: input.i64()?, level: input.u8()?, text: input.text()? },
        kind::TRUTH => Record::Truth(Truth {
            onset: input.u64()?,
            end: input.u64()?,
            channel: input.u16()?,
            expression: input.text()?,
            level: input.f64()?,
        }),
        kind::CLOCK_OFFSET => Record::ClockOffset(ClockOffset {
            sender: input.text()?,
            sample: input.u64()?,
            host_ns: input.i64()?,
            offset_ns: input.i64()?,
            uncertainty_us: input.u32()?,
        }),
        kind::PREDICTION => Record::Prediction(Prediction {
            model: input.u16()?,
            first: input.u64()?,
            end: input.u64()?,
            label: input.u16()?,
            probabilities: input.list(In::f32)?,
            took_us: input.u32()?,
            flags: input.u32()?,
        }),
        kind::CALIBRATION => Record::Calibration(take_calibration(input)?),
        kind::PREFLIGHT => Record::Preflight(Preflight {
            check: input.text()?,
            outcome: input.code(&Outcome::ALL)?,
            value: input.text()?,
            advice: input.text()?,
        }),
        kind::HANDOVER => Record::Handover { next_row: input.u64()? },
        kind::END => Record::End { rows: input.u64()?, utc_ns: input.i64()? },
        kind::SEALED => Record::Sealed,
        _ => return Ok(None),
    };
    Ok(Some(record))
}

fn put_calibration(out: &mut Out, calibration: &Calibration) {
    out.u16(calibration.channel).f64(calibration.rest_mean).f64(calibration.rest_sd).f64(calibration.mvc);
    out.u16(calibration.trials).f64(calibration.spread).u64(calibration.sample);
    out.text(&calibration.accepted_by).flag(calibration.valid);
}

fn take_calibration(input: &mut In<'_>) -> Result<Calibration, Malformed> {
    Ok(Calibration {
        channel: input.u16()?,
        rest_mean: input.f64()?,
        rest_sd: input.f64()?,
        mvc: input.f64()?,
        trials: input.u16()?,
        spread: input.f64()?,
        sample: input.u64()?,
        accepted_by: input.text()?,
        valid: input.flag()?,
    })
}

fn put_stamp(out: &mut Out, stamp: Stamp) {
    out.i64(stamp.host_ns).i64(stamp.utc_ns);
}

fn take_stamp(input: &mut In<'_>) -> Result<Stamp, Malformed> {
    Ok(Stamp { host_ns: input.i64()?, utc_ns: input.i64()? })
}

fn put_rows(out: &mut Out, block: &RawBlock) {
    out.u64(block.sample).u32(crate::emg::units::small(block.channels)).u32(block.epoch);
    out.u64(block.device_index).u64(block.device_us);
    put_stamp(out, block.stamp);
    out.u8(code_of(&SAMPLE_TYPES, &block.samples.sample_type()));
    let bytes: Vec<u8> = match &block.samples {
        Samples::I16(values) => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
        Samples::I32(values) => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
        Samples::F32(values) => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
        Samples::F64(values) => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
    };
    out.blob(&bytes).blob(&block.digital);
}

fn take_rows(input: &mut In<'_>) -> Result<RawBlock, Malformed> {
    let sample = input.u64()?;
    let channels = crate::emg::units::index(u64::from(input.u32()?));
    let epoch = input.u32()?;
    let (device_index, device_us) = (input.u64()?, input.u64()?);
    let stamp = take_stamp(input)?;
    let sample_type = input.code(&SAMPLE_TYPES)?;
    let samples = values(sample_type, input.blob()?)?;
    let digital = input.blob()?.to_vec();
    let whole = channels > 0 && samples.len().is_multiple_of(channels);
    if !whole || !(digital.is_empty() || digital.len() == samples.len() / channels) {
        return Err(Malformed);
    }
    Ok(RawBlock { sample, channels, epoch, device_index, device_us, stamp, samples, digital })
}

fn values(sample_type: SampleType, bytes: &[u8]) -> Result<Samples, Malformed> {
    fn each<const N: usize, T>(bytes: &[u8], from: fn([u8; N]) -> T) -> Result<Vec<T>, Malformed> {
        let (chunks, rest) = bytes.as_chunks::<N>();
        if rest.is_empty() { Ok(chunks.iter().map(|c| from(*c)).collect()) } else { Err(Malformed) }
    }
    Ok(match sample_type {
        SampleType::I16 => Samples::I16(each(bytes, i16::from_le_bytes)?),
        SampleType::I32 => Samples::I32(each(bytes, i32::from_le_bytes)?),
        SampleType::F32 => Samples::F32(each(bytes, f32::from_le_bytes)?),
        SampleType::F64 => Samples::F64(each(bytes, f64::from_le_bytes)?),
    })
}

fn put_chains(out: &mut Out, change: &ChainChange) {
    out.u64(change.sample).u8(code_of(&Reason::ALL, &change.reason)).u32(change.decimation);
    let sections = |out: &mut Out, sections: &[[f64; 6]]| {
        out.list(sections, |out, section| {
            for value in section {
                out.f64(*value);
            }
        });
    };
    out.list(&change.chains, |out, chain| {
        out.u32(chain.id);
        sections(out, &chain.sections);
        sections(out, &chain.envelope_sections);
        out.flag(chain.rectify).f64(chain.design_rate_hz).text(&chain.words);
        out.f64(chain.delay_samples).u64(chain.settle_rows);
    });
    out.list(&change.assignment, |out, id| {
        out.u32(*id);
    });
    out.list(&change.chains, |out, chain| {
        let Tracker { fall, rise } = chain.tracker.unwrap_or(NO_TRACKER);
        out.f64(fall).f64(rise);
    });
}

fn take_chains(input: &mut In<'_>) -> Result<ChainChange, Malformed> {
    let sections = |input: &mut In<'_>| {
        input.list(|input| {
            let mut section = [0.0; 6];
            for value in &mut section {
                *value = input.f64()?;
            }
            Ok(section)
        })
    };
    let mut change = ChainChange {
        sample: input.u64()?,
        reason: input.code(&Reason::ALL)?,
        decimation: input.u32()?,
        chains: input.list(|input| {
            Ok(Chain {
                id: input.u32()?,
                sections: sections(input)?,
                envelope_sections: sections(input)?,
                rectify: input.flag()?,
                tracker: None,
                design_rate_hz: input.f64()?,
                words: input.text()?,
                delay_samples: input.f64()?,
                settle_rows: input.u64()?,
            })
        })?,
        assignment: input.list(In::u32)?,
    };
    // Version 1 knew no trackers and ends here.
    if !input.is_done() {
        let trackers = input.list(|input| Ok(Tracker { fall: input.f64()?, rise: input.f64()? }))?;
        if trackers.len() != change.chains.len() {
            return Err(Malformed);
        }
        for (chain, tracker) in change.chains.iter_mut().zip(trackers) {
            chain.tracker = Some(tracker).filter(|tracker| *tracker != NO_TRACKER);
        }
    }
    Ok(change)
}

fn put_words(out: &mut Out, words: &[u64]) {
    out.list(words, |out, word| {
        out.u64(*word);
    });
}

fn put_gap(out: &mut Out, gap: &Gap) {
    out.u64(gap.sample).u64(gap.missing).flag(gap.exact).u32(gap.epoch);
    out.u8(code_of(&Cause::ALL, &gap.cause)).i64(gap.host_ns);
}

fn put_fit(out: &mut Out, fit: &Fit) {
    out.u32(fit.epoch).u64(fit.sample).i64(fit.origin_ns);
    out.f64(fit.rate_hz).f64(fit.drift_ppm).f64(fit.residual_us);
}

fn put_clock_offset(out: &mut Out, offset: &ClockOffset) {
    out.text(&offset.sender).u64(offset.sample).i64(offset.host_ns);
    out.i64(offset.offset_ns).u32(offset.uncertainty_us);
}

fn put_preflight(out: &mut Out, line: &Preflight) {
    out.text(&line.check).u8(code_of(&Outcome::ALL, &line.outcome)).text(&line.value).text(&line.advice);
}

fn put_prediction(out: &mut Out, prediction: &Prediction) {
    out.u16(prediction.model).u64(prediction.first).u64(prediction.end).u16(prediction.label);
    out.list(&prediction.probabilities, |out, value| {
        out.f32(*value);
    });
    out.u32(prediction.took_us).u32(prediction.flags);
}

fn put_marker(out: &mut Out, marker: &Marker) {
    out.u64(marker.id).u64(marker.sample);
    put_stamp(out, marker.stamp);
    out.text(&marker.label).text(&marker.note).i32(marker.code);
    out.u8(code_of(&Origin::ALL, &marker.origin)).text(&marker.client);
    out.u32(marker.latency_us).u32(marker.uncertainty_us);
    out.u8(code_of(&Placed::ALL, &marker.placed)).u8(code_of(&Action::ALL, &marker.action));
    out.u64(marker.refers_to);
}

fn take_marker(input: &mut In<'_>) -> Result<Marker, Malformed> {
    Ok(Marker {
        id: input.u64()?,
        sample: input.u64()?,
        stamp: take_stamp(input)?,
        label: input.text()?,
        note: input.text()?,
        code: input.i32()?,
        origin: input.code(&Origin::ALL)?,
        client: input.text()?,
        latency_us: input.u32()?,
        uncertainty_us: input.u32()?,
        placed: input.code(&Placed::ALL)?,
        action: input.code(&Action::ALL)?,
        refers_to: input.u64()?,
    })
}
