# SPDX-License-Identifier: BSD-2-Clause
# embed.py - OUTPUT.c TEMPLATE.json...: the templates as the array of templates.h
import json
import os
import sys

with open(sys.argv[1], "w") as out:
    out.write('#include "common/zone/templates.h"\n\n')
    out.write("const struct zone_template zone_templates[] = {\n")
    for path in sys.argv[2:]:
        name = os.path.basename(path).removesuffix(".json")
        with open(path) as f:
            text = json.dumps(json.load(f))
        out.write('\t{ "%s",\n\t  %s },\n' % (name, json.dumps(text)))
    out.write("};\n\nconst unsigned zone_templates_n = %d;\n" % len(sys.argv[2:]))
