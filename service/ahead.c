/* ahead.c - the contract is in ahead.h. */
#include "service/ahead.h"

#include <stdlib.h>
#include <unistd.h>

struct ahead {
	uint64_t mailbox;
	uint32_t uid;		/* asked for last */
	uint32_t count;		/* of numbers, asked for at once */
	size_t at, n;		/* opened[at .. n - 1] are to be taken */
	struct store_opened opened[AHEAD_MOST];
};

struct ahead *ahead_new(void)
{
	return calloc(1, sizeof(struct ahead));
}

static void drop_first(struct ahead *a)
{
	if (a->opened[a->at].fd >= 0)
		close(a->opened[a->at].fd);
	a->at++;
}

static void drop_all(struct ahead *a)
{
	while (a->at < a->n)
		drop_first(a);
}

void ahead_free(struct ahead *a)
{
	if (a != NULL)
		drop_all(a);
	free(a);
}

bool ahead_take(struct ahead *a, uint64_t mailbox, uint32_t uid, struct store_opened *out)
{
	if (mailbox != a->mailbox)
		return false;
	while (a->at < a->n && a->opened[a->at].uid < uid)
		drop_first(a);
	if (a->at == a->n || a->opened[a->at].uid != uid)
		return false;
	*out = a->opened[a->at++];
	a->uid = uid;
	return true;
}

/* Near enough for both to be in one question. */
static bool goes_on(const struct ahead *a, uint64_t mailbox, uint32_t uid)
{
	return mailbox == a->mailbox && uid > a->uid && uid - a->uid < AHEAD_MOST;
}

uint32_t ahead_count(struct ahead *a, uint64_t mailbox, uint32_t uid)
{
	if (!goes_on(a, mailbox, uid)) {
		drop_all(a);
		a->count = 1;
	} else if (a->at == a->n) {
		a->count = a->count < AHEAD_MOST / 2 ? 2 * a->count : AHEAD_MOST;
	}
	a->mailbox = mailbox;
	a->uid = uid;
	if (a->at < a->n)
		return 1;	/* one that was not there when the others were opened */
	return a->count <= UINT32_MAX - uid ? a->count : 1;
}

void ahead_fill(struct ahead *a, const struct store_opened *opened, size_t count)
{
	drop_all(a);
	a->at = a->n = 0;
	for (size_t i = 0; i < count; i++) {
		if (a->n < AHEAD_MOST)
			a->opened[a->n++] = opened[i];
		else if (opened[i].fd >= 0)
			close(opened[i].fd);
	}
}
