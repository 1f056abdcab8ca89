/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * table.h - the property table itself: types, kinds, properties, what we lack; read
 * props.h
 */
#ifndef KZ_ZONE_TABLE_H
#define KZ_ZONE_TABLE_H

#define ZONE_DISKS_MAX 16 /* a zone's machine has a slot for each id */

/*
 * Resource types: id, name, the type it lies in, how many there may be (0 = any number),
 * help.
 */
#define RES_TYPES(X) \
	X(GLOBAL, "global", GLOBAL, 1, "the zone itself") \
	X(DIRECT_BOOT, "direct-boot", GLOBAL, 1, \
	  "a kernel given from the host instead of firmware") \
	X(ANET, "anet", GLOBAL, 0, "a network interface that is made for the zone") \
	X(ANET_MAC, "mac", ANET, 0, "a further MAC address, for zones inside the zone") \
	X(NET, "net", GLOBAL, 0, "a network interface of the host") \
	X(DEVICE, "device", GLOBAL, 0, "a disk") \
	X(CAPPED_MEMORY, "capped-memory", GLOBAL, 1, "the zone's RAM") \
	X(VIRTUAL_CPU, "virtual-cpu", GLOBAL, 1, "the zone's vCPUs") \
	X(DEDICATED_CPU, "dedicated-cpu", GLOBAL, 1, "CPUs that only this zone uses") \
	X(CAPPED_CPU, "capped-cpu", GLOBAL, 1, "an upper limit of CPU time") \
	X(SUSPEND, "suspend", GLOBAL, 1, "where the suspend image is kept") \
	X(KEYSOURCE, "keysource", GLOBAL, 1, "the zone's encryption key") \
	X(SMF_DEPENDENCY, "smf-dependency", GLOBAL, 0, \
	  "a service that has to be online first") \
	X(ATTR, "attr", GLOBAL, 0, "a note of the administrator's") \
	X(ADMIN, "admin", GLOBAL, 0, "a user who may manage the zone") \
	X(RCTL, "rctl", GLOBAL, 0, "a resource control in its own syntax")

/* Kinds of values: id, what a value of the kind looks like (for people). */
#define PROP_KINDS(X) \
	X(TEXT, "text") \
	X(NAME, "letters, digits, '_', '-' and '.'") \
	X(BOOL, "true or false") \
	X(NUMBER, "a whole number") \
	X(DECIMAL, "a number with at most two decimals") \
	X(RANGE, "a whole number, or two joined by '-'") \
	X(CPUS, "a list of CPU numbers and ranges, such as 0-3,8") \
	X(SIZE, "a size: a whole number with K, M, G or T") \
	X(ENUM, "one of the words") \
	X(WORDS, "a list of words") \
	X(PATH, "an absolute path") \
	X(STORAGE, "file:PATH or dev:PATH with an absolute path") \
	X(FMRI, "a service's FMRI, such as svc:/system/zones/zone:NAME") \
	X(HEX, "0x and 8 hexadecimal digits, not all 0") \
	X(MAC, "the MAC address of one station, such as 02:08:20:12:34:56") \
	X(ADDRS, "a list of IP addresses, each with or without a /prefix") \
	X(GOALS, "agent, port, console:PATTERN or none") \
	X(KEY, "32 hexadecimal digits") \
	X(RCTL, "(priv=privileged,limit=NUMBER,action=none)")

/* When a new value counts: id, for people. */
#define PROP_WHENS(X) \
	X(NOW, "at commit") \
	X(BOOT, "at the next boot") \
	X(LIVE, "at the next boot, or at once with -r") \
	X(INSTALL, "when the zone is installed") \
	X(NEVER, "never: it cannot be set")

/*
 * Properties by resource type: id, resource, name, kind, default (NULL = none), flags,
 * when, minimum, maximum, words, help. Minimum and maximum: of numbers, of sizes in bytes
 * (a size is rounded up to a multiple of its minimum), of texts in bytes, of decimals in
 * hundredths. Words: what an enumeration or a list allows, separated by '|'; of a NAME or
 * MAC: the word that stands for none in particular.
 */
#define PROPS_GLOBAL(X) \
	X(ZONEPATH, GLOBAL, "zonepath", PATH, "/system/zones/%{zonename}", \
	  PF_TOKENS | PF_READONLY | PF_QUIET, NEVER, 0, 0, NULL, \
	  "a name only: a kernel zone keeps nothing there") \
	X(BRAND, GLOBAL, "brand", ENUM, "solaris-kz", PF_FIXED, INSTALL, 0, 0, \
	  "solaris-kz", "kind of zone") \
	X(AUTOBOOT, GLOBAL, "autoboot", BOOL, "false", PF_NONE, NOW, 0, 0, NULL, \
	  "boot it when the host boots") \
	X(AUTOSHUTDOWN, GLOBAL, "autoshutdown", ENUM, "shutdown", PF_NONE, NOW, 0, 0, \
	  "shutdown|halt|suspend", "what to do when the host stops") \
	X(BOOTARGS, GLOBAL, "bootargs", TEXT, NULL, PF_NONE, BOOT, 0, 1024, NULL, \
	  "command line of the guest's kernel") \
	X(BOOT_PRIORITY, GLOBAL, "boot-priority", ENUM, "normal", PF_NONE, NOW, 0, 0, \
	  "high|normal|low", "order among zones that could boot") \
	X(SHUTDOWN_TIMEOUT, GLOBAL, "shutdown-timeout", NUMBER, "60", PF_NONE, NOW, 1, \
	  86400, NULL, "seconds to wait for the guest before it is halted") \
	X(ON_PANIC, GLOBAL, "on-panic", ENUM, "hold", PF_NONE, NOW, 0, 0, \
	  "hold|restart|halt", "what to do when the guest panics") \
	X(GOALS, GLOBAL, "goals", GOALS, "none", PF_NONE, NOW, 1, 127, NULL, \
	  "how the guest says that it has reached its goals") \
	X(GOALS_TIMEOUT, GLOBAL, "goals-timeout", NUMBER, "300", PF_NONE, NOW, 1, 86400, \
	  NULL, "seconds to wait for the goals before maintenance") \
	X(IP_TYPE, GLOBAL, "ip-type", ENUM, "exclusive", PF_QUIET, BOOT, 0, 0, \
	  "exclusive", "a kernel zone has a network stack of its own") \
	X(HOSTID, GLOBAL, "hostid", HEX, NULL, PF_AUTO | PF_OWN | PF_INERT, BOOT, 0, 0, \
	  NULL, "number of the machine that the guest sees") \
	X(CPU_SHARES, GLOBAL, "cpu-shares", NUMBER, NULL, PF_NONE, LIVE, 1, 65535, NULL, \
	  "weight of the zone when CPU time is short") \
	X(CPU_ARCH, GLOBAL, "cpu-arch", ENUM, NULL, PF_INERT, BOOT, 0, 0, \
	  "host|generic|x86-64-v2|x86-64-v3|x86-64-v4", \
	  "processor features that the guest sees; not set: the host's") \
	X(TENANT, GLOBAL, "tenant", NAME, NULL, PF_INERT, BOOT, 1, 64, NULL, \
	  "who the zone is run for")

#define PROPS_DIRECT_BOOT(X) \
	X(KERNEL, DIRECT_BOOT, "kernel", PATH, NULL, PF_REQUIRED | PF_TOKENS, BOOT, 0, \
	  0, NULL, "PVH ELF or bzImage, read when the zone boots") \
	X(INITRD, DIRECT_BOOT, "initrd", PATH, NULL, PF_TOKENS, BOOT, 0, 0, NULL, \
	  "initial RAM disk")

#define PROPS_ANET(X) \
	X(LOWER_LINK, ANET, "lower-link", NAME, "auto", PF_TOKENS | PF_INERT, BOOT, 1, \
	  15, "auto", "the host's link below it; auto: one that is up") \
	X(ANET_ADDRESS, ANET, "allowed-address", ADDRS, NULL, PF_LIST | PF_INERT, BOOT, \
	  0, 0, NULL, "the only addresses that the zone may use") \
	X(ANET_CONFIGURE, ANET, "configure-allowed-address", BOOL, "true", PF_INERT, \
	  BOOT, 0, 0, NULL, "give the guest the allowed addresses") \
	X(ANET_ROUTER, ANET, "defrouter", ADDRS, NULL, PF_LIST | PF_INERT, BOOT, 0, 0, \
	  NULL, "the guest's default routers") \
	X(LINK_PROTECTION, ANET, "link-protection", WORDS, "mac-nospoof", \
	  PF_LIST | PF_INERT, BOOT, 0, 0, \
	  "mac-nospoof|ip-nospoof|dhcp-nospoof|restricted|none", \
	  "what the guest is kept from sending") \
	X(ANET_MAC_ADDRESS, ANET, "mac-address", MAC, "auto", PF_INERT, BOOT, 0, 0, \
	  "auto", "its MAC address; auto: one of its own, kept for good") \
	X(ANET_AUTO_MAC, ANET, "auto-mac-address", MAC, NULL, \
	  PF_AUTO | PF_OWN | PF_INERT, BOOT, 0, 0, NULL, \
	  "the address that auto stands for") \
	X(VLAN_ID, ANET, "vlan-id", NUMBER, NULL, PF_INERT, BOOT, 1, 4094, NULL, \
	  "VLAN of the interface") \
	X(LINK_PRIORITY, ANET, "priority", ENUM, NULL, PF_INERT, BOOT, 0, 0, \
	  "high|medium|low", "of its packets; not set: the host's default") \
	X(MTU, ANET, "mtu", NUMBER, NULL, PF_INERT, BOOT, 68, 65535, NULL, \
	  "largest packet in bytes; not set: the link's") \
	X(MAXBW, ANET, "maxbw", SIZE, NULL, PF_INERT, BOOT, 1024, 1024 * GIB, NULL, \
	  "bits a second at most") \
	X(ANET_ID, ANET, "id", NUMBER, NULL, PF_AUTO | PF_UNIQUE | PF_INERT, BOOT, 0, \
	  255, NULL, "place of the interface in the guest")

#define PROPS_ANET_MAC(X) \
	X(MAC_ADDRESS, ANET_MAC, "mac-address", MAC, "auto", PF_INERT, BOOT, 0, 0, \
	  "auto", "the address; auto: one of its own, kept for good") \
	X(MAC_AUTO, ANET_MAC, "auto-mac-address", MAC, NULL, \
	  PF_AUTO | PF_OWN | PF_INERT, BOOT, 0, 0, NULL, \
	  "the address that auto stands for")

#define PROPS_NET(X) \
	X(NET_PHYSICAL, NET, "physical", NAME, NULL, \
	  PF_REQUIRED | PF_TOKENS | PF_UNIQUE | PF_INERT, BOOT, 1, 15, NULL, \
	  "the host's interface") \
	X(NET_ADDRESS, NET, "allowed-address", ADDRS, NULL, PF_LIST | PF_INERT, BOOT, 0, \
	  0, NULL, "the only addresses that the zone may use") \
	X(NET_CONFIGURE, NET, "configure-allowed-address", BOOL, "true", PF_INERT, BOOT, \
	  0, 0, NULL, "give the guest the allowed addresses") \
	X(NET_ROUTER, NET, "defrouter", ADDRS, NULL, PF_LIST | PF_INERT, BOOT, 0, 0, \
	  NULL, "the guest's default routers") \
	X(NET_ID, NET, "id", NUMBER, NULL, PF_AUTO | PF_UNIQUE | PF_INERT, BOOT, 0, 255, \
	  NULL, "place of the interface in the guest")

#define PROPS_DEVICE(X) \
	X(MATCH, DEVICE, "match", PATH, NULL, PF_TOKENS | PF_UNIQUE, BOOT, 0, 0, NULL, \
	  "the disk by its path: a whole disk, a volume or a file") \
	X(STORAGE, DEVICE, "storage", STORAGE, NULL, PF_TOKENS | PF_UNIQUE, BOOT, 0, 0, \
	  NULL, \
	  "the disk; without match and storage: disk%{id} in the zone's own directory") \
	X(DEVICE_ID, DEVICE, "id", NUMBER, NULL, PF_AUTO | PF_UNIQUE, BOOT, 0, \
	  ZONE_DISKS_MAX - 1, NULL, "place of the disk in the guest") \
	X(BOOTPRI, DEVICE, "bootpri", NUMBER, NULL, 0, BOOT, 0, 255, NULL, \
	  "boot order; not set: not bootable")

#define PROPS_CAPPED_MEMORY(X) \
	X(PHYSICAL, CAPPED_MEMORY, "physical", SIZE, "4G", PF_REQUIRED, BOOT, 2 * MIB, \
	  1024 * GIB, NULL, "RAM of the zone, rounded up to 2 MiB") \
	X(PAGESIZE_POLICY, CAPPED_MEMORY, "pagesize-policy", ENUM, NULL, PF_INERT, BOOT, \
	  0, 0, "largest-only|largest-available|smallest-only|fixed", \
	  "pages of the host that the RAM is made of; not set: what there is") \
	X(PAGESIZE, CAPPED_MEMORY, "pagesize", ENUM, NULL, PF_INERT, BOOT, 0, 0, \
	  "4K|2M|1G", "of these pages, with pagesize-policy fixed")

#define PROPS_VIRTUAL_CPU(X) \
	X(NCPUS, VIRTUAL_CPU, "ncpus", NUMBER, "4", PF_REQUIRED, BOOT, 1, 64, NULL, \
	  "number of vCPUs")

#define PROPS_DEDICATED_CPU(X) \
	X(DEDICATED_NCPUS, DEDICATED_CPU, "ncpus", RANGE, NULL, PF_NONE, BOOT, 1, 1024, \
	  NULL, \
	  "number of CPUs, or from how many to how many; without virtual-cpu the zone " \
	  "has as many vCPUs as at least") \
	X(DEDICATED_CPUS, DEDICATED_CPU, "cpus", CPUS, NULL, PF_INERT, BOOT, 0, 4095, \
	  NULL, "the very CPUs") \
	X(DEDICATED_CORES, DEDICATED_CPU, "cores", CPUS, NULL, PF_INERT, BOOT, 0, 4095, \
	  NULL, "the very cores, with all their CPUs") \
	X(DEDICATED_SOCKETS, DEDICATED_CPU, "sockets", CPUS, NULL, PF_INERT, BOOT, 0, \
	  255, NULL, "the very sockets, with all their CPUs") \
	X(IMPORTANCE, DEDICATED_CPU, "importance", NUMBER, NULL, PF_INERT, BOOT, 1, \
	  65535, NULL, "who gets more of a range when CPUs are short")

#define PROPS_CAPPED_CPU(X) \
	X(CAPPED_NCPUS, CAPPED_CPU, "ncpus", DECIMAL, NULL, PF_REQUIRED, LIVE, 1, \
	  102400, NULL, "CPU time in CPUs, such as 1.5")

#define PROPS_SUSPEND(X) \
	X(SUSPEND_PATH, SUSPEND, "path", PATH, NULL, PF_TOKENS | PF_INERT, BOOT, 0, 0, \
	  NULL, "a file; its directory has to be there") \
	X(SUSPEND_STORAGE, SUSPEND, "storage", STORAGE, NULL, PF_TOKENS | PF_INERT, \
	  BOOT, 0, 0, NULL, "a whole disk that nothing else uses")

#define PROPS_KEYSOURCE(X) \
	X(KEY_RAW, KEYSOURCE, "raw", KEY, NULL, PF_AUTO | PF_OWN | PF_INERT, BOOT, 0, 0, \
	  NULL, "the key; not set: a random one is made")

#define PROPS_SMF_DEPENDENCY(X) \
	X(DEP_NAME, SMF_DEPENDENCY, "name", TEXT, NULL, PF_NONE, NOW, 1, 64, NULL, \
	  "dependencies of one name form one group") \
	X(DEP_FMRI, SMF_DEPENDENCY, "fmri", FMRI, NULL, PF_REQUIRED | PF_UNIQUE, NOW, 0, \
	  0, NULL, "service it depends on") \
	X(DEP_GROUPING, SMF_DEPENDENCY, "grouping", ENUM, "require_all", PF_NONE, NOW, \
	  0, 0, "require_all|require_any|optional_all|exclude_all", \
	  "how the group is satisfied")

#define PROPS_ATTR(X) \
	X(ATTR_NAME, ATTR, "name", NAME, NULL, PF_REQUIRED | PF_UNIQUE, NOW, 1, 64, \
	  NULL, "name of the note; not one that begins with zone") \
	X(ATTR_TYPE, ATTR, "type", ENUM, NULL, PF_REQUIRED, NOW, 0, 0, \
	  "string|int|uint|boolean", "what the value is") \
	X(ATTR_VALUE, ATTR, "value", TEXT, NULL, PF_REQUIRED, NOW, 0, 1024, NULL, \
	  "the note")

#define PROPS_ADMIN(X) \
	X(ADMIN_USER, ADMIN, "user", NAME, NULL, PF_REQUIRED | PF_UNIQUE, NOW, 1, 32, \
	  NULL, "the user") \
	X(ADMIN_AUTHS, ADMIN, "auths", WORDS, NULL, PF_REQUIRED | PF_LIST, NOW, 0, 0, \
	  "login|manage|config|liveconfig|clonefrom", "what the user may do")

#define PROPS_RCTL(X) \
	X(RCTL_NAME, RCTL, "name", ENUM, NULL, PF_REQUIRED | PF_UNIQUE, LIVE, 0, 0, \
	  "zone.cpu-cap|zone.cpu-shares", \
	  "the control; zone.cpu-cap counts in hundredths of a CPU") \
	X(RCTL_VALUE, RCTL, "value", RCTL, NULL, PF_REQUIRED, LIVE, 1, 102400, NULL, \
	  "its value")

/*
 * Properties of a resource of which one at most (or exactly one) may be set: resource,
 * whether one has to be, names separated by '|'.
 */
#define PROP_CHOICES(X) \
	X(DEVICE, false, "match|storage") \
	X(DEDICATED_CPU, true, "ncpus|cpus|cores|sockets") \
	X(SUSPEND, true, "path|storage")

/*
 * What Solaris knows and we do not: resource (NULL: "name" is itself a resource type),
 * name, reason. It is refused by name, never silently accepted.
 */
#define UNSUPPORTED_SHARED \
	"a kernel zone has its own kernel: it limits only what one kernel shares"
#define UNSUPPORTED_NIC "Linux has no such setting for a tap interface"
#define UNSUPPORTED_EVS "there is no Elastic Virtual Switch on Linux"
#define UNSUPPORTED_VSI "no switch that is configured by the host (802.1Qbg)"
#define UNSUPPORTED(X) \
	X("global", "limitpriv", \
	  "a kernel zone has its own kernel, and with it all privileges") \
	X("global", "fs-allowed", "a kernel zone mounts nothing from the host") \
	X("global", "file-mac-profile", "a kernel zone's files are its own") \
	X("global", "global-time", "a kernel zone has its own clock") \
	X("global", "pool", "Linux has no resource pools: use dedicated-cpu") \
	X("global", "scheduling-class", \
	  "Linux schedules vCPUs by weight: use cpu-shares") \
	X("global", "host-compatible", "it names levels of SPARC and Solaris hosts") \
	X("global", "boot-disk-protection", \
	  "disks are protected by the restarter's own locks") \
	X("global", "max-lwps", UNSUPPORTED_SHARED) \
	X("global", "max-processes", UNSUPPORTED_SHARED) \
	X("global", "max-msg-ids", UNSUPPORTED_SHARED) \
	X("global", "max-sem-ids", UNSUPPORTED_SHARED) \
	X("global", "max-shm-ids", UNSUPPORTED_SHARED) \
	X("global", "max-shm-memory", UNSUPPORTED_SHARED) \
	X("anet", "linkname", "the guest names its interfaces: use id") \
	X("anet", "mac-prefix", "set mac-address to the address that it shall be") \
	X("anet", "mac-slot", UNSUPPORTED_NIC) \
	X("anet", "allowed-dhcp-cids", UNSUPPORTED_NIC) \
	X("anet", "rxrings", UNSUPPORTED_NIC) \
	X("anet", "txrings", UNSUPPORTED_NIC) \
	X("anet", "rxfanout", UNSUPPORTED_NIC) \
	X("anet", "ring-group", UNSUPPORTED_NIC) \
	X("anet", "lro", UNSUPPORTED_NIC) \
	X("anet", "bwshare", UNSUPPORTED_NIC) \
	X("anet", "cos", UNSUPPORTED_NIC) \
	X("anet", "etsbw-lcl", UNSUPPORTED_NIC) \
	X("anet", "iov", "the guest has no driver for a function of a network card") \
	X("anet", "evs", UNSUPPORTED_EVS) \
	X("anet", "vport", UNSUPPORTED_EVS) \
	X("anet", "vsi-typeid", UNSUPPORTED_VSI) \
	X("anet", "vsi-vers", UNSUPPORTED_VSI) \
	X("anet", "vsi-mgrid", UNSUPPORTED_VSI) \
	X("anet", "linkmode", "there is no IP over InfiniBand for a kernel zone") \
	X("anet", "pkey", "there is no IP over InfiniBand for a kernel zone") \
	X("net", "address", \
	  "a kernel zone has its own network stack: use allowed-address") \
	X("net", "mac-address", "it is the host's interface with the host's address") \
	X("device", "allow-partition", "a kernel zone gets whole disks only") \
	X("device", "allow-raw-io", \
	  "a kernel zone sees a virtio disk, not the real one") \
	X("capped-memory", "swap", "a kernel zone's swap is inside the guest") \
	X("capped-memory", "locked", "a kernel zone's memory is always locked") \
	X("capped-memory", "memory-reserve", \
	  "Linux has no memory reservation pools: see hugetlb pages of the host") \
	X(NULL, "verified-boot", "the guest's boot loader and kernel are its own") \
	X(NULL, "ib-vhca", "there is no virtual InfiniBand adapter for a kernel zone") \
	X(NULL, "npiv", "Linux has no virtual Fibre Channel port for a kernel zone") \
	X(NULL, "fs", "a kernel zone mounts nothing from the host") \
	X(NULL, "inherit-pkg-dir", "a kernel zone mounts nothing from the host") \
	X(NULL, "dataset", "a kernel zone has no datasets of the host") \
	X(NULL, "rootzpool", "a kernel zone has no pools of the host: use device") \
	X(NULL, "zpool", "a kernel zone has no pools of the host: use device")

#endif
