// SPDX-License-Identifier: BSD-2-Clause
/*
 * thread.c - names of threads
 */
#include "common/sys/thread.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/prctl.h>

#define COMM_SIZE 16 /* the kernel's TASK_COMM_LEN */

void thread_set_name(const char *format, ...)
{
	char name[COMM_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(name, sizeof(name), format, args);
	va_end(args);
	prctl(PR_SET_NAME, name);
}
