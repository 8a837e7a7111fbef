//! What one client has yet to be told. Putting never waits; what is put ranks by what its loss would mean.
//!
//! Answers, markers and notices are never lost: a client that lets [`IMPORTANT`] of them pile up is given up.
//! Trace bins lose their oldest, ticks all but the newest. The end comes last, whatever is still queued.

use crate::session::Event;
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Answers, markers and notices a client may leave unread: minutes of the busiest log there is.
pub(super) const IMPORTANT: usize = 1024;
/// Values of trace bins a client may leave unread, 8 MiB of them; one batch of any size always fits.
const BIN_VALUES: usize = 2 * 1024 * 1024;

/// How much a client wants to hear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Audience {
    /// It has not been welcomed: nothing.
    Stranger,
    /// Answers to its commands, and the end.
    Present,
    /// Everything.
    Subscribed,
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Put {
    /// It is queued, or the client does not want it.
    Taken,
    /// There was no room for something that must not be lost.
    Overflow,
}

/// The queue of one client.
#[derive(Debug)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    ready: Condvar,
}

#[derive(Debug)]
struct Waiting {
    audience: Audience,
    important: VecDeque<Arc<Event>>,
    bins: VecDeque<Arc<Event>>,
    bin_values: usize,
    tick: Option<Arc<Event>>,
    last: Option<Arc<Event>>,
    /// Nothing more is taken; what is queued is still given out.
    ending: bool,
    /// Nothing more is given out.
    closed: bool,
}

impl Queue {
    pub(super) fn new() -> Self {
        let waiting = Waiting {
            audience: Audience::Stranger,
            important: VecDeque::new(),
            bins: VecDeque::new(),
            bin_values: 0,
            tick: None,
            last: None,
            ending: false,
            closed: false,
        };
        Self { waiting: Mutex::new(waiting), ready: Condvar::new() }
    }

    /// Queues `event` for a client that is at least `audience`.
    pub(super) fn put(&self, event: Arc<Event>, audience: Audience) -> Put {
        let mut waiting = self.lock();
        if waiting.ending || waiting.audience < audience {
            return Put::Taken;
        }
        let put = waiting.put(event);
        self.ready.notify_one();
        put
    }

    /// From here on the client is told everything, after `history`; no broadcast comes in between.
    pub(super) fn subscribe(&self, history: Vec<Event>) -> Put {
        let mut waiting = self.lock();
        waiting.audience = Audience::Subscribed;
        if waiting.ending {
            return Put::Taken;
        }
        let overflow = history.into_iter().any(|event| waiting.put(Arc::new(event)) == Put::Overflow);
        self.ready.notify_one();
        if overflow { Put::Overflow } else { Put::Taken }
    }

    /// The client has been welcomed.
    pub(super) fn welcome(&self) {
        self.lock().audience = Audience::Present;
    }

    /// Whether the client has been welcomed.
    pub(super) fn is_welcome(&self) -> bool {
        self.lock().audience > Audience::Stranger
    }

    /// Whether the client is told everything.
    #[cfg(test)]
    pub(super) fn is_subscribed(&self) -> bool {
        self.lock().audience == Audience::Subscribed
    }

    /// The next event to tell, waiting for one; none once the queue is closed or at its end.
    pub(super) fn next(&self) -> Option<Arc<Event>> {
        let mut waiting = self.lock();
        loop {
            if waiting.closed {
                return None;
            }
            let next = waiting.take();
            if next.is_some() || waiting.ending {
                return next;
            }
            waiting = self.ready.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Takes nothing more and gives out what it has.
    pub(super) fn end(&self) {
        self.lock().ending = true;
        self.ready.notify_all();
    }

    /// Takes and gives out nothing more.
    pub(super) fn close(&self) {
        let mut waiting = self.lock();
        waiting.ending = true;
        waiting.closed = true;
        self.ready.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn put(&mut self, event: Arc<Event>) -> Put {
        match &*event {
            Event::Tick(_) => self.tick = Some(event),
            Event::Bins(_) => self.put_bins(event),
            Event::Finished { .. } => {
                self.last = Some(event);
                self.ending = true;
            }
            Event::Marked(_) | Event::Notice { .. } | Event::Answer { .. } => {
                if self.important.len() == IMPORTANT {
                    return Put::Overflow;
                }
                self.important.push_back(event);
            }
        }
        Put::Taken
    }

    fn put_bins(&mut self, event: Arc<Event>) {
        self.bin_values += values(&event);
        self.bins.push_back(event);
        while self.bin_values > BIN_VALUES && self.bins.len() > 1 {
            self.take_bins();
        }
    }

    fn take_bins(&mut self) -> Option<Arc<Event>> {
        let bins = self.bins.pop_front()?;
        self.bin_values -= values(&bins);
        Some(bins)
    }

    fn take(&mut self) -> Option<Arc<Event>> {
        let important = self.important.pop_front();
        important.or_else(|| self.take_bins()).or_else(|| self.tick.take()).or_else(|| self.last.take())
    }
}

/// Numbers in a batch of bins, and one for the batch itself so that empty ones pile up no less.
fn values(event: &Event) -> usize {
    match event {
        Event::Bins(bins) => 1 + 2 * (bins.clean.len() + bins.raw.len()),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::{Bins, Snapshot};
    use Audience::{Present, Subscribed};

    fn queue() -> Queue {
        let queue = Queue::new();
        queue.subscribe(Vec::new());
        queue
    }

    fn tick(rows: u64) -> Arc<Event> {
        Arc::new(Event::Tick(Box::new(Snapshot { rows, ..Snapshot::default() })))
    }

    fn notice(number: i64) -> Arc<Event> {
        Arc::new(Event::Notice { utc_ns: number, level: 3, text: String::new() })
    }

    fn bins(first: u64, pairs: usize) -> Arc<Event> {
        let clean = vec![(0.0, 1.0); pairs];
        Arc::new(Event::Bins(Bins { first, rows_per_bin: 10, channels: 1, clean, raw: Vec::new() }))
    }

    fn finished() -> Arc<Event> {
        Arc::new(Event::Finished { code: 0, text: String::new() })
    }

    fn drain(queue: &Queue) -> Vec<Arc<Event>> {
        queue.end();
        std::iter::from_fn(|| queue.next()).collect()
    }

    #[test]
    fn the_newest_tick_wins_and_the_end_comes_last() {
        let queue = queue();
        for event in [tick(1), notice(1), tick(2), bins(0, 4), notice(2), tick(3), finished(), notice(3)] {
            assert_eq!(queue.put(event, Subscribed), Put::Taken);
        }
        assert_eq!(drain(&queue), [notice(1), notice(2), bins(0, 4), tick(3), finished()]);
    }

    #[test]
    fn old_bins_go_first_and_the_newest_batch_always_stays() {
        let queue = queue();
        let batch = BIN_VALUES / 2 / 4;
        for first in 0..10 {
            queue.put(bins(first, batch), Subscribed);
        }
        queue.put(bins(10, 1), Subscribed);
        let kept = drain(&queue);
        assert_eq!(kept.len(), 4);
        assert_eq!(kept[3], bins(10, 1));
        let queue = super::tests::queue();
        queue.put(bins(0, BIN_VALUES), Subscribed);
        assert_eq!(drain(&queue).len(), 1);
    }

    #[test]
    fn what_must_not_be_lost_overflows_instead() {
        let queue = queue();
        for number in 0..i64::try_from(IMPORTANT).unwrap() {
            assert_eq!(queue.put(notice(number), Subscribed), Put::Taken);
        }
        assert_eq!(queue.put(tick(1), Subscribed), Put::Taken);
        assert_eq!(queue.put(notice(-1), Subscribed), Put::Overflow);
    }

    #[test]
    fn a_client_that_has_not_subscribed_hears_answers_and_the_end() {
        let queue = Queue::new();
        queue.put(notice(0), Present);
        queue.welcome();
        queue.put(notice(1), Present);
        queue.put(notice(2), Subscribed);
        queue.put(finished(), Present);
        assert_eq!(drain(&queue), [notice(1), finished()]);
    }
}
