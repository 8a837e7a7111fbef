//! TABLES FOR STATISTICS: what a recording's signals were, trial by trial and window by window, as rows of plain values.
//!
//! Reads recordings through `store`, computes with `dsp` and `face`, writes nothing: `cli` turns rows into CSV.

pub mod detect;
pub mod features;
pub mod trials;
