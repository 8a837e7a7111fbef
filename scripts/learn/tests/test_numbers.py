import math
import tempfile
import tomllib
import unittest
from pathlib import Path

import numpy as np

from myograph_learn import card, floor, metrics, reader, simulate, table, windows
from tests import made


class Metrics(unittest.TestCase):
    def test_a_known_table_gives_its_known_numbers(self):
        found = np.array([[20, 5], [10, 15]])
        self.assertAlmostEqual(metrics.kappa(found), 0.4)
        np.testing.assert_allclose(metrics.recall(found), [0.8, 0.6])
        self.assertAlmostEqual(metrics.macro_f1(found), (40 / 55 + 30 / 45) / 2)

    def test_always_saying_the_same_has_no_kappa_and_the_accuracy_of_chance(self):
        truth = np.array([0] * 6 + [1] * 4)
        scores = metrics.scores(truth, np.tile([0.9, 0.1], (10, 1)), np.zeros(10, int))
        self.assertAlmostEqual(scores["kappa"], 0.0)
        self.assertAlmostEqual(scores["accuracy"], scores["chance"])
        self.assertAlmostEqual(scores["ece"], 0.3)

    def test_calibrated_answers_have_no_calibration_error(self):
        rng = np.random.default_rng(1)
        sure = rng.uniform(0.5, 1.0, 200_000)
        truth = (rng.random(len(sure)) > sure).astype(int)
        self.assertLess(metrics.ece(truth, np.stack([sure, 1 - sure], 1)), 0.01)

    def test_the_interval_is_students(self):
        mean, half = metrics.interval([1.0, 2.0, 3.0, 4.0])
        self.assertAlmostEqual(mean, 2.5)
        self.assertAlmostEqual(half, 3.182 * math.sqrt(5 / 3) / 2, places=3)
        self.assertTrue(math.isnan(metrics.interval([1.0])[1]), "one subject has no spread")


class Floor(unittest.TestCase):
    def test_discriminants_find_the_louder_channel_and_miss_what_is_not_linear(self):
        rng = np.random.default_rng(2)
        label = np.repeat([0, 1], 300)
        level = np.where(label[:, None] == [0, 1], 20.0, 2.0)
        x = floor.log_rms(rng.normal(0, 1, (600, 2, 100)) * level[:, :, None])
        said = floor.Lda().fit(x, label, 3).probabilities(x)
        self.assertEqual(np.mean(said.argmax(1) == label), 1.0)
        self.assertTrue(np.allclose(said.sum(1), 1) and np.all(said[:, 2] == 0), "a class never seen is never said")
        across = rng.normal(0, 1, (600, 2))
        opposite = (across[:, 0] * across[:, 1] > 0).astype(int)
        said = floor.Lda().fit(across, opposite, 2).probabilities(across)
        self.assertLess(np.mean(said.argmax(1) == opposite), 0.65)

    def test_what_is_relative_to_the_past_forgets_the_electrode_but_not_the_face(self):
        rng = np.random.default_rng(4)
        level = np.repeat([2.0, 40.0, 2.0, 40.0], 1000)[:, None]
        face = rng.normal(0, 1, (4000, 2)) * level

        def loudness(gain):
            with tempfile.TemporaryDirectory() as folder:
                tables = {"trials": [(1, 1, 0, 4000, b"smile", 0)], "gaps": [(2000, 10, 1, 0, b"counter", 0)]}
                path = made.segment(Path(folder) / "a_emg.h5", face * gain, **tables)
                cut = windows.cut([reader.read([path])], "trials", 256, 32)
                return cut.end, floor.log_rms(cut.signal()) - floor.past(cut, 125)

        end, plain = loudness([1.0, 1.0])
        np.testing.assert_allclose(plain, loudness([0.25, 4.0])[1], atol=1e-5)
        loud = (end > 1256) & (end <= 2000)
        np.testing.assert_allclose(plain[loud], math.log(20), atol=0.4)
        again = (end > 2256) & (end <= 3000)
        self.assertLess(np.abs(plain[again]).max(), 0.5, "after a hole the past begins again")


class Cards(unittest.TestCase):
    def test_what_is_written_is_what_is_read(self):
        whole = {
            "name": 'a "b" \\ µ',
            "rate_hz": 1000.0,
            "chance": 1e-7,
            "states": [[1, 1, 32]],
            "classes": [],
            "training": {"accuracy": 0.5, "spread": math.inf, "ok": True, "data_sha256": ["aa"]},
            "channels": [{"name": "ZYG-L"}, {"name": "COR-L"}],
            "reference": [{"input": card.single(np.float32([0.1, 1e-9, -3])), "output": [1.0]}],
        }
        read = tomllib.loads(card.text(whole))
        self.assertEqual(read, whole)
        self.assertEqual(np.float32(read["reference"][0]["input"][0]), np.float32(0.1))

    def test_fixtures_name_their_own_hash(self):
        import hashlib

        for path in (Path(__file__).resolve().parents[3] / "tests" / "golden" / "models").glob("*.toml"):
            blob = path.with_suffix(".onnx").read_bytes()
            told = card.read(path)
            self.assertEqual((told["onnx_sha256"], told["onnx_bytes"]), (hashlib.sha256(blob).hexdigest(), len(blob)))


class Tables(unittest.TestCase):
    def written(self, text):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = Path(folder.name) / "t.csv"
        path.write_text(text, encoding="utf-8")
        return path

    def test_columns_are_found_by_name(self):
        path = self.written("s1, subject,label,s2\n1,a,x,2\n3,b,y,4\n")
        subjects, sessions, labels, x = table.read(path)
        self.assertEqual((list(subjects), list(labels), x.tolist()), (["a", "b"], ["x", "y"], [[1, 2], [3, 4]]))

    def test_mistakes_are_sentences(self):
        for text, words in (
            ("a,label\n1,2\n", "no column `subject`"),
            ("subject,label,v\na,x,high\n", "no number"),
            ("subject,label,v\n", "no rows"),
            ("subject,label,v\na,x,nan\n", "not finite"),
        ):
            with self.assertRaisesRegex(reader.Unreadable, words):
                table.read(self.written(text))
        with self.assertRaisesRegex(reader.Unreadable, "no logarithm"):
            table.read(self.written("subject,label,v\na,x,0\n"), log=True)

    def test_the_honest_number_stands_beside_the_published_one(self):
        rng = np.random.default_rng(3)
        lines = ["subject,label," + ",".join(f"s{n}" for n in range(8))]
        for subject in range(4):
            # Each person makes the same face with other muscles: only a split that knows the person can know it.
            for label in range(3):
                centre = rng.normal(0, 3, 8)
                lines += [f"{subject},{label}," + ",".join(f"{v:.3f}" for v in centre + rng.normal(0, 1, 8)) for _ in range(40)]
        from myograph_learn import evaluate

        plan = type("Plan", (), {"seed": 0})()
        outcomes, classes, facts = table.experiment(self.written("\n".join(lines)), ["lda"], plan)
        honest, leaky = outcomes
        self.assertEqual((honest.protocol, leaky.protocol), ("leave-one-subject-out", evaluate.LEAKY))
        self.assertGreater(leaky.scores["accuracy"], honest.scores["accuracy"] + 0.2)
        said = evaluate.spoken(outcomes)
        self.assertIn("leaky", said)
        self.assertIn("chance", said)


class Faces(unittest.TestCase):
    def test_a_face_script_is_in_order_and_another_session_is_another_order(self):
        monday, tuesday = (tomllib.loads(simulate.script(3, seed, 0.5, 120)) for seed in (31, 32))
        self.assertEqual(monday["face"], {"spread": 0.5, "person": 3})
        self.assertNotEqual([e["name"] for e in monday["expression"]], [e["name"] for e in tuesday["expression"]])
        at = 0.0
        for e in monday["expression"]:
            self.assertGreater(e["at_s"], at + 0.5)
            at = e["at_s"] + e["duration_s"]
        self.assertLess(at, 120)
        self.assertEqual({e["name"] for e in monday["expression"]}, set(simulate.EMOTIONS))
