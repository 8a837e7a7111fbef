//! A source whose code failed: it is dropped, opened again, and goes on in a new epoch behind a gap.

use super::{Acquire, Sequencer};
use crate::emg::Cause;
use crate::source::{Reading, Source};
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Makes the source anew, still closed.
pub type Again = Box<dyn Fn() -> Result<Box<dyn Source>, String> + Send>;

/// Between two attempts, and before the first: code that fails at once is not run in a circle.
const PAUSE: Duration = Duration::from_secs(1);

impl Acquire {
    /// Opens the source again until that succeeds or the recording is to end; gives what the hole begins with.
    ///
    /// A source that can wait is not a device: opened again, it would begin from its first row. It says why instead.
    pub(super) fn open_again(&mut self, sequencer: &mut Sequencer) -> Result<(), String> {
        if self.description.can_wait {
            return Err(
                "the source failed in a way its authors did not expect; please report this".to_owned()
            );
        }
        let sentence = "the thread that reads the source failed and opens it again".to_owned();
        let gone = Reading::Gone { cause: Cause::Restart, sentence };
        self.notice(&gone);
        sequencer.take(gone);
        while !self.orders.stop.load(Ordering::Relaxed) {
            std::thread::sleep(PAUSE);
            self.publish(sequencer);
            if let Some(source) = self.opened() {
                self.source = source;
                self.notice(&Reading::Back(String::new()));
                return Ok(());
            }
        }
        Ok(())
    }

    /// A source as it was described at the beginning, if there is one again.
    fn opened(&mut self) -> Option<Box<dyn Source>> {
        let vitals = self.vitals.clone();
        let open = || {
            let mut source = (self.again)().ok()?;
            let found = source.open().ok()?;
            let same = found.channels.len() == self.description.channels.len()
                && found.sample_type == self.description.sample_type;
            same.then_some(source)
        };
        vitals.guard(crate::recorder::vitals::Stage::Acquire, open).flatten()
    }
}
