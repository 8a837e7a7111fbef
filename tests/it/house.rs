//! The rules of the house, read off the source tree: which room may use which, which names stay in one room, how
//! large a file and a folder may be. `src/lib.rs` draws the same map in words; the two change together.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The rooms in order: each may use those in later rows; rooms in one row do not use each other.
const ORDER: [&[&str]; 10] = [
    &["cli"],
    &["config"],
    &["tui", "ipc", "recorder"],
    &["session"],
    &["analysis", "import"],
    &["store"],
    &["face", "infer"],
    &["pipeline"],
    &["source", "dsp"],
    &["emg"],
];

/// Rooms that compute and do nothing else, and what of `std` they therefore have no use for.
const PURE: [&str; 5] = ["emg", "dsp", "pipeline", "face", "session"];
const WORLD: [&str; 6] = ["env", "fs", "io", "net", "process", "thread"];

/// Names, and the only places where they may stand.
const FENCES: [(&[&str], &[&str]); 6] = [
    (&["hdf5::"], &["store"]),
    (&["tract_onnx::"], &["infer"]),
    (&["serialport::"], &["source/serial", "source/ports"]),
    (&["ratatui::", "crossterm::"], &["tui"]),
    (&["print!", "println!", "eprint!", "eprintln!", "io::stderr"], &["cli", "main"]),
    (
        &["serde::", "serde_json::"],
        &[
            "config",
            "ipc/message",
            "ipc/listen/line",
            "source/sim/script",
            "source/board/script",
            "cli/json",
            "infer/card",
        ],
    ),
];

const TOP_LEVEL: [&str; 9] =
    ["Cargo.lock", "Cargo.toml", "LICENSE", "README.md", "models", "recordings", "scripts", "src", "tests"];

const MOST_LINES: usize = 500;
const MOST_FILES: usize = 9;
/// Folders that hold one file for each of something: rooms, commands.
const ONE_FOR_EACH: [&str; 2] = ["src", "src/cli"];

/// One file of `src`.
struct Source {
    /// Below `src`, without the ending: `store/journal/codec`.
    name: String,
    /// As it is.
    text: String,
    /// Without comments, and without what only tests compile.
    code: String,
}

impl Source {
    fn room(&self) -> &str {
        self.name.split('/').next().unwrap()
    }

    fn stands_in(&self, place: &str) -> bool {
        self.name.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The entries of a folder, sorted.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    all.sort();
    all
}

/// The folders of `src`, `src` first.
fn folders() -> Vec<PathBuf> {
    let mut all = vec![root().join("src")];
    let mut next = 0;
    while let Some(folder) = all.get(next) {
        let inner = entries(folder).into_iter().filter(|path| path.is_dir());
        all.extend(inner.collect::<Vec<_>>());
        next += 1;
    }
    all
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    entries(folder).into_iter().filter(|path| path.extension().is_some_and(|ending| ending == "rs")).collect()
}

fn sources() -> Vec<Source> {
    let read = |path: PathBuf| {
        let name = path.strip_prefix(root().join("src")).unwrap().with_extension("");
        let name = name.to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let is_test = name.split('/').any(|part| part == "tests");
        let code = if is_test { String::new() } else { shipped(&text) };
        Source { name, text, code }
    };
    folders().iter().flat_map(|folder| rust_files(folder)).map(read).collect()
}

/// What of a formatted file is compiled into the program, without comments.
fn shipped(text: &str) -> String {
    let mut kept = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.trim() == "#[cfg(test)]" {
            let indent = &line[..line.len() - line.trim_start().len()];
            let end = format!("{indent}}}");
            // The item ends on its own first line, or on the brace below its first letter.
            let first = lines.by_ref().find(|line| !line.trim_start().starts_with("#["));
            if first.is_some_and(|first| first.ends_with('{')) {
                lines.by_ref().find(|line| *line == end);
            }
        } else if !line.trim_start().starts_with("//") {
            kept += line.split(" // ").next().unwrap();
            kept.push('\n');
        }
    }
    kept
}

/// The names that follow `start::` in code, also within braces: `crate::{emg::Gap, dsp}` names `emg` and `dsp`.
fn named_after<'a>(start: &str, code: &'a str) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    for rest in pieces_after(&format!("{start}::"), code) {
        let Some(group) = rest.strip_prefix('{') else {
            found.insert(word(rest));
            continue;
        };
        let mut depth = 0_u32;
        let mut wanted = true;
        for (at, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => wanted = true,
                c if wanted && !c.is_whitespace() => {
                    found.insert(word(&group[at..]));
                    wanted = false;
                }
                _ => {}
            }
        }
    }
    found
}

/// What follows each place where a name begins, not merely ends.
fn pieces_after<'a>(name: &str, code: &'a str) -> impl Iterator<Item = &'a str> {
    let inside_a_word = |at: usize| code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
    code.match_indices(name)
        .filter(move |(at, _)| !inside_a_word(*at))
        .map(move |(at, found)| &code[at + found.len()..])
}

fn word(text: &str) -> &str {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap()
}

fn rank(room: &str) -> Option<usize> {
    ORDER.iter().position(|row| row.contains(&room))
}

/// Fails with every complaint at once.
fn none(complaints: impl IntoIterator<Item = String>) {
    let all: Vec<String> = complaints.into_iter().collect();
    assert!(all.is_empty(), "\n{}\n", all.join("\n"));
}

#[test]
fn a_room_uses_only_the_rooms_after_it() {
    let sources = sources();
    none(sources.iter().flat_map(|source| {
        named_after("crate", &source.code).into_iter().filter_map(|used| {
            let (Some(own), Some(other)) = (rank(source.room()), rank(used)) else { return None };
            let goes_back = source.room() != used && other <= own;
            goes_back.then(|| format!("{} uses {used}", source.name))
        })
    }));
}

#[test]
fn the_program_itself_is_the_command_line_and_no_more() {
    let sources = sources();
    let main = sources.iter().find(|source| source.name == "main").unwrap();
    assert_eq!(named_after("myograph", &main.code), BTreeSet::from(["cli"]));
}

#[test]
fn names_stay_in_their_rooms() {
    none(sources().iter().flat_map(|source| {
        let outside = FENCES.iter().filter(|(_, places)| !places.iter().any(|place| source.stands_in(place)));
        let names = outside.flat_map(|(names, _)| names.iter());
        let met = names.filter(|name| pieces_after(name, &source.code).next().is_some());
        met.map(|name| format!("{} names {name}", source.name)).collect::<Vec<_>>()
    }));
}

#[test]
fn pure_rooms_do_nothing_to_the_world() {
    none(sources().iter().filter(|source| PURE.contains(&source.room())).flat_map(|source| {
        let used = named_after("std", &source.code);
        let touched = WORLD.iter().filter(|part| used.contains(*part));
        touched.map(|part| format!("{} uses std::{part}", source.name)).collect::<Vec<_>>()
    }));
}

#[test]
fn every_file_says_what_it_is_and_stays_short() {
    none(sources().iter().flat_map(|source| {
        let silent =
            (!source.text.starts_with("//! ")).then(|| format!("{} opens without `//!`", source.name));
        let lines = source.code.lines().count();
        let long = (lines > MOST_LINES).then(|| format!("{} has {lines} lines", source.name));
        silent.into_iter().chain(long)
    }));
}

#[test]
fn folders_are_small_and_have_a_file_of_their_own_name() {
    none(folders().iter().flat_map(|folder| {
        let name = folder.strip_prefix(root()).unwrap().to_str().unwrap();
        let files = rust_files(folder);
        let is_crowded = files.len() > MOST_FILES && !ONE_FOR_EACH.contains(&name);
        let crowded = is_crowded.then(|| format!("{name} holds {} files", files.len()));
        let old_style = files.iter().any(|file| file.ends_with("mod.rs"));
        let is_headless = old_style || !folder.with_extension("rs").is_file();
        let headless =
            (name != "src" && !files.is_empty() && is_headless).then(|| format!("{name}.rs is missing"));
        crowded.into_iter().chain(headless)
    }));
}

#[test]
fn the_map_names_every_room_once_in_order() {
    let sources = sources();
    let map = &sources.iter().find(|source| source.name == "lib").unwrap().text;
    let paragraphs = map.lines().filter_map(|line| line.strip_prefix("//! [`"));
    let named: Vec<&str> = paragraphs.map(word).collect();
    let in_order: Vec<&str> = ORDER.iter().rev().flat_map(|row| row.iter().copied()).collect();
    assert_eq!(named, in_order);
    let rooms: BTreeSet<&str> = sources.iter().map(Source::room).filter(|name| *name != "main").collect();
    assert_eq!(rooms, in_order.into_iter().chain(["lib"]).collect());
    let code: Vec<&str> = map.lines().filter(|line| !line.is_empty() && !line.starts_with("//!")).collect();
    none(
        code.iter()
            .filter(|line| !line.starts_with("pub mod "))
            .map(|line| format!("lib.rs has code: {line}")),
    );
}

#[test]
fn the_top_level_holds_what_it_always_held() {
    // Hidden files are tools', `target` is cargo's, `proptest-regressions` what a failed property leaves.
    let names =
        entries(&root()).into_iter().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned());
    let ours =
        names.filter(|name| !name.starts_with('.') && name != "target" && name != "proptest-regressions");
    none(ours.filter(|name| !TOP_LEVEL.contains(&name.as_str())));
}

#[test]
fn the_reader_of_the_tree_sees_what_it_must() {
    let text = "use crate::{emg::{Gap, clock}, dsp};\n// crate::tui\n#[cfg(test)]\nuse crate::store;\n    \
                #[cfg(test)]\n    fn f() {\n        crate::cli::x()\n    }\nfn g() { crate::face::y() } // hdf5::\n";
    let code = shipped(text);
    assert_eq!(named_after("crate", &code), BTreeSet::from(["dsp", "emg", "face"]));
    assert_eq!(pieces_after("hdf5::", &code).count(), 0);
    assert_eq!(pieces_after("print!", "eprint!(); print!()").count(), 1);
}
