"""The real program in folders of its own: recorders that are killed, stopped and starved, and commands that end."""

import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

PROGRAM = os.environ.get("MYOGRAPH", "myograph")
LIMIT_S = float(os.environ.get("MYOGRAPH_TEST_LIMIT_S", 60))
LOOK_S = 0.01


class Broken(Exception):
    """The bench could not do what it meant to do: no verdict on the program, but no pass either."""


def wait_for(what, look, limit_s=LIMIT_S):
    """The first true value of `look`; `Broken`, naming what was waited for, after the limit."""
    until = time.monotonic() + limit_s
    while True:
        value = look()
        if value:
            return value
        if time.monotonic() > until:
            raise Broken(f"waited {limit_s:.0f} s in vain for {what}")
        time.sleep(LOOK_S)


class Ran:
    """How a command ended."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    def __str__(self):
        return f"exit code {self.code}; {self.err.strip()[-400:]} | {self.out.strip()[-400:]}"


class Recorder:
    """A recorder in the foreground; its words go to files, so that no pipe can hold it up."""

    def __init__(self, station, command, env):
        self.words = {name: open(station.root / f"recorder.{name}", "w+b") for name in ("out", "err")}
        self.process = subprocess.Popen(
            command, cwd=station.root, env=env, stdin=subprocess.DEVNULL, stdout=self.words["out"], stderr=self.words["err"]
        )
        self.pid = self.process.pid

    def said(self, name="err"):
        file = self.words[name]
        file.seek(0)
        return file.read().decode(errors="replace")

    def signal(self, number):
        if self.process.poll() is None:
            self.process.send_signal(number)

    def kill(self):
        self.signal(signal.SIGKILL)
        self.process.wait(LIMIT_S)

    def finish(self, limit_s=LIMIT_S):
        """Waits for the end."""
        try:
            self.process.wait(limit_s)
        except subprocess.TimeoutExpired:
            raise Broken(f"the recorder does not end; it said: {self.said()[-500:]}") from None
        return Ran(self.process.returncode, self.said("out"), self.said())


class Station:
    """An `out` folder, a runtime folder, no configuration but its own; everything it started ends with it."""

    def __init__(self, out=None, folder=None):
        self.root = Path(tempfile.mkdtemp(prefix="faults-", dir=folder))
        self.out = Path(out) if out else self.root / "out"
        for path in (self.out, self.root / "config"):
            path.mkdir(exist_ok=True)
        (self.root / "run").mkdir(mode=0o700)
        self.env = {name: value for name, value in os.environ.items() if not name.startswith("MYOGRAPH_")}
        self.env |= {
            "MYOGRAPH_RUNTIME_DIR": str(self.root / "run"),
            "XDG_CONFIG_HOME": str(self.root / "config"),
            "HDF5_USE_FILE_LOCKING": "FALSE",
        }
        self.env.pop("RUST_BACKTRACE", None)
        self.recorders = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for recorder in self.recorders:
            recorder.signal(signal.SIGCONT)
            recorder.kill()
        for pid in self.processes(""):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        shutil.rmtree(self.root, ignore_errors=True)

    def run(self, *words, limit_s=LIMIT_S, env=()):
        """Runs a command to its end."""
        try:
            ran = subprocess.run(
                [PROGRAM, *map(str, words)], cwd=self.root, env=self.env | dict(env), stdin=subprocess.DEVNULL,
                capture_output=True, timeout=limit_s, check=False,
            )
        except subprocess.TimeoutExpired:
            raise Broken(f"`{words[0]}` does not end within {limit_s:.0f} s") from None
        return Ran(ran.returncode, ran.stdout.decode(errors="replace"), ran.stderr.decode(errors="replace"))

    def popen(self, *words):
        return subprocess.Popen(
            [PROGRAM, *map(str, words)], cwd=self.root, env=self.env, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )

    def start(self, *words, env=(), before=()):
        """Starts `record --headless` with these words; `before` stands before the program, e.g. `nice`."""
        command = [*before, PROGRAM, "record", "--headless", "--out", str(self.out), *map(str, words)]
        recorder = Recorder(self, command, self.env | dict(env))
        self.recorders.append(recorder)
        return recorder

    def journals(self):
        return sorted(path for path in self.out.rglob("*.wal*") if ".wal" in path.suffix and not path.name.startswith("."))

    def recordings(self):
        return sorted(path for path in self.out.rglob("*.h5"))

    def processes(self, text):
        """Processes of this station whose arguments contain `text`."""
        root, out, found = str(self.root), str(self.out), []
        for entry in filter(str.isdigit, os.listdir("/proc")):
            try:
                words = Path("/proc", entry, "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if text in words and (root in words or out in words):
                found.append(int(entry))
        return found

    def gone(self):
        """Waits until no process of this station is left."""
        wait_for("the end of the projectors", lambda: not self.processes("project "))

    def status(self):
        """The only recorder's `status --json`, or None."""
        ran = self.run("status", "--json")
        found = json.loads(ran.out) if ran.code == 0 and ran.out.strip() else []
        return found[0] if found else None

    def alarms(self):
        """Kinds of the open alarms."""
        return [alarm["kind"] for alarm in (self.status() or {}).get("alarms", [])]

    def verify(self, file):
        return self.run("verify", "--recompute", file, limit_s=600)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Marks:
    """A stimulus machine that marks and keeps what was acknowledged: (label, id, sample)."""

    def __init__(self, port, prefix="mark"):
        self.port, self.prefix = port, prefix
        self.sent, self.kept, self.refused, self.socket = [], [], 0, None

    def connect(self):
        """Whether the station listens."""
        try:
            self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=LIMIT_S)
        except OSError:
            return False
        self.lines = self.socket.makefile("rw", newline="\n")
        return True

    def mark(self):
        """One marker; False when the station is gone. A refusal is an answer."""
        label = f"{self.prefix}-{len(self.sent)}"
        self.sent.append(label)
        try:
            self.lines.write(json.dumps({"mark": label}) + "\n")
            self.lines.flush()
            answer = json.loads(self.lines.readline())
        except (OSError, ValueError):
            return False
        if answer.get("ok"):
            self.kept.append((label, answer["id"], answer["sample"]))
        else:
            self.refused += 1
        return True

    def mark_until_gone(self, pause, quit):
        """Marks at random pauses until the station is gone or `quit` is set."""
        while not quit.is_set() and not (self.socket or self.connect()):
            time.sleep(LOOK_S)
        chance = random.Random(pause)
        while not quit.is_set() and self.mark():
            time.sleep(chance.uniform(0.0, 2 * pause))


class Commands(Marks):
    """The same by the command `mark`, which goes over the recorder's own socket."""

    def __init__(self, station, prefix="mark"):
        super().__init__(0, prefix)
        self.station = station

    def connect(self):
        self.socket = True
        return True

    def mark(self):
        label = f"{self.prefix}-{len(self.sent)}"
        self.sent.append(label)
        ran = self.station.run("mark", label)
        stored = re.match(r"marker (\d+) stored at sample (\d+)", ran.out)
        if stored:
            self.kept.append((label, int(stored[1]), int(stored[2])))
        # Before the recorder is there and after it is gone, the command says so; the bench ends the thread.
        return True
