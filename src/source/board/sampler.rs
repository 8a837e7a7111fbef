//! Timer and converter of a simulated board while it runs: when the next scan is due, and blocks that never span a
//! hole.

use super::{Script, Settings, TIMER_HZ};
use crate::emg::units::{float, nanos};
use crate::source::framed::{Data, Mode};

/// Bytes of a data frame beside samples and digital bytes.
const OVERHEAD: usize = 17;
/// Longest frame before stuffing.
const LONGEST: usize = 254;

/// One run.
#[derive(Debug)]
pub(super) struct Sampler {
    start_ns: i64,
    /// The board's clock at the start, seconds since its first start.
    pub(super) began_s: f64,
    /// Seconds between scans on the board's clock, and on a true one.
    period_s: (f64, f64),
    /// Sample index of scan 0.
    base: u64,
    /// Scans due so far.
    scans: u64,
    /// Scans that could not be sampled.
    pub(super) not_sampled: u32,
    block: Data,
    scans_in_block: usize,
    most_scans: usize,
    overrun: bool,
}

impl Sampler {
    /// A run that starts at `(true nanoseconds, the board's seconds since its first start)`.
    pub(super) fn new(settings: &Settings, script: &Script, (start_ns, began_s): (i64, f64)) -> Self {
        let period_s = f64::from(settings.scan_ticks) / f64::from(TIMER_HZ);
        let channels = usize::from(settings.channels);
        let bits = if settings.mode == Mode::Wide { 16 } else { 10 };
        let room = |scans: &usize| (scans * channels * bits).div_ceil(8) + scans <= LONGEST - OVERHEAD;
        let wanted = crate::emg::units::length((0.010 / period_s).floor().max(1.0));
        Self {
            start_ns,
            began_s,
            period_s: (period_s, period_s / script.speed()),
            base: u64::from(script.counters.index),
            scans: 0,
            not_sampled: 0,
            block: Data { channels: settings.channels, ..Data::default() },
            scans_in_block: 0,
            most_scans: (1..=wanted).rev().find(room).unwrap_or(1),
            overrun: false,
        }
    }

    /// Sample index of the next scan, not wrapped.
    pub(super) fn scan(&self) -> u64 {
        self.base + self.scans
    }

    /// The same as the board counts it.
    pub(super) fn index(&self) -> u32 {
        let [a, b, c, d, ..] = self.scan().to_le_bytes();
        u32::from_le_bytes([a, b, c, d])
    }

    /// When a scan happens, true nanoseconds.
    pub(super) fn scan_ns(&self, scan: u64) -> i64 {
        self.start_ns + nanos(float(scan - self.base) * self.period_s.1)
    }

    /// When it happens by the board's clock, seconds since the start.
    pub(super) fn device_s(&self, scan: u64) -> f64 {
        float(scan - self.base) * self.period_s.0
    }

    pub(super) fn is_due(&self, now_ns: i64) -> bool {
        self.scan_ns(self.scan()) <= now_ns
    }

    /// The next scan, and the block it completes.
    pub(super) fn take(&mut self, counts: &[i16], digital: u8, t_us: u32) -> Option<Data> {
        if self.scans_in_block == 0 {
            self.block.index = self.index();
            self.block.t_us = t_us;
            self.block.overrun = std::mem::take(&mut self.overrun);
        }
        self.block.samples.extend_from_slice(counts);
        self.block.digital.push(digital);
        self.scans_in_block += 1;
        self.scans += 1;
        if self.scans_in_block == self.most_scans { self.cut() } else { None }
    }

    /// The next scan is sent as a line.
    pub(super) fn pass(&mut self) {
        self.scans += 1;
    }

    /// The next scan could not be sampled. The block before it has been cut.
    pub(super) fn miss(&mut self) {
        self.scans += 1;
        self.not_sampled += 1;
        self.overrun = true;
    }

    /// The block as far as it is.
    pub(super) fn cut(&mut self) -> Option<Data> {
        if self.scans_in_block == 0 {
            return None;
        }
        self.scans_in_block = 0;
        let next = Data { channels: self.block.channels, ..Data::default() };
        Some(std::mem::replace(&mut self.block, next))
    }
}
