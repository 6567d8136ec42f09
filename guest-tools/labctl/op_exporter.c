// SPDX-License-Identifier: Apache-2.0
/* /dev/test_exporter, the exporter of the test module. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "labctl.h"
#include "test_exporter.h"

static struct handle *exporter(struct call *c)
{
	return handle_get(c, "name", HANDLE_EXPORTER);
}

static uint64_t number(json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static bool parse_bar(struct call *c, json_t *given, const char *device,
		      struct test_exporter_segment *s)
{
	unsigned int devfn;

	s->flags |= TEST_EXPORTER_BAR;
	s->bar = number(given, "bar");
	s->offset = number(given, "offset");
	if (!parse_bdf(device, &s->domain, &s->bus, &devfn)) {
		call_usage(c, "a segment's device is like 0000:01:00.0");
		return false;
	}
	s->devfn = devfn;
	return true;
}

static bool parse_mapping(struct call *c, const char *name,
			  struct test_exporter_segment *s)
{
	struct handle *h = handle_get_named(c, name, HANDLE_MAPPING);

	if (!h)
		return false;
	s->flags |= TEST_EXPORTER_USER;
	s->offset = (uintptr_t)h->address;
	return true;
}

static bool parse_segment(struct call *c, json_t *given,
			  struct test_exporter_segment *s)
{
	const char *device =
		json_string_value(json_object_get(given, "device"));
	const char *mapping =
		json_string_value(json_object_get(given, "mapping"));

	s->nr_pages = number(given, "pages");
	s->order = number(given, "order");
	if (number(given, "no_cpu"))
		s->flags |= TEST_EXPORTER_NO_CPU;
	if (mapping)
		return parse_mapping(c, mapping, s);
	return !device || parse_bar(c, given, device, s);
}

static bool parse_place(struct call *c, struct test_exporter_segment *segments,
			struct test_exporter_place *place)
{
	json_t *given = call_json(c, "segments");
	size_t i;

	place->segments = (uintptr_t)segments;
	place->nr_segments = json_array_size(given);
	if (place->nr_segments > TEST_EXPORTER_SEGMENTS_MAX) {
		call_usage(c, "a place has at most %d segments",
			   TEST_EXPORTER_SEGMENTS_MAX);
		return false;
	}
	for (i = 0; i < place->nr_segments; i++) {
		if (!parse_segment(c, json_array_get(given, i), &segments[i]))
			return false;
	}
	return true;
}

static bool parse_flags(struct call *c, uint32_t *flags)
{
	const char *lifetime = call_text(c, "lifetime", "");

	*flags = lifetime_of(lifetime);
	if (!*flags) {
		call_usage(c, "lifetime is pinned, revocable or dynamic");
		return false;
	}
	if (call_number(c, "can_pin", 0))
		*flags |= TEST_EXPORTER_CAN_PIN;
	if (call_number(c, "mappable", 0))
		*flags |= TEST_EXPORTER_MAPPABLE;
	return true;
}

int exporter_create(struct call *c)
{
	struct test_exporter_segment segments[TEST_EXPORTER_SEGMENTS_MAX] = {};
	struct test_exporter_create create = {};
	int fd;

	if (!parse_flags(c, &create.flags) ||
	    !parse_place(c, segments, &create.first))
		return -1;
	fd = open("/dev/test_exporter", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return call_fail(c, "open(/dev/test_exporter)",
				 "the test module is not loaded");
	if (ioctl(fd, TEST_EXPORTER_CREATE, &create)) {
		call_fail(c, "ioctl(TEST_EXPORTER_CREATE)",
			  "cannot make a buffer");
		close(fd);
		return -1;
	}
	if (!handle_add(c, "name",
			(struct handle){ .kind = HANDLE_EXPORTER, .fd = fd })) {
		close(create.dmabuf_fd);
		return -1;
	}
	return add_dmabuf(c, "dmabuf", create.dmabuf_fd);
}

int exporter_place(struct call *c)
{
	struct test_exporter_segment segments[TEST_EXPORTER_SEGMENTS_MAX] = {};
	struct test_exporter_place place = {};
	struct handle *h = exporter(c);

	if (!h || !parse_place(c, segments, &place))
		return -1;
	if (ioctl(h->fd, TEST_EXPORTER_PLACE, &place))
		return call_fail(c, "ioctl(TEST_EXPORTER_PLACE)",
				 "%s gets no other place", h->name);
	answer_number(c, "place", place.index);
	return 0;
}

int exporter_move(struct call *c)
{
	struct test_exporter_move move = {
		.to = call_number(c, "to", 0),
		.flags = call_number(c, "wait", 0) ? TEST_EXPORTER_WAIT : 0,
	};
	struct handle *h = exporter(c);

	if (!h)
		return -1;
	if (ioctl(h->fd, TEST_EXPORTER_MOVE, &move))
		return call_fail(c, "ioctl(TEST_EXPORTER_MOVE)",
				 "%s cannot move to place %u", h->name,
				 move.to);
	return 0;
}

static int simple(struct call *c, unsigned long request, const char *what)
{
	struct handle *h = exporter(c);

	if (!h)
		return -1;
	if (ioctl(h->fd, request))
		return call_fail(c, what, "%s cannot do that", h->name);
	return 0;
}

int exporter_finish(struct call *c)
{
	return simple(c, TEST_EXPORTER_FINISH, "ioctl(TEST_EXPORTER_FINISH)");
}

int exporter_revoke(struct call *c)
{
	return simple(c, TEST_EXPORTER_REVOKE, "ioctl(TEST_EXPORTER_REVOKE)");
}

int exporter_restore(struct call *c)
{
	return simple(c, TEST_EXPORTER_RESTORE, "ioctl(TEST_EXPORTER_RESTORE)");
}

int exporter_fail(struct call *c)
{
	struct test_exporter_fail fail = {
		.attach = call_number(c, "attach", 0),
		.query = call_number(c, "query", 0),
		.count = call_number(c, "count", 0),
	};
	struct handle *h = exporter(c);

	if (!h)
		return -1;
	if (ioctl(h->fd, TEST_EXPORTER_FAIL, &fail))
		return call_fail(c, "ioctl(TEST_EXPORTER_FAIL)",
				 "%s cannot fail that way", h->name);
	return 0;
}

int exporter_pfn(struct call *c)
{
	struct test_exporter_pfn where = {
		.place = call_number(c, "place", 0),
		.pgoff = call_number(c, "pgoff", 0),
	};
	struct handle *h = exporter(c);

	if (!h)
		return -1;
	if (ioctl(h->fd, TEST_EXPORTER_PFN, &where))
		return call_fail(c, "ioctl(TEST_EXPORTER_PFN)",
				 "%s has no such page", h->name);
	answer_number(c, "pfn", where.pfn);
	return 0;
}
