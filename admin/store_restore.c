/* store_restore.c - store restore BACKUP: verified first, never over a running server. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "admin/store_restore.h"
#include "admin/store_verify.h"
#include "common/base/escape.h"

static void on_damage(void *arg, const struct verify_found *f)
{
	char where[4 * MANIFEST_PATH_MAX];

	(void)arg;
	fprintf(stderr, "yubin: damage %s %s%s%s\n", verify_rows[f->kind].word,
		escape_text(where, sizeof(where), span_of(f->where)), f->words[0] != '\0' ? ": " : "", f->words);
}

static int verify(const struct restore *r, struct verified *v, struct error *err)
{
	const struct verify_options o = { .folder = r->from, .found = on_damage };
	int code = verify_needed(&o, v, err);

	if (code == 0 && v->damaged > 0)
		code = error_set(err, -EBADMSG, "the backup is damaged in %" PRIu64 " places; nothing was restored", v->damaged);
	return code;
}

/* How much there is to do. */
static int measure(struct restore *r, struct error *err)
{
	struct manifest_reader reader;
	int code = manifest_open(&reader, r->from, err);

	if (code < 0)
		return code;
	r->at = (struct store_progress_at){ .what = "restoring", .unit = "files" };
	if (r->account == NULL)
		r->at.whole = reader.bytes + reader.files;
	memcpy(r->sum, reader.sum, sizeof(r->sum));
	manifest_close(&reader);
	return 0;
}

static int restore(struct restore *r, const struct site *s, struct error *err)
{
	struct error why;
	int code = measure(r, err);

	if (code < 0)
		return code;
	if (site_running(s, NULL))
		return error_set(err, -EBUSY, "the server runs; stop it first: yubin stop");
	store_progress_begin(&r->progress);
	code = r->account != NULL ? restore_account(r, s, err) : restore_whole(r, s, err);
	store_progress_end(&r->progress);
	if (code < 0 && r->at.messages > 0) {
		why = *err;
		error_set(err, code, "%s; what was copied stays, and the same command again goes on with it", why.words);
	}
	return code;
}

static int run(struct restore *r, const struct site *s, bool dry)
{
	struct verified v;
	struct error err;
	int code = 0;

	if (!dry && site_running(s, NULL))
		code = error_set(&err, -EBUSY, "the server runs; stop it first: yubin stop");
	if (code == 0)
		code = verify(r, &v, &err);
	if (code == 0 && !dry)
		code = restore(r, s, &err);
	if (code < 0)
		return verb_failed(&err);
	printf("%s: %" PRIu64 " files, %" PRIu64 " bytes, all of them what was saved%s\n", r->path, v.files, v.bytes,
	       dry ? "." : "; restored.");
	if (!dry && r->account == NULL)
		puts("What was there before has .before behind its names. yubin start makes the index.");
	return VERB_DONE;
}

int store_restore_run(const struct site *s, int argc, char **argv)
{
	struct restore r = { .from = -1 };
	const char *to = NULL;
	struct site other;
	struct error err;
	bool dry = false;

	for (int i = 2; i < argc; i++) {
		const char **value = strcmp(argv[i], "--account") == 0   ? &r.account
				     : strcmp(argv[i], "--mailbox") == 0 ? &r.mailbox
				     : strcmp(argv[i], "--to") == 0      ? &to
									 : NULL;

		if (strcmp(argv[i], "--dry-run") == 0)
			dry = true;
		else if (value != NULL && i + 1 < argc)
			*value = argv[++i];
		else if (argv[i][0] != '-' && r.path == NULL)
			r.path = argv[i];
		else
			return verb_usage(argv[0], "store restore does not take %s", argv[i]);
	}
	if (r.path == NULL || (r.mailbox != NULL && r.account == NULL))
		return verb_usage(argv[0], "store restore needs a backup, and --mailbox an --account");
	if (to != NULL && site_open(&other, to, &err) != 0)
		return verb_failed(&err);
	r.from = open(r.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r.from < 0)
		return verb_failed((error_system(&err, errno, "can't open %s", r.path), &err));
	return run(&r, to != NULL ? &other : s, dry);
}
