//! HOW A SIGNAL IS CLEANED AND MEASURED: filter design, the kernel that runs the filters, envelopes, bins for the
//! screen; features.
//!
//! Arithmetic on numbers only: no channels with names, no spans, no rows of a recording beyond their index.
//! `pipeline` puts these operators in order.

pub mod bins;
pub mod cascade;
mod complex;
pub mod design;
pub mod envelope;
pub mod features;
pub mod line;
pub mod response;
pub mod zero_phase;

/// Second-order section `[b0, b1, b2, 1, a1, a2]`, the layout of `SciPy`'s `sos` rows.
pub type Section = [f64; 6];

/// What a section remembers between two rows: `[s1, s2]` of the direct form II transposed.
pub type Memory = [f64; 2];

/// Sum over all values, so many beside each other that none waits for the one before; not finite unless all are.
#[must_use]
pub fn sum(values: &[f64], of: impl Fn(f64) -> f64) -> f64 {
    const LANES: usize = 8;
    let (rows, rest) = values.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for row in rows {
        for lane in 0..LANES {
            sums[lane] += of(row[lane]);
        }
    }
    sums.iter().sum::<f64>() + rest.iter().map(|&value| of(value)).sum::<f64>()
}
