// SPDX-License-Identifier: Apache-2.0
/*
 * Programs that somebody on the host talks to, over virtio-serial ports: one is
 * the program's terminal, or there is one for each of its outputs.
 *
 * Bytes may still be on their way when the answer is there, so it says how many
 * there are. All descriptors are watched edge-triggered, for the reason given
 * in agent.c: after any edge, everything is moved that can be.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "labctl.h"

/* Moves bytes from one descriptor to another; without them it does nothing. */
struct pump {
	int from;
	int to;
	size_t start; /* of what is read and not yet written */
	size_t end;
	uint64_t moved;
	char bytes[32768];
};

struct attached {
	struct pump input;
	struct pump output;
	struct pump errors;
	int sizes; /* a port that says how large the terminal is */
	int pidfd;
	int edges;
};

static int await_port(struct call *c, const char *arg)
{
	uint64_t deadline = monotonic_ns() + 10 * NSEC_PER_SEC;
	const char *name = call_text(c, arg, "");
	int uevents = uevent_open();
	int fd;

	if (uevents < 0)
		return call_fail(c, "socket(NETLINK_KOBJECT_UEVENT)",
				 "cannot watch for ports");
	while ((fd = port_open(name)) < 0 && errno == ENOENT &&
	       uevent_wait(c, uevents, deadline))
		;
	if (fd < 0)
		call_fail(c, "open", "cannot open the port %s", name);
	close(uevents);
	return fd;
}

/* True when it cannot go on before what it has read is written. */
static bool pump_run(struct pump *p)
{
	ssize_t n;

	if (p->from < 0)
		return false;
	for (;;) {
		if (p->start == p->end) {
			n = read(p->from, p->bytes, sizeof(p->bytes));
			if (n <= 0)
				return false;
			p->start = 0;
			p->end = n;
		}
		n = write(p->to, p->bytes + p->start, p->end - p->start);
		if (n < 0)
			return true;
		p->start += n;
		p->moved += n;
	}
}

/* Lines of "ROWS COLUMNS", each in one piece, of which the last one counts. */
static void resize(struct attached *a)
{
	struct winsize size = {};
	char text[4096], *line;
	ssize_t n;

	if (a->sizes < 0)
		return;
	n = read(a->sizes, text, sizeof(text) - 1);
	if (n <= 0)
		return;
	text[n - 1] = '\0';
	line = strrchr(text, '\n');
	if (sscanf(line ? line : text, "%hu %hu", &size.ws_row, &size.ws_col) ==
	    2)
		ioctl(a->output.from, TIOCSWINSZ, &size);
}

static int watch(struct attached *a, int fd)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET };

	return fd < 0 ? 0 : epoll_ctl(a->edges, EPOLL_CTL_ADD, fd, &event);
}

/* Until the program has ended and all that it said is on its way. */
static int serve(struct call *c, struct attached *a)
{
	struct pollfd program = { .fd = a->pidfd, .events = POLLIN };
	struct epoll_event event;
	bool ended, waits;

	a->edges = epoll_create1(EPOLL_CLOEXEC);
	if (a->edges < 0 || watch(a, a->pidfd) || watch(a, a->sizes) ||
	    watch(a, a->output.from) || watch(a, a->output.to) ||
	    watch(a, a->errors.from) || watch(a, a->errors.to))
		return call_fail(c, "epoll", "cannot watch the program");
	for (;;) {
		ended = poll(&program, 1, 0) > 0;
		resize(a);
		pump_run(&a->input);
		waits = pump_run(&a->output);
		waits |= pump_run(&a->errors);
		if (ended && !waits)
			return 0;
		epoll_wait(a->edges, &event, 1, 1000);
		call_progress(c, "moved", a->output.moved);
	}
}

/* A new terminal for the program, and its other side for the pumps. */
static int open_terminal(struct call *c, struct attached *a,
			 posix_spawn_file_actions_t *files)
{
	struct winsize size = {
		.ws_row = call_number(c, "rows", 24),
		.ws_col = call_number(c, "columns", 80),
	};
	int port, master;
	char path[64];

	port = await_port(c, "terminal");
	if (port < 0)
		return -1;
	a->input.from = a->output.to = port;
	if (call_has(c, "sizes")) {
		a->sizes = await_port(c, "sizes");
		if (a->sizes < 0)
			return -1;
	}
	master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	a->input.to = a->output.from = master;
	if (master < 0 || unlockpt(master) ||
	    ptsname_r(master, path, sizeof(path)) ||
	    ioctl(master, TIOCSWINSZ, &size))
		return call_fail(c, "posix_openpt", "cannot make a terminal");
	/* Becomes the controlling one of a process that leads a session. */
	posix_spawn_file_actions_addopen(files, 0, path, O_RDWR, 0);
	posix_spawn_file_actions_adddup2(files, 0, 1);
	posix_spawn_file_actions_adddup2(files, 0, 2);
	return 0;
}

/* A pipe for what the program writes to fd; the program's end of it, or -1. */
static int open_pipe(struct call *c, struct pump *pump, const char *arg,
		     posix_spawn_file_actions_t *files, int fd)
{
	int ends[2];

	pump->to = await_port(c, arg);
	if (pump->to < 0)
		return -1;
	if (pipe2(ends, O_CLOEXEC))
		return call_fail(c, "pipe2", "cannot listen to a program");
	pump->from = ends[0];
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	posix_spawn_file_actions_adddup2(files, ends[1], fd);
	return ends[1];
}

static int run(struct call *c, struct attached *a)
{
	bool terminal = call_has(c, "terminal");
	posix_spawn_file_actions_t files;
	struct rusage usage = {};
	int theirs[] = { -1, -1 };
	int status, ret = -1;
	pid_t pid;

	posix_spawn_file_actions_init(&files);
	if (terminal) {
		if (open_terminal(c, a, &files))
			goto out;
	} else {
		posix_spawn_file_actions_addopen(&files, 0, "/dev/null",
						 O_RDONLY, 0);
		theirs[0] = open_pipe(c, &a->output, "output", &files, 1);
		if (theirs[0] < 0)
			goto out;
		theirs[1] = open_pipe(c, &a->errors, "errors", &files, 2);
		if (theirs[1] < 0)
			goto out;
	}
	ret = program_spawn(
		c, &files,
		terminal ? POSIX_SPAWN_SETSID : POSIX_SPAWN_SETPGROUP, &pid);
	if (ret)
		goto out;
	/* Reaped below only, so the number cannot be another process's. */
	a->pidfd = syscall(SYS_pidfd_open, pid, 0);
	ret = a->pidfd < 0 ? call_fail(c, "pidfd_open", "cannot watch it") :
			     serve(c, a);
	if (ret)
		kill(-pid, SIGKILL);
	if (wait4(pid, &status, 0, &usage) == pid)
		answer_program_end(c, status, &usage);
out:
	close(theirs[0]);
	close(theirs[1]);
	posix_spawn_file_actions_destroy(&files);
	return ret;
}

int program_attach(struct call *c)
{
	struct attached *a = calloc(1, sizeof(*a));
	int ret;

	if (!a)
		return call_fail(c, "calloc", "no memory for a program");
	a->input.from = a->input.to = a->sizes = a->pidfd = a->edges = -1;
	a->output.from = a->output.to = a->errors.from = a->errors.to = -1;
	if (!call_has(c, "terminal") &&
	    !(call_has(c, "output") && call_has(c, "errors")))
		ret = call_usage(c, "%s needs terminal, or output and errors",
				 c->op->name);
	else
		ret = run(c, a);

	answer_number(c, "output_bytes", a->output.moved);
	answer_number(c, "error_bytes", a->errors.moved);
	/* A terminal's two pumps have the same ends. */
	close(a->output.from);
	close(a->output.to);
	close(a->errors.from);
	close(a->errors.to);
	close(a->sizes);
	close(a->pidfd);
	close(a->edges);
	free(a);
	return ret;
}
