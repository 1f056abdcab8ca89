# SPDX-License-Identifier: BSD-2-Clause
"""The host rig, for tests: one run of scripts/hostvm and what it left"""

import fcntl
import functools
import glob
import json
import os
import re
import shutil
import subprocess

import kz

HOSTVM = os.path.join(kz.SOURCE, 'scripts', 'hostvm')
TOOLS = ('qemu-system-x86_64', 'mmdebstrap', 'mke2fs', 'debugfs', 'cpio')
DISK_TOOLS = ('mmdebstrap', 'mke2fs', 'e2fsck', 'debugfs', 'sfdisk', 'grub-mkimage')
MKDISK = os.path.join(kz.SOURCE, 'scripts', 'mkdisk')
CACHE = os.path.join(kz.BUILD, 'hostvm')
NO_IMAGE, HOST_DIED = 126, 123  # of scripts/hostvm
RUNS = 3


@functools.lru_cache(maxsize=None)
def why_not():
    """Why the rig cannot be here, or None; builds its image and the project."""
    if os.geteuid() != 0:
        return 'needs root'
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if missing:
        return 'not installed: ' + ' '.join(missing)
    done = hostvm('build')
    if done.returncode == NO_IMAGE:
        return 'cannot build the host image: ' + last_line(done.stdout)
    kz.eq(done.returncode, 0, 'scripts/hostvm build:\n' + done.stdout)
    return None


@functools.lru_cache(maxsize=None)
def disk():
    """The path of a disk with an installed Debian; built when it is not there."""
    if os.geteuid() != 0:
        raise kz.Skip('needs root')
    missing = [tool for tool in DISK_TOOLS if not shutil.which(tool)]
    if missing:
        raise kz.Skip('not installed: ' + ' '.join(missing))
    key = subprocess.run([MKDISK, '-k'], stdout=subprocess.PIPE, text=True, check=True).stdout
    path = os.path.join(CACHE, 'disk-%s.raw' % key.strip())
    os.makedirs(CACHE, exist_ok=True)
    with open(os.path.join(CACHE, 'disk.lock'), 'w', encoding='ascii') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(path):
            for old in glob.glob(os.path.join(CACHE, 'disk-*.raw')):
                os.unlink(old)
            build_disk(path)
    return path


def build_disk(path):
    done = subprocess.run([MKDISK, path], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        print(''.join('# %s\n' % line for line in done.stdout.splitlines()), end='')
        raise kz.Skip('cannot build the disk: ' + last_line(done.stdout))


def hostvm(*args):
    """Run scripts/hostvm to its end."""
    env = dict(os.environ, KZONES_HOSTVM=CACHE)
    return subprocess.run([HOSTVM, *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False, env=env)


def last_line(text):
    return (text.strip().splitlines() or [''])[-1]


class Run:
    """One run of the rig: its exit status, its output and the host's logs.

    The emulated host itself may die: its kernel panics, or nothing comes from it any more. (A
    fault of QEMU did that, and froze guests or ended them by triple faults; see scripts/hostvm.
    Not explained: a host that said nothing from its first moment, before anything of this
    project ran in it.) No program is to blame for that, so then there is another run, at most
    RUNS in all. That is in the output, and in the summary as a note. Nothing else is repeated:
    what a script found stands, and a guest that falls is a failure, whosoever's it is.
    """

    def __init__(self, script, seconds, *args):
        if why_not():
            raise kz.Skip(why_not())
        name = os.path.splitext(os.path.basename(script))[0]
        self.dir = os.path.join(CACHE, 'run-' + name)
        for left in reversed(range(RUNS)):
            self.start(script, seconds, args)
            if self.status != HOST_DIED or not left:
                break
            print('# NOTE the emulated host itself died: another run', flush=True)

    def start(self, script, seconds, args):
        shutil.rmtree(self.dir, ignore_errors=True)
        done = hostvm('run', '-d', self.dir, '-t', str(seconds), *args, script)
        self.status, self.output = done.returncode, done.stdout
        for line in self.output.splitlines():
            print('# ' + line)
        print('# logs: ' + self.dir, flush=True)

    def read(self, *path):
        """A file of the run: read('journal.log'), read('log', 'zones', 'console.db')."""
        with open(os.path.join(self.dir, *path), encoding='utf-8', errors='replace') as f:
            return f.read()

    def json(self, *path):
        return json.loads(self.read(*path))

    def journal(self):
        """[(seconds since its boot, program, text)] of the host's last boot."""
        lines = []
        for line in self.read('journal.log').splitlines():
            m = re.match(r'\[ *([\d.]+)\] ([^\[:]+)(?:\[\d+\])?: (.*)', line)
            if not m:
                continue
            if lines and float(m.group(1)) < lines[-1][0] - 3:
                lines = []
            lines.append((float(m.group(1)), m.group(2), m.group(3)))
        return lines
