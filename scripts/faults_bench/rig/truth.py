"""What a recording holds against what was sent: values to the bit, losses to the row, markers once each."""

import h5py
import numpy as np

from .board import numbers_of, values_of


class Recording:
    """The segments of one recording, joined by their first row."""

    def __init__(self, files):
        parts = sorted((self.read(file) for file in files), key=lambda part: part["first"])
        self.first = parts[0]["first"]
        # A segment without a row tells nothing of where the one before it ends.
        filled = [part for part in parts if len(part["raw"])]
        self.joined = all(a["first"] + len(a["raw"]) == b["first"] for a, b in zip(filled, filled[1:]))
        self.raw = np.concatenate([part["raw"] for part in parts])
        self.rows = np.concatenate([part["first"] + np.arange(len(part["raw"])) for part in parts])
        self.gaps = [gap for part in parts for gap in part["gaps"]]
        self.markers = [marker for part in parts for marker in part["markers"]]
        self.log = [text for part in parts for text in part["log"]]
        self.missing = np.zeros(len(self.raw), bool)
        for sample, missing, exact, _ in self.gaps:
            if exact:
                self.missing |= (self.rows >= sample) & (self.rows < sample + missing)

    @staticmethod
    def read(file):
        with h5py.File(file, "r") as h5:
            return {
                "first": int(h5.attrs["first_row"]),
                "log": [line["text"].decode() for line in h5["log"][()]],
                "raw": h5["raw/samples"][()].astype(np.int64),
                "gaps": [
                    (int(gap["sample"]), int(gap["missing"]), bool(gap["exact"]), gap["cause"].decode()) for gap in h5["gaps"][()]
                ],
                "markers": [
                    (marker["label"].decode(), int(marker["id"]), int(marker["sample"])) for marker in h5["markers"][()]
                ],
            }

    def present(self):
        """Rows that are there."""
        return set(self.rows[~self.missing].tolist())

    def lost(self, cause=None):
        """Rows that are missing, all or of one cause."""
        return sum(missing for _, missing, _, why in self.gaps if cause in (None, why))

    def same_as(self, other):
        """What differs from another recovery of the same journal."""
        same = np.array_equal(self.raw, other.raw) and self.gaps == other.gaps and self.markers == other.markers
        return [] if same else ["two recoveries of one journal differ"]

    def check_rows(self, counted):
        """Every row that is not marked as missing against the board's pattern; what is wrong, in sentences.

        `counted`: the line counts its losses, so rows stand where their numbers say; otherwise numbers only go up."""
        if not len(self.raw):
            return []
        wrong = []
        there = self.raw[~self.missing]
        numbers = numbers_of(there)
        bad = (there != values_of(numbers)).any(axis=1)
        if bad.any():
            wrong.append(f"{bad.sum()} rows hold values nobody sent, the first at row {self.rows[~self.missing][bad][0]}")
        elif counted and len(there):
            offset = numbers - self.rows[~self.missing]
            if (offset != offset[0]).any():
                wrong.append("rows do not stand where the board's index puts them")
        elif len(there) and (np.diff(numbers) <= 0).any():
            wrong.append("rows are doubled or out of order")
        if not self.joined:
            wrong.append("segments do not join")
        return wrong

    def numbers(self):
        """The numbers of the rows that are there."""
        return numbers_of(self.raw[~self.missing])

    def stored(self):
        """Rows of the board up to the newest one that is stored."""
        numbers = self.numbers()
        return int(numbers[-1]) + 1 if len(numbers) else 0

    def unexplained(self, board):
        """Rows of the board between the first and the last stored one that are neither stored nor dropped by it."""
        numbers = self.numbers()
        if not len(numbers):
            return []
        expected = np.ones(numbers[-1] + 1, bool)
        expected[: numbers[0]] = False
        for first, rows in board.dropped:
            expected[first : first + rows] = False
        expected[numbers] = False
        return np.flatnonzero(expected)

    def check_markers(self, marks):
        """Acknowledged markers are there once, as acknowledged; nothing is there twice or was never sent."""
        wrong = []
        labels = [label for label, _, _ in self.markers]
        doubled = {label for label in labels if labels.count(label) > 1} if len(set(labels)) < len(labels) else ()
        if doubled:
            wrong.append(f"markers are stored twice: {sorted(doubled)[:3]}")
        lost = set(marks.kept) - set(self.markers)
        if lost:
            wrong.append(f"{len(lost)} acknowledged markers are lost or changed: {sorted(lost)[:3]}")
        invented = set(labels) - set(marks.sent)
        if invented:
            wrong.append(f"markers nobody sent: {sorted(invented)[:3]}")
        return wrong
