//! All datasets of a file under construction, and what a record adds to each.
//!
//! Tables are written before samples, so that a live reader never sees rows whose gap or span it cannot look up.

use super::matrix::{Matrix, RawMatrix, Table, Written};
use crate::emg::Prediction;
use crate::emg::finding::prediction::Participant;
use crate::emg::units::{index, small};
use crate::emg::{Gap, RawBlock};
use crate::face::Findings;
use crate::pipeline::{Chain, CleanBlock, FilterState, Section, Span};
use crate::store::journal::{Header, Record};
use crate::store::layout::later::{ArtefactRow, CalibrationRow, EventRow, PreflightRow, QualityRow};
use crate::store::layout::predictions;
use crate::store::layout::rows::{
    BlockRow, ChainRow, ClockOffsetRow, FitRow, GapRow, LogRow, MarkerRow, SpanRow, TruthRow,
};
use crate::store::layout::text::fixed;
use crate::store::layout::words::log_rows;
use crate::store::layout::{State, append, attributes, create, envelope_chunk, path};
use hdf5::{Dataset, File, Result};
use ndarray::{Array3, s};

/// Chunks held back between two flushes, so that a journal can be projected faster than it was recorded.
const PENDING_CHUNKS: usize = 8;
/// Rows of tables that wait to be written together, where nobody looks.
const WAITING_ROWS: usize = 2048;

/// Sections of all chains so far: rows of six coefficients.
#[derive(Debug)]
struct Sections {
    path: &'static str,
    dataset: Dataset,
    rows: usize,
    pending: Vec<f64>,
}

impl Sections {
    fn open(file: &File, path: &'static str) -> Result<Self> {
        Ok(Self { path, dataset: file.dataset(path)?, rows: 0, pending: Vec::new() })
    }

    /// Adds a chain's sections and says where they begin.
    fn push(&mut self, sections: &[Section]) -> u32 {
        let first = self.rows + self.pending.len() / 6;
        self.pending.extend(sections.iter().flatten());
        small(first)
    }

    fn flush(&mut self) -> Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        self.rows = append(&self.dataset, self.rows, 6, &self.pending)?;
        self.pending.clear();
        self.dataset.flush()
    }

    fn written(&self) -> Written {
        Written { path: self.path.into(), rows: self.rows, sums: None }
    }
}

/// One model's predictions.
#[derive(Debug)]
struct Opinions {
    path: String,
    dataset: Dataset,
    classes: Vec<String>,
    rows: usize,
    pending: Vec<Prediction>,
}

impl Opinions {
    fn open(file: &File, model: &Participant) -> Result<Self> {
        let path = predictions::path_of(&model.name);
        let dataset = file.dataset(&path)?;
        Ok(Self { path, dataset, classes: model.classes.clone(), rows: 0, pending: Vec::new() })
    }

    fn waiting(&self) -> usize {
        self.pending.len()
    }

    fn flush(&mut self) -> Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        self.rows = predictions::append(&self.dataset, self.rows, &self.classes, &self.pending)?;
        self.pending.clear();
        self.dataset.flush()
    }

    fn written(&self) -> Written {
        Written { path: self.path.clone().into(), rows: self.rows, sums: None }
    }
}

#[derive(Debug)]
pub(super) struct Open {
    raw: RawMatrix,
    digital: Matrix<u8>,
    clean: Matrix<f32>,
    envelope: Matrix<f32>,
    blocks: Table<BlockRow>,
    fits: Table<FitRow>,
    gaps: Table<GapRow>,
    markers: Table<MarkerRow>,
    clock_offsets: Table<ClockOffsetRow>,
    chains: Table<ChainRow>,
    spans: Table<SpanRow>,
    log: Table<LogRow>,
    truth: Table<TruthRow>,
    quality: Table<QualityRow>,
    artefacts: Table<ArtefactRow>,
    events: Table<EventRow>,
    predictions: Vec<Opinions>,
    calibration: Table<CalibrationRow>,
    preflight: Table<PreflightRow>,
    sections: Sections,
    envelope_sections: Sections,
    has_digital: bool,
    /// For each channel its action unit.
    action_units: Vec<String>,
    /// Last, because fields are dropped in order and the file closes when nothing in it is open.
    file: File,
}

impl Open {
    /// Opens the datasets of a laid out file and the file to live readers.
    pub(super) fn start(file: File, header: &Header) -> Result<Self> {
        let (rows, width) = (create::chunk_rows(header), header.channels.len());
        let open = Self {
            raw: RawMatrix::open(&file, header.sample_type, rows, width)?,
            digital: Matrix::open(&file, path::DIGITAL, rows, 1)?,
            clean: Matrix::open(&file, path::CLEAN, rows, width)?,
            envelope: Matrix::open(
                &file,
                path::ENVELOPE,
                envelope_chunk(header.chunk_rows, header.decimation),
                width,
            )?,
            blocks: Table::open(&file)?,
            fits: Table::open(&file)?,
            gaps: Table::open(&file)?,
            markers: Table::open(&file)?,
            clock_offsets: Table::open(&file)?,
            chains: Table::open(&file)?,
            spans: Table::open(&file)?,
            log: Table::open(&file)?,
            truth: Table::open(&file)?,
            quality: Table::open(&file)?,
            artefacts: Table::open(&file)?,
            events: Table::open(&file)?,
            predictions: header.models.iter().map(|m| Opinions::open(&file, m)).collect::<Result<_>>()?,
            action_units: header.channels.iter().map(|channel| channel.action_unit.clone()).collect(),
            calibration: Table::open(&file)?,
            preflight: Table::open(&file)?,
            sections: Sections::open(&file, path::SECTIONS)?,
            envelope_sections: Sections::open(&file, path::ENVELOPE_SECTIONS)?,
            has_digital: header.digital,
            file,
        };
        open.file.flush()?;
        open.file.start_swmr()?;
        Ok(open)
    }

    /// Rows a reader can see.
    pub(super) fn rows(&self) -> u64 {
        self.raw.rows()
    }

    pub(super) fn block(&mut self, block: &RawBlock) {
        self.blocks.push(BlockRow::from(block));
        self.raw.push(&block.samples);
        self.digital.push(&block.digital);
    }

    pub(super) fn gap(&mut self, gap: &Gap) {
        self.gaps.push(GapRow::from(gap));
    }

    /// Rows that an exact gap fills.
    pub(super) fn missing(&mut self, rows: u64) {
        let rows = index(rows);
        self.raw.fill_missing(rows);
        if self.has_digital {
            self.digital.fill(rows, 0);
        }
    }

    /// A record that is one row of a table, or several of the log.
    pub(super) fn note(&mut self, record: &Record) {
        match record {
            Record::Marker(marker) => self.markers.push(MarkerRow::from(marker)),
            Record::ClockOffset(offset) => self.clock_offsets.push(ClockOffsetRow::from(offset)),
            Record::Fit(fit) => self.fits.push(FitRow::from(fit)),
            Record::Truth(truth) => self.truth.push(TruthRow::from(truth)),
            Record::Calibration(kept) => self.calibration.push(CalibrationRow::from(kept)),
            Record::Preflight(line) => self.preflight.extend(PreflightRow::all(line)),
            Record::Log { utc_ns, level, text } => {
                self.log.extend(log_rows(*utc_ns, *level, text));
            }
            _ => {}
        }
    }

    /// A model's prediction; none of a model nobody announced.
    pub(super) fn prediction(&mut self, prediction: &Prediction) {
        if let Some(opinions) = self.predictions.get_mut(usize::from(prediction.model)) {
            opinions.pending.push(prediction.clone());
        }
    }

    /// What was found in the rows.
    pub(super) fn found(&mut self, found: &Findings) {
        self.quality.extend(found.quality.iter().map(QualityRow::from));
        self.artefacts.extend(found.artefacts.iter().map(ArtefactRow::from));
        let unit = |channel: u16| self.action_units.get(usize::from(channel)).map_or("", String::as_str);
        self.events.extend(found.events.iter().map(|event| EventRow::of(event, unit(event.channel))));
    }

    pub(super) fn chains(&mut self, chains: &[Chain]) {
        for chain in chains {
            self.chains.push(ChainRow {
                id: chain.id,
                first_section: self.sections.push(&chain.sections),
                count: small(chain.sections.len()),
                envelope_first: self.envelope_sections.push(&chain.envelope_sections),
                envelope_count: small(chain.envelope_sections.len()),
                design_rate_hz: chain.design_rate_hz,
                words: fixed(&chain.words),
                delay_samples: chain.delay_samples,
                rectify: u8::from(chain.rectify),
                settle_samples: chain.settle_rows,
                baseline_fall: chain.tracker.map_or(0.0, |tracker| tracker.fall),
                baseline_rise: chain.tracker.map_or(0.0, |tracker| tracker.rise),
            });
        }
    }

    pub(super) fn spans(&mut self, spans: &[Span]) {
        self.spans.extend(spans.iter().map(SpanRow::from));
    }

    /// The rate the filters are designed for, which is the recording's rate from then on.
    pub(super) fn rate(&mut self, rate_hz: f64) -> Result<()> {
        attributes::change(&self.file, "sampling_rate_hz", rate_hz)?;
        self.file.flush()
    }

    /// The filters' state before the first row, one entry per channel, none where no span runs.
    pub(super) fn state(&mut self, filters: &[Option<FilterState>]) -> Result<()> {
        let write = |path: &str, part: fn(&FilterState) -> &[[f64; 2]]| {
            let depth = filters.iter().flatten().map(|filter| part(filter).len()).max().unwrap_or(0);
            let mut state = Array3::from_elem((filters.len(), depth, 2), f64::NAN);
            for (channel, filter) in filters.iter().enumerate() {
                for (section, memory) in filter.iter().flat_map(|filter| part(filter).iter().enumerate()) {
                    state.slice_mut(s![channel, section, ..]).assign(&ndarray::aview1(memory));
                }
            }
            let dataset = self.file.dataset(path)?;
            dataset.resize((filters.len(), depth, 2))?;
            dataset.write_slice(state.view(), s![.., .., ..])?;
            dataset.flush()
        };
        write(path::STATE, |filter| &filter.sections)?;
        write(path::ENVELOPE_STATE, |filter| &filter.envelope)
    }

    /// Clean rows; writes when enough have come together.
    pub(super) fn clean(&mut self, clean: &CleanBlock) -> Result<()> {
        self.spans(&clean.spans);
        self.clean.push(&clean.clean);
        self.envelope.push(&clean.envelope);
        if self.raw.pending_chunks() < PENDING_CHUNKS {
            return Ok(());
        }
        self.relieve()?;
        self.raw.write(false)?;
        self.digital.write(false)?;
        self.clean.write(false)?;
        self.envelope.write(false)
    }

    /// Writes the tables when enough has come together: small writes cost more than their rows are worth. Live readers are
    /// shown them by `flush`.
    pub(super) fn relieve(&mut self) -> Result<()> {
        if self.waiting() >= WAITING_ROWS { self.tables() } else { Ok(()) }
    }

    /// Rows of the tables that grow with the signal and are not written yet.
    fn waiting(&self) -> usize {
        let found = self.quality.waiting() + self.artefacts.waiting() + self.events.waiting();
        let said: usize = self.predictions.iter().map(Opinions::waiting).sum();
        self.blocks.waiting() + self.truth.waiting() + found + said
    }

    fn tables(&mut self) -> Result<()> {
        self.sections.flush()?;
        self.envelope_sections.flush()?;
        self.chains.flush()?;
        self.spans.flush()?;
        self.blocks.flush()?;
        self.gaps.flush()?;
        self.fits.flush()?;
        self.markers.flush()?;
        self.clock_offsets.flush()?;
        self.truth.flush()?;
        self.quality.flush()?;
        self.artefacts.flush()?;
        self.events.flush()?;
        self.predictions.iter_mut().try_for_each(Opinions::flush)?;
        self.calibration.flush()?;
        self.preflight.flush()?;
        self.log.flush()
    }

    /// Writes what is whole and shows it to readers.
    pub(super) fn flush(&mut self) -> Result<()> {
        self.tables()?;
        self.raw.flush()?;
        self.digital.flush()?;
        self.clean.flush()?;
        self.envelope.flush()
    }

    /// Writes everything that is left and marks the file as whole.
    pub(super) fn finish(&mut self, state: State, next: &str) -> Result<()> {
        self.tables()?;
        self.raw.write(true)?;
        self.digital.write(true)?;
        self.clean.write(true)?;
        self.envelope.write(true)?;
        attributes::change_label(&self.file, "next", next)?;
        attributes::change_label(&self.file, "state", state.word())?;
        self.file.flush()
    }

    /// What the file must read back as.
    pub(super) fn written(&self) -> Vec<Written> {
        [
            self.raw.written(),
            self.digital.written(),
            self.clean.written(),
            self.envelope.written(),
            self.blocks.written(),
            self.fits.written(),
            self.gaps.written(),
            self.markers.written(),
            self.clock_offsets.written(),
            self.chains.written(),
            self.spans.written(),
            self.log.written(),
            self.truth.written(),
            self.quality.written(),
            self.artefacts.written(),
            self.events.written(),
            self.calibration.written(),
            self.preflight.written(),
            self.sections.written(),
            self.envelope_sections.written(),
        ]
        .into_iter()
        .chain(self.predictions.iter().map(Opinions::written))
        .collect()
    }
}
