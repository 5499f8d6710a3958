/*
 * settle.c - an account is quiet: what its small files lag behind is written, and its
 * folders are no longer dirty.
 *
 * One mailbox after the other: state file, old entries of the log, annotations, flags file, sync of the
 * folder, mark. What changes meanwhile makes it stale again. Stale accounts stand in a
 * list, which holds them; once a second those that were left alone for quiet_ms, or have
 * waited for four minutes, have their turn.
 */
#include <errno.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/escape.h"
#include "common/base/log.h"
#include "storage/local/files.h"
#include "storage/local/inner.h"
#include "storage/local/statefile.h"
#include "storage/local/uids.h"
#include "storage/local/walk.h"

enum { SETTLE_LATEST_MS = 4 * 60 * 1000 };

struct settling {
	struct account *account;
	uint32_t done_id;        /* mailboxes up to this one have had their turn */
	struct mailbox *mailbox; /* held, and its folder */
	bool write_flags, write_notes, write_account, sync_folder;
	uint64_t flags_modseq; /* of the mailbox, when its flags were as they are written */
	struct buf text, notes;
	struct flags_writer flags;
	uint32_t uid; /* the next one that goes into the text */
	struct turn turn;
	struct job job;
	int result;
};

/* --- the list -------------------------------------------------------------- */

void settle_later(struct account *a)
{
	struct local *s = a->s;

	a->last_change_ms = clock_mono_ms();
	if (a->stale)
		return;
	a->stale = true;
	a->first_change_ms = a->last_change_ms;
	account_keep(a);
	a->stale_before = s->stale_last;
	a->stale_next = NULL;
	if (s->stale_last != NULL)
		s->stale_last->stale_next = a;
	else
		s->stale_first = a;
	s->stale_last = a;
}

static void stale_remove(struct account *a)
{
	struct local *s = a->s;

	if (a->stale_before != NULL)
		a->stale_before->stale_next = a->stale_next;
	else
		s->stale_first = a->stale_next;
	if (a->stale_next != NULL)
		a->stale_next->stale_before = a->stale_before;
	else
		s->stale_last = a->stale_before;
	a->stale = false;
	account_release(a);
}

/* --- the account's own file ------------------------------------------------ */

static bool mailbox_lags(const struct mailbox *m)
{
	return m->state_stale || m->saving || m->flags_stale || m->notes_stale || m->mark != MARK_NONE;
}

static void settle_end(struct settling *st)
{
	struct account *a = st->account;
	struct local *s = a->s;
	bool lags = a->account_stale || a->notes_stale;

	for (size_t i = 0; i < a->mailbox_count; i++)
		lags |= mailbox_lags(a->by_id[i]);
	buf_clear(&st->text);
	buf_clear(&st->notes);
	free(st);
	a->settling = NULL;
	a->first_change_ms = clock_mono_ms();
	if (!lags || s->closing)
		stale_remove(a);
	account_release(a);
	local_rest(s);
}

static void account_file_run(struct job *job)
{
	struct settling *st = (struct settling *)((char *)job - offsetof(struct settling, job));

	st->result = 0;
	if (st->write_account)
		st->result = files_replace(job->s->o.mail_fd, st->account->folder, "account", buf_span(&st->text));
	if (st->result == 0 && st->write_notes)
		st->result = files_replace(job->s->o.mail_fd, st->account->folder, "annotations", buf_span(&st->notes));
}

static void settle_complain(const struct settling *st, const char *what)
{
	char name[STORE_ACCOUNT_MAX * 4];

	log_warn("store %s not written account=%s error=%d", what,
		 escape_text(name, sizeof(name), span_of(st->account->name)), -st->result);
}

static void account_file_done(struct job *job)
{
	struct settling *st = (struct settling *)((char *)job - offsetof(struct settling, job));

	if (st->result < 0) {
		settle_complain(st, "account file");
		st->account->account_stale |= st->write_account;
		st->account->notes_stale |= st->write_notes;
	}
	settle_end(st);
}

/* What is in the index now, if the file lags behind. */
static bool take_notes(struct settling *st, uint32_t mailbox, bool *stale)
{
	if (!*stale || st->account->unflushed > 0)
		return false;
	*stale = false;
	buf_reset(&st->notes);
	if (annotations_write(st->account, mailbox, &st->notes) == 0)
		return true;
	*stale = true;
	return false;
}

static void settle_account(struct settling *st)
{
	struct account *a = st->account;

	st->write_account = a->account_stale;
	st->write_notes = take_notes(st, 0, &a->notes_stale);
	if (!st->write_account && !st->write_notes) {
		settle_end(st);
		return;
	}
	a->account_stale = false;
	buf_reset(&st->text);
	statefile_account(&st->text, &a->record);
	for (size_t i = 0; i < a->absent_count; i++)
		statefile_absent(&st->text, a->absent[i]);
	statefile_account_end(&st->text);
	pool_start(a->s, &st->job, account_file_run, account_file_done);
}

/* --- one mailbox ----------------------------------------------------------- */

static void settle_next(struct settling *st);

/* Nothing is in hand in the folder but this: names and index agree. */
static void clear_mark(struct mailbox *m)
{
	struct local *s = m->account->s;
	struct key k;

	if (m->gone || m->mark != MARK_SET || m->holds > 1 || m->unlinked)
		return;
	key_mailbox(&k, KEY_DIRTY, m->account->record.number, m->id);
	if (local_del(s, &k) == 0)
		m->mark = MARK_NONE;
}

/* So that a start after a crash knows whether the flags file lags. In memory it is enough: the next commit keeps it. */
static void keep_flags_modseq(const struct settling *st)
{
	struct mailbox *m = st->mailbox;
	struct local *s = m->account->s;
	struct key k;

	if (m->gone || m->head.flags_modseq == st->flags_modseq)
		return;
	m->head.flags_modseq = st->flags_modseq;
	if (m->account->unflushed > 0)
		return;
	key_mailbox(&k, KEY_MAILBOX, m->account->record.number, m->id);
	head_encode(local_value(s), &m->head, m->name);
	local_put(s, &k, buf_span(&s->value));
}

static void folder_done(struct job *job)
{
	struct settling *st = (struct settling *)((char *)job - offsetof(struct settling, job));
	struct mailbox *m = st->mailbox;

	if (st->result < 0 && !m->gone) {
		settle_complain(st, "flags file");
		m->flags_stale |= st->write_flags;
		m->notes_stale |= st->write_notes;
		m->unlinked |= st->sync_folder;
	}
	if (st->result == 0) {
		keep_flags_modseq(st);
		clear_mark(m);
	}
	m->holds--;
	mailbox_rest(m);
	mailbox_release(m);
	st->mailbox = NULL;
	settle_next(st);
}

static void folder_run(struct job *job)
{
	struct settling *st = (struct settling *)((char *)job - offsetof(struct settling, job));
	char path[NAMES_MAILBOX_MAX];

	names_mailbox(path, st->account->folder, st->mailbox->id);
	st->result = 0;
	if (st->write_flags)
		st->result = files_replace(job->s->o.mail_fd, path, "flags", buf_span(&st->text));
	if (st->result == 0 && st->write_notes)
		st->result = files_replace(job->s->o.mail_fd, path, "annotations", buf_span(&st->notes));
	if (st->result == 0 && st->sync_folder)
		st->result = files_sync_folder(job->s->o.mail_fd, path, "/cur");
}

static void settle_folder(struct settling *st)
{
	struct mailbox *m = st->mailbox;

	st->sync_folder = m->unlinked;
	m->unlinked = false;
	if (st->text.failed) {
		m->flags_stale = true;
		st->write_flags = false;
		st->flags_modseq = m->head.flags_modseq;
	}
	pool_start(st->account->s, &st->job, folder_run, folder_done);
}

/* The flags of 256 messages more. */
static enum turn_more flags_step(void *arg)
{
	struct settling *st = arg;
	struct message message;
	struct walk walk;
	int r = 1, n = 0;

	walk_open(&walk, st->mailbox, walk_all(), st->uid);
	while (n++ < TURN_RECORDS && (r = walk_next(&walk, &message)) > 0)
		statefile_flags_add(&st->flags, message.r.uid, message.r.flags, message.r.keywords);
	st->uid = walk.at;
	walk_close(&walk);
	if (r > 0)
		return TURN_AGAIN;
	st->text.failed |= r < 0;
	statefile_flags_end(&st->flags);
	settle_folder(st);
	return TURN_DONE;
}

/* Entries of the log that are older than deleted_log_s go. 1: there may be more. */
static int log_expire(struct mailbox *m, int64_t before_s)
{
	uint32_t number = m->account->record.number;
	struct local *s = m->account->s;
	struct key from, end, k;
	struct span key, value;
	struct kv_scan *scan;
	int64_t time_s;
	int r, n = 0;

	key_mailbox(&from, KEY_LOG, number, m->id);
	key_end(&end, &from);
	scan = kv_scan_open(s->kv, key_span(&from), key_span(&end));
	if (scan == NULL)
		return -ENOMEM;
	while ((r = kv_scan_next(scan, &key, &value)) > 0 && n < TURN_RECORDS) {
		if (log_decode(value, &time_s, NULL) && time_s >= before_s) {
			r = 0;
			break;
		}
		key_log(&k, number, m->id, key_get_modseq(key), key_get_kind(key));
		r = local_del(s, &k);
		if (r < 0)
			break;
		m->head.log_floor = key_get_modseq(key);
		m->head.log_count--;
		n++;
	}
	kv_scan_close(scan);
	if (n > 0) {
		key_mailbox(&k, KEY_MAILBOX, number, m->id);
		head_encode(local_value(s), &m->head, m->name);
		local_put(s, &k, buf_span(&s->value));
	}
	return r;
}

static enum turn_more mailbox_step(void *arg)
{
	struct settling *st = arg;
	struct mailbox *m = st->mailbox;
	int64_t before_s = clock_real_ms() / 1000 - (int64_t)st->account->s->o.deleted_log_s;

	if (!m->gone && st->account->unflushed == 0 && log_expire(m, before_s) > 0)
		return TURN_AGAIN;
	if (st->account->unflushed == 0)
		uids_keep(m);
	if (m->state_stale)
		state_save(m);
	st->write_notes = !m->gone && take_notes(st, m->id, &m->notes_stale);
	st->write_flags = m->flags_stale;
	st->flags_modseq = m->head.modseq;
	m->flags_stale = false;
	buf_reset(&st->text);
	if (!st->write_flags || m->gone) {
		st->write_flags = false;
		settle_folder(st);
		return TURN_DONE;
	}
	statefile_flags_begin(&st->flags, &st->text, m->keywords, m->keyword_count);
	st->uid = 1;
	turns_add(st->account->s->turns, &st->turn, flags_step, st);
	return TURN_DONE;
}

static void settle_next(struct settling *st)
{
	struct account *a = st->account;

	for (size_t i = 0; i < a->mailbox_count; i++) {
		struct mailbox *m = a->by_id[i];

		if (m->id <= st->done_id || !mailbox_lags(m))
			continue;
		st->done_id = m->id;
		st->mailbox = m;
		mailbox_hold(m);
		m->holds++;
		turns_add(a->s->turns, &st->turn, mailbox_step, st);
		return;
	}
	settle_account(st);
}

static void settle_begin(struct account *a)
{
	struct settling *st = local_alloc(sizeof(*st));

	st->account = a;
	a->settling = st;
	account_keep(a);
	buf_init(&st->text, STATEFILE_MAX);
	buf_init(&st->notes, STATEFILE_MAX);
	settle_next(st);
}

/* --- when ------------------------------------------------------------------ */

void settle_tick(struct local *s)
{
	uint64_t now = clock_mono_ms();

	for (struct account *a = s->stale_first, *next; a != NULL; a = next) {
		next = a->stale_next;
		if (a->settling == NULL && (now - a->last_change_ms >= s->o.quiet_ms ||
					    now - a->first_change_ms >= SETTLE_LATEST_MS))
			settle_begin(a);
	}
}

void settle_now(struct account *a)
{
	if (a->stale && a->settling == NULL)
		settle_begin(a);
}

bool settle_all(struct local *s)
{
	for (struct account *a = s->stale_first, *next; a != NULL; a = next) {
		next = a->stale_next;
		settle_now(a);
	}
	return s->stale_first == NULL;
}
