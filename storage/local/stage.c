/* stage.c - the contract is in stage.h. */
#include "storage/local/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "storage/local/inner.h"

struct stage {
	struct store_stage base;
	struct local *s;
	uint64_t max, size;
	store_ready ready;
	void *arg;
	bool waited_for; /* a write was refused: `ready` is owed */

	struct buf fresh;   /* bytes that no job has taken yet */
	struct buf writing; /* the pool's, while busy */
	uint64_t written;   /* bytes in the file */
	int fd;             /* -1: none yet */
	char name[FILES_TMP_NAME];
	int error; /* a negative errno: it can't be stored */

	struct job job;
	bool sealing; /* the last bytes are being written */
	int result;   /* of the job */
	bool busy, freed;
	bool linked;       /* it has a name: closing it frees no blocks */
	bool foreign;      /* somebody else writes it; fd is read-only */
	bool seal, sealed; /* asked for, done */
	enum stage_place place;
	bool dated;
	int64_t date_s;
	struct after_list waits;
};

static struct stage *stage_of(struct store_stage *st)
{
	return (struct stage *)st;
}

static struct stage *stage_of_job(struct job *job)
{
	return (struct stage *)((char *)job - offsetof(struct stage, job));
}

static struct stage *stage_make(struct local *s, uint64_t max, struct error *err)
{
	struct stage *st = calloc(1, sizeof(*st));

	if (st == NULL) {
		error_set(err, -ENOMEM, "no memory for a message");
		return NULL;
	}
	st->base.store = &s->base;
	st->s = s;
	st->max = max;
	st->fd = -1;
	buf_init(&st->fresh, STAGE_QUEUE + 64 * 1024);
	buf_init(&st->writing, STAGE_QUEUE + 64 * 1024);
	return st;
}

int stage_new(struct store *s, struct store_stage **out, uint64_t max, store_ready ready, void *arg,
	      struct error *err)
{
	struct stage *st = stage_make(local_of(s), max, err);

	*out = st != NULL ? &st->base : NULL;
	if (st == NULL)
		return -ENOMEM;
	st->ready = ready;
	st->arg = arg;
	return 0;
}

static void stage_close(struct job *job)
{
	struct stage *st = stage_of_job(job);

	close(st->fd);
	if (st->name[0] != '\0')
		unlinkat(st->s->tmp_fd, st->name, 0);
}

static void stage_closed(struct job *job)
{
	free(stage_of_job(job));
}

static void stage_destroy(struct stage *st)
{
	buf_clear(&st->fresh);
	buf_clear(&st->writing);
	if (st->fd >= 0 && (!st->linked || st->name[0] != '\0')) {
		pool_start(st->s, &st->job, stage_close, stage_closed);
		return;
	}
	if (st->fd >= 0)
		close(st->fd);
	free(st);
}

void stage_free(struct store_stage *base)
{
	struct stage *st = stage_of(base);

	if (st == NULL)
		return;
	st->freed = true;
	if (!st->busy)
		stage_destroy(st);
}

/* --- on the pool ----------------------------------------------------------- */

static int stage_store(struct stage *st)
{
	int r = st->fd < 0 ? files_tmp(st->s->tmp_fd, &st->fd, st->name) : 0;

	if (r == 0)
		r = files_write(st->fd, buf_span(&st->writing), st->written);
	if (r == 0)
		st->written += st->writing.n;
	return r;
}

static int stage_stamp(struct stage *st)
{
	const struct timespec times[2] = { { .tv_sec = st->date_s }, { .tv_sec = st->date_s } };

	return st->dated && futimens(st->fd, times) < 0 ? -errno : 0;
}

static int stage_check(struct stage *st)
{
	struct stat info;

	if (fstat(st->fd, &info) < 0)
		return -errno;
	st->date_s = info.st_mtim.tv_sec;
	return (uint64_t)info.st_size == st->size ? 0 : -EIO;
}

static void stage_run(struct job *job)
{
	struct stage *st = stage_of_job(job);

	st->result = stage_store(st);
}

static void seal_run(struct job *job)
{
	struct stage *st = stage_of_job(job);

	st->result = stage_store(st);
	if (st->result == 0)
		st->result = stage_stamp(st);
	if (st->result == 0)
		st->result = stage_check(st);
	if (st->result == 0 && st->place == STAGE_SYNCED && fsync(st->fd) < 0)
		st->result = -errno;
}

static void stage_job(struct stage *st);
static void stage_join(struct stage *st);

static void stage_finish(struct stage *st)
{
	st->busy = false;
	st->error = st->result;
	if (!st->sealing || st->place == STAGE_SYNCED)
		buf_clear(&st->writing);
	if (st->freed) {
		stage_destroy(st);
		return;
	}
	st->sealed = st->sealing && st->error == 0;
	if (st->sealed || st->error < 0)
		after_run(&st->waits, st->error < 0 ? STORE_TRY_LATER : STORE_OK);
	else if (st->seal)
		stage_join(st);
	else if (st->fresh.n > 0)
		stage_job(st);
	if (st->waited_for && stage_ready(&st->base)) {
		st->waited_for = false;
		st->ready(st->arg);
	}
}

static void stage_done(struct job *job)
{
	stage_finish(stage_of_job(job));
}

static void stage_hand_over(struct stage *st)
{
	struct buf empty = st->writing;

	st->busy = true;
	st->sealing = st->seal;
	st->writing = st->fresh;
	st->fresh = empty;
}

/* Hands what there is to the pool, which opens the file with the first bytes. */
static void stage_job(struct stage *st)
{
	stage_hand_over(st);
	pool_start(st->s, &st->job, stage_run, stage_done);
}

/* The last bytes and the seal. */
static void stage_join(struct stage *st)
{
	stage_hand_over(st);
	pool_start(st->s, &st->job, seal_run, stage_done);
}

/* --- writing --------------------------------------------------------------- */

bool stage_ready(const struct store_stage *base)
{
	const struct stage *st = (const struct stage *)base;

	return st->error < 0 || st->fresh.n < STAGE_QUEUE;
}

uint64_t stage_size(const struct store_stage *base)
{
	return ((const struct stage *)base)->size;
}

int stage_write(struct store_stage *base, struct span in)
{
	struct stage *st = stage_of(base);

	if (st->error < 0)
		return st->error;
	if (in.n > st->max - st->size)
		return -EFBIG;
	if (!stage_ready(base)) {
		st->waited_for = true;
		return -EAGAIN;
	}
	buf_put(&st->fresh, in);
	if (st->fresh.failed)
		return st->error = -ENOMEM;
	st->size += in.n;
	if (st->size > STAGE_SMALL && !st->busy)
		stage_job(st);
	return 0;
}

/* --- sealing --------------------------------------------------------------- */

/* All of it is in memory. */
static bool stage_is_small(const struct stage *st)
{
	return st->fd < 0 && !st->busy && st->fresh.n == st->size;
}

static void stage_hold(struct stage *st)
{
	stage_hand_over(st);
	st->busy = false;
	st->sealed = true;
	if (!st->dated)
		st->date_s = clock_real_ms() / 1000;
}

bool stage_seal(struct stage *st, enum stage_place place, const int64_t *date_s, struct after *after)
{
	if (st->sealed && date_s == NULL)
		return true;
	if (date_s != NULL) {
		st->dated = true;
		st->date_s = *date_s;
	}
	if (st->error < 0) {
		after_add(&st->waits, after);
		after_run(&st->waits, STORE_TRY_LATER);
		return false;
	}
	st->place = stage_is_small(st) ? place : STAGE_SYNCED;
	if (st->place == STAGE_HELD) {
		stage_hold(st);
		return true;
	}
	after_add(&st->waits, after);
	st->seal = true;
	if (!st->busy)
		stage_join(st);
	return false;
}

enum stage_place stage_where(const struct stage *st)
{
	return st->place;
}

struct span stage_bytes(const struct stage *st)
{
	return buf_span(&st->writing);
}

int64_t stage_date(const struct stage *st)
{
	return st->date_s;
}

void stage_source(const struct stage *st, struct files_source *out)
{
	*out = (struct files_source){ st->s->tmp_fd, st->s->proc_fd, st->fd, st->name };
}

void stage_linked(struct stage *st)
{
	st->linked = true;
	buf_clear(&st->writing);
}

int stage_error(const struct stage *st)
{
	return st->error;
}

/* --- written by somebody else ---------------------------------------------- */

int local_stage_file(struct store *base, struct store_stage **out, uint64_t max, int *fd, struct error *err)
{
	struct local *s = local_of(base);
	struct stage *st = stage_make(s, max, err);
	int r;

	*out = NULL;
	*fd = -1;
	if (st == NULL)
		return -ENOMEM;
	r = stock_take(s->stock, fd, &st->fd, st->name);
	if (r < 0) {
		stage_destroy(st);
		return error_system(err, -r, "no file for a message can be made");
	}
	st->foreign = true;
	*out = &st->base;
	return 0;
}

struct seal {
	struct call call;
	struct job job;
	store_done done;
	struct stage *stage;
	uint64_t size;
	const char *words;
	enum store_status status;
};

static enum store_status seal_refuse(struct seal *seal, enum store_status status, const char *words)
{
	seal->words = words;
	return status;
}

/* The writer may be a broken daemon, so nothing it said is believed. */
static enum store_status seal_check(struct seal *seal)
{
	struct stage *st = seal->stage;
	struct stat info, own;

	if (fstat(st->fd, &info) < 0 || fstat(st->s->tmp_fd, &own) < 0)
		return seal_refuse(seal, STORE_TRY_LATER, "the body can't be looked at");
	if (!S_ISREG(info.st_mode) || info.st_dev != own.st_dev || info.st_nlink > 1)
		return seal_refuse(seal, STORE_INVALID, "the body is not the file that was given for it");
	if ((uint64_t)info.st_size != seal->size)
		return seal_refuse(seal, STORE_INVALID, "the body has another size than its writer said");
	if (seal->size > st->max)
		return seal_refuse(seal, STORE_LIMIT, "the body is too large");
	if (fcntl(st->fd, F_SETLEASE, F_RDLCK) < 0)
		return seal_refuse(seal, STORE_INVALID, "the body is still open for writing");
	fcntl(st->fd, F_SETLEASE, F_UNLCK);
	st->size = seal->size;
	return stage_check(st) < 0 ? seal_refuse(seal, STORE_TRY_LATER, "the body can't be looked at") : STORE_OK;
}

static struct seal *seal_of(struct job *job)
{
	return (struct seal *)((char *)job - offsetof(struct seal, job));
}

static void foreign_run(struct job *job)
{
	struct seal *seal = seal_of(job);

	seal->status = seal_check(seal);
	if (seal->status == STORE_OK && fsync(seal->stage->fd) < 0)
		seal->status = seal_refuse(seal, STORE_TRY_LATER, "the body can't be synced");
}

static void foreign_done(struct job *job)
{
	struct seal *seal = seal_of(job);
	struct stage *st = seal->stage;

	st->busy = false;
	st->sealed = seal->status == STORE_OK;
	if (!st->sealed)
		st->error = -EINVAL;
	if (st->freed)
		stage_destroy(st);
	if (call_close(&seal->call))
		seal->done(seal->call.arg, seal->status, seal->words);
	free(seal);
}

uint64_t local_stage_seal(struct store_stage *base, uint64_t size, store_done done, void *arg)
{
	struct stage *st = stage_of(base);
	struct seal *seal = call_new(st->s, sizeof(*seal));

	seal->done = done;
	seal->stage = st;
	seal->size = size;
	st->busy = true;
	pool_start(st->s, &seal->job, foreign_run, foreign_done);
	return call_open(&seal->call, arg);
}
