// SPDX-License-Identifier: Apache-2.0
/* What is in use of the guest's memory, as exactly as its kernel can tell. */
#include <errno.h>
#include <glob.h>
#include <stdlib.h>

#include "labctl.h"

#define DROP	"/proc/sys/vm/drop_caches"
#define CACHES	"/sys/kernel/slab/*/shrink"
#define REFRESH "/proc/sys/vm/stat_refresh"
#define ZONES	"/proc/zoneinfo"

/*
 * CPUs hold back pages that were freed or counted, RCU and shrinkers let
 * objects wait, and slab caches keep the pages of those that are gone: all of
 * it would be part of a difference.
 */
static int settle(struct call *c)
{
	glob_t caches;
	size_t i;
	int ret;

	ret = call_write(c, DROP, 0, "3");
	if (ret)
		return ret;
	if (glob(CACHES, 0, NULL, &caches)) {
		errno = ENOENT;
		return call_fail(c, "glob(" CACHES ")",
				 "there is no slab cache");
	}
	for (i = 0; i < caches.gl_pathc && !ret; i++)
		ret = call_write(c, caches.gl_pathv[i], 0, "1");
	globfree(&caches);
	return ret ? ret : call_write(c, REFRESH, 0, "1");
}

int memory_zones(struct call *c)
{
	size_t length;
	char *text;

	if (settle(c))
		return -1;
	text = read_file(c, ZONES, TEXT_MAX, &length);
	if (!text)
		return call_fail(c, "read(" ZONES ")", "cannot read it");
	answer_json(c, "text", json_bytes(text, length));
	free(text);
	return 0;
}
