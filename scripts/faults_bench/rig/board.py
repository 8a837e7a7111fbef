"""A board of the bench's own on a pseudo-terminal, as framed protocol or as text lines. Every row carries its number, so
that what was stored says by itself where it belongs; what left for the terminal and what was read there is counted.

The byte tables are those in `src/source/framed.rs`; nothing here is shared with the program."""

import binascii
import collections
import fcntl
import os
import struct
import termios
import threading
import time
import tty
from pathlib import Path

import numpy as np

CHANNELS = 8
RATE = 1000
TICK_S = 0.005
FRAME_ROWS = 10


def values_of(numbers):
    """What the board sends as row `n`: six scrambled counts and the number itself in two, ten bits each."""
    numbers = np.asarray(numbers, np.uint64)[:, None]
    with np.errstate(over="ignore"):
        mixed = (numbers * np.uint64(131) + np.arange(CHANNELS - 2, dtype=np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
    return np.hstack([mixed >> np.uint64(54), numbers & np.uint64(1023), numbers >> np.uint64(10)]).astype(np.int64)


def numbers_of(raw):
    """The number each stored row claims to have."""
    return raw[:, -2].astype(np.int64) + raw[:, -1].astype(np.int64) * 1024


class Chunk:
    """Bytes that left for the terminal as one, and the rows in them."""

    def __init__(self, first, rows, start, data, sent_s):
        self.first, self.rows, self.start, self.data, self.sent_s = first, rows, start, data, sent_s


class Reader:
    """What the recorder has read from the line, as the kernel counts it for its reading thread, and when the bench saw it."""

    def __init__(self, pid):
        self.pid, self.counter = pid, None
        self.seen = []

    def look(self, sent_bytes):
        if self.counter is None:
            self.counter = self.find()
        if self.counter is None:
            return
        try:
            read = int(os.pread(self.counter, 64, 0).split(None, 2)[1])
        except (OSError, IndexError, ValueError):
            return
        self.seen.append((time.monotonic(), read, sent_bytes))

    def find(self):
        tasks = Path("/proc", str(self.pid), "task")
        try:
            for task in os.listdir(tasks):
                if (tasks / task / "comm").read_text().strip() == "acquire":
                    return os.open(tasks / task / "io", os.O_RDONLY)
        except OSError:
            pass  # it has ended, or a thread has while it was looked at
        return None

    def saw_read_s(self, byte):
        """When the bench first saw that so many bytes of the line had been read; None where it never did."""
        if not self.seen:
            return None
        # Nothing is read before it is sent, and a reader in time has read all: so far apart the two counts began.
        offset = min(sent - read for _, read, sent in self.seen)
        return next((at_s for at_s, read, _ in self.seen if read + offset >= byte), None)


class Board(threading.Thread):
    """Sends rows in real time until `stop`. A full line loses rows, as a real one does; `dropped` says which."""

    query = ""

    def __init__(self, link, room=None):
        super().__init__(daemon=True)
        self.master, self.slave = os.openpty()
        tty.setraw(self.slave)
        for end in (self.master, self.slave):
            os.set_blocking(end, False)
        self.link = str(link)
        os.symlink(os.ttyname(self.slave), self.link)
        # Bytes that may wait to be read before the line overflows, as in a UART's driver; None: what the kernel holds.
        self.room = room
        self.began_s = None
        self.next = 0
        self.rest = b""
        self.sent_bytes = 0
        self.chunks = collections.deque(maxlen=20_000)
        self.dropped = []
        self.reader = None
        self.quit = threading.Event()

    def uri(self):
        return f"serial:{self.link}?{self.query}"

    def run(self):
        while not self.quit.wait(TICK_S):
            if self.reader:
                self.reader.look(self.sent_bytes - len(self.rest))
            self.tick()

    def stop(self):
        self.quit.set()
        if self.is_alive():
            self.join()

    def close(self):
        self.stop()
        for end in (self.master, self.slave):
            os.close(end)

    def due(self):
        return int((time.monotonic() - self.began_s) * RATE) if self.began_s is not None else 0

    def unread(self):
        """Bytes that wait to be read, as far as the line discipline has them."""
        answer = bytearray(4)
        fcntl.ioctl(self.slave, termios.FIONREAD, answer)
        return struct.unpack("<i", answer)[0]

    def write(self, data):
        try:
            return os.write(self.master, data)
        except BlockingIOError:
            return 0

    def push(self, first, rows, data):
        """Sends a chunk whole, or not at all."""
        if self.rest:
            self.rest = self.rest[self.write(self.rest) :]
        full = self.rest or (self.room is not None and self.unread() >= self.room)
        written = 0 if full else self.write(data)
        if written == 0:
            self.dropped.append((first, rows))
            return
        self.chunks.append(Chunk(first, rows, self.sent_bytes, data, time.monotonic()))
        self.rest = data[written:]
        self.sent_bytes += len(data)

    def read_rows(self):
        """How many rows, counted from row 0, were read to their last byte. Exact, because what was not read is taken
        out and counted: the reader is dead, and the board is stopped."""
        unread, quiet = 0, 0
        while quiet < 3:
            try:
                got = len(os.read(self.slave, 65536))
            except BlockingIOError:
                got = 0
            quiet = 0 if got else quiet + 1
            unread += got
            time.sleep(0 if got else TICK_S)
        read = self.sent_bytes - len(self.rest) - unread
        rows = 0
        for chunk in self.chunks:
            whole = chunk.data[: max(0, read - chunk.start)].count(self.end)
            rows = max(rows, chunk.first + whole * self.rows_per_end) if whole else rows
        return rows

    def age_s(self, number, now_s):
        """How long before `now_s` the bench had seen that a row was read, or, where it cannot see that, sent it."""
        for chunk in self.chunks:
            if chunk.first <= number < chunk.first + chunk.rows:
                ends = [at for at, byte in enumerate(chunk.data) if byte == self.end[0]]
                read_s = self.reader.saw_read_s(chunk.start + ends[(number - chunk.first) // self.rows_per_end] + 1)
                # Read after the last look: younger than one.
                return now_s - (read_s or now_s) if self.reader.seen else now_s - chunk.sent_s
        return 0.0


class Lines(Board):
    """A sketch that prints numbers."""

    query = f"format=csv&rate={RATE}"
    end, rows_per_end = b"\n", 1

    def tick(self):
        if self.began_s is None:
            self.began_s = time.monotonic()
        due = self.due()
        rows = due - self.next
        if rows > 0:
            values = values_of(np.arange(self.next, due))
            self.push(self.next, rows, b"".join(b"%d,%d,%d,%d,%d,%d,%d,%d\n" % tuple(row) for row in values.tolist()))
            self.next = due


class Frames(Board):
    """A board with our firmware: answers commands, sends packed frames of ten rows."""

    query = "format=myograph&baud=500000"
    end, rows_per_end = b"\0", FRAME_ROWS

    def __init__(self, link, room=None):
        super().__init__(link, room)
        self.heard = b""
        self.epoch = 0
        self.seq = 0

    def tick(self):
        self.hear()
        if self.began_s is None:
            return
        due = self.due()
        while due - self.next >= FRAME_ROWS:
            self.push(self.next, FRAME_ROWS, stuffed(self.frame()))
            self.next += FRAME_ROWS
            self.seq += 1

    def frame(self):
        """The next data frame."""
        values = values_of(np.arange(self.next, self.next + FRAME_ROWS)).ravel()
        bits = (values[:, None] >> np.arange(10)) & 1
        packed = np.packbits(bits.astype(np.uint8).ravel(), bitorder="little").tobytes()
        head = struct.pack(
            "<BBHBBBII", 0x11, self.epoch, self.seq & 0xFFFF, 0, CHANNELS, FRAME_ROWS, self.next,
            self.next * 1_000_000 // RATE & 0xFFFFFFFF,
        )
        return head + packed

    def hear(self):
        """Answers what the host says."""
        try:
            self.heard += os.read(self.master, 4096)
        except BlockingIOError:
            return
        *lines, self.heard = self.heard.split(b"\n")
        for line in filter(None, lines):
            letter = line[:1]
            if letter == b"I":
                self.answer(b"\0" + stuffed(self.identity()))
                continue
            running = self.began_s is not None
            self.answer(stuffed(struct.pack("<BBBBI", 0x13, self.epoch, letter[0], 3 if running and letter not in b"X" else 0, 0)))
            if letter == b"G" and not running:
                self.began_s, self.next, self.epoch = time.monotonic(), 0, self.epoch + 1 & 0xFF
            if letter == b"X":
                self.began_s = None

    def answer(self, data):
        self.write(data)
        self.sent_bytes += len(data)

    def identity(self):
        name = b"bench"
        return struct.pack(
            "<BBHBBBBBBHHIIIBBB", 0x12, self.epoch, 0x0100, 2, CHANNELS, 16, 1, 10, 0, 5000, 0, 250, 250 * RATE, 500_000,
            int(self.began_s is not None), 0, len(name),
        ) + name


def stuffed(frame):
    """A frame with its checksum, free of zeros, and the zero that ends it."""
    frame += struct.pack("<H", binascii.crc_hqx(frame, 0xFFFF))
    return b"".join(bytes([len(part) + 1]) + part for part in frame.split(b"\0")) + b"\0"
