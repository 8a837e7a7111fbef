"""Who is trained on and who is judged: splits of windows or rows. Only `leaky` lets a trial stand on both sides."""

from dataclasses import dataclass

import numpy as np

VALIDATION = 0.15
"""Share of the training groups that early stopping looks at."""
PARTS = 5
"""Folds over trials, where there is one person in one session."""


@dataclass(frozen=True)
class Fold:
    """Indices of one split; `validation` is taken from what would be training."""

    name: str
    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def default(subjects, sessions):
    """The honest protocol that the data allow."""
    if len(set(subjects)) > 1:
        return "leave-one-subject-out"
    return "leave-one-session-out" if len(set(sessions)) > 1 else "leave-trials-out"


def folds(protocol, subjects, sessions, trials, seed=0):
    """The splits of a protocol by name."""
    rng = np.random.default_rng(seed)
    subjects, sessions, trials = map(np.asarray, (subjects, sessions, trials))
    if protocol == "leave-one-subject-out":
        return leave_out(subjects, inner_groups(subjects, sessions, trials), rng)
    if protocol == "leave-one-session-out":
        if len(set(subjects)) > 1:
            sessions = np.array([f"{a}/{b}" for a, b in zip(subjects, sessions)])
        return leave_out(sessions, trials, rng, same=subjects)
    if protocol == "leave-trials-out":
        names = rng.permutation(np.unique(trials))
        part = {trial: f"part {n % PARTS + 1}" for n, trial in enumerate(names)}
        return leave_out(np.array([part[t] for t in trials]), trials, rng)
    if protocol == "leaky":
        shuffled = rng.permutation(len(trials))
        test, rest = np.split(shuffled, [len(trials) // 5])
        validation, train = np.split(rest, [round(VALIDATION * len(rest))])
        return [Fold("random windows", np.sort(train), np.sort(validation), np.sort(test))]
    raise ValueError(f"nobody knows the protocol `{protocol}`")


def inner_groups(subjects, sessions, trials):
    """What early stopping holds out: other subjects where three or more remain, else trials."""
    return subjects if len(set(subjects)) > 3 else trials


def leave_out(groups, inner, rng, same=None):
    """One fold for each group; the fold's training data are of the same person only, where `same` says who is who."""
    made = []
    for group in dict.fromkeys(groups):
        test = groups == group
        rest = ~test if same is None else ~test & (same == same[test][0])
        if not rest.any():
            continue
        names = rng.permutation(np.unique(inner[rest]))
        held = np.isin(inner, names[: max(1, round(VALIDATION * len(names)))]) & rest
        train = rest & ~held
        if not train.any():
            train = rest
        made.append(Fold(str(group), *map(np.flatnonzero, (train, held, test))))
    return made


def all_in(subjects, sessions, trials, seed=0):
    """Everything for training but what early stopping looks at: the split of the model that is kept."""
    rng = np.random.default_rng(seed)
    inner = inner_groups(*map(np.asarray, (subjects, sessions, trials)))
    names = rng.permutation(np.unique(inner))
    held = np.isin(inner, names[: max(1, round(VALIDATION * len(names)))])
    return Fold("all", np.flatnonzero(~held), np.flatnonzero(held), np.array([], int))
