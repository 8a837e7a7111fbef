"""Days, accelerated: rows exact, markers exact, memory and descriptors flat, every result opened at once."""

import json
import os
import shutil
import statistics
import time
from pathlib import Path

import h5py

from ..rig.board import RATE
from ..report import Outcome
from ..rig.station import Marks, Station, free_port, wait_for

HOURS = float(os.environ.get("MYOGRAPH_FAULT_HOURS", 72))
MODELS = [model for model in os.environ.get("MYOGRAPH_FAULT_MODELS", "").split(":") if model]
SEGMENT_H = 1.0
FLAT = 0.05
OPEN_MS = 50.0
VERIFY_EVERY = 8
"""Segments; each is opened and counted, and every eighth also verified."""
ROOM_BYTES = 4 << 30


def days(seed, long):
    """72 h at 8 x 1 kHz as fast as it goes, each segment checked and deleted (MYOGRAPH_FAULT_HOURS, MYOGRAPH_FAULT_MODELS)."""
    hours = HOURS if long else min(HOURS, 0.1)
    outcome = Outcome("days")
    with Station() as station:
        if shutil.disk_usage(station.root).free < ROOM_BYTES:
            outcome.skipped = f"less than {ROOM_BYTES >> 30} GiB are free"
            return outcome
        outcome.cases = 1
        port = free_port()
        segment_s = int(min(SEGMENT_H * 3600, hours * 3600 / 3))
        words = ["--source", f"sim:?seed={seed}&speed=max", "--duration", f"{int(hours * 3600)}s", "--rotate", f"{segment_s}s"]
        for model in MODELS:
            words += ["--model", Path(model).resolve()]
        began_s = time.monotonic()
        recorder = station.start(*words, "--listen", port)
        watched = Watched(station, recorder, Marks(port, "minute"), outcome)
        watched.run(segment_s * RATE)
        ran = recorder.finish(600)
        station.gone()
        watched.collect(everything=True)
        took_s = time.monotonic() - began_s
        rows = int(hours * 3600) * RATE
        outcome.measure("hours", hours)
        outcome.measure("rows/s", rows / took_s)
        outcome.measure("72 h take, min", 72 * 3600 * RATE / (rows / took_s) / 60)
        watched.verdict(rows, ran)
    return outcome


class Watched:
    """A long recording, and what was seen of it while it ran."""

    def __init__(self, station, recorder, marks, outcome):
        self.station, self.recorder, self.marks, self.outcome = station, recorder, marks, outcome
        self.rss, self.descriptors, self.next_row, self.segments = [], [], 0, 0
        self.projector_rss, self.markers = {}, []

    def run(self, segment_rows):
        """Marks each minute of signal, looks at the processes, checks what is sealed, until the recorder ends."""
        wait_for("the station listens", lambda: self.marks.connect() or self.recorder.process.poll() is not None)
        minute, self.segment_rows = 0, segment_rows
        while self.recorder.process.poll() is None:
            rows = self.rows()
            if rows // (60 * RATE) > minute:
                minute = rows // (60 * RATE)
                self.marks.mark()
            self.look()
            self.collect()
            time.sleep(0.1)

    def rows(self):
        try:
            self.marks.lines.write('{"status": true}\n')
            self.marks.lines.flush()
            return int(json.loads(self.marks.lines.readline()).get("rows", 0))
        except (OSError, ValueError):
            return 0

    def look(self):
        """Memory and descriptors."""
        seen = resident_and_open(self.recorder.pid)
        if seen:
            self.rss.append(seen[0])
            self.descriptors.append(seen[1])
        for pid in self.station.processes("project "):
            seen = resident_and_open(pid)
            if seen:
                self.projector_rss[pid] = max(self.projector_rss.get(pid, 0), seen[0])

    def collect(self, everything=False):
        """Checks each segment that is sealed and deletes it."""
        for file in self.station.recordings():
            if file.with_suffix(".wal").exists() and not everything:
                break
            self.outcome.wrong(file.name, self.segment(file))
            file.unlink()
            self.segments += 1

    def segment(self, file):
        self.outcome.measure("opened and last second read, ms", opened_ms(file))
        with h5py.File(file, "r") as h5:
            rows, first = len(h5["raw/samples"]), int(h5.attrs["first_row"])
            wrong = [] if first == self.next_row else [f"begins at row {first}, not {self.next_row}"]
            wrong += [f"{len(h5['gaps'])} gaps"] if len(h5["gaps"]) else []
            wrong += [] if len(h5["clean/samples"]) == rows else ["raw and clean differ in length"]
            self.markers += [(m["label"].decode(), int(m["id"]), int(m["sample"])) for m in h5["markers"][()]]
            for name in h5["predictions"]:
                self.outcome.measure(f"predictions of {name}", len(h5["predictions"][name]))
        self.next_row = first + rows
        if self.segments % VERIFY_EVERY == 0:
            checked = self.station.run("verify", file, limit_s=600)
            wrong += [] if checked.code == 0 else [f"verify: {checked}"]
        return wrong

    def verdict(self, rows, ran):
        outcome, wrong = self.outcome, []
        if ran.code != 0 or self.station.journals():
            wrong.append(f"ended with {ran}; journals left: {len(self.station.journals())}")
        if self.next_row != rows:
            wrong.append(f"{self.next_row} rows instead of {rows}")
        lost, doubled = set(self.marks.kept) - set(self.markers), len(self.markers) - len(set(self.markers))
        if lost or doubled:
            wrong.append(f"{len(lost)} acknowledged markers lost, {doubled} doubled")
        slow = [ms for ms in outcome.figures.get("opened and last second read, ms", []) if ms > OPEN_MS]
        if slow:
            wrong.append(f"{len(slow)} results took longer than {OPEN_MS:.0f} ms to open")
        # Beyond the first tenth everything has been touched once.
        rss, descriptors = self.rss[len(self.rss) // 10 :], self.descriptors[len(self.descriptors) // 10 :]
        wrong += grows("memory of the recorder", medians(rss), outcome)
        wrong += grows("memory of each projector", list(self.projector_rss.values())[1:-1], outcome)
        outcome.measure("descriptors, fewest", min(descriptors, default=0))
        outcome.measure("descriptors, most", max(descriptors, default=0))
        first, last = medians(descriptors)[:1], medians(descriptors)[-1:]
        if first and last[0] > first[0] + 2:
            wrong.append(f"descriptors grow from {first[0]} to {last[0]}")
        outcome.measure("segments", self.segments)
        outcome.measure("markers acknowledged, all there", len(self.marks.kept))
        outcome.wrong("the recording", wrong)


def opened_ms(file):
    """How long it takes to open a file and read its last second; once more where the machine may have been stalled."""
    least_ms = float("inf")
    for _ in range(3):
        began_s = time.monotonic()
        with h5py.File(file, "r") as h5:
            h5["raw/samples"][-RATE:]
        least_ms = min(least_ms, (time.monotonic() - began_s) * 1000.0)
        if least_ms <= OPEN_MS:
            break
    return least_ms


def resident_and_open(pid):
    """RSS in MiB and open descriptors of a process; None when it is gone."""
    try:
        pages = int(Path("/proc", str(pid), "statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20, len(os.listdir(f"/proc/{pid}/fd"))
    except (OSError, IndexError):
        return None


def medians(values, parts=20):
    """The medians of twenty stretches of a series."""
    size = max(1, len(values) // parts)
    return [statistics.median(values[at : at + size]) for at in range(0, len(values) - size + 1, size)]


def grows(what, values, outcome):
    """Whether a series leaves its own middle by more than 5 % at its end."""
    if len(values) < 3:
        return []
    middle = statistics.median(values)
    outcome.measure(f"{what}, MiB", middle)
    outcome.measure(f"{what}, least and most, %", f"{(min(values) / middle - 1) * 100:+.1f} {(max(values) / middle - 1) * 100:+.1f}")
    return [f"{what} is not flat: {min(values):.1f} to {max(values):.1f} MiB"] if max(values) > middle * (1 + FLAT) else []


FAULTS = {"days": days}
