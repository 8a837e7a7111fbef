//! The observer on a thread of its own, for whole recordings at once: what it finds is the same, and in the same order,
//! only handed out later. A live file has the time to wait for it.

use crate::emg::Calibration;
use crate::face::{Findings, Observer};
use crate::pipeline::{CleanBlock, Input};
use crossbeam_channel::{Receiver, Sender, bounded};
use std::thread::{Builder, JoinHandle};

/// Clean values that go over at once, and batches that wait at most: a block may have ten rows, and handing each over
/// costs as much as observing those.
const BATCH: usize = 1 << 14;
const WAITING: usize = 4;

/// Where an observer works.
#[derive(Debug, Default)]
pub(super) enum Desk {
    #[default]
    Here,
    /// Here until the first row, then aside.
    Leaving,
    Aside(Aside),
    /// Nowhere: everything was found before.
    Closed,
}

/// An observer elsewhere.
#[derive(Debug)]
pub(super) struct Aside {
    batch: Vec<Task>,
    values: usize,
    tasks: Sender<Vec<Task>>,
    found: Receiver<Findings>,
    thread: JoinHandle<()>,
}

#[derive(Debug)]
enum Task {
    Step(Input, CleanBlock),
    Calibrate(Calibration),
    Finish(u64),
}

impl Aside {
    /// Sends an observer to a thread of its own; none where there is no thread to be had.
    pub(super) fn send(observer: &Observer) -> Option<Self> {
        let (tasks, given) = bounded::<Vec<Task>>(WAITING);
        // As many as wait, one in work and one that is handed over: the finds of each batch have room, always.
        let (finder, found) = bounded(2 * WAITING);
        let mut observer = observer.clone();
        let work = move || {
            for batch in given {
                let new = gathered(batch.into_iter().map(|task| task.done_by(&mut observer)));
                if finder.send(new).is_err() {
                    return;
                }
            }
        };
        let thread = Builder::new().name("observe".to_owned()).spawn(work).ok()?;
        Some(Self { batch: Vec::new(), values: 0, tasks, found, thread })
    }

    /// Has the pipeline's next input observed; gives what was found by now.
    pub(super) fn step(&mut self, input: &Input, clean: &CleanBlock) -> Findings {
        self.batch.push(Task::Step(input.clone(), clean.clone()));
        self.values += clean.clean.len();
        if self.values >= BATCH {
            self.hand_over();
        }
        gathered(self.found.try_iter())
    }

    pub(super) fn calibrate(&mut self, kept: &Calibration) {
        self.batch.push(Task::Calibrate(kept.clone()));
    }

    /// Everything not handed out yet, and what is still open where the recording ends; nothing is, where it goes on in
    /// another file. A panic over there is one here.
    pub(super) fn finish(mut self, end: Option<u64>) -> Findings {
        self.batch.extend(end.map(Task::Finish));
        self.hand_over();
        drop(self.tasks);
        let found = gathered(self.found.iter());
        if let Err(panic) = self.thread.join() {
            std::panic::resume_unwind(panic);
        }
        found
    }

    fn hand_over(&mut self) {
        // That nobody takes it any more is told by `finish`.
        let _ = self.tasks.send(std::mem::take(&mut self.batch));
        self.values = 0;
    }
}

impl Task {
    fn done_by(self, observer: &mut Observer) -> Findings {
        match self {
            Self::Step(input, clean) => observer.step(&input, &clean),
            Self::Calibrate(kept) => {
                observer.calibrate(&kept);
                Findings::default()
            }
            Self::Finish(row) => observer.finish(row),
        }
    }
}

fn gathered(each: impl Iterator<Item = Findings>) -> Findings {
    each.fold(Findings::default(), |mut all, mut new| {
        all.events.append(&mut new.events);
        all.quality.append(&mut new.quality);
        all.artefacts.append(&mut new.artefacts);
        all
    })
}
