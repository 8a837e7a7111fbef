"""The whole way in small: simulated faces, training, export, a recording with both models, the same answers offline.

Minutes, so only where MYOGRAPH_FULL is set; the program is found as `myograph-learn simulate` finds it.
"""

import csv
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

import numpy as np

try:
    import onnx  # noqa: F401
    import onnxruntime  # noqa: F401
    import torch  # noqa: F401
except ImportError as error:
    MISSING = str(error)
else:
    MISSING = "" if os.environ.get("MYOGRAPH_FULL") else "MYOGRAPH_FULL is not set"

from myograph_learn import card, cli, reader, simulate

MODELS = {"cnn": "story-cnn", "lstm": "story-lstm"}


def learn(*words):
    """A command of `myograph-learn`."""
    if cli.main([str(word) for word in words]):
        raise AssertionError(f"myograph-learn {words} failed")


def live(path):
    """Model, first, end, label and probabilities of each row of /predictions."""
    import h5py

    found = []
    with h5py.File(path) as file:
        for name, table in file["predictions"].items():
            for row in table[:]:
                found.append((name, int(row["first"]), int(row["end"]), row["label"].decode(), row["probabilities"].astype("<f4").tobytes()))
    return sorted(found)


def offline(path):
    """The same of the table that `predict` writes."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    columns = [name for name in rows[0] if name.startswith("p_")]
    values = [np.array([row[name] for name in columns], "<f4").tobytes() for row in rows]
    return sorted((row["model"], int(row["first"]), int(row["end"]), row["label"], p) for row, p in zip(rows, values))


class Story(unittest.TestCase):
    def setUp(self):
        if MISSING:
            print(f"skipped: {MISSING}")
            self.skipTest(MISSING)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.at = Path(folder.name)

    def station(self, *words):
        environment = {**os.environ, "MYOGRAPH_RUNTIME_DIR": str(self.at / "runtime")}
        (self.at / "runtime").mkdir(mode=0o700, exist_ok=True)
        command = [simulate.program(), *map(str, words)]
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, env=environment, check=False)
        self.assertEqual(done.returncode, 0, f"{command}: {done.stderr}")
        return done.stdout

    def test_from_a_face_to_a_live_prediction_and_the_same_from_the_file(self):
        faces, run, models = self.at / "faces", self.at / "run", self.at / "models"
        learn("simulate", "--out", faces, "--subjects", 3, "--sessions", 1, "--seconds", 45, "--spread", 0.5)
        learn("train", faces, "--labels", "truth", "--epochs", 10, "--out", run)
        self.assertTrue((run / "report.html").exists())
        by = []
        for kind, name in MODELS.items():
            learn("export", run, "--model", kind, "--name", name, "--to", models)
            told = card.read(models / f"{name}.toml")["training"]
            self.assertGreater(told["accuracy"], told["chance"], "it has learnt something, of a face it never saw")
            self.assertIn("ok    station", self.station("model", models / f"{name}.onnx", "--source", "sim:"))
            by += ["--model", models / f"{name}.onnx"]
        source = ["--headless", "--source", "sim:?seed=77&speed=max", "--duration", "20s", "--out", self.at / "new"]
        self.station("record", *source, *by)
        [[file]] = reader.find([self.at / "new"])
        self.station("predict", file, *by, "-o", self.at / "again.csv")
        recorded = live(file)
        self.assertEqual({row[0] for row in recorded}, set(MODELS.values()))
        self.assertEqual(len(recorded), 2 * (20_000 // 32))
        self.assertEqual(recorded, offline(self.at / "again.csv"))
