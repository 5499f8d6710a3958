/* fake_stage.c - bodies on their way in, kept in memory. */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fake/fake_inner.h"

static struct fake_stage *stage_of(struct store_stage *base)
{
	return (struct fake_stage *)base;
}

int fake_stage_new(struct store *base, struct store_stage **out, uint64_t max, store_ready ready, void *arg,
		   struct error *err)
{
	struct fake_store *s = (struct fake_store *)base;
	struct fake_stage *st = fake_need(sizeof(*st));

	(void)err;
	st->base.store = base;
	st->fd = -1;
	st->ready = ready;
	st->arg = arg;
	buf_init(&st->bytes, max < SIZE_MAX ? (size_t)max : SIZE_MAX);
	st->next = s->stages;
	st->back = &s->stages;
	if (st->next != NULL)
		st->next->back = &st->next;
	s->stages = st;
	*out = &st->base;
	return 0;
}

bool fake_stage_ready(const struct store_stage *base)
{
	const struct fake_stage *st = (const struct fake_stage *)base;
	size_t window = ((const struct fake_store *)base->store)->options.stage_window;

	return window == 0 || st->unread < window;
}

int fake_stage_write(struct store_stage *base, struct span in)
{
	struct fake_stage *st = stage_of(base);

	if (!fake_stage_ready(base))
		return -EAGAIN;
	buf_put(&st->bytes, in);
	if (st->bytes.failed) {
		st->failed = true;
		return -EFBIG;
	}
	st->unread += in.n;
	if (!fake_stage_ready(base))
		fake_wake((struct fake_store *)base->store);
	return 0;
}

uint64_t fake_stage_size(const struct store_stage *base)
{
	return ((const struct fake_stage *)base)->bytes.n;
}

void fake_stage_free(struct store_stage *base)
{
	struct fake_stage *st = stage_of(base);

	for (struct fake_op *op = ((struct fake_store *)base->store)->first; op != NULL; op = op->next)
		if (op->call == FAKE_SEAL && op->stage == st)
			op->stage = NULL;
	*st->back = st->next;
	if (st->next != NULL)
		st->next->back = st->back;
	if (st->fd >= 0)
		close(st->fd);
	buf_clear(&st->bytes);
	free(st);
}

bool fake_stage_step(struct fake_store *s)
{
	for (struct fake_stage *st = s->stages; st != NULL; st = st->next) {
		if (fake_stage_ready(&st->base))
			continue;
		st->unread = 0;
		if (st->ready != NULL)
			st->ready(st->arg);
		return true;
	}
	return false;
}

int fake_stage_file(struct store *s, struct store_stage **out, uint64_t max, int *fd, struct error *err)
{
	int code = fake_stage_new(s, out, max, NULL, NULL, err), writer;

	if (code < 0)
		return code;
	writer = memfd_create("stage", MFD_CLOEXEC);
	stage_of(*out)->fd = writer >= 0 ? dup(writer) : -1;
	if (stage_of(*out)->fd >= 0) {
		*fd = writer;
		return 0;
	}
	code = error_system(err, errno, "no memory file for a stage");
	if (writer >= 0)
		close(writer);
	fake_stage_free(*out);
	*out = NULL;
	return code;
}

uint64_t fake_stage_seal(struct store_stage *base, uint64_t size, store_done done, void *arg)
{
	struct fake_op *op = fake_op_new(FAKE_SEAL, NULL, arg);

	op->done.plain = done;
	op->stage = stage_of(base);
	op->size = size;
	return fake_op_add((struct fake_store *)base->store, op);
}

/* Reads what the writer left. */
static enum store_status take_file(struct fake_stage *st, uint64_t size)
{
	struct stat file;
	uint8_t *room;

	if (st->fd < 0 || fstat(st->fd, &file) < 0 || (uint64_t)file.st_size != size)
		return STORE_INVALID;
	if (size > st->bytes.max)
		return STORE_LIMIT;
	if (size > 0) {
		room = buf_room(&st->bytes, (size_t)size);
		if (room == NULL || pread(st->fd, room, (size_t)size, 0) != (ssize_t)size)
			return STORE_TRY_LATER;
		st->bytes.n = (size_t)size;
	}
	close(st->fd);
	st->fd = -1;
	return STORE_OK;
}

void fake_run_seal(struct fake_store *s, struct fake_op *op)
{
	enum store_status status = op->stage != NULL ? take_file(op->stage, op->size) : STORE_INVALID;

	(void)s;
	if (op->done.plain != NULL)
		op->done.plain(op->arg, status,
			       status == STORE_OK ? "" : "the staged file is not what was announced");
}
