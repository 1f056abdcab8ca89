/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * machine.h - the zone's machine as its guest sees it
 *
 * Ports, interrupt lines and guest physical addresses of the PC that kzhost presents.
 * Constants only: the built-in guest (tests/guest) includes this file freestanding, so
 * that host and guest cannot disagree.
 *
 * DOC: What is standard and what is ours
 *
 * 16550, CMOS, i8042 and pvpanic are where PC software looks for them. The power button
 * and sleep registers are those of a hardware-reduced ACPI machine (ACPI 6.4, 4.8.3.7
 * sleep control and status, 5.6.9 Generic Event Device); a stock guest finds them through
 * the ACPI tables, the built-in guest by these constants.
 */
#ifndef KZ_PROTO_MACHINE_H
#define KZ_PROTO_MACHINE_H

#define KZ_VCPUS_MAX 64 /* their APIC ids are 0 to n - 1 */

#define KZ_COM1_PORT    0x3f8
#define KZ_COM1_IRQ     4
#define KZ_CMOS_PORT    0x70 /* index; data is the next port */
#define KZ_I8042_DATA   0x60
#define KZ_I8042_CMD    0x64
#define KZ_I8042_RESET  0xfe /* command: pulse the reset line */
#define KZ_PVPANIC_PORT 0x505

/* fw_cfg: selector and data, then the address of a transfer (big-endian). */
#define KZ_FWCFG_PORT     0x510
#define KZ_FWCFG_DMA_PORT 0x514

/* PCI: one bus. Configuration by ports (address, then data) and by ECAM. */
#define KZ_PCI_CONFIG_PORT  0xcf8 /* 4 bytes address, 4 bytes data */
#define KZ_PCI_SLOT_CONSOLE 1
#define KZ_PCI_SLOT_RNG     2
#define KZ_PCI_SLOT_DISK    3 /* plus the disk's id */
#define KZ_PCI_DISKS        16
#define KZ_PCI_SLOT_NET     19 /* plus the link's id */
#define KZ_PCI_NETS         13

#define KZ_PVPANIC_PANICKED    0x01
#define KZ_PVPANIC_CRASHLOADED 0x02

/* Generic Event Device: reading the register returns and clears the pending events. */
#define KZ_GED_PORT  0x600 /* 32 bits, read only */
#define KZ_GED_GSI   9     /* edge triggered */
#define KZ_GED_POWER 0x02  /* the power button was pressed */
#define KZ_GED_SLEEP 0x04  /* the sleep button was pressed */
#define KZ_GED_VMGEN 0x08  /* the generation id has changed */

/* Sleep registers: writing (5 << 2) | 0x20 to control is "soft off". */
#define KZ_SLEEP_CONTROL_PORT 0x604 /* 8 bits */
#define KZ_SLEEP_STATUS_PORT  0x605 /* 8 bits */
#define KZ_SLEEP_S5           0x34

/*
 * What firmware boots expects an interrupt controller and a timer of old, and so a
 * machine whose ACPI is not reduced: the PM1 registers, without any event in them.
 */
#define KZ_PM1_EVENT_PORT   0x608 /* 16 bits status, 16 bits enable */
#define KZ_PM1_CONTROL_PORT 0x60c /* 16 bits */
#define KZ_PM1_SLEEP_S5     0x3400
#define KZ_SCI_GSI          10 /* never raised */

/* Guest physical address space. RAM continues at 4 GiB when it is larger than the hole.
 */
#ifdef __ASSEMBLER__
#define KZ_GPA(n) n
#else
#define KZ_GPA(n) n##ul
#endif
#define KZ_GPA_RAM_LOW_END KZ_GPA(0xc0000000)
#define KZ_GPA_ECAM        KZ_GPA(0xc0000000) /* bus 0 */
#define KZ_ECAM_SIZE       KZ_GPA(0x100000)
#define KZ_GPA_PCI_LOW     KZ_GPA(0xd0000000) /* BARs; SeaBIOS fills it from above */
#define KZ_GPA_PCI_LOW_END KZ_GPA(0xfec00000)
#define KZ_PCI_HIGH_SIZE   KZ_GPA(0x400000000) /* above RAM, from a multiple of its size */
#define KZ_GPA_IOAPIC      KZ_GPA(0xfec00000)
#define KZ_GPA_LAPIC       KZ_GPA(0xfee00000)
#define KZ_GPA_RAM_HIGH    KZ_GPA(0x100000000) /* firmware ends here */

/* The command line ends in this word and the zone's name. */
#define KZ_CMDLINE_ZONE "kzones.zone="

/* First line that the built-in guest prints: prefix, zone name, then what it found. */
#define KZ_GREETING_PREFIX "kzones guest: zone "

#endif
