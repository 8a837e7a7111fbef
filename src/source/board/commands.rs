//! What a host may ask of the simulated board, and what it answers. The commands stand in `framed`'s documentation.

use super::{Board, DEFAULT_BAUD, MOST_CHANNELS, Sampler, Settings, TIMER_HZ, TRIAL_NS};
use crate::emg::units::{count, index, seconds, small};
use crate::source::framed::{Mode, Outcome};

/// The slowest the timer can pace: 16 bits at 16 MHz.
pub(super) const SLOWEST_HZ: u32 = 250;
/// The fastest the firmware offers.
pub(super) const FASTEST_HZ: u32 = 4000;
/// Longest name of a station.
const LONGEST_NAME: usize = 32;
/// Bauds the real chip makes exactly, and 115200, which it makes well enough.
const BAUDS: [u32; 5] = [115_200, 250_000, DEFAULT_BAUD, 1_000_000, 2_000_000];

impl Board {
    /// Obeys one line.
    pub(super) fn command(&mut self, line: &[u8]) {
        let Some((&letter, rest)) = line.split_first() else { return };
        // A line that arrives whole proves the baud.
        self.trial = None;
        if letter == b'I' {
            return self.introduce();
        }
        if letter != b'X' && self.sampler.is_some() {
            return self.acknowledge(letter, Outcome::Running, 0);
        }
        let number = std::str::from_utf8(rest).ok().and_then(|text| text.trim().parse::<u32>().ok());
        match letter {
            b'G' => self.start(),
            b'X' => self.stop(),
            b'B' => self.change_baud(number),
            b'L' => self.rename(rest),
            b'S' => self.acknowledge(letter, Outcome::Done, number.unwrap_or(0)),
            b'R' | b'N' | b'M' => {
                let changed = number.and_then(|number| changed(&self.settings, letter, number));
                let outcome = if changed.is_some() { Outcome::Done } else { Outcome::OutOfRange };
                if let Some(settings) = changed {
                    self.settings = settings;
                    self.electrodes = super::Electrodes::new(&self.options, &self.settings);
                }
                let in_force = in_force(&self.settings, letter);
                self.acknowledge(letter, outcome, in_force);
            }
            _ => self.acknowledge(letter, Outcome::Unknown, 0),
        }
    }

    fn start(&mut self) {
        self.acknowledge(b'G', Outcome::Done, 0);
        self.epoch = self.epoch.wrapping_add(1);
        let began = *self.began_ns.get_or_insert(self.now_ns);
        let began_s = seconds(self.now_ns - began) * self.script.speed();
        self.transmit.start();
        self.sampler = Some(Sampler::new(&self.settings, &self.script, (self.now_ns, began_s)));
        self.status_ns = self.now_ns + super::STATUS_NS;
        if self.settings.mode == Mode::Csv {
            self.transmit.header(self.settings.channels);
        }
    }

    /// What was sampled is sent before the answer; the status comes last.
    fn stop(&mut self) {
        let block = self.sampler.as_mut().and_then(Sampler::cut);
        self.emit(block);
        self.acknowledge(b'X', Outcome::Done, 0);
        if self.sampler.is_some() {
            self.send_status();
        }
        self.sampler = None;
    }

    /// The answer still goes out at the old baud.
    fn change_baud(&mut self, baud: Option<u32>) {
        let Some(baud) = baud.filter(|baud| BAUDS.contains(baud)) else {
            return self.acknowledge(b'B', Outcome::OutOfRange, self.settings.baud);
        };
        self.acknowledge(b'B', Outcome::Done, baud);
        for byte in self.transmit.drain() {
            self.cable.keep(byte);
        }
        self.settings.baud = baud;
        self.trial = Some(self.now_ns + TRIAL_NS);
    }

    fn rename(&mut self, name: &[u8]) {
        let proper = name.len() <= LONGEST_NAME && name.iter().all(|byte| matches!(byte, b' '..=b'~'));
        if proper {
            self.settings.name = String::from_utf8_lossy(name).into_owned();
        }
        let outcome = if proper { Outcome::Done } else { Outcome::OutOfRange };
        let length = small(self.settings.name.len());
        self.acknowledge(b'L', outcome, length);
    }
}

/// The settings with one of them changed; none where the value is out of range.
fn changed(old: &Settings, letter: u8, number: u32) -> Option<Settings> {
    let mut settings = old.clone();
    match letter {
        b'R' if (SLOWEST_HZ..=FASTEST_HZ).contains(&number) => settings.scan_ticks = TIMER_HZ / number,
        b'N' => settings.channels = u8::try_from(number).ok().filter(|n| (1..=MOST_CHANNELS).contains(n))?,
        b'M' => settings.mode = Mode::of_code(u8::try_from(number).ok()?)?,
        _ => return None,
    }
    Some(settings)
}

fn in_force(settings: &Settings, letter: u8) -> u32 {
    match letter {
        b'R' => small(index(count(settings.rate_hz()))),
        b'N' => u32::from(settings.channels),
        _ => u32::from(settings.mode.code()),
    }
}
