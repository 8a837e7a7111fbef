//! One executable for all fuzz targets: `MYOGRAPH_FUZZ` names the parser, the arguments are libFuzzer's.
//!
//! `scripts/fuzz` builds and runs it; `corpus/NAME` holds what each parser is first shown. What is asked of the
//! parsers stands in `harness`, which `tests/it/corpus.rs` shares.

#![no_main]

// Its parts are then looked for where `tests/it/corpus.rs` finds them too.
#[path = "harness.rs"]
mod harness;

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static TARGET: LazyLock<harness::Run> = LazyLock::new(|| {
    let asked = std::env::var("MYOGRAPH_FUZZ").unwrap_or_default();
    let found = harness::TARGETS.iter().find(|(name, _)| *name == asked);
    found.map(|(_, run)| *run).unwrap_or_else(|| {
        let names = harness::TARGETS.map(|(name, _)| name).join(", ");
        panic!("MYOGRAPH_FUZZ names no target: {names}")
    })
});

fuzz_target!(|bytes: &[u8]| TARGET(bytes));
