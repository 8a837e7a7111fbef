//! What faces do without meaning anything: blinks, swallows, speech, chewing, told by which muscles move together, for
//! how long and in what rhythm.
//!
//! Rules of thumb over the muscles a montage names; without names there are no rules. They reject, never repair.

use super::judge::Entry;
use crate::emg::Channel;
use crate::emg::units::float;

/// Where a channel's muscle lies, as far as the rules care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Site {
    /// Orbicularis oculi.
    Eye,
    /// Brow and forehead.
    Upper,
    /// Lips and chin: what swallows and speaks.
    Mouth,
    /// Masseter and temporalis: swallows, speaks and chews.
    Jaw,
    /// Cheek and upper lip: moves with speech, hardly with swallows.
    Cheek,
    /// No name, or one that no rule knows.
    Other,
}

impl Site {
    pub(super) fn of(channel: &Channel) -> Self {
        match channel.muscle.to_lowercase().as_str() {
            "orbicularis oculi" => Self::Eye,
            "frontalis medialis"
            | "frontalis lateralis"
            | "frontalis"
            | "corrugator supercilii"
            | "depressor supercilii" => Self::Upper,
            "orbicularis oris" | "depressor anguli oris" | "depressor labii inferioris" | "mentalis" => {
                Self::Mouth
            }
            "masseter" | "temporalis" => Self::Jaw,
            "zygomaticus major"
            | "zygomaticus minor"
            | "levator labii superioris"
            | "levator labii alaeque nasi"
            | "buccinator"
            | "risorius" => Self::Cheek,
            _ => Self::Other,
        }
    }
}

/// A habit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Habit {
    Blink,
    Swallow,
    Speech,
    Chewing,
}

impl Habit {
    /// The rule's name in files.
    pub(super) fn rule(self) -> &'static str {
        match self {
            Self::Blink => "blink",
            Self::Swallow => "swallow",
            Self::Speech => "speech",
            Self::Chewing => "chewing",
        }
    }
}

/// Durations of a blink as the detector sees them, seconds: 100-300 ms, give or take what filters and noise do to it.
const BLINK_S: (f64, f64) = (0.07, 0.36);
/// Duration of a swallow, seconds.
const SWALLOW_S: (f64, f64) = (0.3, 1.8);
/// Bursts a second of syllables and of bites.
const SYLLABLES_HZ: (f64, f64) = (2.0, 8.0);
const BITES_HZ: (f64, f64) = (0.6, 2.5);
/// Bursts that make a rhythm.
const RHYTHM: u32 = 3;
/// Longest pause within speech, and between bites, seconds.
const PAUSE_S: f64 = 0.35;
const BITE_PAUSE_S: f64 = 1.2;
/// Movements that begin within this time are one movement, seconds.
const TOGETHER_S: f64 = 0.2;
/// Activity below this share of the loudest may be cross-talk; above it a muscle moves on its own.
const OWN: f64 = 0.3;

/// Events and the muscles they are on.
pub(super) struct Scene<'a> {
    pub(super) sites: &'a [Site],
    pub(super) entries: &'a [Entry],
    pub(super) rate_hz: f64,
}

impl Scene<'_> {
    /// The habit an event is part of, with all events that are.
    pub(super) fn habit(&self, at: usize) -> Option<(Habit, Vec<usize>)> {
        let rules = [Self::blink, Self::chewing, Self::speech, Self::swallow];
        rules.iter().find_map(|rule| rule(self, at).filter(|(_, members)| members.contains(&at)))
    }

    fn site(&self, at: usize) -> Site {
        self.sites[self.entries[at].channel]
    }

    /// Events that overlap an event, or come within a pause of one that does, among those of the sites; itself
    /// included.
    fn around(&self, at: usize, pause_s: f64, sites: &[Site]) -> Vec<usize> {
        let pause = crate::emg::units::count(pause_s * self.rate_hz);
        let mut span = (self.entries[at].found.onset, self.entries[at].found.end);
        let mut members = vec![at];
        loop {
            let near = |&other: &usize| {
                let found = &self.entries[other].found;
                found.onset < span.1 + pause && found.end + pause > span.0
            };
            let more: Vec<usize> = (0..self.entries.len())
                .filter(|other| !members.contains(other) && sites.contains(&self.site(*other)) && near(other))
                .collect();
            if more.is_empty() {
                return members;
            }
            for &other in &more {
                let found = &self.entries[other].found;
                span = (span.0.min(found.onset), span.1.max(found.end));
            }
            members.extend(more);
        }
    }

    fn span(&self, members: &[usize]) -> (u64, u64) {
        let founds = || members.iter().map(|&member| &self.entries[member].found);
        (founds().map(|f| f.onset).min().unwrap_or(0), founds().map(|f| f.end).max().unwrap_or(0))
    }

    fn seconds(&self, (onset, end): (u64, u64)) -> f64 {
        float(end.saturating_sub(onset)) / self.rate_hz
    }

    fn loudest(&self, members: &[usize]) -> f64 {
        members.iter().map(|&member| self.entries[member].height()).fold(0.0, f64::max)
    }

    /// Events elsewhere that a habit would not explain, because they are loud and began with it, and those that may be
    /// its cross-talk. Loud ones that began at another time are another matter.
    fn elsewhere(&self, members: &[usize], loudest: f64) -> (Vec<usize>, Vec<usize>) {
        let (onset, end) = self.span(members);
        let (mut own, mut echoes) = (Vec::new(), Vec::new());
        for other in (0..self.entries.len()).filter(|other| !members.contains(other)) {
            let found = &self.entries[other].found;
            let common = found.end.min(end).saturating_sub(found.onset.max(onset));
            let apart = float(found.onset.abs_diff(onset)) / self.rate_hz;
            if self.entries[other].height() > OWN * loudest {
                if common > 0 && apart < TOGETHER_S {
                    own.push(other);
                }
            } else if 2 * common > found.end - found.onset {
                echoes.push(other);
            }
        }
        (own, echoes)
    }

    /// Around the eye alone, on one side or both, for 100-300 ms.
    fn blink(&self, at: usize) -> Option<(Habit, Vec<usize>)> {
        let eyes = |at: usize| self.around(at, 0.0, &[Site::Eye]);
        let is_short = |members: &[usize]| {
            members.iter().all(|&member| {
                let found = &self.entries[member].found;
                let s = self.seconds((found.onset, found.end));
                (BLINK_S.0..=BLINK_S.1).contains(&s)
            })
        };
        let mut members = if self.site(at) == Site::Eye {
            eyes(at)
        } else {
            // A faint echo elsewhere goes with the blink it echoes.
            let found = &self.entries[at].found;
            let eye = (0..self.entries.len()).find(|&eye| {
                let other = &self.entries[eye].found;
                self.site(eye) == Site::Eye && other.onset < found.end && found.onset < other.end
            })?;
            eyes(eye)
        };
        let (own, echoes) = self.elsewhere(&members, self.loudest(&members));
        let whole = own.is_empty() && is_short(&members);
        members.extend(echoes);
        whole.then_some((Habit::Blink, members))
    }

    /// Bites: bursts of the jaw's muscles one after the other.
    fn chewing(&self, at: usize) -> Option<(Habit, Vec<usize>)> {
        if self.site(at) != Site::Jaw {
            return None;
        }
        let members = self.around(at, BITE_PAUSE_S, &[Site::Jaw]);
        let same: Vec<usize> = members
            .iter()
            .copied()
            .filter(|&other| self.entries[other].channel == self.entries[at].channel)
            .collect();
        let bites = same.iter().map(|&other| self.entries[other].found.bursts.max(1)).sum::<u32>();
        self.is_rhythm(bites, self.span(&same), BITES_HZ).then_some((Habit::Chewing, members))
    }

    fn is_rhythm(&self, bursts: u32, span: (u64, u64), hz: (f64, f64)) -> bool {
        let pace = f64::from(bursts) / self.seconds(span).max(1.0 / self.rate_hz);
        bursts >= RHYTHM && (hz.0..=hz.1).contains(&pace)
    }

    /// Lips, jaw and cheeks in syllables, the brow not taking part.
    fn speech(&self, at: usize) -> Option<(Habit, Vec<usize>)> {
        let (mut members, loudest) = self.mouth(at, PAUSE_S)?;
        let syllables = |channel: usize| {
            let own = |&&m: &&usize| self.entries[m].channel == channel;
            members.iter().filter(own).map(|&m| self.entries[m].found.bursts.max(1)).sum::<u32>()
        };
        let (most, channel) = members
            .iter()
            .filter(|&&m| matches!(self.site(m), Site::Mouth | Site::Jaw))
            .map(|&m| self.entries[m].channel)
            .map(|channel| (syllables(channel), channel))
            .max()?;
        let own: Vec<usize> =
            members.iter().copied().filter(|&m| self.entries[m].channel == channel).collect();
        if !self.is_rhythm(most, self.span(&own), SYLLABLES_HZ) {
            return None;
        }
        let (own, echoes) = self.elsewhere(&members, loudest);
        members.extend(echoes);
        own.is_empty().then_some((Habit::Speech, members))
    }

    /// Lips, chin and jaw together for about a second, cheeks and brow hardly taking part.
    fn swallow(&self, at: usize) -> Option<(Habit, Vec<usize>)> {
        let (mut members, loudest) = self.mouth(at, 0.0)?;
        let is_loud = |site: Site, share: f64| {
            members.iter().any(|&m| self.site(m) == site && self.entries[m].height() > share * loudest)
        };
        let (mouth, cheek) =
            (is_loud(Site::Mouth, 0.99) || is_loud(Site::Jaw, 0.99), is_loud(Site::Cheek, OWN));
        let seconds = self.seconds(self.span(&members));
        let (own, echoes) = self.elsewhere(&members, loudest);
        members.extend(echoes);
        let is_one = mouth && !cheek && own.is_empty() && (SWALLOW_S.0..=SWALLOW_S.1).contains(&seconds);
        is_one.then_some((Habit::Swallow, members))
    }

    /// What mouth, jaw and cheeks do around an event, and how loud: only where at least two of their channels move,
    /// one of them at mouth or jaw.
    fn mouth(&self, at: usize, pause_s: f64) -> Option<(Vec<usize>, f64)> {
        const SITES: [Site; 3] = [Site::Mouth, Site::Jaw, Site::Cheek];
        let start = if SITES.contains(&self.site(at)) {
            at
        } else {
            let found = &self.entries[at].found;
            (0..self.entries.len()).find(|&other| {
                let with = &self.entries[other].found;
                SITES.contains(&self.site(other)) && with.onset < found.end && found.onset < with.end
            })?
        };
        let members = self.around(start, pause_s, &SITES);
        let moves = |m: &usize| matches!(self.site(*m), Site::Mouth | Site::Jaw);
        let channel = self.entries[*members.iter().find(|m| moves(m))?].channel;
        let together = members.iter().filter(|m| moves(m)).any(|&m| self.entries[m].channel != channel);
        let loudest = self.loudest(&members);
        together.then_some((members, loudest))
    }
}
