//! The real firmware in a simulated board: the program of `tests/rig`, which `scripts/test` builds.

use super::wait_until;
use serde_json::Value;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// A running bench, with the board's port as a link; ended when dropped.
pub(crate) struct Rig {
    folder: TempDir,
    child: Child,
}

impl Rig {
    /// A board with `args` of the bench; None, with the reason printed, where the bench or the firmware is missing.
    pub(crate) fn start(args: &[&str]) -> Option<Self> {
        Self::with_image(args, |bare| bare)
    }

    /// As [`Rig::start`], with the sketch as the Arduino IDE builds it, which lies beside the other.
    pub(crate) fn start_with_core(args: &[&str]) -> Option<Self> {
        Self::with_image(args, |bare| bare.with_file_name("myograph-core.elf"))
    }

    /// As [`Rig::start`], with every counter of the firmware just below its wrap.
    pub(crate) fn start_wrapping(args: &[&str]) -> Option<Self> {
        Self::with_image(args, |bare| bare.with_file_name("myograph-wraps.elf"))
    }

    fn with_image(args: &[&str], choose: fn(PathBuf) -> PathBuf) -> Option<Self> {
        let named = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_file());
        let (Some(bench), Some(firmware)) =
            (named("MYOGRAPH_RIG"), named("MYOGRAPH_FIRMWARE").map(choose).filter(|path| path.is_file()))
        else {
            eprintln!(
                "skipped: set MYOGRAPH_RIG and MYOGRAPH_FIRMWARE, or run scripts/test, which builds both"
            );
            return None;
        };
        let folder = tempfile::Builder::new().prefix("rig-").tempdir().unwrap();
        let told = File::create(folder.path().join("told")).unwrap();
        let mut command = Command::new(bench);
        command.arg(firmware).arg("--link").arg(folder.path().join("board")).args(args);
        let child = command.stdin(Stdio::null()).stdout(told).stderr(Stdio::null()).spawn().unwrap();
        let rig = Self { folder, child };
        wait_until("the board's port", || rig.port().exists());
        Some(rig)
    }

    /// The board's serial port.
    pub(crate) fn port(&self) -> PathBuf {
        self.folder.path().join("board")
    }

    /// What has happened so far, as the bench tells it, e.g. `light`.
    pub(crate) fn events(&self, name: &str) -> Vec<Value> {
        let text = std::fs::read_to_string(self.folder.path().join("told")).unwrap();
        let events = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        events.filter(|event| event["event"] == name).collect()
    }

    /// A host of its own beside the program: a Python script that begins with `board.py`.
    pub(crate) fn ask(&self, script: &str, args: &[&str]) -> Option<Value> {
        let script = format!("{}\n{script}", include_str!("board.py"));
        let port = self.port();
        let args: Vec<&Path> = [port.as_path()].into_iter().chain(args.iter().map(Path::new)).collect();
        super::python(&script, &args)
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
