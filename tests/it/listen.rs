//! Stimulus machines on TCP: markers land where their own clocks say, and nobody without a token is heard.

use crate::support::{Dashboard, Recorder, Station, python};
use myograph::session::Answer;
use myograph::session::command::Action;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;

/// A port nobody listens on.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A recorder that listens, and its port.
fn listening(station: &Station, environment: &[(&str, &str)]) -> (Recorder, u16) {
    let ready = begun(station, &[], environment);
    station.wait_rows(500);
    ready
}

fn begun(station: &Station, more: &[&str], environment: &[(&str, &str)]) -> (Recorder, u16) {
    let port = free_port();
    let port_word = port.to_string();
    let args = [&["--source", "sim:?seed=7", "--listen", &port_word], more].concat();
    let recorder = station.start_with(&args, environment);
    recorder.wait_said("stimulus machines reach this station on");
    (recorder, port)
}

fn end(station: &Station, recorder: Recorder) -> std::path::PathBuf {
    station.run(&["stop"]).expect(0);
    recorder.finish().expect(0);
    station.recordings().remove(0)
}

struct Sender {
    lines: BufReader<TcpStream>,
}

impl Sender {
    fn new(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(crate::support::limit())).unwrap();
        Self { lines: BufReader::new(stream) }
    }

    fn say(&mut self, line: &Value) -> Value {
        self.write(format!("{line}\n").as_bytes());
        self.read().expect("every line is answered")
    }

    fn write(&mut self, bytes: &[u8]) {
        // It may have been put out already.
        let _ = self.lines.get_mut().write_all(bytes);
    }

    fn read(&mut self) -> Option<Value> {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        (!line.is_empty()).then(|| serde_json::from_str(&line).unwrap())
    }
}

/// What a stimulus machine runs, with nothing but Python's own library: two machines whose clocks are 1000 s ahead
/// and 500 s behind, each of which marks moments it also knows on the host's clock. Says (name, label, host time, sample).
const SENDERS: &str = r#"
import socket

class Station:
    def __init__(self, port, name, clock):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.lines, self.clock = self.socket.makefile("rw", newline="\n"), clock
        self.say(name=name)
        self.sync()
    def say(self, **line):
        self.lines.write(json.dumps(line) + "\n")
        self.lines.flush()
        answer = json.loads(self.lines.readline())
        assert answer["ok"], answer
        return answer
    def sync(self):
        for _ in range(10):
            self.say(ping=self.clock())
    def mark(self, label, **more):
        return self.say(mark=label, **more)

host = lambda: time.clock_gettime(time.CLOCK_BOOTTIME)
machines = [("ahead", lambda: host() + 1000), ("behind", lambda: host() - 500)]
stations = [(name, Station(int(sys.argv[1]), name, clock)) for name, clock in machines]
sent = []
for at in range(5):
    for name, station in stations:
        # The moment itself; the line about it leaves later, as after a flip.
        moment, t = host(), station.clock()
        time.sleep(0.03)
        answer = station.mark(f"{name}-{at}", note="flip", t=t, key=at)
        again = station.mark(f"{name}-{at}", note="flip", t=t, key=at)
        assert (again["id"], again["sample"]) == (answer["id"], answer["sample"]), (answer, again)
        sent.append([name, f"{name}-{at}", round(moment * 1e9), answer["sample"]])
assert stations[0][1].say(status=True)["state"] == "recording"
done(sent)
"#;

/// The markers and offsets of a file.
const READ: &str = r#"
h5 = h5py.File(sys.argv[1], "r")
markers, offsets, fits = (h5[name][()] for name in ("markers", "clock_offsets", "time/fit"))
def text(value):
    return value.decode()
done({
    "markers": [
        [text(m["label"]), int(m["host_ns"]), int(m["sample"]), text(m["source"]), text(m["client"]),
         int(m["uncertainty_us"]), int(m["latency_us"]), text(m["note"])] for m in markers
    ],
    "offsets": [
        [text(o["sender"]), int(o["sample"]), int(o["host_ns"]), int(o["offset_ns"]), int(o["uncertainty_us"])]
        for o in offsets
    ],
    "rows": len(h5["raw/samples"]),
    "rate": float(fits[-1]["rate_hz"]), "origin": int(fits[-1]["origin_ns"]), "first": int(fits[-1]["sample"]),
})
"#;

#[test]
fn markers_of_two_machines_with_different_clocks_land_where_they_should() {
    let station = Station::new();
    let (recorder, port) = listening(&station, &[]);
    let Some(sent) = python(SENDERS, &[Path::new(&port.to_string())]) else { return };
    let file = end(&station, recorder);
    assert_eq!(station.intact(&file)["markers"], 10, "each is stored once, though each was sent twice");
    let read = python(READ, &[&file]).unwrap();
    for (sent, stored) in sent.as_array().unwrap().iter().zip(read["markers"].as_array().unwrap()) {
        let client = format!("{}@127.0.0.1", sent[0].as_str().unwrap());
        assert_eq!(
            (&stored[0], &stored[3], &stored[4], &stored[7]),
            (&sent[1], &json!("network"), &json!(client), &json!("flip"))
        );
        let off_us = (stored[1].as_i64().unwrap() - sent[2].as_i64().unwrap()).abs() / 1000;
        let uncertainty_us = stored[5].as_i64().unwrap();
        assert!(off_us <= uncertainty_us, "{stored}: {off_us} us off");
        assert!(stored[6].as_i64().unwrap() >= 30_000 - uncertainty_us, "it was sent 30 ms late: {stored}");
        let rows = (stored[1].as_f64().unwrap() - read["origin"].as_f64().unwrap()) / 1e9
            * read["rate"].as_f64().unwrap();
        let row = read["first"].as_f64().unwrap() + rows;
        assert_eq!(stored[2], sent[3]);
        assert!((stored[2].as_f64().unwrap() - row).abs() < 50.0, "{stored} should lie at row {row}");
    }
    for (sender, seconds) in [("ahead@127.0.0.1", 1000.0), ("behind@127.0.0.1", -500.0)] {
        let own: Vec<&Value> =
            read["offsets"].as_array().unwrap().iter().filter(|row| row[0] == sender).collect();
        assert!(!own.is_empty(), "{read}");
        for offset in own {
            let off_us = (offset[3].as_f64().unwrap() / 1e9 - seconds).abs() * 1e6;
            assert!(off_us <= offset[4].as_f64().unwrap(), "{offset}");
            assert!(offset[1].as_u64() <= read["rows"].as_u64().map(|rows| rows + 1000), "{offset}");
        }
    }
}

/// A sender a second ahead that pings, and is asked whether that was taken.
const EARLY: &str = r#"
import socket
connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
lines = connection.makefile("rw", newline="\n")
def say(**line):
    lines.write(json.dumps(line) + "\n")
    lines.flush()
    return json.loads(lines.readline())
say(name="early")
for _ in range(10):
    assert say(ping=time.clock_gettime(time.CLOCK_BOOTTIME) + 1)["ok"]
done(say(status=True)["state"])
"#;

#[test]
fn a_clock_that_was_compared_while_only_monitoring_is_in_the_file() {
    let station = Station::new();
    let (recorder, port) = begun(&station, &["--monitor"], &[]);
    let mut desk = Dashboard::open(&station, "pts/7", false);
    let Some(state) = python(EARLY, &[Path::new(&port.to_string())]) else { return };
    assert_eq!(state, json!("monitoring"));
    assert_eq!(desk.ask(Action::Record), Answer::Done);
    station.wait_rows(500);
    let file = end(&station, recorder);
    station.intact(&file);
    let read = python(READ, &[&file]).unwrap();
    let [offset] = &read["offsets"].as_array().unwrap()[..] else { panic!("{read:#}") };
    assert_eq!((&offset[0], &offset[1]), (&json!("early@127.0.0.1"), &json!(0)));
    let off = offset[3].as_i64().unwrap().abs() - 1_000_000_000;
    assert!(off.abs() < 1000 * offset[4].as_i64().unwrap() + 1000, "{read:#}");
}

#[test]
fn with_a_token_only_who_knows_it_is_heard_and_no_file_holds_it() {
    let station = Station::new();
    let (recorder, port) = listening(&station, &[("MYOGRAPH_TOKEN", "open-sesame")]);
    for line in [json!({ "token": "open-sesamo" }), json!({ "mark": "x" })] {
        let mut stranger = Sender::new(port);
        assert_eq!(stranger.say(&line)["ok"], false);
        stranger.write(b"{\"mark\": \"x\"}\n");
        assert_eq!(stranger.read(), None, "one refusal, then it is put out");
    }
    let mut sender = Sender::new(port);
    assert_eq!(sender.say(&json!({ "token": "open-sesame", "name": "stim" }))["ok"], true);
    assert_eq!(sender.say(&json!({ "mark": "on" }))["id"], 1);
    drop(sender);
    let file = end(&station, recorder);
    assert_eq!(station.intact(&file)["markers"], 1);
    let bytes = std::fs::read(&file).unwrap();
    assert!(!bytes.windows(11).any(|window| window == b"open-sesame"), "the recording holds the token");
}

#[test]
fn a_station_is_not_opened_to_the_network_without_a_token_nor_on_a_port_that_is_taken() {
    let station = Station::new();
    let start =
        |listen: &str| station.start(&["--source", "sim:", "--listen", listen]).finish().expect(2).stderr;
    let why = start("0.0.0.0:7777");
    assert!(why.contains("without a token") && why.contains("MYOGRAPH_TOKEN"), "{why}");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let why = start(&taken.local_addr().unwrap().port().to_string());
    assert!(why.contains("cannot listen on 127.0.0.1") && why.contains("choose another"), "{why}");
    assert_eq!(station.journals().len() + station.recordings().len(), 0);
}

#[test]
fn what_is_not_a_line_is_refused_and_the_recording_does_not_notice() {
    let station = Station::new();
    let (recorder, port) = listening(&station, &[]);
    let mut sender = Sender::new(port);
    for (line, words) in [
        (&b"{\"mrak\": \"x\"}\n"[..], "did you mean `mark`"),
        (b"\n", "no JSON"),
        (b"\xff\xfe\n", "no JSON"),
        (b"{\"mark\": \"x\", \"t\": 1e308}\n", "`t` takes the seconds"),
    ] {
        sender.write(line);
        let answer = sender.read().expect("every line is answered");
        assert_eq!(answer["ok"], false);
        assert!(answer["error"].as_str().unwrap().contains(words), "{answer}");
    }
    sender.write(b"{\"mark\": \"half");
    drop(sender);
    // A web page can make a browser send a line of ours in the body of a request.
    let mut browser = Sender::new(port);
    browser.write(b"POST / HTTP/1.1\r\nHost: localhost\r\n\r\n{\"mark\": \"x\"}\n");
    assert_eq!(browser.read().expect("a refusal")["ok"], false);
    drop(browser);
    let mut huge = Sender::new(port);
    huge.write(&vec![b'['; 3_000_000]);
    assert!(huge.read().unwrap()["error"].as_str().unwrap().contains("4096 bytes"));
    let inside: Vec<_> = (0..40).map(|_| Sender::new(port)).collect();
    drop(inside);
    crate::support::wait_until("room for a sender again", || {
        let mut sender = Sender::new(port);
        sender.write(b"{\"status\": true}\n");
        sender.read().is_some_and(|answer| answer["ok"] == true)
    });
    assert_eq!(Sender::new(port).say(&json!({ "mark": "after" }))["id"], 1);
    let file = end(&station, recorder);
    let report = station.intact(&file);
    assert_eq!((&report["markers"], &report["gaps"]), (&json!(1), &json!(0)));
}
