"""What every script of the stories begins with."""

import json
import sys
import time
import zlib

import h5py
import numpy as np
from scipy import signal

SIGNALS = ("raw/samples", "clean/samples", "clean/envelope")


def done(value):
    """Hands a value to the story."""
    print(json.dumps(value), flush=True)


def rows(*files):
    """Raw, clean and envelope of a recording, its segments joined in order of their first row."""
    segments = sorted((h5py.File(file, "r") for file in files), key=lambda h5: h5.attrs["first_row"])
    return [np.concatenate([h5[name][()] for h5 in segments]) for name in SIGNALS]


def same(a, b):
    """Equal to the bit, NaN included."""
    return bool(a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes())


def words(table, field):
    """A column of codes or labels as text."""
    return [value.decode() for value in table[field]]


def expected_clean(h5):
    """The cleaned signal by SciPy: from raw, the chains in the file and the spans they hold for, in f64."""
    first = int(h5.attrs["first_row"])
    x = h5["raw/samples"][()].astype(float)
    for gap in h5["gaps"][()]:
        if gap["exact"]:
            start = int(gap["sample"]) - first
            x[start : start + int(gap["missing"])] = np.nan
    channels = h5["channels"][()]
    x = (x - channels["offset"]) * channels["scale"]
    chains = {int(chain["id"]): chain for chain in h5["filter/chains"][()]}
    sections = h5["filter/sections"][()]
    spans = h5["filter/spans"][()]
    clean = np.full_like(x, np.nan)
    for channel in range(x.shape[1]):
        of_channel = spans[spans["channel"] == channel]
        begins = [max(int(sample) - first, 0) for sample in of_channel["sample"]]
        for span, begin, end in zip(of_channel, begins, begins[1:] + [len(x)]):
            values = x[begin:end, channel]
            missing = np.flatnonzero(np.isnan(values))
            values = values[: missing[0]] if len(missing) else values
            chain = chains[int(span["chain"])]
            sos = sections[chain["first_section"] :][: chain["count"]]
            if len(sos) == 0:
                clean[begin : begin + len(values), channel] = values
                continue
            steady = signal.sosfilt_zi(sos) * values[0]
            state = h5["filter/state"][channel, : len(sos)] if begin == 0 else steady
            if begin == 0 and int(span["sample"]) == first:
                assert np.allclose(state, steady, rtol=1e-6, atol=1e-9 * np.abs(values).max())
            clean[begin : begin + len(values), channel] = signal.sosfilt(sos, values, zi=state)[0]
    return clean


def deviation(h5):
    """How far each channel's stored cleaned signal is from SciPy's, as a share of what is allowed."""
    expected, stored = expected_clean(h5), h5["clean/samples"][()].astype(float)
    assert np.array_equal(np.isnan(expected), np.isnan(stored)), "rows are missing where none should be"
    allowed = 1e-6 * np.sqrt(np.nanmean(expected**2, axis=0)) + 1.2e-7 * np.abs(expected)
    return [float(share) for share in np.nanmax(np.abs(stored - expected) / allowed, axis=0)]
