"""How good answers are. `truth` [n] class numbers, `probabilities` [n, K]."""

import math

import numpy as np

BINS = 15
# Student's t, 97.5 %, for 1 to 30 degrees of freedom.
T = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131]
T += [2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042]


def confusion(truth, said, classes):
    """[K, K] counts, true classes in rows."""
    table = np.zeros((classes, classes), int)
    np.add.at(table, (truth, said), 1)
    return table


def kappa(table):
    """Cohen's: agreement beyond what the margins alone would give."""
    n = table.sum()
    by_chance = (table.sum(0) * table.sum(1)).sum() / n**2
    return 0.0 if by_chance == 1 else float((np.trace(table) / n - by_chance) / (1 - by_chance))


def macro_f1(table):
    """Mean F1 over the classes that occur."""
    hits, size = np.diag(table), table.sum(0) + table.sum(1)
    there = table.sum(1) > 0
    return float(np.mean(2 * hits[there] / size[there]))


def recall(table):
    """Per class; NaN for a class that never occurs."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.diag(table) / table.sum(1)


def reliability(truth, probabilities):
    """Per bin of confidence: how many, mean confidence, accuracy."""
    sure, said = probabilities.max(1), probabilities.argmax(1)
    bins = np.minimum((sure * BINS).astype(int), BINS - 1)
    count = np.bincount(bins, minlength=BINS)
    total = np.maximum(count, 1)
    return count, np.bincount(bins, sure, BINS) / total, np.bincount(bins, said == truth, BINS) / total


def ece(truth, probabilities):
    """Expected calibration error over 15 bins of equal width."""
    count, sure, right = reliability(truth, probabilities)
    return float((count * np.abs(sure - right)).sum() / max(count.sum(), 1))


def interval(values):
    """Mean and the half-width of its 95 % interval by Student's t over subjects; no half-width from one."""
    values = np.asarray(values, float)
    if len(values) < 2:
        return float(values.mean()), math.nan
    t = T[min(len(values) - 2, len(T) - 1)]
    return float(values.mean()), float(t * values.std(ddof=1) / math.sqrt(len(values)))


def scores(truth, probabilities, groups):
    """All of it, over all windows and per group (subject, or session)."""
    truth, groups = np.asarray(truth), np.asarray(groups)
    said = probabilities.argmax(1)
    table = confusion(truth, said, probabilities.shape[1])
    each = {str(g): float(np.mean(said[groups == g] == truth[groups == g])) for g in dict.fromkeys(groups)}
    mean, half = interval(list(each.values()))
    return {
        "windows": len(truth),
        "accuracy": float(np.mean(said == truth)),
        "macro_f1": macro_f1(table),
        "kappa": kappa(table),
        "ece": ece(truth, probabilities),
        "chance": float(np.bincount(truth).max() / len(truth)),
        "recall": recall(table).tolist(),
        "each": each,
        "each_mean": mean,
        "each_half_width": half,
        "each_min": min(each.values()),
        "confusion": table.tolist(),
    }
