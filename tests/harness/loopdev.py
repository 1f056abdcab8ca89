# SPDX-License-Identifier: BSD-2-Clause
"""Loop devices: block devices for tests that run as root where the kernel has them."""

import os
import stat
import subprocess

import kz


def tool(*args):
    """Runs one of util-linux; what it prints, or Skip with what it says."""
    kz.need_root()
    try:
        return subprocess.run(args, check=True, text=True, capture_output=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError) as e:
        raise kz.Skip("%s: %s" % (args[0], (getattr(e, "stderr", "") or str(e)).strip()))


class Loop:
    """A loop device over a file; a context manager. Zones that have it are halted first."""

    def __init__(self, path, *options):
        self.name = tool("losetup", "-f", "--show", *options, path)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for args in (["delpart", self.name, "1"], ["losetup", "-d", self.name]):
            subprocess.run(args, stderr=subprocess.DEVNULL, check=False)

    def node(self, path, device=None):
        """Another node of the device, or of one with this number."""
        os.mknod(path, 0o600 | stat.S_IFBLK, device or os.stat(self.name).st_rdev)
        return path

    def partition(self, path):
        """A node of a partition of 1 MiB, made here."""
        tool("addpart", self.name, "1", "2048", "2048")
        sysfs = "/sys/block/%s/%sp1/dev" % (2 * (os.path.basename(self.name),))
        if not os.path.exists(sysfs):
            raise kz.Skip("no partitions on loop devices")
        with open(sysfs) as f:
            return self.node(path, os.makedev(*map(int, f.read().split(":"))))
