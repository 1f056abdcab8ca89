# SPDX-License-Identifier: BSD-2-Clause
"""docs/architecture.md and README.md name files, folders and functions that there are."""

import os
import re

import kz

TOP = "common restarter kzhost cli manifests docs tests scripts".split()
C_FOLDERS = TOP[:4]


def text(name):
    with open(os.path.join(kz.SOURCE, name), encoding="utf-8") as f:
        return f.read()


def sources():
    for top in C_FOLDERS:
        for folder, _, files in os.walk(os.path.join(kz.SOURCE, top)):
            for name in files:
                if name.endswith((".c", ".h")):
                    yield text(os.path.join(folder, name))


@kz.test
def files_and_folders_are_there(t):
    for document in ("docs/architecture.md", "README.md"):
        named = re.findall(r"(?<![\w/.])((?:%s)/[\w./-]*\w)" % "|".join(TOP), text(document))
        kz.eq(len(named) > 3, True, document)
        kz.eq([path for path in named if not os.path.exists(os.path.join(kz.SOURCE, path))],
              [], document)


@kz.test
def functions_and_constants_are_there(t):
    document = text("docs/architecture.md")
    named = re.findall(r"\b([a-z]\w*)\(\)", document) + re.findall(r"`(KZ_\w+)`", document)
    kz.eq(len(named) > 5, True)
    everything = "\n".join(sources())
    kz.eq([name for name in named if not re.search(r"\b%s\b" % name, everything)], [])


@kz.test
def scripts_of_the_readme_are_there(t):
    row = next(line for line in text("README.md").split("\n") if line.startswith("| `scripts/`"))
    for name in re.findall(r"`(\w+)`", row):
        kz.eq(os.access(os.path.join(kz.SOURCE, "scripts", name), os.X_OK), True, name)


kz.main()
