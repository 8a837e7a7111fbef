//! The border between two segments: the next file is begun, and the filters' state follows into it.

use super::{JournalWriter, log, start_segment};
use crate::emg::Stamp;
use crate::pipeline::{ChainChange, PipelineState, Reason};
use crate::recorder::alarms::Kind;
use crate::recorder::process::Carried;
use crate::store::journal::{Header, Journal, Record};
use crate::store::{StoreError, in_full};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// How long the filters' state at a border may take; the queue of rows holds ten times as much. A source that can wait
/// fills that queue, and is given the time to empty it.
const STATE_WAIT: Duration = Duration::from_secs(5);
const STATE_PATIENCE: Duration = Duration::from_mins(2);
/// Journals that are written no more and not durable yet. Each may hold its tail in memory; for one more than these, a
/// source faster than the disk is made to wait.
const BEFORE: usize = 3;

/// The filters' state at the newest border, on its way from the thread that runs them.
pub(super) struct Due {
    row: u64,
    until: Instant,
    state: State,
}

enum State {
    /// It may still come.
    Awaited,
    /// It came.
    Known(Carried),
    /// There is none, or none that is right.
    Lost,
}

impl Due {
    /// The filters of a segment that nothing before it was filtered for.
    pub(super) fn afresh(row: u64) -> Self {
        Self { row, until: Instant::now(), state: State::Lost }
    }
}

impl JournalWriter {
    /// Opens the next segment at `row`, hands over, and tells the others. What a full disk interrupts is taken up
    /// again where it stopped: a segment is created once.
    pub(super) fn next_segment(&mut self, row: u64) -> Result<(), StoreError> {
        // A state belongs into the segment it begins.
        self.settle_state(true)?;
        if self.header.first_row != row {
            match self.hand_over(row) {
                Err(error) if self.next.is_none() => {
                    // Rows matter more than files: where no other can be begun, this one can still be written.
                    self.links.diverged.store(true, Ordering::Relaxed);
                    let text = format!("{}: this file goes on instead", in_full(&error));
                    self.links.vitals.blemish(&text);
                    self.append(&log(1, &text))?;
                    self.links.vitals.report(Kind::Rotation, Some(text));
                    return Ok(());
                }
                result => result?,
            }
            self.links.vitals.report(Kind::Rotation, None);
        }
        // A segment can be understood alone.
        for kept in self.calibrations.clone() {
            self.append(&Record::Calibration(kept))?;
        }
        self.append(&Record::Chains(ChainChange {
            sample: row,
            reason: Reason::Start,
            decimation: self.header.decimation,
            chains: self.chains.clone(),
            assignment: self.assignment.clone(),
        }))?;
        let wait = if self.links.can_wait { STATE_PATIENCE } else { STATE_WAIT };
        self.due = Some(Due { row, until: Instant::now() + wait, state: State::Awaited });
        Ok(())
    }

    /// The next journal is open before this one ends. Nothing here waits for the disk: rows that did would be lost to
    /// a kill. The thread that syncs makes first this one durable and then the next.
    fn hand_over(&mut self, row: u64) -> Result<(), StoreError> {
        let (next, header) = match self.next.take() {
            Some(opened) => opened,
            None => self.open_next(row)?,
        };
        if let Err(error) = self.append(&Record::Handover { next_row: row }) {
            self.next = Some((next, header));
            return Err(error);
        }
        self.before.push(std::mem::replace(&mut self.journal, next));
        if self.before.len() > BEFORE && self.before.remove(0).sync().is_err() {
            let text =
                "the end of a file could not be made durable: a power cut before it is sealed may cost it";
            self.links.vitals.blemish(text);
        }
        self.header = header;
        self.announce();
        Ok(())
    }

    fn open_next(&self, row: u64) -> Result<(Journal, Header), StoreError> {
        let mut header = self.header.clone();
        header.segment += 1;
        header.first_row = row;
        header.markers = self.marker_id - 1;
        header.entities.split = header.entities.split.map(|split| split + 1);
        Ok((start_segment(&self.out, &header, Journal::begin)?, header))
    }

    /// Writes the filters' state at the last border once it is there. Rows do not wait for it, whoever reads the
    /// segment does; `wait` is for who may go no further without it.
    pub(super) fn settle_state(&mut self, wait: bool) -> Result<(), StoreError> {
        let Some(mut due) = self.due.take() else { return Ok(()) };
        if matches!(due.state, State::Awaited) {
            due.state = self.state_at(due.row, due.until, wait);
        }
        let written = match &due.state {
            State::Known(state) => self
                .append(&Record::State(state.pipeline.clone()))
                .and_then(|()| self.append(&Record::Observer(state.observer.clone()))),
            State::Lost => self.append(&Record::State(PipelineState::none(due.row))).map(|()| {
                // The spans say it too.
                let _ = self.append(&log(2, "the filters start afresh with this segment"));
            }),
            State::Awaited => {
                self.due = Some(due);
                return Ok(());
            }
        };
        if written.is_err() {
            self.due = Some(due);
        }
        written
    }

    /// The pipeline's state at a border, if journal and screen saw the same rows up to it.
    fn state_at(&self, row: u64, until: Instant, wait: bool) -> State {
        let states = &self.links.states;
        let next = || if wait { states.recv_deadline(until).ok() } else { states.try_recv().ok() };
        while let Some((at, state)) = next() {
            if at >= row {
                let state = state.filter(|_| at == row && !self.links.diverged.load(Ordering::Relaxed));
                return state.map_or(State::Lost, State::Known);
            }
        }
        if !wait && Instant::now() < until {
            return State::Awaited;
        }
        // It may still come, but not for this file.
        self.links.diverged.store(true, Ordering::Relaxed);
        State::Lost
    }

    /// Looks after journals that are written no more until they are durable, too. `may_renew` where one that failed to
    /// sync may be tried again.
    pub(super) fn finish_before(&mut self, may_renew: bool) {
        let vitals = &self.links.vitals;
        self.before.retain_mut(|before| {
            if may_renew && before.is_doubted() && before.path().exists() {
                let told = match before.renew() {
                    Ok(false) => None,
                    Ok(true) => Some("its oldest rows depend on the part that failed".to_owned()),
                    Err(error) => Some(in_full(&error)),
                };
                if let Some(why) = told {
                    let text = format!("the end of a file cannot be made durable: {why}");
                    vitals.blemish(&text);
                    vitals.report(Kind::Sync, Some(text));
                }
            }
            // What is sealed needs no journal.
            before.path().exists() && !before.durable().is_synced()
        });
    }

    /// Whether a journal failed to sync, this one or one before it.
    pub(super) fn is_doubted(&self) -> bool {
        self.journal.is_doubted() || self.before.iter().any(Journal::is_doubted)
    }

    /// Leaves what failed to sync, at intervals.
    pub(super) fn renew_all(&mut self) {
        let now = Stamp::now().host_ns;
        let due = self.is_doubted() && now >= self.renew_at_ns;
        if due {
            self.renew_at_ns = now + super::ns(super::RETRY);
        }
        self.finish_before(due);
        if due && self.journal.is_doubted() {
            self.renew();
        }
    }
}
