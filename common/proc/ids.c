/* ids.c - the contract is in ids.h. */
#include "common/proc/ids.h"

#include <string.h>

void ids_add(struct ids *i, uint64_t first, uint64_t count)
{
	i->asked = false;
	if (first == 0 || count == 0 || count > UINT64_MAX - first || i->count == IDS_BLOCKS)
		return;
	i->block[i->count++] = (struct ids_block){ first, count };
	i->low = count / 2;
}

uint64_t ids_take(struct ids *i)
{
	uint64_t id;

	if (i->count == 0)
		return 0;
	id = i->block[0].next++;
	if (--i->block[0].left == 0) {
		i->count--;
		memmove(i->block, i->block + 1, i->count * sizeof(i->block[0]));
	}
	return id;
}

bool ids_want(struct ids *i)
{
	bool want = i->count < 2 && (i->count == 0 || i->block[0].left <= i->low) && !i->asked;

	i->asked |= want;
	return want;
}
