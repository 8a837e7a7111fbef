//! Which frames follow from which: counters unwrapped, holes measured and explained, duplicates and chance matches
//! kept out. The rules stand in [`super`], "Accounting".

use super::frame::Outcome;
use super::{Data, Frame, Identity, Item, Lost, Refused, Rows, Status, Why};
use crate::emg::units::{count, index, wide};
use crate::emg::{Cause, Stamp};
use std::collections::VecDeque;

/// A longer jump of the index is no loss but another run, once it is confirmed.
const LONGEST_LOSS_S: f64 = 60.0;
/// The fastest a board of this protocol scans; assumed until one says its rate.
const FASTEST_HZ: f64 = 4000.0;
/// So many frames must follow from each other to begin a run.
const CONFIRMED: usize = 3;
/// A frame that comes again is known among so many: more than any bridge repeats.
const REMEMBERED: usize = 64;

/// The state of a line.
#[derive(Debug)]
pub(super) struct Line {
    run: Option<Run>,
    begun: u32,
    /// Frames that follow from each other, but not from the run.
    waiting: Vec<(Data, Stamp)>,
    /// Sequence, index and time of the frames that came last.
    recent: VecDeque<(u16, u32, u32)>,
    /// Epoch of the last frame of any type since the port was opened.
    heard: Option<u8>,
    /// The longest loss, in rows.
    longest: u32,
    /// Bytes were refused since the last data frame that was believed.
    damaged: bool,
    /// The board has acknowledged a stop.
    stopped: bool,
    duplicates: u64,
}

/// A run under way.
#[derive(Debug)]
struct Run {
    number: u32,
    /// What the next frame should be like.
    next: Next,
    /// Index of the next row, unwrapped.
    row: u64,
    /// Time of the last frame, wrapped and unwrapped.
    t_us: (u32, u64),
    /// How far the board said it had come.
    told: Option<Told>,
    /// Frames the board said it dropped.
    dropped: u32,
}

/// What a status says about frames that have not come.
#[derive(Clone, Copy, Debug)]
struct Told {
    /// Index of the next row, unwrapped.
    row: u64,
    /// Sequence of the next data frame.
    seq: u16,
    /// The board dropped frames since the status before.
    dropped: bool,
}

/// What follows from a data frame.
#[derive(Clone, Copy, Debug)]
struct Next {
    epoch: u8,
    channels: u8,
    digital: bool,
    seq: u16,
    index: u32,
}

impl Default for Line {
    fn default() -> Self {
        Self {
            run: None,
            begun: 0,
            waiting: Vec::new(),
            recent: VecDeque::with_capacity(REMEMBERED),
            heard: None,
            longest: rows_bound(FASTEST_HZ),
            damaged: false,
            stopped: false,
            duplicates: 0,
        }
    }
}

impl Line {
    pub(super) fn duplicates(&self) -> u64 {
        self.duplicates
    }

    /// Bytes were refused.
    pub(super) fn damaged(&mut self) {
        self.damaged = true;
    }

    /// Takes a whole frame.
    pub(super) fn take(&mut self, frame: Frame, stamp: Stamp, out: &mut Vec<Item>) {
        match frame {
            Frame::Data(data) => self.data(data, stamp, out),
            Frame::Identity(identity) => self.identity(identity, stamp, out),
            Frame::Ack(ack) => {
                self.heard = Some(ack.epoch);
                if ack.outcome == Outcome::Done {
                    self.stopped |= ack.command == b'X';
                    if ack.command == b'R' {
                        self.longest = rows_bound(f64::from(ack.value));
                    }
                }
                out.push(Item::Ack(ack));
            }
            Frame::Status(status) => self.status(status, stamp, out),
        }
    }

    /// The board went away, or the port is closed.
    pub(super) fn hang_up(&mut self, stamp: Stamp, out: &mut Vec<Item>) {
        self.end_run(Cause::Unplugged, stamp, out);
        self.refuse_waiting(out);
        self.heard = None;
        self.recent.clear();
        self.damaged = false;
    }

    fn identity(&mut self, identity: Identity, stamp: Stamp, out: &mut Vec<Item>) {
        self.longest = rows_bound(identity.rate_hz());
        if !identity.running {
            self.end_run(Cause::Restart, stamp, out);
        }
        self.heard = Some(identity.epoch);
        out.push(Item::Identity(identity));
    }

    fn status(&mut self, status: Status, stamp: Stamp, out: &mut Vec<Item>) {
        let confirms = |data: &Data| {
            let next = Next::after(data);
            next.epoch == status.epoch && status.index.wrapping_sub(next.index) <= self.longest
        };
        if self.waiting.last().is_some_and(|(data, _)| confirms(data)) {
            self.begin_run(stamp, out);
        }
        if let Some(run) = self.run.as_mut().filter(|run| run.next.epoch == status.epoch) {
            let ahead = status.index.wrapping_sub(run.next.index);
            if ahead <= self.longest {
                let dropped = status.dropped > std::mem::replace(&mut run.dropped, status.dropped);
                run.told = Some(Told { row: run.row + u64::from(ahead), seq: status.seq, dropped });
            }
            if self.stopped {
                self.end_run(Cause::Overrun, stamp, out);
            }
        }
        self.heard = Some(status.epoch);
        out.push(Item::Status(status));
    }

    fn data(&mut self, data: Data, stamp: Stamp, out: &mut Vec<Item>) {
        let key = (data.seq, data.index, data.t_us);
        if self.run.as_ref().is_some_and(|run| run.next.leads_to(&data, self.longest)) {
            self.refuse_waiting(out);
            self.extend_run(data, stamp, out);
        } else if self.recent.contains(&key) {
            self.duplicates += 1;
            return;
        } else {
            let longest = self.longest;
            if self.waiting.last().is_some_and(|(last, _)| !Next::after(last).leads_to(&data, longest)) {
                self.refuse_waiting(out);
            }
            self.waiting.push((data, stamp));
            if self.waiting.len() == CONFIRMED {
                self.begin_run(stamp, out);
            }
        }
        if self.recent.len() == REMEMBERED {
            self.recent.pop_front();
        }
        self.recent.push_back(key);
    }

    /// The frames that waited are a run of their own.
    fn begin_run(&mut self, stamp: Stamp, out: &mut Vec<Item>) {
        let mut waiting = std::mem::take(&mut self.waiting).into_iter();
        let Some((first, first_stamp)) = waiting.next() else { return };
        // Another epoch than the last one heard, or an index that went back: the start was witnessed.
        let went_back = self.run.as_ref().is_some_and(|run| first.index < run.next.index);
        let witnessed = self.heard.is_some_and(|epoch| epoch != first.epoch) || went_back;
        self.end_run(Cause::Restart, stamp, out);
        let from = if witnessed && first.index <= self.longest { 0 } else { first.index };
        self.run = Some(Run {
            number: self.begun,
            next: Next { index: from, ..Next::after(&first) },
            row: u64::from(from),
            t_us: (first.t_us, u64::from(first.t_us)),
            told: None,
            dropped: 0,
        });
        self.begun += 1;
        self.extend_run(first, first_stamp, out);
        for (data, stamp) in waiting {
            self.extend_run(data, stamp, out);
        }
    }

    /// Adds a frame that follows to the run.
    fn extend_run(&mut self, data: Data, stamp: Stamp, out: &mut Vec<Item>) {
        let Some(run) = &mut self.run else { return };
        let lost = u64::from(data.index.wrapping_sub(run.next.index));
        let cause = match () {
            () if lost == 0 => Cause::Unknown,
            () if data.seq == run.next.seq && data.overrun => Cause::Overrun,
            () if data.seq == run.next.seq => Cause::Unknown,
            () if data.dropped => Cause::Board,
            () if self.damaged => Cause::Checksum,
            () => Cause::Counter,
        };
        self.damaged = false;
        self.heard = Some(data.epoch);
        let t_us = run.t_us.1 + u64::from(data.t_us.wrapping_sub(run.t_us.0));
        let first = run.row + lost;
        run.next = Next::after(&data);
        run.row = first + wide(data.scans());
        run.t_us = (data.t_us, t_us);
        out.push(Item::Rows(Rows {
            run: run.number,
            board_epoch: data.epoch,
            index: first,
            t_us,
            channels: usize::from(data.channels),
            samples: data.samples,
            digital: data.digital,
            lost,
            cause,
            stamp,
        }));
    }

    /// Nothing more comes of this run; `why` explains rows missing at its end though no frame is.
    fn end_run(&mut self, why: Cause, stamp: Stamp, out: &mut Vec<Item>) {
        self.stopped = false;
        let Some(run) = self.run.take() else { return };
        let Some(told) = run.told.filter(|told| told.row > run.row) else { return };
        let cause = match () {
            () if told.seq == run.next.seq => why,
            () if told.dropped => Cause::Board,
            () if self.damaged => Cause::Checksum,
            () => Cause::Counter,
        };
        let rows = told.row - run.row;
        out.push(Item::Lost(Lost { run: run.number, index: run.row, rows, cause, stamp }));
    }

    fn refuse_waiting(&mut self, out: &mut Vec<Item>) {
        for (data, _) in self.waiting.drain(..) {
            let mut line = Vec::new();
            super::encode(&Frame::Data(data), &mut line);
            let bytes = wide(line.len() - 1);
            line.truncate(super::SHOWN);
            self.damaged = true;
            out.push(Item::Refused(Refused { bytes, why: Why::Unconfirmed, first: line }));
        }
    }
}

impl Next {
    fn after(data: &Data) -> Self {
        let scans = u8::try_from(data.scans()).unwrap_or(u8::MAX);
        Self {
            epoch: data.epoch,
            channels: data.channels,
            digital: !data.digital.is_empty(),
            seq: data.seq.wrapping_add(1),
            index: data.index.wrapping_add(u32::from(scans)),
        }
    }

    /// Whether a frame may come next, after a loss of at most `longest` rows. Every missing frame held a row or more.
    fn leads_to(&self, data: &Data, longest: u32) -> bool {
        let lost = data.index.wrapping_sub(self.index);
        let frames = data.seq.wrapping_sub(self.seq);
        self.epoch == data.epoch
            && self.channels == data.channels
            && self.digital != data.digital.is_empty()
            && lost <= longest
            && u32::from(frames) <= lost
    }
}

/// The longest loss at a rate, in rows, at least a hundred and far from the wrap.
fn rows_bound(rate_hz: f64) -> u32 {
    let rows = index(count(rate_hz * LONGEST_LOSS_S)).clamp(100, 1 << 30);
    u32::try_from(rows).unwrap_or(1 << 30)
}
