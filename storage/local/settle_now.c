/*
 * settle_now.c - the small files of accounts that nobody uses are brought up to date: for a backup, and after a crash.
 *
 * An account that lagged when a crash came is only seen to when it is in memory again (load.c). Here it is brought
 * there. Whether its flags lag stands in the index (head.flags_modseq); of annotations and absent subscriptions nothing
 * does: who asks for an account has them written.
 */
#include <errno.h>
#include <stdlib.h>

#include "storage/local/inner.h"

struct waking {
	struct call call; /* so that a close waits for it */
	struct after after;
	struct account *account; /* held */
};

static void on_ready(struct after *after, enum store_status status)
{
	struct waking *w = (struct waking *)((char *)after - offsetof(struct waking, after));
	struct local *s = w->call.s;

	if (status == STORE_OK)
		settle_now(w->account);
	call_close(&w->call);
	account_release(w->account);
	free(w);
	local_rest(s);
}

static bool wake(struct local *s, struct span name)
{
	struct account *a = account_hold(s, name);
	struct waking *w;

	if (a == NULL)
		return false;
	w = call_new(s, sizeof(*w));
	call_open(&w->call, NULL);
	w->account = a;
	w->after.run = on_ready;
	account_when_ready(a, &w->after);
	return true;
}

/* --- does it lag? --------------------------------------------------------------- */

/* 1 or 0; or a negative errno. */
static int any_key(struct local *s, enum key_kind kind, uint32_t account, bool (*lags)(struct span value))
{
	struct key from, end;
	struct span key, value;
	struct kv_scan *scan;
	int r;

	key_account(&from, kind, account);
	key_end(&end, &from);
	scan = kv_scan_open(s->kv, key_span(&from), key_span(&end));
	if (scan == NULL)
		return -ENOMEM;
	do
		r = kv_scan_next(scan, &key, &value);
	while (r > 0 && !lags(value));
	kv_scan_close(scan);
	return r;
}

static bool always(struct span value)
{
	(void)value;
	return true;
}

static bool head_lags(struct span value)
{
	struct span name;
	struct head h;

	return head_decode(value, &h, &name) && h.modseq > h.flags_modseq;
}

static bool may_lag(struct local *s, struct span name)
{
	static const struct {
		enum key_kind kind;
		bool (*lags)(struct span value);
	} rows[] = { { KEY_DIRTY, always }, { KEY_ABSENT, always }, { KEY_ANNOTATION, always }, { KEY_MAILBOX, head_lags } };
	struct account_record record;
	struct span value;
	struct key k;

	key_named(&k, KEY_ACCOUNT, name);
	if (kv_get(s->kv, key_span(&k), &value) < 0 || !account_decode(value, &record))
		return false;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (any_key(s, rows[i].kind, record.number, rows[i].lags) > 0)
			return true;
	return false;
}

/* --- one that somebody asks for ---------------------------------------------------- */

static bool is_settling(struct account *a)
{
	if (a->state == ACCOUNT_READY)
		settle_now(a);
	return a->state == ACCOUNT_LOADING || a->settling != NULL;
}

bool local_settle(struct store *base, const char *account)
{
	struct local *s = local_of(base);
	struct account *a = account_known(s, span_of(account));

	if (s->closing)
		return false;
	return a != NULL ? is_settling(a) : may_lag(s, span_of(account)) && wake(s, span_of(account));
}

bool local_settling(struct store *base, const char *account)
{
	struct local *s = local_of(base);
	struct account *a = account_known(s, span_of(account));

	return a != NULL && !s->closing && is_settling(a);
}
