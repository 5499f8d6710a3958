/* check_small.c - the text files of a mailbox against the index; the contract is in check_inside.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "storage/local/check_inside.h"
#include "storage/local/files.h"
#include "storage/local/statefile.h"
#include "storage/local/walk.h"

/* --- writing ----------------------------------------------------------------- */

int check_write_state(struct check *c, struct mailbox *m)
{
	struct head *h = &m->head;
	char path[NAMES_MAILBOX_MAX];
	int r;

	if (h->uid_floor < h->uidnext + LOCAL_UID_BLOCK / 2)
		h->uid_floor = h->uidnext + LOCAL_UID_BLOCK;
	if (h->modseq_floor < h->modseq + LOCAL_MODSEQ_BLOCK / 2)
		h->modseq_floor = h->modseq + LOCAL_MODSEQ_BLOCK;
	names_mailbox(path, m->account->folder, m->id);
	buf_reset(&c->text);
	statefile_mailbox(&c->text, h, m->name);
	r = c->text.failed ? -ENOMEM : files_replace(c->o->store.mail_fd, path, "state", buf_span(&c->text));
	if (r == 0)
		r = kv_begin(c->s->kv);
	if (r < 0)
		return r;
	r = mailbox_put(m);
	if (r == 0)
		return kv_commit(c->s->kv);
	kv_abort(c->s->kv);
	return r;
}

int check_write_flags(struct check *c, struct mailbox *m)
{
	char path[NAMES_MAILBOX_MAX];
	struct flags_writer w;
	struct message message;
	struct walk walk;
	int r;

	buf_reset(&c->text);
	statefile_flags_begin(&w, &c->text, m->keywords, m->keyword_count);
	walk_open(&walk, m, walk_all(), 1);
	while ((r = walk_next(&walk, &message)) > 0)
		statefile_flags_add(&w, message.r.uid, message.r.flags, message.r.keywords);
	walk_close(&walk);
	statefile_flags_end(&w);
	names_mailbox(path, m->account->folder, m->id);
	if (r == 0)
		r = c->text.failed ? -ENOMEM
				   : files_replace(c->o->store.mail_fd, path, "flags", buf_span(&c->text));
	return r;
}

/* --- reading ----------------------------------------------------------------- */

/* What makes a rebuild untrue; what only lags, and is written when the mailbox is quiet, does not. */
static bool state_is_old(const struct head *file, struct span name, const struct mailbox *m)
{
	return file->uidvalidity != m->head.uidvalidity || file->uid_floor < m->head.uidnext ||
	       file->modseq_floor < m->head.modseq || !span_equal(name, m->name);
}

static int look_at_state(struct check *c, const char *path, const char *where, struct mailbox *m)
{
	struct head file = { 0 };
	struct buf name;
	int r;

	buf_reset(&c->text);
	buf_init(&name, STORE_NAME_MAX);
	r = files_read(c->o->store.mail_fd, path, "state", &c->text);
	if (r == -ENOMEM || r == -EMFILE)
		return r;
	if (r < 0 || !statefile_mailbox_parse(buf_span(&c->text), &file, &name)) {
		/* A mailbox that is being removed has none. */
		if (!(r == -ENOENT && c->o->mode == CHECK_LIVE) &&
		    check_tell(c, CHECK_STATE_UNREADABLE, where, "%s", r < 0 ? strerror(-r) : "") && m != NULL)
			check_mended(c, check_write_state(c, m));
	} else if (m != NULL && state_is_old(&file, buf_span(&name), m)) {
		if (check_tell(c, CHECK_STATE_OLD, where, "uid floor %u, index at %u", file.uid_floor,
			       m->head.uidnext))
			check_mended(c, check_write_state(c, m));
	}
	buf_clear(&name);
	return 0;
}

static int look_at_flags(struct check *c, const char *path, const char *where, struct mailbox *m)
{
	struct flags_reader flags;
	int r;

	buf_reset(&c->text);
	r = files_read(c->o->store.mail_fd, path, "flags", &c->text);
	if (r == -ENOENT || r == -ENOMEM || r == -EMFILE)
		return r == -ENOENT ? 0 : r;
	if ((r < 0 || !statefile_flags_parse(&flags, buf_span(&c->text))) &&
	    check_tell(c, CHECK_FLAGS_UNREADABLE, where, "%s", r < 0 ? strerror(-r) : "") && m != NULL)
		check_mended(c, check_write_flags(c, m));
	return 0;
}

static int write_notes(struct check *c, const char *path, struct account *a, struct mailbox *m)
{
	int r;

	buf_reset(&c->text);
	r = annotations_write(a, m != NULL ? m->id : 0, &c->text);
	return r < 0 ? r : files_replace(c->o->store.mail_fd, path, "annotations", buf_span(&c->text));
}

int check_notes(struct check *c, const char *path, struct account *a, struct mailbox *m)
{
	char where[CHECK_WHERE_MAX];
	struct span unused;
	int r;

	buf_reset(&c->text);
	r = files_read(c->o->store.mail_fd, path, "annotations", &c->text);
	if (r == -ENOENT || r == -ENOMEM || r == -EMFILE)
		return r == -ENOENT ? 0 : r;
	snprintf(where, sizeof(where), "mail/%s/annotations", path);
	if ((r < 0 || !statefile_notes_parse(buf_span(&c->text), &unused)) &&
	    check_tell(c, CHECK_NOTES_UNREADABLE, where, "%s", r < 0 ? strerror(-r) : "") && a != NULL)
		check_mended(c, write_notes(c, path, a, m));
	return 0;
}

int check_small_files(struct check *c, const char *path, struct mailbox *m)
{
	char where[CHECK_WHERE_MAX];
	int r;

	snprintf(where, sizeof(where), "mail/%s/state", path);
	r = look_at_state(c, path, where, m);
	snprintf(where, sizeof(where), "mail/%s/flags", path);
	if (r == 0)
		r = look_at_flags(c, path, where, m);
	return r == 0 ? check_notes(c, path, m != NULL ? m->account : NULL, m) : r;
}
