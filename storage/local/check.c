/* check.c - the contract is in check.h. */
#include "storage/local/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "storage/local/check_inside.h"
#include "storage/local/statefile.h"

enum { STEP = 256 /* messages between two looks at the clock */ };

/* --- what was found ------------------------------------------------------------ */

static void tell(struct check *c)
{
	if (c->o->found != NULL)
		c->o->found(c->o->arg, &c->last);
}

bool check_tell(struct check *c, enum check_kind kind, const char *where, const char *format, ...)
{
	va_list args;

	if (check_rows[kind].note)
		c->counts.notes++;
	else
		c->counts.damaged++;
	snprintf(c->where, sizeof(c->where), "%s", where);
	va_start(args, format);
	vsnprintf(c->words, sizeof(c->words), format, args);
	va_end(args);
	c->last = (struct check_found){ .kind = kind, .where = c->where, .words = c->words };
	if (c->o->mode == CHECK_MEND && kind != CHECK_UNREADABLE)
		return true;
	tell(c);
	return false;
}

void check_mended(struct check *c, int result)
{
	c->last.mended = result >= 0;
	c->last.error = result < 0 ? result : 0;
	c->counts.mended += result >= 0;
	tell(c);
}

bool check_wanted(const struct check *c, struct span account)
{
	for (size_t i = 0; i < c->o->account_count; i++)
		if (span_is(account, c->o->accounts[i]))
			return true;
	return c->o->account_count == 0;
}

void check_step(struct check *c)
{
	c->counts.messages++;
	if (c->counts.messages % STEP == 0 && c->o->progress != NULL)
		c->o->progress(c->o->arg, &c->counts);
}

/* --- the store as a start does it ------------------------------------------------ */

static void on_closed(void *arg)
{
	*(bool *)arg = true;
}

/* Opens and closes the store: a lost index is made again, what a crash has left is seen to. */
static int start_and_stop(const struct local_options *o, struct error *err)
{
	struct store *store;
	bool closed = false;
	uv_loop_t loop;
	int r;

	if (uv_loop_init(&loop) != 0)
		return error_set(err, -ENOMEM, "no memory for the store");
	r = local_new(&store, &loop, o, err);
	if (r == 0) {
		local_close(store, on_closed, &closed);
		while (!closed && uv_run(&loop, UV_RUN_ONCE) != 0)
			;
		local_free(store);
		if (!closed)
			r = error_set(err, -EIO, "the store could not be closed");
	}
	uv_run(&loop, UV_RUN_DEFAULT);
	uv_loop_close(&loop);
	return r;
}

static int enter(const struct local_options *o, struct error *err)
{
	return fchdir(o->db_fd) == 0 ? 0 : error_system(err, errno, "the folder db can't be entered");
}

int check_has_index(const struct local_options *o, struct error *err)
{
	int r = enter(o, err);

	return r == 0 ? kv_is_there() : r;
}

int check_rebuild(const struct local_options *o, struct error *err)
{
	int r = enter(o, err);

	if (r == 0)
		r = kv_wipe(err);
	return r == 0 ? start_and_stop(o, err) : r;
}

/* --- the store, nothing swept ---------------------------------------------------- */

/* Messages that a crash has left to be written are no damage. */
static int play_bare(struct local *s, struct error *err)
{
	s->tmp_fd = openat(s->o.mail_fd, "tmp", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return s->tmp_fd < 0 ? 0 : redo_play(s, err);
}

static int open_bare(struct check *c, struct error *err)
{
	struct local *s = calloc(1, sizeof(*s));
	struct span value;
	struct key k;
	int r = s != NULL ? 0 : error_set(err, -ENOMEM, "no memory for the store");

	if (r < 0)
		return r;
	s->o = c->o->store;
	s->tmp_fd = s->proc_fd = -1;
	buf_init(&s->value, STATEFILE_MAX);
	r = table_new(&s->accounts, err);
	if (r == 0)
		r = kv_open(&s->kv, s->o.index_cache, err);
	c->s = s;
	key_kind(&k, KEY_COMPLETE);
	if (r == 0 && (kv_get(s->kv, key_span(&k), &value) < 0 || !complete_decode(value, &s->next_account)))
		r = error_set(err, -EBADMSG, "it is not complete, or of another version");
	return r == 0 ? play_bare(s, err) : r;
}

static void close_bare(struct check *c)
{
	if (c->s != NULL)
		local_free(&c->s->base);
	c->s = NULL;
}

/* Is it whole, and of today's format? 0, -EBADMSG with words, or another error. */
static int look_at_index(struct check *c, struct error *err)
{
	int r = open_bare(c, err); /* recovers */

	close_bare(c);
	return r == 0 ? kv_verify(err) : r;
}

/* Then there is nothing to compare with: the folders are all that is known. */
static int index_lost(struct check *c, struct error *err)
{
	struct error why = *err;
	int r;

	if (!check_tell(c, CHECK_INDEX_DAMAGED, "db", "%s", why.words))
		return 0;
	r = check_rebuild(&c->o->store, err);
	check_mended(c, r);
	return r;
}

static int compare(struct check *c, struct error *err)
{
	int r = open_bare(c, err);

	if (r < 0)
		return r;
	r = check_index(c);
	if (r == 0)
		r = check_accounts(c);
	if (r == 0 && c->o->account_count == 0)
		r = check_queue(c);
	if (r == 0 && c->o->mode == CHECK_MEND)
		r = kv_flush(c->s->kv);
	close_bare(c);
	return r < 0 ? error_system(err, -r, "the store could not be looked through to its end") : 0;
}

static bool queue_is_empty(const struct check *c)
{
	DIR *d = check_opendir(c->o->store.queue_fd, ".");
	const struct dirent *e;

	do
		e = d != NULL ? readdir(d) : NULL;
	while (e != NULL && (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0));
	if (d != NULL)
		closedir(d);
	return d != NULL && e == NULL;
}

static int with_index(struct check *c, struct error *err)
{
	int r = check_has_index(&c->o->store, err);

	if (r == 0 && !c->has_mail && queue_is_empty(c))
		return 0;	/* the server was never started: nothing is lost */
	if (r >= 0)
		r = look_at_index(c, err);
	if (r == -EBADMSG) {
		r = index_lost(c, err);
		if (r < 0 || c->o->mode != CHECK_MEND)
			return r;
	}
	return r == 0 ? compare(c, err) : r;
}

int check_run(const struct check_options *o, struct check_counts *out, struct error *err)
{
	struct check c = { .o = o };
	struct stat st;
	int r;

	if (fstat(o->store.mail_fd, &st) < 0)
		return error_system(err, errno, "the folder mail can't be looked at");
	c.uid = st.st_uid;
	buf_init(&c.text, STATEFILE_MAX);
	r = table_new(&c.known, err);
	if (r == 0) {
		r = check_folders(&c);
		if (r < 0)
			error_system(err, -r, "the folders could not be looked through");
	}
	if (r == 0 && o->mode != CHECK_LIVE) {
		c.counts.messages = 0; /* counted again, by their mailboxes */
		r = with_index(&c, err);
	} else if (r == 0 && o->account_count == 0) {
		r = check_queue(&c);
	}
	if (r == 0 && o->mode == CHECK_MEND && c.counts.damaged + c.counts.notes > 0)
		r = start_and_stop(&o->store, err);
	table_free(c.known);
	buf_clear(&c.text);
	*out = c.counts;
	return r;
}
