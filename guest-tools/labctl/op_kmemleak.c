// SPDX-License-Identifier: Apache-2.0
/* What the kernel's leak detector finds, in a kernel that has one. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "labctl.h"

#define KMEMLEAK "/sys/kernel/debug/kmemleak"
/* kmemleak suspects no allocation that is younger than 5 seconds. */
#define AGE_NS (5500 * NSEC_PER_MSEC)

static int scan(struct call *c)
{
	return call_write(c, KMEMLEAK, 0, "scan");
}

static void wait_until(struct call *c, uint64_t deadline)
{
	uint64_t now, next;
	struct timespec at;

	while ((now = monotonic_ns()) < deadline) {
		call_progress(c, "waits_ms", (deadline - now) / NSEC_PER_MSEC);
		next = deadline - now < NSEC_PER_SEC ? deadline :
						       now + NSEC_PER_SEC;
		at.tv_sec = next / NSEC_PER_SEC;
		at.tv_nsec = next % NSEC_PER_SEC;
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
	}
}

/*
 * An object is reported when two scans find no reference to it and the same
 * content, and the later one finds it old enough.
 */
int kmemleak_check(struct call *c)
{
	size_t length;
	char *text;

	if (access(KMEMLEAK, F_OK)) {
		answer_json(c, "available", json_false());
		answer_text(c, "leaks", "");
		return 0;
	}
	if (scan(c))
		return -1;
	wait_until(c, monotonic_ns() + AGE_NS);
	if (scan(c) || scan(c))
		return -1;

	text = read_file(c, KMEMLEAK, TEXT_MAX, &length);
	if (!text)
		return call_fail(c, "read(" KMEMLEAK ")",
				 "cannot read the leaks");
	answer_json(c, "available", json_true());
	answer_json(c, "leaks", json_bytes(text, length));
	free(text);
	return 0;
}
