/* store_import.c - store import ACCOUNT PATH [--format F] [--mailbox NAME] [--dry-run] */
#include <errno.h>
#include <string.h>

#include "admin/store_import_names.h"
#include "admin/store_import_parts.h"
#include "admin/store_parts.h"
#include "common/base/clock.h"

struct line {
	const char *account, *path, *mailbox;
	enum source_format format;
	bool dry;
};

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

static void say_count(uint64_t n, const char *words)
{
	if (n > 0)
		printf("%llu %s\n", (unsigned long long)n, words);
}

static void say_end(const struct import *im, bool dry)
{
	uint64_t ms = clock_mono_ms() - im->progress.begun_ms + 1;

	printf("%llu message%s%s, %llu bytes, %.1f s, %llu messages/s\n", (unsigned long long)im->done.messages, im->done.messages == 1 ? "" : "s",
	       dry ? " would be imported" : " imported", (unsigned long long)im->done.bytes, (double)ms / 1000,
	       (unsigned long long)(im->done.messages * 1000 / ms));
	say_count(im->there, "were there already");
	say_count(im->bad, "skipped: see above");
	say_count(im->renumbered, "could not keep their UID: mail was there before them");
	say_count(im->lines, "had lines that end in LF: they end in CRLF now");
	say_count(im->words_lost, "keywords left out: a mailbox takes 64, without spaces, parentheses and quotes");
}

static void say_mapped(const struct source *s, size_t i)
{
	const char *name = import_name(s, i);

	if (strcmp(name, source_box(s, i)->name) != 0)
		printf("%s -> %s\n", source_box(s, i)->name, name);
}

/* --- the work ---------------------------------------------------------------------------- */

static int import_all(struct import *im, const struct line *l, struct error *err)
{
	bool one_file = !source_is_maildir(im->source) && source_count(im->source) == 1;
	size_t taken = 0;

	for (size_t i = 0; i < source_count(im->source); i++) {
		int rc;

		if (l->mailbox != NULL && !one_file && strcmp(source_box(im->source, i)->name, l->mailbox) != 0) {
			source_leave_out(im->source, i);
			continue;
		}
		taken++;
		say_mapped(im->source, i);
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

static int import_line(const struct site *s, const struct line *l)
{
	struct import im = { .client = NULL };
	char account[ACCOUNTS_ADDRESS_MAX];
	struct error err;
	int rc = store_account(s, l->account, account, &err);

	if (rc == 0)
		rc = source_open(&im.source, l->path, l->format, l->mailbox, &err);
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

/* --- the command line ------------------------------------------------------------------------ */

static bool take_format(const char *word, enum source_format *out)
{
	static const char *const names[] = {
		[SOURCE_AUTO] = "auto", [SOURCE_MAILDIR] = "maildir", [SOURCE_MBOX] = "mbox", [SOURCE_MBOXO] = "mboxo"
	};

	for (size_t i = 0; word != NULL && i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], word) == 0) {
			*out = (enum source_format)i;
			return true;
		}
	return false;
}

int store_import_run(const struct site *s, int argc, char **argv)
{
	struct line l = { .format = SOURCE_AUTO };
	char **words = argv + 2;

	(void)argc;
	for (; *words != NULL; words++) {
		if (strcmp(*words, "--dry-run") == 0) {
			l.dry = true;
		} else if (strcmp(*words, "--format") == 0) {
			if (!take_format(*++words, &l.format))
				return verb_usage("store", "--format is auto, maildir, mbox or mboxo");
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
		return verb_usage("store", "store import needs an account and a path");
	return import_line(s, &l);
}
