/* store_verb.c - yubin store: which of its words. */
#include <string.h>

#include "admin/store_parts.h"
#include "admin/verbs.h"

enum needs { NEEDS_SITE, NEEDS_NOTHING };

static const struct {
	const char *word;
	enum needs needs; /* a restore makes the site, on a new machine */
	verb_run run;
} words[] = {
	{ "check", NEEDS_SITE, store_check_run },
	{ "repair", NEEDS_SITE, store_repair_run },
	{ "rebuild", NEEDS_SITE, store_rebuild_run },
	{ "backup", NEEDS_SITE, store_backup_run },
	{ "verify", NEEDS_NOTHING, store_verify_run },
	{ "restore", NEEDS_NOTHING, store_restore_run },
	{ "import", NEEDS_SITE, store_import_run },
	{ "export", NEEDS_SITE, store_export_run },
};

static int run_word(size_t i, const struct site *s, int argc, char **argv)
{
	struct error err;

	if (words[i].needs == NEEDS_SITE && site_must_exist(s, &err) != 0)
		return verb_failed(&err);
	return words[i].run(s, argc, argv);
}

int store_run(const struct site *s, int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(argv[1], words[i].word) == 0)
			return run_word(i, s, argc, argv);
	return verb_usage(argv[0], "what about the store? check, repair, rebuild, backup, verify, restore, import, export");
}
