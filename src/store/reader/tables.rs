//! Tables as vectors of the station's values. A table is read whole: recordings have few rows in each.

use super::{ROWS_LIMIT, Recording, length};
use crate::emg::clock::Fit;
use crate::emg::finding::prediction::Participant;
use crate::emg::units::{index, wide};
use crate::emg::{
    Artefact, Calibration, Channel, ClockOffset, Event, Gap, Marker, Prediction, Preflight, Quality, Truth,
};
use crate::face::Findings;
use crate::pipeline::{Chain, Section, Span};
use crate::store::StoreError;
use crate::store::error::Problem;
use crate::store::layout::later::{ArtefactRow, CalibrationRow, EventRow, PreflightRow, QualityRow};
use crate::store::layout::predictions;
use crate::store::layout::rows::{
    BlockRow, ChainRow, ChannelRow, ClockOffsetRow, EarlyChainRow, FitRow, GapRow, LogRow, MarkerRow,
    SpanRow, TruthRow,
};
use crate::store::layout::text::{Note, read};
use crate::store::layout::{Row, State, path};
use hdf5::types::{CompoundType, TypeDescriptor};
use hdf5::{Dataset, H5Type};
use ndarray::s;
use std::collections::BTreeMap;

/// A block as it was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// First row.
    pub sample: u64,
    /// Rows.
    pub count: u64,
    /// Epoch.
    pub epoch: u32,
    /// The device's index of the first row, unwrapped.
    pub device_index: u64,
    /// The device's own clock at the first row, microseconds, 0 where it has none.
    pub device_us: u64,
    /// Host time of the last byte, `CLOCK_BOOTTIME` nanoseconds.
    pub host_ns: i64,
    /// Wall clock at the same moment, nanoseconds since 1970 UTC.
    pub utc_ns: i64,
}

impl Block {
    /// The row after the last one.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.sample.saturating_add(self.count)
    }
}

impl Recording {
    /// Gaps, in order.
    pub fn gaps(&self) -> Result<Vec<Gap>, StoreError> {
        self.values::<GapRow, _>(GapRow::value)
    }

    /// Marker rows, in order.
    pub fn markers(&self) -> Result<Vec<Marker>, StoreError> {
        self.values::<MarkerRow, _>(MarkerRow::value)
    }

    /// Spans, in order.
    pub fn spans(&self) -> Result<Vec<Span>, StoreError> {
        self.values::<SpanRow, _>(SpanRow::value)
    }

    /// Time fits, in order.
    pub fn fits(&self) -> Result<Vec<Fit>, StoreError> {
        self.values::<FitRow, _>(|row| Some(row.value()))
    }

    /// What a simulated face did.
    pub fn truth(&self) -> Result<Vec<Truth>, StoreError> {
        self.values::<TruthRow, _>(|row| Some(row.value()))
    }

    /// Muscle events, in the order they ended.
    pub fn events(&self) -> Result<Vec<Event>, StoreError> {
        self.values::<EventRow, _>(EventRow::value)
    }

    /// The events that came after the first `known`, in the order they ended: of a growing file only those that are
    /// new need to be read.
    pub fn events_after(&self, known: usize) -> Result<Vec<Event>, StoreError> {
        let table = self.part(EventRow::PATH)?;
        let known = wide(known);
        if length(&table) <= known {
            return Ok(Vec::new());
        }
        if known == 0 {
            return self.events();
        }
        if !has_columns::<EventRow>(&table) || table.ndim() != 1 {
            return Err(self.damaged(EventRow::PATH, Problem::Type));
        }
        let new = table.read_slice_1d::<EventRow, _>(s![index(known)..]);
        let new = new.map_err(|source| self.unreadable(EventRow::PATH, source))?;
        let value = |row| EventRow::value(row).ok_or_else(|| self.damaged(EventRow::PATH, Problem::Value));
        new.iter().map(value).collect()
    }

    /// Signal quality, one row per channel and second.
    pub fn quality(&self) -> Result<Vec<Quality>, StoreError> {
        self.values::<QualityRow, _>(|row| Some(row.value()))
    }

    /// Stretches that rules reject; those of people are in sidecars.
    pub fn artefacts(&self) -> Result<Vec<Artefact>, StoreError> {
        self.values::<ArtefactRow, _>(|row| Some(row.value()))
    }

    /// What was found in its rows.
    pub fn findings(&self) -> Result<Findings, StoreError> {
        Ok(Findings { events: self.events()?, quality: self.quality()?, artefacts: self.artefacts()? })
    }

    /// The models that took part and what they said, in the order of their names.
    pub fn opinions(&self) -> Result<Vec<(Participant, Vec<Prediction>)>, StoreError> {
        let bytes = std::fs::metadata(&self.path).map_or(0, |meta| meta.len());
        let read = |(model, name): (usize, &String)| {
            let part = predictions::path_of(name);
            let table = self.part(&part)?;
            let fail = |source| self.unreadable(&part, source);
            let who = predictions::participant(&table, name).map_err(fail)?;
            if !predictions::fits(&table, who.classes.len(), bytes) {
                return Err(self.damaged(&part, Problem::Shape));
            }
            let number = u16::try_from(model).unwrap_or(u16::MAX);
            let said = predictions::read(&table, who.classes.len(), number).map_err(fail)?;
            Ok((who, said.unwrap_or_default()))
        };
        self.predictions()?.keys().enumerate().map(read).collect()
    }

    /// Calibrations in the order they were kept or taken back; the last of a channel holds, wherever it stands.
    pub fn calibrations(&self) -> Result<Vec<Calibration>, StoreError> {
        self.values::<CalibrationRow, _>(|row| Some(row.value()))
    }

    /// The pre-flight sheet.
    pub fn preflight(&self) -> Result<Vec<Preflight>, StoreError> {
        self.values::<PreflightRow, _>(|row| Some(*row)).map(|rows| PreflightRow::join(&rows))
    }

    /// What the clocks of senders showed, in order.
    pub fn clock_offsets(&self) -> Result<Vec<ClockOffset>, StoreError> {
        self.values::<ClockOffsetRow, _>(|row| Some(row.value()))
    }

    /// Log lines: wall clock in nanoseconds, level, text.
    pub fn log(&self) -> Result<Vec<(i64, u8, String)>, StoreError> {
        self.values::<LogRow, _>(|row| Some((row.utc_ns, row.level, read(&row.text))))
    }

    /// Blocks as received, in order.
    pub fn blocks(&self) -> Result<Vec<Block>, StoreError> {
        self.values::<BlockRow, _>(|row| {
            Some(Block {
                sample: row.sample,
                count: u64::from(row.count),
                epoch: row.epoch,
                device_index: row.device_index,
                device_us: row.device_us,
                host_ns: row.host_ns,
                utc_ns: row.utc_ns,
            })
        })
    }

    /// The chains that were used, with their coefficients.
    pub fn chains(&self) -> Result<Vec<Chain>, StoreError> {
        let sections = self.sections(path::SECTIONS)?;
        let envelope_sections = self.sections(path::ENVELOPE_SECTIONS)?;
        let cut = |from: &[Section], first: u32, count: u32| {
            let first = index(u64::from(first));
            from.get(first..first.saturating_add(index(u64::from(count)))).map(<[Section]>::to_vec)
        };
        let chain = |row: &ChainRow| {
            let are_shares = [row.baseline_fall, row.baseline_rise].iter().all(|s| (0.0..=1.0).contains(s));
            if row.settle_samples > ROWS_LIMIT || !are_shares {
                return None;
            }
            Some(Chain {
                id: row.id,
                sections: cut(&sections, row.first_section, row.count)?,
                envelope_sections: cut(&envelope_sections, row.envelope_first, row.envelope_count)?,
                rectify: row.rectify != 0,
                tracker: row.tracker(),
                design_rate_hz: row.design_rate_hz,
                words: read(&row.words),
                delay_samples: row.delay_samples,
                settle_rows: row.settle_samples,
            })
        };
        if self.has_table::<ChainRow>() {
            self.values(chain)
        } else {
            self.values(|row: &EarlyChainRow| chain(&ChainRow::from(row)))
        }
    }

    /// The effective configuration.
    pub fn config(&self) -> Result<String, StoreError> {
        self.text(path::CONFIG)
    }

    /// The protocol as loaded.
    pub fn protocol(&self) -> Result<String, StoreError> {
        self.text(path::PROTOCOL)
    }

    /// Rows of predictions of each model.
    pub fn predictions(&self) -> Result<BTreeMap<String, u64>, StoreError> {
        let fail = |source| self.unreadable(path::PREDICTIONS, source);
        let group = self.file.group(path::PREDICTIONS).map_err(fail)?;
        let names = group.member_names().map_err(fail)?;
        names
            .into_iter()
            .map(|name| group.dataset(&name).map(|table| (name, length(&table))).map_err(fail))
            .collect()
    }

    /// The filters' state before the first row, `[channel][section]`, of a dataset of states.
    pub(super) fn states(&self, part: &str) -> Result<Vec<Vec<[f64; 2]>>, StoreError> {
        let dataset = self.part(part)?;
        let depth = match dataset.shape()[..] {
            [channels, depth, 2] if channels == self.channels.len() => depth,
            _ => return Err(self.damaged(part, Problem::Shape)),
        };
        let bytes = wide(depth).saturating_mul(wide(self.channels.len()) * 16);
        self.check_size(part, bytes)?;
        if depth == 0 {
            return Ok(vec![Vec::new(); self.channels.len()]);
        }
        let values = dataset.read_slice::<f64, _, ndarray::Ix3>(s![.., .., ..]);
        let values = values.map_err(|source| self.unreadable(part, source))?;
        let channel = |c: ndarray::ArrayView2<'_, f64>| {
            let memory = c.rows().into_iter().map(|row| [row[0], row[1]]);
            memory.take_while(|memory| !memory[0].is_nan()).collect()
        };
        Ok(values.outer_iter().map(channel).collect())
    }

    pub(super) fn read_channels(&self) -> Result<Vec<Channel>, StoreError> {
        let channels = self.values::<ChannelRow, _>(ChannelRow::value)?;
        if channels.is_empty() || u16::try_from(channels.len()).is_err() {
            return Err(self.damaged(ChannelRow::PATH, Problem::Shape));
        }
        Ok(channels)
    }

    /// Whether a table is there with its columns.
    pub(in crate::store) fn has_table<R: Row>(&self) -> bool {
        self.file.dataset(R::PATH).is_ok_and(|table| has_columns::<R>(&table))
    }

    /// Whether a table is there, whatever its columns.
    pub(in crate::store) fn has(&self, table: &str) -> bool {
        self.file.dataset(table).is_ok()
    }

    fn values<R: Row, T>(&self, value: impl Fn(&R) -> Option<T>) -> Result<Vec<T>, StoreError> {
        let table = self.part(R::PATH)?;
        if !has_columns::<R>(&table) {
            return Err(self.damaged(R::PATH, Problem::Type));
        }
        let rows: Vec<R> = self.rows_of(&table, R::PATH)?;
        rows.iter().map(|row| value(row).ok_or_else(|| self.damaged(R::PATH, Problem::Value))).collect()
    }

    fn text(&self, part: &str) -> Result<String, StoreError> {
        let table = self.part(part)?;
        if table.dtype().and_then(|dtype| dtype.to_descriptor()).ok() != Some(Note::type_descriptor()) {
            return Err(self.damaged(part, Problem::Type));
        }
        Ok(self.rows_of::<Note>(&table, part)?.iter().map(read).collect())
    }

    fn sections(&self, part: &str) -> Result<Vec<Section>, StoreError> {
        let dataset = self.part(part)?;
        let [rows, 6] = dataset.shape()[..] else {
            return Err(self.damaged(part, Problem::Shape));
        };
        self.check_size(part, wide(rows).saturating_mul(48))?;
        let values = self.matrix::<f64>(&dataset, part, 0..wide(rows))?;
        Ok(values.as_chunks::<6>().0.to_vec())
    }

    fn rows_of<T: H5Type>(&self, table: &Dataset, part: &str) -> Result<Vec<T>, StoreError> {
        if table.ndim() != 1 {
            return Err(self.damaged(part, Problem::Shape));
        }
        let bytes = length(table).saturating_mul(wide(T::type_descriptor().to_packed_repr().size()));
        self.check_size(part, bytes)?;
        table.read_raw().map_err(|source| self.unreadable(part, source))
    }

    fn part(&self, part: &str) -> Result<Dataset, StoreError> {
        let fail = |source| self.unreadable(part, source);
        let dataset = self.file.dataset(part).map_err(fail)?;
        if self.facts.state == State::Open {
            // What the library remembers of a growing table is as old as the last look at it.
            dataset.refresh().map_err(fail)?;
        }
        Ok(dataset)
    }
}

/// Whether a table has every column of `R` in its type; later versions may have more.
fn has_columns<R: Row>(table: &Dataset) -> bool {
    let found = table.dtype().and_then(|dtype| dtype.to_descriptor());
    let (Ok(TypeDescriptor::Compound(found)), TypeDescriptor::Compound(wanted)) =
        (found, R::type_descriptor())
    else {
        return false;
    };
    let has = |CompoundType { fields, .. }: &CompoundType, name: &str, ty: &TypeDescriptor| {
        fields.iter().any(|field| field.name == name && field.ty == *ty)
    };
    wanted.fields.iter().all(|field| has(&found, &field.name, &field.ty))
}
