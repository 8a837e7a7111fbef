import hashlib
import tempfile
import unittest
from pathlib import Path

import numpy as np

try:
    import torch

    from myograph_learn import card, export, nets, train
except ImportError:
    torch = None


@unittest.skipUnless(torch, "torch is not installed")
class Networks(unittest.TestCase):
    def nets(self, stride=32, window=256):
        torch.manual_seed(4)
        made = [nets.StreamCnn(3, 4, window, stride=stride), nets.StreamLstm(3, 4, window, layers=2, stride=stride)]
        return [net.eval() for net in made]

    def test_a_step_at_a_time_gives_what_the_whole_signal_gives(self):
        for stride in nets.PLANS:
            window = 8 * stride
            for net in self.nets(stride, window):
                x = torch.randn(1, 3, 40 * stride)
                with torch.no_grad():
                    whole = torch.softmax(net.frames(x)[0], -1)
                    step = nets.step_of(net)
                    states, said = [torch.zeros(s) for s in step.states()], []
                    for part in x.split(stride, -1):
                        answer, *states = step(part, *states)
                        said.append(answer)
                said = torch.cat(said)[-len(whole) :]
                self.assertLess(float((said - whole).abs().max()), 1e-5, (type(net), stride))

    def test_a_window_gives_the_frame_that_ends_with_it(self):
        cnn, _ = self.nets()
        x = torch.randn(1, 3, 1024)
        with torch.no_grad():
            frames = torch.softmax(cnn.frames(x)[0], -1)
            for f in (0, 5, len(frames) - 1):
                alone = nets.Window(cnn)(x[:, :, 32 * f : 32 * f + 256])[0]
                self.assertLess(float((frames[f] - alone).abs().max()), 1e-6)

    def test_what_is_exported_answers_like_what_was_trained_and_says_so_in_its_card(self):
        import onnx
        import onnxruntime

        facts = {"name": "t", "label": "", "classes": list("abcd"), "rate_hz": 1000.0, "signal": "clean", "unit": "uV"}
        facts |= {"chain_sha256": "", "channels": [{"name": f"C{n}", "muscle": "", "kind": "raw"} for n in range(3)], "training": {"seed": 4}}
        rows = np.random.default_rng(5).normal(0, 20, (3, 256))
        with tempfile.TemporaryDirectory() as folder:
            for net in self.nets():
                path = export.export(net, folder, facts, "step", rows)
                told = card.read(path.with_suffix(".toml"))
                model = onnx.load(path)
                self.assertEqual([o.version for o in model.opset_import], [17])
                self.assertEqual(told["onnx_sha256"], hashlib.sha256(path.read_bytes()).hexdigest())
                session = onnxruntime.InferenceSession(str(path))
                given = np.float32(told["reference"][0]["input"]).reshape(4, 3, 32)
                wanted = np.float32(told["reference"][0]["output"]).reshape(4, 4)
                names = [i.name for i in session.get_inputs()]
                states = [np.zeros(s, np.float32) for s in told["states"]]
                step = nets.step_of(net)
                own = [torch.zeros(s) for s in step.states()]
                for x, answer in zip(given, wanted):
                    said, *states = session.run(None, dict(zip(names, [x[None], *states])))
                    with torch.no_grad():
                        mine, *own = step(torch.from_numpy(x[None]), *own)
                    np.testing.assert_array_equal(said[0], answer)
                    self.assertLess(float(np.abs(mine[0].numpy() - answer).max()), 1e-6)

    def test_the_same_seed_learns_the_same_weights(self):
        from myograph_learn.protocols import Fold

        rng = np.random.default_rng(6)
        x, label = rng.normal(0, 1, (200, 8)), rng.integers(0, 3, 200)
        fold = Fold("one", np.arange(150), np.arange(150, 200), np.array([], int))

        def weights(seed):
            train.calm(seed)
            net = train.build("paper-cnn", 8, 3, None, None)
            train.fit_rows(net, x, label, 3, fold, train.Plan.published(seed))
            return torch.cat([p.flatten() for p in net.state_dict().values()])

        self.assertTrue(torch.equal(weights(1), weights(1)))
        self.assertFalse(torch.equal(weights(1), weights(2)))
