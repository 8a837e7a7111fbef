"""Recordings as arrays: segments joined by `first_row`, tables, what is broken, and `mne.io.RawArray` on request.

Rows are rows of the whole recording, counted from 0; every `end` is exclusive.
"""

import csv
import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np

TABLES = {
    "gaps": "gaps",
    "markers": "markers",
    "artefacts": "artefacts",
    "events": "events",
    "trials": "protocol/trials",
    "truth": "truth",
    "spans": "filter/spans",
}
VOLTS = {"V": 1.0, "mV": 1e-3, "uV": 1e-6}


class Unreadable(Exception):
    """A recording that cannot be used, and what to do about it."""


@dataclass
class Recording:
    """One recording, all segments together."""

    paths: list
    facts: dict
    channels: list
    """One dictionary per channel, the columns of /channels."""
    rate_hz: float
    """Rows of `signal` per second."""
    signal: np.ndarray
    """[rows, channels] f32 in the channels' units; NaN where raw is missing."""
    kind: str
    """`clean` or `envelope`."""
    decimation: int
    """Rows of the recording per row of `signal`; tables are already in rows of `signal`."""
    tables: dict
    data_sha256: str
    """Of the raw samples as stored, all segments: the same data whatever software projected it."""
    chain_sha256: str
    tags: dict = field(default_factory=dict)

    @property
    def subject(self):
        return self.facts["subject"] or self.facts["recording_id"]

    @property
    def session(self):
        return self.facts["session"] or self.facts["run"]

    @property
    def name(self):
        return self.paths[0].stem

    @property
    def rows(self):
        return len(self.signal)


def find(places):
    """Recordings under files and folders: lists of paths, one list for the segments of each recording."""
    paths = []
    for place in map(Path, places):
        if place.is_dir():
            paths += sorted(place.rglob("*_emg.h5"))
        elif place.exists():
            paths.append(place)
        else:
            raise Unreadable(f"{place} does not exist: name a recording (.h5) or a folder of them")
    groups = {}
    for path in dict.fromkeys(p.resolve() for p in paths):
        with opened(path) as file:
            groups.setdefault(word(file.attrs["recording_id"]), []).append((int(file.attrs["first_row"]), path))
    if not groups:
        raise Unreadable("there is no recording there: name `.h5` files or a folder that holds some")
    return [[path for _, path in sorted(group)] for group in groups.values()]


def opened(path):
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise Unreadable(f"{path} cannot be read ({error}): seal it with `myograph recover`") from error
    if word(file.attrs.get("format", b"")) != "myograph-recording":
        file.close()
        raise Unreadable(f"{path} is not a recording of this station: `myograph import` makes one of it")
    return file


def read(paths, kind="clean"):
    """One recording from the paths of its segments; `kind` is `clean` or `envelope`."""
    parts = sorted((load(path, kind) for path in paths), key=lambda part: part["first_row"])
    first = parts[0]
    for before, after in zip(parts, parts[1:]):
        if before["first_row"] + before["rows"] != after["first_row"]:
            raise Unreadable(f"a segment is missing before {after['path']}: name all segments of the recording")
        if before["channels"] != after["channels"]:
            raise Unreadable(f"{after['path']} has other channels than the segment before it: use them one by one")
    if first["first_row"] != 0:
        raise Unreadable(f"the segments before {first['path']} are missing: name all segments of the recording")
    step = first["decimation"]
    tables = {name: joined(name, parts) for name in TABLES}
    for path in paths:
        tables["artefacts"] += coded(path)
    raw = hashlib.sha256()
    for part in parts:
        raw.update(part["raw_sha256"])
    chains = {chain for part in parts for chain in part["chains"].values()}
    return Recording(
        paths=[part["path"] for part in parts],
        facts=first["facts"],
        channels=first["channels"],
        rate_hz=first["rate_hz"] / step,
        signal=np.concatenate([part["signal"] for part in parts]),
        kind=kind,
        decimation=step,
        tables={name: [in_rows(row, step) for row in rows] for name, rows in tables.items()},
        data_sha256=raw.hexdigest(),
        chain_sha256=chains.pop() if len(chains) == 1 else "",
    )


def load(path, kind):
    """One segment."""
    path = Path(path)
    with opened(path) as file:
        attrs = file.attrs
        envelope = file["clean/envelope"]
        rate = float(attrs["sampling_rate_hz"])
        if not rate > 0:
            raise Unreadable(f"{path} does not say its rate: record it again with `rate=` in the source")
        return {
            "path": path,
            "first_row": int(attrs["first_row"]),
            "rows": len(file["raw/samples"]),
            "facts": {key: word(attrs[key]) for key in ("recording_id", "subject", "session", "run", "task", "source")},
            "rate_hz": rate,
            "channels": [dictionary(row) for row in file["channels"][:]],
            "decimation": int(envelope.attrs["decimation"]) if kind == "envelope" else 1,
            "signal": (envelope if kind == "envelope" else file["clean/samples"])[:],
            "tables": {name: [dictionary(row) for row in file[at][:]] for name, at in TABLES.items() if at in file},
            "chains": {int(c["id"]): chain_sha256(file, c, kind) for c in file["filter/chains"][:]},
            "raw_sha256": hashlib.sha256(np.ascontiguousarray(file["raw/samples"][:])).digest(),
        }


def chain_sha256(file, chain, kind):
    """Of the chain's sections as little-endian doubles; for the envelope also its rectifier, its own sections and the
    floor it tracks, which older files do not know."""
    digest = hashlib.sha256()
    first, count = int(chain["first_section"]), int(chain["count"])
    digest.update(file["filter/sections"][first : first + count].astype("<f8").tobytes())
    if kind == "envelope":
        first, count = int(chain["envelope_first"]), int(chain["envelope_count"])
        digest.update(bytes([int(chain["rectify"])]))
        digest.update(file["filter/envelope_sections"][first : first + count].astype("<f8").tobytes())
        if "baseline_fall" in chain.dtype.names and chain["baseline_fall"]:
            digest.update(np.array([chain["baseline_fall"], chain["baseline_rise"]], "<f8").tobytes())
    return digest.hexdigest()


def joined(name, parts):
    """The rows of a table in all segments, each once: spans that go on are told again in the next segment."""
    rows = [row for part in parts for row in part["tables"].get(name, [])]
    return [dict(row) for row in dict.fromkeys(tuple(row.items()) for row in rows)]


def coded(path):
    """What coders marked by hand beside a recording, without what they took back."""
    rows = []
    # Looked for by its exact stem: a recording's name may hold characters that a pattern would interpret.
    pattern = re.compile(re.escape(path.stem) + r"\.artefacts-[^.]+\.tsv")
    for table in sorted(p for p in path.parent.iterdir() if pattern.fullmatch(p.name)):
        with table.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
                if row["retracted"] not in ("1", "true"):
                    span = {key: int(row[key]) for key in ("onset", "end", "channels")}
                    rows.append({**span, "rule": row["rule"], "coder": row["coder"]})
    return rows


ROW_FIELDS = ("onset", "apex", "end", "sample", "settled_sample")


def in_rows(row, step):
    """A table's row with its samples counted in rows of the signal."""
    if step == 1:
        return row
    return {key: value // step if key in ROW_FIELDS else value for key, value in row.items()}


def word(value):
    """Text as it was stored."""
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def dictionary(row):
    """One row of a compound table as plain Python values."""
    plain = row.tolist()
    # NaN is unequal to itself; one NaN for all lets equal rows be found.
    plain = [None if isinstance(v, float) and v != v else v for v in plain]
    return {name: word(v) if isinstance(v, bytes) else v for name, v in zip(row.dtype.names, plain)}


def markers(recording):
    """The markers that hold: retracted ones gone, relabelled ones renamed, in the order of their rows."""
    rows = {}
    for row in recording.tables["markers"]:
        target = rows.get(row["refers_to"])
        if row["action"] == "add":
            rows[row["id"]] = dict(row)
        elif row["action"] == "retract" and target:
            del rows[row["refers_to"]]
        elif row["action"] == "relabel" and target:
            target["label"] = row["label"]
    return sorted(rows.values(), key=lambda row: row["sample"])


def resets(recording):
    """Rows at which filters and models begin anew: chain changes, holes, new epochs; with the end of each hole."""
    found = {(row["sample"], row["sample"]) for row in recording.tables["spans"]}
    for gap in recording.tables["gaps"]:
        rows = -(-gap["missing"] // recording.decimation) + (recording.decimation > 1) if gap["exact"] else 0
        found.add((gap["sample"], gap["sample"] + rows))
    return sorted(found)


def stretches(recording):
    """Unbroken runs of rows, in each of which a model's memory lives: (first, end)."""
    runs, at = [], 0
    for first, end in [*resets(recording), (recording.rows, recording.rows)]:
        if min(first, recording.rows) > at:
            runs.append((at, min(first, recording.rows)))
        at = max(at, end)
    return runs


def unusable(recording, chosen=None):
    """Spans that no window may touch, by reason: gap, settling, artefact; `chosen` are indices of channels."""
    chosen = range(len(recording.channels)) if chosen is None else chosen
    mask = sum(1 << c for c in chosen)
    holes = [(first, end) for first, end in resets(recording) if end > first]
    settling = {(row["sample"], row["settled_sample"]) for row in recording.tables["spans"] if row["channel"] in chosen}
    marked = {(row["onset"], row["end"]) for row in recording.tables["artefacts"] if row["channels"] & mask}
    return {"gap": holes, "settling": sorted(settling), "artefact": sorted(marked)}


def to_mne(recording):
    """`mne.io.RawArray` in volts where the unit is known; holes, artefacts, markers and trials as annotations."""
    import mne

    rate = recording.rate_hz
    types = ["emg" if c["kind"] in ("raw", "rectified", "envelope") else "misc" for c in recording.channels]
    info = mne.create_info([c["name"] for c in recording.channels], rate, types)
    factors = np.array([VOLTS.get(c["unit"], 1.0) for c in recording.channels])
    raw = mne.io.RawArray(np.nan_to_num(recording.signal.T.astype(np.float64)) * factors[:, None], info, verbose="error")
    notes = [(a, e, f"BAD_{reason}") for reason, spans in unusable(recording).items() for a, e in spans]
    notes += [(a, a, "BAD_gap") for a, e in resets(recording) if a == e and any_gap(recording, a)]
    notes += [(row["sample"], row["sample"], row["label"]) for row in markers(recording)]
    notes += [(row["onset"], row["end"], f"trial/{row['label']}") for row in recording.tables["trials"]]
    notes += [(row["onset"], row["end"], f"truth/{row['expression']}") for row in recording.tables["truth"]]
    notes = [(a, min(e, recording.rows), text) for a, e, text in sorted(notes) if a < recording.rows]
    raw.set_annotations(mne.Annotations([a / rate for a, _, _ in notes], [(e - a) / rate for a, e, _ in notes], [t for _, _, t in notes]))
    return raw


def any_gap(recording, row):
    """Whether a hole without rows of its own lies before `row`."""
    return any(gap["sample"] == row for gap in recording.tables["gaps"])
