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

#include <spawn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>
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
	ARG_OBJECT, /* {...}, on the command line as text */
	ARG_ARRAY,  /* [...], likewise */
};

struct arg {
	const char *name;
	enum arg_type type;
	bool optional;
};

struct call;
struct vfio_region_info;

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
#define CALL_HANDLES 8

/* Whom an operation is performed for. */
struct caller {
	json_t *tag;	 /* whose events these are: {"id":7} or {"job":3} */
	uint64_t client; /* who gets the events */
	bool patient;	 /* waits for a handle that others use, to close it */
};

struct call {
	const struct op *op;
	json_t *args;
	json_t *answer;
	struct caller caller;
	uint64_t spoke; /* when it last said something, in ns */
	struct handle *held[CALL_HANDLES];
};

/* The answer, without the tag. */
json_t *call_perform(const struct op *op, json_t *args,
		     const struct caller *caller);

/* Arguments exist and have the type that the table says. */
const char *call_text(struct call *c, const char *name, const char *otherwise);
uint64_t call_number(struct call *c, const char *name, uint64_t otherwise);
json_t *call_json(struct call *c, const char *name);
bool call_has(struct call *c, const char *name);
/* Length of hexadecimal text turned into bytes; -1 if malformed or too long. */
ssize_t call_bytes(struct call *c, const char *name, uint8_t *bytes,
		   size_t space);

void answer_text(struct call *c, const char *key, const char *value);
void answer_number(struct call *c, const char *key, uint64_t value);
void answer_json(struct call *c, const char *key, json_t *value);
void answer_bytes(struct call *c, const char *key, const uint8_t *bytes,
		  size_t length);

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
/*
 * Waits until another look at what is awaited is worth it; false, and errno as
 * it was, when the time is over. uevents is from uevent_open().
 */
bool uevent_wait(struct call *c, int uevents, uint64_t deadline);

uint64_t monotonic_ns(void);
const char *errno_name(int error);

/*
 * Names for file descriptors and what hangs on them (handles.c)
 */
enum handle_kind {
	HANDLE_DMABUF = 1 << 0,
	HANDLE_VFIO = 1 << 1,
	HANDLE_IOMMUFD = 1 << 2,
	HANDLE_IOAS = 1 << 3,
	HANDLE_HWPT = 1 << 4,
	HANDLE_IMPORTER = 1 << 5,
	HANDLE_MAPPING = 1 << 6,
	HANDLE_PROCESS = 1 << 7,
	HANDLE_EVENT = 1 << 8,
	HANDLE_VM = 1 << 9,
	HANDLE_VCPU = 1 << 10,
	HANDLE_GUEST_MEMFD = 1 << 11,
	HANDLE_ENDPOINT = 1 << 12,
	HANDLE_REGION = 1 << 13,
	HANDLE_WINDOW = 1 << 14,
	HANDLE_QP = 1 << 15,
	HANDLE_HOLD = 1 << 16,
	HANDLE_EXPORTER = 1 << 17,
	HANDLE_DRM = 1 << 18,
};

struct handle {
	char *name;
	enum handle_kind kind;
	int fd;		/* of an IOAS or HWPT: the iommufd; or -1 */
	uint32_t id;	/* what iommufd calls a device, an IOAS or a HWPT */
	json_t *events; /* of an importer, read and not yet fetched */
	void *address;	/* of a mapping */
	uint64_t length;
	struct process *process;
	struct vm *vm;
	struct vcpu *vcpu;
	struct endpoint *endpoint;
	struct rdma_object *rdma; /* a region, a window or a queue pair */
	unsigned int users;
	bool taken; /* somebody is ending it */
	struct handle *next;
};

/* Named by an argument, of one of these kinds. Stays until the call ends. */
struct handle *handle_get(struct call *c, const char *arg, unsigned int kinds);
/* The same by its name. */
struct handle *handle_get_named(struct call *c, const char *name,
				unsigned int kinds);
/*
 * For the caller to end or to put back: nobody else uses it or gets it any
 * more. Refused while others use it, unless the caller is patient.
 */
struct handle *handle_take(struct call *c, const char *arg, unsigned int kinds);
void handle_put_back(struct handle *h);
/* Takes it from those who use it: what they do has to be cut short. */
struct handle *handle_seize(struct call *c, const char *arg,
			    unsigned int kinds);
void handle_await_unused(struct handle *h);
/* Named by an argument, the rest as given; that is closed on failure. */
struct handle *handle_add(struct call *c, const char *arg,
			  struct handle content);
/* The iommufd of that name, opened when it is not there yet. */
struct handle *handle_iommufd(struct call *c, const char *name);
/* Closes what was taken: this is what may block. The name is free after it. */
void handle_free(struct handle *h);
/* Ends every handle_get() of a call. */
void handle_release(struct call *c);

/*
 * Files and uevents (sys.c)
 */
#define TEXT_MAX (256 * 1024) /* that one answer carries */

/*
 * To the end, but at most max bytes; NULL with errno. A zero byte follows. The
 * call, if there is one, tells of its progress.
 */
char *read_file(struct call *c, const char *path, size_t max, size_t *length);
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
 * Allocations that fail (fault.c)
 */
/* The n-th one in system calls of this thread from here on; -1 with errno. */
int fault_arm(unsigned int n);
/* Has one failed? */
bool fault_disarm(void);

/*
 * The agent (agent.c)
 */
/*
 * Serves this guest, or with a socket the process at its other end, and as long
 * as that.
 */
int agent_main(int socket);
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
/* Up to four bytes of configuration space: 0, or -1 with errno. */
int vfio_config_get(int device, uint64_t offset, size_t width, uint32_t *value);
int vfio_config_put(int device, uint64_t offset, size_t width, uint32_t value);
#define VFIO_BYTES_MAX 65536 /* that one answer carries of a BAR */
int vfio_region_info(int device, uint32_t index, struct vfio_region_info *info,
		     const char **what);
/* A BAR, the ROM, or legacy VGA: what other regions are is not memory. */
bool vfio_has_memory(uint64_t index);
/* All of it, or -1 with errno; what is the name of the call that failed. */
int vfio_region_read(int device, uint32_t index, uint64_t offset, void *data,
		     size_t length, const char **what);
int vfio_region_write(int device, uint32_t index, uint64_t offset,
		      const void *data, size_t length, const char **what);

/*
 * Starts the program that the call's path, args and env say: 0, or -1 with the
 * answer written. flags are further ones of posix_spawn.
 */
int program_spawn(struct call *c, const posix_spawn_file_actions_t *files,
		  short flags, pid_t *pid);
void answer_program_end(struct call *c, int status, const struct rusage *usage);

/* What hangs on the handles of a virtual machine and of a CPU of it. */
void vm_put(struct vm *vm);
void vcpu_free(struct vcpu *vcpu);

/* What hangs on the handles of an RDMA device and of what was made of it. */
void endpoint_close(struct endpoint *endpoint);
void rdma_object_free(struct rdma_object *object);

/* Brings an interface up: 0, or -1 with errno. */
int net_up(int index);

/* One query: 0, or -1 with errno. */
/* "0000:01:00.0"; false if it is not like that. */
bool parse_bdf(const char *text, uint32_t *domain, uint16_t *bus,
	       unsigned int *devfn);
/* The bit of the kernel's enum dma_buf_lifetime that has this name, or 0. */
uint32_t lifetime_of(const char *name);
/* A dma-buf under the name that is this argument, with its size in the answer.
 */
int add_dmabuf(struct call *c, const char *arg, int fd);
int importer_query(int importer, uint64_t pgoff, bool caller_locks,
		   uint64_t *pfn, int *order);

/* One per row of the table in ops.c */
int agent_hello(struct call *c);
int agent_bye(struct call *c);
int pci_list(struct call *c);
int pci_wait(struct call *c);
int pci_gone(struct call *c);
int pci_bind(struct call *c);
int pci_unbind(struct call *c);
int pci_remove(struct call *c);
int pci_rescan(struct call *c);
int vfio_open(struct call *c);
int vfio_close(struct call *c);
int vfio_attach(struct call *c);
int vfio_detach(struct call *c);
int vfio_set_command(struct call *c);
int vfio_config_read(struct call *c);
int vfio_config_write(struct call *c);
int vfio_capability(struct call *c);
int vfio_request_watch(struct call *c);
int vfio_request_wait(struct call *c);
int vfio_reset(struct call *c);
int vfio_hotreset(struct call *c);
int vfio_hotreset_info(struct call *c);
int vfio_flr(struct call *c);
int vfio_power(struct call *c);
int vfio_lowpower(struct call *c);
int vfio_region(struct call *c);
int vfio_read(struct call *c);
int vfio_write(struct call *c);
int vfio_ioeventfd(struct call *c);
int vfio_mmap(struct call *c);
int mapping_read(struct call *c);
int mapping_write(struct call *c);
int mapping_close(struct call *c);
int mapping_anonymous(struct call *c);
int dmabuf_export(struct call *c);
int dmabuf_udmabuf(struct call *c);
int dmabuf_heap(struct call *c);
int dmabuf_adopt(struct call *c);
int dmabuf_map(struct call *c);
int dmabuf_size(struct call *c);
int handle_close(struct call *c);
int handle_list(struct call *c);
int drm_import(struct call *c);
int exporter_create(struct call *c);
int exporter_place(struct call *c);
int exporter_move(struct call *c);
int exporter_finish(struct call *c);
int exporter_revoke(struct call *c);
int exporter_restore(struct call *c);
int exporter_fail(struct call *c);
int exporter_pfn(struct call *c);
int importer_attach(struct call *c);
int importer_detach(struct call *c);
int importer_query_page(struct call *c);
int importer_range(struct call *c);
int importer_runs(struct call *c);
int importer_time(struct call *c);
int importer_events(struct call *c);
int importer_wait(struct call *c);
int importer_map(struct call *c);
int importer_unmap(struct call *c);
int importer_read(struct call *c);
int importer_write(struct call *c);
int importer_fence(struct call *c);
int ioas_alloc(struct call *c);
int ioas_destroy(struct call *c);
int ioas_map(struct call *c);
int ioas_unmap(struct call *c);
int ioas_restore(struct call *c);
int hwpt_alloc(struct call *c);
int hwpt_destroy(struct call *c);
int edu_dma(struct call *c);
int edu_copy(struct call *c);
int storm_revoke(struct call *c);
int race_run(struct call *c);
int race_spread(struct call *c);
int batch_run(struct call *c);
int fault_nth(struct call *c);
int fault_function(struct call *c);
int fault_function_clear(struct call *c);
int hold_at(struct call *c);
int hold_wait(struct call *c);
int trace_start(struct call *c);
int trace_add(struct call *c);
int trace_mark(struct call *c);
int trace_read(struct call *c);
int trace_stop(struct call *c);
int file_read(struct call *c);
int file_write(struct call *c);
int memory_zones(struct call *c);
int rlimit_nofile(struct call *c);
int process_start(struct call *c);
int process_call(struct call *c);
int process_give(struct call *c);
int process_kill(struct call *c);
int net_dummy(struct call *c);
int net_veth(struct call *c);
int net_address(struct call *c);
int net_loss(struct call *c);
int net_move(struct call *c);
int net_delete(struct call *c);
int rdma_link(struct call *c);
int rdma_unlink(struct call *c);
int rdma_open(struct call *c);
int rdma_close(struct call *c);
int rdma_mr(struct call *c);
int rdma_rereg(struct call *c);
int rdma_dereg(struct call *c);
int mr_read(struct call *c);
int mr_write(struct call *c);
int mr_fill(struct call *c);
int rdma_mw(struct call *c);
int rdma_qp(struct call *c);
int rdma_connect(struct call *c);
int rdma_reset(struct call *c);
int rdma_qpstate(struct call *c);
int rdma_post(struct call *c);
int rdma_recv(struct call *c);
int rdma_completion(struct call *c);
int rdma_hammer(struct call *c);
int rdma_stop(struct call *c);
int rdma_state(struct call *c);
int job_start(struct call *c);
int job_wait(struct call *c);
int kmemleak_check(struct call *c);

int lockdep_chains(struct call *c);
int kunit_run(struct call *c);
int kvm_check(struct call *c);
int kvm_extension(struct call *c);
int kvm_create(struct call *c);
int kvm_memslot(struct call *c);
int kvm_guest_memfd(struct call *c);
int kvm_attributes(struct call *c);
int kvm_vcpu(struct call *c);
int vcpu_read(struct call *c);
int vcpu_write(struct call *c);
int vcpu_xadd(struct call *c);
int vcpu_cmpxchg(struct call *c);
int vcpu_hammer(struct call *c);
int vcpu_resume(struct call *c);
int vcpu_prefault(struct call *c);
int vcpu_stop(struct call *c);
int vcpu_interrupt(struct call *c);
int vcpu_state(struct call *c);
int program_put(struct call *c);
int program_run(struct call *c);
int program_output(struct call *c);
int program_attach(struct call *c);

#endif
