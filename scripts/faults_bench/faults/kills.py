"""`kill -9` of the recorder, of its projector, of both, and of `recover` itself, at random moments."""

import os
import random
import signal
import threading
import time

from ..report import Outcome
from ..rig.board import RATE, Frames, Lines, Reader
from ..rig.disk import Disk
from ..rig.station import Commands, Marks, Station, free_port, wait_for
from ..rig.truth import Recording
from ..work import spread

ALLOWED_MS = 100.0
"""The promise: no row is lost that the recorder had read so long ago."""


def kill(seed, long):
    """Recorders of a board whose every byte and marker is known; a second or two each, two at a time."""
    return spread("kill", one_kill, seed, 1000 if long else 10)


def one_kill(seed):
    chance = random.Random(seed)
    outcome = Outcome("kill")
    outcome.cases = 1
    kind = chance.choice([Lines, Frames])
    with Station() as station:
        board = kind(station.root / "board")
        board.start()
        port = free_port()
        words = ["--source", board.uri(), "--listen", port]
        if chance.random() < 0.25:
            words += ["--rotate", "1s"]
        disk = Disk(station)
        recorder = station.start(*words, env=disk.env if chance.random() < 0.5 else {})
        board.reader = Reader(recorder.pid)
        marks, quit = chance.choice([Marks(port), Marks(port), Commands(station)]), threading.Event()
        marker = threading.Thread(target=marks.mark_until_gone, args=(chance.uniform(0.005, 0.1), quit))
        marker.start()
        victim = chance.choice(["recorder", "recorder", "both", "projector first", "at birth"])
        if victim == "at birth":
            until = time.monotonic() + chance.uniform(0.0, 0.5)
        else:
            wait_for("a journal", lambda: station.journals() or recorder.process.poll() is not None)
            until = time.monotonic() + chance.uniform(0.05, 1.5)
        if victim == "projector first":
            time.sleep(chance.uniform(0.0, max(0.0, until - time.monotonic())))
            end_projectors(station)
        time.sleep(max(0.0, until - time.monotonic()))
        recorder.signal(signal.SIGKILL)
        killed_s = time.monotonic()
        if victim == "both":
            end_projectors(station)
        recorder.kill()
        board.stop()
        read = board.read_rows()
        quit.set()
        marker.join()
        station.gone()
        wrong = recovered(station, chance, outcome)
        files = station.recordings()
        if files and not wrong:
            recording = Recording(files)
            wrong += recording.check_rows(board is Frames) + recording.check_markers(marks)
            holes = recording.unexplained(board)
            if len(holes):
                wrong.append(f"{len(holes)} rows are missing in the middle, the first is {holes[0]}")
            wrong += loss(recording, board, read, killed_s, disk, outcome)
            outcome.measure("markers acknowledged", len(marks.kept))
            outcome.measure("rows compared", int((~recording.missing).sum()))
        elif not files and not wrong and victim == "at birth":
            outcome.measure("killed before a journal was there", 1)
        elif not files and not wrong:
            wrong.append(f"nothing was recovered: {recorder.said()[-300:]}")
        outcome.wrong(f"seed {seed} ({kind.__name__}, {victim})", wrong)
        board.close()
    return outcome


def loss(recording, board, read, killed_s, disk, outcome):
    """What was read and is not stored, in rows of signal and by age at the kill."""
    stored = recording.stored()
    lost = max(0, read - stored)
    outcome.measure("lost, ms of signal", lost * 1000.0 / RATE)
    age_ms = board.age_s(stored, killed_s) * 1000.0 if lost else 0.0
    outcome.measure("oldest lost row was read so long before, ms", age_ms)
    # A burst after a pause of the bench's own is much signal in little time: both must be over to be a loss.
    if min(lost * 1000.0 / RATE, age_ms) > ALLOWED_MS:
        held_ms = disk.held_up_ms(killed_s - age_ms / 1000.0, killed_s)
        return [
            f"{lost} rows lost, the oldest read {age_ms:.0f} ms before; {read} read, {stored} stored; "
            f"the longest write meanwhile took {held_ms:.0f} ms"
        ]
    return []


def end_projectors(station):
    for pid in station.processes("project "):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def recovered(station, chance, outcome):
    """Recovers what is left, killing `recover` itself a few times; says what is wrong with the result."""
    reference = station.root / "reference"
    kills = chance.choice([0, 0, 0, 1, 2, 3])
    if kills:
        for journal in station.journals():
            station.run("recover", journal, "--to", reference)
    for _ in range(kills):
        recovery = station.popen("recover", station.out)
        time.sleep(chance.uniform(0.0, 0.12))
        recovery.kill()
        recovery.wait()
    outcome.measure("kills of `recover`", kills)
    began = time.monotonic()
    ran = station.run("recover", station.out)
    outcome.measure("recover took, ms", (time.monotonic() - began) * 1000.0)
    wrong = []
    if ran.code not in (0, 1) or "damaged" in ran.out:
        wrong.append(f"recover: {ran}")
    left = [path.name for path in station.out.rglob("*") if path.is_file() and path.suffix != ".h5"]
    # Who is killed while it seals may leave its empty claim, which claims nothing.
    claims = [name for name in left if name.endswith(".projecting")]
    outcome.measure("empty claims left behind", len(claims))
    # So may who is killed before it has published a journal, which holds nothing yet.
    unborn = [name for name in left if name.startswith(".")]
    outcome.measure("unpublished journals left behind", len(unborn))
    left = [name for name in left if name not in claims + unborn]
    if left:
        wrong.append(f"left behind: {left}")
    for file in station.recordings():
        checked = station.verify(file)
        if checked.code not in (0, 1):
            wrong.append(f"verify of {file.name}: {checked}")
        other = reference / file.name
        if other.exists() and not wrong:
            wrong += Recording([file]).same_as(Recording([other]))
    return wrong


def projector(seed, long):
    """A projector that is killed again and again costs nothing."""
    return spread("projector", one_projector, seed, 20 if long else 2)


def one_projector(seed):
    chance = random.Random(seed)
    outcome = Outcome("projector")
    outcome.cases = 1
    with Station() as station:
        board = Frames(station.root / "board")
        board.start()
        recorder = station.start("--source", board.uri())
        wait_for("a projector", lambda: station.processes("project "))
        for _ in range(4):
            time.sleep(chance.uniform(0.1, 1.0))
            end_projectors(station)
        recorder.signal(signal.SIGINT)
        ran = recorder.finish()
        wrong = [] if ran.code == 0 else [f"the recorder ended with {ran}"]
        file = station.recordings()
        if len(file) != 1 or station.journals():
            wrong.append("not one sealed file")
        else:
            checked = station.verify(file[0])
            recording = Recording(file)
            wrong += recording.check_rows(True) + ([] if checked.code == 0 else [f"verify: {checked}"])
            if recording.gaps:
                wrong.append(f"gaps: {recording.gaps}")
            outcome.measure("rows compared", len(recording.raw))
        outcome.wrong(f"seed {seed}", wrong)
        board.close()
    return outcome


def kill_slow_sync(seed, long):
    """Kills while syncs take 0.6 s and writes no time, at the start and at borders: rows do not wait for syncs."""
    return spread("kill-slow", one_slow_sync, seed, 40 if long else 4)


def one_slow_sync(seed):
    chance = random.Random(seed)
    outcome = Outcome("kill-slow")
    outcome.cases = 1
    with Station() as station:
        disk = Disk(station, names="_emg")
        board = Lines(station.root / "board")
        board.start()
        recorder = station.start("--source", board.uri(), "--rotate", "1s", env=disk.env)
        board.reader = Reader(recorder.pid)
        wait_for("a journal", station.journals)
        disk.set(sync_delay_ms=600)
        time.sleep(chance.uniform(0.8, 2.5))
        recorder.signal(signal.SIGKILL)
        killed_s = time.monotonic()
        recorder.kill()
        board.stop()
        read = board.read_rows()
        disk.set(sync_delay_ms=0)
        station.gone()
        ran = station.run("recover", station.out)
        recording = Recording(station.recordings())
        wrong = [f"recover: {ran}"] if ran.code not in (0, 1) else recording.check_rows(False)
        outcome.wrong(f"seed {seed}", wrong + loss(recording, board, read, killed_s, disk, outcome))
        board.close()
    return outcome


FAULTS = {"kill": kill, "projector": projector, "kill-slow": kill_slow_sync}
