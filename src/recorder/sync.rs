//! Thread `sync`: makes what is written durable, at an interval, away from everything that must not wait.

use super::vitals::{Alarm, Shared};
use crate::emg::Stamp;
use crossbeam_channel::{Receiver, RecvTimeoutError};
use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

/// Syncs the newest journal each `interval` until the writer is gone.
pub(super) fn run(files: &Receiver<File>, interval: Duration, vitals: &Arc<Shared>) {
    let mut file: Option<File> = None;
    loop {
        match files.recv_timeout(interval) {
            Ok(next) => file = Some(next),
            Err(RecvTimeoutError::Timeout) => {
                // After a failed sync the kernel calls lost pages clean: that descriptor is never asked again.
                file = file.filter(|file| sync(file, vitals));
            }
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// Whether the file may be trusted further.
fn sync(file: &File, vitals: &Shared) -> bool {
    let began = Stamp::now().host_ns;
    if vitals.lock().undurable_since_ns == 0 {
        return true;
    }
    match file.sync_data() {
        Ok(()) => {
            let mut vitals = vitals.lock();
            // What was written while the disk worked is not covered: its age counts from the sync's beginning.
            vitals.undurable_since_ns = if vitals.written_ns > began { began } else { 0 };
            true
        }
        Err(error) => {
            let text = format!("the journal could not be made durable: {error}; stop and check the disk");
            vitals.blemish(&text);
            vitals.alarm(Alarm::Sync, Some(text));
            false
        }
    }
}
