//! One recorder in this process: configuration -> source, names, socket, threads -> exit code.

use super::console::Console;
use super::service::{Manager, Watched};
use super::{advise, json, mains, say, tell};
use crate::config::{Config, LineFrequency, Listen, Montage, Origin};
use crate::emg::finding::preflight::Outcome;
use crate::emg::units::{count, small};
use crate::emg::{Channel, Kind};
use crate::ipc::socket::Access;
use crate::pipeline::preset;
use crate::recorder::control::Signal;
use crate::recorder::control::hooks::{Hooks, Job, OnAlarm, OnClose};
use crate::recorder::sequence::GoesOn;
use crate::recorder::{self, Contacts, Plan};
use crate::session::Incoming;
use crate::session::snapshot::MarkKey;
use crate::source::{Description, Source, serial::Serial, sim::Sim, uri::SourceUri};
use crate::store::StoreError;
use crate::store::follow::{self, CutOff};
use crate::store::journal::{Entities, Header};
use crate::{ipc, source};
use anyhow::Context;
use crossbeam_channel::{Sender, bounded};
use rustix::fs::Mode as Bits;
use signal_hook::consts::{SIGHUP, SIGINT, SIGPIPE, SIGTERM};
use std::io::Write;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Commands of front ends under way: more than all of them can type.
const INCOMING: usize = 256;
/// Signals that may wait.
const SIGNALS: usize = 8;
/// How long front ends have to hear the end.
const FAREWELL: Duration = Duration::from_secs(5);
/// How often, and how many times, a stop that comes before the beginning looks whether it is heard: 1 s.
const LOOK_EVERY: Duration = Duration::from_millis(20);
const LAST_LOOKS: u32 = 50;
/// Said when a signal comes before the first row.
const NOTHING_RECORDED: &str = "stopped before anything was recorded";
/// Rows of an HDF5 chunk where the rate is not known beforehand.
const CHUNK_ROWS: u32 = 1000;

/// How the recorder relates to the terminal it was started from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Mode {
    /// Plain lines here; Ctrl-C ends the recording.
    Foreground {
        /// Look first.
        monitor: bool,
    },
    /// A session of its own; speaks `here`, then `ready SOCKET` on standard output, then nothing.
    Behind {
        /// Look first.
        monitor: bool,
    },
}

impl Mode {
    fn monitor(self) -> bool {
        match self {
            Self::Foreground { monitor } | Self::Behind { monitor } => monitor,
        }
    }

    fn is_behind(self) -> bool {
        matches!(self, Self::Behind { .. })
    }

    /// A sentence for whoever started the recorder.
    fn note(self, sentence: &str) {
        if self.is_behind() { say(&format!("say {sentence}")) } else { tell(sentence) }
    }
}

/// Records until the end; the exit code says what came of it.
pub(super) fn run(config: &Config, mode: Mode, resume: bool) -> anyhow::Result<ExitCode> {
    close_to_others(config.group_read);
    if mode.is_behind() {
        rustix::process::setsid().context("the recorder cannot leave its terminal's session")?;
        say("here");
    }
    let stop = Arc::new(Stop::default());
    let (signals_in, signals) = bounded(SIGNALS);
    catch_signals(&stop, signals_in.clone())?;
    // Looked at before its recovery begins.
    let cut_off = resume.then(|| cut_off(config)).flatten();
    super::recover::leftovers(&config.out, |sentence| mode.note(sentence));
    let opened = open(config, &stop.asked);
    // Whatever opening came to, nobody waits for it any more.
    anyhow::ensure!(!stop.asked.load(Ordering::Relaxed), NOTHING_RECORDED);
    let (source, description) = opened?;
    let channels = channels(config, &description, |sentence| mode.note(sentence))?;
    refuse_band(config, &description, &channels)?;
    let models = super::models::of(config, &channels, description.nominal_hz)?;
    let id = format!("r{}", &uuid::Uuid::new_v4().simple().to_string()[..6]);
    let folder = ipc::socket::folder(access(config)).map_err(|error| advise(&error, error.advice()))?;
    let socket = ipc::socket::path(&folder, &id).map_err(|error| advise(&error, error.advice()))?;
    // Whoever finds it in the journal may stand in another folder.
    let absolute = std::path::absolute(&socket).unwrap_or_else(|_| socket.clone());
    let mut header = Header {
        models: super::models::participants(&models),
        ..header(config, &description, &channels, &id, &absolute.display().to_string())
    };
    let goes_on = cut_off.and_then(|before| go_on(&before, &mut header, |sentence| mode.note(sentence)));
    let (incoming_in, incoming) = bounded(INCOMING);
    let identity = ipc::Identity { id: id.clone(), version: env!("CARGO_PKG_VERSION").to_owned() };
    let server = ipc::Server::bind(&socket, access(config), identity, incoming_in.clone())
        .map_err(|error| advise(&error, error.advice()))?;
    let listener = listen(config, incoming_in)?;
    let outbox = ipc::listen::Switchboard::new(server.outbox(), listener.as_ref());
    let console = Console::new(outbox, !mode.is_behind(), config.blind);
    let clients = Arc::new(Watched::new(console, Manager::from_env()));
    if let Some(listener) = &listener {
        mode.note(&format!("stimulus machines reach this station on {}", listener.address()));
    }
    // In the foreground the console has them from the recorder.
    for remark in description.remarks.iter().filter(|_| mode.is_behind()) {
        mode.note(remark);
    }
    let preflight = super::doctor::before(config, &description, models.len());
    for disk in preflight.iter().filter(|line| line.check == "disk" && line.outcome > Outcome::Ok) {
        mode.note(&format!("{}; {}", disk.value, disk.advice));
    }
    let plan =
        Plan { preflight, models, goes_on, ..plan(config, mode, id.clone(), header, description, channels) };
    // Whoever speaks between the recorder's end and the farewell is not cut off.
    let _ear = incoming.clone();
    let recorder = recorder::start(plan, source, Contacts { incoming, signals, clients: clients.clone() })
        .map_err(|error| match error {
            StoreError::Exists { .. } => {
                advise(&error, "choose another `--run`, or leave it out to count up")
            }
            _ => advise(&error, error.advice()),
        })?;
    stop.begun.store(true, Ordering::Relaxed);
    clients.ready();
    let announced = announce(mode, &id, &socket);
    if announced.is_err() {
        // Nobody will ever look after this recording: it ends as it should, and says so.
        forward(&signals_in);
    }
    let (outcome, hooks) = recorder.run();
    drop(listener);
    server.finish(outcome.code, outcome.lines.join("\n"), FAREWELL);
    hooks.finish().iter().for_each(|line| tell(line));
    announced?;
    if mode.is_behind() {
        forget_silence(&socket.with_extension("log"));
    } else {
        outcome.lines.iter().for_each(|line| say(line));
    }
    Ok(ExitCode::from(outcome.code))
}

/// The recording of the same names that was cut off.
fn cut_off(config: &Config) -> Option<CutOff> {
    // A name without content would be in the way of the segment that comes next.
    follow::sweep(&config.out);
    follow::cut_off(&config.out, &entities(config))
}

/// Who may attach to the recorder.
fn access(config: &Config) -> Access {
    if config.group_control { Access::Group } else { Access::Owner }
}

/// What this process and its projectors create is for its user, and for the group to read where that is wanted.
pub(super) fn close_to_others(group_reads: bool) {
    let mask = if group_reads { Bits::RWXO | Bits::WGRP } else { Bits::RWXO | Bits::RWXG };
    rustix::process::umask(mask);
}

/// What a recorder behind a dashboard said aloud is kept only if it said something.
fn forget_silence(log: &std::path::Path) {
    if std::fs::metadata(log).is_ok_and(|meta| meta.len() == 0) {
        let _ = std::fs::remove_file(log);
    }
}

/// What a signal finds out about the program, and the program about signals.
#[derive(Debug, Default)]
struct Stop {
    /// A signal asked for the end.
    asked: Arc<AtomicBool>,
    /// The recorder runs and ends by itself when told.
    begun: AtomicBool,
}

impl Stop {
    /// Whether the recorder begins within the time a program has that was asked to end before it began.
    fn begins(&self) -> bool {
        for _ in 0..LAST_LOOKS {
            if self.begun.load(Ordering::Relaxed) {
                return true;
            }
            std::thread::sleep(LOOK_EVERY);
        }
        false
    }
}

/// SIGINT and SIGTERM end the recording, and the program when nothing is recorded yet, even where a port or a folder
/// does not answer; SIGHUP and SIGPIPE mean nothing to it.
fn catch_signals(stop: &Arc<Stop>, sender: Sender<Signal>) -> anyhow::Result<()> {
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGHUP, SIGPIPE])
        .context("signals cannot be caught")?;
    let stop = stop.clone();
    let listen = move || {
        for signal in &mut signals {
            if signal == SIGINT || signal == SIGTERM {
                stop.asked.store(true, Ordering::Relaxed);
                if !stop.begins() {
                    tell(&format!("myograph: {NOTHING_RECORDED}"));
                    std::process::exit(2);
                }
                forward(&sender);
            }
        }
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(listen).context("no thread for signals")?;
    Ok(())
}

fn forward(sender: &Sender<Signal>) {
    // A full queue already holds the same message.
    let _ = sender.try_send(Signal::Stop);
}

/// The port for stimulus machines, where one is configured.
fn listen(config: &Config, incoming: Sender<Incoming>) -> anyhow::Result<Option<ipc::listen::Listener>> {
    let Some(Listen { host, port }) = config.listen.clone() else { return Ok(None) };
    let terms = ipc::listen::Terms { host, port, token: config.token.clone() };
    let listener =
        ipc::listen::Listener::bind(&terms, incoming).map_err(|error| advise(&error, error.advice()))?;
    Ok(Some(listener))
}

/// Opens the configured source, or the one board there is.
fn open(config: &Config, stop: &Arc<AtomicBool>) -> anyhow::Result<(Box<dyn Source>, Description)> {
    let mut source = by_uri(&uri(config, stop)?, stop)?;
    let description = source.open().map_err(|error| advise(&error, error.advice()))?;
    Ok((source, description))
}

/// A band that was asked for by name and that the rate cannot carry: nobody wants a recording without it.
fn refuse_band(config: &Config, description: &Description, channels: &[Channel]) -> anyhow::Result<()> {
    let wanted = mains::options(config);
    if wanted.preset == preset::Preset::Default {
        return Ok(());
    }
    preset::admit(channels, &wanted, description.nominal_hz)
        .map_err(|why| anyhow::anyhow!("{why}; choose another `--preset`, or a source with a higher rate"))
}

/// The configured source by its name, or the one board there is; looking for it ends early once `stop` is set.
pub(super) fn uri(config: &Config, stop: &Arc<AtomicBool>) -> anyhow::Result<String> {
    let uri = config.source.as_deref().unwrap_or("serial:auto");
    match uri.strip_prefix("serial:auto") {
        Some(query) if query.is_empty() || query.starts_with('?') => {
            Ok(format!("serial:{}{query}", super::auto::port(stop)?))
        }
        _ => Ok(uri.to_owned()),
    }
}

/// Makes the source anew by the name it was opened under.
fn again(uri: String) -> recorder::Again {
    let never = Arc::new(AtomicBool::new(false));
    Box::new(move || by_uri(&uri, &never).map_err(|error| error.to_string()))
}

/// A source that is yet to be opened; opening ends early once `stop` is set.
pub(super) fn by_uri(uri: &str, stop: &Arc<AtomicBool>) -> anyhow::Result<Box<dyn Source>> {
    Ok(match SourceUri::parse(uri).map_err(|error: source::Error| advise(&error, error.advice()))? {
        SourceUri::Sim(options) => Box::new(Sim::new(options, crate::emg::Stamp::now())),
        SourceUri::Serial(options) => Box::new(Serial::new(options, stop.clone())),
        SourceUri::Replay(options) => Box::new(super::feed::replay(uri, &options)?),
    })
}

/// What the source knows of its channels, with the montage laid over it and the declared kind where nobody else
/// says one.
pub(super) fn channels(
    config: &Config,
    description: &Description,
    note: impl Fn(&str),
) -> anyhow::Result<Vec<Channel>> {
    let mut channels = description.channels.clone();
    let knows_kinds = description.can_wait;
    if knows_kinds && *config.origin("kind") != Origin::Default {
        note("the source knows what its channels carry: `kind` is not used");
    }
    for channel in channels.iter_mut().filter(|channel| !knows_kinds && channel.kind == Kind::Raw) {
        channel.kind = config.kind;
    }
    let Some(name) = &config.montage else { return Ok(channels) };
    let montage = Montage::load(name).map_err(|error| advise(&error, error.advice()))?;
    if montage.inferred {
        note(&format!("the sites of the montage {} are inferred, not stated by its authors", montage.name));
    }
    let mut placed = montage.overlay(&channels).map_err(|error| advise(&error, error.advice()))?;
    for (site, device) in placed.iter_mut().zip(&channels).filter(|(site, device)| site.kind != device.kind) {
        if knows_kinds {
            let (source, montage) = (device.kind.word(), site.kind.word());
            note(&format!(
                "{} carries {source}, says the source: the montage's `{montage}` is not used",
                site.name
            ));
            site.kind = device.kind;
        }
    }
    Ok(placed)
}

fn header(
    config: &Config,
    description: &Description,
    channels: &[Channel],
    id: &str,
    socket: &str,
) -> Header {
    let never_rotates = match (config.rotate, config.duration) {
        (None, _) => true,
        (Some(rotate), Some(duration)) => duration < rotate,
        (Some(_), None) => false,
    };
    let seed = match SourceUri::parse(&description.uri) {
        Ok(SourceUri::Sim(options)) => options.seed,
        _ => 0,
    };
    Header {
        recording_id: *uuid::Uuid::new_v4().as_bytes(),
        software_version: env!("CARGO_PKG_VERSION").to_owned(),
        boot_id: std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
            .map_or_else(|_| String::new(), |id| id.trim().to_owned()),
        pid: std::process::id(),
        recorder: id.to_owned(),
        socket: socket.to_owned(),
        entities: Entities { split: (!never_rotates).then_some(1), ..entities(config) },
        source: description.uri.clone(),
        board: description.board.clone(),
        digital: description.digital,
        losses_counted: description.losses_counted,
        nominal_hz: description.nominal_hz.unwrap_or(f64::NAN),
        chunk_rows: description.nominal_hz.map_or(CHUNK_ROWS, |rate| small_count(rate).max(1)),
        decimation: preset::decimation(description.nominal_hz),
        config: config.effective_toml(),
        montage: config
            .montage
            .as_deref()
            .and_then(|name| Montage::load(name).ok())
            .map_or_else(String::new, |m| m.title()),
        seed,
        ..Header::of(channels.to_vec(), description.sample_type)
    }
}

fn entities(config: &Config) -> Entities {
    Entities {
        subject: config.subject.clone(),
        session: config.session.clone(),
        task: config.task.clone(),
        run: config.run.unwrap_or(0),
        split: None,
    }
}

/// Makes a header that of the next segment of a recording that was cut off, where the source is as it was.
fn go_on(before: &CutOff, header: &mut Header, note: impl Fn(&str)) -> Option<GoesOn> {
    let old = &before.header;
    // In words, where an unknown gain equals an unknown gain.
    let shape = |h: &Header| {
        format!("{:?}", (&h.channels, h.sample_type, h.digital, h.chunk_rows, h.decimation, &h.models))
    };
    if shape(old) != shape(header) {
        note("the recording that was cut off had other channels, rates or models: a new one begins");
        return None;
    }
    header.recording_id = old.recording_id;
    header.segment = old.segment + 1;
    header.first_row = before.next_row;
    header.markers = before.marker_id - 1;
    header.entities = before.next_names();
    note(&format!("the recording that was cut off at row {} goes on as its next segment", before.next_row));
    let CutOff { next_row: row, epoch, utc_ns, chain_id, .. } = *before;
    Some(GoesOn { row, epoch, utc_ns, chain_id })
}

fn small_count(rate_hz: f64) -> u32 {
    small(crate::emg::units::index(count(rate_hz)))
}

fn plan(
    config: &Config,
    mode: Mode,
    id: String,
    header: Header,
    description: Description,
    channels: Vec<Channel>,
) -> Plan {
    let again = again(description.uri.clone());
    Plan {
        id,
        // Whoever hears of a file, by a hook or a status, may stand in another folder.
        out: std::path::absolute(&config.out).unwrap_or_else(|_| config.out.clone()),
        header,
        description,
        channels,
        filter: mains::options(config),
        auto_mains: config.line_frequency == LineFrequency::Auto,
        preflight: Vec::new(),
        models: Vec::new(),
        goes_on: None,
        duration: config.duration,
        rotate: config.rotate,
        fsync: config.fsync,
        monitor: mode.monitor(),
        keys: config.keys.iter().map(mark_key).collect(),
        blind: config.blind,
        hooks: hooks(config),
        again,
        spawn: Box::new(spawn_projector),
    }
}

/// The operator's commands with what each is told.
fn hooks(config: &Config) -> Hooks {
    let on_alarm = config.on_alarm.clone().map(|command| -> OnAlarm {
        Box::new(move |news| Job { name: "on-alarm", command: command.clone(), input: json::news(news) })
    });
    let on_close = config.on_close.clone().map(|command| -> OnClose {
        Box::new(move |outcome| Job {
            name: "on-close",
            command: command.clone(),
            input: json::outcome(outcome),
        })
    });
    Hooks { on_alarm, on_close }
}

/// Starts a projector on a journal, away from the terminal.
fn spawn_projector(journal: &std::path::Path) -> std::io::Result<Child> {
    // Where a newer version was installed over this program meanwhile, its path is gone; the program itself is not.
    let program = std::env::current_exe().ok().filter(|path| path.exists());
    let mut command = Command::new(program.unwrap_or_else(|| "/proc/self/exe".into()));
    for name in recorder::MANAGER_VARIABLES {
        command.env_remove(name);
    }
    command
        .arg("project")
        .arg(journal)
        // Locks are our own: the journal's and the projector's.
        .env("HDF5_USE_FILE_LOCKING", "FALSE")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
}

/// Tells whoever started the recorder that it runs; a recorder behind a dashboard then lets the terminal go.
fn announce(mode: Mode, id: &str, socket: &std::path::Path) -> anyhow::Result<()> {
    if !mode.is_behind() {
        tell(&format!("recorder {id}: `myograph attach {id}` opens a dashboard, Ctrl-C ends the recording"));
        if mode.monitor() {
            tell("nothing is recorded yet: `M` on a dashboard begins");
        }
        return Ok(());
    }
    let mut out = std::io::stdout().lock();
    writeln!(out, "ready {}", socket.display())
        .and_then(|()| out.flush())
        .context("nobody waits for the recorder")?;
    drop(out);
    let nowhere = std::fs::File::options().read(true).write(true).open("/dev/null").context("/dev/null")?;
    rustix::stdio::dup2_stdout(&nowhere).context("standard output")?;
    // What a panic says is kept beside the socket; the journal's log has everything else.
    let said = std::fs::File::options().create(true).append(true).open(socket.with_extension("log"));
    rustix::stdio::dup2_stderr(said.as_ref().unwrap_or(&nowhere)).context("standard error")?;
    Ok(())
}

/// A configured key as the screens get it.
fn mark_key(binding: &crate::config::KeyBinding) -> MarkKey {
    MarkKey {
        key: binding.key,
        label: binding.label.clone(),
        code: binding.code,
        duration: binding.duration,
        guard_ms: binding.guard_ms,
    }
}
