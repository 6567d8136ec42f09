// SPDX-License-Identifier: Apache-2.0
/* Which locks were held together, in a kernel with lockdep. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "labctl.h"

#define CHAINS "/proc/lockdep_chains"

/*
 * A lock of a chain is on a line of its own, like "[00000000c0ffee00] name",
 * with "/1" and so on behind the name if that is the level of a nested one.
 */
static char *lock_name(char *line)
{
	char *name, *level;

	if (line[0] != '[')
		return NULL;
	name = strstr(line, "] ");
	if (!name)
		return NULL;
	name += 2;
	name[strcspn(name, "\n")] = '\0';
	level = strrchr(name, '/');
	if (level && level[1] &&
	    strspn(level + 1, "0123456789") == strlen(level + 1))
		*level = '\0';
	return name;
}

static bool is_wanted(json_t *wanted, const char *name)
{
	size_t i;

	for (i = 0; i < json_array_size(wanted); i++)
		if (!strcmp(json_string_value(json_array_get(wanted, i)), name))
			return true;
	return false;
}

/* Keeps the chain if it tells anything about an order, and starts the next. */
static json_t *end_chain(json_t *chains, json_t *chain, int nr_wanted)
{
	if (nr_wanted > 1)
		json_array_append(chains, chain);
	json_decref(chain);
	return json_array();
}

static json_t *read_chains(FILE *file, json_t *wanted)
{
	json_t *chains = json_array(), *chain = json_array();
	size_t size = 0;
	int nr_wanted = 0;
	char *line = NULL, *name;

	while (getline(&line, &size, file) >= 0) {
		name = lock_name(line);
		if (name) {
			nr_wanted += is_wanted(wanted, name);
			json_array_append_new(chain, json_string(name));
		} else {
			chain = end_chain(chains, chain, nr_wanted);
			nr_wanted = 0;
		}
	}
	json_decref(end_chain(chains, chain, nr_wanted));
	free(line);
	return chains;
}

int lockdep_chains(struct call *c)
{
	json_t *chains;
	FILE *file;
	bool failed;

	if (access(CHAINS, F_OK)) {
		answer_json(c, "available", json_false());
		return 0;
	}
	file = fopen(CHAINS, "r");
	if (!file)
		return call_fail(c, "open(" CHAINS ")",
				 "cannot read the lock chains");
	chains = read_chains(file, call_json(c, "locks"));
	failed = ferror(file);
	fclose(file);
	if (failed) {
		json_decref(chains);
		return call_fail(c, "read(" CHAINS ")",
				 "cannot read the lock chains");
	}
	answer_json(c, "available", json_true());
	answer_json(c, "chains", chains);
	return 0;
}
