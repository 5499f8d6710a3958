/* redo.c - the contract is in redo.h. */
#include "storage/local/redo.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "storage/local/files.h"
#include "storage/local/inner.h"

enum { FRAME_KEPT = 256 * 1024 }; /* bytes of the buffer between two frames */

struct redo_log {
	int fd;
	uint64_t number;
	uint64_t used;     /* bytes; 0: it is empty */
	uint64_t since_ms; /* the oldest frame */
};

struct redo {
	struct local *s;
	struct redo_log logs[2];
	unsigned at; /* the one that is written; the other is empty, or its files are being synced */
	struct buf frame;
	uint64_t frame_at;
	bool writing, settling;
	struct after_list told; /* by the sync that runs */
	struct after_list waits; /* by the next one */
	struct job job;
	int result;
};

void redo_log_name(char out[16], unsigned which)
{
	snprintf(out, 16, "redo.%u", which);
}

bool redo_is_log(const char *name)
{
	return strcmp(name, "redo.0") == 0 || strcmp(name, "redo.1") == 0;
}

static int log_make(struct redo *r, unsigned which)
{
	char name[16];

	redo_log_name(name, which);
	r->logs[which].fd = openat(r->s->tmp_fd, name, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	return r->logs[which].fd < 0 ? -errno : 0;
}

int redo_new(struct redo **out, struct local *s, struct error *err)
{
	struct redo *r;
	int e;

	*out = NULL;
	if (!s->syncs_whole)
		return 0;
	*out = r = calloc(1, sizeof(*r));
	if (r == NULL)
		return error_set(err, -ENOMEM, "no memory for the log of bodies");
	r->s = s;
	r->logs[0].fd = r->logs[1].fd = -1;
	buf_init(&r->frame, REDO_LOG);
	e = log_make(r, 0);
	if (e == 0)
		e = log_make(r, 1);
	if (e == 0 && fsync(s->tmp_fd) < 0)
		e = -errno;
	if (e == 0)
		return 0;
	log_warn("store goes without a log of messages, it can't be made: %s", strerror(-e));
	redo_free(r);
	*out = NULL;
	return 0;
}

void redo_free(struct redo *r)
{
	if (r == NULL)
		return;
	for (unsigned i = 0; i < 2; i++)
		if (r->logs[i].fd >= 0)
			close(r->logs[i].fd);
	buf_clear(&r->frame);
	free(r);
}

/* --- the files' sync -------------------------------------------------------------- */

/* If the first frame can't be wiped, it is played once more: that changes nothing. */
static void log_empty(const struct redo_log *log)
{
	static const uint8_t zeros[REDO_HEAD];

	if (log->used > REDO_LITTLE || ftruncate(log->fd, 0) < 0)
		files_write(log->fd, (struct span){ zeros, sizeof(zeros) }, 0);
}

static void settle_run(struct job *job)
{
	struct redo *r = job->s->redo;

	r->result = syncfs(r->s->tmp_fd) < 0 ? -errno : 0;
	if (r->result == 0)
		log_empty(&r->logs[!r->at]);
}

static void settle_start(struct redo *r);

static void settle_if_due(struct redo *r)
{
	if (r->logs[r->at].used >= REDO_FULL || r->waits.first != NULL)
		settle_start(r);
}

static void settle_done(struct job *job)
{
	struct redo *r = job->s->redo;

	if (r->result < 0)
		local_die("the messages' files can't be synced", r->result);
	r->logs[!r->at].used = 0;
	r->settling = false;
	after_run(&r->told, STORE_OK);
	settle_if_due(r);
}

/* Those files are all there that are in the log: a frame is written behind them. */
static void settle_start(struct redo *r)
{
	if (r->settling || r->writing)
		return; /* the end of either comes here */
	r->settling = true;
	r->at = !r->at;
	after_move(&r->told, &r->waits);
	pool_start(r->s, &r->job, settle_run, settle_done);
}

bool redo_settle(struct redo *r, struct after *after)
{
	if (r == NULL || (r->logs[r->at].used == 0 && !r->settling))
		return false;
	if (r->logs[r->at].used == 0) {
		after_add(&r->told, after);
		return true;
	}
	after_add(&r->waits, after);
	settle_start(r);
	return true;
}

void redo_tick(struct redo *r)
{
	if (r != NULL && r->logs[r->at].used > 0 && clock_mono_ms() - r->logs[r->at].since_ms >= REDO_LATEST_MS)
		settle_start(r);
}

void redo_finish(struct redo *r)
{
	char name[16];

	if (r == NULL || (r->logs[0].used + r->logs[1].used > 0 && syncfs(r->s->tmp_fd) < 0))
		return; /* the next start plays it */
	for (unsigned i = 0; i < 2; i++) {
		redo_log_name(name, i);
		unlinkat(r->s->tmp_fd, name, 0);
	}
}

/* --- a frame ---------------------------------------------------------------------- */

bool redo_begin(struct redo *r, size_t entries)
{
	struct redo_log *log;

	if (r == NULL || r->writing || redo_frame_size(entries) > REDO_LOG)
		return false;
	if (r->logs[r->at].used + redo_frame_size(entries) > REDO_LOG)
		settle_start(r);
	log = &r->logs[r->at];
	if (log->used + redo_frame_size(entries) > REDO_LOG)
		return false;
	if (log->used == 0) {
		log->since_ms = clock_mono_ms();
		do
			randombytes_buf(&log->number, sizeof(log->number));
		while (log->number == 0);
	}
	r->frame_at = log->used;
	log->used += redo_frame_size(entries);
	r->writing = true;
	redo_frame_begin(&r->frame);
	return true;
}

struct buf *redo_frame(struct redo *r)
{
	return &r->frame;
}

int redo_write(struct redo *r)
{
	const struct redo_log *log = &r->logs[r->at];
	int e;

	redo_frame_end(&r->frame, log->number);
	e = r->frame.failed ? -ENOMEM : files_write(log->fd, buf_span(&r->frame), r->frame_at);
	return e == 0 && fdatasync(log->fd) < 0 ? -errno : e;
}

void redo_end(struct redo *r, int result)
{
	r->logs[r->at].used = r->frame_at + (result < 0 ? 0 : r->frame.n);
	r->writing = false;
	if (r->frame.cap > FRAME_KEPT)
		buf_clear(&r->frame);
	settle_if_due(r);
}
