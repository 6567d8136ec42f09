// SPDX-License-Identifier: Apache-2.0
/* The agent's own affairs. */
#include <sys/utsname.h>
#include <unistd.h>

#include "labctl.h"

int agent_hello(struct call *c)
{
	struct utsname name;

	if (uname(&name))
		return call_fail(c, "uname", "cannot tell the kernel");
	answer_text(c, "kernel", name.release);
	answer_number(c, "cpus", sysconf(_SC_NPROCESSORS_ONLN));
	answer_number(c, "page_size", sysconf(_SC_PAGESIZE));
	answer_number(c, "monotonic_ns", monotonic_ns());
	return 0;
}

int agent_bye(struct call *c)
{
	agent_stop(c->caller.client);
	return 0;
}
