//! Recordings that never were, for the tests of this room: a simulated face or any rows, through the pipeline.

use crate::emg::units::{index, wide};
use crate::emg::{Cause, Channel, Gap, RawBlock, Samples, Stamp, Truth};
use crate::pipeline::{CleanBlock, Input, Pipeline, Reason, preset};
use crate::source::sim::Sim;
use crate::source::uri::SourceUri;
use crate::source::{Packet, Reading, Source};
use std::io::Write;
use std::ops::Range;
use std::sync::Arc;

/// What a recording consists of; counts as a board sends them.
pub(super) struct Recording {
    pub(super) channels: Vec<Channel>,
    pub(super) rate_hz: f64,
    pub(super) samples: Vec<i16>,
    pub(super) truth: Vec<Truth>,
}

/// A simulated face; `script` is TOML, empty for the built-in repertoire.
pub(super) fn face(query: &str, script: &str, seconds: f64) -> Recording {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(script.as_bytes()).unwrap();
    let script = if script.is_empty() { String::new() } else { format!("&script={}", file.path().display()) };
    let SourceUri::Sim(options) = SourceUri::parse(&format!("sim:?speed=max&{query}{script}")).unwrap()
    else {
        panic!("no face: {query}")
    };
    let rate_hz = options.rate_hz;
    let mut sim = Sim::new(options, Stamp::default());
    let description = sim.open().unwrap();
    let values = index(crate::emg::units::count(seconds * rate_hz)) * description.channels.len();
    let mut samples = Vec::new();
    let mut truth = Vec::new();
    while samples.len() < values {
        match sim.read().unwrap() {
            Reading::Rows(Packet { samples: Samples::I16(more), .. }) => samples.extend(more),
            Reading::Truth(more) => truth.extend(more),
            _ => {}
        }
    }
    samples.truncate(values);
    Recording { channels: description.channels, rate_hz, samples, truth }
}

impl Recording {
    /// Inputs with what the pipeline makes of them: rows in blocks of the sizes given, over and over; `lost` rows are
    /// a gap.
    pub(super) fn steps(
        &self,
        blocks: &[usize],
        lost: Range<u64>,
    ) -> impl Iterator<Item = (Input, CleanBlock)> + use<> {
        let occasion = preset::Occasion {
            sample: 0,
            reason: Reason::Start,
            rate_hz: Some(self.rate_hz),
            decimation: preset::decimation(Some(self.rate_hz)),
            first_id: 0,
        };
        let (change, _) = preset::chains(&self.channels, &preset::Options::default(), &occasion);
        let mut inputs = vec![Input::Chains(Arc::new(change))];
        let (mut row, mut sizes) = (0, blocks.iter().copied().cycle());
        while row < self.rows() {
            if row == lost.start && !lost.is_empty() {
                inputs.push(gap(&lost));
                row = lost.end;
                continue;
            }
            let border = if row < lost.start { lost.start.min(self.rows()) } else { self.rows() };
            let end = (row + wide(sizes.next().unwrap())).min(border);
            inputs.push(Input::Rows(Arc::new(self.block(row..end))));
            row = end;
        }
        let mut pipeline = Pipeline::new(&self.channels);
        inputs.into_iter().map(move |input| {
            let clean = pipeline.step(&input);
            (input, clean)
        })
    }

    fn block(&self, rows: Range<u64>) -> RawBlock {
        let channels = self.channels.len();
        RawBlock {
            sample: rows.start,
            channels,
            epoch: 0,
            device_index: rows.start,
            device_us: 0,
            stamp: Stamp::default(),
            samples: Samples::I16(
                self.samples[index(rows.start) * channels..index(rows.end) * channels].to_vec(),
            ),
            digital: Vec::new(),
        }
    }

    /// Rows.
    pub(super) fn rows(&self) -> u64 {
        wide(self.samples.len() / self.channels.len())
    }
}

fn gap(rows: &Range<u64>) -> Input {
    let missing = rows.end - rows.start;
    Input::Gap(Gap { sample: rows.start, missing, exact: true, epoch: 0, cause: Cause::Unknown, host_ns: 0 })
}
