/*
 * store_import_box.c - one mailbox is taken over.
 *
 * Again   What is there already is found by its size, its date and then its bytes, each message once: so an import
 *         that was stopped can be run again, and a source that has grown too, without a journal.
 * UIDs    Are kept where the source has some and the mailbox is empty, or has this UIDVALIDITY already; a UID that
 *         is below the next one is not: the message gets another.
 * Order   Messages go in commits of up to BATCH, several of them under way, which the store makes in their order: what is
 *         in is always a beginning of the source.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "admin/store_import_names.h"
#include "admin/store_import_parts.h"
#include "common/base/table.h"
#include "storage/ipc/store_ipc.h"

enum { BATCH = STORE_MUTATIONS, BATCH_BYTES = STORE_IPC_COMMIT - STORE_IPC_INLINE, FLAGS_BYTES = 4096, TRIES = 5 };

/* A message that the mailbox has; those of one size and date in a chain. */
struct known {
	struct known *next, *made_before;
	uint32_t uid; /* 0: it has been found in the source */
};

struct box {
	struct import *im;
	const char *name;
	struct store_mailbox m;
	struct table *known;
	struct known *all;
	bool keeps;	/* UIDs */
	uint32_t next;	/* the UID behind the last one here */
	struct store_mutation batch[BATCH];
	struct buf words;		/* keywords of the batch */
	struct span keywords[BATCH][STORE_KEYWORDS];
	size_t count, bytes;
	struct buf other;
};

/* --- what is there ------------------------------------------------------------------ */

struct key {
	uint64_t size;
	int64_t internal_s;
};

static struct span key_span(const struct key *k)
{
	return (struct span){ (const uint8_t *)k, sizeof(*k) };
}

static int on_page(void *arg, const struct store_page *page)
{
	struct box *b = arg;

	for (size_t i = 0; i < page->record_count; i++) {
		const struct store_record *r = &page->records[i];
		const struct key key = { r->size, r->internal_s };
		struct known *k = calloc(1, sizeof(*k));

		if (k == NULL)
			return -ENOMEM;
		*k = (struct known){ .next = table_get(b->known, key_span(&key)), .made_before = b->all, .uid = r->uid };
		b->all = k;
		if (table_put(b->known, key_span(&key), k) != 0)
			return -ENOMEM;
	}
	return 0;
}

/* Is the very message there, and has not been met in the source before? 1 or 0, or a negative errno. */
static int is_there(struct box *b, const struct source_message *m, struct span body, struct error *err)
{
	const struct key key = { body.n, m->internal_s };

	for (struct known *k = table_get(b->known, key_span(&key)); k != NULL; k = k->next) {
		int rc;

		if (k->uid == 0)
			continue;
		buf_reset(&b->other);
		rc = store_client_body(b->im->client, b->m.id, k->uid, &b->other, err);
		if (rc == -ENOENT)
			continue; /* expunged meanwhile */
		if (rc < 0)
			return rc;
		if (!span_equal(buf_span(&b->other), body))
			continue;
		k->uid = 0;
		return 1;
	}
	return 0;
}

/* --- the mailbox itself ---------------------------------------------------------------- */

static int make_mailbox(struct box *b, const struct source_box *from, struct error *err)
{
	struct store_mutation m[2] = { { .change = STORE_CREATE, .name = span_of(b->name) },
				       { .change = STORE_SUBSCRIBE, .name = span_of(b->name) } };
	int rc = store_client_commit(b->im->client, m, from->subscribed ? 2 : 1, NULL, err);

	if (rc < 0)
		return error_context(err, "%s", b->name);
	rc = store_client_find(b->im->client, span_of(b->name), &b->m, err);
	return rc == -ENOENT ? error_set(err, rc, "%s: it was deleted meanwhile", b->name) : rc;
}

static int set_validity(struct box *b, uint32_t uidvalidity, struct error *err)
{
	struct store_mutation m = { .change = STORE_SET_UIDVALIDITY, .mailbox = b->m.id, .uidvalidity = uidvalidity };
	int rc = store_client_commit(b->im->client, &m, 1, NULL, err);

	b->keeps = rc == 0;
	return rc == -EEXIST ? 0 : rc; /* a delivery was faster: then the UIDs are not kept */
}

static int open_mailbox(struct box *b, const struct source_box *from, struct error *err)
{
	int rc = store_client_find(b->im->client, span_of(b->name), &b->m, err);

	if (rc == -ENOENT)
		rc = make_mailbox(b, from, err);
	if (rc == 0 && b->m.exists > 0)
		rc = store_client_records(b->im->client, b->m.id, on_page, b, err);
	if (rc == -ENOMEM)
		return error_set(err, rc, "no memory for a list of %u messages", b->m.exists);
	if (rc < 0)
		return rc;
	b->next = b->m.uidnext;
	b->keeps = from->uidvalidity != 0 && b->m.uidvalidity == from->uidvalidity;
	if (from->uidvalidity != 0 && !b->keeps && b->m.exists == 0)
		rc = set_validity(b, from->uidvalidity, err);
	return rc;
}

/* --- messages ------------------------------------------------------------------------------ */

static int batch_failed(const struct box *b, int rc, struct error *err)
{
	if (rc == -EINVAL && b->keeps)
		rc = error_set(err, -ESTALE, "new mail has taken the next UIDs");
	return rc == 0 ? 0 : error_context(err, "%s", b->name);
}

static int batch_send(struct box *b, struct error *err)
{
	int rc = 0;

	const struct store_client_tally what = { b->count, b->bytes };

	if (b->count > 0)
		rc = store_client_send(b->im->client, b->batch, b->count, &what, &b->im->done, err);
	b->count = b->bytes = 0;
	buf_reset(&b->words);
	return batch_failed(b, rc, err);
}

/* All that was sent is done, or is told. */
static int batch_land(struct box *b, struct error *err)
{
	int rc = batch_send(b, err);

	if (rc == 0 && b->im->client != NULL)
		rc = batch_failed(b, store_client_land(b->im->client, err), err);
	return rc;
}

/* The store takes atoms only (RFC 9051 9). */
static bool is_atom(struct span word)
{
	for (size_t i = 0; i < word.n; i++)
		if (word.p[i] <= ' ' || word.p[i] >= 0x7f || strchr("(){%*\"\\]", word.p[i]) != NULL)
			return false;
	return word.n > 0 && word.n <= STORE_KEYWORD_MAX;
}

/* Copies of those that can be; the batch outlives the message. */
static void take_keywords(struct box *b, const struct source_message *from, struct store_mutation *m)
{
	struct span *list = b->keywords[b->count];

	for (size_t i = 0; i < from->keyword_count; i++) {
		size_t at = b->words.n;

		if (!is_atom(from->keywords[i]) || m->keyword_count == STORE_KEYWORDS ||
		    b->words.n + from->keywords[i].n > b->words.cap) {
			b->im->words_lost++;
			continue;
		}
		buf_put(&b->words, from->keywords[i]);
		list[m->keyword_count++] = (struct span){ b->words.p + at, from->keywords[i].n };
	}
	m->keywords = list;
}

/* The UID that it is to have; 0: the next. */
static uint32_t take_uid(struct box *b, const struct source_message *m, const struct source_box *from)
{
	uint32_t uid = m->uid;

	if (!b->keeps) {
		b->im->renumbered += uid != 0;
		return 0;
	}
	if (uid == 0 && from->uidnext > b->next)
		uid = from->uidnext; /* the source has given all below it */
	if (uid < b->next) {
		b->im->renumbered += m->uid != 0;
		b->next++;
		return 0;
	}
	b->next = uid + 1;
	return uid;
}

static int batch_add(struct box *b, const struct source_message *from, const struct source_box *box, struct span body,
		     struct error *err)
{
	struct store_mutation *m = &b->batch[b->count];
	int rc;

	*m = (struct store_mutation){
		.change = STORE_APPEND, .mailbox = b->m.id, .flags = from->flags, .internal_s = from->internal_s
	};
	rc = store_client_stage(b->im->client, body, &m->stage, err);
	if (rc < 0)
		return rc;
	take_keywords(b, from, m);
	m->uid = take_uid(b, from, box);
	b->count++;
	b->bytes += body.n;
	b->im->lines += from->bare > 0;
	return b->count == BATCH || b->bytes > BATCH_BYTES ? batch_send(b, err) : 0;
}

static int one(struct box *b, const struct source_message *m, const struct source_box *from, struct span body,
	       struct error *err)
{
	int rc = b->im->client != NULL ? is_there(b, m, body, err) : 0;

	if (rc < 0)
		return rc;
	if (rc > 0) {
		b->im->there++;
		return 0;
	}
	if (b->im->client != NULL)
		return batch_add(b, m, from, body, err);
	b->im->done.messages++;
	b->im->done.bytes += body.n;
	b->im->lines += m->bare > 0;
	return 0;
}

static int all(struct box *b, const struct source_box *from, struct error *err)
{
	struct buf body;
	int rc = 0;

	buf_init(&body, SOURCE_BODY_MAX);
	while (rc == 0) {
		struct source_message m;
		enum source_status status = source_next(b->im->source, &m, &body, err);

		if (status == SOURCE_END)
			break;
		if (status == SOURCE_BAD) {
			fprintf(stderr, "yubin: skipped: %s: %s\n", from->name, err->words);
			b->im->bad++;
			continue;
		}
		rc = one(b, &m, from, buf_span(&body), err);
		import_tell(b->im, b->name);
	}
	if (rc == 0)
		rc = batch_land(b, err);
	else if (b->im->client != NULL)
		store_client_land(b->im->client, NULL); /* the first reason is told */
	buf_clear(&body);
	return rc;
}

/* UIDs that the source has given and taken back are not given here either (RFC 9051 2.3.1.1): the last of them
 * goes to a message that comes and goes in one commit, and is never seen. */
static int raise_next(struct box *b, const struct source_box *from, struct error *err)
{
	const struct store_range last = { from->uidnext - 1, from->uidnext - 1 };
	struct store_mutation m[2] = {
		{ .change = STORE_APPEND, .mailbox = b->m.id, .uid = last.first },
		{ .change = STORE_EXPUNGE, .mailbox = b->m.id, .uids = { &last, 1 } },
	};
	int rc;

	if (!b->keeps || b->next >= from->uidnext)
		return 0;
	rc = store_client_stage(b->im->client, span_of("\r\n"), &m[0].stage, err);
	if (rc == 0)
		rc = store_client_commit(b->im->client, m, 2, NULL, err);
	return rc == -EINVAL ? 0 : rc; /* a delivery has gone past it */
}

static void box_clear(struct box *b)
{
	for (size_t i = 0; i < b->count; i++)
		store_stage_free(b->batch[i].stage);
	while (b->all != NULL) {
		struct known *k = b->all;

		b->all = k->made_before;
		free(k);
	}
	table_free(b->known);
	buf_clear(&b->words);
	buf_clear(&b->other);
	free(b);
}

enum numbers { NUMBERS_KEEP, NUMBERS_NEW };

static int import_once(struct import *im, size_t i, enum numbers numbers, struct error *err)
{
	const struct source_box *from = source_box(im->source, i);
	struct box *b = calloc(1, sizeof(*b));
	int rc;

	if (b == NULL)
		return error_set(err, -ENOMEM, "no memory");
	b->im = im;
	b->name = import_name(im->source, i);
	buf_init(&b->words, BATCH * FLAGS_BYTES);
	buf_init(&b->other, SOURCE_BODY_MAX);
	rc = table_new(&b->known, err);
	if (rc == 0 && buf_room(&b->words, BATCH * FLAGS_BYTES) == NULL) /* it must not move */
		rc = error_set(err, -ENOMEM, "no memory");
	if (rc == 0)
		rc = source_begin(im->source, i, err);
	if (rc == 0 && im->client != NULL)
		rc = open_mailbox(b, from, err);
	b->keeps = b->keeps && numbers == NUMBERS_KEEP;
	if (rc == 0)
		rc = all(b, from, err);
	if (rc == 0)
		rc = raise_next(b, from, err);
	box_clear(b);
	return rc;
}

/* New mail, or the last commit of an import that was killed, may take UIDs that were free a moment ago: then the
 * mailbox is looked at anew, and what this run has brought is among what is there. In the end mail matters more
 * than its numbers. */
int import_box(struct import *im, size_t i, struct error *err)
{
	const struct import before = *im;
	uint64_t brought = im->done.messages;
	int rc = import_once(im, i, NUMBERS_KEEP, err);

	for (int tries = 1; rc == -ESTALE; tries++) {
		im->there = before.there - (im->done.messages - brought);
		im->bad = before.bad;
		rc = import_once(im, i, tries < TRIES ? NUMBERS_KEEP : NUMBERS_NEW, err);
	}
	return rc;
}
