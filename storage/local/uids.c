/*
 * uids.c - which UIDs a mailbox has, as ranges: read from the index in turns when first
 * needed, then kept up to date by each change. Those of a large mailbox are kept in the
 * index, with what they were true for: if nothing was expunged since, only what came
 * behind them has to be read.
 */
#include <errno.h>

#include "storage/local/apply.h"
#include "storage/local/uids.h"

enum {
	UIDS_TURN_NS = 700 * 1000, /* a step reads so long */
	UIDS_LOOK = 128,           /* and looks at the clock after so many */
	UIDS_LARGE = 4096          /* messages; fewer are read faster than kept */
};

void uids_forget(struct mailbox *m)
{
	m->uids_known = false;
	m->uids_read_to = 1;
	ranges_reset(&m->uids);
}

/* While they are being read, those behind the reader come by themselves. */
static bool uids_cover(const struct mailbox *m, uint32_t uid)
{
	return m->uids_known || (m->uids_reading && uid < m->uids_read_to);
}

void uids_added(struct mailbox *m, uint32_t uid)
{
	if (!uids_cover(m, uid))
		return;
	ranges_add(&m->uids, uid, uid);
	if (m->uids.failed)
		uids_forget(m);
}

void uids_removed(struct mailbox *m, const struct ranges *gone)
{
	if (!m->uids_known && !m->uids_reading)
		return;
	ranges_subtract(&m->uids, gone);
	if (m->uids.failed)
		uids_forget(m);
}

/* --- kept in the index ------------------------------------------------------ */

static bool uids_are_kept(const struct mailbox *m)
{
	return m->uids_kept_next == m->head.uidnext && m->uids_kept_expunges == m->head.expunges;
}

void uids_keep(struct mailbox *m)
{
	struct local *s = m->account->s;
	struct buf *value = local_value(s);
	struct key k;

	if (!m->uids_known || m->gone || m->head.exists < UIDS_LARGE || uids_are_kept(m))
		return;
	value_put(value, m->head.expunges);
	value_put(value, m->head.uidnext);
	log_encode(value, 0, &m->uids);
	key_mailbox(&k, KEY_UIDS, m->account->record.number, m->id);
	if (value->failed || local_put(s, &k, buf_span(value)) < 0)
		return;
	m->uids_kept_next = m->head.uidnext;
	m->uids_kept_expunges = m->head.expunges;
}

/* Begins with those that were kept, if they are still right. */
static void uids_recall(struct mailbox *m)
{
	uint64_t expunges, uidnext;
	struct span value;
	int64_t unused;
	struct key k;

	if (m->head.exists < UIDS_LARGE)
		return;
	key_mailbox(&k, KEY_UIDS, m->account->record.number, m->id);
	if (kv_get(m->account->s->kv, key_span(&k), &value) < 0 ||
	    !value_take(&value, UINT32_MAX, &expunges) || !value_take(&value, UINT32_MAX, &uidnext) ||
	    expunges != m->head.expunges)
		return;
	if (!log_decode(value, &unused, &m->uids) || m->uids.failed) {
		ranges_reset(&m->uids);
		return;
	}
	m->uids_read_to = (uint32_t)uidnext;
	m->uids_kept_next = (uint32_t)uidnext;
	m->uids_kept_expunges = (uint32_t)expunges;
}

/* --- read from the index ---------------------------------------------------- */

static void uids_end(struct mailbox *m, enum store_status status)
{
	struct account *a = m->account;

	m->uids_reading = false;
	m->uids_known = status == STORE_OK;
	uids_keep(m);
	if (!m->uids_known)
		ranges_clear(&m->uids);
	after_run(&m->uids_waits, status);
	mailbox_release(m);
	account_release(a);
}

/* Reads keys for one turn. 1: there are more. */
static int uids_read(struct mailbox *m)
{
	uint64_t until = uv_hrtime() + UIDS_TURN_NS;
	uint32_t number = m->account->record.number;
	struct span key, value;
	struct key from, end;
	struct kv_scan *scan;
	int r = 1;

	key_record(&from, number, m->id, m->uids_read_to);
	key_mailbox(&end, KEY_RECORD, number, m->id);
	key_end(&end, &end);
	scan = kv_scan_open(m->account->s->kv, key_span(&from), key_span(&end));
	if (scan == NULL)
		return -ENOMEM;
	for (unsigned n = 1; r > 0 && (n % UIDS_LOOK != 0 || uv_hrtime() < until); n++) {
		r = kv_scan_next(scan, &key, &value);
		if (r > 0) {
			uint32_t uid = key_get_uid(key);

			ranges_add(&m->uids, uid, uid);
			m->uids_read_to = uid + 1;
		}
	}
	kv_scan_close(scan);
	return m->uids.failed ? -ENOMEM : r;
}

static enum turn_more uids_step(void *arg)
{
	struct mailbox *m = arg;
	int r = m->gone ? -ENOENT : local_index(m->account->s, uids_read(m));

	if (r > 0)
		return TURN_AGAIN;
	uids_end(m, r == 0 ? STORE_OK : r == -ENOENT ? STORE_NOT_FOUND : STORE_TRY_LATER);
	return TURN_DONE;
}

bool uids_ready(struct mailbox *m, struct after *after)
{
	if (m->uids_known)
		return true;
	after_add(&m->uids_waits, after);
	if (m->uids_reading)
		return false;
	m->uids_reading = true;
	m->uids_read_to = 1;
	ranges_reset(&m->uids);
	uids_recall(m);
	mailbox_hold(m);
	account_keep(m->account);
	turns_add(m->account->s->turns, &m->uids_turn, uids_step, m);
	return false;
}
