/* check_index.c - the index by itself; the contract is in check_inside.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/escape.h"
#include "storage/local/check_inside.h"

/* What a key of each kind looks like behind its letter, and about what it is. */
enum { OF_NOTHING, OF_ACCOUNT, OF_MAILBOX };

static bool value_account(struct span value)
{
	struct account_record a;

	return account_decode(value, &a);
}

static bool value_mailbox(struct span value)
{
	struct span name;
	struct head h;

	return head_decode(value, &h, &name);
}

static bool value_keywords(struct span value)
{
	struct span word;

	while (value.n > 0)
		if (!value_take_span(&value, &word))
			return false;
	return true;
}

static bool value_message(struct span value)
{
	struct message m;

	return message_decode(value, 1, &m);
}

static bool value_log(struct span value)
{
	struct ranges r;
	int64_t time_s;
	bool good;

	ranges_init(&r);
	good = log_decode(value, &time_s, &r);
	ranges_clear(&r);
	return good;
}

static bool value_uids(struct span value)
{
	uint64_t number;

	return value_take(&value, UINT32_MAX, &number) && value_take(&value, UINT32_MAX, &number) &&
	       value_log(value);
}

static bool value_number(struct span value)
{
	uint64_t number;

	return number_decode(value, &number);
}

static const struct shape {
	enum key_kind kind;
	int of;
	size_t least, most; /* bytes behind the letter */
	bool (*value)(struct span value);
} shapes[] = {
	{ KEY_ACCOUNT, OF_NOTHING, 3, STORE_ACCOUNT_MAX, value_account },
	{ KEY_MAILBOX, OF_ACCOUNT, 8, 8, value_mailbox },
	{ KEY_DIRTY, OF_ACCOUNT, 8, 8, NULL },
	{ KEY_GARBAGE, OF_ACCOUNT, 8, 8, NULL },
	{ KEY_INTENT, OF_ACCOUNT, 8, 8, NULL },
	{ KEY_KEYWORDS, OF_MAILBOX, 8, 8, value_keywords },
	{ KEY_LOG, OF_MAILBOX, 17, 17, value_log },
	{ KEY_NOTE, OF_NOTHING, 1, SIZE_MAX, NULL },
	{ KEY_QUEUE, OF_NOTHING, 4, SIZE_MAX, NULL }, /* check_queue.c */
	{ KEY_RECORD, OF_MAILBOX, 12, 12, value_message },
	{ KEY_ANNOTATION, OF_MAILBOX, 8 + sizeof("/shared/"), 8 + STORE_ENTRY_MAX, NULL },
	{ KEY_ABSENT, OF_ACCOUNT, 5, SIZE_MAX, NULL },
	{ KEY_REVOKED, OF_NOTHING, 3, STORE_ACCOUNT_MAX, value_number },
	{ KEY_UIDS, OF_MAILBOX, 8, 8, value_uids },
	{ KEY_TXID, OF_NOTHING, 8, 8, NULL },
	{ KEY_COMPLETE, OF_NOTHING, 0, 0, NULL },
};

static const struct shape *shape_of(struct span key)
{
	char folder[NAMES_FOLDER_MAX], id[STORE_ID_MAX];
	uint32_t job;

	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		const struct shape *s = &shapes[i];

		if (key.p[0] != s->kind)
			continue;
		if (key.n - 1 < s->least || key.n - 1 > s->most ||
		    (s->kind == KEY_ACCOUNT &&
		     !names_folder(folder, (struct span){ key.p + 1, key.n - 1 })) ||
		    (s->kind == KEY_QUEUE && !key_get_queue(key, id, &job)))
			return NULL;
		return s;
	}
	return NULL;
}

/* --- what there is ------------------------------------------------------------- */

static uint64_t known_key(uint32_t account, uint32_t mailbox)
{
	return (uint64_t)account << 32 | mailbox;
}

static bool is_known(const struct check *c, uint32_t account, uint32_t mailbox)
{
	uint64_t number = known_key(account, mailbox);

	return table_get(c->known, table_number(&number)) != NULL;
}

/* Accounts come first, then mailboxes, then those that are being removed, then all else. */
static int note_known(struct check *c, struct span key, struct span value)
{
	uint64_t number = 0;
	struct account_record a;

	if (key.p[0] == KEY_ACCOUNT && account_decode(value, &a)) {
		number = known_key(a.number, 0);
		return table_put(c->known, table_number(&number), c) < 0 ? -ENOMEM : 0;
	}
	if (key.p[0] != KEY_MAILBOX && key.p[0] != KEY_GARBAGE)
		return 0;
	number = known_key(key_get_account(key), key_get_mailbox(key));
	return table_put(c->known, table_number(&number), c) < 0 ? -ENOMEM : 0;
}

/* --- one key ------------------------------------------------------------------- */

static void key_where(char *out, size_t size, struct span key)
{
	static const char numbered[] = { KEY_MAILBOX, KEY_DIRTY, KEY_GARBAGE, KEY_INTENT,
					 KEY_KEYWORDS, KEY_LOG, KEY_UIDS, KEY_ANNOTATION, 0 };
	char text[160];

	if (key.n == 13 && key.p[0] == KEY_RECORD)
		snprintf(out, size, "db: %c account %u mailbox %08x uid %u", key.p[0], key_get_account(key),
			 key_get_mailbox(key), key_get_uid(key));
	else if (key.n >= 9 && strchr(numbered, key.p[0]) != NULL)
		snprintf(out, size, "db: %c account %u mailbox %08x", key.p[0], key_get_account(key),
			 key_get_mailbox(key));
	else
		snprintf(out, size, "db: %s", escape_text(text, sizeof(text), key));
}

static int drop(struct check *c, struct span key)
{
	int r = kv_begin(c->s->kv);

	if (r < 0)
		return r;
	r = kv_del(c->s->kv, key);
	if (r == 0)
		r = kv_commit(c->s->kv);
	else
		kv_abort(c->s->kv);
	c->keys_lost += r == 0;
	return r;
}

static int bad_key(struct check *c, enum check_kind kind, struct span key, const char *words)
{
	char where[256];
	int r = 0;

	key_where(where, sizeof(where), key);
	if (check_tell(c, kind, where, "%s", words)) {
		r = drop(c, key);
		check_mended(c, r);
	}
	return r;
}

/* --- orphans ------------------------------------------------------------------ */

/* Keys of one kind, about one mailbox or account that is not there: one finding. A mailbox's records alone may be
 * a million. */
struct orphans {
	struct key first;
	uint64_t count;
	bool no_account;
	int dropped; /* 0, or why one could not be */
};

static bool is_one_more(const struct orphans *o, struct span key, bool no_account)
{
	struct span first = key_span(&o->first);

	return o->count > 0 && o->no_account == no_account && key.p[0] == first.p[0] &&
	       key_get_account(key) == key_get_account(first) &&
	       (no_account || key_get_mailbox(key) == key_get_mailbox(first));
}

/* Tells of those that were gathered. */
static int orphans_end(struct check *c, struct orphans *o)
{
	char where[256], words[100];

	if (o->count == 0)
		return 0;
	snprintf(words, sizeof(words), "there is no such %s, but %llu keys", o->no_account ? "account" : "mailbox",
		 (unsigned long long)o->count);
	key_where(where, sizeof(where), key_span(&o->first));
	if (check_tell(c, CHECK_INDEX_ORPHAN, where, "%s", words))
		check_mended(c, o->dropped);
	o->count = 0;
	return o->dropped;
}

static int orphan(struct check *c, struct orphans *o, struct span key, bool no_account)
{
	int r = is_one_more(o, key, no_account) ? 0 : orphans_end(c, o);

	if (o->count++ == 0) {
		o->first.n = key.n < sizeof(o->first.bytes) ? key.n : sizeof(o->first.bytes);
		memcpy(o->first.bytes, key.p, o->first.n);
		o->no_account = no_account;
		o->dropped = 0;
	}
	if (r == 0 && o->dropped == 0 && c->o->mode == CHECK_MEND)
		o->dropped = drop(c, key);
	return r;
}

static int look_at_key(struct check *c, struct orphans *o, struct span key, struct span value)
{
	const struct shape *shape = key.n > 0 ? shape_of(key) : NULL;

	if (shape == NULL)
		return c->o->account_count == 0 ? bad_key(c, CHECK_INDEX_KEY, key, "") : 0;
	if (c->o->account_count > 0 && shape->of == OF_NOTHING && shape->kind != KEY_ACCOUNT)
		return 0;
	if (shape->of != OF_NOTHING && !is_known(c, key_get_account(key), 0))
		return c->o->account_count == 0 ? orphan(c, o, key, true) : 0;
	if (shape->of == OF_MAILBOX && !is_known(c, key_get_account(key), key_get_mailbox(key)))
		return orphan(c, o, key, false);
	if (shape->value != NULL && !shape->value(value))
		return bad_key(c, CHECK_INDEX_VALUE, key, "");
	return note_known(c, key, value);
}

int check_index(struct check *c)
{
	static const uint8_t low[] = { 0 }, high[] = { 0xff, 0xff };
	struct span key, value;
	struct kv_scan *scan = kv_scan_open(c->s->kv, (struct span){ low, 1 }, (struct span){ high, 2 });
	struct orphans orphans = { .count = 0 };
	int r;

	if (scan == NULL)
		return -ENOMEM;
	while ((r = kv_scan_next(scan, &key, &value)) > 0) {
		if (key.n > 0 && key.p[0] == KEY_ACCOUNT &&
		    !check_wanted(c, (struct span){ key.p + 1, key.n - 1 }))
			continue;
		r = look_at_key(c, &orphans, key, value);
		if (r < 0)
			break;
	}
	kv_scan_close(scan);
	return r == 0 ? orphans_end(c, &orphans) : r;
}
