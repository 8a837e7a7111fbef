//! `replay:`'s other half: a child process reads the recording, because a recorder never touches HDF5, and hands
//! it over as journal records on a pipe.

use super::advise;
use crate::emg::units::index;
use crate::emg::{Gap, Stamp, Truth};
use crate::source::Description;
use crate::source::replay::{Item, Items, Replay};
use crate::source::uri::ReplayOptions;
use crate::store::journal::frame::{self, Identity, Parsed};
use crate::store::journal::{Header, Record, codec};
use crate::store::reader::Block;
use crate::store::{Recording, StoreError};
use anyhow::{Context, bail};
use clap::Args;
use std::io::{BufWriter, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, ExitCode, Stdio};

/// Bytes asked of the pipe at a time.
const READ_BYTES: usize = 64 * 1024;
/// Frames on the pipe belong to no journal.
const PIPE: Identity = Identity { recording_id: [0; 16], segment: 0 };

#[derive(Debug, Args)]
pub(super) struct FeedArgs {
    file: PathBuf,
}

pub(super) fn run(args: &FeedArgs) -> anyhow::Result<ExitCode> {
    let fail = |error: StoreError| advise(&error, error.advice());
    let recording = Recording::open(&args.file).map_err(fail)?;
    let mut pipe = Pipe { out: BufWriter::new(std::io::stdout().lock()), sequence: 0 };
    pipe.send(&Record::Header(Box::new(header(&recording))))?;
    let blocks = recording.blocks().map_err(fail)?;
    for truth in truth(&recording, blocks.first()).map_err(fail)? {
        pipe.send(&Record::Truth(truth))?;
    }
    let mut gaps = recording.gaps().map_err(fail)?.into_iter().peekable();
    for run in blocks.chunk_by(|a, b| same_chunk(&recording, a, b)) {
        let (Some(first), Some(last)) = (run.first(), run.last()) else { continue };
        let mut samples = recording.raw(first.sample..last.end()).map_err(fail)?;
        let mut digital = recording.digital(first.sample..last.end()).map_err(fail)?;
        for block in run {
            while let Some(gap) = gaps.next_if(|gap: &Gap| gap.sample <= block.sample) {
                pipe.send(&Record::Gap(gap))?;
            }
            let rows = index(block.count);
            pipe.send(&Record::Rows(crate::emg::RawBlock {
                sample: block.sample,
                channels: recording.channels().len(),
                epoch: block.epoch,
                device_index: block.device_index,
                device_us: block.device_us,
                stamp: Stamp { host_ns: block.host_ns, utc_ns: 0 },
                samples: samples.take_front(rows * recording.channels().len()),
                digital: digital.drain(..rows.min(digital.len())).collect(),
            }))?;
        }
    }
    pipe.out.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// Standard output as a sequence of frames.
struct Pipe<W: Write> {
    out: W,
    sequence: u64,
}

impl<W: Write> Pipe<W> {
    fn send(&mut self, record: &Record) -> std::io::Result<()> {
        let (kind, payload) = codec::encode(record);
        let mut bytes = Vec::new();
        frame::encode(PIPE, self.sequence, kind, &payload, &mut bytes);
        self.sequence += 1;
        self.out.write_all(&bytes)
    }
}

/// Blocks that are read in one go: neighbours within a second's chunk.
fn same_chunk(recording: &Recording, a: &Block, b: &Block) -> bool {
    let chunk = recording.facts().chunk_rows.max(1);
    a.end() == b.sample && a.sample / chunk == b.sample / chunk
}

fn header(recording: &Recording) -> Header {
    let facts = recording.facts();
    let rate = if facts.nominal_rate_hz.is_nan() { facts.sampling_rate_hz } else { facts.nominal_rate_hz };
    Header {
        entities: facts.entities.clone(),
        source: facts.source.clone(),
        board: facts.board.clone(),
        digital: facts.digital,
        losses_counted: facts.losses_counted,
        nominal_hz: rate,
        ..Header::of(recording.channels().to_vec(), facts.sample_type)
    }
}

/// The truth in the device's count of rows, as a source tells it. A simulated face has one epoch.
fn truth(recording: &Recording, first: Option<&Block>) -> Result<Vec<Truth>, StoreError> {
    let Some(first) = first else { return Ok(Vec::new()) };
    let index = |row: u64| (row + first.device_index).saturating_sub(first.sample);
    let told = recording.truth()?;
    Ok(told.into_iter().map(|t| Truth { onset: index(t.onset), end: index(t.end), ..t }).collect())
}

/// A source that replays a recording through a child of ours.
pub(super) fn replay(uri: &str, options: &ReplayOptions) -> anyhow::Result<Replay> {
    let mut child = Command::new(std::env::current_exe().context("this program cannot find itself")?)
        .arg("feed")
        .arg(&options.path)
        .env("HDF5_USE_FILE_LOCKING", "FALSE")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("the reader of the recording cannot be started; end other programs and try again")?;
    let Some(output) = child.stdout.take() else { bail!("the reader of the recording has no output") };
    let mut frames = Frames { child, output, buffer: Vec::new(), at: 0 };
    let header = match frames.next() {
        Some(Ok(Record::Header(header))) => header,
        Some(Err(sentence)) => bail!(sentence),
        _ => bail!("{} cannot be replayed; check it with `myograph verify`", options.path.display()),
    };
    let first = up_to_rows(&mut frames)?;
    let description = Description {
        uri: uri.to_owned(),
        board: format!("replay of {}", options.path.display()),
        channels: header.channels,
        sample_type: header.sample_type,
        nominal_hz: Some(header.nominal_hz).filter(|rate| rate.is_finite() && *rate > 0.0),
        losses_counted: header.losses_counted,
        digital: header.digital,
        can_wait: true,
        remarks: vec![format!("the rows are those of {}, not of anybody now", header.board)],
    };
    let records = first.into_iter().map(Ok).chain(frames);
    let items: Items = Box::new(records.filter_map(|record| match record {
        Ok(Record::Rows(block)) => Some(Ok(Item::Rows(block))),
        Ok(Record::Gap(gap)) => Some(Ok(Item::Gap(gap))),
        Ok(Record::Truth(truth)) => Some(Ok(Item::Truth(vec![truth]))),
        Ok(_) => None,
        // The source adds what to do.
        Err(sentence) => Some(Err(sentence.split("; ").next().unwrap_or_default().to_owned())),
    }));
    Ok(Replay::new(description, items, options.speed))
}

/// The records up to the first rows, so that damage there is known before anything begins.
fn up_to_rows(frames: &mut Frames) -> anyhow::Result<Vec<Record>> {
    let mut first = Vec::new();
    for record in frames {
        first.push(record.map_err(anyhow::Error::msg)?);
        if let Some(Record::Rows(_)) = first.last() {
            break;
        }
    }
    Ok(first)
}

/// Records from the child's pipe; its end is the recording's end only if the child says so by its exit code.
struct Frames {
    child: Child,
    output: ChildStdout,
    buffer: Vec<u8>,
    at: usize,
}

impl Iterator for Frames {
    type Item = Result<Record, String>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match frame::parse(&self.buffer[self.at..]) {
                Parsed::Whole(found, used) => {
                    let record = codec::decode(found.kind, found.payload);
                    self.at += used;
                    return record.map_err(|error| error.to_string()).transpose();
                }
                Parsed::Damaged if self.at < self.buffer.len() => {
                    return Some(Err("the pipe from its reader is damaged".to_owned()));
                }
                Parsed::Partial | Parsed::Damaged => {}
            }
            self.buffer.drain(..self.at);
            self.at = 0;
            let start = self.buffer.len();
            self.buffer.resize(start + READ_BYTES, 0);
            let got = self.output.read(&mut self.buffer[start..]);
            self.buffer.truncate(start + *got.as_ref().unwrap_or(&0));
            match got {
                Ok(0) => {
                    let whole =
                        self.buffer.is_empty() && self.child.wait().is_ok_and(|status| status.success());
                    return (!whole).then(|| Err(self.last_words()));
                }
                Ok(_) => {}
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Some(Err(error.to_string())),
            }
        }
    }
}

impl Frames {
    /// Why the child ended, in its own words.
    fn last_words(&mut self) -> String {
        let mut said = String::new();
        if let Some(mut pipe) = self.child.stderr.take() {
            let _ = pipe.read_to_string(&mut said);
        }
        let sentence = said.lines().next().unwrap_or_default();
        match sentence.strip_prefix("myograph: ") {
            Some(sentence) => sentence.to_owned(),
            None => "its reader ended before the recording did".to_owned(),
        }
    }
}

impl Drop for Frames {
    fn drop(&mut self) {
        // A replay that is stopped early leaves a child that writes into a closed pipe; it must not stay behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
