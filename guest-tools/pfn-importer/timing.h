/* SPDX-License-Identifier: GPL-2.0 */
/* What an importer pays for knowing where memory is, and what it is. */
#ifndef TIMING_H
#define TIMING_H

struct dma_buf_attachment;
struct pfn_importer_time;

long timing_run(struct dma_buf_attachment *attach,
		struct pfn_importer_time __user *arg);

#endif
