//! Reads keys and signals on threads of their own, so that a key is stamped when its byte is read, however
//! long the screen is stalled.

use super::job;
use crate::emg::Stamp;
use crate::tui::Error;
use crate::tui::keys::Key;
use crate::tui::update::Input;
use crossbeam_channel::{Receiver, Sender, bounded};
use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, poll, read};
use signal_hook::consts::{SIGCONT, SIGINT, SIGTERM, SIGTSTP};
use signal_hook::iterator::Signals;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// Inputs that may wait: more than a held key makes in the second a busy machine may take.
const WAITING: usize = 256;
/// How soon the reader sees that it is not wanted any more.
const LOOK: Duration = Duration::from_millis(100);

/// The inputs of this terminal with the moment they were read; dropping it ends the readers.
#[derive(Debug)]
pub(crate) struct Inputs {
    /// Keys, pasted text, the wish of a signal to end, and that the program goes on after a stop.
    pub(crate) receiver: Receiver<(Stamp, Input)>,
    unwanted: Arc<AtomicBool>,
    signals: signal_hook::iterator::Handle,
}

impl Drop for Inputs {
    fn drop(&mut self) {
        self.unwanted.store(true, Ordering::Relaxed);
        self.signals.close();
    }
}

/// Starts the readers.
pub(crate) fn listen() -> Result<Inputs, Error> {
    let (sender, receiver) = bounded(WAITING);
    let unwanted = Arc::new(AtomicBool::new(false));
    let signals =
        Signals::new([SIGINT, SIGTERM, SIGTSTP, SIGCONT]).map_err(|source| Error::Signals { source })?;
    let handle = signals.handle();
    let (to_signals, stop) = (sender.clone(), Arc::clone(&unwanted));
    let spawned = thread::Builder::new()
        .name("tui-signals".to_owned())
        .spawn(move || pass_signals(signals, &to_signals));
    spawned.map_err(|source| Error::Thread { name: "tui-signals", source })?;
    let spawned = thread::Builder::new().name("tui-keys".to_owned()).spawn(move || pass_keys(&sender, &stop));
    spawned.map_err(|source| Error::Thread { name: "tui-keys", source })?;
    Ok(Inputs { receiver, unwanted, signals: handle })
}

/// The first signal to end asks the dashboard; a second one does not wait for a stalled terminal. Stops and
/// goes on as a job of the shell.
fn pass_signals(mut signals: Signals, sender: &Sender<(Stamp, Input)>) {
    let mut asked = false;
    let mut pen = None;
    for signal in signals.forever() {
        if signal == SIGTSTP {
            if pen.is_none() {
                pen = job::stop();
            }
            continue;
        }
        if signal == SIGCONT {
            let input = if job::go_on() { Input::Resumed } else { Input::Quit };
            pen = None;
            let _ = sender.try_send((Stamp::now(), input));
            continue;
        }
        if asked || sender.try_send((Stamp::now(), Input::Quit)).is_err() {
            super::restore();
            let _ = signal_hook::low_level::emulate_default_handler(signal);
        }
        asked = true;
    }
}

fn pass_keys(sender: &Sender<(Stamp, Input)>, unwanted: &AtomicBool) {
    while !unwanted.load(Ordering::Relaxed) {
        let event = match poll(LOOK) {
            Ok(true) => read(),
            Ok(false) => continue,
            Err(error) => Err(error),
        };
        let at = Stamp::now();
        // A terminal that cannot be read any more closes the channel, which ends the dashboard.
        let Ok(event) = event else { return };
        if let Some(input) = translate(event)
            && sender.send((at, input)).is_err()
        {
            return;
        }
    }
}

/// What an event of the terminal means to the dashboard, if anything.
fn translate(event: Event) -> Option<Input> {
    match event {
        Event::Key(KeyEvent { code, modifiers, kind: KeyEventKind::Press, .. }) => {
            let command = modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
            let key = match code {
                KeyCode::Char(c) if modifiers == KeyModifiers::CONTROL => Key::Ctrl(c.to_ascii_lowercase()),
                KeyCode::Char(c) if !command => Key::Char(c),
                KeyCode::Backspace => Key::Backspace,
                KeyCode::Enter => Key::Enter,
                KeyCode::Esc => Key::Esc,
                KeyCode::Up => Key::Up,
                KeyCode::Down => Key::Down,
                KeyCode::Left => Key::Left,
                KeyCode::Right => Key::Right,
                KeyCode::PageUp => Key::PageUp,
                KeyCode::PageDown => Key::PageDown,
                KeyCode::Home => Key::Home,
                KeyCode::End => Key::End,
                KeyCode::Tab => Key::Tab,
                KeyCode::BackTab => Key::BackTab,
                KeyCode::F(number) => Key::F(number),
                _ => return None,
            };
            Some(Input::Key(key))
        }
        Event::Paste(text) => Some(Input::Paste(text)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(code: KeyCode, modifiers: KeyModifiers) -> Option<Key> {
        match translate(Event::Key(KeyEvent::new(code, modifiers))) {
            Some(Input::Key(key)) => Some(key),
            _ => None,
        }
    }

    #[test]
    fn only_plain_characters_can_be_markers() {
        assert_eq!(key(KeyCode::Char('S'), KeyModifiers::SHIFT), Some(Key::Char('S')));
        assert_eq!(key(KeyCode::Char('c'), KeyModifiers::CONTROL), Some(Key::Ctrl('c')));
        assert_eq!(key(KeyCode::Char('1'), KeyModifiers::ALT), None, "Alt-1 is not a marker");
        assert_eq!(key(KeyCode::Insert, KeyModifiers::NONE), None);
    }

    #[test]
    fn a_released_key_is_not_pressed_again() {
        let released =
            KeyEvent { kind: KeyEventKind::Release, ..KeyEvent::new(KeyCode::Char('1'), KeyModifiers::NONE) };
        assert!(translate(Event::Key(released)).is_none());
    }
}
