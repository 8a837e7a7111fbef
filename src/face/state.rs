//! What an observer carries over a segment's border, as words a journal can hold.
//!
//! Every part writes its state in one fixed order and reads it back in the same. A state of another program
//! version does not fit; the observer then starts afresh, which costs a few seconds of findings and no sample.

/// Words in the order they were put.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tape(pub Vec<u64>);

impl Tape {
    /// A number, to the bit.
    pub fn f64(&mut self, value: f64) -> &mut Self {
        self.u64(value.to_bits())
    }

    /// A count, a row, a flag.
    pub fn u64(&mut self, value: u64) -> &mut Self {
        self.0.push(value);
        self
    }

    /// Numbers, with their count.
    pub fn f64s<'a>(&mut self, values: impl ExactSizeIterator<Item = &'a f64>) -> &mut Self {
        self.u64(crate::emg::units::wide(values.len()));
        self.0.extend(values.map(|value| value.to_bits()));
        self
    }
}

/// Reads a tape from its beginning. Every step gives none at its end, whatever the words claim.
#[derive(Clone, Debug)]
pub struct Reel<'a>(&'a [u64]);

impl<'a> Reel<'a> {
    /// From the first word on.
    #[must_use]
    pub fn new(words: &'a [u64]) -> Self {
        Self(words)
    }

    /// The next number.
    pub fn f64(&mut self) -> Option<f64> {
        self.u64().map(f64::from_bits)
    }

    /// The next count, row or flag.
    pub fn u64(&mut self) -> Option<u64> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    /// The next numbers, as many as were put.
    pub fn f64s<C: FromIterator<f64>>(&mut self) -> Option<C> {
        let count = usize::try_from(self.u64()?).ok()?;
        let (values, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(values.iter().copied().map(f64::from_bits).collect())
    }

    /// Whether everything was read.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_back_to_the_bit_and_a_cut_tape_is_no_state() {
        let mut tape = Tape::default();
        tape.f64(-0.0).u64(7).f64s([1.5, f64::NAN].iter());
        let mut reel = Reel::new(&tape.0);
        assert_eq!(reel.f64().map(f64::to_bits), Some((-0.0_f64).to_bits()));
        assert_eq!(reel.u64(), Some(7));
        let values: Vec<f64> = reel.f64s().unwrap();
        assert!(values.len() == 2 && values[1].is_nan() && reel.is_done());
        let mut cut = Reel::new(&tape.0[..3]);
        cut.f64();
        cut.u64();
        assert_eq!(cut.f64s::<Vec<f64>>(), None);
    }
}
