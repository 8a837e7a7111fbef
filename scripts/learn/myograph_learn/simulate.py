"""Subjects to learn on without any: simulated faces that differ, performing labelled expressions.

Each person keeps their electrodes' habits, tempo and effort over sessions; each session has its own noise, order and
strengths. What was performed stands in /truth of the recording.
"""

import os
import random
import shutil
import subprocess
from pathlib import Path

from .progress import Bar
from .reader import Unreadable

EMOTIONS = ("happiness", "sadness", "surprise", "fear", "anger", "disgust")
LEVEL = (0.08, 0.6)
"""Of the prototype; the logarithm is uniform, so that weak ones are not rare."""
DURATION_S = (0.4, 2.5)
REST_S = (0.7, 1.6)
FIRST_S = 10.0
"""Rest at the start, as in a calibration."""


def script(person, seed, spread, seconds):
    """A script for `sim:`: each emotion in turn, in shuffled rounds, until the time is over."""
    rng = random.Random(f"{person}/{seed}")
    lines = ["[face]", f"spread = {spread}", f"person = {person}", ""]
    at, round_of = FIRST_S, []
    while True:
        round_of = round_of or rng.sample(EMOTIONS, len(EMOTIONS))
        low, high = LEVEL
        level = low * (high / low) ** rng.random()
        duration = rng.uniform(*DURATION_S)
        if at + duration > seconds - 1.0:
            break
        lines += ["[[expression]]", f"at_s = {at:.3f}", f'name = "{round_of.pop()}"']
        lines += [f"level = {level:.3f}", f"duration_s = {duration:.3f}", ""]
        at += duration + rng.uniform(*REST_S)
    return "\n".join(lines)


def program(named=None):
    """The station's program: as named, by MYOGRAPH, on the path, or as built beside these scripts."""
    root = Path(__file__).resolve().parents[3]
    built = [root / "target" / profile / "myograph" for profile in ("release", "demo", "debug")]
    on_path = shutil.which("myograph")
    for candidate in (named, os.environ.get("MYOGRAPH"), on_path, *built):
        if candidate and Path(candidate).is_file():
            return str(candidate)
    raise Unreadable("the program `myograph` was not found: build it with `cargo build`, or name it with --program")


def record(out, subjects, sessions, spread, seconds, seed=0, named=None):
    """Records all sessions of all subjects into `out`, each under its BIDS name, and returns how many."""
    myograph = program(named)
    scripts = Path(out) / "scripts"
    scripts.mkdir(parents=True, exist_ok=True)
    with Bar("recording faces", subjects * sessions) as bar:
        for person in range(1, subjects + 1):
            for session in range(1, sessions + 1):
                run = 1000 * seed + 10 * person + session
                path = scripts / f"sub-{person:02}_ses-{session:02}.toml"
                path.write_text(script(1000 * seed + person, run, spread, seconds), encoding="utf-8")
                one(myograph, out, person, session, f"sim:?seed={run}&script={path}&speed=max", seconds)
                bar.step(path.stem)
    return subjects * sessions


def one(myograph, out, person, session, source, seconds):
    command = [myograph, "record", "--headless", "--source", source, "--duration", f"{seconds:g}s", "--out", str(out)]
    command += ["--subject", f"{person:02}", "--session", f"{session:02}", "--task", "faces"]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise Unreadable(f"recording subject {person:02} failed: {done.stderr.strip().splitlines()[-1:] or done.returncode}")
