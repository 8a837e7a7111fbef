"""The networks. Input [N, C, T] in the recording's unit, standardised inside; output class logits or probabilities.

The two streaming networks give one answer per frame of `stride` rows: `frames` maps a long signal to the logits after
each frame, and the step forms below give the same answers from one stride of rows and the state carried so far.
"""

import torch
from torch import nn

PLANS = {64: (4, 4, 4), 32: (4, 4, 2), 16: (4, 2, 2), 8: (2, 2, 2), 4: (1, 2, 2)}
"""Strides of the three convolutions by the rows of one frame."""


def stride_for(rate_hz):
    """Rows per frame: the largest that is no longer than 40 ms."""
    return max((stride for stride in PLANS if stride <= 0.04 * rate_hz), default=min(PLANS))


def kernels_for(stride):
    """Kernels of the three convolutions, and the rows one frame sees: a multiple of the stride."""
    a, b, c = PLANS[stride]
    seen = 4 * a + a * b + 2 * stride
    extra = -seen % stride
    return (5 * a + extra, 2 * b, 2 * c), seen + extra


def window_for(rate_hz, seconds):
    """Rows of the window nearest to a length in seconds that both networks can have."""
    stride = stride_for(rate_hz)
    return max(round(seconds * rate_hz / stride) * stride, kernels_for(stride)[1])


class Standardise(nn.Module):
    """Subtracts a mean and multiplies by a scale per channel; both are fitted on training rows alone."""

    def __init__(self, channels):
        super().__init__()
        self.register_buffer("mean", torch.zeros(1, channels, 1))
        self.register_buffer("scale", torch.ones(1, channels, 1))

    def forward(self, x):
        return (x - self.mean) * self.scale


KNEE = 10.0
"""Where compression begins: a tenth of the training rows' deviation, about a face at rest."""


def loudness(size):
    """Compresses a size: ten times louder is a step, not ten times more."""
    return torch.log(1.0 + KNEE * size)


class StreamCnn(nn.Module):
    """Three strided convolutions without padding, then the mean of the last `pool` frames.

    The first is a bank of filters whose output is rectified and compressed, the others find patterns in loudness.
    """

    def __init__(self, channels, classes, window=256, widths=(24, 32, 32), dropout=0.2, stride=32):
        super().__init__()
        (kernels, seen), strides = kernels_for(stride), PLANS[stride]
        frames, rest = divmod(window - seen, stride)
        if frames < 0 or rest:
            raise ValueError(f"a window of {window} rows is not {seen} + a multiple of {stride}")
        self.window, self.stride, self.pool = window, stride, frames + 1
        self.kept = [k - s for k, s in zip(kernels, strides)]
        self.standardise = Standardise(channels)
        a, b, c = widths
        self.bank = nn.Conv1d(channels, a, kernels[0], strides[0])
        self.second = nn.Conv1d(a, b, kernels[1], strides[1])
        self.second_norm = nn.BatchNorm1d(b)
        self.third = nn.Conv1d(b, c, kernels[2], strides[2])
        self.third_norm = nn.BatchNorm1d(c)
        self.head = nn.Sequential(nn.Linear(c, c), nn.ReLU(), nn.Dropout(dropout), nn.Linear(c, classes))

    def layers(self):
        """What each convolution does with its (longer) input."""
        return (
            lambda y: loudness(self.bank(y).abs()),
            lambda y: torch.relu(self.second_norm(self.second(y))),
            lambda y: torch.relu(self.third_norm(self.third(y))),
        )

    def frames(self, x):
        """Logits [N, F, K] after every frame whose whole window lies in `x`."""
        y = self.standardise(x)
        for layer in self.layers():
            y = layer(y)
        return self.head(nn.functional.avg_pool1d(y, self.pool, 1).transpose(1, 2))

    def logits(self, x):
        return self.frames(x)[:, -1]


class StreamLstm(nn.Module):
    """The mean size of short filters over each stride, compressed, into an LSTM of one or two layers."""

    def __init__(self, channels, classes, window=256, hidden=32, layers=1, bank=24, dropout=0.2, stride=32):
        super().__init__()
        if window % stride:
            raise ValueError(f"a window of {window} rows is not a multiple of {stride}")
        self.window, self.stride, self.hidden, self.depth = window, stride, hidden, layers
        kernel = max(stride // 4, 2)
        self.pool = stride // kernel
        self.standardise = Standardise(channels)
        self.bank = nn.Conv1d(channels, bank, kernel, kernel)
        self.lstm = nn.LSTM(bank, hidden, layers, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(hidden, classes)

    def per_stride(self, x):
        """[N, F, bank]: what the LSTM reads, one column per whole stride."""
        size = self.bank(self.standardise(x)).abs()
        return loudness(nn.functional.avg_pool1d(size, self.pool)).transpose(1, 2)

    def frames(self, x):
        """Logits [N, F, K] after every stride, memory empty before the first."""
        y, _ = self.lstm(self.per_stride(x))
        return self.head(self.dropout(y))

    def logits(self, x):
        return self.frames(x)[:, -1]


class Window(nn.Module):
    """Probabilities [N, K] of one whole window, memory empty before it."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        return torch.softmax(self.net.logits(x), -1)


class CnnStep(nn.Module):
    """One stride of rows and the columns each layer kept, to probabilities and what the layers keep now."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def states(self):
        channels = self.net.standardise.mean.shape[1]
        widths = (channels, self.net.bank.out_channels, self.net.second.out_channels)
        shapes = [(1, width, kept) for width, kept in zip(widths, self.net.kept)]
        if self.net.pool > 1:
            shapes.append((1, self.net.third.out_channels, self.net.pool - 1))
        return shapes

    def forward(self, x, *kept):
        y, keep = self.net.standardise(x), []
        for layer, old in zip(self.net.layers(), kept):
            y = torch.cat((old, y), -1)
            keep.append(y[:, :, y.shape[-1] - old.shape[-1] :])
            y = layer(y)
        if self.net.pool > 1:
            y = torch.cat((kept[3], y), -1)
            keep.append(y[:, :, 1:])
        return (torch.softmax(self.net.head(y.mean(-1)), -1), *keep)


class LstmStep(nn.Module):
    """One stride of rows and the memory so far, to probabilities and the memory now."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def states(self):
        return [(self.net.depth, 1, self.net.hidden)] * 2

    def forward(self, x, h, c):
        y, (h, c) = self.net.lstm(self.net.per_stride(x), (h, c))
        return torch.softmax(self.net.head(y[:, -1]), -1), h, c


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


def step_of(net):
    """The step form of a streaming network."""
    return CnnStep(net) if isinstance(net, StreamCnn) else LstmStep(net)
