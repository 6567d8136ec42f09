// SPDX-License-Identifier: Apache-2.0
/* One operation: its arguments checked, its answer or its failure written. */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "labctl.h"

uint64_t monotonic_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

const char *errno_name(int error)
{
	const char *name = strerrorname_np(error);

	return name ? name : "?";
}

/* Decimal or 0x…, all of the text, of up to 64 bits. */
static bool parse_number(const char *text, const char *end, json_int_t *number)
{
	char *stop;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*number = strtoull(text, &stop, 0);
	return !errno && stop == end;
}

static json_t *coerce_number(json_t *value)
{
	json_int_t number;

	if (json_is_boolean(value))
		return json_integer(json_is_true(value));
	if (json_is_integer(value) && json_integer_value(value) >= 0)
		return json_incref(value);
	if (json_is_string(value)) {
		const char *text = json_string_value(value);

		if (parse_number(text, text + strlen(text), &number))
			return json_integer(number);
	}
	return NULL;
}

/* The parts of "a,b,c", or NULL when one of them does not parse. */
static json_t *split(const char *text,
		     json_t *(*parse)(const char *text, size_t length))
{
	json_t *list = json_array();

	for (;;) {
		size_t length = strcspn(text, ",");

		if (json_array_append_new(list, parse(text, length))) {
			json_decref(list);
			return NULL;
		}
		if (!text[length])
			return list;
		text += length + 1;
	}
}

static json_t *parse_range(const char *text, size_t length)
{
	const char *plus = memchr(text, '+', length);
	json_int_t start, size;

	if (!plus || !parse_number(text, plus, &start) ||
	    !parse_number(plus + 1, text + length, &size))
		return NULL;
	return json_pack("{s:I, s:I}", "offset", start, "length", size);
}

static json_t *coerce_range(json_t *value)
{
	json_t *offset = coerce_number(json_object_get(value, "offset"));
	json_t *length = coerce_number(json_object_get(value, "length"));

	/* NULL if one of them is, and both are freed then. */
	return json_pack("{s:o, s:o}", "offset", offset, "length", length);
}

static json_t *coerce_text(json_t *value)
{
	return json_is_string(value) ? json_incref(value) : NULL;
}

static json_t *coerce_each(json_t *value, json_t *(*coerce)(json_t *value))
{
	json_t *list = json_array();
	json_t *item;
	size_t i;

	json_array_foreach(value, i, item) {
		if (json_array_append_new(list, coerce(item))) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *coerce_json(json_t *value, json_type type)
{
	const char *text = json_string_value(value);
	json_t *json = text ? json_loads(text, 0, NULL) : json_incref(value);

	if (json && json_typeof(json) == type)
		return json;
	json_decref(json);
	return NULL;
}

static json_t *coerce(json_t *value, enum arg_type type)
{
	const char *text = json_string_value(value);

	switch (type) {
	case ARG_TEXT:
		return coerce_text(value);
	case ARG_NUMBER:
		return coerce_number(value);
	case ARG_RANGES:
		if (text)
			return split(text, parse_range);
		return json_is_array(value) ? coerce_each(value, coerce_range) :
					      NULL;
	case ARG_LIST:
		if (text)
			return split(text, json_stringn);
		return json_is_array(value) ? coerce_each(value, coerce_text) :
					      NULL;
	case ARG_OBJECT:
		return coerce_json(value, JSON_OBJECT);
	case ARG_ARRAY:
		return coerce_json(value, JSON_ARRAY);
	}
	return NULL;
}

static int check_args(struct call *c, json_t *given)
{
	const struct arg *arg;
	const char *key;
	json_t *value;

	for (arg = c->op->args; arg->name; arg++) {
		value = json_object_get(given, arg->name);
		if (!value) {
			if (arg->optional)
				continue;
			return call_usage(c, "%s needs %s", c->op->name,
					  arg->name);
		}
		value = coerce(value, arg->type);
		if (!value)
			return call_usage(c, "%s: %s is malformed", c->op->name,
					  arg->name);
		json_object_set_new(c->args, arg->name, value);
	}

	json_object_foreach(given, key, value) {
		if (!json_object_get(c->args, key))
			return call_usage(c, "%s has no argument %s",
					  c->op->name, key);
	}
	return 0;
}

json_t *call_perform(const struct op *op, json_t *args,
		     const struct caller *caller)
{
	struct call c = {
		.op = op,
		.args = json_object(),
		.answer = json_object(),
		.caller = *caller,
		.spoke = monotonic_ns(),
	};
	int ret;

	json_object_set_new(c.answer, "ok", json_true());
	ret = check_args(&c, args);
	if (!ret)
		ret = op->run(&c);
	if (ret)
		json_object_set_new(c.answer, "ok", json_false());

	handle_release(&c);
	json_decref(c.args);
	return c.answer;
}

json_t *call_json(struct call *c, const char *name)
{
	return json_object_get(c->args, name);
}

bool call_has(struct call *c, const char *name)
{
	return call_json(c, name);
}

const char *call_text(struct call *c, const char *name, const char *otherwise)
{
	const char *text = json_string_value(call_json(c, name));

	return text ? text : otherwise;
}

uint64_t call_number(struct call *c, const char *name, uint64_t otherwise)
{
	json_t *value = call_json(c, name);

	return value ? (uint64_t)json_integer_value(value) : otherwise;
}

ssize_t call_bytes(struct call *c, const char *name, uint8_t *bytes,
		   size_t space)
{
	const char *text = call_text(c, name, "");
	size_t n;

	for (n = 0; text[2 * n]; n++) {
		if (n == space || !isxdigit(text[2 * n]) ||
		    !isxdigit(text[2 * n + 1]))
			return -1;
		sscanf(text + 2 * n, "%2hhx", bytes + n);
	}
	return n;
}

void answer_bytes(struct call *c, const char *key, const uint8_t *bytes,
		  size_t length)
{
	char *text = calloc(2, length + 1);
	size_t i;

	if (!text)
		abort();
	for (i = 0; i < length; i++)
		sprintf(text + 2 * i, "%02x", bytes[i]);
	answer_text(c, key, text);
	free(text);
}

json_t *json_bytes(const char *bytes, size_t length)
{
	json_t *text = json_stringn(bytes, length);
	char *copy;
	size_t i;

	if (text)
		return text;

	copy = malloc(length + 1);
	if (!copy)
		return NULL;
	for (i = 0; i < length; i++)
		copy[i] = bytes[i] & 0x80 ? '?' : bytes[i];
	text = json_stringn(copy, length);
	free(copy);
	return text;
}

void answer_json(struct call *c, const char *key, json_t *value)
{
	json_object_set_new(c->answer, key, value);
}

void answer_text(struct call *c, const char *key, const char *value)
{
	answer_json(c, key, json_bytes(value, strlen(value)));
}

void answer_number(struct call *c, const char *key, uint64_t value)
{
	answer_json(c, key, json_integer(value));
}

int call_fail(struct call *c, const char *what, const char *format, ...)
{
	int error = errno;
	const char *reason = strerrordesc_np(error);
	char sentence[512], whole[640];
	va_list args;

	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	snprintf(whole, sizeof(whole), "%s: %s", sentence,
		 reason ? reason : "unknown error");

	answer_text(c, "errno", errno_name(error));
	answer_text(c, "call", what);
	answer_text(c, "error", whole);
	return -1;
}

int call_usage(struct call *c, const char *format, ...)
{
	char sentence[512];
	va_list args;

	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);

	answer_text(c, "errno", "EINVAL");
	answer_json(c, "usage", json_true());
	answer_text(c, "error", sentence);
	return -1;
}

int call_write(struct call *c, const char *path, int extra, const char *text)
{
	char what[PATH_MAX];

	if (!write_file(path, extra, text))
		return 0;
	snprintf(what, sizeof(what), "write(%s)", path);
	return call_fail(c, what, "cannot write '%.100s'", text);
}

void poll_input(int fd, uint64_t deadline)
{
	struct pollfd input = { .fd = fd, .events = POLLIN };
	uint64_t now = monotonic_ns(), wait = 0;

	if (now < deadline)
		wait = deadline - now;
	if (wait > NSEC_PER_SEC)
		wait = NSEC_PER_SEC;
	/* Rounded up: a millisecond too late is no busy loop. */
	poll(&input, 1, (wait + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC);
}

bool uevent_wait(struct call *c, int uevents, uint64_t deadline)
{
	uint64_t now = monotonic_ns();

	if (now >= deadline)
		return false;
	call_progress(c, "waits_ms", (deadline - now) / NSEC_PER_MSEC);
	poll_input(uevents, deadline);
	uevent_drain(uevents);
	return true;
}

void call_progress(struct call *c, const char *key, uint64_t value)
{
	uint64_t now = monotonic_ns();
	json_t *event;

	if (now - c->spoke < NSEC_PER_SEC)
		return;
	c->spoke = now;

	event = json_pack("{s:s, s:s, s:I}", "event", "progress", "op",
			  c->op->name, key, (json_int_t)value);
	json_object_update(event, c->caller.tag);
	agent_send(c->caller.client, event, false);
}
