//! What a second of processor time buys: values (samples x channels) decoded, filtered, journalled, projected, and
//! bytes of each kind of line decoded.
//!
//! Processor time of the whole process, kernel included, not wall time: a loaded machine gives the same figures.
//! The signal is a minute of the simulated face. `scripts/bench journal` runs the lines with that word in them.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench is a test that prints a table")]

use myograph::emg::units::{float, wide};
use myograph::emg::{Channel, RawBlock, Samples, Stamp};
use myograph::pipeline::{Input, Pipeline, preset};
use myograph::recorder::{record, sequence};
use myograph::source::board::{self, Board, Script};
use myograph::source::sim::Sim;
use myograph::source::text::Decoder;
use myograph::source::uri::{Format, SimOptions, Speed, TimeColumn};
use myograph::source::{Description, Reading, Source, chords, framed};
use myograph::store::journal::{Header, Journal, Record};
use myograph::store::{follow, naming};
use rustix::time::{ClockId, clock_gettime};
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

const ROWS: usize = 60_000;
const RATE_HZ: f64 = 1000.0;
/// Every line is measured this often; the table has median, least and most.
const TIMES: usize = 9;
/// A read from a serial port brings about this much: 20 ms of text lines.
const READ_BYTES: usize = 800;
const READ_NS: i64 = 20_000_000;
/// A minute of a framed line is decoded in a few milliseconds: so many minutes make a measurement.
const MINUTES: usize = 20;

fn main() {
    let face = Face::perform();
    let values = wide(face.values.len());
    println!(
        "\nmillions of values per second of processor time, and how many times life at 8 x 1 kHz that is"
    );
    println!("{:<34}{:>9}{:>9}{:>9}{:>9}", "", "median", "least", "most", "x life");

    let text = face.lines();
    measure("decode text lines", values, || (), |()| decode(&text));
    for rows in [10, 100] {
        let inputs = face.inputs(rows);
        measure(
            &format!("filter, blocks of {rows} x 8"),
            values,
            || face.pipeline(),
            |pipeline| filter(pipeline, &inputs),
        );
    }
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let records = face.records();
    let mut names = 0..;
    let mut next = || folder.path().join(format!("{}.wal", names.next().unwrap()));
    measure("journal, packets of 100 x 8", values, &mut next, |path| {
        journal(&path, &face.header(), &records);
        std::fs::remove_file(path).unwrap();
    });
    let whole = next();
    journal(&whole, &face.header(), &records);
    measure("projection, 60 s x 8", values, &mut next, |path| {
        let recovered = follow::rebuild(&whole, &naming::projection_path(&path), true).unwrap();
        assert_eq!(recovered.rows, wide(ROWS));
    });

    println!("\nmillions of bytes of a line decoded per second of processor time");
    println!("{:<34}{:>9}{:>9}{:>9}", "", "median", "least", "most");
    let (frames, packets) = (frames(), face.packets());
    measure_line("decode our frames", &frames, framed);
    measure_line("decode Chords packets", &packets, chords);
    measure_line("decode text lines", &text, decode);
    measure_line("decode text lines of decimals", &face.decimals(), decode);
}

/// Prints one line of the table. What `prepare` does is not measured.
fn measure<T>(name: &str, values: u64, prepare: impl FnMut() -> T, work: impl FnMut(T)) {
    if let Some([median, least, most]) = speeds(name, float(values), prepare, work) {
        let life = median / (8.0 * RATE_HZ);
        println!("{name:<34}{:>9.2}{:>9.2}{:>9.2}{life:>9.0}", median / 1e6, least / 1e6, most / 1e6);
    }
}

/// Prints one line of the table of bytes.
fn measure_line(name: &str, line: &[u8], decode: fn(&[u8])) {
    let bytes = float(wide(line.len() * MINUTES));
    if let Some([median, least, most]) =
        speeds(name, bytes, || (), |()| (0..MINUTES).for_each(|_| decode(line)))
    {
        println!("{name:<34}{:>9.0}{:>9.0}{:>9.0}", median / 1e6, least / 1e6, most / 1e6);
    }
}

/// Median, least and most of `amount` per second of processor time; none where the line was not asked for.
fn speeds<T>(
    name: &str,
    amount: f64,
    mut prepare: impl FnMut() -> T,
    mut work: impl FnMut(T),
) -> Option<[f64; 3]> {
    let wanted = std::env::args().skip(1).find(|arg| !arg.starts_with('-'));
    if wanted.is_some_and(|word| !name.contains(&word)) {
        return None;
    }
    let mut speeds: Vec<f64> = (0..TIMES)
        .map(|_| {
            let subject = prepare();
            let began = processor_s();
            work(subject);
            amount / (processor_s() - began)
        })
        .collect();
    speeds.sort_by(f64::total_cmp);
    Some([speeds[TIMES / 2], speeds[0], speeds[TIMES - 1]])
}

/// Seconds all threads of this process have worked.
fn processor_s() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    float(time.tv_sec.unsigned_abs()) + float(time.tv_nsec.unsigned_abs()) * 1e-9
}

/// A minute of a simulated face, and what each stage makes of it.
struct Face {
    description: Description,
    readings: Vec<Reading>,
    values: Vec<i16>,
}

impl Face {
    fn perform() -> Self {
        let options = SimOptions { speed: Speed::Max, rate_hz: RATE_HZ, ..SimOptions::default() };
        let mut source = Sim::new(options, Stamp::default());
        let description = source.open().unwrap();
        let (mut readings, mut values) = (Vec::new(), Vec::new());
        while values.len() < ROWS * description.channels.len() {
            let reading = source.read().unwrap();
            if let Reading::Rows(packet) = &reading {
                let Samples::I16(samples) = &packet.samples else { panic!("the face sends i16") };
                values.extend_from_slice(samples);
            }
            readings.push(reading);
        }
        assert_eq!(values.len(), ROWS * description.channels.len(), "packets that fill a minute");
        Self { description, readings, values }
    }

    fn channels(&self) -> &[Channel] {
        &self.description.channels
    }

    /// As a board would send it.
    fn lines(&self) -> Vec<u8> {
        self.printed(|value| value.to_string())
    }

    /// As a board would send volts.
    fn decimals(&self) -> Vec<u8> {
        self.printed(|value| format!("{:.4}", f64::from(value) * 5.0 / 1024.0))
    }

    fn printed(&self, print: fn(i16) -> String) -> Vec<u8> {
        let mut text = String::new();
        for row in self.values.chunks(self.channels().len()) {
            for (at, value) in row.iter().enumerate() {
                write!(text, "{}{}", if at == 0 { "" } else { "," }, print(*value)).unwrap();
            }
            text.push_str("\r\n");
        }
        text.into_bytes()
    }

    /// As a Chords board would send it.
    fn packets(&self) -> Vec<u8> {
        let mut line = Vec::new();
        for (counter, row) in (0..=u8::MAX).cycle().zip(self.values.chunks(self.channels().len())) {
            let row: Vec<u16> = row.iter().map(|value| value.cast_unsigned()).collect();
            chords::encode(counter, &row, &mut line);
        }
        line
    }

    fn inputs(&self, rows: usize) -> Vec<Input> {
        let width = self.channels().len();
        let block = |(at, values): (usize, &[i16])| {
            Input::Rows(Arc::new(RawBlock {
                sample: wide(at * rows),
                channels: width,
                epoch: 0,
                device_index: wide(at * rows),
                device_us: 0,
                stamp: Stamp::default(),
                samples: Samples::I16(values.to_vec()),
                digital: Vec::new(),
            }))
        };
        self.values.chunks(rows * width).enumerate().map(block).collect()
    }

    /// With the default chains, before its first row.
    fn pipeline(&self) -> Pipeline {
        let occasion = preset::Occasion {
            sample: 0,
            reason: myograph::pipeline::Reason::Start,
            rate_hz: Some(RATE_HZ),
            decimation: preset::decimation(Some(RATE_HZ)),
            first_id: 0,
        };
        let (chains, _) = preset::chains(self.channels(), &preset::Options::default(), &occasion);
        let mut pipeline = Pipeline::new(self.channels());
        pipeline.step(&Input::Chains(Arc::new(chains)));
        pipeline
    }

    /// What a recorder would write.
    fn records(&self) -> Vec<Record> {
        let options = sequence::Options {
            channels: self.channels().to_vec(),
            filter: preset::Options::default(),
            duration: None,
            rotate: None,
            chunk_rows: self.header().chunk_rows,
            goes_on: None,
        };
        let mut sequencer = sequence::Sequencer::new(&self.description, options);
        let pieces = self.readings.iter().flat_map(|reading| sequencer.take(reading.clone()));
        let mut records: Vec<Record> = pieces.filter_map(|piece| record(&piece)).collect();
        records.push(Record::End { rows: wide(ROWS), utc_ns: 0 });
        records
    }

    fn header(&self) -> Header {
        Header {
            nominal_hz: RATE_HZ,
            chunk_rows: 1000,
            decimation: preset::decimation(Some(RATE_HZ)),
            ..Header::of(self.channels().to_vec(), self.description.sample_type)
        }
    }
}

fn decode(text: &[u8]) {
    let mut decoder = Decoder::new(Format::Csv, TimeColumn::None);
    let (mut stamp, mut rows) = (Stamp::default(), 0);
    for bytes in text.chunks(READ_BYTES) {
        stamp = stamp.plus_ns(READ_NS);
        decoder.push(bytes, stamp);
        decoder.settle(stamp);
        rows += std::iter::from_fn(|| decoder.take()).map(|batch| batch.rows).sum::<u64>();
    }
    // The first line may be half of one and is no row.
    assert_eq!(rows, wide(ROWS - 1));
}

/// A minute of our own line, digital inputs and statuses included, from the simulated board.
fn frames() -> Vec<u8> {
    let mut script = Script::default();
    script.boot_s = 0.0;
    let mut board = Board::new(board::Options::default(), script);
    let mut line = Vec::new();
    board.advance(READ_NS, &mut line);
    board.receive(b"G\n");
    board.advance(60_500_000_000, &mut line);
    line
}

fn framed(line: &[u8]) {
    let (mut decoder, mut items) = (framed::Decoder::new(), Vec::new());
    for bytes in line.chunks(READ_BYTES) {
        decoder.push(bytes, Stamp::default(), &mut items);
        std::hint::black_box(&items);
        items.clear();
    }
    let tally = decoder.tally();
    assert!(tally.rows >= wide(ROWS) && tally.lost + tally.refused == 0, "{tally:?}");
}

fn chords(line: &[u8]) {
    let (mut decoder, mut items, mut rows) = (chords::Decoder::new(), Vec::new(), 0);
    for bytes in line.chunks(READ_BYTES) {
        decoder.push(bytes, Stamp::default(), &mut items);
        for item in items.drain(..) {
            if let chords::Item::Rows(some) = item {
                rows += some.rows();
            }
        }
    }
    // The last packet has nothing behind it.
    assert_eq!(rows, ROWS - 1);
}

fn filter(mut pipeline: Pipeline, inputs: &[Input]) {
    for input in inputs {
        std::hint::black_box(pipeline.step(input));
    }
    assert_eq!(pipeline.row(), wide(ROWS));
}

fn journal(path: &Path, header: &Header, records: &[Record]) {
    let mut journal = Journal::create(path, header).unwrap();
    for record in records {
        journal.append(record).unwrap();
    }
}
