/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For C tests of your own (`lab run --test FILE.c`): operations of labctl from
 * C. They go to the agent of the guest, so what one test opens or exports by
 * name can be seen and changed from a shell of that guest too.
 *
 * Not for several threads at once: one of them may be waiting for an answer. A
 * child that was forked has a connection of its own.
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
	static pid_t owner;
	int fd;

	if (agent && owner == getpid())
		return agent;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&name, sizeof(name)))
		lab_give_up("no agent at " LAB_SOCKET ": %s", strerror(errno));
	agent = fdopen(fd, "r");
	if (!agent)
		lab_give_up("no stream from the agent: %s", strerror(errno));
	owner = getpid();
	return agent;
}

/* {"op": OP, KEY: "VALUE", ...}; the agent knows of each value what it is. */
static inline json_t *lab_request(const char *line)
{
	char words[LAB_LINE_LENGTH], *rest, *word;
	json_t *request;

	strcpy(words, line);
	word = strtok_r(words, " ", &rest);
	if (!word)
		lab_give_up("lab() needs an operation");
	request = json_pack("{s:i, s:s}", "id", 1, "op", word);
	while ((word = strtok_r(NULL, " ", &rest))) {
		char *value = strchr(word, '=');

		if (!value)
			lab_give_up("%s is not key=value", word);
		*value++ = '\0';
		if (json_object_set_new(request, word, json_string(value)))
			lab_give_up("%s is not UTF-8", word);
	}
	return request;
}

static inline void lab_format(char *line, const char *format, va_list args)
{
	if (vsnprintf(line, LAB_LINE_LENGTH, format, args) >= LAB_LINE_LENGTH)
		lab_give_up("%d bytes are too many: %s", LAB_LINE_LENGTH, line);
}

static inline void lab_send(int fd, const char *bytes, size_t length)
{
	while (length) {
		ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);

		if (sent < 0)
			lab_give_up("the agent went away: %s", strerror(errno));
		bytes += sent;
		length -= sent;
	}
}

static inline json_t *lab_perform(const char *line)
{
	FILE *agent = lab_agent();
	json_t *request = lab_request(line), *answer;
	char *text = json_dumps(request, JSON_COMPACT), *said = NULL;
	size_t space = 0;

	lab_send(fileno(agent), text, strlen(text));
	lab_send(fileno(agent), "\n", 1);
	free(text);
	json_decref(request);

	/* What comes before the answer tells that it takes long. */
	while (getline(&said, &space, agent) > 0) {
		answer = json_loads(said, 0, NULL);
		if (!json_object_get(answer, "ok")) {
			json_decref(answer);
			continue;
		}
		/* A misspelt word is nothing that the kernel has refused. */
		if (json_is_true(json_object_get(answer, "usage")))
			lab_give_up("%s: %s", line, said);
		free(said);
		return answer;
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
 *	    value can have a blank in it, and what operations such as job.start
 *	    pass on is one of them, args={"name":"importer"}
 *
 * What is no operation, or not its argument, ends the test.
 *
 * Return: the answer, whether or not it failed; json_decref() frees it.
 */
__attribute__((format(printf, 1, 2))) static inline json_t *
lab_try(const char *format, ...)
{
	char line[LAB_LINE_LENGTH];
	va_list args;

	va_start(args, format);
	lab_format(line, format, args);
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
	lab_format(line, format, args);
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

/**
 * lab_number() - A number of an answer, or the end of the test
 * @answer: of lab() or lab_try()
 * @key: what it is called there
 *
 * Return: that number.
 */
static inline uint64_t lab_number(json_t *answer, const char *key)
{
	json_t *value = lab_member(answer, key);

	if (!json_is_integer(value))
		lab_give_up("%s is no number in %s", key,
			    json_dumps(answer, 0));
	return json_integer_value(value);
}

/**
 * lab_text() - A text of an answer, or the end of the test
 * @answer: of lab() or lab_try()
 * @key: what it is called there
 *
 * Return: that text, which lives as long as the answer.
 */
static inline const char *lab_text(json_t *answer, const char *key)
{
	const char *text = json_string_value(lab_member(answer, key));

	if (!text)
		lab_give_up("%s is no text in %s", key, json_dumps(answer, 0));
	return text;
}

#endif
