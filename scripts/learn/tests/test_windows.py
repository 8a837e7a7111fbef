import tempfile
import unittest
from pathlib import Path

import numpy as np

from myograph_learn import protocols, reader, windows
from tests import made


class Cutting(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def recording(self, **tables):
        path = made.segment(Path(self.folder.name) / "a_emg.h5", np.ones((4000, 2)), **tables)
        return reader.read([path])

    def test_every_window_lies_in_its_trial_on_the_grid_and_touches_nothing_broken(self):
        trials = [(1, 1, 50, 1000, b"rest", 0), (2, 1, 1000, 2000, b"smile", 0), (2, 2, 2500, 2600, b"smile", 0), (3, 1, 3000, 3900, b"smile", 1)]
        tables = {"trials": trials, "spans": made.spans(2), "gaps": [(1500, 10, 1, 0, b"counter", 0)]}
        cut = windows.cut([self.recording(artefacts=[(700, 710, 2, b"clip", b"")], **tables)], "trials", 256, 32)
        self.assertEqual(cut.classes, ["rest", "smile"])
        for n in range(len(cut)):
            first, end = cut.end[n] - 256, cut.end[n]
            trial = cut.trials[cut.trial[n]][1]
            self.assertEqual(end % 32, 0)
            self.assertTrue(trial.onset <= first and end <= trial.end and trial.onset != 3000, "a rejected trial is not used")
            for bad in ((0, 100), (700, 710), (1500, 1510)):
                self.assertFalse(first < bad[1] and end > bad[0], bad)
        self.assertEqual(set(cut.left_out), {"settling", "artefact", "gap", "trial shorter than a window"})
        every = sum(n for why, n in cut.left_out.items() if "trial" not in why) + len(cut)
        rest, smile = (len(range(-(-(a + 256) // 32) * 32, e + 1, 32)) for a, e in ((50, 1000), (1000, 2000)))
        self.assertEqual(every, rest + smile, "no window is lost without being counted")

    def test_neutral_is_what_is_far_from_all_movement_and_reflexes_are_not_learnt(self):
        truth = [(1000, 1500, 0, b"happiness", 0.5), (1020, 1520, 1, b"happiness", 0.3), (2000, 2200, 1, b"speech", 0.2), (3000, 3100, 1, b"blink", 0.2)]
        recording = self.recording(truth=truth)
        trials, other = windows.trials(recording, "truth")
        self.assertEqual(trials, [windows.Trial(0, 900, "neutral"), windows.Trial(1000, 1520, "happiness"), windows.Trial(1620, 4000, "neutral")])
        self.assertEqual(other, [(2000, 2200)])
        cut = windows.cut([recording], "truth", 256, 32)
        self.assertEqual(cut.classes, ["neutral", "happiness"])
        self.assertTrue(all(not (end - 256 < 2200 and end > 2000) for end in cut.end))
        self.assertTrue(any(end - 256 < 3100 and end > 3000 for end in cut.end), "nobody stops blinking")

    def test_rows_with_two_labels_are_nobodys(self):
        truth = [(1000, 2000, 0, b"happiness", 0.5), (1600, 2600, 1, b"anger", 0.3)]
        cut = windows.cut([self.recording(truth=truth)], "truth", 256, 32)
        self.assertGreater(cut.left_out["two labels"], 0)
        for n in range(len(cut)):
            if cut.classes[cut.label[n]] != "neutral":
                self.assertFalse(cut.end[n] - 256 < 2000 and cut.end[n] > 1600)

    def test_a_marker_labels_until_the_next_but_not_for_ever(self):
        markers = [(1, 100, b"smile", b"add", 0), (2, 600, b"frown", b"add", 0)]
        trials, _ = windows.trials(self.recording(markers=markers), "markers", 2.0)
        self.assertEqual(trials, [windows.Trial(100, 600, "smile"), windows.Trial(600, 2600, "frown")])

    def test_an_empty_table_is_a_sentence(self):
        with self.assertRaisesRegex(reader.Unreadable, "no window can be cut by `trials`"):
            windows.cut([self.recording()], "trials", 256, 32)


class Splitting(unittest.TestCase):
    def columns(self, subjects, sessions, trials=4, each=5):
        rows = [(s, f"{e}", f"{s}/{e}/{t}") for s in range(subjects) for e in range(sessions) for t in range(trials) for _ in range(each)]
        subject, session, trial = map(np.array, zip(*rows))
        return subject, session, np.unique(trial, return_inverse=True)[1]

    def test_nobody_is_trained_on_and_judged_by_in_any_honest_protocol(self):
        for protocol, subjects, sessions in (("leave-one-subject-out", 5, 2), ("leave-one-subject-out", 2, 1), ("leave-one-session-out", 1, 3), ("leave-one-session-out", 3, 2), ("leave-trials-out", 1, 1)):
            subject, session, trial = self.columns(subjects, sessions, trials=10)
            folds = protocols.folds(protocol, subject, session, trial)
            tested = np.concatenate([fold.test for fold in folds])
            self.assertEqual(sorted(tested), list(range(len(trial))), "everything is judged once")
            group = {"leave-one-subject-out": subject, "leave-trials-out": trial}.get(protocol)
            for fold in folds:
                learnt = np.concatenate([fold.train, fold.validation])
                self.assertFalse(set(trial[learnt]) & set(trial[fold.test]))
                self.assertFalse(set(trial[fold.train]) & set(trial[fold.validation]), "early stopping is honest too")
                self.assertTrue(len(fold.train) and len(fold.validation))
                if group is not None:
                    self.assertFalse(set(group[learnt]) & set(group[fold.test]))
                if protocol == "leave-one-session-out":
                    self.assertEqual(len(set(subject[fold.test])), 1)
                    self.assertEqual(set(subject[learnt]), set(subject[fold.test]), "of one person")

    def test_early_stopping_looks_at_other_subjects_where_there_are_enough(self):
        subject, session, trial = self.columns(6, 1)
        for fold in protocols.folds("leave-one-subject-out", subject, session, trial):
            self.assertFalse(set(subject[fold.train]) & set(subject[fold.validation]))

    def test_the_leaky_split_leaks(self):
        subject, session, trial = self.columns(3, 1)
        [fold] = protocols.folds("leaky", subject, session, trial)
        self.assertTrue(set(trial[fold.train]) & set(trial[fold.test]))
        self.assertFalse(set(fold.train) & set(fold.test))

    def test_the_default_is_the_strictest_the_data_allow(self):
        self.assertEqual(protocols.default(["a", "b"], ["1", "1"]), "leave-one-subject-out")
        self.assertEqual(protocols.default(["a", "a"], ["1", "2"]), "leave-one-session-out")
        self.assertEqual(protocols.default(["a", "a"], ["1", "1"]), "leave-trials-out")

    def test_the_same_seed_splits_alike(self):
        columns = self.columns(6, 2)
        a, b = (protocols.folds("leave-one-subject-out", *columns, seed=3) for _ in range(2))
        self.assertTrue(all(np.array_equal(x.validation, y.validation) for x, y in zip(a, b)))
