//! The tables of a recording as the story a review tells.

use crate::session::review::{Line, Settling, Story};
use crate::store::reader::Block;
use crate::store::{Recording, StoreError};

/// What a recording tells, `before` being what it told at the last look.
pub(super) fn of(recording: &Recording, before: &Story) -> Result<Story, StoreError> {
    let facts = recording.facts();
    let mut chain: Vec<String> = Vec::new();
    for one in recording.chains()? {
        if !chain.contains(&one.words) {
            chain.push(one.words);
        }
    }
    let settling =
        recording.spans()?.into_iter().filter(|span| span.settled_sample > span.sample).map(|span| {
            Settling {
                channel: usize::from(span.channel),
                rows: span.sample..span.settled_sample,
                reason: span.reason.word(),
            }
        });
    Ok(Story {
        file: recording.path().display().to_string(),
        bytes: std::fs::metadata(recording.path()).map_or(0, |meta| meta.len()),
        rows: recording.span(),
        rate_hz: facts.sampling_rate_hz,
        state: facts.state.word().to_owned(),
        channels: recording.channels().to_vec(),
        chain: chain.join(", "),
        markers: recording.markers()?,
        gaps: recording.gaps()?,
        settling: settling.collect(),
        log: log(recording, before)?,
        goes_on: !facts.next.is_empty(),
        blind: is_blind(recording),
        ..Story::default()
    })
}

/// The log with the rows that were recorded when its lines were written. The blocks that tell are many, so they are
/// read only when there is something new to place.
fn log(recording: &Recording, before: &Story) -> Result<Vec<Line>, StoreError> {
    let lines = recording.log()?;
    if lines.len() == before.log.len() {
        return Ok(before.log.clone());
    }
    let blocks = recording.blocks()?;
    let line = |(utc_ns, level, text)| Line { row: row_at(&blocks, utc_ns), utc_ns, level, text };
    Ok(lines.into_iter().map(line).collect())
}

/// The row that arrived last before a moment of the wall clock.
fn row_at(blocks: &[Block], utc_ns: i64) -> Option<u64> {
    let after = blocks.partition_point(|block| block.utc_ns <= utc_ns);
    blocks.get(after.checked_sub(1)?).map(|block| block.sample)
}

/// Whether the recording was made with labels kept from the screen.
fn is_blind(recording: &Recording) -> bool {
    let config = recording.config().unwrap_or_default();
    let table = config.parse::<toml::Table>().unwrap_or_default();
    table.get("blind").and_then(toml::Value::as_bool).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_log_stands_at_the_row_before_it() {
        let block = |sample, utc_ns| Block {
            sample,
            count: 50,
            epoch: 0,
            device_index: sample,
            device_us: 0,
            host_ns: 0,
            utc_ns,
        };
        let blocks = [block(0, 100), block(50, 150), block(100, 200)];
        let found = [99, 100, 199, 9_999].map(|utc_ns| row_at(&blocks, utc_ns));
        assert_eq!(found, [None, Some(0), Some(50), Some(100)]);
        assert_eq!(row_at(&[], 5), None);
    }
}
