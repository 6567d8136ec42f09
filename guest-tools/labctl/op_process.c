// SPDX-License-Identifier: Apache-2.0
/*
 * Agents of their own in processes of their own, to be killed while they are at
 * it or to share with. One talks to the others over a socket, the way the host
 * talks to it.
 *
 * A process ends with its parent because it reads the end of that socket. The
 * parent-death signal is none of use: it comes when the thread ends that has
 * started the process, and here that is the thread of one operation.
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "labctl.h"

struct process {
	pid_t pid;
	FILE *socket;
	pthread_mutex_t turn; /* to ask, and wait for the answer */
};

static struct process *process_new(pid_t pid, int socket)
{
	struct process *p = calloc(1, sizeof(*p));

	if (!p)
		abort();
	p->pid = pid;
	p->socket = fdopen(socket, "r");
	if (!p->socket)
		abort();
	pthread_mutex_init(&p->turn, NULL);
	return p;
}

static void process_free(struct process *p)
{
	fclose(p->socket);
	pthread_mutex_destroy(&p->turn);
	free(p);
}

/* Until nothing is left of it: what it had open is closed by then. */
static int end(struct process *p, int *status)
{
	kill(p->pid, SIGKILL);
	while (waitpid(p->pid, status, 0) < 0) {
		if (errno != EINTR)
			return -1;
	}
	return 0;
}

static int spawn(struct call *c, int socket, pid_t *pid)
{
	char *const words[] = { "labctl", "process", NULL };
	posix_spawn_file_actions_t actions;
	int error;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, socket, STDIN_FILENO);
	error = posix_spawn(pid, "/proc/self/exe", &actions, NULL, words,
			    environ);
	posix_spawn_file_actions_destroy(&actions);
	errno = error;
	return error ? call_fail(c, "posix_spawn", "cannot start a process") :
		       0;
}

static void return_to_network(int back)
{
	/* A thread that is lost in another one would tell lies. */
	if (setns(back, CLONE_NEWNET))
		abort();
	close(back);
}

/*
 * Takes this thread into a new network namespace, where lo is up: what it
 * starts then lives there. The way back, or -1 with the answer written.
 */
static int leave_network(struct call *c)
{
	int back = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	if (back < 0)
		return call_fail(c, "open(ns/net)",
				 "this kernel has no network namespaces");
	if (unshare(CLONE_NEWNET)) {
		call_fail(c, "unshare", "no network namespace");
		close(back);
		return -1;
	}
	if (net_up(if_nametoindex("lo"))) {
		call_fail(c, "netlink(RTM_NEWLINK)", "cannot bring up lo");
		return_to_network(back);
		return -1;
	}
	return back;
}

static int spawn_apart(struct call *c, int socket, pid_t *pid)
{
	int back = leave_network(c), ret;

	if (back < 0)
		return -1;
	ret = spawn(c, socket, pid);
	return_to_network(back);
	return ret;
}

int process_start(struct call *c)
{
	struct handle h = { .kind = HANDLE_PROCESS, .fd = -1 };
	int ends[2], ret, status;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return call_fail(c, "socketpair", "cannot talk to a process");
	ret = call_number(c, "netns", 0) ? spawn_apart(c, ends[1], &pid) :
					   spawn(c, ends[1], &pid);
	close(ends[1]);
	if (ret) {
		close(ends[0]);
		return -1;
	}

	h.process = process_new(pid, ends[0]);
	if (!handle_add(c, "name", h)) {
		end(h.process, &status);
		process_free(h.process);
		return -1;
	}
	answer_number(c, "pid", pid);
	return 0;
}

/* What the process says on the way is news of this call. */
static void pass_on(struct call *c, json_t *event)
{
	json_object_del(event, "id");
	json_object_update(event, c->caller.tag);
	agent_send(c->caller.client, event, false);
}

/* The line that is the answer, or NULL with errno. */
static json_t *await_answer(struct call *c, struct process *p)
{
	json_t *answer = NULL;
	char *line = NULL;
	size_t space = 0;

	while (!answer) {
		errno = 0;
		if (getline(&line, &space, p->socket) < 0)
			break;
		answer = json_loads(line, 0, NULL);
		if (json_object_get(answer, "event")) {
			pass_on(c, answer);
			answer = NULL;
		}
	}
	free(line);
	if (!answer && !errno)
		errno = ECONNRESET;
	return answer;
}

static int send_request(struct process *p, const char *op, json_t *args)
{
	json_t *request = json_pack("{s:i, s:s}", "id", 1, "op", op);
	char *line;
	int ret;

	json_object_update_missing(request, args);
	line = json_dumps(request, JSON_COMPACT);
	if (!line)
		abort();
	ret = dprintf(fileno(p->socket), "%s\n", line);
	free(line);
	json_decref(request);
	return ret < 0 ? -1 : 0;
}

/* Has it perform an operation, and makes its answer the call's. */
static int relay(struct call *c, struct handle *h, const char *op, json_t *args)
{
	struct process *p = h->process;
	json_t *answer = NULL;
	bool ok;

	pthread_mutex_lock(&p->turn);
	if (!send_request(p, op, args))
		answer = await_answer(c, p);
	pthread_mutex_unlock(&p->turn);
	if (!answer)
		return call_fail(c, "socket", "process %s is gone", h->name);

	json_object_del(answer, "id");
	ok = json_is_true(json_object_get(answer, "ok"));
	json_object_update(c->answer, answer);
	json_decref(answer);
	return ok ? 0 : -1;
}

int process_call(struct call *c)
{
	struct handle *h = handle_get(c, "name", HANDLE_PROCESS);

	if (!h)
		return -1;
	return relay(c, h, call_text(c, "run", ""), call_json(c, "args"));
}

int process_give(struct call *c)
{
	struct handle *h = handle_get(c, "name", HANDLE_PROCESS);
	struct handle *dmabuf =
		h ? handle_get(c, "dmabuf", HANDLE_DMABUF) : NULL;
	json_t *args;
	int ret;

	if (!dmabuf)
		return -1;
	args = json_pack("{s:i, s:i, s:s}", "pid", getpid(), "fd", dmabuf->fd,
			 "name", dmabuf->name);
	ret = relay(c, h, "dmabuf.adopt", args);
	json_decref(args);
	return ret;
}

int process_kill(struct call *c)
{
	struct handle *h = handle_seize(c, "name", HANDLE_PROCESS);
	int status = 0, ret;
	char how[32];

	if (!h)
		return -1;
	ret = end(h->process, &status);
	if (ret)
		call_fail(c, "waitpid", "cannot tell the end of %s", h->name);
	/* Who waits for an answer reads the end of the socket now. */
	handle_await_unused(h);
	process_free(h->process);
	handle_free(h);
	if (ret)
		return -1;

	if (WIFSIGNALED(status))
		snprintf(how, sizeof(how), "SIG%s",
			 sigabbrev_np(WTERMSIG(status)) ?: "?");
	else
		snprintf(how, sizeof(how), "exit %d", WEXITSTATUS(status));
	answer_text(c, "ended", how);
	return 0;
}
