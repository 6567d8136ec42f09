// SPDX-License-Identifier: Apache-2.0
/* Small files of the kernel, and its uevents. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/netlink.h>

#include "labctl.h"

char *read_file(struct call *c, const char *path, size_t max, size_t *length)
{
	size_t size = 0, space = 4096;
	char *text = NULL, *grown;
	ssize_t got;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;

	do {
		if (!text || space - size < 2) {
			space *= 2;
			grown = realloc(text, space);
			if (!grown) {
				got = -1;
				break;
			}
			text = grown;
		}
		got = read(fd, text + size, space - size - 1);
		if (got > 0)
			size += got;
		if (c)
			call_progress(c, "read", size);
		if (size > max) {
			errno = EFBIG;
			got = -1;
		}
	} while (got > 0);
	close(fd);

	if (got < 0) {
		free(text);
		return NULL;
	}
	text[size] = '\0';
	*length = size;
	return text;
}

int write_file(const char *path, int extra, const char *text)
{
	ssize_t put;
	int fd;

	fd = open(path, O_WRONLY | O_CLOEXEC | extra, 0644);
	if (fd < 0)
		return -1;
	put = write(fd, text, strlen(text));
	if (put >= 0 && (size_t)put < strlen(text)) {
		errno = EIO;
		put = -1;
	}
	if (close(fd) && put >= 0)
		put = -1;
	return put < 0 ? -1 : 0;
}

void read_line(const char *dir, const char *name, char *line, size_t size)
{
	char path[PATH_MAX];
	size_t length;
	char *text;

	*line = '\0';
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	text = read_file(NULL, path, 65536, &length);
	if (!text)
		return;
	text[strcspn(text, "\n")] = '\0';
	snprintf(line, size, "%s", text);
	free(text);
}

uint64_t read_number(const char *dir, const char *name)
{
	char line[64];

	read_line(dir, name, line, sizeof(line));
	return strtoull(line, NULL, 0);
}

void read_link_name(const char *dir, const char *name, char *target,
		    size_t size)
{
	char path[PATH_MAX], link[PATH_MAX];
	ssize_t length;
	char *slash;

	*target = '\0';
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	length = readlink(path, link, sizeof(link) - 1);
	if (length < 0)
		return;
	link[length] = '\0';
	slash = strrchr(link, '/');
	snprintf(target, size, "%s", slash ? slash + 1 : link);
}

int uevent_open(void)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	int fd;

	fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
		    NETLINK_KOBJECT_UEVENT);
	if (fd < 0)
		return -1;
	if (bind(fd, (struct sockaddr *)&kernel, sizeof(kernel))) {
		close(fd);
		return -1;
	}
	return fd;
}

void uevent_drain(int fd)
{
	char event[8192];

	/* ENOBUFS tells of lost events, and is as good as one. */
	while (recv(fd, event, sizeof(event), 0) >= 0 || errno == ENOBUFS)
		;
}

int port_open(const char *name)
{
	const char *const class = "/sys/class/virtio-ports";
	char path[PATH_MAX], has[256];
	struct dirent *entry;
	int fd = -1;
	DIR *dir;

	dir = opendir(class);
	if (!dir)
		return -1;

	errno = ENOENT;
	while (fd < 0 && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "%s/%s", class, entry->d_name);
		read_line(path, "name", has, sizeof(has));
		if (strcmp(has, name))
			continue;
		snprintf(path, sizeof(path), "/dev/%s", entry->d_name);
		fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	}
	closedir(dir);
	return fd;
}
