//! What the commands answer, and that nobody is told of a command or flag that does not exist.

use crate::support::{Station, python, wait_until};
use clap::CommandFactory;
use myograph::cli::Cli;
use rustix::process::Signal;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// Keys of `status --json` with the type of each; `?` marks one that may be null.
const STATUS: &[(&str, &str)] = &[
    ("id", "string"),
    ("state", "string"),
    ("file", "string"),
    ("elapsed_s", "number"),
    ("rows", "number"),
    ("bytes", "number"),
    ("write_age_s", "number"),
    ("unwritten_ms", "number"),
    ("undurable_ms", "number"),
    ("projected_rows", "number"),
    ("source", "object"),
    ("source/uri", "string"),
    ("source/board", "string"),
    ("source/rate_nominal_hz", "number?"),
    ("source/rate_measured_hz", "number?"),
    ("source/lost_samples", "number"),
    ("source/gaps", "number"),
    ("source/reconnects", "number"),
    ("source/drift_ppm", "number?"),
    ("channels", "array"),
    ("channels/0/name", "string"),
    ("channels/0/muscle", "string"),
    ("channels/0/au", "string"),
    ("channels/0/kind", "string"),
    ("channels/0/level", "number?"),
    ("channels/0/unit", "string"),
    ("channels/0/mvc_percent", "number?"),
    ("channels/0/flags", "array"),
    ("filter", "object"),
    ("filter/chain", "string"),
    ("filter/settled", "boolean"),
    ("models", "array"),
    ("disk", "object"),
    ("disk/free_bytes", "number"),
    ("disk/seconds_left", "number?"),
    ("markers", "number"),
    ("alarms", "array"),
    ("clients", "number"),
    ("cpu_percent", "number"),
    ("rss_bytes", "number"),
];

/// Keys of `inspect --json` and `verify --json`.
const SUMMARY: &[(&str, &str)] = &[
    ("file", "string"),
    ("format_version", "string"),
    ("state", "string"),
    ("rows", "number"),
    ("channels", "number"),
    ("sampling_rate_hz", "number"),
    ("duration_s", "number"),
    ("markers", "number"),
    ("gaps", "number"),
    ("samples_lost", "number"),
    ("epochs", "number"),
    ("predictions", "object"),
    ("checks", "array"),
];

#[track_caller]
fn has_keys(object: &Value, keys: &[(&str, &str)]) {
    for (path, kind) in keys {
        let value = object.pointer(&format!("/{path}")).unwrap_or_else(|| panic!("no {path}: {object:#}"));
        let found = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        let optional = kind.ends_with('?') && found == "null";
        assert!(optional || kind.trim_end_matches('?') == found, "{path} is {value}");
    }
}

fn visible() -> Vec<String> {
    let command = Cli::command();
    let seen = command.get_subcommands().filter(|command| !command.is_hide_set());
    seen.map(|command| command.get_name().to_owned()).collect()
}

#[test]
fn status_is_an_array_with_every_key_of_the_contract() {
    let station = Station::new();
    assert_eq!(station.run(&["status", "--json"]).expect(0).json(), json!([]));
    assert_eq!(station.run(&["status"]).expect(0).stdout, "no recorder is running\n");
    let recorder = station.start(&["--source", "sim:?seed=7"]);
    station.wait_rows(300);
    let all = station.run(&["status", "--json"]).expect(0).json();
    let [one] = all.as_array().unwrap().as_slice() else { panic!("{all:#}") };
    has_keys(one, STATUS);
    assert_eq!((&one["state"], &one["source"]["rate_nominal_hz"]), (&json!("recording"), &json!(1000.0)));
    assert_eq!(one["channels"].as_array().unwrap().len(), 8);
    assert_eq!(one["clients"], 0, "who asks for the status is no viewer");
    assert!(one["file"].as_str().unwrap().ends_with("_emg.h5"), "{one:#}");
    let id = one["id"].as_str().unwrap();
    assert_eq!(station.run(&["status", id, "--json"]).expect(0).json()[0]["id"], one["id"]);
    let line = station.run(&["status"]).expect(0).stdout;
    assert!(line.starts_with(&format!("{id} recording")) && line.lines().count() == 1, "{line}");
    recorder.signal(Signal::INT);
    recorder.finish().expect(0);
    assert_eq!(station.run(&["status", "--json"]).expect(0).json(), json!([]));
}

#[test]
fn a_marker_from_the_shell_is_in_the_recording() {
    let station = Station::new();
    let recorder = station.start(&["--source", "sim:", "--rotate", "off"]);
    station.wait_rows(300);
    let said = station.run(&["mark", "door slam", "--note", "the left one"]).expect(0).stdout;
    // 81 bytes; the border of the 64th lies inside a character.
    let long = format!("x{}", "ä".repeat(40));
    let cut = station.run(&["mark", &long]).expect(0);
    assert!(cut.stderr.contains("64 bytes"), "{cut:?}");
    let words: Vec<&str> = said.trim_end().split(' ').collect();
    let ["marker", id, "stored", "at", "sample", sample] = words.as_slice() else { panic!("{said}") };
    let (id, sample): (u64, u64) = (id.parse().unwrap(), sample.parse().unwrap());
    wait_until("both markers are counted", || station.status().unwrap()["markers"] == 2);
    station.run(&["stop"]).expect(0);
    recorder.finish().expect(0);
    let file = station.recordings().remove(0);
    let report = station.intact(&file);
    assert_eq!(report["markers"], 2);
    assert!(sample < report["rows"].as_u64().unwrap(), "{sample} of {report:#}");
    let script = "
with h5py.File(sys.argv[1], 'r') as h5:
    source = h5['markers'].dtype['source']
    words = h5py.check_enum_dtype(source)
    names = {code: word for word, code in words.items()} if words else None
    word = lambda value: names[int(value)] if names else value.decode()
    done([[int(m['id']), int(m['sample']), m['label'].decode(), m['note'].decode(), word(m['source'])]
          for m in h5['markers'][()]])
";
    let Some(markers) = python(script, &[&file]) else { return };
    assert_eq!(markers[0], json!([id, sample, "door slam", "the left one", "command"]));
    assert_eq!(markers[1][2], json!(format!("x{}", "ä".repeat(31))));
}

#[test]
fn stop_returns_when_the_file_is_sealed_and_with_the_recorders_code() {
    let station = Station::new();
    let recorder = station.start(&["--source", "sim:", "--rotate", "off"]);
    station.wait_rows(500);
    let stopped = station.run(&["stop"]);
    let file = station.recordings().remove(0);
    assert!(station.journals().is_empty(), "the journal is still there");
    let report = station.intact(&file);
    assert_eq!(report["state"], "closed");
    let rows = format!("{} rows", report["rows"]);
    assert!(stopped.stdout.contains(&rows) && stopped.stdout.contains("_emg.h5"), "{stopped:?}");
    assert_eq!(stopped.code, recorder.finish().code);
    assert_eq!(stopped.code, Some(0));
}

#[test]
fn stop_gives_the_code_of_a_recording_that_was_repaired() {
    let station = Station::new();
    let recorder = station.start(&["--source", "sim:"]);
    station.wait_rows(500);
    let projector = station.projector(&station.journal());
    rustix::process::kill_process(projector, Signal::KILL).unwrap();
    wait_until("another projector", || {
        station.processes("project ").first().is_some_and(|pid| *pid != projector)
    });
    let stopped = station.run(&["stop"]);
    assert_eq!(stopped.code, recorder.finish().code, "{stopped:?}");
    station.intact(&station.recordings()[0]);
}

#[test]
fn with_several_recorders_the_one_that_is_meant_must_be_named() {
    let station = Station::new();
    let one = station.start(&["--source", "sim:", "--task", "one"]);
    let two = station.start(&["--source", "sim:", "--task", "two"]);
    let ids = || {
        let all = station.run(&["status", "--json"]).expect(0).json();
        let id = |it: &Value| it["id"].as_str().unwrap().to_owned();
        all.as_array().unwrap().iter().map(id).collect::<Vec<_>>()
    };
    wait_until("two recorders", || ids().len() == 2);
    let ids = ids();
    for command in [&["stop"][..], &["mark", "x"]] {
        let said = station.run(command).expect(2).stderr;
        assert!(said.contains("several") && ids.iter().all(|id| said.contains(id)), "{said}");
    }
    station.run(&["mark", "x", "--id", &ids[0]]).expect(0);
    station.run(&["stop", &ids[0]]).expect(0);
    station.run(&["stop"]).expect(0);
    one.finish().expect(0);
    two.finish().expect(0);
    assert_eq!(station.recordings().len(), 2);
}

#[test]
fn inspect_and_verify_have_every_key_of_the_contract() {
    let station = Station::new();
    let file = station.record("sim:?speed=max", &["--duration", "2s"]);
    let file = file.to_str().unwrap();
    for command in [&["inspect", "--json", file][..], &["verify", "--json", file]] {
        let all = station.run(command).expect(0).json();
        let [one] = all.as_array().unwrap().as_slice() else { panic!("{all:#}") };
        has_keys(one, SUMMARY);
        assert_eq!((&one["rows"], &one["state"]), (&json!(2000), &json!("closed")));
    }
    let all = station.run(&["verify", "--json", file, file]).expect(0).json();
    assert_eq!(all.as_array().unwrap().len(), 2);
    has_keys(&all[1]["checks"][0], &[("name", "string"), ("ok", "boolean"), ("detail", "string")]);
    let plain = station.run(&["inspect", file]).expect(0).stdout;
    assert!(plain.contains("2000 rows x 8 channels"), "{plain}");
    fs::write(station.out().join("broken.h5"), "no HDF5").unwrap();
    let below = station.run(&["verify", station.out().to_str().unwrap()]).expect(2).stdout;
    assert!(below.contains("2 recordings: 1 intact, 0 with losses or still open, 1 damaged"), "{below}");
    let empty = station.root().join("config");
    let nothing = station.run(&["verify", empty.to_str().unwrap()]).expect(2).stderr;
    assert!(nothing.contains("no recording below"), "{nothing}");
}

#[test]
fn config_says_where_each_value_came_from_and_reads_back() {
    let station = Station::new();
    fs::write(station.root().join("myograph.toml"), "task = \"faces\"\nmontage = \"paper-8\"\n").unwrap();
    let mut command = station.command(&["config", "--session", "02"]);
    let output = command.env("MYOGRAPH_SUBJECT", "07").output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let line = |key: &str| said.lines().find(|line| line.starts_with(&format!("{key} ="))).unwrap();
    assert!(line("subject").contains("\"07\"") && line("subject").contains("MYOGRAPH_SUBJECT"), "{said}");
    assert!(line("session").contains("\"02\"") && line("session").contains("--session"), "{said}");
    assert!(line("task").contains("\"faces\"") && line("task").contains("myograph.toml:1"), "{said}");
    assert!(line("fsync").ends_with("# default"), "{said}");
    let values: toml::Table = said.parse().unwrap();
    fs::write(station.root().join("again.toml"), &said).unwrap();
    let again = station.run(&["config", "--config", "again.toml"]).expect(0).stdout;
    assert_eq!(again.parse::<toml::Table>().unwrap(), values);
}

#[test]
fn ports_are_an_array() {
    let station = Station::new();
    let ports = station.run(&["ports", "--json"]).expect(0).json();
    for port in ports.as_array().unwrap() {
        has_keys(port, &[("path", "string"), ("hint", "string")]);
    }
    assert!(!station.run(&["ports"]).expect(0).stdout.is_empty());
}

#[test]
fn completions_know_every_visible_command() {
    let station = Station::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = station.run(&["completions", shell]).expect(0).stdout;
        for command in visible() {
            assert!(script.contains(&command), "{shell}: {command}");
        }
        assert!(script.contains("headless"), "{shell}");
    }
}

#[test]
fn every_command_has_help() {
    let station = Station::new();
    let overview = station.run(&["--help"]).expect(0).stdout;
    for command in visible() {
        assert!(overview.contains(&format!("  {command} ")), "{command}");
        let help = station.run(&[&command, "--help"]).expect(0).stdout;
        assert!(help.contains(&format!("Usage: myograph {command}")), "{help}");
        assert!(help.lines().all(|line| line.chars().count() <= 100), "{help}");
        assert_eq!(station.run(&["help", &command]).expect(0).stdout, help);
    }
    assert!(!overview.contains("feed") && !overview.contains("project"), "{overview}");
    assert!(station.run(&["--version"]).expect(0).stdout.starts_with("myograph "));
}

/// The words of a shell line up to the end of its first command; quotes group, `#` begins a comment.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (Some(open), _) if open == c => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (None, ' ') => words.push(String::new()),
            (None, ';' | '&' | '#' | '|') => break,
            _ => words.last_mut().unwrap().push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[test]
fn every_command_in_the_readme_exists() {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let mut seen = Vec::new();
    let mut in_block = false;
    for line in readme.lines() {
        if line.starts_with("```") {
            in_block = !in_block;
        } else if in_block {
            let starts = line.match_indices("myograph ").map(|(at, _)| at);
            seen.extend(starts.filter(|at| *at == 0 || line[..*at].ends_with("; ")).map(|at| &line[at..]));
        } else {
            seen.extend(line.split('`').skip(1).step_by(2).filter(|span| span.starts_with("myograph ")));
        }
    }
    assert!(seen.len() > 15, "{seen:?}");
    for line in seen {
        match Cli::command().try_get_matches_from(words(line)) {
            Ok(_) => {}
            // A mention such as `myograph recover` without its file still names a command.
            Err(error) if error.kind() == clap::error::ErrorKind::MissingRequiredArgument => {}
            Err(error) if error.kind() == clap::error::ErrorKind::DisplayHelp => {}
            Err(error) => panic!("the README says `{line}`: {error}"),
        }
    }
}

#[test]
fn every_shipped_montage_names_the_channels_of_a_recording() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/montages");
    let mut montages = 0;
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let montage: toml::Table = fs::read_to_string(entry.path()).unwrap().parse().unwrap();
        let name = montage["name"].as_str().unwrap();
        let channels = montage["channel"].as_array().unwrap();
        let station = Station::new();
        let source = format!("sim:?channels={}&speed=max", channels.len());
        let file = station.record(&source, &["--montage", name, "--duration", "1s"]);
        station.intact(&file);
        montages += 1;
        let script = "
with h5py.File(sys.argv[1], 'r') as h5:
    done([[c['name'].decode(), c['muscle'].decode()] for c in h5['channels'][()]])
";
        let Some(stored) = python(script, &[&file]) else { continue };
        let text = |channel: &toml::Value, key: &str| {
            channel.get(key).and_then(toml::Value::as_str).map(str::to_owned)
        };
        for (stored, channel) in stored.as_array().unwrap().iter().zip(channels) {
            assert_eq!(stored[0].as_str(), text(channel, "name").as_deref(), "{name}");
            assert_eq!(stored[1].as_str().unwrap(), text(channel, "muscle").unwrap_or_default(), "{name}");
        }
    }
    assert_eq!(montages, 4);
}
