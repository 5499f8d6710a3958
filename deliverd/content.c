/* content.c - the contract is in content.h. */
#include "deliverd/content.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/proc/body.h"
#include "deliverd/engine.h"
#include "mime/downgrade.h"

enum {
	READ_7BIT = 8 * 1024,		/* what is read at a time where it grows */
	OUT_MAX = 8 << 20		/* of a converted header and piece; far above both */
};

struct content {
	struct content_source s;
	uint64_t offset;
	bool begun;			/* the first piece was cut, and the head is out */
	bool over;			/* the file is at its end */
	bool ended;			/* and the converter knows */
	struct body_read *later;
	uint8_t *late;			/* what came late: head.n free bytes, then late_n */
	size_t late_n;
	bool late_there;
	int failed;			/* of a late reading */
	struct mime_downgrade *downgrade;
	struct buf out;			/* converted; `given` bytes of it were given */
	size_t given;
};

struct content *content_new(const struct content_source *s)
{
	struct content *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->s = *s;
	buf_init(&c->out, OUT_MAX);
	if (s->form == CONTENT_7BIT && mime_downgrade_new(&c->downgrade, NULL) < 0) {
		free(c);
		return NULL;
	}
	return c;
}

void content_free(struct content *c)
{
	if (c == NULL)
		return;
	body_read_cancel(c->later);
	mime_downgrade_free(c->downgrade);
	buf_clear(&c->out);
	free(c->late);
	free(c);
}

/* --- the file -------------------------------------------------------------- */

/* Its line end and its folded lines included. */
size_t content_skip(struct span p)
{
	size_t i = 0;

	if (!span_starts_nocase(p, "Return-Path:"))
		return 0;
	while (i < p.n) {
		const uint8_t *lf = memchr(p.p + i, '\n', p.n - i);

		if (lf == NULL)
			return 0;
		i = (size_t)(lf - p.p) + 1;
		if (i < p.n && p.p[i] != ' ' && p.p[i] != '\t')
			break;
	}
	return i;
}

static size_t room_in_front(const struct content *c)
{
	return c->begun ? 0 : c->s.head.n;
}

static void came_late(void *arg, int r, struct span bytes)
{
	struct content *c = arg;
	size_t front = room_in_front(c);

	c->later = NULL;
	c->failed = r;
	c->late = r == 0 ? malloc(front + bytes.n + 1) : NULL;
	if (r == 0 && c->late == NULL)
		c->failed = -ENOMEM;
	if (c->late != NULL && bytes.n > 0)
		memcpy(c->late + front, bytes.p, bytes.n);
	c->late_n = bytes.n;
	c->late_there = true;
	c->s.wake(c->s.arg);
}

/* Bytes of the file, with room_in_front() bytes to write to before them. */
static int read_file(struct content *c, size_t most, struct span *p, struct error *err)
{
	size_t front = room_in_front(c);
	ssize_t n;

	if (c->later != NULL)
		return -EAGAIN;
	if (!c->late_there) {	/* it was given the last time */
		free(c->late);
		c->late = NULL;
	}
	if (c->late_there) {
		c->late_there = false;
		n = c->failed < 0 ? c->failed : (ssize_t)c->late_n;
		p->p = c->late + (c->late != NULL ? front : 0);
	} else {
		n = body_read_now(c->s.fd, c->offset, c->s.scratch + front, most - front);
		p->p = c->s.scratch + front;
	}
	if (n == -EAGAIN) {
		c->later = body_read_later(c->s.loop, c->s.fd, c->offset, most - front, came_late, c);
		return c->later != NULL ? -EAGAIN : error_set(err, -ENOMEM, "no memory to read the message");
	}
	if (n < 0)
		return error_system(err, (int)-n, "the message can't be read");
	c->offset += (uint64_t)n;
	p->n = (size_t)n;
	return n > 0;
}

/* The same without the Return-Path. */
static int read_message(struct content *c, size_t most, struct span *p, struct error *err)
{
	int r = read_file(c, most, p, err);

	if (r == 1 && !c->begun)
		span_take(p, content_skip(*p));
	return r;
}

/* --- the two forms --------------------------------------------------------- */

static int next_as_is(struct content *c, struct span *piece, struct error *err)
{
	int r = read_message(c, CLIENT_PIECE, piece, err);
	size_t front = room_in_front(c);

	if (r < 0)
		return r;
	c->begun = true;
	if (front == 0)
		return r;
	if (r == 0) {		/* nothing in the file but what is put in front */
		*piece = c->s.head;
		return 1;
	}
	memcpy((uint8_t *)piece->p - front, c->s.head.p, front);
	piece->p -= front;
	piece->n += front;
	return 1;
}

static int convert(struct content *c, struct error *err)
{
	struct span p;
	int r;

	buf_reset(&c->out);
	c->given = 0;
	r = read_message(c, READ_7BIT + room_in_front(c), &p, err);
	if (r < 0)
		return r;
	if (!c->begun)
		buf_put(&c->out, c->s.head);
	c->begun = true;
	c->ended = r == 0;
	r = r == 1 ? mime_downgrade_feed(c->downgrade, p, &c->out, err) : mime_downgrade_end(c->downgrade, &c->out, err);
	if (r == 0 && c->out.failed)
		r = error_set(err, -EINVAL, "the message grows too much when it is converted");
	return r;
}

static int next_7bit(struct content *c, struct span *piece, struct error *err)
{
	while (c->given == c->out.n) {
		int r = c->ended ? 0 : convert(c, err);

		if (r < 0 || (c->ended && c->given == c->out.n))
			return r;
	}
	*piece = (struct span){ c->out.p + c->given, c->out.n - c->given };
	if (piece->n > CLIENT_PIECE)
		piece->n = CLIENT_PIECE;
	c->given += piece->n;
	return 1;
}

int content_next(struct content *c, struct span *piece, struct error *err)
{
	return c->s.form == CONTENT_AS_IS ? next_as_is(c, piece, err) : next_7bit(c, piece, err);
}
