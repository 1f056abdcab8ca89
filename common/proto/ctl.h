/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ctl.h - the control protocol between svc.zones and one kzhost
 *
 * DOC: Shape
 *
 * A SEQPACKET connection; one message is one fixed struct that begins with a header.
 * The restarter asks, kzhost answers each request with one reply of the same id and
 * sequence number, in order; kzhost also sends events (sequence number 0) of its own
 * accord. Descriptors travel with CREATE, in the order of enum ctl_fd, those present said
 * by a bit mask; with DISK, in that of enum ctl_disk_fd; and with LOG. Both ends treat
 * the other as hostile: a message whose size, id, version or state is wrong is answered
 * with an error (restarter to kzhost) or ends the connection (garbage), and never the
 * process.
 *
 * kzhost serves one connection at a time on the listening socket it was started with
 * (descriptor CTL_LISTEN_FD); when it ends, the next one is accepted: that is how a new
 * restarter adopts a zone. The first message on every connection is HELLO.
 */
#ifndef KZ_PROTO_CTL_H
#define KZ_PROTO_CTL_H

#include "common/base/fsm.h"
#include "common/base/le.h"
#include "common/sys/jail.h"

#define CTL_VERSION      1
#define CTL_LISTEN_FD    3 /* where kzhost finds its listening socket */
#define CTL_NS_FD        4 /* and after it namespaces to join, as many as -j says */
#define CTL_NAME_SIZE    65
#define CTL_CMDLINE_SIZE 2048
#define CTL_GOALS_SIZE   128
#define CTL_TEXT_SIZE    256
#define CTL_MSG_MAX      4096

/* States of a kzhost, as told in HELLO and STATUS. */
#define CTL_STATES(X) \
	X(EMPTY, "empty")     /* waits for CREATE */ \
	X(CREATED, "created") /* has its memory, vCPUs and devices; nothing runs */ \
	X(RUNNING, "running") \
	X(STOPPING, "stopping") /* the guest was asked to shut down */ \
	X(PANICKED, "panicked") /* the guest panicked; vCPUs are held */ \
	X(ENDED, "ended")       /* EXITING was sent; HALT lets it go */

enum ctl_state {
#define X(id, name) CTL_##id,
	CTL_STATES(X)
#undef X
		CTL_STATE_N
};

/* Requests: id, name, request struct, reply struct, descriptors allowed. */
#define CTL_REQUESTS(X) \
	X(HELLO, "hello", ctl_hello, ctl_hello_reply, 0) \
	X(CREATE, "create", ctl_create, ctl_reply, CTL_FD_N) \
	X(START, "start", ctl_plain, ctl_reply, 0) \
	X(SHUTDOWN, "shutdown", ctl_plain, ctl_reply, 0) \
	X(HALT, "halt", ctl_plain, ctl_reply, 0) \
	X(STATUS, "status", ctl_plain, ctl_status_reply, 0) \
	X(LOG, "log", ctl_plain, ctl_reply, 1) /* the console log from now on */ \
	X(DISK, "disk", ctl_disk, ctl_reply, \
	  CTL_DISK_FD_N) /* before START: a disk of the zone */

/* Events: id, name, struct. */
#define CTL_EVENTS(X) \
	X(PANIC, "panic", ctl_plain)       /* the guest said so through pvpanic */ \
	X(EXITING, "exiting", ctl_exiting) /* the last message of a kzhost */ \
	X(GOALS, "goals", \
	  ctl_plain) /* the guest has reached what CREATE gave as goals */ \
	X(LOG_FULL, "log full", ctl_plain) /* the console log has CTL_LOG_FULL bytes */ \
	X(DEVICE, "device", \
	  ctl_plain) /* a device erred; told again after the next STATUS */

enum ctl_id {
	CTL_ID_NONE,
#define X(id, name, req, reply, fds) CTL_REQ_##id,
	CTL_REQUESTS(X)
#undef X
		CTL_REQ_END,
	CTL_EV_BASE = 64,
#define X(id, name, ev) CTL_EV_##id,
	CTL_EVENTS(X)
#undef X
		CTL_EV_END
};

/* Why a kzhost ends. */
#define CTL_CAUSES(X) \
	X(HALTED, "halted")     /* HALT was asked */ \
	X(POWEROFF, "poweroff") /* the guest powered itself off, asked or not */ \
	X(RESET, "reset")       /* the guest reset itself: boot it again */ \
	X(PANIC, "panic")       /* halted after a panic */ \
	X(FAILED, "failed")     /* CREATE or START failed; text says why */ \
	X(FAULT, "fault")       /* kzhost or KVM could not go on; text says why */

enum ctl_cause {
#define X(id, name) CTL_CAUSE_##id,
	CTL_CAUSES(X)
#undef X
		CTL_CAUSE_N
};

/*
 * The cause is also the exit status, for a restarter that is the parent; any other status
 * or a signal is a crash. One that ends without having been told to says EXITING, and
 * waits for HALT: then the restarter has the cause where its own end cannot undo it. If
 * that does not come on this connection, or nobody is connected, the next restarter that
 * says HELLO is told; after CTL_TELL_MS kzhost goes without. One without a zone and
 * without a connection ends by itself after CTL_IDLE_MS, status 0.
 */
#define CTL_EXIT_STATUS(cause) (64 + (cause))
#define CTL_TELL_MS            10000
#define CTL_IDLE_MS            30000

/*
 * A console log that has grown to CTL_LOG_FULL bytes is told: LOG shall bring another
 * one. Until it comes the log takes CTL_LOG_MAX bytes and no more: a guest must not fill
 * the host's disk, however fast it writes.
 */
#define CTL_LOG_FULL (1024 * 1024)
#define CTL_LOG_MAX  (4 * 1024 * 1024)

/* How the guest says that it has reached its goals. */
#define CTL_GOALS(X) \
	X(NONE, "none") \
	X(CONSOLE, "console") /* a text in what it writes to its console */ \
	X(PORT, "port")       /* a byte on the port org.kzones.goals */ \
	X(AGENT, "agent")     /* the guest agent answers */

enum ctl_goals {
#define X(id, name) CTL_GOALS_##id,
	CTL_GOALS(X)
#undef X
		CTL_GOALS_N
};

/* Descriptors that CREATE may carry, in this order; bit (1 << n) in fd_mask. */
enum ctl_fd {
	CTL_FD_KVM,      /* /dev/kvm */
	CTL_FD_KERNEL,   /* PVH ELF or bzImage, readable */
	CTL_FD_INITRD,   /* optional, with a kernel */
	CTL_FD_LOG,      /* console log, opened for appending */
	CTL_FD_CONSOLE,  /* listening STREAM socket for console clients */
	CTL_FD_FIRMWARE, /* a PC BIOS instead of a kernel: boots from the zone's disks */
	CTL_FD_N
};

struct ctl_hdr {
	le16 id;      /* enum ctl_id */
	le16 version; /* CTL_VERSION */
	le32 seq;     /* chosen by the asker, not 0; 0 in events */
};
static_assert(sizeof(struct ctl_hdr) == 8, "wire size");

struct ctl_plain {
	struct ctl_hdr hdr;
};

struct ctl_hello {
	struct ctl_hdr hdr;
	le32 min_version; /* the lowest that the restarter speaks */
	le32 reserved;    /* 0 */
};
static_assert(sizeof(struct ctl_hello) == 16, "wire size");

/* Flags of the answer to HELLO: what has happened, and how kzhost has confined itself. */
#define CTL_HELLO_GOALS    1u /* GOALS has been reached, told or not */
#define CTL_HELLO_SECCOMP  2u /* its filters are on */
#define CTL_HELLO_UID      4u /* it has a uid of its own */
#define CTL_HELLO_IPC_LOCK 8u /* it has kept this capability; no other in any case */
#define CTL_HELLO_NS(ns)   (256u << (ns)) /* it has joined this one: enum jail_ns */
#define CTL_HELLO_FLAGS    (15u | (CTL_HELLO_NS(JAIL_NS_N) - CTL_HELLO_NS(0)))

struct ctl_hello_reply {
	struct ctl_hdr hdr;
	le32 error;       /* 0 or a positive errno (EPROTONOSUPPORT) */
	le32 state;       /* enum ctl_state */
	uint8_t uuid[16]; /* of the zone; zero before CREATE */
	le64 since_ms;    /* CLOCK_REALTIME when this state was entered */
	le32 pid;
	le32 flags;                   /* CTL_HELLO_*; others are 0 */
	char zone[CTL_NAME_SIZE + 7]; /* NUL padded */
};
static_assert(sizeof(struct ctl_hello_reply) == 120, "wire size");

struct ctl_create {
	struct ctl_hdr hdr;
	le64 ram_bytes; /* multiple of 2 MiB */
	le32 n_vcpus;   /* 1 to KZ_VCPUS_MAX */
	le32 fd_mask;   /* 1 << enum ctl_fd */
	uint8_t uuid[16];
	le64 tod_offset_s;            /* guest clock minus host clock, signed, seconds */
	char zone[CTL_NAME_SIZE + 7]; /* NUL padded */
	char cmdline[CTL_CMDLINE_SIZE]; /* NUL padded, as the guest shall see it */
	char goals[CTL_GOALS_SIZE]; /* NUL padded; the text of CTL_GOALS_CONSOLE, or "" */
	le32 goals_kind;            /* enum ctl_goals */
	le32 reserved;              /* 0 */
};
static_assert(sizeof(struct ctl_create) == 48 + 72 + 2048 + 128 + 8, "wire size");

#define CTL_DISK_READ_ONLY 1u
#define CTL_DISK_BOOTABLE  2u /* the zone may boot from it; its last megabyte is ours */
#define CTL_DISK_DISCARD   4u /* the backing can forget ranges */
#define CTL_DISK_ZERO      8u /* and zero them */
#define CTL_DISK_FLAGS     15u
#define CTL_DISK_SERIAL    20

/*
 * A disk: descriptors of its backing, opened one by one. The lock has one of its own,
 * that nothing else holds, so that it ends with the process. Facts that only who opened
 * them can find out are told.
 */
enum ctl_disk_fd {
	CTL_DISK_FD_BUFFERED,
	CTL_DISK_FD_LOCK,   /* locked; only kept */
	CTL_DISK_FD_DIRECT, /* with O_DIRECT; may be left out */
	CTL_DISK_FD_N
};

struct ctl_disk {
	struct ctl_hdr hdr;
	le32 id; /* of the device resource: below CTL_DISK_IDS, each once */
	le32 flags;
	le32 bootpri;      /* of those that are bootable: the lowest is the first */
	le32 block_bytes;  /* physical block: a power of two, 512 to 65536 */
	le64 bytes;        /* size of the backing, not 0 */
	le32 mem_align;    /* what O_DIRECT wants: powers of two up to 65536; 0 */
	le32 offset_align; /* without it */
	char serial[CTL_DISK_SERIAL + 4]; /* NUL padded */
};
static_assert(sizeof(struct ctl_disk) == 64, "wire size");

#define CTL_DISK_IDS 16

/* The answer to CREATE, DISK, START, SHUTDOWN and HALT. */
struct ctl_reply {
	struct ctl_hdr hdr;
	le32 error; /* 0 or a positive errno */
	le32 reserved;
	char text[CTL_TEXT_SIZE]; /* what went wrong, for people; "" when all is well */
};
static_assert(sizeof(struct ctl_reply) == 272, "wire size");

struct ctl_status_reply {
	struct ctl_hdr hdr;
	le32 state;
	le32 n_vcpus;
	le64 ram_bytes;      /* configured */
	le64 resident_bytes; /* of it, populated so far */
	le64 exits;          /* of all vCPUs to user space */
	le64 console_bytes;  /* written by the guest */
	le64 console_lost;   /* not kept for lack of room */
	le64 guest_errors;   /* of the guest's drivers of virtio devices */
	le64 disk_errors;    /* requests that failed for the host's reasons */
	le32 n_disks;
	le32 disk_engine;  /* enum ctl_engine */
	le32 n_page_cache; /* disks without O_DIRECT: all goes through the page cache */
	le32 n_read_only;
};
static_assert(sizeof(struct ctl_status_reply) == 88, "wire size");

/* How a zone's disks are read and written. */
#define CTL_ENGINES(X) \
	X(NONE, "none") /* there are no disks */ \
	X(IO_URING, "io_uring") \
	X(PREAD, "pread") /* the host has io_uring disabled */

enum ctl_engine {
#define X(id, name) CTL_ENGINE_##id,
	CTL_ENGINES(X)
#undef X
		CTL_ENGINE_N
};

struct ctl_exiting {
	struct ctl_hdr hdr;
	le32 cause; /* enum ctl_cause */
	le32 reserved;
	char text[CTL_TEXT_SIZE];
};
static_assert(sizeof(struct ctl_exiting) == 272, "wire size");

extern const char *const ctl_state_names[CTL_STATE_N];
extern const char *const ctl_cause_names[CTL_CAUSE_N];
extern const char *const ctl_goals_names[CTL_GOALS_N];
extern const char *const ctl_engine_names[CTL_ENGINE_N];

/*
 * What is legal when, and the state each leads to when it succeeds. The events of the
 * table are the numbers of enum ctl_id: requests, and what kzhost tells of its own
 * accord.
 */
extern const struct fsm ctl_fsm;

const char *ctl_id_name(unsigned id); /* "?" when unknown */

/**
 * ctl_check_request() - Check a message that claims to be a request
 * @len:	Bytes received
 * @n_fds:	Descriptors that came with it
 *
 * Size, version, id, reserved fields, strings terminated, descriptor count equal to the
 * bits of fd_mask. Does not look at the state.
 *
 * Return: the id, -EPROTO (not a message at all: end the connection), -EPROTONOSUPPORT,
 * -EINVAL (answer it with an error)
 */
int ctl_check_request(const void *msg, size_t len, unsigned n_fds, struct errmsg *e);

/**
 * ctl_check_answer() - Check a message that claims to come from a kzhost: reply or event
 *
 * Return: the id, -EPROTONOSUPPORT (a HELLO of another version, whatever else is in it:
 * its version is in the header), -EPROTO (anything else
 * that is wrong: end the connection)
 */
int ctl_check_answer(const void *msg, size_t len, struct errmsg *e);

#endif
