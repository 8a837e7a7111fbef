//! THE ENGINE: reads a source, accounts for every sample, keeps the journal, paints the picture.
//!
//! One file per thread: `acquire` -> `journal` (the commit point) and -> `process` (the screen's side) -> `process/predict`, `journal/sync`,
//! `keeper` (projector processes), `control` (commands, alarms, snapshots), `control/hooks`. Nothing here touches HDF5, a socket or a
//! terminal: `cli` hands in channels, and a function that starts a projector. Called by `cli` and by tests.

mod acquire;
mod alarms;
mod backlog;
pub mod control;
mod journal;
pub mod keeper;
mod process;
pub mod sequence;
mod vitals;

use crate::emg::{Channel, Prediction, Preflight};
use crate::infer::Model;
use crate::pipeline::preset;
use crate::session::snapshot::{MarkKey, State};
use crate::session::{Clients, Incoming};
use crate::source::{Description, Source};
use crate::store::journal::Header;
use crate::store::{StoreError, in_full};
pub use acquire::Again;
use acquire::{Acquire, Orders};
use control::hooks::{Hooks, Runner};
use control::{Control, Gauge, Signal};
use crossbeam_channel::{Receiver, Sender, bounded};
pub use journal::{HOLD, KILL_LOSS, RETRY, record};
use journal::{JournalWriter, Links, sync};
use process::predict::{Predict, SharedModels, Work};
use process::{Process, SharedPicture};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::JoinHandle;
use std::time::Duration;

/// Bytes a recorded value takes on disk in all its forms: raw, compressed, cleaned, its envelope; an estimate.
pub const BYTES_PER_VALUE: f64 = 9.0;

/// Pieces between acquire and journal: over a minute of packets, and at 64 channels x 4 kHz 100 MB.
pub const PIECES: usize = 4096;
/// Rows that wait longer than this to be written are an alarm.
pub const LATE: Duration = Duration::from_millis(100);
/// Pieces between acquire and the screen's side.
const SCREEN_PIECES: usize = 4096;
/// Markers and log lines under way to the journal; far more than hands can make.
const REQUESTS: usize = 1024;
/// Pipeline steps that wait for the models: over ten seconds of packets.
const STEPS: usize = 1024;
/// Predictions on their way to the journal: twenty a second of each of three models for ten seconds.
const PREDICTIONS: usize = 600;
/// Borders whose state waits for the journal: no more can be under way than pieces.
const STATES: usize = PIECES;
/// A recording begins once and ends once, one change of filters is under way at a time, and sentences are rare.
const TOLD: usize = 64;
/// Journals announced to the threads that sync and project.
const JOURNALS: usize = 16;

/// Where a service manager listens, and the variables of its watchdog: for the recorder, and no child of it.
pub const MANAGER_VARIABLES: [&str; 3] = ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"];

/// What a recording is to be.
pub struct Plan {
    /// The recorder's id.
    pub id: String,
    /// Folder of all recordings.
    pub out: PathBuf,
    /// First record of the journal; times are filled in when it is created, run 0 = the next free one.
    pub header: Header,
    /// What the source said it is.
    pub description: Description,
    /// The channels as recorded.
    pub channels: Vec<Channel>,
    /// Filters.
    pub filter: preset::Options,
    /// Whether notches are for the mains that were heard while only monitoring.
    pub auto_mains: bool,
    /// What was looked at before, kept with the recording.
    pub preflight: Vec<Preflight>,
    /// Models that predict, in the order of the header's.
    pub models: Vec<Model>,
    /// Where the recording stopped that this one goes on with.
    pub goes_on: Option<sequence::GoesOn>,
    /// End after this much signal.
    pub duration: Option<Duration>,
    /// New segment after this much.
    pub rotate: Option<Duration>,
    /// Sync this often.
    pub fsync: Duration,
    /// Look first, record when told to.
    pub monitor: bool,
    /// Keys and their labels, for the screens.
    pub keys: Vec<MarkKey>,
    /// Whether conditions, predictions and labels of events are kept from the screens.
    pub blind: bool,
    /// Commands to run when something happens.
    pub hooks: Hooks,
    /// Starts a projector.
    pub spawn: keeper::Spawn,
    /// Makes the source anew should its code fail.
    pub again: Again,
}

impl Plan {
    fn sequencing(&self) -> sequence::Options {
        sequence::Options {
            channels: self.channels.clone(),
            filter: self.filter,
            duration: self.duration,
            rotate: self.rotate,
            chunk_rows: self.header.chunk_rows,
            goes_on: self.goes_on,
        }
    }
}

/// Where commands come from and events go.
pub struct Contacts {
    /// Commands of front ends.
    pub incoming: Receiver<Incoming>,
    /// Signals of the process.
    pub signals: Receiver<Signal>,
    /// The front ends.
    pub clients: Arc<dyn Clients>,
}

/// How a recording ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The recorder's id.
    pub id: String,
    /// 0 done, 1 done but something was lost or repaired, 2 nothing recorded.
    pub code: u8,
    /// What was stored; then what was lost, one sentence each.
    pub lines: Vec<String>,
    /// The recording's files, one for each segment.
    pub files: Vec<String>,
}

/// A recorder whose threads run.
pub struct Recorder {
    control: Control,
    threads: Vec<JoinHandle<()>>,
    vitals: Arc<vitals::Shared>,
    nominal_hz: Option<f64>,
}

/// Creates the journal (unless only monitoring) and starts all threads.
pub fn start(plan: Plan, source: Box<dyn Source>, contacts: Contacts) -> Result<Recorder, StoreError> {
    let (vitals, picture) = (Arc::<vitals::Shared>::default(), Arc::<SharedPicture>::default());
    let (orders, diverged) = (Arc::new(Orders::new(!plan.monitor)), Arc::<AtomicBool>::default());
    let ((piece_in, piece_out), (screen_in, screen_out)) = (bounded(PIECES), bounded(SCREEN_PIECES));
    let ((request_in, request_out), (report_in, report_out)) = (bounded(REQUESTS), bounded(2 * REQUESTS));
    let ((state_in, state_out), (told_in, told_out)) = (bounded(STATES), bounded(TOLD));
    let ((sync_in, sync_out), (keeper_in, keeper_out)) = (bounded(JOURNALS), bounded(JOURNALS));
    let predicting = predicting(&plan, &vitals);

    let links = Links {
        pieces: piece_out,
        requests: request_out,
        predictions: predicting.predictions,
        reports: report_in,
        states: state_out,
        diverged: diverged.clone(),
        sync: sync_in,
        keeper: keeper_in,
        vitals: vitals.clone(),
        can_wait: plan.description.can_wait,
        orders: orders.clone(),
    };
    let mut begin = begin(plan.out.clone(), plan.header.clone(), links);
    if !plan.monitor {
        begin()?;
    }
    let process =
        Process::new(&plan, vitals.clone(), picture.clone(), state_in, predicting.work, diverged.clone());
    let gauge = Gauge::new(&plan, vitals.clone(), predicting.models);
    let acquire = Acquire {
        source,
        description: plan.description.clone(),
        options: plan.sequencing(),
        orders: orders.clone(),
        vitals: vitals.clone(),
        journal: piece_in,
        process: screen_in,
        told: told_in,
        diverged,
        again: plan.again,
        clocks: acquire::clocks::Watch::default(),
    };
    let syncing = vitals.clone();
    let (keeper, sealed) = keep(keeper_out, plan.spawn, orders.clone(), vitals.clone());
    let threads = [
        spawn("acquire", move || acquire.run()),
        spawn("process", move || process.run(&screen_out)),
        spawn("sync", move || sync::run(&sync_out, plan.fsync, &syncing)),
        keeper,
    ];
    let control = Control {
        incoming: contacts.incoming,
        signals: contacts.signals,
        reports: report_out,
        told: told_out,
        sealed,
        requests: request_in,
        orders,
        clients: contacts.clients,
        vitals: vitals.clone(),
        picture,
        gauge,
        markers: control::Markers::new(&plan.keys),
        state: if plan.monitor { State::Monitoring } else { State::Recording },
        begin: Box::new(move || begin().map_err(|error| format!("{}; {}", in_full(&error), error.advice()))),
        writes: !plan.monitor,
        preflight: plan.preflight,
        hooks: Runner::start(plan.hooks),
        so_far: control::SoFar::default(),
    };
    let threads = threads.into_iter().chain(predicting.thread).collect();
    Ok(Recorder { control, threads, vitals, nominal_hz: plan.description.nominal_hz })
}

/// The thread that predicts, and the ends of its queues that others hold.
struct Predicting {
    thread: Option<JoinHandle<()>>,
    work: Option<Sender<Work>>,
    predictions: Option<Receiver<Prediction>>,
    models: Arc<SharedModels>,
}

/// Starts the thread that predicts, where there are models.
fn predicting(plan: &Plan, vitals: &Arc<vitals::Shared>) -> Predicting {
    let models = Arc::new(SharedModels::default());
    if plan.models.is_empty() {
        return Predicting { thread: None, work: None, predictions: None, models };
    }
    let (work_in, work_out) = bounded::<Work>(STEPS);
    let (prediction_in, prediction_out) = bounded(PREDICTIONS);
    let predict = Predict::new(plan, models.clone(), vitals.clone(), prediction_in);
    let thread = Some(spawn("predict", move || predict.run(&work_out)));
    Predicting { thread, work: Some(work_in), predictions: Some(prediction_out), models }
}

/// The thread that looks after projectors, and what disconnects when it ends, however it does.
fn keep(
    journals: Receiver<PathBuf>,
    spawn_projector: keeper::Spawn,
    orders: Arc<Orders>,
    vitals: Arc<vitals::Shared>,
) -> (JoinHandle<()>, Receiver<()>) {
    let (sealing, sealed) = bounded(0);
    let keep = move || {
        let _sealing: Sender<()> = sealing;
        keeper::run(&journals, &spawn_projector, &orders, &vitals);
    };
    (spawn("keeper", keep), sealed)
}

/// The step from looking to writing, taken once.
fn begin(out: PathBuf, header: Header, links: Links) -> impl FnMut() -> Result<(), StoreError> + Send {
    let mut links = Some(links);
    move || {
        let Some(own) = links.take() else { return Ok(()) };
        match JournalWriter::create(&out, header.clone(), own) {
            Ok(writer) => {
                spawn("journal", move || writer.run());
                Ok(())
            }
            Err((error, own)) => {
                links = Some(*own);
                Err(error)
            }
        }
    }
}

/// A named thread. Starting one only fails when the system has no more, before anything is recorded.
fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    let builder = std::thread::Builder::new().name(name.to_owned());
    #[expect(clippy::expect_used, reason = "a machine without room for a thread cannot record")]
    builder.spawn(run).expect("the system refuses a thread")
}

impl Recorder {
    /// Runs the recording to its end; returns when every file is sealed or given up. The operator's commands may
    /// still run then.
    #[must_use]
    pub fn run(mut self) -> (Outcome, Runner) {
        self.control.run();
        let Self { control, threads, vitals, nominal_hz } = self;
        let Control { markers, writes, so_far, hooks, gauge: Gauge { id, .. }, .. } = control;
        for thread in threads {
            if thread.join().is_err() {
                vitals.blemish("a thread of the recorder panicked: please report this");
            }
        }
        let failure = so_far.failure;
        let outcome = outcome(id, &vitals.lock(), (writes, &markers.words()), nominal_hz, failure);
        if writes {
            hooks.close(&outcome);
        }
        (outcome, hooks)
    }
}

fn outcome(
    id: String,
    vitals: &vitals::Vitals,
    (recorded, markers): (bool, &str),
    nominal_hz: Option<f64>,
    failure: Option<String>,
) -> Outcome {
    use crate::emg::units::{float, seconds};
    if !recorded {
        let code = if failure.is_some() { 2 } else { 0 };
        let lines = vec![failure.unwrap_or("nothing was recorded".to_owned())];
        return Outcome { id, code, lines, files: Vec::new() };
    }
    let rows = vitals.journalled;
    let length_s = nominal_hz.map_or(seconds(vitals.newest_ns - vitals.first_ns), |rate| float(rows) / rate);
    let last = vitals.files.last().map_or("", String::as_str);
    let mut lines = vec![match vitals.files.len() {
        0 | 1 => format!("{last}: {rows} rows, {length_s:.1} s, {markers}"),
        n => format!("{n} files, {rows} rows in all, {length_s:.1} s, {markers}; the last is {last}"),
    }];
    if vitals.gaps > 0 {
        let gaps = if vitals.gaps == 1 { "1 gap".to_owned() } else { format!("{} gaps", vitals.gaps) };
        lines.push(format!("{} samples per channel are missing in {gaps}", vitals.lost_samples));
    }
    if vitals.refused > 0 {
        lines.push(format!("{} lines or frames were no row and were left out", vitals.refused));
    }
    lines.extend(vitals.blemishes.iter().cloned());
    lines.extend(failure);
    Outcome { id, code: u8::from(lines.len() > 1), lines, files: vitals.files.clone() }
}
