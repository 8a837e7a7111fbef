//! `doctor`: looks at everything a recording depends on, before there is anything to lose.
//!
//! Each check is a line: what was found, and where that is not well, what to do. A port that a recorder holds is
//! reported from that recorder's words and never touched.

mod host;
mod look;
mod port;
mod signal;

use super::held::Recorders;
use super::{Settings, json, say, station};
use crate::config::Config;
use crate::emg::Stamp;
use crate::source::Error;
use crate::source::uri::SourceUri;
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    /// Where samples would come from: `sim:`, `serial:/dev/ttyACM0`, `replay:FILE`
    #[arg(long, value_name = "URI")]
    source: Option<String>,
    /// Configuration file instead of myograph.toml
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder the recordings would go into [default: recordings]
    #[arg(long, value_name = "DIR")]
    out: Option<String>,
    /// One JSON array, one object per line
    #[arg(long)]
    json: bool,
}

/// How a check came out, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    /// Nothing to look at.
    Skip,
    Ok,
    /// A recording would work, less well than it could.
    Warn,
    /// A recording would not work.
    Fail,
}

impl Verdict {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// One line.
#[derive(Debug)]
pub(super) struct Check {
    pub(super) name: String,
    pub(super) verdict: Verdict,
    /// What was found.
    pub(super) value: String,
    /// What to do; empty where nothing is.
    pub(super) advice: String,
}

impl Check {
    fn skip(name: &str, value: impl Into<String>) -> Self {
        Self { name: name.to_owned(), verdict: Verdict::Skip, value: value.into(), advice: String::new() }
    }

    fn ok(name: &str, value: impl Into<String>) -> Self {
        Self { verdict: Verdict::Ok, ..Self::skip(name, value) }
    }

    fn warn(name: &str, value: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { verdict: Verdict::Warn, advice: advice.into(), ..Self::skip(name, value) }
    }

    fn fail(name: &str, value: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { verdict: Verdict::Fail, ..Self::warn(name, value, advice) }
    }

    /// A failure whose sentence goes on after a semicolon with what to do.
    fn failed(name: &str, error: &anyhow::Error) -> Self {
        let sentence = format!("{error:#}");
        let (what, advice) = sentence.split_once("; ").unwrap_or((&sentence, "see `myograph help`"));
        Self::fail(name, what, advice)
    }

    fn line(&self) -> String {
        let next = if self.advice.is_empty() { String::new() } else { format!("; {}", self.advice) };
        format!("{:<5} {:<10} {}{next}", self.verdict.word(), self.name, self.value)
    }
}

/// What the later checks know from the earlier ones.
#[derive(Debug, Default)]
struct Known {
    rate_hz: Option<f64>,
    channels: usize,
}

pub(super) fn run(args: &DoctorArgs) -> anyhow::Result<ExitCode> {
    let settings = Settings {
        source: args.source.clone(),
        config: args.config.clone(),
        out: args.out.clone(),
        ..Settings::default()
    };
    let config = settings.resolve()?;
    let began = Stamp::now();
    let (mut checks, known) = source(&config);
    checks.extend(host::clock(began, Stamp::now()));
    checks.push(host::disk(&config.out, &known));
    checks.push(Check::skip("models", "this version runs no models yet"));
    checks.push(host::login());
    if args.json {
        say(&json::checks(&checks)?);
    } else {
        say(&checks.iter().map(Check::line).collect::<Vec<_>>().join("\n"));
    }
    Ok(match checks.iter().map(|check| check.verdict).max() {
        Some(Verdict::Fail) => ExitCode::from(2),
        Some(Verdict::Warn) => ExitCode::from(1),
        _ => ExitCode::SUCCESS,
    })
}

/// Port, board, rate and channels.
fn source(config: &Config) -> (Vec<Check>, Known) {
    let failed = |check| (vec![check], Known::default());
    let uri = match station::uri(config, &Arc::default()) {
        Ok(uri) => uri,
        Err(error) => return failed(Check::failed("port", &error)),
    };
    let parsed = match SourceUri::parse(&uri) {
        Ok(parsed) => parsed,
        Err(error) => return failed(Check::fail("source", error.to_string(), error.advice())),
    };
    let SourceUri::Serial(options) = parsed else {
        let (mut checks, known) = live(config, &uri);
        checks.insert(0, Check::skip("port", format!("{uri} needs none")));
        return (checks, known);
    };
    let recorders = Recorders::ask();
    if let Some(snapshot) = recorders.holder(&options.path) {
        return port::of_recorder(snapshot);
    }
    if let Some(sentence) = recorders.silent.first() {
        let advice = "end it, or wait until it answers: it may hold the port, so nothing was touched";
        return failed(Check::fail("port", sentence, advice));
    }
    let mut checks = port::checks(&options.path);
    if checks.iter().any(|check| check.verdict == Verdict::Fail) {
        return (checks, Known::default());
    }
    let (more, known) = live(config, &uri);
    if more.iter().any(|check| check.name == "port") {
        // It looked free from outside; opening it knows better.
        checks.retain(|check| check.name != "port");
    }
    checks.extend(more);
    (checks, known)
}

/// What a source that may be opened tells of itself within a few seconds.
fn live(config: &Config, uri: &str) -> (Vec<Check>, Known) {
    let mut source = match station::by_uri(uri, &Arc::default()) {
        Ok(source) => source,
        Err(error) => return (vec![Check::failed("source", &error)], Known::default()),
    };
    let description = match source.open() {
        Ok(description) => description,
        Err(error) => {
            let name = if matches!(error, Error::Open { .. }) { "port" } else { "board" };
            return (vec![Check::fail(name, error.to_string(), error.advice())], Known::default());
        }
    };
    let seen = look::look(source.as_mut(), &description);
    // The port is free again before anything is computed.
    drop(source);
    let mut checks = vec![look::board(&description, &seen), look::rate(&description, &seen)];
    let known =
        Known { rate_hz: seen.rate_hz.or(description.nominal_hz), channels: description.channels.len() };
    match station::channels(config, &description, |_| {}) {
        Ok(channels) => checks.extend(signal::checks(&channels, &config.filter(), &description, &seen)),
        Err(error) => checks.push(Check::failed("montage", &error)),
    }
    (checks, known)
}
