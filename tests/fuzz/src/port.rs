//! What a serial port may bring: frames of our own line, packets of another firmware, lines of text. However the bytes
//! are cut, the same comes out, and within a run every row is handed out or counted as lost.

use crc::{CRC_16_IBM_3740, Crc};
use myograph::emg::Stamp;
use myograph::emg::units::wide;
use myograph::source::uri::{Format, TimeColumn};
use myograph::source::{chords, framed, text};
use std::collections::HashMap;
use std::fmt::Debug;

const CRC: Crc<u16> = Crc::<u16>::new(&CRC_16_IBM_3740);
const AT: Stamp = Stamp { host_ns: 1_000_000_000, utc_ns: 2_000_000_000 };

/// Sizes of the pieces the bytes arrive in: no place is a cut, or every one.
const PIECES: [usize; 2] = [usize::MAX, 1];

/// The bytes as they are, and again with the checksum of each frame made to fit: else nearly all of them would end there.
pub(crate) fn frames(bytes: &[u8]) {
    for line in [bytes, &mended(bytes)] {
        let heard = PIECES.map(|size| hear_frames(line, size));
        assert_alike(&heard);
        accounts(heard[0].0.iter().filter_map(|item| match item {
            framed::Item::Rows(rows) => {
                let digital = rows.digital.len();
                assert!(
                    rows.channels > 0 && rows.samples.len() == rows.rows() * rows.channels && rows.rows() > 0
                );
                assert!(
                    digital == 0 || digital == rows.rows(),
                    "{digital} digital bytes of {} rows",
                    rows.rows()
                );
                assert!(rows.samples.iter().all(|sample| *sample >= 0));
                Some((rows.run, rows.index, rows.lost, wide(rows.rows())))
            }
            framed::Item::Lost(lost) => Some((lost.run, lost.index + lost.rows, lost.rows, 0)),
            _ => None,
        }));
        let (items, tally) = &heard[0];
        let rows =
            |item: &framed::Item| if let framed::Item::Rows(rows) = item { wide(rows.rows()) } else { 0 };
        assert_eq!(tally.rows, items.iter().map(rows).sum::<u64>());
        assert_eq!(tally.bytes, wide(line.len()));
        for item in items {
            // What only a front end asks of a board.
            if let framed::Item::Identity(identity) = item {
                let _ =
                    (identity.rate_hz(), identity.bytes_per_s(), identity.skew_us(15), identity.board_name());
            }
        }
    }
}

fn hear_frames(line: &[u8], size: usize) -> (Vec<framed::Item>, framed::Tally) {
    let (mut decoder, mut items) = (framed::Decoder::new(), Vec::new());
    for piece in line.chunks(size) {
        decoder.push(piece, AT, &mut items);
    }
    decoder.hang_up(AT, &mut items);
    (items, decoder.tally())
}

/// Every stretch between two 0x00 with the checksum that fits it.
fn mended(line: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(line.len() + 8);
    for stretch in line.split(|byte| *byte == 0) {
        match unstuffed(stretch).filter(|plain| (3..=254).contains(&plain.len())) {
            Some(mut plain) => {
                let body = plain.len() - 2;
                let check = CRC.checksum(&plain[..body]).to_le_bytes();
                plain[body..].copy_from_slice(&check);
                stuff(&plain, &mut out);
            }
            None => out.extend_from_slice(stretch),
        }
        out.push(0);
    }
    out
}

fn unstuffed(stretch: &[u8]) -> Option<Vec<u8>> {
    let (mut plain, mut rest) = (Vec::new(), stretch);
    while let Some((code, after)) = rest.split_first() {
        let (run, later) = after.split_at_checked(usize::from(*code) - 1)?;
        plain.extend_from_slice(run);
        if *code < 0xff && !later.is_empty() {
            plain.push(0);
        }
        rest = later;
    }
    Some(plain)
}

/// Appends at most 254 bytes, stuffed.
fn stuff(plain: &[u8], out: &mut Vec<u8>) {
    for run in plain.split(|byte| *byte == 0) {
        out.push(u8::try_from(run.len() + 1).unwrap_or(u8::MAX));
        out.extend_from_slice(run);
    }
}

/// Packets of the other firmware, all at one moment, then as they would come.
pub(crate) fn chords(bytes: &[u8]) {
    let heard = PIECES.map(|size| hear_chords(bytes, size, 0));
    assert_alike(&heard);
    for items in [&heard[0], &hear_chords(bytes, 16, 4_000_000)] {
        let mut told = 0;
        accounts(items.iter().filter_map(|item| match item {
            chords::Item::Rows(rows) => {
                assert!(
                    rows.channels > 0 && rows.rows() > 0 && rows.samples.len() == rows.rows() * rows.channels
                );
                told += 4 * rows.rows() + 2 * rows.samples.len();
                Some((rows.run, rows.index, rows.lost, wide(rows.rows())))
            }
            chords::Item::Text(text) => {
                told += text.len();
                None
            }
            chords::Item::Refused { bytes, .. } => {
                told += usize::try_from(*bytes).unwrap_or(usize::MAX);
                None
            }
        }));
        assert!(told <= bytes.len(), "{told} bytes told of {}", bytes.len());
    }
}

fn hear_chords(bytes: &[u8], size: usize, step_ns: i64) -> Vec<chords::Item> {
    let (mut decoder, mut items, mut now) = (chords::Decoder::new(), Vec::new(), AT);
    for piece in bytes.chunks(size) {
        decoder.push(piece, now, &mut items);
        now = now.plus_ns(step_ns);
    }
    decoder.hang_up(&mut items);
    items
}

/// Lines of numbers, under each word the user may have about them.
pub(crate) fn lines(bytes: &[u8]) {
    for (format, time) in [
        (Format::Auto, TimeColumn::Auto),
        (Format::Csv, TimeColumn::None),
        (Format::Plotter, TimeColumn::First),
    ] {
        let heard = PIECES.map(|size| hear_lines(bytes, size, format, time));
        assert_alike(&heard);
        let (batches, refused, shape) = &heard[0];
        let channels = shape.as_ref().map_or(0, |shape| wide(shape.names.len()));
        for batch in batches {
            assert!(batch.rows > 0 && wide(batch.samples.len()) == batch.rows * channels);
        }
        let told = batches.iter().map(|batch| batch.rows).sum::<u64>();
        let refused = refused.as_ref().map_or(0, |refused| refused.lines);
        assert!(told + refused <= wide(bytes.len()) + 1, "{told} rows and {refused} lines refused");
    }
}

type Lines = (Vec<text::Batch>, Option<text::Refusals>, Option<text::Shape>);

fn hear_lines(bytes: &[u8], size: usize, format: Format, time: TimeColumn) -> Lines {
    let mut decoder = text::Decoder::new(format, time);
    for piece in bytes.chunks(size) {
        decoder.push(piece, AT);
    }
    decoder.settle(AT.plus_ns(10_000_000_000));
    let batches = std::iter::from_fn(|| decoder.take()).collect();
    (batches, decoder.take_refused(), decoder.shape().cloned())
}

/// What was heard does not depend on how it was cut. A NaN is not equal to itself, but to its word.
fn assert_alike<T: Debug + PartialEq>(heard: &[T]) {
    let alike = |a: &T, b: &T| a == b || format!("{a:?}") == format!("{b:?}");
    assert!(heard.windows(2).all(|pair| alike(&pair[0], &pair[1])), "cuts matter: {heard:#?}");
}

/// Within a run the rows before and the lost ones lead to each next index. Of each: run, index behind the lost rows,
/// lost rows, rows.
fn accounts(told: impl Iterator<Item = (u32, u64, u64, u64)>) {
    let mut ends: HashMap<u32, u64> = HashMap::new();
    let mut latest = 0;
    for (run, index, lost, rows) in told {
        assert!(run >= latest, "run {run} after run {latest}");
        let end = ends.entry(run).or_insert(index - lost);
        assert_eq!(*end + lost, index, "rows of run {run} without a number");
        (*end, latest) = (index + rows, run);
    }
}
