import hashlib
import tempfile
import unittest
from pathlib import Path

import h5py
import numpy as np

from myograph_learn import reader, windows
from tests import made


class Reading(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.at = Path(self.folder.name)

    def test_segments_are_joined_by_their_first_rows_whatever_order_they_are_named_in(self):
        signal = np.arange(6000, dtype=np.float32).reshape(3000, 2)
        spans = made.spans(2)
        b = made.segment(self.at / "b_split-01_emg.h5", signal[:2000], spans=spans)
        a = made.segment(self.at / "a_split-02_emg.h5", signal[2000:], 2000, 1, spans=spans, gaps=[(2500, 10, 1, 0, b"counter", 0)])
        [paths] = reader.find([self.at])
        self.assertEqual(paths, [b.resolve(), a.resolve()])
        recording = reader.read([a, b])
        np.testing.assert_array_equal(recording.signal, signal)
        self.assertEqual(len(recording.tables["spans"]), 2, "a span that goes on is told once")
        self.assertEqual(reader.stretches(recording), [(0, 2500), (2510, 3000)])
        again = reader.read([b, a])
        self.assertEqual(recording.data_sha256, again.data_sha256)

    def test_a_missing_segment_is_refused_and_named(self):
        signal = np.zeros((100, 2))
        a = made.segment(self.at / "a.h5", signal)
        c = made.segment(self.at / "c.h5", signal, 200, 2)
        with self.assertRaisesRegex(reader.Unreadable, "a segment is missing before .*c.h5"):
            reader.read([a, c])
        with self.assertRaisesRegex(reader.Unreadable, "segments before .*c.h5 are missing"):
            reader.read([c])
        (self.at / "x.h5").write_bytes(b"no HDF5")
        with self.assertRaisesRegex(reader.Unreadable, "cannot be read"):
            reader.find([self.at / "x.h5"])

    def test_the_hash_of_the_chain_is_over_its_doubles_and_the_envelope_adds_its_own(self):
        path = made.segment(self.at / "a.h5", np.zeros((100, 2)))
        sections = made.SECTIONS.astype("<f8").tobytes()
        self.assertEqual(reader.read([path]).chain_sha256, hashlib.sha256(sections).hexdigest())
        whole = sections + b"\x01" + made.ENVELOPE_SECTIONS.astype("<f8").tobytes()
        self.assertEqual(reader.read([path], "envelope").chain_sha256, hashlib.sha256(whole).hexdigest())
        for floor, more in (((0, 0), b""), ((0.002, 1e-5), np.array([0.002, 1e-5], "<f8").tobytes())):
            with h5py.File(path, "a") as file:
                del file["filter/chains"]
                file["filter/chains"] = np.array([(0, 0, 1, 0, 1, 1, *floor)], made.TRACKED)
            self.assertEqual(reader.read([path], "envelope").chain_sha256, hashlib.sha256(whole + more).hexdigest())
            self.assertEqual(reader.read([path]).chain_sha256, hashlib.sha256(sections).hexdigest())

    def test_coders_tables_are_read_without_what_was_taken_back(self):
        path = made.segment(self.at / "a.h5", np.zeros((1000, 2)), artefacts=[(10, 20, 1, b"clip", b"")])
        head = "onset\tend\tchannels\trule\tcoder\tonset_s\tend_s\tnames\tnote\tretracted\n"
        rows = '300\t400\t3\tmanual\tann\t0.3\t0.4\tall\tsaid "hm\t0\n500\t600\t3\tmanual\tann\t0.5\t0.6\tall\t\t1\n'
        (self.at / "a.artefacts-ann.tsv").write_text(head + rows, encoding="utf-8")
        (self.at / "ab.artefacts-ann.tsv").write_text(head + rows, encoding="utf-8")
        recording = reader.read([path])
        self.assertEqual(reader.unusable(recording)["artefact"], [(10, 20), (300, 400)])
        self.assertEqual(reader.unusable(recording, [1])["artefact"], [(300, 400)], "only where a chosen channel is marked")

    def test_the_envelope_counts_its_own_rows(self):
        path = made.segment(self.at / "a.h5", np.ones((1000, 2)), trials=[(1, 1, 200, 600, b"smile", 0)], gaps=[(700, 25, 1, 0, b"counter", 0)])
        recording = reader.read([path], "envelope")
        self.assertEqual((recording.rows, recording.rate_hz), (100, 100.0))
        trials, _ = windows.trials(recording, "trials")
        self.assertEqual(trials, [windows.Trial(20, 60, "smile")])
        self.assertEqual(reader.stretches(recording), [(0, 70), (74, 100)])

    def test_markers_that_were_taken_back_or_renamed_are_so(self):
        rows = [(1, 100, b"smile", b"add", 0), (2, 300, b"frwn", b"add", 0), (3, 0, b"", b"retract", 1), (4, 0, b"frown", b"relabel", 2)]
        recording = reader.read([made.segment(self.at / "a.h5", np.ones((1000, 2)), markers=rows)])
        self.assertEqual([(m["sample"], m["label"]) for m in reader.markers(recording)], [(300, "frown")])

    def test_mne_gets_volts_and_its_annotations(self):
        try:
            import mne  # noqa: F401
        except ImportError:
            self.skipTest("mne is not installed")
        tables = {"gaps": [(500, 50, 1, 0, b"counter", 0), (700, 9, 0, 0, b"restart", 0)], "spans": made.spans(2)}
        path = made.segment(self.at / "a.h5", np.full((1000, 2), 5.0), trials=[(1, 1, 200, 400, b"smile", 0)], **tables)
        raw = reader.to_mne(reader.read([path]))
        self.assertAlmostEqual(raw.get_data()[0, 0], 5e-6)
        notes = [(round(a["onset"], 3), round(a["duration"], 3), str(a["description"])) for a in raw.annotations]
        self.assertIn((0.5, 0.05, "BAD_gap"), notes)
        self.assertIn((0.7, 0.0, "BAD_gap"), notes)
        self.assertIn((0.2, 0.2, "trial/smile"), notes)
        self.assertIn((0.0, 0.1, "BAD_settling"), notes)
