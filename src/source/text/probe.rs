//! The first lines of a stream -> its [`Shape`], or a sentence why it has none. No probed line is lost.

use super::cells::{Cell, Cells, header};
use super::clock::Unit;
use super::lines::Raw;
use super::refusals::Refusals;
use super::shape::{Form, Shape, whole};
use crate::emg::units::{float_len, seconds};
use crate::emg::{SampleType, Stamp};
use crate::source::uri::{Format, TimeColumn};

/// Lines looked at, should they come fast.
const LINES: usize = 20;
/// How long lines are collected once the first has come, seconds.
const COLLECT_S: f64 = 1.0;
/// How long, where a rising first column might yet turn out to be no clock.
const COLLECT_LONGER_S: f64 = 3.0;
/// Rising values in so many lines are no accident.
const RISING_LINES: usize = 5;
/// Arrivals closer together than this say nothing of a rate: they may have waited in a buffer.
const MEASURABLE_S: f64 = 0.25;
/// Below this rate nothing of a muscle's own voltage is left, rows per second.
const SLOW_HZ: f64 = 100.0;
/// The part of a rate that filters can use.
const USABLE: f64 = 0.45;

/// A line that reads as numbers, kept until the shape is known.
#[derive(Debug)]
pub(super) struct Probed {
    pub(super) cells: Cells,
    pub(super) stamp: Stamp,
    pub(super) text: Vec<u8>,
}

/// Collects lines.
#[derive(Debug)]
pub(super) struct Probe {
    format: Format,
    time: TimeColumn,
    /// The names in the line just before the first row.
    header: Option<Vec<String>>,
    /// Lines before the first row.
    pub(super) banner: Refusals,
    lines: Vec<Probed>,
}

impl Probe {
    pub(super) fn new(format: Format, time: TimeColumn) -> Self {
        Self { format, time, header: None, banner: Refusals::default(), lines: Vec::new() }
    }

    /// Takes a line that is a row or may name the columns; hands back `false` for any other.
    /// The first line of all is never a row, as it may be half of one, yet it may be a header.
    pub(super) fn take(&mut self, raw: Raw<'_>, stamp: Stamp) -> bool {
        let cells = if raw.too_long { None } else { Cells::parse(raw.bytes, self.format) };
        match cells {
            Some(_) if raw.first => true,
            Some(cells) => {
                self.lines.push(Probed { cells, stamp, text: raw.bytes.to_vec() });
                true
            }
            None if self.lines.is_empty() => {
                self.header = header(raw.bytes);
                if self.header.is_none() && !raw.first {
                    self.banner.note(raw.bytes);
                }
                true
            }
            None => false,
        }
    }

    /// Whether any line was a row.
    pub(super) fn started(&self) -> bool {
        !self.lines.is_empty()
    }

    /// Whether the lines so far decide, `now` being the host's clock.
    pub(super) fn ready(&self, now: Stamp) -> bool {
        let Some(first) = self.lines.first() else {
            return false;
        };
        if self.full() {
            return true;
        }
        let form = self.common_form();
        let alike = self.lines.iter().filter(|line| form.fits(&line.cells)).count();
        let age_s = seconds(now.host_ns - first.stamp.host_ns);
        let unsure = alike < RISING_LINES && self.time == TimeColumn::Auto && self.rises(&form);
        alike >= 2 && age_s >= if unsure { COLLECT_LONGER_S } else { COLLECT_S }
    }

    /// Whether no more lines are wanted, whatever the time.
    pub(super) fn full(&self) -> bool {
        self.lines.len() >= LINES
    }

    /// The shape, and the probed lines in order.
    pub(super) fn decide(self) -> Result<(Shape, Vec<Probed>), String> {
        let form = self.common_form();
        let like: Vec<&Probed> = self.lines.iter().filter(|line| form.fits(&line.cells)).collect();
        if like.len() < 2 {
            return Err("no two lines have the same number of values".to_owned());
        }
        if tagged(&like) {
            return Err("each value is wrapped in lines of its own like `10001` and `10010`".to_owned());
        }
        let names = self.names(&form);
        let (time, why) = match self.named_unit(&form, &like, names.first()) {
            Some(found) => found,
            None if self.time != TimeColumn::None && form.clock => (Some(Unit::Wall), "by its form"),
            None if self.time == TimeColumn::First => guess(&like),
            None if self.time == TimeColumn::Auto && self.rises(&form) => guess(&like),
            None => (None, ""),
        };
        let leading = usize::from(time.is_some() || form.clock);
        if form.columns() == leading {
            return Err("its lines hold a time and nothing else".to_owned());
        }
        let whole_numbers =
            like.iter().flat_map(|line| &line.cells.values[leading..]).all(|v| whole(*v).is_some());
        let decimals =
            like.iter().flat_map(|line| &line.cells.values[leading..]).any(|v| !matches!(v, Cell::Int(_)));
        let mut shape = Shape {
            names: channel_names(&names, form.columns(), leading),
            sample_type: if whole_numbers && !decimals { SampleType::I32 } else { SampleType::F64 },
            time,
            rate_hz: rate(&like, time),
            remarks: Vec::new(),
            form,
        };
        shape.remarks = self.remarks(&shape, why);
        Ok((shape, self.lines))
    }

    /// The form most lines have; the earliest of several.
    fn common_form(&self) -> Form {
        let forms = self.lines.iter().map(|line| Form::of(&line.cells));
        let votes = |form: &Form| self.lines.iter().filter(|line| form.fits(&line.cells)).count();
        // `max_by_key` keeps the last of equals, hence `rev`.
        forms.rev().max_by_key(votes).unwrap_or_else(|| Form::of(&Cells { labels: vec![], values: vec![] }))
    }

    /// Names from the labels or a header of the right length, the time column's included, or none.
    fn names(&self, form: &Form) -> Vec<String> {
        let header = self.header.as_ref().filter(|names| names.len() == form.columns());
        if form.labels().is_empty() { header.cloned().unwrap_or_default() } else { form.labels().to_vec() }
    }

    /// The clock a name speaks of, provided its values never fall.
    fn named_unit(
        &self,
        form: &Form,
        like: &[&Probed],
        name: Option<&String>,
    ) -> Option<(Option<Unit>, &'static str)> {
        if self.time == TimeColumn::None || form.columns() < 2 || form.clock {
            return None;
        }
        let unit = match name?.to_ascii_lowercase().as_str() {
            "millis" | "ms" => Some(Unit::Millis),
            "micros" | "us" | "timestamp_us" => Some(Unit::Micros),
            "time_s" => Some(Unit::Seconds),
            "time" | "timestamp" | "t" => None,
            _ => return None,
        };
        let falls = like.windows(2).any(|pair| leading(pair[1]) < leading(pair[0]));
        match unit {
            _ if falls && self.time == TimeColumn::Auto => None,
            Some(unit) => Some((Some(unit), "by its name")),
            None => Some(guess(like)),
        }
    }

    /// Whether the first of several columns rises from line to line, and not by one each time:
    /// that would be a counter, which stays a channel.
    fn rises(&self, form: &Form) -> bool {
        let values = self.lines.iter().filter(|line| form.fits(&line.cells)).map(leading);
        let steps: Vec<f64> =
            values.clone().zip(values.skip(1)).map(|(before, after)| after - before).collect();
        let by_one = steps.iter().all(|step| (step - 1.0).abs() < 1e-9);
        form.columns() > 1 && !steps.is_empty() && !by_one && steps.iter().all(|step| *step > 0.0)
    }

    fn remarks(&self, shape: &Shape, why: &str) -> Vec<String> {
        let numbers =
            if shape.sample_type == SampleType::I32 { "whole numbers" } else { "numbers with decimals" };
        let clock = match shape.time {
            Some(unit) => format!("behind the board's clock in {} ({why})", unit.word()),
            None if shape.form.clock => "behind a clock that is left out".to_owned(),
            None => "and no clock".to_owned(),
        };
        let mut remarks = vec![
            format!("each line is {} channels of {numbers} {clock}", shape.names.len()),
            "losses cannot be counted: text lines carry neither a sequence number nor a checksum".to_owned(),
        ];
        if self.banner.lines > 0 {
            remarks.push(format!(
                "{} lines came before the first row, as `{}`",
                self.banner.lines, self.banner.example
            ));
        }
        if let Some(rate) = shape.rate_hz.filter(|rate| *rate < SLOW_HZ) {
            remarks.push(format!(
                "{rate:.0} rows per second arrive: {rate:.0} Hz cannot carry EMG above {:.0} Hz",
                USABLE * rate
            ));
        }
        remarks
    }
}

fn leading(line: &Probed) -> f64 {
    line.cells.values.first().map_or(f64::NAN, |cell| cell.float())
}

/// Names for the channels behind `leading` time columns: those given where they are unique, else `c1`, `c2`.
fn channel_names(given: &[String], columns: usize, leading: usize) -> Vec<String> {
    let given = given.get(leading..).unwrap_or_default();
    let unique = given.iter().enumerate().all(|(at, name)| !given[..at].contains(name));
    if unique && given.len() == columns - leading {
        return given.to_vec();
    }
    (1..=columns - leading).map(|number| format!("c{number}")).collect()
}

/// Seconds between the arrival of the first and the last line, where that says anything.
fn arrival_span_s(like: &[&Probed]) -> Option<f64> {
    let (first, last) = (like.first()?, like.last()?);
    Some(seconds(last.stamp.host_ns - first.stamp.host_ns)).filter(|span| *span >= MEASURABLE_S)
}

/// The unit in which a column of unknown unit goes as fast as the host's clock; where lines came in a heap,
/// milliseconds for whole numbers and seconds for decimals.
fn guess(like: &[&Probed]) -> (Option<Unit>, &'static str) {
    let span = like.last().zip(like.first()).map(|(last, first)| leading(last) - leading(first));
    if let (Some(arrival_s), Some(span)) = (arrival_span_s(like), span.filter(|span| *span > 0.0)) {
        let off = |unit: &Unit| (span * unit.us() / 1e6 / arrival_s).ln().abs();
        let units = [Unit::Millis, Unit::Micros, Unit::Seconds];
        let nearest = units.into_iter().min_by(|a, b| off(a).total_cmp(&off(b)));
        return (nearest, "by the host's clock");
    }
    let decimals = like.iter().any(|line| matches!(line.cells.values.first(), Some(Cell::Float(_))));
    (Some(if decimals { Unit::Seconds } else { Unit::Millis }), "assumed")
}

/// Rows per second by the board's clock, else by the host's.
fn rate(like: &[&Probed], time: Option<Unit>) -> Option<f64> {
    let by_board = |unit: Unit| {
        let span_s = (leading(like.last()?) - leading(like.first()?)) * unit.us() / 1e6;
        (span_s > 0.0).then_some(span_s)
    };
    let span_s = time.and_then(by_board).or_else(|| arrival_span_s(like))?;
    Some(float_len(like.len() - 1) / span_s)
}

/// Whether lines come in threes: a channel's mark (10001 and up), its value, the end mark 10010.
/// Seen in the wild; read as rows, marks would be recorded as muscle.
fn tagged(like: &[&Probed]) -> bool {
    let marks = |three: &&[&Probed]| {
        three.iter().all(|line| line.cells.values.len() == 1)
            && (10_001.0..10_010.0).contains(&leading(three[0]))
            && (leading(three[2]) - 10_010.0).abs() < 0.5
    };
    like.windows(3).filter(marks).count() >= 2
}
