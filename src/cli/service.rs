//! The recorder and the service manager: what systemd is told of it (`sd_notify`), and how a recorder behind a
//! dashboard gets a scope of its own, which outlives the terminal's session. Nothing here is needed to record.

use super::console::line;
use super::tell;
use crate::recorder::MANAGER_VARIABLES;
use crate::session::snapshot::State;
use crate::session::{ClientId, Clients, Event, Snapshot};
use std::ffi::OsStr;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The line of `systemctl status` is renewed this often.
const STATUS_EVERY: Duration = Duration::from_secs(5);

/// The manager's ear, where one listens.
#[derive(Debug)]
pub(super) struct Manager {
    ear: Option<(UnixDatagram, SocketAddr)>,
    /// Longest time between two beats.
    beat: Option<Duration>,
}

impl Manager {
    /// As the environment says.
    pub(super) fn from_env() -> Self {
        let [socket, beat, pid] = MANAGER_VARIABLES;
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let ear = variable(socket).and_then(|name| {
            let socket = UnixDatagram::unbound().ok()?;
            // A manager that does not listen must not hold up a recording.
            socket.set_nonblocking(true).ok()?;
            Some((socket, address(&name)?))
        });
        let number = |name| variable(name).and_then(|value| value.to_str()?.parse::<u64>().ok());
        let is_ours = number(pid).is_none_or(|pid| pid == u64::from(std::process::id()));
        // Half of what is allowed is what the manager advises; a quarter leaves room for one that is late.
        let beat = number(beat).filter(|_| is_ours).map(|us| Duration::from_micros(us / 4));
        Self { ear, beat }
    }

    /// Says `KEY=VALUE` lines; best effort, as nothing depends on it.
    pub(super) fn say(&self, words: &str) {
        if let Some((socket, address)) = &self.ear {
            let _ = socket.send_to_addr(words.as_bytes(), address);
        }
    }
}

/// The address in `NOTIFY_SOCKET`: a path, or a name without one after `@`.
fn address(name: &OsStr) -> Option<SocketAddr> {
    match name.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name).ok(),
        _ => SocketAddr::from_pathname(name).ok(),
    }
}

/// All front ends, and the manager beside them, who hears from each tick that the recorder's control is alive: it
/// waits for no disk, so that a stalled one is an alarm and no reason to end the recording.
pub(super) struct Watched<C> {
    others: C,
    manager: Manager,
    last: Mutex<Last>,
}

#[derive(Default)]
struct Last {
    beat: Option<Instant>,
    status: Option<Instant>,
    stopping: bool,
}

impl<C> Watched<C> {
    pub(super) fn new(others: C, manager: Manager) -> Self {
        Self { others, manager, last: Mutex::default() }
    }

    /// The recording has begun, or what comes before it.
    pub(super) fn ready(&self) {
        self.manager.say("READY=1");
    }

    fn tick(&self, snapshot: &Snapshot) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let due = |last: Option<Instant>, every| last.is_none_or(|last| last.elapsed() >= every);
        if self.manager.beat.is_some_and(|every| due(last.beat, every)) {
            last.beat = Some(Instant::now());
            self.manager.say("WATCHDOG=1");
        }
        let ends = matches!(snapshot.state, State::Draining | State::Closed);
        if ends && !last.stopping {
            last.stopping = true;
            self.manager.say("STOPPING=1");
        }
        if self.manager.ear.is_some() && due(last.status, STATUS_EVERY) {
            last.status = Some(Instant::now());
            self.manager.say(&format!("STATUS={}", line(snapshot)));
        }
    }
}

impl<C: Clients> Clients for Watched<C> {
    fn send_to(&self, client: ClientId, event: Event) {
        self.others.send_to(client, event);
    }

    fn broadcast(&self, event: Event) {
        if let Event::Tick(snapshot) = &event {
            self.tick(snapshot);
        }
        self.others.broadcast(event);
    }

    fn subscribe(&self, client: ClientId, history: Vec<Event>) {
        self.others.subscribe(client, history);
    }
}

/// `program` in a scope of the user's manager, where that outlives the last logout; else none, with the line that
/// would make it so where a logout would end the recorder.
pub(super) fn in_scope(program: &Path) -> Option<Command> {
    let uid = rustix::process::getuid().as_raw().to_string();
    if has_manager() && says("loginctl", &["show-user", &uid, "--property=Linger", "--value"]) == "yes" {
        let mut command = Command::new("systemd-run");
        command.args(["--user", "--scope", "--collect", "--quiet", "--description=myograph recorder", "--"]);
        command.arg(program);
        return Some(command);
    }
    if says("loginctl", &["show-user", "--property=KillUserProcesses", "--value"]) == "yes" {
        let user = ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok()).unwrap_or(uid);
        tell(&format!("a logout ends this recording here; `loginctl enable-linger {user}` lets it go on"));
    }
    None
}

/// Whether a manager of this user runs.
fn has_manager() -> bool {
    let folder = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    folder.is_some_and(|folder| folder.join("systemd/private").exists())
}

/// What a command says on standard output, without the end of its line; nothing where it fails.
fn says(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).stdin(Stdio::null()).stderr(Stdio::null()).output();
    let said = output.ok().filter(|output| output.status.success()).map(|output| output.stdout);
    String::from_utf8_lossy(&said.unwrap_or_default()).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nobody;

    impl Clients for Nobody {
        fn send_to(&self, _: ClientId, _: Event) {}

        fn broadcast(&self, _: Event) {}

        fn subscribe(&self, _: ClientId, _: Vec<Event>) {}
    }

    /// A manager that listens under `name`, and one that speaks to it.
    fn manager(name: &OsStr, beat: Option<Duration>) -> (UnixDatagram, Watched<Nobody>) {
        let ear = UnixDatagram::bind_addr(&address(name).unwrap()).unwrap();
        ear.set_nonblocking(true).unwrap();
        let voice = UnixDatagram::unbound().unwrap();
        voice.set_nonblocking(true).unwrap();
        let manager = Manager { ear: Some((voice, address(name).unwrap())), beat };
        (ear, Watched::new(Nobody, manager))
    }

    fn heard(ear: &UnixDatagram) -> Vec<String> {
        let mut buffer = [0; 4096];
        let mut all = Vec::new();
        while let Ok(count) = ear.recv(&mut buffer) {
            all.push(String::from_utf8_lossy(&buffer[..count]).into_owned());
        }
        all
    }

    fn tick(state: State) -> Event {
        Event::Tick(Box::new(Snapshot { id: "quiet-3f".into(), state, ..Snapshot::default() }))
    }

    #[test]
    fn only_a_control_that_ticks_keeps_the_watchdog_quiet() {
        let name = format!("@myograph-test-{}", uuid::Uuid::new_v4());
        let (ear, watched) = manager(OsStr::new(&name), Some(Duration::from_nanos(1)));
        watched.ready();
        watched.broadcast(Event::Notice { utc_ns: 0, level: 3, text: "no sign of life".into() });
        assert_eq!(heard(&ear), ["READY=1"]);
        watched.broadcast(tick(State::Recording));
        watched.broadcast(tick(State::Recording));
        let said = heard(&ear);
        assert_eq!(said.iter().filter(|words| *words == "WATCHDOG=1").count(), 2, "{said:?}");
        assert_eq!(said.iter().filter(|words| words.starts_with("STATUS=quiet-3f recording")).count(), 1);
    }

    #[test]
    fn the_end_is_announced_once_and_the_beats_go_on() {
        let folder = tempfile::tempdir().unwrap();
        let (ear, watched) = manager(folder.path().join("notify").as_os_str(), Some(Duration::from_nanos(1)));
        for state in [State::Draining, State::Draining, State::Closed] {
            watched.broadcast(tick(state));
        }
        let said = heard(&ear);
        assert_eq!(said.iter().filter(|words| *words == "STOPPING=1").count(), 1, "{said:?}");
        assert_eq!(said.iter().filter(|words| *words == "WATCHDOG=1").count(), 3, "{said:?}");
    }

    #[test]
    fn a_manager_that_does_not_listen_holds_up_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let (ear, watched) = manager(folder.path().join("notify").as_os_str(), Some(Duration::ZERO));
        (0..10_000).for_each(|_| watched.ready());
        drop(ear);
        watched.ready();
    }
}
