"""A line on a terminal that says how far a long computation is; silent anywhere else."""

import sys
import time


class Bar:
    """Use as a context manager; `step` after each part."""

    WIDTH = 24

    def __init__(self, what, total):
        self.what, self.total, self.done, self.begun = what, total, 0, time.monotonic()
        self.shown = sys.stderr.isatty()

    def __enter__(self):
        self.draw("")
        return self

    def __exit__(self, *_):
        if self.shown:
            sys.stderr.write("\r\033[K")

    def step(self, note=""):
        self.done += 1
        self.draw(note)

    def draw(self, note):
        if not self.shown:
            return
        full = round(self.WIDTH * self.done / max(self.total, 1))
        bar = "█" * full + "░" * (self.WIDTH - full)
        passed = time.monotonic() - self.begun
        sys.stderr.write(f"\r\033[K{self.what} {bar} {self.done}/{self.total} {passed:.0f} s  {note}")
        sys.stderr.flush()
