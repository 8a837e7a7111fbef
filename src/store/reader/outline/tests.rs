//! Every row is in a bin, at every scale, in sealed files and in those that still grow.

use super::*;
use crate::emg::SampleType;
use crate::store::projector::tests::{Story, header};
use std::path::{Path, PathBuf};

fn whole(recording: &Recording, outline: &mut Outline, signal: Signal, rows_per_bin: u64) -> Stretch {
    let bins = 0..recording.span().end.div_ceil(rows_per_bin);
    let mut stretch = Stretch::new(recording, signal, rows_per_bin, bins);
    let gaps = recording.gaps().unwrap();
    while !stretch.is_whole() {
        outline.advance(recording, &gaps, &mut stretch).unwrap();
    }
    stretch
}

/// All values of a signal as a reader without bins has them.
fn plainly(recording: &Recording, signal: Signal) -> Vec<f32> {
    let mut values = match signal {
        Signal::Clean => recording.clean(recording.span()).unwrap(),
        Signal::Raw => in_units(recording, &recording.raw(recording.span()).unwrap()),
    };
    if signal == Signal::Raw {
        blank(&recording.gaps().unwrap(), &recording.span(), recording.channels().len(), &mut values);
    }
    values
}

/// The lowest and highest of those values of a channel that are there.
fn extent(values: &[f32], channel: usize, channels: usize) -> Option<MinMax> {
    let of_channel = values.iter().skip(channel).step_by(channels).filter(|value| !value.is_nan());
    of_channel.map(|value| (*value, *value)).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
}

fn sealed(story: &Story) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.h5");
    story.sealed(&path);
    (folder, path)
}

fn assert_equal_at_all_scales(path: &Path) {
    let recording = Recording::open(path).unwrap();
    let channels = recording.channels().len();
    let mut outline = Outline::default();
    for signal in [Signal::Clean, Signal::Raw] {
        let values = plainly(&recording, signal);
        for rows_per_bin in [1, 2, 16, 128, 256, 512, 4096, 131_072] {
            let stretch = whole(&recording, &mut outline, signal, rows_per_bin);
            let rows = values.chunks(index(rows_per_bin) * channels);
            assert_eq!(stretch.bins.len(), rows.len() * channels);
            for (bin, rows) in stretch.bins.chunks_exact(channels).zip(rows) {
                for (channel, found) in bin.iter().enumerate() {
                    let found = (!found.0.is_nan()).then_some(*found);
                    assert_eq!(
                        found,
                        extent(rows, channel, channels),
                        "{signal:?}, {rows_per_bin} rows a bin"
                    );
                }
            }
        }
    }
}

#[test]
fn bins_are_what_the_rows_are_at_every_scale_gaps_included() {
    for sample_type in [SampleType::I16, SampleType::F32] {
        let (_folder, path) = sealed(&Story::afternoon(header(sample_type)));
        assert_equal_at_all_scales(&path);
    }
}

#[test]
fn pieces_meet_without_a_seam() {
    let mut story = Story::new(header(SampleType::I16));
    // More than two pieces, and no whole number of anything.
    for _ in 0..141 {
        story.rows(1000);
    }
    story.rows(77);
    let (_folder, path) = sealed(&story);
    assert!(Recording::open(&path).unwrap().rows() > 2 * PIECE);
    assert_equal_at_all_scales(&path);
}

#[test]
fn rows_that_come_later_are_not_remembered_as_missing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.h5");
    let mut story = Story::new(header(SampleType::I16));
    story.rows(3000);
    let mut projection = story.project(&path);
    projection.flush().unwrap();
    let recording = Recording::open(&path).unwrap();
    let mut outline = Outline::default();
    let stretch = whole(&recording, &mut outline, Signal::Clean, 256);
    assert!(!stretch.bins.is_empty() && stretch.is_whole());
    assert!(outline.pieces.is_empty(), "a piece that still grows is not kept");
}
