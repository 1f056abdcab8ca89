#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# devices_in_host.sh: runs in the rig's host (test_devices.py judges what it leaves)
#
# Boots a zone with the distribution's kernel and an initramfs of busybox, the distribution's
# own virtio modules and devices_init.sh; its console goes to /var/log/rig.

set -eu
version=$(uname -r)
root=/var/lib/devices
modules=/lib/modules/$version/kernel/drivers

mkdir -p /var/log/rig "$root/bin" "$root/modules" "$root/proc" "$root/sys" "$root/dev"
cp /bin/busybox "$root/bin/"
cp "$modules"/virtio/virtio*.ko "$modules"/char/hw_random/virtio-rng.ko \
	"$modules"/char/virtio_console.ko "$root/modules/"
cp /usr/lib/devices_init "$root/init"
chmod +x "$root/init"
(cd "$root" && find . | busybox cpio -o -H newc >/var/lib/devices.cpio)

zonecfg -z lx 'create -b; add capped-memory; set physical=256m; end;
	add virtual-cpu; set ncpus=2; end; add direct-boot; set kernel=/usr/lib/hostvm/vmlinuz;
	set initrd=/var/lib/devices.cpio; end; set bootargs="console=ttyS0"; set goals=port'
zoneadm -z lx install
svcadm enable -t svc:/system/zones/zone:lx
for _ in $(seq 150); do
	! grep -q 'init: done' /var/log/zones/console.lx || break
	sleep 1
done
for _ in $(seq 30); do
	svcs -H -o state svc:/system/zones/zone:lx >/var/log/rig/state.lx
	! grep -q '^online' /var/log/rig/state.lx || break
	sleep 1
done
cp /var/log/zones/console.lx /var/log/rig/
zoneadm -z lx halt
