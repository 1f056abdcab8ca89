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
#include <time.h>

#define LOG_LINE_MAX 1024 /* bytes, with the newline; longer lines are cut */

static const char *log_ident = "kzones";
static bool log_journal, log_timed;

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
	log_timed = false;
}

void log_with_time(void)
{
	log_timed = true;
}

/* What a line begins with; its length. */
static size_t begin_line(char *line, size_t size, enum log_level level)
{
	time_t now = time(NULL);
	struct tm tm = { 0 };
	size_t n = 0;

	if (log_journal)
		return (size_t)snprintf(line, size, "<%d>", level);
	if (log_timed && gmtime_r(&now, &tm))
		n = strftime(line, size, "%Y-%m-%dT%H:%M:%SZ ", &tm);
	return n + (size_t)snprintf(line + n, size - n, "%.32s: ", log_ident);
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

	head = begin_line(line, sizeof(line), level);
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
