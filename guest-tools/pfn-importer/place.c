// SPDX-License-Identifier: GPL-2.0
/*
 * Where a buffer of the test exporter can be: ranges of memory that stay
 * allocated, or decoded, and mapped for this module as long as the place lives.
 */
#include <linux/dma-buf-mapping.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/pci.h>
#include <linux/pci-p2pdma.h>
#include <linux/slab.h>

#include "place.h"
#include "test_exporter.h"

#define POISON 0xa5

/* A piece of RAM, or part of a BAR: what is contiguous. */
struct piece {
	u64 pgoff; /* in the place */
	u64 nr_pages;
	u64 pfn;
	u32 attrs;
	bool registered;
	bool pinned;	    /* memory of user space */
	struct page *page;  /* of RAM, else */
	void __iomem *mmio; /* of a BAR, along with */
	struct pci_dev *pdev;
	struct p2pdma_provider *provider;
};

struct place {
	u64 nr_pages;
	size_t nr_pieces;
	struct piece *pieces;
};

static u64 segment_pieces(const struct test_exporter_segment *s)
{
	if (s->flags & TEST_EXPORTER_BAR)
		return 1;
	if (s->flags & TEST_EXPORTER_USER)
		return s->nr_pages;
	return s->nr_pages >> s->order;
}

static bool segment_ok(const struct test_exporter_segment *s)
{
	if (!s->nr_pages || s->nr_pages > MAX_ORDER_NR_PAGES * 1024 ||
	    s->flags & ~(TEST_EXPORTER_NO_CPU | TEST_EXPORTER_BAR |
			 TEST_EXPORTER_USER))
		return false;
	if (s->flags & TEST_EXPORTER_USER)
		return PAGE_ALIGNED(s->offset) &&
		       !(s->flags & TEST_EXPORTER_BAR);
	if (s->flags & TEST_EXPORTER_BAR)
		return PAGE_ALIGNED(s->offset) && s->bar < PCI_STD_NUM_BARS &&
		       s->bus <= 0xff && s->devfn <= 0xff;
	return s->order <= MAX_PAGE_ORDER &&
	       IS_ALIGNED(s->nr_pages, 1ULL << s->order);
}

static int piece_of_ram(struct piece *piece,
			const struct test_exporter_segment *s)
{
	piece->page =
		alloc_pages(GFP_KERNEL | __GFP_ZERO | __GFP_COMP, s->order);
	if (!piece->page)
		return -ENOMEM;
	piece->nr_pages = 1ULL << s->order;
	piece->attrs = DMA_BUF_PFN_PAGES;
	piece->pfn = page_to_pfn(piece->page);
	return 0;
}

/* Page number n of the segment, which stays where it is until it is unpinned.
 */
static int piece_of_user(struct piece *piece,
			 const struct test_exporter_segment *s, u64 n)
{
	long ret =
		pin_user_pages_fast(s->offset + (n << PAGE_SHIFT), 1,
				    FOLL_WRITE | FOLL_LONGTERM, &piece->page);

	if (ret != 1) {
		piece->page = NULL;
		return ret < 0 ? ret : -EFAULT;
	}
	piece->pinned = true;
	piece->nr_pages = 1;
	piece->attrs = DMA_BUF_PFN_PAGES;
	piece->pfn = page_to_pfn(piece->page);
	return 0;
}

static int piece_of_bar(struct piece *piece,
			const struct test_exporter_segment *s)
{
	u64 len = s->nr_pages << PAGE_SHIFT;
	struct pci_dev *pdev;
	resource_size_t start;
	int ret;

	pdev = pci_get_domain_bus_and_slot(s->domain, s->bus, s->devfn);
	if (!pdev)
		return -ENXIO;

	ret = -EINVAL;
	if (s->offset > pci_resource_len(pdev, s->bar) ||
	    len > pci_resource_len(pdev, s->bar) - s->offset)
		goto err_put;

	ret = pci_enable_device_mem(pdev);
	if (ret)
		goto err_put;

	start = pci_resource_start(pdev, s->bar) + s->offset;
	ret = -ENOMEM;
	piece->mmio = ioremap(start, len);
	if (!piece->mmio)
		goto err_disable;

	piece->nr_pages = s->nr_pages;
	piece->pfn = PHYS_PFN(start);
	piece->attrs = DMA_BUF_PFN_MMIO | DMA_BUF_PFN_UC;
	piece->pdev = pdev;
	piece->provider = pcim_p2pdma_provider(pdev, s->bar);
	return 0;

err_disable:
	pci_disable_device(pdev);
err_put:
	pci_dev_put(pdev);
	return ret;
}

/*
 * What does not go without saying is said by PFN, too. It is up to the driver
 * of the device to do so for its BARs.
 */
static int piece_register(struct piece *piece)
{
	int ret;

	if (!piece->page || piece->attrs & DMA_BUF_PFN_CPU)
		return 0;

	ret = dma_buf_pfn_attrs_register(piece->pfn, piece->nr_pages,
					 piece->attrs, NULL);
	piece->registered = !ret;
	return ret;
}

static int piece_init(struct piece *piece,
		      const struct test_exporter_segment *s, u64 n)
{
	int ret;

	if (s->flags & TEST_EXPORTER_BAR)
		ret = piece_of_bar(piece, s);
	else if (s->flags & TEST_EXPORTER_USER)
		ret = piece_of_user(piece, s, n);
	else
		ret = piece_of_ram(piece, s);
	if (ret)
		return ret;

	if (!(s->flags & TEST_EXPORTER_NO_CPU))
		piece->attrs |= DMA_BUF_PFN_CPU;
	return piece_register(piece);
}

static void piece_exit(struct piece *piece)
{
	if (piece->registered)
		dma_buf_pfn_attrs_unregister(piece->pfn);
	if (piece->pinned)
		unpin_user_page(piece->page);
	else if (piece->page)
		__free_pages(piece->page, ilog2(piece->nr_pages));
	if (piece->mmio) {
		iounmap(piece->mmio);
		pci_disable_device(piece->pdev);
		pci_dev_put(piece->pdev);
	}
}

static int place_fill(struct place *place,
		      const struct test_exporter_segment *segments,
		      u32 nr_segments)
{
	struct piece *piece = place->pieces;
	u64 n;
	u32 s;
	int ret;

	for (s = 0; s < nr_segments; s++) {
		for (n = 0; n < segment_pieces(&segments[s]); n++, piece++) {
			piece->pgoff = place->nr_pages;
			ret = piece_init(piece, &segments[s], n);
			if (ret)
				return ret;
			place->nr_pages += piece->nr_pages;
		}
	}
	return 0;
}

struct place *place_create(const struct test_exporter_segment *segments,
			   u32 nr_segments)
{
	struct place *place;
	u64 nr_pieces = 0;
	u32 s;
	int ret;

	for (s = 0; s < nr_segments; s++) {
		if (!segment_ok(&segments[s]))
			return ERR_PTR(-EINVAL);
		nr_pieces += segment_pieces(&segments[s]);
	}
	if (!nr_pieces)
		return ERR_PTR(-EINVAL);

	place = kzalloc_obj(*place);
	if (!place)
		return ERR_PTR(-ENOMEM);

	ret = -ENOMEM;
	place->nr_pieces = nr_pieces;
	place->pieces = kvzalloc_objs(*place->pieces, nr_pieces);
	if (place->pieces)
		ret = place_fill(place, segments, nr_segments);
	if (ret) {
		place_free(place);
		return ERR_PTR(ret);
	}
	return place;
}

void place_free(struct place *place)
{
	size_t i;

	for (i = 0; place->pieces && i < place->nr_pieces; i++)
		piece_exit(&place->pieces[i]);
	kvfree(place->pieces);
	kfree(place);
}

u64 place_nr_pages(const struct place *place)
{
	return place->nr_pages;
}

bool place_is_ram(const struct place *place)
{
	size_t i;

	for (i = 0; i < place->nr_pieces; i++)
		if (!place->pieces[i].page)
			return false;
	return true;
}

/* The last one that does not begin behind the page. */
static const struct piece *place_piece(const struct place *place, u64 pgoff)
{
	size_t low = 0, high = place->nr_pieces;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (place->pieces[middle].pgoff <= pgoff)
			low = middle;
		else
			high = middle;
	}
	return &place->pieces[low];
}

/* Blocks end where pieces end, even if the next one happens to continue it. */
void place_get_pfn(const struct place *place, u64 pgoff, u64 *pfn,
		   int *max_order)
{
	const struct piece *piece = place_piece(place, pgoff);
	int order = 0;

	*pfn = piece->pfn + (pgoff - piece->pgoff);
	for (;;) {
		u64 size = 2ULL << order;
		u64 first = round_down(pgoff, size);

		if (((pgoff ^ *pfn) & (size - 1)) || first < piece->pgoff ||
		    first + size > piece->pgoff + piece->nr_pages)
			break;
		order++;
	}
	*max_order = order;
}

u32 place_attrs(const struct place *place, struct dma_buf_attachment *attach,
		u64 pgoff)
{
	const struct piece *piece = place_piece(place, pgoff);

	return piece->attrs | dma_buf_p2p_attrs(attach, piece->provider);
}

struct page *place_page(const struct place *place, u64 pgoff)
{
	const struct piece *piece = place_piece(place, pgoff);

	return piece->page + (pgoff - piece->pgoff);
}

static void page_read(const struct place *place, u64 pgoff, void *to)
{
	const struct piece *piece = place_piece(place, pgoff);
	u64 offset = (pgoff - piece->pgoff) << PAGE_SHIFT;

	if (piece->page)
		memcpy(to, page_address(piece->page) + offset, PAGE_SIZE);
	else
		memcpy_fromio(to, piece->mmio + offset, PAGE_SIZE);
}

static void page_write(const struct place *place, u64 pgoff, const void *from)
{
	const struct piece *piece = place_piece(place, pgoff);
	u64 offset = (pgoff - piece->pgoff) << PAGE_SHIFT;

	if (piece->page)
		memcpy(page_address(piece->page) + offset, from, PAGE_SIZE);
	else
		memcpy_toio(piece->mmio + offset, from, PAGE_SIZE);
}

void place_copy(struct place *to, const struct place *from, void *bounce)
{
	u64 pgoff;

	for (pgoff = 0; pgoff < from->nr_pages; pgoff++) {
		page_read(from, pgoff, bounce);
		page_write(to, pgoff, bounce);
		cond_resched();
	}
}

void place_poison(struct place *place, void *bounce)
{
	u64 pgoff;

	memset(bounce, POISON, PAGE_SIZE);
	for (pgoff = 0; pgoff < place->nr_pages; pgoff++) {
		page_write(place, pgoff, bounce);
		cond_resched();
	}
}
