//! The kernel: chains of second-order sections over many channels, state carried from call to call.
//!
//! Direct form II transposed in f64, the operations in the order of the `biquad` crate and equal to it to the bit,
//! never fused; channels side by side in vector lanes, rows one after the other. Files are recomputed with this, so
//! its order of operations is part of the file format. Subnormal numbers are kept: flushing them would change bits.

use super::response::steady;
use super::{Memory, Section};

/// Channels that run side by side.
const LANES: usize = 8;

/// One row of the channels of a group; lanes without a channel are zero.
type Lanes = [f64; LANES];

/// A chain for each channel; channels with equal chains share vector lanes.
#[derive(Clone, Debug)]
pub struct Cascade {
    groups: Vec<Group>,
    /// Group and lane of each channel; none for a channel whose chain is the identity.
    seats: Vec<Option<(usize, usize)>>,
    scratch: Vec<Lanes>,
}

impl Cascade {
    /// A cascade at rest, `chains[c]` being the sections of channel `c`, none for the identity.
    #[must_use]
    pub fn new(chains: &[&[Section]]) -> Self {
        let mut groups: Vec<Group> = Vec::new();
        let mut seat = |channel: usize, sections: &[Section]| {
            if sections.is_empty() {
                return None;
            }
            let open = groups.iter().position(|group| group.takes(sections)).unwrap_or_else(|| {
                groups.push(Group::new(sections));
                groups.len() - 1
            });
            groups[open].channels.push(channel);
            Some((open, groups[open].channels.len() - 1))
        };
        let seats = chains.iter().enumerate().map(|(channel, sections)| seat(channel, sections)).collect();
        Self { groups, seats, scratch: Vec::new() }
    }

    /// Filters `rows x channels` values in place.
    pub fn run(&mut self, values: &mut [f64]) {
        for group in &mut self.groups {
            group.gather(values, self.seats.len(), &mut self.scratch);
            group.stages.iter_mut().for_each(|stage| stage.run(&mut self.scratch));
            group.scatter(&self.scratch, values, self.seats.len());
        }
    }

    /// Puts a channel into the state that a constant input of `value` would have led to.
    pub fn start(&mut self, channel: usize, value: f64) {
        if let Some((group, lane)) = self.seats[channel] {
            let group = &mut self.groups[group];
            for (stage, [s1, s2]) in group.stages.iter_mut().zip(&group.steady) {
                (stage.s1[lane], stage.s2[lane]) = (s1 * value, s2 * value);
            }
        }
    }

    /// Puts a channel to rest.
    pub fn stop(&mut self, channel: usize) {
        self.start(channel, 0.0);
    }

    /// State of a channel, one entry per section.
    #[must_use]
    pub fn memory(&self, channel: usize) -> Vec<Memory> {
        let Some((group, lane)) = self.seats[channel] else {
            return Vec::new();
        };
        self.groups[group].stages.iter().map(|stage| [stage.s1[lane], stage.s2[lane]]).collect()
    }

    /// Puts a channel into a state that [`Cascade::memory`] gave.
    ///
    /// # Panics
    /// When the state belongs to a chain of another length.
    pub fn recall(&mut self, channel: usize, memory: &[Memory]) {
        let sections = self.seats[channel].map_or(0, |(group, _)| self.groups[group].stages.len());
        assert!(memory.len() == sections, "a state of {} sections for a chain of {sections}", memory.len());
        if let Some((group, lane)) = self.seats[channel] {
            for (stage, [s1, s2]) in self.groups[group].stages.iter_mut().zip(memory) {
                (stage.s1[lane], stage.s2[lane]) = (*s1, *s2);
            }
        }
    }
}

/// Up to [`LANES`] channels under one chain.
#[derive(Clone, Debug)]
struct Group {
    stages: Vec<Stage>,
    /// State of each section under a constant input of 1.
    steady: Vec<Memory>,
    /// Channel of each lane in use.
    channels: Vec<usize>,
}

impl Group {
    fn new(sections: &[Section]) -> Self {
        let stages = sections.iter().map(|&section| Stage { section, s1: [0.0; LANES], s2: [0.0; LANES] });
        Self { stages: stages.collect(), steady: steady(sections), channels: Vec::new() }
    }

    /// Whether a channel with this chain may still join.
    fn takes(&self, sections: &[Section]) -> bool {
        self.channels.len() < LANES && self.stages.iter().map(|stage| &stage.section).eq(sections)
    }

    fn gather(&self, values: &[f64], channels: usize, rows: &mut Vec<Lanes>) {
        rows.clear();
        rows.extend(values.chunks_exact(channels).map(|row| {
            let mut lanes = [0.0; LANES];
            lanes.iter_mut().zip(&self.channels).for_each(|(lane, &channel)| *lane = row[channel]);
            lanes
        }));
    }

    fn scatter(&self, rows: &[Lanes], values: &mut [f64], channels: usize) {
        for (row, lanes) in values.chunks_exact_mut(channels).zip(rows) {
            lanes.iter().zip(&self.channels).for_each(|(lane, &channel)| row[channel] = *lane);
        }
    }
}

/// One section on all lanes of a group.
#[derive(Clone, Debug)]
struct Stage {
    section: Section,
    s1: Lanes,
    s2: Lanes,
}

impl Stage {
    /// Section by section over the block, so that the state stays in registers from row to row.
    fn run(&mut self, rows: &mut [Lanes]) {
        let [b0, b1, b2, _, a1, a2] = self.section;
        let (mut s1, mut s2) = (self.s1, self.s2);
        for row in rows {
            for lane in 0..LANES {
                let x = row[lane];
                let out = s1[lane] + b0 * x;
                s1[lane] = s2[lane] + b1 * x - a1 * out;
                s2[lane] = b2 * x - a2 * out;
                row[lane] = out;
            }
        }
        (self.s1, self.s2) = (s1, s2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use biquad::{Biquad, Coefficients, DirectForm2Transposed};
    use proptest::prelude::*;

    fn section() -> impl Strategy<Value = Section> {
        // Any coefficients will do, stable or not: equality is to the bit.
        prop::array::uniform5(-1.5..1.5).prop_map(|[b0, b1, b2, a1, a2]| [b0, b1, b2, 1.0, a1, a2])
    }

    /// Up to 20 channels that share up to 3 chains, and rows for them.
    fn work() -> impl Strategy<Value = (Vec<Vec<Section>>, Vec<f64>)> {
        let chains = prop::collection::vec(prop::collection::vec(section(), 0..6), 1..4);
        (chains, prop::collection::vec(0..64_usize, 1..20), 0..40_usize).prop_flat_map(
            |(chains, picks, rows)| {
                let chosen: Vec<_> = picks.iter().map(|pick| chains[pick % chains.len()].clone()).collect();
                let values = prop::collection::vec(-1e4..1e4, rows * chosen.len());
                (Just(chosen), values)
            },
        )
    }

    fn cascade(chains: &[Vec<Section>]) -> Cascade {
        Cascade::new(&chains.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }

    fn bits(values: &[f64]) -> Vec<u64> {
        values.iter().map(|value| value.to_bits()).collect()
    }

    proptest! {
        #[test]
        fn equals_biquad_to_the_bit_on_every_channel((chains, values) in work()) {
            let mut ours = values.clone();
            cascade(&chains).run(&mut ours);
            for (channel, chain) in chains.iter().enumerate() {
                let mut theirs: Vec<_> = chain
                    .iter()
                    .map(|&[b0, b1, b2, _, a1, a2]| {
                        DirectForm2Transposed::<f64>::new(Coefficients { a1, a2, b0, b1, b2 })
                    })
                    .collect();
                for row in 0..values.len() / chains.len() {
                    let at = row * chains.len() + channel;
                    let expected = theirs.iter_mut().fold(values[at], |x, biquad| biquad.run(x));
                    prop_assert_eq!(ours[at].to_bits(), expected.to_bits());
                }
            }
        }

        #[test]
        fn the_size_of_blocks_does_not_matter((chains, values) in work(), split in 0.0..1.0_f64) {
            let mut whole = values.clone();
            let mut one = cascade(&chains);
            one.run(&mut whole);
            let rows = values.len() / chains.len();
            let cut = crate::emg::units::length(split * crate::emg::units::float_len(rows)) * chains.len();
            let mut parts = values;
            let mut two = cascade(&chains);
            two.run(&mut parts[..cut]);
            // Half way through, the state moves into a fresh cascade.
            let mut three = cascade(&chains);
            (0..chains.len()).for_each(|channel| three.recall(channel, &two.memory(channel)));
            three.run(&mut parts[cut..]);
            prop_assert_eq!(bits(&whole), bits(&parts));
            for channel in 0..chains.len() {
                let (a, b) = (one.memory(channel), three.memory(channel));
                prop_assert_eq!(bits(a.as_flattened()), bits(b.as_flattened()));
            }
        }
    }

    #[test]
    fn a_constant_goes_through_a_started_low_pass_unchanged() {
        let sections = crate::dsp::design::butterworth(2, crate::dsp::design::Band::LowPass(20.0), 1000.0);
        let mut low = Cascade::new(&[&sections, &[], &sections]);
        low.start(0, 500.0);
        low.start(2, -3.0);
        let mut values = [500.0, 7.0, -3.0].repeat(1000);
        low.run(&mut values);
        for row in values.chunks(3) {
            assert!((row[0] - 500.0).abs() < 1e-9 && (row[2] + 3.0).abs() < 1e-9, "{row:?}");
            assert!((row[1] - 7.0).abs() < f64::EPSILON, "the identity changed its input");
        }
        low.stop(0);
        assert!(low.memory(0).as_flattened().iter().all(|s| s.abs() < f64::EPSILON));
    }
}
