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


TOOLS = {"PATH": os.environ.get("PATH", "") + ":/usr/sbin:/sbin"}


class Failing:
    """An ext4 file system on a loop device that can be told to find an error and to go read-only, as a broken disk's does."""

    def __init__(self, size):
        self.folder = tempfile.mkdtemp(prefix="faults-disk-")
        self.image = self.folder + ".image"
        with open(self.image, "wb") as file:
            file.truncate(size)
        options = "loop,errors=remount-ro"
        for command in (["mkfs.ext4", "-q", self.image], ["mount", "-t", "ext4", "-o", options, self.image, self.folder]):
            try:
                done = subprocess.run(command, capture_output=True, env=os.environ | TOOLS, check=False)
            except FileNotFoundError:
                done = None
            if done is None or done.returncode:
                self.close()
                raise Broken(f"`{command[0]}` does not work here")
        self.device = os.path.basename(os.path.realpath(f"/sys/dev/block/{self.number()}"))

    def number(self):
        number = os.stat(self.folder).st_dev
        return f"{os.major(number)}:{os.minor(number)}"

    def turn_read_only(self):
        with open(f"/sys/fs/ext4/{self.device}/trigger_fs_error", "w", encoding="ascii") as file:
            file.write("1")

    def close(self):
        subprocess.run(["umount", "--lazy", self.folder], capture_output=True, check=False)
        os.rmdir(self.folder)
        os.remove(self.image)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Ballast:
    """A file that takes all the room there is, until it is thrown overboard."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "ballast")

    def fill(self, leave=0):
        """Takes all the room but so many bytes."""
        with open(self.path, "ab", buffering=0) as file, contextlib.suppress(OSError):
            while self.free() > leave:
                file.write(bytes(min(65536, self.free() - leave)))

    def free(self):
        found = os.statvfs(os.path.dirname(self.path))
        return found.f_bavail * found.f_frsize

    def drop(self):
        with contextlib.suppress(FileNotFoundError):
            os.remove(self.path)

    def take_names(self):
        """Files without a byte, until no more can be created."""
        self.names = []
        with contextlib.suppress(OSError):
            while True:
                name = f"{self.path}-{len(self.names)}"
                os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
                self.names.append(name)

    def drop_names(self):
        for name in self.names:
            os.remove(name)
