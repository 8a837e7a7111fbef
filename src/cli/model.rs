//! `model`: what a model expects, whether it answers as it should, and whether a station can feed it.

use super::{Settings, advise, models, say, station, tell};
use crate::config::Config;
use crate::emg::units::float_len;
use crate::infer::card::{Card, Mode, Training};
use crate::infer::{Limits, Model, Station};
use crate::pipeline::{ChainChange, Input};
use crate::source::Source;
use crate::source::sim::Sim;
use crate::source::uri::SourceUri;
use crate::store::StoreError;
use crate::store::reader::Joined;
use clap::Args;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Digits of a hash that are enough to tell two files apart.
const SHORT_HASH: usize = 12;

#[derive(Debug, Args)]
pub(super) struct ModelArgs {
    /// The model, an .onnx file with its card (.toml) beside it
    file: PathBuf,
    /// Compare it with this source: `sim:` or `replay:FILE`; ports are not opened
    #[arg(long, value_name = "URI", conflicts_with = "recording")]
    source: Option<String>,
    /// Compare it with what this recording holds
    #[arg(long, value_name = "FILE")]
    recording: Option<PathBuf>,
    /// Configuration file instead of myograph.toml
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Montage file, or the name of a shipped one
    #[arg(long, value_name = "FILE")]
    montage: Option<String>,
    /// Mains frequency: 50 or 60 [default: 50]
    #[arg(long, value_name = "HZ")]
    line_frequency: Option<String>,
    /// Filter preset: default, startle-28, off, or a band such as 20-400
    #[arg(long)]
    preset: Option<String>,
    /// Only load it, within limits (started by other commands)
    #[arg(long, hide = true)]
    probe: bool,
}

pub(super) fn run(args: &ModelArgs) -> anyhow::Result<ExitCode> {
    if args.probe {
        models::confine();
    } else {
        models::probe(&args.file)?;
    }
    let model =
        Model::load(&args.file, &Limits::default()).map_err(|error| advise(&error, error.advice()))?;
    if args.probe {
        return Ok(ExitCode::SUCCESS);
    }
    say(&describe(model.card()));
    say("ok    file       the one its card was written for, and it answers as its card says");
    let (name, station) = match &args.recording {
        Some(file) => (file.display().to_string(), Some(of_recording(&open(file)?)?)),
        None => configured(args)?,
    };
    let Some(station) = station else {
        say(&format!(
            "skip  station    {name} is not opened here; compare with a recording of it, `--recording`"
        ));
        return Ok(ExitCode::SUCCESS);
    };
    let Err(mismatches) = station.check(model.card()) else {
        say(&format!("ok    station    {name} gives everything this model expects"));
        return Ok(ExitCode::SUCCESS);
    };
    for mismatch in &mismatches.all {
        say(&format!("fail  station    {mismatch}"));
    }
    Ok(ExitCode::from(1))
}

/// A recording, with a sentence for each of its files that is not there.
pub(super) fn open(file: &Path) -> anyhow::Result<Joined> {
    let joined = Joined::open(file).map_err(|error| advise(&error, error.advice()))?;
    joined.missing.iter().for_each(|sentence| tell(&format!("warning: {sentence}")));
    Ok(joined)
}

/// What a recording gives to models, by the first filters that were designed for a known rate: before them models
/// were silent, as there was no rate to compare.
pub(super) fn of_recording(joined: &Joined) -> anyhow::Result<Station> {
    let mut station: Option<Station> = None;
    for step in joined.again() {
        let (input, _) = step.map_err(|error: StoreError| advise(&error, error.advice()))?;
        let Input::Chains(change) = input else { continue };
        let mut chains = station.map_or_else(Vec::new, |station| station.chains.chains);
        chains.extend(change.chains.iter().cloned());
        let assigned = chains.iter().filter(|chain| change.assignment.contains(&chain.id));
        let rate = assigned.map(|chain| chain.design_rate_hz).fold(0.0, f64::max);
        let rate_hz = (rate > 0.0).then_some(rate);
        let chains = ChainChange { chains, ..(*change).clone() };
        station = Some(Station { channels: joined.channels().to_vec(), rate_hz, chains });
        if rate_hz.is_some() {
            break;
        }
    }
    station.ok_or_else(|| {
        anyhow::anyhow!("{} holds no rows; name another recording", joined.first().path().display())
    })
}

/// The configured source as people call it, and what it gives where that can be known without touching a port.
fn configured(args: &ModelArgs) -> anyhow::Result<(String, Option<Station>)> {
    let settings = Settings {
        source: args.source.clone(),
        config: args.config.clone(),
        montage: args.montage.clone(),
        line_frequency: args.line_frequency.clone(),
        preset: args.preset.clone(),
        ..Settings::default()
    };
    let config = settings.resolve()?;
    let uri = config.source.clone().unwrap_or_else(|| "serial:auto".to_owned());
    if uri.starts_with("serial:") {
        return Ok((uri, None));
    }
    let station = match SourceUri::parse(&uri).map_err(|error| advise(&error, error.advice()))? {
        SourceUri::Sim(options) => Some(simulated(&config, Sim::new(options, crate::emg::Stamp::now()))?),
        SourceUri::Replay(options) => Some(of_recording(&open(&options.path)?)?),
        SourceUri::Serial(_) => None,
    };
    Ok((uri, station))
}

fn simulated(config: &Config, mut sim: Sim) -> anyhow::Result<Station> {
    let description = sim.open().map_err(|error| advise(&error, error.advice()))?;
    let channels = station::channels(config, &description, tell)?;
    let rate_hz = description.nominal_hz.unwrap_or_default();
    Ok(models::station(&channels, &config.filter(), rate_hz))
}

/// A card in words.
fn describe(card: &Card) -> String {
    let ms = |rows: usize| (1e3 * float_len(rows) / card.rate_hz).round();
    let sees = match card.mode {
        Mode::Window => {
            format!("window of {} rows ({} ms), every {}", card.window, ms(card.window), card.stride)
        }
        Mode::Step => {
            format!("step by {} rows, shaped by {} ({} ms)", card.stride, card.window, ms(card.window))
        }
    };
    let channels = card.channels.iter().map(|channel| {
        let muscle = if channel.muscle.is_empty() { "any muscle" } else { &channel.muscle };
        format!("\n    {:<8} {muscle}, {}", channel.name, channel.kind.word())
    });
    let filters = match card.chain_sha256.get(..SHORT_HASH) {
        Some(hash) => format!("those of hash {hash}"),
        None => "any".to_owned(),
    };
    format!(
        "{}: {}\n  sees      {sees} of the {} signal at {} rows/s in {}\n  says      {}\n  filters   {filters}\n  trained   {}\n  channels{}",
        card.name,
        card.label,
        card.signal.word(),
        card.rate_hz,
        card.unit,
        card.classes.join(", "),
        trained(&card.training),
        channels.collect::<String>(),
    )
}

/// How a model was trained and how well it did, the honest number first.
fn trained(training: &Training) -> String {
    let mut parts = Vec::new();
    parts.extend(training.subjects.map(|subjects| format!("on {subjects} people")));
    if !training.protocol.is_empty() {
        parts.push(training.protocol.clone());
    }
    let scores = [
        ("accuracy", training.accuracy),
        ("macro-F1", training.macro_f1),
        ("kappa", training.kappa),
        ("chance", training.chance),
        ("leaky (random split, says nothing of a new face)", training.leaky_accuracy),
    ];
    parts.extend(scores.into_iter().filter_map(|(word, score)| Some(format!("{word} {:.3}", score?))));
    parts.extend(training.seed.map(|seed| format!("seed {seed}")));
    if parts.is_empty() { "not said".to_owned() } else { parts.join(", ") }
}
