/* store.c - hands each call to the driver that the store is; the contract is in store.h. */
#include <sodium.h>

#include "storage/driver.h"

uint64_t store_login(struct store *s, const struct store_token *t, store_login_done done, void *arg)
{
	return s->driver->login(s, t, done, arg);
}

void store_logout(struct store_account *a)
{
	if (a != NULL)
		a->store->driver->logout(a);
}

uint64_t store_lock(struct store_account *a, store_done done, void *arg)
{
	return a->store->driver->lock(a, done, arg);
}

uint64_t store_list(struct store_account *a, size_t from, store_list_done done, void *arg)
{
	return a->store->driver->list(a, from, done, arg);
}

uint64_t store_find(struct store_account *a, struct span name, store_find_done done, void *arg)
{
	return a->store->driver->find(a, name, done, arg);
}

uint64_t store_sync(struct store_account *a, const struct store_look *look, store_page_done done, void *arg)
{
	return a->store->driver->sync(a, look, done, arg);
}

void store_watch(struct store_account *a, store_changed changed, void *arg)
{
	a->store->driver->watch(a, changed, arg);
}

uint64_t store_body(struct store_account *a, uint64_t mailbox, uint32_t uid, store_body_done done, void *arg)
{
	return a->store->driver->body(a, mailbox, uid, done, arg);
}

uint64_t store_bodies(struct store_account *a, uint64_t mailbox, const struct store_set *uids, store_bodies_done done,
		      void *arg)
{
	return a->store->driver->bodies(a, mailbox, uids, done, arg);
}

uint64_t store_meta_file(struct store_account *a, store_body_done done, void *arg)
{
	return a->store->driver->meta_file(a, done, arg);
}

uint64_t store_meta_put(struct store_account *a, uint64_t mailbox, uint32_t uid, struct span meta,
			store_done done, void *arg)
{
	return a->store->driver->meta_put(a, mailbox, uid, meta, done, arg);
}

int store_stage_new(struct store *s, struct store_stage **out, uint64_t max, store_ready ready, void *arg,
		    struct error *err)
{
	return s->driver->stage_new(s, out, max, ready, arg, err);
}

int store_stage_write(struct store_stage *st, struct span in)
{
	return st->store->driver->stage_write(st, in);
}

bool store_stage_ready(const struct store_stage *st)
{
	return st->store->driver->stage_ready(st);
}

uint64_t store_stage_size(const struct store_stage *st)
{
	return st->store->driver->stage_size(st);
}

void store_stage_free(struct store_stage *st)
{
	if (st != NULL)
		st->store->driver->stage_free(st);
}

void store_txid_new(struct store_txid *t)
{
	randombytes_buf(t->bytes, sizeof(t->bytes));
}

uint64_t store_commit(struct store_account *a, const struct store_mutation *mutations, size_t count,
		      const struct store_txid *txid, store_commit_done done, void *arg)
{
	return a->store->driver->commit(a, mutations, count, txid, done, arg);
}

uint64_t store_deliver(struct store *s, const struct store_delivery *d, const struct store_txid *txid,
		       store_done done, void *arg)
{
	return s->driver->deliver(s, d, txid, done, arg);
}

uint64_t store_room(struct store *s, uint64_t size, const struct store_recipient *recipients, size_t count,
		    store_room_done done, void *arg)
{
	return s->driver->room(s, size, recipients, count, done, arg);
}

void store_cancel(struct store *s, uint64_t op)
{
	if (op != 0)
		s->driver->cancel(s, op);
}

struct store *store_of(struct store_account *a)
{
	return a->store;
}

/* --- queue.h --------------------------------------------------------------- */

uint64_t queue_lease(struct store *s, const struct queue_want *want, queue_lease_done done, void *arg)
{
	return s->driver->lease(s, want, done, arg);
}

void queue_watch(struct store *s, queue_ready ready, void *arg)
{
	s->driver->queue_watch(s, ready, arg);
}

uint64_t queue_report(struct store *s, const struct queue_report *r, const struct store_txid *txid,
		      store_done done, void *arg)
{
	return s->driver->report(s, r, txid, done, arg);
}

void queue_domain(struct store *s, const struct queue_domain *d)
{
	s->driver->queue_domain(s, d);
}

void queue_times(struct store *s, const struct queue_times *t)
{
	s->driver->queue_times(s, t);
}

uint64_t queue_note_get(struct store *s, struct span name, queue_note_done done, void *arg)
{
	return s->driver->note_get(s, name, done, arg);
}

uint64_t queue_note_put(struct store *s, struct span name, struct span bytes, int64_t expires_s, store_done done,
			void *arg)
{
	return s->driver->note_put(s, name, bytes, expires_s, done, arg);
}

uint64_t queue_notes(struct store *s, struct span prefix, struct span after, queue_notes_done done, void *arg)
{
	return s->driver->notes(s, prefix, after, done, arg);
}

uint64_t store_annotations(struct store_account *a, uint64_t mailbox, store_annotations_done done, void *arg)
{
	return a->store->driver->annotations(a, mailbox, done, arg);
}

/* RFC 5464 3.1, 5: no wildcard, nothing beyond ASCII, no empty level. Capitals are the caller's to fold. */
bool store_entry_valid(struct span entry)
{
	if (entry.n > STORE_ENTRY_MAX || (!span_starts(entry, "/private/") && !span_starts(entry, "/shared/")))
		return false;
	for (size_t i = 0; i < entry.n; i++) {
		uint8_t c = entry.p[i];

		if (c <= ' ' || c >= 0x7f || c == '*' || c == '%' || (c >= 'A' && c <= 'Z') ||
		    (c == '/' && (i + 1 == entry.n || entry.p[i + 1] == '/')))
			return false;
	}
	return true;
}
