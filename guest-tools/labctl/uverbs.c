// SPDX-License-Identifier: Apache-2.0
/*
 * Calls of the kernel for which Debian's libibverbs has no function in its
 * provider for rxe: ibv_reg_dmabuf_mr() and ibv_rereg_mr() answer EOPNOTSUPP
 * themselves.
 */
#include "rdma.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <rdma/ib_user_ioctl_cmds.h>
#include <rdma/ib_user_ioctl_verbs.h>
#include <rdma/ib_user_verbs.h>
#include <rdma/rdma_user_ioctl_cmds.h>

#define ATTRS 9

struct request {
	struct ib_uverbs_ioctl_hdr header;
	struct ib_uverbs_attr attrs[ATTRS];
};

static struct ib_uverbs_attr *add(struct request *request, uint16_t id)
{
	struct ib_uverbs_attr *attr =
		&request->attrs[request->header.num_attrs++];

	attr->attr_id = id;
	attr->flags = UVERBS_ATTR_F_MANDATORY;
	return attr;
}

static void add_handle(struct request *request, uint16_t id, uint32_t handle)
{
	add(request, id)->data = handle;
}

/* Up to eight bytes are in the attribute itself. */
static void add_value(struct request *request, uint16_t id, uint64_t value,
		      size_t size)
{
	struct ib_uverbs_attr *attr = add(request, id);

	attr->len = size;
	attr->data = value;
}

static void add_output(struct request *request, uint16_t id, uint32_t *output)
{
	struct ib_uverbs_attr *attr = add(request, id);

	attr->len = sizeof(*output);
	attr->data = (uintptr_t)output;
}

static int perform(struct ibv_context *context, struct request *request,
		   uint16_t method)
{
	request->header.object_id = UVERBS_OBJECT_MR;
	request->header.method_id = method;
	request->header.driver_id = RDMA_DRIVER_RXE;
	request->header.length =
		sizeof(request->header) +
		request->header.num_attrs * sizeof(request->attrs[0]);
	return ioctl(context->cmd_fd, RDMA_VERBS_IOCTL, request);
}

int uverbs_reg_dmabuf(struct ibv_pd *pd, int fd, uint64_t offset,
		      uint64_t length, uint64_t iova, unsigned int access,
		      struct ibv_mr *mr)
{
	struct request request = {};
	struct ib_uverbs_attr *handle;

	memset(mr, 0, sizeof(*mr));
	mr->context = pd->context;
	mr->pd = pd;
	mr->addr = (void *)(uintptr_t)iova;
	mr->length = length;
	handle = add(&request, UVERBS_ATTR_REG_DMABUF_MR_HANDLE);
	add_handle(&request, UVERBS_ATTR_REG_DMABUF_MR_PD_HANDLE, pd->handle);
	add_value(&request, UVERBS_ATTR_REG_DMABUF_MR_OFFSET, offset,
		  sizeof(offset));
	add_value(&request, UVERBS_ATTR_REG_DMABUF_MR_LENGTH, length,
		  sizeof(length));
	add_value(&request, UVERBS_ATTR_REG_DMABUF_MR_IOVA, iova, sizeof(iova));
	add_value(&request, UVERBS_ATTR_REG_DMABUF_MR_FD, fd, sizeof(uint32_t));
	add_value(&request, UVERBS_ATTR_REG_DMABUF_MR_ACCESS_FLAGS, access,
		  sizeof(uint32_t));
	add_output(&request, UVERBS_ATTR_REG_DMABUF_MR_RESP_LKEY, &mr->lkey);
	add_output(&request, UVERBS_ATTR_REG_DMABUF_MR_RESP_RKEY, &mr->rkey);
	if (perform(pd->context, &request, UVERBS_METHOD_REG_DMABUF_MR))
		return -1;
	mr->handle = handle->data;
	return 0;
}

int uverbs_destroy_mr(struct ibv_mr *mr)
{
	struct request request = {};

	add_handle(&request, UVERBS_ATTR_DESTROY_MR_HANDLE, mr->handle);
	return perform(mr->context, &request, UVERBS_METHOD_MR_DESTROY);
}

/* One of the calls that are still made by writing. */
int uverbs_rereg_access(struct ibv_mr *mr, unsigned int access)
{
	struct ib_uverbs_rereg_mr_resp answer;
	struct {
		struct ib_uverbs_cmd_hdr header;
		struct ib_uverbs_rereg_mr body;
	} request = {
		.header = {
			.command = IB_USER_VERBS_CMD_REREG_MR,
			.in_words = sizeof(request) / sizeof(uint32_t),
			.out_words = sizeof(answer) / sizeof(uint32_t),
		},
		.body = {
			.response = (uintptr_t)&answer,
			.mr_handle = mr->handle,
			.flags = IBV_REREG_MR_CHANGE_ACCESS,
			.access_flags = access,
		},
	};

	if (write(mr->context->cmd_fd, &request, sizeof(request)) < 0)
		return -1;
	mr->lkey = answer.lkey;
	mr->rkey = answer.rkey;
	return 0;
}
