"""A host for the board, written from the byte tables alone: it shares nothing with the program, and so checks both."""

import fcntl
import os
import select
import struct

TCGETS2, TCSETS2, BOTHER, CBAUD = 0x802C542A, 0x402C542B, 0o010000, 0o010017
LIMIT_S = float(os.environ.get("MYOGRAPH_TEST_LIMIT_S", 60))

DATA, IDENTITY, ACK, STATUS = 0x11, 0x12, 0x13, 0x14
DONE, UNKNOWN, OUT_OF_RANGE, ONLY_WHILE_STOPPED, LINE_TOO_SLOW = range(5)
OVERRUN, DROPPED, WORDS, DIGITAL = 1, 2, 4, 8


def crc16(data):
    """CRC-16/CCITT-FALSE, bit by bit."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ (0x1021 if crc & 0x8000 else 0)) & 0xFFFF
    return crc


assert crc16(b"123456789") == 0x29B1


def uncobs(data):
    """What was stuffed; None where that cannot have been."""
    out = bytearray()
    at = 0
    while at < len(data):
        count = data[at]
        if at + count > len(data):
            return None
        out += data[at + 1 : at + count]
        at += count
        if count < 0xFF and at < len(data):
            out.append(0)
    return bytes(out)


def frame_of(packet):
    """The frame in what stood between two zeros, without its checksum; None where it is damaged."""
    body = uncobs(packet)
    if body is None or len(body) < 4 or len(body) > 254:
        return None
    return body[:-2] if crc16(body[:-2]) == int.from_bytes(body[-2:], "little") else None


def identity_of(frame):
    names = ("version model channels most_channels mode bits digital reference_mv skew ticks clock_hz baud running "
             "reset_cause length").split()
    values = dict(zip(names, struct.unpack_from("<HBBBBBBHHIIIBBB", frame, 2)))
    values["name"] = frame[29:].decode("ascii")
    assert len(values["name"]) == values["length"] <= 32
    return values | {"epoch": frame[1]}


def status_of(frame):
    assert len(frame) == 22
    names = "seq index t_us unsampled dropped most_scans most_ring".split()
    return dict(zip(names, struct.unpack("<HIIIIBB", frame[2:])))


class Block:
    """A data frame."""

    def __init__(self, frame):
        self.epoch = frame[1]
        self.seq, self.flags, self.channels, self.scans, self.index, self.t_us = struct.unpack_from("<HBBBII", frame, 2)
        count = self.scans * self.channels
        payload = np.frombuffer(frame[15:], np.uint8)
        size = 2 * count if self.flags & WORDS else (10 * count + 7) // 8
        samples, digital = payload[:size], payload[size:]
        assert len(digital) == (self.scans if self.flags & DIGITAL else 0), "a frame of another size"
        if self.flags & WORDS:
            values = samples.view("<u2")
        else:
            bits = np.unpackbits(samples, bitorder="little")
            assert not bits[10 * count :].any()
            values = bits[: 10 * count].reshape(-1, 10) @ (1 << np.arange(10))
        self.samples = values.reshape(self.scans, self.channels).astype(int)
        self.digital = digital.astype(int)


class Board:
    """A board behind a serial port; `damaged` counts what came and was no frame."""

    def __init__(self, path, baud=500_000):
        self.port = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        self.set_baud(baud)
        self.rest = b""
        self.damaged = 0
        self.heard = []

    def set_baud(self, baud):
        """Any rate, by number."""
        settings = bytearray(44)
        fcntl.ioctl(self.port, TCGETS2, settings)
        control = struct.unpack_from("<I", settings, 8)[0] & ~CBAUD | BOTHER
        struct.pack_into("<I", settings, 8, control)
        struct.pack_into("<II", settings, 36, baud, baud)
        fcntl.ioctl(self.port, TCSETS2, bytes(settings))
        self.rest = b""

    def listen(self, wait_s=0.05):
        """Frames that came, in order; nothing after `wait_s` of silence."""
        if select.select([self.port], [], [], wait_s)[0]:
            *packets, self.rest = (self.rest + os.read(self.port, 1 << 16)).split(b"\0")
            for packet in filter(None, packets):
                frame = frame_of(packet)
                self.damaged += frame is None
                if frame is not None:
                    yield frame

    def until(self, what, wanted):
        """Keeps every frame in `heard` up to the first for which `wanted` gives a value; gives the value."""
        ends = time.monotonic() + LIMIT_S
        while time.monotonic() < ends:
            found = None
            for frame in self.listen():
                self.heard.append(frame)
                found = wanted(frame) if found is None else found
            if found is not None:
                return found
        raise AssertionError(f"waited in vain for {what}; {self.damaged} damaged, {len(self.heard)} frames")

    def say(self, text):
        os.write(self.port, text.encode("latin-1"))

    def identity(self):
        return self.until("an identity", lambda frame: identity_of(frame) if frame[0] == IDENTITY else None)

    def identify(self):
        self.say("I\n")
        return self.identity()

    def ask(self, line):
        """Sends a command; gives the result and the value of its acknowledgement."""
        self.say(line + "\n")
        mine = lambda frame: struct.unpack("<BI", frame[3:]) if frame[0] == ACK and frame[2] == ord(line[0]) else None
        return self.until(f"an answer to {line}", mine)

    def set_up(self, *lines):
        """Waits for the board to speak, then sends commands it has to accept; gives its identity."""
        self.identity()
        for line in lines:
            assert self.ask(line)[0] == DONE, line
        return self.identify()

    def run(self, scans):
        """Lets the board sample until it counts `scans`; gives the blocks and the last status."""
        self.heard.clear()
        assert self.ask("G")[0] == DONE
        self.until("scans", lambda frame: frame[0] == DATA and Block(frame).index >= scans or None)
        result, count = self.ask("X")
        assert result == DONE
        ended = lambda frame: frame[0] == STATUS and status_of(frame)["index"] == count or None
        if not any(map(ended, self.heard)):
            self.until("where the run ended", ended)
        blocks = [Block(frame) for frame in self.heard if frame[0] == DATA]
        status = [status_of(frame) for frame in self.heard if frame[0] == STATUS]
        assert status[-1]["index"] == count
        return blocks, status[-1]


def account(blocks, status):
    """Where every scan of a run is: received, or lost for a reason the frames give."""
    index = 0
    seq = blocks[0].seq
    found = {"received": 0, "overrun": 0, "board": 0, "on_the_way": 0, "frames_missing": 0}
    for block in blocks:
        jump = (block.seq - seq) & 0xFFFF
        missing = block.index - index
        assert missing >= 0, "the index went back"
        if jump:
            found["board" if block.flags & DROPPED else "on_the_way"] += missing
        elif missing:
            assert block.flags & OVERRUN, "a hole nobody explains"
            found["overrun"] += missing
        found["frames_missing"] += jump
        found["received"] += block.scans
        index, seq = block.index + block.scans, block.seq + 1 & 0xFFFF
    found["frames_missing"] += (status["seq"] - seq) & 0xFFFF
    found["tail"] = status["index"] - index
    found["all"] = status["index"]
    return found


def waves(of):
    """Per channel hz, amplitude and offset in mV, as the bench was told."""
    return np.array([[float(number) for number in wave.split(":")[1:]] for wave in of.split(",")])


def off_by(blocks, identity, of):
    """How far each channel is from the wave on its pin, rms in steps of the converter, its half step apart."""
    hz, amplitude, offset = waves(of).T[:, : identity["channels"]]
    index = np.concatenate([block.index + np.arange(block.scans) for block in blocks])
    samples = np.concatenate([block.samples for block in blocks])
    cycles = index[:, None] * identity["ticks"] + np.arange(identity["channels"]) * identity["skew"]
    mv = offset + amplitude * np.sin(2 * np.pi * hz * cycles / identity["clock_hz"])
    steps = (1 << identity["bits"]) - 1
    error = samples + 0.5 - mv * steps / identity["reference_mv"]
    assert np.all(np.abs(error.mean(axis=0)) < 0.5), error.mean(axis=0)
    return error.std(axis=0)
