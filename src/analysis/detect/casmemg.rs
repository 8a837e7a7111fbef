//! The detector that comes with CASMEMG (Li et al., IEEE TAFFC 2025, 10.1109/taffc.2025.3575127) as its authors
//! describe and publish it, with the parameters they found best.
//!
//! One difference: theirs is told where to look (the annotated event with half a second on both sides is its clip, and
//! the mean of the clip's envelope its threshold); here the clip is the whole recording. Their rows are milliseconds;
//! here they are scaled to the rate, and the band ends at 0.45 of it where 450 Hz lies above that.

use crate::dsp::design::{Band, butterworth};
use crate::dsp::zero_phase;
use crate::emg::finding::event::Verdict;
use crate::emg::units::{count, float_len, index, length, wide};
use crate::emg::{Channel, Event, Kind};
use crate::face::events::class_of;

/// Order, band and edge of the envelope, Hz.
const ORDER: u32 = 2;
const BAND_HZ: (f64, f64) = (20.0, 450.0);
const USABLE: f64 = 0.45;
const ENVELOPE_HZ: f64 = 6.0;
/// Length of a frame and distance between frames, seconds.
const FRAME_S: f64 = 0.06;
const STEP_S: f64 = 0.03;
/// Threshold as a multiple of the envelope's mean; frames above it in a row that make an event.
const THRESHOLD: f64 = 1.0;
const LEAST: usize = 5;
/// Frames that onset and end are moved outward.
const BEFORE: usize = 2;
const BEHIND: usize = 6;
/// What comes first is thrown away, seconds.
const DISCARDED_S: f64 = 0.199;
/// Least sum of an event's envelope.
const LEAST_SUM: f64 = 1.0;

/// The events of `rows x channels` raw values; missing ones are bridged by straight lines.
pub(super) fn events(channels: &[Channel], values: &[f64], rate_hz: f64) -> Vec<Event> {
    let first = length(DISCARDED_S * rate_hz);
    let is_usable = USABLE * rate_hz > 2.0 * BAND_HZ.0;
    let raw = channels.iter().enumerate().filter(|(_, channel)| is_usable && channel.kind == Kind::Raw);
    let mut events = Vec::new();
    for (at, channel) in raw {
        let column = values.iter().skip(at).step_by(channels.len()).skip(first);
        let mut signal: Vec<f64> = column.map(|value| (value - channel.offset) * channel.scale).collect();
        bridge(&mut signal);
        let envelope = envelope(signal, rate_hz);
        for (onset, end) in spans(&envelope, rate_hz) {
            events.push(event(at, &envelope, (onset, end), first, rate_hz));
        }
    }
    events
}

fn event(
    channel: usize,
    envelope: &[f64],
    (onset, end): (usize, usize),
    first: usize,
    rate_hz: f64,
) -> Event {
    let peak = (onset..end).max_by(|a, b| envelope[*a].total_cmp(&envelope[*b])).unwrap_or(onset);
    let row = |at: usize| wide(first + at);
    let seconds = float_len(end - onset) / rate_hz;
    let class = class_of([seconds; 3]);
    Event {
        onset: row(onset),
        apex: row(peak),
        end: row(end),
        channel: u16::try_from(channel).unwrap_or(u16::MAX),
        class,
        peak: envelope[peak],
        mvc_percent: f64::NAN,
        snr_db: f64::NAN,
        rise_us: f64::NAN,
        onset_uncertainty_us: f64::NAN,
        duration_corrected_us: f64::NAN,
        duration_low_us: f64::NAN,
        duration_high_us: f64::NAN,
        verdict: Verdict::None,
    }
}

/// Missing values become a straight line between their neighbours, or the nearest value at the ends.
fn bridge(signal: &mut [f64]) {
    let mut at = 0;
    while at < signal.len() {
        if signal[at].is_finite() {
            at += 1;
            continue;
        }
        let end = (at..signal.len()).find(|&i| signal[i].is_finite()).unwrap_or(signal.len());
        let after = signal.get(end).copied();
        let before = at.checked_sub(1).map(|i| signal[i]).or(after).unwrap_or(0.0);
        let slope = (after.unwrap_or(before) - before) / float_len(end - at + 1);
        for (step, value) in signal[at..end].iter_mut().enumerate() {
            *value = before + slope * float_len(step + 1);
        }
        at = end;
    }
}

/// Band-pass without delay, mean off, absolute value, low-pass without delay.
fn envelope(mut signal: Vec<f64>, rate_hz: f64) -> Vec<f64> {
    let band = Band::BandPass(BAND_HZ.0, BAND_HZ.1.min(USABLE * rate_hz));
    zero_phase::filter(&butterworth(ORDER, band, rate_hz), 1, &mut signal);
    let mean = mean(&signal);
    for value in &mut signal {
        *value = (*value - mean).abs();
    }
    zero_phase::filter(&butterworth(ORDER, Band::LowPass(ENVELOPE_HZ), rate_hz), 1, &mut signal);
    signal
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / float_len(values.len()).max(1.0)
}

/// Onset and end of every event, rows of the envelope.
fn spans(envelope: &[f64], rate_hz: f64) -> Vec<(usize, usize)> {
    let of = |seconds: f64| index(count(seconds * rate_hz)).max(1);
    let (long, step) = (of(FRAME_S), of(STEP_S));
    let frames: Vec<f64> = envelope.windows(long).step_by(step).map(mean).collect();
    let threshold = THRESHOLD * mean(envelope);
    let lowest = |frame: usize| {
        let rows = frame * step..frame * step + long;
        rows.min_by(|a, b| envelope[*a].total_cmp(&envelope[*b])).unwrap_or(0)
    };
    let mut spans = Vec::new();
    let mut at = 0;
    while at < frames.len() {
        let above = frames[at..].iter().take_while(|frame| **frame > threshold).count();
        if above >= LEAST {
            let onset = lowest(at.saturating_sub(BEFORE));
            let end = lowest((at + above - 1 + BEHIND).min(frames.len() - 1));
            if end > onset && envelope[onset..end].iter().sum::<f64>() >= LEAST_SUM {
                spans.push((onset, end));
            }
        }
        at += above.max(1);
    }
    spans
}
