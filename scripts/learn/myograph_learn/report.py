"""What came out, for people: plots as PNG and one HTML page that holds everything, readable without a network."""

import base64
import html
import json
from pathlib import Path

import numpy as np

from . import metrics
from .evaluate import LEAKY, over

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #1c1e21 }
table { border-collapse: collapse; margin: 1rem 0 } td, th { padding: .25rem .7rem; text-align: right; border-bottom: 1px solid #ddd }
td:first-child, th:first-child { text-align: left } .leaky { color: #999 } img { max-width: 100% } p.note { color: #555 }
"""


def write(folder, outcomes, facts, classes):
    """scores.json, the plots and report.html in `folder`; returns the page's path."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    kept = [{"model": o.model, "protocol": o.protocol, **o.scores} for o in outcomes]
    told = {**facts, "classes": list(classes), "outcomes": kept}
    (folder / "scores.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    plots = []
    for outcome in outcomes:
        if outcome.protocol != LEAKY:
            plots += [(f"{outcome.model}, {title}", path) for title, path in draw(folder, outcome, classes)]
    page = folder / "report.html"
    page.write_text(html_page(outcomes, facts, classes, plots), encoding="utf-8")
    return page


def draw(folder, outcome, classes):
    """The plots of one model: learning curves, confusion, calibration."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    made = []

    def save(figure, title, name):
        path = folder / f"{outcome.model}-{name}.png"
        figure.savefig(path, dpi=110, bbox_inches="tight", metadata={"Software": None})
        pyplot.close(figure)
        made.append((title, path))

    if outcome.curves:
        figure, axis = pyplot.subplots(figsize=(6, 3.4))
        for curve in outcome.curves.values():
            axis.plot(curve.train, color="0.7", linewidth=0.8)
            axis.plot(curve.validation, color="tab:blue", linewidth=0.8)
            if curve.validation:
                axis.plot(curve.best, curve.validation[curve.best], "o", color="tab:blue", markersize=4)
        axis.set(xlabel="epoch", ylabel="loss", title="learning: training grey, held out blue, kept epoch dotted")
        save(figure, "learning curves", "learning")
    table = np.array(outcome.scores["confusion"], float)
    share = table / np.maximum(table.sum(1, keepdims=True), 1)
    figure, axis = pyplot.subplots(figsize=(1.6 + 0.62 * len(classes),) * 2)
    axis.imshow(share, vmin=0, vmax=1, cmap="Blues")
    for (row, column), value in np.ndenumerate(share):
        axis.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=8, color="white" if value > 0.5 else "black")
    axis.set_xticks(range(len(classes)), classes, rotation=45, ha="right")
    axis.set_yticks(range(len(classes)), classes)
    axis.set(xlabel="said", ylabel="true", title=f"confusion, {outcome.protocol}")
    save(figure, "confusion", "confusion")
    count, sure, right = metrics.reliability(outcome.truth, outcome.probabilities)
    there = count > 0
    figure, axis = pyplot.subplots(figsize=(4, 4))
    axis.plot([0, 1], [0, 1], color="0.7", linewidth=0.8)
    axis.plot(sure[there], right[there], "o-", markersize=4)
    axis.set(xlabel="said probability", ylabel="accuracy", xlim=(0, 1), ylim=(0, 1), title=f"calibration, ECE {outcome.scores['ece']:.3f}")
    save(figure, "calibration", "calibration")
    return made


def html_page(outcomes, facts, classes, plots):
    parts = ["<!doctype html><meta charset=utf-8><title>myograph: how good the models are</title>"]
    parts += [f"<style>{STYLE}</style><h1>How good the models are</h1>", "<table>"]
    parts += [f"<tr><td>{html.escape(str(k))}<td>{html.escape(str(v))}" for k, v in facts.items() if not isinstance(v, (dict, list))]
    parts.append("</table>")
    if facts.get("subject_z"):
        parts.append("<p class=note><b>subject-z:</b> every subject, the tested one too, was scaled by its own rest period. Such a model needs a rest period of its wearer and does not run live.")
    left = facts.get("left_out") or {}
    if left:
        parts.append("<p class=note>Left out: " + ", ".join(f"{n} windows or trials ({html.escape(why)})" for why, n in left.items()) + ".")
    honest = [o for o in outcomes if o.protocol != LEAKY]
    parts += [score_table(outcomes, honest, "rows" if "rows" in facts else "windows"), recall_table(honest, classes), each_table(honest)]
    for title, path in plots:
        data = base64.b64encode(path.read_bytes()).decode()
        parts.append(f'<h3>{html.escape(title)}</h3><img alt="{html.escape(title)}" src="data:image/png;base64,{data}">')
    return "\n".join(parts) + "\n"


def rows_of(head, rows):
    lines = ["<table><tr>" + "".join(f"<th>{html.escape(h)}" for h in head)]
    return "\n".join(lines + ["<tr>" + "".join(f"<td>{cell}" for cell in row) for row in rows] + ["</table>"])


def score_table(outcomes, honest, of):
    leaky = {o.model: o.scores for o in outcomes if o.protocol == LEAKY}
    head = ["model", "accuracy", "macro-F1", "kappa", "ECE", "mean ± 95 % interval over groups", "over lda, the same way", "worst group", "leaky accuracy"]
    rows = []
    for o in honest:
        s, l = o.scores, leaky.get(o.model)
        numbers = [f"{s[k]:.3f}" for k in ("accuracy", "macro_f1", "kappa", "ece")]
        spread = [f"{s['each_mean']:.3f} ± {s['each_half_width']:.3f}", over(o, honest), f"{s['each_min']:.3f}"]
        rows.append([html.escape(o.model), *numbers, *spread, f"<span class=leaky>{l['accuracy']:.3f}</span>" if l else ""])
    note = f"<h2>{html.escape(honest[0].protocol)}</h2><p class=note>{honest[0].scores['windows']} {of}. Always saying the most frequent class: {honest[0].scores['chance']:.3f}. "
    note += "<span class=leaky>leaky</span>: the same models under a random split, where parts of one trial stand on both sides; it says nothing about a new face."
    return note + rows_of(head, rows)


def recall_table(honest, classes):
    rows = [[html.escape(o.model), *(f"{r:.2f}" for r in o.scores["recall"])] for o in honest]
    return "<h2>Recall per class</h2>" + rows_of(["model", *classes], rows)


def each_table(honest):
    names = list(honest[0].scores["each"])
    rows = [[html.escape(o.model), *(f"{o.scores['each'][n]:.2f}" for n in names)] for o in honest]
    return "<h2>Accuracy per group</h2>" + rows_of(["model", *names], rows)
