/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * templates.h - the templates of manifests/templates, compiled in
 *
 * A root that holds no templates of its own (a private one, say) has these.
 */
#ifndef KZ_ZONE_TEMPLATES_H
#define KZ_ZONE_TEMPLATES_H

struct zone_template {
	const char *name;
	const char *json;
};

extern const struct zone_template zone_templates[];
extern const unsigned zone_templates_n;

#endif
