//! The account of every row: sent and stored, or missing and dated. And tables that must hang together.

use super::Finding;
use crate::emg::units::{index, wide};
use crate::emg::{Gap, Samples};
use crate::store::StoreError;
use crate::store::layout::State;
use crate::store::reader::{Block, Recording};
use std::collections::BTreeSet;
use std::ops::Range;

/// Rows of a gap that are looked at together.
const PIECE: u64 = 4096;

/// Blocks and filled gaps in order of rows.
fn stretches(blocks: &[Block], gaps: &[Gap]) -> Vec<Range<u64>> {
    let gap = |gap: &Gap| gap.sample..gap.sample.saturating_add(gap.filled());
    let mut all: Vec<Range<u64>> = blocks.iter().map(|block| block.sample..block.end()).collect();
    all.extend(gaps.iter().map(gap));
    all.retain(|rows| !rows.is_empty());
    all.sort_by_key(|rows| rows.start);
    all
}

/// Blocks and filled gaps cover every row once.
pub(super) fn blocks(recording: &Recording) -> Result<Finding, StoreError> {
    let (blocks, gaps, span) = (recording.blocks()?, recording.gaps()?, recording.span());
    let mut due = span.start;
    for rows in stretches(&blocks, &gaps) {
        if rows.start != due {
            return Ok(Err(format!("row {due} is followed by row {} in /time/blocks and /gaps", rows.start)));
        }
        due = rows.end;
    }
    // The tables of a file that is still written run ahead of its rows.
    let growing = recording.facts().state == State::Open && due >= span.end;
    if due == span.end || growing {
        Ok(Ok(format!("{} blocks and {} gaps account for every row", blocks.len(), gaps.len())))
    } else {
        Ok(Err(format!("/time/blocks and /gaps end at row {due}, the samples at row {}", span.end)))
    }
}

/// Where losses are counted: rows of an epoch = last device index - first + 1, block by block.
pub(super) fn epochs(recording: &Recording) -> Result<Finding, StoreError> {
    let blocks = recording.blocks()?;
    let mut epochs = 0;
    for epoch in blocks.chunk_by(|a, b| a.epoch == b.epoch) {
        epochs += 1;
        if !recording.facts().losses_counted {
            continue;
        }
        let first = &epoch[0];
        let off = |block: &&Block| {
            block.sample.checked_sub(first.sample) != block.device_index.checked_sub(first.device_index)
        };
        if let Some(block) = epoch.iter().find(off) {
            return Ok(Err(format!(
                "epoch {}: row {} does not stand where the device's index {} puts it",
                first.epoch, block.sample, block.device_index
            )));
        }
    }
    Ok(Ok(if recording.facts().losses_counted {
        format!("{epochs} epochs have as many rows as the device counted")
    } else {
        format!("{epochs} epochs; this source cannot count its losses")
    }))
}

/// Rows of counted gaps hold the missing value in raw and NaN in clean.
pub(super) fn gaps(recording: &Recording) -> Result<Finding, StoreError> {
    let gaps = recording.gaps()?;
    let present = recording.span().end.min(recording.clean_span().end);
    let mut filled = 0;
    for gap in &gaps {
        let mut at = gap.sample.max(recording.span().start);
        let end = gap.sample.saturating_add(gap.filled()).min(present);
        while at < end {
            let rows = at..(at + PIECE).min(end);
            if !is_missing(&recording.raw(rows.clone())?) {
                return Ok(Err(format!("the gap at row {} holds raw values", gap.sample)));
            }
            if !recording.clean(rows.clone())?.iter().all(|value| value.is_nan()) {
                return Ok(Err(format!("the gap at row {} holds clean values", gap.sample)));
            }
            filled += rows.end - rows.start;
            at = rows.end;
        }
    }
    Ok(Ok(format!("{} gaps, {filled} rows filled", gaps.len())))
}

fn is_missing(samples: &Samples) -> bool {
    match samples {
        Samples::I16(values) => values.iter().all(|&value| value == i16::MIN),
        Samples::I32(values) => values.iter().all(|&value| value == i32::MIN),
        Samples::F32(values) => values.iter().all(|value| value.is_nan()),
        Samples::F64(values) => values.iter().all(|value| value.is_nan()),
    }
}

/// Tables are in order: rows never go back, ids count up.
pub(super) fn tables(recording: &Recording) -> Result<Finding, StoreError> {
    let blocks = recording.blocks()?;
    let ordered = [
        ("/time/blocks", blocks.is_sorted_by_key(|block| (block.epoch, block.sample))),
        ("/time/fit", recording.fits()?.is_sorted_by_key(|fit| fit.epoch)),
        ("/gaps", recording.gaps()?.is_sorted_by_key(|gap| gap.sample)),
        ("/markers", recording.markers()?.is_sorted_by(|a, b| a.id < b.id)),
        ("/filter/chains", recording.chains()?.is_sorted_by(|a, b| a.id < b.id)),
    ];
    let wrong: Vec<_> = ordered.into_iter().filter_map(|(table, ok)| (!ok).then_some(table)).collect();
    Ok(if wrong.is_empty() {
        Ok("tables are in order".to_owned())
    } else {
        Err(format!("out of order: {}", wrong.join(", ")))
    })
}

/// What was found is about channels and rows that are there.
pub(super) fn findings(recording: &Recording) -> Result<Finding, StoreError> {
    let found = recording.findings()?;
    let channels = recording.channels().len();
    // Of a file that still grows, tables may be ahead of its rows.
    let open = recording.facts().state == State::Open;
    let end = if open { u64::MAX } else { recording.span().end };
    // What goes on at the end ends where its course points to, which may lie behind the last row.
    let there = |channel: u16, onset: u64, until: u64| {
        usize::from(channel) < channels && onset <= until && onset <= end
    };
    if let Some(event) = found.events.iter().find(|event| !there(event.channel, event.onset, event.end)) {
        return Ok(Err(format!("the event at row {} of channel {} cannot be", event.onset, event.channel)));
    }
    if let Some(lost) = found.quality.iter().find(|quality| !there(quality.channel, quality.sample, u64::MAX))
    {
        return Ok(Err(format!("the quality at row {} of channel {} cannot be", lost.sample, lost.channel)));
    }
    if let Some(artefact) = found.artefacts.iter().find(|artefact| !there(0, artefact.onset, artefact.end)) {
        return Ok(Err(format!("the artefact at row {} cannot be", artefact.onset)));
    }
    Ok(Ok(format!("{} events, {} artefacts", found.events.len(), found.artefacts.len())))
}

/// A marker that speaks of another one speaks of one before it; its row may lie ahead of the samples.
pub(super) fn markers(recording: &Recording) -> Result<Finding, StoreError> {
    let markers = recording.markers()?;
    // The markers of earlier segments are in earlier files.
    let first = markers.first().map_or(0, |marker| marker.id);
    let earlier_segment = |id: u64| recording.facts().segment > 0 && id < first;
    let mut known = BTreeSet::new();
    for marker in &markers {
        let target = marker.refers_to;
        if target != 0 && !known.contains(&target) && !earlier_segment(target) {
            return Ok(Err(format!("marker {} speaks of marker {target}, which is not there", marker.id)));
        }
        known.insert(marker.id);
    }
    Ok(Ok(format!("{} marker rows", markers.len())))
}

/// On every channel a span begins wherever samples begin: at the first row and after every gap.
pub(super) fn spans(recording: &Recording) -> Result<Finding, StoreError> {
    let (spans, gaps, blocks) = (recording.spans()?, recording.gaps()?, recording.blocks()?);
    let first = recording.span().start;
    let begun: BTreeSet<(u64, u16)> =
        spans.iter().map(|span| (span.sample.max(first), span.channel)).collect();
    let after_gap: BTreeSet<u64> =
        gaps.iter().map(|gap| gap.sample.saturating_add(gap.filled())).chain([first]).collect();
    let present = recording.clean_span().end;
    let starts =
        blocks.iter().map(|block| block.sample).filter(|row| after_gap.contains(row) && *row < present);
    for row in starts {
        let values = recording.raw(row..row + 1)?;
        let missing = |channel: &u16| {
            let value = index(u64::from(*channel));
            value < values.len() && values.get(value).is_finite() && !begun.contains(&(row, *channel))
        };
        let channels = u16::try_from(recording.channels().len()).unwrap_or(u16::MAX);
        if let Some(channel) = (0..channels).find(missing) {
            return Ok(Err(format!("no filter span begins on channel {channel} at row {row}")));
        }
    }
    Ok(Ok(format!("{} filter spans cover all rows", wide(spans.len()))))
}
