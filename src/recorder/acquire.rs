//! Thread `acquire`: source -> sequencer -> journal and process. Never waits for a disk or a screen unless the
//! source can wait.

mod again;
pub(super) mod clocks;

pub use again::Again;

use super::alarms::Kind;
use super::backlog::Backlog;
use super::sequence::{Options, Piece, Sequencer};
use super::vitals::{Shared, Stage};
use crate::emg::clock::Clocks;
use crate::emg::units::seconds;
use crate::emg::{Cause, Stamp};
use crate::pipeline::preset;
use crate::source::{Description, Reading, Source};
use crossbeam_channel::{SendTimeoutError, Sender};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Places in the screen's queue that rows leave free, for what its filters cannot do without.
const KEPT_FREE: usize = 64;
/// At the end, rows that wait are offered to the journal this often, this long each time: 5 s.
const LAST_OFFERS: u32 = 50;
const LAST_OFFER: Duration = Duration::from_millis(100);

/// What `control` tells the threads.
#[derive(Debug, Default)]
pub(super) struct Orders {
    /// No more rows.
    pub(super) stop: AtomicBool,
    /// From the next packet on everything is a recording.
    pub(super) record: AtomicBool,
    /// Wait no longer for a disk or a projector that does not answer.
    pub(super) give_up: AtomicBool,
    /// Filter like this from the next row on.
    filter: Mutex<Option<preset::Options>>,
}

impl Orders {
    /// Orders to record from the first row on, or to look.
    pub(super) fn new(record: bool) -> Self {
        Self { record: AtomicBool::new(record), ..Self::default() }
    }

    /// Other filters from the next row on; `Told::Filtered` says what came of it. One such order at a time.
    pub(super) fn filter(&self, wanted: preset::Options) {
        *self.filter.lock().unwrap_or_else(PoisonError::into_inner) = Some(wanted);
    }

    fn take_filter(&self) -> Option<preset::Options> {
        self.filter.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// What this thread tells `control`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// What was only looked at is a recording from here on; vitals are those of the recording.
    Begun,
    /// The filters asked for hold from this row on, or why they cannot.
    Filtered(Result<u64, String>),
    /// A sentence for the screens; the journal has it from elsewhere. Level as in a notice.
    Said(u8, String),
    /// No more rows.
    Ended(Ending),
}

/// The thread's belongings.
pub(super) struct Acquire {
    pub(super) source: Box<dyn Source>,
    pub(super) description: Description,
    pub(super) options: Options,
    pub(super) orders: Arc<Orders>,
    pub(super) vitals: Arc<Shared>,
    pub(super) journal: Sender<Piece>,
    pub(super) process: Sender<Piece>,
    pub(super) told: Sender<Told>,
    /// Set when the screen no longer sees the rows of the journal.
    pub(super) diverged: Arc<AtomicBool>,
    /// Makes the source anew should it fail.
    pub(super) again: Again,
    pub(super) clocks: clocks::Watch,
}

/// Why the thread ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// It was told to, or the duration is reached.
    Complete,
    /// The source has no more rows.
    SourceEnded,
    /// The source failed for good.
    SourceFailed(String),
}

impl Acquire {
    /// Reads until told to stop, the duration is reached or the source ends; says so.
    pub(super) fn run(mut self) {
        let mut backlog = Backlog::default();
        let mut recording = self.orders.record.load(Ordering::Relaxed);
        let mut sequencer = self.sequencer(recording);
        let ending = self.read_all(&mut recording, &mut sequencer, &mut backlog);
        if recording {
            sequencer.finish().into_iter().for_each(|piece| backlog.push(piece));
        }
        self.hand_on_the_rest(&mut backlog);
        let _ = self.told.send(Told::Ended(ending));
    }

    fn read_all(&mut self, recording: &mut bool, sequencer: &mut Sequencer, backlog: &mut Backlog) -> Ending {
        let vitals = self.vitals.clone();
        vitals.lock().alive = true;
        loop {
            match vitals.guard(Stage::Acquire, || self.turn(recording, sequencer, backlog)) {
                Some(None) => {}
                Some(Some(ending)) => return ending,
                None => {
                    if let Err(sentence) = self.open_again(sequencer) {
                        return Ending::SourceFailed(sentence);
                    }
                }
            }
        }
    }

    /// One reading and what follows from it; how the recording ends, when it does.
    fn turn(
        &mut self,
        recording: &mut bool,
        sequencer: &mut Sequencer,
        backlog: &mut Backlog,
    ) -> Option<Ending> {
        if self.orders.stop.load(Ordering::Relaxed) {
            return Some(Ending::Complete);
        }
        let reading = match self.source.read() {
            Ok(Reading::Ended) => return Some(Ending::SourceEnded),
            Ok(reading) => reading,
            Err(error) => return Some(Ending::SourceFailed(format!("{error}; {}", error.advice()))),
        };
        if !*recording && self.orders.record.load(Ordering::Relaxed) {
            *recording = true;
            *sequencer = self.sequencer(true);
            // The screen's pipeline starts again with the recording: its rows are the file's rows.
            let _ = self.process.send(Piece::Begin);
            let _ = self.told.send(Told::Begun);
        }
        self.notice(&reading);
        let mut pieces = self.change_filters(sequencer);
        pieces.extend(self.look_at_clocks(sequencer));
        pieces.extend(sequencer.take(reading));
        for piece in pieces {
            if let Piece::Log(level, text) = &piece {
                // Screens may miss a sentence; the file does not.
                let _ = self.told.try_send(Told::Said(*level, text.clone()));
            }
            if *recording { backlog.push(piece) } else { self.look_at(piece) }
        }
        self.hand_on(backlog);
        self.publish(sequencer);
        if !*recording || !sequencer.is_complete(self.now()) {
            return None;
        }
        if !self.vitals.lock().alive {
            self.vitals.blemish("the source was away when the duration was over");
        }
        Some(Ending::Complete)
    }

    /// Once a second: whether the computer slept or its wall clock was set. Rows keep their place by the clock that
    /// counts sleep and that nobody sets, so a sentence is enough; a live device was not read while all slept.
    fn look_at_clocks(&mut self, sequencer: &mut Sequencer) -> Vec<Piece> {
        let sentence = match self.clocks.look(&Clocks::now()) {
            None => return Vec::new(),
            Some(clocks::Told::Slept(ns)) => {
                if !self.description.can_wait {
                    sequencer.take(Reading::Gone { cause: Cause::Suspend, sentence: String::new() });
                }
                format!("the computer slept for {:.1} s", seconds(ns))
            }
            Some(clocks::Told::Set(ns)) => {
                let way = if ns > 0 { "forward" } else { "back" };
                format!(
                    "the wall clock was set {way} by {:.1} s: rows and markers keep their place",
                    seconds(ns.abs())
                )
            }
        };
        vec![Piece::Log(2, sentence)]
    }

    /// A sequencer at row 0, and vitals that know nothing of rows before it.
    fn sequencer(&self, recording: bool) -> Sequencer {
        let mut options = self.options.clone();
        if !recording {
            (options.duration, options.rotate, options.goes_on) = (None, None, None);
        }
        let mut vitals = self.vitals.lock();
        (vitals.gaps, vitals.lost_samples, vitals.lost_counted, vitals.first_ns) = (0, 0, 0, 0);
        (vitals.next_row, vitals.refused, vitals.reconnects, vitals.skipped_rows) = (0, 0, 0, 0);
        (vitals.fit, vitals.last_gap) = (None, None);
        Sequencer::new(&self.description, options)
    }

    /// Carries out an order for other filters; a recording that begins later has them too.
    fn change_filters(&mut self, sequencer: &mut Sequencer) -> Vec<Piece> {
        let Some(wanted) = self.orders.take_filter() else { return Vec::new() };
        let changed = sequencer.filter(wanted);
        if changed.is_ok() {
            self.options.filter = wanted;
        }
        let said = changed.as_ref().map(|_| sequencer.next_row()).map_err(String::clone);
        let _ = self.told.send(Told::Filtered(said));
        changed.unwrap_or_default()
    }

    /// What a reading says about the source's health.
    fn notice(&self, reading: &Reading) {
        let mut vitals = self.vitals.lock();
        match reading {
            Reading::Rows(packet) => {
                if vitals.first_ns == 0 {
                    vitals.first_ns = packet.stamp.host_ns;
                }
                vitals.newest_ns = packet.stamp.host_ns;
                vitals.alive = true;
                vitals.wrong.remove(&Kind::Away);
            }
            Reading::Gone { sentence, .. } => {
                vitals.alive = false;
                vitals.wrong.insert(Kind::Away, sentence.clone());
            }
            Reading::Back(_) => vitals.reconnects += 1,
            Reading::Refused { lines, .. } => vitals.refused += lines,
            Reading::Idle | Reading::Truth(_) | Reading::Ended => {}
        }
    }

    /// The present, which for a source faster than life is the time of its newest row.
    fn now(&self) -> Stamp {
        if self.description.can_wait {
            Stamp { host_ns: self.vitals.lock().newest_ns, utc_ns: 0 }
        } else {
            Stamp::now()
        }
    }

    fn publish(&self, sequencer: &Sequencer) {
        let mut vitals = self.vitals.lock();
        (vitals.fit, vitals.fit_from) = (sequencer.fit(), sequencer.fit_from());
        vitals.next_row = sequencer.next_row();
        drop(vitals);
        self.vitals.waits(Stage::Journal, self.journal.len());
        self.vitals.waits(Stage::Process, self.process.len());
        self.vitals.beat(Stage::Acquire);
    }

    /// Hands what waits to the journal, and to the screen what the journal took, so that both see the same
    /// recording. A source that can wait does.
    fn hand_on(&self, backlog: &mut Backlog) {
        let _ = backlog.flush(|piece| {
            if self.description.can_wait {
                self.journal.send(piece.clone()).map_err(drop)?;
            } else {
                self.journal.try_send(piece.clone()).map_err(drop)?;
            }
            self.to_process(piece.clone());
            Ok::<(), ()>(())
        });
        let waiting = !backlog.is_empty();
        let text = || "the journal's queue is full, rows are being lost".to_owned();
        self.vitals.report(Kind::Queue, waiting.then(text));
    }

    /// What still waits at the end is offered with patience; what the journal then has no room for is said.
    fn hand_on_the_rest(&self, backlog: &mut Backlog) {
        let mut offers = LAST_OFFERS;
        let flushed = backlog.flush(|piece| {
            let mut offered = piece.clone();
            loop {
                match self.journal.send_timeout(offered, LAST_OFFER) {
                    Ok(()) => break,
                    Err(SendTimeoutError::Disconnected(_)) => return Err(()),
                    Err(SendTimeoutError::Timeout(back)) => offered = back,
                }
                offers -= 1;
                if offers == 0 || self.orders.give_up.load(Ordering::Relaxed) {
                    return Err(());
                }
            }
            self.to_process(piece.clone());
            Ok(())
        });
        if flushed.is_err() {
            let rows = backlog.rows();
            self.vitals
                .blemish(&format!("the last {rows} rows were given up: the journal had no room for them"));
        }
        self.vitals.report(Kind::Queue, None);
    }

    /// A piece of what is not recorded: the journal will not count its losses.
    fn look_at(&self, piece: Piece) {
        if let Piece::Gap(gap) = &piece {
            self.vitals.lock().saw(gap);
        }
        self.to_process(piece);
    }

    /// The screen may lose rows of a live source, counted; a source that can wait, waits.
    fn to_process(&self, piece: Piece) {
        if self.description.can_wait {
            let _ = self.process.send(piece);
            return;
        }
        let rows = piece.rows();
        let rare = matches!(piece, Piece::Chains(_) | Piece::Border(_));
        let full = self.process.capacity().is_some_and(|all| self.process.len() + KEPT_FREE >= all);
        if (rare || !full) && self.process.try_send(piece).is_ok() {
            return;
        }
        self.vitals.lock().skipped_rows += rows.max(1);
        if rare {
            // Missing rows show by their numbers, missing filters by nothing.
            self.diverged.store(true, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests;
