// SPDX-License-Identifier: BSD-2-Clause
/*
 * logs.c - a zone's logs: console.<zone> and messages.<zone>
 */
#include "restarter/logs.h"
#include "common/base/buf.h"
#include "common/sys/file.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

/* name.1 -> name.2, name.0 -> name.1, name -> name.0; what fails only keeps more. */
static void rotate(const char *path)
{
	for (int i = LOG_KEPT - 1; i >= 0; i--) {
		cleanup(freep) char *from = NULL;
		cleanup(freep) char *to = NULL;

		if (asprintf(&to, "%s.%d", path, i) < 0 ||
		    (i ? asprintf(&from, "%s.%d", path, i - 1)
		       : asprintf(&from, "%s", path)) < 0)
			return;
		(void)rename(from, to);
	}
}

static int open_append(const char *path, struct stat *st)
{
	cleanup(closep) int fd =
		open(path,
		     O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK,
		     0640);

	if (fd < 0 || fstat(fd, st) < 0)
		return -errno;
	return S_ISREG(st->st_mode) ? take_fd(&fd) : -EINVAL;
}

int log_open(const struct paths *p, enum path_id id, const char *zone, int *ret_fd)
{
	cleanup(freep) char *path = paths_get(p, id, zone);
	cleanup(closep) int fd = -1;
	struct stat st = { 0 };

	if (!path)
		return -ENOMEM;
	fd = open_append(path, &st);
	if (fd >= 0 && st.st_size >= LOG_ROTATE_BYTES) {
		closep(&fd);
		rotate(path);
		fd = open_append(path, &st);
	}
	if (fd < 0)
		return fd;
	*ret_fd = take_fd(&fd);
	return 0;
}

int log_message(const struct paths *p, const char *zone, const char *fmt, ...)
{
	cleanup(closep) int fd = -1;
	char line[1024], when[32];
	time_t now = time(NULL);
	struct tm tm;
	va_list ap;
	int n, r;

	r = log_open(p, PATH_MESSAGES_LOG, zone, &fd);
	if (r < 0)
		return r;
	strftime(when, sizeof(when), "%b %e %H:%M:%S", localtime_r(&now, &tm));
	n = snprintf(line, sizeof(line), "[ %s ", when);
	va_start(ap, fmt);
	n += vsnprintf(line + n, sizeof(line) - (size_t)n, fmt, ap);
	va_end(ap);
	n = MIN(n, (int)sizeof(line) - 4);
	for (int i = 0; i < n; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = '?';
	n += snprintf(line + n, sizeof(line) - (size_t)n, " ]\n");
	return fd_write_all(fd, line, (size_t)n);
}
