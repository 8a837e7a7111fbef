//! Readings become the pieces of a recording: rows get their numbers, losses their gaps, chains their first row.
//!
//! A pure state machine over readings: the one place that decides what a recording contains and in which order.
//! `acquire` feeds it and passes its pieces on; it holds no queue and reads no clock.

use crate::emg::clock::Fit;
use crate::emg::marker::{Action, Origin, Placed};
use crate::emg::units::{count, seconds, wide};
use crate::emg::{Cause, Channel, Gap, Marker, RawBlock, Stamp, Truth};
use crate::pipeline::{ChainChange, Reason, preset};
use crate::source::{Description, Packet, Reading};
use std::sync::Arc;
use std::time::Duration;

mod border;
mod epoch;
mod inputs;
mod rate;
mod repertoire;

use border::Border;
use epoch::{Epoch, SILENT_NS};
use inputs::{Edge, Inputs};
use rate::DesignRate;
use repertoire::Repertoire;

/// A jump of the device's index longer than this is no loss but another count: a new epoch.
const LONGEST_LOSS_S: f64 = 60.0;
/// Rate assumed for bounds where nobody said one.
const UNKNOWN_RATE_HZ: f64 = 1000.0;

/// One element of a recording, in order.
#[derive(Clone, Debug)]
pub enum Piece {
    /// Rows.
    Rows(Arc<RawBlock>),
    /// A hole.
    Gap(Gap),
    /// Other chains from the next row on.
    Chains(Arc<ChainChange>),
    /// How rows map to host time.
    Fit(Fit),
    /// What the simulated face does.
    Truth(Truth),
    /// An edge of a digital input; the journal gives it its id.
    Marker(Marker),
    /// What the operator kept of a calibration, or took back; from `control`, not from a source.
    Calibration(crate::emg::Calibration),
    /// What was only looked at becomes a recording: rows count from 0 again.
    Begin,
    /// The next row begins a new segment.
    Border(u64),
    /// A sentence for the log: 1 alarm, 2 warning, 3 information.
    Log(u8, String),
}

impl Piece {
    /// Rows of the recording the piece stands for.
    #[must_use]
    pub fn rows(&self) -> u64 {
        match self {
            Self::Rows(block) => wide(block.rows()),
            Self::Gap(gap) => gap.filled(),
            _ => 0,
        }
    }
}

/// What a recording is to contain.
#[derive(Clone, Debug)]
pub struct Options {
    /// The channels as recorded.
    pub channels: Vec<Channel>,
    /// Filters.
    pub filter: preset::Options,
    /// Stop after this much.
    pub duration: Option<Duration>,
    /// Begin a new segment after this much.
    pub rotate: Option<Duration>,
    /// Rows per HDF5 chunk; segments begin at multiples of it.
    pub chunk_rows: u32,
    /// A recording that was cut off and goes on.
    pub goes_on: Option<GoesOn>,
}

/// Where a recording that was cut off stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GoesOn {
    /// The row that is due next.
    pub row: u64,
    /// Epoch of its last rows.
    pub epoch: u32,
    /// Wall clock of its last rows: the other clock may have begun again since.
    pub utc_ns: i64,
    /// Ids of filter chains below this are taken.
    pub chain_id: u32,
}

/// The state machine.
#[derive(Debug)]
pub struct Sequencer {
    options: Options,
    nominal_hz: Option<f64>,
    /// Only arrival times tell rate and losses; otherwise the source's counter is believed.
    measured: bool,
    rate: DesignRate,
    next_row: u64,
    epoch: Option<Epoch>,
    gone: Option<Cause>,
    /// Truth that came before the first row of its epoch.
    early_truth: Vec<Truth>,
    border: Border,
    inputs: Inputs,
    first: Option<Stamp>,
    /// Time between epochs, which counts towards the duration.
    away_ns: i64,
    repertoire: Repertoire,
    refused: u64,
    pieces: Vec<Piece>,
}

impl Sequencer {
    /// A sequencer before the first row of a recording.
    #[must_use]
    pub fn new(source: &Description, options: Options) -> Self {
        let measured = !source.losses_counted && !source.can_wait;
        let unknown = source.nominal_hz.is_none() && !source.can_wait;
        let rate = DesignRate::new(source.nominal_hz, measured || unknown);
        let mut border = Border::new(options.rotate, options.chunk_rows);
        let next_row = options.goes_on.map_or(0, |before| before.row);
        border.crossed(next_row);
        Self {
            nominal_hz: source.nominal_hz,
            measured,
            rate,
            next_row,
            epoch: None,
            gone: None,
            early_truth: Vec::new(),
            border,
            inputs: Inputs::new(source.nominal_hz.unwrap_or(UNKNOWN_RATE_HZ)),
            first: None,
            away_ns: 0,
            repertoire: Repertoire::from_id(options.goes_on.map_or(0, |before| before.chain_id)),
            refused: 0,
            pieces: source.remarks.iter().map(|remark| Piece::Log(2, remark.clone())).collect(),
            options,
        }
    }

    /// The row the next sample gets.
    #[must_use]
    pub fn next_row(&self) -> u64 {
        self.next_row
    }

    /// The row from which on that line holds: what happened before it happened in another epoch or before a pause.
    #[must_use]
    pub fn fit_from(&self) -> u64 {
        self.epoch.as_ref().map_or(0, |epoch| epoch.line_from)
    }

    /// The line of the epoch under way, once its slope is known.
    #[must_use]
    pub fn fit(&self) -> Option<Fit> {
        self.epoch.as_ref().and_then(Epoch::fit)
    }

    /// Takes a reading and gives the pieces it makes, in order. After the duration is reached nothing follows.
    pub fn take(&mut self, reading: Reading) -> Vec<Piece> {
        match reading {
            Reading::Rows(packet) => self.packet(packet),
            Reading::Truth(truth) => self.truth(truth),
            // The sentence is that of an alarm, which has its own line in the log.
            Reading::Gone { cause, .. } => {
                // A device that is gone after the computer slept is gone because of that.
                self.gone = self.gone.filter(|known| *known == Cause::Suspend).or(Some(cause));
            }
            Reading::Back(sentence) => self.log(2, sentence),
            Reading::Refused { lines, example } => {
                if self.refused == 0 {
                    self.log(2, format!("{lines} lines were no row and were left out, the first: {example}"));
                }
                self.refused += lines;
            }
            Reading::Idle | Reading::Ended => {}
        }
        std::mem::take(&mut self.pieces)
    }

    /// Filters like this from the next row on, and gives the pieces that makes; or says why the source cannot carry
    /// them, and changes nothing. Before the first row, and while the rate is not known, they are only kept in mind.
    pub fn filter(&mut self, filter: preset::Options) -> Result<Vec<Piece>, String> {
        preset::admit(&self.options.channels, &filter, self.rate.hz())?;
        self.options.filter = filter;
        if !self.repertoire.is_empty() {
            self.choose_chains(Reason::Change);
        }
        Ok(std::mem::take(&mut self.pieces))
    }

    /// What is left to say when no reading follows.
    pub fn finish(&mut self) -> Vec<Piece> {
        if let Some(sentence) = self.inputs.last_chatter(self.next_row) {
            self.log(2, sentence);
        }
        std::mem::take(&mut self.pieces)
    }

    /// Whether the duration is reached at `now`.
    #[must_use]
    pub fn is_complete(&self, now: Stamp) -> bool {
        let Some(duration) = self.options.duration else {
            return false;
        };
        match (self.rows_wanted(self.away_ns + self.absent_ns(now)), self.first) {
            (Some(rows), _) => self.next_row >= rows,
            (None, Some(first)) => seconds(now.host_ns - first.host_ns) >= duration.as_secs_f64(),
            (None, None) => false,
        }
    }

    /// Rows that fill the duration, time without a source taken off; none where no rate was declared.
    fn rows_wanted(&self, away_ns: i64) -> Option<u64> {
        let rate = self.nominal_hz?;
        Some(count((self.options.duration?.as_secs_f64() - seconds(away_ns)) * rate))
    }

    /// Rows that still belong to the recording.
    fn room(&self) -> u64 {
        self.rows_wanted(self.away_ns).map_or(u64::MAX, |wanted| wanted.saturating_sub(self.next_row))
    }

    /// For how long there has been no source at `now`.
    fn absent_ns(&self, now: Stamp) -> i64 {
        let Some(epoch) = &self.epoch else { return 0 };
        if self.gone.is_some() {
            epoch.since_last_ns(now)
        } else {
            self.pause_ns(now, 0).filter(|ns| *ns >= SILENT_NS).unwrap_or(0)
        }
    }

    /// How long a source without a counter paused before `rows` rows at `now`.
    fn pause_ns(&self, now: Stamp, rows: usize) -> Option<i64> {
        self.epoch.as_ref().filter(|_| self.measured)?.pause_ns(now, rows)
    }

    fn packet(&mut self, packet: Packet) {
        let rows = packet.samples.len() / self.options.channels.len().max(1);
        if self.epoch.is_some() && self.room() == 0 {
            return;
        }
        self.enter_epoch(&packet, rows);
        self.fill_loss(&packet);
        if rows == 0 {
            return;
        }
        let keep = wide(rows).min(self.room());
        self.measure(&packet, rows);
        self.rows(packet, keep);
    }

    /// Opens a new epoch when the packet belongs to one, with the gap that lies before it.
    fn enter_epoch(&mut self, packet: &Packet, rows: usize) {
        let bound = count(self.nominal_hz.unwrap_or(UNKNOWN_RATE_HZ) * LONGEST_LOSS_S);
        let goes_on =
            self.gone.is_none() && self.epoch.as_ref().is_some_and(|epoch| epoch.leads_to(packet, bound));
        let silent_ns = self.pause_ns(packet.stamp, rows).filter(|_| goes_on);
        if goes_on && silent_ns.is_none_or(|ns| ns < SILENT_NS) {
            if let Some(pause_ns) = silent_ns {
                self.resume(packet, seconds(pause_ns));
            }
            return;
        }
        let gone = self.gone.take();
        let number = if let Some(previous) = self.epoch.take() {
            let (cause, away_ns) = match silent_ns {
                Some(silent_ns) => (Cause::Stall, silent_ns),
                None => (gone.unwrap_or(Cause::Restart), previous.since_last_ns(packet.stamp)),
            };
            self.gap_between(&previous, packet.stamp, cause, away_ns);
            previous.number + 1
        } else {
            self.first = Some(packet.stamp);
            self.choose_chains(Reason::Start);
            self.go_on(packet.stamp).unwrap_or(packet.epoch)
        };
        self.rate.begin_epoch();
        self.inputs.interrupted();
        self.epoch = Some(Epoch::begin(number, self.next_row, packet, self.nominal_hz));
        for truth in std::mem::take(&mut self.early_truth) {
            self.place_truth(truth);
        }
    }

    /// The hole between a recording that was cut off and the first row of the one that goes on with it; the epoch
    /// that begins behind it.
    fn go_on(&mut self, stamp: Stamp) -> Option<u32> {
        let before = self.options.goes_on?;
        let away_ns = (stamp.utc_ns - before.utc_ns).max(0);
        self.away_ns += away_ns;
        let rate = self.rate.hz().or(self.nominal_hz);
        self.pieces.push(Piece::Gap(Gap {
            sample: self.next_row,
            missing: rate.map_or(0, |rate| count(seconds(away_ns) * rate)),
            exact: false,
            epoch: before.epoch + 1,
            cause: Cause::Restart,
            host_ns: stamp.host_ns,
        }));
        Some(before.epoch + 1)
    }

    /// The epoch goes on after a pause; nobody knows whether lines were lost in it.
    fn resume(&mut self, packet: &Packet, lasted_s: f64) {
        self.log(2, format!("the source paused for {lasted_s:.1} s; lines lost in it cannot be counted"));
        self.rate.begin_epoch();
        if let Some(epoch) = &mut self.epoch {
            epoch.resume(packet, self.nominal_hz);
        }
    }

    /// The hole of `away_ns` between an epoch and the next, which begins at `stamp`.
    fn gap_between(&mut self, previous: &Epoch, stamp: Stamp, cause: Cause, away_ns: i64) {
        self.cross_border();
        self.away_ns += away_ns;
        let lasted_s = seconds(away_ns);
        if cause == Cause::Stall {
            self.log(2, format!("the source sent nothing for {lasted_s:.1} s; what was lost is an estimate"));
        }
        let rate = self.rate.hz().or(self.nominal_hz).or_else(|| previous.rate_hz());
        self.pieces.push(Piece::Gap(Gap {
            sample: self.next_row,
            missing: rate.map_or(0, |rate| count(lasted_s * rate)),
            exact: false,
            epoch: previous.number + 1,
            cause,
            host_ns: stamp.host_ns,
        }));
    }

    /// Rows the device counted and the host never saw, as far as the duration goes.
    fn fill_loss(&mut self, packet: &Packet) {
        let room = self.room();
        let Some(epoch) = &mut self.epoch else { return };
        let missing = (packet.index - epoch.next_index).min(room);
        epoch.next_index = packet.index;
        if missing > 0 {
            self.inputs.interrupted();
        }
        let mut gap = Gap {
            sample: self.next_row,
            missing,
            exact: true,
            epoch: epoch.number,
            cause: packet.cause,
            host_ns: packet.stamp.host_ns,
        };
        while gap.missing > 0 {
            self.cross_border();
            let now = gap.missing.min(self.border.rows_left(gap.sample));
            self.pieces.push(Piece::Gap(Gap { missing: now, ..gap }));
            gap.missing -= now;
            gap.sample += now;
            self.next_row = gap.sample;
        }
    }

    /// The first `keep` rows of a packet as blocks that do not cross a segment's border.
    fn rows(&mut self, mut packet: Packet, keep: u64) {
        let Some(epoch) = self.epoch.as_ref().map(|epoch| epoch.number) else { return };
        let channels = self.options.channels.len();
        let mut left = keep;
        while left > 0 {
            self.cross_border();
            let now = left.min(self.border.rows_left(self.next_row));
            let len = crate::emg::units::index(now);
            let digital: Vec<u8> = packet.digital.drain(..len.min(packet.digital.len())).collect();
            let edges = self.inputs.edges(self.next_row, &digital);
            self.pieces.push(Piece::Rows(Arc::new(RawBlock {
                sample: self.next_row,
                channels,
                epoch,
                device_index: packet.index,
                device_us: packet.device_us,
                stamp: packet.stamp,
                samples: packet.samples.take_front(len * channels),
                digital,
            })));
            for edge in edges {
                self.mark(edge, packet.stamp);
            }
            packet.index += now;
            left -= now;
            self.next_row += now;
        }
        if let Some(sentence) = self.inputs.chatter(self.next_row) {
            self.log(2, sentence);
        }
    }

    /// A marker on the row that first saw an input high. Its row is exact; its host time is the fit's, if there is one.
    fn mark(&mut self, edge: Edge, arrived: Stamp) {
        let rose_ns = self.fit().map_or(arrived.host_ns, |fit| fit.time_of(edge.sample).min(arrived.host_ns));
        let latency_ns = arrived.host_ns - rose_ns;
        self.pieces.push(Piece::Marker(Marker {
            id: 0,
            sample: edge.sample,
            stamp: arrived.plus_ns(-latency_ns),
            label: edge.label.to_owned(),
            note: String::new(),
            code: 0,
            origin: Origin::Ttl,
            client: String::new(),
            latency_us: u32::try_from(latency_ns / 1000).unwrap_or(u32::MAX),
            uncertainty_us: 0,
            placed: Placed::Fit,
            action: Action::Add,
            refers_to: 0,
        }));
    }

    /// Begins the next segment once something follows in it. Filters that change between two segments then change
    /// at the end of the first one, whose last state the second one is given.
    fn cross_border(&mut self) {
        if self.border.rows_left(self.next_row) == 0 {
            self.pieces.push(Piece::Border(self.next_row));
            self.border.crossed(self.next_row);
            self.pieces.extend(self.epoch.as_mut().and_then(Epoch::fit_at_border).map(Piece::Fit));
        }
    }

    /// Clock fit and design rate, brought up to the packet.
    fn measure(&mut self, packet: &Packet, rows: usize) {
        let Some(epoch) = &mut self.epoch else { return };
        self.pieces.extend(epoch.arrived(packet, rows).map(Piece::Fit));
        let (age_s, measured) = (epoch.age_s(), epoch.rate_hz());
        if let Some(sentence) = measured.and_then(|hz| self.rate.observe(age_s, hz)) {
            self.log(2, sentence);
            self.choose_chains(Reason::Rate);
        }
    }

    /// Designs the chains for the rate now known, from the next row on.
    fn choose_chains(&mut self, reason: Reason) {
        let occasion = preset::Occasion {
            sample: self.next_row,
            reason,
            rate_hz: self.rate.hz(),
            decimation: preset::decimation(self.nominal_hz),
            first_id: 0,
        };
        let (designed, remarks) = preset::chains(&self.options.channels, &self.options.filter, &occasion);
        self.border.rate_known(self.rate.hz());
        for remark in remarks {
            self.log(2, remark);
        }
        let change = self.repertoire.adopt(designed);
        self.pieces.push(Piece::Chains(Arc::new(change)));
    }

    fn truth(&mut self, truth: Vec<Truth>) {
        for one in truth {
            if self.epoch.is_some() { self.place_truth(one) } else { self.early_truth.push(one) }
        }
    }

    /// Source rows to rows of the recording; what ended before the recording began is left out.
    fn place_truth(&mut self, truth: Truth) {
        let Some(epoch) = &self.epoch else { return };
        let row = |index: u64| (index + epoch.first_row).checked_sub(epoch.first_index);
        if let Some(end) = row(truth.end) {
            let onset = row(truth.onset).unwrap_or(0);
            self.pieces.push(Piece::Truth(Truth { onset, end, ..truth }));
        }
    }

    fn log(&mut self, level: u8, text: String) {
        self.pieces.push(Piece::Log(level, text));
    }
}

#[cfg(test)]
mod tests;
