//! The firmware, unchanged, in a simulated Mega 2560. Here its host is a Python script written from the byte tables
//! alone, so that the firmware and the program can err only each for itself.
//!
//! Time is the board's own throughout: a loaded machine may starve the simulator for seconds. The simulator has eight
//! inputs and sends eleven bits for a byte, one more than the real chip, so its lines carry a tenth less.

use crate::support::{Rig, Station, python};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Another wave on every pin: channel, Hz, amplitude and offset in mV.
const WAVES: [&str; 8] = [
    "0:5:1500:2500",
    "1:11:2000:2500",
    "2:23:800:1200",
    "3:47:2400:2500",
    "4:83:100:700",
    "5:150:1500:2000",
    "6:222:1000:2100",
    "7:333:1000:2500",
];

/// A board with the waves on its pins, as quick as the machine while it samples.
fn board(args: &[&str]) -> Option<Rig> {
    Rig::start(&[&pins(), args].concat())
}

fn pins() -> Vec<&'static str> {
    let waves = WAVES.iter().flat_map(|wave| ["--wave", wave]);
    ["--speed", "0"].into_iter().chain(waves).collect()
}

/// What a host script finds on such a board; its second argument is all waves.
fn found(rig: &Rig, script: &str) -> Option<Value> {
    rig.ask(script, &[&WAVES.join(",")])
}

/// Sets up the board by the commands at the top, lets it run, and accounts for every scan.
const RUN: &str = r#"
board = Board(sys.argv[1])
identity = board.set_up(*LINES)
blocks, status = board.run(SCANS)
kept = {"damaged": board.damaged, "off_by": max(off_by(blocks, identity, sys.argv[2])), "status": status}
"#;

#[test]
fn a_minute_of_eight_channels_at_one_kilohertz_is_whole_and_true() {
    // The trigger rises half a scan before scan 12346 and falls again; light falls on the photodiode, a button is held.
    let edges = ["--edge", "0:12.3455", "--edge", "0:12.3555", "--edge", "1:30.0005", "--edge", "2:40.0005"];
    let Some(rig) = board(&edges) else { return };
    let script = format!(
        "LINES, SCANS = (), 60_000\n{RUN}\n{}",
        r#"
digital = np.concatenate([block.digital for block in blocks])
edges = [[int(at) + 1, int(digital[at] ^ digital[at + 1])] for at in np.flatnonzero(np.diff(digital))]
t_us = np.array([block.t_us for block in blocks])
late_us = t_us - t_us[0] - np.array([block.index - blocks[0].index for block in blocks]) * 1000
done(kept | account(blocks, status) | identity | {"edges": edges, "at_rest": int(digital[0]), "late_us": int(np.ptp(late_us)),
     "full": sum(block.scans == 10 for block in blocks) / len(blocks)})
"#
    );
    let Some(found) = found(&rig, &script) else { return };
    let all = found["all"].as_u64().unwrap();
    assert!(all >= 60_000, "{found}");
    for nothing in ["damaged", "overrun", "board", "on_the_way", "frames_missing", "tail"] {
        assert_eq!(found[nothing], 0, "{nothing}: {found}");
    }
    assert_eq!(found["received"], all, "every scan there is a row");
    assert!(found["off_by"].as_f64().unwrap() < 0.4, "{found}");
    assert_eq!(found["edges"], json!([[12346, 1], [12356, 1], [30001, 2], [40001, 4]]));
    assert_eq!(
        found["at_rest"], 2,
        "an input with nothing on it rests high, a button that nobody holds is 0"
    );
    assert!(found["late_us"].as_u64().unwrap() <= 4, "scans keep their grid: {found}");
    assert!(found["full"].as_f64().unwrap() > 0.99, "{found}");
    assert_eq!((&found["ticks"], &found["clock_hz"]), (&json!(16_000), &json!(16_000_000)));
    assert_eq!((&found["digital"], &found["bits"], &found["baud"]), (&json!(7), &json!(10), &json!(500_000)));
}

#[test]
fn the_sketch_as_the_arduino_ide_builds_it_is_the_same_board() {
    let Some(rig) = Rig::start_with_core(&pins()) else { return };
    let script =
        format!("LINES, SCANS = ('Lide',), 3_000\n{RUN}\ndone(kept | account(blocks, status) | identity)");
    let Some(found) = found(&rig, &script) else { return };
    assert_eq!((&found["received"], &found["damaged"]), (&found["all"], &json!(0)), "{found}");
    assert_eq!((&found["name"], &found["skew"]), (&json!("ide"), &json!(1920)));
    assert!(found["off_by"].as_f64().unwrap() < 0.4, "{found}");
}

#[test]
fn a_line_that_carries_too_little_is_refused_and_one_that_falls_short_counts_its_losses() {
    let Some(rig) = board(&[]) else { return };
    // Seven channels need 11,700 bytes a second of the real line's 11,764, and more than the simulated one carries.
    let script = format!(
        "LINES, SCANS = (), 4_000\n{}\n{}\n{}",
        r#"
slow = Board(sys.argv[1])
slow.identity()
slow.ask("B115200")
slow.set_baud(115_200)
refused = slow.ask("G")
slow.set_up = lambda *lines: (slow.ask("N7"), slow.identify())[1]
Board = lambda path: slow
"#,
        RUN,
        r#"
unflagged = sum(after.seq != (before.seq + 1) & 0xFFFF and not after.flags & DROPPED for before, after in zip(blocks, blocks[1:]))
done(kept | account(blocks, status) | {"refused": refused, "unflagged": unflagged})
"#
    );
    let Some(found) = found(&rig, &script) else { return };
    assert_eq!(found["refused"], json!([4, 12_900]), "eight channels need 12,900 bytes a second");
    for nothing in ["damaged", "overrun", "on_the_way", "unflagged"] {
        assert_eq!(found[nothing], 0, "{nothing}: {found}");
    }
    let number = |name: &str| found[name].as_u64().unwrap();
    assert!(number("board") > 100, "the ring overflows: {found}");
    assert_eq!(number("received") + number("board") + number("tail"), number("all"));
    assert_eq!(number("frames_missing"), found["status"]["dropped"].as_u64().unwrap(), "{found}");
    assert!(found["status"]["most_ring"].as_u64().unwrap() > 85, "{found}");
    assert!(found["off_by"].as_f64().unwrap() < 0.4, "what came is right: {found}");
}

#[test]
fn scans_the_board_has_no_time_for_are_holes_with_a_reason() {
    let Some(rig) = board(&[]) else { return };
    let script = format!(
        "LINES, SCANS = (), 8_000\n{}\n{RUN}\n{}",
        r#"
fast = Board(sys.argv[1])
fast.identity()
fast.ask("B1000000")
fast.set_baud(1_000_000)
fast.set_up = lambda *lines: ([fast.ask(line) for line in ("R4000", "M2")], fast.identify())[1]
Board = lambda path: fast
"#,
        "done(kept | account(blocks, status) | {'words': all(block.flags & WORDS for block in blocks)})"
    );
    let Some(found) = found(&rig, &script) else { return };
    let number = |name: &str| found[name].as_u64().unwrap();
    assert_eq!((number("damaged"), number("board"), number("on_the_way")), (0, 0, 0), "{found}");
    assert!(number("overrun") > 100, "{found}");
    assert_eq!(number("overrun") + number("tail"), found["status"]["unsampled"].as_u64().unwrap());
    assert_eq!(number("received") + number("overrun") + number("tail"), number("all"));
    assert_eq!(found["words"], true);
}

#[test]
fn every_rate_mode_and_number_of_channels_brings_its_waves() {
    let Some(rig) = board(&[]) else { return };
    let script = r#"
board = Board(sys.argv[1])
board.identity()
board.ask("B1000000")
board.set_baud(1_000_000)
tried = []
for rate, channels, mode in [(100, 8, 1), (200, 3, 2), (244, 8, 1), (245, 8, 1), (904, 1, 1), (1024, 7, 1), (2000, 8, 2), (4000, 1, 1), (4000, 8, 1)]:
    assert [board.ask(line) for line in (f"R{rate}", f"N{channels}", f"M{mode}")] == [(0, rate), (0, channels), (0, mode)]
    identity = board.identify()
    blocks, status = board.run(2 * rate)
    found = account(blocks, status)
    hz = identity["clock_hz"] / identity["ticks"]
    fits = [block.scans <= max(rate // 100, 1) for block in blocks]
    tried.append({"what": [rate, channels, mode], "lost": found["all"] - found["received"], "fits": all(fits),
                  "rate_off": abs(hz - rate) / rate, "off_by": max(off_by(blocks, identity, sys.argv[2]))})
done({"tried": tried, "damaged": board.damaged})
"#;
    let Some(found) = found(&rig, script) else { return };
    assert_eq!(found["damaged"], 0);
    for tried in found["tried"].as_array().unwrap() {
        assert_eq!((&tried["lost"], &tried["fits"]), (&json!(0), &json!(true)), "{tried}");
        assert!(tried["rate_off"].as_f64().unwrap() < 2e-4, "{tried}");
        // At 4 kHz the processor is so busy that conversions start late now and then.
        let allowed = if tried["what"] == json!([4000, 8, 1]) { 2.0 } else { 0.5 };
        assert!(tried["off_by"].as_f64().unwrap() < allowed, "{tried}");
    }
}

#[test]
fn a_board_that_was_reset_says_so_and_goes_on_counting() {
    let Some(rig) = board(&["--reset", "1.5007"]) else { return };
    let script = r#"
board = Board(sys.argv[1])
first = board.set_up("Lbench-3")
board.heard.clear()
assert board.ask("G")[0] == DONE
after_reset = board.identity()
before = [Block(frame) for frame in board.heard if frame[0] == DATA]
board.heard.clear()
blocks, status = board.run(500)
done(account(blocks, status) | {"identity": after_reset, "epochs": [first["epoch"], before[-1].epoch, after_reset["epoch"], blocks[0].epoch],
     "index": [before[-1].index, blocks[0].index], "seq_gap": (blocks[0].seq - before[-1].seq) & 0xFFFF})
"#;
    let Some(found) = found(&rig, script) else { return };
    assert_eq!(rig.events("reset").len(), 1);
    assert_eq!(found["epochs"], json!([0, 1, 1, 2]), "+1 at every start, and kept over the reset");
    assert!((1..4).contains(&found["seq_gap"].as_u64().unwrap()), "the sequence goes on: {found}");
    assert!(found["index"][0].as_u64().unwrap() > 1400, "{found}");
    assert_eq!(found["index"][1], 0, "the index starts over");
    let identity = &found["identity"];
    assert_eq!((&identity["name"], &identity["running"]), (&json!("bench-3"), &json!(0)));
    assert_eq!(found["received"], found["all"]);
}

#[test]
fn every_command_is_answered_and_only_good_values_are_taken() {
    let Some(rig) = board(&[]) else { return };
    let script = r#"
board = Board(sys.argv[1])
before = board.identity()
longest = "abcdefghijklmnopqrstuvwxyz-01234"
answers = {line: board.ask(line) for line in
    ["R100", "R4000", "R99", "R4001", "R", "R1k", "R-1", "R99999999999", "R1000", "N1", "N16", "N0", "N17", "N8", "M2", "M3", "M1",
     "S255", "S256", "S0", "B9600", "B2000000", "B", "L" + longest, "L" + longest + "5", "Ltwo words", "L", "Lface 1",
     "Q", "i", "I1", "G1", "X", "\rN7\r", "N8"] if not line.startswith("\r")}
board.say("N7\r\n\n\r\n")
answers["N7 CRLF"] = board.until("CRLF", lambda frame: struct.unpack("<BI", frame[3:]) if frame[2:3] == b"N" else None)
board.ask("N8")
# A line with a byte that is no text is not for the board; the next one is.
board.say("N\xe95\n")
after_noise = board.ask("N8")
answers["16 x 4 kHz"] = (board.ask("R4000"), board.ask("N16"), board.ask("G"))[2]
answers["8 x 4 kHz words"] = (board.ask("N8"), board.ask("M2"), board.ask("G"))[2]
board.ask("R1000"), board.ask("M1"), board.ask("Lmine")
running = {"G": board.ask("G")} | {line: board.ask(line) for line in ("G", "R500", "N2", "M0", "B250000", "Lother", "S3", "Q")} | {"I": board.identify()["running"]}
stopped = board.ask("X")
again = board.ask("X")
done({"answers": answers, "running": running, "stopped": stopped, "again": again, "noise": after_noise, "name": board.identify()["name"], "damaged": board.damaged})
"#;
    let Some(found) = found(&rig, script) else { return };
    let expected = json!({
        "R100": [0, 100], "R4000": [0, 4000], "R99": [2, 4000], "R4001": [2, 4000], "R": [2, 4000], "R1k": [2, 4000],
        "R-1": [2, 4000], "R99999999999": [2, 4000], "R1000": [0, 1000],
        "N1": [0, 1], "N16": [0, 16], "N0": [2, 16], "N17": [2, 16], "N8": [0, 8],
        "M2": [0, 2], "M3": [2, 2], "M1": [0, 1], "S255": [0, 255], "S256": [2, 255], "S0": [0, 0],
        "B9600": [2, 500_000], "B2000000": [2, 500_000], "B": [2, 500_000],
        "Labcdefghijklmnopqrstuvwxyz-01234": [0, 32], "Labcdefghijklmnopqrstuvwxyz-012345": [2, 32],
        "Ltwo words": [2, 32], "L": [0, 0], "Lface 1": [2, 0],
        "Q": [1, 0], "i": [1, 0], "I1": [2, 0], "G1": [2, 12_900], "X": [0, 0],
        "N7 CRLF": [0, 7], "16 x 4 kHz": [2, 90_910], "8 x 4 kHz words": [4, 73_847],
    });
    for (line, answer) in expected.as_object().unwrap() {
        assert_eq!(&found["answers"][line], answer, "{line}");
    }
    assert_eq!(found["answers"].as_object().unwrap().len(), expected.as_object().unwrap().len());
    assert_eq!(found["noise"], json!([0, 8]));
    for line in ["R500", "N2", "M0", "B250000", "Lother", "S3"] {
        assert_eq!(found["running"][line][0], 3, "{line} is for a board that is stopped");
    }
    assert_eq!((&found["running"]["Q"], &found["running"]["I"]), (&json!([1, 0]), &json!(1)));
    assert_eq!((&found["stopped"], &found["name"]), (&found["again"], &json!("mine")));
    assert_eq!(found["damaged"], 0);
}

#[test]
fn a_baud_rate_nobody_follows_is_given_up() {
    let Some(rig) = board(&[]) else { return };
    let script = r#"
board = Board(sys.argv[1])
board.set_up()
followed = []
for baud in (250_000, 1_000_000, 115_200, 500_000):
    answer = board.ask(f"B{baud}")
    board.set_baud(baud)
    followed.append([*answer, board.identify()["baud"]])
clean = board.damaged
board.ask("B250000")
asked = time.monotonic()
heard = None
while heard is None and time.monotonic() - asked < LIMIT_S:
    board.say("I\n")
    heard = next((identity_of(frame)["baud"] for frame in board.listen(0.3) if frame[0] == IDENTITY), None)
done({"followed": followed, "clean": clean, "heard": heard})
"#;
    let Some(found) = found(&rig, script) else { return };
    let each = [250_000, 1_000_000, 115_200, 500_000].map(|baud| json!([0, baud, baud]));
    assert_eq!(found["followed"], json!(each));
    assert_eq!((&found["clean"], &found["heard"]), (&json!(0), &json!(500_000)));
}

#[test]
fn a_beginner_gets_lines_of_numbers() {
    let Some(rig) = board(&[]) else { return };
    let script = r#"
board = Board(sys.argv[1])
identity = board.set_up("M0")
refused = board.ask("G")
assert board.ask("R500")[0] == DONE
board.say("G\n")
text = b""
while text.count(b"\n") < 1502:
    if select.select([board.port], [], [], LIMIT_S)[0]:
        text += os.read(board.port, 1 << 16)
board.rest = text[text.rindex(b"\n") + 1 :]
stopped = board.ask("X")[0]
lines = text.split(b"\n")[1:-1]
table = np.array([[int(cell) for cell in line.split(b",")] for line in lines[1:]])
hz, amplitude, offset = waves(sys.argv[2]).T
at_s = np.arange(len(table))[:, None] / 500 + np.arange(8) * identity["skew"] / identity["clock_hz"]
error = table[:, 1:] + 0.5 - (offset + amplitude * np.sin(2 * np.pi * hz * at_s)) * 1023 / 5000
done({"refused": refused, "header": lines[0].decode(), "shape": table.shape[1], "step_us": np.unique(np.diff(table[:, 0])).tolist(),
      "off_by": error.std(axis=0).max(), "stopped": stopped})
"#;
    let Some(found) = found(&rig, script) else { return };
    assert_eq!(
        found["refused"],
        json!([4, 51_000]),
        "eight channels at 1 kHz are too much text for the line"
    );
    assert_eq!(found["header"], "# micros,v1,v2,v3,v4,v5,v6,v7,v8");
    assert_eq!((&found["shape"], &found["stopped"]), (&json!(9), &json!(0)));
    let steps = found["step_us"].as_array().unwrap();
    assert!(steps.iter().all(|step| (1990..=2010).contains(&step.as_u64().unwrap())), "{steps:?}");
    assert!(found["off_by"].as_f64().unwrap() < 1.0, "{found}");
}

#[test]
fn the_light_tells_a_camera_its_code_from_the_first_sample_on() {
    let Some(rig) = board(&[]) else { return };
    let script = r#"
board = Board(sys.argv[1])
board.set_up("S165")
board.run(14_500)
done({})
"#;
    if found(&rig, script).is_none() {
        return;
    }
    // 165 is 1010 0101. A mark of six tenths of a second, then each bit 0.3 s or 0.1 s of 0.4 s; every ten seconds.
    let mut lit = vec![(0.0, 0.6)];
    for (bit, is_one) in [true, false, true, false, false, true, false, true].into_iter().enumerate() {
        let at = 0.8 + 0.4 * f64::from(u8::try_from(bit).unwrap());
        lit.push((at, if is_one { 0.3 } else { 0.1 }));
    }
    let again: Vec<(f64, f64)> = lit.iter().map(|(at, long)| (at + 10.0, *long)).collect();
    let expected = lit.into_iter().chain(again).flat_map(|(at, long)| [(1, at), (0, at + long)]);
    let seen = rig.events("light");
    for ((on, at), event) in expected.zip(&seen) {
        assert_eq!(event["on"], on, "{event}");
        assert!((event["run_s"].as_f64().unwrap() - at).abs() < 0.002, "expected at {at}: {event}");
    }
    assert_eq!(seen.len(), 36, "{seen:?}");
}

/// What stands in a recording, against the waves that were on the pins.
const RECORDED: &str = r#"
with h5py.File(sys.argv[1], "r") as h5:
    raw = h5["raw/samples"][()].astype(float)
    channels = h5["channels"][()]
    hz, amplitude, offset = np.array([[float(number) for number in wave.split(":")[1:]] for wave in str(sys.argv[2]).split(",")]).T
    starts = [0] + [int(gap["sample"]) for gap in h5["gaps"][()]]
    since_start = np.concatenate([np.arange(end - start) for start, end in zip(starts, starts[1:] + [len(raw)])])
    at_s = since_start[:, None] / h5.attrs["sampling_rate_hz"] + channels["skew_us"] * 1e-6
    error = raw + 0.5 - (offset + amplitude * np.sin(2 * np.pi * hz * at_s)) * 1023 / 5000
    markers = h5["markers"][()]
    done({"rows": len(raw), "rate": float(h5.attrs["sampling_rate_hz"]), "off_by": error.std(axis=0).max(), "mean": np.abs(error.mean(axis=0)).max(),
          "gaps": [[int(gap["sample"]), int(gap["missing"]), int(gap["epoch"]), gap["cause"].decode()] for gap in h5["gaps"][()]],
          "skew_us": channels["skew_us"].tolist(), "filtered": max(deviation(h5)) <= 1,
          "markers": [[int(sample), label.decode(), source.decode()] for sample, label, source in zip(markers["sample"], markers["label"], markers["source"])]})
"#;

/// Records from the board as a user does.
fn recorded(rig: &Rig, query: &str, duration: &str, code: i32) -> (Station, PathBuf) {
    let station = Station::new();
    let source = format!("serial:{}{query}", rig.port().display());
    station.start(&["--source", &source, "--duration", duration]).finish().expect(code);
    let file = station.recordings().remove(0);
    (station, file)
}

#[test]
fn a_minute_of_the_board_is_recorded_row_by_row() {
    let edges = ["--edge", "0:12.3455", "--edge", "0:12.3555", "--edge", "0:59.9985"];
    let Some(rig) = board(&edges) else { return };
    let (station, file) = recorded(&rig, "", "60s", 0);
    let report = station.intact(&file);
    assert_eq!((&report["rows"], &report["gaps"], &report["epochs"]), (&json!(60_000), &json!(0), &json!(1)));
    let Some(found) = python(RECORDED, &[&file, Path::new(&WAVES.join(","))]) else { return };
    assert_eq!(
        (&found["rate"], &found["gaps"], &found["rows"]),
        (&json!(1000.0), &json!([]), &json!(60_000))
    );
    assert!(found["off_by"].as_f64().unwrap() < 0.4 && found["mean"].as_f64().unwrap() < 0.25, "{found}");
    assert_eq!(found["markers"], json!([[12346, "trigger", "ttl"], [59_999, "trigger", "ttl"]]));
    assert_eq!(found["skew_us"][7], 840.0);
    assert_eq!(found["filtered"], true);
}

#[test]
fn a_slower_line_is_asked_for_and_what_it_cannot_carry_is_counted_or_refused() {
    let Some(rig) = board(&[]) else { return };
    let station = Station::new();
    let source = |query: &str| format!("serial:{}?{query}", rig.port().display());
    // Eight channels take 12,900 bytes a second.
    let refused = station.start(&["--source", &source("baud=115200&channels=8")]).finish();
    assert_eq!(refused.code, Some(2), "{refused:?}");
    for word in
        ["take 12900 bytes a second", "115200 baud carries 11520", "`channels=`", "`rate=`", "`baud=`"]
    {
        assert!(refused.stderr.contains(word), "{word}: {refused:?}");
    }
    assert!(station.recordings().is_empty() && station.journals().is_empty());
    let odd = station.start(&["--source", &source("format=myograph&baud=9600")]).finish();
    assert!(odd.stderr.contains("refuses to talk at 9600 baud") && odd.stderr.contains("`baud=`"), "{odd:?}");

    // Seven take 11,700, which the simulated line falls short of by a tenth.
    let (station, file) = recorded(&rig, "?baud=115200&channels=7", "6s", 1);
    let (code, report) = station.verify(&file);
    assert_eq!((code, &report["epochs"]), (1, &json!(1)), "{report:#}");
    let Some(found) = python(COUNTED, &[&file, Path::new(&WAVES.join(","))]) else { return };
    assert_eq!((&found["rows"], &found["causes"]), (&json!(6000), &json!(["board"])), "{found}");
    assert!(found["lost"].as_u64().unwrap() > 100, "{found}");
    assert_eq!(found["filled"], found["lost"], "no loss without a row that says so");
    assert!(found["off_by"].as_f64().unwrap() < 0.4, "what came is right and in its place: {found}");
    assert!(found["board"].as_str().unwrap().ends_with("at 115200 baud"), "{found}");
}

#[test]
fn counters_of_the_firmware_wrap_and_no_row_is_lost_or_moved() {
    let Some(rig) = Rig::start_wrapping(&pins()) else { return };
    let (station, file) = recorded(&rig, "", "10s", 0);
    let report = station.intact(&file);
    assert_eq!((&report["rows"], &report["gaps"], &report["epochs"]), (&json!(10_000), &json!(0), &json!(1)));
    let Some(found) = python(COUNTED, &[&file, Path::new(&WAVES.join(","))]) else { return };
    assert!(found["off_by"].as_f64().unwrap() < 0.4, "{found}");
    let script = r#"
with h5py.File(sys.argv[1], "r") as h5:
    blocks = h5["time/blocks"][()]
    first, last = (int(blocks["device_index"][at]) for at in (0, -1))
    step_us = np.diff(blocks["device_us"].astype(np.int64)) - 1000 * np.diff(blocks["sample"].astype(np.int64))
    done({"first": first, "past": last + int(blocks["count"][-1]) - (1 << 32), "late_us": int(np.abs(step_us).max())})
"#;
    let Some(found) = python(script, &[&file]) else { return };
    assert_eq!((&found["first"], &found["past"]), (&json!(0xFFFF_FFFF_u32 - 1500), &json!(10_000 - 1501)));
    assert!(found["late_us"].as_u64().unwrap() <= 4, "the board's clock goes on over its wrap: {found}");
}

/// Rows that are missing inside one run, and the others against the waves.
const COUNTED: &str = r#"
with h5py.File(sys.argv[1], "r") as h5:
    raw, gaps, channels = h5["raw/samples"][()].astype(float), h5["gaps"][()], h5["channels"][()]
    missing = raw[:, 0] == -32768
    claimed = np.zeros(len(raw), bool)
    for gap in gaps:
        claimed[int(gap["sample"]) : int(gap["sample"] + gap["missing"])] = True
    assert (missing == claimed).all() and (gaps["exact"] == 1).all()
    hz, amplitude, offset = np.array([[float(number) for number in wave.split(":")[1:]] for wave in str(sys.argv[2]).split(",")]).T[:, : raw.shape[1]]
    at_s = np.arange(len(raw))[:, None] / h5.attrs["sampling_rate_hz"] + channels["skew_us"] * 1e-6
    error = (raw + 0.5 - (offset + amplitude * np.sin(2 * np.pi * hz * at_s)) * 1023 / 5000)[~missing]
    done({"rows": len(raw), "lost": int(gaps["missing"].sum()), "filled": int(missing.sum()), "off_by": error.std(axis=0).max(),
          "causes": sorted(set(cause.decode() for cause in gaps["cause"])), "board": h5.attrs["board"].decode()})
"#;

#[test]
fn a_recording_goes_on_after_the_board_was_reset() {
    let Some(rig) = board(&["--reset", "1.5007"]) else { return };
    let (station, file) = recorded(&rig, "", "4s", 1);
    let (_, report) = station.verify(&file);
    assert_eq!((&report["epochs"], &report["gaps"]), (&json!(2), &json!(1)), "{report:#}");
    let Some(found) = python(RECORDED, &[&file, Path::new(&WAVES.join(","))]) else { return };
    let gap = &found["gaps"][0];
    assert_eq!((&gap[2], &gap[3]), (&json!(1), &json!("restart")), "{found}");
    assert!((1480..=1501).contains(&gap[0].as_u64().unwrap()), "{found}");
    assert!(
        found["off_by"].as_f64().unwrap() < 0.4,
        "rows before and after are the waves from their starts: {found}"
    );
}
