//! A board of ours on a cable that fails in every way a scenario names: what arrives is right and in its place, what
//! does not is counted, and says why.

use crate::support::{Ran, Recorder, Simulated, Station, python};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// What h5py finds: wrong values against the board's pattern, the accounting per epoch, losses by cause, markers
/// against the edges in the stored inputs.
const ACCOUNT: &str = r#"
def pattern(index, channels):
    with np.errstate(over="ignore"):
        mixed = index[:, None].astype(np.uint64) * np.uint64(131) + np.arange(channels, dtype=np.uint64)
        return ((mixed * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(48)).astype(np.int64) & 0x3FF

with h5py.File(sys.argv[1], "r") as h5:
    raw, digital, gaps = h5["raw/samples"][()], h5["raw/digital"][()], h5["gaps"][()]
    blocks, markers = h5["time/blocks"][()], h5["markers"][()]
    missing = np.zeros(len(raw), bool)
    for gap in gaps[gaps["exact"] == 1]:
        missing[int(gap["sample"]) : int(gap["sample"] + gap["missing"])] = True
    epochs, wrong, edges, rows = [], 0, [], 0
    for epoch in sorted(set(blocks["epoch"].tolist())):
        own = blocks[blocks["epoch"] == epoch]
        holes = gaps[(gaps["epoch"] == epoch) & (gaps["exact"] == 1)]
        spans = [(int(b["sample"]), int(b["sample"] + b["count"])) for b in own]
        spans += [(int(g["sample"]), int(g["sample"] + g["missing"])) for g in holes]
        spans.sort()
        assert all(a[1] == b[0] for a, b in zip(spans, spans[1:])), "rows of an epoch that nothing accounts for"
        start, end = spans[0][0], spans[-1][1]
        offset = own["device_index"].astype(np.int64) - own["sample"].astype(np.int64)
        assert len(set(offset.tolist())) == 1, "the device's index does not say where rows stand"
        index = np.arange(start, end) + int(offset[0])
        assert end - start == int(index[-1]) - int(index[0]) + 1
        assert start == rows, "rows between epochs"
        rows = end
        there = ~missing[start:end]
        values = pattern(index, raw.shape[1])
        wrong += int((raw[start:end][there] != values[there]).any(axis=1).sum())
        for row in np.flatnonzero(there[1:] & there[:-1]) + start + 1:
            rising = int(digital[row]) & ~int(digital[row - 1])
            edges += [[int(row), name] for bit, name in enumerate(("trigger", "photodiode", "button")) if rising >> bit & 1]
        epochs.append([int(index[0]), end - start])
    lost = {}
    for gap in gaps:
        cause = gap["cause"].decode() + ("" if gap["exact"] else " between")
        lost[cause] = lost.get(cause, 0) + int(gap["missing"])
    ttl = [[int(m["sample"]), m["label"].decode()] for m in markers if m["source"].decode() == "ttl"]
    clean = h5["clean/samples"][()]
    clock = np.diff(blocks["device_us"].astype(np.int64)) / np.maximum(np.diff(blocks["sample"].astype(np.int64)), 1)
    done({
        "rows": len(raw), "accounted": rows, "epochs": epochs, "wrong": wrong, "lost": lost,
        "filled": int(missing.sum()),
        "missing": bool((raw[missing] == -32768).all() and np.isnan(clean[missing]).all()),
        "clean": bool(np.isfinite(clean[~missing]).all()), "filtered": max(deviation(h5)) <= 1,
        "digital": [len(digital) == len(raw), int(digital[missing].max(initial=0))],
        "edges": edges, "ttl": ttl, "uncertain": int(markers["uncertainty_us"].max(initial=0)),
        "ids": markers["id"].tolist() == list(range(1, len(markers) + 1)),
        "log": words(h5["log"][()], "text"),
        "board": h5.attrs["board"].decode(),
        "rate": float(h5.attrs["sampling_rate_hz"]),
        "channels": [[c["name"].decode(), int(c["adc_bits"]), float(c["reference_v"]), float(c["skew_us"])] for c in h5["channels"][()]],
        "us_per_row": float(np.median(clock)) if len(clock) else 0,
    })
"#;

/// A recording of a simulated board.
struct Played {
    station: Station,
    file: PathBuf,
    ran: Ran,
}

fn scenario(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios").join(name).with_extension("toml")
}

/// Records so much of a scenario, with more of the source's query.
fn played(name: &str, duration: &str, query: &str) -> Played {
    let station = Station::new();
    let board = Simulated::new(&station, &["--faults", scenario(name).to_str().unwrap(), "--name", "lab-1"]);
    let ran = station.start(&["--source", &board.uri(query), "--duration", duration]).finish();
    let file = station.recordings().pop().unwrap_or_else(|| panic!("nothing was recorded: {ran:?}"));
    Played { station, file, ran }
}

impl Played {
    /// What h5py finds, once everything that must hold for every scenario does; None without Python.
    #[track_caller]
    fn account(&self) -> Option<Value> {
        let found = python(ACCOUNT, &[&self.file])?;
        assert_eq!(found["wrong"], 0, "rows with another value than the board sent: {found:#}");
        assert_eq!(found["accounted"], found["rows"], "{found:#}");
        for held in ["missing", "clean", "filtered", "ids"] {
            assert_eq!(found[held], true, "{held}: {found:#}");
        }
        assert_eq!(found["digital"], json!([true, 0]), "a byte for each row, 0 where it is lost");
        assert_eq!(found["uncertain"], 0);
        Some(found)
    }

    /// The account of a scenario that lost nothing.
    #[track_caller]
    fn whole(&self) -> Option<Value> {
        assert_eq!(self.ran.code, Some(0), "{:?}", self.ran);
        self.station.intact(&self.file);
        let found = self.account()?;
        assert_eq!(found["lost"], json!({}));
        Some(found)
    }

    /// The account of a scenario that lost rows for these reasons and no others, and is true to what is left.
    #[track_caller]
    fn lossy(&self, causes: &[&str]) -> Option<Value> {
        assert_eq!(self.ran.code, Some(1), "{:?}", self.ran);
        let (code, report) = self.station.verify(&self.file);
        assert_eq!(code, 1, "{report:#}");
        let found = self.account()?;
        let mut named: Vec<&String> = found["lost"].as_object().unwrap().keys().collect();
        named.sort();
        assert_eq!(named, causes, "{found:#}");
        Some(found)
    }
}

#[test]
fn a_board_is_described_by_itself_and_every_edge_is_a_marker_on_its_row() {
    let played = played("calm", "5s", "");
    let Some(found) = played.whole() else { return };
    assert_eq!((&found["rows"], &found["epochs"]), (&json!(5000), &json!([[0, 5000]])));
    assert_eq!((&found["rate"], found["channels"].as_array().unwrap().len()), (&json!(1000.0), 8));
    assert_eq!(found["channels"][3][0], "A3");
    assert_eq!((&found["channels"][3][1], &found["channels"][3][2]), (&json!(10), &json!(5.0)));
    assert!(found["channels"][3][3].as_f64().unwrap() > 3.0 * 50.0, "{}", found["channels"][3]);
    let wanted = json!([
        [500, "trigger"],
        [750, "photodiode"],
        [1200, "button"],
        [1500, "trigger"],
        [1750, "photodiode"],
        [2500, "trigger"],
        [2750, "photodiode"],
        [3500, "trigger"],
        [3750, "photodiode"],
        [4500, "trigger"],
        [4750, "photodiode"],
    ]);
    assert_eq!((&found["ttl"], &found["edges"]), (&wanted, &wanted));
    let board = found["board"].as_str().unwrap();
    assert!(board.starts_with("simulated board `lab-1`, firmware 0.1, on "), "{board}");

    // Replayed, the same inputs make the same markers.
    let replayed = played.station.record(&format!("replay:{}?speed=max", played.file.display()), &[]);
    played.station.intact(&replayed);
    let again = python(ACCOUNT, &[&replayed]).unwrap();
    assert_eq!((&again["ttl"], &again["wrong"], &again["rows"]), (&wanted, &json!(0), &json!(5000)));
}

#[test]
fn rate_and_channels_are_set_as_asked() {
    let played = played("calm", "2s", "format=myograph&rate=2000&channels=4");
    let Some(found) = played.whole() else { return };
    assert_eq!((&found["rows"], &found["rate"]), (&json!(4000), &json!(2000.0)));
    assert_eq!(found["channels"].as_array().unwrap().len(), 4);
    assert_eq!(
        found["ttl"],
        json!([
            [1000, "trigger"],
            [1500, "photodiode"],
            [2400, "button"],
            [3000, "trigger"],
            [3500, "photodiode"]
        ])
    );
}

#[test]
fn lost_bytes_cost_the_frames_they_hit() {
    for (name, causes) in [("dropped", ["checksum"]), ("flipped", ["checksum"])] {
        let played = played(name, "4s", "");
        let Some(found) = played.lossy(&causes) else { continue };
        assert_eq!(found["epochs"], json!([[0, 4000]]));
        let filled = found["filled"].as_u64().unwrap();
        assert!(filled.is_multiple_of(10) && (100..1500).contains(&filled), "{name}: {filled} rows");
        let uri = format!("replay:{}?speed=max", played.file.display());
        played.station.start(&["--source", &uri]).finish().expect(1);
        let replayed = played.station.recordings().pop().unwrap();
        assert_ne!(replayed, played.file);
        let again = python(ACCOUNT, &[&replayed]).unwrap();
        assert_eq!((&again["lost"], &again["epochs"]), (&found["lost"], &found["epochs"]), "replayed");
    }
}

#[test]
fn bytes_that_come_twice_and_bytes_that_come_late_cost_no_more_than_what_they_damage() {
    let repeated = played("repeated", "4s", "");
    if let Some(found) = repeated.account() {
        assert_eq!(found["epochs"], json!([[0, 4000]]));
        let lost = found["lost"].as_object().unwrap();
        assert!(lost.keys().all(|cause| cause == "checksum"), "{lost:?}");
    }
    assert_eq!(played("stalled", "4s", "").whole().map_or(json!(4000), |found| found["rows"].clone()), 4000);
}

#[test]
fn a_reset_in_the_middle_is_answered_and_begins_a_new_epoch() {
    let played = played("reset", "5s", "rate=2000&channels=4");
    let Some(found) = played.lossy(&["restart between"]) else { return };
    assert_eq!(found["epochs"].as_array().unwrap().len(), 2, "{}", found["epochs"]);
    assert_eq!(found["epochs"][1][0], 0, "the second run is complete from its first row");
    assert_eq!(found["channels"].as_array().unwrap().len(), 4, "what a reset forgot was set again");
    let log = found["log"].to_string();
    assert!(log.contains("the board was reset") && log.contains("is back after"), "{log}");
}

#[test]
fn a_reset_to_another_baud_rate_is_noticed_by_its_silence_and_the_board_brought_back() {
    let away = played("reset", "5s", "baud=250000").ran;
    assert_eq!(away.code, Some(1), "{away:?}");
    assert!(away.stdout.contains("was away when the duration was over"), "{away:?}");

    let played = played("reset", "20s", "baud=250000");
    // What a board says after a reset is garbage at the rate it was told to go on at.
    let Some(found) = played.lossy(&["stall between"]) else { return };
    assert_eq!(
        (found["epochs"].as_array().unwrap().len(), &found["epochs"][1][0]),
        (2, &json!(0)),
        "{found:#}"
    );
    assert!(found["board"].as_str().unwrap().ends_with("at 250000 baud"), "{}", found["board"]);
    let log = found["log"].to_string();
    assert!(log.contains("it is opened again") && log.contains("is back after"), "{log}");
}

#[test]
fn a_board_that_is_unplugged_and_returns_goes_on_in_the_same_recording() {
    let played = played("unplugged", "6s", "");
    let Some(found) = played.lossy(&["unplugged between"]) else { return };
    assert_eq!(found["epochs"].as_array().unwrap().len(), 2, "{}", found["epochs"]);
    assert_eq!((&found["epochs"][0][0], &found["epochs"][1][0]), (&json!(0), &json!(0)));
    let log = found["log"].to_string();
    assert!(log.contains("went away") && log.contains("is back after"), "{log}");
}

#[test]
fn a_fast_clock_loses_nothing_and_keeps_its_own_time() {
    let played = played("fast_clock", "4s", "");
    let Some(found) = played.whole() else { return };
    assert_eq!((&found["rows"], &found["rate"]), (&json!(4000), &json!(1000.0)));
    assert_eq!(found["us_per_row"], 1000.0, "by the board's own clock its rate is what it says");
}

#[test]
fn losses_on_the_board_are_told_from_losses_on_the_way() {
    let overrun = played("overrun", "4s", "");
    if let Some(found) = overrun.lossy(&["overrun"]) {
        assert_eq!(found["lost"]["overrun"], 3 * 17);
    }
    let choked = played("choked", "4s", "");
    if let Some(found) = choked.lossy(&["board"]) {
        assert!(found["lost"]["board"].as_u64().unwrap() >= 2 * 240, "{}", found["lost"]);
    }
}

#[test]
fn counters_that_wrap_lose_nothing_but_what_the_line_lost() {
    let played = played("wrapping", "6s", "");
    let Some(found) = played.lossy(&["checksum", "restart between"]) else { return };
    let epochs = found["epochs"].as_array().unwrap();
    assert_eq!(epochs.len(), 2, "{epochs:?}");
    let past: u64 = epochs[0][0].as_u64().unwrap() + epochs[0][1].as_u64().unwrap();
    assert!(past > 1 << 32, "the index went on past 32 bits: {past}");
}

#[test]
fn a_chattering_input_does_not_flood_the_file() {
    let played = played("chattering", "4s", "");
    let Some(found) = played.whole() else { return };
    assert_eq!(found["ttl"], json!([[500, "trigger"]]));
    assert!(found["edges"].as_array().unwrap().len() > 1700);
    let said = found["log"].to_string();
    let left_out = said.split("made no marker (").skip(1).map(|rest| rest.split(' ').next().unwrap());
    let left_out: usize = left_out.map(|count| count.parse::<usize>().unwrap()).sum();
    assert_eq!(left_out + 1, found["edges"].as_array().unwrap().len(), "the last ones are said too: {said}");
}

#[test]
fn a_recording_that_is_stopped_leaves_the_board_stopped_and_a_killed_one_is_recovered_with_its_markers() {
    let station = Station::new();
    let board = Simulated::new(&station, &["--faults", scenario("calm").to_str().unwrap()]);
    let recorder: Recorder = station.start(&["--source", &board.uri("")]);
    station.wait_rows(2000);
    recorder.kill();
    let journal = station.journal();
    station.run(&["recover", journal.to_str().unwrap()]);
    let file = station.recordings().remove(0);
    if let Some(found) = python(ACCOUNT, &[&file]) {
        assert_eq!((&found["wrong"], &found["lost"]), (&json!(0), &json!({})));
        assert_eq!(found["ttl"], found["edges"]);
        assert!(found["ttl"].as_array().unwrap().len() >= 3, "{}", found["ttl"]);
    }
    // The board runs on, and is stopped, set and started again.
    let again = station.start(&["--source", &board.uri("")]);
    station.wait_rows(500);
    again.signal(Signal::INT);
    again.finish().expect(0);
}
