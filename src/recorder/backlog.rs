//! What waits when the next stage cannot take it: the first rows whole, all later ones as one growing gap.
//!
//! Used twice: by `acquire` when the journal's queue is full, by `journal` when the disk is. Order is kept, memory
//! is bounded, and nothing but rows is ever given up.

use super::sequence::Piece;
use crate::emg::units::wide;
use crate::emg::{Cause, Gap};
use std::collections::VecDeque;

/// Pieces in order.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    held: VecDeque<Piece>,
    /// The next stage refused what it was offered last.
    stuck: bool,
}

impl Backlog {
    /// Adds a piece; behind others that were refused, rows turn into a gap with cause `writer`.
    pub(super) fn push(&mut self, piece: Piece) {
        let lost = match &piece {
            Piece::Rows(rows) if self.stuck => Gap {
                sample: rows.sample,
                missing: wide(rows.rows()),
                exact: true,
                epoch: rows.epoch,
                cause: Cause::Writer,
                host_ns: rows.stamp.host_ns,
            },
            _ => return self.held.push_back(piece),
        };
        let grows = |gap: &Gap| {
            gap.cause == Cause::Writer && gap.epoch == lost.epoch && gap.sample + gap.missing == lost.sample
        };
        match self.open_gap() {
            Some(gap) if grows(gap) => gap.missing += lost.missing,
            _ => self.held.push_back(Piece::Gap(lost)),
        }
    }

    /// The newest gap, unless something that must stay behind it in order follows.
    fn open_gap(&mut self) -> Option<&mut Gap> {
        let passes = |piece: &&mut Piece| {
            matches!(
                piece,
                Piece::Fit(_) | Piece::Log(..) | Piece::Truth(_) | Piece::Marker(_) | Piece::Calibration(_)
            )
        };
        match self.held.iter_mut().rev().find(|piece| !passes(piece)) {
            Some(Piece::Gap(gap)) => Some(gap),
            _ => None,
        }
    }

    /// Sends from the front until `send` refuses.
    pub(super) fn flush<E>(&mut self, mut send: impl FnMut(&Piece) -> Result<(), E>) -> Result<(), E> {
        while let Some(piece) = self.held.front() {
            self.stuck = true;
            send(piece)?;
            self.held.pop_front();
        }
        self.stuck = false;
        Ok(())
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Rows that would be missing if nothing that waits could be sent any more.
    pub(super) fn rows(&self) -> u64 {
        self.held.iter().map(Piece::rows).sum()
    }

    /// Everything that waits as one gap, for the end of a recording that could not be written any more.
    pub(super) fn as_gap(&self) -> Option<Gap> {
        let span = |piece: &Piece| match piece {
            Piece::Rows(rows) => Some((rows.sample, rows.epoch, rows.stamp.host_ns)),
            Piece::Gap(gap) if gap.exact => Some((gap.sample, gap.epoch, gap.host_ns)),
            _ => None,
        };
        let (sample, epoch, host_ns) = self.held.iter().find_map(span)?;
        Some(Gap { sample, missing: self.rows(), exact: true, epoch, cause: Cause::Writer, host_ns })
    }

    /// Rows given up so far.
    pub(super) fn lost(&self) -> u64 {
        let lost = |piece: &Piece| match piece {
            Piece::Gap(gap) if gap.cause == Cause::Writer => gap.missing,
            _ => 0,
        };
        self.held.iter().map(lost).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emg::{RawBlock, Samples, Stamp};
    use std::sync::Arc;

    fn rows(sample: u64, epoch: u32) -> Piece {
        Piece::Rows(Arc::new(RawBlock {
            sample,
            channels: 1,
            epoch,
            device_index: sample,
            device_us: 0,
            stamp: Stamp::default(),
            samples: Samples::I16(vec![0; 10]),
            digital: vec![],
        }))
    }

    fn drain(backlog: &mut Backlog) -> Vec<Piece> {
        let mut out = Vec::new();
        backlog
            .flush(|piece| {
                out.push(piece.clone());
                Ok::<(), ()>(())
            })
            .unwrap();
        out
    }

    #[test]
    fn rows_behind_a_full_stage_become_one_exact_gap_and_everything_else_waits_its_turn() {
        let mut backlog = Backlog::default();
        backlog.push(Piece::Log(3, "before".into()));
        backlog.push(rows(0, 1));
        assert!(backlog.flush(|piece| if piece.rows() > 0 { Err(()) } else { Ok(()) }).is_err());
        backlog.push(rows(10, 1));
        backlog.push(Piece::Log(3, "still here".into()));
        backlog.push(rows(20, 1));
        backlog.push(Piece::Border(30));
        backlog.push(rows(30, 1));
        backlog.push(rows(40, 2));
        assert_eq!((backlog.rows(), backlog.lost()), (50, 40));
        let whole = backlog.as_gap().unwrap();
        assert_eq!((whole.sample, whole.missing, whole.exact), (0, 50, true));
        let out = drain(&mut backlog);
        let gaps: Vec<(u64, u64)> = out
            .iter()
            .filter_map(|piece| match piece {
                Piece::Gap(gap) => Some((gap.sample, gap.missing)),
                _ => None,
            })
            .collect();
        assert!(matches!(&out[0], Piece::Rows(first) if first.sample == 0), "the first rows were not lost");
        assert_eq!(gaps, [(10, 20), (30, 10), (40, 10)]);
        assert!(backlog.is_empty());
    }

    #[test]
    fn what_the_next_stage_refuses_stays() {
        let mut backlog = Backlog::default();
        backlog.push(rows(0, 1));
        assert!(backlog.flush(|_| Err(())).is_err());
        assert!(!backlog.is_empty());
        assert_eq!(drain(&mut backlog).len(), 1);
    }
}
