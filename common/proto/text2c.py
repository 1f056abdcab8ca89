# SPDX-License-Identifier: BSD-2-Clause
"""text2c.py NAME INPUT OUTPUT: a text file as a C string constant."""

import sys

name, source, target = sys.argv[1:]
with open(source, encoding="utf-8") as f:
    lines = f.read().splitlines()
with open(target, "w", encoding="utf-8") as f:
    f.write('#include "common/proto/varlink.h"\n\nconst char %s[] =\n' % name)
    for line in lines:
        f.write('\t"%s\\n"\n' % line.replace("\\", "\\\\").replace('"', '\\"'))
    f.write("\t;\n")
