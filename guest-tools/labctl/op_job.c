// SPDX-License-Identifier: Apache-2.0
/* Operations that are expected to block, and to be waited for later. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "labctl.h"

struct job {
	json_int_t id;
	const struct op *op;
	json_t *args;
	json_t *answer; /* once it is done */
	uint64_t client;
	struct job *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t done; /* on the monotonic clock */
static pthread_once_t done_once = PTHREAD_ONCE_INIT;
static struct job *jobs;
static json_int_t last_id;

static void init_done(void)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&done, &attr);
	pthread_condattr_destroy(&attr);
}

static void *job_main(void *arg)
{
	struct job *job = arg;
	struct caller caller = {
		.tag = json_pack("{s:I}", "job", job->id),
		.client = job->client,
	};
	json_t *answer = call_perform(job->op, job->args, &caller);

	json_decref(caller.tag);
	pthread_mutex_lock(&lock);
	job->answer = answer;
	pthread_cond_broadcast(&done);
	pthread_mutex_unlock(&lock);
	return NULL;
}

int job_start(struct call *c)
{
	const char *name = call_text(c, "run", "");
	const struct op *op = op_find(name);
	pthread_t thread;
	struct job *job;
	int error;

	if (!op)
		return call_usage(c, "there is no operation %s", name);
	pthread_once(&done_once, init_done);

	job = calloc(1, sizeof(*job));
	if (!job)
		return call_fail(c, "calloc", "no memory for a job");
	job->op = op;
	job->args = call_has(c, "args") ? json_deep_copy(call_json(c, "args")) :
					  json_object();
	job->client = c->caller.client;

	pthread_mutex_lock(&lock);
	job->id = last_id + 1;
	error = pthread_create(&thread, NULL, job_main, job);
	if (!error) {
		pthread_detach(thread);
		last_id = job->id;
		job->next = jobs;
		jobs = job;
		answer_number(c, "job", job->id);
	}
	pthread_mutex_unlock(&lock);

	if (error) {
		json_decref(job->args);
		free(job);
		errno = error;
		return call_fail(c, "pthread_create", "cannot start a job");
	}
	return 0;
}

/* With the lock held. */
static struct job **find(json_int_t id)
{
	struct job **job;

	for (job = &jobs; *job && (*job)->id != id; job = &(*job)->next)
		;
	return job;
}

/*
 * Until the job is done or it is time. Points to NULL when there is no such
 * job, or no longer: another one may wait for it too. With the lock held.
 */
static struct job **await_job(struct call *c, json_int_t id, uint64_t deadline)
{
	struct timespec until;
	uint64_t now, next;
	struct job **job;

	while (*(job = find(id)) && !(*job)->answer &&
	       (now = monotonic_ns()) < deadline) {
		call_progress(c, "waits_ms", (deadline - now) / NSEC_PER_MSEC);
		next = deadline - now < NSEC_PER_SEC ? deadline :
						       now + NSEC_PER_SEC;
		until.tv_sec = next / NSEC_PER_SEC;
		until.tv_nsec = next % NSEC_PER_SEC;
		pthread_cond_timedwait(&done, &lock, &until);
	}
	return job;
}

int job_wait(struct call *c)
{
	uint64_t deadline = monotonic_ns() +
			    call_number(c, "timeout_ms", 0) * NSEC_PER_MSEC;
	json_int_t id = call_number(c, "job", 0);
	struct job **at, *job;
	int ret = 0;

	pthread_once(&done_once, init_done);
	pthread_mutex_lock(&lock);
	at = await_job(c, id, deadline);
	job = *at;
	if (!job) {
		errno = ENOENT;
		ret = call_fail(c, "job", "there is no job %lld", id);
	} else if (job->answer) {
		answer_json(c, "done", json_true());
		answer_json(c, "answer", job->answer);
		*at = job->next;
		json_decref(job->args);
		free(job);
	} else {
		answer_json(c, "done", json_false());
	}
	pthread_mutex_unlock(&lock);
	return ret;
}
