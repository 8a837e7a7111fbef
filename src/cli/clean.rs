//! `clean`: the filter chain again over the raw signal of a recording, into a recording of its own.

use super::import::pieces_of;
use super::{advise, console, say, tell};
use crate::config::{Config, LineFrequency};
use crate::emg::{Channel, Kind, Stamp};
use crate::pipeline::preset::Notches;
use crate::pipeline::{
    Baseline, ChainChange, Input, Options, Pipeline, Preset, ZeroPhase, redesign, zero_phase,
};
use crate::store::StoreError;
use crate::store::follow::Anew;
use crate::store::journal::{Header, Record};
use crate::store::layout::State;
use crate::store::reader::Joined;
use crate::store::sidecar;
use anyhow::{bail, ensure};
use clap::Args;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

/// What a recording made here says of its recorder.
const RECORDER: &str = "clean";

#[derive(Debug, Args)]
#[command(after_help = "\
Filtered forward and backward, a recording keeps the events that were found in the causal samples; `detect` on it looks
at the samples it holds and finds others. Judgements of coders (NAME.artefacts-CODER.tsv) stay beside the recording they
were made in: rows count the same in the new one, so a copy under its name takes them along.")]
pub(super) struct CleanArgs {
    /// The recording; of a recording in several files, any of them
    file: PathBuf,
    /// The recording to write; never overwritten
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Forward and backward, so that nothing is delayed; a tracked baseline alone runs forward
    #[arg(long)]
    zero_phase: bool,
    /// Other filters: default, startle-28, off, or a band such as 20-400
    #[arg(long)]
    preset: Option<String>,
    /// Other mains: 50 or 60 Hz
    #[arg(long, value_name = "HZ")]
    line_frequency: Option<String>,
    /// Notches elsewhere: auto, off, or frequencies such as 50,150
    #[arg(long, value_name = "HZ,HZ")]
    notches: Option<String>,
    /// Another order of the band-pass, 1 to 8
    #[arg(long, value_name = "N")]
    band_order: Option<String>,
    /// Another baseline of the envelope: off, track, track:FALL/RISE in seconds (0.1 to 2, 20 to 600), or the edge of a
    /// high-pass, 0.01 to 1 Hz
    #[arg(long, value_name = "WORD")]
    envelope_baseline: Option<String>,
}

impl CleanArgs {
    /// What of the filters is to be otherwise, by the configuration's keys.
    fn asked(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let all = [
            ("preset", &self.preset),
            ("line-frequency", &self.line_frequency),
            ("notches", &self.notches),
            ("band-order", &self.band_order),
            ("envelope-baseline", &self.envelope_baseline),
        ];
        all.into_iter().filter_map(|(key, text)| Some((key, text.as_deref()?)))
    }
}

pub(super) fn run(args: &CleanArgs) -> anyhow::Result<ExitCode> {
    let output = args.output.display();
    ensure!(!args.output.exists(), "{output} exists already; choose another name with `-o`");
    let read = |error: StoreError| advise(&error, error.advice());
    let source = Joined::open(&args.file).map_err(read)?;
    is_whole(&source)?;
    let mut work = Work::of(args, &source)?;
    for remark in &work.remarks {
        tell(&format!("warning: {remark}"));
    }
    let last = source.segments.last().map_or(0, |segment| segment.span().end);
    let rows = last - source.first().facts().first_row;
    let judged = judged(&source, &args.output);
    let ready = work.zero_phase(&source).map_err(read)?;
    // They are looked for in the causal samples of the recording's own filters; others may show others.
    let as_found = !work.redesigned && source.found_as_now();
    let header = Header {
        recording_id: *uuid::Uuid::new_v4().as_bytes(),
        pid: std::process::id(),
        recorder: RECORDER.to_owned(),
        ..source.header().map_err(read)?
    };
    let mut log = work.log(&source, as_found);
    log.extend(judged.iter().flat_map(|sentence| lines(2, sentence)));
    let filters = work.words();
    let bar = console::progress(rows, "writing");
    let anew = Anew { source: &source, header, changes: work.changes, ready, as_found, log };
    let sealed = anew.write(&args.output, |done| bar.set_position(done));
    bar.finish_and_clear();
    let sealed = sealed.map_err(|error| match &error {
        // Its advice speaks of a journal, and there is none: the recording itself is where it was.
        StoreError::Project { .. } => advise(
            &error,
            format!("make room, or choose another folder; {} is as it was", args.file.display()),
        ),
        _ => read(error),
    })?;
    if let Some(sentence) = judged {
        tell(&format!("warning: {sentence}"));
    }
    say(&format!("{output}: {} rows of {} channels, {filters}", sealed.rows, source.channels().len()));
    Ok(ExitCode::SUCCESS)
}

/// Refuses a recording that still grows, or of which rows are missing before its end.
fn is_whole(source: &Joined) -> anyhow::Result<()> {
    for segment in &source.segments {
        let path = segment.path().display();
        ensure!(
            segment.facts().state != State::Open,
            "{path} is not sealed; stop its recorder, or `myograph recover` it"
        );
    }
    let holes = source.segments.windows(2).any(|pair| pair[1].facts().first_row != pair[0].span().end);
    if source.first().facts().segment > 0 || holes {
        bail!("{}; bring all files of the recording together in one folder", source.missing.join("; "));
    }
    for sentence in &source.missing {
        tell(&format!("warning: {sentence}"));
    }
    Ok(())
}

/// What is to be filtered how.
struct Work {
    changes: Vec<ChainChange>,
    /// Whether other filters than those of the recording were asked for.
    redesigned: bool,
    zero_phase: bool,
    remarks: Vec<String>,
}

impl Work {
    fn of(args: &CleanArgs, source: &Joined) -> anyhow::Result<Self> {
        let fail = |error: StoreError| advise(&error, error.advice());
        let stored = source.changes().map_err(fail)?;
        let redesigned = args.asked().next().is_some();
        if !redesigned {
            // A recording that was filtered forward and backward is made again as it is.
            let marked = stored.iter().flat_map(|change| &change.chains).any(zero_phase::is_marked);
            let zero_phase = args.zero_phase || marked;
            return Ok(Self { changes: stored, redesigned, zero_phase, remarks: Vec::new() }.marked());
        }
        let config = source.first().config().map_err(fail)?;
        let options = options(args, &config, &stored)?;
        let (changes, mut remarks) = redesign(source.channels(), &options, &stored).map_err(|why| {
            anyhow::anyhow!(
                "{} cannot be filtered like this: {why}; choose another `--preset`",
                args.file.display()
            )
        })?;
        let unmet = |(key, text)| {
            let why = unmet(key, source.channels(), &options, &changes)?;
            Some(format!("`--{key} {text}` did nothing: {why}"))
        };
        remarks.extend(args.asked().filter_map(unmet));
        Ok(Self { changes, redesigned, zero_phase: args.zero_phase, remarks }.marked())
    }

    fn marked(mut self) -> Self {
        if self.zero_phase {
            for change in &mut self.changes {
                change.chains = change.chains.drain(..).map(zero_phase::marked).collect();
            }
        }
        self
    }

    /// Everything filtered forward and backward, where that is wanted.
    fn zero_phase(&mut self, source: &Joined) -> Result<Option<ZeroPhase>, StoreError> {
        if !self.zero_phase {
            return Ok(None);
        }
        let changes = self.changes.iter().map(|change| Ok(Input::Chains(Arc::new(change.clone()))));
        let pieces = source.pieces().filter_map(|piece| match piece {
            Ok(Record::Rows(rows)) => Some(Ok(Input::Rows(Arc::new(rows)))),
            Ok(Record::Gap(gap)) => Some(Ok(Input::Gap(gap))),
            Ok(_) => None,
            Err(error) => Some(Err(error)),
        });
        let channels = source.channels();
        ZeroPhase::of(channels, Pipeline::new(channels), changes.chain(pieces)).map(Some)
    }

    /// Where the new recording comes from, for its own log.
    fn log(&self, source: &Joined, as_found: bool) -> Vec<(i64, u8, String)> {
        let facts = source.first().facts();
        let files: Vec<String> = source.segments.iter().map(|segment| name(segment.path())).collect();
        let from = format!(
            "cleaned by myograph {} from {} (recording {})",
            env!("CARGO_PKG_VERSION"),
            files.join(", "),
            facts.recording_id
        );
        let warnings = self.remarks.iter().chain(&source.missing).flat_map(|text| lines(2, text));
        let found = if as_found { "as they were" } else { "found anew" };
        let found = format!("quality, artefacts and events {found}");
        [from, self.words(), found].iter().flat_map(|text| lines(3, text)).chain(warnings).collect()
    }

    fn words(&self) -> String {
        let chains = self.changes.iter().flat_map(|change| &change.chains);
        let mut words: Vec<&str> = Vec::new();
        for chain in chains {
            if !words.contains(&chain.words.as_str()) {
                words.push(&chain.words);
            }
        }
        let whose = if self.redesigned { "filters designed anew" } else { "the filters it ran under" };
        let how = if self.zero_phase { "forward and backward" } else { "causal" };
        format!("{whose}, {how}: {}", words.join(", "))
    }
}

/// A text as lines of a log.
fn lines(level: u8, text: &str) -> Vec<(i64, u8, String)> {
    let now = Stamp::now().utc_ns;
    pieces_of(text).into_iter().map(|piece| (now, level, piece)).collect()
}

/// The name of a file without its folders.
fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// That judgements of coders stay with the old recording, and how they come along: whether they hold for what other
/// filters show is for people to say.
fn judged(source: &Joined, output: &Path) -> Option<String> {
    let tables = source.segments.iter().flat_map(|segment| sidecar::beside(segment.path()));
    let tables: Vec<String> = tables.map(|table| name(&table)).collect();
    let joined =
        if source.segments.len() > 1 { ", the rows of a coder's tables under one header" } else { "" };
    let (new, copy) = (name(output), name(&sidecar::path_of(output, "CODER")));
    (!tables.is_empty()).then(|| {
        format!(
            "the judgements in {} stay with the old recording and do not count in {new}; to take them along, copy each \
             to `{copy}` beside it{joined}",
            tables.join(", ")
        )
    })
}

/// Why no channel got what was asked for by a key, and what to do; nothing where one did.
fn unmet(
    key: &str,
    channels: &[Channel],
    options: &Options,
    changes: &[ChainChange],
) -> Option<&'static str> {
    let chains = || changes.iter().flat_map(|change| &change.chains);
    let is_band_passed = chains().any(|chain| !chain.sections.is_empty());
    let is_smoothed = chains().any(|chain| !chain.envelope_sections.is_empty());
    let is_met = match key {
        "preset" => match options.preset {
            Preset::Off => true,
            Preset::Default => is_band_passed || is_smoothed,
            Preset::Startle28 | Preset::Band { .. } => is_band_passed,
        },
        "line-frequency" => is_band_passed && options.notches == Notches::Auto,
        "notches" => is_band_passed || options.notches == Notches::Off,
        "envelope-baseline" => {
            options.baseline == Baseline::Off || chains().any(crate::pipeline::Chain::takes_baseline)
        }
        _ => is_band_passed,
    };
    if is_met {
        return None;
    }
    Some(if options.preset == Preset::Off {
        "under preset off no filter runs; choose another `--preset` with it, or leave it out"
    } else if key == "envelope-baseline" {
        if channels.iter().all(|channel| matches!(channel.kind, Kind::Aux | Kind::Trigger)) {
            "no channel carries EMG; leave it out"
        } else {
            "the rate is too low to smooth an envelope; leave it out"
        }
    } else if is_band_passed {
        "the notches are not those of the mains; choose `--notches auto` with it, or leave it out"
    } else {
        "no channel is raw, and only raw ones have a band-pass and notches; leave it out"
    })
}

/// The filters asked for; what is not asked for is as the recording's own configuration has it.
fn options(args: &CleanArgs, config: &str, stored: &[ChainChange]) -> anyhow::Result<Options> {
    let mut config = Config::from_toml(config, &args.file).unwrap_or_default();
    for (key, text) in args.asked() {
        config.ask(key, text).map_err(|error| advise(&error, error.advice()))?;
    }
    let mut words = stored.iter().flat_map(|change| &change.chains).map(|chain| &chain.words);
    // What `auto` came to is said by the chains alone.
    if config.line_frequency == LineFrequency::Auto && words.any(|words| words.contains(" N60")) {
        config.line_frequency = LineFrequency::Hz60;
    }
    Ok(config.filter())
}
