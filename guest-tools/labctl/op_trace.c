// SPDX-License-Identifier: Apache-2.0
/* The kernel's events, through tracefs. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "labctl.h"

#define TRACEFS "/sys/kernel/tracing/"

/* A trace that is being read in pieces must not change in between. */
#define TRACE_MAX (64u * 1024 * 1024)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool running;
static json_t *probes; /* "group/name" of each kprobe */
static char *text;
static size_t length;

static int take_text(struct call *c)
{
	free(text);
	length = 0;
	text = read_file(c, TRACEFS "trace", TRACE_MAX, &length);
	if (!text)
		return call_fail(c, "read(trace)", "cannot read the trace");
	return 0;
}

/* As good as it goes: also undoes half of a start. */
static void stop(void)
{
	json_t *probe;
	char line[256];
	size_t i;

	write_file(TRACEFS "tracing_on", 0, "0");
	write_file(TRACEFS "set_event", O_TRUNC, "\n");
	json_array_foreach(probes, i, probe) {
		snprintf(line, sizeof(line), "-:%s", json_string_value(probe));
		write_file(TRACEFS "kprobe_events", O_APPEND, line);
	}
	json_decref(probes);
	probes = NULL;
	running = false;
}

static int enable(struct call *c, const char *event)
{
	return call_write(c, TRACEFS "set_event", O_APPEND, event);
}

/* "p:group/name symbol …"; the event's name is what can be removed again. */
static int add_probe(struct call *c, const char *definition)
{
	char group[64], name[64], probe[130];

	const char *names = strchr(definition, ':');

	if (!names || sscanf(names, ":%63[^/ ]/%63[^ ]", group, name) != 2)
		return call_usage(c, "a kprobe is like p:group/name symbol");

	if (call_write(c, TRACEFS "kprobe_events", O_APPEND, definition))
		return -1;
	snprintf(probe, sizeof(probe), "%s/%s", group, name);
	json_array_append_new(probes, json_string(probe));
	snprintf(probe, sizeof(probe), "%s:%s", group, name);
	return enable(c, probe);
}

static int add(struct call *c)
{
	json_t *item;
	size_t i;

	json_array_foreach(call_json(c, "kprobes"), i, item) {
		if (add_probe(c, json_string_value(item)))
			return -1;
	}
	json_array_foreach(call_json(c, "events"), i, item) {
		if (enable(c, json_string_value(item)))
			return -1;
	}
	return 0;
}

static int start(struct call *c)
{
	if (call_write(c, TRACEFS "tracing_on", 0, "0") ||
	    call_write(c, TRACEFS "trace_clock", 0, "mono") ||
	    call_write(c, TRACEFS "trace", O_TRUNC, "\n"))
		return -1;

	probes = json_array();
	running = true;
	if (add(c))
		return -1;
	return call_write(c, TRACEFS "tracing_on", 0, "1");
}

int trace_start(struct call *c)
{
	int ret;

	pthread_mutex_lock(&lock);
	if (running) {
		errno = EBUSY;
		ret = call_fail(c, "trace", "the trace is running already");
	} else {
		ret = start(c);
		if (ret && running)
			stop();
	}
	pthread_mutex_unlock(&lock);
	answer_json(c, "started", json_boolean(!ret));
	return ret;
}

/* What went well before something failed stays until the trace is stopped. */
int trace_add(struct call *c)
{
	int ret;

	pthread_mutex_lock(&lock);
	if (running) {
		ret = add(c);
	} else {
		errno = EINVAL;
		ret = call_fail(c, "trace", "the trace is not running");
	}
	pthread_mutex_unlock(&lock);
	return ret;
}

int trace_mark(struct call *c)
{
	return call_write(c, TRACEFS "trace_marker", 0,
			  call_text(c, "text", ""));
}

static void answer_piece(struct call *c, size_t offset)
{
	size_t piece = length - offset;

	if (piece > TEXT_MAX)
		piece = TEXT_MAX;
	answer_json(c, "text", json_bytes(text + offset, piece));
	answer_number(c, "next", offset + piece);
	answer_json(c, "end", json_boolean(offset + piece == length));
}

int trace_read(struct call *c)
{
	uint64_t offset = call_number(c, "offset", 0);
	int ret = 0;

	pthread_mutex_lock(&lock);
	if (!text || (!offset && running))
		ret = take_text(c);
	if (!ret && offset > length)
		ret = call_usage(c, "the trace has %zu bytes", length);
	if (!ret)
		answer_piece(c, offset);
	pthread_mutex_unlock(&lock);
	return ret;
}

int trace_stop(struct call *c)
{
	int ret;

	pthread_mutex_lock(&lock);
	if (running) {
		/* Removing a kprobe empties the trace: read it before. */
		write_file(TRACEFS "tracing_on", 0, "0");
		ret = take_text(c);
		stop();
	} else {
		errno = EINVAL;
		ret = call_fail(c, "trace", "the trace is not running");
	}
	pthread_mutex_unlock(&lock);
	return ret;
}
