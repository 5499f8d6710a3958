/* fuzz_manifest.c - a backup's manifest with any bytes in it: nothing leads out of the backup, and what is read can
 * be written and read again.
 * link: admin/store_manifest.o common/base */
#include <stdlib.h>
#include <string.h>

#include "admin/store_manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static bool same(const struct manifest_entry *a, const struct manifest_entry *b)
{
	return a->folder == b->folder && a->mode == b->mode && strcmp(a->path, b->path) == 0 &&
	       (a->folder || (a->size == b->size && a->mtime_s == b->mtime_s &&
			      memcmp(a->hash, b->hash, sizeof(a->hash)) == 0));
}

static void check_path(const char *path)
{
	must(path[0] != '\0' && path[0] != '/' && strlen(path) < MANIFEST_PATH_MAX);
	for (const char *part = path; part != NULL; part = strchr(part, '/')) {
		part += *part == '/';
		must(strcmp(part, "..") != 0 && strncmp(part, "../", 3) != 0);
	}
}

static void check_again(const struct manifest_entry *e)
{
	struct manifest_reader r;
	struct manifest_writer w;
	struct manifest_entry again;
	char *text = NULL;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	must(out != NULL);
	manifest_begin(&w, out, 1);
	manifest_put(&w, e);
	must(manifest_end(&w) == 0 && fclose(out) == 0);
	must(manifest_open_file(&r, fmemopen(text, n, "r"), NULL) == 0);
	must(r.files + r.folders == 1);
	must(manifest_next(&r, &again) == 1 && same(e, &again) && manifest_next(&r, &again) == 0);
	manifest_close(&r);
	free(text);
}

static void check_whole(void *data, size_t size)
{
	FILE *file = fmemopen(data, size, "r");
	struct manifest_reader r;
	struct manifest_entry e;
	uint64_t count = 0;
	int code;

	if (file == NULL || manifest_open_file(&r, file, NULL) < 0)
		return;
	while ((code = manifest_next(&r, &e)) > 0) {
		check_path(e.path);
		count++;
	}
	must(code == 0 && count == r.files + r.folders);
	manifest_close(&r);
}

static void check_broken(void *data, size_t size)
{
	FILE *file = fmemopen(data, size, "r");
	struct manifest_reader r;
	struct manifest_entry e;

	if (file == NULL || manifest_open_broken_file(&r, file, NULL) < 0)
		return;
	while (manifest_next(&r, &e) > 0) {
		check_path(e.path);
		check_again(&e);
	}
	manifest_close(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size + 1);

	if (copy == NULL || size == 0) {
		free(copy);
		return 0;
	}
	memcpy(copy, data, size);
	check_whole(copy, size);
	check_broken(copy, size);
	free(copy);
	return 0;
}
