/* store_check.c - store check, repair, rebuild. */
#include <errno.h>
#include <string.h>

#include "admin/store_parts.h"
#include "admin/store_progress.h"
#include "common/base/log.h"
#include "storage/local/names.h"

struct line { /* of a command, read */
	bool json, dry;
	char **accounts;
	int count;
};

/* Words that begin with "--" are taken out; the accounts stand together in front. -1: go on. */
static int read_line(struct line *l, int argc, char **argv, bool dry)
{
	char folder[NAMES_FOLDER_MAX];

	l->accounts = argv + 2;
	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0)
			l->json = true;
		else if (dry && strcmp(argv[i], "--dry-run") == 0)
			l->dry = true;
		else if (argv[i][0] == '-')
			return verb_usage(argv[0], "store %s knows no %s", argv[1], argv[i]);
		else if (!names_folder(folder, span_of(argv[i])))
			return verb_usage(argv[0], "%s is no account: USER@DOMAIN", argv[i]);
		else
			l->accounts[l->count++] = argv[i];
	}
	return -1;
}

static int run(const struct site *s, const struct line *l, enum check_mode mode, enum store_tone tone)
{
	struct store_told told = { .tone = tone, .json = l->json, .live = mode == CHECK_LIVE };
	struct check_options o = { .mode = mode,
				   .accounts = l->accounts,
				   .account_count = (size_t)l->count,
				   .found = store_told_found,
				   .progress = store_told_progress,
				   .own = store_told_own,
				   .arg = &told };
	struct store_folders folders;
	struct check_counts counts;
	struct error err;
	int r;

	log_set_level(LOG_LEVEL_WARN);
	if (store_open(&folders, s, mode == CHECK_LIVE ? STORE_USE_LOOK : STORE_USE_ALONE, &err) < 0)
		return verb_failed(&err);
	o.store = folders.o;
	told.folders = &folders;
	store_told_begin(&told);
	r = check_run(&o, &counts, &err);
	store_told_end(&told, &counts);
	if (fflush(stdout) != 0)
		return VERB_FAILED;
	if (r < 0)
		return verb_failed(&err);
	if (tone == TONE_REPAIR && told.not_mended > 0)
		return verb_failed((error_set(&err, -EIO, "%llu findings could not be mended; the same command tries again",
					      (unsigned long long)told.not_mended),
				    &err));
	if (tone == TONE_REPAIR)
		return VERB_DONE;
	return counts.damaged > 0 ? VERB_FAILED : VERB_DONE;
}

int store_check_run(const struct site *s, int argc, char **argv)
{
	struct line l = { .count = 0 };
	int code = read_line(&l, argc, argv, false);

	if (code >= 0)
		return code;
	return run(s, &l, site_running(s, NULL) ? CHECK_LIVE : CHECK_LOOK, TONE_CHECK);
}

int store_repair_run(const struct site *s, int argc, char **argv)
{
	struct line l = { .count = 0 };
	int code = read_line(&l, argc, argv, true);

	if (code >= 0)
		return code;
	return l.dry ? run(s, &l, CHECK_LOOK, TONE_DRY) : run(s, &l, CHECK_MEND, TONE_REPAIR);
}

struct rebuilding {
	struct store_progress progress;
	struct store_progress_at at;
};

static void on_rebuilt(void *arg, uint64_t messages)
{
	struct rebuilding *r = arg;

	r->at.messages = messages;
	store_progress_tell(&r->progress, &r->at);
}

int store_rebuild_run(const struct site *s, int argc, char **argv)
{
	struct rebuilding rebuilding = { .at = { .what = "rebuilding" } };
	struct store_folders folders;
	struct error err;
	int r;

	if (argc > 2)
		return verb_usage(argv[0], "store rebuild takes no arguments");
	if (store_open(&folders, s, STORE_USE_ALONE, &err) < 0)
		return verb_failed(&err);
	folders.o.rebuilt = on_rebuilt;
	folders.o.rebuilt_arg = &rebuilding;
	store_progress_begin(&rebuilding.progress);
	r = check_rebuild(&folders.o, &err);
	store_progress_end(&rebuilding.progress);
	if (r < 0)
		return verb_failed(&err);
	puts("The index is made again from the folders.");
	return VERB_DONE;
}
