/*
 * meta.c - the contract is in meta.h.
 *
 * A header is "YbMd", the length of the bytes behind it (4, big-endian), the GUID (16)
 * and the first 8 bytes of a BLAKE2b over all of these and the bytes.
 */
#include "storage/meta.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	META_GUID_AT = 8,
	META_SUM_AT = META_GUID_AT + STORE_GUID,
	META_SUM = STORE_META_HEADER - META_SUM_AT
};

static void meta_sum(uint8_t out[META_SUM], const uint8_t header[META_SUM_AT], struct span meta)
{
	uint8_t full[crypto_generichash_BYTES];
	crypto_generichash_state state;

	crypto_generichash_init(&state, NULL, 0, sizeof(full));
	crypto_generichash_update(&state, header, META_SUM_AT);
	crypto_generichash_update(&state, meta.p, meta.n);
	crypto_generichash_final(&state, full, sizeof(full));
	memcpy(out, full, META_SUM);
}

void store_meta_header(uint8_t out[STORE_META_HEADER], const uint8_t guid[STORE_GUID], struct span meta)
{
	const uint8_t start[META_GUID_AT] = { 'Y',
					      'b',
					      'M',
					      'd',
					      (uint8_t)(meta.n >> 24),
					      (uint8_t)(meta.n >> 16),
					      (uint8_t)(meta.n >> 8),
					      (uint8_t)meta.n };

	memcpy(out, start, sizeof(start));
	memcpy(out + META_GUID_AT, guid, STORE_GUID);
	meta_sum(out + META_SUM_AT, out, meta);
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
