/* seen_file.c - the contract is in seen_file.h. */
#include "auth/authd/seen_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auth/accounts_file.h"
#include "common/base/log.h"
#include "common/base/write.h"

static const char fresh[] = ".seen.log";	/* not whole yet */

/* One write, with all that it needs. */
struct seen_write {
	uv_work_t work;
	struct seen_file *file;	/* NULL: it is gone */
	int folder;		/* its own */
	bool anew;
	struct buf text;
	int code;
};

struct seen_file {
	uv_loop_t *loop;
	uv_timer_t *timer;
	struct seen *seen;
	struct seen_write *write;	/* under way; NULL: none */
	int folder;
	bool broken;			/* not to be written over */
	size_t size, live;		/* bytes of the file; of what it last held */
};

static void write_free(struct seen_write *w)
{
	if (w->folder >= 0)
		close(w->folder);
	buf_clear(&w->text);
	free(w);
}

static int write_now(const struct seen_write *w)
{
	int how = w->anew ? O_CREAT | O_TRUNC : O_CREAT | O_APPEND, code;
	int fd = openat(w->folder, w->anew ? fresh : SEEN_FILE, how | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	code = write_whole(fd, buf_span(&w->text));
	if (code == 0 && fdatasync(fd) < 0)
		code = -errno;
	if (close(fd) < 0 && code == 0)
		code = -errno;
	if (code == 0 && w->anew && renameat(w->folder, fresh, w->folder, SEEN_FILE) < 0)
		code = -errno;
	return code;
}

/* On a thread of the pool. */
static void run(uv_work_t *work)
{
	struct seen_write *w = work->data;

	w->code = write_now(w);
}

static void written(struct seen_file *f, const struct seen_write *w)
{
	if (w->code < 0)
		log_warn("accounts/" SEEN_FILE " can't be written reason=\"%s\"", strerror(-w->code));
	else if (w->anew)
		f->size = f->live = w->text.n;
	else
		f->size += w->text.n;
}

static void on_written(uv_work_t *work, int status)
{
	struct seen_write *w = work->data;

	(void)status;
	if (w->file != NULL) {
		w->file->write = NULL;
		written(w->file, w);
	}
	write_free(w);
}

/* NULL: there is nothing to write, or no memory. */
static struct seen_write *write_new(struct seen_file *f)
{
	struct seen_write *w = f->broken ? NULL : calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->file = f;
	w->anew = f->size > SEEN_FILE_MIN && f->size / SEEN_FILE_TIMES > f->live;
	w->folder = fcntl(f->folder, F_DUPFD_CLOEXEC, 0);
	buf_init(&w->text, SEEN_FILE_MAX);
	if (w->anew)
		seen_put_all(f->seen, &w->text);
	else
		seen_put_changes(f->seen, &w->text);
	if (w->folder >= 0 && w->text.n > 0 && !w->text.failed)
		return w;
	write_free(w);
	return NULL;
}

static void on_minute(uv_timer_t *timer)
{
	struct seen_file *f = timer->data;

	if (f->write != NULL) {		/* a slow disk */
		seen_file_changed(f);
		return;
	}
	f->write = write_new(f);
	if (f->write == NULL)
		return;
	f->write->work.data = f->write;
	uv_queue_work(f->loop, &f->write->work, run, on_written);	/* fails for no function only */
}

void seen_file_changed(struct seen_file *f)
{
	if (!uv_is_active((uv_handle_t *)f->timer))
		uv_timer_start(f->timer, on_minute, SEEN_FILE_EVERY_MS, 0);
}

static void read_file(struct seen_file *f)
{
	struct buf text;
	int code;

	buf_init(&text, SEEN_FILE_MAX);
	code = accounts_file_read(f->folder, SEEN_FILE, &text);
	if (code == 0)
		code = seen_read(f->seen, buf_span(&text));
	f->size = text.n;
	f->broken = code < 0 && code != -ENOENT;
	if (f->broken)
		log_warn("accounts/" SEEN_FILE " can't be read and is left as it is reason=\"%s\"", strerror(-code));
	buf_clear(&text);
}

static void on_closed(uv_handle_t *handle)
{
	free(handle);
}

int seen_file_new(struct seen_file **out, uv_loop_t *loop, int folder, struct error *err)
{
	struct seen_file *f = calloc(1, sizeof(*f));

	*out = NULL;
	if (f == NULL)
		return error_set(err, -ENOMEM, "no memory for places of logins");
	f->folder = -1;
	f->loop = loop;
	f->timer = calloc(1, sizeof(*f->timer));
	if (f->timer == NULL || seen_new(&f->seen, err) < 0) {
		free(f->timer);
		free(f);
		return error_set(err, -ENOMEM, "no memory for places of logins");
	}
	uv_timer_init(loop, f->timer);
	uv_unref((uv_handle_t *)f->timer);
	f->timer->data = f;
	f->folder = fcntl(folder, F_DUPFD_CLOEXEC, 0);
	read_file(f);
	*out = f;
	return 0;
}

struct seen *seen_file_data(struct seen_file *f)
{
	return f->seen;
}

void seen_file_free(struct seen_file *f)
{
	struct seen_write *w;

	if (f == NULL)
		return;
	if (f->write != NULL)
		f->write->file = NULL;
	w = write_new(f);
	if (w != NULL) {
		w->code = write_now(w);
		written(f, w);
		write_free(w);
	}
	uv_close((uv_handle_t *)f->timer, on_closed);
	seen_free(f->seen);
	if (f->folder >= 0)
		close(f->folder);
	free(f);
}
