//! Whether every part of the file is there, as long as the others, and readable to its last chunk.

use super::Finding;
use crate::emg::units::wide;
use crate::store::StoreError;
use crate::store::layout::later::{
    ArtefactRow, AuRow, CalibrationRow, EventRow, PreflightRow, QualityRow, TrialRow,
};
use crate::store::layout::rows::{
    BlockRow, ChannelRow, ClockOffsetRow, EarlyChainRow, FitRow, GapRow, LogRow, MarkerRow, SpanRow, TruthRow,
};
use crate::store::layout::{Row, State, envelope_row};
use crate::store::reader::Recording;

/// Rows read at a time, whatever a file claims its chunks to be.
const READ_VALUES: u64 = 8 << 20;

/// All tables, each with its columns, and the texts.
pub(super) fn complete(recording: &Recording) -> Finding {
    fn missing<R: Row>(recording: &Recording) -> Option<&'static str> {
        (!recording.has_table::<R>()).then_some(R::PATH)
    }
    let tables = [
        missing::<ChannelRow>(recording),
        missing::<BlockRow>(recording),
        missing::<FitRow>(recording),
        missing::<GapRow>(recording),
        missing::<MarkerRow>(recording),
        missing::<ArtefactRow>(recording),
        missing::<QualityRow>(recording),
        // Its later columns may be missing.
        missing::<EarlyChainRow>(recording),
        missing::<SpanRow>(recording),
        missing::<EventRow>(recording),
        missing::<CalibrationRow>(recording),
        missing::<TrialRow>(recording),
        missing::<TruthRow>(recording),
        missing::<PreflightRow>(recording),
        missing::<AuRow>(recording),
        // The first recordings keep it with fewer columns and without rows.
        (!recording.has(ClockOffsetRow::PATH)).then_some(ClockOffsetRow::PATH),
        missing::<LogRow>(recording),
    ];
    let texts = [("config", recording.config().is_err()), ("protocol/text", recording.protocol().is_err())];
    let texts = texts.into_iter().filter_map(|(path, bad)| bad.then_some(path));
    let missing: Vec<_> = tables.into_iter().flatten().chain(texts).collect();
    if missing.is_empty() {
        Ok("every dataset of the format is there with its columns".to_owned())
    } else {
        Err(format!("missing or without their columns: /{}", missing.join(", /")))
    }
}

/// As many clean rows as raw ones, as many envelope rows as those give, a digital byte for each or none.
pub(super) fn counts(recording: &Recording) -> Finding {
    let facts = recording.facts();
    let raw = recording.rows();
    let clean = recording.clean_span().end - facts.first_row;
    let envelope = recording.envelope_span();
    let due = envelope_row(recording.clean_span().end, facts.decimation);
    let digital = recording.digital_rows();
    let told = format!("{raw} raw, {clean} clean and {} envelope rows", envelope.end - envelope.start);
    // A file that is still written may have flushed one of them a moment before the other.
    let growing = facts.state == State::Open;
    let same = clean == raw && envelope.end == due && digital == if facts.digital { raw } else { 0 };
    if same || growing { Ok(told) } else { Err(format!("{told}, which contradict each other")) }
}

/// Every chunk of every matrix is in the file, and raw, the only one with checksums, passes them.
pub(super) fn checksums(recording: &Recording) -> Result<Finding, StoreError> {
    let lost = recording.lost_chunks();
    if !lost.is_empty() {
        return Ok(Err(format!("chunks are missing from {}", lost.join(", "))));
    }
    let rows = recording.span();
    let step = recording.facts().chunk_rows.min(READ_VALUES / wide(recording.channels().len())).max(1);
    let mut at = rows.start;
    let mut chunks = 0_u64;
    while at < rows.end {
        let end = at.saturating_add(step).min(rows.end);
        recording.raw(at..end)?;
        (at, chunks) = (end, chunks + 1);
    }
    Ok(Ok(format!("{chunks} chunks of raw samples read back under their checksums")))
}
