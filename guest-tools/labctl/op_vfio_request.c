// SPDX-License-Identifier: Apache-2.0
/*
 * How a driver that wants to let go of a device asks its user to close it. Who
 * waits for that knows that the removal is under way.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <linux/vfio.h>

#include "labctl.h"

int vfio_request_watch(struct call *c)
{
	struct handle *dev = handle_get(c, "dev", HANDLE_VFIO);
	union {
		struct vfio_irq_set set;
		char room[sizeof(struct vfio_irq_set) + sizeof(int)];
	} irq = { .set = {
			  .argsz = sizeof(irq.room),
			  .flags = VFIO_IRQ_SET_DATA_EVENTFD |
				   VFIO_IRQ_SET_ACTION_TRIGGER,
			  .index = VFIO_PCI_REQ_IRQ_INDEX,
			  .count = 1,
		  } };
	int event;

	if (!dev)
		return -1;
	event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (event < 0)
		return call_fail(c, "eventfd", "cannot make an event");
	memcpy(irq.set.data, &event, sizeof(event));
	if (ioctl(dev->fd, VFIO_DEVICE_SET_IRQS, &irq.set)) {
		call_fail(c, "ioctl(VFIO_DEVICE_SET_IRQS)",
			  "cannot watch for requests to close %s", dev->name);
		close(event);
		return -1;
	}
	return handle_add(
		       c, "name",
		       (struct handle){ .kind = HANDLE_EVENT, .fd = event }) ?
		       0 :
		       -1;
}

int vfio_request_wait(struct call *c)
{
	struct handle *event = handle_get(c, "name", HANDLE_EVENT);
	uint64_t timeout = call_number(c, "timeout_ms", 10000) * NSEC_PER_MSEC;
	uint64_t deadline = monotonic_ns() + timeout;
	uint64_t times, now;

	if (!event)
		return -1;
	while (read(event->fd, &times, sizeof(times)) < 0) {
		if (errno != EAGAIN)
			return call_fail(c, "read(eventfd)", "cannot read %s",
					 event->name);
		now = monotonic_ns();
		if (now >= deadline) {
			errno = ETIMEDOUT;
			return call_fail(c, "poll(eventfd)",
					 "nobody asked to close the device");
		}
		call_progress(c, "waits_ms", (deadline - now) / NSEC_PER_MSEC);
		poll_input(event->fd, deadline);
	}
	return 0;
}
