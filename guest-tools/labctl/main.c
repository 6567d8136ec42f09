// SPDX-License-Identifier: Apache-2.0
/*
 * The command line: `labctl OP key=value…` has the agent of this guest perform
 * one operation and prints what the agent says, a JSON object a line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "labctl.h"

enum {
	EXIT_REFUSED = 1, /* the operation failed */
	EXIT_USAGE = 2,
	EXIT_NO_AGENT = 3,
};

/* In lines of at most 80 columns. */
static void print_wrapped(const char *text)
{
	size_t column = 0, length;

	while (*text) {
		length = strcspn(text, " ");
		if (column && column + 1 + length > 80) {
			putchar('\n');
			column = 0;
		}
		column +=
			printf("%s%.*s", column ? " " : "", (int)length, text);
		text += length;
		text += strspn(text, " ");
	}
	putchar('\n');
}

static int help(const char *name)
{
	const struct op *op;

	if (name) {
		op = op_find(name);
		if (!op) {
			fprintf(stderr, "labctl: there is no operation %s\n",
				name);
			return EXIT_USAGE;
		}
		op_print_usage(op);
		print_wrapped(op->help);
		return EXIT_SUCCESS;
	}

	printf("labctl OP key=value...   has the agent perform OP\n"
	       "labctl help [OP]         tells about all operations or one\n"
	       "labctl agent             is the agent, started by init\n"
	       "labctl process           is one that the agent has started\n\n");
	for (op = ops; op->name; op++)
		op_print_usage(op);
	return EXIT_SUCCESS;
}

/* Values stay text: the agent knows the types. NULL with a message. */
static json_t *build_request(const struct op *op, char **words)
{
	json_t *request = json_pack("{s:i, s:s}", "id", 1, "op", op->name);
	json_t *args = request;
	const struct arg *arg;
	char *value;

	/* What an operation does not take itself belongs into its object. */
	for (arg = op->args; arg->name; arg++) {
		if (arg->type == ARG_OBJECT) {
			args = json_object();
			json_object_set_new(request, arg->name, args);
		}
	}

	for (; *words; words++) {
		json_t *to = args;

		value = strchr(*words, '=');
		if (!value) {
			fprintf(stderr, "labctl: %s is not key=value\n",
				*words);
			json_decref(request);
			return NULL;
		}
		*value++ = '\0';
		for (arg = op->args; arg->name; arg++) {
			if (strcmp(arg->name, *words))
				continue;
			to = request;
			if (arg->type == ARG_OBJECT)
				args = request; /* replaces the object */
		}
		json_object_set_new(to, *words,
				    json_bytes(value, strlen(value)));
	}
	return request;
}

static FILE *connect_agent(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX,
				    .sun_path = SOCKET_PATH };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&name, sizeof(name))) {
		perror("labctl: no agent at " SOCKET_PATH);
		return NULL;
	}
	return fdopen(fd, "r+");
}

/* Prints events and the answer; the exit status is the answer's. */
static int print_answer(FILE *agent)
{
	char *line = NULL;
	size_t space = 0;
	json_t *answer;
	int status;

	while (getline(&line, &space, agent) > 0) {
		fputs(line, stdout);
		fflush(stdout);
		answer = json_loads(line, 0, NULL);
		if (!json_object_get(answer, "ok")) {
			json_decref(answer);
			continue;
		}
		status = EXIT_SUCCESS;
		if (json_is_true(json_object_get(answer, "usage")))
			status = EXIT_USAGE;
		else if (!json_is_true(json_object_get(answer, "ok")))
			status = EXIT_REFUSED;
		json_decref(answer);
		free(line);
		return status;
	}
	fprintf(stderr, "labctl: the agent went away\n");
	free(line);
	return EXIT_NO_AGENT;
}

int main(int argc, char **argv)
{
	const struct op *op;
	json_t *request;
	FILE *agent;
	int status;

	if (argc < 2 || !strcmp(argv[1], "help"))
		return help(argc > 2 ? argv[2] : NULL);
	if (!strcmp(argv[1], "agent"))
		return agent_main(-1);
	if (!strcmp(argv[1], "process"))
		return agent_main(STDIN_FILENO);

	op = op_find(argv[1]);
	if (!op) {
		fprintf(stderr,
			"labctl: there is no operation %s, see labctl help\n",
			argv[1]);
		return EXIT_USAGE;
	}
	request = build_request(op, argv + 2);
	if (!request)
		return EXIT_USAGE;

	agent = connect_agent();
	if (!agent)
		return EXIT_NO_AGENT;
	json_dumpf(request, agent, JSON_COMPACT);
	fputc('\n', agent);
	fflush(agent);
	status = print_answer(agent);
	fclose(agent);
	json_decref(request);
	return status;
}
