// SPDX-License-Identifier: BSD-2-Clause
/*
 * test_slow.c - work that hangs, is given up, comes back, or is never heard of again
 */
#include "restarter/slow.h"
#include "tests/harness/harness.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>

/* Work that waits until somebody writes into its pipe. */
struct job {
	struct slow slow;
	int gate[2];
	int at_first, at_last; /* what slow_at() said before and after */
	bool released, is_done;
	int gone_fd; /* told when it is freed without the loop; -1: never */
};

static struct job *job_of(struct slow *s)
{
	return container_of(s, struct job, slow);
}

static void work(struct slow *s)
{
	struct job *j = job_of(s);
	char byte;

	j->at_first = slow_at(s, "/hung");
	T_EQ(read(j->gate[0], &byte, 1), 1);
	j->at_last = slow_at(s, "/after");
}

static void release(struct slow *s)
{
	job_of(s)->released = true;
}

static void done(struct slow *s)
{
	job_of(s)->is_done = true;
}

static void job_free(struct slow *s)
{
	struct job *j = job_of(s);
	int gone = j->gone_fd;

	close(j->gate[0]);
	close(j->gate[1]);
	free(j);
	if (gone >= 0)
		close(gone);
}

static struct job *job_new(const char *zone)
{
	struct job *j = calloc(1, sizeof(*j));

	T_TRUE(j);
	j->slow = (struct slow){
		.work = work, .release = release, .done = done, .free = job_free
	};
	strcpy(j->slow.zone, zone);
	j->gone_fd = -1;
	T_OK(pipe2(j->gate, O_CLOEXEC));
	return j;
}

static void let_go(struct job *j)
{
	T_EQ(write(j->gate[1], "x", 1), 1);
}

static void wait_at(struct job *j, const char *path)
{
	char at[SLOW_PATH_SIZE] = "";

	while (strcmp(at, path) != 0)
		slow_where(&j->slow, at);
}

static void loop_until(uv_loop_t *loop, const bool *flag)
{
	while (!*flag)
		uv_run(loop, UV_RUN_ONCE);
}

static void loop_end(uv_loop_t *loop)
{
	while (uv_run(loop, UV_RUN_DEFAULT))
		;
	T_OK(uv_loop_close(loop));
}

TEST(slow, work_is_told_in_the_loop_and_others_do_not_wait)
{
	struct slow_box *box = NULL;
	struct job *jobs[8];
	uv_loop_t loop;

	T_OK(uv_loop_init(&loop));
	T_OK(slow_box_new(&loop, &box));
	for (unsigned i = 0; i < ARRAY_SIZE(jobs); i++) {
		jobs[i] = job_new("web");
		T_OK(slow_start(box, &jobs[i]->slow));
	}
	for (unsigned i = 0; i < ARRAY_SIZE(jobs); i++)
		wait_at(jobs[i], "/hung");
	for (unsigned i = ARRAY_SIZE(jobs); i-- > 0;) {
		let_go(jobs[i]);
		loop_until(&loop, &jobs[i]->is_done);
		T_EQ(jobs[i]->at_first, 0);
		T_EQ(jobs[i]->at_last, 0);
		T_TRUE(!jobs[i]->released);
		T_TRUE(!i || !jobs[i - 1]->is_done);
		job_free(&jobs[i]->slow);
	}
	slow_box_free(box);
	loop_end(&loop);
}

TEST(slow, what_is_given_up_lets_go_and_is_known_until_then)
{
	struct slow_box *box = NULL;
	struct job *j = job_new("web");
	uv_loop_t loop;

	T_OK(uv_loop_init(&loop));
	T_OK(slow_box_new(&loop, &box));
	T_OK(slow_start(box, &j->slow));
	T_TRUE(!slow_left(box, "web"));
	wait_at(j, "/hung");
	slow_give_up(&j->slow);
	T_TRUE(slow_left(box, "web") == &j->slow);
	T_TRUE(!slow_left(box, "db"));
	let_go(j);
	loop_until(&loop, &j->is_done);
	T_EQ(j->at_last, -ECANCELED);
	T_TRUE(j->released);
	T_TRUE(!slow_left(box, "web"));
	job_free(&j->slow);
	slow_box_free(box);
	loop_end(&loop);
}

TEST(slow, box_goes_before_its_threads)
{
	struct slow_box *box = NULL;
	struct job *hangs = job_new("web"), *ready = job_new("db");
	struct pollfd gone = { .events = POLLIN };
	int gate = dup(hangs->gate[1]), pair[2];
	char at[SLOW_PATH_SIZE] = "x";
	uv_loop_t loop;

	T_OK(uv_loop_init(&loop));
	T_OK(slow_box_new(&loop, &box));
	T_OK(pipe2(pair, O_CLOEXEC));
	hangs->gone_fd = pair[1];
	T_OK(slow_start(box, &hangs->slow));
	wait_at(hangs, "/hung");
	/* One has finished, and nobody has looked. */
	let_go(ready);
	T_OK(slow_start(box, &ready->slow));
	while (*at)
		slow_where(&ready->slow, at);
	slow_box_free(box);
	loop_end(&loop);
	T_EQ(write(gate, "x", 1), 1);
	gone.fd = pair[0];
	T_EQ(poll(&gone, 1, 60000), 1); /* it frees itself */
	close(pair[0]);
	close(gate);
}
