//! One look at every row: quality, artefacts and events of a recording as its rows come.
//!
//! The recorder's screen, the projector's file and `detect` run the same observer over the same inputs and find the
//! same. Cuts into blocks never matter: rows are handed on in stretches over which no filter began anew, and no longer
//! than a grid of rows allows.

use super::artefacts::Artefacts;
use super::events::{Active, Events, Waiting};
use super::quality::Watch;
use super::state::{Reel, Tape};
use crate::dsp::line::MAINS_HZ;
use crate::dsp::response::{gain, settle_rows, slowest_pole};
use crate::emg::units::{index, wide};
use crate::emg::{Artefact, Calibration, Channel, Event, Quality};
use crate::pipeline::chain::blocks_rest;
use crate::pipeline::{Chain, CleanBlock, Input, Section, Span};

/// No stretch of rows goes over a multiple of this row: what several channels or parts must agree on is decided there,
/// whatever blocks the rows came in.
pub const GRID: u64 = 32;

/// The first word of a state: its version, by which that of another program is told.
const STATE: u64 = 3;

/// Chains a state may tell of; a recording has a few.
const MOST_CHAINS: usize = 1 << 16;
/// Poles nearer to the unit circle than this take too long to follow.
const SLOWEST: f64 = 0.9999;

/// What was found in the latest rows; each finding is handed out once, when it is complete.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Findings {
    /// Events that ended.
    pub events: Vec<Event>,
    /// Seconds that ended, one row for each channel.
    pub quality: Vec<Quality>,
    /// Stretches that rules reject.
    pub artefacts: Vec<Artefact>,
}

impl Findings {
    /// Whether nothing was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.events.is_empty() && self.quality.is_empty() && self.artefacts.is_empty()
    }
}

/// A stretch of rows over which no span began.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    /// First row.
    pub sample: u64,
    /// Channels in a row.
    pub channels: usize,
    /// `rows x channels` values as the device sent them; NaN where they are missing.
    pub raw: &'a [f64],
    /// `rows x channels` clean values, as the file holds them; NaN where they are missing.
    pub clean: &'a [f32],
    /// For each channel the span that runs, settled where its clean samples are; none while its value is missing.
    pub spans: &'a [Option<Span>],
    /// For each channel what its filters leave of the mains, shares at 50 and 60 Hz; NaN where that is not known.
    pub hum: &'a [[f64; 2]],
    /// Rows per second.
    pub rate_hz: f64,
}

impl Look<'_> {
    /// Rows in the stretch.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.clean.len() / self.channels.max(1)
    }

    /// Whether a channel's filters are settled at a row.
    #[must_use]
    pub fn is_settled(&self, channel: usize, row: u64) -> bool {
        self.spans.get(channel).copied().flatten().is_some_and(|span| row >= span.settled_sample)
    }
}

/// What is known of a chain.
#[derive(Clone, Copy, Debug)]
struct Known {
    id: u32,
    /// Rows until its clean samples have settled.
    settle_rows: u64,
    /// Shares it leaves of 50 and 60 Hz.
    hum: [f64; 2],
}

impl Known {
    fn of(chain: &Chain) -> Self {
        let rate = chain.design_rate_hz;
        let hum = if rate > 0.0 { MAINS_HZ.map(|hz| gain(&chain.sections, hz, rate)) } else { [1.0; 2] };
        Self { id: chain.id, settle_rows: settles(chain), hum }
    }
}

/// Rows until what is looked at has settled: a baseline of the envelope settles for seconds on end and has no part in it.
fn settles(chain: &Chain) -> u64 {
    let smooths = |section: &&Section| !blocks_rest(section);
    let low: Vec<Section> = chain.envelope_sections.iter().filter(smooths).copied().collect();
    let brief = |section| slowest_pole(section) <= SLOWEST;
    if !chain.takes_baseline() || !chain.sections.iter().chain(&low).all(brief) {
        return chain.settle_rows;
    }
    (settle_rows(&chain.sections) + settle_rows(&low)).min(chain.settle_rows)
}

/// Observes a recording; nothing is found before the rate is known.
#[derive(Clone, Debug)]
pub struct Observer {
    channels: usize,
    rate_hz: f64,
    spans: Vec<Option<Span>>,
    hum: Vec<[f64; 2]>,
    chains: Vec<Known>,
    watch: Watch,
    artefacts: Artefacts,
    events: Events,
    raw: Vec<f64>,
}

impl Observer {
    /// An observer of these channels, before the first row.
    #[must_use]
    pub fn new(channels: &[Channel]) -> Self {
        Self {
            channels: channels.len(),
            rate_hz: 0.0,
            spans: vec![None; channels.len()],
            hum: vec![[f64::NAN; 2]; channels.len()],
            chains: Vec::new(),
            watch: Watch::new(channels),
            artefacts: Artefacts::new(channels),
            events: Events::new(channels),
            raw: Vec::new(),
        }
    }

    /// Takes the pipeline's next input together with what the pipeline made of it. Spans of a change of chains are
    /// those that run already.
    pub fn step(&mut self, input: &Input, clean: &CleanBlock) -> Findings {
        let mut found = Findings::default();
        match input {
            Input::Chains(change) => {
                let rate = change.chains.iter().map(|chain| chain.design_rate_hz).find(|rate| *rate > 0.0);
                self.rate_hz = rate.unwrap_or(self.rate_hz);
                self.events.chains(change);
                // Where a later segment begins, its chains come again.
                let is_new = |chain: &&Chain| self.chains.iter().all(|known| known.id != chain.id);
                let new: Vec<Known> = change.chains.iter().filter(is_new).map(Known::of).collect();
                self.chains.extend(new);
                self.adopt(&clean.spans);
            }
            Input::Gap(_) => {
                self.raw.clear();
                self.raw.resize(clean.clean.len(), f64::NAN);
                self.spans.fill(None);
                self.stretches(clean, &mut found);
            }
            Input::Rows(block) => {
                self.raw.clear();
                block.samples.widen(&mut self.raw);
                self.stretches(clean, &mut found);
            }
        }
        found
    }

    /// What is still open when the recording ends at `row`.
    pub fn finish(&mut self, row: u64) -> Findings {
        let mut found = Findings::default();
        self.watch.finish(row, &mut found);
        self.artefacts.finish(row, &mut found);
        self.events.finish(row, &mut found);
        found
    }

    /// Activity of this channel is given as a share of this maximum from now on.
    pub fn calibrate(&mut self, calibration: &Calibration) {
        self.events.calibrate(calibration);
    }

    /// Events that go on, in order of channels.
    pub fn active(&self) -> impl Iterator<Item = Active> + '_ {
        self.events.active()
    }

    /// Events that ended and were not handed out yet: they become findings when they are judged.
    pub fn waiting(&self) -> impl Iterator<Item = Waiting> + '_ {
        self.events.waiting()
    }

    /// Spans that run at the present row, known from elsewhere.
    pub fn adopt(&mut self, spans: &[Span]) {
        for span in spans {
            let channel = index(u64::from(span.channel));
            let known = self.chains.iter().find(|known| known.id == span.chain);
            if let Some(slot) = self.spans.get_mut(channel) {
                let settled = known.map(|known| span.sample.saturating_add(known.settle_rows));
                *slot = Some(Span { settled_sample: settled.unwrap_or(span.settled_sample), ..*span });
                self.hum[channel] = known.map_or([f64::NAN; 2], |known| known.hum);
            }
        }
    }

    /// Everything that is carried on, for [`Observer::restore`].
    #[must_use]
    pub fn state(&self) -> Vec<u64> {
        let mut tape = Tape::default();
        tape.u64(STATE).f64(self.rate_hz).u64(wide(self.chains.len()));
        for known in &self.chains {
            tape.u64(u64::from(known.id)).u64(known.settle_rows).f64(known.hum[0]).f64(known.hum[1]);
        }
        self.watch.save(&mut tape);
        self.artefacts.save(&mut tape);
        self.events.save(&mut tape);
        tape.0
    }

    /// The observer that goes on from a state; none where the words are not a state of this version. Running spans
    /// are told by [`Observer::adopt`].
    #[must_use]
    pub fn restore(channels: &[Channel], words: &[u64]) -> Option<Self> {
        let mut observer = Self::new(channels);
        let reel = &mut Reel::new(words);
        if reel.u64()? != STATE {
            return None;
        }
        observer.rate_hz = reel.f64()?;
        let chains = index(reel.u64()?);
        if chains > MOST_CHAINS {
            return None;
        }
        for _ in 0..chains {
            let id = u32::try_from(reel.u64()?).ok()?;
            let (settle_rows, hum) = (reel.u64()?, [reel.f64()?, reel.f64()?]);
            observer.chains.push(Known { id, settle_rows, hum });
        }
        observer.watch.load(reel)?;
        observer.artefacts.load(reel)?;
        observer.events.load(reel)?;
        reel.is_done().then_some(observer)
    }

    /// Hands rows on in stretches that end where a span begins, or ends because a channel's value is missing.
    fn stretches(&mut self, clean: &CleanBlock, found: &mut Findings) {
        let rows = clean.clean.len() / self.channels.max(1);
        let mut at = 0;
        let mut spans = clean.spans.iter().peekable();
        while at < rows {
            while let Some(span) = spans.next_if(|span| span.sample <= clean.sample + wide(at)) {
                self.adopt(std::slice::from_ref(span));
            }
            let next = spans.peek().map_or(rows, |span| index(span.sample - clean.sample).min(rows));
            let step = index(GRID - (clean.sample + wide(at)) % GRID);
            let next = self.undisturbed(at, next.min(at + step), &clean.clean);
            self.look(at, next, clean, found);
            at = next;
        }
    }

    /// Ends the spans of channels whose value is missing at row `from`; gives the row before which none goes missing.
    fn undisturbed(&mut self, from: usize, to: usize, clean: &[f32]) -> usize {
        let values = &clean[from * self.channels..to * self.channels];
        if values.iter().fold(true, |all, value| all & !value.is_nan()) {
            return to;
        }
        for (span, value) in self.spans.iter_mut().zip(values) {
            *span = span.filter(|_| !value.is_nan());
        }
        let goes = |row: &[f32]| row.iter().zip(&self.spans).any(|(v, span)| v.is_nan() && span.is_some());
        values.chunks_exact(self.channels).position(goes).map_or(to, |row| from + row)
    }

    fn look(&mut self, from: usize, to: usize, clean: &CleanBlock, found: &mut Findings) {
        if self.rate_hz <= 0.0 {
            return;
        }
        let cut = from * self.channels..to * self.channels;
        let look = Look {
            sample: clean.sample + wide(from),
            channels: self.channels,
            raw: &self.raw[cut.clone()],
            clean: &clean.clean[cut],
            spans: &self.spans,
            hum: &self.hum,
            rate_hz: self.rate_hz,
        };
        // Events are told the artefacts of these rows alone.
        let mut new = Findings::default();
        self.watch.look(&look, &mut new);
        self.artefacts.look(&look, &mut new);
        self.events.look(&look, &mut new);
        found.events.append(&mut new.events);
        found.quality.append(&mut new.quality);
        found.artefacts.append(&mut new.artefacts);
    }
}
