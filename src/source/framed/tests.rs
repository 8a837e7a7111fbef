//! Stories of the line: what damage costs, what is kept out, what is known at the end.

use super::*;
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const CHANNELS: u8 = 8;
const SCANS: u32 = 10;
const AT: Stamp = Stamp { host_ns: 1_000_000_000, utc_ns: 2_000_000_000 };

/// The count every test sends at a place, so that a wrong one shows.
fn truth(index: u64, channel: usize) -> i16 {
    let mixed = (index * 131 + wide(channel)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54;
    i16::try_from(mixed).unwrap()
}

/// A frame whose first scan has `index`, unwrapped; `seq` likewise.
fn data(epoch: u8, seq: u64, index: u64) -> Data {
    let samples = (0..u64::from(SCANS))
        .flat_map(|scan| (0..usize::from(CHANNELS)).map(move |channel| truth(index + scan, channel)));
    Data {
        epoch,
        seq: u16::try_from(seq & 0xffff).unwrap(),
        channels: CHANNELS,
        index: low(index),
        t_us: low(index * 1000),
        samples: samples.collect(),
        digital: (0..SCANS).map(|scan| index.to_le_bytes()[0].wrapping_add(scan.to_le_bytes()[0])).collect(),
        ..Data::default()
    }
}

fn low(value: u64) -> u32 {
    u32::try_from(value & 0xffff_ffff).unwrap()
}

fn status(epoch: u8, seq: u64, index: u64) -> Frame {
    let seq = u16::try_from(seq & 0xffff).unwrap();
    Frame::Status(Status { epoch, seq, index: low(index), ..Status::default() })
}

fn done(epoch: u8, command: u8) -> Frame {
    Frame::Ack(Ack { epoch, command, outcome: Outcome::Done, value: 0 })
}

fn stopped(epoch: u8) -> Frame {
    let clock = Identity { scan_ticks: 16_000, timer_hz: 16_000_000, ..Identity::default() };
    Frame::Identity(Identity { epoch, channels: CHANNELS, name: "left".to_owned(), ..clock })
}

fn line(frames: impl IntoIterator<Item = Frame>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for frame in frames {
        encode(&frame, &mut bytes);
    }
    bytes
}

/// Frames `from..to` of one epoch that begins at index 0.
fn frames(epoch: u8, from: u64, to: u64) -> impl Iterator<Item = Frame> {
    (from..to).map(move |at| Frame::Data(data(epoch, at, at * u64::from(SCANS))))
}

fn decode(bytes: &[u8]) -> Vec<Item> {
    let mut out = Vec::new();
    Decoder::new().push(bytes, AT, &mut out);
    out
}

fn rows(items: &[Item]) -> Vec<&Rows> {
    items.iter().filter_map(|item| if let Item::Rows(rows) = item { Some(rows) } else { None }).collect()
}

/// Rows and losses as (index, lost, cause), and the tail.
fn holes(items: &[Item]) -> Vec<(u64, u64, Cause)> {
    let hole = |item: &Item| match item {
        Item::Rows(rows) if rows.lost > 0 => Some((rows.index - rows.lost, rows.lost, rows.cause)),
        Item::Lost(lost) => Some((lost.index, lost.rows, lost.cause)),
        _ => None,
    };
    items.iter().filter_map(hole).collect()
}

fn refused(items: &[Item]) -> Vec<Why> {
    items
        .iter()
        .filter_map(|item| if let Item::Refused(refused) = item { Some(refused.why) } else { None })
        .collect()
}

/// Damages a line: bytes dropped, flipped, repeated in runs, holes. Returns how many faults.
fn damage(clean: &[u8], per_byte: f64, rng: &mut ChaCha8Rng) -> (Vec<u8>, u64) {
    let (mut out, mut at, mut faults) = (Vec::with_capacity(clean.len()), 0, 0);
    while at < clean.len() {
        if rng.random::<f64>() >= per_byte {
            out.push(clean[at]);
            at += 1;
            continue;
        }
        faults += 1;
        match rng.random_range(0..4) {
            0 => at += 1,
            1 => {
                out.push(clean[at] ^ (1 << rng.random_range(0..8)));
                at += 1;
            }
            2 => {
                let again = out.len().saturating_sub(rng.random_range(64..464));
                out.extend_from_within(again..);
            }
            _ => at += rng.random_range(1..=600),
        }
    }
    (out, faults)
}

#[test]
fn twenty_megabytes_with_five_thousand_faults_hold_no_wrong_row_and_no_uncounted_loss() {
    // Every counter wraps in it: epoch, sequence, index and time begin just below.
    let first = (1_u64 << 32) - 500;
    let frames = 162_000_u64;
    let mut clean = Vec::new();
    for at in 0..frames {
        encode(&Frame::Data(data(255, 65_530 + at, first + at * u64::from(SCANS))), &mut clean);
        if at % 100 == 99 {
            encode(&status(255, 65_531 + at, first + (at + 1) * u64::from(SCANS)), &mut clean);
        }
    }
    assert!(clean.len() > 20_000_000, "{} bytes", clean.len());
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let (mut bytes, faults) = damage(&clean, 2.6e-4, &mut rng);
    assert!(faults > 5000, "{faults} faults");
    // The last frames are lost too; only the status after the stop tells.
    bytes.truncate(bytes.len() - 300);
    bytes.push(0);
    bytes.extend(line([done(255, b'X'), status(255, 65_530 + frames, first + frames * u64::from(SCANS))]));

    let (mut decoder, mut out) = (Decoder::new(), Vec::new());
    let (mut next, mut taken, mut missing, mut begun) = (None, 0, 0, None);
    for chunk in bytes.chunks(4096) {
        decoder.push(chunk, AT, &mut out);
        for item in out.drain(..) {
            match item {
                Item::Rows(rows) => {
                    begun.get_or_insert(rows.index);
                    assert_eq!(next.unwrap_or(rows.index) + rows.lost, rows.index);
                    assert_eq!((rows.run, rows.lost > 0), (0, rows.cause != Cause::Unknown));
                    assert_eq!(rows.t_us - u64::from(low(first * 1000)), (rows.index - first) * 1000);
                    let right = data(255, 0, rows.index);
                    assert!(rows.samples == right.samples && rows.digital == right.digital, "wrong rows");
                    next = Some(rows.index + wide(rows.rows()));
                    taken += wide(rows.rows());
                    missing += rows.lost;
                }
                Item::Lost(lost) => {
                    assert_eq!((Some(lost.index), lost.run), (next, 0));
                    next = Some(lost.index + lost.rows);
                    missing += lost.rows;
                }
                _ => {}
            }
        }
    }
    let tally = decoder.tally();
    assert_eq!(next, Some(first + frames * u64::from(SCANS)));
    assert_eq!(taken + missing, next.unwrap() - begun.unwrap());
    assert_eq!((tally.rows, tally.lost, tally.runs), (taken, missing, 1));
    assert!(tally.duplicates > 500 && tally.refused > 2000, "{tally:?}");
    // A fault costs the frames it touches.
    assert!(missing / u64::from(SCANS) < 3 * faults, "{missing} rows for {faults} faults");
}

#[test]
fn a_start_that_was_witnessed_counts_from_its_first_row() {
    let heard = decode(&line([stopped(6), done(6, b'G')].into_iter().chain(frames(7, 2, 8))));
    assert_eq!(holes(&heard), [(0, 20, Cause::Counter)]);
    let joined = decode(&line(frames(7, 2, 8)));
    assert_eq!(rows(&joined)[0].index, 20);
    assert_eq!(holes(&joined), []);
}

#[test]
fn every_loss_has_its_cause() {
    let frame = |seq: u64, index: u64| data(1, seq, index);
    let tell = |gap: Vec<Frame>| holes(&decode(&line(frames(1, 0, 3).chain(gap))));
    assert_eq!(tell(vec![Frame::Data(frame(5, 50))]), [(30, 20, Cause::Counter)]);
    let overrun = Data { overrun: true, ..frame(3, 35) };
    assert_eq!(tell(vec![Frame::Data(overrun)]), [(30, 5, Cause::Overrun)]);
    let board = Data { dropped: true, ..frame(4, 40) };
    assert_eq!(tell(vec![Frame::Data(board)]), [(30, 10, Cause::Board)]);
    assert_eq!(tell(vec![Frame::Data(frame(3, 35))]), [(30, 5, Cause::Unknown)]);

    let mut bytes = line(frames(1, 0, 6));
    bytes[129 * 3 + 60] ^= 4;
    assert_eq!(holes(&decode(&bytes)), [(30, 10, Cause::Checksum)]);
    // The next hole is explained anew.
    bytes.extend(line(frames(1, 8, 9)));
    assert_eq!(holes(&decode(&bytes))[1], (60, 20, Cause::Counter));
}

#[test]
fn a_jump_over_a_minute_is_believed_after_three_frames() {
    let far = 100_000_000;
    let strange = |seq| Frame::Data(data(1, seq, far + (seq - 3) * 10));
    let once = decode(&line(frames(1, 0, 3).chain([strange(3)]).chain(frames(1, 3, 6))));
    assert_eq!((rows(&once).len(), holes(&once)), (6, vec![]));
    assert_eq!(refused(&once), [Why::Unconfirmed]);

    let thrice = decode(&line(frames(1, 0, 3).chain((3..7).map(strange))));
    let runs: Vec<(u32, u64)> = rows(&thrice).iter().map(|rows| (rows.run, rows.index)).collect();
    assert_eq!(runs[2..4], [(0, 20), (1, far)]);
    assert_eq!((runs.len(), holes(&thrice), refused(&thrice)), (7, vec![], vec![]));
}

#[test]
fn a_start_in_mid_stream_ends_one_run_and_begins_another() {
    // As after a reset: another epoch, index from 0; as after a loss of power: perhaps the same epoch.
    for epoch in [2, 1] {
        let again = (0..5).map(|at| Frame::Data(data(epoch, 900 + at, at * 10)));
        let items = decode(&line(frames(1, 0, 50).chain(again)));
        let last = *rows(&items).last().unwrap();
        assert_eq!((last.run, last.board_epoch, last.index), (1, epoch, 40));
        assert_eq!((rows(&items).len(), holes(&items), refused(&items)), (55, vec![], vec![]));
    }
}

#[test]
fn what_comes_twice_is_taken_once() {
    let mut bytes = line(frames(1, 0, 10));
    bytes.extend_from_within(129 * 4..);
    bytes.extend(line(frames(1, 10, 12)));
    let mut decoder = Decoder::new();
    let mut items = Vec::new();
    decoder.push(&bytes, AT, &mut items);
    assert_eq!((rows(&items).len(), holes(&items), refused(&items)), (12, vec![], vec![]));
    assert_eq!(decoder.tally().duplicates, 6);
}

#[test]
fn the_end_of_a_run_is_known_from_the_status_after_it() {
    let after_stop = decode(&line(frames(1, 0, 3).chain([done(1, b'X'), status(1, 5, 50)])));
    assert_eq!(holes(&after_stop), [(30, 20, Cause::Counter)]);
    let full = Frame::Status(Status { epoch: 1, seq: 5, index: 50, dropped: 2, ..Status::default() });
    let dropped = decode(&line(frames(1, 0, 3).chain([done(1, b'X'), full])));
    assert_eq!(holes(&dropped), [(30, 20, Cause::Board)]);
    let complete = decode(&line(frames(1, 0, 3).chain([done(1, b'X'), status(1, 3, 30)])));
    assert_eq!(holes(&complete), []);
    // While it runs, scans may still be waiting to be sent: the status counts only if none of them comes.
    let mut decoder = Decoder::new();
    let mut items = Vec::new();
    decoder.push(&line(frames(1, 0, 3).chain([status(1, 3, 36)])), AT, &mut items);
    assert_eq!(holes(&items), []);
    decoder.hang_up(AT, &mut items);
    assert_eq!(holes(&items), [(30, 6, Cause::Unplugged)]);
    // A run too short to be confirmed by frames is confirmed by its status.
    let short = decode(&line([stopped(0)].into_iter().chain(frames(1, 0, 1)).chain([status(1, 1, 10)])));
    assert_eq!(rows(&short).len(), 1);
}

#[test]
fn text_before_a_frame_costs_nothing() {
    let banner = b"#station 1.0\r\n# micros,v1\r\n";
    let mut bytes = banner.to_vec();
    bytes.extend(line([stopped(3)]));
    let items = decode(&bytes);
    assert_eq!(items.len(), 2, "{items:?}");
    assert_eq!(items[0], Item::Text(String::from_utf8_lossy(banner).into_owned()));
    assert!(matches!(&items[1], Item::Identity(identity) if identity.name == "left"));
    // A frame may itself begin with the character `#`: its first 0 stands at the 35th byte.
    let lookalike = Data {
        epoch: 1,
        seq: 0x0101,
        channels: 1,
        index: 0x0101_0101,
        t_us: 0x0101_0101,
        samples: vec![0x155; 17],
        overrun: true,
        ..Data::default()
    };
    let odd =
        [line([Frame::Data(Data { digital: vec![1; 17], ..lookalike.clone() })]), line([done(1, b'X')])];
    for bytes in odd {
        assert!(refused(&decode(&bytes)).is_empty());
    }
    let mut before = banner.to_vec();
    encode(&Frame::Data(lookalike), &mut before);
    assert_eq!(decode(&before).len(), 1, "the text; one frame alone waits");
}

#[test]
fn a_frame_behind_text_is_found_whatever_its_first_byte_looks_like() {
    // That byte tells where the first 0 is: here in each byte of a clock, so that it looks like each of the types.
    for (zero, code) in [(14, 0x0f), (15, 0x10), (16, 0x11), (17, 0x12), (18, 0x13), (19, 0x14), (20, 0x15)] {
        let but = |from: u32| {
            let bytes = [0, 1, 2, 3].map(|at| u8::from(from + at != zero));
            u32::from_le_bytes(bytes)
        };
        let whole = Identity { epoch: 1, firmware: 0x0101, board: 1, channels: 8, ..Identity::default() };
        let identity = Frame::Identity(Identity {
            most_channels: 16,
            adc_bits: 10,
            digital_mask: 7,
            reference_mv: 0x0101,
            skew_ticks: 0x0101,
            scan_ticks: but(14),
            timer_hz: but(18),
            ..whole
        });
        let frame = line([identity]);
        assert_eq!(frame[0], code, "the first byte of the frame");
        for text in ["\r\n", "A", "ready\t"] {
            let items = decode(&[text.as_bytes(), &frame].concat());
            let [Item::Text(before), Item::Identity(_)] = &items[..] else { panic!("{code:#x}: {items:?}") };
            assert_eq!(before, text);
        }
    }
}

#[test]
fn what_a_run_takes_of_the_line_is_what_the_firmware_reckons() {
    let board = |channels, scan_ticks, mode| {
        let clock = Identity { scan_ticks, timer_hz: 16_000_000, digital_mask: 7, ..Identity::default() };
        Identity { channels, mode, ..clock }.bytes_per_s()
    };
    // What the firmware answers to `G`, rounded up there.
    for (channels, scan_ticks, mode, told) in [
        (8, 16_000, Mode::Packed, 12_900.0),
        (7, 16_000, Mode::Packed, 11_700.0),
        (8, 4000, Mode::Wide, 73_847.0),
        (16, 4000, Mode::Packed, 90_910.0),
        (8, 16_000, Mode::Csv, 51_000.0),
    ] {
        let reckoned: f64 = board(channels, scan_ticks, mode);
        assert!((reckoned.ceil() - told).abs() < 1.0, "{channels} at {scan_ticks} ticks: {reckoned}");
    }
}

#[test]
fn bytes_that_never_end_are_given_up_in_pieces() {
    let mut bytes = vec![0xa5; 2500];
    bytes.extend(line(frames(1, 0, 4)));
    let items = decode(&bytes);
    assert_eq!(refused(&items), [Why::TooLong, Why::TooLong, Why::TooLong]);
    assert_eq!(rows(&items).len(), 3);
    // A board in mode CSV, heard by the wrong reader.
    let text = decode("512,513,514\r\n".repeat(200).as_bytes());
    assert!(text.iter().all(|item| matches!(item, Item::Text(_))) && !text.is_empty());
}

#[test]
fn another_version_is_refused_not_misread() {
    let mut plain = Vec::new();
    Frame::Data(data(1, 0, 0)).write(&mut plain);
    plain[0] = 0x21;
    let mut bytes = Vec::new();
    cobs::close(&plain, &mut bytes);
    assert_eq!(refused(&decode(&bytes)), [Why::Unknown]);
}

#[test]
fn the_board_s_clock_goes_on_over_its_wrap() {
    let wrap = (1_u64 << 32) / 1000 - 2;
    let items = decode(&line((0..5).map(|at| Frame::Data(data(1, at, wrap + at * 10)))));
    let times: Vec<u64> = rows(&items).iter().map(|rows| rows.t_us).collect();
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] == 10_000), "{times:?}");
    assert!(*times.last().unwrap() > 1 << 32);
}

fn any_frame() -> impl Strategy<Value = Frame> {
    let data = (any::<[u8; 2]>(), any::<[u32; 2]>(), any::<[bool; 4]>(), 1..=16_u8, 1..=7_usize)
        .prop_flat_map(|(bytes, numbers, flags, channels, scans)| {
            let most = if flags[2] { i16::MAX } else { 1023 };
            let samples = proptest::collection::vec(0..=most, usize::from(channels) * scans);
            (samples, proptest::collection::vec(any::<u8>(), if flags[3] { scans } else { 0 })).prop_map(
                move |(samples, digital)| {
                    Frame::Data(Data {
                        epoch: bytes[0],
                        seq: u16::from(bytes[1]) * 257,
                        overrun: flags[0],
                        dropped: flags[1],
                        wide: flags[2],
                        channels,
                        index: numbers[0],
                        t_us: numbers[1],
                        samples,
                        digital,
                    })
                },
            )
        });
    let identity = (any::<[u8; 6]>(), any::<[u32; 3]>(), any::<bool>(), "[ -~]{0,32}").prop_map(
        |(bytes, numbers, running, name)| {
            Frame::Identity(Identity {
                epoch: bytes[0],
                firmware: u16::from(bytes[1]) << 8,
                board: bytes[2],
                channels: bytes[3],
                adc_bits: bytes[4],
                digital_mask: bytes[5],
                scan_ticks: numbers[0].max(1),
                timer_hz: numbers[1].max(1),
                baud: numbers[2],
                running,
                name,
                ..Identity::default()
            })
        },
    );
    let short = any::<([u8; 4], [u32; 4])>().prop_map(|(bytes, numbers)| {
        if bytes[3] > 127 {
            let outcome = if bytes[2] > 4 { Outcome::Other(bytes[2]) } else { Outcome::OutOfRange };
            Frame::Ack(Ack { epoch: bytes[0], command: bytes[1], outcome, value: numbers[0] })
        } else {
            let [index, t_us, not_sampled, dropped] = numbers;
            let status = Status { index, t_us, not_sampled, dropped, ..Status::default() };
            Frame::Status(Status { epoch: bytes[0], most_scans: bytes[1], most_percent: bytes[2], ..status })
        }
    });
    prop_oneof![data, identity, short]
}

/// A line with everything in it, damaged or not.
fn any_line() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => (0..40_u64, 1..6_u64).prop_map(|(from, length)| line(frames(1, from, from + length))),
        1 => any_frame().prop_map(|frame| line([frame])),
        1 => "[ -~\r\n]{0,40}".prop_map(String::into_bytes),
        1 => proptest::collection::vec(any::<u8>(), 0..1500),
    ];
    (proptest::collection::vec(piece, 0..12), any::<u64>(), prop_oneof![Just(0.0), Just(0.002)]).prop_map(
        |(pieces, seed, per_byte)| damage(&pieces.concat(), per_byte, &mut ChaCha8Rng::seed_from_u64(seed)).0,
    )
}

proptest! {
    #[test]
    fn every_frame_comes_back_as_it_went(frame in any_frame()) {
        let (mut plain, mut stuffed, mut opened) = (Vec::new(), Vec::new(), Vec::new());
        frame.write(&mut plain);
        cobs::close(&plain, &mut stuffed);
        prop_assert!(stuffed.ends_with(&[0]) && !stuffed[..stuffed.len() - 1].contains(&0));
        prop_assert_eq!(stuffed.len(), plain.len() + 4);
        prop_assert!(cobs::open(&stuffed[..stuffed.len() - 1], &mut opened));
        prop_assert_eq!(Frame::read(&opened), Some(frame));
    }

    #[test]
    fn items_do_not_depend_on_how_the_line_is_cut(bytes in any_line(), cuts in proptest::collection::vec(1..200_usize, 1..40)) {
        let whole = decode(&bytes);
        let (mut decoder, mut items, mut rest) = (Decoder::new(), Vec::new(), &bytes[..]);
        for cut in cuts.iter().cycle() {
            let (now, later) = rest.split_at((*cut).min(rest.len()));
            decoder.push(now, AT, &mut items);
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(items, whole);
    }

    #[test]
    fn no_bytes_make_it_panic(chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..400), 0..20)) {
        let (mut decoder, mut items) = (Decoder::new(), Vec::new());
        for chunk in &chunks {
            decoder.push(chunk, AT, &mut items);
        }
        decoder.hang_up(AT, &mut items);
        // Whatever has the right checksum is read or refused.
        for chunk in chunks.iter().filter(|chunk| (1..250).contains(&chunk.len())) {
            for kind in 0x11..=0x14 {
                let mut plain = chunk.clone();
                plain[0] = kind;
                let mut bytes = Vec::new();
                cobs::close(&plain, &mut bytes);
                decoder.push(&bytes, AT, &mut items);
            }
        }
    }
}
