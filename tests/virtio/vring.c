/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vring.c - rings as a driver writes them (VIRTIO 1.2, 2.7)
 */
#include "tests/virtio/vring.h"

#include "common/base/le.h"
#include "tests/harness/harness.h"

#include <string.h>
#include <sys/mman.h>

void vmem_init(struct vmem *m, size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	T_TRUE(p != MAP_FAILED);
	*m = (struct vmem){ .size = size };
	m->ram.fd = -1;
	m->ram.base = p;
	m->ram.size = size;
	m->ram.region[0] = (struct ram_region){ .gpa = 0, .size = size, .hva = p };
}

void vmem_fini(struct vmem *m)
{
	munmap(m->ram.base, m->size);
}

void *vmem_at(struct vmem *m, uint64_t gpa)
{
	ASSERT(gpa < m->size);
	return m->ram.base + gpa;
}

void vring_init(struct vring *r, struct vmem *mem, uint64_t gpa, uint16_t size)
{
	*r = (struct vring){ .mem = mem };
	r->layout = (struct virtq_layout){ .size = size,
					   .desc_gpa = gpa,
					   .avail_gpa = gpa + 4096,
					   .used_gpa = gpa + 8192 };
}

void vring_desc_at(struct vmem *mem, uint64_t gpa, unsigned i, uint64_t addr,
		   uint32_t len, unsigned flags, unsigned next)
{
	struct {
		le64 addr;
		le32 len;
		le16 flags, next;
	} d = { le64_of(addr), le32_of(len), le16_of((uint16_t)flags),
		le16_of((uint16_t)next) };

	memcpy(vmem_at(mem, gpa + 16ull * i), &d, sizeof(d));
}

void vring_desc(struct vring *r, unsigned i, uint64_t addr, uint32_t len, unsigned flags,
		unsigned next)
{
	vring_desc_at(r->mem, r->layout.desc_gpa, i, addr, len, flags, next);
}

static void put16(struct vring *r, uint64_t gpa, uint16_t value)
{
	__atomic_store_n((uint16_t *)vmem_at(r->mem, gpa), value, __ATOMIC_RELEASE);
}

static uint16_t get16(const struct vring *r, uint64_t gpa)
{
	return __atomic_load_n((uint16_t *)vmem_at(r->mem, gpa), __ATOMIC_ACQUIRE);
}

void vring_post(struct vring *r, uint16_t head)
{
	unsigned slot = r->avail_idx & (r->layout.size - 1u);

	put16(r, r->layout.avail_gpa + 4 + 2 * slot, head);
	vring_set_avail(r, (uint16_t)(r->avail_idx + 1));
}

void vring_set_avail(struct vring *r, uint16_t idx)
{
	r->avail_idx = idx;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	put16(r, r->layout.avail_gpa + 2, idx);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void vring_set_flags(struct vring *r, uint16_t flags)
{
	put16(r, r->layout.avail_gpa, flags);
}

void vring_set_used_event(struct vring *r, uint16_t idx)
{
	put16(r, r->layout.avail_gpa + 4 + 2u * r->layout.size, idx);
}

uint16_t vring_used_idx(const struct vring *r)
{
	uint16_t idx = get16(r, r->layout.used_gpa + 2);

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return idx;
}

uint16_t vring_used_flags(const struct vring *r)
{
	return get16(r, r->layout.used_gpa);
}

uint16_t vring_avail_event(const struct vring *r)
{
	return get16(r, r->layout.used_gpa + 4 + 8u * r->layout.size);
}

bool vring_take(struct vring *r, uint32_t *ret_id, uint32_t *ret_len)
{
	unsigned slot = r->used_seen & (r->layout.size - 1u);
	const le32 *entry;

	if (vring_used_idx(r) == r->used_seen)
		return false;
	entry = vmem_at(r->mem, r->layout.used_gpa + 4 + 8 * slot);
	*ret_id = le32_get(entry[0]);
	*ret_len = le32_get(entry[1]);
	r->used_seen++;
	return true;
}
