"""Small file systems of the bench's own, where this user may mount them."""

import contextlib
import os
import subprocess
import tempfile

from .station import Broken


def can_mount():
    """Whether a small file system can be mounted here."""
    try:
        with small_disk(65536):
            return True
    except Broken:
        return False


@contextlib.contextmanager
def small_disk(size, inodes=0):
    """A folder on a file system of so many bytes (and inodes)."""
    folder = tempfile.mkdtemp(prefix="faults-disk-")
    options = f"size={size}" + (f",nr_inodes={inodes}" if inodes else "")
    try:
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "faults", folder], capture_output=True, check=False)
        if mounted.returncode:
            raise Broken("no file system can be mounted here")
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], capture_output=True, check=False)
        os.rmdir(folder)


class Ballast:
    """A file that takes all the room there is, until it is thrown overboard."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "ballast")

    def fill(self):
        with open(self.path, "ab", buffering=0) as file:
            for size in (65536, 4096):
                with contextlib.suppress(OSError):
                    while file.write(bytes(size)) == size:
                        pass

    def drop(self):
        with contextlib.suppress(FileNotFoundError):
            os.remove(self.path)
