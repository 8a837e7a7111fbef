//! `doctor`: looks at everything a recording depends on, before there is anything to lose.
//!
//! Each check is a line: what was found, and where that is not well, what to do. A port that a recorder holds is
//! reported from that recorder's words and never touched.

mod host;
mod look;
mod port;
mod signal;

use super::held::Recorders;
use super::{Settings, json, mains, say, station};
use crate::config::{Config, LineFrequency};
use crate::emg::finding::preflight::Outcome;
use crate::emg::{Preflight, Stamp};
use crate::source::uri::SourceUri;
use crate::source::{Description, Error};
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
    /// Mains frequency: 50, 60, or auto to say which of them is heard [default: 50]
    #[arg(long, value_name = "HZ")]
    line_frequency: Option<String>,
    /// One JSON array, one object per line
    #[arg(long)]
    json: bool,
}

/// A failure whose sentence goes on after a semicolon with what to do.
fn failed(name: &str, error: &anyhow::Error) -> Preflight {
    let sentence = format!("{error:#}");
    let (what, advice) = sentence.split_once("; ").unwrap_or((&sentence, "see `myograph help`"));
    Preflight::fail(name, what, advice)
}

fn line(check: &Preflight) -> String {
    let next = if check.advice.is_empty() { String::new() } else { format!("; {}", check.advice) };
    format!("{:<5} {:<10} {}{next}", check.outcome.word(), check.check, check.value)
}

/// What the later checks know from the earlier ones.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Rows per second; none where no source was seen.
    pub(super) rate_hz: Option<f64>,
    /// Channels in a row.
    pub(super) channels: usize,
}

pub(super) fn run(args: &DoctorArgs) -> anyhow::Result<ExitCode> {
    let settings = Settings {
        source: args.source.clone(),
        config: args.config.clone(),
        out: args.out.clone(),
        line_frequency: args.line_frequency.clone(),
        ..Settings::default()
    };
    let config = settings.resolve()?;
    let began = Stamp::now();
    let (mut checks, known) = source(&config);
    checks.extend(sheet(began, &config.out, &known));
    checks.push(models(&config));
    if args.json {
        say(&json::checks(&checks)?);
    } else {
        say(&checks.iter().map(line).collect::<Vec<_>>().join("\n"));
    }
    Ok(match checks.iter().map(|check| check.outcome).max() {
        Some(Outcome::Fail) => ExitCode::from(2),
        Some(Outcome::Warn) => ExitCode::from(1),
        _ => ExitCode::SUCCESS,
    })
}

/// Whether the configured models load and answer as their cards say; what else they expect, `myograph model` tells.
fn models(config: &Config) -> Preflight {
    if config.models.is_empty() {
        return Preflight::skip("models", "none are configured");
    }
    match super::models::load(&config.models) {
        Ok(models) => Preflight::ok("models", format!("{} answer as their cards say", models.len())),
        Err(error) => failed("models", &error),
    }
}

/// What depends on this computer alone: clock, disk and login. Takes milliseconds, so that `record` can keep it with
/// a recording; `began` is any earlier moment, for the clock's steps since.
pub(super) fn sheet(began: Stamp, out: &std::path::Path, known: &Known) -> Vec<Preflight> {
    let mut checks = host::clock(began, Stamp::now());
    checks.push(host::disk(out, known));
    checks.push(host::login());
    checks
}

/// What a recorder can look at before its first row, without a second look at its source.
pub(super) fn before(config: &Config, description: &Description, models: usize) -> Vec<Preflight> {
    let known = Known { rate_hz: description.nominal_hz, channels: description.channels.len() };
    let mut checks =
        vec![Preflight::ok("board", format!("{} behind {}", description.board, description.uri))];
    checks.extend(sheet(Stamp::now(), &config.out, &known));
    checks.push(match models {
        0 => Preflight::skip("models", "none are configured"),
        n => Preflight::ok("models", format!("{n} answer as their cards say")),
    });
    checks
}

/// Port, board, rate and channels.
fn source(config: &Config) -> (Vec<Preflight>, Known) {
    let only = |check| (vec![check], Known::default());
    let uri = match station::uri(config, &Arc::default()) {
        Ok(uri) => uri,
        Err(error) => return only(failed("port", &error)),
    };
    let parsed = match SourceUri::parse(&uri) {
        Ok(parsed) => parsed,
        Err(error) => return only(Preflight::fail("source", error.to_string(), error.advice())),
    };
    let SourceUri::Serial(options) = parsed else {
        let (mut checks, known) = live(config, &uri);
        checks.insert(0, Preflight::skip("port", format!("{uri} needs none")));
        return (checks, known);
    };
    let recorders = Recorders::ask();
    if let Some(snapshot) = recorders.holder(&options.path) {
        return port::of_recorder(snapshot);
    }
    if let Some(sentence) = recorders.silent.first() {
        let advice = "end it, or wait until it answers: it may hold the port, so nothing was touched";
        return only(Preflight::fail("port", sentence, advice));
    }
    let mut checks = port::checks(&options.path);
    if checks.iter().any(|check| check.outcome == Outcome::Fail) {
        return (checks, Known::default());
    }
    let (more, known) = live(config, &uri);
    if more.iter().any(|check| check.check == "port") {
        // It looked free from outside; opening it knows better.
        checks.retain(|check| check.check != "port");
    }
    checks.extend(more);
    (checks, known)
}

/// What a source that may be opened tells of itself within a few seconds.
fn live(config: &Config, uri: &str) -> (Vec<Preflight>, Known) {
    let mut source = match station::by_uri(uri, &Arc::default()) {
        Ok(source) => source,
        Err(error) => return (vec![failed("source", &error)], Known::default()),
    };
    let description = match source.open() {
        Ok(description) => description,
        Err(error) => {
            let name = if matches!(error, Error::Open { .. }) { "port" } else { "board" };
            return (vec![Preflight::fail(name, error.to_string(), error.advice())], Known::default());
        }
    };
    let seen = look::look(source.as_mut(), &description);
    // The port is free again before anything is computed.
    drop(source);
    let mut checks = vec![look::board(&description, &seen), look::rate(&description, &seen)];
    let known =
        Known { rate_hz: seen.rate_hz.or(description.nominal_hz), channels: description.channels.len() };
    match station::channels(config, &description, |_| {}) {
        Ok(channels) => {
            let wished = (config.line_frequency != LineFrequency::Auto).then(|| config.filter().line_hz);
            let wish = signal::Wish { filter: mains::options(config), mains_hz: wished };
            checks.extend(signal::checks(&channels, &wish, &description, &seen));
        }
        Err(error) => checks.push(failed("montage", &error)),
    }
    (checks, known)
}
