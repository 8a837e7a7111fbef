//! `simulate`: the simulated board of `source/board` on a pseudo-terminal, paced by the host's clock.
//!
//! A link stands for the port's name. That the host opens it shows as an edge of POLLHUP and resets the board, as
//! DTR does; an unplugged board takes its terminal and the link away and comes back with others.

use super::{advise, say};
use crate::source::board::{self, Board, Script, Signal};
use anyhow::{Context, bail};
use clap::Args;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::OwnedFd;
use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use signal_hook::consts::{SIGINT, SIGTERM};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The board's time moves on in steps of about this size; a bridge hands bytes over as often.
const TICK: Timespec = Timespec { tv_sec: 0, tv_nsec: 2_000_000 };
/// Bytes that wait for a host too busy to read: a minute and more. A real bridge forgets far sooner.
const LONGEST_BACKLOG: usize = 1 << 20;

#[derive(Debug, Args)]
pub(super) struct SimulateArgs {
    /// Name under which the port appears
    #[arg(long, value_name = "PATH")]
    link: PathBuf,
    /// What goes wrong, and what the digital inputs see (TOML)
    #[arg(long, value_name = "FILE")]
    faults: Option<PathBuf>,
    /// Channels before anybody asks for others
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u8).range(1..=16))]
    channels: u8,
    /// Scans per second before anybody asks for others
    #[arg(long, value_name = "HZ", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(250..=4000))]
    rate: u32,
    /// The station's name, as the board keeps it
    #[arg(long, value_name = "NAME", default_value = "")]
    name: String,
    /// Of the face on its electrodes
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// A pattern that can be checked instead of a face
    #[arg(long, hide = true)]
    pattern: bool,
}

pub(super) fn run(args: &SimulateArgs) -> anyhow::Result<ExitCode> {
    let script = match &args.faults {
        Some(path) => board::read(path).map_err(|error| advise(&error, error.advice()))?,
        None => Script::default(),
    };
    let options = board::Options {
        channels: args.channels,
        rate_hz: args.rate,
        name: args.name.clone(),
        signal: if args.pattern { Signal::Pattern } else { Signal::Face(args.seed) },
    };
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&stop))?;
    }
    let mut port = Some(Port::new(&args.link)?);
    let link = args.link.display();
    say(&format!(
        "a simulated board is plugged in; record from it with: myograph record --source serial:{link}"
    ));
    let mut board = Board::new(options, script);
    let began = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        match (&mut port, board.is_plugged()) {
            (Some(port), true) => port.serve(&mut board)?,
            (None, false) => std::thread::sleep(Duration::from_millis(2)),
            (Some(_), false) => port = None,
            (None, true) => port = Some(Port::new(&args.link)?),
        }
        let mut sent = Vec::new();
        board.advance(i64::try_from(began.elapsed().as_nanos())?, &mut sent);
        if let Some(port) = &mut port {
            port.send(&sent)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A pseudo-terminal and the link to it; both go when dropped.
struct Port {
    link: PathBuf,
    name: PathBuf,
    master: OwnedFd,
    /// Whether a host has the port open.
    is_open: bool,
    backlog: Vec<u8>,
}

impl Port {
    fn new(link: &Path) -> anyhow::Result<Self> {
        // A link that leads nowhere was left behind by a simulator that could not tidy up.
        if link.symlink_metadata().is_ok_and(|found| found.is_symlink()) && !link.exists() {
            std::fs::remove_file(link).with_context(|| format!("{} cannot be replaced", link.display()))?;
        }
        if link.symlink_metadata().is_ok() {
            bail!("{} exists already; choose another name for the port", link.display());
        }
        let (master, name) = terminal().context("no pseudo-terminal can be made")?;
        symlink(&name, link).with_context(|| {
            format!("the link {} cannot be made; choose a folder you may write to", link.display())
        })?;
        Ok(Self { link: link.to_owned(), name, master, is_open: false, backlog: Vec::new() })
    }

    /// Waits one tick, or until the host writes; tells the board what the host did.
    fn serve(&mut self, board: &mut Board) -> anyhow::Result<()> {
        let mut fds = [PollFd::new(&self.master, PollFlags::IN)];
        match poll(&mut fds, Some(&TICK)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let is_open = !fds[0].revents().contains(PollFlags::HUP);
        let was_open = std::mem::replace(&mut self.is_open, is_open);
        if !is_open {
            self.backlog.clear();
            // A hang-up makes `poll` return at once.
            std::thread::sleep(Duration::from_millis(2));
            return Ok(());
        }
        if !was_open {
            board.opened();
        }
        board.set_host_baud(tcgetattr(&self.master).ok().map(|settings| settings.output_speed()));
        let mut bytes = [0; 256];
        // Any error means that nothing came: a hang-up shows in the next `poll`.
        if let Ok(length) = rustix::io::read(&self.master, &mut bytes) {
            board.receive(&bytes[..length]);
        }
        Ok(())
    }

    /// Hands bytes to the host as far as it takes them; what a closed port is sent, nobody hears.
    fn send(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        if !self.is_open {
            return Ok(());
        }
        let room = LONGEST_BACKLOG.saturating_sub(self.backlog.len());
        self.backlog.extend_from_slice(&bytes[..bytes.len().min(room)]);
        while !self.backlog.is_empty() {
            match rustix::io::write(&self.master, &self.backlog) {
                Ok(written) => drop(self.backlog.drain(..written)),
                Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR | rustix::io::Errno::IO) => break,
                Err(error) => return Err(error).context("the pseudo-terminal takes no more bytes"),
            }
        }
        Ok(())
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        if std::fs::read_link(&self.link).is_ok_and(|target| target == self.name) {
            let _ = std::fs::remove_file(&self.link);
        }
    }
}

/// A raw pseudo-terminal whose other end nobody holds open, and that end's name.
fn terminal() -> rustix::io::Result<(OwnedFd, PathBuf)> {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    grantpt(&master)?;
    unlockpt(&master)?;
    rustix::io::ioctl_fionbio(&master, true)?;
    let name = ptsname(&master, Vec::new())?;
    // Nobody's having it open shows only after somebody had.
    let other = open(&name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?;
    let mut settings = tcgetattr(&other)?;
    settings.make_raw();
    tcsetattr(&other, OptionalActions::Now, &settings)?;
    Ok((master, PathBuf::from(name.to_string_lossy().into_owned())))
}
