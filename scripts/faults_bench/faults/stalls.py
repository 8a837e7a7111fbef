"""Time taken away: a recorder that is stopped, a disk that does not answer, a machine that is busy. No wrong sample, every
loss exact, and the station says so."""

import os
import random
import signal
import subprocess
import sys
import time

from ..rig.board import RATE
from ..rig.disk import Disk
from ..report import Outcome
from ..rig.station import Station
from ..work import spread
from .disks import Live

UART_BYTES = 4000
"""What waits in a driver at most; more is lost on the line, and the board's counters tell."""


def stopped(seed, long):
    """SIGSTOP of the recorder, as by a debugger or a suspended machine: 10 s, in the short form 2 s."""
    return spread("stopped", one_stop if not long else one_long_stop, seed, 6 if long else 1)


def one_stop(seed, seconds=2.0):
    chance = random.Random(seed)
    outcome = Outcome("stopped")
    outcome.cases = 1
    with Station() as station:
        live = Live(station)
        live.board.room = UART_BYTES
        live.recorder.signal(signal.SIGSTOP)
        time.sleep(seconds * chance.uniform(0.9, 1.1))
        live.recorder.signal(signal.SIGCONT)
        alarm_ms = live.wait_alarm("lost", "late", "stalled")
        outcome.wrong(f"seed {seed}", live.goes_on())
        finish(live, outcome, f"seed {seed}", alarm_ms, must_lose=True)
    return outcome


def one_long_stop(seed):
    return one_stop(seed, 10.0)


def stalled(seed, long):
    """A disk that does not answer for 5 s, to writes, to syncs, to both: the queue holds what comes."""
    return spread("stalled", one_stall, seed, 9 if long else 3)


def one_stall(seed):
    outcome = Outcome("stalled")
    outcome.cases = 1
    case = seed % 100_000 % 3
    delays = [{"write_delay_ms": 5000}, {"sync_delay_ms": 5000}, {"write_delay_ms": 5000, "sync_delay_ms": 5000}][case]
    with Station() as station:
        disk = Disk(station)
        live = Live(station, disk, ["--rotate", "2s"] if seed % 100_000 >= 3 else [])
        disk.set(**delays)
        time.sleep(0.3)
        # Whoever is in a call sleeps on; the next one finds a quick disk.
        alarm_ms = live.wait_alarm("late", "stalled") if case != 1 else 0.0
        time.sleep(4.0)
        disk.set(write_delay_ms=0, sync_delay_ms=0)
        wrong = live.goes_on() + ([] if alarm_ms is not None else ["no alarm was raised"])
        outcome.wrong(f"seed {seed} ({delays})", wrong)
        finish(live, outcome, f"seed {seed} ({delays})", 0.0, must_lose=False)
    return outcome


def starved(seed, long):
    """A machine that is busy: the recorder and its projector get what four greedy programs per core leave."""
    return spread("starved", one_starvation, seed, 3 if long else 1)


def one_starvation(seed):
    outcome = Outcome("starved")
    outcome.cases = 1
    with Station() as station:
        live = Live(station, words=[], before=["nice", "-n", "19"])
        live.board.room = UART_BYTES
        greedy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(4 * (os.cpu_count() or 1))]
        try:
            time.sleep(12.0 if seed % 100_000 else 6.0)
        finally:
            for program in greedy:
                program.kill()
                program.wait()
        outcome.wrong(f"seed {seed}", live.goes_on())
        finish(live, outcome, f"seed {seed}", 0.0, must_lose=False)
    return outcome


def finish(live, outcome, where, alarm_ms, must_lose):
    """Ends the recording and checks it: what the line lost is flagged to the row, and nothing else is."""
    ran = live.end()
    recording, wrong = live.check(outcome)
    lost = recording.lost()
    if alarm_ms is None or (lost and not any("never arrived" in text for text in recording.log)):
        wrong.append(f"no alarm was raised; {lost} rows are lost")
    if must_lose and not lost:
        wrong.append("the bench took too little time away: nothing was lost")
    if any(not exact for _, _, exact, _ in recording.gaps):
        wrong.append(f"a loss is only estimated: {recording.gaps}")
    if ran.code != int(lost > 0):
        wrong.append(f"{lost} rows lost and {ran}")
    outcome.measure("lost, ms", lost * 1000.0 / RATE)
    outcome.measure("gaps", len(recording.gaps))
    outcome.wrong(where, wrong)


FAULTS = {"stopped": stopped, "stalled": stalled, "starved": starved}
