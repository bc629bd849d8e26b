"""Small disks that fill up: a file system of its own, or a limit on the size of files."""

import contextlib
import subprocess

MIB = 1024 * 1024
SIZE = 16 * MIB


class TmpfsDisk:
    """A file system of 16 MiB of its own."""

    limit = None

    def __init__(self, folder):
        self.folder = folder

    def fill(self):
        """Takes what is free, as another program would."""
        with contextlib.suppress(OSError), (self.folder / "hog").open("wb", buffering=0) as file:
            while True:
                file.write(bytes(65536))

    def free(self):
        (self.folder / "hog").unlink()

    def remove(self):
        """Unmounts it."""
        subprocess.run(["umount", "-l", str(self.folder)], check=True)


class LimitedDisk:
    """For machines on which nothing may be mounted: no file grows beyond 12 MiB (RLIMIT_FSIZE); writes fail alike."""

    limit = 12 * MIB

    def __init__(self, folder):
        self.folder = folder

    def fill(self):
        """Nothing: the limit holds from the start."""

    def free(self):
        """Nothing: the test raises the limit."""

    def remove(self):
        """Nothing."""


def small_disk(folder):
    """A small disk at a folder; where mounting is not permitted, a limit on the size of files."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    mounted = not subprocess.run(command, capture_output=True, check=False).returncode
    return TmpfsDisk(folder) if mounted else LimitedDisk(folder)
