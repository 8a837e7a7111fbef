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
    def nets(self, stride=32, strides=8):
        torch.manual_seed(4)
        window, shape = strides * stride, {"reference": 9, "stride": stride}
        return [net.eval() for net in (nets.StreamCnn(3, 4, window, **shape), nets.StreamLstm(3, 4, window, layers=2, **shape))]

    def test_a_step_at_a_time_gives_what_the_whole_signal_gives(self):
        for stride in nets.STRIDES:
            for net in (*self.nets(stride), *self.nets(stride, nets.PATTERN)):
                x = torch.randn(1, 3, 40 * stride)
                with torch.no_grad():
                    whole = torch.softmax(net.frames(x)[0], -1)
                    step = nets.Step(net)
                    states, said = net.blank(), []
                    for part in x.split(stride, -1):
                        answer, *states = step(part, *states)
                        said.append(answer)
                self.assertEqual([tuple(s.shape) for s in states], net.shapes())
                self.assertLess(float((torch.cat(said) - whole).abs().max()), 1e-5, (type(net), stride))
                np.testing.assert_allclose(train.streamed(net, x[0].numpy()), whole.numpy(), atol=1e-5)

    def test_a_window_is_all_that_a_cnn_knows(self):
        cnn, _ = self.nets()
        self.assertEqual(cnn.reach, 256 + 8 * 32)
        x = torch.randn(1, 3, 2048)
        with torch.no_grad():
            frames = torch.softmax(cnn.frames(x)[0], -1)
            for end in range(cnn.reach, 2048, 32):
                alone = nets.Window(cnn)(x[:, :, end - cnn.reach : end])[0]
                self.assertLess(float((frames[end // 32 - 1] - alone).abs().max()), 1e-6)

    def test_another_electrode_gives_the_same_answers(self):
        x = torch.randn(1, 3, 4096) * torch.tensor([2.0, 40.0] * 4).repeat_interleave(512)
        for net in self.nets():
            with torch.no_grad():
                plain, louder = (torch.softmax(net.frames(torch.tensor([[[a], [b], [c]]]) * x), -1) for a, b, c in ((1.0, 1.0, 1.0), (0.3, 1.0, 4.0)))
            self.assertGreater(float(plain.std(1).max()), 1e-3, "a network that says one thing shows nothing")
            self.assertLess(float((plain - louder).abs().max()), 1e-3)

    def test_silence_and_overload_have_answers_too(self):
        for net in self.nets():
            for size in (0.0, 1e-20, 1e6):
                with torch.no_grad():
                    said = torch.softmax(net.frames(torch.full((1, 3, 4096), size)), -1)
                self.assertTrue(torch.isfinite(said).all(), (type(net), size))

    def test_what_is_exported_answers_like_what_was_trained_and_says_so_in_its_card(self):
        import onnx
        import onnxruntime

        facts = {"name": "t", "label": "", "classes": list("abcd"), "rate_hz": 1000.0, "signal": "clean", "unit": "uV"}
        facts |= {"chain_sha256": "", "channels": [{"name": f"C{n}", "muscle": "", "kind": "raw"} for n in range(3)], "training": {"seed": 4}}
        rows = np.random.default_rng(5).normal(0, 20, (3, 512))
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
                step, own = nets.Step(net), net.blank()
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
            net = train.build("paper-cnn", 8, 3)
            train.fit_rows(net, x, label, 3, fold, train.Plan.published(seed))
            return torch.cat([p.flatten() for p in net.state_dict().values()])

        self.assertTrue(torch.equal(weights(1), weights(1)))
        self.assertFalse(torch.equal(weights(1), weights(2)))
