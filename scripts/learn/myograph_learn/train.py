"""Fitting networks. Everything that is learnt, the scalers too, comes from the training windows of the fold.

Streaming networks learn from pieces of trials: a piece runs through the network once, and the loss counts the frames
at which a training window ends. Early stopping looks at windows held out of training, never at the test.
"""

import copy
import math
from dataclasses import dataclass, field

import numpy as np
import torch

from . import nets, reader

PIECE_S = 1.0
"""Long trials are learnt in pieces of about this length, so that a batch holds little padding."""


@dataclass
class Plan:
    """How to fit."""

    epochs: int = 20
    patience: int = 6
    batch: int = 16
    rate: float = 8e-3
    decay: float = 1e-4
    gain_jitter: float = 0.5
    """Deviation of the logarithm of a random gain per channel and trial: electrodes never sit alike."""
    lead_s: float = 0.5
    """Rows before a trial that an LSTM may have in memory while it learns."""
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


def build(kind, channels, classes, window, stride):
    """A network by its name."""
    if kind == "cnn":
        return nets.StreamCnn(channels, classes, window, stride=stride)
    if kind in ("lstm", "lstm2"):
        return nets.StreamLstm(channels, classes, window, stride=stride, layers=2 if kind == "lstm2" else 1)
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

    def sequences(self, chosen, lead):
        """Pieces of trials: recording, first row, end, and the chosen windows that end in the piece."""
        w = self.windows
        piece = w.end // max(round(PIECE_S * w.recordings[0].rate_hz), w.rows)
        order = np.lexsort((w.end[chosen], piece[chosen], w.trial[chosen]))
        keys = np.stack([w.trial[chosen], piece[chosen]], 1)[order]
        borders = np.flatnonzero((keys[1:] != keys[:-1]).any(1)) + 1
        for n in np.split(chosen[order], borders):
            recording, first = int(w.recording[n[0]]), int(w.end[n[0]]) - w.rows
            begin = max(first - lead, self.start(recording, int(w.end[n[0]])))
            yield recording, begin, int(w.end[n[-1]]), n

    def scale(self, chosen):
        """Mean and deviation per channel over the rows of the chosen windows."""
        parts = [self.rows[r][:, a:e].astype(np.float64) for r, a, e, _ in self.sequences(chosen, 0)]
        rows = sum(p.shape[1] for p in parts)
        mean = sum(p.sum(1) for p in parts) / rows
        return mean, np.sqrt(sum(((p - mean[:, None]) ** 2).sum(1) for p in parts) / rows)


def first_end(net):
    """Rows before the first frame's answer."""
    return net.window if isinstance(net, nets.StreamCnn) else net.stride


def batch_of(net, signals, sequences):
    """Signal [N, C, longest], frame and label of each window, padded with silence."""
    longest = max(e - a for _, a, e, _ in sequences)
    longest += -longest % net.stride
    x = np.zeros((len(sequences), signals.rows[0].shape[0], longest), np.float32)
    at, frame, window = [], [], []
    for n, (recording, first, end, chosen) in enumerate(sequences):
        x[n, :, : end - first] = signals.rows[recording][:, first:end]
        ends = signals.windows.end[chosen]
        frame += ((ends - first - first_end(net)) // net.stride).tolist()
        at += [n] * len(chosen)
        window += chosen.tolist()
    return torch.from_numpy(x), torch.tensor(at), torch.tensor(frame), np.array(window)


def fit_stream(net, signals, fold, plan, note=lambda text: None):
    """Fits a streaming network and returns its curve; the network ends as it was in its best epoch."""
    set_scale(net, *signals.scale(fold.train))
    windows = signals.windows
    lead = 0 if isinstance(net, nets.StreamCnn) else round(plan.lead_s * windows.recordings[0].rate_hz / net.stride) * net.stride
    label = torch.as_tensor(windows.label)
    criterion = torch.nn.CrossEntropyLoss(weight=class_weights(windows.label[fold.train], len(windows.classes)))
    rng = np.random.default_rng(plan.seed)
    train = list(signals.sequences(fold.train, lead))
    held = list(signals.sequences(fold.validation, lead))

    def loss_of(sequences, jitter):
        x, at, frame, window = batch_of(net, signals, sequences)
        if jitter:
            x *= torch.from_numpy(np.exp(rng.normal(0, jitter, (*x.shape[:2], 1))).astype(np.float32))
        return criterion(net.frames(x)[at, frame], label[window]), len(window)

    def epoch(optimiser, schedule):
        net.train()
        shuffled = [train[n] for n in rng.permutation(len(train))]
        total = count = 0
        for part in parts(shuffled, plan.batch):
            loss, n = loss_of(part, plan.gain_jitter)
            descend(net, optimiser, schedule, loss)
            total, count = total + float(loss.detach()) * n, count + n
        return total / count

    def held_out():
        losses = [loss_of(part, 0.0) for part in parts(held, plan.batch)]
        return sum(float(loss) * n for loss, n in losses) / sum(n for _, n in losses)

    return descent(net, plan, math.ceil(len(train) / plan.batch), epoch, held_out if held else None, note)


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
    with torch.no_grad():
        for recording in dict.fromkeys(windows.recording[chosen]):
            for first, end in signals.runs[recording]:
                begin = -(-first // net.stride) * net.stride
                mine = np.flatnonzero((windows.recording[chosen] == recording) & (windows.end[chosen] > first) & (windows.end[chosen] <= end))
                if not len(mine):
                    continue
                rows = signals.rows[recording][:, begin:end]
                logits = net.frames(torch.from_numpy(rows[None]))[0]
                frame = (windows.end[chosen[mine]] - begin - first_end(net)) // net.stride
                out[mine] = torch.softmax(logits[frame], -1).numpy()
    return out


def answers_of_rows(net, x):
    """Probabilities [n, K] for rows of numbers."""
    with torch.no_grad():
        inputs = torch.from_numpy(np.ascontiguousarray(x[:, :, None], dtype=np.float32))
        return torch.softmax(net.logits(inputs), -1).numpy()
