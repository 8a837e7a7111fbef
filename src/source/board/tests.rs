//! Stories of a simulated board, heard through the decoder that hears real ones.

use super::*;
use crate::emg::units::{float, wide};
use crate::emg::{Cause, Stamp};
use crate::source::framed::{Decoder, Item, Rows, Tally};

const MS: i64 = 1_000_000;

/// A host: opens the port, says things, listens.
struct Host {
    board: Board,
    decoder: Decoder,
    items: Vec<Item>,
    now_ns: i64,
}

impl Host {
    fn new(options: Options, script: &str) -> Self {
        let script = Script::parse(script, "the fault script").unwrap();
        Self { board: Board::new(options, script), decoder: Decoder::new(), items: Vec::new(), now_ns: 0 }
    }

    fn pattern(script: &str) -> Self {
        Self::new(Options { signal: Signal::Pattern, ..Options::default() }, script)
    }

    /// Booted and started.
    fn started(script: &str) -> Self {
        let mut host = Self::pattern(script);
        host.listen(1000);
        host.say("G");
        host
    }

    fn listen(&mut self, ms: i64) {
        for _ in 0..ms / 10 {
            self.now_ns += 10 * MS;
            let mut bytes = Vec::new();
            self.board.advance(self.now_ns, &mut bytes);
            let stamp = Stamp { host_ns: self.now_ns, utc_ns: self.now_ns };
            self.decoder.push(&bytes, stamp, &mut self.items);
        }
    }

    fn say(&mut self, line: &str) {
        self.board.receive(line.as_bytes());
        self.board.receive(b"\n");
        self.listen(20);
    }

    /// Everything heard so far, after a stop.
    fn stop(mut self) -> Heard {
        self.say("X");
        self.listen(200);
        self.decoder.hang_up(Stamp::default(), &mut self.items);
        Heard { tally: self.decoder.tally(), items: self.items }
    }
}

struct Heard {
    items: Vec<Item>,
    tally: Tally,
}

impl Heard {
    fn rows(&self) -> impl Iterator<Item = &Rows> {
        self.items.iter().filter_map(|item| if let Item::Rows(rows) = item { Some(rows) } else { None })
    }

    fn identities(&self) -> Vec<&Identity> {
        self.items
            .iter()
            .filter_map(|item| if let Item::Identity(identity) = item { Some(identity) } else { None })
            .collect()
    }

    fn holes(&self) -> Vec<(u64, Cause)> {
        let hole = |item: &Item| match item {
            Item::Rows(rows) if rows.lost > 0 => Some((rows.lost, rows.cause)),
            Item::Lost(lost) => Some((lost.rows, lost.cause)),
            _ => None,
        };
        self.items.iter().filter_map(hole).collect()
    }

    /// Every row holds the pattern at its index, and within a run no row is unaccounted for. Returns the rows of
    /// each run, lost ones counted.
    fn check(&self, first: u64) -> Vec<u64> {
        let mut ends: Vec<u64> = Vec::new();
        for rows in self.rows() {
            if ends.len() <= rows.run as usize {
                assert_eq!(rows.index - rows.lost, first, "a run that begins elsewhere");
                ends.push(first);
            }
            let end = ends.last_mut().unwrap();
            assert_eq!(*end + rows.lost, rows.index, "rows without a number");
            *end = rows.index + wide(rows.rows());
            for (row, index) in rows.samples.chunks(rows.channels).zip(rows.index..) {
                assert!(
                    (0..rows.channels).all(|channel| row[channel] == pattern(index, channel)),
                    "row {index}"
                );
            }
        }
        for item in &self.items {
            if let Item::Lost(lost) = item {
                ends[lost.run as usize] += lost.rows;
            }
        }
        ends.iter().map(|end| end - first).collect()
    }
}

#[test]
fn a_board_without_faults_sends_every_row() {
    let mut host = Host::started("");
    host.listen(10_000);
    let heard = host.stop();
    let runs = heard.check(0);
    assert!(runs.len() == 1 && (10_000..10_100).contains(&runs[0]), "{runs:?}");
    assert_eq!((heard.holes(), heard.tally.refused), (vec![], 0));
    let identity = heard.identities()[0];
    assert!((identity.rate_hz() - 1000.0).abs() < 1e-9 && !identity.running && identity.board == 2);
    assert!((identity.skew_us(7) - 392.0).abs() < 1e-9, "{}", identity.skew_us(7));
    let states = heard.items.iter().filter(|item| matches!(item, Item::Status(_))).count();
    assert!((10..=12).contains(&states), "{states} statuses");
}

#[test]
fn a_face_moves_on_the_electrodes() {
    let mut host = Host::new(Options::default(), "");
    host.listen(1000);
    host.say("G");
    host.listen(2000);
    let heard = host.stop();
    let values: Vec<i16> = heard.rows().flat_map(|rows| rows.samples.iter().copied()).collect();
    assert!(values.iter().all(|value| (0..=1023).contains(value)));
    let mean = values.iter().map(|value| f64::from(*value)).sum::<f64>() / float(wide(values.len()));
    assert!((mean - 512.0).abs() < 60.0, "{mean}");
    assert!(values.iter().any(|value| *value != values[0]));
}

#[test]
fn commands_are_answered_and_only_two_are_taken_while_it_runs() {
    let mut host = Host::pattern("boot_s = 0");
    host.listen(10);
    for line in ["R2000", "N4", "M2", "Lleft cheek", "S5", "R2", "N17", "M3", "B1234", "Q", "G", "R1000", "I"]
    {
        host.say(line);
    }
    host.listen(100);
    let heard = host.stop();
    let acks: Vec<(char, Outcome, u32)> = heard
        .items
        .iter()
        .filter_map(|item| {
            if let Item::Ack(ack) = item {
                Some((char::from(ack.command), ack.outcome, ack.value))
            } else {
                None
            }
        })
        .collect();
    let expected = [
        ('R', Outcome::Done, 2000),
        ('N', Outcome::Done, 4),
        ('M', Outcome::Done, 2),
        ('L', Outcome::Done, 10),
        ('S', Outcome::Done, 5),
        ('R', Outcome::OutOfRange, 2000),
        ('N', Outcome::OutOfRange, 4),
        ('M', Outcome::OutOfRange, 2),
        ('B', Outcome::OutOfRange, 500_000),
        ('Q', Outcome::Unknown, 0),
        ('G', Outcome::Done, 0),
        ('R', Outcome::Running, 0),
        ('X', Outcome::Done, 0),
    ];
    assert_eq!(acks, expected);
    let identity = *heard.identities().last().unwrap();
    assert!(identity.running && identity.name == "left cheek" && identity.mode == Mode::Wide);
    assert!(heard.rows().all(|rows| rows.channels == 4));
    heard.check(0);
}

#[test]
fn noise_on_the_line_costs_rows_but_never_makes_wrong_ones() {
    let mut host = Host::started("[noise]\ndrop = 2e-4\nflip = 2e-4\nrepeat = 5e-5");
    host.listen(60_000);
    let heard = host.stop();
    let runs = heard.check(0);
    assert!(runs.len() == 1 && (60_000..60_100).contains(&runs[0]), "{runs:?}");
    assert!(heard.tally.lost > 1000 && heard.tally.duplicates > 0, "{:?}", heard.tally);
    assert!(heard.holes().iter().all(|(_, cause)| *cause == Cause::Checksum), "{:?}", heard.holes());
}

#[test]
fn each_fault_of_the_script_has_its_own_trace() {
    let one = |fault: &str| {
        let mut host = Host::started(&format!("[[fault]]\nat_s = 1.0\n{fault}"));
        host.listen(3000);
        let heard = host.stop();
        heard.check(0);
        (heard.holes(), heard.tally.duplicates)
    };
    assert_eq!(one("kind = \"overrun\"\nfor_s = 0.0255"), (vec![(26, Cause::Overrun)], 0));
    assert_eq!(one("kind = \"choke\"\nfor_s = 0.05"), (vec![(50, Cause::Board)], 0));
    assert_eq!(one("kind = \"stall\"\nfor_s = 0.5"), (vec![], 0));
    assert_eq!(one("kind = \"flip\""), (vec![(10, Cause::Checksum)], 0));
    assert_eq!(one("kind = \"drop\"\nbytes = 2"), (vec![(10, Cause::Checksum)], 0));
    let (holes, duplicates) = one("kind = \"repeat\"\nbytes = 400");
    assert!(holes.is_empty() && duplicates >= 2, "{holes:?}, {duplicates} duplicates");
}

#[test]
fn a_line_too_slow_for_its_rows_loses_them_with_the_board_s_word_for_it() {
    let mut host = Host::pattern("");
    host.listen(1000);
    host.say("B115200");
    host.say("I");
    host.say("G");
    host.listen(10_000);
    let heard = host.stop();
    let runs = heard.check(0);
    assert!((10_000..10_100).contains(&runs[0]), "{runs:?}");
    assert!(heard.tally.lost > 300 && heard.holes().iter().all(|(_, cause)| *cause == Cause::Board));
}

#[test]
fn counters_wrap_unseen() {
    let counters = "[counters]\nepoch = 254\nseq = 65500\nindex = 4294966000\nt_us = 4294000000";
    let mut host = Host::started(&format!("{counters}\n[[fault]]\nkind = \"reset\"\nat_s = 3.0"));
    host.listen(5000);
    host.say("G");
    host.listen(3000);
    let heard = host.stop();
    let runs = heard.check(4_294_966_000);
    assert!(runs.len() == 2 && runs[0] >= 2980 && runs[1] >= 3000, "{runs:?}");
    let epochs: Vec<u8> = heard.rows().map(|rows| rows.board_epoch).collect();
    assert_eq!((epochs[0], epochs[epochs.len() - 1]), (255, 0));
    let mut times: Vec<(u32, u64)> = heard.rows().map(|rows| (rows.run, rows.t_us)).collect();
    let sorted = times.clone();
    times.sort_unstable();
    assert_eq!(times, sorted);
    assert_eq!(heard.holes(), []);
}

#[test]
fn a_reset_board_introduces_itself_and_waits() {
    let mut host = Host::started("boot_s = 0.5\n[[fault]]\nkind = \"reset\"\nat_s = 2.0");
    host.listen(3000);
    host.say("G");
    host.listen(1000);
    let heard = host.stop();
    let identities = heard.identities();
    assert_eq!((identities.len(), identities[0].reset_cause, identities[1].reset_cause), (2, 1, 2));
    assert_eq!(identities[1].epoch, identities[0].epoch + 1, "kept over the reset");
    assert_eq!(heard.check(0).len(), 2);
}

#[test]
fn an_unplugged_board_is_gone_and_comes_back_without_its_counters() {
    let mut host = Host::started("[[fault]]\nkind = \"unplug\"\nat_s = 2.0\nfor_s = 2.0");
    host.listen(2500);
    assert!(!host.board.is_plugged());
    host.decoder.hang_up(Stamp::default(), &mut host.items);
    host.board.opened();
    host.listen(1600);
    assert!(host.board.is_plugged());
    host.board.opened();
    host.listen(1000);
    host.say("G");
    host.listen(2000);
    let heard = host.stop();
    assert_eq!(heard.check(0).len(), 2);
}

#[test]
fn inputs_are_latched_with_the_rows_they_belong_to() {
    let inputs = "clock_ppm = 500\n[[input]]\npin = \"trigger\"\nat_s = 0.5\nfor_s = 0.02\nevery_s = 1.0\n\
                  [[input]]\npin = \"button\"\nat_s = 1.0\nfor_s = 0.3";
    let mut host = Host::started(inputs);
    host.listen(4000);
    let heard = host.stop();
    let digital: Vec<u8> = heard.rows().flat_map(|rows| rows.digital.iter().copied()).collect();
    for (row, byte) in (0_u64..).zip(&digital) {
        let trigger = row >= 500 && (row - 500) % 1000 < 20;
        let button = (1000..1300).contains(&row);
        assert_eq!(*byte, u8::from(trigger) | u8::from(button) << 2, "row {row}");
    }
    // 500 ppm too fast: two rows more in four seconds than a true clock would give.
    let span: Vec<&Rows> = heard.rows().collect();
    let (first, last) = (span[10], span[span.len() - 10]);
    let rate = float(last.index - first.index) / float_ns(last.stamp.host_ns - first.stamp.host_ns) * 1e9;
    assert!((rate - 1000.5).abs() < 3.0, "{rate}");
}

fn float_ns(ns: i64) -> f64 {
    crate::emg::units::float_ns(ns)
}

#[test]
fn the_wrong_baud_is_garbage_and_the_right_one_is_not() {
    let mut host = Host::pattern("boot_s = 0");
    host.board.set_host_baud(Some(250_000));
    host.listen(100);
    host.say("I");
    assert_eq!(host.decoder.tally().frames, 0);
    host.board.set_host_baud(Some(500_000));
    host.say("I");
    assert_eq!(host.decoder.tally().frames, 1);
    // A baud that nobody follows up falls back.
    host.say("B250000");
    assert_eq!(host.decoder.tally().frames, 2, "the answer comes at the old baud");
    host.say("I");
    assert_eq!(host.decoder.tally().frames, 2);
    host.listen(2100);
    host.say("I");
    assert_eq!(host.decoder.tally().frames, 3);
}

#[test]
fn the_text_mode_is_text_and_a_frame_can_follow_it() {
    let mut host = Host::pattern("boot_s = 0");
    host.listen(10);
    host.say("M0");
    host.say("G");
    host.listen(1000);
    let heard = host.stop();
    let text: String = heard
        .items
        .iter()
        .filter_map(|item| if let Item::Text(text) = item { Some(text.as_str()) } else { None })
        .collect();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "# micros,v1,v2,v3,v4,v5,v6,v7,v8");
    assert!(lines.len() > 900 && lines[1..].iter().all(|line| line.split(',').count() == 9));
    assert!(heard.items.iter().any(|item| matches!(item, Item::Ack(ack) if ack.command == b'X')));
    assert_eq!(heard.tally.refused, 0);
}

#[test]
fn the_sample_in_the_documentation_is_a_script() {
    let source = include_str!("../board.rs");
    let sample: String = source
        .lines()
        .skip_while(|line| *line != "//! ```toml")
        .skip(1)
        .take_while(|line| *line != "//! ```")
        .map(|line| line.trim_start_matches("//!").trim_start().to_owned() + "\n")
        .collect();
    let script = Script::parse(&sample, "the sample").unwrap();
    assert_eq!((script.counters.index, script.inputs(1.02), script.inputs(1.06)), (4_294_960_000, 1, 0));
    assert_eq!(script.between(&(1.9..2.1)).len(), 1);
    assert_eq!(script.between(&(2.9..3.1)).len(), 1, "again and again");
}

#[test]
fn a_mistake_in_a_script_is_named_with_its_line() {
    for (text, words) in [
        ("clock_pmm = 1", "line 1: unknown field `clock_pmm`"),
        ("\n[[fault]]\nkind = \"drop\"", "missing field `at_s`"),
        ("\n[[fault]]\nkind = \"stall\"\nat_s = 1", "line 2: this kind of fault needs `for_s`"),
        ("[[fault]]\nkind = \"reset\"\nat_s = 1\nbytes = 2", "this kind of fault has no `bytes`"),
        ("[[fault]]\nkind = \"smoke\"\nat_s = 1", "line 2: unknown variant `smoke`"),
        ("[[input]]\npin = \"trigger\"\nat_s = -1\nfor_s = 1", "`at_s` is -1 and must lie between"),
        ("[noise]\ndrop = 2", "`drop` is 2 and must lie between 0 and 0.1"),
    ] {
        let said = Script::parse(text, "the fault script x.toml").unwrap_err().to_string();
        assert!(
            said.starts_with("the fault script x.toml cannot be opened: ") && said.contains(words),
            "{said}"
        );
    }
}

proptest::proptest! {
    #[test]
    fn no_host_makes_it_panic(lines in proptest::collection::vec("[IGXRNMBLS]?[0-9 a-z]{0,7}\r?\n", 0..20), text in "[ -~\n]{0,60}") {
        let _ = Script::parse(&text, "the script");
        let mut host = Host::pattern("boot_s = 0\n[[fault]]\nkind = \"unplug\"\nat_s = 0.1\nfor_s = 0.1");
        for line in lines {
            host.board.receive(line.as_bytes());
            host.listen(30);
        }
    }
}
