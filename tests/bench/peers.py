"""The same work by SciPy and h5py, printed as `name value`: values per second of processor time.

usage: peers.py RECORDING.h5 FOLDER    (filters a minute of 8 channels; then reads, filters and writes the recording)
"""

import sys
import time
from pathlib import Path

import h5py
import numpy as np
from scipy import signal

TIMES = 5


def speed(values, work, now=time.process_time):
    """Median values per second of processor time, or of another clock."""
    took = []
    for _ in range(TIMES):
        began = now()
        work()
        took.append(now() - began)
    return values / sorted(took)[TIMES // 2]


def chain(rate=1000):
    notches = [signal.tf2sos(*signal.iirnotch(hz, 30, fs=rate)) for hz in (50, 100, 150)]
    band = signal.butter(4, (20, 450), "bandpass", fs=rate, output="sos")
    return np.vstack([*notches, band]), signal.butter(2, 10, fs=rate, output="sos")


def filtered(x, sections, low, rows):
    """Clean and envelope in blocks of so many rows, state carried."""
    state = [np.repeat(signal.sosfilt_zi(sos)[:, :, None], x.shape[1], 2) * x[0] for sos in (sections, low)]
    for at in range(0, len(x), rows):
        clean, state[0] = signal.sosfilt(sections, x[at : at + rows], axis=0, zi=state[0])
        _, state[1] = signal.sosfilt(low, np.abs(clean), axis=0, zi=state[1])


def copied(source, target):
    """What `clean` does: raw read, filtered by the file's own chain, and everything written anew."""
    with h5py.File(source) as h5, h5py.File(target, "w") as out:
        raw, chains = h5["raw/samples"][()], h5["filter/chains"][()]
        channels = h5["channels"][()]
        first = chains[0]
        sections = h5["filter/sections"][()][first["first_section"] :][: first["count"]]
        low = h5["filter/envelope_sections"][()][first["envelope_first"] :][: first["envelope_count"]]
        x = (raw - channels["offset"]) * channels["scale"]
        start = lambda sos, x: np.repeat(signal.sosfilt_zi(sos)[:, :, None], x.shape[1], 2) * x[0]
        clean = signal.sosfilt(sections, x, axis=0, zi=start(sections, x))[0]
        rectified = np.abs(clean)
        envelope = signal.sosfilt(low, rectified, axis=0, zi=start(low, rectified))[0]
        every = int(h5["clean/envelope"].attrs["decimation"])
        chunk = h5["raw/samples"].chunks
        out.create_dataset("raw", data=raw, chunks=chunk, compression="gzip", compression_opts=1, shuffle=True, fletcher32=True)
        out.create_dataset("clean", data=clean.astype(np.float32), chunks=chunk)
        out.create_dataset("envelope", data=envelope[every - 1 :: every].astype(np.float32), chunks=(100, chunk[1]))
    Path(target).unlink()
    return raw.size


if __name__ == "__main__":
    source, folder = sys.argv[1:]
    x = np.random.default_rng(1).normal(512, 100, (60_000, 8)).round()
    for name, rows in (("blocks-10", 10), ("offline", len(x))):
        some = x[: 60 * rows] if rows == 10 else x
        print(name, speed(some.size, lambda: filtered(some, *chain(), rows)))
    with h5py.File(source) as h5:
        size = h5["raw/samples"].size
    whole = lambda: copied(source, Path(folder) / "copy.h5")
    print("file", speed(size, whole))
    print("file-wall", speed(size, whole, time.perf_counter))
