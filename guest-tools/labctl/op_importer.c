// SPDX-License-Identifier: Apache-2.0
/* /dev/pfn_importer, the test importer module. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "labctl.h"
#include "pfn_importer.h"

#define RANGE_MAX (1u << 20)

/* Around the events of an importer's handle. */
static pthread_mutex_t events_lock = PTHREAD_MUTEX_INITIALIZER;

static struct handle *importer(struct call *c)
{
	return handle_get(c, "name", HANDLE_IMPORTER);
}

bool parse_bdf(const char *text, uint32_t *domain, uint16_t *bus,
	       unsigned int *devfn)
{
	unsigned int device, function, number;
	int end = 0;

	if (sscanf(text, "%x:%x:%x.%x%n", domain, &number, &device, &function,
		   &end) != 4 ||
	    text[end] || number > 0xff || device > 0x1f || function > 7)
		return false;
	*bus = number;
	*devfn = device << 3 | function;
	return true;
}

/* "none" or a BDF; false if it is neither. */
static bool parse_device(const char *text, struct pfn_importer_attach *attach)
{
	unsigned int devfn;

	if (!strcmp(text, "none"))
		return true;
	if (!parse_bdf(text, &attach->domain, &attach->bus, &devfn))
		return false;
	attach->flags |= PFN_IMPORTER_DEVICE;
	attach->devfn = devfn;
	return true;
}

uint32_t lifetime_of(const char *name)
{
	static const char *const names[] = { "pinned", "revocable", "dynamic" };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(name, names[i]))
			return 1u << i;
	return 0;
}

/*
 * Names of what is tolerated; false if one of them is none. If they are not
 * given it is everything that such an importer can cope with.
 */
static bool parse_tolerates(json_t *names, struct pfn_importer_attach *attach)
{
	uint32_t *mask = &attach->tolerates;
	size_t i;

	if (!names && attach->flags & PFN_IMPORTER_PFN) {
		*mask = lifetime_of("pinned");
		if (attach->flags & PFN_IMPORTER_NOTIFY)
			*mask |= lifetime_of("revocable") |
				 lifetime_of("dynamic");
	}
	for (i = 0; i < json_array_size(names); i++) {
		json_t *name = json_array_get(names, i);
		uint32_t bit = lifetime_of(json_string_value(name) ?: "");

		if (!bit)
			return false;
		*mask |= bit;
	}
	return true;
}

int importer_attach(struct call *c)
{
	struct handle *dmabuf = handle_get(c, "dmabuf", HANDLE_DMABUF);
	struct pfn_importer_attach attach = {};
	int fd;

	if (!dmabuf)
		return -1;
	attach.dmabuf_fd = dmabuf->fd;
	if (call_number(c, "notify", 1))
		attach.flags |= PFN_IMPORTER_NOTIFY;
	if (call_number(c, "p2p", 1))
		attach.flags |= PFN_IMPORTER_P2P;
	if (call_number(c, "pfn", 1))
		attach.flags |= PFN_IMPORTER_PFN;
	if (call_number(c, "compositor", 0))
		attach.flags |= PFN_IMPORTER_COMPOSITOR;
	if (!parse_tolerates(call_json(c, "tolerates"), &attach))
		return call_usage(c, "an importer tolerates some of pinned, "
				     "revocable and dynamic");
	if (!parse_device(call_text(c, "device", "none"), &attach))
		return call_usage(c, "device is none or like 0000:01:00.0");

	fd = open("/dev/pfn_importer", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return call_fail(c, "open(/dev/pfn_importer)",
				 "the test importer is not loaded");
	if (ioctl(fd, PFN_IMPORTER_ATTACH, &attach)) {
		call_fail(c, "ioctl(PFN_IMPORTER_ATTACH)",
			  "cannot attach to %s", dmabuf->name);
		close(fd);
		return -1;
	}
	if (!handle_add(c, "name",
			(struct handle){ .kind = HANDLE_IMPORTER,
					 .fd = fd,
					 .events = json_array() }))
		return -1;
	return 0;
}

int importer_detach(struct call *c)
{
	struct handle *h = handle_take(c, "name", HANDLE_IMPORTER);

	if (!h)
		return -1;
	handle_free(h);
	return 0;
}

int importer_query(int fd, uint64_t pgoff, bool caller_locks, uint64_t *pfn,
		   int *order)
{
	struct pfn_importer_query query = {
		.pgoff = pgoff,
		.flags = caller_locks ? PFN_IMPORTER_LOCK_CALLER : 0,
	};

	if (ioctl(fd, PFN_IMPORTER_QUERY, &query))
		return -1;
	*pfn = query.pfn;
	*order = query.max_order;
	return 0;
}

int importer_query_page(struct call *c)
{
	const char *lock = call_text(c, "lock", "unlocked");
	uint64_t pgoff = call_number(c, "pgoff", 0);
	bool caller = !strcmp(lock, "caller");
	struct handle *h = importer(c);
	uint64_t pfn;
	int order;

	if (!h)
		return -1;
	if (!caller && strcmp(lock, "unlocked"))
		return call_usage(c, "lock is unlocked or caller");
	if (importer_query(h->fd, pgoff, caller, &pfn, &order))
		return call_fail(c, "ioctl(PFN_IMPORTER_QUERY)",
				 "%s gets no PFN of page %lu", h->name, pgoff);
	answer_number(c, "pfn", pfn);
	answer_number(c, "max_order", order);
	return 0;
}

static int query_range(struct call *c, struct handle *h, uint64_t count,
		       uint64_t *pfns, int32_t *orders)
{
	struct pfn_importer_range range = {
		.first = call_number(c, "first", 0),
		.count = count,
		.step = call_number(c, "step", 1),
		.pfns = (uintptr_t)pfns,
		.orders = (uintptr_t)orders,
	};
	json_t *pfn_list = json_array();
	json_t *order_list = json_array();
	int ret = 0;
	size_t i;

	if (ioctl(h->fd, PFN_IMPORTER_RANGE, &range))
		ret = call_fail(c, "ioctl(PFN_IMPORTER_RANGE)",
				"%s gets no PFN of page %llu", h->name,
				range.first + range.done * range.step);

	for (i = 0; i < range.done; i++) {
		json_array_append_new(pfn_list, json_integer(pfns[i]));
		json_array_append_new(order_list, json_integer(orders[i]));
	}
	answer_json(c, "pfns", pfn_list);
	answer_json(c, "orders", order_list);
	return ret;
}

int importer_range(struct call *c)
{
	uint64_t count = call_number(c, "count", 0);
	struct handle *h = importer(c);
	uint64_t *pfns;
	int32_t *orders;
	int ret;

	if (!h)
		return -1;
	if (count > RANGE_MAX)
		return call_usage(c, "count is at most %u", RANGE_MAX);

	pfns = calloc(count + 1, sizeof(*pfns));
	orders = calloc(count + 1, sizeof(*orders));
	if (pfns && orders)
		ret = query_range(c, h, count, pfns, orders);
	else
		ret = call_fail(c, "calloc", "no memory for %lu PFNs", count);
	free(pfns);
	free(orders);
	return ret;
}

/* The kernel's names of them, see enum dma_buf_pfn_attrs. */
static json_t *attrs(uint32_t bits)
{
	static const char *const names[] = {
		"pages", "mmio", "cpu",	     "private",
		"uc",	 "wc",	 "p2p-same", "p2p-reachable",
	};
	json_t *list = json_array();
	unsigned int i;

	for (i = 0; bits; i++, bits >>= 1) {
		if (!(bits & 1))
			continue;
		json_array_append_new(list, json_string(i < ARRAY_SIZE(names) ?
								names[i] :
								"unknown"));
	}
	return list;
}

int importer_runs(struct call *c)
{
	struct pfn_importer_run run[PFN_IMPORTER_RUNS_MAX];
	struct pfn_importer_runs runs = {
		.pgoff = call_number(c, "first", 0),
		.nr_pages = call_number(c, "count", 0),
		.runs = (uintptr_t)run,
		.max_runs = call_number(c, "max", PFN_IMPORTER_RUNS_MAX),
	};
	struct handle *h = importer(c);
	json_t *list;
	uint32_t i;

	if (!h)
		return -1;
	if (ioctl(h->fd, PFN_IMPORTER_RUNS, &runs))
		return call_fail(c, "ioctl(PFN_IMPORTER_RUNS)",
				 "%s gets no PFNs of %llu pages from %llu on",
				 h->name, runs.nr_pages, runs.pgoff);
	list = json_array();
	for (i = 0; i < runs.nr_runs; i++)
		json_array_append_new(list,
				      json_pack("{s:I, s:I, s:o}", "pfn",
						(json_int_t)run[i].pfn, "pages",
						(json_int_t)run[i].nr_pages,
						"attrs", attrs(run[i].attrs)));
	answer_json(c, "runs", list);
	return 0;
}

int importer_time(struct call *c)
{
	static const char *const names[] = {
		[PFN_IMPORTER_TIME_PFN] = "pfn",
		[PFN_IMPORTER_TIME_ATTRS] = "attrs",
		[PFN_IMPORTER_TIME_RANGES] = "ranges",
		[PFN_IMPORTER_TIME_MAP] = "map",
	};
	struct pfn_importer_time time = {
		.first = call_number(c, "first", 0),
		.step = call_number(c, "step", 0),
		.count = call_number(c, "count", 0),
	};
	const char *what = call_text(c, "what", "");
	struct handle *h = importer(c);

	if (!h)
		return -1;
	while (time.what < ARRAY_SIZE(names) && strcmp(what, names[time.what]))
		time.what++;
	if (time.what == ARRAY_SIZE(names))
		return call_usage(c, "what is pfn, attrs, ranges or map");
	if (ioctl(h->fd, PFN_IMPORTER_TIME, &time))
		return call_fail(c, "ioctl(PFN_IMPORTER_TIME)",
				 "cannot time %s of %s", what, h->name);
	answer_number(c, "ns", time.ns);
	return 0;
}

/* Moves what the kernel has into the handle's list; with events_lock held. */
static void fetch_events(struct handle *h)
{
	struct pfn_importer_notify seen;

	while (read(h->fd, &seen, sizeof(seen)) == sizeof(seen))
		json_array_append_new(
			h->events,
			json_pack("{s:I, s:I, s:s, s:I}", "seq",
				  (json_int_t)seen.seq, "time_ns",
				  (json_int_t)seen.time_ns, "requery_errno",
				  seen.error ? errno_name(seen.error) : "",
				  "requery_pfn", (json_int_t)seen.pfn));
}

int importer_events(struct call *c)
{
	struct pfn_importer_info info;
	struct handle *h = importer(c);

	if (!h)
		return -1;
	if (ioctl(h->fd, PFN_IMPORTER_GET_INFO, &info))
		return call_fail(c, "ioctl(PFN_IMPORTER_GET_INFO)",
				 "cannot ask %s", h->name);

	pthread_mutex_lock(&events_lock);
	fetch_events(h);
	answer_json(c, "events", h->events);
	h->events = json_array();
	pthread_mutex_unlock(&events_lock);
	answer_number(c, "lost", info.lost);
	return 0;
}

int importer_wait(struct call *c)
{
	uint64_t timeout = call_number(c, "timeout_ms", 10000) * NSEC_PER_MSEC;
	uint64_t deadline = monotonic_ns() + timeout;
	uint64_t wanted = call_number(c, "count", 1);
	struct handle *h = importer(c);
	uint64_t now, seen;

	if (!h)
		return -1;

	for (;;) {
		pthread_mutex_lock(&events_lock);
		fetch_events(h);
		seen = json_array_size(h->events);
		pthread_mutex_unlock(&events_lock);

		now = monotonic_ns();
		if (seen >= wanted || now >= deadline)
			break;
		call_progress(c, "seen", seen);
		poll_input(h->fd, deadline);
	}
	answer_number(c, "count", seen);
	return 0;
}

int importer_map(struct call *c)
{
	struct pfn_importer_map map;
	struct handle *h = importer(c);
	uint64_t begin = monotonic_ns();

	if (!h)
		return -1;
	if (ioctl(h->fd, PFN_IMPORTER_MAP, &map))
		return call_fail(c, "ioctl(PFN_IMPORTER_MAP)",
				 "%s cannot map its buffer", h->name);
	answer_number(c, "ns", monotonic_ns() - begin);
	answer_number(c, "mappings", map.mappings);
	answer_number(c, "nents", map.nents);
	answer_number(c, "dma_addr", map.dma_addr);
	answer_number(c, "dma_len", map.dma_len);
	return 0;
}

int importer_unmap(struct call *c)
{
	struct handle *h = importer(c);
	uint64_t begin = monotonic_ns();
	uint32_t left;

	if (!h)
		return -1;
	if (ioctl(h->fd, PFN_IMPORTER_UNMAP, &left))
		return call_fail(c, "ioctl(PFN_IMPORTER_UNMAP)",
				 "%s cannot unmap its buffer", h->name);
	answer_number(c, "ns", monotonic_ns() - begin);
	answer_number(c, "mappings", left);
	return 0;
}

static int access_word(struct call *c, uint64_t value, uint32_t flags)
{
	struct pfn_importer_access word = {
		.offset = call_number(c, "offset", 0),
		.value = value,
		.flags = flags,
	};
	struct handle *h = importer(c);

	if (!h)
		return -1;
	if (ioctl(h->fd, PFN_IMPORTER_ACCESS, &word))
		return call_fail(c, "ioctl(PFN_IMPORTER_ACCESS)",
				 "%s cannot access offset %llu", h->name,
				 word.offset);
	answer_number(c, "value", word.value);
	answer_number(c, "faults", word.faults);
	return 0;
}

int importer_read(struct call *c)
{
	return access_word(c, 0, 0);
}

int importer_write(struct call *c)
{
	return access_word(c, call_number(c, "value", 0), PFN_IMPORTER_WRITE);
}

int importer_fence(struct call *c)
{
	const char *action = call_text(c, "action", "");
	const char *usage = call_text(c, "usage", "");
	struct handle *h = importer(c);
	uint32_t which;

	if (!h)
		return -1;
	if (!strcmp(action, "signal")) {
		if (ioctl(h->fd, PFN_IMPORTER_FENCE_SIGNAL))
			return call_fail(c, "ioctl(PFN_IMPORTER_FENCE_SIGNAL)",
					 "%s holds no fence", h->name);
		return 0;
	}

	if (!strcmp(usage, "kernel"))
		which = PFN_IMPORTER_FENCE_KERNEL;
	else if (!strcmp(usage, "bookkeep"))
		which = PFN_IMPORTER_FENCE_BOOKKEEP;
	else
		return call_usage(c, "usage is kernel or bookkeep");
	if (strcmp(action, "hold"))
		return call_usage(c, "action is hold or signal");
	if (ioctl(h->fd, PFN_IMPORTER_FENCE_HOLD, &which))
		return call_fail(c, "ioctl(PFN_IMPORTER_FENCE_HOLD)",
				 "%s cannot add a fence", h->name);
	return 0;
}
