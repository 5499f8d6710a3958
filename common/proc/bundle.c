/* bundle.c - the contract is in bundle.h. */
#include "common/proc/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/write.h"
#include "common/ipc/wire.h"

struct entry {
	struct span name, text;
};

struct bundle {
	uint8_t *memory; /* of its own pages: locked, not dumped, wiped at the end */
	size_t size;
	struct entry *entries;
	size_t count, room;
};

void bundle_put(struct buf *b, const char *name, struct span text)
{
	wire_put_text(b, name);
	wire_put_span(b, text);
}

int bundle_to_fd(struct span bundle, int *fd, struct error *err)
{
	static const int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	int memory = memfd_create("settings", MFD_CLOEXEC | MFD_ALLOW_SEALING), code;

	*fd = -1;
	if (memory < 0)
		return error_system(err, errno, "can't make a memory file for settings");
	code = write_whole(memory, bundle);
	if (code == 0 && fcntl(memory, F_ADD_SEALS, seals) < 0)
		code = -errno;
	if (code < 0) {
		close(memory);
		return error_system(err, -code, "can't write settings to a memory file");
	}
	*fd = memory;
	return 0;
}

/* An empty bundle that has room for size bytes. */
static struct bundle *bundle_make(size_t size)
{
	struct bundle *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return NULL;
	b->size = size > 0 ? size : 1;
	b->memory = mmap(NULL, b->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (b->memory == MAP_FAILED) {
		free(b);
		return NULL;
	}
	mlock(b->memory, b->size); /* keys must not reach the swap; where that is not allowed, so be it */
	madvise(b->memory, b->size, MADV_DONTDUMP);
	return b;
}

void bundle_free(struct bundle *b)
{
	if (b == NULL)
		return;
	explicit_bzero(b->memory, b->size);
	munmap(b->memory, b->size);
	free(b->entries);
	free(b);
}

/* Room for one entry more. */
static bool bundle_room(struct bundle *b)
{
	size_t room = b->room > 0 ? b->room * 2 : 16;
	struct entry *more;

	if (b->count < b->room)
		return true;
	more = realloc(b->entries, room * sizeof(*more));
	if (more == NULL)
		return false;
	b->entries = more;
	b->room = room;
	return true;
}

/* Finds the entries in n bytes of b's memory. */
static int bundle_index(struct bundle *b, size_t n, struct error *err)
{
	struct wire w = { .in = { b->memory, n } };

	while (w.in.n > 0) {
		struct entry *e;

		if (b->count == BUNDLE_ENTRIES)
			return error_set(err, -EPROTO, "the settings hold more than %d texts",
					 BUNDLE_ENTRIES);
		if (!bundle_room(b))
			return error_set(err, -ENOMEM, "no memory for more settings");
		e = &b->entries[b->count];
		e->name = wire_span(&w);
		e->text = wire_span(&w);
		if (w.failed || e->name.n == 0)
			return error_set(err, -EPROTO, "the settings are cut off in text %zu", b->count + 1);
		for (size_t i = 0; i < b->count; i++)
			if (span_equal(b->entries[i].name, e->name))
				return error_set(err, -EPROTO, "the settings hold a text twice");
		b->count++;
	}
	return 0;
}

/* Hands b over as *out if its n bytes are good, else frees it. */
static int bundle_finish(struct bundle **out, struct bundle *b, size_t n, struct error *err)
{
	int code = bundle_index(b, n, err);

	if (code < 0) {
		bundle_free(b);
		return code;
	}
	*out = b;
	return 0;
}

int bundle_open(struct bundle **out, struct span bundle, struct error *err)
{
	struct bundle *b;

	*out = NULL;
	if (bundle.n > BUNDLE_MAX)
		return error_set(err, -EMSGSIZE, "the settings are over %d bytes", BUNDLE_MAX);
	b = bundle_make(bundle.n);
	if (b == NULL)
		return error_set(err, -ENOMEM, "no memory for settings of %zu bytes", bundle.n);
	if (bundle.n > 0)
		memcpy(b->memory, bundle.p, bundle.n);
	return bundle_finish(out, b, bundle.n, err);
}

/* Fills b from fd, from its start. Gives the bytes read or a negative errno. */
static ssize_t bundle_fill(struct bundle *b, int fd)
{
	size_t used = 0;

	while (used < b->size) {
		ssize_t n = pread(fd, b->memory + used, b->size - used, (off_t)used);

		if (n == 0)
			break;
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			used += (size_t)n;
	}
	return (ssize_t)used;
}

int bundle_read(struct bundle **out, int fd, struct error *err)
{
	off_t size = lseek(fd, 0, SEEK_END);
	struct bundle *b;
	ssize_t n;

	*out = NULL;
	if (size < 0)
		return error_system(err, errno, "can't read the settings");
	if (size > BUNDLE_MAX)
		return error_set(err, -EMSGSIZE, "the settings are over %d bytes", BUNDLE_MAX);
	b = bundle_make((size_t)size);
	if (b == NULL)
		return error_set(err, -ENOMEM, "no memory for settings of %jd bytes", (intmax_t)size);
	n = bundle_fill(b, fd);
	if (n < 0) {
		bundle_free(b);
		return error_system(err, (int)-n, "can't read the settings");
	}
	return bundle_finish(out, b, (size_t)n, err);
}

bool bundle_get(const struct bundle *b, const char *name, struct span *text)
{
	for (size_t i = 0; i < b->count; i++)
		if (span_is(b->entries[i].name, name)) {
			*text = b->entries[i].text;
			return true;
		}
	return false;
}
