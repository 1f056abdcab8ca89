// SPDX-License-Identifier: BSD-2-Clause
/*
 * file.c - whole files: read, replace atomically, lock, make directories
 */
#include "common/sys/file.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Reads until the end of file or max + 1 bytes; the block has room for a NUL. */
static int read_up_to(int fd, size_t max, size_t guess, char **ret_data, size_t *ret_len)
{
	size_t cap = MIN(guess, max) + 2, len = 0;
	cleanup(freep) char *data = malloc(cap);
	char *bigger;
	ssize_t n;

	while (data) {
		n = read(fd, data + len, cap - 1 - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		len += (size_t)n;
		if (len > max)
			return -EFBIG;
		if (n == 0) {
			data[len] = '\0';
			*ret_data = take_ptr(&data);
			*ret_len = len;
			return 0;
		}
		if (len < cap - 1)
			continue;
		bigger = realloc(data, cap * 2);
		if (!bigger)
			return -ENOMEM;
		data = bigger;
		cap *= 2;
	}
	return -ENOMEM;
}

int file_read(const char *path, size_t max_bytes, char **ret_data, size_t *ret_len)
{
	cleanup(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (st.st_size > 0 && (uint64_t)st.st_size > max_bytes)
		return -EFBIG;
	return read_up_to(fd, max_bytes, (size_t)st.st_size, ret_data, ret_len);
}

int fd_write_all(int fd, const void *data, size_t len)
{
	const char *p = data;
	ssize_t n;

	while (len) {
		n = write(fd, p, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

/* "dir/name" becomes "dir/.name.XXXXXX"; NULL when memory is short. */
static char *temp_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	int dir_len = slash ? (int)(slash - path) + 1 : 0;
	char *s;

	if (asprintf(&s, "%.*s.%s.XXXXXX", dir_len, path, path + dir_len) < 0)
		return NULL;
	return s;
}

/* The directory of @path, to make a rename in it durable. 0 or -errno. */
static int open_dir_of(const char *path, int *ret_fd)
{
	cleanup(freep) char *dir = strdup(path);
	char *slash;
	int fd;

	if (!dir)
		return -ENOMEM;
	slash = strrchr(dir, '/');
	if (slash)
		slash[slash == dir] = '\0';
	fd = open(slash ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

/* Fills the new file; it is complete on the disk when durable. */
static int fill(int fd, const void *data, size_t len, mode_t mode, bool durable)
{
	int r;

	if (fchmod(fd, mode) < 0)
		return -errno;
	r = fd_write_all(fd, data, len);
	if (r == 0 && durable && fsync(fd) < 0)
		r = -errno;
	return r;
}

int file_replace(const char *path, const void *data, size_t len, mode_t mode,
		 bool durable)
{
	cleanup(freep) char *temp = temp_name(path);
	cleanup(closep) int dir_fd = -1;
	int fd, r;

	if (!temp)
		return -ENOMEM;
	/* Once it is renamed nothing but the disk itself may fail. */
	r = durable ? open_dir_of(path, &dir_fd) : 0;
	if (r < 0)
		return r;
	fd = mkostemp(temp, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = fill(fd, data, len, mode, durable);
	if (close(fd) < 0 && r == 0)
		r = -errno;
	if (r == 0 && rename(temp, path) < 0)
		r = -errno;
	if (r < 0) {
		unlink(temp);
		return r;
	}
	return durable && fsync(dir_fd) < 0 ? -errno : 0;
}

/* The pid that the holder wrote, 0 when there is none to be read. */
static pid_t read_holder(int fd)
{
	char text[16] = "";
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	long pid = n > 0 ? strtol(text, NULL, 10) : 0;

	return pid > 0 && pid <= INT32_MAX ? (pid_t)pid : 0;
}

int file_lock(const char *path, int *ret_fd, pid_t *ret_holder)
{
	cleanup(closep) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char text[16];
	int n;

	if (fd < 0)
		return -errno;
	if (fcntl(fd, F_OFD_SETLK, &lock) < 0) {
		if (errno != EAGAIN && errno != EACCES)
			return -errno;
		if (ret_holder)
			*ret_holder = read_holder(fd);
		return -EBUSY;
	}
	/* The pid is a courtesy: a full disk must not take the lock away. */
	n = snprintf(text, sizeof(text), "%d\n", getpid());
	if (ftruncate(fd, 0) == 0 && pwrite(fd, text, (size_t)n, 0) != n)
		(void)!ftruncate(fd, 0);
	*ret_fd = take_fd(&fd);
	return 0;
}

/* One level; an existing directory is fine, however mkdir(2) refuses it. */
static int make_one(const char *path, mode_t mode)
{
	struct stat st;
	int err;

	if (mkdir(path, mode) == 0)
		return 0;
	err = errno;
	if (stat(path, &st) < 0)
		return -err;
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

int dir_make(const char *path, mode_t mode)
{
	cleanup(freep) char *copy = strdup(path);
	int r;

	if (!copy)
		return -ENOMEM;
	for (char *p = copy; *p; p++) {
		if (*p != '/' || p == copy || p[-1] == '/')
			continue;
		*p = '\0';
		r = make_one(copy, mode);
		*p = '/';
		if (r < 0)
			return r;
	}
	return make_one(copy, mode);
}
