/*
 * settle_now.c - the small files of accounts that nobody uses are brought up to date: for a backup, and after a crash.
 *
 * An account that lagged when a crash came is only seen to when it is in memory again (load.c). Here it is brought
 * there. Whether its flags lag stands in the index (head.flags_modseq); of annotations and absent subscriptions nothing
 * does: who asks for an account has them written, the sweep after a start leaves them to whoever loads the account.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "storage/local/inner.h"

/* Of one tick of the sweep: a second. */
enum { SWEEP_LOOKED = 40, SWEEP_WOKEN = 8 };

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

/* --- after a start ----------------------------------------------------------------- */

/* Goes on behind s->swept. How many it has woken. */
static unsigned sweep_some(struct local *s, struct kv_scan *scan)
{
	struct account_record record;
	struct span key, value;
	unsigned looked = 0, woken = 0;
	int r = 1;

	while (looked < SWEEP_LOOKED && woken < SWEEP_WOKEN && (r = kv_scan_next(scan, &key, &value)) > 0) {
		looked++;
		span_take(&key, 1);
		if (key.n >= sizeof(s->swept) || span_is(key, s->swept))
			continue;
		memcpy(s->swept, key.p, key.n);
		s->swept[key.n] = '\0';
		if (account_decode(value, &record) && account_known(s, key) == NULL &&
		    any_key(s, KEY_MAILBOX, record.number, head_lags) > 0)
			woken += wake(s, span_of(s->swept));
	}
	s->sweeping = r > 0;
	return woken;
}

void settle_sweep(struct local *s)
{
	struct key from, end;
	struct kv_scan *scan;
	unsigned woken;

	if (!s->sweeping || s->closing)
		return;
	key_named(&from, KEY_ACCOUNT, span_of(s->swept));
	key_kind(&end, KEY_ACCOUNT);
	key_end(&end, &end);
	scan = kv_scan_open(s->kv, key_span(&from), key_span(&end));
	if (scan == NULL)
		return;
	woken = sweep_some(s, scan);
	kv_scan_close(scan);
	if (woken > 0)
		log_debug("store writes small files that lag accounts=%u", woken);
}
