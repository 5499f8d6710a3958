/* store_export.c - store export ACCOUNT PATH [--format F] [--mailbox NAME] */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "admin/store_export_parts.h"
#include "admin/store_line.h"
#include "admin/store_parts.h"
#include "formats/maildir.h"

enum { NAMES_MAX = 64 << 20 };

enum { MAILDIR, MBOX };

/* --- what the person sees ---------------------------------------------------------- */

void export_tell(struct export *e, const char *mailbox)
{
	struct store_progress_at at = { .what = mailbox,
					.messages = e->done + e->there,
					.bytes = e->bytes,
					.part = e->done + e->there,
					.whole = e->whole };

	store_progress_tell(&e->progress, &at);
}

static void say_end(const struct export *e)
{
	store_progress_sum(&e->progress, "exported", e->done, e->bytes);
	store_progress_count(e->there, "were there already");
	store_progress_count(e->bad, "skipped: see above");
	store_progress_count(e->stray, "files of an earlier export are not in the mailbox any more; they stay");
	store_progress_count(e->words_lost, "keywords left out: a Maildir has letters for the first 26 of a mailbox");
}

void export_bad(struct export *e, const struct export_box *b, const struct store_record *r, const struct error *why)
{
	fprintf(stderr, "yubin: skipped: %s: the message with UID %u: %s\n", b->name, r->uid, why->words);
	e->bad++;
}

/* --- a mailbox and all that is in it ---------------------------------------------------- */

static int on_page(void *arg, const struct store_page *page)
{
	struct export_box *b = arg;
	struct store_record *records = reallocarray(b->records, b->count + page->record_count + 1, sizeof(*records));

	if (records == NULL)
		return -ENOMEM;
	b->records = records;
	memcpy(records + b->count, page->records, page->record_count * sizeof(*records));
	b->count += page->record_count;
	b->m = page->mailbox;
	buf_reset(&b->words);
	b->keyword_count = page->keyword_count;
	for (size_t i = 0; i < page->keyword_count; i++) {
		b->keywords[i] = (struct span){ b->words.p + b->words.n, page->keywords[i].n };
		buf_put(&b->words, page->keywords[i]);
	}
	return b->words.failed ? -ENOMEM : 0;
}

static int one_mailbox(struct export *e, const struct store_line *l, const char *name, struct error *err)
{
	struct export_box b = { .name = (char *)name };
	int rc;

	buf_init(&b.words, STORE_KEYWORDS * STORE_KEYWORD_MAX);
	rc = buf_room(&b.words, STORE_KEYWORDS * STORE_KEYWORD_MAX) != NULL ? 0 : -ENOMEM; /* it must not move */
	if (rc == 0)
		rc = store_client_find(e->client, span_of(name), &b.m, err);
	if (rc == 0)
		rc = store_client_records(e->client, b.m.id, on_page, &b, err);
	if (rc == -ENOMEM)
		error_set(err, rc, "no memory for a list of messages");
	if (rc == 0)
		rc = l->format == MBOX ? export_mbox(e, &b, err) : export_maildir(e, &b, err);
	free(b.records);
	buf_clear(&b.words);
	return rc == -ENOENT ? 0 : rc; /* deleted meanwhile */
}

/* --- all of them -------------------------------------------------------------------------- */

struct names {
	struct buf text; /* one behind the other, each with a NUL */
	struct buf subscribed;
	const char *only;
	uint64_t messages;
};

static int on_mailbox(void *arg, const struct store_mailbox *m)
{
	struct names *n = arg;

	if (m->subscribed)
		maildir_subscribed_write(&n->subscribed, m->name);
	if (m->id == 0 || (n->only != NULL && !span_is(m->name, n->only)))
		return 0;
	n->messages += m->exists;
	buf_put(&n->text, m->name);
	buf_put_byte(&n->text, '\0');
	return n->text.failed ? -ENOMEM : 0;
}

static int all_mailboxes(struct export *e, const struct store_line *l, struct names *n, struct error *err)
{
	int rc = store_client_list(e->client, on_mailbox, n, err);

	if (rc == -ENOMEM)
		error_set(err, rc, "no memory for a list of mailboxes");
	e->whole = n->messages;
	if (rc == 0 && n->text.n == 0)
		rc = error_set(err, -ENOENT, "there is no mailbox %s", l->mailbox);
	for (size_t at = 0; rc == 0 && at < n->text.n; at += strlen((char *)n->text.p + at) + 1) {
		const char *name = (const char *)n->text.p + at;

		rc = one_mailbox(e, l, name, err);
		if (rc == -EINVAL) {
			fprintf(stderr, "yubin: skipped: %s\n", err->words);
			e->bad++;
			rc = 0;
		} else if (rc != 0) {
			error_context(err, "%s", name);
		}
	}
	if (rc == 0 && l->format == MAILDIR && l->mailbox == NULL)
		rc = export_subscriptions(e, buf_span(&n->subscribed), err);
	return rc;
}

static int export_to(struct export *e, const struct store_line *l)
{
	struct names n = { .only = l->mailbox };
	struct error err;
	int rc;

	buf_init(&n.text, NAMES_MAX);
	buf_init(&n.subscribed, NAMES_MAX);
	store_progress_begin(&e->progress);
	rc = all_mailboxes(e, l, &n, &err);
	if (rc == 0 && syncfs(e->fd) != 0)
		rc = error_system(&err, errno, "can't write %s", l->path);
	store_progress_end(&e->progress);
	say_end(e);
	if (rc != 0 && e->done + e->there > 0)
		error_context(&err, "stopped; run it again to go on");
	buf_clear(&n.text);
	buf_clear(&n.subscribed);
	if (rc != 0)
		return verb_failed(&err);
	return e->bad > 0 ? VERB_FAILED : VERB_DONE;
}

static int export_line(const struct site *s, const struct store_line *l)
{
	char account[ACCOUNTS_ADDRESS_MAX];
	struct export e = { .account = account, .fd = -1 };
	struct error err;
	int rc = store_account(s, l->account, account, &err), code;

	if (rc == 0)
		rc = store_client_open(&e.client, s, account, &err);
	if (rc == 0)
		rc = export_folder(AT_FDCWD, l->path, &e.fd, &err);
	if (rc == 0 && flock(e.fd, LOCK_EX | LOCK_NB) != 0)
		rc = error_set(&err, -EBUSY, "another export writes to %s", l->path);
	code = rc == 0 ? export_to(&e, l) : verb_failed(&err);
	store_client_close(e.client);
	if (e.fd >= 0)
		close(e.fd);
	return code;
}

int store_export_run(const struct site *s, int argc, char **argv)
{
	static const char *const formats[] = { [MAILDIR] = "maildir", [MBOX] = "mbox" };
	static const struct store_line_kind kind = { .needs = "store export needs an account and a folder",
						     .formats = formats,
						     .format_count = sizeof(formats) / sizeof(formats[0]) };
	struct store_line l;
	int code = store_line_read(&l, &kind, argv);

	(void)argc;
	return code == VERB_DONE ? export_line(s, &l) : code;
}
