//! What the machine has left and what the recorder takes of it, asked once a second.
//!
//! On a thread of its own: a disk that does not answer must not hold up commands, alarms and the watchdog.

use crate::emg::Stamp;
use crate::emg::units::{count, float, float_len, seconds};
use crate::recorder::vitals::Shared;
use crate::store::journal::writer::free_bytes;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

const ASK_EVERY: Duration = Duration::from_secs(1);

/// The last answers.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Figures {
    /// Free on the recording's file system.
    pub(super) free_bytes: u64,
    /// Of recorder and projector, percent of one core.
    pub(super) cpu_percent: f64,
    /// Of recorder and projector.
    pub(super) rss_bytes: u64,
}

/// A thread that asks for as long as this value lives.
pub(in crate::recorder) struct Load {
    figures: Arc<Mutex<Figures>>,
    /// Its end disconnects, which ends the thread; nobody waits for that.
    _asking: Sender<()>,
}

impl Load {
    /// Starts to ask about the disk of `out`.
    pub(in crate::recorder) fn watch(out: PathBuf, vitals: Arc<Shared>) -> Self {
        let (asking, asked) = bounded(0);
        let free_bytes = free_bytes(&out).unwrap_or(0);
        let figures = Arc::new(Mutex::new(Figures { free_bytes, ..Figures::default() }));
        let own = Arc::clone(&figures);
        // Not joined: a disk that does not answer must not hold up the end either.
        drop(crate::recorder::spawn("load", move || ask(&out, &vitals, &own, &asked)));
        Self { figures, _asking: asking }
    }

    pub(super) fn figures(&self) -> Figures {
        *self.figures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn ask(out: &Path, vitals: &Shared, figures: &Mutex<Figures>, asked: &Receiver<()>) {
    let mut before: Option<(i64, f64)> = None;
    loop {
        let pids = [Some(std::process::id()), vitals.lock().projector_pid];
        let (cpu_s, rss_bytes) =
            pids.into_iter().flatten().map(usage).fold((0.0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
        let now = Stamp::now().host_ns;
        let percent = |(ns, s): (i64, f64)| ((cpu_s - s) / seconds(now - ns) * 100.0).max(0.0);
        let cpu_percent = before.map_or(0.0, percent);
        before = Some((now, cpu_s));
        let free = free_bytes(out);
        let mut known = figures.lock().unwrap_or_else(PoisonError::into_inner);
        *known = Figures { free_bytes: free.unwrap_or(known.free_bytes), cpu_percent, rss_bytes };
        drop(known);
        if !matches!(asked.recv_timeout(ASK_EVERY), Err(RecvTimeoutError::Timeout)) {
            return;
        }
    }
}

/// Processor seconds and resident bytes of a process, zero when it is gone.
fn usage(pid: u32) -> (f64, u64) {
    let read = |name: &str| std::fs::read_to_string(format!("/proc/{pid}/{name}")).unwrap_or_default();
    let stat = read("stat");
    // The name in parentheses may hold spaces; fields are counted after it.
    let after = stat.rsplit(')').next().unwrap_or_default();
    let ticks: f64 =
        after.split_whitespace().skip(11).take(2).filter_map(|word| word.parse::<f64>().ok()).sum();
    let pages: f64 =
        read("statm").split_whitespace().nth(1).and_then(|word| word.parse().ok()).unwrap_or(0.0);
    let page_bytes = float_len(rustix::param::page_size());
    let per_second = float(rustix::param::clock_ticks_per_second());
    (ticks / per_second, count(pages * page_bytes))
}
