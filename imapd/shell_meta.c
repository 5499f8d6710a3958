/*
 * shell_meta.c - a message's metadata out of the account's derived file, without waiting for the disk on the loop.
 *
 * Entries of neighbours lie behind each other: whoever asks for them in order is read ahead, into a window that is
 * given back when the command is over. An entry that is asked for by itself is read by itself.
 */
#include "imapd/shell.h"

#include <stdlib.h>
#include <unistd.h>

#include "storage/meta.h"

enum {
	WINDOW = 64 * 1024,	/* bytes that are read ahead */
	NEAR = 16 * 1024	/* bytes between two entries that count as neighbours */
};

struct shell_window {
	uint64_t at;		/* the place of bytes[0] in the file */
	size_t n;
	uint8_t bytes[];	/* a window's worth, or one larger entry */
};

void shell_meta_rest(struct shell *s)
{
	if (s->meta_reading != NULL)
		return;
	free(s->window);
	s->window = NULL;
	s->meta_next = 0;
}

void shell_meta_cancel(struct shell *s)
{
	body_read_cancel(s->meta_reading);
	s->meta_reading = NULL;
}

void shell_meta_close(struct shell *s)
{
	shell_meta_cancel(s);
	shell_meta_rest(s);
	if (s->meta >= 0)
		close(s->meta);
	s->meta = -1;
}

static size_t entry_n(const struct shell *s)
{
	return STORE_META_HEADER + (size_t)s->record.meta_length;
}

/* The entry's bytes are in the window. */
static bool in_window(const struct shell *s)
{
	const struct shell_window *w = s->window;

	return w != NULL && s->record.meta_offset >= w->at && s->record.meta_offset - w->at <= w->n &&
	       entry_n(s) <= w->n - (size_t)(s->record.meta_offset - w->at);
}

static bool give_meta(struct shell *s)
{
	const struct shell_window *w = s->window;
	struct imap_result result = { .status = STORE_OK };
	struct span entry;

	if (!in_window(s))
		return false;
	entry = (struct span){ w->bytes + (s->record.meta_offset - w->at), entry_n(s) };
	if (!store_meta_entry(entry, &s->record, &result.bytes))
		return false;
	s->meta_next = s->record.meta_offset + entry.n;
	s->meta_fresh = false;
	shell_answer(s, &result);
	return true;
}

static void meta_opened(void *arg, enum store_status status, int fd, uint64_t size);

/* An entry that can't be read may lie in a newer file than the one that is open: that one
 * is asked for once. */
static void open_again(struct shell *s)
{
	if (s->meta >= 0 && s->meta_fresh) {
		shell_answer_status(s, STORE_NOT_FOUND);
		return;
	}
	shell_meta_close(s);
	s->meta_fresh = true;
	shell_asked(s, store_meta_file(s->account, meta_opened, s));
}

static void fill_window(struct shell *s, struct span bytes)
{
	if (bytes.p != s->window->bytes && bytes.n > 0)
		memcpy(s->window->bytes, bytes.p, bytes.n);
	s->window->at = s->record.meta_offset;
	s->window->n = bytes.n;
	if (!give_meta(s))
		open_again(s);
}

static void meta_read(void *arg, int r, struct span bytes)
{
	struct shell *s = arg;

	s->meta_reading = NULL;
	fill_window(s, r == 0 ? bytes : (struct span){ NULL, 0 });
	conn_wake(s->conn);
}

/* How much is to be read from the entry on. */
static size_t wanted(const struct shell *s)
{
	uint64_t at = s->record.meta_offset;
	bool neighbour = s->meta_next > 0 && at >= s->meta_next && at - s->meta_next < NEAR;

	return neighbour && entry_n(s) < WINDOW ? WINDOW : entry_n(s);
}

static void read_meta(struct shell *s)
{
	size_t want = wanted(s), room = want > WINDOW ? want : WINDOW;
	ssize_t n;

	if (s->window == NULL || want > WINDOW) {
		free(s->window);
		s->window = malloc(sizeof(*s->window) + room);
	}
	if (s->window == NULL) {
		shell_answer_status(s, STORE_TRY_LATER);
		return;
	}
	s->window->n = 0;
	n = body_read_now(s->meta, s->record.meta_offset, s->window->bytes, want);
	if (n >= 0 && (size_t)n >= entry_n(s)) {
		fill_window(s, (struct span){ s->window->bytes, (size_t)n });
		return;
	}
	s->meta_reading = body_read_later(worker_loop(s->service->worker), s->meta, s->record.meta_offset, want, meta_read, s);
	if (s->meta_reading == NULL)
		shell_answer_status(s, STORE_TRY_LATER);
}

static void meta_opened(void *arg, enum store_status status, int fd, uint64_t size)
{
	struct shell *s = arg;

	(void)size;
	s->store_op = 0;
	s->meta = fd;
	if (status != STORE_OK)
		shell_answer_status(s, STORE_NOT_FOUND);
	else
		read_meta(s);
	conn_wake(s->conn);
}

void shell_meta(struct shell *s, const struct imap_action *a)
{
	s->record = *a->record;
	if (s->record.meta_length > STORE_META_MAX || s->record.meta_offset > INT64_MAX / 2)
		shell_answer_status(s, STORE_NOT_FOUND);
	else if (s->meta < 0)
		open_again(s);
	else if (!give_meta(s))
		read_meta(s);
}
