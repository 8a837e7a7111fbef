//! A run of rows without reopen, reset or silence: which packets continue it, when rows are overdue, its clock.
//!
//! Epochs of a recording have their own numbers, one up at every border; the source's number is only compared.

use crate::emg::Stamp;
use crate::emg::clock::{Fit, Fitter};
use crate::emg::units::{float, rows_ns, seconds, wide};
use crate::source::Packet;

/// A line is stored no more often than this ...
const FIT_EVERY_NS: i64 = 10_000_000_000;
/// ... and only when the one stored before is this far from it by now.
const FIT_MOVED_NS: i64 = 50_000;
/// Rows this late were not delayed on their way: the line through the arrivals starts afresh ...
const PAUSE_NS: i64 = 1_000_000_000;
/// ... and a silence this long is a hole. Between the two a busy computer at either end is the likelier reason.
pub(super) const SILENT_NS: i64 = 5_000_000_000;
/// Neither is shorter than so many rows take.
const PAUSE_ROWS: u64 = 20;

/// An epoch under way.
#[derive(Debug)]
pub(super) struct Epoch {
    /// Its number in the recording.
    pub(super) number: u32,
    source_number: u32,
    pub(super) first_index: u64,
    pub(super) first_row: u64,
    pub(super) next_index: u64,
    began: Stamp,
    last: Stamp,
    /// The row from which on the line holds.
    pub(super) line_from: u64,
    fitter: Fitter,
    /// The line stored last, and when.
    stored: Option<(Fit, i64)>,
}

impl Epoch {
    /// Epoch `number` of a recording, which starts with `packet` at row `row`.
    pub(super) fn begin(number: u32, row: u64, packet: &Packet, nominal_hz: Option<f64>) -> Self {
        Self {
            number,
            source_number: packet.epoch,
            first_index: packet.index,
            first_row: row,
            next_index: packet.index,
            began: packet.stamp,
            last: packet.stamp,
            line_from: row,
            fitter: Fitter::new(number, row, packet.stamp.host_ns, nominal_hz),
            stored: None,
        }
    }

    /// Whether the source counts on to the packet and leaves out at most `longest_loss` rows.
    pub(super) fn leads_to(&self, packet: &Packet, longest_loss: u64) -> bool {
        packet.epoch == self.source_number
            && packet.index.checked_sub(self.next_index).is_some_and(|lost| lost <= longest_loss)
    }

    /// Takes `rows` rows of a packet; now and then a fit that is worth storing.
    pub(super) fn arrived(&mut self, packet: &Packet, rows: usize) -> Option<Fit> {
        self.next_index = packet.index + wide(rows);
        self.last = packet.stamp;
        let row = self.first_row + (self.next_index - 1 - self.first_index);
        self.fitter.arrived(row, packet.stamp.host_ns);
        let fit = self.fit().filter(|fit| self.is_news(fit))?;
        Some(self.store(fit))
    }

    /// The line at a segment's border: every segment has one.
    pub(super) fn fit_at_border(&mut self) -> Option<Fit> {
        self.fit().map(|fit| self.store(fit))
    }

    fn store(&mut self, fit: Fit) -> Fit {
        self.stored = Some((fit, self.last.host_ns));
        fit
    }

    /// Whether a line says something the one stored last does not.
    fn is_news(&self, fit: &Fit) -> bool {
        let Some((stored, at_ns)) = &self.stored else { return true };
        let moved_ns = (stored.time_of(fit.sample) - fit.origin_ns).abs();
        let drift_known = stored.drift_ppm.is_nan() && !fit.drift_ppm.is_nan();
        self.last.host_ns - at_ns >= FIT_EVERY_NS && (moved_ns > FIT_MOVED_NS || drift_known)
    }

    pub(super) fn fit(&self) -> Option<Fit> {
        self.fitter.fit()
    }

    /// The rate as seen in this epoch alone.
    pub(super) fn rate_hz(&self) -> Option<f64> {
        self.fit().map(|fit| fit.rate_hz)
    }

    /// From its first packet to its last, seconds.
    pub(super) fn age_s(&self) -> f64 {
        seconds(self.last.host_ns - self.began.host_ns)
    }

    /// Time since its last packet.
    pub(super) fn since_last_ns(&self, now: Stamp) -> i64 {
        (now.host_ns - self.last.host_ns).max(0)
    }

    /// After a pause: the rows of `packet` say nothing of the rows before them.
    pub(super) fn resume(&mut self, packet: &Packet, nominal_hz: Option<f64>) {
        let row = self.first_row + (packet.index - self.first_index);
        self.line_from = row;
        self.fitter = Fitter::new(self.number, row, packet.stamp.host_ns, nominal_hz);
        self.began = packet.stamp;
        self.stored = None;
    }

    /// How late `rows` more rows are at `now`, where that is too late for a delay.
    ///
    /// Rows that waited in a buffer come together and are not late: the time they stand for is taken off.
    pub(super) fn pause_ns(&self, now: Stamp, rows: usize) -> Option<i64> {
        // While no rate is known its arrivals span less than a second, so it is faster than the rows it has.
        let rate_hz =
            self.rate_hz().unwrap_or_else(|| float((self.next_index - self.first_index).saturating_sub(1)));
        let late_ns = self.since_last_ns(now).saturating_sub(rows_ns(wide(rows), rate_hz));
        (late_ns > PAUSE_NS.max(rows_ns(PAUSE_ROWS, rate_hz))).then_some(late_ns)
    }
}
