// SPDX-License-Identifier: Apache-2.0
/* Failures on request: of an allocation, or of a whole function. */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "labctl.h"

#define DEBUGFS	 "/sys/kernel/debug/"
#define FUNCTION DEBUGFS "fail_function/"

#define ERRNO_MAX 4095

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool configured;
static uint64_t armed; /* how often a function was to fail */

/*
 * What sleeps may fail as well, and so may single pages: for a system call
 * that is about everything. Memory of the user stays out of it.
 */
static int configure(struct call *c)
{
	static const char *const settings[][2] = {
		{ DEBUGFS "failslab/ignore-gfp-wait", "N" },
		{ DEBUGFS "failslab/cache-filter", "N" },
		{ DEBUGFS "failslab/verbose", "0" },
		{ DEBUGFS "fail_page_alloc/ignore-gfp-wait", "N" },
		{ DEBUGFS "fail_page_alloc/min-order", "0" },
		{ DEBUGFS "fail_page_alloc/verbose", "0" },
	};
	int ret = 0;
	size_t i;

	pthread_mutex_lock(&lock);
	for (i = 0; !configured && !ret && i < ARRAY_SIZE(settings); i++)
		ret = call_write(c, settings[i][0], 0, settings[i][1]);
	/* There only with iommufd's self test, which counts along. */
	write_file(DEBUGFS "fail_iommufd/verbose", 0, "0");
	configured = !ret;
	pthread_mutex_unlock(&lock);
	return ret;
}

int fault_nth(struct call *c)
{
	const char *name = call_text(c, "run", "");
	const struct op *op = op_find(name);
	uint64_t n = call_number(c, "n", 0);
	json_t *answer;
	bool injected;

	if (!op)
		return call_usage(c, "there is no operation %s", name);
	if (!n || n > INT_MAX)
		return call_usage(c, "n counts from 1");
	if (configure(c))
		return -1;
	if (fault_arm(n))
		return call_fail(c, "open(fail-nth)",
				 "this kernel cannot fail allocations");
	answer = call_perform(op, call_json(c, "args"), &c->caller);
	injected = fault_disarm();

	if (json_is_true(json_object_get(answer, "usage"))) {
		json_object_update(c->answer, answer);
		json_decref(answer);
		return -1;
	}
	answer_json(c, "injected", json_boolean(injected));
	answer_json(c, "answer", answer);
	return 0;
}

/* 0 if there is none of that name. */
static int errno_number(const char *name)
{
	int error;

	for (error = 1; error <= ERRNO_MAX; error++) {
		if (!strcmp(errno_name(error), name))
			return error;
	}
	return 0;
}

static int set(struct call *c, const char *file, const char *value)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), FUNCTION "%s", file);
	return call_write(c, path, 0, value);
}

static int set_number(struct call *c, const char *file, uint64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "%#lx", value);
	return set(c, file, text);
}

/* How often the function has failed so far. With the lock held. */
static uint64_t count_injected(void)
{
	uint64_t left = read_number(FUNCTION, "times");

	return armed > left ? armed - left : 0;
}

/* An empty name stands for every function. With the lock held. */
static int disarm(struct call *c)
{
	return set(c, "probability", "0") || set(c, "inject", "\n") ? -1 : 0;
}

static int arm(struct call *c, const char *function, int error, uint64_t times,
	       uint64_t skip)
{
	char retval[256];

	snprintf(retval, sizeof(retval), "%s/retval", function);
	/* The kernel counts space down to 1; only then do failures begin. */
	if (disarm(c) || set(c, "verbose", "0") || set(c, "task-filter", "N") ||
	    set(c, "interval", "1") || set_number(c, "times", times) ||
	    set_number(c, "space", skip + 1) || set(c, "inject", function) ||
	    set_number(c, retval, -(uint64_t)error) ||
	    set(c, "probability", "100"))
		return -1;
	armed = times;
	return 0;
}

int fault_function(struct call *c)
{
	const char *function = call_text(c, "name", "");
	const char *name = call_text(c, "errno", "");
	uint64_t times = call_number(c, "times", 0);
	uint64_t skip = call_number(c, "skip", 0);
	int error = errno_number(name);
	int ret;

	if (!*function || strpbrk(function, "/!"))
		return call_usage(c, "name is that of a function");
	if (!error)
		return call_usage(c, "there is no errno %s", name);
	if (!times || times > INT_MAX || skip >= INT_MAX)
		return call_usage(c, "times is 1 to %d", INT_MAX);

	pthread_mutex_lock(&lock);
	ret = arm(c, function, error, times, skip);
	pthread_mutex_unlock(&lock);
	return ret;
}

int fault_function_clear(struct call *c)
{
	uint64_t injected;
	int ret;

	pthread_mutex_lock(&lock);
	injected = count_injected();
	ret = disarm(c);
	armed = 0;
	pthread_mutex_unlock(&lock);
	answer_number(c, "injected", injected);
	return ret;
}
