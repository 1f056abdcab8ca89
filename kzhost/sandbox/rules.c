/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rules.c - what each kind of thread may ask of the kernel, and why
 *
 * Threads inherit the filter that the main thread has when it makes them, so whatever
 * another kind has, the main thread has while it builds the machine. Several rows for one
 * call are alternatives.
 */
#include "kzhost/sandbox/rules.h"

#include "kzhost/sandbox/filters.h"

#include <linux/io_uring.h>
#include <linux/kvm.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <fcntl.h>

/* The main thread while it builds the machine; and before and after its start. */
#define BUILD SANDBOX_BIT(MAIN)
#define MAIN  (SANDBOX_BIT(MAIN) | SANDBOX_BIT(RUN))
#define VCPU  (BUILD | SANDBOX_BIT(VCPU))
#define FILL  (BUILD | SANDBOX_BIT(FILL))
#define SLOW  (BUILD | SANDBOX_BIT(SLOW))
#define DISK  (BUILD | SANDBOX_BIT(DISK))
#define ALL   (MAIN | VCPU | FILL | SLOW | DISK)

/* Requests to KVM; the main thread may make all of them while it builds. */
#define KVM_VCPU     SANDBOX_BIT(VCPU)
#define KVM_VCPU_RUN (KVM_VCPU | SANDBOX_BIT(RUN))

#define ANY(name, who) \
	{ \
		.call = SCMP_SYS(name), .kinds = (who) \
	}
#define IF(name, who, ...) \
	{ \
		.call = SCMP_SYS(name), .kinds = (who), .n_args = 1, .args = { \
			__VA_ARGS__ \
		} \
	}
#define IF2(name, who, one, two) \
	{ \
		.call = SCMP_SYS(name), .kinds = (who), .n_args = 2, .args = { \
			one, \
			two \
		} \
	}
#define REFUSE(name, who, e) \
	{ \
		.call = SCMP_SYS(name), .kinds = (who), .err = (e) \
	}

#define ARG(n, value) \
	{ \
		(n), SCMP_CMP_EQ, (value), 0 \
	}
#define MASKED(n, mask, val) \
	{ \
		(n), SCMP_CMP_MASKED_EQ, (mask), (val) \
	}

/* What pthread_create() asks of clone(2): a thread, and nothing else. */
#define THREAD_FLAGS \
	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SYSVSEM | CLONE_SIGHAND | \
	 CLONE_THREAD | CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID)

/* ioctl(2) requests whose type is KVM's. */
#define KVM_TYPE_MASK 0xff00ul

const struct sandbox_rule sandbox_rules[] = {
	/* The running machine: what is called most stands first. */
	IF(ioctl, KVM_VCPU, ARG(1, KVM_RUN)),
	ANY(read, MAIN | VCPU | SLOW | DISK),
	ANY(write, ALL),
	ANY(futex, ALL),
	ANY(epoll_wait, MAIN),
	ANY(epoll_pwait, MAIN),
	ANY(clock_gettime, ALL), /* when the vDSO has no clock to offer */

	/* Building the machine. */
	IF(ioctl, BUILD, MASKED(1, KVM_TYPE_MASK, KVMIO << 8)),
	ANY(memfd_create, BUILD),
	ANY(ftruncate, BUILD),
	/* The filling thread itself runs when nobody else does. */
	IF2(sched_setscheduler, FILL, ARG(0, 0), ARG(1, SCHED_IDLE)),
	ANY(mlock2, BUILD),
	ANY(pread64, BUILD),
	IF(newfstatat, MAIN, ARG(3, AT_EMPTY_PATH)), /* fstat(3) */
	ANY(fstat, MAIN),
	ANY(eventfd2, BUILD),
	ANY(sysinfo, BUILD),
	IF(prlimit64, ALL, ARG(2, 0)), /* read, not set */

	/* vCPU threads look at and set their own vCPU. */
	IF(ioctl, KVM_VCPU, ARG(1, KVM_GET_REGS)),
	IF(ioctl, KVM_VCPU, ARG(1, KVM_GET_SREGS)),
	/* What is typed, and the power button, interrupt the guest too. */
	IF(ioctl, KVM_VCPU_RUN, ARG(1, KVM_IRQ_LINE)),
	/* They carry out what a driver writes into PCI: kicks, vectors, pending bits. */
	IF(ioctl, KVM_VCPU, ARG(1, KVM_IOEVENTFD)),
	IF(ioctl, KVM_VCPU, ARG(1, KVM_IRQFD)),
	IF(ioctl, KVM_VCPU, ARG(1, KVM_SET_GSI_ROUTING)),
	ANY(poll, MAIN | VCPU | SLOW | DISK),

	/*
	 * Disks. A ring could do what no filter sees, so the main thread makes and
	 * restricts them before the guest runs, and can make none after that; a disk's
	 * thread enables its own. What follows is for hosts without io_uring, and one
	 * for all, to find the end of a backing that was shrunk.
	 */
	ANY(io_uring_setup, BUILD),
	IF(io_uring_register, BUILD, ARG(1, IORING_REGISTER_RESTRICTIONS)),
	IF(io_uring_register, BUILD, ARG(1, IORING_REGISTER_IOWQ_MAX_WORKERS)),
	IF(io_uring_register, DISK, ARG(1, IORING_REGISTER_ENABLE_RINGS)),
	ANY(io_uring_enter, DISK),
	ANY(preadv, DISK),
	ANY(pwritev, DISK),
	ANY(pwritev2, DISK),
	ANY(fdatasync, DISK),
	ANY(fallocate, DISK),

	/* Slow devices. */
	ANY(getrandom, SLOW),

	/* The event loop and its sockets. */
	ANY(epoll_ctl, MAIN),
	IF(ioctl, MAIN, ARG(1, FIONBIO)),
	ANY(accept4, MAIN),
	ANY(recvmsg, MAIN),
	ANY(recvfrom, MAIN),
	ANY(sendmsg, MAIN),
	ANY(sendto, MAIN),
	ANY(getsockopt, MAIN),
	/* Not those that choose a process for the kernel to signal. */
	IF(fcntl, MAIN, ARG(1, F_GETFL)),
	IF(fcntl, MAIN, ARG(1, F_SETFL)),
	ANY(close, MAIN),
	IF(io_uring_register, MAIN, ARG(1, IORING_REGISTER_FILES)), /* io/linger.h */

	/* Memory: nothing that can be executed is ever made. */
	IF(mmap, ALL, MASKED(2, PROT_EXEC, 0)),
	IF(mprotect, ALL, MASKED(2, PROT_EXEC, 0)),
	ANY(mremap, MAIN), /* realloc(3) of large blocks */
	ANY(munmap, ALL),
	ANY(madvise, ALL),
	ANY(brk, ALL),

	/* Threads: started, told apart, woken and joined. */
	IF(clone, BUILD, ARG(0, THREAD_FLAGS)),
	/* Its flags cannot be seen; clone(2) is tried next. */
	REFUSE(clone3, BUILD, ENOSYS),
	ANY(set_robust_list, BUILD),
	ANY(rseq, BUILD),
	ANY(rt_sigprocmask, ALL),
	ANY(rt_sigaction, MAIN),
	ANY(rt_sigreturn, ALL),
	ANY(getpid, ALL),
	ANY(gettid, ALL),
	IF(tgkill, ALL, ARG(0, SANDBOX_SELF)),
	ANY(sched_yield, ALL),
	ANY(exit, ALL),
	ANY(exit_group, ALL),
	ANY(restart_syscall, ALL),
	IF(prctl, BUILD, ARG(0, PR_SET_NAME)), /* of threads that begin */
	IF(seccomp, BUILD, ARG(0, SECCOMP_SET_MODE_FILTER)),

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	/* The sanitizers' runtime. */
	ANY(sigaltstack, ALL),
	ANY(gettimeofday, ALL),
	ANY(rt_sigaction, ALL),
	ANY(sched_getaffinity, ALL),
	ANY(clock_nanosleep, ALL),
	ANY(nanosleep, ALL),
	ANY(getrusage, ALL),
#endif
};

const unsigned sandbox_n_rules = ARRAY_SIZE(sandbox_rules);
