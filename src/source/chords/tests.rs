//! Stories of a line with marks but no checksum.

use super::*;
use crate::emg::units::{index, rows_ns};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const RATE_HZ: f64 = 250.0;

fn value(row: u64, channel: u64) -> u16 {
    u16::try_from((row * 97 + channel * 31) % 1024).unwrap()
}

fn packet(row: u64, channels: u64) -> Vec<u8> {
    let samples: Vec<u16> = (0..channels).map(|channel| value(row, channel)).collect();
    let mut out = Vec::new();
    encode(row.to_le_bytes()[0], &samples, &mut out);
    out
}

fn at(row: u64) -> Stamp {
    Stamp::default().plus_ns(rows_ns(row, RATE_HZ))
}

/// Feeds packets `rows`, each at its time, through `change`.
fn hear(
    rows: std::ops::Range<u64>,
    channels: u64,
    mut change: impl FnMut(u64, Vec<u8>) -> Vec<u8>,
) -> Vec<Item> {
    let (mut decoder, mut out) = (Decoder::new(), Vec::new());
    for row in rows {
        decoder.push(&change(row, packet(row, channels)), at(row), &mut out);
    }
    decoder.hang_up(&mut out);
    out
}

/// Every row as (run, index, first value), and the sum of losses.
fn told(items: &[Item]) -> (Vec<(u32, u64, i32)>, u64) {
    let (mut all, mut lost) = (Vec::new(), 0);
    for item in items {
        let Item::Rows(rows) = item else { continue };
        lost += rows.lost;
        let firsts = rows.samples.chunks(rows.channels).zip(rows.index..);
        all.extend(firsts.map(|(row, index)| (rows.run, index, row[0])));
    }
    (all, lost)
}

#[test]
fn the_number_of_channels_is_found_from_the_stream() {
    for channels in [1, 3, 6, 16, 32] {
        let items = hear(0..1000, channels, |_, packet| packet);
        let (rows, lost) = told(&items);
        // The last packet has no mark behind it.
        assert_eq!((rows.len(), lost), (999, 0), "{channels} channels");
        assert!(rows.iter().all(|(run, index, first)| *run == 0 && *first == i32::from(value(*index, 0))));
    }
}

#[test]
fn a_stream_joined_in_mid_packet_costs_that_packet() {
    let items = hear(0..200, 6, |row, packet| if row == 0 { packet[5..].to_vec() } else { packet });
    assert_eq!(items[0], Item::Refused { bytes: 11, first: packet(0, 6)[5..].to_vec() });
    assert_eq!(told(&items).0.len(), 198);
}

#[test]
fn losses_are_counted_over_the_wrap_of_the_counter() {
    let lost = [100..103, 250..260, 700..810];
    let items =
        hear(
            0..1000,
            6,
            |row, packet| {
                if lost.iter().any(|range| range.contains(&row)) { Vec::new() } else { packet }
            },
        );
    let (rows, counted) = told(&items);
    // The packet before each hole could not be proven whole.
    assert_eq!(counted, 126);
    assert!(rows.iter().all(|(run, index, first)| *run == 0 && *first == i32::from(value(*index, 0))));
    assert_eq!(rows.last().unwrap().1, 998);
}

#[test]
fn whole_rounds_of_the_counter_are_not_pretended_to_be_counted() {
    // 300 packets are missing: the counter says 44, the clock says more.
    let items = hear(0..2000, 6, |row, packet| if (1000..1300).contains(&row) { Vec::new() } else { packet });
    let (rows, counted) = told(&items);
    assert_eq!(counted, 0);
    let second = rows.iter().find(|row| row.0 == 1).unwrap();
    assert_eq!(*second, (1, 0, i32::from(value(1300, 0))));
}

#[test]
fn a_host_that_slept_lost_nothing() {
    let (mut decoder, mut out) = (Decoder::new(), Vec::new());
    for row in 0..3000 {
        let late = if (1000..1700).contains(&row) { at(1700) } else { at(row) };
        decoder.push(&packet(row, 6), late, &mut out);
    }
    let (rows, lost) = told(&out);
    assert_eq!((rows.len(), lost, rows.last().unwrap().0), (2999, 0, 0));
}

#[test]
fn samples_may_look_like_marks() {
    // Everywhere but in the counter they look like a packet, now and then even with an end.
    let disguise = |row: u64, mut packet: Vec<u8>| {
        packet[5..7].copy_from_slice(&MARK);
        packet[9..11].copy_from_slice(&MARK);
        packet[4] = END;
        packet[8] = END;
        packet[11] = row.to_le_bytes()[0] / 2;
        packet
    };
    let lost = [400..402, 900..901];
    let items = hear(0..1500, 6, |row, packet| {
        let mut packet = disguise(row, packet);
        if lost.iter().any(|range| range.contains(&row)) {
            packet.truncate(7);
        }
        if row == 0 { packet[3..].to_vec() } else { packet }
    });
    let Some(Item::Rows(first)) = items.iter().find(|item| matches!(item, Item::Rows(_))) else {
        panic!("no rows in {items:?}");
    };
    assert_eq!((first.channels, first.samples[1]), (6, 0xc77c));
    let (rows, counted) = told(&items);
    for (run, index, first) in &rows {
        assert_eq!((*run, first >> 8), (0, i32::from(value(*index + 1, 0)) >> 8), "row {index}");
    }
    assert_eq!(wide(rows.len()) + counted, 1498, "from the second packet to the last but one");
    assert!((3..=8).contains(&counted), "{counted}");
}

#[test]
fn dropped_and_repeated_bytes_give_no_wrong_row() {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let (mut sent, mut faults) = (Vec::new(), 0);
    let items = hear(0..50_000, 8, |_, mut packet| {
        match rng.random_range(0..400) {
            0 => {
                packet.remove(rng.random_range(0..packet.len()));
                faults += 1;
            }
            1 if sent.len() > 500 => {
                packet.extend_from_slice(&sent[sent.len() - rng.random_range(64..464_usize)..]);
                faults += 1;
            }
            _ => {}
        }
        sent.extend_from_slice(&packet);
        packet
    });
    let (rows, lost) = told(&items);
    assert!(faults > 200, "{faults}");
    assert!(rows.iter().all(|(run, index, first)| *run == 0 && *first == i32::from(value(*index, 0))));
    assert!(wide(rows.len()) + lost >= 49_990 && lost < 4 * faults, "{} rows, {lost} lost", rows.len());
}

#[test]
fn an_answer_before_the_stream_is_text() {
    let items = hear(
        0..100,
        6,
        |row, packet| {
            if row == 0 { [b"UNO-R3\r\n".to_vec(), packet].concat() } else { packet }
        },
    );
    assert_eq!(items[0], Item::Text("UNO-R3\r\n".to_owned()));
}

#[test]
fn another_number_of_channels_is_found_again() {
    let items = hear(0..2000, 6, |row, six| if row < 1000 { six } else { packet(row, 3) });
    let channels: Vec<usize> = items
        .iter()
        .filter_map(|item| if let Item::Rows(rows) = item { Some(rows.channels) } else { None })
        .collect();
    assert!(channels.contains(&6) && channels.last() == Some(&3));
}

proptest! {
    #[test]
    fn items_do_not_depend_on_how_the_line_is_cut(
        start in 0..300_u64,
        noise in proptest::collection::vec((0..4000_usize, any::<u8>()), 0..6),
        cuts in proptest::collection::vec(1..90_usize, 1..30),
    ) {
        let mut bytes: Vec<u8> = (start..start + 200).flat_map(|row| packet(row, 6)).collect();
        for (place, byte) in noise {
            let place = place % bytes.len();
            if byte > 127 { bytes.remove(place); } else { bytes.insert(place, byte); }
        }
        let mut whole = Vec::new();
        Decoder::new().push(&bytes, at(0), &mut whole);
        let (mut decoder, mut items, mut rest) = (Decoder::new(), Vec::new(), &bytes[..]);
        for cut in cuts.iter().cycle() {
            let (now, later) = rest.split_at((*cut).min(rest.len()));
            decoder.push(now, at(0), &mut items);
            rest = later;
            if rest.is_empty() { break; }
        }
        prop_assert_eq!(items, whole);
    }

    #[test]
    fn no_bytes_make_it_panic(chunks in proptest::collection::vec(proptest::collection::vec(
        prop_oneof![Just(0xc7), Just(0x7c), Just(1), any::<u8>()], 0..900), 0..9)) {
        let (mut decoder, mut items) = (Decoder::new(), Vec::new());
        for (at_row, chunk) in chunks.iter().enumerate() {
            decoder.push(chunk, at(wide(at_row) * 100), &mut items);
        }
        decoder.hang_up(&mut items);
        let given: usize = chunks.iter().map(Vec::len).sum();
        let kept: u64 = items.iter().map(|item| match item {
            Item::Rows(rows) => wide(rows.rows() * length(rows.channels)),
            Item::Text(text) => wide(text.len()),
            Item::Refused { bytes, .. } => *bytes,
        }).sum();
        prop_assert!(index(kept) <= given);
    }
}
