//! Who hears of the file that is written, and its next part after a failed sync.

use super::{JournalWriter, log};
use crate::emg::Stamp;
use crate::recorder::alarms::Kind;
use crate::store::{in_full, naming};

impl JournalWriter {
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
