// SPDX-License-Identifier: Apache-2.0
/* Dma-bufs as buffers of the graphics stack. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <drm/drm.h>

#include "labctl.h"

#define CARDS 16

/* The descriptor of the first card of this driver, or -1. */
static int open_card(const char *driver)
{
	char path[32], name[64];
	int card, fd;

	for (card = 0; card < CARDS; card++) {
		struct drm_version version = {
			.name = name,
			.name_len = sizeof(name) - 1,
		};

		snprintf(path, sizeof(path), "/dev/dri/card%d", card);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			continue;
		memset(name, 0, sizeof(name));
		if (!ioctl(fd, DRM_IOCTL_VERSION, &version) &&
		    !strcmp(name, driver))
			return fd;
		close(fd);
	}
	errno = ENOENT; /* which no import fails with */
	return -1;
}

int drm_import(struct call *c)
{
	struct handle *dmabuf = handle_get(c, "dmabuf", HANDLE_DMABUF);
	const char *driver = call_text(c, "driver", "");
	struct drm_prime_handle prime = {};
	int fd;

	if (!dmabuf)
		return -1;
	fd = open_card(driver);
	if (fd < 0)
		return call_fail(c, "open(/dev/dri)", "there is no card of %s",
				 driver);
	prime.fd = dmabuf->fd;
	if (ioctl(fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime)) {
		call_fail(c, "ioctl(DRM_IOCTL_PRIME_FD_TO_HANDLE)",
			  "%s does not take %s", driver, dmabuf->name);
		close(fd);
		return -1;
	}
	if (!handle_add(c, "name",
			(struct handle){ .kind = HANDLE_DRM,
					 .fd = fd,
					 .id = prime.handle }))
		return -1;
	return 0;
}
