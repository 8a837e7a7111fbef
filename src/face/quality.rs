//! Signal quality once a second: one row per channel, judged when its second is over.
//!
//! Second `k` is the rows from `k x rate` on, counted from row 0; seconds that are not whole are not judged. Rows
//! are kept until their second ends, so cuts into blocks cannot matter. `second` measures, `standing` remembers and
//! gives flags their hysteresis, `rail` learns where a sensor ends, `crosstalk` compares, `advice` and `sheet` speak.

use super::observe::{Findings, Look};
use super::state::{Reel, Tape};
use crate::dsp::line::{Line, Listener, MAINS_HZ};
use crate::emg::units::{count, float, index, wide};
use crate::emg::{Channel, Kind, Quality};
use lead::Lead;
use second::Second;
use standing::{Heard, Standing};

pub mod advice;
mod crosstalk;
mod lead;
pub(super) mod rail;
mod second;
pub mod sheet;
mod standing;

pub use advice::advice;
pub use standing::Contact;

/// Rows per second that are kept at most; of faster channels so many rows are averaged into one.
const KEPT_HZ: f64 = 4000.0;

/// Signal quality once a second.
#[derive(Clone, Debug)]
pub struct Watch {
    channels: Vec<Channel>,
    rate_hz: f64,
    /// Number of the running second, its first row and the row after its last.
    second: u64,
    rows: (u64, u64),
    /// The row expected next.
    next: u64,
    leads: Vec<Lead>,
    standings: Vec<Standing>,
    /// Made for the present rate; none where the mains cannot be heard.
    listener: Option<Listener>,
}

impl Watch {
    /// Before the first row.
    #[must_use]
    pub fn new(channels: &[Channel]) -> Self {
        Self {
            channels: channels.to_vec(),
            rate_hz: 0.0,
            second: 0,
            rows: (0, 0),
            next: 0,
            leads: vec![Lead::default(); channels.len()],
            standings: channels.iter().map(Standing::new).collect(),
            listener: None,
        }
    }

    /// Takes the next rows.
    pub fn look(&mut self, look: &Look<'_>, found: &mut Findings) {
        if look.rate_hz.to_bits() != self.rate_hz.to_bits() || look.sample != self.next {
            self.restart(look.rate_hz, look.sample);
        }
        let end = look.sample + wide(look.rows());
        while self.next < end {
            // Rows before the first whole second are passed over.
            let until = if self.next < self.rows.0 { self.rows.0 } else { self.rows.1 }.min(end);
            if self.next >= self.rows.0 {
                self.take(look, until);
            }
            self.next = until;
            if until == self.rows.1 {
                self.judge(look.hum, found);
                self.begin(self.second + 1);
            }
        }
    }

    /// The recording ends at `row`; a second that is not whole is not judged.
    pub fn finish(&mut self, _row: u64, _found: &mut Findings) {}

    /// The newest row of each channel's quality; those of channels not judged yet are missing.
    pub fn latest(&self) -> impl Iterator<Item = Quality> + '_ {
        self.standings.iter().filter_map(Standing::latest)
    }

    /// What is known of a channel's electrode.
    #[must_use]
    pub fn contact(&self, channel: usize) -> Option<Contact> {
        self.standings.get(channel).map(Standing::contact)
    }

    /// Puts down what is carried on.
    pub fn save(&self, tape: &mut Tape) {
        tape.f64(self.rate_hz).u64(self.second).u64(self.rows.0).u64(self.rows.1).u64(self.next);
        self.leads.iter().for_each(|lead| lead.save(tape));
        self.standings.iter().for_each(|standing| standing.save(tape));
    }

    /// Takes up what was put down.
    pub fn load(&mut self, reel: &mut Reel<'_>) -> Option<()> {
        self.rate_hz = reel.f64()?;
        self.second = reel.u64()?;
        self.rows = (reel.u64()?, reel.u64()?);
        self.next = reel.u64()?;
        self.leads.iter_mut().try_for_each(|lead| lead.load(reel))?;
        self.standings.iter_mut().try_for_each(|standing| standing.load(reel))?;
        self.listener = self.listener();
        (self.rows.0 <= self.rows.1 && self.next <= self.rows.1).then_some(())
    }

    /// Another rate, or rows that do not follow: begins with the next whole second.
    fn restart(&mut self, rate_hz: f64, row: u64) {
        self.rate_hz = rate_hz;
        self.next = row;
        self.leads.fill(Lead::default());
        self.listener = self.listener();
        let reached = count((float(row) / rate_hz).floor());
        self.begin(if self.boundary(reached) >= row { reached } else { reached + 1 });
    }

    fn begin(&mut self, second: u64) {
        self.second = second;
        self.rows = (self.boundary(second), self.boundary(second + 1).max(self.boundary(second) + 1));
        self.leads.iter_mut().for_each(Lead::turn);
    }

    /// First row of a second.
    fn boundary(&self, second: u64) -> u64 {
        count(float(second) * self.rate_hz)
    }

    /// Rows averaged into one that is kept.
    fn merged(&self) -> u64 {
        count((self.rate_hz / KEPT_HZ).ceil()).max(1)
    }

    fn kept_hz(&self) -> f64 {
        self.rate_hz / float(self.merged())
    }

    /// For windows of two seconds, as many rows as any two seconds have.
    fn listener(&self) -> Option<Listener> {
        let rows = 2 * (count(self.rate_hz.floor()) / self.merged());
        Listener::new(index(rows), self.kept_hz())
    }

    /// Keeps the rows before `until`.
    fn take(&mut self, look: &Look<'_>, until: u64) {
        let cut = index(self.next - look.sample) * look.channels..index(until - look.sample) * look.channels;
        let (raw, clean) = (&look.raw[cut.clone()], &look.clean[cut]);
        let merged = self.merged();
        for (channel, lead) in self.leads.iter_mut().enumerate() {
            let span = look.spans.get(channel).copied().flatten();
            lead.filter(span.map(|span| span.chain));
            let settled = span.map_or(u64::MAX, |span| span.settled_sample);
            let values = raw.iter().skip(channel).step_by(look.channels);
            let cleaned = clean.iter().skip(channel).step_by(look.channels);
            let before = index(settled.clamp(self.next, until) - self.next);
            lead.take(values, cleaned, before, merged);
        }
    }

    /// Judges the second that ended.
    fn judge(&mut self, hum: &[[f64; 2]], found: &mut Findings) {
        let kept_hz = self.kept_hz();
        let seconds: Vec<Second<'_>> = self
            .leads
            .iter()
            .zip(&self.channels)
            .map(|(lead, channel)| lead.second(channel, kept_hz))
            .collect();
        let floors: Vec<f64> = self.standings.iter().map(Standing::floor).collect();
        let echoes = crosstalk::echoes(&seconds, &floors);
        for (at, second) in seconds.iter().enumerate() {
            let line = self.line(at);
            let kept = line.and_then(|line| {
                let mains = MAINS_HZ.iter().position(|hz| line.hz == Some(*hz))?;
                Some(line.rms * hum[at][mains])
            });
            let heard = Heard { line, kept: kept.unwrap_or(f64::NAN) };
            let mut quality = self.standings[at].judge(second, heard, echoes[at]);
            quality.sample = self.rows.0;
            quality.channel = u16::try_from(at).unwrap_or(u16::MAX);
            self.standings[at].remember(quality);
            found.quality.push(quality);
        }
    }

    /// The mains in this and the second before; only in raw signals: in a rectified one they are part of the floor.
    fn line(&self, channel: usize) -> Option<Line> {
        let listener = self.listener.as_ref().filter(|_| self.channels[channel].kind == Kind::Raw)?;
        let window = self.leads[channel].window(listener.rows())?;
        listener.identify(&window)
    }
}

#[cfg(test)]
mod tests;
