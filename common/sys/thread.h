/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * thread.h - names of threads
 */
#ifndef KZ_SYS_THREAD_H
#define KZ_SYS_THREAD_H

/* Names the calling thread, for top(1), ps(1) and debuggers; what is longer than 15 bytes
 * is cut. */
__attribute__((format(printf, 1, 2))) void thread_set_name(const char *format, ...);

#endif
