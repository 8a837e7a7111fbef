//! Clean samples and envelope computed again from raw and the stored coefficients, and compared.
//!
//! The same program must come to the same bits; another one may differ by rounding.

use super::{Finding, Options};
use crate::emg::units::{count, float, wide};
use crate::pipeline::{ZeroPhase, zero_phase};
use crate::store::StoreError;
use crate::store::projector::PROGRAM;
use crate::store::reader::Recording;

/// What is recomputed unless everything is asked for, seconds.
const SAMPLE_S: f64 = 60.0;

/// Rows of that where the rate is not known.
const SAMPLE_ROWS: u64 = 60_000;

/// Tolerances between versions: of the channel's root mean square, and of the value (single precision).
const OF_RMS: f64 = 1e-6;
const OF_VALUE: f64 = 1.2e-7;

/// Values of one matrix as stored and as recomputed.
struct Compared<'a> {
    name: &'static str,
    /// Root mean square of each channel; none where bits must be equal.
    rms: Option<&'a [f64]>,
    channels: usize,
}

/// Recomputes the first minute, or everything.
pub(super) fn recompute(recording: &Recording, options: Options) -> Result<Finding, StoreError> {
    let facts = recording.facts();
    let rate = facts.sampling_rate_hz;
    let sample = if rate.is_finite() && rate > 0.0 { count(rate * SAMPLE_S) } else { SAMPLE_ROWS };
    let ready = zero_phase(recording)?;
    let present = recording.span().end.min(recording.clean_span().end);
    let end = if options.recompute { present } else { present.min(facts.first_row.saturating_add(sample)) };
    let computed_by = match facts.clean_recomputed_by.as_str() {
        "" => &facts.software_version,
        program => program,
    };
    let rms = if computed_by == PROGRAM { None } else { Some(rms(recording, end)?) };
    let channels = recording.channels().len();
    let compared = |name| Compared { name, rms: rms.as_deref(), channels };
    let (clean, envelope) = (compared("clean"), compared("envelope"));
    let (mut pipeline, mut replay) = recording.replay(end)?;
    let first_envelope = recording.envelope_span().start;
    while let Some(input) = replay.next_input()? {
        let mut block = pipeline.step(&input);
        if let Some(ready) = &ready {
            ready.replace(&mut block);
        }
        let rows = wide(block.clean.len() / channels);
        let stored = recording.clean(block.sample..block.sample + rows)?;
        if let Some(row) = clean.differs(&stored, &block.clean) {
            return Ok(Err(clean.sentence(block.sample + row)));
        }
        let rows = block.envelope_first..block.envelope_first + wide(block.envelope.len() / channels);
        let stored = recording.envelope(rows.start.max(first_envelope)..rows.end)?;
        // A growing file may not show its last envelope rows yet.
        let computed = &block.envelope[..stored.len().min(block.envelope.len())];
        if let Some(row) = envelope.differs(&stored, computed) {
            return Ok(Err(envelope.sentence(rows.start + row)));
        }
    }
    let how = if rms.is_none() { "to the bit" } else { "within the tolerance between versions" };
    let part = if end < present { "the first " } else { "" };
    Ok(Ok(format!("{part}{} rows recomputed from raw, equal {how}", end - facts.first_row)))
}

/// Everything filtered forward and backward, where that is how the file's values came about.
fn zero_phase(recording: &Recording) -> Result<Option<ZeroPhase>, StoreError> {
    if !recording.chains()?.iter().any(zero_phase::is_marked) {
        return Ok(None);
    }
    let (pipeline, mut replay) = recording.replay(u64::MAX)?;
    let inputs = std::iter::from_fn(|| replay.next_input().transpose());
    ZeroPhase::of(recording.channels(), pipeline, inputs).map(Some)
}

impl Compared<'_> {
    /// The first row whose values differ.
    fn differs(&self, stored: &[f32], computed: &[f32]) -> Option<u64> {
        if stored.len() != computed.len() {
            return Some(wide(stored.len().min(computed.len()) / self.channels));
        }
        let same = |at: usize, a: f32, b: f32| match self.rms {
            None => a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan(),
            Some(rms) => {
                let limit = OF_RMS * rms[at % self.channels] + OF_VALUE * f64::from(a).abs();
                a.is_nan() && b.is_nan() || (f64::from(a) - f64::from(b)).abs() <= limit
            }
        };
        let differs = stored.iter().zip(computed).enumerate().position(|(at, (&a, &b))| !same(at, a, b));
        differs.map(|at| wide(at / self.channels))
    }

    fn sentence(&self, row: u64) -> String {
        format!("{} row {row} is not what raw and the stored chains give", self.name)
    }
}

/// Root mean square of each channel's clean samples.
fn rms(recording: &Recording, end: u64) -> Result<Vec<f64>, StoreError> {
    let channels = recording.channels().len();
    let mut sums = vec![(0.0, 0_u64); channels];
    let mut at = recording.facts().first_row;
    let step = recording.facts().chunk_rows.min((8 << 20) / wide(channels)).max(1);
    while at < end {
        let rows = at..at.saturating_add(step).min(end);
        at = rows.end;
        for row in recording.clean(rows)?.chunks_exact(channels) {
            for ((sum, values), &value) in sums.iter_mut().zip(row).filter(|(_, value)| value.is_finite()) {
                *sum += f64::from(value).powi(2);
                *values += 1;
            }
        }
    }
    Ok(sums
        .into_iter()
        .map(|(sum, values)| if values == 0 { 0.0 } else { (sum / float(values)).sqrt() })
        .collect())
}
