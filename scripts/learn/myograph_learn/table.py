"""Published feature sets: a table of subject, label and numbers, judged by the same protocols.

The published experiment is run as it was: eight numbers per row, scaled over all rows, a random fifth of the rows as
test, ten epochs. Beside it stands the same network under the honest protocol.
"""

import csv
from pathlib import Path

import numpy as np

from . import floor, metrics, protocols
from .evaluate import FLOOR, LEAKY, Outcome
from .progress import Bar
from .reader import Unreadable

PUBLISHED = "random rows, as published"


def read(path, log=False):
    """Subjects, labels and numbers [n, F] of a CSV file with a header; other columns that are no numbers are refused."""
    with Path(path).open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        head = [name.strip() for name in reader.fieldnames or []]
        reader.fieldnames = head
        for wanted in ("subject", "label"):
            if wanted not in head:
                raise Unreadable(f"{path} has no column `{wanted}`: its columns are {', '.join(head) or 'none'}")
        names = [name for name in head if name not in ("subject", "label", "session")]
        rows = list(reader)
    try:
        x = np.array([[float(row[name]) for name in names] for row in rows])
    except (TypeError, ValueError) as error:
        raise Unreadable(f"{path} holds something that is no number ({error}): keep subject, label and numbers") from error
    if not len(x) or not np.isfinite(x).all():
        raise Unreadable(f"{path} holds {'no rows' if not len(x) else 'values that are not finite'}: remove them first")
    if log:
        if (x <= 0).any():
            raise Unreadable(f"{path} holds numbers that have no logarithm: leave --log out")
        x = np.log(x)
    subjects = np.array([row["subject"].strip() for row in rows])
    sessions = np.array([(row.get("session") or "").strip() for row in rows])
    labels = np.array([row["label"].strip() for row in rows])
    return subjects, sessions, labels, x


def runs(subjects, labels):
    """Rows of one subject and label that follow each other are one trial."""
    new = np.ones(len(labels), bool)
    new[1:] = (subjects[1:] != subjects[:-1]) | (labels[1:] != labels[:-1])
    return np.cumsum(new) - 1


def by_own_rest(x, subjects, labels):
    """Every subject scaled by its own rows of rest, or all its rows where none are called rest: transductive."""
    x, resting = x.copy(), np.isin(labels, ("rest", "neutral"))
    for subject in dict.fromkeys(subjects):
        mine = subjects == subject
        known = mine & resting if (mine & resting).any() else mine
        x[mine] = (x[mine] - x[known].mean(0)) / x[known].std(0).clip(1e-9)
    return x


def experiment(path, models, plan, log=False, subject_z=False):
    """The honest protocol, the published one beside it: outcomes, classes and facts for the report."""
    subjects, sessions, labels, x = read(path, log)
    classes = sorted(set(labels))
    label = np.array([classes.index(name) for name in labels])
    if subject_z:
        x = by_own_rest(x, subjects, labels)
    trial = runs(subjects, labels)
    protocol = protocols.default(subjects, sessions)
    honest = protocols.folds(protocol, subjects, sessions, trial, plan.seed)
    outcomes = []
    with Bar(Path(path).name, len(models) * (len(honest) + 1)) as bar:
        for model in models:
            outcomes.append(judge(model, x, label, classes, honest, subjects, protocol, plan, bar))
        for model in models:
            outcomes.append(judge(model, x, label, classes, published(label, plan.seed), subjects, LEAKY, plan, bar))
    facts = {
        "table": Path(path).name,
        "rows": len(x),
        "numbers per row": x.shape[1],
        "subjects": len(set(subjects)),
        "protocol": protocol,
        "leaky means": PUBLISHED,
        "subject_z": subject_z,
        "seed": plan.seed,
    }
    return outcomes, classes, facts


def published(label, seed):
    """A random fifth of the rows is the test; nothing is held out for early stopping."""
    shuffled = np.random.default_rng(seed).permutation(len(label))
    test, train = np.split(shuffled, [len(label) // 5])
    return [protocols.Fold("random rows", np.sort(train), np.array([], int), np.sort(test))]


def judge(model, x, label, classes, folds, groups, protocol, plan, bar):
    """One model through the folds of one protocol."""
    chosen, answers, curves = [], [], {}
    if protocol == LEAKY:
        # As published: the scaler has seen the test rows.
        x = (x - x.mean(0)) / x.std(0).clip(1e-9)
    for fold in folds:
        if model == FLOOR:
            seen = np.concatenate([fold.train, fold.validation])
            said = floor.Lda().fit(x[seen], label[seen], len(classes)).probabilities(x[fold.test])
        else:
            from . import train

            train.calm(plan.seed)
            net = train.build(model, x.shape[1], len(classes))
            note = lambda text, f=fold: bar.draw(f"{model}, {f.name}: {text}")  # noqa: E731
            curves[fold.name] = train.fit_rows(net, x, label, len(classes), fold, train.Plan.published(plan.seed), note)
            said = train.answers_of_rows(net, x[fold.test])
        chosen.append(fold.test)
        answers.append(said)
        bar.step(f"{model}, {fold.name}")
    chosen, answers = np.concatenate(chosen), np.concatenate(answers)
    scores = metrics.scores(label[chosen], answers, groups[chosen])
    return Outcome(model, protocol, scores, label[chosen], answers, curves)

