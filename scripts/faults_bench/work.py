"""Many cases, two at a time, each in a process of its own so that none is late because of another's work."""

import concurrent.futures
import os
import sys
import traceback

from .report import Outcome
from .rig.station import Broken


def spread(name, one, seed, cases):
    """Runs `one(seed)` for as many seeds; what was found together. Progress goes to a terminal only."""
    found = Outcome(name)
    jobs = min(os.cpu_count() or 1, int(os.environ.get("MYOGRAPH_FAULT_JOBS", 2)))
    with concurrent.futures.ProcessPoolExecutor(jobs) as pool:
        done = pool.map(guarded, [(name, one, seed * 100_000 + case) for case in range(cases)])
        for count, outcome in enumerate(done, 1):
            found.add(outcome)
            if sys.stderr.isatty():
                print(f"\r{name} {count}/{cases}, {len(found.broken)} broken ", end="", file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    return found


def guarded(task):
    """A case that cannot be carried out is no pass."""
    name, one, seed = task
    try:
        return one(seed)
    except Broken as reason:
        sentence = str(reason)
    except Exception:  # a bug of the bench, told like every other finding
        sentence = traceback.format_exc()
    outcome = Outcome(name)
    outcome.cases = 1
    outcome.wrong(f"seed {seed}", [f"the case could not be carried out: {sentence}"])
    return outcome
