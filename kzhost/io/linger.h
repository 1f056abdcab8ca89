/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * linger.h - let go of a descriptor whose last close takes the kernel long
 *
 * DOC: Why
 *
 * The last close of a KVM machine with in-kernel interrupt chips waits for several RCU
 * grace periods, 10 to 30 ms in which nothing is done and nobody gains anything, but
 * close(2), or exit(2), does not return: the zone is down that much later. So the
 * descriptor is registered with an io_uring instance, closed here, and the instance after
 * it: the kernel takes instances apart in a worker of its own, and the machine with it.
 * The instance is made disabled, so that it could never carry out a request.
 *
 * Guest memory is not part of this: it goes when the process unmaps it.
 */
#ifndef KZ_IO_LINGER_H
#define KZ_IO_LINGER_H

/**
 * linger_open() - Prepare to let go of one descriptor later
 *
 * The sandbox allows what linger_close() needs, but not this.
 *
 * Return: a descriptor owned by the caller, or what io_uring_setup(2) gave (-ENOSYS,
 * -EPERM, -EINVAL before Linux 5.10): then a plain close has to do
 */
int linger_open(void);

/**
 * linger_close() - Close a descriptor without waiting for what its last close does
 * @ring:	From linger_open(), closed too; or negative: a plain close
 * @fd:		The descriptor; whatever happens, it is no longer open here afterwards
 */
void linger_close(int ring, int fd);

#endif
