// SPDX-License-Identifier: Apache-2.0
/*
 * QEMU's edu device as a DMA engine. It never tells whether a transfer reached
 * memory: who wants to know looks at the memory. A transfer takes 100 ms.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "labctl.h"

#define EDU_DMA_SRC   0x80
#define EDU_DMA_DST   0x88
#define EDU_DMA_COUNT 0x90
#define EDU_DMA_CMD   0x98
#define EDU_BUFFER    0x40000 /* in the device's own DMA addresses */

#define CMD_RUN		0x1
#define CMD_FROM_DEVICE 0x2

/*
 * The buffer has 4096 bytes, and the device aborts QEMU when a transfer leaves
 * it. QEMU before 8.0 takes a transfer of the last byte for one that does.
 */
#define BUFFER_END 4095
#define COPY_MAX   4096
#define COPY_PIECE 2048

#define DMA_LIMIT_NS (10 * NSEC_PER_SEC)

static int write_register(struct call *c, struct handle *edu, uint64_t offset,
			  uint64_t value)
{
	const char *what;

	if (vfio_region_write(edu->fd, 0, offset, &value, sizeof(value), &what))
		return call_fail(c, what, "cannot write register %#lx of %s",
				 offset, edu->name);
	return 0;
}

static int await_end(struct call *c, struct handle *edu)
{
	const struct timespec pause = { .tv_nsec = NSEC_PER_MSEC };
	uint64_t start = monotonic_ns();
	const char *what;
	uint64_t command;

	for (;;) {
		if (vfio_region_read(edu->fd, 0, EDU_DMA_CMD, &command,
				     sizeof(command), &what))
			return call_fail(c, what, "cannot read the state of %s",
					 edu->name);
		if (!(command & CMD_RUN))
			return 0;
		if (monotonic_ns() - start > DMA_LIMIT_NS) {
			errno = ETIMEDOUT;
			return call_fail(c, what, "%s does not finish",
					 edu->name);
		}
		nanosleep(&pause, NULL);
	}
}

static int transfer(struct call *c, struct handle *edu, bool from_device,
		    uint64_t iova, uint64_t offset, uint64_t length)
{
	uint64_t inside = EDU_BUFFER + offset;

	if (write_register(c, edu, EDU_DMA_SRC, from_device ? inside : iova) ||
	    write_register(c, edu, EDU_DMA_DST, from_device ? iova : inside) ||
	    write_register(c, edu, EDU_DMA_COUNT, length) ||
	    write_register(c, edu, EDU_DMA_CMD,
			   CMD_RUN | (from_device ? CMD_FROM_DEVICE : 0)))
		return -1;
	return await_end(c, edu);
}

int edu_dma(struct call *c)
{
	struct handle *edu = handle_get(c, "dev", HANDLE_VFIO);
	const char *direction = call_text(c, "direction", "");
	uint64_t offset = call_number(c, "offset", 0);
	uint64_t length = call_number(c, "length", 0);
	bool from_device = !strcmp(direction, "from_device");

	if (!edu)
		return -1;
	if (!from_device && strcmp(direction, "to_device"))
		return call_usage(c, "direction is to_device or from_device");
	if (!length || length > BUFFER_END || offset > BUFFER_END - length)
		return call_usage(c, "edu can use bytes 0 to %d of its buffer",
				  BUFFER_END - 1);
	return transfer(c, edu, from_device, call_number(c, "iova", 0), offset,
			length);
}

int edu_copy(struct call *c)
{
	struct handle *edu = handle_get(c, "dev", HANDLE_VFIO);
	uint64_t length = call_number(c, "length", 0);
	uint64_t src = call_number(c, "src", 0);
	uint64_t dst = call_number(c, "dst", 0);
	uint64_t done, piece;

	if (!edu)
		return -1;
	if (!length || length > COPY_MAX)
		return call_usage(c, "edu copies up to %d bytes", COPY_MAX);
	for (done = 0; done < length; done += piece) {
		piece = length - done < COPY_PIECE ? length - done : COPY_PIECE;
		if (transfer(c, edu, false, src + done, 0, piece) ||
		    transfer(c, edu, true, dst + done, 0, piece))
			return -1;
	}
	return 0;
}
