/* test_meta.c - an entry of the derived file reads back whole, or as none.
 * link: storage common/base */
#include "tests/unit/unit.h"

#include <sodium.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "storage/meta.h"

static const uint8_t guid[STORE_GUID] = "0123456789abcde";

/* A derived file with some other bytes, then one entry. */
static int file_with(struct span meta, struct store_record *r)
{
	uint8_t header[STORE_META_HEADER];
	int fd = memfd_create("derived", MFD_CLOEXEC);

	assert_true(fd >= 0);
	*r = (struct store_record){ .meta_offset = 5, .meta_length = (uint32_t)meta.n };
	memcpy(r->guid, guid, sizeof(guid));
	store_meta_header(header, guid, meta);
	assert_int_equal(write(fd, "other", 5), 5);
	assert_int_equal(write(fd, header, sizeof(header)), sizeof(header));
	assert_int_equal(write(fd, meta.p, meta.n), (ssize_t)meta.n);
	return fd;
}

static bool reads(int fd, const struct store_record *r, const char *want)
{
	struct buf out;
	bool ok;

	buf_init(&out, STORE_META_MAX);
	ok = store_meta_read(fd, r, &out);
	assert_true(ok ? span_is(buf_span(&out), want) : out.n == 0);
	buf_clear(&out);
	return ok;
}

static void test_read(void **state)
{
	static const char text[] = "ENVELOPE and the rest";
	struct store_record r, other;
	int fd = file_with(span_of(text), &r);

	(void)state;
	assert_true(reads(fd, &r, text));
	other = r;
	other.guid[3] ^= 1;
	assert_false(reads(fd, &other, text));
	other = r;
	other.meta_offset++;
	assert_false(reads(fd, &other, text));
	other = r;
	other.meta_offset = UINT64_MAX - 3;
	assert_false(reads(fd, &other, text));
	for (uint32_t n = 0; n < 2 * sizeof(text); n++) {
		unit_case("another length", n);
		other = r;
		other.meta_length = n;
		assert_int_equal(reads(fd, &other, text), n == r.meta_length);
	}
	other.meta_length = UINT32_MAX;
	assert_false(reads(fd, &other, text));
	close(fd);
}

static void test_damage(void **state)
{
	static const char text[] = "ENVELOPE";
	struct store_record r;
	size_t whole = 5 + STORE_META_HEADER + strlen(text);

	(void)state;
	for (size_t cut = 0; cut < whole; cut++) {
		int fd = file_with(span_of(text), &r);

		unit_case("cut short", cut);
		assert_int_equal(ftruncate(fd, (off_t)cut), 0);
		assert_false(reads(fd, &r, text));
		close(fd);
	}
	for (size_t at = 5; at < whole; at++) {
		int fd = file_with(span_of(text), &r);

		unit_case("one byte changed", at);
		assert_int_equal(pwrite(fd, "\xff", 1, (off_t)at), 1);
		assert_false(reads(fd, &r, text));
		close(fd);
	}
}

/* A caller's buf without room gets nothing, and is not overrun. */
static void test_room(void **state)
{
	struct store_record r;
	int fd = file_with(span_of("0123456789"), &r);
	struct buf out;

	(void)state;
	buf_init(&out, 9);
	assert_false(store_meta_read(fd, &r, &out));
	buf_clear(&out);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_room),
	};

	return sodium_init() < 0 || unit_run(tests, 3, "meta");
}
