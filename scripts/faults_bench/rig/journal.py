"""The journal read from its byte tables alone (`src/store/journal`): which rows and markers some bytes hold for sure."""

import struct

HEAD = struct.Struct("<4sHHI16sIQ")
ROWS, MARKER, SEALED = 3, 6, 12


def crc32c(data, table=[]):  # noqa: B006  built once
    if not table:
        for byte in range(256):
            for _ in range(8):
                byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
            table.append(byte)
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


assert crc32c(b"123456789") == 0xE3069283


def records(data):
    """Kinds and payloads of the whole frames from the beginning to the first place where none stands."""
    at = 0
    while data[at : at + 4] == b"MYOJ" and at + HEAD.size <= len(data):
        _, kind, _, length, *_ = HEAD.unpack_from(data, at)
        end = at + HEAD.size + length
        if end + 4 > len(data):
            return
        yield kind, data[at + HEAD.size : end], data[at:end], data[end : end + 4]
        at = end + 4


def contents(data):
    """Rows (first, count) and markers (label, id, sample) in a journal that nothing has damaged."""
    rows, markers = [], []
    for kind, payload, *_ in records(data):
        if kind == ROWS:
            sample, channels = struct.unpack_from("<QI", payload)
            sample_type, size = payload[48], struct.unpack_from("<I", payload, 49)[0]
            rows.append((sample, size // ([2, 4, 4, 8][sample_type] * channels)))
        elif kind == MARKER:
            number, sample = struct.unpack_from("<QQ", payload)
            length = struct.unpack_from("<I", payload, 32)[0]
            markers.append((payload[36 : 36 + length].decode(), number, sample))
    return rows, markers


def is_sealed(data):
    return any(kind == SEALED for kind, *_ in records(data))
