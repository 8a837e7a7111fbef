//! The real binary in folders of its own: commands that end, and recorders that run until the story lets them go.

use super::{LOOK_EVERY, limit, wait_for};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Instant;
use tempfile::TempDir;

/// One station: an `out` folder, a runtime folder, no configuration but its own.
pub(crate) struct Station {
    root: TempDir,
}

/// How a command ended and what it said.
#[derive(Debug)]
pub(crate) struct Ran {
    /// Exit code; None when a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// Fails with everything that was said unless the exit code is `code`.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }

    /// Standard output as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl Station {
    pub(crate) fn new() -> Self {
        let root = tempfile::Builder::new().prefix("station-").tempdir().unwrap();
        for folder in ["out", "run", "config"] {
            fs::create_dir(root.path().join(folder)).unwrap();
        }
        fs::set_permissions(root.path().join("run"), std::os::unix::fs::PermissionsExt::from_mode(0o700))
            .unwrap();
        Self { root }
    }

    /// The station's folder, in which its commands run.
    pub(crate) fn root(&self) -> &Path {
        self.root.path()
    }

    /// Where recordings go.
    pub(crate) fn out(&self) -> PathBuf {
        self.root().join("out")
    }

    /// The binary with this station's environment.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_myograph"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("MYOGRAPH_") {
                command.env_remove(name);
            }
        }
        command
            .args(args)
            .current_dir(self.root())
            .env("MYOGRAPH_RUNTIME_DIR", self.root().join("run"))
            .env("XDG_CONFIG_HOME", self.root().join("config"))
            .env_remove("RUST_BACKTRACE")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        Running::start(self.command(args)).finish()
    }

    /// The same with more environment.
    pub(crate) fn run_with(&self, args: &[&str], environment: &[(&str, &str)]) -> Ran {
        let mut command = self.command(args);
        command.envs(environment.iter().copied());
        Running::start(command).finish()
    }

    /// Starts `record --headless --out OUT` with more arguments.
    pub(crate) fn start(&self, args: &[&str]) -> Recorder {
        self.start_with(args, &[])
    }

    /// The same with more environment.
    pub(crate) fn start_with(&self, args: &[&str], environment: &[(&str, &str)]) -> Recorder {
        let out = self.out();
        let mut all = vec!["record", "--headless", "--out", out.to_str().unwrap()];
        all.extend_from_slice(args);
        let mut command = self.command(&all);
        command.envs(environment.iter().copied());
        Recorder { running: Running::start(command) }
    }

    /// The only recorder's socket, as soon as it is there.
    pub(crate) fn socket(&self) -> PathBuf {
        let run = self.root().join("run");
        let is_socket = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "sock");
        wait_for("a socket", || {
            fs::read_dir(&run).unwrap().flatten().map(|entry| entry.path()).find(is_socket)
        })
    }

    /// Records from `source` to the end that `args` set, expects exit code 0 and gives the one new file.
    pub(crate) fn record(&self, source: &str, args: &[&str]) -> PathBuf {
        let before = self.recordings();
        let mut all = vec!["--source", source];
        all.extend_from_slice(args);
        self.start(&all).finish().expect(0);
        let mut new = self.recordings();
        new.retain(|file| !before.contains(file));
        assert_eq!(new.len(), 1, "{new:?}");
        new.remove(0)
    }

    /// All `.h5` files below `out`, sorted.
    pub(crate) fn recordings(&self) -> Vec<PathBuf> {
        self.files("h5")
    }

    /// All journals below `out`, sorted.
    pub(crate) fn journals(&self) -> Vec<PathBuf> {
        self.files("wal")
    }

    /// The only journal there is, as soon as it is there.
    pub(crate) fn journal(&self) -> PathBuf {
        wait_for("a journal", || self.journals().pop())
    }

    fn files(&self, ending: &str) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![self.out()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|it| it == ending) {
                    found.push(path);
                }
            }
        }
        found.sort();
        found
    }

    /// What `status --json` says of the only recorder; None while none answers.
    pub(crate) fn status(&self) -> Option<Value> {
        match self.run(&["status", "--json"]).json() {
            Value::Array(mut all) => all.pop(),
            other => panic!("status is no array: {other}"),
        }
    }

    /// Waits until the only recorder has at least so many rows in its journal.
    pub(crate) fn wait_rows(&self, rows: u64) {
        wait_for(&format!("{rows} rows in the journal"), || {
            self.status().filter(|status| status["rows"].as_u64() >= Some(rows))
        });
    }

    /// `verify --recompute --json` of one file: its exit code and its object.
    pub(crate) fn verify(&self, file: &Path) -> (i32, Value) {
        let ran = self.run(&["verify", "--recompute", "--json", file.to_str().unwrap()]);
        let mut all = ran.json();
        (ran.code.expect("verify was killed"), all[0].take())
    }

    /// Fails unless `verify` finds the file intact (exit code 0); gives its object.
    #[track_caller]
    pub(crate) fn intact(&self, file: &Path) -> Value {
        let (code, report) = self.verify(file);
        assert_eq!(code, 0, "{report:#}");
        report
    }

    /// Processes whose arguments contain `text` and one of this station's paths.
    pub(crate) fn processes(&self, text: &str) -> Vec<Pid> {
        let root = self.root().to_string_lossy().into_owned();
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            let arguments = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let arguments = String::from_utf8_lossy(&arguments).replace('\0', " ");
            let pid = entry.file_name().to_str().and_then(|name| name.parse().ok()).and_then(Pid::from_raw);
            if let Some(pid) = pid
                && arguments.contains(&root)
                && arguments.contains(text)
            {
                found.push(pid);
            }
        }
        found
    }

    /// The projector of a journal, as soon as it runs.
    pub(crate) fn projector(&self, journal: &Path) -> Pid {
        let words = format!("project {}", journal.display());
        wait_for("a projector", || self.processes(&words).pop())
    }
}

impl Drop for Station {
    fn drop(&mut self) {
        for pid in self.processes("") {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

/// A recorder in the foreground; killed when the story ends before it does.
pub(crate) struct Recorder {
    running: Running,
}

impl Recorder {
    pub(crate) fn pid(&self) -> Pid {
        self.running.pid()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// `kill -9`, and waits until it is gone.
    pub(crate) fn kill(mut self) {
        self.signal(Signal::KILL);
        self.running.wait();
    }

    /// Waits for the end.
    pub(crate) fn finish(self) -> Ran {
        self.running.finish()
    }

    /// What it has said on standard error so far.
    pub(crate) fn said(&self) -> String {
        self.running.stderr.text()
    }

    /// Waits until it has said `words`.
    pub(crate) fn wait_said(&self, words: &str) {
        let until = Instant::now() + limit();
        while !self.said().contains(words) {
            assert!(Instant::now() < until, "the recorder never says `{words}`, only: {}", self.said());
            thread::sleep(LOOK_EVERY);
        }
    }
}

/// A child process whose output is collected; killed when dropped.
struct Running {
    child: Child,
    stdout: Collected,
    stderr: Collected,
}

impl Running {
    fn start(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let stdout = Collected::from(child.stdout.take().unwrap());
        let stderr = Collected::from(child.stderr.take().unwrap());
        Self { child, stdout, stderr }
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    fn wait(&mut self) -> ExitStatus {
        let until = Instant::now() + limit();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < until, "a command does not end; it said: {}", self.stderr.text());
            thread::sleep(LOOK_EVERY);
        }
    }

    fn finish(mut self) -> Ran {
        let status = self.wait();
        Ran { code: status.code(), stdout: self.stdout.end(), stderr: self.stderr.end() }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Text that a thread of its own reads, so that a pipe never fills.
struct Collected {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Collected {
    fn from(mut pipe: impl Read + Send + 'static) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let kept = bytes.clone();
        let read = move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = pipe.read(&mut buffer) {
                kept.lock().unwrap().extend_from_slice(&buffer[..count]);
            }
        };
        let reader = thread::Builder::new().name("output".to_owned()).spawn(read).unwrap();
        Self { bytes, reader: Some(reader) }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().unwrap()).into_owned()
    }

    /// Everything, once the command and those who share its output have closed it.
    fn end(&mut self) -> String {
        let reader = self.reader.take();
        super::wait_until("the end of a command's output", || {
            reader.as_ref().is_none_or(JoinHandle::is_finished)
        });
        self.text()
    }
}
