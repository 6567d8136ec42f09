// SPDX-License-Identifier: Apache-2.0
/*
 * The program inside a virtual machine. labctl copies the section it is in to
 * GPA 0, so it must not refer to anything outside: all is inlined.
 */
#include "l2.h"

#define INLINE static inline __attribute__((always_inline))

/* One instruction for the access itself, of exactly that width. */
#define DEFINE_ACCESS(type)                                             \
	INLINE uint64_t access_##type(const struct l2_mailbox *box,     \
				      uint64_t gpa, uint64_t value)     \
	{                                                               \
		volatile type *at = (volatile type *)gpa;               \
		type old = box->expected;                               \
                                                                        \
		if (box->op == L2_READ)                                 \
			return *at;                                     \
		if (box->op == L2_XADD)                                 \
			return __atomic_fetch_add(at, (type)value,      \
						  __ATOMIC_SEQ_CST);    \
		if (box->op == L2_CMPXCHG) {                            \
			__atomic_compare_exchange_n(at, &old, value, 0, \
						    __ATOMIC_SEQ_CST,   \
						    __ATOMIC_SEQ_CST);  \
			return old;                                     \
		}                                                       \
		*at = value;                                            \
		return (type)value;                                     \
	}

DEFINE_ACCESS(uint8_t)
DEFINE_ACCESS(uint16_t)
DEFINE_ACCESS(uint32_t)
DEFINE_ACCESS(uint64_t)

INLINE uint64_t access_gpa(const struct l2_mailbox *box, uint64_t gpa,
			   uint64_t value)
{
	if (box->width == 1)
		return access_uint8_t(box, gpa, value);
	if (box->width == 2)
		return access_uint16_t(box, gpa, value);
	if (box->width == 4)
		return access_uint32_t(box, gpa, value);
	return access_uint64_t(box, gpa, value);
}

__attribute__((section("l2_text"))) void l2_main(struct l2_mailbox *box)
{
	uint64_t done = 0, place = 0, value;

	while (!box->stop && (!box->count || done < box->count)) {
		value = box->op == L2_HAMMER ? done + 1 : box->value;
		value = access_gpa(box, box->gpa + place * box->stride, value);
		if (done < L2_VALUES)
			box->values[done] = value;
		box->last = value;
		box->done = ++done;
		if (++place == box->places)
			place = 0;
	}
	for (;;)
		__asm__ volatile("hlt" ::: "memory");
}
