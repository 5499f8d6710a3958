/*
 * client_stage.c - bodies on their way to storaged; the contract is in client.h.
 *
 * A small body stays in memory. A larger one is written, on the pool, to a file that storaged
 * handed out; a second descriptor, for reading, stays here until the body's call is
 * answered. A storaged that was restarted knows nothing of the file: then a new one is
 * asked for and what was written is copied into it.
 *
 * Many small bodies of one commit need files, too. They stand in line for them in the order of
 * the calls, CLIENT_FILES at a time: the first call in line gets all of its own, since those before it end.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/log.h"
#include "storage/ipc/client.h"

enum {
	PIECE = 64 * 1024, /* bytes of one write */
	LOW = 32 * 1024,   /* fewer bytes that wait: more may come */
	BYTES_MAX = STORE_IPC_INLINE + PIECE
};

enum stage_state {
	STAGE_MEMORY,
	STAGE_WANTED, /* needs a file, and there is no socket */
	STAGE_ASKED,
	STAGE_OPEN,
	STAGE_SEALING,
	STAGE_SEALED
};

struct client_stage {
	struct store_stage base;
	struct client_stage *next, **back; /* of the client's */
	struct client_stage *next_taken;   /* of the call's */
	struct client_stage *lined, **lined_back; /* the next in line; NULL, NULL: in no line */
	struct client *client;
	struct call *call; /* that took it */
	uint64_t number, max, size;
	uint64_t written; /* bytes in the file */
	int error;        /* a negative errno: it can't be stored */
	enum stage_state state;
	bool asking;             /* an own call is on its way */
	bool working;            /* a job is on the pool */
	bool recalled;           /* the socket went while it worked */
	bool owed;               /* `ready` will be called */
	bool served;             /* it has stood in line, and has a file of CLIENT_FILES */
	bool abandoned;          /* freed as soon as nothing refers to it */
	int writer, reader;      /* of the file */
	int old;                 /* the file before the restart, to be copied; -1 */
	struct buf bytes, batch; /* to be written, being written */
	store_ready ready;
	void *arg;
	uv_work_t work;
	int work_code;
};

static void stage_step(struct client_stage *st);

static struct client_stage *stage_of(struct store_stage *base)
{
	return (struct client_stage *)base;
}

int client_stage_new(struct store *s, struct store_stage **out, uint64_t max, store_ready ready, void *arg,
		     struct error *err)
{
	struct client *c = client_of(s);
	struct client_stage *st = calloc(1, sizeof(*st));

	*out = NULL;
	if (st == NULL)
		return error_set(err, -ENOMEM, "no memory for a message on its way in");
	st->base.store = s;
	st->client = c;
	st->number = ++c->last_name;
	st->max = max;
	st->ready = ready;
	st->arg = arg;
	st->writer = st->reader = st->old = -1;
	st->work.data = st;
	buf_init(&st->bytes, BYTES_MAX);
	buf_init(&st->batch, BYTES_MAX);
	st->next = c->stages;
	st->back = &c->stages;
	if (st->next != NULL)
		st->next->back = &st->next;
	c->stages = st;
	*out = &st->base;
	return 0;
}

_Static_assert((int)CLIENT_FILES >= (int)STORE_MUTATIONS, "the first call in line would wait for ever");

/* --- the line ------------------------------------------------------------------ */

static void line_leave(struct client_stage *st)
{
	struct client *c = st->client;

	if (st->lined_back == NULL)
		return;
	*st->lined_back = st->lined;
	if (st->lined != NULL)
		st->lined->lined_back = st->lined_back;
	else
		c->lined_end = st->lined_back;
	st->lined = NULL;
	st->lined_back = NULL;
}

/* True: it may have a file. Else stage_step is called when it may. */
static bool line_join(struct client_stage *st)
{
	struct client *c = st->client;

	if (st->served || st->lined_back != NULL)
		return st->served;
	if (c->lined == NULL)
		c->lined_end = &c->lined;
	st->served = c->lined == NULL && c->files < CLIENT_FILES;
	if (st->served) {
		c->files++;
		return true;
	}
	st->lined_back = c->lined_end;
	*c->lined_end = st;
	c->lined_end = &st->lined;
	return false;
}

/* One file less: the first in line may have it. */
static void line_advance(struct client *c)
{
	struct client_stage *st = c->lined;

	c->files--;
	if (st == NULL)
		return;
	line_leave(st);
	c->files++;
	st->served = true;
	stage_step(st);
}

static void close_one(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void done_nothing(struct call *call, const struct store_answer *a, struct ipc_message *m)
{
	(void)call;
	(void)a;
	(void)m;
}

static void stage_destroy(struct client_stage *st)
{
	struct client *c = st->client;
	struct store_ask ask = { .type = STORE_WIRE_DROP, .stage = st->number };

	if (st->state >= STAGE_OPEN && c->ipc != NULL)
		client_call_own_new(c, NULL, &ask, done_nothing,
				    NULL); /* without memory it goes with the socket */
	close_one(&st->writer);
	close_one(&st->reader);
	close_one(&st->old);
	buf_clear(&st->bytes);
	buf_clear(&st->batch);
	*st->back = st->next;
	if (st->next != NULL)
		st->next->back = st->back;
	line_leave(st);
	if (st->served)
		line_advance(c);
	free(st);
	client_release(c);
}

/* --- the file ---------------------------------------------------------------- */

static int write_all(int fd, const uint8_t *p, size_t n, uint64_t at)
{
	while (n > 0) {
		ssize_t put = pwrite(fd, p, n < PIECE ? n : PIECE, (off_t)at);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return put < 0 ? -errno : -EIO;
		p += put;
		n -= (size_t)put;
		at += (uint64_t)put;
	}
	return 0;
}

static void work_write(uv_work_t *work)
{
	struct client_stage *st = work->data;

	st->work_code = write_all(st->writer, st->batch.p, st->batch.n, st->written);
}

static void work_copy(uv_work_t *work)
{
	struct client_stage *st = work->data;
	uint8_t *piece = malloc(PIECE);
	uint64_t at = 0;

	st->work_code = piece != NULL ? 0 : -ENOMEM;
	while (st->work_code == 0 && at < st->written) {
		size_t n = st->written - at < PIECE ? (size_t)(st->written - at) : PIECE;
		ssize_t got = pread(st->old, piece, n, (off_t)at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			st->work_code = got < 0 ? -errno : -EIO;
		else
			st->work_code = write_all(st->writer, piece, (size_t)got, at);
		at += got > 0 ? (uint64_t)got : 0;
	}
	free(piece);
}

/* The file is void with the socket that it came by; what is in it can still be read. */
static void stage_recall(struct client_stage *st)
{
	st->asking = false;
	st->recalled = false;
	if (st->state == STAGE_MEMORY)
		return;
	st->state = STAGE_WANTED;
	close_one(&st->writer);
	if (st->old < 0) {
		st->old = st->reader;
		st->reader = -1;
	}
	close_one(&st->reader);
	if (st->old < 0 && st->written > 0 && st->error == 0)
		st->error = -ESTALE;
}

static void work_after(uv_work_t *work, int status)
{
	struct client_stage *st = work->data;

	st->working = false;
	if (st->error == 0)
		st->error = status < 0 ? status : st->work_code;
	if (st->error == 0 && st->batch.n > 0)
		st->written += st->batch.n;
	else if (st->error == 0)
		close_one(&st->old);
	buf_clear(&st->batch);
	if (st->recalled)
		stage_recall(st);
	stage_step(st);
}

static void stage_work(struct client_stage *st, uv_work_cb work)
{
	int code = uv_queue_work(st->client->loop, &st->work, work, work_after);

	st->working = code == 0;
	if (code < 0)
		st->error = code;
}

static void stage_write_batch(struct client_stage *st)
{
	struct buf empty = st->batch;

	st->batch = st->bytes;
	st->bytes = empty;
	stage_work(st, work_write);
}

/* --- asking ------------------------------------------------------------------ */

static int take_fd(struct ipc_message *m, size_t i)
{
	int fd = i < m->fd_count ? m->fds[i] : -1;

	if (fd >= 0)
		m->fds[i] = -1;
	return fd;
}

static int errno_of(enum store_status status)
{
	return status == STORE_LIMIT ? -EFBIG : status == STORE_REFUSED ? -EACCES : -ENOSPC;
}

static void done_stage(struct call *call, const struct store_answer *a, struct ipc_message *m)
{
	struct client_stage *st = call->arg;

	st->asking = false;
	if (a->status != STORE_OK)
		log_warn("a message got no file from storaged reason=\"%s\"", a->words);
	st->writer = a->status == STORE_OK ? take_fd(m, 0) : -1;
	st->reader = a->status == STORE_OK ? take_fd(m, 1) : -1;
	if (a->status == STORE_OK)
		st->state = STAGE_OPEN;
	if (st->writer < 0 && st->error == 0)
		st->error = errno_of(a->status);
	stage_step(st);
}

static void done_seal(struct call *call, const struct store_answer *a, struct ipc_message *m)
{
	struct client_stage *st = call->arg;

	(void)m;
	st->asking = false;
	if (a->status == STORE_OK)
		st->state = STAGE_SEALED;
	else if (st->error == 0)
		st->error = errno_of(a->status);
	stage_step(st);
}

static void stage_ask(struct client_stage *st, enum store_wire_type type, uint64_t size,
		      enum stage_state next, call_own done)
{
	struct store_ask ask = { .type = type, .stage = st->number, .size = size };

	st->asking = client_call_own_new(st->client, NULL, &ask, done, st) == 0;
	if (st->asking)
		st->state = next;
	else
		st->error = -ENOMEM;
}

/* The writer goes first: storaged seals no file that may still change. */
static void stage_seal(struct client_stage *st)
{
	int code = close(st->writer);

	st->writer = -1;
	if (code < 0)
		st->error = -errno;
	else
		stage_ask(st, STORE_WIRE_SEAL, st->size, STAGE_SEALING, done_seal);
}

/* The next thing to do, if nothing is under way. */
static void stage_advance(struct client_stage *st)
{
	switch (st->state) {
	case STAGE_MEMORY:
		if (st->bytes.n <= STORE_IPC_INLINE && (st->call == NULL || !line_join(st)))
			return;
		st->state = STAGE_WANTED;
		/* fall through */
	case STAGE_WANTED:
		if (st->client->ipc != NULL)
			stage_ask(st, STORE_WIRE_STAGE, st->max, STAGE_ASKED, done_stage);
		else if (st->client->away_long)
			st->error = -ETIMEDOUT;
		return;
	case STAGE_OPEN:
		if (st->old >= 0)
			stage_work(st, work_copy);
		else if (st->bytes.n > 0)
			stage_write_batch(st);
		else if (st->call != NULL)
			stage_seal(st);
		return;
	case STAGE_ASKED:
	case STAGE_SEALING:
	case STAGE_SEALED:
		return;
	}
}

static void stage_step(struct client_stage *st)
{
	if (st->working)
		return;
	if (st->abandoned) {
		if (!st->asking)
			stage_destroy(st);
		return;
	}
	if (st->error == 0 && !st->asking)
		stage_advance(st);
	if (st->call != NULL && st->error != 0)
		client_call_fail_held(st->call, client_stage_status(st));
	else if (st->call != NULL && st->state == STAGE_SEALED)
		client_call_stages_changed(st->call);
	else if (st->owed && client_stage_is_ready(&st->base)) {
		st->owed = false;
		st->ready(st->arg);
	}
}

/* --- what callers do ---------------------------------------------------------- */

bool client_stage_is_ready(const struct store_stage *base)
{
	const struct client_stage *st = (const struct client_stage *)base;

	return st->error != 0 || st->state == STAGE_MEMORY || st->bytes.n < LOW;
}

int client_stage_write(struct store_stage *base, struct span in)
{
	struct client_stage *st = stage_of(base);

	if (st->error != 0)
		return st->error;
	if (!client_stage_is_ready(base))
		return -EAGAIN;
	if (in.n > st->max - st->size)
		return st->error = -EFBIG;
	if (in.n > PIECE)
		return -EINVAL;
	buf_put(&st->bytes, in);
	if (st->bytes.failed)
		return st->error = -ENOMEM;
	st->size += in.n;
	stage_step(st);
	st->owed = st->ready != NULL && !client_stage_is_ready(base);
	return st->error;
}

uint64_t client_stage_size(const struct store_stage *base)
{
	return ((const struct client_stage *)base)->size;
}

void client_stage_free(struct store_stage *base)
{
	struct client_stage *st = stage_of(base);

	st->abandoned = true;
	st->call = NULL;
	stage_step(st);
}

/* --- what calls do ------------------------------------------------------------- */

enum store_status client_stage_status(const struct client_stage *st)
{
	if (st->error == 0)
		return STORE_OK;
	if (st->error == -EFBIG)
		return STORE_LIMIT;
	if (st->error == -EACCES)
		return STORE_REFUSED;
	return st->error == -ESTALE && st->call != NULL && st->call->tried ? STORE_UNKNOWN : STORE_TRY_LATER;
}

struct store_ask_body client_stage_body(struct client_stage *st, size_t room)
{
	if (st->state == STAGE_MEMORY && st->bytes.n <= room)
		return (struct store_ask_body){ .where = STORE_ASK_INLINE, .bytes = buf_span(&st->bytes) };
	return (struct store_ask_body){ .where = STORE_ASK_STAGED, .stage = st->number };
}

void client_stage_take(struct client_stage *st, struct call *call, enum store_ask_where where)
{
	if (where == STORE_ASK_INLINE) {
		client_stage_free(&st->base);
		return;
	}
	st->call = call;
	st->owed = false;
	st->next_taken = call->stages;
	call->stages = st;
	stage_step(st);
}

bool client_stages_sealed(const struct call *call)
{
	for (const struct client_stage *st = call->stages; st != NULL; st = st->next_taken)
		if (st->state != STAGE_SEALED)
			return false;
	return true;
}

void client_stages_drop(struct call *call)
{
	while (call->stages != NULL) {
		struct client_stage *st = call->stages;

		call->stages = st->next_taken;
		if (st->state == STAGE_SEALED && call->state == CALL_SENT)
			st->state = STAGE_WANTED; /* storaged took it: there is nothing to drop */
		client_stage_free(&st->base);
	}
}

void client_stages_recall(struct client *c)
{
	for (struct client_stage *st = c->stages, *next; st != NULL; st = next) {
		next = st->next;
		if (st->working)
			st->recalled = true;
		else
			stage_recall(st);
		stage_step(st);
	}
}

void client_stages_step(struct client *c)
{
	for (struct client_stage *st = c->stages, *next; st != NULL; st = next) {
		next = st->next;
		stage_step(st);
	}
}
