//! A BOARD WITHOUT A BOARD: a pure state machine that speaks the line of [`framed`](super::framed), faults included.
//!
//! Commands go in as bytes, time goes in as nanoseconds, bytes come out when a real line would have carried them.
//! No I/O, no clock of its own: `cli/simulate` gives it a pseudo-terminal, tests give it a loop. The electrodes are
//! those of `sim`, or a pattern that tests can check. Not simulated: how long the converter takes.
//!
//! # Script
//!
//! What goes wrong, and what the digital inputs see, in TOML; everything may be left out. Seconds count from the
//! first start (`G`), on the board's own clock for inputs and overruns, else on a true one.
//! ```toml
//! seed = 1              # of everything random
//! clock_ppm = 50.0      # how much too fast the board's crystal is
//! boot_s = 0.8          # after a reset the bootloader eats what is sent
//!
//! [counters]            # where they begin, to see them wrap
//! epoch = 254
//! seq = 65000
//! index = 4294960000
//! t_us = 4294000000
//!
//! [noise]               # chance per byte on the line
//! drop = 1e-5
//! flip = 1e-5
//! repeat = 1e-6         # 64 to 463 bytes come twice
//!
//! [[fault]]
//! kind = "drop"         # so many bytes vanish; `flip`: a bit of each; `repeat`: they come twice
//! at_s = 2.0
//! bytes = 3             # 1 if left out
//! every_s = 0.5         # again and again; once if left out
//!
//! [[fault]]
//! kind = "stall"        # the bridge holds everything back; `overrun`: the converter is too late,
//! at_s = 5.0            # `choke`: the transmit ring is full, `unplug`: the cable is out
//! for_s = 0.3
//!
//! [[fault]]
//! kind = "reset"
//! at_s = 8.0
//!
//! [[input]]
//! pin = "trigger"       # or `photodiode`, `button`
//! at_s = 1.0
//! for_s = 0.05
//! every_s = 1.0
//! ```

mod cable;
mod commands;
mod electrodes;
mod sampler;
mod script;
mod transmit;

pub use self::electrodes::{Signal, pattern};
pub use self::script::{Script, read};

use self::cable::Cable;
use self::electrodes::Electrodes;
use self::sampler::Sampler;
use self::script::{Happening, Kind};
use self::transmit::Transmit;
use super::framed::{Ack, Data, Frame, Identity, Mode, Outcome, Status};
use crate::emg::units::{count, float, nanos, seconds};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The clock of the board's timers.
const TIMER_HZ: u32 = 16_000_000;
/// Most channels of a Mega.
const MOST_CHANNELS: u8 = 16;
/// Baud after a reset, and where a change of baud was not followed up.
const DEFAULT_BAUD: u32 = 500_000;
/// How long a new baud is tried.
const TRIAL_NS: i64 = 2_000_000_000;
/// Between two status frames, by the true clock.
const STATUS_NS: i64 = 1_000_000_000;
/// One step of the simulation: a fraction of a scan at every rate.
const STEP_NS: i64 = 100_000;
/// Baud rates that differ by more than this are garbage to each other, as a share.
const SAME_BAUD: f64 = 0.035;

/// What a board is like before anybody talks to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Channels.
    pub channels: u8,
    /// Scans per second.
    pub rate_hz: u32,
    /// The station's name.
    pub name: String,
    /// What is on the electrodes.
    pub signal: Signal,
}

impl Default for Options {
    fn default() -> Self {
        Self { channels: 8, rate_hz: 1000, name: String::new(), signal: Signal::Face(7) }
    }
}

/// What a host may have set, lost at a reset except for the name.
#[derive(Clone, Debug)]
struct Settings {
    channels: u8,
    scan_ticks: u32,
    mode: Mode,
    baud: u32,
    name: String,
}

impl Settings {
    fn of(options: &Options) -> Self {
        let channels = options.channels.clamp(1, MOST_CHANNELS);
        let scan_ticks = TIMER_HZ / options.rate_hz.clamp(commands::SLOWEST_HZ, commands::FASTEST_HZ);
        Self { channels, scan_ticks, mode: Mode::Packed, baud: DEFAULT_BAUD, name: options.name.clone() }
    }

    /// From one channel to the next: 14 converter clocks at the slowest of them whose scan fits 85 % of a period.
    fn skew_ticks(&self) -> u16 {
        let fits = |shift: &u16| {
            u32::from(self.channels) * (u32::from(14_u16 << shift) + 96) * 20 < self.scan_ticks * 17
        };
        14 << (4..=7).rev().find(fits).unwrap_or(4)
    }

    fn rate_hz(&self) -> f64 {
        f64::from(TIMER_HZ) / f64::from(self.scan_ticks)
    }
}

/// Where a board stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Without power.
    Out,
    /// In its bootloader until then.
    Booting(i64),
    Ready,
}

/// A simulated board and its cable.
pub struct Board {
    options: Options,
    script: Script,
    settings: Settings,
    phase: Phase,
    reset_cause: u8,
    /// Kept over a reset.
    epoch: u8,
    seq: u16,
    now_ns: i64,
    /// When the board last booted: its second timer counts from here.
    booted_ns: i64,
    /// When it was started for the first time: the script counts from here.
    began_ns: Option<i64>,
    sampler: Option<Sampler>,
    electrodes: Electrodes,
    transmit: Transmit,
    cable: Cable,
    rng: ChaCha8Rng,
    /// The command under way.
    typed: Vec<u8>,
    /// An untried baud, and until when it is tried.
    trial: Option<i64>,
    /// What the host's port is set to; none where it cannot be known.
    host_baud: Option<u32>,
    status_ns: i64,
    plugged: bool,
}

impl Board {
    /// A board that was plugged in at time 0 and boots.
    #[must_use]
    pub fn new(options: Options, script: Script) -> Self {
        let rng = ChaCha8Rng::seed_from_u64(script.seed);
        let settings = Settings::of(&options);
        let mut board = Self {
            electrodes: Electrodes::new(&options, &settings),
            cable: Cable::new(ChaCha8Rng::seed_from_u64(script.seed ^ 1), script.noise),
            epoch: script.counters.epoch,
            seq: script.counters.seq,
            options,
            script,
            settings,
            phase: Phase::Ready,
            reset_cause: 1,
            now_ns: 0,
            booted_ns: 0,
            began_ns: None,
            sampler: None,
            transmit: Transmit::default(),
            rng,
            typed: Vec::new(),
            trial: None,
            host_baud: None,
            status_ns: 0,
            plugged: true,
        };
        board.reset(1);
        board
    }

    /// Whether the cable is in. Where not, nothing goes in or out.
    #[must_use]
    pub fn is_plugged(&self) -> bool {
        self.plugged
    }

    /// The host opened the port: its DTR line resets the board.
    pub fn opened(&mut self) {
        if self.plugged {
            self.cable.forget();
            self.reset(2);
        }
    }

    /// The baud the host's port is set to. Where it is another than the board's, both hear garbage.
    pub fn set_host_baud(&mut self, baud: Option<u32>) {
        self.host_baud = baud;
    }

    /// Bytes from the host, now.
    pub fn receive(&mut self, bytes: &[u8]) {
        if self.phase != Phase::Ready || !self.same_baud() {
            return;
        }
        for byte in bytes {
            match byte {
                b'\n' => {
                    let line = std::mem::take(&mut self.typed);
                    self.command(&line);
                }
                b'\r' => {}
                _ => self.typed.push(*byte),
            }
            self.typed.truncate(64);
        }
    }

    /// Lets time pass until `ns` after the board was plugged in, and appends what arrives at the host.
    pub fn advance(&mut self, ns: i64, out: &mut Vec<u8>) {
        while self.now_ns < ns {
            let before = self.now_ns;
            self.now_ns = (before + STEP_NS).min(ns);
            self.happen(before, out);
            self.cable.deliver(out);
            self.wake();
            self.sample();
            let carried = self.transmit.carry(self.now_ns - before, self.settings.baud);
            let same = self.same_baud();
            for byte in carried {
                let byte = if same { byte } else { self.rng.random() };
                self.cable.carry(byte, out);
            }
        }
    }

    /// What the script has for the time since `before`.
    fn happen(&mut self, before: i64, out: &mut Vec<u8>) {
        let Some(began) = self.began_ns else { return };
        let span = seconds(before - began)..seconds(self.now_ns - began);
        for Happening { kind, bytes, starts } in self.script.between(&span) {
            match (kind, starts) {
                (Kind::Drop, _) => self.cable.drop_next(bytes),
                (Kind::Flip, _) => self.cable.flip_next(bytes),
                (Kind::Repeat, _) => self.cable.repeat_last(bytes, out),
                (Kind::Stall, true) => self.cable.hold(),
                (Kind::Stall, false) => self.cable.release(out),
                (Kind::Choke, starts) => self.transmit.choke(starts),
                (Kind::Reset, _) => self.reset(2),
                (Kind::Unplug, true) => self.unplug(),
                (Kind::Unplug, false) => self.plug_in(),
                // The sampler asks for these by the board's own clock.
                (Kind::Overrun, _) => {}
            }
        }
    }

    fn unplug(&mut self) {
        self.plugged = false;
        self.phase = Phase::Out;
        self.sampler = None;
        self.cable.forget();
        self.transmit.reset();
    }

    /// Without power the board forgot its counters.
    fn plug_in(&mut self) {
        self.plugged = true;
        (self.epoch, self.seq) = (self.rng.random(), self.rng.random());
        self.reset(1);
    }

    /// Begins to boot; `cause` is the bit of MCUSR.
    fn reset(&mut self, cause: u8) {
        let name = std::mem::take(&mut self.settings.name);
        self.settings = Settings { name, ..Settings::of(&self.options) };
        self.electrodes = Electrodes::new(&self.options, &self.settings);
        self.phase = Phase::Booting(self.now_ns + nanos(self.script.boot_s));
        self.reset_cause = cause;
        self.sampler = None;
        self.trial = None;
        self.typed.clear();
        self.transmit.reset();
    }

    /// What time alone does to the board: it has booted, a baud was not followed up, a status is due.
    fn wake(&mut self) {
        if matches!(self.phase, Phase::Booting(until) if self.now_ns >= until) {
            self.phase = Phase::Ready;
            self.booted_ns = self.now_ns;
            self.introduce();
        }
        if self.trial.is_some_and(|until| self.now_ns >= until) {
            self.trial = None;
            self.settings.baud = DEFAULT_BAUD;
        }
        if self.sampler.is_some() && self.now_ns >= self.status_ns && self.settings.mode != Mode::Csv {
            self.status_ns += STATUS_NS;
            self.send_status();
        }
    }

    /// Takes the scans that are due and sends the blocks they fill.
    fn sample(&mut self) {
        let Some(mut sampler) = self.sampler.take() else { return };
        while sampler.is_due(self.now_ns) {
            let scan = sampler.scan();
            let at_s = sampler.device_s(scan) + sampler.began_s;
            if self.script.is_overrun(at_s) {
                self.emit(sampler.cut());
                self.electrodes.skip();
                sampler.miss();
                continue;
            }
            let t_us = self.t_us(sampler.scan_ns(scan));
            let digital = self.script.inputs(at_s);
            let counts = self.electrodes.counts(scan);
            if self.settings.mode == Mode::Csv {
                self.transmit.csv(t_us, counts);
                sampler.pass();
            } else if let Some(block) = sampler.take(counts, digital, t_us) {
                self.emit(Some(block));
            }
        }
        self.sampler = Some(sampler);
    }

    /// Numbers a block of scans and sends it, or drops it where the transmit ring is full.
    fn emit(&mut self, block: Option<Data>) {
        let Some(block) = block else { return };
        let dropped = self.transmit.take_dropped();
        let wide = self.settings.mode == Mode::Wide;
        let data = Data { epoch: self.epoch, seq: self.seq, dropped, wide, ..block };
        self.seq = self.seq.wrapping_add(1);
        if !self.transmit.offer(&Frame::Data(data)) {
            self.transmit.note_dropped();
        }
    }

    /// Sends a frame that is no data; it waits for nothing and is dropped where the ring is full.
    fn send(&mut self, frame: &Frame) {
        self.transmit.offer(frame);
    }

    fn send_status(&mut self) {
        let (next, not_sampled) =
            self.sampler.as_ref().map_or((self.script.counters.index, 0), |s| (s.index(), s.not_sampled));
        self.send(&Frame::Status(Status {
            epoch: self.epoch,
            seq: self.seq,
            index: next,
            t_us: self.t_us(self.now_ns),
            not_sampled,
            dropped: self.transmit.dropped(),
            most_scans: 1,
            most_percent: self.transmit.most_percent(),
        }));
    }

    /// The board's second timer at a true time.
    fn t_us(&self, ns: i64) -> u32 {
        let us = count(seconds(ns - self.booted_ns) * 1e6 * self.script.speed());
        let [a, b, c, d, ..] = us.to_le_bytes();
        u32::from_le_bytes([a, b, c, d]).wrapping_add(self.script.counters.t_us)
    }

    fn identity(&self) -> Identity {
        let settings = &self.settings;
        Identity {
            epoch: self.epoch,
            firmware: 0x0001,
            board: 2,
            channels: settings.channels,
            most_channels: MOST_CHANNELS,
            mode: settings.mode,
            adc_bits: 10,
            digital_mask: 0b111,
            reference_mv: 5000,
            skew_ticks: settings.skew_ticks(),
            scan_ticks: settings.scan_ticks,
            timer_hz: TIMER_HZ,
            baud: settings.baud,
            running: self.sampler.is_some(),
            reset_cause: self.reset_cause,
            name: settings.name.clone(),
        }
    }

    /// Sends an identity, behind a 0x00: whatever the bootloader said, or a wrong baud made, ends there.
    fn introduce(&mut self) {
        let identity = Frame::Identity(self.identity());
        self.transmit.text(b"\0");
        self.send(&identity);
    }

    fn acknowledge(&mut self, command: u8, outcome: Outcome, value: u32) {
        self.send(&Frame::Ack(Ack { epoch: self.epoch, command, outcome, value }));
    }

    fn same_baud(&self) -> bool {
        let ours = float(u64::from(self.settings.baud));
        self.host_baud.is_none_or(|host| (f64::from(host) / ours - 1.0).abs() <= SAME_BAUD)
    }
}

#[cfg(test)]
mod tests;
