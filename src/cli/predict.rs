//! `predict`: the rolling predictions again, offline, by the code that makes them live.

use super::{advise, console, model, models, say};
use crate::emg::Prediction;
use crate::emg::finding::prediction::flag;
use crate::emg::units::float;
use crate::face::observe::Observer;
use crate::infer::{Model, Predictor, Station};
use crate::store::StoreError;
use crate::store::reader::Joined;
use anyhow::{Context, ensure};
use clap::Args;
use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What flags are called in the table.
const FLAGS: [(u32, &str); 4] = [
    (flag::GAP, "gap"),
    (flag::SETTLING, "settling"),
    (flag::BAD_CHANNEL, "bad_channel"),
    (flag::LATE, "late"),
];

#[derive(Debug, Args)]
pub(super) struct PredictArgs {
    /// The recording; of a recording in several files, any of them
    file: PathBuf,
    /// A model, an .onnx file with its card beside it; repeatable
    #[arg(long = "model", value_name = "FILE", required = true)]
    models: Vec<PathBuf>,
    /// The table to write
    #[arg(short, long, value_name = "CSV")]
    output: PathBuf,
}

pub(super) fn run(args: &PredictArgs) -> anyhow::Result<ExitCode> {
    let models = models::load(&args.models)?;
    let joined = model::open(&args.file)?;
    let station = model::of_recording(&joined)?;
    let wrong: Vec<String> = models
        .iter()
        .filter_map(|model| station.check(model.card()).err())
        .map(|all| all.to_string())
        .collect();
    ensure!(wrong.is_empty(), "{}\nchange that, or leave the model out", wrong.join("\n"));
    let mut table = Table::create(&args.output, &joined, &models, &station)?;
    let clock = || 0;
    let mut predictor = Predictor::new(models, &station, clock)?;
    let mut observer = Observer::new(joined.channels());
    let first = joined.first().facts().first_row;
    let last = joined.segments.last().map_or(0, |segment| segment.span().end);
    let bar = console::progress(last.saturating_sub(first), "predicting");
    for step in joined.again() {
        let (input, clean) = step.map_err(|error: StoreError| advise(&error, error.advice()))?;
        for quality in &observer.step(&input, &clean).quality {
            predictor.judge(quality);
        }
        for prediction in predictor.step(&input, &clean) {
            table.write(&prediction)?;
        }
        if let Some((_, error)) = predictor.failures().into_iter().next() {
            return Err(advise(&error, error.advice()));
        }
        bar.set_position(clean.sample.saturating_sub(first));
    }
    bar.finish_and_clear();
    table.finish()?;
    for (at, name) in table.names.iter().enumerate() {
        let (made, left_out) = (table.made[at], predictor.skipped(at));
        say(&format!("{name}: {made} predictions, {left_out} left out for missing rows or other filters"));
    }
    Ok(ExitCode::SUCCESS)
}

/// The CSV file.
struct Table {
    path: PathBuf,
    csv: csv::Writer<File>,
    recording: String,
    names: Vec<String>,
    /// Classes of all models, each once.
    classes: Vec<String>,
    /// For each model the place of each class in its probabilities.
    places: Vec<Vec<Option<usize>>>,
    labels: Vec<Vec<String>>,
    made: Vec<u64>,
    rate_hz: f64,
}

impl Table {
    fn create(path: &Path, joined: &Joined, models: &[Model], station: &Station) -> anyhow::Result<Self> {
        let labels: Vec<Vec<String>> = models.iter().map(|model| model.card().classes.clone()).collect();
        let mut seen = BTreeSet::new();
        let classes: Vec<String> =
            labels.iter().flatten().filter(|class| seen.insert(*class)).cloned().collect();
        let place =
            |of: &Vec<String>| classes.iter().map(|class| of.iter().position(|c| c == class)).collect();
        let recording = joined.first().path().file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let csv = csv::Writer::from_path(path).with_context(|| {
            format!("{} cannot be written; choose another name with `-o`", path.display())
        })?;
        let mut table = Self {
            path: path.to_owned(),
            csv,
            recording,
            names: models.iter().map(models::name).collect(),
            places: labels.iter().map(place).collect(),
            made: vec![0; models.len()],
            rate_hz: station.rate_hz.unwrap_or(f64::NAN),
            labels,
            classes,
        };
        let head = ["recording", "model", "first", "end", "end_s", "label"].map(str::to_owned).into_iter();
        let head = head.chain(table.classes.iter().map(|class| format!("p_{class}")));
        let head: Vec<String> = head.chain(["flags".to_owned()]).collect();
        table.put(&head)?;
        Ok(table)
    }

    fn write(&mut self, prediction: &Prediction) -> anyhow::Result<()> {
        let model = usize::from(prediction.model);
        let probability = |place: &Option<usize>| {
            place.and_then(|at| prediction.probabilities.get(at)).map_or(String::new(), f32::to_string)
        };
        let flags = FLAGS.iter().filter(|(bit, _)| prediction.flags & bit != 0).map(|(_, word)| *word);
        let label = self.labels[model].get(usize::from(prediction.label)).cloned().unwrap_or_default();
        let mut cells = vec![
            self.recording.clone(),
            self.names[model].clone(),
            prediction.first.to_string(),
            prediction.end.to_string(),
            format!("{:.6}", float(prediction.end) / self.rate_hz),
            label,
        ];
        cells.extend(self.places[model].iter().map(probability));
        cells.push(flags.collect::<Vec<_>>().join(" "));
        self.made[model] += 1;
        self.put(&cells)
    }

    fn put(&mut self, cells: &[String]) -> anyhow::Result<()> {
        let path = &self.path;
        self.csv
            .write_record(cells)
            .with_context(|| format!("{} cannot be written; make room", path.display()))
    }

    fn finish(&mut self) -> anyhow::Result<()> {
        let path = &self.path;
        self.csv.flush().with_context(|| format!("{} cannot be written; make room", path.display()))
    }
}
