"""The networks. Input [N, C, rows] in the recording's unit; output class logits or probabilities.

The two streaming networks give one answer per stride of rows. `run` takes any number of strides and the states so far
(`blank` after a reset) and gives the logits after each stride and the states now: what learns and judges whole signals
is what a station runs a stride at a time.
"""

import math

import numpy as np
import torch
from torch import nn

from .floor import REFERENCE_S

STRIDES = (64, 32, 16, 8, 4)
"""Rows between two answers, by the rate."""
PATTERN = 3
"""Strides in a pattern of the CNN."""
FLOOR = 1e-5
"""Added to the energy, as a share of that of the training rows: less than electrodes give, more than nothing."""


def stride_for(rate_hz):
    """Rows per answer: the largest stride that is no longer than 40 ms."""
    return max((stride for stride in STRIDES if stride <= 0.04 * rate_hz), default=min(STRIDES))


def window_for(rate_hz, seconds):
    """Rows of the window nearest to a length in seconds that both networks can have."""
    stride = stride_for(rate_hz)
    return max(round(seconds * rate_hz / stride), PATTERN) * stride


def reference_for(rate_hz):
    """Strides that a face is compared with."""
    return max(1, round(REFERENCE_S * rate_hz / stride_for(rate_hz)))


class Standardise(nn.Module):
    """Subtracts a mean and multiplies by a scale per channel; both are fitted on training rows alone."""

    def __init__(self, channels):
        super().__init__()
        self.register_buffer("mean", torch.zeros(1, channels, 1))
        self.register_buffer("scale", torch.ones(1, channels, 1))

    def forward(self, x):
        return (x - self.mean) * self.scale


class Energy(nn.Module):
    """[N, C, rows] to [N, C, strides]: the mean square over each stride, above a floor fitted on training rows.

    Muscles fire independently: what their raw signals look like has nothing to say to each other, or of a face.
    """

    def __init__(self, channels, stride):
        super().__init__()
        self.stride = stride
        self.register_buffer("floor", torch.full((1, channels, 1), FLOOR))

    def forward(self, x):
        return nn.functional.avg_pool1d(x * x, self.stride) + self.floor


class Stream(nn.Module):
    """What both networks share: the loudness of each channel relative to how quiet it has been lately.

    Loudness is the logarithm of the energy over its harmonic mean in the past, which the quiet strides rule. A gain
    on a channel cancels, and so do electrodes, skin and tone. A past that is not there yet is not counted.
    """

    def __init__(self, channels, window, stride):
        super().__init__()
        if window % stride:
            raise ValueError(f"a window of {window} rows is not a multiple of {stride}")
        self.window, self.stride, self.channels = window, stride, channels
        self.energy = Energy(channels, stride)

    def shapes(self, batch=1):
        """Of all states."""
        raise NotImplementedError

    def run(self, x, *states):
        """Logits [F, N, K] after each stride, then the states after the last."""
        raise NotImplementedError

    def blank(self, batch=1):
        """The states after a reset."""
        return [torch.zeros(shape) for shape in self.shapes(batch)]

    def frames(self, x):
        """Logits [N, F, K] after every stride since a reset."""
        return self.run(x, *self.blank(len(x)))[0].transpose(0, 1)


def newest(y):
    """The last column."""
    return y if y.shape[-1] == 1 else y[:, :, -1:]


class StreamCnn(Stream):
    """Strided convolutions without padding: energy, the mean of the past, patterns, their mean in a window."""

    def __init__(self, channels, classes, window=256, reference=125, width=16, dropout=0.2, stride=32):
        super().__init__(channels, window, stride)
        self.reference, self.pool = reference, window // stride - PATTERN + 1
        if self.pool < 1:
            raise ValueError(f"a window of {window} rows has no {PATTERN} strides of {stride}")
        self.pattern = nn.Conv1d(self.channels, width, PATTERN)
        self.head = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Dropout(dropout), nn.Linear(width, classes))

    @property
    def reach(self):
        """Rows that an answer depends on at most."""
        return self.window + (self.reference - 1) * self.stride

    def shapes(self, batch=1):
        columns = [(self.channels, self.reference - 1), (self.channels, PATTERN - 1), (self.pattern.out_channels, self.pool - 1)]
        return [(batch, 1, 1), *((batch, *shape) for shape in columns if shape[1])]

    def run(self, x, seen, *kept):
        kept, keep = list(kept), []

        def after(y, columns):
            """What was kept of a layer's input before its new columns; as many are kept again."""
            if columns:
                y = torch.cat((kept.pop(0), y), -1)
                keep.append(y[:, :, -columns:])
            return y

        energy = self.energy(x)
        count = torch.from_numpy(np.arange(1, 1 + int(energy.shape[-1]), dtype=np.float32))
        seen = torch.clamp(seen + count, max=float(self.reference))
        quiet = nn.functional.avg_pool1d(after(1 / energy, self.reference - 1), self.reference, 1)
        loudness = torch.log(energy * quiet * (self.reference / seen))
        y = torch.relu(self.pattern(after(loudness, PATTERN - 1)))
        y = nn.functional.avg_pool1d(after(y, self.pool - 1), self.pool, 1)
        return (self.head(y.permute(2, 0, 1)), newest(seen), *keep)


class StreamLstm(Stream):
    """An LSTM of one or two layers over loudness; the past it is relative to fades."""

    def __init__(self, channels, classes, window=256, reference=125, hidden=16, layers=1, dropout=0.2, stride=32):
        super().__init__(channels, window, stride)
        self.hidden, self.depth, self.fade = hidden, layers, math.exp(-1 / reference)
        self.lstm = nn.LSTM(self.channels, hidden, layers)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(hidden, classes)

    @property
    def reach(self):
        """Rows without which an answer is worth little; its memory has no end."""
        return self.window

    def shapes(self, batch=1):
        layers = (self.depth,) if self.depth > 1 else ()
        return [(batch, 1, 1), (batch, self.channels, 1), *[(*layers, batch, self.hidden)] * 2]

    def faded(self, old, new):
        """[N, C, F]: the sum of `new` up to each stride, what is older counting less; `old`: the sum before."""
        age = np.arange(int(new.shape[-1]))
        if len(age) == 1:
            return old * self.fade + new
        # Constants, and no operators of the graph.
        share, left = np.triu(self.fade ** (age - age[:, None])), self.fade ** (age + 1.0)
        return old * torch.from_numpy(np.float32(left)) + new @ torch.from_numpy(np.float32(share))

    def run(self, x, seen, quiet, h, c):
        energy = self.energy(x)
        seen = self.faded(seen, torch.ones(1, 1, int(energy.shape[-1])))
        quiet = self.faded(quiet, 1 / energy)
        loudness = torch.log(energy * quiet / seen)
        # A station pays for each change of a shape: the states of one layer have no axis of layers.
        single = self.depth == 1
        y, after = self.lstm(loudness.permute(2, 0, 1), tuple(s.unsqueeze(0) if single else s for s in (h, c)))
        h, c = (s.squeeze(0) if single else s for s in after)
        return self.head(self.dropout(y)), newest(seen), newest(quiet), h, c


class Window(nn.Module):
    """Probabilities [N, K] at the end of one whole window, states blank before it."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        return torch.softmax(self.net.run(x, *self.net.blank())[0][-1], -1)


class Step(nn.Module):
    """One stride of rows and the states so far, to probabilities [1, K] and the states now."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x, *states):
        logits, *states = self.net.run(x, *states)
        return (torch.softmax(logits.squeeze(0), -1), *states)


class PaperCnn(nn.Module):
    """The published CNN: one convolution over the eight numbers of a row as if they were a line, no time at all."""

    def __init__(self, features, classes):
        super().__init__()
        self.standardise = Standardise(features)
        self.bank = nn.Conv1d(1, 64, 2)
        self.hidden = nn.Linear(64 * ((features - 1) // 2), 64)
        self.head = nn.Linear(64, classes)

    def logits(self, x):
        y = torch.relu(self.bank(self.standardise(x).transpose(1, 2)))
        y = nn.functional.max_pool1d(y, 2).flatten(1)
        return self.head(torch.relu(self.hidden(y)))


class PaperLstm(nn.Module):
    """The published LSTM: 64 cells that read the eight numbers of a row one after the other as if they were time."""

    def __init__(self, features, classes):
        super().__init__()
        self.standardise = Standardise(features)
        self.lstm = nn.LSTM(1, 64, batch_first=True)
        self.hidden = nn.Linear(64, 64)
        self.head = nn.Linear(64, classes)

    def logits(self, x):
        y, _ = self.lstm(self.standardise(x))
        return self.head(torch.relu(self.hidden(y[:, -1])))
