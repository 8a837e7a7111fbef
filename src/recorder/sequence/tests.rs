//! Stories of a recording's order: rows, losses, epochs, segments, the end.

use super::*;
use crate::emg::units::{float, index, rows_ns};
use crate::emg::{Kind, SampleType, Samples};
use proptest::prelude::*;

const RATE: f64 = 1000.0;

fn source(nominal_hz: Option<f64>, live_text: bool) -> Description {
    Description {
        uri: "test:".into(),
        board: "a test".into(),
        channels: vec![Channel::new("a", Kind::Raw), Channel::new("b", Kind::Raw)],
        sample_type: SampleType::I16,
        nominal_hz,
        losses_counted: !live_text,
        digital: false,
        can_wait: false,
        remarks: vec![],
    }
}

fn sequencer(duration_s: Option<f64>, rotate_s: Option<f64>) -> Sequencer {
    of(&source(Some(RATE), false), duration_s, rotate_s)
}

fn of(source: &Description, duration_s: Option<f64>, rotate_s: Option<f64>) -> Sequencer {
    let options = Options {
        channels: source.channels.clone(),
        filter: preset::Options::default(),
        duration: duration_s.map(Duration::from_secs_f64),
        rotate: rotate_s.map(Duration::from_secs_f64),
        chunk_rows: 1000,
        goes_on: None,
    };
    Sequencer::new(source, options)
}

/// `rows` rows from device index `index`, read when the last of them was due.
fn packet(epoch: u32, index: u64, rows: usize) -> Packet {
    let stamp = Stamp::default().plus_ns(crate::emg::units::rows_ns(index + wide(rows), RATE));
    Packet {
        epoch,
        index,
        device_us: 0,
        stamp,
        samples: Samples::I16((0..rows * 2).map(|n| i16::try_from(n % 1000).unwrap()).collect()),
        digital: vec![],
        cause: Cause::Counter,
    }
}

/// Rows and filled gaps tile the recording from row 0 without overlap.
fn assert_tiled(pieces: &[Piece]) -> u64 {
    let mut next = 0;
    for piece in pieces {
        match piece {
            Piece::Rows(block) => assert_eq!(block.sample, next),
            Piece::Gap(gap) => assert_eq!(gap.sample, next),
            Piece::Border(row) => assert_eq!(*row, next),
            Piece::Chains(change) => assert_eq!(change.sample, next),
            _ => {}
        }
        next += piece.rows();
    }
    next
}

fn gaps(pieces: &[Piece]) -> Vec<Gap> {
    pieces.iter().filter_map(|piece| if let Piece::Gap(gap) = piece { Some(*gap) } else { None }).collect()
}

#[test]
fn a_jump_of_the_counter_is_filled_exactly() {
    let mut sequencer = sequencer(None, None);
    let mut pieces = sequencer.take(Reading::Rows(packet(0, 500, 20)));
    pieces.extend(sequencer.take(Reading::Rows(packet(0, 527, 20))));
    assert_eq!(assert_tiled(&pieces), 47);
    let [gap] = gaps(&pieces)[..] else { panic!("{pieces:?}") };
    assert_eq!((gap.sample, gap.missing, gap.exact, gap.cause), (20, 7, true, Cause::Counter));
    assert!(matches!(pieces[0], Piece::Chains(_)), "chains come before the first row");
}

#[test]
fn between_epochs_nothing_is_filled_and_the_size_is_an_estimate() {
    let mut sequencer = sequencer(None, None);
    let mut pieces = sequencer.take(Reading::Rows(packet(0, 0, 100)));
    let sentence = "the board went away".to_owned();
    pieces.extend(sequencer.take(Reading::Gone { cause: Cause::Unplugged, sentence }));
    let mut back = packet(1, 0, 50);
    back.stamp = Stamp::default().plus_ns(2_100_000_000);
    pieces.extend(sequencer.take(Reading::Rows(back)));
    assert_eq!(assert_tiled(&pieces), 150);
    let [gap] = gaps(&pieces)[..] else { panic!("{pieces:?}") };
    assert_eq!((gap.sample, gap.missing, gap.exact, gap.cause), (100, 2000, false, Cause::Unplugged));
}

#[test]
fn a_backward_index_and_an_endless_jump_are_no_losses_but_new_epochs() {
    for index in [3, 100_000_000] {
        let mut sequencer = sequencer(None, None);
        let mut pieces = sequencer.take(Reading::Rows(packet(0, 1000, 10)));
        pieces.extend(sequencer.take(Reading::Rows(packet(0, index, 10))));
        assert_eq!(assert_tiled(&pieces), 20);
        assert!(gaps(&pieces).iter().all(|gap| !gap.exact));
    }
}

#[test]
fn the_duration_is_met_to_the_row() {
    let mut sequencer = sequencer(Some(0.25), None);
    let mut rows = 0;
    for block in 0..20 {
        let pieces = sequencer.take(Reading::Rows(packet(0, block * 20, 20)));
        rows += pieces.iter().map(Piece::rows).sum::<u64>();
    }
    assert_eq!(rows, 250);
    assert!(sequencer.is_complete(Stamp::default()));
}

#[test]
fn time_without_a_source_counts_towards_the_duration() {
    let mut sequencer = sequencer(Some(1.0), None);
    sequencer.take(Reading::Rows(packet(0, 0, 100)));
    assert!(
        !sequencer.is_complete(Stamp::default().plus_ns(5_000_000_000)),
        "a silent source is no absent one"
    );
    sequencer.take(Reading::Gone { cause: Cause::Unplugged, sentence: String::new() });
    assert!(!sequencer.is_complete(Stamp::default().plus_ns(900_000_000)));
    assert!(sequencer.is_complete(Stamp::default().plus_ns(1_100_000_000)));
}

#[test]
fn text_lines_of_unknown_rate_are_measured_and_the_filter_follows() {
    let mut sequencer = of(&source(None, true), None, None);
    let mut pieces = Vec::new();
    for index in 0..300_u64 {
        let mut line = packet(0, index, 1);
        line.stamp = Stamp::default().plus_ns(i64::try_from(index).unwrap() * 50_000_000);
        pieces.extend(sequencer.take(Reading::Rows(line)));
    }
    let changes: Vec<_> = pieces
        .iter()
        .filter_map(|piece| if let Piece::Chains(change) = piece { Some(change) } else { None })
        .collect();
    assert_eq!(changes.len(), 2);
    assert_eq!(changes[1].reason, Reason::Rate);
    assert!((200..=202).contains(&changes[1].sample), "10 s at 20 Hz, not row {}", changes[1].sample);
    assert!(
        changes[1]
            .chains
            .iter()
            .all(|chain| (chain.design_rate_hz - 20.0).abs() < 1e-9 || chain.sections.is_empty())
    );
    assert!(changes[1].chains[0].id > changes[0].chains[0].id, "ids are never used again");
    let said = |piece: &Piece| matches!(piece, Piece::Log(_, text) if text.contains("9 Hz"));
    assert!(pieces.iter().any(said), "20 Hz cannot carry EMG above 9 Hz");
}

#[test]
fn segments_end_at_chunk_borders_even_inside_a_gap() {
    let mut sequencer = sequencer(None, Some(1.5));
    let mut pieces = sequencer.take(Reading::Rows(packet(0, 0, 1990)));
    pieces.extend(sequencer.take(Reading::Rows(packet(0, 2030, 2500))));
    assert_eq!(assert_tiled(&pieces), 4530);
    let borders: Vec<u64> = pieces
        .iter()
        .filter_map(|piece| if let Piece::Border(row) = piece { Some(*row) } else { None })
        .collect();
    assert_eq!(borders, [2000, 4000]);
    assert_eq!(gaps(&pieces).iter().map(|gap| gap.missing).collect::<Vec<_>>(), [10, 30]);
}

#[test]
fn truth_is_told_in_rows_of_the_recording() {
    let mut sequencer = sequencer(None, None);
    let truth = |onset, end| Truth { onset, end, channel: 0, expression: "blink".into(), level: 0.5 };
    // The face was looked at for 700 rows before it was recorded.
    let mut pieces = sequencer.take(Reading::Truth(vec![truth(600, 650), truth(690, 800)]));
    pieces.extend(sequencer.take(Reading::Rows(packet(0, 700, 20))));
    pieces.extend(sequencer.take(Reading::Truth(vec![truth(900, 1000)])));
    let told: Vec<_> = pieces
        .iter()
        .filter_map(
            |piece| if let Piece::Truth(truth) = piece { Some((truth.onset, truth.end)) } else { None },
        )
        .collect();
    assert_eq!(told, [(0, 100), (200, 300)]);
}

/// A line of text, read `at_ms` after the start.
fn line(epoch: u32, index: u64, at_ms: u64) -> Packet {
    let elapsed_ns = i64::try_from(at_ms).unwrap() * 1_000_000;
    Packet { stamp: Stamp::default().plus_ns(elapsed_ns), ..packet(epoch, index, 1) }
}

/// Lines `from..to` of an epoch, `step_ms` apart, the first at `at_ms`.
fn lines(
    sequencer: &mut Sequencer,
    epoch: u32,
    (from, to): (u64, u64),
    (at_ms, step_ms): (u64, u64),
) -> Vec<Piece> {
    let reading = |index| Reading::Rows(line(epoch, index, at_ms + (index - from) * step_ms));
    (from..to).flat_map(|index| sequencer.take(reading(index))).collect()
}

fn gone(sequencer: &mut Sequencer) -> Vec<Piece> {
    sequencer.take(Reading::Gone { cause: Cause::Unplugged, sentence: "it went away".into() })
}

fn fits(pieces: &[Piece]) -> Vec<Fit> {
    pieces.iter().filter_map(|piece| if let Piece::Fit(fit) = piece { Some(*fit) } else { None }).collect()
}

fn rates(pieces: &[Piece]) -> Vec<f64> {
    let designed = |piece: &Piece| match piece {
        Piece::Chains(change) if change.reason == Reason::Rate => Some(change.chains[0].design_rate_hz),
        _ => None,
    };
    pieces.iter().filter_map(designed).collect()
}

/// Packets of 20 ms from a source that runs at `real_hz`, read up to 16 ms late.
fn late_packets(sequencer: &mut Sequencer, real_hz: f64, lasting_s: f64) -> Vec<Piece> {
    let rows = (real_hz / 50.0).max(1.0);
    let packets = count(lasting_s * real_hz / rows);
    let reading = |n: u64| {
        let (from, to) = (count(float(n) * rows), count(float(n + 1) * rows));
        let late_ns = i64::try_from(1 + n * 7919 % 16).unwrap() * 1_000_000;
        let stamp = Stamp::default().plus_ns(rows_ns(to, real_hz) + late_ns);
        Reading::Rows(Packet { stamp, ..packet(0, from, index(to - from)) })
    };
    (0..packets).flat_map(|n| sequencer.take(reading(n))).collect()
}

#[test]
fn a_declared_rate_that_is_wrong_is_told_and_filtered_as_it_is() {
    let mut sequencer = of(&source(Some(1000.0), true), None, None);
    let pieces = late_packets(&mut sequencer, 904.0, 61.0);
    let fit = sequencer.fit().unwrap();
    assert!((fit.rate_hz - 904.0).abs() < 1.0, "{fit:?}");
    assert_eq!(rates(&pieces), [904.0], "designed again, once");
    let said = |piece: &Piece| matches!(piece, Piece::Log(2, text) if text.contains("1000 Hz") && text.contains("904"));
    assert_eq!(pieces.iter().filter(|piece| said(piece)).count(), 1);
}

#[test]
fn twenty_lines_a_second_refuse_the_band_of_emg() {
    for declared in [None, Some(20.0), Some(1000.0)] {
        let mut sequencer = of(&source(declared, true), None, None);
        let pieces = late_packets(&mut sequencer, 20.0, 61.0);
        assert!((sequencer.fit().unwrap().rate_hz - 20.0).abs() < 0.1);
        let last = pieces.iter().rev().find_map(|piece| match piece {
            Piece::Chains(change) => Some(change),
            _ => None,
        });
        assert!(last.unwrap().chains.iter().all(|chain| chain.sections.is_empty()), "{declared:?}");
        let said = |piece: &Piece| matches!(piece, Piece::Log(2, text) if text.contains("cannot carry EMG above 9 Hz"));
        assert!(pieces.iter().any(said), "{declared:?}");
    }
}

#[test]
fn lines_are_stored_seldom_and_in_every_segment() {
    let mut sequencer = of(&source(Some(1000.0), true), None, Some(30.0));
    let pieces = late_packets(&mut sequencer, 1000.03, 180.0);
    let fits = fits(&pieces);
    assert!(fits.iter().any(|fit| (fit.drift_ppm - 30.0).abs() < 2.0), "{fits:?}");
    let borders: Vec<u64> = pieces
        .iter()
        .filter_map(|piece| if let Piece::Border(row) = piece { Some(*row) } else { None })
        .collect();
    assert_eq!(borders.len(), 6);
    assert!(fits.len() <= 18 + borders.len(), "{fits:?}");
    let after_border = pieces.windows(2).filter(|two| matches!(two, [Piece::Border(_), Piece::Fit(_)]));
    assert_eq!(after_border.count(), borders.len());
    assert!(fits.is_sorted_by_key(|fit| fit.sample));
}

/// Epoch, row and device index of each block.
fn blocks(pieces: &[Piece]) -> Vec<(u32, u64, u64)> {
    let block = |piece: &Piece| match piece {
        Piece::Rows(rows) => Some((rows.epoch, rows.sample, rows.device_index)),
        _ => None,
    };
    pieces.iter().filter_map(block).collect()
}

#[test]
fn a_line_that_falls_silent_leaves_a_gap_and_its_clock_starts_afresh() {
    for nominal_hz in [None, Some(200.0)] {
        // Whether it ran for twelve seconds before or for half a second, long or short: a silence is a silence.
        for (before, silence_ms) in [(2400, 8000), (100, 8000), (2400, 5200)] {
            let mut sequencer = of(&source(nominal_hz, true), None, None);
            let mut pieces = lines(&mut sequencer, 3, (0, before), (0, 5));
            let back_ms = (before - 1) * 5 + silence_ms;
            pieces.extend(lines(&mut sequencer, 3, (before, before + 2400), (back_ms, 5)));
            assert_eq!(assert_tiled(&pieces), before + 2400, "between epochs nothing is filled");
            let [gap] = gaps(&pieces)[..] else { panic!("{nominal_hz:?} {:?}", gaps(&pieces)) };
            assert_eq!((gap.sample, gap.exact, gap.epoch, gap.cause), (before, false, 4, Cause::Stall));
            // Half a second is too short to know the rate by.
            let missing = if nominal_hz.is_some() || before > 200 { silence_ms / 5 - 1 } else { 0 };
            assert!(gap.missing.abs_diff(missing) <= 1, "{gap:?}");
            let expected = |row| (if row < before { 3 } else { 4 }, row, row);
            assert!(blocks(&pieces).into_iter().eq((0..before + 2400).map(expected)), "the index goes on");
            let fit = sequencer.fit().unwrap();
            let ten_s_on = Stamp::default().plus_ns(i64::try_from(back_ms + 10_000).unwrap() * 1_000_000);
            assert!(fit.row_at(ten_s_on.host_ns).abs_diff(before + 2000) <= 1, "{fit:?}");
            assert!(fits(&pieces).iter().all(|fit| (fit.rate_hz - 200.0).abs() < 0.1));
        }
    }
}

#[test]
fn a_pause_is_no_hole_but_its_clock_starts_afresh() {
    for nominal_hz in [None, Some(200.0)] {
        let mut sequencer = of(&source(nominal_hz, true), None, None);
        let mut pieces = lines(&mut sequencer, 3, (0, 2400), (0, 5));
        let back_ms = 2399 * 5 + 3000;
        pieces.extend(lines(&mut sequencer, 3, (2400, 4800), (back_ms, 5)));
        assert_eq!(assert_tiled(&pieces), 4800);
        assert_eq!(gaps(&pieces), [], "nobody knows that a line was lost");
        let said = |piece: &Piece| matches!(piece, Piece::Log(2, text) if text.contains("paused for 3.0 s"));
        assert_eq!(pieces.iter().filter(|piece| said(piece)).count(), 1);
        let ten_s_on = Stamp::default().plus_ns(i64::try_from(back_ms + 10_000).unwrap() * 1_000_000);
        let fit = sequencer.fit().unwrap();
        assert!(
            fit.row_at(ten_s_on.host_ns).abs_diff(2400 + 2000) <= 1,
            "markers belong to rows after it: {fit:?}"
        );
        assert!(fits(&pieces).iter().all(|fit| (fit.rate_hz - 200.0).abs() < 0.1));
    }
}

#[test]
fn a_slow_line_is_not_cut_up() {
    for nominal_hz in [None, Some(1.0)] {
        let mut sequencer = of(&source(nominal_hz, true), None, None);
        let mut pieces = lines(&mut sequencer, 0, (0, 30), (0, 1000));
        pieces.extend(lines(&mut sequencer, 0, (30, 60), (29_000 + 15_000, 1000)));
        assert_eq!(gaps(&pieces), []);
    }
}

#[test]
fn rows_that_waited_while_the_host_did_not_read_are_no_gap() {
    let mut sequencer = of(&source(None, true), None, None);
    let mut pieces = lines(&mut sequencer, 0, (0, 1000), (0, 5));
    // Eight seconds' worth of lines is read at once.
    let mut late = packet(0, 1000, 1600);
    late.stamp = Stamp::default().plus_ns(13_000_000_000);
    pieces.extend(sequencer.take(Reading::Rows(late)));
    pieces.extend(lines(&mut sequencer, 0, (2600, 2800), (13_005, 5)));
    assert_eq!(gaps(&pieces), []);
}

#[test]
fn a_counter_without_a_jump_is_believed_whatever_the_clock_says() {
    let mut sequencer = sequencer(None, None);
    let mut pieces = sequencer.take(Reading::Rows(packet(0, 0, 100)));
    let mut late = packet(0, 100, 100);
    late.stamp = late.stamp.plus_ns(8_000_000_000);
    pieces.extend(sequencer.take(Reading::Rows(late)));
    assert_eq!(gaps(&pieces), []);
}

#[test]
fn epochs_count_up_whether_the_source_or_the_silence_ends_them() {
    let mut sequencer = of(&source(Some(200.0), true), None, None);
    let mut pieces = lines(&mut sequencer, 0, (0, 400), (0, 5));
    pieces.extend(lines(&mut sequencer, 0, (400, 800), (10_000, 5)));
    pieces.extend(gone(&mut sequencer));
    pieces.extend(lines(&mut sequencer, 1, (0, 400), (20_000, 5)));
    pieces.extend(lines(&mut sequencer, 1, (5, 400), (22_000, 5)));
    let told: Vec<_> = gaps(&pieces).iter().map(|gap| (gap.sample, gap.epoch, gap.cause)).collect();
    assert_eq!(told, [(400, 1, Cause::Stall), (800, 2, Cause::Unplugged), (1200, 3, Cause::Restart)]);
    let mut epochs: Vec<_> = blocks(&pieces).iter().map(|block| block.0).collect();
    epochs.dedup();
    assert_eq!(epochs, [0, 1, 2, 3]);
    let mut epochs: Vec<_> = fits(&pieces).iter().map(|fit| fit.epoch).collect();
    epochs.dedup();
    assert_eq!(epochs, [0, 1, 2, 3]);
    let first_row = |epoch| u64::from(epoch) * 400;
    assert!(
        fits(&pieces)
            .iter()
            .all(|fit| (first_row(fit.epoch)..first_row(fit.epoch + 1)).contains(&fit.sample))
    );
}

#[test]
fn a_rate_is_measured_for_ten_seconds_within_one_epoch() {
    let mut sequencer = of(&source(None, true), None, None);
    let mut pieces = lines(&mut sequencer, 0, (0, 121), (0, 50));
    pieces.extend(gone(&mut sequencer));
    pieces.extend(lines(&mut sequencer, 1, (0, 20), (9_000, 50)));
    let [gap] = gaps(&pieces)[..] else { panic!("{pieces:?}") };
    assert_eq!(gap.missing, 60, "three seconds at the 20 Hz seen before");
    assert_eq!(sequencer.fit(), None, "one second shows no slope");
    pieces.extend(lines(&mut sequencer, 1, (20, 200), (10_000, 50)));
    assert_eq!(rates(&pieces), [0.0; 0], "six seconds here and ten there are not enough");
    pieces.extend(lines(&mut sequencer, 1, (200, 210), (19_000, 50)));
    assert_eq!(rates(&pieces), [20.0]);
    assert!(
        fits(&pieces).iter().all(|fit| (fit.rate_hz - 20.0).abs() < 0.01),
        "never a rate without evidence"
    );
}

#[test]
fn a_loss_does_not_carry_the_recording_past_its_duration() {
    let mut sequencer = sequencer(Some(0.25), None);
    let mut pieces = sequencer.take(Reading::Rows(packet(0, 0, 240)));
    pieces.extend(sequencer.take(Reading::Rows(packet(0, 300, 20))));
    pieces.extend(sequencer.take(Reading::Rows(packet(0, 400, 20))));
    pieces.extend(sequencer.take(Reading::Rows(packet(1, 0, 20))));
    assert_eq!(assert_tiled(&pieces), 250);
    let [gap] = gaps(&pieces)[..] else { panic!("{pieces:?}") };
    assert_eq!((gap.sample, gap.missing, gap.exact), (240, 10, true));
    assert!(sequencer.is_complete(Stamp::default()));
}

#[test]
fn a_silent_line_ends_with_its_duration() {
    for nominal_hz in [None, Some(200.0)] {
        let mut sequencer = of(&source(nominal_hz, true), Some(10.0), None);
        lines(&mut sequencer, 0, (0, 801), (0, 5));
        assert!(!sequencer.is_complete(Stamp::default().plus_ns(9_900_000_000)), "{nominal_hz:?}");
        assert!(sequencer.is_complete(Stamp::default().plus_ns(10_100_000_000)), "{nominal_hz:?}");
    }
}

/// The changes of chains: row, reason, ids brought and ids in force.
fn changes(pieces: &[Piece]) -> Vec<(u64, Reason, Vec<u32>, Vec<u32>)> {
    let change = |piece: &Piece| match piece {
        Piece::Chains(change) => {
            let brought = change.chains.iter().map(|chain| chain.id).collect();
            Some((change.sample, change.reason, brought, change.assignment.clone()))
        }
        _ => None,
    };
    pieces.iter().filter_map(change).collect()
}

fn band(low: f64, high: f64) -> preset::Options {
    preset::Options {
        line_hz: 50.0,
        preset: preset::Preset::Band { low, high },
        ..preset::Options::default()
    }
}

#[test]
fn other_filters_hold_from_the_next_row_on_and_leave_other_kinds_alone() {
    let mut description = source(Some(RATE), false);
    description.channels[1].kind = Kind::Envelope;
    let mut sequencer = of(&description, None, None);
    assert!(sequencer.filter(band(25.0, 400.0)).unwrap().is_empty(), "before the first row it is a wish");
    let mut pieces = sequencer.take(Reading::Rows(packet(0, 0, 20)));
    pieces.extend(sequencer.filter(band(30.0, 300.0)).unwrap());
    pieces.extend(sequencer.take(Reading::Rows(packet(0, 20, 20))));
    let why = sequencer.filter(band(20.0, 900.0)).unwrap_err();
    assert!(why.contains("cannot carry EMG above 450 Hz"), "{why}");
    pieces.extend(sequencer.take(Reading::Rows(packet(0, 40, 20))));
    pieces.extend(sequencer.filter(band(25.0, 400.0)).unwrap());
    assert_eq!(assert_tiled(&pieces), 60);
    let wanted = [
        (0, Reason::Start, vec![0, 1], vec![0, 1]),
        (20, Reason::Change, vec![2], vec![2, 1]),
        (60, Reason::Change, vec![], vec![0, 1]),
    ];
    assert_eq!(changes(&pieces), wanted, "a chain that was there before is that chain again");
}

#[test]
fn filters_that_change_between_two_segments_change_in_the_first_one() {
    let mut sequencer = sequencer(None, Some(1.0));
    let mut pieces = sequencer.take(Reading::Rows(packet(0, 0, 1000)));
    pieces.extend(sequencer.filter(band(30.0, 300.0)).unwrap());
    pieces.extend(sequencer.take(Reading::Rows(packet(0, 1000, 10))));
    assert_eq!(assert_tiled(&pieces), 1010);
    let place = |wanted: fn(&Piece) -> bool| pieces.iter().rposition(wanted).unwrap();
    let border = place(|piece| matches!(piece, Piece::Border(1000)));
    assert!(place(|piece| matches!(piece, Piece::Chains(change) if change.sample == 1000)) < border);
}

proptest! {
    /// Whatever a device counts, rows plus filled gaps are its index range, epoch by epoch.
    #[test]
    fn every_index_is_a_row_or_a_gap(
        steps in prop::collection::vec((0..40_u64, 1..60_usize, prop::bool::weighted(0.1)), 1..40),
    ) {
        let mut sequencer = sequencer(None, Some(0.9));
        let (mut epoch, mut index, mut expected, mut in_epoch) = (0, 0, 0, false);
        let mut pieces = Vec::new();
        for (lost, rows, reopened) in steps {
            if reopened {
                (epoch, index, in_epoch) = (epoch + 1, 0, false);
            }
            index += lost;
            expected += if in_epoch { lost } else { 0 } + wide(rows);
            in_epoch = true;
            pieces.extend(sequencer.take(Reading::Rows(packet(epoch, index, rows))));
            index += wide(rows);
        }
        prop_assert_eq!(assert_tiled(&pieces), expected);
        prop_assert_eq!(sequencer.next_row(), expected);
    }

    /// However a line comes and goes, no row is lost or moved, and every gap begins an epoch of its own.
    #[test]
    fn every_line_is_a_row_in_epochs_that_count_up(
        steps in prop::collection::vec((0..3000_u64, 1..60_usize, prop::bool::weighted(0.1)), 1..40),
        nominal_hz in prop_oneof![Just(None), Just(Some(200.0))],
    ) {
        let mut sequencer = of(&source(nominal_hz, true), None, None);
        let (mut epoch, mut index, mut at_ms, mut expected) = (7, 0, 0, 0);
        let mut pieces = Vec::new();
        for (wait_ms, rows, reopened) in steps {
            if reopened {
                (epoch, index) = (epoch + 1, 0);
            }
            at_ms += wait_ms;
            let stamp = line(epoch, index, at_ms).stamp;
            pieces.extend(sequencer.take(Reading::Rows(Packet { stamp, ..packet(epoch, index, rows) })));
            index += wide(rows);
            expected += wide(rows);
        }
        prop_assert_eq!(assert_tiled(&pieces), expected);
        let mut epochs: Vec<u32> = blocks(&pieces).iter().map(|block| block.0).collect();
        epochs.dedup();
        let borders: Vec<u32> = gaps(&pieces).iter().map(|gap| gap.epoch).collect();
        prop_assert_eq!(&epochs[1..], &borders[..]);
        prop_assert!(epochs.windows(2).all(|pair| pair[1] == pair[0] + 1));
        prop_assert!(fits(&pieces).is_sorted_by_key(|fit| fit.epoch));
    }
}

fn markers(pieces: &[Piece]) -> Vec<(u64, &str)> {
    let mut found = Vec::new();
    for piece in pieces {
        if let Piece::Marker(marker) = piece {
            assert_eq!((marker.origin, marker.uncertainty_us), (Origin::Ttl, 0));
            found.push((marker.sample, marker.label.as_str()));
        }
    }
    found
}

/// `packet` with the first input high from its row `high` on.
fn triggered(epoch: u32, index: u64, rows: usize, high: usize) -> Packet {
    Packet { digital: (0..rows).map(|row| u8::from(row >= high)).collect(), ..packet(epoch, index, rows) }
}

#[test]
fn an_edge_of_an_input_is_a_marker_on_its_row_and_what_was_not_seen_low_is_none() {
    let mut sequencer = sequencer(None, None);
    let mut pieces = Vec::new();
    for (epoch, index, high) in [(0, 500, 7), (0, 520, 20), (0, 550, 0), (0, 570, 20), (1, 0, 0)] {
        pieces.extend(sequencer.take(Reading::Rows(triggered(epoch, index, 20, high))));
    }
    // High at the start of the third packet, behind a gap, and at the first row of the last, behind a reset.
    assert_eq!(markers(&pieces), [(7, "trigger")]);
    let at = |wanted: fn(&Piece) -> bool| pieces.iter().position(wanted).unwrap();
    assert!(at(|piece| matches!(piece, Piece::Rows(_))) < at(|piece| matches!(piece, Piece::Marker(_))));
}

#[test]
fn an_edge_at_a_border_belongs_to_the_segment_of_its_row() {
    let mut sequencer = sequencer(None, Some(1.0));
    let mut pieces = Vec::new();
    for (index, high) in [(0, 600), (600, 400), (1200, 600)] {
        pieces.extend(sequencer.take(Reading::Rows(triggered(0, index, 600, high))));
    }
    let order: Vec<&str> = pieces
        .iter()
        .filter_map(|piece| match piece {
            Piece::Border(1000) => Some("border"),
            Piece::Marker(marker) if marker.sample == 1000 => Some("marker"),
            _ => None,
        })
        .collect();
    assert_eq!(order, ["border", "marker"]);
}

#[test]
fn what_the_board_counted_at_the_end_of_an_epoch_and_nobody_received_is_an_exact_gap_of_that_epoch() {
    let mut sequencer = sequencer(None, None);
    let mut pieces = sequencer.take(Reading::Rows(packet(0, 0, 100)));
    let told = Packet { cause: Cause::Checksum, ..packet(0, 130, 0) };
    pieces.extend(sequencer.take(Reading::Rows(told)));
    let sentence = "the board began again".to_owned();
    pieces.extend(sequencer.take(Reading::Gone { cause: Cause::Restart, sentence }));
    pieces.extend(sequencer.take(Reading::Rows(packet(1, 0, 20))));
    assert_eq!(assert_tiled(&pieces), 150);
    let [tail, between] = gaps(&pieces)[..] else { panic!("{pieces:?}") };
    assert_eq!((tail.sample, tail.missing, tail.exact, tail.cause), (100, 30, true, Cause::Checksum));
    assert_eq!(
        (between.sample, between.exact, between.epoch, between.cause),
        (130, false, 1, Cause::Restart)
    );
}

#[test]
fn rows_lost_before_the_first_that_came_are_counted_from_where_the_board_began() {
    let mut sequencer = sequencer(None, None);
    let mut pieces = sequencer.take(Reading::Rows(packet(0, 0, 0)));
    pieces.extend(sequencer.take(Reading::Rows(packet(0, 30, 20))));
    assert_eq!(assert_tiled(&pieces), 50);
    let [gap] = gaps(&pieces)[..] else { panic!("{pieces:?}") };
    assert_eq!((gap.sample, gap.missing, gap.exact), (0, 30, true));
    assert!(matches!(pieces[0], Piece::Chains(_)));
}
