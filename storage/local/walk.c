/* walk.c - the contract is in walk.h. */
#include "storage/local/walk.h"

#include <errno.h>

#include "common/base/escape.h"
#include "common/base/log.h"
#include "storage/local/inner.h"

enum { WALK_NEAR = 64 }; /* so many UIDs are rather read over than jumped over */

struct store_set walk_all(void)
{
	static const struct store_range all = { 1, UINT32_MAX };

	return (struct store_set){ &all, 1 };
}

static int message_damaged(const struct mailbox *m, uint32_t uid)
{
	char name[STORE_ACCOUNT_MAX * 4];

	log_error("store record damaged account=%s mailbox=%08x uid=%u",
		  escape_text(name, sizeof(name), span_of(m->account->name)), m->id, uid);
	return -EBADMSG;
}

int message_get(const struct mailbox *m, uint32_t uid, struct message *out)
{
	struct span value;
	struct key k;
	int r;

	key_record(&k, m->account->record.number, m->id, uid);
	r = local_index(m->account->s, kv_get(m->account->s->kv, key_span(&k), &value));
	if (r < 0)
		return r;
	return message_decode(value, uid, out) ? 0 : message_damaged(m, uid);
}

void walk_open(struct walk *w, struct mailbox *m, struct store_set set, uint32_t from)
{
	*w = (struct walk){ .mailbox = m, .set = set, .at = from > 0 ? from : 1 };
}

void walk_close(struct walk *w)
{
	kv_scan_close(w->scan);
	w->scan = NULL;
}

/* Begins to read at w->at, up to the end of the set. */
static int walk_seek(struct walk *w)
{
	uint32_t number = w->mailbox->account->record.number, last = w->set.ranges[w->set.count - 1].last;
	struct key from, end;

	kv_scan_close(w->scan);
	key_record(&from, number, w->mailbox->id, w->at);
	key_record(&end, number, w->mailbox->id, last);
	end.bytes[end.n++] = 0; /* the last one is included */
	w->scan = kv_scan_open(w->mailbox->account->s->kv, key_span(&from), key_span(&end));
	return w->scan != NULL ? 0 : -ENOMEM;
}

/* Moves on to the range that holds w->at, or to the next one. False: there is none. */
static bool walk_place(struct walk *w)
{
	while (w->range < w->set.count && w->set.ranges[w->range].last < w->at)
		w->range++;
	if (w->at == 0 || w->range == w->set.count)
		return false;
	if (w->at < w->set.ranges[w->range].first)
		w->at = w->set.ranges[w->range].first;
	return true;
}

/* The next record at or behind w->at. */
static int walk_read(struct walk *w, uint32_t *uid, struct span *value)
{
	struct span key;
	int r;

	do {
		r = local_index(w->mailbox->account->s, kv_scan_next(w->scan, &key, value));
		*uid = r > 0 ? key_get_uid(key) : 0;
	} while (r > 0 && *uid < w->at);
	return r;
}

int walk_next(struct walk *w, struct message *out)
{
	struct span value;
	uint32_t uid = 0;
	int r;

	while (walk_place(w)) {
		/* A gap that is wide is jumped over by a new read. */
		r = w->scan == NULL || w->at > w->read + WALK_NEAR ? walk_seek(w) : 0;
		if (r == 0)
			r = walk_read(w, &uid, &value);
		if (r <= 0)
			return r;
		w->at = w->read = uid;
		if (!walk_place(w) || w->at != uid)
			continue;
		w->at = uid + 1;
		return message_decode(value, uid, out) ? 1 : message_damaged(w->mailbox, uid);
	}
	return 0;
}
