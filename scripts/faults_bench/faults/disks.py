"""Disks that are full, that fail, or that go read-only: loudly, readable to the last committed row, and live recordings go
on when the disk does."""

import errno
import random
import signal
import threading
import time
from pathlib import Path

import numpy as np

from ..rig import journal
from ..rig.board import RATE, Frames
from ..rig.disk import Disk
from ..rig.mount import Ballast, Failing, can_mount, small_disk
from ..report import Outcome
from ..rig.station import LIMIT_S, Broken, Marks, Station, free_port, wait_for
from ..rig.truth import Recording
from ..work import spread

FACE = "sim:?seed=7&speed=max"
RETRY_MS = 1000.0
"""A refused disk is tried again this often: so long a loss may outlast the fault, plus what the bench needs to see it."""
NOTICED_MS = 1500.0


def full_waiting(seed, long):
    """A source that can wait ends when the disk is full: exit code 1, everything committed can be read."""
    found = spread("full-waiting", one_failing_source, seed + 1, 30 if long else 3)
    if can_mount():
        found.add(spread("full-waiting", one_full_waiting, seed, 60 if long else 5))
    return found


def one_full_waiting(seed):
    """A disk of any size, sometimes with few names left."""
    chance = random.Random(seed)
    size, inodes = int(2 ** chance.uniform(12, 23)), chance.choice([0, 0, 0, chance.randint(2, 12)])
    with small_disk(size, inodes) as folder, Station(out=folder) as station:
        return ended_by_the_disk(station, chance, f"seed {seed} ({size} B, {inodes} inodes", {})


def one_failing_source(seed):
    """A disk that is full after so many bytes, or fails once: for the journal alone, or for all files."""
    chance = random.Random(seed)
    with Station() as station:
        disk = Disk(station, chance.choice([".wal", ""]))
        room = int(2 ** chance.uniform(8, 22))
        disk.set(room=room)
        return ended_by_the_disk(station, chance, f"seed {seed} (no room after {room} B", disk.env)


def ended_by_the_disk(station, chance, where, env):
    """Records until the disk takes no more, and reads what it took."""
    outcome = Outcome("full-waiting")
    outcome.cases = 1
    words = ["--source", FACE, "--duration", "5m", "--rotate", chance.choice(["off", "20s", "60s"])]
    ran = station.start(*words, env=env).finish(300)
    wrong, committed = [], set()
    journals = [path for path in station.journals() if path.suffix == ".wal"]
    for path in journals:
        rows, _ = journal.contents(path.read_bytes())
        committed.update(row for first, count in rows for row in range(first, first + count))
    begun = bool(journals or station.recordings())
    if ran.code not in ((0, 1) if begun else (2,)):
        wrong.append(f"ended with {ran}")
    if ran.code == 1 and not ran.out.strip():
        wrong.append(f"no last line says what was lost: {ran}")
    wrong += rescued(station, journals, committed, ran.code == 0, outcome) if begun else []
    outcome.measure("ended in full", int(ran.code == 0))
    outcome.wrong(f"{where}, {words[-1]})", wrong)
    return outcome


def rescued(station, journals, committed, whole, outcome):
    """Recovers to another disk and compares with an undisturbed recording of the same face."""
    with Station() as other:
        for path in journals:
            ran = other.run("recover", path, "--to", other.out)
            if ran.code not in (0, 1):
                return [f"recover --to: {ran}"]
            outcome.measure("journals recovered", 1)
        names = {path.with_suffix(".h5").name for path in journals}
        files = [file for file in station.recordings() if file.name not in names] + other.recordings()
        wrong = [f"verify of {file.name}: {found}" for file in files if (found := other.verify(file)).code not in (0, 1)]
        if wrong or not files:
            return wrong
        recording = Recording(files)
        if not recording.joined:
            wrong.append("segments do not join")
        if recording.gaps:
            wrong.append(f"a source that can wait did not end there but lost rows: {recording.gaps}")
        if committed - recording.present():
            wrong.append("committed rows cannot be read")
        if whole and len(recording.raw) != 300 * RATE:
            wrong.append(f"exit code 0 with {len(recording.raw)} rows")
        seconds = int(recording.rows.max(initial=0)) // RATE + 1
        other.out = Path(other.root, "reference")
        other.out.mkdir()
        ran = other.start("--source", FACE, "--duration", f"{seconds}s", "--rotate", "off").finish(600)
        reference = Recording(other.recordings()[-1:])
        there = ~recording.missing
        if not np.array_equal(recording.raw[there], reference.raw[recording.rows[there]]):
            wrong.append("rows differ from those of an undisturbed recording")
        outcome.measure("rows readable", int(there.sum()))
        return wrong


class Live:
    """A live recording under way, with markers, and what must hold of it however the disk behaved."""

    def __init__(self, station, disk=None, words=(), before=()):
        self.station, self.raised = station, set()
        self.board = Frames(station.root / "board")
        self.board.start()
        port = free_port()
        env = disk.env if disk else {}
        self.recorder = station.start("--source", self.board.uri(), "--listen", port, *words, env=env, before=before)
        self.marks, self.quit = Marks(port), threading.Event()
        self.marker = threading.Thread(target=self.marks.mark_until_gone, args=(0.1, self.quit))
        self.marker.start()
        self.wait_rows(500)

    def wait_rows(self, rows, limit_s=LIMIT_S):
        wait_for(f"{rows} rows", lambda: (self.station.status() or {}).get("rows", 0) >= rows, limit_s)

    def wait_alarm(self, *kinds):
        """How long until one of these alarms was raised, milliseconds; None where it never was."""
        began = time.monotonic()
        try:
            wait_for(f"an alarm {kinds}", lambda: set(kinds) & self.look(), 15)
        except Broken:
            return None
        return (time.monotonic() - began) * 1000.0

    def look(self):
        """The alarms that stand; remembers them."""
        alarms = set(self.station.alarms())
        self.raised |= alarms
        return alarms

    def goes_on(self, more=800):
        """Waits until so many more rows are written; what is wrong where they never are."""
        try:
            self.wait_rows(self.station.status()["rows"] + more, 10 + more / RATE)
        except Broken:
            return ["nothing more is written although the disk takes it"]
        return []

    def end(self):
        """Ctrl-C, and the end."""
        self.quit.set()
        self.marker.join()
        self.recorder.signal(signal.SIGINT)
        ran = self.recorder.finish(90)
        self.board.stop()
        return ran

    def check(self, outcome, code=1, to=False):
        """Recovers what was left and compares all of it; the recording and what is wrong."""
        station, wrong = self.station, []
        journals, files = station.journals(), []
        if journals:
            # A disk that takes nothing more is read as it is.
            elsewhere = ["--to", station.root / "recovered"] if to else []
            ran = station.run("recover", station.out, *elsewhere)
            if ran.code not in (0, 1):
                wrong.append(f"recover: {ran}")
        if journals and to:
            unsealed = {journal.stem for journal in journals}
            files = sorted((station.root / "recovered").glob("*.h5"))
            files += [file for file in station.recordings() if file.stem not in unsealed]
        else:
            files = station.recordings()
        wrong += [f"verify of {file.name}: {found}" for file in files if (found := station.verify(file)).code not in (0, code)]
        recording = Recording(files)
        wrong += recording.check_rows(True) + recording.check_markers(self.marks)
        holes = recording.unexplained(self.board)
        flagged = recording.lost()
        dropped = sum(rows for first, rows in self.board.dropped if first < recording.stored())
        if len(holes) != recording.lost("writer"):
            wrong.append(f"{len(holes)} rows are missing, and gaps with cause `writer` say {recording.lost('writer')}")
        if flagged - recording.lost("writer") != dropped:
            wrong.append(f"the line lost {dropped} rows, and its gaps say {flagged - recording.lost('writer')}")
        outcome.measure("rows compared", len(recording.raw) - flagged)
        outcome.measure("markers acknowledged, all there", len(self.marks.kept))
        self.board.close()
        return recording, wrong


def loud(ran, alarm_ms, outcome, code=1):
    """An alarm, the exit code and a last line."""
    wrong = []
    if alarm_ms is None:
        wrong.append("no alarm was raised")
    else:
        outcome.measure("alarm after, ms", alarm_ms)
    if ran.code != code or not ran.out.strip():
        wrong.append(f"not told at the end: {ran}")
    return wrong


def one_gap(recording, fault_ms, outcome):
    """One exact gap with cause `writer`, not much longer than the fault."""
    gaps = []
    for sample, missing, exact, cause in recording.gaps:
        # A border of two segments inside a gap makes two of one.
        if gaps and cause == "writer" and gaps[-1][0] + gaps[-1][1] == sample:
            gaps[-1] = (gaps[-1][0], gaps[-1][1] + missing, exact and gaps[-1][2], cause)
        elif cause == "writer":
            gaps.append((sample, missing, exact, cause))
    lost_ms = sum(missing for _, missing, _, _ in gaps) * 1000.0 / RATE
    outcome.measure("lost beyond the fault, ms", max(0.0, lost_ms - fault_ms))
    wrong = []
    if len(gaps) != 1 or not gaps[0][2]:
        wrong.append(f"not one exact gap but {gaps}")
    if lost_ms > fault_ms + NOTICED_MS:
        wrong.append(f"{lost_ms:.0f} ms lost in a fault of {fault_ms:.0f} ms")
    return wrong


def full_live(seed, long):
    """A live source goes on when a full disk has room again; one exact gap covers what was lost."""
    if not can_mount():
        outcome = Outcome("full-live")
        outcome.skipped = "nothing can be mounted here"
        return outcome
    return spread("full-live", one_full_live, seed, 12 if long else 2)


def one_full_live(seed):
    chance = random.Random(seed)
    outcome = Outcome("full-live")
    outcome.cases = 1
    rotate = chance.choice([[], ["--rotate", "2s"]])
    with small_disk(2 << 20) as folder, Station(out=folder) as station:
        live, ballast = Live(station, words=rotate), Ballast(folder)
        ballast.fill()
        alarm_ms = live.wait_alarm("write")
        held_s = time.monotonic()
        # What others delete meanwhile does not help the journal either.
        while time.monotonic() - held_s < chance.uniform(1.0, 2.5):
            ballast.fill()
            time.sleep(0.05)
        full_ms = (time.monotonic() - held_s) * 1000.0
        ballast.drop()
        stuck = live.goes_on()
        ran = live.end()
        recording, wrong = live.check(outcome)
        wrong += stuck + loud(ran, alarm_ms, outcome) + one_gap(recording, full_ms, outcome)
        outcome.wrong(f"seed {seed} ({' '.join(rotate)})", wrong)
    return outcome


def no_names(seed, long):
    """A disk with room but no inode: the next segment cannot be created, and the present one takes the rows."""
    if not can_mount():
        outcome = Outcome("no-names")
        outcome.skipped = "nothing can be mounted here"
        return outcome
    return spread("no-names", one_without_names, seed, 4 if long else 1)


def one_without_names(seed):
    outcome = Outcome("no-names")
    outcome.cases = 1
    with small_disk(64 << 20, inodes=40) as folder, Station(out=folder) as station:
        live, ballast = Live(station, words=["--rotate", "2s"]), Ballast(folder)
        ballast.take_names()
        alarm_ms = live.wait_alarm("rotation")
        time.sleep(1.0)
        ballast.drop_names()
        stuck = live.goes_on()
        ran = live.end()
        recording, wrong = live.check(outcome)
        wrong += stuck
        if recording.lost("writer"):
            wrong.append(f"{recording.lost('writer')} rows were lost although the journal could take them: {recording.gaps}")
        outcome.wrong(f"seed {seed}", wrong + loud(ran, alarm_ms, outcome))
    return outcome


FAILURES = {"EIO": errno.EIO, "ENOSPC": errno.ENOSPC, "EROFS": errno.EROFS}


def failing_writes(seed, long):
    """A write that fails once, for a while, or for good: EIO, ENOSPC, a disk that turned read-only."""
    return spread("write-fails", one_failing_write, seed, 24 if long else 4)


def one_failing_write(seed):
    chance = random.Random(seed)
    outcome = Outcome("write-fails")
    outcome.cases = 1
    case = seed % 100_000
    how = ["for a while", "once", "for good"][case % 3]
    kind = list(FAILURES)[(case + case // 3) % 3]
    with Station() as station:
        # The journal alone, or the projector's file as well.
        disk = Disk(station, chance.choice([".wal", ""]))
        live = Live(station, disk, chance.choice([[], ["--rotate", "2s"]]))
        began_s = time.monotonic()
        disk.set(write_errno=FAILURES[kind], write_times=1 if how == "once" else -1)
        alarm_ms = live.wait_alarm("write")
        fault_ms = 0.0
        if how == "for a while":
            time.sleep(chance.uniform(0.5, 2.5))
            disk.set(write_times=0)
            fault_ms = (time.monotonic() - began_s) * 1000.0
        stuck = live.goes_on() if how != "for good" else []
        ran = live.end()
        disk.set(write_times=0)
        recording, wrong = live.check(outcome)
        wrong += stuck
        # A single failure that hits a marker is answered to whom it came from, and costs no row.
        refused_marker = how == "once" and not recording.gaps and live.marks.refused
        if how != "for good" and not refused_marker:
            wrong += one_gap(recording, fault_ms, outcome)
        wrong += loud(ran, alarm_ms, outcome)
        outcome.wrong(f"seed {seed} ({kind} {how})", wrong)
    return outcome


def failing_syncs(seed, long):
    """A sync that fails once or for good: an alarm and exit code 1, and no row is missing."""
    return spread("sync-fails", one_failing_sync, seed, 12 if long else 4)


def one_failing_sync(seed):
    chance = random.Random(seed)
    outcome = Outcome("sync-fails")
    outcome.cases = 1
    times, rotate = [(1, []), (-1, []), (1, ["--rotate", "2s"]), (-1, ["--rotate", "2s"])][seed % 100_000 % 4]
    with Station() as station:
        disk = Disk(station)
        live = Live(station, disk, rotate)
        time.sleep(chance.uniform(0.0, 2.0))
        disk.set(sync_errno=errno.EIO, sync_times=times)
        alarm_ms = live.wait_alarm("sync", "projector")
        stuck = live.goes_on(2500)
        ran = live.end()
        disk.set(sync_times=0)
        recording, wrong = live.check(outcome)
        wrong += stuck
        if recording.gaps:
            wrong.append(f"rows were lost: {recording.gaps}")
        where = f"seed {seed} ({'once' if times == 1 else 'for good'} {' '.join(rotate)})"
        # Where it hit the one who seals, another one seals, and nothing was lost.
        code = 0 if times == 1 and "sync" not in live.raised else 1
        outcome.wrong(where, wrong + loud(ran, alarm_ms, outcome, code))
    return outcome


def read_only(seed, long):
    """A file system that finds an error and goes read-only: an alarm, exit code 1, readable to the last committed row."""
    outcome = Outcome("read-only")
    try:
        Failing(16 << 20).close()
    except Broken as reason:
        outcome.skipped = str(reason)
        return outcome
    return spread("read-only", one_read_only, seed, 8 if long else 1)


def one_read_only(seed):
    chance = random.Random(seed)
    outcome = Outcome("read-only")
    outcome.cases = 1
    with Failing(32 << 20) as disk, Station(out=disk.folder) as station:
        live = Live(station, words=chance.choice([[], ["--rotate", "2s"]]))
        time.sleep(chance.uniform(0.0, 3.0))
        before = station.status()["rows"]
        disk.turn_read_only()
        alarm_ms = live.wait_alarm("write", "sync")
        time.sleep(1.0)
        ran = live.end()
        recording, wrong = live.check(outcome, to=True)
        if len(recording.raw) < before:
            wrong.append(f"{len(recording.raw)} rows can be read of {before} that were committed")
        outcome.wrong(f"seed {seed}", wrong + loud(ran, alarm_ms, outcome))
    return outcome


FAULTS = {
    "full-waiting": full_waiting, "full-live": full_live, "no-names": no_names, "write-fails": failing_writes, "sync-fails": failing_syncs,
    "read-only": read_only,
}
