/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's agent and its command line.
 *
 * An operation gets checked arguments and an answer to fill in. It may block as
 * long as it likes: each one runs in a thread of its own, only the agent's loop
 * never waits for anything but its descriptors.
 */
#ifndef LABCTL_H
#define LABCTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <jansson.h>

#define PORT_NAME   "dmabuflab.agent"
#define SOCKET_PATH "/run/labctl.sock"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define NSEC_PER_SEC  1000000000ULL
#define NSEC_PER_MSEC 1000000ULL

/*
 * Operations (ops.c)
 */
enum arg_type {
	ARG_TEXT,
	ARG_NUMBER, /* 7, 0x7, "0x7", true */
	ARG_RANGES, /* [{"offset":0,"length":4096}] or "0+0x1000,…" */
	ARG_LIST,   /* ["a","b"] or "a,b" */
	ARG_OBJECT,
};

struct arg {
	const char *name;
	enum arg_type type;
	bool optional;
};

struct call;

struct op {
	const char *name;
	int (*run)(struct call *c); /* 0, or -1 after call_fail() */
	const struct arg *args;	    /* ends with a nameless one */
	const char *help;
};

extern const struct op ops[]; /* ends with a nameless one */
const struct op *op_find(const char *name);
void op_print_usage(const struct op *op);

/*
 * One operation being performed (call.c)
 */
#define CALL_HANDLES 4

struct call {
	const struct op *op;
	json_t *args;
	json_t *answer;
	json_t *tag;	 /* whose events these are: {"id":7} or {"job":3} */
	uint64_t client; /* who gets the events */
	uint64_t spoke;	 /* when it last said something, in ns */
	struct handle *held[CALL_HANDLES];
};

/* The answer, without the tag. */
json_t *call_perform(const struct op *op, json_t *args, json_t *tag,
		     uint64_t client);

/* Arguments exist and have the type that the table says. */
const char *call_text(struct call *c, const char *name, const char *otherwise);
uint64_t call_number(struct call *c, const char *name, uint64_t otherwise);
json_t *call_json(struct call *c, const char *name);
bool call_has(struct call *c, const char *name);

void answer_text(struct call *c, const char *key, const char *value);
void answer_number(struct call *c, const char *key, uint64_t value);
void answer_json(struct call *c, const char *key, json_t *value);

/* A JSON string of any bytes: what is not UTF-8 becomes '?'. */
json_t *json_bytes(const char *bytes, size_t length);

/*
 * Both write the answer of an operation that failed and return -1: errno of the
 * system call that what names, or a mistake of the caller.
 */
int call_fail(struct call *c, const char *what, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
int call_usage(struct call *c, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* write_file() that reports its failure. */
int call_write(struct call *c, const char *path, int extra, const char *text);

/*
 * Sends an event when the last one is a second old, so that silence means that
 * the guest hangs. To be called where the operation makes progress only.
 */
void call_progress(struct call *c, const char *key, uint64_t value);

/* Waits for input until the deadline, or until progress is due again. */
void poll_input(int fd, uint64_t deadline);

uint64_t monotonic_ns(void);
const char *errno_name(int error);

/*
 * Names for file descriptors and what hangs on them (handles.c)
 */
enum handle_kind {
	HANDLE_DMABUF,
	HANDLE_VFIO,
	HANDLE_IOMMUFD,
	HANDLE_IOAS,
	HANDLE_IMPORTER,
};

struct handle {
	char *name;
	enum handle_kind kind;
	int fd;
	uint32_t id;	/* of an IOAS; its fd is the iommufd's */
	json_t *events; /* of an importer, read and not yet fetched */
	unsigned int users;
	struct handle *next;
};

/* Named by an argument. Not to be closed before the call ends. */
struct handle *handle_get(struct call *c, const char *arg,
			  enum handle_kind kind);
/* Takes it out of the list, for the caller to end or to put back. */
struct handle *handle_take(struct call *c, const char *arg,
			   enum handle_kind kind);
void handle_put_back(struct handle *h);
/* Named by an argument; fd is the handle's, also on failure. */
struct handle *handle_add(struct call *c, const char *arg,
			  enum handle_kind kind, int fd);
/* The iommufd of that name, opened when it is not there yet. */
struct handle *handle_iommufd(struct call *c, const char *name);
/* Closes the descriptor: this is what may block. */
void handle_free(struct handle *h);
/* Ends every handle_get() of a call. */
void handle_release(struct call *c);

/*
 * Files and uevents (sys.c)
 */
#define TEXT_MAX (256 * 1024) /* that one answer carries */

/* To the end, but at most max bytes; NULL with errno. A zero byte follows. */
char *read_file(const char *path, size_t max, size_t *length);
/* First line of a small file in a directory, or "" when there is none. */
void read_line(const char *dir, const char *name, char *line, size_t size);
uint64_t read_number(const char *dir, const char *name);
/* In a single write; extra are further flags for open(). */
int write_file(const char *path, int extra, const char *text);
/* Last part of where a link points to, or "". */
void read_link_name(const char *dir, const char *name, char *target,
		    size_t size);

int uevent_open(void);
/* Forgets what was said so far; what changed has to be looked up anyway. */
void uevent_drain(int fd);
/* A character device below /dev by its port name, -1 with ENOENT. */
int port_open(const char *name);

/*
 * The agent (agent.c)
 */
int agent_main(void);
/*
 * One line to a client, who may be gone. With last it is the answer, and the
 * client's next request is performed.
 */
void agent_send(uint64_t client, json_t *line, bool last);
/* The agent ends when this client has its answer. */
void agent_stop(uint64_t client);

/*
 * Pieces that several operations share
 */
/* COMMAND register of a vfio device: 0, or -1 with errno. */
int vfio_command(int device, uint16_t set, uint16_t clear, uint16_t *before,
		 uint16_t *after);
/* All of it, or -1 with errno; what is the name of the call that failed. */
int vfio_region_read(int device, uint32_t index, uint64_t offset, void *data,
		     size_t length, const char **what);
int vfio_region_write(int device, uint32_t index, uint64_t offset,
		      const void *data, size_t length, const char **what);

/* One query: 0, or -1 with errno. */
int importer_query(int importer, uint64_t pgoff, bool caller_locks,
		   uint64_t *pfn, int *order);

/* One per row of the table in ops.c */
int agent_hello(struct call *c);
int agent_bye(struct call *c);
int pci_list(struct call *c);
int pci_wait(struct call *c);
int pci_bind(struct call *c);
int pci_unbind(struct call *c);
int vfio_open(struct call *c);
int vfio_close(struct call *c);
int vfio_attach(struct call *c);
int vfio_detach(struct call *c);
int vfio_set_command(struct call *c);
int vfio_config_read(struct call *c);
int vfio_config_write(struct call *c);
int vfio_reset(struct call *c);
int vfio_region(struct call *c);
int vfio_read(struct call *c);
int vfio_write(struct call *c);
int dmabuf_export(struct call *c);
int dmabuf_udmabuf(struct call *c);
int dmabuf_heap(struct call *c);
int dmabuf_size(struct call *c);
int handle_close(struct call *c);
int handle_list(struct call *c);
int importer_attach(struct call *c);
int importer_detach(struct call *c);
int importer_query_page(struct call *c);
int importer_range(struct call *c);
int importer_events(struct call *c);
int importer_wait(struct call *c);
int importer_map(struct call *c);
int importer_unmap(struct call *c);
int importer_fence(struct call *c);
int ioas_alloc(struct call *c);
int ioas_destroy(struct call *c);
int ioas_map(struct call *c);
int ioas_unmap(struct call *c);
int edu_dma(struct call *c);
int edu_copy(struct call *c);
int storm_revoke(struct call *c);
int trace_start(struct call *c);
int trace_mark(struct call *c);
int trace_read(struct call *c);
int trace_stop(struct call *c);
int file_read(struct call *c);
int file_write(struct call *c);
int rlimit_nofile(struct call *c);
int job_start(struct call *c);
int job_wait(struct call *c);
int kunit_run(struct call *c);
int kvm_check(struct call *c);

#endif
