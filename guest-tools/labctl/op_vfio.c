// SPDX-License-Identifier: Apache-2.0
/*
 * VFIO devices by their cdev. BARs and configuration space are read and written
 * through the device's descriptor, never by mmap: a mapping would keep the
 * device open, and reading what is revoked would end in a signal instead of an
 * errno. Who wants exactly that has op_mapping.c.
 */
#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <linux/iommufd.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>

#include "vm.h"

/* What only a kernel with the series knows. */
#ifndef VFIO_DEVICE_BIND_IOMMUFD_PRIVATE
#define VFIO_DEVICE_BIND_IOMMUFD_PRIVATE (1 << 1)
#endif

int vfio_region_info(int device, uint32_t index, struct vfio_region_info *info,
		     const char **what)
{
	memset(info, 0, sizeof(*info));
	info->argsz = sizeof(*info);
	info->index = index;
	*what = "ioctl(VFIO_DEVICE_GET_REGION_INFO)";
	return ioctl(device, VFIO_DEVICE_GET_REGION_INFO, info);
}

static int check_length(ssize_t done, size_t length)
{
	if (done < 0)
		return -1;
	if ((size_t)done == length)
		return 0;
	errno = EIO;
	return -1;
}

int vfio_region_read(int device, uint32_t index, uint64_t offset, void *data,
		     size_t length, const char **what)
{
	struct vfio_region_info info;

	if (vfio_region_info(device, index, &info, what))
		return -1;
	*what = "pread";
	return check_length(pread(device, data, length, info.offset + offset),
			    length);
}

int vfio_region_write(int device, uint32_t index, uint64_t offset,
		      const void *data, size_t length, const char **what)
{
	struct vfio_region_info info;

	if (vfio_region_info(device, index, &info, what))
		return -1;
	*what = "pwrite";
	return check_length(pwrite(device, data, length, info.offset + offset),
			    length);
}

int vfio_config_get(int device, uint64_t offset, size_t width, uint32_t *value)
{
	const char *what;
	uint32_t raw = 0;

	if (vfio_region_read(device, VFIO_PCI_CONFIG_REGION_INDEX, offset, &raw,
			     width, &what))
		return -1;
	*value = le32toh(raw);
	return 0;
}

int vfio_config_put(int device, uint64_t offset, size_t width, uint32_t value)
{
	uint32_t raw = htole32(value);
	const char *what;

	return vfio_region_write(device, VFIO_PCI_CONFIG_REGION_INDEX, offset,
				 &raw, width, &what);
}

int vfio_command(int device, uint16_t set, uint16_t clear, uint16_t *before,
		 uint16_t *after)
{
	uint32_t value;

	if (vfio_config_get(device, PCI_COMMAND, 2, &value))
		return -1;
	*before = value;
	if (vfio_config_put(device, PCI_COMMAND, 2, (value | set) & ~clear) ||
	    vfio_config_get(device, PCI_COMMAND, 2, &value))
		return -1;
	*after = value;
	return 0;
}

/* The device's node below /dev/vfio/devices; -1 with errno. */
static int open_cdev(const char *bdf)
{
	char path[PATH_MAX];
	struct dirent *entry;
	int fd = -1;
	DIR *dir;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/vfio-dev", bdf);
	dir = opendir(path);
	if (!dir)
		return -1;

	errno = ENOENT;
	while ((entry = readdir(dir))) {
		if (*entry->d_name == '.')
			continue;
		snprintf(path, sizeof(path), "/dev/vfio/devices/%s",
			 entry->d_name);
		fd = open(path, O_RDWR | O_CLOEXEC);
		break;
	}
	closedir(dir);
	return fd;
}

/* The machine's list with the device in it, or -1 with the answer written. */
static int add_to_vm(struct call *c, int fd, const char *bdf)
{
	struct handle *vm = handle_get(c, "vm", HANDLE_VM);
	int list;

	if (!vm)
		return -1;
	list = vm_add_device(vm->fd, fd);
	if (list < 0)
		call_fail(c, "ioctl(KVM_DEV_VFIO_FILE_ADD)",
			  "cannot give %s to %s", bdf, vm->name);
	return list;
}

int vfio_open(struct call *c)
{
	struct vfio_device_bind_iommufd bind = { .argsz = sizeof(bind) };
	const char *bdf = call_text(c, "bdf", "");
	struct handle *iommufd;
	int fd, list = -1, ret;

	iommufd = handle_iommufd(c, call_text(c, "iommufd", "iommufd"));
	if (!iommufd)
		return -1;

	fd = open_cdev(bdf);
	if (fd < 0)
		return call_fail(c, "open(/dev/vfio/devices)",
				 "cannot open the vfio device of %s", bdf);

	if (call_has(c, "vm")) {
		list = add_to_vm(c, fd, bdf);
		if (list < 0) {
			close(fd);
			return -1;
		}
	}
	if (list >= 0 && call_number(c, "left", 0)) {
		close(list);
		list = -1;
	}
	/* The device itself is an fd like any other that is no iommufd. */
	bind.iommufd = call_number(c, "no_iommufd", 0) ? fd : iommufd->fd;
	if (call_number(c, "private", 0))
		bind.flags |= VFIO_DEVICE_BIND_IOMMUFD_PRIVATE;
	ret = ioctl(fd, VFIO_DEVICE_BIND_IOMMUFD, &bind);
	if (ret)
		call_fail(c, "ioctl(VFIO_DEVICE_BIND_IOMMUFD)",
			  "cannot bind %s to %s", bdf, iommufd->name);
	/* What is bound stays so; the list would keep the device open. */
	if (list >= 0)
		close(list);
	if (ret) {
		close(fd);
		return -1;
	}
	if (!handle_add(c, "name",
			(struct handle){ .kind = HANDLE_VFIO,
					 .fd = fd,
					 .id = bind.out_devid }))
		return -1;
	answer_number(c, "devid", bind.out_devid);
	return 0;
}

int vfio_close(struct call *c)
{
	struct handle *dev = handle_take(c, "name", HANDLE_VFIO);

	if (!dev)
		return -1;
	handle_free(dev);
	return 0;
}

int vfio_attach(struct call *c)
{
	struct vfio_device_attach_iommufd_pt attach = {
		.argsz = sizeof(attach),
	};
	struct handle *dev = handle_get(c, "dev", HANDLE_VFIO);
	struct handle *pt =
		dev ? handle_get(c, "pt", HANDLE_IOAS | HANDLE_HWPT) : NULL;

	if (!pt)
		return -1;
	attach.pt_id = pt->id;
	if (ioctl(dev->fd, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach))
		return call_fail(c, "ioctl(VFIO_DEVICE_ATTACH_IOMMUFD_PT)",
				 "cannot attach %s to %s", dev->name, pt->name);
	return 0;
}

int vfio_detach(struct call *c)
{
	struct vfio_device_detach_iommufd_pt detach = {
		.argsz = sizeof(detach),
	};
	struct handle *dev = handle_get(c, "dev", HANDLE_VFIO);

	if (!dev)
		return -1;
	if (ioctl(dev->fd, VFIO_DEVICE_DETACH_IOMMUFD_PT, &detach))
		return call_fail(c, "ioctl(VFIO_DEVICE_DETACH_IOMMUFD_PT)",
				 "cannot detach %s", dev->name);
	return 0;
}

int vfio_set_command(struct call *c)
{
	struct handle *dev = handle_get(c, "dev", HANDLE_VFIO);
	uint16_t set = 0, clear = 0, before, after;

	if (!dev)
		return -1;
	if (call_has(c, "memory"))
		*(call_number(c, "memory", 0) ? &set : &clear) |=
			PCI_COMMAND_MEMORY;
	if (call_has(c, "master"))
		*(call_number(c, "master", 0) ? &set : &clear) |=
			PCI_COMMAND_MASTER;

	if (vfio_command(dev->fd, set, clear, &before, &after))
		return call_fail(c, "pwrite(PCI_COMMAND)",
				 "cannot set the COMMAND register of %s",
				 dev->name);
	answer_number(c, "before", before);
	answer_number(c, "after", after);
	return 0;
}

/* 0 if the arguments make no sense. */
static size_t config_width(struct call *c)
{
	uint64_t width = call_number(c, "width", 0);

	return width == 1 || width == 2 || width == 4 ? width : 0;
}

int vfio_config_read(struct call *c)
{
	struct handle *dev = handle_get(c, "dev", HANDLE_VFIO);
	uint64_t offset = call_number(c, "offset", 0);
	size_t width = config_width(c);
	uint32_t value;

	if (!dev)
		return -1;
	if (!width)
		return call_usage(c, "width is 1, 2 or 4");
	if (vfio_config_get(dev->fd, offset, width, &value))
		return call_fail(c, "pread(config)", "cannot read %#lx of %s",
				 offset, dev->name);
	answer_number(c, "value", value);
	return 0;
}

int vfio_config_write(struct call *c)
{
	struct handle *dev = handle_get(c, "dev", HANDLE_VFIO);
	uint64_t offset = call_number(c, "offset", 0);
	uint64_t value = call_number(c, "value", 0);
	size_t width = config_width(c);

	if (!dev)
		return -1;
	if (!width)
		return call_usage(c, "width is 1, 2 or 4");
	if (value >> (8 * width))
		return call_usage(c, "value does not fit into %zu bytes",
				  width);
	if (vfio_config_put(dev->fd, offset, width, value))
		return call_fail(c, "pwrite(config)", "cannot write %#lx of %s",
				 offset, dev->name);
	answer_number(c, "value", value);
	return 0;
}

int vfio_reset(struct call *c)
{
	struct handle *dev = handle_get(c, "dev", HANDLE_VFIO);

	if (!dev)
		return -1;
	if (ioctl(dev->fd, VFIO_DEVICE_RESET))
		return call_fail(c, "ioctl(VFIO_DEVICE_RESET)",
				 "cannot reset %s", dev->name);
	return 0;
}

int vfio_region(struct call *c)
{
	struct handle *dev = handle_get(c, "dev", HANDLE_VFIO);
	uint64_t index = call_number(c, "index", 0);
	struct vfio_region_info info;
	const char *what;

	if (!dev)
		return -1;
	if (vfio_region_info(dev->fd, index, &info, &what))
		return call_fail(c, what, "there is no region %lu of %s", index,
				 dev->name);
	answer_number(c, "size", info.size);
	answer_number(c, "flags", info.flags);
	return 0;
}

bool vfio_has_memory(uint64_t index)
{
	return index <= VFIO_PCI_ROM_REGION_INDEX ||
	       index == VFIO_PCI_VGA_REGION_INDEX;
}

int vfio_read(struct call *c)
{
	struct handle *dev = handle_get(c, "dev", HANDLE_VFIO);
	uint64_t length = call_number(c, "length", 0);
	uint64_t bar = call_number(c, "bar", 0);
	uint8_t bytes[VFIO_BYTES_MAX];
	const char *what;

	if (!dev)
		return -1;
	if (!vfio_has_memory(bar) || length > VFIO_BYTES_MAX)
		return call_usage(c, "bar is 0 to 6 or 8, length up to %d",
				  VFIO_BYTES_MAX);
	if (vfio_region_read(dev->fd, bar, call_number(c, "offset", 0), bytes,
			     length, &what))
		return call_fail(c, what, "cannot read BAR %lu of %s", bar,
				 dev->name);
	answer_bytes(c, "data", bytes, length);
	return 0;
}

int vfio_write(struct call *c)
{
	struct handle *dev = handle_get(c, "dev", HANDLE_VFIO);
	uint64_t bar = call_number(c, "bar", 0);
	uint8_t bytes[VFIO_BYTES_MAX];
	const char *what;
	ssize_t length;

	if (!dev)
		return -1;
	length = call_bytes(c, "data", bytes, sizeof(bytes));
	if (!vfio_has_memory(bar) || length < 0)
		return call_usage(c, "bar is 0 to 6 or 8, data up to %d bytes",
				  VFIO_BYTES_MAX);
	if (vfio_region_write(dev->fd, bar, call_number(c, "offset", 0), bytes,
			      length, &what))
		return call_fail(c, what, "cannot write BAR %lu of %s", bar,
				 dev->name);
	return 0;
}

/* An eventfd that has the kernel store to the BAR, fired once. */
int vfio_ioeventfd(struct call *c)
{
	struct handle *dev = handle_get(c, "dev", HANDLE_VFIO);
	uint64_t bar = call_number(c, "bar", 0), one = 1;
	struct vfio_device_ioeventfd event = {
		.argsz = sizeof(event),
		.flags = VFIO_DEVICE_IOEVENTFD_32,
		.data = call_number(c, "value", 0),
	};
	struct vfio_region_info info;
	const char *what;
	int ret;

	if (!dev)
		return -1;
	if (vfio_region_info(dev->fd, bar, &info, &what))
		return call_fail(c, what, "there is no BAR %lu of %s", bar,
				 dev->name);
	event.offset = info.offset + call_number(c, "offset", 0);
	event.fd = eventfd(0, EFD_CLOEXEC);
	if (event.fd < 0)
		return call_fail(c, "eventfd", "no event");

	ret = ioctl(dev->fd, VFIO_DEVICE_IOEVENTFD, &event);
	if (ret)
		call_fail(c, "ioctl(VFIO_DEVICE_IOEVENTFD)",
			  "cannot have an event store to BAR %lu of %s", bar,
			  dev->name);
	else if (write(event.fd, &one, sizeof(one)) != sizeof(one))
		ret = call_fail(c, "write", "cannot fire the event");
	/* With it the kernel's end goes. */
	close(event.fd);
	return ret;
}
