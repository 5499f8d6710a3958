/* blocks.c - the contract is in blocks.h. */
#include "supervisor/blocks.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/write.h"
#include "common/config/file.h"

struct blocks {
	uint64_t next; /* the first number that was not given */
	uint64_t end;  /* the file says this: numbers below may be given */
	char path[];
};

/* Syncs the folder that path lies in. */
static int sync_folder(const char *path, struct error *err)
{
	char folder[1024];
	char *slash;
	int fd, code = 0;

	snprintf(folder, sizeof(folder), "%s", path);
	slash = strrchr(folder, '/');
	if (slash != NULL)
		*slash = '\0';
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		code = error_system(err, errno, "can't sync %s", folder);
	if (fd >= 0)
		close(fd);
	return code;
}

static int blocks_write(struct blocks *i, uint64_t end, struct error *err)
{
	char temporary[1100], text[32];
	int fd, code;

	snprintf(text, sizeof(text), "%llu\n", (unsigned long long)end);
	snprintf(temporary, sizeof(temporary), "%s.new", i->path);
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	if (fd < 0)
		return error_system(err, errno, "can't make %s", temporary);
	code = write_whole(fd, span_of(text));
	if (code == 0 && fsync(fd) < 0)
		code = -errno;
	if (code < 0)
		error_system(err, -code, "can't write %s", temporary);
	if (close(fd) < 0 && code == 0)
		code = error_system(err, errno, "can't write %s", temporary);
	if (code == 0 && rename(temporary, i->path) < 0)
		code = error_system(err, errno, "can't rename %s", temporary);
	if (code == 0)
		code = sync_folder(i->path, err);
	if (code == 0)
		i->end = end;
	return code;
}

/* The file's number; -ENOENT: there is none, -EINVAL: it is no number. */
static int blocks_read(const struct blocks *i, uint64_t *out)
{
	struct buf text;
	struct span line;
	int rc;

	buf_init(&text, 64);
	rc = file_read(i->path, &text, NULL, NULL);
	line = buf_span(&text);
	if (rc == 0 && (!span_number(span_take_until(&line, '\n'), INT64_MAX, out) || *out == 0))
		rc = -EINVAL;
	buf_clear(&text);
	return rc;
}

int blocks_open(struct blocks **out, const char *path, struct error *warning, struct error *err)
{
	struct blocks *i = calloc(1, sizeof(*i) + strlen(path) + 1);
	int rc;

	*out = NULL;
	*warning = (struct error){ 0 };
	if (i == NULL)
		return error_set(err, -ENOMEM, "no memory");
	memcpy(i->path, path, strlen(path) + 1);
	rc = blocks_read(i, &i->next);
	if (rc == -ENOENT) {
		i->next = 1;
	} else if (rc == -EINVAL || rc == -EFBIG) {
		i->next = (uint64_t)clock_real_ms();
		error_set(warning, rc, "%s holds no number; connection ids go on from %llu", path,
			  (unsigned long long)i->next);
	} else if (rc != 0) {
		free(i);
		return error_system(err, -rc, "can't read %s", path);
	}
	i->end = i->next;
	*out = i;
	return 0;
}

void blocks_close(struct blocks *i)
{
	if (i != NULL && i->end > i->next)
		blocks_write(i, i->next, NULL);
	free(i);
}

int blocks_take(struct blocks *i, uint64_t *first, struct error *err)
{
	if (i->end - i->next < BLOCKS_SIZE) {
		int rc = blocks_write(i, i->next + BLOCKS_STEP, err);

		if (rc != 0)
			return rc;
	}
	*first = i->next;
	i->next += BLOCKS_SIZE;
	return 0;
}
