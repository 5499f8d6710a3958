/* garbage.c - the contract is in garbage.h and inner.h. */
#include "storage/local/garbage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/escape.h"
#include "common/base/log.h"
#include "storage/local/files.h"
#include "storage/local/inner.h"
#include "storage/local/startup.h"

struct garbage {
	struct job job;
	struct turn turn;
	struct mailbox *mailbox; /* held, its account too */
	int result;
};

/* Deletes up to 256 records under the key. 1: there are more. */
static int delete_some(struct local *s, const struct key *prefix)
{
	struct span key, value;
	struct key end;
	struct kv_scan *scan;
	int r, n = 0;

	key_end(&end, prefix);
	scan = kv_scan_open(s->kv, key_span(prefix), key_span(&end));
	r = scan != NULL ? kv_begin(s->kv) : -ENOMEM;
	if (r < 0) {
		kv_scan_close(scan);
		return r;
	}
	while (n++ < TURN_RECORDS && (r = kv_scan_next(scan, &key, &value)) > 0) {
		r = kv_del(s->kv, key);
		if (r < 0)
			break;
	}
	kv_scan_close(scan);
	if (r < 0) {
		kv_abort(s->kv);
		return r;
	}
	if (kv_commit(s->kv) < 0)
		return -ENOSPC;
	return n > TURN_RECORDS;
}

/* A piece of what the index has of the mailbox, its mark last. 1: there is more. */
static int forget_some(struct local *s, uint32_t account, uint32_t mailbox)
{
	static const enum key_kind kinds[] = { KEY_RECORD, KEY_LOG,   KEY_KEYWORDS,
					       KEY_UIDS,   KEY_ANNOTATION, KEY_DIRTY, KEY_GARBAGE };
	struct key k;
	int r = 0;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && r == 0; i++) {
		key_mailbox(&k, kinds[i], account, mailbox);
		r = delete_some(s, &k);
	}
	return local_index(s, r);
}

static void garbage_end(struct garbage *g)
{
	struct account *a = g->mailbox->account;

	mailbox_release(g->mailbox);
	account_release(a);
	free(g);
}

static enum turn_more garbage_step(void *arg)
{
	struct garbage *g = arg;
	struct account *a = g->mailbox->account;
	int r = forget_some(a->s, a->record.number, g->mailbox->id);

	if (r > 0)
		return TURN_AGAIN;
	a->s->job_count--;
	local_rest(a->s);
	if (r < 0)
		log_warn("store records of a deleted mailbox stay until the next start error=%d", -r);
	garbage_end(g);
	return TURN_DONE;
}

static void garbage_run(struct job *job)
{
	struct garbage *g = (struct garbage *)job;
	char path[NAMES_MAILBOX_MAX];

	names_mailbox(path, g->mailbox->account->folder, g->mailbox->id);
	g->result = files_remove_mailbox(job->s->o.mail_fd, path);
}

static void garbage_done(struct job *job)
{
	struct garbage *g = (struct garbage *)job;

	if (g->result == 0) {
		job->s->job_count++; /* local_close waits for the turns, too */
		turns_add(job->s->turns, &g->turn, garbage_step, g);
		return;
	}
	log_warn("store folder of a deleted mailbox stays until the next start error=%d", -g->result);
	garbage_end(g);
}

void garbage_remove(struct mailbox *m)
{
	struct garbage *g = local_alloc(sizeof(*g));

	m->garbage = false;
	g->mailbox = m;
	mailbox_hold(m);
	account_keep(m->account);
	pool_start(m->account->s, &g->job, garbage_run, garbage_done);
}

void mailbox_rest(struct mailbox *m)
{
	if (m->gone && m->garbage && !m->saving && m->holds == 0)
		garbage_remove(m);
}

/* --- at the start ---------------------------------------------------------- */

static int sweep_one(struct local *s, const char *folder, uint32_t account, uint32_t mailbox)
{
	char path[NAMES_MAILBOX_MAX];
	int r;

	names_mailbox(path, folder, mailbox);
	r = files_remove_mailbox(s->o.mail_fd, path);
	if (r < 0)
		return r;
	do {
		r = forget_some(s, account, mailbox);
	} while (r > 0);
	return r;
}

/* All marks of one account. */
static int sweep_account(struct local *s, const char *folder, uint32_t account)
{
	struct span key, value;
	struct key from, end;
	struct kv_scan *scan;
	int r;

	key_account(&from, KEY_GARBAGE, account);
	key_end(&end, &from);
	scan = kv_scan_open(s->kv, key_span(&from), key_span(&end));
	if (scan == NULL)
		return -ENOMEM;
	while ((r = kv_scan_next(scan, &key, &value)) > 0) {
		r = sweep_one(s, folder, account, key_get_mailbox(key));
		if (r < 0)
			break;
	}
	kv_scan_close(scan);
	return r;
}

int garbage_sweep(struct local *s, struct error *err)
{
	int r = accounts_walk(s, KEY_GARBAGE, sweep_account);

	return r < 0 ? error_system(err, -r, "what deleted mailboxes have left can't be removed") : 0;
}
