"""The disk that fails on command and remembers (`disk.c`): building it, steering it, and what a power cut would have
left of what it remembers."""

import functools
import mmap
import os
import struct
import subprocess
import time
from pathlib import Path

from .station import Broken

FIELDS = "write_errno write_times sync_errno sync_times room write_delay_ms sync_delay_ms writes syncs refused".split()
OPENED, WRITTEN, TRUNCATED, SYNC_BEGAN, SYNC_DONE, SYNC_FAILED, WRITE_BEGAN = range(1, 8)
ENTRY = struct.Struct("<IIQqqq")
PAGE, SECTOR = 4096, 512


@functools.cache
def library():
    """The shared library, built where builds go."""
    source = Path(__file__).with_name("disk.c")
    target = source.parents[3] / "target/faults/disk.so"
    if target.exists() and target.stat().st_mtime > source.stat().st_mtime:
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    building = target.with_suffix(f".{os.getpid()}")
    built = subprocess.run(
        [os.environ.get("CC", "cc"), "-O2", "-shared", "-fPIC", "-o", building, source, "-ldl", "-lpthread"],
        capture_output=True, text=True, check=False,
    )
    if built.returncode:
        raise Broken(f"{source.name} cannot be built: {built.stderr[-500:]}")
    building.rename(target)
    return target


class Disk:
    """Steers the disk below `folder`, for files whose names contain `names`."""

    def __init__(self, station, names=".wal"):
        self.log = station.root / "disk.log"
        control = station.root / "disk.control"
        control.write_bytes(b"\0" * mmap.PAGESIZE)
        with open(control, "r+b") as file:
            self.memory = mmap.mmap(file.fileno(), mmap.PAGESIZE)
        self.set(room=-1)
        self.env = {
            "LD_PRELOAD": str(library()), "FAULT_FOLDER": str(station.out), "FAULT_NAMES": names,
            "FAULT_CONTROL": str(control), "FAULT_LOG": str(self.log),
        }

    def set(self, **fields):
        for name, value in fields.items():
            struct.pack_into("<q", self.memory, 8 * FIELDS.index(name), value)

    def get(self, name):
        return struct.unpack_from("<q", self.memory, 8 * FIELDS.index(name))[0]

    def entries(self):
        """What happened, in order."""
        return [entry for entry in self.everything() if entry[0] != WRITE_BEGAN]

    def everything(self):
        """The same with the beginnings of writes."""
        return entries(self.log.read_bytes()) if self.log.exists() else []

    def held_up_ms(self, since_s, until_s):
        """The longest time that a write took which was under way between two moments of `time.monotonic`."""
        shift_s = time.clock_gettime(time.CLOCK_BOOTTIME) - time.monotonic()
        since_ns, until_ns = ((at_s + shift_s) * 1e9 for at_s in (since_s, until_s))
        longest, began = 0.0, {}
        for kind, pid, inode, *_, at_ns in self.everything():
            if kind == WRITE_BEGAN:
                began[pid, inode] = at_ns
            elif kind == WRITTEN and (pid, inode) in began and at_ns >= since_ns:
                longest = max(longest, at_ns - max(began.pop((pid, inode)), since_ns))
            elif kind == WRITTEN:
                began.pop((pid, inode), None)
        return max([longest, *(until_ns - max(at_ns, since_ns) for at_ns in began.values() if at_ns < until_ns)]) / 1e6


def entries(log):
    found, at = [], 0
    while at < len(log):
        kind, pid, inode, place, length, time_ns = ENTRY.unpack_from(log, at)
        at += ENTRY.size
        size = length if kind in (OPENED, WRITTEN) else 0
        found.append((kind, pid, inode, place, length, log[at : at + size], time_ns))
        at += size
    return found


class File:
    """One file as the program sees it and as it stands on the disk. A sync covers what was written before it began; one
    that fails leaves pages that count as clean and are not on the disk, until they are written again."""

    def __init__(self, path):
        self.path = path
        self.seen = bytearray()
        self.on_disk = b""
        self.began = None
        self.lost = set()
        self.between = []
        self.synced = False

    def is_projection(self):
        """Whether it is an HDF5 file; of those versions between syncs are not kept."""
        return self.path.endswith(".h5")

    def durable(self):
        """Whether all that was written would outlast a power cut."""
        return bytes(self.seen) == self.on_disk

    def apply(self, entry):
        kind, _, _, at, length, data, _ = entry
        if kind == WRITTEN:
            self.seen.extend(bytes(max(0, at - len(self.seen))))
            self.seen[at : at + length] = data
            self.lost -= set(range(at // PAGE, (at + length - 1) // PAGE + 1))
            if not self.is_projection():
                self.between.append(bytes(self.seen))
        elif kind == TRUNCATED:
            self.seen = self.seen[:length] + bytes(max(0, length - len(self.seen)))
        elif kind == SYNC_BEGAN:
            self.began = bytes(self.seen)
        elif kind == SYNC_DONE and self.began is not None:
            self.on_disk = b"".join(
                page_of(self.on_disk, page) if page in self.lost else page_of(self.began, page) for page in pages(self.began)
            )[: len(self.began)]
            self.between, self.synced = [bytes(self.seen)], True
        elif kind == SYNC_FAILED and self.began is not None:
            self.lost |= {page for page in pages(self.began) if page_of(self.began, page) != page_of(self.on_disk, page)}

    def after_a_cut(self, chance, orderly):
        """What is on the disk after a power cut: all that was written, or any mix of old, newer and torn pages."""
        if orderly:
            return bytes(self.seen)
        versions = [self.on_disk, *chance.sample(self.between, min(len(self.between), 3)), bytes(self.seen)]
        out = []
        for page in pages(self.seen):
            old = page_of(self.on_disk, page)
            new = old if page in self.lost else page_of(chance.choice(versions), page)
            # What a later version does not have yet was not taken from the disk: the older bytes stand there.
            new = bytes(new) if len(new) >= len(old) else new + old[len(new) :]
            if chance.random() < 0.2:
                cut = chance.randrange(PAGE // SECTOR) * SECTOR
                new = new[:cut].ljust(cut, b"\0") + old[cut:] if chance.random() < 0.5 else old[:cut].ljust(cut, b"\0") + new[cut:]
            out.append(new.ljust(PAGE, b"\0"))
        longest = max(len(self.seen), len(self.on_disk))
        length = chance.choice([len(self.on_disk), longest, longest, chance.randint(len(self.on_disk), longest)])
        return b"".join(out)[:length]


def pages(data):
    return range((len(data) + PAGE - 1) // PAGE)


def page_of(data, page):
    return bytes(data[page * PAGE : (page + 1) * PAGE])
