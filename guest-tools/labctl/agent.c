// SPDX-License-Identifier: Apache-2.0
/*
 * The agent: JSON lines over the virtio-serial port and over a unix socket.
 *
 * One loop moves bytes and never does anything else. A request is performed by
 * a thread of its own, which leaves its lines in the client's buffer; the next
 * request of a client starts when the one before is answered.
 *
 * All descriptors are watched edge-triggered. The port reports a hangup for as
 * long as nobody on the host has it open, which level-triggered would spin; the
 * edges are the host coming and going. QEMU makes the same edges when the guest
 * continues from a snapshot. What the host says may be here before the news
 * that it came, so a port is read and its requests are performed even while it
 * is hung up; only the answers wait.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "labctl.h"

#define LINE_LIMIT (4 * 1024 * 1024)
#define WATCHED	   (EPOLLIN | EPOLLOUT | EPOLLET)

struct buffer {
	char *bytes;
	size_t length;
	size_t space;
};

struct client {
	uint64_t id; /* of a port: a new one each time the host leaves */
	int fd;
	bool is_port;
	bool attended; /* somebody on the host has the port open */
	bool busy;     /* a request is being performed */
	bool over;     /* has sent its last line */
	struct buffer in;
	struct buffer out;
	struct client *next;
};

struct request {
	const struct op *op;
	json_t *args;
	json_t *tag;
	uint64_t client;
};

/* Only the loop changes the list; the lock lets threads find a client in it. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct client *clients;
static uint64_t last_id;
static uint64_t leaving; /* the client that said goodbye */
static bool stopping;	 /* and has been answered */

static bool is_process; /* of an agent, which is the only client */
static int epoll_fd;
static int wake_fd;
static int uevent_fd;
static int listen_fd;

static void die(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

static void buffer_add(struct buffer *b, const void *bytes, size_t length)
{
	if (b->space - b->length < length) {
		b->space = (b->length + length) * 2;
		b->bytes = realloc(b->bytes, b->space);
		if (!b->bytes)
			die("labctl agent");
	}
	memcpy(b->bytes + b->length, bytes, length);
	b->length += length;
}

static void buffer_drop(struct buffer *b, size_t length)
{
	b->length -= length;
	memmove(b->bytes, b->bytes + length, b->length);
}

/* With the lock held. */
static struct client *client_find(uint64_t id)
{
	struct client *client;

	for (client = clients; client; client = client->next) {
		if (client->id == id)
			return client;
	}
	return NULL;
}

static void client_say(struct client *client, json_t *line)
{
	char *text = json_dumps(line, JSON_COMPACT);

	if (text) {
		buffer_add(&client->out, text, strlen(text));
		buffer_add(&client->out, "\n", 1);
	}
	free(text);
	json_decref(line);
}

void agent_send(uint64_t id, json_t *line, bool last)
{
	struct client *client;
	uint64_t one = 1;

	pthread_mutex_lock(&lock);
	if (last && leaving == id)
		stopping = true;
	client = client_find(id);
	if (client) {
		client_say(client, line);
		if (last)
			client->busy = false;
		if (last && leaving == id)
			client_say(client, json_pack("{s:s}", "event", "done"));
	} else {
		json_decref(line);
	}
	pthread_mutex_unlock(&lock);

	if (write(wake_fd, &one, sizeof(one)) < 0)
		die("write(eventfd)");
}

void agent_stop(uint64_t client)
{
	pthread_mutex_lock(&lock);
	leaving = client;
	pthread_mutex_unlock(&lock);
}

static void *request_main(void *arg)
{
	struct request *r = arg;
	json_t *line = json_copy(r->tag);
	struct caller caller = { .tag = r->tag, .client = r->client };
	json_t *answer = call_perform(r->op, r->args, &caller);

	json_object_update(line, answer);
	json_decref(answer);
	agent_send(r->client, line, true);
	json_decref(r->args);
	json_decref(r->tag);
	free(r);
	return NULL;
}

/* What cannot even be tried. With the lock held. */
static void client_refuse(struct client *client, json_t *id, const char *why)
{
	client_say(client,
		   json_pack("{s:O?, s:b, s:s, s:b, s:s}", "id", id, "ok", 0,
			     "errno", "EINVAL", "usage", 1, "error", why));
}

/* With the lock held; line ends with a zero byte. */
static void client_request(struct client *client, const char *line)
{
	const char *name;
	struct request *r;
	pthread_t thread;
	json_t *args, *id;

	args = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
	id = json_incref(json_object_get(args, "id"));
	name = json_string_value(json_object_get(args, "op"));
	if (!name || !op_find(name)) {
		client_refuse(client, id,
			      name ? "there is no such operation" :
				     "a request is {\"id\":1,\"op\":\"...\"}");
		json_decref(args);
		json_decref(id);
		return;
	}

	r = calloc(1, sizeof(*r));
	if (!r)
		die("labctl agent");
	r->op = op_find(name);
	r->client = client->id;
	r->tag = json_pack("{s:o?}", "id", id);
	json_object_del(args, "id");
	json_object_del(args, "op");
	r->args = args;

	if (pthread_create(&thread, NULL, request_main, r))
		die("pthread_create");
	pthread_detach(thread);
	client->busy = true;
}

/* Performs what has come in, one line at a time. With the lock held. */
static void client_dispatch(struct client *client)
{
	struct buffer *in = &client->in;
	char *end;

	while (!client->busy && !stopping && in->length &&
	       (end = memchr(in->bytes, '\n', in->length))) {
		*end = '\0';
		if (in->bytes[strspn(in->bytes, " \t\r")])
			client_request(client, in->bytes);
		buffer_drop(in, end + 1 - in->bytes);
	}
}

/* Notes the host coming and going. With the lock held. */
static void port_attend(struct client *port, bool hung_up)
{
	if (port->attended && hung_up) {
		/* What is under way must not reach whoever comes next. */
		port->id = ++last_id;
		port->in.length = 0;
		port->out.length = 0;
		port->busy = false;
	}
	port->attended = !hung_up;
}

/* False when the client cannot go on. With the lock held. */
static bool client_read(struct client *client)
{
	char bytes[16384];
	ssize_t got;

	while ((got = read(client->fd, bytes, sizeof(bytes))) > 0) {
		buffer_add(&client->in, bytes, got);
		if (client->in.length > LINE_LIMIT)
			return false;
	}
	if (got < 0)
		return errno == EAGAIN || errno == EINTR;
	/* A port without a host reads as its end. */
	if (!client->is_port)
		client->over = true;
	return true;
}

/* False when the client cannot go on. With the lock held. */
static bool client_write(struct client *client)
{
	ssize_t put;

	while (client->out.length) {
		put = write(client->fd, client->out.bytes, client->out.length);
		if (put < 0)
			return errno == EAGAIN || errno == EINTR;
		buffer_drop(&client->out, put);
	}
	return !client->over || client->busy;
}

static void client_add(int fd, bool is_port)
{
	struct client *client = calloc(1, sizeof(*client));
	struct epoll_event event = { .events = WATCHED };

	if (!client)
		die("labctl agent");
	client->fd = fd;
	client->is_port = is_port;

	pthread_mutex_lock(&lock);
	client->id = ++last_id;
	client->next = clients;
	clients = client;
	pthread_mutex_unlock(&lock);

	event.data.ptr = client;
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event))
		die("epoll_ctl");
}

/* With the lock held. */
static void client_remove(struct client *client)
{
	struct client **at;

	for (at = &clients; *at != client; at = &(*at)->next)
		;
	*at = client->next;
	close(client->fd);
	free(client->in.bytes);
	free(client->out.bytes);
	free(client);
}

/* Everything that can be done for a client without waiting. */
static void client_serve(struct client *client, uint32_t events)
{
	bool alive = true;

	pthread_mutex_lock(&lock);
	if (events && client->is_port)
		port_attend(client, events & EPOLLHUP);
	if (events)
		alive = client_read(client);
	client_dispatch(client);
	if (alive)
		alive = client_write(client);
	if (!alive)
		client_remove(client);
	pthread_mutex_unlock(&lock);
}

static void serve_all(void)
{
	struct client *client, *next;

	for (client = clients; client; client = next) {
		next = client->next;
		client_serve(client, 0);
	}
}

static bool have_port(void)
{
	struct client *client;

	for (client = clients; client; client = client->next) {
		if (client->is_port)
			return true;
	}
	return false;
}

/* True when the goodbye has been heard, or there is nobody to hear it. */
static bool left(void)
{
	struct client *client;
	bool left;

	pthread_mutex_lock(&lock);
	client = client_find(leaving);
	left = stopping && (!client || !client->out.length);
	/* Whatever a process is doing: it does not survive its parent. */
	if (is_process && (!clients || clients->over))
		left = true;
	pthread_mutex_unlock(&lock);
	return left;
}

static int listen_socket(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX,
				    .sun_path = SOCKET_PATH };
	int fd;

	unlink(SOCKET_PATH);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&name, sizeof(name)) ||
	    listen(fd, 8))
		die(SOCKET_PATH);
	return fd;
}

static void watch(int *fd)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET,
				     .data.ptr = fd };

	if (*fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, *fd, &event))
		die("labctl agent");
}

static void drain_wakeups(void)
{
	uint64_t wakeups;

	while (read(wake_fd, &wakeups, sizeof(wakeups)) > 0)
		;
}

static void accept_clients(void)
{
	int fd;

	for (;;) {
		fd = accept4(listen_fd, NULL, NULL,
			     SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0)
			break;
		client_add(fd, false);
	}
}

/* The port may come later than the agent, hence the uevents. */
static void find_port(void)
{
	int fd;

	uevent_drain(uevent_fd);
	if (have_port())
		return;
	fd = port_open(PORT_NAME);
	if (fd >= 0)
		client_add(fd, true);
}

static void serve(const struct epoll_event *event)
{
	void *source = event->data.ptr;

	if (source == &wake_fd)
		drain_wakeups();
	else if (source == &uevent_fd)
		find_port();
	else if (source == &listen_fd)
		accept_clients();
	else
		client_serve(source, event->events);
}

static void serve_guest(void)
{
	uevent_fd = uevent_open();
	listen_fd = listen_socket();
	watch(&uevent_fd);
	watch(&listen_fd);
	find_port();
}

static void serve_parent(int socket)
{
	is_process = true;
	if (fcntl(socket, F_SETFL, O_NONBLOCK))
		die("fcntl(O_NONBLOCK)");
	client_add(socket, false);
}

int agent_main(int socket)
{
	struct epoll_event events[16];
	int n, i;

	/* A client that goes away is seen by the write that fails. */
	signal(SIGPIPE, SIG_IGN);
	json_object_seed(0);

	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	watch(&wake_fd);
	if (socket < 0)
		serve_guest();
	else
		serve_parent(socket);

	while (!left()) {
		n = epoll_wait(epoll_fd, events, ARRAY_SIZE(events), -1);
		if (n < 0 && errno != EINTR)
			die("epoll_wait");
		for (i = 0; i < n; i++)
			serve(&events[i]);
		serve_all();
	}

	/* Threads may be blocked for good: end without asking them. */
	_exit(EXIT_SUCCESS);
}
