/* stock.c - files in mail/tmp, made on the pool before somebody asks for them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "storage/local/inner.h"
#include "storage/local/stage.h"

enum { STOCK_FILES = 8 };

struct stock_file {
	int writer, reader;
	char name[FILES_TMP_NAME];
};

struct stock {
	struct local *s;
	struct stock_file files[STOCK_FILES], fresh[STOCK_FILES];
	size_t count, fresh_count;
	struct job job;
	bool filling;
};

static int file_make(const struct local *s, struct stock_file *f)
{
	int r = files_tmp(s->tmp_fd, &f->writer, f->name);

	if (r < 0)
		return r;
	r = files_tmp_reopen(s->tmp_fd, s->proc_fd, f->writer, f->name, &f->reader);
	if (r == 0)
		return 0;
	close(f->writer);
	if (f->name[0] != '\0')
		unlinkat(s->tmp_fd, f->name, 0);
	return r;
}

int stock_new(struct stock **out, struct local *s, struct error *err)
{
	struct stock *k = calloc(1, sizeof(*k));

	*out = k;
	if (k == NULL)
		return error_set(err, -ENOMEM, "no memory for the stock of files");
	k->s = s;
	return 0;
}

void stock_free(struct stock *k)
{
	if (k == NULL)
		return;
	for (size_t i = 0; i < k->count; i++) {
		close(k->files[i].writer);
		close(k->files[i].reader);
		if (k->files[i].name[0] != '\0')
			unlinkat(k->s->tmp_fd, k->files[i].name, 0);
	}
	free(k);
}

static void fill_run(struct job *job)
{
	struct stock *k = job->s->stock;

	k->fresh_count = 0;
	while (k->fresh_count < STOCK_FILES && file_make(k->s, &k->fresh[k->fresh_count]) == 0)
		k->fresh_count++;
}

static void fill_done(struct job *job)
{
	struct stock *k = job->s->stock;

	k->filling = false;
	memcpy(k->files + k->count, k->fresh, k->fresh_count * sizeof(k->fresh[0]));
	k->count += k->fresh_count;
}

int stock_take(struct stock *k, int *writer, int *reader, char name[FILES_TMP_NAME])
{
	struct stock_file f;
	int r = 0;

	if (k->count > 0)
		f = k->files[--k->count];
	else
		r = file_make(k->s, &f);
	if (r < 0)
		return r;
	if (k->count == 0 && !k->filling && !k->s->closing) {
		k->filling = true;
		pool_start(k->s, &k->job, fill_run, fill_done);
	}
	*writer = f.writer;
	*reader = f.reader;
	memcpy(name, f.name, FILES_TMP_NAME);
	return 0;
}
