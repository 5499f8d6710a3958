/* shell_body.c - a message's bytes and its metadata, without waiting for the disk on the loop. */
#include "imapd/shell.h"

#include <errno.h>
#include <unistd.h>

#include "common/base/log.h"
#include "storage/meta.h"

/* --- the body -------------------------------------------------------------- */

void shell_body_close(struct shell *s)
{
	body_read_cancel(s->reading);
	s->reading = NULL;
	if (s->body >= 0)
		close(s->body);
	s->body = -1;
}

static void opened(void *arg, enum store_status status, int fd, uint64_t size)
{
	const struct imap_result result = { .status = status, .size = size };
	struct shell *s = arg;

	s->store_op = 0;
	s->body = fd;
	shell_answer(s, &result);
	conn_wake(s->conn);
}

void shell_body_open(struct shell *s, const struct imap_action *a)
{
	shell_body_close(s);
	shell_asked(s, store_body(s->account, a->body.mailbox, a->body.uid, opened, s));
}

static void answer_bytes(struct shell *s, int r, struct span bytes)
{
	const struct imap_result result = { .status = r == 0 && bytes.n > 0 ? STORE_OK : STORE_CORRUPT, .bytes = bytes };

	if (result.status != STORE_OK)
		log_warn("ICID %llu body unreadable user=%s errno=%d", (unsigned long long)conn_id(s->conn),
			 s->user != NULL ? s->user : "-", -r);
	shell_answer(s, &result);
}

static void piece_read(void *arg, int r, struct span bytes)
{
	struct shell *s = arg;

	s->reading = NULL;
	answer_bytes(s, r, bytes);
	conn_wake(s->conn);
}

void shell_body_read(struct shell *s, const struct imap_action *a)
{
	uint8_t *piece = s->service->piece;
	size_t want = a->read.length < sizeof(s->service->piece) ? a->read.length : sizeof(s->service->piece);
	ssize_t n = body_read_now(s->body, a->read.offset, piece, want);

	if (n != -EAGAIN) {
		answer_bytes(s, n < 0 ? (int)n : 0, (struct span){ piece, n > 0 ? (size_t)n : 0 });
		return;
	}
	s->reading = body_read_later(worker_loop(s->service->worker), s->body, a->read.offset, want, piece_read, s);
	if (s->reading == NULL)
		shell_answer_status(s, STORE_TRY_LATER);
}

/* --- metadata -------------------------------------------------------------- */

static bool give_meta(struct shell *s)
{
	struct imap_result result = { .status = STORE_OK };
	struct buf meta;
	bool ok;

	buf_init(&meta, STORE_META_MAX);
	ok = store_meta_read(s->meta, &s->record, &meta);
	if (ok) {
		result.bytes = buf_span(&meta);
		shell_answer(s, &result);
	}
	buf_clear(&meta);
	return ok;
}

static void meta_opened(void *arg, enum store_status status, int fd, uint64_t size)
{
	struct shell *s = arg;

	(void)size;
	s->store_op = 0;
	s->meta = fd;
	if (status != STORE_OK || !give_meta(s))
		shell_answer_status(s, STORE_NOT_FOUND);
	conn_wake(s->conn);
}

/* An entry that can't be read may lie in a newer file than the one that is open: that one
 * is asked for once. */
void shell_meta(struct shell *s, const struct imap_action *a)
{
	s->record = *a->record;
	if (s->meta >= 0 && give_meta(s)) {
		s->meta_fresh = false;
		return;
	}
	if (s->meta >= 0 && s->meta_fresh) {
		shell_answer_status(s, STORE_NOT_FOUND);
		return;
	}
	if (s->meta >= 0)
		close(s->meta);
	s->meta = -1;
	s->meta_fresh = true;
	shell_asked(s, store_meta_file(s->account, meta_opened, s));
}
