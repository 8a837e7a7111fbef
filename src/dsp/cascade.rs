//! The kernel: chains of second-order sections over many channels, state carried from call to call.
//!
//! Direct form II transposed in f64, the operations in the order of the `biquad` crate and equal to it to the bit,
//! never fused; channels side by side in vector lanes, rows one after the other. Files are recomputed with this, so
//! its order of operations is part of the file format. Subnormal numbers are kept: flushing them would change bits.

use super::response::steady;
use super::{Memory, Section};

/// Channels of a group.
const LANES: usize = 2 * SIDE;

/// Channels that run side by side: so many that the state of two sections stays in the registers every machine has.
const SIDE: usize = 4;

/// One row of the channels of a group; lanes without a channel are zero.
type Lanes = [[f64; SIDE]; 2];

/// Rows that go through all sections before the next ones do: they stay in the nearest cache.
const TILE: usize = 128;

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
        let width = self.seats.len();
        for group in &mut self.groups {
            if width == LANES && group.channels.len() == LANES {
                let rows = values.as_chunks_mut::<SIDE>().0.as_chunks_mut::<2>().0;
                rows.chunks_mut(TILE).for_each(|tile| run(&mut group.stages, tile));
                continue;
            }
            for tile in values.chunks_mut(TILE * width) {
                group.gather(tile, width, &mut self.scratch);
                run(&mut group.stages, &mut self.scratch);
                group.scatter(&self.scratch, tile, width);
            }
        }
    }

    /// Puts a channel into the state that a constant input of `value` would have led to.
    pub fn start(&mut self, channel: usize, value: f64) {
        if let Some((group, lane)) = self.seats[channel] {
            let group = &mut self.groups[group];
            for (stage, [s1, s2]) in group.stages.iter_mut().zip(&group.steady) {
                stage.remember(lane, [s1 * value, s2 * value]);
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
        self.groups[group].stages.iter().map(|stage| stage.memory(lane)).collect()
    }

    /// Puts a channel into a state that [`Cascade::memory`] gave.
    ///
    /// # Panics
    /// When the state belongs to a chain of another length.
    pub fn recall(&mut self, channel: usize, memory: &[Memory]) {
        let sections = self.seats[channel].map_or(0, |(group, _)| self.groups[group].stages.len());
        assert!(memory.len() == sections, "a state of {} sections for a chain of {sections}", memory.len());
        if let Some((group, lane)) = self.seats[channel] {
            for (stage, memory) in self.groups[group].stages.iter_mut().zip(memory) {
                stage.remember(lane, *memory);
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
        let stages = sections.iter().map(|&section| Stage { section, state: [[[0.0; SIDE]; 2]; 2] });
        Self { stages: stages.collect(), steady: steady(sections), channels: Vec::new() }
    }

    /// Whether a channel with this chain may still join.
    fn takes(&self, sections: &[Section]) -> bool {
        self.channels.len() < LANES && self.stages.iter().map(|stage| &stage.section).eq(sections)
    }

    fn gather(&self, values: &[f64], channels: usize, rows: &mut Vec<Lanes>) {
        rows.clear();
        rows.extend(values.chunks_exact(channels).map(|row| {
            let mut lanes = [[0.0; SIDE]; 2];
            let each = lanes.as_flattened_mut().iter_mut().zip(&self.channels);
            each.for_each(|(lane, &channel)| *lane = row[channel]);
            lanes
        }));
    }

    fn scatter(&self, rows: &[Lanes], values: &mut [f64], channels: usize) {
        for (row, lanes) in values.chunks_exact_mut(channels).zip(rows) {
            lanes.as_flattened().iter().zip(&self.channels).for_each(|(lane, &channel)| row[channel] = *lane);
        }
    }
}

/// One section on all lanes of a group.
#[derive(Clone, Debug)]
struct Stage {
    section: Section,
    /// For either side of the lanes `[s1, s2]`.
    state: [[[f64; SIDE]; 2]; 2],
}

impl Stage {
    fn memory(&self, lane: usize) -> Memory {
        self.state[lane / SIDE].map(|s| s[lane % SIDE])
    }

    fn remember(&mut self, lane: usize, memory: Memory) {
        let side = &mut self.state[lane / SIDE];
        (side[0][lane % SIDE], side[1][lane % SIDE]) = (memory[0], memory[1]);
    }
}

/// A section with its state on one side, in local variables so that it stays in registers from row to row.
///
/// `EVEN` for sections with `b0 = b2`, as all Butterworth sections and notches are: one product serves both.
#[derive(Clone, Copy)]
struct Step<const EVEN: bool> {
    section: Section,
    state: [[f64; SIDE]; 2],
}

impl<const EVEN: bool> Step<EVEN> {
    fn of(stage: &Stage, side: usize) -> Self {
        Self { section: stage.section, state: stage.state[side] }
    }

    #[expect(clippy::inline_always, reason = "a call would put the state into memory at every row")]
    #[inline(always)]
    fn run(&mut self, x: &[f64; SIDE]) -> [f64; SIDE] {
        let [b0, b1, b2, _, a1, a2] = self.section;
        let [s1, s2] = &mut self.state;
        let mut out = [0.0; SIDE];
        for lane in 0..SIDE {
            let first = b0 * x[lane];
            let last = if EVEN { first } else { b2 * x[lane] };
            let y = s1[lane] + first;
            s1[lane] = s2[lane] + b1 * x[lane] - a1 * y;
            s2[lane] = last - a2 * y;
            out[lane] = y;
        }
        out
    }
}

/// Section after section over the rows, two at a time: while one waits for its own last output the other computes.
fn run(stages: &mut [Stage], rows: &mut [Lanes]) {
    for some in stages.chunks_mut(2) {
        let even = some.iter().all(|stage| stage.section[0].to_bits() == stage.section[2].to_bits());
        for side in 0..2 {
            if even { run_two::<true>(some, side, rows) } else { run_two::<false>(some, side, rows) }
        }
    }
}

/// One section or two on one side of the lanes.
fn run_two<const EVEN: bool>(stages: &mut [Stage], side: usize, rows: &mut [Lanes]) {
    match stages {
        [first, second] => {
            let (mut one, mut two) = (Step::<EVEN>::of(first, side), Step::<EVEN>::of(second, side));
            for row in rows {
                row[side] = two.run(&one.run(&row[side]));
            }
            (first.state[side], second.state[side]) = (one.state, two.state);
        }
        [only] => {
            let mut one = Step::<EVEN>::of(only, side);
            for row in rows {
                row[side] = one.run(&row[side]);
            }
            only.state[side] = one.state;
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use biquad::{Biquad, Coefficients, DirectForm2Transposed};
    use proptest::prelude::*;

    fn section() -> impl Strategy<Value = Section> {
        // Any coefficients will do, stable or not: equality is to the bit.
        let any = (prop::array::uniform5(-1.5..1.5), any::<bool>());
        any.prop_map(|([b0, b1, b2, a1, a2], even)| [b0, b1, if even { b0 } else { b2 }, 1.0, a1, a2])
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
