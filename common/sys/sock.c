// SPDX-License-Identifier: BSD-2-Clause
/*
 * sock.c - Unix sockets: any path length, messages that carry descriptors, peer identity
 *
 * A path too long for struct sockaddr_un is reached through /proc/self/fd and a
 * descriptor of its directory.
 */
#include "common/sys/sock.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

/*
 * Fills the address of a path; *dir_fd becomes the directory's descriptor when the
 * address needs it. 0, -ENAMETOOLONG or what open(2) gave.
 */
static int address_of(const char *path, struct sockaddr_un *sun, int *dir_fd)
{
	const char *slash = strrchr(path, '/');
	cleanup(freep) char *dir = NULL;
	int n;

	*sun = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) < sizeof(sun->sun_path)) {
		strcpy(sun->sun_path, path);
		return 0;
	}
	if (!slash)
		return -ENAMETOOLONG;
	dir = strndup(path, (size_t)(slash - path) + 1);
	if (!dir)
		return -ENOMEM;
	*dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*dir_fd < 0)
		return -errno;
	n = snprintf(sun->sun_path, sizeof(sun->sun_path), "/proc/self/fd/%d/%s", *dir_fd,
		     slash + 1);
	return (size_t)n < sizeof(sun->sun_path) ? 0 : -ENAMETOOLONG;
}

/* Removes a socket file that a dead process left; anything else stays. */
static void remove_stale(const char *path)
{
	struct stat st;

	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
		unlink(path);
}

int sock_listen(const char *path, int type, mode_t mode, int *ret_fd)
{
	cleanup(closep) int dir_fd = -1;
	cleanup(closep) int fd = -1;
	struct sockaddr_un sun;
	int r;

	r = address_of(path, &sun, &dir_fd);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	remove_stale(sun.sun_path);
	if (bind(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0)
		return -errno;
	/* Until listen() nobody can connect, whatever the umask left. */
	if (chmod(sun.sun_path, mode) < 0 || listen(fd, SOMAXCONN) < 0) {
		r = -errno;
		unlink(sun.sun_path);
		return r;
	}
	*ret_fd = take_fd(&fd);
	return 0;
}

int sock_connect(const char *path, int type, int *ret_fd)
{
	cleanup(closep) int dir_fd = -1;
	cleanup(closep) int fd = -1;
	struct sockaddr_un sun;
	int r;

	r = address_of(path, &sun, &dir_fd);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	do
		r = connect(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0 ? -errno : 0;
	while (r == -EINTR);
	if (r < 0)
		return r;
	*ret_fd = take_fd(&fd);
	return 0;
}

/* Room for the descriptors of one message, aligned as CMSG_FIRSTHDR() wants it. */
union fds_room {
	char bytes[CMSG_SPACE(SOCK_FDS_MAX * sizeof(int))];
	struct cmsghdr align;
};

int sock_send(int fd, const void *data, size_t len, const int *fds, unsigned n_fds)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t)data, .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	union fds_room room = { { 0 } };
	struct cmsghdr *c;
	ssize_t n;

	ASSERT(n_fds <= SOCK_FDS_MAX);
	if (n_fds) {
		msg.msg_control = room.bytes;
		msg.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, n_fds * sizeof(int));
	}
	do
		n = sendmsg(fd, &msg, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EMSGSIZE;
}

/* Takes the descriptors out of a received message; their number. */
static unsigned collect_fds(struct msghdr *msg, int fds[SOCK_FDS_MAX])
{
	unsigned n = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		unsigned here;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		here = (unsigned)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		ASSERT(n + here <= SOCK_FDS_MAX); /* the room has no more */
		memcpy(fds + n, CMSG_DATA(c), here * sizeof(int));
		n += here;
	}
	return n;
}

ssize_t sock_recv(int fd, void *data, size_t size, int fds[SOCK_FDS_MAX],
		  unsigned *ret_n_fds)
{
	struct iovec iov = { .iov_base = data, .iov_len = size };
	union fds_room room = { { 0 } };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = room.bytes,
			      .msg_controllen = sizeof(room.bytes) };
	unsigned n_fds;
	ssize_t n;

	do
		n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	n_fds = collect_fds(&msg, fds);
	if (msg.msg_flags & (MSG_CTRUNC | MSG_TRUNC)) {
		while (n_fds)
			closep(&fds[--n_fds]);
		return msg.msg_flags & MSG_CTRUNC ? -EPROTO : -EMSGSIZE;
	}
	*ret_n_fds = n_fds;
	return n;
}

int sock_peer(int fd, struct ucred *ret_cred)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return -errno;
	*ret_cred = cred;
	return 0;
}
