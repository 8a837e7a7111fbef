//! Stories of a thread whose board, journal and screen are played by the test.

use super::*;
use crate::emg::{Cause, Channel, Kind, SampleType, Samples};
use crate::pipeline::preset;
use crate::source::{Error, Packet};
use crossbeam_channel::{Receiver, bounded};

/// A live board that says what a story has it say, then ends.
struct Board {
    says: std::vec::IntoIter<Reading>,
    /// The operator records from this many readings on.
    records_at: Option<usize>,
    orders: Arc<Orders>,
}

impl Source for Board {
    fn open(&mut self) -> Result<Description, Error> {
        Ok(description())
    }

    fn read(&mut self) -> Result<Reading, Error> {
        if Some(self.says.len()) == self.records_at {
            self.orders.record.store(true, Ordering::Relaxed);
        }
        Ok(self.says.next().unwrap_or(Reading::Ended))
    }
}

fn channels() -> Vec<Channel> {
    vec![Channel::new("zyg", Kind::Raw)]
}

fn description() -> Description {
    Description {
        uri: "test:".to_owned(),
        board: String::new(),
        channels: channels(),
        sample_type: SampleType::I16,
        nominal_hz: Some(1000.0),
        losses_counted: true,
        digital: false,
        can_wait: false,
        remarks: Vec::new(),
    }
}

/// Ten rows from `index` on.
fn ten(index: u64) -> Reading {
    Reading::Rows(Packet {
        epoch: 1,
        index,
        device_us: 0,
        stamp: Stamp::now(),
        samples: Samples::I16(vec![0; 10]),
        digital: Vec::new(),
        cause: Cause::Restart,
    })
}

struct Story {
    acquire: Acquire,
    journal: Receiver<Piece>,
    screen: Receiver<Piece>,
    told: Receiver<Told>,
}

/// A thread whose board says this, with so many places in the queues to journal and screen.
fn story(says: Vec<Reading>, records_at: Option<usize>, places: [usize; 2]) -> Story {
    let orders = Arc::new(Orders::default());
    orders.record.store(records_at.is_none(), Ordering::Relaxed);
    let source = Box::new(Board { says: says.into_iter(), records_at, orders: orders.clone() });
    let (journal_in, journal) = bounded(places[0]);
    let (screen_in, screen) = bounded(places[1]);
    let (told_in, told) = bounded(64);
    let filter = preset::Options::default();
    let options = Options {
        channels: channels(),
        filter,
        duration: None,
        rotate: None,
        chunk_rows: 1000,
        goes_on: None,
    };
    let acquire = Acquire {
        source,
        description: description(),
        options,
        orders,
        vitals: Arc::default(),
        journal: journal_in,
        process: screen_in,
        told: told_in,
        diverged: Arc::default(),
        again: Box::new(|| Err("there is no other board".to_owned())),
        clocks: clocks::Watch::default(),
    };
    Story { acquire, journal, screen, told }
}

#[test]
fn what_was_only_looked_at_is_forgotten_when_a_recording_begins() {
    let lost = Reading::Refused { lines: 3, example: "?".to_owned() };
    let says = vec![ten(0), ten(500), lost, Reading::Back("it is back".to_owned()), ten(510), ten(520)];
    let story = story(says, Some(1), [4096, 4096]);
    let vitals = story.acquire.vitals.clone();
    story.acquire.run();
    assert_eq!(turns(&story.told), [Told::Begun, Told::Ended(Ending::SourceEnded)]);
    let vitals = vitals.lock();
    assert_eq!((vitals.next_row, vitals.gaps, vitals.refused, vitals.reconnects), (10, 0, 0, 0));
    assert!(vitals.last_gap.is_none());
    let rows: u64 = story.journal.try_iter().map(|piece| piece.rows()).sum();
    assert_eq!(rows, 10, "the journal never hears of what came before");
}

#[test]
fn rows_that_wait_at_the_end_reach_a_journal_that_takes_them_again() {
    let story = story((0..50).map(|n| ten(10 * n)).collect(), None, [2, 4096]);
    let vitals = story.acquire.vitals.clone();
    let journal = story.journal;
    let told = story.told;
    let take = move || journal.iter().map(|piece| piece.rows()).sum::<u64>();
    let take = std::thread::Builder::new().name("journal".to_owned()).spawn(take).unwrap();
    story.acquire.run();
    assert_eq!(turns(&told), [Told::Ended(Ending::SourceEnded)]);
    assert_eq!(take.join().unwrap(), 500, "as rows or as a gap, every one is accounted for");
    assert!(vitals.lock().blemishes.is_empty());
}

#[test]
fn rows_that_are_given_up_at_the_end_are_counted() {
    let story = story((0..50).map(|n| ten(10 * n)).collect(), None, [1, 4096]);
    let vitals = story.acquire.vitals.clone();
    story.acquire.orders.give_up.store(true, Ordering::Relaxed);
    story.acquire.run();
    let taken: u64 = story.journal.try_iter().map(|piece| piece.rows()).sum();
    let said = vitals.lock().blemishes.join("\n");
    assert!(said.contains(&format!("the last {} rows were given up", 500 - taken)), "{said}");
}

#[test]
fn a_screen_that_is_behind_loses_rows_and_keeps_its_filters() {
    let story = story((0..200).map(|n| ten(10 * n)).collect(), None, [4096, 2 * KEPT_FREE]);
    let (vitals, diverged) = (story.acquire.vitals.clone(), story.acquire.diverged.clone());
    story.acquire.run();
    let pieces: Vec<Piece> = story.screen.try_iter().collect();
    assert!(pieces.iter().any(|piece| matches!(piece, Piece::Chains(_))));
    assert_eq!(pieces.len(), KEPT_FREE);
    assert!(vitals.lock().skipped_rows > 0);
    assert!(!diverged.load(Ordering::Relaxed), "rows that are missing show by their numbers");
}

#[test]
fn filters_the_screen_could_not_be_told_of_are_not_the_files() {
    let story = story(vec![ten(0)], None, [4096, 0]);
    let diverged = story.acquire.diverged.clone();
    story.acquire.run();
    assert!(diverged.load(Ordering::Relaxed));
}

#[test]
fn filters_chosen_while_looking_are_those_of_the_recording_that_begins() {
    let story = story(vec![ten(0), ten(10), ten(20)], Some(1), [4096, 4096]);
    let wanted = preset::Options {
        line_hz: 60.0,
        preset: preset::Preset::Band { low: 30.0, high: 200.0 },
        ..preset::Options::default()
    };
    story.acquire.orders.filter(wanted);
    story.acquire.run();
    let told: Vec<_> = story.told.try_iter().collect();
    assert_eq!(told, [Told::Filtered(Ok(0)), Told::Begun, Told::Ended(Ending::SourceEnded)]);
    let words = story.journal.try_iter().find_map(|piece| match piece {
        Piece::Chains(change) => Some(change.chains[0].words.clone()),
        _ => None,
    });
    assert_eq!(words.as_deref(), Some("BP30-200 N60+h Q10"));
}

/// What the thread told besides sentences for the screens.
fn turns(told: &Receiver<Told>) -> Vec<Told> {
    told.try_iter().filter(|told| !matches!(told, Told::Said(..))).collect()
}

/// A board whose code fails where a story has it fail.
struct Broken(std::vec::IntoIter<Option<Reading>>);

impl Source for Broken {
    fn open(&mut self) -> Result<Description, Error> {
        Ok(description())
    }

    fn read(&mut self) -> Result<Reading, Error> {
        let next = self.0.next().unwrap_or(Some(Reading::Ended));
        Ok(next.unwrap_or_else(|| panic!("an index out of bounds")))
    }
}

#[test]
fn a_source_whose_code_fails_is_opened_again_behind_a_gap() {
    let mut story = story(Vec::new(), None, [4096, 4096]);
    let vitals = story.acquire.vitals.clone();
    story.acquire.source = Box::new(Broken(vec![Some(ten(0)), Some(ten(10)), None].into_iter()));
    story.acquire.again = Box::new(|| Ok(Box::new(Broken(vec![Some(ten(20)), Some(ten(30))].into_iter()))));
    story.acquire.run();
    let pieces: Vec<Piece> = story.journal.try_iter().collect();
    let gaps: Vec<_> = pieces
        .iter()
        .filter_map(
            |piece| if let Piece::Gap(gap) = piece { Some((gap.sample, gap.exact, gap.cause)) } else { None },
        )
        .collect();
    assert_eq!(gaps, [(20, false, Cause::Restart)]);
    assert_eq!(pieces.iter().map(Piece::rows).sum::<u64>(), 40);
    assert_eq!(turns(&story.told), [Told::Ended(Ending::SourceEnded)]);
    let vitals = vitals.lock();
    assert_eq!((vitals.panics, vitals.reconnects, vitals.alive), (1, 1, true));
    assert!(
        vitals.blemishes[0].contains("`acquire` failed") && vitals.blemishes[0].contains("out of bounds")
    );
}

#[test]
fn a_source_that_can_wait_and_fails_ends_the_recording_instead_of_beginning_again() {
    let mut story = story(Vec::new(), None, [4096, 4096]);
    story.acquire.description.can_wait = true;
    story.acquire.source = Box::new(Broken(vec![Some(ten(0)), None].into_iter()));
    story.acquire.run();
    assert!(matches!(&turns(&story.told)[..], [Told::Ended(Ending::SourceFailed(_))]));
    assert_eq!(story.journal.try_iter().map(|piece| piece.rows()).sum::<u64>(), 10);
}
