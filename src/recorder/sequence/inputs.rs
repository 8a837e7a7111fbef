//! A board's digital inputs -> the rows at which one of them rose, each of which becomes a marker.
//!
//! An edge needs a low row right before it: the first row of an epoch or behind a gap only sets the levels. A contact
//! that chatters gives one marker, and its other edges a number in the log.

use crate::emg::units::count;

/// An input that rose before within this time is chattering.
const DEAD_S: f64 = 0.005;
/// What was left out is said no more often.
const SAY_EVERY_S: f64 = 10.0;
/// Labels by bit, as the firmware wires them; the others are free.
const LABELS: [&str; 8] = ["trigger", "photodiode", "button", "ttl3", "ttl4", "ttl5", "ttl6", "ttl7"];

/// An input rose: it is high at `sample` and was low one row before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Edge {
    /// Row of the recording.
    pub(super) sample: u64,
    /// Name of the input.
    pub(super) label: &'static str,
}

/// The levels so far.
#[derive(Debug)]
pub(super) struct Inputs {
    dead_rows: u64,
    say_rows: u64,
    /// None where the row before is unknown.
    level: Option<u8>,
    /// The row at which each last rose, marked or not.
    rose: [Option<u64>; 8],
    /// Edges left out since the last sentence, and the row of that.
    left_out: [u64; 8],
    said: Option<u64>,
}

impl Inputs {
    /// Inputs nobody has seen, of a source with so many rows per second.
    pub(super) fn new(rate_hz: f64) -> Self {
        let rows = |seconds: f64| count((seconds * rate_hz).ceil());
        Self {
            dead_rows: rows(DEAD_S),
            say_rows: rows(SAY_EVERY_S),
            level: None,
            rose: [None; 8],
            left_out: [0; 8],
            said: None,
        }
    }

    /// The next row does not follow the last one.
    pub(super) fn interrupted(&mut self) {
        self.level = None;
    }

    /// The edges in consecutive rows, one byte each, the first of which is row `sample`.
    pub(super) fn edges(&mut self, sample: u64, rows: &[u8]) -> Vec<Edge> {
        let mut edges = Vec::new();
        for (sample, byte) in (sample..).zip(rows) {
            let before = self.level.replace(*byte).unwrap_or(*byte);
            let rising = byte & !before;
            for bit in (0..LABELS.len()).filter(|bit| rising >> bit & 1 == 1) {
                let last = self.rose[bit].replace(sample);
                if last.is_some_and(|last| sample - last < self.dead_rows) {
                    self.left_out[bit] += 1;
                } else {
                    edges.push(Edge { sample, label: LABELS[bit] });
                }
            }
        }
        edges
    }

    /// What was left out and not said yet, at the end.
    pub(super) fn last_chatter(&mut self, sample: u64) -> Option<String> {
        self.said = None;
        self.chatter(sample)
    }

    /// What was left out up to row `sample`, when it is time to say so.
    pub(super) fn chatter(&mut self, sample: u64) -> Option<String> {
        let early = self.said.is_some_and(|said| sample - said < self.say_rows);
        if early || self.left_out == [0; 8] {
            return None;
        }
        self.said = Some(sample);
        let left_out = std::mem::take(&mut self.left_out);
        let each = LABELS.iter().zip(left_out).filter(|(_, edges)| *edges > 0);
        let counts: Vec<String> = each.map(|(label, edges)| format!("{edges} of {label}")).collect();
        Some(format!(
            "an input chatters: edges less than {:.0} ms after another one made no marker ({})",
            DEAD_S * 1e3,
            counts.join(", ")
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn found(inputs: &mut Inputs, sample: u64, rows: &[u8]) -> Vec<(u64, &'static str)> {
        inputs.edges(sample, rows).into_iter().map(|edge| (edge.sample, edge.label)).collect()
    }

    #[test]
    fn each_rising_bit_is_an_edge_on_its_row_however_rows_are_cut() {
        let mut inputs = Inputs::new(1000.0);
        assert_eq!(found(&mut inputs, 100, &[0, 0, 1, 1]), [(102, "trigger")]);
        assert_eq!(found(&mut inputs, 104, &[3, 0, 0, 4]), [(104, "photodiode"), (107, "button")]);
        assert_eq!(found(&mut inputs, 108, &[0x84, 0x84]), [(108, "ttl7")]);
    }

    #[test]
    fn high_from_the_first_row_or_first_seen_high_behind_a_gap_is_no_edge() {
        let mut inputs = Inputs::new(1000.0);
        assert_eq!(found(&mut inputs, 0, &[1, 1, 0, 0]), []);
        inputs.interrupted();
        assert_eq!(found(&mut inputs, 50, &[1, 0, 1]), [(52, "trigger")]);
    }

    #[test]
    fn a_chattering_input_gives_one_marker_and_a_count() {
        let mut inputs = Inputs::new(1000.0);
        let chatter: Vec<u8> = (0..2000).map(|row| u8::from(row % 3 == 1)).collect();
        assert_eq!(found(&mut inputs, 0, &chatter), [(1, "trigger")]);
        assert!(inputs.chatter(2000).unwrap().contains("666 of trigger"));
        assert_eq!(found(&mut inputs, 2000, &[0, 0, 0, 0, 0, 0, 1, 0, 1]), [(2006, "trigger")]);
        assert_eq!(inputs.chatter(2009), None, "not so soon");
        assert!(inputs.chatter(12_000).unwrap().contains("1 of trigger"));
        assert_eq!(inputs.chatter(99_000), None, "all is said");
        found(&mut inputs, 13_000, &[0, 1, 0, 1]);
        assert_eq!(inputs.chatter(13_004), None, "not so soon");
        assert!(inputs.last_chatter(13_004).unwrap().contains("1 of trigger"));
    }

    proptest! {
        #[test]
        fn every_edge_is_marked_or_counted(rows in prop::collection::vec(any::<u8>(), 1..200), cut in 0..200_usize) {
            let mut inputs = Inputs::new(1000.0);
            let (head, tail) = rows.split_at(cut.min(rows.len()));
            let marked = inputs.edges(0, head).len() + inputs.edges(head.len() as u64, tail).len();
            let left_out: u64 = inputs.left_out.iter().sum();
            let rising: u32 = rows.windows(2).map(|two| (two[1] & !two[0]).count_ones()).sum();
            prop_assert_eq!(marked as u64 + left_out, u64::from(rising));
        }
    }
}
