//! The end of a recording: what models still have to say, rows that could not be written, the last record.

use super::super::sequence::Piece;
use super::{JournalWriter, LOOK_EVERY, Report};
use crate::emg::Stamp;
use crate::store::journal::Record;
use crate::store::{StoreError, in_full};
use crossbeam_channel::RecvTimeoutError;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// How long the end of a recording waits for its models.
const LAST_WORDS: Duration = Duration::from_secs(10);

impl JournalWriter {
    /// What the models have not said yet when the last row is there.
    fn keep_the_rest(&mut self) {
        let Some(predictions) = self.links.predictions.take() else { return };
        let until = Instant::now() + LAST_WORDS;
        loop {
            match predictions.recv_timeout(LOOK_EVERY) {
                Ok(prediction) => self.keep(prediction),
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {}
            }
            if Instant::now() >= until || self.links.orders.give_up.load(Ordering::Relaxed) {
                self.links.vitals.blemish("the last predictions came too late to be kept");
                return;
            }
        }
    }

    /// The last record, durable. Rows that could not be written before it are a gap; where not even that can be
    /// written, there is no end, and `recover` treats the recording as cut off.
    fn write_end(&mut self) -> Result<(), StoreError> {
        if let Some(gap) = self.backlog.as_gap() {
            self.links.vitals.blemish(&format!("the last {} rows could not be written", gap.missing));
            self.write(&Piece::Gap(gap))?;
        }
        self.append(&Record::End { rows: self.rows, utc_ns: Stamp::now().utc_ns })?;
        if self.journal.sync().is_err() {
            self.renew();
        }
        self.journal.sync()
    }

    /// The last rows, the markers under way, the end, one more sync; the lock goes with the file.
    pub(super) fn end(mut self) {
        self.flush_pending();
        self.flush_backlog();
        self.keep_the_rest();
        // Where it cannot be written, neither can the end.
        let _ = self.settle_state(true);
        while let Ok(request) = self.links.requests.try_recv() {
            self.serve(Some(request));
        }
        let ended = self.write_end();
        if let Err(error) = &ended {
            self.links.vitals.blemish(&in_full(error));
        }
        // Their projectors seal them from what the disk shows; a power cut until then is what these last attempts are for.
        self.before.retain(|before| before.path().exists() && before.sync().is_err());
        self.finish_before(true);
        if let Some((next, _)) = self.next.take() {
            // It was begun and never handed to: nothing is in it.
            let _ = std::fs::remove_file(next.path());
        }
        let Self { journal, links, .. } = self;
        drop(journal);
        let _ = links.reports.send(Report::Done);
    }
}
