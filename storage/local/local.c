/* local.c - the local store as a whole: opening, closing, settings, status; the contract is in local.h. */
#include "storage/local/local.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "storage/local/garbage.h"
#include "storage/local/inner.h"
#include "storage/local/login.h"
#include "storage/local/look.h"
#include "storage/local/queue.h"
#include "storage/local/request.h"
#include "storage/local/stage.h"
#include "storage/local/startup.h"

enum {
	LOCAL_VALUE_MAX = 8 * 1024 * 1024, /* bytes of one value of the index */
	LOCAL_VALUE_KEPT = 64 * 1024,      /* of the buffer for it between two uses */
	LOCAL_TICK_MS = 1000
};

static const char panic_name[] = "panic"; /* db/panic: the index was not to be trusted */

struct local *local_of(struct store *s)
{
	return (struct local *)s;
}

static void local_cancel(struct store *s, uint64_t number)
{
	call_cancel(local_of(s), number);
}

static const struct store_driver local_driver = {
	.login = login_open,
	.logout = login_close,
	.lock = login_lock,
	.list = look_list,
	.find = look_find,
	.sync = look_sync,
	.watch = login_watch,
	.body = look_body,
	.bodies = look_bodies,
	.meta_file = look_meta_file,
	.meta_put = request_meta_put,
	.stage_new = stage_new,
	.stage_write = stage_write,
	.stage_ready = stage_ready,
	.stage_size = stage_size,
	.stage_free = stage_free,
	.commit = request_commit,
	.deliver = request_deliver,
	.annotations = look_annotations,
	.room = look_room,
	.cancel = local_cancel,
	.lease = queue_lease_start,
	.queue_watch = queue_dest_watch,
	.report = queue_report_start,
	.queue_domain = queue_dest_set,
	.queue_times = queue_dest_times,
	.note_get = note_get,
	.note_put = note_put,
	.notes = note_list,
};

/* --- what the other files call --------------------------------------------- */

void local_die(const char *what, int error)
{
	log_error("store ends: %s: %s", what, strerror(-error));
	_exit(70);
}

void *local_alloc(size_t size)
{
	void *p = calloc(1, size > 0 ? size : 1);

	if (p == NULL)
		local_die("there is no memory", -ENOMEM);
	return p;
}

int local_index(struct local *s, int error)
{
	int fd;

	if (error != -ENOTRECOVERABLE)
		return error;
	/* The next start looks whether its pages are whole. */
	fd = openat(s->o.db_fd, panic_name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0)
		close(fd);
	local_die("the index can't go on", error);
}

struct buf *local_value(struct local *s)
{
	if (s->value.cap > LOCAL_VALUE_KEPT)
		buf_clear(&s->value);
	buf_reset(&s->value);
	return &s->value;
}

/* value: NULL deletes. */
static int change_one(struct local *s, const struct key *k, const struct span *value)
{
	int r = kv_begin(s->kv);

	if (r < 0)
		return r;
	r = value != NULL ? kv_put(s->kv, key_span(k), *value) : kv_del(s->kv, key_span(k));
	if (r == 0)
		return kv_commit(s->kv);
	kv_abort(s->kv);
	return r;
}

static int change_one_surely(struct local *s, const struct key *k, const struct span *value)
{
	int r = local_index(s, change_one(s, k, value));

	if (r == -ENOSPC && s->space != NULL && space_release(s->space) == 0)
		r = local_index(s, change_one(s, k, value));
	return r;
}

int local_put(struct local *s, const struct key *k, struct span value)
{
	return change_one_surely(s, k, &value);
}

int local_del(struct local *s, const struct key *k)
{
	return change_one_surely(s, k, NULL);
}

int local_has(struct local *s, const struct key *start)
{
	struct span key, value;
	struct kv_scan *scan;
	struct key end;
	int r;

	key_end(&end, start);
	scan = kv_scan_open(s->kv, key_span(start), key_span(&end));
	if (scan == NULL)
		return -ENOMEM;
	r = kv_scan_next(scan, &key, &value);
	kv_scan_close(scan);
	return r;
}

/* --- opening --------------------------------------------------------------- */

static int open_folders(struct local *s, struct error *err)
{
	struct stat mail, queue;

	if (fchdir(s->o.db_fd) < 0)
		return error_system(err, errno, "the folder db can't be entered");
	if (mkdirat(s->o.mail_fd, "tmp", 0700) < 0 && errno != EEXIST)
		return error_system(err, errno, "the folder mail/tmp can't be made");
	s->tmp_fd = openat(s->o.mail_fd, "tmp", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (s->tmp_fd < 0)
		return error_system(err, errno, "the folder mail/tmp can't be opened");
	s->proc_fd = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->proc_fd < 0)
		return error_system(err, errno, "/proc/self/fd can't be opened");
	if (fstat(s->tmp_fd, &mail) < 0 || fstat(s->o.queue_fd, &queue) < 0)
		return error_system(err, errno, "the folders mail/tmp and queue can't be looked at");
	s->mail_device = mail.st_dev;
	s->queue_apart = mail.st_dev != queue.st_dev;
	s->syncs_whole = files_syncs_whole(s->tmp_fd);
	return 0;
}

/* Opens the index, with the reserve's help where the disk is full. */
static int open_kv(struct local *s, struct error *err)
{
	int r;

	if (space_free_bytes(s->space) < 2 * KV_LOG)
		space_release(s->space);
	r = kv_open(&s->kv, s->o.index_cache, err);
	if (r == -ENOSPC && space_release(s->space) == 0)
		r = kv_open(&s->kv, s->o.index_cache, err);
	return r;
}

static int wipe_and_open(struct local *s, struct error *err)
{
	int r;

	kv_close(s->kv);
	s->kv = NULL;
	r = kv_wipe(err);
	return r == 0 ? open_kv(s, err) : r;
}

/* Is the index whole, and of today's format? Then it says so, with the number of the next account. */
static bool index_complete(struct local *s)
{
	struct span value;
	struct key k;

	key_kind(&k, KEY_COMPLETE);
	return kv_get(s->kv, key_span(&k), &value) == 0 && complete_decode(value, &s->next_account);
}

static int index_make(struct local *s, struct error *err)
{
	struct key k;
	int r = wipe_and_open(s, err); /* what an attempt before has left */

	s->next_account = 1;
	if (r == 0)
		r = redo_play_all(s, err);
	if (r == 0)
		r = rebuild_index(s, err);
	if (r == 0)
		r = queue_rebuild(s, err);
	if (r < 0)
		return r;
	key_kind(&k, KEY_COMPLETE);
	complete_encode(local_value(s), s->next_account);
	r = local_put(s, &k, buf_span(&s->value));
	if (r == 0)
		r = kv_flush(s->kv);
	return r < 0 ? error_system(err, -r, "the index can't be written") : 0;
}

/* Recovers the index, and looks at all of it. What recovery has made must be in the file by then: an index that is half
 * written on a full disk is not damaged. */
static int recover_kv(struct local *s, struct error *err)
{
	int r = open_kv(s, err);

	if (r == 0) {
		r = with_reserve(s, kv_checkpoint);
		if (r < 0)
			error_system(err, -r, "the index can't be written");
	}
	kv_close(s->kv);
	s->kv = NULL;
	return r == 0 ? kv_verify(err) : r;
}

static int open_index(struct local *s, struct error *err)
{
	int r = 0;

	if (faccessat(s->o.db_fd, panic_name, F_OK, 0) == 0)
		r = recover_kv(s, err);
	if (r == 0)
		r = open_kv(s, err);
	if (r == -EBADMSG) {
		log_error("store %s", err->words);
		r = wipe_and_open(s, err);
	}
	if (r < 0)
		return r;
	unlinkat(s->o.db_fd, panic_name, 0);
	if (!index_complete(s))
		return index_make(s, err);
	r = redo_play(s, err);
	if (r == 0)
		r = dirty_sweep(s, err);
	return r == 0 ? garbage_sweep(s, err) : r;
}

/* Opens the index anew: what a start has read of it is in the library's cache, which never gets smaller, and nobody has
 * asked for it. Where not all of it can be written out, it stays open as it is. */
static int index_anew(struct local *s, struct error *err)
{
	if (with_reserve(s, kv_checkpoint) < 0)
		return 0;
	kv_close(s->kv);
	s->kv = NULL;
	return open_kv(s, err);
}

static void local_tick(uv_timer_t *timer)
{
	struct local *s = timer->data;

	if (s->closing)
		return;
	settle_tick(s);
	settle_sweep(s);
	space_tick(s->space);
	redo_tick(s->redo);
	txids_prune(s->txids);
	queue_tick(s->queue);
}

/* The clock does not keep the loop alive by itself. */
static int start_clock(struct local *s, struct error *err)
{
	s->timer = calloc(1, sizeof(*s->timer));
	if (s->timer == NULL)
		return error_set(err, -ENOMEM, "no memory for the store's clock");
	uv_timer_init(s->loop, s->timer);
	s->timer->data = s;
	uv_timer_start(s->timer, local_tick, LOCAL_TICK_MS, LOCAL_TICK_MS);
	uv_unref((uv_handle_t *)s->timer);
	return 0;
}

static int local_parts(struct local *s, struct error *err)
{
	int r = open_folders(s, err);

	if (r == 0)
		r = table_new(&s->accounts, err);
	if (r == 0)
		r = table_new(&s->in_hand, err);
	if (r == 0)
		r = turns_new(&s->turns, s->loop, err);
	if (r == 0)
		r = space_new(&s->space, s, err);
	if (r == 0)
		r = flush_new(&s->flush, s, err);
	if (r == 0)
		r = stock_new(&s->stock, s, err);
	if (r == 0)
		r = startup_clean_tmp(s, err);
	if (r == 0)
		r = open_index(s, err);
	if (r == 0)
		r = redo_new(&s->redo, s, err);
	if (r == 0)
		r = txids_new(&s->txids, s, err);
	if (r == 0)
		r = queue_new(&s->queue, s, err);
	if (r == 0)
		r = index_anew(s, err);
	return r == 0 ? start_clock(s, err) : r;
}

int local_new(struct store **out, uv_loop_t *loop, const struct local_options *o, struct error *err)
{
	struct local *s = calloc(1, sizeof(*s));
	struct error own;
	int r;

	*out = NULL;
	if (s == NULL)
		return error_set(err, -ENOMEM, "no memory for the store");
	s->base.driver = &local_driver;
	s->loop = loop;
	s->o = *o;
	s->tmp_fd = s->proc_fd = -1;
	s->sweeping = true;
	buf_init(&s->value, LOCAL_VALUE_MAX);
	r = local_parts(s, err != NULL ? err : &own);
	if (r < 0) {
		local_free(&s->base);
		return r;
	}
	*out = &s->base;
	return 0;
}

void local_settings(struct store *base, const struct local_options *o)
{
	struct local *s = local_of(base);

	s->o.min_free = o->min_free;
	s->o.queue_limit = o->queue_limit;
	s->o.quiet_ms = o->quiet_ms;
	s->o.deleted_log_s = o->deleted_log_s;
	s->o.mailbox_limit = o->mailbox_limit;
	s->o.keyword_limit = o->keyword_limit;
	s->o.quota = o->quota;
	s->o.quota_messages = o->quota_messages;
}

/* --- closing --------------------------------------------------------------- */

static void timer_closed(uv_handle_t *handle)
{
	free(handle);
}

static void handles_close(struct local *s)
{
	if (s->timer != NULL)
		uv_close((uv_handle_t *)s->timer, timer_closed);
	s->timer = NULL;
	turns_free(s->turns);
	s->turns = NULL;
}

static void close_run(struct job *job)
{
	redo_finish(job->s->redo);
	if (with_reserve(job->s, kv_flush) == 0)
		with_reserve(job->s, kv_checkpoint);
}

static void close_done(struct job *job)
{
	struct local *s = job->s;

	s->closed = true;
	kv_close(s->kv);
	s->kv = NULL;
	handles_close(s);
	s->closed_done(s->closed_arg);
}

static bool in_hand(const struct local *s)
{
	return s->call_count > 0 || s->commit_count > 0 || s->job_count > 0 || s->flushing;
}

static enum turn_more close_try(void *arg)
{
	struct local *s = arg;

	if (s->finishing || in_hand(s) || !settle_all(s) || in_hand(s))
		return TURN_DONE;
	s->finishing = true;
	pool_start(s, &s->close_job, close_run, close_done);
	return TURN_DONE;
}

/* In a turn of its own, when whoever calls this is through. */
void local_rest(struct local *s)
{
	if (s->closing && !s->finishing)
		turns_add(s->turns, &s->close_turn, close_try, s);
}

void local_close(struct store *base, void (*done)(void *arg), void *arg)
{
	struct local *s = local_of(base);

	s->closing = true;
	s->closed_done = done;
	s->closed_arg = arg;
	local_rest(s);
}

static void free_accounts(struct local *s)
{
	size_t at = 0;
	void *value;

	while (s->accounts != NULL && table_next(s->accounts, &at, NULL, &value)) {
		struct account *a = value;

		while (a->logins != NULL) {
			struct login *l = a->logins;

			a->logins = l->next;
			free(l);
		}
		account_free(a);
	}
	table_free(s->accounts);
}

void local_free(struct store *base)
{
	struct local *s = local_of(base);

	if (s == NULL)
		return;
	handles_close(s);
	free_accounts(s);
	queue_free(s->queue);
	table_free(s->in_hand);
	txids_free(s->txids);
	stock_free(s->stock);
	redo_free(s->redo);
	kv_close(s->kv);
	space_free(s->space);
	free(s->flush);
	if (s->tmp_fd >= 0)
		close(s->tmp_fd);
	if (s->proc_fd >= 0)
		close(s->proc_fd);
	buf_clear(&s->value);
	free(s);
}

/* --- status ---------------------------------------------------------------- */

void local_status(struct store *base, struct buf *out)
{
	struct local *s = local_of(base);

	buf_printf(out, "accounts_in_memory %zu\n", table_count(s->accounts));
	buf_printf(out, "requests_in_hand %zu\n", s->call_count);
	buf_printf(out, "commits %llu\n", (unsigned long long)s->commits);
	buf_printf(out, "flushes %llu\n", (unsigned long long)s->flushes);
	buf_printf(out, "txids %zu\n", txids_count(s->txids));
	buf_printf(out, "free_bytes %llu\n", (unsigned long long)space_free_bytes(s->space));
	buf_printf(out, "reserve %s\n", space_low(s->space) ? "no" : "yes");
	queue_status(s->queue, out);
}
