"""`scripts/faults`: runs the faults asked for and prints what was measured."""

import argparse
import sys
import time

from .faults import days, disks, kills, power, recovery, stalls
from .report import table

ALL = {**kills.FAULTS, **recovery.FAULTS, **power.FAULTS, **disks.FAULTS, **stalls.FAULTS, **days.FAULTS}
BY_NAME = {"days"}
"""Run by name only, and with `--long`: what takes an hour."""


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/faults", description="Breaks the station on purpose and measures what is lost.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="faults; all that are due without a name")
    parser.add_argument("--long", action="store_true", help="as many cases as the promises are stated for")
    parser.add_argument("--seed", type=int, default=None, help="the random moments of an earlier run")
    parser.add_argument("--list", action="store_true", help="names the faults")
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in ALL]
    if unknown:
        parser.error(f"there is no fault {unknown[0]}; there are {', '.join(ALL)}")
    return options


def due(long):
    """What is run without a name."""
    return [name for name in ALL if long or name not in BY_NAME]


def main():
    options = arguments()
    if options.list:
        for name, fault in ALL.items():
            print(f"{name:12} {(fault.__doc__ or '').splitlines()[0]}")
        return 0
    seed = options.seed if options.seed is not None else int(time.time()) % 100_000
    print(f"seed {seed}", flush=True)
    outcomes = []
    for name in options.names or due(options.long):
        began = time.monotonic()
        outcome = ALL[name](seed, options.long)
        outcomes.append(outcome)
        print("\n".join(outcome.lines()), f"({time.monotonic() - began:.0f} s)", flush=True)
    if options.long:
        print("\n" + table(outcomes))
    broken = sum(len(outcome.broken) for outcome in outcomes)
    print(f"{broken} promises broken" if broken else "every promise was kept")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
