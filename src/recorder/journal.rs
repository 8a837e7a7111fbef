//! Thread `journal`: pieces and markers -> the journal file. The commit point of everything.
//!
//! Rows are written after 50 ms of signal or of wall time, a marker at once; what the disk refuses waits in a
//! backlog and is tried again each second. Starts the next segment at a border. Never computes, never draws.

use super::acquire::Orders;
use super::alarms::Kind;
use super::backlog::Backlog;
use super::process::Carried;
use super::sequence::Piece;
use super::vitals::{Shared, Stage};
use crate::emg::units::{count, wide};
use crate::emg::{Calibration, Cause, ClockOffset, Gap, Marker, Prediction, Preflight, RawBlock, Stamp};
use crate::pipeline::{Chain, ChainChange};
use crate::store::journal::{Durable, Header, Journal, Record};
use crate::store::{StoreError, in_full};
use crossbeam_channel::{Receiver, Sender, never, select};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

mod border;
mod claim;
mod end;
mod files;
pub(super) mod sync;

use border::Due;
use claim::{claim, start_segment};

/// Rows wait at most this long, in signal time and in wall time.
pub const HOLD: Duration = Duration::from_millis(50);
/// A kill costs at most so much of what was read: what is gathered, and what is on its way here meanwhile.
pub const KILL_LOSS: Duration = Duration::from_millis(100);
/// A full disk is tried again this often.
pub const RETRY: Duration = Duration::from_secs(1);
/// How often the thread looks round while a border, a failed sync or a full disk is not over.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// What `control` sends.
#[derive(Debug)]
pub(super) enum Request {
    /// Write this marker and say so under this ticket; its id is given when it is written.
    Marker(u64, Marker),
    /// Write this log line.
    Log(u8, String),
    /// Write this offset of a sender's clock.
    ClockOffset(ClockOffset),
    /// Write what was kept of a calibration, or taken back.
    Calibration(Calibration),
    /// Write this line of the pre-flight sheet.
    Preflight(Preflight),
}

/// What is said back to `control`.
#[derive(Debug)]
pub(super) enum Report {
    /// The marker is written; with its ticket, where somebody asked for it.
    Stored(Option<u64>, Marker),
    /// The one with this ticket is not, and why.
    NotStored(u64, String),
    /// The journal is closed.
    Done,
}

/// Where the thread's belongings lead.
pub(super) struct Links {
    pub(super) pieces: Receiver<Piece>,
    pub(super) requests: Receiver<Request>,
    /// What models say; none when they have said everything.
    pub(super) predictions: Option<Receiver<Prediction>>,
    pub(super) reports: Sender<Report>,
    /// The pipeline's state at each border, by its row; none when the screen's side lost the thread.
    pub(super) states: Receiver<(u64, Option<Carried>)>,
    /// Set when journal and screen no longer saw the same rows.
    pub(super) diverged: Arc<AtomicBool>,
    /// Each new journal, or part of one, for the thread that syncs.
    pub(super) sync: Sender<Arc<Durable>>,
    /// Each new journal for the thread that looks after projectors.
    pub(super) keeper: Sender<PathBuf>,
    pub(super) vitals: Arc<Shared>,
    /// A source that can wait ends when the disk is full; a live one goes on.
    pub(super) can_wait: bool,
    pub(super) orders: Arc<Orders>,
}

/// The thread.
pub(super) struct JournalWriter {
    journal: Journal,
    header: Header,
    out: PathBuf,
    links: Links,
    backlog: Backlog,
    pending: Option<RawBlock>,
    pending_since_ns: i64,
    retry_at_ns: i64,
    /// The next attempt to leave a file whose sync failed.
    renew_at_ns: i64,
    /// Rows written at a time, by signal time.
    hold_rows: u64,
    chains: Vec<Chain>,
    assignment: Vec<u32>,
    /// Those that hold, for the segments to come.
    calibrations: Vec<Calibration>,
    rows: u64,
    /// Id of the next marker. Given here, where keys and inputs meet, so that ids count up in the file.
    marker_id: u64,
    /// The disk is full and the source can wait: nothing more is taken.
    surrendered: bool,
    /// The journals before this one that are not durable yet.
    before: Vec<Journal>,
    /// A segment that is open while its predecessor cannot be ended.
    next: Option<(Journal, Header)>,
    /// The filters' state that is to follow into this segment.
    due: Option<Due>,
}

impl JournalWriter {
    /// Creates the first journal below `out`; the run number is counted up until a free name is found.
    ///
    /// On failure the links come back, so that an operator who made room can try again.
    pub(super) fn create(
        out: &Path,
        mut header: Header,
        links: Links,
    ) -> Result<Self, (StoreError, Box<Links>)> {
        let journal = match claim(out, &mut header) {
            Ok(journal) => journal,
            Err(error) => return Err((error, Box::new(links))),
        };
        let rate = if header.nominal_hz.is_nan() { 1000.0 } else { header.nominal_hz };
        let hold_rows = count(rate * HOLD.as_secs_f64()).max(1);
        let (first_row, marker_id) = (header.first_row, header.markers + 1);
        let mut writer = Self {
            journal,
            header,
            out: out.to_owned(),
            links,
            backlog: Backlog::default(),
            pending: None,
            pending_since_ns: 0,
            retry_at_ns: 0,
            renew_at_ns: 0,
            hold_rows,
            chains: Vec::new(),
            assignment: Vec::new(),
            calibrations: Vec::new(),
            rows: first_row,
            marker_id,
            surrendered: false,
            before: Vec::new(),
            next: None,
            due: None,
        };
        if writer.header.segment > 0 {
            // It goes on with a recording whose filters nobody has.
            writer.due = Some(Due::afresh(first_row));
        }
        writer.announce();
        Ok(writer)
    }

    /// Writes until `acquire` is done, then ends the recording.
    pub(super) fn run(mut self) {
        let vitals = self.links.vitals.clone();
        while vitals.guard(Stage::Journal, || self.turn()).unwrap_or(true) {
            vitals.beat(Stage::Journal);
            vitals.waits(Stage::Journal, self.links.pieces.len());
        }
        self.end();
    }

    /// What arrived, then what is due; false when nothing more can arrive.
    fn turn(&mut self) -> bool {
        let silence = never();
        select! {
            recv(self.links.pieces) -> piece => match piece {
                Ok(piece) => self.take(piece),
                Err(_) => return false,
            },
            recv(self.links.requests) -> request => self.serve(request.ok()),
            recv(self.links.predictions.as_ref().unwrap_or(&silence)) -> prediction => match prediction {
                Ok(prediction) => self.keep(prediction),
                Err(_) => self.links.predictions = None,
            },
            default(self.patience()) => {}
        }
        let now = Stamp::now().host_ns;
        if self.pending.is_some() && now - self.pending_since_ns >= ns(HOLD) {
            self.flush_pending();
        }
        self.renew_all();
        if now >= self.retry_at_ns {
            if !self.backlog.is_empty() {
                self.flush_backlog();
            }
            if self.settle_state(false).is_err() {
                self.retry_at_ns = now + ns(RETRY);
            }
        }
        true
    }

    /// How long nothing is due if nothing arrives.
    fn patience(&self) -> Duration {
        let is_busy = self.due.is_some() || self.next.is_some() || !self.before.is_empty();
        if is_busy || !self.backlog.is_empty() {
            return LOOK_EVERY;
        }
        let Some(_) = self.pending else { return HOLD };
        let waited = Stamp::now().host_ns - self.pending_since_ns;
        HOLD.saturating_sub(Duration::from_nanos(waited.unsigned_abs()))
    }

    /// Rows gather; anything else goes behind the rows before it.
    fn take(&mut self, piece: Piece) {
        match piece {
            Piece::Rows(rows) => {
                if self.pending.as_ref().is_some_and(|pending| !continues(pending, &rows)) {
                    self.flush_pending();
                }
                if let Some(pending) = &mut self.pending {
                    pending.samples.append(&rows.samples);
                    pending.digital.extend_from_slice(&rows.digital);
                    pending.stamp = rows.stamp;
                } else {
                    self.pending_since_ns = Stamp::now().host_ns;
                    let mut vitals = self.links.vitals.lock();
                    if vitals.unwritten_since_ns == 0 {
                        vitals.unwritten_since_ns = self.pending_since_ns;
                    }
                    drop(vitals);
                    self.pending = Some(Arc::unwrap_or_clone(rows));
                }
                if self.pending.as_ref().is_some_and(|pending| wide(pending.rows()) >= self.hold_rows) {
                    self.flush_pending();
                }
            }
            other => {
                self.flush_pending();
                self.store(other);
            }
        }
    }

    fn flush_pending(&mut self) {
        if let Some(pending) = self.pending.take() {
            self.store(Piece::Rows(Arc::new(pending)));
        }
    }

    fn store(&mut self, piece: Piece) {
        if self.surrendered {
            return;
        }
        self.backlog.push(piece);
        if Stamp::now().host_ns >= self.retry_at_ns {
            self.flush_backlog();
        }
    }

    /// Writes what waits, oldest first, until the disk refuses.
    fn flush_backlog(&mut self) {
        let mut backlog = std::mem::take(&mut self.backlog);
        let lost = backlog.lost();
        let result = backlog.flush(|piece| self.write(piece));
        self.backlog = backlog;
        let now = Stamp::now().host_ns;
        match result {
            Ok(()) => {
                self.retry_at_ns = 0;
                self.links.vitals.lock().unwritten_since_ns = 0;
                self.links.vitals.report(Kind::Write, None);
                if lost > 0 {
                    self.links.diverged.store(true, Ordering::Relaxed);
                    self.links
                        .vitals
                        .blemish(&format!("{lost} rows were lost while the disk could not be written"));
                }
            }
            Err(error) => {
                self.retry_at_ns = now + ns(RETRY);
                // From here on the screen may see rows that the file will not have.
                self.links.diverged.store(true, Ordering::Relaxed);
                let why = in_full(&error);
                self.links.vitals.report(Kind::Write, Some(format!("rows are being lost: {why}")));
                self.links.vitals.blemish(&why);
                if self.links.can_wait {
                    self.surrender();
                }
            }
        }
    }

    /// Ends the recording of a source that can wait: its rows are not lost to anybody, so that a short recording is
    /// better than one with a hole. What comes after is not taken.
    fn surrender(&mut self) {
        if !self.surrendered {
            self.surrendered = true;
            self.links.orders.stop.store(true, Ordering::Relaxed);
            self.links.vitals.blemish("the disk is full: the recording ends early");
        }
        self.backlog = Backlog::default();
    }

    fn write(&mut self, piece: &Piece) -> Result<(), StoreError> {
        self.close_hole(piece)?;
        match (piece, record(piece)) {
            (Piece::Border(row), _) => return self.next_segment(*row),
            (Piece::Marker(marker), _) => {
                let marker = self.mark(marker.clone())?;
                // Nobody waits for this answer, so a full queue is not waited for either; the file has the marker.
                let _ = self.links.reports.try_send(Report::Stored(None, marker));
            }
            (_, Some(record)) => self.append(&record)?,
            (_, None) => {}
        }
        if let Piece::Chains(change) = piece {
            self.chains.extend(change.chains.iter().cloned());
            self.assignment.clone_from(&change.assignment);
        }
        if let Piece::Calibration(new) = piece {
            self.calibrations.retain(|old| old.channel != new.channel);
            self.calibrations.extend(Some(new.clone()).filter(|new| new.valid));
        }
        self.rows += piece.rows();
        let mut vitals = self.links.vitals.lock();
        vitals.journalled = self.rows;
        if let Piece::Gap(gap) = piece {
            vitals.saw(gap);
        }
        Ok(())
    }

    /// Rows that a failed turn of this thread took with it become a gap.
    fn close_hole(&mut self, piece: &Piece) -> Result<(), StoreError> {
        let (sample, epoch, host_ns) = match piece {
            Piece::Rows(rows) => (rows.sample, rows.epoch, rows.stamp.host_ns),
            Piece::Gap(gap) if gap.exact => (gap.sample, gap.epoch, gap.host_ns),
            Piece::Border(row) => (*row, 0, 0),
            _ => return Ok(()),
        };
        let missing = sample.saturating_sub(self.rows);
        if missing == 0 {
            return Ok(());
        }
        self.links.diverged.store(true, Ordering::Relaxed);
        let gap = Gap { sample: self.rows, missing, exact: true, epoch, cause: Cause::Restart, host_ns };
        self.append(&Record::Gap(gap))?;
        self.rows = sample;
        self.links.vitals.lock().saw(&gap);
        Ok(())
    }

    fn append(&mut self, record: &Record) -> Result<(), StoreError> {
        self.journal.append(record)?;
        let now = Stamp::now().host_ns;
        let mut vitals = self.links.vitals.lock();
        vitals.written_ns = now;
        vitals.journal_bytes = self.journal.length();
        let short = self.journal.is_short_of_space();
        vitals.short_of_space = short;
        if vitals.undurable_since_ns == 0 {
            vitals.undurable_since_ns = now;
        }
        drop(vitals);
        if short && self.links.can_wait {
            // What is left of the reserve is for the end.
            self.surrender();
        }
        Ok(())
    }

    /// Writes a marker under the next id.
    fn mark(&mut self, marker: Marker) -> Result<Marker, StoreError> {
        let marker = Marker { id: self.marker_id, ..marker };
        self.append(&Record::Marker(marker.clone()))?;
        self.marker_id += 1;
        Ok(marker)
    }

    /// Writes a prediction; one the disk refuses is counted, and a later `predict` makes it again.
    fn keep(&mut self, prediction: Prediction) {
        if self.append(&Record::Prediction(prediction)).is_err() {
            self.links.vitals.blemish("predictions were lost while the disk could not be written");
        }
    }

    fn serve(&mut self, request: Option<Request>) {
        let report = match request {
            Some(Request::Marker(ticket, marker)) => match self.mark(marker) {
                Ok(marker) => Report::Stored(Some(ticket), marker),
                Err(error) => {
                    let why = in_full(&error);
                    self.links.vitals.blemish(&format!("a marker could not be written: {why}"));
                    self.links.vitals.report(Kind::Write, Some(format!("a marker is not stored: {why}")));
                    Report::NotStored(ticket, why)
                }
            },
            Some(Request::Log(level, text)) => {
                self.flush_pending();
                self.store(Piece::Log(level, text));
                return;
            }
            Some(Request::ClockOffset(offset)) => {
                // While the disk refuses, that is an alarm already, and a sender goes on to measure.
                let _ = self.append(&Record::ClockOffset(offset));
                return;
            }
            Some(Request::Preflight(line)) => {
                // The first records of a recording, and worth no alarm of their own where a disk is full already.
                let _ = self.append(&Record::Preflight(line));
                return;
            }
            Some(Request::Calibration(kept)) => {
                self.flush_pending();
                self.store(Piece::Calibration(kept));
                return;
            }
            None => return,
        };
        // `control` drains this queue before it waits for anything.
        let _ = self.links.reports.send(report);
    }
}

/// A constant time on the clock.
fn ns(time: Duration) -> i64 {
    i64::try_from(time.as_nanos()).unwrap_or(i64::MAX)
}

fn continues(block: &RawBlock, next: &RawBlock) -> bool {
    block.end() == next.sample
        && block.epoch == next.epoch
        && block.device_index + wide(block.rows()) == next.device_index
        && block.digital.is_empty() == next.digital.is_empty()
}

/// What a journal keeps of a piece; a border is no record but a new journal.
#[must_use]
pub fn record(piece: &Piece) -> Option<Record> {
    Some(match piece {
        Piece::Rows(rows) => Record::Rows(RawBlock::clone(rows)),
        Piece::Gap(gap) => Record::Gap(*gap),
        Piece::Chains(change) => Record::Chains(ChainChange::clone(change)),
        Piece::Fit(fit) => Record::Fit(*fit),
        Piece::Truth(truth) => Record::Truth(truth.clone()),
        Piece::Marker(marker) => Record::Marker(marker.clone()),
        Piece::Calibration(kept) => Record::Calibration(kept.clone()),
        Piece::Log(level, text) => log(*level, text),
        Piece::Begin | Piece::Border(_) => return None,
    })
}

fn log(level: u8, text: &str) -> Record {
    let text = crate::emg::marker::clip(text, crate::emg::marker::NOTE_BYTES);
    Record::Log { utc_ns: Stamp::now().utc_ns, level, text }
}

#[cfg(test)]
mod tests;
