// SPDX-License-Identifier: Apache-2.0
/* Files, limits and what else is only a file: KUnit. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "labctl.h"

#define KUNIT "/sys/kernel/debug/kunit"

static int answer_file(struct call *c, const char *path)
{
	char what[PATH_MAX];
	size_t length;
	char *text;

	text = read_file(c, path, TEXT_MAX, &length);
	if (!text) {
		snprintf(what, sizeof(what), "read(%s)", path);
		return call_fail(c, what, "cannot read it");
	}
	answer_json(c, "text", json_bytes(text, length));
	free(text);
	return 0;
}

int file_read(struct call *c)
{
	return answer_file(c, call_text(c, "path", ""));
}

int file_write(struct call *c)
{
	return call_write(c, call_text(c, "path", ""), O_CREAT | O_TRUNC,
			  call_text(c, "text", ""));
}

int rlimit_nofile(struct call *c)
{
	static struct rlimit original;
	uint64_t soft = call_number(c, "soft", 0);
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return call_fail(c, "getrlimit", "cannot tell the limit");
	if (!original.rlim_max)
		original = limit;
	limit.rlim_cur = soft ? soft : original.rlim_cur;
	if (setrlimit(RLIMIT_NOFILE, &limit))
		return call_fail(c, "setrlimit",
				 "cannot limit file descriptors to %lu", soft);
	answer_number(c, "soft", limit.rlim_cur);
	return 0;
}

int kunit_run(struct call *c)
{
	const char *suite = call_text(c, "suite", "");
	char path[PATH_MAX];

	if (!*suite || strchr(suite, '/'))
		return call_usage(c, "suite is a name below " KUNIT);
	snprintf(path, sizeof(path), KUNIT "/%s/run", suite);
	if (call_write(c, path, 0, "1"))
		return -1;
	snprintf(path, sizeof(path), KUNIT "/%s/results", suite);
	return answer_file(c, path);
}
