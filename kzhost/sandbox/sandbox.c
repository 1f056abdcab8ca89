/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sandbox.c - put the compiled filters on
 */
#include "kzhost/sandbox/sandbox.h"

#include "common/proto/ctl.h"
#include "kzhost/sandbox/filters.h"

#include <linux/capability.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

const char *const sandbox_kind_names[SANDBOX_KIND_N] = {
#define X(id, name) [SANDBOX_##id] = name,
	SANDBOX_KINDS(X)
#undef X
};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)

void __sanitizer_sandbox_on_notify(void *args);

/* The filters of sanitized builds trap: say which call it was, then die of it all the
 * same. */
static void on_sigsys(int sig, siginfo_t *info, void *context)
{
	char text[] = "sandbox: system call 0000 is not allowed\n";
	unsigned n = (unsigned)info->si_syscall;

	for (char *digit = strstr(text, "0000") + 3; *digit == '0'; digit--, n /= 10)
		*digit = (char)('0' + n % 10);
	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		_exit(1);
	signal(SIGSYS, SIG_DFL);
	raise(SIGSYS);
}

static int prepare(void)
{
	struct sigaction action = { .sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO };

	__sanitizer_sandbox_on_notify(NULL);
	return sigaction(SIGSYS, &action, NULL) < 0 ? -errno : 0;
}

#else

static int prepare(void)
{
	return 0;
}

#endif

int sandbox_thread(enum sandbox_kind kind)
{
	const struct sandbox_filter *filter = &sandbox_filters[kind];
	struct sock_filter insns[BPF_MAXINSNS];
	struct sock_fprog program = { .len = filter->n_insns, .filter = insns };

	ASSERT(filter->n_insns <= ARRAY_SIZE(insns));
	for (unsigned i = 0; i < filter->n_insns; i++) {
		insns[i] = filter->insns[i];
		if (insns[i].code == (BPF_JMP | BPF_JEQ | BPF_K) &&
		    insns[i].k == SANDBOX_SELF)
			insns[i].k = (uint32_t)getpid();
	}
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
		return -errno;
	return 0;
}

/*
 * Root without capabilities is a user like others, but for the files that it owns, and
 * the filter lets none be opened. The one that is of use here, to lock guest memory, is
 * kept only where the limit for who has it not could not be lifted.
 */
static int drop_capabilities(bool *ret_may_lock)
{
	struct rlimit memory = { 0 };
	struct __user_cap_header_struct header = { .version =
							   _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3] = { 0 };
	uint32_t lock = 1u << CAP_IPC_LOCK;

	if (syscall(SYS_capget, &header, caps) < 0)
		return -errno;
	(void)getrlimit(RLIMIT_MEMLOCK, &memory);
	lock &= memory.rlim_cur != RLIM_INFINITY ? caps[0].permitted : 0;
	memset(caps, 0, sizeof(caps));
	caps[0].permitted = caps[0].effective = lock;
	*ret_may_lock = lock;
	return syscall(SYS_capset, &header, caps) < 0 ? -errno : 0;
}

int sandbox_enter(uint32_t *ret_flags)
{
	bool may_lock = false;
	int r = prepare();

	if (r == 0)
		r = drop_capabilities(&may_lock);
	if (r < 0)
		return r;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return -errno;
	r = sandbox_thread(SANDBOX_MAIN);
	if (r == 0)
		*ret_flags = CTL_HELLO_SECCOMP | (may_lock ? CTL_HELLO_IPC_LOCK : 0);
	return r;
}
