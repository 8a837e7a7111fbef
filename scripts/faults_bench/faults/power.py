"""Power cuts, from the recorded sequence of writes and syncs: every prefix of it, and mixes of old, newer and torn pages."""

import errno
import random
import shutil
import signal
import threading
import time
from pathlib import Path

from ..rig import journal
from ..rig.board import Frames
from ..rig.disk import OPENED, SYNC_FAILED, WRITTEN, Disk, File
from ..report import Outcome
from ..rig.station import Broken, Marks, Station, free_port
from ..rig.truth import Recording
from ..work import spread

SYNC_NS = 300_000_000
"""Between two syncs, where one is to fail."""
RETRY_NS = 1_000_000_000
"""Until another part is begun after the one that should have followed a failed sync failed, too."""


def power(seed, long):
    """Nothing before the last completed sync is lost, nothing wrong stands there unflagged."""
    found = spread("power", one_recording, seed, 16 if long else 1)
    if long:
        found.add(spread("power", every_prefix, seed + 1, 3))
    return found


def every_prefix(seed):
    """One recording, cut after each single write and sync of its journals, in order and mixed."""
    return one_recording(seed, at_most=None)


def one_recording(seed, at_most=25):
    """One recording, and many cuts of its power."""
    chance = random.Random(seed)
    outcome = Outcome("power")
    with Station() as station:
        log, sealed = recorded(station, chance, failing_syncs=0)
        outcome.measure("writes and syncs recorded", len(log))
        outcome.wrong(f"seed {seed}", sealed_too_early(log))
        journals = {entry[2] for entry in log if entry[0] == OPENED and ".wal" in name_of(entry[5].decode())}
        cuts = [at + 1 for at, entry in enumerate(log) if entry[0] != OPENED and (at_most or entry[2] in journals)]
        cuts = sorted(chance.sample(cuts, min(len(cuts), at_most))) if at_most else cuts
        for cut in cuts:
            for orderly in (True, False):
                outcome.cases += 1
                outcome.wrong(f"seed {seed}, cut {cut}, {'in order' if orderly else 'pages mixed'}",
                              one_cut(station, log[:cut], sealed, chance, orderly, outcome))
    return outcome


def sync_lost(seed, long):
    """A failed sync loses pages that count as clean: what is durable afterwards has them again, from memory."""
    return spread("sync-lost", one_lost_sync, seed, 24 if long else 2)


def one_lost_sync(seed):
    """One recording whose disk loses what a sync should have kept, and power cuts after it has recovered from that."""
    chance = random.Random(seed)
    outcome = Outcome("sync-lost")
    with Station() as station:
        log, sealed = recorded(station, chance, failing_syncs=chance.choice([1, 2]))
        failed = max(at for at, entry in enumerate(log) if entry[0] == SYNC_FAILED)
        settled = next((at for at in range(failed, len(log)) if log[at][6] > log[failed][6] + RETRY_NS + 3 * SYNC_NS), len(log))
        for cut in sorted(chance.sample(range(settled, len(log)), min(len(log) - settled, 10))):
            outcome.cases += 1
            where = f"seed {seed}, cut {cut}"
            outcome.wrong(where, not_durable_again(log[:cut], outcome) or one_cut(station, log[:cut], sealed, chance, False, outcome))
        if settled == len(log):
            outcome.wrong(f"seed {seed}", ["nothing was recorded after the failed sync"])
    return outcome


def not_durable_again(log, outcome):
    """Rows older than three syncs are on the disk, whatever was lost between."""
    now_ns = log[-1][6]
    durable, written = set(), set()
    files = files_of(log).values()
    ended = sealed_in(files)
    for file in files:
        durable |= set() if file.is_projection() else rows_in(bytes(file.seen) if Path(file.path).stem in ended else file.on_disk)
    for file in files_of([entry for entry in log if entry[6] < now_ns - 3 * SYNC_NS]).values():
        written |= set() if file.is_projection() else rows_in(bytes(file.seen))
    outcome.measure("rows older than three syncs", len(written))
    missing = written - durable
    return [f"{len(missing)} rows of {len(written)} are older than three syncs and not durable"] if missing else []


def rows_in(data):
    return {row for first, count in journal.contents(data)[0] for row in range(first, first + count)}


def recorded(station, chance, failing_syncs):
    """Records a few seconds; what the disk was told, and the sealed files."""
    disk = Disk(station, names="_emg")
    board = Frames(station.root / "board")
    board.start()
    port = free_port()
    rotate = chance.choice(["1s", "off"])
    recorder = station.start(
        "--source", board.uri(), "--listen", port, "--rotate", rotate,
        "--fsync", f"{SYNC_NS // 1_000_000}ms" if failing_syncs else chance.choice(["1s", "300ms"]), env=disk.env,
    )
    marks, quit = Marks(port), threading.Event()
    marker = threading.Thread(target=marks.mark_until_gone, args=(0.05, quit))
    marker.start()
    time.sleep(chance.uniform(1.5, 4.0))
    if failing_syncs:
        disk.set(sync_errno=errno.EIO, sync_times=failing_syncs)
        time.sleep(5.0)
    quit.set()
    marker.join()
    recorder.signal(signal.SIGINT)
    ran = recorder.finish()
    # One that hits who seals is made up for by another one who seals.
    hit = any(entry[0] == SYNC_FAILED and entry[1] == recorder.pid for entry in disk.entries())
    if ran.code != int(hit):
        raise Broken(f"the recording that is to be cut ended with {ran}")
    station.gone()
    board.close()
    return disk.entries(), {file.name: file for file in station.recordings()}


def name_of(path):
    """The public name of a journal that is opened under a hidden one, `.NAME.RANDOM`."""
    name = Path(path).name
    return name[1:].rsplit(".", 1)[0] if name.startswith(".") else name


def files_of(log):
    """Journals and projections as they were after these entries, by name. A claim holds no bytes and is none."""
    names, files = {}, {}
    for entry in log:
        kind, _, inode, *_, data, _ = entry
        if kind == OPENED:
            # Opened again, by whoever seals it, it is the same file; its number may serve a later one.
            names[inode] = name_of(data.decode())
            if names[inode].endswith((".wal", ".h5")) or ".wal-" in names[inode]:
                files.setdefault(names[inode], File(names[inode]))
        elif names.get(inode) in files:
            files[names[inode]].apply(entry)
    return files


def is_first(name):
    """Whether a journal is that of a recording's first segment, and no later part of it."""
    return name.endswith(".wal") and ("_split-" not in name or "_split-01" in name)


def sealed_in(files):
    """Recordings whose file was durable before one of their journals was marked as sealed."""
    return {Path(file.path).stem for file in files if not file.is_projection() and journal.is_sealed(bytes(file.seen))}


def sealed_too_early(log):
    """Recordings whose journal was marked as sealed before every byte of their file was durable."""
    early = []
    for at, entry in enumerate(log):
        if entry[0] == WRITTEN and any(kind == journal.SEALED for kind, *_ in journal.records(entry[5])):
            files = files_of(log[:at])
            ended = sealed_in(files_of(log[: at + 1]).values()) - sealed_in(files.values())
            early += [f"{name} was marked as sealed and was not durable" for name in ended if not files[f"{name}.h5"].durable()]
    return early


def one_cut(station, log, sealed, chance, orderly, outcome):
    """Builds what is on the disk after a cut, recovers it, and says what is wrong."""
    files = files_of(log)
    folder = Path(station.root, "cut")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    rows, markers = set(), set()
    ended = sealed_in(files.values())
    removed = {name for name in ended if chance.random() < 0.5}
    for file in files.values():
        if file.is_projection():
            continue
        target = folder / Path(file.path).with_suffix(".h5").name
        rows |= rows_in(file.on_disk)
        markers.update(journal.contents(file.on_disk)[1])
        image = file.after_a_cut(chance, orderly)
        if Path(file.path).stem in ended:
            # Its file was durable before it was sealed; only the journal's removal may not be, and its parts' after it.
            shutil.copy(sealed[target.name], target)
            gone = Path(file.path).stem in removed and (file.path.endswith(".wal") or chance.random() < 0.5)
            if file.synced and not gone:
                (folder / file.path).write_bytes(image)
            continue
        if not file.synced and is_first(file.path):
            # A recording begins when its first journal is durable; until then it has no name.
            (folder / f".{file.path}.0123456789").write_bytes(image)
            continue
        (folder / file.path).write_bytes(image)
        if target.name in files and chance.random() < 0.8:
            target.write_bytes(files[target.name].after_a_cut(chance, orderly))
    return checked(station, folder, rows, markers, orderly, outcome)


def checked(station, folder, rows, markers, orderly, outcome):
    ran = station.run("recover", folder)
    if ran.code not in (0, 1):
        return [f"recover: {ran}"]
    wrong = []
    files = sorted(folder.glob("*.h5"))
    left = sorted(path.name for path in folder.glob("*.wal*") if not path.name.startswith("."))
    if left:
        wrong.append(f"left behind: {left}")
    for file in files:
        found = station.verify(file)
        if found.code not in (0, 1):
            wrong.append(f"verify of {file.name}: {found}")
    if wrong or not files:
        return wrong + ([f"{len(rows)} synced rows and no file"] if rows and not files else [])
    recording = Recording(files)
    wrong += recording.check_rows(True)
    there = recording.present()
    if rows - there:
        wrong.append(f"{len(rows - there)} rows of {len(rows)} that were synced are lost, the first is {min(rows - there)}")
    if markers - set(recording.markers):
        wrong.append(f"markers that were synced are lost: {sorted(markers - set(recording.markers))[:3]}")
    if orderly and recording.gaps:
        wrong.append(f"gaps after a cut that tore nothing: {recording.gaps}")
    outcome.measure("synced rows, all there", len(rows))
    outcome.measure("rows beyond the last sync", len(there - rows))
    outcome.measure("rows flagged as lost", int(recording.missing.sum()))
    return wrong


FAULTS = {"power": power, "sync-lost": sync_lost}
