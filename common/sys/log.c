// SPDX-License-Identifier: BSD-2-Clause
/*
 * log.c - one line an event, to standard error
 *
 * When standard error is the journal (systemd says its device and inode in
 * JOURNAL_STREAM) the line begins with "<level>" and leaves name and time to the journal.
 */
#include "common/sys/log.h"
#include "common/sys/file.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define LOG_LINE_MAX 1024 /* bytes, with the newline; longer lines are cut */

static const char *log_ident = "kzones";
static bool log_journal;

/* JOURNAL_STREAM is "device:inode", both decimal. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;
	char *end;

	if (!stream)
		return false;
	dev = strtoull(stream, &end, 10);
	if (end == stream || *end != ':')
		return false;
	ino = strtoull(end + 1, &end, 10);
	if (*end)
		return false;
	return fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}

void log_init(const char *ident)
{
	log_ident = ident;
	log_journal = stderr_is_journal();
}

/**
 * log_line() - Write one line
 *
 * What is not printable becomes "?": the text may quote a guest or a peer. errno is kept.
 */
void log_line(enum log_level level, const char *fmt, ...)
{
	char line[LOG_LINE_MAX];
	int saved = errno;
	size_t len, head;
	va_list ap;

	if (log_journal)
		head = (size_t)snprintf(line, sizeof(line), "<%d>", level);
	else
		head = (size_t)snprintf(line, sizeof(line), "%.32s: ", log_ident);
	va_start(ap, fmt);
	vsnprintf(line + head, sizeof(line) - head, fmt, ap);
	va_end(ap);
	len = strlen(line);
	for (size_t i = head; i < len; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = '?';
	len = MIN(len, sizeof(line) - 2);
	line[len++] = '\n';
	(void)fd_write_all(STDERR_FILENO, line, len);
	errno = saved;
}
