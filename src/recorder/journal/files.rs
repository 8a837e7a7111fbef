//! Which file is written: the next segment at a border, the next part after a failed sync.

use super::{JournalWriter, STATE_WAIT, log, start_segment};
use crate::emg::Stamp;
use crate::pipeline::{ChainChange, Reason};
use crate::recorder::alarms::Kind;
use crate::recorder::process::Carried;
use crate::store::journal::{Header, Journal, Record};
use crate::store::{StoreError, in_full, naming};
use std::sync::atomic::Ordering;

impl JournalWriter {
    /// Opens the next segment at `row`, hands over, and tells the others. What a full disk interrupts is taken up
    /// again where it stopped: a segment is created once, a state is received once.
    pub(super) fn next_segment(&mut self, row: u64) -> Result<(), StoreError> {
        if self.header.first_row != row {
            match self.hand_over(row) {
                Err(error) if self.next.is_none() => {
                    // Rows matter more than files: where no other can be begun, this one can still be written.
                    let text = format!("{}: this file goes on instead", in_full(&error));
                    self.links.vitals.blemish(&text);
                    return self.append(&log(1, &text));
                }
                result => result?,
            }
        }
        // A segment can be understood alone. Written first: what follows must not be received twice.
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
        let state = match self.border_state.take() {
            Some((at, state)) if at == row => state,
            _ => self.state_at(row),
        };
        let written = match &state {
            Some(state) => self
                .append(&Record::State(state.pipeline.clone()))
                .and_then(|()| self.append(&Record::Observer(state.observer.clone()))),
            // Without it the projector starts the filters afresh and says so in the spans.
            None => self.append(&log(2, "the filters start afresh with this segment")),
        };
        if written.is_err() {
            self.border_state = Some((row, state));
        }
        written
    }

    /// The pipeline's state at a border, if journal and screen saw the same rows up to it.
    fn state_at(&self, row: u64) -> Option<Carried> {
        let until = std::time::Instant::now() + STATE_WAIT;
        while let Ok((at, state)) = self.links.states.recv_deadline(until) {
            if at >= row {
                return state.filter(|_| at == row && !self.links.diverged.load(Ordering::Relaxed));
            }
        }
        // It may still come, but not for this file.
        self.links.diverged.store(true, Ordering::Relaxed);
        None
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
        self.before = Some(std::mem::replace(&mut self.journal, next));
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

    /// Tells the threads that sync and project of the journal now written.
    pub(super) fn announce(&mut self) {
        let _ = self.links.sync.send(self.journal.durable());
        let _ = self.links.keeper.send(self.journal.path().to_owned());
        let file = naming::projection_path(self.journal.path());
        let mut vitals = self.links.vitals.lock();
        vitals.files.push(file.display().to_string());
        vitals.written_ns = Stamp::now().host_ns;
        vitals.journal_bytes = self.journal.length();
    }

    /// Looks after the journal before this one until it is durable, too.
    pub(super) fn finish_before(&mut self) {
        let Some(before) = &mut self.before else { return };
        let sealed = !before.path().exists();
        if !sealed && before.is_doubted() && before.renew().is_err() {
            let text =
                "the end of a file could not be made durable: a power cut before it is sealed may cost it";
            self.links.vitals.blemish(text);
        }
        if sealed || before.is_doubted() || before.durable().is_synced() {
            self.before = None;
        }
    }

    /// Goes on in the journal's next part: the one being written failed to sync and is never believed again. Where
    /// that fails too, the old part is better than none, and the alarm stands.
    pub(super) fn renew(&mut self) {
        match self.journal.renew() {
            Ok(forgotten) => {
                let _ = self.links.sync.send(self.journal.durable());
                let mut text =
                    "a sync of the journal failed: all rows since the one before it were written again, \
                                into a new part"
                        .to_owned();
                if forgotten {
                    text.push_str(
                        "; the oldest of them were no longer in memory and depend on the part that failed",
                    );
                }
                self.links.vitals.blemish(&text);
                self.links.vitals.lock().undurable_since_ns = 0;
                // What is in this line is on the alarm and in the exit code, too.
                let _ = self.append(&log(2, &text));
            }
            Err(error) => {
                let text = format!("the journal cannot be made durable: {}", in_full(&error));
                self.links.vitals.report(Kind::Sync, Some(text));
            }
        }
    }
}
