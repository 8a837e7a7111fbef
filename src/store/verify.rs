//! IS IT ALL THERE, AND IS IT TRUE: structure, counts, checksums, the account of every row, clean recomputed from raw.
//!
//! Reads only. Never fails: what cannot be read is a check that does not hold. Callers: `cli` (`verify`), tests.

mod account;
mod clean;
mod structure;

use super::inspect::{Check, Summary};
use super::layout::State;
use super::reader::Recording;
use super::{StoreError, in_full, naming};
use std::path::Path;

/// How thoroughly to check.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Compute all clean samples again, not only those of the first minute.
    pub recompute: bool,
}

/// What a check of a whole file comes to, worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Whole, and every sample that was sent is there.
    Intact,
    /// True, but recovered, with gaps, or not sealed.
    Incomplete,
    /// Something in it is wrong or unreadable.
    Damaged,
}

impl Verdict {
    /// The exit code of `verify`.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Intact => 0,
            Self::Incomplete => 1,
            Self::Damaged => 2,
        }
    }
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Report {
    /// What the file holds, and the checks.
    pub summary: Summary,
    /// What they come to.
    pub verdict: Verdict,
    /// The verdict in one sentence, and what to do.
    pub sentence: String,
}

/// What one check found: a sentence, good or bad.
type Finding = Result<String, String>;

/// Checks one file.
#[must_use]
pub fn verify(path: &Path, options: Options) -> Report {
    let recording = match Recording::open(path) {
        Ok(recording) => recording,
        Err(error) => return unreadable(Summary::unread(path), &error),
    };
    let mut summary = match Summary::of(&recording) {
        Ok(summary) => summary,
        Err(error) => return unreadable(Summary::unread(path), &error),
    };
    let mut check = |name: &'static str, finding: Result<Finding, StoreError>| {
        let (ok, detail) = match finding {
            Ok(Ok(detail)) => (true, detail),
            Ok(Err(detail)) => (false, detail),
            Err(error) => (false, in_full(&error)),
        };
        summary.checks.push(Check { name, ok, detail });
    };
    check("structure", Ok(structure::complete(&recording)));
    check("counts", Ok(structure::counts(&recording)));
    check("checksums", structure::checksums(&recording));
    check("blocks", account::blocks(&recording));
    check("epochs", account::epochs(&recording));
    check("gaps", account::gaps(&recording));
    check("tables", account::tables(&recording));
    check("markers", account::markers(&recording));
    check("spans", account::spans(&recording));
    check("findings", account::findings(&recording));
    check("clean", clean::recompute(&recording, options));
    conclude(summary, path)
}

fn unreadable(mut summary: Summary, error: &StoreError) -> Report {
    let detail = in_full(error);
    let sentence = format!("{detail}; {}", error.advice());
    summary.checks.push(Check { name: "open", ok: false, detail });
    Report { summary, verdict: Verdict::Damaged, sentence }
}

fn conclude(summary: Summary, path: &Path) -> Report {
    let file = path.display();
    let failed: Vec<&str> = summary.checks.iter().filter(|check| !check.ok).map(|check| check.name).collect();
    let (verdict, sentence) = if !failed.is_empty() {
        (
            Verdict::Damaged,
            format!("{file} is damaged: {} did not hold; keep it and see the details", failed.join(", ")),
        )
    } else if summary.state == State::Open {
        let journal = naming::journal_path(path);
        let advice = if journal.exists() {
            format!("it is being recorded, or run `myograph recover {}`", journal.display())
        } else {
            "it is being recorded, or its journal is lost and these rows are all there is".to_owned()
        };
        (Verdict::Incomplete, format!("{file} is not sealed; {advice}"))
    } else if summary.gaps > 0 || summary.samples_lost > 0 {
        (
            Verdict::Incomplete,
            format!(
                "{file} is true to its source with {} gaps, {} samples missing per channel; see /gaps",
                summary.gaps, summary.samples_lost
            ),
        )
    } else if summary.state == State::Recovered {
        (
            Verdict::Incomplete,
            format!("{file} was recovered from its journal and is whole as far as that went"),
        )
    } else {
        (Verdict::Intact, format!("{file} is intact"))
    };
    Report { summary, verdict, sentence }
}

#[cfg(test)]
mod tests;
