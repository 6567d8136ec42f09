// SPDX-License-Identifier: Apache-2.0
/* Programs that are no part of the agent: sent here, run, and listened to. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "labctl.h"

/* How long a killed program has to be gone; a task that cannot die never is. */
#define KILL_NS (2 * NSEC_PER_SEC)

/* Value of a base64 digit, or -1. Programs are long, so this has to be fast. */
static int base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Decodes in place; the number of bytes, or -1 when it is no base64. */
static ssize_t base64_decode(char *text)
{
	unsigned int bits = 0, have = 0;
	char *in, *out = text;
	int digit;

	for (in = text; *in && *in != '='; in++) {
		digit = base64_digit(*in);
		if (digit < 0)
			return -1;
		bits = bits << 6 | digit;
		have += 6;
		if (have >= 8) {
			have -= 8;
			*out++ = bits >> have;
		}
	}
	return in[strspn(in, "=")] ? -1 : out - text;
}

static int write_all(int fd, const char *bytes, size_t length)
{
	ssize_t put;

	while (length) {
		put = write(fd, bytes, length);
		if (put < 0)
			return -1;
		bytes += put;
		length -= put;
	}
	return 0;
}

int program_put(struct call *c)
{
	const char *path = call_text(c, "path", "");
	int flags = call_number(c, "append", 0) ? O_APPEND : O_TRUNC;
	char *data = strdup(call_text(c, "data", ""));
	int fd = -1, ret = -1;
	ssize_t length;
	struct stat is;

	length = data ? base64_decode(data) : -1;
	if (length < 0) {
		ret = call_usage(c, "program.put: data is no base64");
		goto out;
	}
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0755);
	if (fd < 0 || write_all(fd, data, length) || fstat(fd, &is)) {
		call_fail(c, "write", "cannot write %s", path);
		goto out;
	}
	answer_number(c, "size", is.st_size);
	ret = 0;
out:
	if (fd >= 0)
		close(fd);
	free(data);
	return ret;
}

/* A vector of the path, if there is one, and a list's words; not the words. */
static char **words(const char *path, json_t *list)
{
	char **vector = calloc(json_array_size(list) + 2, sizeof(*vector));
	char **at = vector;
	json_t *word;
	size_t i;

	if (!vector)
		return NULL;
	if (path)
		*at++ = (char *)path;
	json_array_foreach(list, i, word)
		*at++ = (char *)json_string_value(word);
	return vector;
}

static int spawn(struct call *c, const posix_spawn_file_actions_t *files,
		 short flags, pid_t *pid)
{
	const char *path = call_text(c, "path", "");
	char **argv = words(path, call_json(c, "args"));
	char **env = words(NULL, call_json(c, "env"));
	posix_spawnattr_t attr;
	sigset_t signals;
	int error = ENOMEM;

	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, flags | POSIX_SPAWN_SETSIGDEF |
						POSIX_SPAWN_SETSIGMASK);
	/* The agent ignores SIGPIPE, which programs do not expect. */
	sigfillset(&signals);
	posix_spawnattr_setsigdefault(&attr, &signals);
	sigemptyset(&signals);
	posix_spawnattr_setsigmask(&attr, &signals);
	if (argv && env)
		error = posix_spawn(pid, path, files, &attr, argv, env);
	posix_spawnattr_destroy(&attr);
	free(argv);
	free(env);
	return error;
}

int program_spawn(struct call *c, const posix_spawn_file_actions_t *files,
		  short flags, pid_t *pid)
{
	errno = spawn(c, files, flags, pid);
	return errno ? call_fail(c, "posix_spawn", "cannot run %s",
				 call_text(c, "path", "")) :
		       0;
}

/*
 * A process of a group of its own, with nothing on its standard input and both
 * outputs in one file.
 */
static int spawn_alone(struct call *c, const char *output, pid_t *pid)
{
	posix_spawn_file_actions_t files;
	int ret;

	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
	/* Appending: outputs of the program's own children shall not clash. */
	posix_spawn_file_actions_addopen(
		&files, 1, output, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND,
		0644);
	posix_spawn_file_actions_adddup2(&files, 1, 2);
	ret = program_spawn(c, &files, POSIX_SPAWN_SETPGROUP, pid);
	posix_spawn_file_actions_destroy(&files);
	return ret;
}

/* Waits for the end of the process: true if it came before the deadline. */
static bool await_end(struct call *c, int pidfd, uint64_t deadline)
{
	struct pollfd ended = { .fd = pidfd, .events = POLLIN };
	uint64_t now;

	while ((now = monotonic_ns()) < deadline) {
		call_progress(c, "waits_ms", (deadline - now) / NSEC_PER_MSEC);
		poll_input(pidfd, deadline);
		if (poll(&ended, 1, 0) > 0)
			return true;
	}
	return false;
}

void answer_program_end(struct call *c, int status, const struct rusage *usage)
{
	const char *name;

	if (WIFSIGNALED(status)) {
		name = sigabbrev_np(WTERMSIG(status));
		answer_text(c, "signal", name ? name : "?");
		answer_number(c, "signal_number", WTERMSIG(status));
	} else {
		answer_number(c, "status", WEXITSTATUS(status));
	}
	answer_number(c, "user_ms",
		      usage->ru_utime.tv_sec * 1000 +
			      usage->ru_utime.tv_usec / 1000);
	answer_number(c, "system_ms",
		      usage->ru_stime.tv_sec * 1000 +
			      usage->ru_stime.tv_usec / 1000);
}

int program_run(struct call *c)
{
	static const uint64_t limit_ms = 60000;
	const char *path = call_text(c, "path", "");
	const char *output = call_text(c, "output", "/tmp/program.out");
	uint64_t begin = monotonic_ns();
	uint64_t deadline =
		begin + call_number(c, "timeout_ms", limit_ms) * NSEC_PER_MSEC;
	struct rusage usage = {};
	int pidfd, status;
	struct stat is;
	bool in_time;
	pid_t pid;

	if (spawn_alone(c, output, &pid))
		return -1;

	/* Reaped below only, so the number cannot be another process's. */
	pidfd = syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0)
		return call_fail(c, "pidfd_open", "cannot watch %s", path);
	in_time = await_end(c, pidfd, deadline);
	if (!in_time) {
		kill(-pid, SIGKILL);
		answer_json(c, "timed_out", json_true());
	}
	if (in_time || await_end(c, pidfd, monotonic_ns() + KILL_NS)) {
		if (wait4(pid, &status, 0, &usage) == pid)
			answer_program_end(c, status, &usage);
	} else {
		answer_json(c, "unkillable", json_true());
	}
	close(pidfd);

	answer_number(c, "elapsed_ms",
		      (monotonic_ns() - begin) / NSEC_PER_MSEC);
	answer_text(c, "output", output);
	answer_number(c, "size", stat(output, &is) ? 0 : is.st_size);
	return 0;
}

int program_output(struct call *c)
{
	const char *path = call_text(c, "path", "");
	uint64_t offset = call_number(c, "offset", 0);
	char *text = malloc(TEXT_MAX);
	ssize_t got = -1;
	int fd = -1;

	if (text)
		fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		got = pread(fd, text, TEXT_MAX, offset);
	if (got < 0) {
		call_fail(c, "pread", "cannot read %s", path);
	} else {
		answer_json(c, "text", json_bytes(text, got));
		answer_number(c, "next", offset + got);
	}
	if (fd >= 0)
		close(fd);
	free(text);
	return got < 0 ? -1 : 0;
}
