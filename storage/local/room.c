/* room.c - store_room: would the disk and the accounts take a message now? */
#include <stdlib.h>

#include "storage/local/inner.h"
#include "storage/local/look.h"

struct look_room;

struct guest { /* a recipient whose account has limits */
	struct look_room *room;
	struct account *account; /* held */
	size_t place;
	enum store_status status;
	struct after after;
};

struct look_room {
	struct call call;
	store_room_done done;
	uint64_t size;
	size_t waiting; /* for accounts, and for the disk's figure */
	struct turn turn;
	struct after after;
	struct guest *guests;
	struct store_range *over;
	size_t guest_count, over_count;
};

static void over_add(struct look_room *k, size_t place)
{
	struct store_range *last = k->over_count > 0 ? &k->over[k->over_count - 1] : NULL;

	if (last != NULL && last->last + 1 == place)
		last->last++;
	else
		k->over[k->over_count++] = (struct store_range){ (uint32_t)place, (uint32_t)place };
}

static enum store_status room_judge(struct look_room *k)
{
	uint64_t least = k->size > 0 ? k->size : 1; /* a message has bytes, however many */

	if (!space_room(k->call.s->space, k->size))
		return STORE_TRY_LATER;
	for (size_t i = 0; i < k->guest_count; i++) {
		if (k->guests[i].status != STORE_OK)
			return k->guests[i].status;
		if (!account_has_room(k->guests[i].account, least, 1))
			over_add(k, k->guests[i].place);
	}
	return k->over_count > 0 ? STORE_OVER_QUOTA : STORE_OK;
}

static enum turn_more room_end(void *arg)
{
	struct look_room *k = arg;
	enum store_status status;

	if (--k->waiting > 0)
		return TURN_DONE;
	status = room_judge(k);
	if (call_close(&k->call))
		k->done(k->call.arg, status, (struct store_set){ k->over, k->over_count });
	for (size_t i = 0; i < k->guest_count; i++)
		account_release(k->guests[i].account);
	free(k->guests);
	free(k->over);
	free(k);
	return TURN_DONE;
}

static void room_known(struct after *after, enum store_status status)
{
	(void)status;
	room_end((char *)after - offsetof(struct look_room, after));
}

static void guest_ready(struct after *after, enum store_status status)
{
	struct guest *g = (struct guest *)((char *)after - offsetof(struct guest, after));

	g->status = status;
	room_end(g->room);
}

/* Those without a limit need not even be read. */
static void guests_take(struct look_room *k, const struct store_recipient *recipients, size_t count)
{
	k->guests = local_alloc((count + 1) * sizeof(*k->guests));
	k->over = local_alloc((count + 1) * sizeof(*k->over));
	for (size_t i = 0; i < count; i++) {
		struct account *a = account_hold(k->call.s, recipients[i].account);

		if (a == NULL)
			continue; /* the delivery will say so */
		account_tell_quota(a, recipients[i].quota);
		if (recipients[i].quota != STORE_QUOTA_UNTOLD && account_is_limited(a))
			k->guests[k->guest_count++] = (struct guest){ .room = k, .account = a, .place = i + 1 };
		else
			account_release(a);
	}
	k->waiting += k->guest_count;
	for (size_t i = 0; i < k->guest_count; i++) {
		k->guests[i].after.run = guest_ready;
		account_when_ready(k->guests[i].account, &k->guests[i].after);
	}
}

uint64_t look_room(struct store *base, uint64_t size, const struct store_recipient *recipients, size_t count,
		   store_room_done done, void *arg)
{
	struct local *s = local_of(base);
	struct look_room *k = call_new(s, sizeof(*k));
	uint64_t number = call_open(&k->call, arg);

	k->done = done;
	k->size = size;
	k->waiting = 1;
	k->after.run = room_known;
	guests_take(k, recipients, count < STORE_RECIPIENTS ? count : STORE_RECIPIENTS);
	if (space_fresh(s->space, &k->after))
		turns_add(s->turns, &k->turn, room_end, k);
	return number;
}
