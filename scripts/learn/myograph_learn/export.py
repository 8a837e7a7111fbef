"""A trained network as ONNX with its card: batch 1, opset 17, standardisation, pooling and softmax in the graph."""

import hashlib
import warnings
from pathlib import Path

import numpy as np
import torch

from . import card, nets

OPSET = 17
REFERENCE_STRIDES = 4


def export(net, folder, facts, mode, reference_rows):
    """Writes NAME.onnx and NAME.toml into `folder` and returns the model's path.

    `facts`: the keys of the card that the caller knows (name, label, classes, rate_hz, signal, unit, chain_sha256,
    channels, training). `reference_rows` [C, n]: real signal for the reference answers, at least a window long.
    """
    net = net.eval().cpu()
    path = Path(folder) / f"{facts['name']}.onnx"
    path.parent.mkdir(parents=True, exist_ok=True)
    channels = len(facts["channels"])
    if mode == "step":
        module = nets.Step(net).eval()
        states = net.blank()
        inputs = (torch.zeros(1, channels, net.stride), *states)
    else:
        module, states = nets.Window(net).eval(), []
        inputs = (torch.zeros(1, channels, net.reach),)
    write_onnx(module, inputs, len(states), path)
    blob = path.read_bytes()
    whole = {
        "format": card.FORMAT,
        "name": facts["name"],
        "label": facts["label"],
        "mode": mode,
        "classes": list(facts["classes"]),
        "rate_hz": float(facts["rate_hz"]),
        "signal": facts["signal"],
        "unit": facts["unit"],
        "window": net.reach,
        "stride": net.stride,
        "chain_sha256": facts["chain_sha256"],
        "onnx_sha256": hashlib.sha256(blob).hexdigest(),
        "onnx_bytes": len(blob),
    }
    if mode == "step":
        whole["states"] = [list(s.shape) for s in states]
    whole["training"] = facts["training"]
    whole["channels"] = facts["channels"]
    whole["reference"] = references(path, mode, net, reference_rows, [s.shape for s in states])
    card.write(path.with_suffix(".toml"), whole)
    return path


def write_onnx(module, inputs, states, path):
    """The legacy exporter: the newer one writes another opset than asked."""
    with warnings.catch_warnings():
        # It warns that it is the legacy one, and that an LSTM of batch 1 stays one of batch 1.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            inputs,
            str(path),
            opset_version=OPSET,
            dynamo=False,
            input_names=["x"] + [f"state_{n}" for n in range(states)],
            output_names=["probabilities"] + [f"next_{n}" for n in range(states)],
        )


def references(path, mode, net, rows, shapes):
    """What the written file answers in onnxruntime: what is stored is what a station must find again."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [i.name for i in session.get_inputs()]
    # Rounded so that the card stays short; halves and quarters are exact in every format.
    rows = (np.round(np.asarray(rows, np.float64) * 4) / 4).astype(np.float32)
    if mode == "window":
        starts = sorted({0, rows.shape[1] - net.reach})
        pairs = [(rows[:, s : s + net.reach],) for s in starts]
        return [pair(x, session.run(None, {"x": x[None]})[0]) for (x,) in pairs]
    steps = [rows[:, n * net.stride : (n + 1) * net.stride] for n in range(REFERENCE_STRIDES)]
    states, answers = [np.zeros(s, np.float32) for s in shapes], []
    for x in steps:
        answer, *states = session.run(None, dict(zip(names, [x[None], *states])))
        answers.append(answer)
    return [pair(np.stack(steps), np.stack(answers))]


def pair(given, answer):
    """Flat lists: [C, T] by channel, then row; strides one after the other."""
    return {"input": card.single(given), "output": card.single(answer)}
