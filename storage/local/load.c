/*
 * load.c - an account comes into memory: its record, mailboxes, keywords and absent
 * subscriptions, 256 at a time. One that has no INBOX yet is made.
 */
#include <errno.h>
#include <string.h>

#include "common/base/escape.h"
#include "common/base/log.h"
#include "storage/local/inner.h"
#include "storage/local/intent.h"

/* RFC 6154; the names that mail programs look for */
static const struct {
	const char *name;
	enum store_role role;
} first_mailboxes[] = {
	{ "INBOX", STORE_ROLE_INBOX }, { "Sent", STORE_ROLE_SENT }, { "Drafts", STORE_ROLE_DRAFTS },
	{ "Trash", STORE_ROLE_TRASH }, { "Junk", STORE_ROLE_JUNK }, { "Archive", STORE_ROLE_ARCHIVE },
};

enum { FIRST_MAILBOXES = sizeof(first_mailboxes) / sizeof(first_mailboxes[0]) };

/* What is read of an account, in this order. */
static const enum key_kind load_kinds[] = { KEY_MAILBOX, KEY_KEYWORDS, KEY_ABSENT, KEY_DIRTY, KEY_ANNOTATION };

enum { LOAD_KINDS = sizeof(load_kinds) / sizeof(load_kinds[0]) };

static void load_end(struct account *a, enum store_status status)
{
	a->state = status == STORE_OK ? ACCOUNT_READY : ACCOUNT_NEW;
	after_run(&a->ready_waits, status);
	account_release(a);
}

/* --- the first time -------------------------------------------------------- */

static void load_made(struct after *after, enum store_status status)
{
	load_end((struct account *)((char *)after - offsetof(struct account, made)), status);
}

static void make_first(struct account *a)
{
	struct commit *c = commit_new(a->s, FIRST_MAILBOXES);

	c->kind = COMMIT_INNER;
	c->inner = &a->made;
	a->made.run = load_made;
	for (size_t i = 0; i < FIRST_MAILBOXES; i++) {
		if (mailbox_by_name(a, span_of(first_mailboxes[i].name)) != NULL)
			continue;
		struct step *step = commit_step(c, a);

		step->m.change = STORE_CREATE;
		step->m.name = span_of(first_mailboxes[i].name);
		step->m.role = first_mailboxes[i].role;
	}
	commit_start(c);
}

/* --- reading --------------------------------------------------------------- */

static bool load_mailbox(struct account *a, uint32_t id, struct span value)
{
	struct mailbox *m;
	struct span name;
	struct head h;
	int r;

	if (!head_decode(value, &h, &name))
		return false;
	m = mailbox_new(a, id, name);
	if (m == NULL)
		return false;
	m->head = h;
	m->uid_take = h.uidnext;
	/* A crash came before it was written. */
	m->flags_stale = h.modseq > h.flags_modseq;
	if (m->flags_stale)
		settle_later(a);
	r = mailbox_insert(m);
	mailbox_release(m);
	return r == 0;
}

static bool load_keywords(struct account *a, uint32_t id, struct span value)
{
	struct mailbox *m = mailbox_by_id(a, id);
	struct span word;

	if (m == NULL)
		return true;
	while (value.n > 0)
		if (m->keyword_count == STORE_KEYWORDS || !value_take_span(&value, &word) ||
		    mailbox_add_keyword(m, word) < 0)
			return false;
	return true;
}

static bool load_one(struct account *a, struct span key, struct span value)
{
	uint32_t id = key_get_mailbox(key);
	struct mailbox *m;

	switch (key.p[0]) {
	case KEY_MAILBOX:
		return load_mailbox(a, id, value);
	case KEY_KEYWORDS:
		return load_keywords(a, id, value);
	case KEY_ABSENT:
		a->account_stale = true; /* nobody knows whether its file has it: see flags_modseq */
		settle_later(a);
		return absent_add(a, (struct span){ key.p + 5, key.n - 5 }) == 0;
	case KEY_DIRTY:
		m = mailbox_by_id(a, id);
		if (m != NULL) {
			m->mark = MARK_SET;
			m->unlinked = true; /* whatever was in hand, its folder is synced once more */
			settle_later(a);
		}
		return true;
	case KEY_ANNOTATION:
		m = mailbox_by_id(a, id);
		if (m != NULL || id == 0) {
			annotations_changed(a, m);
			*(m != NULL ? &m->notes_stale : &a->notes_stale) = true;
			settle_later(a);
		}
		return true;
	}
	return false;
}

static void load_damaged(struct account *a, int r)
{
	char name[STORE_ACCOUNT_MAX * 4];

	local_index(a->s, r);
	log_error("store account=%s can't be read from the index",
		  escape_text(name, sizeof(name), span_of(a->name)));
	load_end(a, r == -ENOMEM ? STORE_TRY_LATER : STORE_CORRUPT);
}

/* A change of many messages that a crash cut is ended first. */
static bool load_unfinished(struct account *a)
{
	struct commit *c;
	int r = intent_resume(a, &c);

	if (r < 0)
		load_damaged(a, r);
	if (c == NULL)
		return r < 0;
	c->inner = &a->made;
	a->made.run = load_made;
	commit_start(c);
	return true;
}

static void load_complete(struct account *a)
{
	a->loaded = true;
	if (load_unfinished(a))
		return;
	if (mailbox_by_name(a, span_of("INBOX")) == NULL)
		make_first(a);
	else
		load_end(a, STORE_OK);
}

/* Goes on to the first key of the next kind. False: that was the last one. */
static bool load_next_kind(struct account *a)
{
	for (size_t i = 0; i + 1 < LOAD_KINDS; i++)
		if (load_kinds[i] == a->load_at.bytes[0]) {
			key_account(&a->load_at, load_kinds[i + 1], a->record.number);
			return true;
		}
	return false;
}

/* Where the loader goes on behind that key. */
static void load_behind(struct account *a, struct span key)
{
	struct key one;

	if (key.p[0] == KEY_ANNOTATION) {	/* that there is one is all that is wanted of a mailbox */
		key_mailbox(&one, KEY_ANNOTATION, a->record.number, key_get_mailbox(key));
		key_end(&a->load_at, &one);
		return;
	}
	memcpy(a->load_at.bytes, key.p, key.n);
	a->load_at.bytes[key.n] = 0;
	a->load_at.n = key.n + 1;
}

static enum turn_more load_step(void *arg)
{
	struct account *a = arg;
	struct span key, value;
	struct key start, end;
	struct kv_scan *scan;
	unsigned n = 0;
	int r;

	key_account(&start, a->load_at.bytes[0], a->record.number);
	key_end(&end, &start);
	scan = kv_scan_open(a->s->kv, key_span(&a->load_at), key_span(&end));
	r = scan != NULL ? 1 : -ENOMEM;
	while (r > 0 && n < TURN_RECORDS) {
		r = kv_scan_next(scan, &key, &value);
		if (r > 0 && !load_one(a, key, value))
			r = -EBADMSG;
		if (r > 0)
			load_behind(a, key);
		n += start.bytes[0] != KEY_ANNOTATION ? 1 : TURN_RECORDS;
	}
	kv_scan_close(scan);
	if (r < 0) {
		load_damaged(a, r);
		return TURN_DONE;
	}
	if (r > 0 || load_next_kind(a))
		return TURN_AGAIN;
	load_complete(a);
	return TURN_DONE;
}

/* The account's record, made if there is none. */
static int load_record(struct account *a)
{
	struct local *s = a->s;
	struct span value;
	struct key k;
	int r;

	key_named(&k, KEY_ACCOUNT, span_of(a->name));
	r = kv_get(s->kv, key_span(&k), &value);
	if (r == 0)
		return account_decode(value, &a->record) ? 0 : -EBADMSG;
	if (r != -ENOENT)
		return r;
	a->record = (struct account_record){ .number = s->next_account, .next_mailbox = 1 };
	account_encode(local_value(s), &a->record);
	r = local_put(s, &k, buf_span(&s->value));
	if (r < 0)
		return r;
	s->next_account++;
	key_kind(&k, KEY_COMPLETE);
	complete_encode(local_value(s), s->next_account);
	return local_put(s, &k, buf_span(&s->value));
}

static enum turn_more load_start(void *arg)
{
	struct account *a = arg;
	int r = a->loaded ? 0 : load_record(a);

	if (r < 0) {
		if (r == -ENOSPC)
			load_end(a, STORE_TRY_LATER);
		else
			load_damaged(a, r);
		return TURN_DONE;
	}
	if (a->loaded) { /* but its first mailboxes could not be made */
		load_complete(a);
		return TURN_DONE;
	}
	account_empty(a); /* of what an attempt before has read */
	a->derived_take = a->record.derived_end;
	key_account(&a->load_at, load_kinds[0], a->record.number);
	turns_add(a->s->turns, &a->load_turn, load_step, a);
	return TURN_DONE;
}

static enum turn_more load_tell(void *arg)
{
	struct account *a = arg;

	load_end(a, STORE_OK);
	return TURN_DONE;
}

void account_when_ready(struct account *a, struct after *after)
{
	after_add(&a->ready_waits, after);
	if (a->ready_waits.first != after || a->state == ACCOUNT_LOADING)
		return;
	account_keep(a); /* load_end releases it */
	if (a->state == ACCOUNT_READY) {
		turns_add(a->s->turns, &a->load_turn, load_tell, a);
		return;
	}
	a->state = ACCOUNT_LOADING;
	turns_add(a->s->turns, &a->load_turn, load_start, a);
}
