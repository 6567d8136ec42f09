// SPDX-License-Identifier: Apache-2.0
/*
 * Resets and power states of VFIO devices, each by its own way in. None of them
 * touches the COMMAND register: whether memory is decoded afterwards is for the
 * kernel to decide.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>

#include "labctl.h"

/* As many as fit between the header and the end; a loop has more. */
#define CAPABILITIES_MAX ((256 - PCI_STD_HEADER_SIZEOF) / 4)

/* Where a capability begins, 0 if there is none; -1 with errno. */
static int find_capability(int device, uint8_t id)
{
	uint32_t value, position;
	int i;

	if (vfio_config_get(device, PCI_STATUS, 2, &value))
		return -1;
	if (!(value & PCI_STATUS_CAP_LIST))
		return 0;
	if (vfio_config_get(device, PCI_CAPABILITY_LIST, 1, &position))
		return -1;

	for (i = 0; position && i < CAPABILITIES_MAX; i++) {
		position &= ~3;
		/* ID and position of the next one. */
		if (vfio_config_get(device, position, 2, &value))
			return -1;
		if ((value & 0xff) == id)
			return position;
		position = value >> 8;
	}
	return 0;
}

int vfio_capability(struct call *c)
{
	struct handle *dev = handle_get(c, "dev", HANDLE_VFIO);
	uint64_t id = call_number(c, "cap", 0);
	int position;

	if (!dev)
		return -1;
	if (id > 0xff)
		return call_usage(c, "cap is one byte, like 0x10");
	position = find_capability(dev->fd, id);
	if (position < 0)
		return call_fail(c, "pread(config)",
				 "cannot read the capabilities of %s",
				 dev->name);
	answer_number(c, "offset", position);
	return 0;
}

/*
 * Sets a bit that starts a reset if the capability says that the device can do
 * it: 0, or -1 with errno.
 */
static int start_flr(int device, uint8_t capability, unsigned int offset,
		     size_t width, uint32_t needed, unsigned int control,
		     size_t control_width, uint32_t start)
{
	int position = find_capability(device, capability);
	uint32_t value;

	if (position < 0)
		return -1;
	if (position) {
		if (vfio_config_get(device, position + offset, width, &value))
			return -1;
		if ((value & needed) == needed) {
			control += position;
			if (vfio_config_get(device, control, control_width,
					    &value))
				return -1;
			return vfio_config_put(device, control, control_width,
					       value | start);
		}
	}
	errno = EOPNOTSUPP;
	return -1;
}

int vfio_flr(struct call *c)
{
	struct handle *dev = handle_get(c, "dev", HANDLE_VFIO);
	const char *kind = call_text(c, "kind", "");
	int ret;

	if (!dev)
		return -1;
	if (!strcmp(kind, "pcie"))
		ret = start_flr(dev->fd, PCI_CAP_ID_EXP, PCI_EXP_DEVCAP, 4,
				PCI_EXP_DEVCAP_FLR, PCI_EXP_DEVCTL, 2,
				PCI_EXP_DEVCTL_BCR_FLR);
	else if (!strcmp(kind, "af"))
		ret = start_flr(dev->fd, PCI_CAP_ID_AF, PCI_AF_CAP, 1,
				PCI_AF_CAP_TP | PCI_AF_CAP_FLR, PCI_AF_CTRL, 1,
				PCI_AF_CTRL_FLR);
	else
		return call_usage(c, "kind is pcie or af");
	if (ret)
		return call_fail(c, "pwrite(config)",
				 "cannot start a function level reset of %s",
				 dev->name);
	return 0;
}

int vfio_power(struct call *c)
{
	struct handle *dev = handle_get(c, "dev", HANDLE_VFIO);
	uint64_t state = call_number(c, "state", 0);
	uint32_t value;
	int position;

	if (!dev)
		return -1;
	if (state > 3)
		return call_usage(c, "state is 0 to 3, 3 being D3hot");

	position = find_capability(dev->fd, PCI_CAP_ID_PM);
	if (!position)
		errno = EOPNOTSUPP;
	if (position <= 0)
		return call_fail(c, "pread(config)",
				 "%s has no power management", dev->name);

	position += PCI_PM_CTRL;
	if (vfio_config_get(dev->fd, position, 2, &value) ||
	    vfio_config_put(dev->fd, position, 2,
			    (value & ~PCI_PM_CTRL_STATE_MASK) | state) ||
	    vfio_config_get(dev->fd, position, 2, &value))
		return call_fail(c, "pwrite(PCI_PM_CTRL)",
				 "cannot put %s into D%lu", dev->name, state);
	answer_number(c, "state", value & PCI_PM_CTRL_STATE_MASK);
	return 0;
}

static int set_feature(int device, uint32_t feature, const void *data,
		       size_t length)
{
	union {
		struct vfio_device_feature feature;
		uint8_t bytes[64];
	} set = {
		.feature = {
			.argsz = sizeof(set.feature) + length,
			.flags = VFIO_DEVICE_FEATURE_SET | feature,
		},
	};

	if (length)
		memcpy(set.bytes + sizeof(set.feature), data, length);
	return ioctl(device, VFIO_DEVICE_FEATURE, &set);
}

static int enter_with_wakeup(int device)
{
	struct vfio_device_low_power_entry_with_wakeup entry = {};
	int ret, error;

	/* The kernel keeps it; nobody here wants to be woken. */
	entry.wakeup_eventfd = eventfd(0, EFD_CLOEXEC);
	if (entry.wakeup_eventfd < 0)
		return -1;
	ret = set_feature(device,
			  VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP,
			  &entry, sizeof(entry));
	error = errno;
	close(entry.wakeup_eventfd);
	errno = error;
	return ret;
}

int vfio_lowpower(struct call *c)
{
	struct handle *dev = handle_get(c, "dev", HANDLE_VFIO);
	bool enter = call_number(c, "enter", 0);
	int ret;

	if (!dev)
		return -1;
	if (!enter)
		ret = set_feature(dev->fd, VFIO_DEVICE_FEATURE_LOW_POWER_EXIT,
				  NULL, 0);
	else if (call_number(c, "wakeup", 0))
		ret = enter_with_wakeup(dev->fd);
	else
		ret = set_feature(dev->fd, VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY,
				  NULL, 0);
	if (ret)
		return call_fail(c, "ioctl(VFIO_DEVICE_FEATURE)",
				 "cannot let %s %s low power", dev->name,
				 enter ? "enter" : "leave");
	return 0;
}

int vfio_hotreset(struct call *c)
{
	/* No groups: the devices are those of the iommufd. */
	struct vfio_pci_hot_reset reset = { .argsz = sizeof(reset) };
	struct handle *dev = handle_get(c, "dev", HANDLE_VFIO);

	if (!dev)
		return -1;
	if (ioctl(dev->fd, VFIO_DEVICE_PCI_HOT_RESET, &reset))
		return call_fail(c, "ioctl(VFIO_DEVICE_PCI_HOT_RESET)",
				 "cannot reset the slot or bus of %s",
				 dev->name);
	return 0;
}

static void answer_affected(struct call *c,
			    const struct vfio_pci_hot_reset_info *info)
{
	json_t *list = json_array();
	char bdf[32];
	uint32_t i;

	for (i = 0; i < info->count; i++) {
		const struct vfio_pci_dependent_device *d = &info->devices[i];

		snprintf(bdf, sizeof(bdf), "%04x:%02x:%02x.%x", d->segment,
			 d->bus, d->devfn >> 3, d->devfn & 7);
		/* Signed: -1 is a device of somebody else. */
		json_array_append_new(list, json_pack("{s:s, s:i}", "bdf", bdf,
						      "devid", (int)d->devid));
	}
	answer_json(c, "devices", list);
	answer_number(c, "flags", info->flags);
}

int vfio_hotreset_info(struct call *c)
{
	struct handle *dev = handle_get(c, "dev", HANDLE_VFIO);
	struct vfio_pci_hot_reset_info *info;
	/* As many functions as a bus has. */
	size_t size = sizeof(*info) + 256 * sizeof(info->devices[0]);
	int ret;

	if (!dev)
		return -1;
	info = calloc(1, size);
	if (!info)
		return call_fail(c, "calloc", "no memory for a list");
	info->argsz = size;
	ret = ioctl(dev->fd, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, info);
	if (ret)
		call_fail(c, "ioctl(VFIO_DEVICE_GET_PCI_HOT_RESET_INFO)",
			  "cannot tell what a reset of %s affects", dev->name);
	else
		answer_affected(c, info);
	free(info);
	return ret;
}
