// SPDX-License-Identifier: Apache-2.0
/*
 * Queries racing revokes.
 *
 * One word says where the toggling thread is. It is odd from when the system
 * call that revoked has returned until just before the one that enables memory
 * again begins. A query that reads the same odd value before it begins and
 * after it ended has therefore lain wholly inside one such time, and must have
 * been refused. A query that straddles an edge proves nothing and is only
 * counted.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>
#include <linux/pci_regs.h>

#include "labctl.h"

#define QUERIERS  2
#define ERRNO_MAX 256
/* How long a state lasts when no query gets through. */
#define STATE_LIMIT_NS (50 * NSEC_PER_MSEC)

struct storm {
	int device;
	int importer;
	uint64_t pages;
	_Atomic uint64_t phase;
	atomic_bool stop;
};

struct violation {
	uint64_t pgoff;
	uint64_t pfn;
	uint64_t revoke; /* the how manieth, from 1 */
	uint64_t time_ns;
};

struct querier {
	struct storm *storm;
	pthread_t thread;
	bool caller_locks;
	uint64_t random;
	_Atomic uint64_t queries;
	uint64_t granted;
	uint64_t refused;
	uint64_t inside; /* of a time of revocation, from begin to end */
	uint64_t violations;
	struct violation first;
	uint64_t errors[ERRNO_MAX];
};

static uint64_t next_page(struct querier *q)
{
	q->random ^= q->random << 13;
	q->random ^= q->random >> 7;
	q->random ^= q->random << 17;
	return q->random % q->storm->pages;
}

static void *querier_main(void *arg)
{
	struct querier *q = arg;
	struct storm *storm = q->storm;

	while (!atomic_load(&storm->stop)) {
		uint64_t pgoff = next_page(q), pfn = 0, before, after;
		int order, error = 0;

		before = atomic_load(&storm->phase);
		if (importer_query(storm->importer, pgoff, q->caller_locks,
				   &pfn, &order))
			error = errno;
		after = atomic_load(&storm->phase);

		if (error) {
			q->refused++;
			q->errors[error < ERRNO_MAX ? error : 0]++;
		} else {
			q->granted++;
		}
		if (before == after && before & 1) {
			q->inside++;
			if (!error && !q->violations++)
				q->first = (struct violation){
					.pgoff = pgoff,
					.pfn = pfn,
					.revoke = before / 2 + 1,
					.time_ns = monotonic_ns(),
				};
		}
		atomic_fetch_add(&q->queries, 1);
	}
	return NULL;
}

static uint64_t count_queries(struct querier *queriers)
{
	uint64_t sum = 0;
	int i;

	for (i = 0; i < QUERIERS; i++)
		sum += atomic_load(&queriers[i].queries);
	return sum;
}

/* Until some query has begun and ended in the present state. */
static void dwell(struct querier *queriers)
{
	/* With this many more, one querier has ended its second one. */
	uint64_t enough = count_queries(queriers) + QUERIERS + 1;
	uint64_t deadline = monotonic_ns() + STATE_LIMIT_NS;
	const struct timespec pause = { .tv_nsec = 50000 };

	while (count_queries(queriers) < enough && monotonic_ns() < deadline)
		nanosleep(&pause, NULL);
}

static int set_memory(struct call *c, struct storm *storm, bool enabled)
{
	uint16_t before, after;

	if (vfio_command(storm->device, enabled ? PCI_COMMAND_MEMORY : 0,
			 enabled ? 0 : PCI_COMMAND_MEMORY, &before, &after))
		return call_fail(c, "pwrite(PCI_COMMAND)",
				 "cannot switch memory %s",
				 enabled ? "on" : "off");
	return 0;
}

static int toggle(struct call *c, struct storm *storm, struct querier *queriers,
		  uint64_t *revokes)
{
	uint64_t end =
		monotonic_ns() + call_number(c, "seconds", 0) * NSEC_PER_SEC;
	const struct sched_param first = { .sched_priority = 1 };

	/*
	 * Against busy queriers on as many CPUs: takes one as soon as it wants
	 * it. Only this thread, which ends with the operation.
	 */
	sched_setscheduler(gettid(), SCHED_FIFO, &first);

	while (monotonic_ns() < end) {
		if (set_memory(c, storm, false))
			return -1;
		atomic_fetch_add(&storm->phase, 1);
		(*revokes)++;
		dwell(queriers);

		atomic_fetch_add(&storm->phase, 1);
		if (set_memory(c, storm, true))
			return -1;
		dwell(queriers);
		call_progress(c, "queries", count_queries(queriers));
	}
	return 0;
}

static void answer_storm(struct call *c, struct querier *queriers,
			 uint64_t revokes)
{
	uint64_t granted = 0, refused = 0, inside = 0, violations = 0;
	json_t *errors = json_object(), *first = json_null();
	uint64_t first_ns = UINT64_MAX;
	int i, error;

	for (i = 0; i < QUERIERS; i++) {
		struct querier *q = &queriers[i];

		granted += q->granted;
		refused += q->refused;
		inside += q->inside;
		violations += q->violations;
		if (q->violations && q->first.time_ns < first_ns) {
			first_ns = q->first.time_ns;
			json_decref(first);
			first = json_pack("{s:I, s:I, s:I, s:I}", "pgoff",
					  (json_int_t)q->first.pgoff, "pfn",
					  (json_int_t)q->first.pfn, "revoke",
					  (json_int_t)q->first.revoke,
					  "time_ns",
					  (json_int_t)q->first.time_ns);
		}
	}
	for (error = 0; error < ERRNO_MAX; error++) {
		uint64_t sum = 0;

		for (i = 0; i < QUERIERS; i++)
			sum += queriers[i].errors[error];
		if (sum)
			json_object_set_new(errors, errno_name(error),
					    json_integer(sum));
	}

	answer_number(c, "queries", count_queries(queriers));
	answer_number(c, "granted", granted);
	answer_number(c, "refused", refused);
	answer_number(c, "inside", inside);
	answer_number(c, "revokes", revokes);
	answer_number(c, "violations", violations);
	answer_json(c, "first_violation", first);
	answer_json(c, "errors", errors);
}

int storm_revoke(struct call *c)
{
	struct handle *dev = handle_get(c, "dev", HANDLE_VFIO);
	struct handle *importer =
		dev ? handle_get(c, "importer", HANDLE_IMPORTER) : NULL;
	struct storm storm = { .pages = call_number(c, "pages", 0) };
	struct querier queriers[QUERIERS] = {};
	uint64_t revokes = 0;
	int i, running, ret = 0;

	if (!importer)
		return -1;
	if (!storm.pages)
		return call_usage(c, "a storm needs pages to ask for");
	storm.device = dev->fd;
	storm.importer = importer->fd;
	if (set_memory(c, &storm, true))
		return -1;

	for (running = 0; running < QUERIERS; running++) {
		struct querier *q = &queriers[running];

		q->storm = &storm;
		q->random = 0x9e3779b97f4a7c15ULL * (running + 1);
		/* Both ways to ask take part. */
		q->caller_locks = running & 1;
		errno = pthread_create(&q->thread, NULL, querier_main, q);
		if (errno) {
			ret = call_fail(c, "pthread_create",
					"cannot start a storm");
			break;
		}
	}
	if (!ret)
		ret = toggle(c, &storm, queriers, &revokes);

	atomic_store(&storm.stop, true);
	for (i = 0; i < running; i++)
		pthread_join(queriers[i].thread, NULL);
	answer_storm(c, queriers, revokes);
	return ret;
}
