/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * msix.c - the MSI-X table: what the driver writes, what of it KVM is told
 */
#include "kzhost/dev/msix.h"

#include "common/base/trace.h"

#include <poll.h>
#include <sys/eventfd.h>

#define CONTROL_ENABLE   0x8000
#define CONTROL_MASK_ALL 0x4000
#define VECTOR_MASKED    0x1u

/* The dwords of an entry. */
enum entry_dword { ENTRY_LOW, ENTRY_HIGH, ENTRY_DATA, ENTRY_CONTROL };

int msix_init(struct msix *m, const struct msix_ops *ops, unsigned gsi, unsigned n)
{
	int r = 0;

	ASSERT(n > 0 && n <= MSIX_VECTORS_MAX);
	pthread_mutex_init(&m->lock, NULL);
	m->ops = ops;
	m->gsi = gsi;
	m->n = n;
	m->all_masked = false;
	atomic_init(&m->enabled, false);
	for (unsigned i = 0; i < n; i++)
		m->vector[i] = (struct msix_vector){ .masked = true, .fd = -1 };
	for (unsigned i = 0; r == 0 && i < n; i++) {
		m->vector[i].fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		r = m->vector[i].fd < 0 ? -errno : 0;
	}
	return r;
}

void msix_fini(struct msix *m)
{
	if (m->n == 0)
		return;
	for (unsigned i = 0; i < m->n; i++) {
		if (m->vector[i].bound)
			m->ops->unbind(m->ops->arg, m->gsi + i, m->vector[i].fd);
		closep(&m->vector[i].fd);
	}
	m->n = 0;
	pthread_mutex_destroy(&m->lock);
}

static void clear_pending(const struct msix_vector *v)
{
	uint64_t count;

	/* Fails when there is nothing to take. */
	(void)!read(v->fd, &count, sizeof(count));
}

/* Binds or unbinds a vector, as the three masks have it. The lock is held. */
static void apply(struct msix *m, unsigned i, bool changed)
{
	struct msix_vector *v = &m->vector[i];
	bool want = atomic_load(&m->enabled) && !m->all_masked && !v->masked;
	int r = 0;

	if (want && (changed || !v->bound))
		r = m->ops->bind(m->ops->arg, m->gsi + i, v->fd, v->address, v->data);
	else if (!want && v->bound)
		r = m->ops->unbind(m->ops->arg, m->gsi + i, v->fd);
	if (r < 0)
		TRACE(dev, "msix gsi=%u address=0x%llx: %s gave %d", m->gsi + i,
		      (unsigned long long)v->address, want ? "bind" : "unbind", r);
	/* What KVM found pending it injects, and leaves the count to us. */
	if (want && r == 0 && !v->bound)
		clear_pending(v);
	/* What could not be bound pends, rather than being sent where it went before; it
	 * is tried again at the next write. */
	if (want && r < 0 && v->bound)
		m->ops->unbind(m->ops->arg, m->gsi + i, v->fd);
	v->bound = want && r == 0;
}

void msix_control(struct msix *m, uint16_t control)
{
	bool enabled = control & CONTROL_ENABLE, was;

	pthread_mutex_lock(&m->lock);
	m->all_masked = control & CONTROL_MASK_ALL;
	was = atomic_exchange(&m->enabled, enabled);
	for (unsigned i = 0; i < m->n; i++)
		apply(m, i, false);
	/* Without MSI-X there is nothing that a vector could be pending for. */
	for (unsigned i = 0; was && !enabled && i < m->n; i++)
		clear_pending(&m->vector[i]);
	pthread_mutex_unlock(&m->lock);
}

static void signal_vector(const struct msix_vector *v)
{
	uint64_t one = 1;

	/* Fails only when the counter is full: it is pending anyway. */
	(void)!write(v->fd, &one, sizeof(one));
}

void msix_raise(struct msix *m, unsigned vector)
{
	if (vector < m->n && atomic_load(&m->enabled))
		signal_vector(&m->vector[vector]);
}

static uint32_t entry_read(const struct msix_vector *v, enum entry_dword dword)
{
	switch (dword) {
	case ENTRY_LOW:
		return (uint32_t)v->address;
	case ENTRY_HIGH:
		return (uint32_t)(v->address >> 32);
	case ENTRY_DATA:
		return v->data;
	case ENTRY_CONTROL:
		break;
	}
	return v->masked ? VECTOR_MASKED : 0;
}

static void entry_write(struct msix_vector *v, enum entry_dword dword, uint32_t value)
{
	switch (dword) {
	case ENTRY_LOW:
		v->address = (v->address & ~(uint64_t)UINT32_MAX) | (value & ~3u);
		break;
	case ENTRY_HIGH:
		v->address = (v->address & UINT32_MAX) | (uint64_t)value << 32;
		break;
	case ENTRY_DATA:
		v->data = value;
		break;
	case ENTRY_CONTROL:
		v->masked = value & VECTOR_MASKED;
		break;
	}
}

/* True: the access is natural and lies in the table. */
static bool in_table(const struct msix *m, uint64_t offset, unsigned size)
{
	return (size == 4 || size == 8) && offset % size == 0 &&
	       offset < (uint64_t)m->n * MSIX_ENTRY_SIZE;
}

uint64_t msix_table_read(struct msix *m, uint64_t offset, unsigned size)
{
	const struct msix_vector *v;
	unsigned dword = offset % MSIX_ENTRY_SIZE / 4;
	uint64_t value;

	if (!in_table(m, offset, size))
		return UINT64_MAX;
	v = &m->vector[offset / MSIX_ENTRY_SIZE];
	pthread_mutex_lock(&m->lock);
	value = entry_read(v, dword);
	if (size == 8)
		value |= (uint64_t)entry_read(v, dword + 1) << 32;
	pthread_mutex_unlock(&m->lock);
	return value;
}

void msix_table_write(struct msix *m, uint64_t offset, unsigned size, uint64_t value)
{
	unsigned i = (unsigned)(offset / MSIX_ENTRY_SIZE);
	unsigned dword = offset % MSIX_ENTRY_SIZE / 4;
	struct msix_vector *v, before;

	if (!in_table(m, offset, size))
		return;
	v = &m->vector[i];
	pthread_mutex_lock(&m->lock);
	before = *v;
	entry_write(v, dword, (uint32_t)value);
	if (size == 8)
		entry_write(v, dword + 1, (uint32_t)(value >> 32));
	apply(m, i, v->address != before.address || v->data != before.data);
	pthread_mutex_unlock(&m->lock);
}

uint64_t msix_pba_read(struct msix *m, uint64_t offset, unsigned size)
{
	struct pollfd p[64];
	uint64_t bits = 0;
	unsigned n = 0;

	if ((size != 4 && size != 8) || offset % size)
		return UINT64_MAX;
	for (; n < size * 8 && offset * 8 + n < m->n; n++)
		p[n] = (struct pollfd){ m->vector[offset * 8 + n].fd, POLLIN, 0 };
	if (n == 0 || poll(p, n, 0) <= 0)
		return 0;
	for (unsigned i = 0; i < n; i++)
		bits |= (uint64_t)(p[i].revents & POLLIN ? 1 : 0) << i;
	return bits;
}

static const struct state_field vector_fields[] = {
	STATE_FIELD(struct msix_vector, address, 1),
	STATE_FIELD(struct msix_vector, data, 1),
	STATE_FIELD(struct msix_vector, masked, 1),
	STATE_FIELD(struct msix_vector, pending, 1),
};

static const struct state_rest vector_rest[] = {
	STATE_REST(struct msix_vector, bound), /* by the masks */
	STATE_REST(struct msix_vector, fd),
};

const struct state_table msix_vector_table = {
	.name = "msix_vector",
	.size = sizeof(struct msix_vector),
	STATE_FIELDS(vector_fields),
	STATE_RESTS(vector_rest),
};

static const struct state_rest rest[] = {
	STATE_REST(struct msix, lock),
	STATE_REST(struct msix, ops),
	STATE_REST(struct msix, gsi),
	STATE_REST(struct msix, n),
	STATE_REST(struct msix, enabled), /* the function has message control */
	STATE_REST(struct msix, all_masked),
	STATE_REST(struct msix, vector), /* each by itself */
};

const struct state_table msix_table = {
	.name = "msix",
	.size = sizeof(struct msix),
	STATE_RESTS(rest),
};

static bool is_pending(struct msix *m, unsigned i)
{
	return msix_pba_read(m, i / 64 * 8, 8) >> i % 64 & 1;
}

void msix_save(struct msix *m, struct buf *out)
{
	pthread_mutex_lock(&m->lock);
	for (unsigned i = 0; i < m->n; i++) {
		struct msix_vector v = m->vector[i];

		v.pending = atomic_load(&m->enabled) && is_pending(m, i);
		state_put(out, &v, &msix_vector_table);
	}
	pthread_mutex_unlock(&m->lock);
}

int msix_load(struct msix *m, uint16_t control, struct state_reader *r, struct errmsg *e)
{
	struct msix_vector in[MSIX_VECTORS_MAX];
	const unsigned n = m->n;
	int err = 0;

	for (unsigned i = 0; i < n; i++) {
		in[i] = m->vector[i];
		err = state_get(r, &in[i], &msix_vector_table, e);
		if (err == 0 && in[i].address & 3)
			err = errmsg_set(e, -EINVAL, "address %llx is not aligned",
					 (unsigned long long)in[i].address);
		if (err == 0 && in[i].pending && !(control & CONTROL_ENABLE))
			err = errmsg_set(e, -EINVAL, "it pends while MSI-X is off");
		if (err < 0)
			return errmsg_prefix(e, err, "vector %u", i);
	}
	pthread_mutex_lock(&m->lock);
	for (unsigned i = 0; i < n; i++) {
		m->vector[i].address = in[i].address;
		m->vector[i].data = in[i].data;
		m->vector[i].masked = in[i].masked;
		if (in[i].pending)
			signal_vector(&m->vector[i]);
	}
	pthread_mutex_unlock(&m->lock);
	msix_control(m, control);
	return 0;
}
