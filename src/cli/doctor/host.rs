//! The computer: its clock, the disk recordings go to, and whether a recorder survives the end of a login.

use super::Known;
use crate::emg::Preflight;
use crate::emg::Stamp;
use crate::emg::units::{float, float_len};
use crate::recorder::BYTES_PER_VALUE;
use std::fs;
use std::path::{Path, PathBuf};

/// A wall clock that moves this much against the other within the look was set.
const STEP_NS: i64 = 1_000_000;
/// A wall clock before 2025 was never set.
const NEVER_SET_NS: i64 = 1_735_689_600_000_000_000;
/// Less room than this is too little to begin, or to be at ease.
const TOO_LITTLE_S: f64 = 600.0;
const LITTLE_S: f64 = 4.0 * 3600.0;
/// What a station of 8 channels at 1 kHz writes, where no source was seen.
const USUAL: (f64, usize) = (1000.0, 8);
/// File systems that live elsewhere or in memory, by the numbers `statfs` gives (`linux/magic.h`).
const REMOTE: [(u64, &str); 8] = [
    (0x6969, "NFS"),
    (0x517b, "SMB"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB"),
    (0x0102_1997, "9P"),
    (0x00c3_6400, "Ceph"),
    (0x5346_414f, "AFS"),
    (0x6573_5546, "FUSE"),
];
const IN_MEMORY: [u64; 2] = [0x0102_1994, 0x8584_58f6];
/// Services that keep a clock in step and leave no mark that we know of.
const KEEPERS: [&str; 5] = ["chronyd", "ntpd", "openntpd", "ptp4l", "phc2sys"];

/// The wall clock between two looks.
pub(super) fn clock(began: Stamp, now: Stamp) -> Vec<Preflight> {
    let step_ns = (now.utc_ns - now.host_ns) - (began.utc_ns - began.host_ns);
    let advice = "recordings keep a clock of their own that never steps, but their dates come from this one: \
                  `timedatectl set-ntp true`";
    let steady = if now.utc_ns < NEVER_SET_NS {
        Preflight::fail(
            "clock",
            "the date of this computer was never set",
            "set it, or switch its time service on",
        )
    } else if step_ns.abs() > STEP_NS {
        let value = format!(
            "the wall clock was set by {:.1} ms within this look",
            crate::emg::units::float_ns(step_ns) / 1e6
        );
        Preflight::warn("clock", value, "wait until its time service is in step")
    } else if Path::new("/run/systemd/timesync/synchronized").exists() {
        Preflight::ok("clock", "in step with a time server")
    } else if let Some(keeper) = running(&KEEPERS) {
        Preflight::ok("clock", format!("{keeper} keeps it; whether it is in step is not known here"))
    } else {
        Preflight::warn("clock", "no time service keeps the wall clock in step", advice)
    };
    vec![steady]
}

fn running(names: &[&'static str]) -> Option<&'static str> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let known = |entry: fs::DirEntry| {
        let name = fs::read_to_string(entry.path().join("comm")).ok()?;
        names.iter().find(|known| name.trim_end() == **known).copied()
    };
    processes.into_iter().find_map(known)
}

/// Room, and what kind of disk it is.
pub(super) fn disk(out: &Path, known: &Known) -> Preflight {
    let existing: PathBuf = std::path::absolute(out).unwrap_or_else(|_| out.to_owned());
    let existing = existing.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/"));
    let shown = out.display();
    if !existing.is_dir() {
        let value = format!("{} is in the way of the folder {shown}", existing.display());
        return Preflight::fail("disk", value, "choose another folder with `--out DIR`");
    }
    if rustix::fs::access(existing, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK).is_err() {
        let value = format!("this user may not write into {}", existing.display());
        return Preflight::fail("disk", value, "choose another folder with `--out DIR`");
    }
    let free = crate::store::journal::writer::free_bytes(existing).unwrap_or(0);
    let (rate_hz, channels) = known.rate_hz.map_or(USUAL, |rate| (rate, known.channels));
    let left_s = float(free) / (rate_hz * float_len(channels.max(1)) * BYTES_PER_VALUE);
    let kind =
        rustix::fs::statfs(existing).ok().and_then(|stat| u64::try_from(stat.f_type).ok()).unwrap_or(0);
    room(&shown.to_string(), free, left_s, kind)
}

fn room(shown: &str, free: u64, left_s: f64, kind: u64) -> Preflight {
    let value =
        format!("{:.1} GB free for {shown}, about {:.0} h of recording", float(free) / 1e9, left_s / 3600.0);
    if left_s < TOO_LITTLE_S {
        return Preflight::fail("disk", value, "free some space, or choose another disk with `--out DIR`");
    }
    // The number is 32 bits wide and may come with its sign spread over 64.
    let kind = kind & 0xffff_ffff;
    if let Some((_, name)) = REMOTE.iter().find(|(magic, _)| *magic == kind) {
        let value = format!("{value}, on a network or foreign file system ({name})");
        return Preflight::warn(
            "disk",
            value,
            "record to a local disk and copy afterwards: locks and syncs are weaker here",
        );
    }
    if IN_MEMORY.contains(&kind) {
        return Preflight::warn(
            "disk",
            format!("{value}, in memory: gone at the next start"),
            "choose a disk with `--out DIR`",
        );
    }
    if left_s < LITTLE_S {
        return Preflight::warn("disk", value, "free some space before a long session");
    }
    Preflight::ok("disk", value)
}

/// Whether the end of a login ends the processes that were started in it.
pub(super) fn login() -> Preflight {
    if !Path::new("/run/systemd/system").exists() {
        return Preflight::skip("login", "no systemd runs here: a recorder outlives its login");
    }
    let user = std::env::var("USER").unwrap_or_default();
    let lingers = !user.is_empty() && Path::new("/var/lib/systemd/linger").join(&user).exists();
    outlives(kills(&login_configuration()), lingers)
}

fn outlives(kills: bool, lingers: bool) -> Preflight {
    match (kills, lingers) {
        (true, false) => Preflight::warn(
            "login",
            "KillUserProcesses=yes: logging out, also from SSH, would end a recorder",
            "loginctl enable-linger $USER, then log in again",
        ),
        (true, true) => Preflight::ok("login", "this user lingers: a recorder outlives its login"),
        (false, _) => Preflight::ok("login", "a recorder outlives its login, also over SSH"),
    }
}

/// The texts of logind's configuration, later ones over earlier ones.
fn login_configuration() -> String {
    let mut files: Vec<PathBuf> = ["/usr/lib/systemd", "/run/systemd", "/etc/systemd"]
        .iter()
        .flat_map(|folder| {
            fs::read_dir(Path::new(folder).join("logind.conf.d")).into_iter().flatten().flatten()
        })
        .map(|entry| entry.path())
        .collect();
    files.sort_by(|a, b| a.file_name().cmp(&b.file_name()));
    files.insert(0, PathBuf::from("/etc/systemd/logind.conf"));
    files.iter().filter_map(|file| fs::read_to_string(file).ok()).collect::<Vec<_>>().join("\n")
}

/// The last word on `KillUserProcesses`; Debian's default is no.
fn kills(configuration: &str) -> bool {
    let said = configuration.lines().filter_map(|line| line.trim().strip_prefix("KillUserProcesses"));
    said.filter_map(|rest| rest.trim_start().strip_prefix('='))
        .next_back()
        .is_some_and(|word| ["yes", "true", "on", "1"].contains(&word.trim().to_ascii_lowercase().as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emg::finding::preflight::Outcome;

    #[test]
    fn the_last_word_on_the_end_of_a_login_counts() {
        assert!(!kills(""));
        assert!(!kills("[Login]\n#KillUserProcesses=yes\nKillExcludeUsers=root"));
        assert!(kills("[Login]\nKillUserProcesses = Yes"));
        assert!(!kills("KillUserProcesses=yes\n[Login]\nKillUserProcesses=no"));
        assert_eq!(outlives(true, false).outcome, Outcome::Warn);
        assert_eq!(outlives(true, true).outcome, Outcome::Ok);
    }

    #[test]
    fn a_disk_may_be_short_or_far_away() {
        let free = 100_000_000_000;
        assert_eq!(room("here", free, 1e6, 0xef53).outcome, Outcome::Ok);
        assert_eq!(room("here", free, 3600.0, 0xef53).outcome, Outcome::Warn);
        assert_eq!(room("here", free, 60.0, 0xef53).outcome, Outcome::Fail);
        assert!(room("here", free, 1e6, 0x6969).value.contains("NFS"));
        assert!(room("here", free, 1e6, 0xffff_ffff_ff53_4d42).value.contains("CIFS"));
        assert!(room("here", free, 1e6, 0x0102_1994).value.contains("in memory"));
    }

    #[test]
    fn a_wall_clock_that_is_set_while_one_looks_is_noticed() {
        let began = Stamp { host_ns: 0, utc_ns: NEVER_SET_NS + 1 };
        let late = Stamp { host_ns: 4_000_000_000, utc_ns: began.utc_ns + 4_020_000_000 };
        assert!(clock(began, late)[0].value.contains("20.0 ms"));
        let unset = Stamp { host_ns: 5, utc_ns: 5 };
        assert_eq!(clock(unset, unset)[0].outcome, Outcome::Fail);
    }
}
