//! What may stand between a user and a port: no such file, no right to it, a service that grabs it, a missing driver.
//!
//! Nothing is opened: opening a port resets the board behind it. `doctor` and `ports` put this into words.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Services that open every new port to see what it is.
const GRABBERS: [&str; 2] = ["ModemManager", "brltty"];
/// Where rules for devices lie, and the name of ours.
const RULE_FOLDERS: [&str; 4] =
    ["/etc/udev/rules.d", "/run/udev/rules.d", "/usr/lib/udev/rules.d", "/lib/udev/rules.d"];
const RULE: &str = "70-myograph.rules";

/// Whether this user could open a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// Nothing is in the way that can be seen from outside.
    Usable,
    /// There is no such file.
    Missing,
    /// The file is no device.
    NotAPort,
    /// The user may not read and write it.
    Denied {
        /// The group that may; empty where it has no name.
        group: String,
        /// The user belongs to it since the last login.
        member: bool,
    },
}

/// What stands between this user and `path`.
#[must_use]
pub fn access(path: &Path) -> Access {
    let denied = |gid| {
        let groups = fs::read_to_string("/etc/group").unwrap_or_default();
        let user = std::env::var("USER").unwrap_or_default();
        let (group, member) = group(&groups, gid, &user).unwrap_or_default();
        Access::Denied { group, member }
    };
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => denied(u32::MAX),
        Err(_) => Access::Missing,
        Ok(meta) if !meta.file_type().is_char_device() => Access::NotAPort,
        Ok(meta) => {
            match rustix::fs::access(path, rustix::fs::Access::READ_OK | rustix::fs::Access::WRITE_OK) {
                Ok(()) => Access::Usable,
                Err(_) => denied(meta.gid()),
            }
        }
    }
}

/// Name of a group and whether `user` is listed in it, from the text of `/etc/group`.
fn group(groups: &str, gid: u32, user: &str) -> Option<(String, bool)> {
    groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, number, members) = (fields.next()?, fields.nth(1)?, fields.next().unwrap_or_default());
        let listed = !user.is_empty() && members.split(',').any(|member| member == user);
        (number.parse() == Ok(gid)).then(|| (name.to_owned(), listed))
    })
}

/// Services that run now and grab ports.
#[must_use]
pub fn grabbers() -> Vec<&'static str> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let names: Vec<String> =
        processes.filter_map(|entry| fs::read_to_string(entry.path().join("comm")).ok()).collect();
    GRABBERS.into_iter().filter(|grabber| names.iter().any(|name| name.trim_end() == *grabber)).collect()
}

/// Whether the rule that keeps them away from boards is installed.
#[must_use]
pub fn rule_is_installed() -> bool {
    RULE_FOLDERS.iter().any(|folder| Path::new(folder).join(RULE).exists())
}

/// USB serial bridges and boards that are plugged in and have no port: their ids and what they are.
#[must_use]
pub fn without_port() -> Vec<((u16, u16), &'static str)> {
    without_port_in(Path::new("/sys/bus/usb/devices"))
}

fn without_port_in(devices: &Path) -> Vec<((u16, u16), &'static str)> {
    let mut found: Vec<_> = children(devices)
        .into_iter()
        .filter_map(|device| {
            let id = |name: &str| {
                let text = fs::read_to_string(device.join(name)).ok()?;
                u16::from_str_radix(text.trim(), 16).ok()
            };
            let (vid, pid) = (id("idVendor")?, id("idProduct")?);
            let (board, hint) = super::judge(vid, pid);
            (super::is_serial(board, hint) && !has_port(&device)).then_some(((vid, pid), hint))
        })
        .collect();
    found.sort_unstable();
    found
}

/// A driver that took an interface made a folder `tty` or `ttyUSB0` in it.
fn has_port(device: &Path) -> bool {
    let named = |path: &PathBuf, start: &str| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(start))
    };
    children(device).iter().any(|interface| children(interface).iter().any(|path| named(path, "tty")))
}

fn children(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_told_from_a_port_and_from_nothing() {
        assert_eq!(access(Path::new("/dev/no-such-port")), Access::Missing);
        assert_eq!(access(Path::new("/etc/passwd")), Access::NotAPort);
        assert_eq!(access(Path::new("/dev/null")), Access::Usable);
    }

    #[test]
    fn groups_have_names_and_members() {
        let text = "root:x:0:\ndialout:x:20:ada,grace\nbroken\nplugdev:x:46";
        assert_eq!(group(text, 20, "grace"), Some(("dialout".to_owned(), true)));
        assert_eq!(group(text, 20, "gra"), Some(("dialout".to_owned(), false)));
        assert_eq!(group(text, 46, "ada"), Some(("plugdev".to_owned(), false)));
        assert_eq!(group(text, 20, ""), Some(("dialout".to_owned(), false)));
        assert_eq!(group(text, 7, "ada"), None);
    }

    #[test]
    fn a_bridge_without_a_driver_is_found() {
        let root = tempfile::tempdir().unwrap();
        let device = |name: &str, ids: (&str, &str), port: Option<&str>| {
            let folder = root.path().join(name);
            fs::create_dir_all(folder.join(format!("{name}:1.0"))).unwrap();
            fs::write(folder.join("idVendor"), format!("{}\n", ids.0)).unwrap();
            fs::write(folder.join("idProduct"), format!("{}\n", ids.1)).unwrap();
            if let Some(port) = port {
                fs::create_dir_all(folder.join(format!("{name}:1.0/{port}"))).unwrap();
            }
        };
        device("1-1", ("1a86", "7523"), None);
        device("1-2", ("1a86", "7523"), Some("ttyUSB0"));
        device("1-3", ("2341", "0042"), Some("tty"));
        device("1-4", ("046d", "c52b"), None);
        let found = without_port_in(root.path());
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].0, (0x1a86, 0x7523));
        assert!(found[0].1.contains("CH340"));
        assert_eq!(without_port_in(Path::new("/no/such/folder")), []);
    }
}
