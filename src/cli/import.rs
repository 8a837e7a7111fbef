//! `import`: a text file becomes a recording, through the same sequencer, journal and projector as a live one.

use super::{advise, say, tell};
use crate::config::Config;
use crate::emg::marker::{Action, Marker, NOTE_BYTES, Origin, Placed};
use crate::emg::units::{count, float, index, small, wide};
use crate::emg::{Cause, Samples, Stamp, units};
use crate::import::{self, ColumnSpec, Format, Imported, MarkerSpec};
use crate::pipeline::preset;
use crate::recorder::{record, sequence};
use crate::source::{Description, Packet, Reading};
use crate::store::journal::{Entities, Follower, Header, Journal, Record};
use crate::store::{StoreError, follow, naming};
use anyhow::ensure;
use clap::Args;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What a journal of an import says of its recorder.
const RECORDER: &str = "import";
/// Rows handed over at a time where no rate is known.
const BLOCK_ROWS: usize = 1000;

#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    /// The text file
    file: PathBuf,
    /// The recording to write; never overwritten
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Format; found from the first lines when not given
    #[arg(long, value_name = "csv|acqknowledge|opensignals")]
    format: Option<Format>,
    /// Columns that become channels, by number or name, with kind and unit; behind an envelope sensor
    /// NAME=COL:envelope:UNIT:tauSECONDS gives its time constant, from which durations are corrected
    #[arg(long, value_name = "NAME=COL:KIND:UNIT", value_delimiter = ',')]
    columns: Vec<ColumnSpec>,
    /// Columns whose steps become markers, e.g. happy=7:step-5; repeatable
    #[arg(long, value_name = "NAME=COL:stepSIZE", value_delimiter = ',')]
    markers: Vec<MarkerSpec>,
    /// Rows per second; a usable time column wins
    #[arg(long, value_name = "HZ", allow_negative_numbers = true)]
    rate: Option<f64>,
    /// Mains frequency: 50 or 60 [default: 50]
    #[arg(long, value_name = "HZ")]
    line_frequency: Option<String>,
    /// BIDS subject, by which tables know one person from another [default: test]
    #[arg(long)]
    subject: Option<String>,
    /// BIDS session
    #[arg(long)]
    session: Option<String>,
    /// BIDS task [default: free]
    #[arg(long)]
    task: Option<String>,
    /// BIDS run [default: 1]
    #[arg(long)]
    run: Option<String>,
}

pub(super) fn run(args: &ImportArgs) -> anyhow::Result<ExitCode> {
    let exists = |path: &Path| format!("{} exists already; choose another name with `-o`", path.display());
    let journal = naming::journal_path(&args.output);
    remove_interrupted(&journal);
    for path in [&args.output, &journal] {
        ensure!(!path.exists(), exists(path));
    }
    let options = import::Options {
        format: args.format,
        columns: args.columns.clone(),
        markers: args.markers.clone(),
        rate_hz: args.rate,
    };
    let imported = import::read(&args.file, &options).map_err(|error| advise(&error, error.advice()))?;
    for warning in &imported.warnings {
        tell(&format!("warning: {warning}"));
    }
    let flags = crate::config::Flags {
        line_frequency: args.line_frequency.clone(),
        subject: args.subject.clone(),
        session: args.session.clone(),
        task: args.task.clone(),
        run: args.run.clone(),
        ..crate::config::Flags::default()
    };
    let config = super::resolve(&flags)?;
    let name = args.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let failed = |error: StoreError| {
        let _ = std::fs::remove_file(&journal);
        // The user named the recording; that its journal came first is nothing to him.
        let error = match error {
            StoreError::Create { source, .. } => StoreError::Create { path: args.output.clone(), source },
            other => other,
        };
        advise(&error, error.advice())
    };
    write(&journal, &imported, &config, &name).map_err(failed)?;
    let recovered = follow::rebuild(&journal, &args.output, false).map_err(failed)?;
    say(&format!(
        "{}: {} rows of {} channels, {} markers, {}",
        recovered.file.display(),
        recovered.rows,
        imported.channels.len(),
        imported.marks.len(),
        imported.nominal_hz.map_or("rate unknown".to_owned(), |rate| format!("{rate} Hz")),
    ));
    Ok(ExitCode::SUCCESS)
}

/// A journal that an import of the same name left when it was killed; the text file still has everything.
fn remove_interrupted(journal: &Path) {
    let idle = std::fs::File::open(journal).is_ok_and(|file| file.try_lock().is_ok());
    if idle && Follower::open(journal).is_ok_and(|follower| follower.header().recorder == RECORDER) {
        let _ = std::fs::remove_file(journal);
    }
}

/// The journal a recorder would have written, had the file's rows come live.
fn write(path: &Path, imported: &Imported, config: &Config, name: &str) -> Result<(), StoreError> {
    let header = header(imported, config, name);
    let options = sequence::Options {
        channels: imported.channels.clone(),
        filter: config.filter(),
        duration: None,
        rotate: None,
        chunk_rows: header.chunk_rows,
        goes_on: None,
    };
    let mut journal = Journal::create(path, &header)?;
    let mut sequencer = sequence::Sequencer::new(&description(imported, &header), options);
    for packet in packets(imported) {
        for piece in sequencer.take(Reading::Rows(packet)) {
            if let Some(record) = record(&piece) {
                journal.append(&record)?;
            }
        }
    }
    for (at, mark) in imported.marks.iter().enumerate() {
        journal.append(&Record::Marker(marker(imported, wide(at) + 1, mark)))?;
    }
    for warning in imported.warnings.iter().flat_map(|text| pieces_of(text)) {
        journal.append(&Record::Log { utc_ns: header.created_utc_ns, level: 2, text: warning })?;
    }
    journal.append(&Record::End { rows: sequencer.next_row(), utc_ns: Stamp::now().utc_ns })?;
    journal.sync()
}

fn header(imported: &Imported, config: &Config, name: &str) -> Header {
    let now = Stamp::now();
    Header {
        recording_id: *uuid::Uuid::new_v4().as_bytes(),
        software_version: env!("CARGO_PKG_VERSION").to_owned(),
        created_utc_ns: imported.start_utc_ns.unwrap_or(now.utc_ns),
        pid: std::process::id(),
        recorder: RECORDER.to_owned(),
        entities: Entities {
            subject: config.subject.clone(),
            session: config.session.clone(),
            task: config.task.clone(),
            run: config.run.unwrap_or(1),
            split: None,
        },
        source: format!("import:{name}"),
        board: format!("{:?} text file", imported.format),
        nominal_hz: imported.nominal_hz.unwrap_or(f64::NAN),
        chunk_rows: small(block_rows(imported)),
        decimation: preset::decimation(imported.nominal_hz),
        config: config.effective_toml(),
        ..Header::of(imported.channels.clone(), imported.samples.sample_type())
    }
}

fn description(imported: &Imported, header: &Header) -> Description {
    Description {
        uri: header.source.clone(),
        board: header.board.clone(),
        channels: imported.channels.clone(),
        sample_type: header.sample_type,
        nominal_hz: imported.nominal_hz,
        losses_counted: false,
        digital: false,
        can_wait: true,
        remarks: Vec::new(),
    }
}

fn block_rows(imported: &Imported) -> usize {
    imported.nominal_hz.map_or(BLOCK_ROWS, |rate| index(count(rate)).max(1))
}

/// The stored rows in blocks, under an index that jumps over exact holes and an epoch that counts the others.
fn packets(imported: &Imported) -> impl Iterator<Item = Packet> + '_ {
    let block = block_rows(imported);
    let mut epoch = 0;
    imported.runs().into_iter().flat_map(move |run| {
        epoch += u32::from(run.after.is_some_and(|hole| !hole.exact));
        run.stored.clone().step_by(block).map(move |at| {
            let end = (at + block).min(run.stored.end);
            let sample = run.sample + wide(at - run.stored.start);
            let time_us = |stored: usize| imported.time_us.get(stored).copied().unwrap_or(0);
            Packet {
                epoch,
                index: sample,
                device_us: time_us(at),
                stamp: stamp(imported, end - 1, run.sample + wide(end - 1 - run.stored.start)),
                samples: part(imported, at, end),
                digital: Vec::new(),
                cause: Cause::Unknown,
            }
        })
    })
}

/// The file's own time of a row, as if it had arrived then; by row number where the file has none.
fn stamp(imported: &Imported, stored: usize, sample: u64) -> Stamp {
    let first_us = imported.time_us.first().copied().unwrap_or(0);
    let seconds = match (imported.time_us.get(stored), imported.nominal_hz) {
        (Some(us), _) => float(us - first_us) / 1e6,
        (None, Some(rate)) => float(sample) / rate,
        (None, None) => 0.0,
    };
    let ns = units::nanos(seconds);
    Stamp { host_ns: ns, utc_ns: imported.start_utc_ns.map_or(0, |start| start + ns) }
}

fn part(imported: &Imported, from: usize, to: usize) -> Samples {
    let n = imported.channels.len();
    match &imported.samples {
        Samples::I16(values) => Samples::I16(values[from * n..to * n].to_vec()),
        Samples::I32(values) => Samples::I32(values[from * n..to * n].to_vec()),
        Samples::F32(values) => Samples::F32(values[from * n..to * n].to_vec()),
        Samples::F64(values) => Samples::F64(values[from * n..to * n].to_vec()),
    }
}

fn marker(imported: &Imported, id: u64, mark: &import::Mark) -> Marker {
    Marker {
        id,
        sample: mark.sample,
        stamp: stamp(imported, usize::MAX, mark.sample),
        label: crate::emg::marker::clip(&mark.label, crate::emg::marker::LABEL_BYTES),
        note: String::new(),
        code: mark.code,
        origin: Origin::Ttl,
        client: "import".to_owned(),
        latency_us: 0,
        // A step between two rows is known to half a row.
        uncertainty_us: imported.nominal_hz.map_or(0, |rate| units::small(units::length(0.5e6 / rate))),
        placed: Placed::Fit,
        action: Action::Add,
        refers_to: 0,
    }
}

/// A long sentence as rows that fit.
pub(super) fn pieces_of(text: &str) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let cut = rest.floor_char_boundary(NOTE_BYTES);
        let (piece, later) = rest.split_at(cut);
        pieces.push(crate::emg::marker::clip(piece, NOTE_BYTES));
        rest = later;
    }
    pieces
}
