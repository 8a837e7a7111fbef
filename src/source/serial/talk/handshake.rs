//! What is said to a board of ours until its samples flow, without I/O: answers go in, the next command comes out.
//!
//! Ask who it is, stop it, set it, ask again whether that holds, start it. A command without an answer is said again;
//! how long to go on so is for those who hold the port to say. The commands' table stands in `source/framed`.

use crate::emg::units::float;
use crate::source::framed::{Ack, Identity, Mode, Outcome};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// A command is said again after this long: an answer takes 5 ms, a bootloader up to 2 s.
const AGAIN: Duration = Duration::from_millis(500);
/// A board that still differs after so many rounds of setting it never will agree.
const ROUNDS: u32 = 3;
/// What ten bits hold goes packed.
const PACKED_BITS: u8 = 10;

/// What a board is to be set to; what is none stays as the board has it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::source::serial) struct Wanted {
    pub(in crate::source::serial) channels: Option<u16>,
    pub(in crate::source::serial) rate_hz: Option<f64>,
    pub(in crate::source::serial) baud: Option<u32>,
}

impl Wanted {
    /// What this board already is.
    pub(in crate::source::serial) fn of(identity: &Identity) -> Self {
        Self {
            channels: Some(u16::from(identity.channels)),
            rate_hz: Some(identity.rate_hz()),
            baud: Some(identity.baud),
        }
    }

    /// The commands that turn a board into what is wanted. A setting it has already is left alone, and a rate that
    /// goes down is set before the channels, so that no step between asks more than either end.
    fn commands(self, identity: &Identity) -> VecDeque<String> {
        let mut commands = VecDeque::new();
        if identity.running {
            commands.push_back("X".to_owned());
        }
        let mode = if identity.adc_bits > PACKED_BITS { Mode::Wide } else { Mode::Packed };
        if identity.mode != mode {
            commands.push_back(format!("M{}", mode.code()));
        }
        let channels = self.channels.filter(|channels| *channels != u16::from(identity.channels));
        let channels = channels.map(|channels| format!("N{channels}"));
        let ticks = f64::from(identity.timer_hz) / self.rate_hz.unwrap_or(identity.rate_hz());
        let off = (ticks - f64::from(identity.scan_ticks)).abs() >= 1.0;
        let rate = self.rate_hz.filter(|_| off).map(|rate| format!("R{rate:.0}"));
        if ticks > f64::from(identity.scan_ticks) {
            commands.extend(rate.into_iter().chain(channels));
        } else {
            commands.extend(channels.into_iter().chain(rate));
        }
        let baud = self.baud.filter(|baud| *baud != identity.baud);
        commands.extend(baud.map(|baud| format!("B{baud}")));
        commands
    }
}

/// Why a board cannot be used, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::source::serial) struct Refusal {
    pub(in crate::source::serial) reason: String,
    pub(in crate::source::serial) advice: String,
}

/// A conversation.
#[derive(Debug)]
pub(in crate::source::serial) struct Handshake {
    wanted: Wanted,
    stage: Stage,
    rounds: u32,
    /// When the command under way was said last.
    said: Option<Instant>,
    /// The board has agreed to go on at this baud rate, and the port has not followed yet.
    turned: Option<u32>,
}

#[derive(Debug)]
enum Stage {
    /// Nobody has answered yet.
    Asking,
    /// The first command waits for its answer.
    Telling(VecDeque<String>),
    /// It is what is wanted, and stopped.
    Ready(Box<Identity>),
    Starting,
    Running,
    Refused(Refusal),
}

impl Handshake {
    pub(in crate::source::serial) fn new(wanted: Wanted) -> Self {
        Self { wanted, stage: Stage::Asking, rounds: 0, said: None, turned: None }
    }

    /// Whether a board has said who it is.
    pub(in crate::source::serial) fn identified(&self) -> bool {
        !matches!(self.stage, Stage::Asking)
    }

    /// The board as it is set, while it waits to be started.
    pub(in crate::source::serial) fn ready(&self) -> Option<&Identity> {
        if let Stage::Ready(identity) = &self.stage { Some(identity) } else { None }
    }

    /// Whether rows are those that were asked for.
    pub(in crate::source::serial) fn flows(&self) -> bool {
        matches!(self.stage, Stage::Starting | Stage::Running)
    }

    pub(in crate::source::serial) fn refusal(&self) -> Option<&Refusal> {
        if let Stage::Refused(refusal) = &self.stage { Some(refusal) } else { None }
    }

    /// The baud rate the port is to follow the board to, told once.
    pub(in crate::source::serial) fn turn(&mut self) -> Option<u32> {
        self.turned.take()
    }

    /// The board cannot be used after all.
    pub(in crate::source::serial) fn refuse(&mut self, refusal: Refusal) {
        self.stage = Stage::Refused(refusal);
    }

    /// Starts a board that is ready.
    pub(in crate::source::serial) fn start(&mut self) {
        if matches!(self.stage, Stage::Ready(_)) {
            (self.stage, self.said) = (Stage::Starting, None);
        }
    }

    /// Rows came, so it runs, whether or not its answer arrived.
    pub(in crate::source::serial) fn hear_rows(&mut self) {
        self.stage = Stage::Running;
    }

    /// The board said what it is. While it is being told things, this may be the late answer to an earlier question.
    pub(in crate::source::serial) fn hear_identity(&mut self, identity: &Identity) {
        let awaited = match &self.stage {
            Stage::Asking => true,
            Stage::Telling(commands) => commands.front().is_some_and(|command| command == "I"),
            _ => false,
        };
        if !awaited {
            return;
        }
        self.said = None;
        let mut commands = self.wanted.commands(identity);
        if commands.is_empty() {
            self.stage = match crowded(identity) {
                Some(refusal) => Stage::Refused(refusal),
                None => Stage::Ready(Box::new(identity.clone())),
            };
        } else if self.rounds == ROUNDS {
            let list = Vec::from(commands).join(", ");
            self.refuse(Refusal {
                reason: format!("the board takes {list} and does not do it"),
                advice: "flash the firmware in scripts/firmware".to_owned(),
            });
        } else {
            self.rounds += 1;
            commands.push_back("I".to_owned());
            self.stage = Stage::Telling(commands);
        }
    }

    /// The board answered a command; answers to others than the one under way are late ones.
    pub(in crate::source::serial) fn hear_ack(&mut self, ack: Ack) {
        let under_way = |command: &String| command.as_bytes().first() == Some(&ack.command);
        match &mut self.stage {
            Stage::Starting if ack.command == b'G' => match ack.outcome {
                Outcome::Done | Outcome::Running => self.stage = Stage::Running,
                outcome => self.refuse(refusal("G", outcome)),
            },
            Stage::Telling(commands) if commands.front().is_some_and(under_way) => {
                self.said = None;
                match ack.outcome {
                    Outcome::Running => commands.push_front("X".to_owned()),
                    outcome => {
                        let command = commands.pop_front().unwrap_or_default();
                        if outcome != Outcome::Done && command != "X" {
                            self.refuse(refusal(&command, outcome));
                        } else if ack.command == b'B' {
                            self.turned = self.wanted.baud;
                        }
                    }
                }
            }
            _ => {}
        }
    }

    /// What to say now, if anything.
    pub(in crate::source::serial) fn say(&mut self, now: Instant) -> Option<String> {
        if self.said.is_some_and(|said| now.duration_since(said) < AGAIN) {
            return None;
        }
        let command = match &self.stage {
            Stage::Asking => "I",
            Stage::Telling(commands) => commands.front()?,
            Stage::Starting => "G",
            Stage::Ready(_) | Stage::Running | Stage::Refused(_) => return None,
        };
        self.said = Some(now);
        Some(format!("{command}\n"))
    }

    /// Asks a running board that has fallen silent whether it still runs.
    pub(in crate::source::serial) fn ask_again(&mut self, now: Instant) -> Option<String> {
        let early = self.said.is_some_and(|said| now.duration_since(said) < AGAIN);
        (matches!(self.stage, Stage::Running) && !early).then(|| {
            self.said = Some(now);
            "I\n".to_owned()
        })
    }
}

/// What helps where a line is too slow.
const ROOMIER: &str = "ask for fewer `channels=`, a lower `rate=` or a higher `baud=`";
/// A line may be this much quicker than its baud rate says: the Mega's 115200 is 2.1 % fast.
const QUICKER: f64 = 1.03;

/// Why a board set like this is not started: its line cannot carry the rows. What is close, the board decides.
fn crowded(identity: &Identity) -> Option<Refusal> {
    let needed = identity.bytes_per_s();
    let carried = f64::from(identity.baud) / 10.0;
    (needed > carried * QUICKER).then(|| Refusal {
        reason: format!(
            "{} channels at {:.0} Hz take {needed:.0} bytes a second, and a line of {} baud carries {carried:.0}",
            identity.channels,
            identity.rate_hz(),
            identity.baud
        ),
        advice: ROOMIER.to_owned(),
    })
}

/// Why a command was not done, in words.
fn refusal(command: &str, outcome: Outcome) -> Refusal {
    let value = command.get(1..).unwrap_or_default();
    let what = match command.get(..1) {
        Some("N") => format!("send {value} channels"),
        Some("R") => format!("sample {value} times a second"),
        Some("M") => "send packed samples".to_owned(),
        Some("B") => format!("talk at {value} baud"),
        _ => "start".to_owned(),
    };
    let number = match command.get(..1) {
        Some("N") => "channels",
        Some("B") => "baud",
        _ => "rate",
    };
    let (why, advice) = match outcome {
        Outcome::OutOfRange => {
            ("that is out of its range", format!("give another `{number}=`, or leave it out"))
        }
        Outcome::TooSlow => ("the line is too slow for that", ROOMIER.to_owned()),
        Outcome::Unknown => {
            ("it does not know the command", "flash the firmware in scripts/firmware".to_owned())
        }
        Outcome::Done | Outcome::Running | Outcome::Other(_) => {
            ("it does not say why", "reset the board and try again".to_owned())
        }
    };
    Refusal { reason: format!("the board refuses to {what}: {why}"), advice }
}

/// What two boards must share to be one column layout and one clock; a sentence where they do not.
pub(in crate::source::serial) fn difference(known: &Identity, found: &Identity) -> Option<String> {
    let clock = |board: &Identity| float(u64::from(board.timer_hz)) / f64::from(board.scan_ticks);
    let differs = |what: &str, was: String, is: String| {
        (was != is).then(|| format!("another board answers: its {what} is {is}, the recording's was {was}"))
    };
    let name = |board: &Identity| format!("`{}`", board.name);
    differs("station name", name(known), name(found))
        .or_else(|| differs("board", known.board_name().into(), found.board_name().into()))
        .or_else(|| differs("number of channels", known.channels.to_string(), found.channels.to_string()))
        .or_else(|| {
            let adc = |board: &Identity| format!("{} bits of {} mV", board.adc_bits, board.reference_mv);
            differs("converter", adc(known), adc(found))
        })
        .or_else(|| {
            let rate = |board: &Identity| format!("{:.3} Hz", clock(board));
            differs("rate", rate(known), rate(found))
        })
        .or_else(|| {
            let inputs = |board: &Identity| format!("{:#04x}", board.digital_mask);
            differs("mask of digital inputs", inputs(known), inputs(found))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(running: bool, channels: u8, scan_ticks: u32) -> Identity {
        Identity {
            channels,
            most_channels: 16,
            mode: Mode::Packed,
            adc_bits: 10,
            scan_ticks,
            timer_hz: 16_000_000,
            baud: 500_000,
            running,
            ..Identity::default()
        }
    }

    fn ack(command: u8, outcome: Outcome) -> Ack {
        Ack { epoch: 0, command, outcome, value: 0 }
    }

    /// What is said next, however long that takes.
    fn next(handshake: &mut Handshake, now: &mut Instant) -> Option<String> {
        *now += AGAIN;
        handshake.say(*now).map(|said| said.trim_end().to_owned())
    }

    #[test]
    fn a_running_board_is_stopped_set_asked_again_and_started() {
        let mut now = Instant::now();
        let mut talk = Handshake::new(Wanted { channels: Some(4), rate_hz: Some(2000.0), baud: None });
        assert_eq!(next(&mut talk, &mut now).as_deref(), Some("I"));
        assert_eq!(next(&mut talk, &mut now).as_deref(), Some("I"), "nobody answered");
        talk.hear_identity(&identity(true, 8, 16_000));
        for said in ["X", "N4", "R2000"] {
            assert_eq!(next(&mut talk, &mut now).as_deref(), Some(said));
            assert_eq!(talk.say(now), None, "not so soon");
            talk.hear_ack(ack(b'W', Outcome::Unknown));
            talk.hear_ack(ack(said.as_bytes()[0], Outcome::Done));
        }
        assert_eq!(next(&mut talk, &mut now).as_deref(), Some("I"));
        assert!(talk.ready().is_none() && !talk.flows());
        talk.hear_identity(&identity(false, 4, 8000));
        assert_eq!(talk.ready().map(|found| found.channels), Some(4));
        assert_eq!(next(&mut talk, &mut now), None, "it waits to be started");
        talk.start();
        assert_eq!(next(&mut talk, &mut now).as_deref(), Some("G"));
        talk.hear_ack(ack(b'G', Outcome::Done));
        assert!(talk.flows());
        assert_eq!(next(&mut talk, &mut now), None);
        now += AGAIN;
        assert_eq!(talk.ask_again(now).as_deref(), Some("I\n"));
    }

    #[test]
    fn a_board_that_is_what_is_wanted_is_not_touched() {
        let mut talk = Handshake::new(Wanted::default());
        talk.hear_identity(&identity(false, 8, 16_000));
        assert!(talk.ready().is_some());
        // 3000 Hz is no whole number of ticks; the nearest is what was asked for.
        let mut talk = Handshake::new(Wanted { rate_hz: Some(3000.0), ..Wanted::default() });
        talk.hear_identity(&identity(false, 8, 5333));
        assert!(talk.ready().is_some());
    }

    #[test]
    fn a_setting_the_board_was_running_for_is_tried_again_once_it_is_stopped() {
        let mut now = Instant::now();
        let mut talk = Handshake::new(Wanted { channels: Some(4), ..Wanted::default() });
        talk.hear_identity(&identity(false, 8, 16_000));
        assert_eq!(next(&mut talk, &mut now).as_deref(), Some("N4"));
        talk.hear_ack(ack(b'N', Outcome::Running));
        assert_eq!(next(&mut talk, &mut now).as_deref(), Some("X"));
        talk.hear_ack(ack(b'X', Outcome::Done));
        assert_eq!(next(&mut talk, &mut now).as_deref(), Some("N4"));
    }

    #[test]
    fn what_the_board_does_not_do_is_a_sentence() {
        let refused = |wanted, answer: Ack| {
            let mut talk = Handshake::new(wanted);
            talk.hear_identity(&identity(false, 8, 16_000));
            talk.hear_ack(answer);
            let refusal = talk.refusal().expect("a refusal");
            format!("{}; {}", refusal.reason, refusal.advice)
        };
        let fast = Wanted { rate_hz: Some(4000.0), ..Wanted::default() };
        let said = refused(fast, ack(b'R', Outcome::TooSlow));
        assert!(said.contains("sample 4000 times a second") && said.contains("too slow"), "{said}");
        let said = refused(fast, ack(b'R', Outcome::OutOfRange));
        assert!(said.contains("out of its range") && said.contains("`rate=`"), "{said}");
        let many = Wanted { channels: Some(17), ..Wanted::default() };
        let said = refused(many, ack(b'N', Outcome::OutOfRange));
        assert!(said.contains("send 17 channels") && said.contains("`channels=`"), "{said}");
    }

    #[test]
    fn another_baud_rate_is_asked_for_last_and_followed_once() {
        let mut now = Instant::now();
        let slower = Wanted { channels: Some(7), baud: Some(115_200), ..Wanted::default() };
        let mut talk = Handshake::new(slower);
        talk.hear_identity(&identity(false, 8, 16_000));
        assert_eq!(next(&mut talk, &mut now).as_deref(), Some("N7"));
        talk.hear_ack(ack(b'N', Outcome::Done));
        assert_eq!(next(&mut talk, &mut now).as_deref(), Some("B115200"));
        assert_eq!(talk.turn(), None, "the board has not agreed yet");
        talk.hear_ack(ack(b'B', Outcome::Done));
        assert_eq!((talk.turn(), talk.turn()), (Some(115_200), None));
        assert_eq!(next(&mut talk, &mut now).as_deref(), Some("I"));
        talk.hear_identity(&Identity { baud: 115_200, ..identity(false, 7, 16_000) });
        assert!(talk.ready().is_some());
    }

    #[test]
    fn a_line_that_cannot_carry_the_rows_is_refused_before_there_are_any() {
        let mut talk = Handshake::new(Wanted::default());
        talk.hear_identity(&Identity { baud: 115_200, digital_mask: 7, ..identity(false, 8, 16_000) });
        let Refusal { reason, advice } = talk.refusal().expect("a refusal");
        assert_eq!(
            reason,
            "8 channels at 1000 Hz take 12900 bytes a second, and a line of 115200 baud carries 11520"
        );
        assert!(["`channels=`", "`rate=`", "`baud=`"].iter().all(|word| advice.contains(word)), "{advice}");
    }

    #[test]
    fn a_board_that_agrees_and_does_nothing_is_refused_in_the_end() {
        let mut talk = Handshake::new(Wanted { channels: Some(4), ..Wanted::default() });
        for _ in 0..=ROUNDS {
            talk.hear_identity(&identity(false, 8, 16_000));
            talk.hear_ack(ack(b'N', Outcome::Done));
        }
        assert!(talk.refusal().unwrap().reason.contains("N4"));
    }

    #[test]
    fn another_board_is_told_from_the_same_one() {
        let known = identity(false, 8, 16_000);
        assert_eq!(difference(&known, &Identity { running: true, epoch: 9, ..known.clone() }), None);
        let others = [
            (Identity { name: "lab-2".into(), ..known.clone() }, "station name"),
            (Identity { channels: 4, ..known.clone() }, "channels"),
            (Identity { adc_bits: 12, ..known.clone() }, "converter"),
            (Identity { scan_ticks: 8000, ..known.clone() }, "2000.000 Hz"),
            (Identity { digital_mask: 1, ..known.clone() }, "digital inputs"),
        ];
        for (other, word) in others {
            assert!(difference(&known, &other).unwrap().contains(word));
        }
    }
}
