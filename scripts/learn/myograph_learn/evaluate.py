"""Runs models through a protocol: every window is answered by a model that never saw its group, except in `leaky`."""

from dataclasses import dataclass, field

import numpy as np

from . import floor, metrics, protocols, windows as cutting
from .progress import Bar

STREAMS = ("cnn", "lstm", "lstm2")
PAPER = ("paper-cnn", "paper-lstm")
FLOOR = "lda"
RELATIVE = "lda-relative"
MODELS = (FLOOR, RELATIVE, *STREAMS, *PAPER)
LINEAR = (FLOOR, RELATIVE)
LEAKY = "leaky"


@dataclass
class Outcome:
    """One model under one protocol."""

    model: str
    protocol: str
    scores: dict
    truth: np.ndarray
    probabilities: np.ndarray
    curves: dict = field(default_factory=dict)
    """One per fold, for networks."""


class Task:
    """Windows with what the models need of them, scaled per subject's rest where asked."""

    def __init__(self, windows, plan, subject_z=False):
        self.windows, self.plan, self.subject_z = windows, plan, subject_z
        self.scales = cutting.rest_scale(windows) if subject_z else None
        rms = np.concatenate([floor.rms(windows.signal(part)) for part in np.array_split(np.arange(len(windows)), 16)])
        if subject_z:
            rms /= np.array(self.scales)[windows.recording]
        self.rms = rms
        self._signals = self._relative = None

    def loudness(self, model):
        """What a linear model reads: log-RMS, or how much that is above the past's."""
        if model == FLOOR:
            return np.log(self.rms + 1e-9)
        if self._relative is None:
            # Its own RMS, for a subject's scale cancels.
            rms = self.rms * np.array(self.scales)[self.windows.recording] if self.subject_z else self.rms
            strides = round(floor.REFERENCE_S * self.windows.recordings[0].rate_hz / self.windows.stride)
            self._relative = np.log(rms + 1e-9) - floor.past(self.windows, max(1, strides))
        return self._relative

    @property
    def signals(self):
        from . import train

        if self._signals is None:
            self._signals = train.Signals(self.windows, self.scales)
        return self._signals

    @property
    def protocol(self):
        return protocols.default(self.windows.subjects, self.windows.sessions)

    def folds(self, protocol):
        w = self.windows
        return protocols.folds(protocol, w.subjects, w.sessions, w.trial, self.plan.seed)

    def groups(self):
        """What the spread is over: subjects, or sessions of one person."""
        many = len(set(self.windows.subjects)) > 1
        return self.windows.subjects if many else self.windows.sessions

    def fit(self, model, fold, note=lambda text: None):
        """A fitted model and its curve."""
        w = self.windows
        if model in LINEAR:
            seen = np.concatenate([fold.train, fold.validation])
            return floor.Lda().fit(self.loudness(model)[seen], w.label[seen], len(w.classes)), None
        from . import train

        train.calm(self.plan.seed)
        net = train.build(model, self.rms.shape[1], len(w.classes), w.rows, w.recordings[0].rate_hz)
        if model in PAPER:
            return net, train.fit_rows(net, self.rms, w.label, len(w.classes), fold, train.Plan.published(self.plan.seed), note)
        return net, train.fit_stream(net, self.signals, fold, self.plan, note)

    def answers(self, model, fitted, chosen):
        """Probabilities for the chosen windows."""
        if model in LINEAR:
            return fitted.probabilities(self.loudness(model)[chosen])
        from . import train

        if model in PAPER:
            return train.answers_of_rows(fitted, self.rms[chosen])
        return train.answers_of_stream(fitted, self.signals, chosen)


def run(task, models, protocol=None):
    """Every model under the honest protocol, and under the leaky one beside it."""
    outcomes = []
    for name in (protocol or task.protocol, LEAKY):
        folds = task.folds(name)
        with Bar(name, len(folds) * len(models)) as bar:
            outcomes += [judge(task, model, name, folds, bar) for model in models]
    return outcomes


def judge(task, model, protocol, folds, bar):
    """One model through all folds of a protocol."""
    chosen, answers, curves = [], [], {}
    for fold in folds:
        fitted, curve = task.fit(model, fold, lambda text, f=fold: bar.draw(f"{model}, {f.name}: {text}"))
        chosen.append(fold.test)
        answers.append(task.answers(model, fitted, fold.test))
        if curve is not None:
            curves[fold.name] = curve
        bar.step(f"{model}, {fold.name}")
    chosen, answers = np.concatenate(chosen), np.concatenate(answers)
    truth = task.windows.label[chosen]
    return Outcome(model, protocol, metrics.scores(truth, answers, task.groups()[chosen]), truth, answers, curves)


def keep(task, model):
    """The model that is kept: fitted on all subjects but for what early stopping looks at."""
    w = task.windows
    fold = protocols.all_in(w.subjects, w.sessions, w.trial, task.plan.seed)
    with Bar(f"{model} on all", 1) as bar:
        return task.fit(model, fold, bar.draw)


def over(outcome, honest):
    """By how much a model is better than the floor, subject by subject: mean and 95 % interval."""
    lda = next((o for o in honest if o.model == FLOOR), outcome)
    if lda is outcome:
        return "-"
    mean, half = metrics.interval([right - lda.scores["each"][name] for name, right in outcome.scores["each"].items()])
    return f"{mean:+.3f} ± {half:.3f}"


def spoken(outcomes, per="subject", of="windows"):
    """The table that is printed: the honest number first, the leaky one beside it and named so."""
    leaky = {o.model: o.scores for o in outcomes if o.protocol == LEAKY}
    honest = [o for o in outcomes if o.protocol != LEAKY]
    head = f"{'model':<14}{'accuracy':>9}{'macro-F1':>9}{'kappa':>7}{'ECE':>6}   {f'per {per} (95 %)':>18}   {'over lda':>15}   worst   leaky"
    lines = [f"{honest[0].protocol}, {honest[0].scores['windows']} {of}, chance {honest[0].scores['chance']:.3f}", head]
    for o in honest:
        s, l = o.scores, leaky.get(o.model)
        spread = f"{s['each_mean']:.3f} ± {s['each_half_width']:.3f}"
        beside = f"{l['accuracy']:.3f}" if l else "-"
        numbers = f"{s['accuracy']:9.3f}{s['macro_f1']:9.3f}{s['kappa']:7.3f}{s['ece']:6.3f}"
        lines.append(f"{o.model:<14}{numbers}   {spread:>18}   {over(o, honest):>15}   {s['each_min']:.3f}   {beside}")
    return "\n".join(lines)
