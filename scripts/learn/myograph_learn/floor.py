"""The floor that every network must beat: linear discriminants on the logarithm of each channel's RMS.

And the same relative to how quiet each channel has lately been, which is what the networks read: what they gain over
`past` is their own, the rest is the reference's.
"""

import numpy as np

from . import reader

SHRINKAGE = 1e-3
REFERENCE_S = 4.0
"""What is relative is so to this much of the past; for an LSTM to a past that fades by e in as long."""


def rms(signal):
    """[n, C, rows] to [n, C]."""
    return np.sqrt(np.mean(np.square(signal, dtype=np.float64), axis=2))


def log_rms(signal):
    """The feature; silence is finite."""
    return np.log(rms(signal) + 1e-9)


def past(windows, strides):
    """[n, C]: logarithm of the harmonic mean, as an RMS, of each channel's energies in the last strides before the end of
    each window, since the last reset."""
    out = None
    for number, recording in enumerate(windows.recordings):
        for first, end in reader.stretches(recording):
            mine = np.flatnonzero((windows.recording == number) & (windows.end > first) & (windows.end <= end))
            begin = -(-first // windows.stride) * windows.stride
            count = (end - begin) // windows.stride
            if not len(mine):
                continue
            rows = recording.signal[begin : begin + count * windows.stride].reshape(count, windows.stride, -1)
            quiet = 1 / (np.mean(np.square(rows, dtype=np.float64), axis=1) + 1e-9)
            total = np.concatenate([np.zeros((1, quiet.shape[1])), np.cumsum(quiet, 0)])
            upto = (windows.end[mine] - begin) // windows.stride
            since = np.maximum(upto - strides, 0)
            out = np.zeros((len(windows), quiet.shape[1])) if out is None else out
            out[mine] = -0.5 * np.log((total[upto] - total[since]) / (upto - since)[:, None])
    return out


class Lda:
    """Equal covariances, equal priors."""

    def fit(self, x, label, classes):
        self.mean, self.scale = x.mean(0), x.std(0).clip(1e-9)
        x = (x - self.mean) / self.scale
        self.there = np.array([np.any(label == c) for c in range(classes)])
        centre = np.stack([x[label == c].mean(0) if self.there[c] else np.zeros(x.shape[1]) for c in range(classes)])
        within = (x - centre[label]).T @ (x - centre[label]) / len(x)
        within += SHRINKAGE * np.trace(within) / len(within) * np.eye(len(within))
        self.weight = np.linalg.solve(within, centre.T)
        self.bias = -0.5 * np.sum(centre.T * self.weight, axis=0)
        return self

    def probabilities(self, x):
        score = (x - self.mean) / self.scale @ self.weight + self.bias
        score[:, ~self.there] = -np.inf
        score = np.exp(score - score.max(1, keepdims=True))
        return score / score.sum(1, keepdims=True)
