/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guests.S - guests of a few instructions, for one property of the machine each
 *
 * 32-bit code as the PVH entry finds it (flat segments, no paging, interrupts off). It is
 * linked into the test program and runs at TINY_BASE: addresses of its own are AT(label).
 * Only what KVM's instruction emulator knows: the build machines' KVM emulates ring 0.
 */
#include "common/proto/machine.h"

#define TINY_BASE 0x100000
#define AT(label) (label - 777b + TINY_BASE)
#define LAPIC	  0xfee00000

	.macro guest name
	.global tiny_\name
tiny_\name:
777:
	.endm

	.macro end name
	.global tiny_\name\()_end
tiny_\name\()_end:
	.endm

	/* The code from the label to its _end goes to where processors start up: 0x8000. */
	.macro startup_code code
	mov	$AT(\code), %esi
	mov	$0x8000, %edi
	mov	$(\code\()_end - \code), %ecx
	cld
	rep movsb
	.endm

	/* A byte on the console. */
	.macro put c
	mov	$\c, %al
	mov	$KZ_COM1_PORT, %dx
	out	%al, (%dx)
	.endm

	/* Prints P when eax has the value, else F. */
	.macro check value
	cmp	$\value, %eax
	mov	$'P', %al
	je	9f
	mov	$'F', %al
9:	mov	$KZ_COM1_PORT, %dx
	out	%al, (%dx)
	.endm

	/* Powers off. */
	.macro finish
	mov	$KZ_SLEEP_CONTROL_PORT, %dx
	mov	$KZ_SLEEP_S5, %al
	out	%al, (%dx)
9:	jmp	9b
	.endm

	.section .rodata
	.code32

	guest	greets
	put	'h'
	put	'i'
	finish
	end	greets

	guest	unknown_ports
	mov	$0x999, %dx
	mov	$0x1234, %eax
	out	%eax, (%dx)
	xor	%eax, %eax
	in	(%dx), %al
	check	0xff
	mov	$0x999, %dx
	xor	%eax, %eax
	in	(%dx), %ax
	check	0xffff
	mov	$0x999, %dx
	xor	%eax, %eax
	in	(%dx), %eax
	check	-1
	mov	$KZ_COM1_PORT, %dx	/* takes bytes only */
	xor	%eax, %eax
	in	(%dx), %eax
	check	-1
	mov	$KZ_PVPANIC_PORT, %dx
	xor	%eax, %eax
	in	(%dx), %al
	check	3
	finish
	end	unknown_ports

	guest	unknown_mmio
	mov	$0xcf000000, %ebx		/* between ECAM and BARs */
	movl	$0x1234, (%ebx)
	mov	(%ebx), %eax
	check	-1
	xor	%eax, %eax
	mov	1(%ebx), %al
	check	0xff
	mov	$0x400000, %ebx		/* where RAM ends */
	mov	(%ebx), %eax
	check	-1
	finish
	end	unknown_mmio

	guest	string_io
	mov	$AT(1f), %esi
	mov	$5, %ecx
	mov	$KZ_COM1_PORT, %dx
	cld
	rep outsb
	finish
1:	.ascii	"12345"
	end	string_io

	guest	triple_fault
	lidt	AT(1f)
	mov	$0xfff8, %ax
	mov	%ax, %ds
0:	jmp	0b
1:	.word	0
	.long	0
	end	triple_fault

	guest	keyboard_reset
1:	in	$KZ_I8042_CMD, %al
	test	$2, %al
	jnz	1b
	mov	$KZ_I8042_RESET, %al
	out	%al, $KZ_I8042_CMD
2:	jmp	2b
	end	keyboard_reset

	guest	panics
	mov	$KZ_PVPANIC_PORT, %dx
	mov	$KZ_PVPANIC_PANICKED, %al
	out	%al, (%dx)
	put	'!'
	finish
	end	panics

	guest	waits_for_button
	put	'w'
	mov	$KZ_GED_PORT, %dx
1:	in	(%dx), %eax
	test	%eax, %eax
	jz	1b
	check	KZ_GED_POWER
	mov	$KZ_GED_PORT, %dx
	in	(%dx), %eax
	check	0
	finish
	end	waits_for_button

	/*
	 * Interrupts through the PIC: a gate each for lines 4 and 9 in an IDT at 0x5000, then
	 * halt. Echoes each byte plus one; line 9 powers off. Handlers drop their frame: the
	 * emulator has no iret.
	 */
	guest	echoes
	lgdt	AT(gdtr)
	mov	$0x1000, %esp
	mov	$AT(irq4), %eax
	movw	%ax, 0x5120
	movw	$0x10, 0x5122
	movw	$0x8e00, 0x5124
	shr	$16, %eax
	movw	%ax, 0x5126
	mov	$AT(irq9), %eax
	movw	%ax, 0x5148
	movw	$0x10, 0x514a
	movw	$0x8e00, 0x514c
	shr	$16, %eax
	movw	%ax, 0x514e
	lidt	AT(idtr)
	mov	$0x11, %al
	out	%al, $0x20
	out	%al, $0xa0
	mov	$0x20, %al
	out	%al, $0x21
	mov	$0x28, %al
	out	%al, $0xa1
	mov	$4, %al
	out	%al, $0x21
	mov	$2, %al
	out	%al, $0xa1
	mov	$1, %al
	out	%al, $0x21
	out	%al, $0xa1
	mov	$0xeb, %al		/* line 4 and the cascade */
	out	%al, $0x21
	mov	$0xfd, %al		/* line 9 */
	out	%al, $0xa1
	mov	$(KZ_COM1_PORT + 1), %dx
	mov	$1, %al			/* the receiver's interrupt */
	out	%al, (%dx)
	put	'>'
	sti
1:	hlt
	jmp	1b
irq4:	mov	$KZ_COM1_PORT, %dx
	in	(%dx), %al
	inc	%al
	out	%al, (%dx)
	mov	$0x20, %al
	out	%al, $0x20
	add	$12, %esp
	sti
	jmp	1b
irq9:	finish
	.balign	8
gdt:	.quad	0, 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
gdtr:	.word	31
	.long	AT(gdt)
idtr:	.word	0x3ff
	.long	0x5000
	end	echoes

	guest	spins
	put	's'
1:	jmp	1b
	end	spins

	guest	halts
	put	's'
	cli
	hlt
1:	jmp	1b
	end	halts

	guest	floods
	mov	$100000, %ecx
	mov	$'x', %al
	mov	$KZ_COM1_PORT, %dx
1:	out	%al, (%dx)
	loop	1b
	finish
	end	floods

	/* INIT and start-up interrupts to APIC 1, whose real-mode code is copied to 0x8000. */
	guest	second_processor
	startup_code ap
	movl	$0x1ff, LAPIC + 0xf0
	movl	$0x01000000, LAPIC + 0x310
	movl	$0x4500, LAPIC + 0x300
	movl	$0x01000000, LAPIC + 0x310
	movl	$0x4608, LAPIC + 0x300
1:	cmpb	$1, 0x7000
	jne	1b
	put	'b'
	finish
	.code16
ap:	mov	$KZ_COM1_PORT, %dx
	mov	$'a', %al
	out	%al, (%dx)
	xor	%ax, %ax
	mov	%ax, %ds
	movb	$1, 0x7000
2:	hlt
	jmp	2b
ap_end:
	.code32
	end	second_processor

	/*
	 * Starts each of the processors that fw_cfg counts, by the number of its APIC. It
	 * switches its APIC to x2APIC, which knows its number whole, and adds one to the byte
	 * of that number. One letter each, in order.
	 */
	guest	all_processors
	startup_code all_ap
	mov	$5, %ax			/* how many there are */
	mov	$KZ_FWCFG_PORT, %dx
	out	%ax, (%dx)
	inc	%dx
	xor	%eax, %eax
	in	(%dx), %al
	mov	%eax, %ebp
	movl	$0x1ff, LAPIC + 0xf0
	mov	$1, %ecx
1:	mov	%ecx, %eax
	shl	$24, %eax
	mov	%eax, LAPIC + 0x310
	movl	$0x4500, LAPIC + 0x300
	mov	%eax, LAPIC + 0x310
	movl	$0x4608, LAPIC + 0x300
	inc	%ecx
	cmp	%ebp, %ecx
	jb	1b
	mov	$1, %ecx
2:	xor	%eax, %eax
	movb	0x7000(%ecx), %al
	test	%eax, %eax
	jz	2b
	check	1
	inc	%ecx
	cmp	%ebp, %ecx
	jb	2b
	finish
	.code16
all_ap:	mov	$0x1b, %ecx
	rdmsr
	or	$0xc00, %eax
	wrmsr
	mov	$0x802, %ecx
	rdmsr
	mov	%ax, %bx
	xor	%ax, %ax
	mov	%ax, %ds
	incb	0x7000(%bx)
3:	hlt
	jmp	3b
all_ap_end:
	.code32
	end	all_processors

	/*
	 * All processors but the first write what comes (a generator's numbers, begun with
	 * that of their APIC) to the ports of all devices and read them, each as fast as it
	 * can: the widths 1, 2 and 4 in turn, and every other time it is PCI configuration.
	 * Ports that end the machine are only read. The first one waits until the last one has
	 * had so many turns.
	 */
	.set	TURNS, 3000
	guest	everywhere
	startup_code everywhere_ap
	movl	$0x1ff, LAPIC + 0xf0
	movl	$0xc4500, LAPIC + 0x300		/* all but this one */
	movl	$0xc4608, LAPIC + 0x300
	mov	$1, %ecx
1:	cmpl	$TURNS, 0x7000(, %ecx, 4)
	jb	1b
	inc	%ecx
	cmp	$8, %ecx
	jb	1b
	finish
	.code16
everywhere_ap:
	cli
	xor	%ax, %ax
	mov	%ax, %ds
	mov	$0x1b, %ecx
	rdmsr
	or	$0xc00, %eax
	wrmsr
	mov	$0x802, %ecx
	rdmsr
	mov	%eax, %ebx
	mov	%ax, %bp
	shl	$2, %bp
1:	imul	$1103515245, %ebx, %ebx
	add	$12345, %ebx
	test	$0x10000, %ebx
	jz	2f
	mov	$KZ_PCI_CONFIG_PORT, %dx	/* a register of slots 0 to 3 */
	mov	%ebx, %eax
	shr	$16, %eax
	and	$0x18fc, %eax
	or	$0x80000000, %eax
	out	%eax, (%dx)
	add	$4, %dx
	jmp	3f
2:	mov	%ebx, %esi
	shr	$18, %esi
	and	$30, %si
	mov	(ports - everywhere_ap + 0x8000)(%si), %dx
3:	mov	%ebx, %eax
	shr	$8, %eax
	test	$0x2000000, %ebx
	jz	4f
	in	(%dx), %al
	in	(%dx), %ax
	in	(%dx), %eax
	jmp	5f
4:	cmp	$KZ_GED_PORT, %dx
	jae	5f
	cmp	$KZ_PVPANIC_PORT, %dx
	je	5f
	out	%al, (%dx)
	out	%ax, (%dx)
	out	%eax, (%dx)
5:	incl	%ds:0x7000(%bp)
	jmp	1b
	.balign	2
ports:	.word	KZ_COM1_PORT, KZ_COM1_PORT + 1, KZ_COM1_PORT + 2, KZ_COM1_PORT + 3
	.word	KZ_COM1_PORT + 4, KZ_COM1_PORT + 7, KZ_CMOS_PORT, KZ_CMOS_PORT + 1
	.word	KZ_FWCFG_PORT, KZ_FWCFG_PORT + 1, KZ_FWCFG_DMA_PORT, KZ_FWCFG_DMA_PORT + 4
	.word	KZ_PVPANIC_PORT, KZ_GED_PORT, KZ_SLEEP_STATUS_PORT, KZ_I8042_DATA
everywhere_ap_end:
	.code32
	end	everywhere

	/*
	 * All processors but the first bring up the virtio devices in slots 1 to 3, again and
	 * again and each for itself: the status from 0 to DRIVER_OK, with one queue at 2 MiB.
	 * Then each reads and writes registers at random, which is the others' bringing up, and
	 * kicks. Of the MSI-X tables only masks are written: what would be injected is harmless
	 * so. The first one switches MSI-X on and waits.
	 */
	.set	BAR_BYTES, 0x8000
	.set	PARTS, 0x1000
	.set	REG_TURNS, 300
	guest	drivers
	mov	$0x6000, %esp
	startup_code drivers_ap
	movl	$0x300000, 0x200000		/* descriptor 0: 64 bytes to be written */
	movl	$64, 0x200008
	movl	$2, 0x20000c
	mov	$0x80000800, %ebx		/* slot 1 */
1:	mov	$0x34, %ecx			/* where the first capability is */
2:	call	8f
	in	(%dx), %al
	movzbl	%al, %ecx
	call	8f
	in	(%dx), %al
	cmp	$0x11, %al
	je	3f
	inc	%ecx
	jmp	2b
3:	add	$3, %ecx			/* the second byte of its control */
	call	8f
	mov	$0x80, %al			/* enabled */
	out	%al, (%dx)
	add	$0x800, %ebx
	cmp	$0x80002000, %ebx
	jb	1b
	movl	$0x1ff, LAPIC + 0xf0
	movl	$0xc4500, LAPIC + 0x300
	movl	$0xc4608, LAPIC + 0x300
	mov	$1, %ecx
4:	cmpl	$REG_TURNS, 0x7000(, %ecx, 4)
	jb	4b
	inc	%ecx
	cmp	$8, %ecx
	jb	4b
	finish
	/* The port of byte cl of the function at ebx, in dx. */
8:	mov	$KZ_PCI_CONFIG_PORT, %dx
	mov	%ebx, %eax
	mov	%cl, %al
	and	$0xfc, %al
	out	%eax, (%dx)
	mov	%ecx, %edx
	and	$3, %edx
	add	$(KZ_PCI_CONFIG_PORT + 4), %edx
	ret
	.code16
drivers_ap:
	cli
	xor	%ax, %ax
	mov	%ax, %ds
	lgdtl	drivers_gdtr - drivers_ap + 0x8000
	mov	%cr0, %eax
	or	$1, %eax
	mov	%eax, %cr0
	ljmpl	$0x10, $(5f - drivers_ap + 0x8000)
	.code32
5:	mov	$0x18, %eax
	mov	%eax, %ds
	mov	%eax, %ss
	mov	LAPIC + 0x20, %ebx
	shr	$24, %ebx
	lea	0x7000(, %ebx, 4), %ebp
	mov	%ebx, %esp
	shl	$7, %esp
	add	$0x6000, %esp
6:	call	random
	mov	$(bring_up - drivers_ap + 0x8000), %esi
7:	movzbl	(%esi), %ecx
	movzbl	1(%esi), %eax
	mov	2(%esi), %edx
	add	$6, %esi
	test	%eax, %eax
	jz	9f
	add	%edi, %ecx
	test	$1, %eax
	jz	8f
	mov	%dl, (%ecx)
	jmp	7b
8:	test	$2, %eax
	jz	8f
	mov	%dx, (%ecx)
	jmp	7b
8:	mov	%edx, (%ecx)
	jmp	7b
9:	incw	0x201002			/* one more is available */
	movw	$0, 3 * PARTS(%edi)
	mov	$8, %ecx
1:	call	random
	mov	%ebx, %eax
	shr	$12, %eax
	and	$0x707c, %eax
	mov	%eax, %edx
	and	$0x7000, %edx
	cmp	$(4 * PARTS), %edx
	jne	2f
	or	$0xc, %eax
2:	add	%eax, %edi
	mov	(%edi), %edx
	test	$0x800, %ebx
	jz	3f
	movzbl	%bh, %edx
	mov	%dl, (%edi)
	mov	%dx, (%edi)
	mov	%edx, (%edi)
3:	dec	%ecx
	jnz	1b
	incl	(%ebp)
	jmp	6b
	/* The next number in ebx, a device's BAR in edi. */
random:	imul	$1103515245, %ebx, %ebx
	add	$12345, %ebx
	mov	%ebx, %edi
	shr	$30, %edi
	imul	$BAR_BYTES, %edi, %edi
	add	$KZ_GPA_PCI_LOW, %edi
	ret
	/* Offset, width, value: VIRTIO 1.2, 3.1.1 and 4.1.4.3. */
	.macro reg offset, width, value
	.byte	\offset, \width
	.long	\value
	.endm
bring_up:
	reg	0x14, 1, 0
	reg	0x14, 1, 1
	reg	0x14, 1, 3
	reg	0x08, 4, 0
	reg	0x0c, 4, 0
	reg	0x08, 4, 1
	reg	0x0c, 4, 1			/* VERSION_1 */
	reg	0x14, 1, 0xb
	reg	0x16, 2, 0
	reg	0x18, 2, 16
	reg	0x1a, 2, 1
	reg	0x20, 4, 0x200000
	reg	0x24, 4, 0
	reg	0x28, 4, 0x201000
	reg	0x2c, 4, 0
	reg	0x30, 4, 0x202000
	reg	0x34, 4, 0
	reg	0x1c, 2, 1
	reg	0x14, 1, 0xf
	reg	0, 0, 0
	.balign	8
drivers_gdt:
	.quad	0, 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
drivers_gdtr:
	.word	31
	.long	drivers_gdt - drivers_ap + 0x8000
drivers_ap_end:
	end	drivers

	/*
	 * Sends APIC 1 to the last page of the BIOS: from there zeroes ("add %al, (%bx,%si)")
	 * lead to the BIOS entry.
	 */
	guest	bios_entry
	movl	$0x1ff, LAPIC + 0xf0
	movl	$0x01000000, LAPIC + 0x310
	movl	$0x4500, LAPIC + 0x300
	movl	$0x01000000, LAPIC + 0x310
	movl	$0x46ff, LAPIC + 0x300
1:	jmp	1b
	end	bios_entry

	/* Compatibility mode: 0 to 2 MiB one to one, and at 3 GiB the RAM from 4 GiB on. */
	guest	high_memory
	movl	$0x11003, 0x10000
	movl	$0x12003, 0x11000
	movl	$0x13003, 0x11018
	movl	$0x83, 0x12000
	movl	$0x83, 0x13000
	movl	$1, 0x13004
	mov	$0x20, %eax
	mov	%eax, %cr4
	mov	$0x10000, %eax
	mov	%eax, %cr3
	mov	$0xc0000080, %ecx
	xor	%edx, %edx
	mov	$0x100, %eax
	wrmsr
	mov	%cr0, %eax
	or	$0x80000000, %eax
	mov	%eax, %cr0
	movl	$0x600dcafe, 0xc0000010
	mov	0xc0000010, %eax
	check	0x600dcafe
	finish
	end	high_memory

	/*
	 * The last bytes of a firmware image, from 4 GiB - 256 to the reset vector at
	 * 4 GiB - 16 and the end. Real mode; code is at f000:ff00, its base 0xffff0000.
	 */
	.globl	tiny_firmware, tiny_firmware_end
	.balign	16
	.code16
tiny_firmware:
	cli
	/* The image stands at its end of memory, */
	cmpb	$0x5a, %cs:0xff80
	jne	2f
	/* and a copy that can be written below 1 MiB. */
	mov	$0xf000, %ax
	mov	%ax, %ds
	cmpb	$0x5a, 0xff80
	jne	2f
	movb	$0x33, 0xff80
	cmpb	$0x33, 0xff80
	jne	2f
	/* fw_cfg says "Q". */
	mov	$0x510, %dx
	xor	%ax, %ax
	out	%ax, %dx
	inc	%dx
	in	%dx, %al
	mov	$0x3f8, %dx
	out	%al, %dx
	/* Soft off by PM1. */
	mov	$0x60c, %dx
	mov	$0x3400, %ax
	out	%ax, %dx
2:	mov	$0x3f8, %dx
	mov	$'!', %al
	out	%al, %dx
3:	hlt
	jmp	3b
	.org	tiny_firmware + 0x80
	.byte	0x5a
	.org	tiny_firmware + 0xf0
	jmp	tiny_firmware
	.org	tiny_firmware + 0x100
tiny_firmware_end:
	.code32

	.section .note.GNU-stack, "", @progbits
