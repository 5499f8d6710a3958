/*
 * meta.c - the contract is in meta.h.
 *
 * A header is "YbMx", the length of the bytes behind it (4, big-endian), the GUID (16) and a checksum of the
 * bytes: XXH3, 64 bits, big-endian. It finds damage; who may write the file is not held off by it.
 */
#include "storage/meta.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define XXH_INLINE_ALL	/* no library at run time: entries are short, a call costs as much as the sum */
#include <xxhash.h>

enum {
	META_GUID_AT = 8,
	META_SUM_AT = META_GUID_AT + STORE_GUID,
	META_SUM = STORE_META_HEADER - META_SUM_AT
};

void store_meta_header(uint8_t out[STORE_META_HEADER], const uint8_t guid[STORE_GUID], struct span meta)
{
	const uint8_t start[META_GUID_AT] = { 'Y',
					      'b',
					      'M',
					      'x',
					      (uint8_t)(meta.n >> 24),
					      (uint8_t)(meta.n >> 16),
					      (uint8_t)(meta.n >> 8),
					      (uint8_t)meta.n };

	XXH64_canonical_t sum;

	_Static_assert(sizeof(sum) == META_SUM, "the checksum fits");
	memcpy(out, start, sizeof(start));
	memcpy(out + META_GUID_AT, guid, STORE_GUID);
	XXH64_canonicalFromHash(&sum, XXH3_64bits(meta.p, meta.n));
	memcpy(out + META_SUM_AT, &sum, sizeof(sum));
}

/* All n bytes at the offset, or false. */
static bool read_whole(int fd, uint8_t *to, size_t n, uint64_t offset)
{
	while (n > 0) {
		ssize_t got = pread(fd, to, n, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		to += got;
		n -= (size_t)got;
		offset += (size_t)got;
	}
	return true;
}

bool store_meta_entry(struct span entry, const struct store_record *r, struct span *meta)
{
	uint8_t want[STORE_META_HEADER];
	struct span header = span_take(&entry, sizeof(want));

	*meta = entry;
	if (header.n != sizeof(want) || entry.n != r->meta_length)
		return false;
	store_meta_header(want, r->guid, entry);
	return memcmp(header.p, want, sizeof(want)) == 0;
}

bool store_meta_read(int fd, const struct store_record *r, struct buf *out)
{
	size_t n = STORE_META_HEADER + (size_t)r->meta_length;
	struct span meta;
	uint8_t *to;

	if (r->meta_length == 0 || r->meta_length > STORE_META_MAX || r->meta_offset > INT64_MAX / 2)
		return false;
	to = malloc(n);
	if (to == NULL || !read_whole(fd, to, n, r->meta_offset) || !store_meta_entry((struct span){ to, n }, r, &meta)) {
		free(to);
		return false;
	}
	buf_put(out, meta);
	free(to);
	return !out->failed;
}
