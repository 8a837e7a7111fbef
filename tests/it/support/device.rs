//! A board on a pseudo-terminal: what is written here arrives at a real serial port. Its name is a link, which
//! stays when the board is unplugged and plugged in again.

use rustix::fd::OwnedFd;
use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use std::path::{Path, PathBuf};

/// A board; unplugged when dropped.
pub(crate) struct Device {
    link: PathBuf,
    plug: Option<Plug>,
}

struct Plug {
    master: OwnedFd,
    /// Held open so that nothing is lost before the station opens the port.
    slave: OwnedFd,
}

impl Device {
    /// A board plugged in at `link`.
    pub(crate) fn new(link: &Path) -> Self {
        let mut device = Self { link: link.to_owned(), plug: None };
        device.plug_in();
        device
    }

    /// The source URI of the board, e.g. with `rate=1000`.
    pub(crate) fn uri(&self, query: &str) -> String {
        format!("serial:{}?{query}", self.link.display())
    }

    /// Writes all of `text`, as fast as the other side takes it.
    pub(crate) fn play(&self, text: &[u8]) {
        let mut rest = text;
        super::wait_until("the station takes what the board sends", || {
            while let Ok(written) = rustix::io::write(&self.plug().master, rest)
                && !rest.is_empty()
            {
                rest = &rest[written..];
            }
            rest.is_empty()
        });
    }

    /// Bytes that wait in the terminal for the station to read them.
    pub(crate) fn unread(&self) -> u64 {
        rustix::io::ioctl_fionread(&self.plug().slave).unwrap()
    }

    /// Pulls the cable: the station's port is gone.
    pub(crate) fn unplug(&mut self) {
        std::fs::remove_file(&self.link).unwrap();
        self.plug = None;
    }

    /// Plugs the board in again: another terminal under the same name.
    pub(crate) fn plug_in(&mut self) {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        rustix::io::ioctl_fionbio(&master, true).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let slave =
            rustix::fs::open(&name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty()).unwrap();
        let mut settings = tcgetattr(&slave).unwrap();
        settings.make_raw();
        tcsetattr(&slave, OptionalActions::Now, &settings).unwrap();
        std::os::unix::fs::symlink(name.to_str().unwrap(), &self.link).unwrap();
        self.plug = Some(Plug { master, slave });
    }

    fn plug(&self) -> &Plug {
        self.plug.as_ref().expect("the board is not plugged in")
    }
}
