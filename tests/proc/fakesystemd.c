// SPDX-License-Identifier: BSD-2-Clause
/*
 * fakesystemd.c - a system bus with nobody but a service manager on it, for tests
 *
 * fakesystemd SOCKET FILE: serves one client after the other. FILE has a line for each
 * unit, "NAME LoadState ActiveState JOB [ID]", JOB being "-" or the type of a job and ID
 * the name that NAME is an alias of; units that are not in it are not found. With the
 * line "mute" no question is answered. On SIGUSR1 the file is read again and what has
 * changed is told by PropertiesChanged; on SIGUSR2 it is read again and Reloading is
 * told. Each question goes to standard output: "ask NAME".
 */
#include "common/sys/sock.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <systemd/sd-bus.h>

#define UNITS_MAX 16
#define SYSTEMD   "org.freedesktop.systemd1"
#define US        ":1.0" /* as a bus would say whose messages they are */

struct unit {
	char name[64], load[16], active[16], job[16], id[64];
};

struct fake {
	const char *file;
	struct unit units[UNITS_MAX];
	unsigned n;
	bool mute;
	sd_bus *bus; /* NULL: no client */
};

static void need(int r, const char *what)
{
	if (r >= 0)
		return;
	fprintf(stderr, "fakesystemd: %s: %s\n", what, strerror(-r));
	exit(1);
}

static void read_file(struct fake *f)
{
	FILE *in = fopen(f->file, "re");
	char line[256];

	f->n = 0;
	f->mute = false;
	while (in && fgets(line, sizeof(line), in) && f->n < UNITS_MAX) {
		struct unit *u = &f->units[f->n];
		int n = sscanf(line, "%63s %15s %15s %15s %63s", u->name, u->load,
			       u->active, u->job, u->id);

		f->mute |= n == 1 && strcmp(u->name, "mute") == 0;
		if (n == 4)
			strcpy(u->id, u->name);
		f->n += n >= 4;
	}
	if (in)
		fclose(in);
}

static struct unit find(const struct fake *f, const char *name)
{
	struct unit none = { .load = "not-found", .active = "inactive", .job = "-" };

	for (unsigned i = 0; i < f->n; i++)
		if (strcmp(f->units[i].name, name) == 0)
			return f->units[i];
	snprintf(none.name, sizeof(none.name), "%s", name);
	snprintf(none.id, sizeof(none.id), "%s", name);
	return none;
}

static char *object_of(const struct unit *u)
{
	char *path = NULL;

	need(sd_bus_path_encode("/org/freedesktop/systemd1/unit", u->id, &path), "path");
	return path;
}

static void send_message(sd_bus *bus, sd_bus_message *m)
{
	need(sd_bus_message_set_sender(m, US), "sender");
	(void)sd_bus_send(bus, m, NULL);
	sd_bus_message_unref(m);
}

static void answer_list(struct fake *f, sd_bus_message *call)
{
	sd_bus_message *m = NULL;
	const char *name = NULL;
	struct unit u;
	char *path;
	bool job;

	need(sd_bus_message_enter_container(call, 'a', "s"), "names");
	need(sd_bus_message_read(call, "s", &name), "name");
	printf("ask %s\n", name);
	fflush(stdout);
	if (f->mute)
		return;
	u = find(f, name);
	path = object_of(&u);
	job = strcmp(u.job, "-") != 0;
	need(sd_bus_message_new_method_return(call, &m), "answer");
	need(sd_bus_message_append(m, "a(ssssssouso)", 1, u.id, "described", u.load,
				   u.active, "sub", "", path, job ? 7 : 0,
				   job ? u.job : "", job ? "/job/7" : "/"),
	     "unit");
	free(path);
	send_message(f->bus, m);
}

static void answer(sd_bus *bus, sd_bus_message *call, const char *text)
{
	sd_bus_message *m = NULL;

	need(sd_bus_message_new_method_return(call, &m), "answer");
	if (text)
		need(sd_bus_message_append(m, "s", text), "text");
	send_message(bus, m);
}

static int on_message(sd_bus_message *m, void *arg, sd_bus_error *error)
{
	struct fake *f = arg;

	if (sd_bus_message_is_method_call(m, "org.freedesktop.DBus", "Hello"))
		answer(f->bus, m, ":1.1");
	else if (sd_bus_message_is_method_call(m, SYSTEMD ".Manager", "ListUnitsByNames"))
		answer_list(f, m);
	else if (sd_bus_message_is_method_call(m, NULL, NULL))
		answer(f->bus, m, NULL); /* AddMatch, RemoveMatch, Subscribe */
	return 1;
}

static void accept_client(struct fake *f, int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	sd_id128_t id = SD_ID128_MAKE(6b, 7a, 6f, 6e, 65, 73, 66, 61, 6b, 65, 62, 75, 73,
				      30, 30, 31);

	need(fd < 0 ? -errno : 0, "accept");
	need(sd_bus_new(&f->bus), "bus");
	need(sd_bus_set_fd(f->bus, fd, fd), "fd");
	need(sd_bus_set_server(f->bus, 1, id), "server");
	need(sd_bus_set_trusted(f->bus, 1), "trusted");
	need(sd_bus_add_filter(f->bus, NULL, on_message, f), "filter");
	need(sd_bus_start(f->bus), "start");
}

static void tell_changed(struct fake *f, const struct unit *old, const struct unit *now)
{
	sd_bus_message *m = NULL;
	char *path;

	if (memcmp(old->load, now->load, sizeof(old->load)) == 0 &&
	    strcmp(old->active, now->active) == 0 && strcmp(old->job, now->job) == 0)
		return;
	path = object_of(now);
	need(sd_bus_message_new_signal(f->bus, &m, path,
				       "org.freedesktop.DBus.Properties",
				       "PropertiesChanged"),
	     "signal");
	need(sd_bus_message_append(m, "sa{sv}as", SYSTEMD ".Unit", 1, "ActiveState", "s",
				   now->active, 0),
	     "properties");
	free(path);
	send_message(f->bus, m);
}

static void on_signal(struct fake *f, int fd)
{
	struct fake old = *f;
	struct signalfd_siginfo info;
	sd_bus_message *m = NULL;

	need(read(fd, &info, sizeof(info)) == sizeof(info) ? 0 : -errno, "signal");
	read_file(f);
	if (!f->bus)
		return;
	if (info.ssi_signo == SIGUSR2) {
		need(sd_bus_message_new_signal(f->bus, &m, "/org/freedesktop/systemd1",
					       SYSTEMD ".Manager", "Reloading"),
		     "signal");
		need(sd_bus_message_append(m, "b", 0), "reloading");
		send_message(f->bus, m);
		return;
	}
	for (unsigned i = 0; i < f->n; i++) {
		struct unit was = find(&old, f->units[i].name);

		tell_changed(f, &was, &f->units[i]);
	}
}

static void serve(struct fake *f)
{
	int r = 1;

	while (r > 0)
		r = sd_bus_process(f->bus, NULL);
	if (r < 0)
		f->bus = sd_bus_close_unref(f->bus);
}

int main(int argc, char **argv)
{
	struct fake f = { .file = argv[2] };
	struct pollfd p[3] = { { .events = POLLIN }, { .events = POLLIN } };
	sigset_t set;

	if (argc != 3)
		return 2;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	read_file(&f);
	p[1].fd = signalfd(-1, &set, SFD_CLOEXEC);
	need(sock_listen(argv[1], SOCK_STREAM, 0600, &p[0].fd), argv[1]);
	for (;;) {
		p[2].fd = f.bus ? sd_bus_get_fd(f.bus) : -1;
		p[2].events = f.bus ? (short)sd_bus_get_events(f.bus) : 0;
		p[0].events = f.bus ? 0 : POLLIN;
		need(poll(p, ARRAY_SIZE(p), -1) < 0 ? -errno : 0, "poll");
		if (p[0].revents & POLLIN)
			accept_client(&f, p[0].fd);
		if (p[1].revents)
			on_signal(&f, p[1].fd);
		if (f.bus)
			serve(&f);
	}
}
