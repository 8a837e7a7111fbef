//! WHAT A USER TYPES: the commands, one file each. Doc comments here are the help text.
//!
//! The only room besides `main` that prints. Turns a [`Config`](crate::config::Config) into the options each room
//! owns, connects the rooms, and turns what came of it into an exit code.

mod attach;
mod auto;
mod calibrate;
mod clean;
mod completions;
mod config;
mod console;
mod contract;
mod control;
mod detect;
mod doctor;
mod earlier;
mod features;
mod feed;
mod held;
mod import;
mod inspect;
mod json;
mod mains;
mod model;
mod models;
mod ports;
mod predict;
mod project;
mod record;
mod recover;
mod review;
mod screen;
mod service;
mod simulate;
mod station;
mod trials;
mod verify;

use clap::{Args, Parser, Subcommand};
use screen::Screen;
use std::path::PathBuf;
use std::process::ExitCode;

/// A recording station for facial EMG in the terminal: acquire, account for every sample, mark, clean, keep.
///
/// A research instrument. Not for diagnosis, and not for decisions about employment or schooling.
#[derive(Debug, Parser)]
#[command(name = "myograph", version, propagate_version = true, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Record at once, in a process of its own, and open the dashboard on it
    Record(Box<record::RecordArgs>),
    /// Open a dashboard on a running recorder
    Attach(attach::AttachArgs),
    /// Say what every running recorder is doing
    Status(control::StatusArgs),
    /// Write a marker into a running recording
    Mark(control::MarkArgs),
    /// End a recording and wait until its file is sealed
    Stop(control::StopArgs),
    /// List serial ports
    Ports(ports::PortsArgs),
    /// Look before recording: port, board, rate, noise, clock, disk, each with what to do
    Doctor(doctor::DoctorArgs),
    /// Be a board on a pseudo-terminal, for anyone without hardware
    Simulate(simulate::SimulateArgs),
    /// Say what a recording holds
    Inspect(inspect::InspectArgs),
    /// Check structure, counts, checksums and the accounting of every sample
    Verify(verify::VerifyArgs),
    /// Build the file of a recording that a crash left behind
    Recover(recover::RecoverArgs),
    /// Look at a recording, closed or still growing, and judge artefacts
    Review(review::ReviewArgs),
    /// Run the filter chain again over the raw signal
    Clean(clean::CleanArgs),
    /// Windowed EMG features as a table
    Features(features::FeaturesArgs),
    /// Find muscle events, candidates for micro-expressions among them
    Detect(detect::DetectArgs),
    /// The tidy table per subject, trial, muscle and bin
    Trials(trials::TrialsArgs),
    /// Measure rest and maximal contraction of each muscle, kept only when accepted
    Calibrate(calibrate::CalibrateArgs),
    /// Say what a model expects and whether this station gives it
    Model(model::ModelArgs),
    /// The rolling predictions again, offline
    Predict(predict::PredictArgs),
    /// Turn an EMG text file of another program into a recording
    Import(import::ImportArgs),
    /// Print the effective configuration and where each value came from
    Config(Box<config::ConfigArgs>),
    /// Print completions for a shell
    Completions(completions::CompletionsArgs),
    /// What can be lost, and when, by the constants in force
    #[command(hide = true)]
    Contract(contract::ContractArgs),
    /// Project a journal (started by a recorder)
    #[command(hide = true)]
    Project(project::ProjectArgs),
    /// Write a recording to standard output as journal records (started by a recorder)
    #[command(hide = true)]
    Feed(feed::FeedArgs),
}

/// Which running recorder is meant.
#[derive(Debug, Args)]
struct Which {
    /// Id of the recorder; may be left out when one runs
    id: Option<String>,
}

/// Settings that a configuration file can hold too; a flag wins over `MYOGRAPH_*` variables and both over the file.
#[derive(Debug, Default, Args)]
struct Settings {
    /// Where samples come from: `sim:`, `serial:/dev/ttyACM0`, `replay:FILE`
    #[arg(long, value_name = "URI")]
    source: Option<String>,
    /// Configuration file instead of myograph.toml
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Montage file, or the name of a shipped one
    #[arg(long, value_name = "FILE")]
    montage: Option<String>,
    /// Folder the recordings go into [default: recordings]
    #[arg(long, value_name = "DIR")]
    out: Option<String>,
    /// BIDS subject [default: test]
    #[arg(long)]
    subject: Option<String>,
    /// BIDS session
    #[arg(long)]
    session: Option<String>,
    /// BIDS task [default: free]
    #[arg(long)]
    task: Option<String>,
    /// BIDS run; counts up by itself
    #[arg(long)]
    run: Option<String>,
    /// End by itself after this much signal, e.g. 90s
    #[arg(long, value_name = "TIME")]
    duration: Option<String>,
    /// Begin a new file after this much, or `off` [default: 1h]
    #[arg(long, value_name = "TIME")]
    rotate: Option<String>,
    /// Make the journal durable this often [default: 1s]
    #[arg(long, value_name = "TIME")]
    fsync: Option<String>,
    /// Take markers of stimulus machines over TCP; other addresses than this machine's need a token
    #[arg(long, value_name = "[HOST:]PORT")]
    listen: Option<String>,
    /// Mains frequency: 50, 60 or auto [default: 50]
    #[arg(long, value_name = "HZ")]
    line_frequency: Option<String>,
    /// Kind of signal the sensors give: raw, rectified or envelope [default: raw]
    #[arg(long)]
    kind: Option<String>,
    /// Model that predicts while recording, an ONNX file with its card beside it; may be given several times
    #[arg(long, value_name = "FILE")]
    model: Vec<String>,
    /// Filter preset: default, startle-28, off, or a band such as 20-400
    #[arg(long)]
    preset: Option<String>,
    #[command(flatten)]
    screen: Screen,
    /// Keep conditions, predictions and labels of events from the screens until the recording is closed
    #[arg(long)]
    blind: bool,
}

impl Settings {
    /// The effective configuration in the working folder.
    fn resolve(&self) -> anyhow::Result<crate::config::Config> {
        let flags = crate::config::Flags {
            config: self.config.clone(),
            source: self.source.clone(),
            out: self.out.clone(),
            subject: self.subject.clone(),
            session: self.session.clone(),
            task: self.task.clone(),
            run: self.run.clone(),
            duration: self.duration.clone(),
            rotate: self.rotate.clone(),
            fsync: self.fsync.clone(),
            listen: self.listen.clone(),
            line_frequency: self.line_frequency.clone(),
            kind: self.kind.clone(),
            montage: self.montage.clone(),
            model: (!self.model.is_empty()).then(|| self.model.join(":")),
            preset: self.preset.clone(),
            blind: self.blind.then(|| "true".to_owned()),
            ..self.screen.flags()
        };
        resolve(&flags)
    }
}

/// The effective configuration in the working folder, with these flags.
fn resolve(flags: &crate::config::Flags) -> anyhow::Result<crate::config::Config> {
    let env = |name: &str| std::env::var(name).ok();
    crate::config::Config::resolve(flags, env, std::path::Path::new(""))
        .map_err(|error| advise(&error, error.advice()))
}

/// Runs the command; an error means that it was not done (exit code 2).
pub fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command {
        Command::Record(args) => record::run(&args),
        Command::Attach(args) => attach::run(&args),
        Command::Status(args) => control::status(&args),
        Command::Mark(args) => control::mark(&args),
        Command::Stop(args) => control::stop(&args),
        Command::Ports(args) => ports::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Simulate(args) => simulate::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Recover(args) => recover::run(&args),
        Command::Review(args) => review::run(&args),
        Command::Clean(args) => clean::run(&args),
        Command::Features(args) => features::run(&args),
        Command::Detect(args) => detect::run(&args),
        Command::Trials(args) => trials::run(&args),
        Command::Calibrate(args) => calibrate::run(&args),
        Command::Model(args) => model::run(&args),
        Command::Predict(args) => predict::run(&args),
        Command::Import(args) => import::run(&args),
        Command::Config(args) => config::run(&args),
        Command::Completions(args) => Ok(completions::run(&args)),
        Command::Contract(args) => contract::run(&args),
        Command::Project(args) => project::run(&args),
        Command::Feed(args) => feed::run(&args),
    }
}

/// An error as two sentences: what happened to what, and what to do next.
fn advise(error: &(dyn std::error::Error + 'static), advice: impl AsRef<str>) -> anyhow::Error {
    anyhow::anyhow!("{}; {}", crate::store::in_full(error), advice.as_ref())
}

/// A table that could not be written where it was wanted.
fn unwritten(output: &std::path::Path, error: &dyn std::fmt::Display) -> anyhow::Error {
    let advice = "name a folder with `-o` that exists and has room, and may be written to";
    anyhow::anyhow!("{} could not be written: {error}; {advice}", output.display())
}

/// Writes a result to standard output. A reader that has gone away is no error of ours.
fn say(text: &str) {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// Writes anything that is not a result to standard error.
fn tell(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Prints why a command was not done; the exit code for that is 2.
#[must_use]
pub fn fail(error: &anyhow::Error) -> ExitCode {
    tell(&format!("myograph: {error:#}"));
    if error.backtrace().status() == std::backtrace::BacktraceStatus::Captured {
        tell(&error.backtrace().to_string());
    }
    ExitCode::from(2)
}
