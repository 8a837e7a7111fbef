//! THE DASHBOARD: a thin client of a recorder, on a terminal.
//!
//! It sees a [`Session`] and nothing of sockets, files or HDF5; leaving it never ends a recording. `update`
//! turns inputs into state and commands, `view` turns state into a picture, both pure; `terminal` is the
//! only part that touches the world. Called by `cli`.

mod app;
mod history;
mod keys;
mod terminal;
#[cfg(test)]
pub(crate) mod tests;
mod theme;
mod update;
mod view;
mod widget;

use crate::emg::Stamp;
use crate::session::earlier::Shelf;
use crate::session::review::Ask;
use crate::session::{Review, Session};
use app::App;
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded, never, select, tick};
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use terminal::input::{self, Inputs};
use terminal::painter::Painter;
use theme::Theme;
use update::Input;

/// Characters the traces are drawn with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Glyphs {
    /// Braille where the locale says UTF-8, else ASCII.
    #[default]
    Auto,
    /// 2 x 4 dots in a cell.
    Braille,
    /// Half blocks, for fonts without braille.
    Block,
    /// Nothing outside ASCII.
    Ascii,
}

/// How many colours are used; no fact depends on one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Color {
    /// From `NO_COLOR` and `TERM`.
    #[default]
    Auto,
    /// Bold and reverse only.
    Never,
    /// The terminal's own sixteen.
    Ansi16,
    /// The 256 of the usual palette.
    Ansi256,
}

/// Which colours are used for what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Look {
    /// Red for saturation, and little else.
    #[default]
    Default,
    /// Colours that are told apart by the colour-blind.
    ColourBlind,
    /// Bold and reverse only, on any terminal.
    Mono,
}

impl Look {
    /// All looks.
    pub const ALL: [Self; 3] = [Self::Default, Self::ColourBlind, Self::Mono];

    /// The word in the configuration and after `:theme`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::ColourBlind => "colour-blind",
            Self::Mono => "mono",
        }
    }
}

/// What a user may choose about the screen.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Characters.
    pub glyphs: Glyphs,
    /// Colours.
    pub color: Color,
    /// What colours mean.
    pub look: Look,
    /// Look only: no marker, no note, no stop from this screen.
    pub read_only: bool,
    /// Begin with the calibration view.
    pub calibration: bool,
    /// What earlier recordings of the subject knew, as soon as it is read.
    pub earlier: Shelf,
}

/// How a dashboard ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The user or a signal left; the recording goes on.
    Detached,
    /// The recorder has ended.
    Finished {
        /// Exit code of the recorder.
        code: u8,
        /// What was stored, or what was lost.
        text: String,
    },
    /// The user left after the recorder had vanished without a word.
    RecorderGone,
}

/// Why there is no dashboard.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Standard output is not a terminal.
    #[error(
        "there is no terminal to draw the dashboard on; use `myograph record --headless` to record without \
         one, or `myograph status` to look at a running recorder"
    )]
    NoTerminal,
    /// The terminal refused something.
    #[error("the terminal could not be {attempt}; `reset` repairs it, `myograph status` works without it")]
    Terminal {
        /// What was attempted.
        attempt: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// A shell runs it in the background and does not stop it there.
    #[error(
        "the dashboard cannot be drawn from the background; bring it to the front with `fg`, or use `myograph status`"
    )]
    Background,
    /// Keys cannot be read any more.
    #[error(
        "the terminal gives no more keys; the recording goes on, `myograph attach` opens another dashboard"
    )]
    NoKeys,
    /// Signals could not be caught.
    #[error(
        "signals could not be caught, so the terminal could not be given back safely; use `myograph status`"
    )]
    Signals {
        /// Why not.
        source: io::Error,
    },
    /// A thread could not be started.
    #[error(
        "the dashboard's thread {name} could not be started; use `myograph status`, or end other programs"
    )]
    Thread {
        /// Which one.
        name: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// A part of the dashboard panicked; its message stands above.
    #[error("the dashboard failed; the recording goes on, `myograph attach` opens another one")]
    Failed,
}

/// Time between two looks at the clock.
const TICK: Duration = Duration::from_millis(100);
/// How long a command that could not be sent at once may hold up the end.
const LAST_WORD: Duration = Duration::from_millis(300);

/// Shows a session on this terminal until the user leaves or the recorder ends.
pub fn run(session: Session, options: Options) -> Result<Exit, Error> {
    open(session, None, options)
}

/// Shows a recording that is looked at again, until the user leaves.
pub fn review(review: Review, options: Options) -> Result<(), Error> {
    // There is no recorder: nothing is said to this end, and nothing comes from it.
    let (commands, _nobody) = bounded(1);
    open(Session { commands, events: never() }, Some(review), options).map(drop)
}

fn open(session: Session, review: Option<Review>, options: Options) -> Result<Exit, Error> {
    let environment = |name: &str| std::env::var(name).ok();
    let now = Stamp::now();
    let theme = Theme::new(theme::color(options.color, &environment), options.look);
    let mut app = App::new(theme::dots(options.glyphs, &environment), theme, options.read_only, now);
    app.utc_offset_s = chrono::Local::now().offset().local_minus_utc();
    app.seed = update::scramble(now.utc_ns.cast_unsigned() ^ u64::from(std::process::id()).rotate_left(32));

    app.earlier = options.earlier;
    if options.calibration {
        app.view = keys::View::Calibration;
    }
    app.review = review.as_ref().map(|_| Box::new(app::review::Review::new()));

    let screen = terminal::Screen::enter()?;
    let inputs = input::listen()?;
    let app = Arc::new(Mutex::new(app));
    let painter = Painter::start(Arc::clone(&app))?;
    let exit = converse(session, review, &app, &inputs, &painter);
    painter.stop();
    drop(screen);
    exit
}

/// Passes inputs to the app and its commands to the recorder, until the app wants to end.
fn converse(
    session: Session,
    review: Option<Review>,
    app: &Mutex<App>,
    inputs: &Inputs,
    painter: &Painter,
) -> Result<Exit, Error> {
    let lock = || app.lock().unwrap_or_else(PoisonError::into_inner);
    let Session { commands, mut events } = session;
    let clock: Receiver<_> = tick(TICK);
    let mut outbox = VecDeque::new();
    let (asks, mut tells) = if let Some(Review { asks, tells }) = review {
        (Some(asks), tells)
    } else {
        outbox.push_back(update::subscribe(&mut lock()));
        (None, never())
    };
    loop {
        while let Some(command) = outbox.pop_front() {
            match commands.try_send(command) {
                Ok(()) => {}
                // The recorder's side is busy: the command keeps its place, and its stamp.
                Err(TrySendError::Full(command)) => {
                    outbox.push_front(command);
                    break;
                }
                Err(TrySendError::Disconnected(_)) => lock().lost = true,
            }
        }
        let (at, input) = select! {
            recv(inputs.receiver) -> input => input.map_err(|_| Error::NoKeys)?,
            recv(events) -> event => if let Ok(event) = event {
                (Stamp::now(), Input::Event(event))
            } else {
                events = never();
                (Stamp::now(), Input::Lost)
            },
            recv(tells) -> tell => if let Ok(tell) = tell {
                (Stamp::now(), Input::Tell(tell))
            } else {
                tells = never();
                (Stamp::now(), Input::Lost)
            },
            recv(painter.ended()) -> why => return Err(why.map_or(Error::Failed, |source| {
                Error::Terminal { attempt: "drawn on", source }
            })),
            recv(clock) -> _ => (Stamp::now(), Input::Clock),
        };
        let mut app = lock();
        outbox.extend(update::update(&mut app, at, input));
        if let Some(asks) = &asks {
            send_asks(&mut app, asks);
        }
        if std::mem::take(&mut app.wishes.suspend) && !terminal::job::ask_to_stop() {
            app.reply = Some((at, "no shell to go back to: q leaves, the recording goes on".to_owned()));
        }
        match app.wishes.exit.take() {
            _ if terminal::panicked() => return Err(Error::Failed),
            Some(exit) => {
                drop(app);
                // A marker that was pressed just before leaving is not left behind.
                for command in outbox {
                    let _ = commands.send_timeout(command, LAST_WORD);
                }
                return Ok(exit);
            }
            None => {}
        }
    }
}

/// Passes on what a review asks; what finds no room waits for its turn.
fn send_asks(app: &mut App, asks: &Sender<Ask>) {
    let Some(review) = &mut app.review else { return };
    while let Some(ask) = review.asks.pop_front() {
        if let Err(TrySendError::Full(ask)) = asks.try_send(ask) {
            review.asks.push_front(ask);
            return;
        }
    }
}
