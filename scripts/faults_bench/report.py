"""What a fault found: figures, and promises that were broken; the table at the end."""

import statistics

SHOWN = 20
"""Sentences; the first ones tell enough."""


class Outcome:
    """Of one fault."""

    def __init__(self, name):
        self.name = name
        self.cases = 0
        self.figures = {}
        self.broken = []
        self.skipped = None

    def measure(self, what, value):
        """Adds one measurement of a figure."""
        self.figures.setdefault(what, []).append(value)

    def wrong(self, where, sentences):
        """Promises that case `where` broke."""
        self.broken += [f"{where}: {sentence}" for sentence in sentences]

    def add(self, other):
        """What another run of the same fault found."""
        self.cases += other.cases
        self.broken += other.broken
        for what, values in other.figures.items():
            self.figures.setdefault(what, []).extend(values)

    def lines(self):
        """For people."""
        if self.skipped:
            return [f"{self.name}: skipped: {self.skipped}"]
        verdict = f"{len(self.broken)} BROKEN" if self.broken else "kept"
        head = f"{self.name}: {self.cases} cases, {verdict}"
        measured = [f"    {what}: {told(values)}" for what, values in self.figures.items()]
        broken = [f"    BROKEN {sentence}" for sentence in self.broken[:SHOWN]]
        more = [f"    and {len(self.broken) - SHOWN} more"] if len(self.broken) > SHOWN else []
        return [head, *measured, *broken, *more]


def told(values):
    """Counts as a sum, measurements with their worst, words as they are."""
    if all(isinstance(value, int) for value in values):
        return f"{sum(values):,}"
    if len(values) == 1 or not all(isinstance(value, float) for value in values):
        return ", ".join(f"{value:.1f}" if isinstance(value, float) else str(value) for value in values)
    ordered = sorted(values)
    p99 = ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]
    return f"median {statistics.median(ordered):.1f}, p99 {p99:.1f}, worst {ordered[-1]:.1f} (n {len(ordered)})"


def table(outcomes):
    """Markdown, one row per fault."""
    rows = ["| fault | cases | broken | measured |", "| --- | --- | --- | --- |"]
    for outcome in outcomes:
        if outcome.skipped:
            rows.append(f"| {outcome.name} | - | - | skipped: {outcome.skipped} |")
            continue
        figures = "; ".join(f"{what}: {told(values)}" for what, values in outcome.figures.items())
        rows.append(f"| {outcome.name} | {outcome.cases} | {len(outcome.broken)} | {figures} |")
    return "\n".join(rows)
