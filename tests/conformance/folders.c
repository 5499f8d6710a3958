/* folders.c - the contract is in folders.h. */
#include "tests/conformance/folders.h"

#include <fcntl.h>
#include <ftw.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/unit.h"

static int folder_at(const struct folders *f, const char *name)
{
	char path[200];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", f->path, name);
	mkdir(path, 0700);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static void folders_make(struct folders *f)
{
	f->options.mail_fd = folder_at(f, "mail");
	f->options.queue_fd = folder_at(f, "queue");
	f->options.db_fd = folder_at(f, "db");
}

void folders_init_in(struct folders *f, const char *parent)
{
	*f = (struct folders){ .options = { .index_cache = 1024 * 1024,
					    .min_free = 0,
					    .quiet_ms = 300,
					    .deleted_log_s = 86400,
					    .mailbox_limit = 5000,
					    .keyword_limit = 64 } };
	randombytes_buf(f->options.key, sizeof(f->options.key));
	snprintf(f->path, sizeof(f->path), "%s/yubin-test-XXXXXX", parent);
	assert_non_null(mkdtemp(f->path));
	folders_make(f);
}

void folders_init(struct folders *f)
{
	const char *parent = getenv("TMPDIR");

	folders_init_in(f, parent != NULL ? parent : "/tmp");
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)at;
	if (kind == FTW_DP)
		rmdir(path);
	else
		unlink(path);
	return 0;
}

static void remove_tree(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void folders_clear(struct folders *f)
{
	close(f->options.mail_fd);
	close(f->options.queue_fd);
	close(f->options.db_fd);
	remove_tree(f->path);
}

void folders_wipe(struct folders *f)
{
	folders_clear(f);
	assert_int_equal(mkdir(f->path, 0700), 0);
	folders_make(f);
}

void folders_wipe_index(struct folders *f)
{
	char path[200];

	close(f->options.db_fd);
	snprintf(path, sizeof(path), "%s/db", f->path);
	remove_tree(path);
	f->options.db_fd = folder_at(f, "db");
}

void folders_remove(struct folders *f)
{
	folders_clear(f);
}

struct store *folders_open(struct folders *f, uv_loop_t *loop)
{
	struct store *s;
	struct error err;

	if (local_new(&s, loop, &f->options, &err) < 0) {
		print_error("local_new: %s\n", err.words);
		exit(1);	/* whoever goes on would use the store that was there before */
	}
	return s;
}

static void closed(void *arg)
{
	*(bool *)arg = true;
}

void folders_close(uv_loop_t *loop, struct store *s)
{
	bool done = false;

	local_close(s, closed, &done);
	while (!done)
		uv_run(loop, UV_RUN_ONCE);
	local_free(s);
	uv_run(loop, UV_RUN_NOWAIT);
}

void folders_driver_wipe(void *folders)
{
	folders_wipe(folders);
}

struct store *folders_driver_open(void *folders, uv_loop_t *loop)
{
	return folders_open(folders, loop);
}

void folders_driver_close(void *folders, uv_loop_t *loop, struct store *s)
{
	(void)folders;
	folders_close(loop, s);
}

void folders_driver_token(void *folders, const struct store_grant *g, struct store_token *out)
{
	const struct folders *f = folders;

	store_token_make(out, f->options.key, g);
}
