/* store_export.c - store export ACCOUNT PATH [--format F] [--mailbox NAME] */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin/store_export_parts.h"
#include "admin/store_parts.h"
#include "common/base/clock.h"
#include "formats/maildir.h"

enum { NAMES_MAX = 64 << 20 };

struct line {
	const char *account, *path, *mailbox;
	bool mbox;
};

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

static void say_count(uint64_t n, const char *words)
{
	if (n > 0)
		printf("%llu %s\n", (unsigned long long)n, words);
}

static void say_end(const struct export *e)
{
	uint64_t ms = clock_mono_ms() - e->progress.begun_ms + 1;

	printf("%llu message%s exported, %llu bytes, %.1f s, %llu messages/s\n", (unsigned long long)e->done,
	       e->done == 1 ? "" : "s", (unsigned long long)e->bytes, (double)ms / 1000,
	       (unsigned long long)(e->done * 1000 / ms));
	say_count(e->there, "were there already");
	say_count(e->stray, "files of an earlier export are not in the mailbox any more; they stay");
	say_count(e->words_lost, "keywords left out: a Maildir has letters for the first 26 of a mailbox");
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

static int one_mailbox(struct export *e, const struct line *l, const char *name, struct error *err)
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
		rc = l->mbox ? export_mbox(e, &b, err) : export_maildir(e, &b, err);
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

/* Counts those that could not be written in *bad. */
static int all_mailboxes(struct export *e, const struct line *l, struct names *n, unsigned *bad, struct error *err)
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
			++*bad;
			rc = 0;
		} else if (rc != 0) {
			error_context(err, "%s", name);
		}
	}
	if (rc == 0 && !l->mbox && l->mailbox == NULL)
		rc = export_subscriptions(e, buf_span(&n->subscribed), err);
	return rc;
}

static int export_to(struct export *e, const struct line *l)
{
	struct names n = { .only = l->mailbox };
	unsigned bad = 0;
	struct error err;
	int rc;

	buf_init(&n.text, NAMES_MAX);
	buf_init(&n.subscribed, NAMES_MAX);
	store_progress_begin(&e->progress);
	rc = all_mailboxes(e, l, &n, &bad, &err);
	store_progress_end(&e->progress);
	say_end(e);
	if (rc != 0 && e->done > 0)
		error_context(&err, "stopped; run it again to go on");
	buf_clear(&n.text);
	buf_clear(&n.subscribed);
	if (rc != 0)
		return verb_failed(&err);
	return bad > 0 ? VERB_FAILED : VERB_DONE;
}

static int export_line(const struct site *s, const struct line *l)
{
	char account[ACCOUNTS_ADDRESS_MAX];
	struct export e = { .account = account, .fd = -1 };
	struct error err;
	int rc = store_account(s, l->account, account, &err), code;

	if (rc == 0)
		rc = store_client_open(&e.client, s, account, &err);
	if (rc == 0)
		rc = export_folder(AT_FDCWD, l->path, &e.fd, &err);
	code = rc == 0 ? export_to(&e, l) : verb_failed(&err);
	store_client_close(e.client);
	if (e.fd >= 0)
		close(e.fd);
	return code;
}

/* --- the command line ------------------------------------------------------------------------ */

int store_export_run(const struct site *s, int argc, char **argv)
{
	struct line l = { .mbox = false };
	char **words = argv + 2;

	(void)argc;
	for (; *words != NULL; words++) {
		if (strcmp(*words, "--format") == 0) {
			words++;
			l.mbox = *words != NULL && strcmp(*words, "mbox") == 0;
			if (*words == NULL || (!l.mbox && strcmp(*words, "maildir") != 0))
				return verb_usage("store", "--format is maildir or mbox");
		} else if (strcmp(*words, "--mailbox") == 0) {
			l.mailbox = *++words;
			if (l.mailbox == NULL || *l.mailbox == '\0')
				return verb_usage("store", "--mailbox needs a name");
		} else if ((*words)[0] == '-') {
			return verb_usage("store", "unknown option %s", *words);
		} else if (l.account == NULL) {
			l.account = *words;
		} else if (l.path == NULL) {
			l.path = *words;
		} else {
			return verb_usage("store", "%s is one word too many", *words);
		}
	}
	if (l.path == NULL)
		return verb_usage("store", "store export needs an account and a folder");
	return export_line(s, &l);
}
