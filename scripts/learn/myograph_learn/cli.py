"""The command line: simulate, train, evaluate, export."""

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from . import evaluate, reader, report, simulate, windows
from .reader import Unreadable


def arguments(argv):
    parser = argparse.ArgumentParser(prog="myograph-learn", description="Train and judge models on recordings.")
    commands = parser.add_subparsers(dest="command", required=True)
    train = commands.add_parser("train", help="judge models, then fit them on everything and keep them")
    judged = commands.add_parser("evaluate", help="judge models, or a published table (--table), and keep nothing")
    export = commands.add_parser("export", help="write a kept model as ONNX with its card")
    for command, models in ((train, "cnn,lstm"), (judged, "lda,lda-relative,cnn,lstm")):
        command.add_argument("recordings", nargs="*", help="recordings (.h5), or folders of them")
        command.add_argument("--out", type=Path, required=True, help="folder for report.html, plots and scores.json")
        command.add_argument("--models", default=models, help=f"of {','.join(evaluate.MODELS)} (default {models})")
        command.add_argument("--labels", choices=("markers", "trials", "events", "truth"), default="trials", help="where labels come from (default trials)")
        command.add_argument("--classes", help="only these labels, in this order, separated by commas")
        command.add_argument("--marker-span", type=float, default=4.0, metavar="S", help="a marker labels at most so many seconds (default 4)")
        command.add_argument("--signal", choices=("clean", "envelope"), default="clean")
        command.add_argument("--window", type=float, default=0.256, metavar="S", help="seconds (default 0.256)")
        command.add_argument("--hop", type=float, default=0.064, metavar="S", help="one window each so many seconds (default 0.064)")
        command.add_argument("--protocol", choices=("leave-one-subject-out", "leave-one-session-out", "leave-trials-out"), help="default: the strictest the data allow")
        command.add_argument("--subject-z", action="store_true", help="scale every subject by its own rest period; looks at the test subject and is named so")
        command.add_argument("--epochs", type=int, default=20, help="at most (default 20)")
        command.add_argument("--seed", type=int, default=0)
    judged.add_argument("--table", type=Path, help="a CSV file (subject, label, numbers) instead of recordings")
    judged.add_argument("--log", action="store_true", help="take the logarithm of a table's numbers")
    export.add_argument("run", type=Path, help="the folder that `train` wrote")
    export.add_argument("--model", default="cnn")
    export.add_argument("--name", required=True, help="base name of the files, unique among a station's models")
    export.add_argument("--label", default="", help="shown on the screen beside the model's name")
    export.add_argument("--to", type=Path, default=Path("models"), help="folder (default models)")
    export.add_argument("--mode", choices=("step", "window"), default="step", help="window: CNN only")
    faces = commands.add_parser("simulate", help="record simulated subjects who perform labelled expressions")
    faces.add_argument("--out", type=Path, required=True, help="folder for the recordings")
    faces.add_argument("--subjects", type=int, default=4)
    faces.add_argument("--sessions", type=int, default=2)
    faces.add_argument("--seconds", type=float, default=120.0, help="of each session (default 120)")
    faces.add_argument("--spread", type=float, default=0.5, help="how much the faces differ, 0 to 1 (default 0.5)")
    faces.add_argument("--seed", type=int, default=0, help="another seed, other subjects")
    faces.add_argument("--program", help="the program `myograph`, where it is not found by itself")
    return parser.parse_args(argv)


def chosen_models(text, known):
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in known:
            raise Unreadable(f"nobody knows the model `{name}`: there are {', '.join(known)}")
    return names


def task_of(args):
    """Windows of the recordings, checked to be alike."""
    from . import nets, train

    recordings = [reader.read(paths, args.signal) for paths in reader.find(args.recordings)]
    first = recordings[0]
    for other in recordings[1:]:
        for what, a, b in (
            ("rate", first.rate_hz, other.rate_hz),
            ("channels", [c["name"] for c in first.channels], [c["name"] for c in other.channels]),
            ("units", [c["unit"] for c in first.channels], [c["unit"] for c in other.channels]),
            ("filter chain", first.chain_sha256, other.chain_sha256),
        ):
            if a != b:
                raise Unreadable(f"{other.name} has another {what} than {first.name} ({b} and {a}): train on them apart")
    rate, stride = first.rate_hz, nets.stride_for(first.rate_hz)
    hop = max(1, round(args.hop * rate / stride)) * stride
    classes = [c.strip() for c in args.classes.split(",")] if args.classes else None
    cut = windows.cut(recordings, args.labels, nets.window_for(rate, args.window), stride, hop, classes, args.marker_span)
    return evaluate.Task(cut, train.Plan(epochs=args.epochs, seed=args.seed), args.subject_z)


def facts_of(task, args, outcomes):
    """What the report and the card tell of the data."""
    w = task.windows
    first = w.recordings[0]
    return {
        "recordings": len(w.recordings),
        "subjects": len(set(w.subjects)),
        "sessions": len(set(zip(w.subjects, w.sessions))),
        "trials": len(w.trials),
        "windows": len(w),
        "labels from": args.labels,
        "signal": args.signal,
        "rate_hz": first.rate_hz,
        "window": w.rows,
        "stride": w.stride,
        "unit": first.channels[0]["unit"],
        "chain_sha256": first.chain_sha256,
        "protocol": outcomes[0].protocol,
        "subject_z": args.subject_z,
        "seed": args.seed,
        "left_out": dict(w.left_out),
        "channels": [{k: c[k] for k in ("name", "muscle", "kind")} for c in first.channels],
        "data_sha256": [r.data_sha256 for r in w.recordings],
    }


def said(task, outcomes, page, facts):
    print(evaluate.spoken(outcomes, "subject" if facts["subjects"] > 1 else "session"))
    if facts["left_out"]:
        print("left out: " + ", ".join(f"{n} ({why})" for why, n in facts["left_out"].items()))
    if facts["subject_z"]:
        print("subject-z: every subject was scaled by its own rest period, the tested one too")
    print(f"report: {page}")


def run_evaluate(args):
    if args.table:
        return run_table(args)
    if not args.recordings:
        raise Unreadable("there is nothing to judge: name recordings, or a table with --table")
    task = task_of(args)
    outcomes = evaluate.run(task, chosen_models(args.models, evaluate.MODELS), args.protocol)
    facts = facts_of(task, args, outcomes)
    said(task, outcomes, report.write(args.out, outcomes, facts, task.windows.classes), facts)


def run_table(args):
    from . import table, train

    wanted = args.models if args.models != "lda,lda-relative,cnn,lstm" else "lda,paper-cnn,paper-lstm"
    models = chosen_models(wanted, (evaluate.FLOOR, *evaluate.PAPER))
    plan = train.Plan(seed=args.seed)
    outcomes, classes, facts = table.experiment(args.table, models, plan, args.log, args.subject_z)
    page = report.write(args.out, outcomes, facts, classes)
    print(evaluate.spoken(outcomes, of="rows"))
    print(f"leaky: {facts['leaky means']}\nreport: {page}")


def run_train(args):
    import torch

    if not args.recordings:
        raise Unreadable("there is nothing to learn from: name recordings, or folders of them")
    models = chosen_models(args.models, evaluate.STREAMS)
    task = task_of(args)
    outcomes = evaluate.run(task, [*evaluate.LINEAR, *models], args.protocol)
    facts = facts_of(task, args, outcomes)
    page = report.write(args.out, outcomes, facts, task.windows.classes)
    for model in models:
        net, curve = evaluate.keep(task, model)
        torch.save({"model": model, "weights": net.state_dict(), "epochs": curve.best + 1}, args.out / f"{model}.pt")
    np.save(args.out / "reference.npy", reference_rows(task))
    said(task, outcomes, page, facts)


def reference_rows(task):
    """Real rows for a model's reference answers: the middle of the first trial that is not neutral, and what follows."""
    from . import nets

    w = task.windows
    n = next((n for n in range(len(w)) if w.classes[w.label[n]] != windows.NEUTRAL), 0)
    rows = task.signals.rows[w.recording[n]]
    length = w.rows + nets.reference_for(w.recordings[0].rate_hz) * w.stride
    first = max(0, min(int(w.end[n]) - w.rows, rows.shape[1] - length))
    return rows[:, first : first + length]


def run_export(args):
    import torch

    from . import export, train

    scores = args.run / "scores.json"
    weights = args.run / f"{args.model}.pt"
    for needed in (scores, weights):
        if not needed.exists():
            raise Unreadable(f"{needed} is missing: run `myograph-learn train ... --out {args.run}` first")
    told = json.loads(scores.read_text(encoding="utf-8"))
    if told["subject_z"]:
        raise Unreadable("a model that was scaled by its wearer's rest period cannot run live: train without --subject-z")
    if args.mode == "window" and args.model != "cnn":
        raise Unreadable("only a CNN answers a window as it answers the stream it was judged on: export an LSTM with --mode step")
    kept = torch.load(weights, weights_only=True)
    net = train.build(kept["model"], len(told["channels"]), len(told["classes"]), told["window"], told["rate_hz"])
    net.load_state_dict(kept["weights"])
    rows = np.load(args.run / "reference.npy")
    if args.mode == "window" and rows.shape[1] < net.reach:
        raise Unreadable(f"its window is {net.reach} rows and the recordings are shorter: export it with --mode step")
    facts = {key: told[key] for key in ("classes", "rate_hz", "signal", "unit", "chain_sha256", "channels")}
    facts |= {"name": args.name, "label": args.label, "training": training(told, args.model, kept["epochs"])}
    path = export.export(net, args.to, facts, args.mode, rows)
    print(f"{path} ({path.stat().st_size} bytes) and {path.with_suffix('.toml').name}")


def training(told, model, epochs):
    """The card's account of how good the model is, and on what."""
    honest = next(o for o in told["outcomes"] if o["model"] == model and o["protocol"] != evaluate.LEAKY)
    leaky = next(o for o in told["outcomes"] if o["model"] == model and o["protocol"] == evaluate.LEAKY)
    lda = next(o for o in told["outcomes"] if o["model"] == evaluate.FLOOR and o["protocol"] != evaluate.LEAKY)
    numbers = {key: round(honest[key], 4) for key in ("accuracy", "macro_f1", "kappa", "ece", "chance")}
    spread = {"accuracy_half_width": round(honest["each_half_width"], 4)} if told["subjects"] > 1 else {}
    return {
        "protocol": honest["protocol"],
        "labels": told["labels from"],
        **numbers,
        **spread,
        "lda_accuracy": round(lda["accuracy"], 4),
        "leaky_accuracy": round(leaky["accuracy"], 4),
        "subjects": told["subjects"],
        "sessions": told["sessions"],
        "trials": told["trials"],
        "windows": told["windows"],
        "epochs": epochs,
        "seed": told["seed"],
        "data_sha256": told["data_sha256"],
    }


def run_simulate(args):
    n = simulate.record(args.out, args.subjects, args.sessions, args.spread, args.seconds, args.seed, args.program)
    print(f"{n} recordings of simulated faces in {args.out}")


def main(argv=None):
    args = arguments(argv)
    try:
        commands = {"simulate": run_simulate, "train": run_train, "evaluate": run_evaluate, "export": run_export}
        commands[args.command](args)
    except Unreadable as error:
        print(f"myograph-learn: {error}", file=sys.stderr)
        return 1
    return 0
