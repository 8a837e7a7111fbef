//! The models of a recording: read, compared with the station before anything begins, named in the file.

use super::advise;
use crate::config::Config;
use crate::emg::Channel;
use crate::emg::finding::prediction::Participant;
use crate::infer::{Limits, Model, Station};
use crate::pipeline::preset::{self, Occasion};
use crate::pipeline::{Options, Reason};
use anyhow::{Context, ensure};
use rustix::process::{Resource, Rlimit, setrlimit};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Address space and processor time of a child that loads a model, bytes and seconds: a hundred times what one needs.
const PROBE_BYTES: u64 = 4 << 30;
const PROBE_SECONDS: u64 = 60;

/// Reads models; their base names tell them apart in a recording, so no two may be the same.
pub(super) fn load(paths: &[PathBuf]) -> anyhow::Result<Vec<Model>> {
    let mut names = BTreeSet::new();
    let mut models = Vec::new();
    for path in paths {
        probe(path)?;
        let model = Model::load(path, &Limits::default()).map_err(|error| advise(&error, error.advice()))?;
        ensure!(
            names.insert(name(&model)),
            "two models are called {}; rename one of the files together with its card",
            name(&model)
        );
        models.push(model);
    }
    Ok(models)
}

/// Lets a child process load a model first: what the inference library does with a file that nobody foresaw, memory
/// without end or a crash, then happens to the child.
pub(super) fn probe(path: &Path) -> anyhow::Result<()> {
    let program = std::env::current_exe().context("this program's own file cannot be found")?;
    let child = Command::new(program)
        .args(["model", "--probe", "--"])
        .arg(path)
        .stdin(Stdio::null())
        .output()
        .context("no process could be started to look at a model")?;
    if child.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&child.stderr);
    let sentence = said.lines().rev().find_map(|line| line.strip_prefix("myograph: "));
    let crashed = || {
        let (path, how) = (path.display(), child.status);
        format!("{path} makes the inference library fail ({how}); export the model again")
    };
    // A child that was ended did not end with its sentence.
    let sentence = sentence.filter(|_| child.status.code().is_some());
    anyhow::bail!(sentence.map_or_else(crashed, str::to_owned))
}

/// What a child may use while it loads a model.
pub(super) fn confine() {
    let limit = |value| Rlimit { current: Some(value), maximum: Some(value) };
    // Where a limit cannot be set, the model is looked at without it.
    let _ = setrlimit(Resource::As, limit(PROBE_BYTES));
    let _ = setrlimit(Resource::Cpu, limit(PROBE_SECONDS));
    let _ = setrlimit(Resource::Core, limit(0));
}

/// The models of a configuration, with everything in which they and the station differ said at once.
pub(super) fn of(
    config: &Config,
    channels: &[Channel],
    nominal_hz: Option<f64>,
) -> anyhow::Result<Vec<Model>> {
    let models = load(&config.models)?;
    let Some(rate_hz) = nominal_hz else {
        // Lines of text tell their rate later; a model that does not fit then says so on the screen.
        return Ok(models);
    };
    let station = station(channels, &config.filter(), rate_hz);
    let mut wrong = Vec::new();
    for model in &models {
        let classes = model.card().classes.len();
        if classes > crate::store::MOST_CLASSES {
            let most = crate::store::MOST_CLASSES;
            wrong.push(format!("{}: {classes} classes, and a recording holds at most {most}", name(model)));
        }
        wrong.extend(station.check(model.card()).err().map(|mismatches| mismatches.to_string()));
    }
    ensure!(wrong.is_empty(), "{}\nchange that, or leave the model out", wrong.join("\n"));
    Ok(models)
}

/// What a station of these channels gives at this rate under its first filters.
pub(super) fn station(channels: &[Channel], filter: &Options, rate_hz: f64) -> Station {
    let decimation = preset::decimation(Some(rate_hz));
    let occasion =
        Occasion { sample: 0, reason: Reason::Start, rate_hz: Some(rate_hz), decimation, first_id: 0 };
    let (chains, _) = preset::chains(channels, filter, &occasion);
    Station { channels: channels.to_vec(), rate_hz: Some(rate_hz), chains }
}

/// What a recording says of its models.
pub(super) fn participants(models: &[Model]) -> Vec<Participant> {
    let small = crate::emg::units::small;
    let one = |model: &Model| {
        let card = model.card();
        Participant {
            name: name(model),
            file: model.path().display().to_string(),
            sha256: card.onnx_sha256.clone(),
            classes: card.classes.clone(),
            mode: card.mode.word().to_owned(),
            window: small(card.window),
            stride: small(card.stride),
        }
    };
    models.iter().map(one).collect()
}

/// The base name of a model's file.
pub(super) fn name(model: &Model) -> String {
    model.path().file_stem().unwrap_or(Path::new("model").as_os_str()).to_string_lossy().into_owned()
}
