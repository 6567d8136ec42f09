// SPDX-License-Identifier: Apache-2.0
/* /dev/kernel_hold: a call inside the kernel that is held where it ends. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "hold.h"
#include "labctl.h"

int hold_at(struct call *c)
{
	const char *function = call_text(c, "function", "");
	struct kernel_hold hold = {};
	int fd;

	if (strlen(function) >= sizeof(hold.function))
		return call_usage(c, "no function has so long a name");
	strcpy(hold.function, function);

	fd = open("/dev/kernel_hold", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return call_fail(c, "open(/dev/kernel_hold)",
				 "there is another one, or no test module");
	if (ioctl(fd, KERNEL_HOLD_AT, &hold)) {
		call_fail(c, "ioctl(KERNEL_HOLD_AT)", "cannot hold %s",
			  function);
		close(fd);
		return -1;
	}
	if (!handle_add(c, "name",
			(struct handle){ .kind = HANDLE_HOLD, .fd = fd }))
		return -1;
	return 0;
}

int hold_wait(struct call *c)
{
	uint64_t timeout = call_number(c, "timeout_ms", 10000) * NSEC_PER_MSEC;
	uint64_t deadline = monotonic_ns() + timeout;
	struct handle *h = handle_get(c, "name", HANDLE_HOLD);
	struct pollfd held = { .events = POLLIN };

	if (!h)
		return -1;
	held.fd = h->fd;
	while (poll(&held, 1, 0) == 0 && monotonic_ns() < deadline) {
		call_progress(c, "held", 0);
		poll_input(h->fd, deadline);
	}
	answer_json(c, "held", json_boolean(held.revents & POLLIN));
	return 0;
}
