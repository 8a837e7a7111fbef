//! Journals that become files: read back whole, by this program and by h5py; and the stories other tests of the
//! store tell with them.

use super::*;
use crate::emg::clock::Fit;
use crate::emg::marker::{Action, Origin, Placed};
use crate::emg::{Calibration, Cause, Channel, ClockOffset, Kind, Marker, SampleType, Samples, Stamp, Truth};
use crate::pipeline::preset::{self, Occasion, Options, Preset};
use crate::pipeline::{Input, Pipeline, Reason};
use crate::store::journal::Entities;
use crate::store::reader::Recording;
use std::process::Command;

pub(in crate::store) const CHANNELS: usize = 3;

/// The header of a recording of two raw channels and one that a sensor has smoothed already.
pub(in crate::store) fn header(sample_type: SampleType) -> Header {
    let mut channels = vec![
        Channel::new("zygomaticus", Kind::Raw),
        Channel::new("Stirnrunzler – corrugator", Kind::Raw),
        Channel::new("V3.0", Kind::Envelope),
    ];
    channels[0].action_unit = "AU12".into();
    channels[0].offset = 512.0;
    channels[0].scale = 3.3 / 1024.0;
    channels[0].unit = "V".into();
    Header {
        recording_id: *b"\x01\x02recording id \xff",
        segment: 0,
        first_row: 0,
        software_version: PROGRAM.into(),
        created_utc_ns: 1_767_225_600_123_456_789,
        created_host_ns: 77,
        boot_id: "b7a5".into(),
        pid: 1,
        recorder: "r".into(),
        socket: String::new(),
        entities: Entities { subject: "01".into(), task: "faces".into(), run: 1, ..Entities::default() },
        source: "sim:?seed=7".into(),
        board: "a board".into(),
        channels,
        sample_type,
        digital: true,
        losses_counted: true,
        nominal_hz: 1000.0,
        chunk_rows: 500,
        decimation: 10,
        models: Vec::new(),
        config: "rate = 1000\n# Überlänge\n".repeat(30),
        protocol: String::new(),
        montage: "paper".into(),
        seed: 7,
        markers: 0,
    }
}

/// A journal in memory that keeps count of rows, epochs and device indices.
pub(in crate::store) struct Story {
    pub(in crate::store) header: Header,
    pub(in crate::store) records: Vec<Record>,
    pub(in crate::store) row: u64,
    epoch: u32,
    index: u64,
    noise: u64,
    markers: u64,
}

impl Story {
    pub(in crate::store) fn new(header: Header) -> Self {
        let mut story =
            Self { header, records: Vec::new(), row: 0, epoch: 1, index: 5000, noise: 42, markers: 0 };
        story.change(Preset::Default, 0, Reason::Start, 0);
        story
    }

    pub(in crate::store) fn change(&mut self, preset: Preset, sample: u64, reason: Reason, first_id: u32) {
        let decimation = self.header.decimation;
        let occasion = Occasion { sample, reason, rate_hz: Some(1000.0), decimation, first_id };
        let options = Options { line_hz: 50.0, preset, ..Options::default() };
        self.records.push(Record::Chains(preset::chains(&self.header.channels, &options, &occasion).0));
    }

    fn noise(&mut self) -> i16 {
        self.noise ^= self.noise << 13;
        self.noise ^= self.noise >> 7;
        self.noise ^= self.noise << 17;
        i16::try_from(self.noise % 1024).unwrap()
    }

    pub(in crate::store) fn rows(&mut self, mut rows: u64) -> &mut Self {
        while rows > 0 {
            let count = rows.min(20);
            let values: Vec<i16> = (0..index(count) * CHANNELS).map(|_| self.noise()).collect();
            let samples = match self.header.sample_type {
                SampleType::I16 => Samples::I16(values),
                SampleType::I32 => Samples::I32(values.into_iter().map(i32::from).collect()),
                SampleType::F32 => Samples::F32(values.into_iter().map(f32::from).collect()),
                SampleType::F64 => Samples::F64(values.into_iter().map(f64::from).collect()),
            };
            self.records.push(Record::Rows(RawBlock {
                sample: self.row,
                channels: CHANNELS,
                epoch: self.epoch,
                device_index: self.index,
                device_us: self.index * 1000,
                stamp: Stamp { host_ns: 1, utc_ns: 2 },
                samples,
                digital: vec![5; index(count)],
            }));
            self.row += count;
            self.index += count;
            rows -= count;
        }
        self
    }

    pub(in crate::store) fn gap(&mut self, missing: u64, exact: bool) -> &mut Self {
        let cause = if exact { Cause::Counter } else { Cause::Unplugged };
        let (sample, filled) = (self.row, if exact { missing } else { 0 });
        if !exact {
            self.epoch += 1;
            self.index = 9;
        }
        self.records.push(Record::Gap(Gap { sample, missing, exact, epoch: self.epoch, cause, host_ns: 3 }));
        self.row += filled;
        self.index += filled;
        self
    }

    pub(in crate::store) fn mark(&mut self, label: &str, refers_to: u64) -> &mut Self {
        self.markers += 1;
        self.records.push(Record::Marker(Marker {
            id: self.markers,
            sample: self.row + 30,
            stamp: Stamp { host_ns: 10, utc_ns: 20 },
            label: label.into(),
            note: "Anmerkung – 注".into(),
            code: -4,
            origin: Origin::Network,
            client: "psychopy@lab".into(),
            latency_us: 900,
            uncertainty_us: 1500,
            placed: Placed::Fit,
            action: if refers_to == 0 { Action::Add } else { Action::Relabel },
            refers_to,
        }));
        self
    }

    /// An afternoon in short: gaps of both kinds, a reconnect, other filters, markers, a log.
    pub(in crate::store) fn afternoon(header: Header) -> Self {
        let mut story = Self::new(header);
        story.rows(1230).mark("Lächeln 微笑", 0).gap(37, true).rows(800).mark("Lächeln, breit", 1);
        let ahead = story.row + 111;
        story.change(Preset::Band { low: 30.0, high: 300.0 }, ahead, Reason::Change, 10);
        story.rows(640).gap(400, false).rows(777);
        story.records.push(Record::Fit(Fit {
            epoch: 2,
            sample: 5,
            origin_ns: 6,
            rate_hz: 999.9,
            drift_ppm: -100.0,
            residual_us: 12.0,
        }));
        let text = "a long sentence ".repeat(30);
        story.records.push(Record::Log { utc_ns: 8, level: 2, text });
        story.records.push(Record::ClockOffset(ClockOffset {
            sender: "stim@127.0.0.1".into(),
            sample: 7,
            host_ns: 8,
            offset_ns: -9,
            uncertainty_us: 10,
        }));
        let expression = "happiness".into();
        let accepted_by = "pts/0".into();
        let kept =
            Calibration { channel: 1, mvc: 300.5, trials: 3, accepted_by, valid: true, ..Default::default() };
        story.records.push(Record::Calibration(kept));
        story.records.push(Record::Truth(Truth { onset: 1, end: 9, channel: 0, expression, level: 0.5 }));
        story
    }

    pub(in crate::store) fn project(&self, path: &Path) -> Projection {
        let mut projection = Projection::create(path, &self.header).unwrap();
        for (at, record) in self.records.iter().enumerate() {
            projection.take(record).unwrap();
            if at % 50 == 49 {
                projection.flush().unwrap();
            }
        }
        projection
    }

    pub(in crate::store) fn sealed(&self, path: &Path) -> Sealed {
        self.project(path).close(State::Closed).unwrap()
    }

    /// What the pipeline makes of the records without any file between.
    fn clean(&self) -> (Vec<f32>, Vec<f32>) {
        let mut pipeline = Pipeline::new(&self.header.channels);
        let (mut clean, mut envelope) = (Vec::new(), Vec::new());
        for record in &self.records {
            let input = match record {
                Record::Rows(block) => Input::Rows(Arc::new(block.clone())),
                Record::Gap(gap) => Input::Gap(*gap),
                Record::Chains(change) => Input::Chains(Arc::new(change.clone())),
                _ => continue,
            };
            let block = pipeline.step(&input);
            clean.extend(block.clean);
            envelope.extend(block.envelope);
        }
        (clean, envelope)
    }
}

use crate::emg::units::index;

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

#[test]
fn a_sealed_file_gives_everything_back() {
    for sample_type in [SampleType::I16, SampleType::I32, SampleType::F32, SampleType::F64] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.h5");
        let story = Story::afternoon(header(sample_type));
        let sealed = story.sealed(&path);
        assert_eq!(sealed.rows, story.row);
        let recording = Recording::open(&path).unwrap();
        let facts = recording.facts();
        assert_eq!((facts.state, recording.rows()), (State::Closed, story.row));
        assert_eq!(facts.recording_id, "01027265636f7264696e6720696420ff");
        assert_eq!(facts.created_utc, "2026-01-01T00:00:00.123456Z");
        assert!((facts.sampling_rate_hz - 1000.0).abs() < 1e-9);
        assert_eq!(facts.entities, story.header.entities);
        // NaN is not equal to itself.
        assert_eq!(format!("{:?}", recording.channels()), format!("{:?}", story.header.channels));
        let (clean, envelope) = story.clean();
        assert_eq!(bits(&recording.clean(0..story.row).unwrap()), bits(&clean));
        assert_eq!(bits(&recording.envelope(0..u64::MAX).unwrap()), bits(&envelope));
        let mut markers = story.records.iter().filter_map(|record| match record {
            Record::Marker(marker) => Some(marker.clone()),
            _ => None,
        });
        assert!(recording.markers().unwrap().into_iter().eq(markers.by_ref()));
        assert_eq!(recording.gaps().unwrap().len(), 2);
        assert_eq!(recording.truth().unwrap()[0].expression, "happiness");
        let calibrations = recording.calibrations().unwrap();
        assert!(story.records.contains(&Record::Calibration(calibrations[0].clone())));
        assert_eq!(recording.config().unwrap(), story.header.config);
        let log: String = recording.log().unwrap().into_iter().map(|(_, _, text)| text).collect();
        assert_eq!(log, "a long sentence ".repeat(30));
        for record in &story.records {
            if let Record::Rows(block) = record {
                let rows = block.sample..block.end();
                assert_eq!(recording.raw(rows.clone()).unwrap(), block.samples);
                assert_eq!(recording.digital(rows).unwrap(), block.digital);
            }
        }
        let missing = recording.raw(1230..1267).unwrap();
        assert_eq!(missing.len(), 37 * CHANNELS);
        assert!((0..missing.len()).all(|at| !(0.0..=1023.0).contains(&missing.get(at))));
    }
}

#[test]
fn an_existing_file_is_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.h5");
    std::fs::write(&path, "precious").unwrap();
    assert!(Projection::create(&path, &header(SampleType::I16)).is_err());
    assert_eq!(std::fs::read(&path).unwrap(), b"precious");
}

#[test]
fn a_damaged_journal_is_an_error_and_not_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    let story = Story::afternoon(header(SampleType::I16));
    let mut projection = Projection::create(&folder.path().join("a.h5"), &story.header).unwrap();
    let rows = story.records.iter().find(|record| matches!(record, Record::Rows(_))).unwrap();
    let error = projection.take(rows).unwrap_err();
    assert!(matches!(error, StoreError::Misfit { record: "rows", .. }), "rows before their chains: {error}");
    for record in &story.records[..10] {
        projection.take(record).unwrap();
    }
    let error = projection.take(&story.records[12]).unwrap_err();
    assert!(matches!(error, StoreError::Order { expected: 180, found: 220, .. }), "{error}");
    let Record::Rows(block) = &story.records[10] else { panic!("rows") };
    let wrong_type = RawBlock { samples: Samples::F64(vec![0.0; 60]), ..block.clone() };
    assert!(projection.take(&Record::Rows(wrong_type)).is_err());
    let Record::Chains(change) = &story.records[0] else { panic!("chains") };
    let unknown = ChainChange { assignment: vec![77; CHANNELS], ..change.clone() };
    assert!(projection.take(&Record::Chains(unknown)).is_err());
    // None of them harmed the projection.
    story.records[10..].iter().for_each(|record| projection.take(record).unwrap());
    assert_eq!(projection.next_row(), story.row);
    projection.close(State::Recovered).unwrap();
}

/// An afternoon, and the segment of it that begins at row 2067: the state first, as recorders write it at leisure.
pub(in crate::store) fn second_segment() -> (Story, Story) {
    let story = Story::afternoon(header(SampleType::I16));
    let mut pipeline = Pipeline::new(&story.header.channels);
    let border = story.records.iter().position(|r| matches!(r, Record::Rows(b) if b.sample == 2067)).unwrap();
    for record in &story.records[..border] {
        match record {
            Record::Rows(block) => drop(pipeline.step(&Input::Rows(Arc::new(block.clone())))),
            Record::Gap(gap) => drop(pipeline.step(&Input::Gap(*gap))),
            Record::Chains(change) => drop(pipeline.step(&Input::Chains(Arc::new(change.clone())))),
            _ => {}
        }
    }
    let mut second = vec![Record::State(pipeline.state())];
    second.extend(pipeline.changes().into_iter().map(Record::Chains));
    second.extend_from_slice(&story.records[border..]);
    let segment = Story {
        header: Header { segment: 1, first_row: 2067, ..story.header.clone() },
        records: second,
        ..Story::new(story.header.clone())
    };
    (story, segment)
}

#[test]
fn the_second_segment_goes_on_as_if_there_were_no_border() {
    let folder = tempfile::tempdir().unwrap();
    let (story, segment) = second_segment();
    let (clean, envelope) = story.clean();
    let path = folder.path().join("b.h5");
    segment.sealed(&path);
    let recording = Recording::open(&path).unwrap();
    assert_eq!(recording.span(), 2067..story.row);
    assert_eq!(recording.facts().previous, "01027265636f7264696e6720696420ff:0");
    assert_eq!(bits(&recording.clean(2067..u64::MAX).unwrap()), bits(&clean[2067 * CHANNELS..]));
    let first = recording.envelope_span().start;
    assert_eq!(first, 206);
    assert_eq!(
        bits(&recording.envelope(first..u64::MAX).unwrap()),
        bits(&envelope[index(first) * CHANNELS..])
    );
    let report = crate::store::verify(&path, crate::store::verify::Options { recompute: true });
    assert!(report.summary.checks.iter().all(|check| check.ok), "{report:?}");
}

/// Set for a copy of this test binary that reads what its parent is writing.
const LIVE: &str = "MYOGRAPH_TEST_LIVE_FILE";

#[test]
fn another_process_reads_while_it_grows() {
    if let Some(path) = std::env::var_os(LIVE) {
        let recording = Recording::open(Path::new(&path)).unwrap();
        println!(
            "state {:?} rows {} markers {}",
            recording.facts().state,
            recording.rows(),
            recording.markers().unwrap().len()
        );
        let clean = recording.clean(0..1000).unwrap();
        println!("clean {:08x}", bits(&clean).iter().fold(0_u32, |sum, bits| sum.rotate_left(1) ^ bits));
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("live.h5");
    let story = Story::afternoon(header(SampleType::I16));
    let projection = story.project(&path);
    let rows = projection.rows();
    assert!(rows > 2000 && rows < story.row && rows.is_multiple_of(500), "{rows} rows");
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["another_process_reads_while_it_grows", "--nocapture"])
        .env(LIVE, &path)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout).into_owned();
    assert!(said.contains(&format!("state Open rows {rows} markers 2")), "{said}");
    let sum =
        bits(&story.clean().0[..1000 * CHANNELS]).iter().fold(0_u32, |sum, bits| sum.rotate_left(1) ^ bits);
    assert!(said.contains(&format!("clean {sum:08x}")), "{said}");
    projection.close(State::Closed).unwrap();
    assert_eq!(Recording::open(&path).unwrap().rows(), story.row);
}

/// Lists a recording with nothing of ours.
const LIST: &str = r#"
import sys
try:
    import h5py, numpy
except ImportError:
    sys.exit(77)
f = h5py.File(sys.argv[1], "r", swmr=len(sys.argv) > 2)
def show(name, item):
    if isinstance(item, h5py.Dataset):
        assert len(item.attrs["description"]) > 10, name
        print("/" + name, item.dtype.names or item.dtype, item.shape)
f.visititems(show)
print("format", f.attrs["format"].decode(), f.attrs["state"].decode())
m = f["markers"][0]
print("marker", m["label"].decode(), m["source"].decode(), m["sample"])
r = f["raw/samples"]
print("raw", r.compression, r.shuffle, r.fletcher32, r.chunks, r.attrs["missing"], r[1230:1267].max())
print("envelope", f["clean/envelope"].attrs["decimation"], f["clean/envelope"].compression)
print("config", b"".join(f["config"][:]).decode().count("\u00dc"))
"#;

#[test]
fn h5py_reads_all_of_it_live_and_sealed() {
    let python = std::env::var("MYOGRAPH_PYTHON").unwrap_or_else(|_| "python3".into());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.h5");
    let mut projection = Story::afternoon(header(SampleType::I16)).project(&path);
    projection.flush().unwrap();
    let list = |live: &[&str]| Command::new(&python).args(["-c", LIST]).arg(&path).args(live).output();
    let Ok(live) = list(&["live"]) else {
        return println!("skipped: no {python}");
    };
    if live.status.code() == Some(77) {
        return println!("skipped: {python} has no h5py");
    }
    projection.close(State::Closed).unwrap();
    let sealed = list(&[]).unwrap();
    for (output, state) in [(&live, "open"), (&sealed, "closed")] {
        let said = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(&format!("format myograph-recording {state}")), "{said}{errors}");
        assert!(said.contains("marker Lächeln 微笑 network 1260"), "{said}{errors}");
        assert!(said.contains("raw gzip True True (500, 3) -32768 -32768"), "{said}{errors}");
        assert!(said.contains("envelope 10 None\nconfig 30"), "{said}{errors}");
        for part in ["/aus", "/calibration", "/clock_offsets", "/events", "/filter/state", "/protocol/trials"]
        {
            assert!(said.contains(&format!("{part} ")), "{part} in {said}{errors}");
        }
    }
    insta::assert_snapshot!(String::from_utf8_lossy(&sealed.stdout));
}

#[test]
fn descriptions_are_not_cut() {
    use crate::store::layout::{Row, later, rows};
    fn length<R: Row>() -> usize {
        R::DESCRIPTION.len()
    }
    let lengths = [
        length::<rows::ChannelRow>(),
        length::<rows::BlockRow>(),
        length::<rows::GapRow>(),
        length::<rows::MarkerRow>(),
        length::<rows::ChainRow>(),
        length::<rows::SpanRow>(),
        length::<later::EventRow>(),
    ];
    assert!(lengths.iter().all(|&length| length <= 256), "{lengths:?}");
}
