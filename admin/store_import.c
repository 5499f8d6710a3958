/* store_import.c - store import ACCOUNT PATH [--format F] [--mailbox NAME] [--dry-run] */
#include <errno.h>
#include <string.h>

#include "admin/store_import_names.h"
#include "admin/store_import_parts.h"
#include "admin/store_line.h"
#include "admin/store_parts.h"

/* --- what the person sees ------------------------------------------------------------ */

void import_tell(struct import *im, const char *mailbox)
{
	struct store_progress_at at = { .what = mailbox,
					.messages = im->done.messages + im->there,
					.bytes = im->done.bytes,
					.part = source_part(im->source),
					.whole = source_whole(im->source) };

	store_progress_tell(&im->progress, &at);
}

static void say_end(const struct import *im, bool dry)
{
	store_progress_sum(&im->progress, dry ? "would be imported" : "imported", im->done.messages, im->done.bytes);
	store_progress_count(im->there, "were there already");
	store_progress_count(im->bad, "skipped: see above");
	store_progress_count(im->renumbered, "could not keep their UID: mail was there before them");
	store_progress_count(im->lines, "had lines that end in LF: they end in CRLF now");
	store_progress_count(im->words_lost, "keywords left out: a mailbox takes 64, without spaces, parentheses and quotes");
}

static void say_mapped(const struct source *s, size_t i)
{
	const char *name = import_name(s, i);

	if (strcmp(name, source_box(s, i)->name) != 0)
		printf("%s -> %s\n", source_box(s, i)->name, name);
}

/* Those of one name stand together. */
static void say_joined(const struct source *s, size_t i)
{
	if (i > 0 && strcmp(source_box(s, i)->name, source_box(s, i - 1)->name) == 0)
		printf("%s and %s are put together: %s\n", source_path(s, i - 1), source_path(s, i), import_name(s, i));
}

/* --- the work ---------------------------------------------------------------------------- */

static int import_all(struct import *im, const struct store_line *l, struct error *err)
{
	bool one_file = !source_is_maildir(im->source) && source_count(im->source) == 1;
	size_t taken = 0;

	im->bad = source_skipped(im->source);
	for (size_t i = 0; i < source_count(im->source); i++) {
		int rc;

		if (l->mailbox != NULL && !one_file && strcmp(source_box(im->source, i)->name, l->mailbox) != 0) {
			source_leave_out(im->source, i);
			continue;
		}
		taken++;
		say_mapped(im->source, i);
		say_joined(im->source, i);
		rc = import_box(im, i, err);
		if (rc == -EINVAL) { /* a name that we can't have, a folder that can't be read: the others can */
			fprintf(stderr, "yubin: skipped: %s: %s\n", source_box(im->source, i)->name, err->words);
			im->bad++;
		} else if (rc < 0) {
			return rc;
		}
	}
	return taken > 0 ? 0 : error_set(err, -ENOENT, "%s has no mailbox %s", l->path, l->mailbox);
}

static int import_line(const struct site *s, const struct store_line *l)
{
	struct import im = { .client = NULL };
	char account[ACCOUNTS_ADDRESS_MAX];
	struct error err;
	int rc = store_account(s, l->account, account, &err);

	if (rc == 0)
		rc = source_open(&im.source, l->path, (enum source_format)l->format, l->mailbox, &err);
	if (rc == 0 && !l->dry)
		rc = store_client_open(&im.client, s, account, &err);
	if (rc == 0) {
		store_progress_begin(&im.progress);
		rc = import_all(&im, l, &err);
		store_progress_end(&im.progress);
		say_end(&im, l->dry);
		if (rc < 0 && im.done.messages > 0)
			error_context(&err, "stopped; what is in stays, run it again to go on");
	}
	store_client_close(im.client);
	source_free(im.source);
	if (rc < 0)
		return verb_failed(&err);
	return im.bad > 0 ? VERB_FAILED : VERB_DONE;
}

int store_import_run(const struct site *s, int argc, char **argv)
{
	static const char *const formats[] = {
		[SOURCE_AUTO] = "auto", [SOURCE_MAILDIR] = "maildir", [SOURCE_MBOX] = "mbox", [SOURCE_MBOXO] = "mboxo"
	};
	static const struct store_line_kind kind = { .needs = "store import needs an account and a path",
						     .formats = formats,
						     .format_count = sizeof(formats) / sizeof(formats[0]),
						     .may_dry = true };
	struct store_line l;
	struct buf name;
	int code = store_line_read(&l, &kind, argv);

	(void)argc;
	if (code != VERB_DONE)
		return code;
	buf_init(&name, 4 * STORE_NAME_MAX);
	if (l.mailbox != NULL && source_name(span_of(l.mailbox), &name)) {
		buf_put_byte(&name, '\0');
		l.mailbox = name.failed ? l.mailbox : (const char *)name.p;
	}
	code = import_line(s, &l);
	buf_clear(&name);
	return code;
}
