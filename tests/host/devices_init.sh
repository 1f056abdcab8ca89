#!/bin/busybox sh
# shellcheck shell=dash
# SPDX-License-Identifier: BSD-2-Clause
#
# devices_init.sh: /init of a stock guest that has its drivers do what drivers do
#
# Loads virtio modules, reads entropy, binds the driver again and again, moves its interrupt
# to either processor, takes the device out of the bus and finds it again (which gives its
# BAR another address); writes to hvc0, and to the port on which goals are said. Each step
# prints one line, "init: WHAT RESULT".
#
# Linux 6.1 stops the thread of its hwrng core without looking whether it just ends by
# itself; it is given time to fall asleep before its device goes.

b=/bin/busybox
driver=/sys/bus/virtio/drivers/virtio_rng
function=/sys/bus/pci/devices/0000:00:02.0

# Prints how many bytes of $2 came.
entropy()
{
	echo "init: $1 $($b dd if=/dev/hwrng bs=4096 count="$2" 2>/dev/null | $b wc -c)"
}

irq()
{
	$b grep "$device-input" /proc/interrupts | $b sed 's/^ *//; s/:.*//'
}

$b mount -t proc proc /proc
$b mount -t sysfs sysfs /sys
$b mount -t devtmpfs dev /dev
for module in virtio virtio_ring virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci virtio-rng virtio_console; do
	$b insmod /modules/$module.ko || echo "init: failed $module"
done
device=$($b ls $function | $b grep '^virtio')
echo "init: status $($b cat "$function/$device/status")"
entropy read 32
for _ in 1 2 3; do
	$b sleep 1
	echo "$device" >$driver/unbind
	echo "$device" >$driver/bind
done
entropy rebound 8
for processor in 1 2; do
	echo $processor >"/proc/irq/$(irq)/smp_affinity"
	entropy moved$processor 8
done
echo "init: interrupts $($b grep "$device-input" /proc/interrupts | $b tr -s ' ')"
$b sleep 1
before=$($b head -n 1 $function/resource)
echo 1 >$function/remove
echo 1 >/sys/bus/pci/rescan
echo "init: before $before"
echo "init: after $($b head -n 1 $function/resource)"
entropy found 8
# The driver makes its ports when the device has told it of them.
until [ -c /dev/vport0p2 ]; do
	$b sleep 1
done
echo "init: ports $($b cat /sys/class/virtio-ports/*/name | $b tr '\n' ' ')"
echo "init: hvc0 by hvc0" >/dev/hvc0
echo up >/dev/vport0p2
echo "init: done"
$b sleep 100000
