/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * compile.c - build-time program: rules.c to BPF, as the C source filters.c on stdout
 *
 *	sandbox-compile [KIND:N]	the filters; that of KIND without rule N
 *	sandbox-compile --list		KIND:N and the call, for every rule of every kind
 *
 * What is left out shows whether anything needs it (scripts/nightly rules). Threads
 * inherit the main thread's filter, so what is taken from main is taken from all.
 */
#include "kzhost/sandbox/rules.h"

#include <linux/filter.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a forbidden call does; sanitized builds say which one it was (see sandbox.c). */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FORBIDDEN SCMP_ACT_TRAP
#else
#define FORBIDDEN SCMP_ACT_KILL_PROCESS
#endif

static const char *const kind_names[] = {
#define X(id, name) name,
	SANDBOX_KINDS(X)
#undef X
};

/* What is left out, "KIND:N"; NULL = nothing. */
static const char *left_out;

static void name_rule(unsigned kind, unsigned i, char name[static 32])
{
	snprintf(name, 32, "%s:%u", kind_names[kind], i);
}

static bool has_rule(unsigned kind, unsigned i)
{
	char name[32];

	name_rule(kind, i, name);
	return sandbox_rules[i].kinds & 1u << kind &&
	       !(left_out && strcmp(left_out, name) == 0);
}

static int add_rules(scmp_filter_ctx ctx, unsigned kind)
{
	for (unsigned i = 0; i < sandbox_n_rules; i++) {
		const struct sandbox_rule *rule = &sandbox_rules[i];
		uint32_t action = rule->err ? SCMP_ACT_ERRNO(rule->err) : SCMP_ACT_ALLOW;
		int r;

		if (!has_rule(kind, i))
			continue;
		r = seccomp_rule_add_array(ctx, action, rule->call, rule->n_args,
					   rule->args);
		if (r < 0) {
			fprintf(stderr, "rule %u (%s, thread %s): %s\n", i,
				seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE,
								 rule->call),
				kind_names[kind], strerror(-r));
			return r;
		}
		/* The order of the table is the order of the tests. */
		r = seccomp_syscall_priority(ctx, rule->call,
					     i < 255 ? (uint8_t)(255 - i) : 0);
		if (r < 0)
			return r;
	}
	return 0;
}

static int print_program(scmp_filter_ctx ctx, unsigned kind)
{
	struct sock_filter insn;
	FILE *f = tmpfile();
	int r;

	if (!f)
		return -errno;
	r = seccomp_export_bpf(ctx, fileno(f));
	if (r == 0) {
		rewind(f);
		printf("static const struct sock_filter filter_%s[] = {\n",
		       kind_names[kind]);
		while (fread(&insn, sizeof(insn), 1, f) == 1)
			printf("\t{ 0x%x, %u, %u, 0x%x },\n", insn.code, insn.jt, insn.jf,
			       insn.k);
		printf("};\n\n");
	}
	fclose(f);
	return r;
}

static int compile(unsigned kind)
{
	scmp_filter_ctx ctx = seccomp_init(FORBIDDEN);
	int r;

	if (!ctx)
		return -ENOMEM;
	r = add_rules(ctx, kind);
	if (r == 0)
		r = print_program(ctx, kind);
	seccomp_release(ctx);
	return r;
}

static void list(void)
{
	char name[32];

	for (unsigned kind = 0; kind < SANDBOX_KIND_N; kind++) {
		for (unsigned i = 0; i < sandbox_n_rules; i++) {
			char *call = seccomp_syscall_resolve_num_arch(
				SCMP_ARCH_NATIVE, sandbox_rules[i].call);

			name_rule(kind, i, name);
			if (has_rule(kind, i))
				printf("%s %s\n", name, call);
			free(call);
		}
	}
}

static int print_filters(void)
{
	printf("/* Made by kzhost/sandbox/compile.c from rules.c. */\n");
	printf("#include \"kzhost/sandbox/filters.h\"\n\n");
	for (unsigned kind = 0; kind < SANDBOX_KIND_N; kind++) {
		int r = compile(kind);

		if (r < 0) {
			fprintf(stderr, "filter %s: %s\n", kind_names[kind],
				strerror(-r));
			return 1;
		}
	}
	printf("const struct sandbox_filter sandbox_filters[SANDBOX_KIND_N] = {\n");
	for (unsigned kind = 0; kind < SANDBOX_KIND_N; kind++)
		printf("\t{ filter_%s, sizeof(filter_%s) / sizeof(filter_%s[0]) },\n",
		       kind_names[kind], kind_names[kind], kind_names[kind]);
	printf("};\n");
	return 0;
}

int main(int argc, char *argv[])
{
	int r = 0;

	if (argc > 1 && strcmp(argv[1], "--list") == 0) {
		list();
	} else {
		left_out = argv[1];
		r = print_filters();
	}
	return fflush(stdout) ? 1 : r;
}
