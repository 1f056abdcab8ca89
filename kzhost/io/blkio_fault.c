// SPDX-License-Identifier: BSD-2-Clause
/*
 * blkio_fault.c - failing, shortening, delaying and reordering the requests of an engine
 */
#include "kzhost/io/blkio_fault.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define IOVS 130 /* of one attempt; longer ones are shortened to as many */

/* A request on its way through the inner engine, or waiting to come back. */
struct attempt {
	struct blkio_req io; /* what the inner engine sees */
	struct blkio_req *whole;
	unsigned turns; /* to wait yet when it is complete */
	bool complete;
	struct iovec iov[IOVS];
};

struct fault {
	struct blkio inner;
	unsigned number; /* of those with this script */
	uint64_t random;
	unsigned n; /* attempts in use, at the front of order */
	struct attempt **order;
	struct attempt *attempt; /* depth of them */
};

static atomic_ullong counts[BLKIO_FAULT_N];

static struct blkio_fault *script_of(const struct blkio *b)
{
	return container_of(b->engine, struct blkio_fault, engine);
}

uint64_t blkio_fault_count(enum blkio_fault_kind kind)
{
	return atomic_load(&counts[kind]);
}

/* xorshift64*: good enough to surprise a disk. */
static uint32_t any(struct fault *f)
{
	f->random ^= f->random >> 12;
	f->random ^= f->random << 25;
	f->random ^= f->random >> 27;
	return (uint32_t)(f->random * 0x2545f4914f6cdd1dull >> 32);
}

static bool happens(struct blkio *b, enum blkio_fault_kind kind)
{
	if (any(b->state) % 1000 >= script_of(b)->per_mille[kind])
		return false;
	atomic_fetch_add(&counts[kind], 1);
	return true;
}

static void fault_close(struct blkio *b)
{
	struct fault *f = b->state;

	if (f->inner.state)
		f->inner.engine->close(&f->inner);
	free(f->attempt);
	free(f->order);
	free(f);
}

static int fault_open(struct blkio *b)
{
	struct fault *f = calloc(1, sizeof(*f));
	int r = -ENOMEM;

	if (!f)
		return r;
	f->inner = *b;
	f->inner.engine = script_of(b)->inner;
	f->number = script_of(b)->n_opened++;
	f->order = calloc(b->depth, sizeof(f->order[0]));
	f->attempt = calloc(b->depth, sizeof(f->attempt[0]));
	b->state = f;
	if (f->order && f->attempt)
		r = f->inner.engine->open(&f->inner);
	for (unsigned i = 0; r == 0 && i < b->depth; i++)
		f->order[i] = &f->attempt[i];
	if (r < 0) {
		fault_close(b);
		b->state = NULL;
	}
	return r;
}

static int fault_attach(struct blkio *b)
{
	struct fault *f = b->state;

	f->random = (script_of(b)->seed + f->number) * 0x9e3779b97f4a7c15ull | 1;
	return f->inner.engine->attach(&f->inner);
}

/* Some of the bytes that are left; whole blocks where the kernel moves nothing else. */
static uint64_t some_of(struct blkio *b, uint64_t left)
{
	bool direct = b->backing.direct_fd >= 0;
	uint64_t unit = direct ? b->backing.offset_align : 1;

	if (left <= unit)
		return left;
	return unit * (1 + any(b->state) % MIN((left - 1) / unit, 1u << 30));
}

/* An attempt moves @most bytes and IOVS pieces at most. */
static void shorten(struct attempt *a, uint64_t most)
{
	unsigned n = 0;

	for (; n < MIN(a->whole->n_iov, IOVS) && most > 0; n++) {
		a->iov[n] = a->whole->iov[n];
		a->iov[n].iov_len = MIN(a->iov[n].iov_len, most);
		most -= a->iov[n].iov_len;
	}
	a->io.iov = a->iov;
	a->io.n_iov = n;
}

static int failure(struct blkio *b, const struct blkio_req *r)
{
	bool writes = r->op != BLKIO_READ && r->op != BLKIO_FLUSH;

	if (happens(b, BLKIO_FAULT_EINTR))
		return -EINTR;
	if (happens(b, BLKIO_FAULT_EAGAIN))
		return -EAGAIN;
	if (happens(b, BLKIO_FAULT_EIO))
		return -EIO;
	return writes && happens(b, BLKIO_FAULT_ENOSPC) ? -ENOSPC : 0;
}

static void fault_start(struct blkio *b, struct blkio_req *r)
{
	struct fault *f = b->state;
	struct attempt *a = f->order[f->n++];
	uint64_t left = r->bytes - r->done;
	bool moves = r->op <= BLKIO_WRITE_THROUGH;

	a->io = *r;
	a->whole = r;
	a->turns = 0;
	a->io.result = failure(b, r);
	a->complete = a->io.result != 0;
	if (happens(b, BLKIO_FAULT_SLOW))
		a->turns = any(f) % (script_of(b)->turns_max + 1);
	if (a->complete)
		return;
	if (moves)
		shorten(a, happens(b, BLKIO_FAULT_SHORT) ? some_of(b, left) : left);
	f->inner.engine->start(&f->inner, &a->io);
}

static int fault_submit(struct blkio *b)
{
	struct fault *f = b->state;

	return f->inner.engine->submit(&f->inner);
}

/* Is some attempt kept back, complete or failed? */
static bool keeps(const struct fault *f)
{
	for (unsigned i = 0; i < f->n; i++) {
		if (f->order[i]->complete)
			return true;
	}
	return false;
}

static bool fault_ready(struct blkio *b)
{
	struct fault *f = b->state;

	return keeps(f) || f->inner.engine->ready(&f->inner);
}

static void take_complete(struct fault *f)
{
	struct blkio_req *r;

	while ((r = f->inner.engine->reap(&f->inner)))
		container_of(r, struct attempt, io)->complete = true;
}

static struct blkio_req *fault_reap(struct blkio *b)
{
	struct fault *f = b->state;
	struct attempt *a = NULL;
	unsigned at = 0;

	take_complete(f);
	for (unsigned i = 0; i < f->n; i++) {
		struct attempt *c = f->order[i];

		if (!c->complete || (c->turns > 0 && c->turns-- > 0))
			continue;
		if (a && !happens(b, BLKIO_FAULT_REORDER))
			continue;
		a = c;
		at = i;
	}
	if (!a)
		return NULL;
	f->n--;
	memmove(f->order + at, f->order + at + 1, (f->n - at) * sizeof(f->order[0]));
	f->order[f->n] = a;
	a->whole->result = a->io.result;
	return a->whole;
}

static int fault_wait(struct blkio *b)
{
	struct fault *f = b->state;
	long us = script_of(b)->turn_us;
	int r = fault_submit(b);

	if (r < 0 || !keeps(f))
		return r < 0 ? r : f->inner.engine->wait(&f->inner);
	if (us > 0)
		nanosleep(&(struct timespec){ .tv_nsec = us * 1000 }, NULL);
	return 0;
}

static void fault_cancel(struct blkio *b)
{
	struct fault *f = b->state;

	f->inner.in_flight = f->n;
	f->inner.engine->cancel(&f->inner);
}

void blkio_fault_init(struct blkio_fault *f, const struct blkio_engine *inner,
		      uint64_t seed)
{
	*f = (struct blkio_fault){
		.engine = { .name = "fault",
			    .open = fault_open,
			    .attach = fault_attach,
			    .start = fault_start,
			    .submit = fault_submit,
			    .ready = fault_ready,
			    .reap = fault_reap,
			    .wait = fault_wait,
			    .cancel = fault_cancel,
			    .close = fault_close },
		.inner = inner,
		.seed = seed,
		.turns_max = 8,
		.turn_us = 20,
	};
}

static int parse_word(struct blkio_fault *f, const char *word)
{
	static const char *const names[BLKIO_FAULT_N] = {
#define X(id, name) [BLKIO_FAULT_##id] = name,
		BLKIO_FAULTS(X)
#undef X
	};
	char name[16];
	unsigned long long value;
	char end;

	if (strcmp(word, "pread") == 0) {
		f->inner = &blkio_sync;
		return 0;
	}
	if (sscanf(word, "%15[a-z]=%llu%c", name, &value, &end) != 2)
		return -EINVAL;
	if (strcmp(name, "seed") == 0) {
		f->seed = value;
		return 0;
	}
	for (unsigned i = 0; i < BLKIO_FAULT_N; i++) {
		if (strcmp(name, names[i]) == 0 && value <= 1000) {
			f->per_mille[i] = (uint16_t)value;
			return 0;
		}
	}
	return -EINVAL;
}

int blkio_fault_parse(struct blkio_fault *f, const char *text)
{
	char copy[256], *rest = copy, *word;
	int r = strlen(text) < sizeof(copy) ? 0 : -EINVAL;

	if (r == 0)
		strcpy(copy, text);
	while (r == 0 && (word = strsep(&rest, " "))) {
		if (*word)
			r = parse_word(f, word);
	}
	return r;
}

static char *wanted; /* for ever */

/* Before anybody wipes the environment. */
static __attribute__((constructor)) void read_environment(void)
{
	const char *text = getenv("KZ_BLKIO_FAULT");

	wanted = text ? strdup(text) : NULL;
}

const struct blkio_engine *blkio_fault_from_env(void)
{
	static struct blkio_fault script;
	const char *text = wanted;

	if (!text)
		return NULL;
	if (!script.inner) {
		blkio_fault_init(&script, &blkio_uring, 1);
		script.turn_us = 0; /* owners of queues may not sleep */
		ASSERT(blkio_fault_parse(&script, text) == 0);
	}
	return &script.engine;
}
