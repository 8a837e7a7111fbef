//! A whole recording as the journal records that make it again: one file out of all segments.
//!
//! Rows come in the blocks they were received in, tables as they are; what a projection derives (clean samples,
//! envelope, spans) is left to it. Called by `clean`.

use super::{Block, Joined, Recording};
use crate::emg::units::{index, wide};
use crate::emg::{Gap, RawBlock, Stamp};
use crate::pipeline::{Chain, ChainChange, Span};
use crate::store::StoreError;
use crate::store::error::Problem;
use crate::store::journal::{Header, Record};
use crate::store::layout::attributes::{number, text};
use crate::store::layout::chunks_together;
use chrono::DateTime;

impl Joined {
    /// The header under which its segments become one file; id, process and recorder are for the caller to fill in.
    pub fn header(&self) -> Result<Header, StoreError> {
        let first = self.first();
        let facts = first.facts();
        let lost = |name: &'static str| move |source| first.unreadable(name, source);
        let created = DateTime::parse_from_rfc3339(&facts.created_utc).ok();
        let chunk_rows = u32::try_from(facts.chunk_rows);
        Ok(Header {
            segment: 0,
            first_row: facts.first_row,
            software_version: facts.software_version.clone(),
            created_utc_ns: created.and_then(|at| at.timestamp_nanos_opt()).unwrap_or(0),
            created_host_ns: number(&first.file, "created_host_ns").map_err(lost("created_host_ns"))?,
            boot_id: text(&first.file, "boot_id").map_err(lost("boot_id"))?,
            entities: crate::store::journal::Entities { split: None, ..facts.entities.clone() },
            source: facts.source.clone(),
            board: facts.board.clone(),
            digital: facts.digital,
            losses_counted: facts.losses_counted,
            nominal_hz: facts.nominal_rate_hz,
            chunk_rows: chunk_rows.map_err(|_| first.damaged("raw/samples", Problem::Shape))?,
            decimation: facts.decimation,
            config: first.config()?,
            protocol: first.protocol()?,
            montage: facts.montage.clone(),
            seed: number(&first.file, "seed").map_err(lost("seed"))?,
            ..Header::of(self.channels().to_vec(), facts.sample_type)
        })
    }

    /// Where its chains changed, in order; where several reasons meet on one row, a change for each.
    pub fn changes(&self) -> Result<Vec<ChainChange>, StoreError> {
        let mut changes: Vec<ChainChange> = Vec::new();
        for segment in &self.segments {
            let Some(start) = segment.changes()?.into_iter().next() else { continue };
            let mut brought = start.chains.clone();
            match changes.first() {
                None => changes.push(start),
                Some(_) => brought.retain(|chain| !has(&changes, chain.id)),
            }
            // What a later segment repeats at its start are its chains; its spans say from where they hold.
            let new = segment.spans()?.into_iter().filter(|span| span.sample >= segment.facts.first_row);
            for span in new {
                turn(&mut changes, &span, &brought);
            }
        }
        Ok(changes)
    }

    /// The rows of its tables that no filter has to do with.
    pub fn notes(&self) -> Result<Vec<Record>, StoreError> {
        let mut notes = Vec::new();
        notes.extend(self.table(Recording::fits)?.into_iter().map(Record::Fit));
        notes.extend(self.table(Recording::markers)?.into_iter().map(Record::Marker));
        notes.extend(self.table(Recording::clock_offsets)?.into_iter().map(Record::ClockOffset));
        notes.extend(self.table(Recording::preflight)?.into_iter().map(Record::Preflight));
        let calibrations = self.table(Recording::calibrations)?.into_iter();
        notes.extend(calibrations.map(Record::Calibration));
        notes.extend(self.table(Recording::truth)?.into_iter().map(Record::Truth));
        let log = self.table(Recording::log)?.into_iter();
        notes.extend(log.map(|(utc_ns, level, text)| Record::Log { utc_ns, level, text }));
        Ok(notes)
    }

    /// Its rows as they were received and its gaps, in order.
    #[must_use]
    pub fn pieces(&self) -> Pieces<'_> {
        Pieces { segments: self.segments.iter(), running: None }
    }
}

/// Whether a chain was brought.
fn has(changes: &[ChainChange], id: u32) -> bool {
    changes.iter().flat_map(|change| &change.chains).any(|chain| chain.id == id)
}

/// Notes the chain that a span runs under, where its channel had another one.
fn turn(changes: &mut Vec<ChainChange>, span: &Span, brought: &[Chain]) {
    let channel = usize::from(span.channel);
    let Some(last) = changes.last().filter(|last| last.assignment[channel] != span.chain).cloned() else {
        return;
    };
    if (last.sample, last.reason) != (span.sample, span.reason) {
        changes.push(ChainChange { sample: span.sample, reason: span.reason, chains: Vec::new(), ..last });
    }
    let fresh = brought.iter().find(|chain| chain.id == span.chain && !has(changes, chain.id)).cloned();
    if let Some(now) = changes.last_mut() {
        now.assignment[channel] = span.chain;
        now.chains.extend(fresh);
    }
}

/// See [`Joined::pieces`].
#[derive(Debug)]
pub struct Pieces<'a> {
    segments: std::slice::Iter<'a, Recording>,
    running: Option<Segment<'a>>,
}

impl Iterator for Pieces<'_> {
    type Item = Result<Record, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(piece) = self.running.as_mut().and_then(|segment| segment.next().transpose()) {
                if piece.is_err() {
                    (self.running, self.segments) = (None, [].iter());
                }
                return Some(piece);
            }
            match Segment::open(self.segments.next()?) {
                Ok(segment) => self.running = Some(segment),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// One segment under way.
#[derive(Debug)]
struct Segment<'a> {
    recording: &'a Recording,
    blocks: std::vec::IntoIter<Block>,
    gaps: std::iter::Peekable<std::vec::IntoIter<Gap>>,
    /// Blocks of the chunks that were read last, and their rows.
    read: std::vec::IntoIter<RawBlock>,
    held: Option<RawBlock>,
}

impl<'a> Segment<'a> {
    fn open(recording: &'a Recording) -> Result<Self, StoreError> {
        Ok(Self {
            recording,
            blocks: recording.blocks()?.into_iter(),
            gaps: recording.gaps()?.into_iter().peekable(),
            read: Vec::new().into_iter(),
            held: None,
        })
    }

    fn next(&mut self) -> Result<Option<Record>, StoreError> {
        if self.held.is_none() {
            self.held = self.block()?;
        }
        let before = self.held.as_ref().map_or(u64::MAX, |block| block.sample);
        if let Some(gap) = self.gaps.next_if(|gap| gap.sample <= before) {
            return Ok(Some(Record::Gap(gap)));
        }
        Ok(self.held.take().map(Record::Rows))
    }

    fn block(&mut self) -> Result<Option<RawBlock>, StoreError> {
        if let Some(block) = self.read.next() {
            return Ok(Some(block));
        }
        let chunk = self.recording.facts.chunk_rows.max(1);
        let values = chunk.saturating_mul(wide(self.recording.channels.len()));
        let chunk = chunk * chunks_together(values);
        let rest = self.blocks.as_slice();
        let neighbours = |a: &Block, b: &Block| a.end() == b.sample && a.sample / chunk == b.sample / chunk;
        let Some(run) = rest.chunk_by(neighbours).next().map(<[Block]>::to_vec) else {
            return Ok(None);
        };
        self.blocks.nth(run.len() - 1);
        self.read = self.cut(&run)?.into_iter();
        Ok(self.read.next())
    }

    /// Rows of neighbouring blocks, read in one go.
    fn cut(&self, run: &[Block]) -> Result<Vec<RawBlock>, StoreError> {
        let (first, last) = (&run[0], &run[run.len() - 1]);
        let channels = self.recording.channels.len();
        let samples = self.recording.raw(first.sample..last.end())?;
        let digital = self.recording.digital(first.sample..last.end())?;
        let rows = |block: &Block, width: usize, there: usize| {
            let (from, to) = (index(block.sample - first.sample), index(block.end() - first.sample));
            (from * width).min(there)..(to * width).min(there)
        };
        let one = |block: &Block| RawBlock {
            sample: block.sample,
            channels,
            epoch: block.epoch,
            device_index: block.device_index,
            device_us: block.device_us,
            stamp: Stamp { host_ns: block.host_ns, utc_ns: block.utc_ns },
            samples: samples.part(rows(block, channels, samples.len())),
            digital: digital[rows(block, 1, digital.len())].to_vec(),
        };
        Ok(run.iter().map(one).collect())
    }
}
