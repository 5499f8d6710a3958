/* shell_body.c - a message's bytes, without waiting for the disk on the loop. */
#include "imapd/shell.h"

#include <errno.h>
#include <unistd.h>

#include "common/base/log.h"
#include "service/ahead.h"

void shell_body_close(struct shell *s)
{
	body_read_cancel(s->reading);
	s->reading = NULL;
	if (s->body >= 0)
		close(s->body);
	s->body = -1;
}

/* The command is over: nobody knows what is read next. */
void shell_body_rest(struct shell *s)
{
	ahead_free(s->ahead);
	s->ahead = NULL;
}

static void answer_open(struct shell *s, enum store_status status, int fd, uint64_t size)
{
	const struct imap_result result = { .status = status, .size = size };

	s->body = fd;
	shell_answer(s, &result);
}

static void opened(void *arg, enum store_status status, int fd, uint64_t size)
{
	struct shell *s = arg;

	s->store_op = 0;
	answer_open(s, status, fd, size);
	conn_wake(s->conn);
}

static bool take_ahead(struct shell *s, uint64_t mailbox, uint32_t uid)
{
	struct store_opened one;

	if (!ahead_take(s->ahead, mailbox, uid, &one))
		return false;
	answer_open(s, one.status, one.fd, one.size);
	return true;
}

static void opened_ahead(void *arg, enum store_status status, const struct store_opened *all, size_t count)
{
	struct shell *s = arg;

	s->store_op = 0;
	ahead_fill(s->ahead, all, count);
	if (!take_ahead(s, s->body_mailbox, s->body_uid))
		answer_open(s, status == STORE_OK ? STORE_NOT_FOUND : status, -1, 0);
	conn_wake(s->conn);
}

void shell_body_open(struct shell *s, const struct imap_action *a)
{
	uint32_t uid = a->body.uid, count = 1;

	shell_body_close(s);
	if (s->ahead == NULL)
		s->ahead = ahead_new();
	if (s->ahead != NULL) {
		if (take_ahead(s, a->body.mailbox, uid))
			return;
		count = ahead_count(s->ahead, a->body.mailbox, uid);
	}
	s->body_mailbox = a->body.mailbox;
	s->body_uid = uid;
	if (count == 1)
		shell_asked(s, store_body(s->account, a->body.mailbox, uid, opened, s));
	else
		shell_asked(s, store_bodies(s->account, a->body.mailbox,
					    &(struct store_set){ &(struct store_range){ uid, uid + count - 1 }, 1 }, opened_ahead, s));
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
