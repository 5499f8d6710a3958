/* store_client_body.c - messages read; the contract is in store_client.h. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "admin/store_client_inside.h"

static void on_body(void *arg, enum store_status status, int fd, uint64_t size)
{
	struct store_client *c = arg;

	c->fd = fd;
	c->size = size;
	store_client_end(c, status, "");
}

static int read_all(int fd, uint64_t size, struct buf *out, struct error *err)
{
	uint8_t *room = size > 0 ? buf_room(out, size) : NULL;
	uint64_t n = 0;
	ssize_t got = 1;

	if (room == NULL && size > 0)
		return error_set(err, -ENOMEM, "no memory for a message of %llu bytes", (unsigned long long)size);
	while (n < size && got > 0) {
		got = pread(fd, room + n, size - n, (off_t)n);
		n += got > 0 ? (uint64_t)got : 0;
	}
	if (n < size)
		return error_system(err, got < 0 ? errno : EIO, "can't read a message");
	out->n += size;
	return 0;
}

int store_client_body(struct store_client *c, uint64_t mailbox, uint32_t uid, struct buf *out, struct error *err)
{
	int rc;

	c->fd = -1;
	store_body(c->account, mailbox, uid, on_body, c);
	rc = store_client_wait(c, err);
	if (rc == 0)
		rc = read_all(c->fd, c->size, out, err);
	if (c->fd >= 0)
		close(c->fd);
	return rc;
}

/* --- many ------------------------------------------------------------------- */

/* Descriptors that were asked for, of the records from `first` on. */
struct ahead {
	size_t first, asked;
	bool done;
	enum store_status status;
	struct store_opened opened[STORE_BODIES];
	size_t count;
};

static void on_bodies(void *arg, enum store_status status, const struct store_opened *opened, size_t count)
{
	struct ahead *a = arg;

	a->done = true;
	a->status = status;
	a->count = count;
	memcpy(a->opened, opened, count * sizeof(*opened));
}

static void ask_ahead(struct store_client *c, const struct store_client_reader *r, struct ahead *a, size_t first)
{
	struct store_range ranges[STORE_BODIES];
	struct store_set set = { ranges, 0 };

	*a = (struct ahead){ .first = first };
	for (; a->asked < STORE_BODIES && first + a->asked < r->count; a->asked++) {
		uint32_t uid = r->records[first + a->asked]->uid;

		if (set.count > 0 && ranges[set.count - 1].last + 1 == uid)
			ranges[set.count - 1].last = uid;
		else
			ranges[set.count++] = (struct store_range){ uid, uid };
	}
	if (a->asked > 0)
		store_bodies(c->account, r->mailbox, &set, on_bodies, a);
}

/* One that the disk has lost does not keep the others. */
static int take_one(const struct store_client_reader *r, const struct store_record *record, const struct store_opened *o,
		    struct buf *body, struct error *err)
{
	struct error own;
	int rc = store_client_tell(o->status, "", &own);

	buf_reset(body);
	if (rc == 0)
		rc = read_all(o->fd, o->size, body, &own);
	if (rc == -ENOENT)
		return 0; /* expunged meanwhile */
	if (rc == -EIO) {
		r->bad(r->arg, record, &own);
		return 0;
	}
	return rc == 0 ? r->one(r->arg, record, buf_span(body), err) : error_set(err, rc, "%s", own.words);
}

/* Both are in the order of their UIDs; those that are gone are not among the opened. */
static int take_all(const struct store_client_reader *r, const struct ahead *a, struct buf *body, struct error *err)
{
	int rc = store_client_tell(a->status, "", err);

	for (size_t i = 0, at = a->first; i < a->count && rc == 0; i++) {
		while (at + 1 < a->first + a->asked && r->records[at]->uid < a->opened[i].uid)
			at++;
		if (r->records[at]->uid == a->opened[i].uid)
			rc = take_one(r, r->records[at], &a->opened[i], body, err);
	}
	return rc;
}

static void ahead_close(struct ahead *a)
{
	for (size_t i = 0; i < a->count; i++)
		if (a->opened[i].fd >= 0)
			close(a->opened[i].fd);
}

int store_client_read(struct store_client *c, const struct store_client_reader *r, struct error *err)
{
	struct ahead both[2];
	struct buf body;
	unsigned turn = 0;
	int rc = 0;

	buf_init(&body, STORE_CLIENT_BODY);
	ask_ahead(c, r, &both[0], 0);
	for (struct ahead *a = &both[0]; a->asked > 0; a = &both[++turn % 2]) {
		while (!a->done && store_client_turn(c))
			;
		if (!a->done) {
			rc = rc == 0 ? store_client_gone(err) : rc;
			break;
		}
		ask_ahead(c, r, &both[(turn + 1) % 2], rc == 0 ? a->first + a->asked : r->count);
		if (rc == 0)
			rc = take_all(r, a, &body, err);
		ahead_close(a);
	}
	buf_clear(&body);
	return rc;
}
