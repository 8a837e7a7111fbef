//! The models of a recording: read, compared with the station before anything begins, named in the file.

use super::advise;
use crate::config::Config;
use crate::emg::Channel;
use crate::emg::finding::prediction::Participant;
use crate::infer::{Limits, Model, Station};
use crate::pipeline::preset::{self, Occasion};
use crate::pipeline::{Options, Reason};
use anyhow::ensure;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Reads models; their base names tell them apart in a recording, so no two may be the same.
pub(super) fn load(paths: &[PathBuf]) -> anyhow::Result<Vec<Model>> {
    let mut names = BTreeSet::new();
    let mut models = Vec::new();
    for path in paths {
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
