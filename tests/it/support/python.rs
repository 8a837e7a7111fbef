//! Python as the independent reader: `h5py`, `numpy` and `scipy` know nothing of this program.

use serde_json::Value;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::OnceLock;

/// What every script begins with: `done(value)` hands a JSON value to the story.
const PRELUDE: &str = include_str!("prelude.py");

/// Runs a script with `args` in `sys.argv[1:]`; gives what it passed to `done`, or None, with the reason printed,
/// where Python or a module is missing.
pub(crate) fn python(script: &str, args: &[&Path]) -> Option<Value> {
    let output = command(script, args)?.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the script failed: {said}");
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text.lines().last().unwrap_or_else(|| panic!("the script said nothing: {said}"));
    Some(serde_json::from_str(last).unwrap())
}

/// A script that runs beside the story and says one JSON value per line; killed when dropped.
pub(crate) struct Followed {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Followed {
    /// Starts the script; None as for [`python`].
    pub(crate) fn start(script: &str, args: &[&Path]) -> Option<Self> {
        let mut child = command(script, args)?.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Some(Self { child, lines })
    }

    /// The next value; None when the script has ended well.
    pub(crate) fn next(&mut self) -> Option<Value> {
        let line = self.lines.next();
        if line.is_none() {
            assert!(self.child.wait().unwrap().success(), "the script failed");
        }
        line.map(|line| serde_json::from_str(&line.unwrap()).unwrap())
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(script: &str, args: &[&Path]) -> Option<Command> {
    static PYTHON: OnceLock<Option<OsString>> = OnceLock::new();
    let python = PYTHON.get_or_init(find).as_ref()?;
    let mut command = Command::new(python);
    command.arg("-c").arg(format!("{PRELUDE}\n{script}")).args(args).stdin(Stdio::null());
    Some(command)
}

/// A Python that has the modules.
fn find() -> Option<OsString> {
    let python = std::env::var_os("MYOGRAPH_PYTHON").unwrap_or_else(|| "python3".into());
    let asked =
        Command::new(&python).args(["-c", "import h5py, numpy, scipy.signal"]).stderr(Stdio::null()).status();
    if asked.is_ok_and(|status| status.success()) {
        return Some(python);
    }
    eprintln!("skipped: {} has no h5py, numpy and scipy; set MYOGRAPH_PYTHON", python.display());
    None
}
