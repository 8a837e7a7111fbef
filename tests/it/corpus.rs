//! What the fuzzer is first shown goes through every parser here too, whatever parser it was meant for, in every run of
//! the tests: `scripts/fuzz` looks further, for minutes.

#[path = "../fuzz/src/harness.rs"]
mod harness;

use self::harness::TARGETS;
use std::fs;
use std::path::{Path, PathBuf};

/// Inputs of one target, and bytes of them all: a corpus is to be looked through by people.
const MOST_INPUTS: usize = 40;
const MOST_BYTES: usize = 300 * 1024;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus")
}

/// The inputs of a target.
fn corpus(name: &str) -> Vec<Vec<u8>> {
    let entries =
        fs::read_dir(folder().join(name)).unwrap_or_else(|why| panic!("no corpus of {name}: {why}"));
    entries.map(|entry| fs::read(entry.unwrap().path()).unwrap()).collect()
}

#[test]
fn every_input_of_the_corpus_goes_through_every_parser() {
    for (name, _) in TARGETS {
        for input in corpus(name) {
            for (_, parse) in TARGETS {
                parse(&input);
            }
        }
    }
}

#[test]
fn the_corpus_is_small_and_each_folder_of_it_has_a_target() {
    let mut bytes = 0;
    for (name, _) in TARGETS {
        let inputs = corpus(name);
        assert!((1..=MOST_INPUTS).contains(&inputs.len()), "{} inputs of {name}", inputs.len());
        bytes += inputs.iter().map(Vec::len).sum::<usize>();
    }
    assert!(bytes <= MOST_BYTES, "{bytes} bytes");
    let folders = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name());
    let strangers: Vec<_> = folders.filter(|name| !TARGETS.iter().any(|(known, _)| name == known)).collect();
    assert!(strangers.is_empty(), "{strangers:?}");
}
