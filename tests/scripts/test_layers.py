#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""scripts/layers: the tree is clean, and each kind of offence is caught"""

import os
import subprocess
import sys
import tempfile

import kz

LAYERS = os.path.join(kz.SOURCE, 'scripts', 'layers')

# One header for each place, so that includes have something to name.
HEADERS = ['common/base/buf.h', 'common/sys/file.h', 'common/proto/ctl.h', 'common/format/x.h',
           'common/zone/zone.h', 'restarter/core.h', 'kzhost/vm/vcpu.h', 'cli/client.h',
           'tests/harness/harness.h']


def layers(files):
    """Run scripts/layers on a tree with FILES {path: text}; (status, output lines)."""
    with tempfile.TemporaryDirectory() as top:
        for path, text in list({h: '' for h in HEADERS}.items()) + list(files.items()):
            os.makedirs(os.path.join(top, os.path.dirname(path)), exist_ok=True)
            with open(os.path.join(top, path), 'w', encoding='utf-8') as f:
                f.write(text)
        done = subprocess.run([sys.executable, LAYERS, top], stdout=subprocess.PIPE, text=True,
                              check=False)
        return done.returncode, done.stdout.splitlines()


def offence(path, included, line_before=''):
    """The one offence reported for PATH including INCLUDED, without the summary."""
    status, lines = layers({path: line_before + '#include "%s"\n' % included})
    kz.eq((status, len(lines)), (1, 2))
    return lines[0]


@kz.test
def the_tree_is_clean(_):
    done = subprocess.run([sys.executable, LAYERS, kz.SOURCE], stdout=subprocess.PIPE, text=True,
                          check=False)
    kz.eq((done.returncode, done.stdout), (0, ''))


@kz.test
def leftward_includes_are_allowed(_):
    kz.eq(layers({
        'common/base/a.c': '#include "common/base/buf.h"\n#include <stdio.h>\n',
        'common/sys/a.c': '#include "common/base/buf.h"\n',
        'common/zone/a.c': '#include "common/sys/file.h"\n',
        'restarter/a.c': '#include "common/proto/ctl.h"\n#include "restarter/core.h"\n',
        'kzhost/dev/a.c': '#include "kzhost/vm/vcpu.h"\n#include "common/format/x.h"\n',
        'cli/a.c': '#include "common/zone/zone.h"\n',
        'tests/unit/a.c': '#include "restarter/core.h"\n#include "kzhost/vm/vcpu.h"\n',
    }), (0, []))


@kz.test
def offence_is_named_with_file_and_line(_):
    kz.eq(offence('restarter/a.c', 'kzhost/vm/vcpu.h', '/* one */\n\n'),
              'restarter/a.c:3: restarter must not include kzhost (kzhost/vm/vcpu.h)')


@kz.test
def rightward_and_sideways_includes_are_caught(_):
    for path, included in [
            ('common/base/a.h', 'common/sys/file.h'), ('common/sys/a.c', 'common/zone/zone.h'),
            ('common/proto/a.c', 'common/zone/zone.h'), ('common/zone/a.c', 'cli/client.h'),
            ('kzhost/a.c', 'restarter/core.h'), ('cli/a.c', 'restarter/core.h'),
            ('cli/a.c', 'kzhost/vm/vcpu.h'), ('restarter/a.c', 'cli/client.h')]:
        assert 'must not include' in offence(path, included), (path, included)


@kz.test
def product_must_not_include_tests(_):
    assert 'no layer' in offence('cli/a.c', 'tests/harness/harness.h')


@kz.test
def includes_are_written_from_the_root(_):
    assert 'below the root' in offence('restarter/a.c', 'core.h')
    assert 'climbs' in offence('cli/a.c', '../common/base/buf.h')


@kz.test
def the_guest_may_include_its_own(_):
    kz.eq(layers({'tests/guest/a.c': '#include "b.h"\n', 'tests/guest/b.h': ''}), (0, []))


@kz.test
def an_empty_tree_is_no_success(_):
    with tempfile.TemporaryDirectory() as top:
        done = subprocess.run([sys.executable, LAYERS, top], stderr=subprocess.PIPE, check=False)
    kz.eq(done.returncode, 2)


kz.main()
