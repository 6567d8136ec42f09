// SPDX-License-Identifier: Apache-2.0
/* PCI devices and their drivers, by sysfs. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "labctl.h"

#define DEVICES "/sys/bus/pci/devices"
#define PROBE	"/sys/bus/pci/drivers_probe"
#define RESCAN	"/sys/bus/pci/rescan"
#define BARS	6

static void device_path(char *path, const char *bdf)
{
	snprintf(path, PATH_MAX, DEVICES "/%s", bdf);
}

static json_t *list_bars(const char *bdf)
{
	char path[PATH_MAX];
	json_t *bars = json_array();
	uint64_t start, end;
	FILE *file;
	int i;

	snprintf(path, sizeof(path), DEVICES "/%s/resource", bdf);
	file = fopen(path, "re");
	if (!file)
		return bars;

	for (i = 0; i < BARS; i++) {
		if (fscanf(file, "%lx %lx %*x", &start, &end) != 2)
			break;
		if (!end)
			continue;
		json_array_append_new(
			bars, json_pack("{s:i, s:I, s:I}", "index", i, "start",
					(json_int_t)start, "size",
					(json_int_t)(end - start + 1)));
	}
	fclose(file);
	return bars;
}

int pci_list(struct call *c)
{
	char path[PATH_MAX], driver[64], group[64];
	json_t *list = json_array();
	struct dirent **entries;
	int i, n;

	n = scandir(DEVICES, &entries, NULL, alphasort);
	if (n < 0)
		return call_fail(c, "scandir(" DEVICES ")",
				 "cannot list the PCI devices");

	for (i = 0; i < n; i++) {
		const char *bdf = entries[i]->d_name;

		if (*bdf == '.') {
			free(entries[i]);
			continue;
		}
		device_path(path, bdf);
		read_link_name(path, "driver", driver, sizeof(driver));
		read_link_name(path, "iommu_group", group, sizeof(group));
		json_array_append_new(
			list, json_pack("{s:s, s:I, s:I, s:s, s:s, s:o}", "bdf",
					bdf, "vendor",
					(json_int_t)read_number(path, "vendor"),
					"device",
					(json_int_t)read_number(path, "device"),
					"driver", driver, "iommu_group", group,
					"bars", list_bars(bdf)));
		free(entries[i]);
	}
	free(entries);
	answer_json(c, "devices", list);
	return 0;
}

static bool is_device(const char *bdf, uint64_t vendor, uint64_t device)
{
	char path[PATH_MAX];

	device_path(path, bdf);
	return read_number(path, "vendor") == vendor &&
	       read_number(path, "device") == device;
}

/*
 * The uevent of a new device comes before it is given addresses. Whoever adds
 * it holds the kernel's rescan lock until all is done, so a rescan of its bus,
 * which finds nothing, returns after that.
 */
static int settle(struct call *c, const char *bdf)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), DEVICES "/%s/rescan", bdf);
	return call_write(c, path, 0, "1");
}

int pci_wait(struct call *c)
{
	uint64_t timeout = call_number(c, "timeout_ms", 10000) * NSEC_PER_MSEC;
	uint64_t deadline = monotonic_ns() + timeout;
	const char *bdf = call_text(c, "bdf", "");
	uint64_t vendor = call_number(c, "vendor", 0);
	uint64_t device = call_number(c, "device", 0);
	int uevents;
	bool found;

	uevents = uevent_open();
	if (uevents < 0)
		return call_fail(c, "socket(NETLINK_KOBJECT_UEVENT)",
				 "cannot watch for devices");

	while (!(found = is_device(bdf, vendor, device)) &&
	       uevent_wait(c, uevents, deadline))
		;
	close(uevents);

	if (!found) {
		errno = ETIMEDOUT;
		return call_fail(c, "poll(uevent)",
				 "no device %04lx:%04lx has come at %s", vendor,
				 device, bdf);
	}
	return settle(c, bdf);
}

/*
 * The link goes before the kernel tells of the removal, and after the driver
 * has let go.
 */
static bool is_there(const char *bdf)
{
	char path[PATH_MAX];

	device_path(path, bdf);
	return !faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW);
}

int pci_gone(struct call *c)
{
	uint64_t timeout = call_number(c, "timeout_ms", 10000) * NSEC_PER_MSEC;
	uint64_t deadline = monotonic_ns() + timeout;
	const char *bdf = call_text(c, "bdf", "");
	int uevents;
	bool there;

	uevents = uevent_open();
	if (uevents < 0)
		return call_fail(c, "socket(NETLINK_KOBJECT_UEVENT)",
				 "cannot watch for devices");

	while ((there = is_there(bdf)) && uevent_wait(c, uevents, deadline))
		;
	close(uevents);

	if (there) {
		errno = ETIMEDOUT;
		return call_fail(c, "poll(uevent)", "%s is still there", bdf);
	}
	return 0;
}

int pci_bind(struct call *c)
{
	const char *bdf = call_text(c, "bdf", "");
	const char *driver = call_text(c, "driver", "");
	char dir[PATH_MAX], path[PATH_MAX], bound[64];

	device_path(dir, bdf);
	snprintf(path, sizeof(path), DEVICES "/%s/driver_override", bdf);
	if (call_write(c, path, 0, driver))
		return -1;
	read_link_name(dir, "driver", bound, sizeof(bound));
	if (*bound && strcmp(bound, driver) && pci_unbind(c))
		return -1;
	if (call_write(c, PROBE, 0, bdf))
		return -1;

	read_link_name(dir, "driver", bound, sizeof(bound));
	if (strcmp(bound, driver)) {
		errno = *bound ? EBUSY : ENODEV;
		return call_fail(c, "write(" PROBE ")",
				 "%s has driver '%s', not %s", bdf, bound,
				 driver);
	}
	answer_text(c, "driver", bound);
	return 0;
}

int pci_unbind(struct call *c)
{
	const char *bdf = call_text(c, "bdf", "");
	char path[PATH_MAX];

	snprintf(path, sizeof(path), DEVICES "/%s/driver/unbind", bdf);
	return call_write(c, path, 0, bdf);
}

int pci_remove(struct call *c)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), DEVICES "/%s/remove",
		 call_text(c, "bdf", ""));
	return call_write(c, path, 0, "1");
}

int pci_rescan(struct call *c)
{
	return call_write(c, RESCAN, 0, "1");
}
