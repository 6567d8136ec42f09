/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For C tests of your own (`lab run --test FILE.c`): operations of labctl from
 * C. They go to the agent of the guest, so what one test opens or exports by
 * name can be seen and changed from a shell of that guest too.
 *
 * Not for several threads at once: one of them may be waiting for an answer.
 */
#ifndef LAB_H
#define LAB_H

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define LAB_SOCKET	"/run/labctl.sock"
#define LAB_LINE_LENGTH 4096

/*
 * Ends the test, and says so in TAP: nothing that was planned after this is
 * taken for passed.
 */
__attribute__((format(printf, 1, 2), noreturn)) static inline void
lab_give_up(const char *format, ...)
{
	va_list args;

	printf("Bail out! ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
	exit(EXIT_FAILURE);
}

/* Connected when first asked for; read from here, and written to below. */
static inline FILE *lab_agent(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX,
				    .sun_path = LAB_SOCKET };
	static FILE *agent;
	int fd;

	if (agent)
		return agent;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&name, sizeof(name)))
		lab_give_up("no agent at " LAB_SOCKET ": %s", strerror(errno));
	agent = fdopen(fd, "r");
	if (!agent)
		lab_give_up("no stream from the agent: %s", strerror(errno));
	return agent;
}

/* {"op": OP, KEY: "VALUE", ...}; the agent knows of each value what it is. */
static inline json_t *lab_request(const char *line)
{
	char *rest, *words = strdup(line), *word = strtok_r(words, " ", &rest);
	json_t *request = json_pack("{s:i, s:s*}", "id", 1, "op", word);

	if (!word)
		lab_give_up("lab() needs an operation");
	while ((word = strtok_r(NULL, " ", &rest))) {
		char *value = strchr(word, '=');

		if (!value)
			lab_give_up("%s is not key=value", word);
		*value++ = '\0';
		if (json_object_set_new(request, word, json_string(value)))
			lab_give_up("%s is not UTF-8", word);
	}
	free(words);
	return request;
}

static inline void lab_print(char *line, const char *format, va_list args)
{
	if (vsnprintf(line, LAB_LINE_LENGTH, format, args) >= LAB_LINE_LENGTH)
		lab_give_up("%d bytes are too many: %s", LAB_LINE_LENGTH, line);
}

static inline json_t *lab_perform(const char *line)
{
	char *text, *said = NULL;
	FILE *agent = lab_agent();
	json_t *request, *answer;
	size_t space = 0;

	request = lab_request(line);
	text = json_dumps(request, JSON_COMPACT);
	if (dprintf(fileno(agent), "%s\n", text) < 0)
		lab_give_up("the agent went away: %s", strerror(errno));
	free(text);
	json_decref(request);

	/* What comes before the answer tells that it takes long. */
	while (getline(&said, &space, agent) > 0) {
		answer = json_loads(said, 0, NULL);
		if (json_object_get(answer, "ok")) {
			free(said);
			return answer;
		}
		json_decref(answer);
	}
	lab_give_up("the agent went away");
}

/**
 * lab_errno() - What an operation failed with
 * @answer: of lab_try()
 *
 * Return: the name of an error, such as "ENODEV", or "" if it did not fail.
 */
static inline const char *lab_errno(json_t *answer)
{
	const char *name = json_string_value(json_object_get(answer, "errno"));

	return name ? name : "";
}

/**
 * lab_try() - Have the agent perform an operation that may fail
 * @format: as on labctl's command line, "vfio.command dev=%s memory=0"; no
 *	    value can have a blank in it
 *
 * Return: the answer, whether or not it failed; json_decref() frees it.
 */
__attribute__((format(printf, 1, 2))) static inline json_t *
lab_try(const char *format, ...)
{
	char line[LAB_LINE_LENGTH];
	va_list args;

	va_start(args, format);
	lab_print(line, format, args);
	va_end(args);
	return lab_perform(line);
}

/**
 * lab() - Have the agent perform an operation, or end the test
 * @format: see lab_try()
 *
 * Return: the answer; json_decref() frees it.
 */
__attribute__((format(printf, 1, 2))) static inline json_t *
lab(const char *format, ...)
{
	char line[LAB_LINE_LENGTH];
	json_t *answer;
	va_list args;

	va_start(args, format);
	lab_print(line, format, args);
	va_end(args);
	answer = lab_perform(line);
	if (!json_is_true(json_object_get(answer, "ok")))
		lab_give_up(
			"%s: %s, %s", line, lab_errno(answer),
			json_string_value(json_object_get(answer, "error")));
	return answer;
}

static inline json_t *lab_member(json_t *answer, const char *key)
{
	json_t *value = json_object_get(answer, key);

	if (!value)
		lab_give_up("no %s in %s", key, json_dumps(answer, 0));
	return value;
}

/** lab_number() - A number of an answer, which has to be there */
static inline uint64_t lab_number(json_t *answer, const char *key)
{
	return json_integer_value(lab_member(answer, key));
}

/** lab_text() - A text of an answer, which has to be there and lives as long */
static inline const char *lab_text(json_t *answer, const char *key)
{
	const char *text = json_string_value(lab_member(answer, key));

	if (!text)
		lab_give_up("%s is no text in %s", key, json_dumps(answer, 0));
	return text;
}

#endif
