#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The disk with an installed Debian: built here, early, beside other suites; and sound"""

import shutil
import subprocess

import kz
from rig import disk

MIB = 1 << 20


@kz.test
def a_disk_is_built_with_boot_record_and_partition(_):
    with open(disk(), 'rb') as f:
        record = f.read(512)
        core = f.read(512)
        f.seek(-MIB, 2)
        end = f.read()
    kz.eq(record[510:], b'\x55\xaa')
    kz.has(record, b'GRUB')
    kz.eq(core != bytes(512), True, 'GRUB behind the boot record')
    kz.eq(end == bytes(MIB), True, 'the last mebibyte is free')
    if shutil.which('sfdisk'):
        text = subprocess.run(['sfdisk', '-d', disk()], check=True, text=True,
                              stdout=subprocess.PIPE).stdout
        kz.has(text, 'bootable')
        kz.eq(text.count('type=83'), 1)


@kz.test
def its_file_system_is_clean_and_has_a_kernel(t):
    fs = '%s?offset=%d' % (disk(), MIB)
    done = subprocess.run(['e2fsck', '-fn', fs], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    kz.eq(done.returncode, 0, done.stdout)
    done = subprocess.run(['debugfs', '-R', 'ls -p /boot', fs], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True, check=True)
    for name in ('/vmlinuz-', '/initrd.img-', '/grub/'):
        kz.has(done.stdout, name)


kz.main()
