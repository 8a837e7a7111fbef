//! The pre-flight sheet: what was looked at before a recording, how it came out, and what to do.

/// How a check came out, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Nothing to look at.
    Skip,
    /// As it should be.
    Ok,
    /// A recording would work, less well than it could.
    Warn,
    /// A recording would not work.
    Fail,
}

impl Outcome {
    /// All outcomes, in the order of their codes in the journal.
    pub const ALL: [Self; 4] = [Self::Skip, Self::Ok, Self::Warn, Self::Fail];

    /// The word in files and on screens.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// One line of the sheet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preflight {
    /// What was looked at, e.g. `disk` or `ch ZYG-L`.
    pub check: String,
    /// How it came out.
    pub outcome: Outcome,
    /// What was found.
    pub value: String,
    /// What to do; empty where nothing is.
    pub advice: String,
}

impl Preflight {
    /// There was nothing to look at, for this reason.
    #[must_use]
    pub fn skip(check: &str, value: impl Into<String>) -> Self {
        Self { check: check.to_owned(), outcome: Outcome::Skip, value: value.into(), advice: String::new() }
    }

    /// As it should be.
    #[must_use]
    pub fn ok(check: &str, value: impl Into<String>) -> Self {
        Self { outcome: Outcome::Ok, ..Self::skip(check, value) }
    }

    /// Less well than it could be.
    #[must_use]
    pub fn warn(check: &str, value: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { outcome: Outcome::Warn, advice: advice.into(), ..Self::skip(check, value) }
    }

    /// Not fit for a recording.
    #[must_use]
    pub fn fail(check: &str, value: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { outcome: Outcome::Fail, ..Self::warn(check, value, advice) }
    }
}
