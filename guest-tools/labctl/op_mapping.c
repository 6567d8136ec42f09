// SPDX-License-Identifier: Apache-2.0
/*
 * BARs, and other memory, as the CPU sees them through a mapping. What is
 * revoked raises SIGBUS, which is the answer here and not the end of the agent.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <linux/vfio.h>

#include "labctl.h"

#define HUGE_PAGE (2UL << 20)

/* One access of this thread that may be refused. */
struct attempt {
	sigjmp_buf refused;
	const uint8_t *start;
	const uint8_t *end;
	volatile size_t done;
};

/* Volatile: for the handler, which the compiler does not see coming. */
static __thread struct attempt *volatile attempt;
static pthread_once_t handler_once = PTHREAD_ONCE_INIT;

static void on_sigbus(int signal, siginfo_t *info, void *context)
{
	const uint8_t *at = info->si_addr;

	(void)context;
	if (attempt && at >= attempt->start && at < attempt->end)
		siglongjmp(attempt->refused, 1);
	/* A mistake of the agent's own happens again, and ends it. */
	sigaction(signal, &(struct sigaction){ .sa_handler = SIG_DFL }, NULL);
}

static void install_handler(void)
{
	struct sigaction action = {
		.sa_sigaction = on_sigbus,
		.sa_flags = SA_SIGINFO,
	};

	sigaction(SIGBUS, &action, NULL);
}

/*
 * An address that is aligned as the offset into the BAR is, so that huge pages
 * can map it: the kernel does not see to that. Only a hint, since another
 * thread may take it first.
 */
static void *place_for(size_t length, uint64_t offset)
{
	uint8_t *room = mmap(NULL, length + HUGE_PAGE, PROT_NONE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (room == MAP_FAILED)
		return NULL;
	munmap(room, length + HUGE_PAGE);
	return room + ((offset - (uintptr_t)room) & (HUGE_PAGE - 1));
}

int vfio_mmap(struct call *c)
{
	struct handle *dev = handle_get(c, "dev", HANDLE_VFIO);
	uint64_t bar = call_number(c, "bar", 0);
	uint64_t offset = call_number(c, "offset", 0);
	struct handle mapping = {
		.kind = HANDLE_MAPPING,
		.fd = -1,
		.length = call_number(c, "length", 0),
	};
	struct vfio_region_info info;
	const char *what;

	if (!dev)
		return -1;
	if (!vfio_has_memory(bar))
		return call_usage(c, "bar is 0 to 6 or 8");
	if (vfio_region_info(dev->fd, bar, &info, &what))
		return call_fail(c, what, "there is no BAR %lu of %s", bar,
				 dev->name);

	mapping.address = mmap(place_for(mapping.length, offset),
			       mapping.length, PROT_READ | PROT_WRITE,
			       MAP_SHARED, dev->fd, info.offset + offset);
	if (mapping.address == MAP_FAILED)
		return call_fail(c, "mmap", "cannot map BAR %lu of %s", bar,
				 dev->name);
	return handle_add(c, "name", mapping) ? 0 : -1;
}

int dmabuf_map(struct call *c)
{
	struct handle *dmabuf = handle_get(c, "dmabuf", HANDLE_DMABUF);
	struct handle mapping = {
		.kind = HANDLE_MAPPING,
		.fd = -1,
		.length = call_number(c, "length", 0),
	};

	if (!dmabuf)
		return -1;
	mapping.address =
		mmap(NULL, mapping.length, PROT_READ | PROT_WRITE, MAP_SHARED,
		     dmabuf->fd, call_number(c, "offset", 0));
	if (mapping.address == MAP_FAILED)
		return call_fail(c, "mmap", "cannot map %s", dmabuf->name);
	return handle_add(c, "name", mapping) ? 0 : -1;
}

int mapping_anonymous(struct call *c)
{
	struct handle mapping = {
		.kind = HANDLE_MAPPING,
		.fd = -1,
		.length = call_number(c, "length", 0),
	};

	mapping.address = mmap(NULL, mapping.length, PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (mapping.address == MAP_FAILED)
		return call_fail(c, "mmap", "cannot map %lu bytes",
				 mapping.length);
	return handle_add(c, "name", mapping) ? 0 : -1;
}

/* Words where both are aligned, since devices may not know smaller ones. */
static void copy(uint8_t *to, const uint8_t *from, size_t length,
		 volatile size_t *done)
{
	size_t i;

	for (i = 0; i < length; *done = i) {
		const volatile uint8_t *source = from + i;
		volatile uint8_t *target = to + i;

		if (length - i >= 4 && !((uintptr_t)source & 3) &&
		    !((uintptr_t)target & 3)) {
			*(volatile uint32_t *)target =
				*(const volatile uint32_t *)source;
			i += 4;
		} else {
			*target = *source;
			i++;
		}
	}
}

/* Copies to or from a part of a mapping; -1 with the answer written. */
static int access_mapping(struct call *c, struct handle *mapping,
			  uint8_t *bytes, size_t length, bool write)
{
	uint8_t *start =
		(uint8_t *)mapping->address + call_number(c, "offset", 0);
	struct attempt mine = { .start = start, .end = start + length };

	pthread_once(&handler_once, install_handler);
	if (sigsetjmp(mine.refused, 1)) {
		attempt = NULL;
		answer_text(c, "errno", "SIGBUS");
		answer_text(c, "call", write ? "store" : "load");
		answer_text(c, "error",
			    write ? "cannot write the mapping: bus error" :
				    "cannot read the mapping: bus error");
		answer_number(c, "done", mine.done);
		return -1;
	}
	attempt = &mine;
	if (write)
		copy(start, bytes, length, &mine.done);
	else
		copy(bytes, start, length, &mine.done);
	attempt = NULL;
	return 0;
}

/* Is a part of that length, at the offset asked for, inside the mapping? */
static bool fits(struct call *c, struct handle *mapping, uint64_t length)
{
	uint64_t offset = call_number(c, "offset", 0);

	return offset <= mapping->length && length <= mapping->length - offset;
}

int mapping_read(struct call *c)
{
	struct handle *mapping = handle_get(c, "name", HANDLE_MAPPING);
	uint64_t length = call_number(c, "length", 0);
	uint8_t bytes[VFIO_BYTES_MAX] __attribute__((aligned(4)));

	if (!mapping)
		return -1;
	if (length > sizeof(bytes) || !fits(c, mapping, length))
		return call_usage(
			c, "%s has %lu bytes, and at most %zu are read",
			mapping->name, mapping->length, sizeof(bytes));
	if (access_mapping(c, mapping, bytes, length, false))
		return -1;
	answer_bytes(c, "data", bytes, length);
	return 0;
}

int mapping_write(struct call *c)
{
	struct handle *mapping = handle_get(c, "name", HANDLE_MAPPING);
	uint8_t bytes[VFIO_BYTES_MAX] __attribute__((aligned(4)));
	ssize_t length;

	if (!mapping)
		return -1;
	length = call_bytes(c, "data", bytes, sizeof(bytes));
	if (length < 0)
		return call_usage(c, "data is up to %zu bytes", sizeof(bytes));
	if (!fits(c, mapping, length))
		return call_usage(c, "%s has %lu bytes", mapping->name,
				  mapping->length);
	return access_mapping(c, mapping, bytes, length, true);
}

int mapping_close(struct call *c)
{
	struct handle *mapping = handle_take(c, "name", HANDLE_MAPPING);

	if (!mapping)
		return -1;
	handle_free(mapping);
	return 0;
}
