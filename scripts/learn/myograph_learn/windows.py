"""Labelled windows: which rows belong to which trial, and which windows are fit to be learnt from or judged on.

A trial is one performance of one label. Windows of one trial stay together in every split that is not called leaky.
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from . import reader

REFLEXES = ("swallow", "speech", "motion")
"""What a simulated face does without meaning anything. A blink is not among them: nobody stops blinking, so windows
with one keep the label of the expression they lie in, or of none."""
NEUTRAL = "neutral"
MARGIN_S = 0.1
"""Around every movement, this much is neither the movement nor neutral."""


@dataclass(frozen=True)
class Trial:
    """Rows `onset`..`end` of one recording, with one label."""

    onset: int
    end: int
    label: str


@dataclass
class Windows:
    """Windows of all recordings, as columns of equal length."""

    rows: int
    """Length of each."""
    stride: int
    """Every end is a multiple of it."""
    recordings: list
    classes: list
    trials: list
    """(index of recording, Trial)"""
    recording: np.ndarray
    end: np.ndarray
    label: np.ndarray
    trial: np.ndarray
    left_out: Counter
    """Windows that were not used, by reason."""

    def __len__(self):
        return len(self.end)

    @property
    def subjects(self):
        return np.array([self.recordings[r].subject for r in self.recording])

    @property
    def sessions(self):
        return np.array([self.recordings[r].session for r in self.recording])

    def signal(self, chosen=None):
        """[n, channels, rows] of all or the chosen windows."""
        chosen = range(len(self)) if chosen is None else chosen
        cut = [self.recordings[self.recording[n]].signal[self.end[n] - self.rows : self.end[n]].T for n in chosen]
        return np.stack(cut) if len(cut) else np.zeros((0, 0, self.rows), np.float32)


def trials(recording, source, span_s=4.0):
    """The trials of a recording and the spans that belong to none, from `markers`, `trials`, `events` or `truth`."""
    found, other = {"markers": marked, "trials": run, "events": detected, "truth": simulated}[source](recording, span_s)
    return sorted(found, key=lambda t: t.onset), other


def marked(recording, span_s):
    """From each marker to the next, for at most `span_s`."""
    rows = reader.markers(recording)
    longest = round(span_s * recording.rate_hz)
    ends = [row["sample"] for row in rows[1:]] + [recording.rows]
    return [Trial(m["sample"], min(e, m["sample"] + longest), m["label"]) for m, e in zip(rows, ends)], []


def run(recording, _):
    """The trials of the protocol that were not rejected."""
    rows = [row for row in recording.tables["trials"] if not row["rejected"] and row["label"]]
    return [Trial(row["onset"], row["end"], row["label"]) for row in rows], []


def detected(recording, _):
    """Muscle events under the name of their action unit, and neutral between them."""
    rows = recording.tables["events"]
    acts = [(r["onset"], r["end"], r["action_unit"]) for r in rows if r["class"] not in ("artefact", "blink")]
    other = [(r["onset"], r["end"]) for r in rows if r["class"] in ("artefact", "blink")]
    return with_neutral(recording, acts, other)


def simulated(recording, _):
    """What a simulated face performed, and neutral between; reflexes belong to no trial."""
    rows = recording.tables["truth"]
    acts = [(r["onset"], r["end"], r["expression"]) for r in rows if r["expression"] not in (*REFLEXES, "blink")]
    other = [(r["onset"], r["end"]) for r in rows if r["expression"] in REFLEXES]
    return with_neutral(recording, acts, other)


def with_neutral(recording, acts, other):
    """Movements of one name that overlap are one trial; what is far enough from all of them is neutral."""
    merged = []
    for onset, end, label in sorted(acts):
        same = next((m for m in merged if m[2] == label and onset <= m[1]), None)
        if same:
            same[1] = max(same[1], end)
        else:
            merged.append([onset, end, label])
    margin = round(MARGIN_S * recording.rate_hz)
    found, at = [Trial(*m) for m in merged], 0
    for onset, end, _ in sorted([*merged, [recording.rows + margin, recording.rows, ""]]):
        if onset - margin > at:
            found.append(Trial(at, onset - margin, NEUTRAL))
        at = max(at, end + margin)
    return found, other


def cut(recordings, source, rows, stride, hop=None, classes=None, span_s=4.0):
    """All windows of `rows` that lie in one trial and touch nothing unusable, one each `hop` rows."""
    hop = hop or stride
    columns, all_trials, left_out = [], [], Counter()
    labels = set()
    for r, recording in enumerate(recordings):
        found, other = trials(recording, source, span_s)
        spoilt = {**reader.unusable(recording), "reflex": other}
        for trial in found:
            if classes is not None and trial.label not in classes:
                left_out["label not asked for"] += max(0, (trial.end - trial.onset - rows) // hop + 1)
                continue
            first = -(-(trial.onset + rows) // stride) * stride
            ends = np.arange(first, min(trial.end, recording.rows) + 1, hop)
            if not len(ends):
                left_out["trial shorter than a window"] += 1
                continue
            reason = first_reason(spoilt, found, trial, ends, rows)
            left_out.update(r for r in reason if r)
            kept = ends[[not r for r in reason]]
            if len(kept):
                labels.add(trial.label)
                columns += [(r, end, trial.label, len(all_trials)) for end in kept]
                all_trials.append((r, trial))
    if not columns:
        raise reader.Unreadable(f"no window can be cut by `{source}`: {dict(left_out) or 'the table is empty'}")
    names = list(classes) if classes else order(labels)
    recording, end, label, trial = zip(*columns)
    label = np.array([names.index(name) for name in label])
    arrays = (np.array(recording), np.array(end), label, np.array(trial))
    return Windows(rows, stride, recordings, names, all_trials, *arrays, left_out)


def first_reason(spoilt, found, trial, ends, rows):
    """Per window, why it is left out, or nothing."""
    reasons = [""] * len(ends)
    overlaps = [(t.onset, t.end) for t in found if t is not trial and t.label != trial.label and t.end > trial.onset and t.onset < trial.end]
    for reason, spans in [*spoilt.items(), ("two labels", overlaps)]:
        for onset, end in spans:
            for n in np.flatnonzero((ends > onset) & (ends - rows < end)):
                reasons[n] = reasons[n] or reason
    return reasons


def order(labels):
    """Neutral first, the rest by name."""
    return sorted(labels, key=lambda name: (name != NEUTRAL, name))


def rest_scale(windows):
    """Per recording and channel, the deviation of its subject at rest: transductive, for it looks at the test subject."""
    names = [n for n, c in enumerate(windows.classes) if c in (NEUTRAL, "rest")]
    if not names:
        raise reader.Unreadable("scaling by each subject's rest needs trials labelled `rest` or `neutral`")
    subjects, scales = windows.subjects, {}
    for subject in dict.fromkeys(subjects):
        chosen = np.flatnonzero((subjects == subject) & np.isin(windows.label, names))
        if not len(chosen):
            raise reader.Unreadable(f"subject {subject} has no rest period to be scaled by")
        scales[subject] = windows.signal(chosen).astype(np.float64).std(axis=(0, 2)).clip(1e-9)
    return [scales[r.subject] for r in windows.recordings]
