// SPDX-License-Identifier: Apache-2.0
/*
 * An example of a test of your own:
 *
 *	./lab run --test guest-tools/test/revoke.c
 *
 * A device loses its memory; who asks for a PFN of it is refused until the
 * memory is back, and then gets the same PFN again.
 *
 * Devices: ivshmem:16M
 * IOMMU: vtd, virtio-iommu
 */
#include "kselftest.h"
#include "lab.h"

#define PAGE "name=importer pgoff=3"

static void expect(const char *errno_name, const char *what)
{
	json_t *answer = lab_try("importer.query " PAGE);

	ksft_print_msg("a query says '%s'\n", lab_errno(answer));
	ksft_test_result(!strcmp(lab_errno(answer), errno_name), "%s\n", what);
	json_decref(answer);
}

int main(int argc, char **argv)
{
	json_t *before, *after;

	ksft_print_header();
	ksft_set_plan(3);
	if (argc != 2) /* the devices' addresses, in their order */
		ksft_exit_fail_msg("usage: %s BDF\n", argv[0]);

	lab("pci.bind bdf=%s driver=vfio-pci", argv[1]);
	lab("vfio.open bdf=%s name=dev", argv[1]);
	lab("vfio.command dev=dev memory=1 master=1");
	lab("dmabuf.export dev=dev bar=2 ranges=0x100000+0x10000 name=buffer");
	lab("importer.attach dmabuf=buffer name=importer");
	before = lab("importer.query " PAGE);

	lab("vfio.command dev=dev memory=0");
	expect("ENODEV", "no PFN of memory that is off");
	lab("vfio.command dev=dev memory=1");
	expect("", "a PFN when it is on again");
	after = lab("importer.query " PAGE);
	ksft_test_result(lab_number(before, "pfn") == lab_number(after, "pfn"),
			 "the same PFN\n");
	ksft_finished();
}
