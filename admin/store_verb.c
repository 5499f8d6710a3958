/* store_verb.c - yubin store: which of its words. */
#include <string.h>

#include "admin/store_parts.h"
#include "admin/verbs.h"

static const struct {
	const char *word;
	verb_run run;
} words[] = {
	{ "check", store_check_run },
	{ "repair", store_repair_run },
	{ "rebuild", store_rebuild_run },
	{ "backup", store_backup_run },
	{ "restore", store_restore_run },
	{ "import", store_import_run },
	{ "export", store_export_run },
};

int store_run(const struct site *s, int argc, char **argv)
{
	struct error err;

	if (site_must_exist(s, &err) != 0)
		return verb_failed(&err);
	for (size_t i = 0; argc > 1 && i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(argv[1], words[i].word) == 0)
			return words[i].run(s, argc, argv);
	return verb_usage(argv[0], "what about the store? check, repair, rebuild, import, export, ...");
}
