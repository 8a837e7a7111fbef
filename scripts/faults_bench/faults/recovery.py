"""`recover` itself: without room, with a damaged journal, killed again and again. What it gives is right or flagged, and what
it cannot do leaves the journal as it was."""

import random
import shutil
import time

from ..rig import journal
from ..rig.board import Frames
from ..rig.mount import Ballast, can_mount, small_disk
from ..report import Outcome
from ..rig.station import Station, wait_for
from ..rig.truth import Recording
from ..work import spread


def recovery(seed, long):
    """Journals of killed recorders, each recovered in many broken ways."""
    return spread("recovery", one_journal, seed, 20 if long else 2)


def one_journal(seed):
    chance = random.Random(seed)
    outcome = Outcome("recovery")
    with Station() as station:
        board = Frames(station.root / "board")
        board.start()
        recorder = station.start("--source", board.uri())
        wait_for("a journal", station.journals)
        time.sleep(chance.uniform(1.0, 3.0))
        recorder.kill()
        station.gone()
        board.close()
        source = station.journals()[0]
        whole = station.root / "whole"
        ran = station.run("recover", source, "--to", whole)
        if ran.code != 1:
            outcome.wrong(f"seed {seed}", [f"recover --to: {ran}"])
            return outcome
        reference = Recording(whole.glob("*.h5"))
        ways = [damaged] * 6 + [beheaded, killed, killed] + ([without_room] * 3 if can_mount() else [])
        for case, way in enumerate(ways):
            outcome.cases += 1
            outcome.wrong(f"seed {seed}, {way.__name__} {case}", way(station, source, reference, chance, outcome))
    return outcome


def copy_to(station, source, name="case"):
    """The journal in a folder of its own."""
    folder = station.root / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return shutil.copy(source, folder / source.name)


def damaged(station, source, reference, chance, outcome):
    """Bytes behind the header are flipped, zeroed, repeated or cut out."""
    path = copy_to(station, source)
    data = bytearray(path.read_bytes())
    behind = len(next(journal.records(bytes(data)))[2]) + 4
    for _ in range(chance.choice([1, 1, 2, 5])):
        at, size = chance.randrange(behind, len(data)), chance.choice([1, 64, 512, 4096])
        how = chance.choice(["flip", "zero", "repeat", "cut out"])
        if how == "flip":
            data[at] ^= 1 << chance.randrange(8)
        elif how == "zero":
            data[at : at + size] = bytes(len(data[at : at + size]))
        elif how == "repeat":
            data[at:at] = data[max(behind, at - size) : at]
        else:
            del data[at : at + size]
    path.write_bytes(data)
    ran = station.run("recover", path)
    if ran.code not in (0, 1):
        return [f"recover: {ran}"]
    file = path.with_suffix(".h5")
    checked = station.verify(file)
    recording = Recording([file])
    wrong = recording.check_rows(True) + ([] if checked.code in (0, 1) else [f"verify: {checked}"])
    if not set(recording.markers) <= set(reference.markers) or not recording.present() <= reference.present():
        wrong.append("there is more in it than in the whole journal")
    outcome.measure("rows flagged as lost to damage", int(recording.missing.sum()))
    return wrong


def beheaded(station, source, _reference, chance, _outcome):
    """The header is damaged: nothing can be made of it, and it stays."""
    path = copy_to(station, source)
    data = bytearray(path.read_bytes())
    data[chance.randrange(200)] ^= 1 << chance.randrange(8)
    path.write_bytes(data)
    ran = station.run("recover", path)
    if ran.code != 2 or path.read_bytes() != data or list(path.parent.glob("*.h5*")):
        return [f"recover of a journal without a header: {ran}, {sorted(path.parent.iterdir())}"]
    return []


def killed(station, source, reference, chance, outcome):
    """Killed at any point of itself and repeated."""
    path = copy_to(station, source)
    for _ in range(8):
        work = station.popen("recover", path.parent)
        time.sleep(chance.uniform(0.0, 0.1))
        work.kill()
        work.wait()
        outcome.measure("kills of `recover`", 1)
    ran = station.run("recover", path.parent)
    if ran.code not in (0, 1):
        return [f"recover: {ran}"]
    return same(path, reference, station)


def without_room(station, source, reference, chance, outcome):
    """On a disk with less room than the recording needs, then with enough."""
    size = source.stat().st_size
    with small_disk(4 * size + (4 << 20)) as folder:
        place, ballast = station.root / "small", Ballast(folder)
        place.unlink(missing_ok=True)
        place.symlink_to(folder)
        path = shutil.copy(source, place / source.name)
        before = path.read_bytes()
        ballast.fill(leave=chance.randrange(0, 3 * size))
        ran = station.run("recover", path)
        if ran.code == 2:
            outcome.measure("refused for want of room", 1)
            left = sorted(file.name for file in place.iterdir() if file.name not in ("ballast", path.name))
            left = [name for name in left if not name.endswith(".projecting")]
            if path.read_bytes() != before or left or "\n" in ran.err.strip():
                return [f"recover without room: {ran}; left {left}"]
            ballast.drop()
            ran = station.run("recover", path)
        if ran.code not in (0, 1):
            return [f"recover: {ran}"]
        return same(path, reference, station)


def same(path, reference, station):
    """The result is that of an undisturbed recovery, and stands alone."""
    file = path.with_suffix(".h5")
    checked = station.verify(file)
    wrong = reference.same_as(Recording([file])) + ([] if checked.code in (0, 1) else [f"verify: {checked}"])
    left = sorted(other.name for other in path.parent.iterdir() if other.name not in ("ballast", file.name))
    return wrong + ([f"left behind: {left}"] if [name for name in left if not name.endswith(".projecting")] else [])


FAULTS = {"recovery": recovery}
