"""Fitting networks. Everything that is learnt, the scalers too, comes from the training windows of the fold.

Streaming networks learn from pieces of recordings: a piece runs through the network once, and the loss counts the
strides at which a training window ends. Early stopping looks at windows held out of training, never at the test.
"""

import copy
import math
from dataclasses import dataclass, field

import numpy as np
import torch

from . import nets, reader

PIECE_S = 16.0
"""Recordings are learnt in pieces of this length: long, so that a face is seen at rest in each."""
BATCH = 4
"""Pieces at a time."""
EPOCH_STEPS = 25
"""At least about so many: where recordings are few, an epoch goes through them more than once."""
CHUNK = 256
"""Strides of a long signal that run at a time."""


@dataclass
class Plan:
    """How to fit."""

    epochs: int = 20
    patience: int = 6
    batch: int = 32
    """Rows at a time, for networks that see single rows."""
    rate: float = 8e-3
    decay: float = 1e-4
    schedule: bool = True
    """The rate rises and falls over the epochs; else it stays."""
    seed: int = 0

    @classmethod
    def published(cls, seed):
        """The published recipe for the two published networks: Adam at its usual rate, 10 epochs, 32 rows at a time."""
        return cls(epochs=10, patience=10, batch=32, rate=1e-3, decay=0.0, schedule=False, seed=seed)


@dataclass
class Curve:
    """Loss per epoch on both sides of early stopping, and the epoch that was kept."""

    train: list = field(default_factory=list)
    validation: list = field(default_factory=list)
    best: int = 0


def calm(seed):
    """The same seed gives the same network on the same machine."""
    torch.manual_seed(seed)
    # Sums depend on how many threads share them; and these networks are too small to be shared out.
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)


def build(kind, channels, classes, window=None, rate_hz=None):
    """A network by its name; those that stream are built for a window and a rate."""
    if kind in ("cnn", "lstm", "lstm2"):
        shape = {"reference": nets.reference_for(rate_hz), "stride": nets.stride_for(rate_hz)}
        if kind == "cnn":
            return nets.StreamCnn(channels, classes, window, **shape)
        return nets.StreamLstm(channels, classes, window, **shape, layers=2 if kind == "lstm2" else 1)
    if kind == "paper-cnn":
        return nets.PaperCnn(channels, classes)
    if kind == "paper-lstm":
        return nets.PaperLstm(channels, classes)
    raise ValueError(f"nobody knows the network `{kind}`")


def set_scale(net, mean, deviation):
    """Puts what was fitted on training rows into the network, from where it goes into the graph."""
    net.standardise.mean.copy_(torch.as_tensor(mean, dtype=torch.float32).reshape(1, -1, 1))
    net.standardise.scale.copy_(torch.as_tensor(1.0 / np.maximum(deviation, 1e-9), dtype=torch.float32).reshape(1, -1, 1))


def class_weights(label, classes):
    """Rare classes count as much as frequent ones; classes that never occur count nothing."""
    count = np.bincount(label, minlength=classes)
    weight = np.where(count > 0, len(label) / np.maximum(count, 1) / max((count > 0).sum(), 1), 0.0)
    return torch.tensor(weight, dtype=torch.float32)


class Signals:
    """Windows as a streaming network sees them: by trial, by row, by stretch, scaled per recording where asked."""

    def __init__(self, windows, scales=None):
        self.windows = windows
        signals = [r.signal if scales is None else r.signal / scales[n] for n, r in enumerate(windows.recordings)]
        self.rows = [np.ascontiguousarray(np.nan_to_num(s).T, dtype=np.float32) for s in signals]
        self.runs = [reader.stretches(r) for r in windows.recordings]

    def start(self, recording, row):
        """The first row after the last reset before `row`, on the grid of strides."""
        first = next(a for a, e in self.runs[recording] if a < row <= e)
        return -(-first // self.windows.stride) * self.windows.stride

    def sequences(self, chosen, piece, shift=0):
        """Pieces of recordings between resets: recording, first row, end, and the chosen windows that end in each.

        `piece`: rows; `shift` moves the borders between pieces.
        """
        w = self.windows
        start = np.array([self.start(r, e) for r, e in zip(w.recording[chosen], w.end[chosen])])
        keys = np.stack([w.recording[chosen], start, (w.end[chosen] + shift) // piece])
        order = np.lexsort((w.end[chosen], *keys[::-1]))
        borders = np.flatnonzero((np.diff(keys[:, order]) != 0).any(0)) + 1
        for n in np.split(order, borders):
            ends = w.end[chosen[n]]
            yield int(keys[0, n[0]]), int(max(ends[0] - w.rows, start[n[0]])), int(ends[-1]), chosen[n]

    def energy(self, chosen):
        """Mean square per channel over the rows of the chosen windows."""
        parts = [self.rows[r][:, a:e] for r, a, e, _ in self.sequences(chosen, 4 * self.windows.rows)]
        return sum(np.square(p, dtype=np.float64).sum(1) for p in parts) / sum(p.shape[1] for p in parts)


def batch_of(net, signals, sequences):
    """Signal [N, C, longest], stride and index of each window, padded with silence."""
    longest = max(e - a for _, a, e, _ in sequences)
    longest += -longest % net.stride
    x = np.zeros((len(sequences), signals.rows[0].shape[0], longest), np.float32)
    at, frame, window = [], [], []
    for n, (recording, first, end, chosen) in enumerate(sequences):
        x[n, :, : end - first] = signals.rows[recording][:, first:end]
        frame += ((signals.windows.end[chosen] - first) // net.stride - 1).tolist()
        at += [n] * len(chosen)
        window += chosen.tolist()
    return torch.from_numpy(x), torch.tensor(at), torch.tensor(frame), np.array(window)


def fit_stream(net, signals, fold, plan, note=lambda text: None):
    """Fits a streaming network and returns its curve; the network ends as it was in its best epoch."""
    net.energy.floor.copy_(torch.from_numpy(nets.FLOOR * signals.energy(fold.train).clip(1e-18)).reshape(1, -1, 1))
    windows = signals.windows
    piece = round(PIECE_S * windows.recordings[0].rate_hz)
    label = torch.as_tensor(windows.label)
    criterion = torch.nn.CrossEntropyLoss(weight=class_weights(windows.label[fold.train], len(windows.classes)))
    rng = np.random.default_rng(plan.seed)
    held = list(signals.sequences(fold.validation, piece))
    once = math.ceil(sum(1 for _ in signals.sequences(fold.train, piece)) / BATCH)
    rounds = max(1, round(EPOCH_STEPS / once))
    steps = rounds * once

    def loss_of(sequences):
        x, at, frame, window = batch_of(net, signals, sequences)
        return criterion(net.frames(x)[at, frame], label[window]), len(window)

    def epoch(optimiser, schedule):
        net.train()
        cut = [s for _ in range(rounds) for s in signals.sequences(fold.train, piece, int(rng.integers(piece)))]
        total = count = 0
        for part in np.array_split(rng.permutation(len(cut)), steps):
            loss, n = loss_of([cut[i] for i in part])
            descend(net, optimiser, schedule, loss)
            total, count = total + float(loss.detach()) * n, count + n
        return total / count

    def held_out():
        losses = [loss_of(part) for part in parts(held, BATCH)]
        return sum(float(loss) * n for loss, n in losses) / sum(n for _, n in losses)

    return descent(net, plan, steps, epoch, held_out if held else None, note)


def fit_rows(net, x, label, classes, fold, plan, note=lambda text: None):
    """Fits one of the published networks on rows of numbers [n, F]."""
    set_scale(net, x[fold.train].mean(0), x[fold.train].std(0))
    inputs, label_t = torch.from_numpy(np.ascontiguousarray(x[:, :, None], dtype=np.float32)), torch.as_tensor(label)
    criterion = torch.nn.CrossEntropyLoss(weight=class_weights(label[fold.train], classes))
    rng = np.random.default_rng(plan.seed)

    def epoch(optimiser, schedule):
        net.train()
        total = 0.0
        for part in parts(rng.permutation(fold.train), plan.batch):
            loss = criterion(net.logits(inputs[part]), label_t[part])
            descend(net, optimiser, schedule, loss)
            total += float(loss.detach()) * len(part)
        return total / len(fold.train)

    def held_out():
        return float(criterion(net.logits(inputs[fold.validation]), label_t[fold.validation]))

    steps = math.ceil(len(fold.train) / plan.batch)
    return descent(net, plan, steps, epoch, held_out if len(fold.validation) else None, note)


def parts(items, size):
    return [items[n : n + size] for n in range(0, len(items), size)]


def descend(net, optimiser, schedule, loss):
    optimiser.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    optimiser.step()
    if schedule:
        schedule.step()


def descent(net, plan, steps, epoch, held_out, note):
    """Epochs until the held-out loss has not fallen for `patience` of them; no early stopping without held-out data."""
    optimiser = torch.optim.AdamW(net.parameters(), plan.rate, weight_decay=plan.decay)
    schedule = None
    if plan.schedule:
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, plan.rate, epochs=plan.epochs, steps_per_epoch=steps)
    curve, best, kept = Curve(), math.inf, None
    for n in range(plan.epochs):
        curve.train.append(epoch(optimiser, schedule))
        if held_out is None:
            curve.best = n
            continue
        net.eval()
        with torch.no_grad():
            curve.validation.append(held_out())
        if curve.validation[-1] < best:
            best, kept, curve.best = curve.validation[-1], copy.deepcopy(net.state_dict()), n
        note(f"epoch {n + 1}, loss {curve.train[-1]:.3f}, held out {curve.validation[-1]:.3f}")
        if n - curve.best >= plan.patience:
            break
    if kept:
        net.load_state_dict(kept)
    net.eval()
    return curve


def answers_of_stream(net, signals, chosen):
    """Probabilities [n, K] at the ends of the chosen windows, run the way a station runs it: from each reset on."""
    windows, out = signals.windows, np.zeros((len(chosen), len(signals.windows.classes)), np.float32)
    for recording in dict.fromkeys(windows.recording[chosen]):
        for first, end in signals.runs[recording]:
            begin = -(-first // net.stride) * net.stride
            mine = (windows.recording[chosen] == recording) & (windows.end[chosen] > first) & (windows.end[chosen] <= end)
            if mine.any():
                said = streamed(net, signals.rows[recording][:, begin:end])
                out[mine] = said[(windows.end[chosen[mine]] - begin) // net.stride - 1]
    return out


def streamed(net, rows):
    """Probabilities [F, K] after each stride of rows [C, n], states blank before the first."""
    states, said = net.blank(), []
    with torch.no_grad():
        for part in torch.from_numpy(rows[None, :, : rows.shape[1] // net.stride * net.stride]).split(CHUNK * net.stride, -1):
            logits, *states = net.run(part, *states)
            said.append(torch.softmax(logits[:, 0], -1))
    return torch.cat(said).numpy()


def answers_of_rows(net, x):
    """Probabilities [n, K] for rows of numbers."""
    with torch.no_grad():
        inputs = torch.from_numpy(np.ascontiguousarray(x[:, :, None], dtype=np.float32))
        return torch.softmax(net.logits(inputs), -1).numpy()
