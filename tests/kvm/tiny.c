/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tiny.c - makes a PVH ELF of a tiny guest's code, runs it, waits for what it does
 */
#include "tests/kvm/tiny.h"

#include <elf.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>

/* What stands in the file before the code. */
struct tiny_head {
	Elf64_Ehdr ehdr;
	Elf64_Phdr phdr[2];
	struct {
		Elf64_Nhdr nhdr;
		char name[4];
		uint32_t entry;
	} note;
};

static int make_image(const uint8_t *code, size_t len)
{
	struct tiny_head h = {
		.ehdr = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB,
				       EV_CURRENT },
			  .e_type = ET_EXEC,
			  .e_machine = EM_X86_64,
			  .e_version = EV_CURRENT,
			  .e_phoff = offsetof(struct tiny_head, phdr),
			  .e_phentsize = sizeof(Elf64_Phdr),
			  .e_phnum = 2 },
		.phdr = { { .p_type = PT_LOAD,
			    .p_offset = sizeof(h),
			    .p_paddr = TINY_BASE,
			    .p_filesz = len,
			    .p_memsz = len },
			  { .p_type = PT_NOTE,
			    .p_offset = offsetof(struct tiny_head, note),
			    .p_filesz = sizeof(h.note) } },
		.note = { .nhdr = { .n_namesz = 4, .n_descsz = 4, .n_type = 18 },
			  .name = "Xen",
			  .entry = TINY_BASE },
	};
	int fd = memfd_create("tiny", MFD_CLOEXEC);

	T_TRUE(fd >= 0);
	T_EQ(write(fd, &h, sizeof(h)), (ssize_t)sizeof(h));
	T_EQ(write(fd, code, len), (ssize_t)len);
	return fd;
}

struct vm_config tiny_config(const uint8_t *code, const uint8_t *end)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (kvm < 0)
		T_SKIP("/dev/kvm: %s", strerror(errno));
	return (struct vm_config){ .ram_bytes = 4 * MIB,
				   .n_vcpus = 1,
				   .cmdline = "",
				   .kvm_fd = kvm,
				   .kernel_fd = make_image(code, (size_t)(end - code)),
				   .initrd_fd = -1,
				   .firmware_fd = -1 };
}

void tiny_config_done(struct vm_config *c)
{
	closep(&c->kvm_fd);
	closep(&c->kernel_fd);
	closep(&c->initrd_fd);
}

void tiny_run(struct tiny *t, struct vm_config *c)
{
	struct errmsg e = { 0 };
	int r;

	memset(t, 0, sizeof(*t));
	r = vm_create(c, &t->vm, &e);
	tiny_config_done(c);
	if (r == -ENOMEM && strstr(e.text, "RLIMIT_MEMLOCK"))
		T_SKIP("%s", e.text);
	if (r < 0)
		T_FAIL("vm_create: %d: %s", r, e.text);
	r = vm_start(t->vm, &e);
	if (r < 0)
		T_FAIL("vm_start: %d: %s", r, e.text);
}

/* Everything that is there now; true when an event was. */
static bool collect(struct tiny *t, struct vm_event *ret_event)
{
	bool have = vm_take_event(t->vm, ret_event);
	size_t n;

	for (; have && ret_event->type == VM_EV_DEVICE; t->mistakes++)
		have = vm_take_event(t->vm, ret_event);
	while (have && vm_take_event(t->vm, &(struct vm_event){ 0 }))
		T_FAIL("a second event");
	while ((n = vm_console_read(t->vm, VM_CONSOLE_SERIAL, t->console + t->len,
				    sizeof(t->console) - 1 - t->len)) > 0)
		t->len += n;
	return have;
}

void tiny_expect_event(struct tiny *t, enum vm_event_type type)
{
	struct vm_event ev;

	while (!collect(t, &ev))
		T_WAIT_FD(vm_event_fd(t->vm), POLLIN);
	if (ev.type != type)
		T_FAIL("event %d (%s) instead of %d; console: %s", ev.type, ev.text, type,
		       t->console);
}

void tiny_expect_console(struct tiny *t, const char *text)
{
	struct vm_event ev;

	while (!strstr(t->console, text)) {
		T_WAIT_FD(vm_event_fd(t->vm), POLLIN);
		if (collect(t, &ev) && !strstr(t->console, text))
			T_FAIL("event %d (%s) before \"%s\"; console: %s", ev.type,
			       ev.text, text, t->console);
	}
}

void tiny_type(struct tiny *t, const char *text)
{
	T_EQ(vm_console_write(t->vm, text, strlen(text)), strlen(text));
}

void tiny_free(struct tiny *t)
{
	vm_free(t->vm);
}
