// SPDX-License-Identifier: Apache-2.0
/*
 * Operations against each other: lanes that repeat their lists until the time
 * is over, each in a thread of its own. A list that has begun is finished, so
 * that what a lane leaves is what a whole round leaves.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "labctl.h"

/* Lanes of later races stay on CPUs of their own. */
static atomic_bool spread;

struct step {
	const struct op *op;
	json_t *args;
	uint64_t ok;
	uint64_t missed; /* a handle was not there, or being closed */
	json_t *errors;	 /* {"EBUSY":3} */
	json_t *exits;	 /* of vCPUs, or statuses: {"complete":5} */
};

struct lane {
	struct race *race;
	pthread_t thread;
	bool started;
	struct caller caller;
	struct step *steps;
	size_t count;
	uint64_t rounds;
	json_t *mistake; /* the answer of an operation used wrongly */
};

struct race {
	struct lane *lanes;
	size_t count;
	uint64_t deadline;
	_Atomic uint64_t performed;
	atomic_bool stop;
	pthread_mutex_t lock;
	pthread_cond_t ended; /* on the monotonic clock */
	size_t running;
};

static void count(json_t *counts, const char *what)
{
	json_int_t before = json_integer_value(json_object_get(counts, what));

	json_object_set_new(counts, what, json_integer(before + 1));
}

/* False when the race makes no sense. */
static bool perform(struct lane *lane, struct step *step)
{
	json_t *answer = call_perform(step->op, step->args, &lane->caller);
	const char *error = json_string_value(json_object_get(answer, "errno"));
	const char *call = json_string_value(json_object_get(answer, "call"));
	const char *ended = json_string_value(json_object_get(answer, "exit"));
	const char *status =
		json_string_value(json_object_get(answer, "status"));

	atomic_fetch_add(&lane->race->performed, 1);
	if (json_is_true(json_object_get(answer, "usage"))) {
		lane->mistake = answer;
		return false;
	}
	if (json_is_true(json_object_get(answer, "ok")))
		step->ok++;
	else if (call && !strcmp(call, "handle"))
		step->missed++;
	else
		count(step->errors, error ? error : "?");
	if (ended || status)
		count(step->exits, ended ?: status);
	json_decref(answer);
	return true;
}

static void run_lane(struct lane *lane)
{
	struct race *race = lane->race;
	size_t i;

	do {
		for (i = 0; i < lane->count; i++) {
			if (!perform(lane, &lane->steps[i])) {
				atomic_store(&race->stop, true);
				return;
			}
		}
		lane->rounds++;
	} while (monotonic_ns() < race->deadline && !atomic_load(&race->stop));
}

static void *lane_main(void *arg)
{
	struct lane *lane = arg;
	struct race *race = lane->race;

	run_lane(lane);
	pthread_mutex_lock(&race->lock);
	race->running--;
	pthread_cond_signal(&race->ended);
	pthread_mutex_unlock(&race->lock);
	return NULL;
}

/* Tells of progress as long as some lane makes any. */
static void await_lanes(struct call *c, struct race *race)
{
	uint64_t told = 0, performed, next;
	struct timespec until;
	size_t i;

	pthread_mutex_lock(&race->lock);
	while (race->running) {
		next = monotonic_ns() + NSEC_PER_SEC;
		until.tv_sec = next / NSEC_PER_SEC;
		until.tv_nsec = next % NSEC_PER_SEC;
		pthread_cond_timedwait(&race->ended, &race->lock, &until);
		performed = atomic_load(&race->performed);
		if (performed != told)
			call_progress(c, "performed", performed);
		told = performed;
	}
	pthread_mutex_unlock(&race->lock);

	for (i = 0; i < race->count && race->lanes[i].started; i++)
		pthread_join(race->lanes[i].thread, NULL);
}

/* 0, or an errno. */
static int start_lane(struct lane *lane, size_t number)
{
	pthread_attr_t attr;
	cpu_set_t cpus;
	int error = pthread_attr_init(&attr);

	if (error)
		return error;
	if (atomic_load(&spread)) {
		CPU_ZERO(&cpus);
		CPU_SET(number % sysconf(_SC_NPROCESSORS_ONLN), &cpus);
		error = pthread_attr_setaffinity_np(&attr, sizeof(cpus), &cpus);
	}
	if (!error)
		error = pthread_create(&lane->thread, &attr, lane_main, lane);
	pthread_attr_destroy(&attr);
	return error;
}

static int start_lanes(struct call *c, struct race *race)
{
	size_t i;
	int error;

	for (i = 0; i < race->count; i++) {
		struct lane *lane = &race->lanes[i];

		pthread_mutex_lock(&race->lock);
		error = start_lane(lane, i);
		if (!error)
			race->running++;
		pthread_mutex_unlock(&race->lock);
		if (error) {
			atomic_store(&race->stop, true);
			errno = error;
			return call_fail(c, "pthread_create",
					 "cannot start a lane");
		}
		lane->started = true;
	}
	return 0;
}

static int parse_step(struct call *c, json_t *given, struct step *step)
{
	const char *name = json_string_value(json_object_get(given, "run"));
	json_t *args = json_object_get(given, "args");

	step->op = name ? op_find(name) : NULL;
	if (!step->op)
		return call_usage(c, "there is no operation %s", name ?: "''");
	if (args && !json_is_object(args))
		return call_usage(c, "args of %s is no object", name);
	step->args = args ? json_deep_copy(args) : json_object();
	step->errors = json_object();
	step->exits = json_object();
	return 0;
}

static int parse_lanes(struct call *c, struct race *race)
{
	json_t *lanes = call_json(c, "lanes"), *steps, *given;
	size_t i, j;

	race->count = json_array_size(lanes);
	race->lanes = calloc(race->count + 1, sizeof(*race->lanes));
	if (!race->lanes)
		abort();
	json_array_foreach(lanes, i, steps) {
		struct lane *lane = &race->lanes[i];

		lane->race = race;
		lane->caller = c->caller;
		/* Threads must not share what they count references of. */
		lane->caller.tag = json_deep_copy(c->caller.tag);
		lane->caller.patient = true;
		lane->count = json_array_size(steps);
		if (!lane->count)
			return call_usage(c, "a lane is a list of operations");
		lane->steps = calloc(lane->count, sizeof(*lane->steps));
		if (!lane->steps)
			abort();
		json_array_foreach(steps, j, given) {
			if (parse_step(c, given, &lane->steps[j]))
				return -1;
		}
	}
	return race->count ? 0 : call_usage(c, "a race needs lanes");
}

static void free_lanes(struct race *race)
{
	size_t i, j;

	for (i = 0; i < race->count; i++) {
		struct lane *lane = &race->lanes[i];

		for (j = 0; lane->steps && j < lane->count; j++) {
			json_decref(lane->steps[j].args);
			json_decref(lane->steps[j].errors);
			json_decref(lane->steps[j].exits);
		}
		free(lane->steps);
		json_decref(lane->caller.tag);
		json_decref(lane->mistake);
	}
	free(race->lanes);
}

static json_t *describe_lane(struct lane *lane)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < lane->count; i++) {
		struct step *step = &lane->steps[i];

		json_array_append_new(
			list,
			json_pack("{s:s, s:I, s:I, s:O, s:O}", "run",
				  step->op->name, "ok", (json_int_t)step->ok,
				  "missed", (json_int_t)step->missed, "errors",
				  step->errors, "exits", step->exits));
	}
	return json_pack("{s:I, s:o}", "rounds", (json_int_t)lane->rounds,
			 "ops", list);
}

static int answer_race(struct call *c, struct race *race)
{
	json_t *list = json_array();
	int ret = 0;
	size_t i;

	for (i = 0; i < race->count; i++) {
		json_array_append_new(list, describe_lane(&race->lanes[i]));
		if (race->lanes[i].mistake) {
			json_object_update(c->answer, race->lanes[i].mistake);
			ret = -1;
		}
	}
	answer_json(c, "lanes", list);
	return ret;
}

int race_spread(struct call *c)
{
	(void)c;
	atomic_store(&spread, true);
	return 0;
}

int race_run(struct call *c)
{
	struct race race = { .lock = PTHREAD_MUTEX_INITIALIZER };
	pthread_condattr_t attr;
	int ret;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&race.ended, &attr);
	pthread_condattr_destroy(&attr);

	ret = parse_lanes(c, &race);
	if (!ret) {
		race.deadline = monotonic_ns() +
				call_number(c, "seconds", 0) * NSEC_PER_SEC;
		ret = start_lanes(c, &race);
		await_lanes(c, &race);
		if (!ret)
			ret = answer_race(c, &race);
	}
	free_lanes(&race);
	pthread_cond_destroy(&race.ended);
	return ret;
}
