"""Small recordings with a known content, as the station lays them out."""

import h5py
import numpy as np

TEXT, CODE = "S64", "S16"
GAPS = [("sample", "<u8"), ("missing", "<u8"), ("exact", "u1"), ("epoch", "<u4"), ("cause", CODE), ("host_ns", "<i8")]
SPANS = [("sample", "<u8"), ("channel", "<u2"), ("chain", "<u4"), ("settled_sample", "<u8"), ("reason", CODE)]
MARKERS = [("id", "<u8"), ("sample", "<u8"), ("label", TEXT), ("action", CODE), ("refers_to", "<u8")]
TRIALS = [("number", "<u4"), ("attempt", "<u4"), ("onset", "<u8"), ("end", "<u8"), ("label", TEXT), ("rejected", "u1")]
TRUTH = [("onset", "<u8"), ("end", "<u8"), ("channel", "<u2"), ("expression", TEXT), ("level", "<f8")]
ARTEFACTS = [("onset", "<u8"), ("end", "<u8"), ("channels", "<u8"), ("rule", TEXT), ("coder", TEXT)]
EVENTS = [("onset", "<u8"), ("apex", "<u8"), ("end", "<u8"), ("channel", "<u2"), ("action_unit", CODE), ("class", CODE)]
CHANNELS = [("name", TEXT), ("kind", CODE), ("muscle", TEXT), ("unit", CODE), ("gain", "<f8")]
CHAINS = [("id", "<u4"), ("first_section", "<u4"), ("count", "<u4"), ("envelope_first", "<u4"), ("envelope_count", "<u4"), ("rectify", "u1")]
TRACKED = [*CHAINS, ("baseline_fall", "<f8"), ("baseline_rise", "<f8")]
SECTIONS = np.array([[1.0, 2.0, 1.0, 1.0, -0.5, 0.25]])
ENVELOPE_SECTIONS = np.array([[0.5, 0.5, 0.0, 1.0, -0.1, 0.0]])
TABLES = {
    "gaps": GAPS,
    "markers": MARKERS,
    "artefacts": ARTEFACTS,
    "events": EVENTS,
    "protocol/trials": TRIALS,
    "truth": TRUTH,
    "filter/spans": SPANS,
}


def segment(path, samples, first_row=0, segment=0, recording="aa", subject="01", session="", rate=1000.0, **tables):
    """Writes one segment; `tables` are lists of tuples by the last part of a table's path."""
    samples = np.asarray(samples, np.float32)
    with h5py.File(path, "w") as file:
        words = {"format": "myograph-recording", "recording_id": recording, "subject": subject, "session": session}
        for key, value in {**words, "run": "01", "task": "faces", "source": "sim:"}.items():
            file.attrs[key] = np.bytes_(value.encode())
        file.attrs["first_row"], file.attrs["segment"] = np.uint64(first_row), np.uint32(segment)
        file.attrs["sampling_rate_hz"] = rate
        file["raw/samples"] = np.nan_to_num(samples).astype(np.int16)
        file["clean/samples"] = samples
        file["clean/envelope"] = np.abs(samples[9::10])
        file["clean/envelope"].attrs["decimation"] = np.uint32(10)
        names = [(f"CH-{n}".encode(), b"raw", b"zygomaticus major", b"uV", np.nan) for n in range(samples.shape[1])]
        file["channels"] = np.array(names, CHANNELS)
        file["filter/sections"], file["filter/envelope_sections"] = SECTIONS, ENVELOPE_SECTIONS
        file["filter/chains"] = np.array([(0, 0, 1, 0, 1, 1)], CHAINS)
        for place, kind in TABLES.items():
            file[place] = np.array(tables.get(place.split("/")[-1], []), kind)
    return path


def spans(channels, sample=0, settled=100):
    """The start of a chain on every channel."""
    return [(sample, channel, 0, settled, b"start") for channel in range(channels)]
