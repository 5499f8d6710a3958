/* store_verify_verb.c - store verify BACKUP: each damage on a line of its own, or as JSON. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "admin/json.h"
#include "admin/store_parts.h"
#include "admin/store_verify.h"
#include "common/base/escape.h"

enum { JSON_MAX = 64 * 1024 };

struct telling {
	bool json;
	uint64_t told, of_kind[VERIFY_KINDS];
};

static void found_json(const struct telling *t, const struct verify_found *f)
{
	struct buf b;

	buf_init(&b, JSON_MAX);
	json_open(&b, NULL, '{');
	json_text(&b, "kind", verify_rows[f->kind].word);
	json_text(&b, "where", f->where);
	json_text(&b, "detail", f->words);
	json_close(&b, '}');
	printf("%s%.*s", t->told > 0 ? "," : "", (int)b.n, (const char *)b.p);
	buf_clear(&b);
}

static void found(void *arg, const struct verify_found *f)
{
	char where[4 * MANIFEST_PATH_MAX];
	struct telling *t = arg;

	if (t->json)
		found_json(t, f);
	else
		printf("damage %s %s%s%s\n", verify_rows[f->kind].word,
		       escape_text(where, sizeof(where), span_of(f->where)), f->words[0] != '\0' ? ": " : "", f->words);
	t->told++;
	t->of_kind[f->kind]++;
}

static void tell_end(const struct telling *t, const char *path, const struct verified *v)
{
	if (t->json) {
		printf("],\"files\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"damaged\":%" PRIu64 "}\n", v->files, v->bytes,
		       v->damaged);
		return;
	}
	for (unsigned i = 0; i < VERIFY_KINDS; i++)
		if (t->of_kind[i] > 0)
			printf("  %s (%" PRIu64 "): %s.\n", verify_rows[i].word, t->of_kind[i], verify_rows[i].means);
	printf("%s: %" PRIu64 " files of %" PRIu64 " bytes are what was saved, ", path, v->files, v->bytes);
	if (v->damaged == 0)
		puts("no damage found.");
	else
		printf("%" PRIu64 " damaged.\n", v->damaged);
}

static int verify(const char *path, bool json)
{
	struct telling t = { .json = json };
	struct verify_options o = { .found = found, .arg = &t };
	struct verified v;
	struct error err;
	int r;

	o.folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (o.folder < 0)
		return verb_failed((error_system(&err, errno, "can't open %s", path), &err));
	if (json)
		printf("{\"found\":[");
	r = verify_all(&o, &v, &err);
	close(o.folder);
	tell_end(&t, path, &v);
	if (fflush(stdout) != 0)
		return VERB_FAILED;
	if (r < 0)
		return verb_failed(&err);
	return v.damaged > 0 ? VERB_FAILED : VERB_DONE;
}

int store_verify_run(const struct site *s, int argc, char **argv)
{
	const char *path = NULL;
	bool json = false;

	(void)s;
	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0)
			json = true;
		else if (argv[i][0] != '-' && path == NULL)
			path = argv[i];
		else
			return verb_usage(argv[0], "store verify takes a backup, not %s", argv[i]);
	}
	if (path == NULL)
		return verb_usage(argv[0], "store verify needs a backup");
	return verify(path, json);
}
