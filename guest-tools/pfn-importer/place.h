/* SPDX-License-Identifier: GPL-2.0 */
/* Where a buffer of the test exporter can be. */
#ifndef PLACE_H
#define PLACE_H

#include <linux/dma-buf.h>
#include <linux/types.h>

struct test_exporter_segment;
struct place;

struct place *place_create(const struct test_exporter_segment *segments,
			   u32 nr_segments);
void place_free(struct place *place);

u64 place_nr_pages(const struct place *place);
bool place_is_ram(const struct place *place);

/* @pgoff is inside the place. */
void place_get_pfn(const struct place *place, u64 pgoff, u64 *pfn,
		   int *max_order);
u32 place_attrs(const struct place *place, struct dma_buf_attachment *attach,
		u64 pgoff);
/* Only of RAM */
struct page *place_page(const struct place *place, u64 pgoff);

/* Both places have the same size; @bounce has a page's. */
void place_copy(struct place *to, const struct place *from, void *bounce);
/* Fills it with 0xa5, so that what was there is seen by nobody. */
void place_poison(struct place *place, void *bounce);

#endif
