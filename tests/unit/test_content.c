/* test_content.c - a message's bytes as they go out: what is put in front, what is left out.
 * link: deliverd mime common/proc common/base */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "deliverd/content.h"
#include "deliverd/engine.h"

static const struct {
	const char *why, *body, *head;
	enum content_form form;
	const char *want;
} cases[] = {
	{ "as it is", "A: 1\r\n\r\nx\r\n", "", CONTENT_AS_IS, "A: 1\r\n\r\nx\r\n" },
	{ "something in front", "A: 1\r\n\r\nx\r\n", "D: 2\r\n", CONTENT_AS_IS, "D: 2\r\nA: 1\r\n\r\nx\r\n" },
	{ "without the Return-Path", "Return-Path: <a@b>\r\nA: 1\r\n\r\nx", "D: 2\r\n", CONTENT_AS_IS,
	  "D: 2\r\nA: 1\r\n\r\nx" },
	{ "any case, folded", "return-path:\r\n <a@b>\r\nA: 1\r\n", "", CONTENT_AS_IS, "A: 1\r\n" },
	{ "further down it stays", "A: 1\r\nReturn-Path: <a@b>\r\n\r\n", "", CONTENT_AS_IS,
	  "A: 1\r\nReturn-Path: <a@b>\r\n\r\n" },
	{ "half a Return-Path is none", "Return-Path: <a@b>", "", CONTENT_AS_IS, "Return-Path: <a@b>" },
	{ "an empty body", "", "D: 2\r\n", CONTENT_AS_IS, "D: 2\r\n" },
	{ "nothing at all", "", "", CONTENT_AS_IS, "" },
	{ "nothing but a Return-Path", "Return-Path: <>\r\n", "", CONTENT_AS_IS, "" },
	{ "converted", "Return-Path: <a@b>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
		       "Content-Transfer-Encoding: 8bit\r\n\r\naaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\xc3\xa9\r\n",
	  "D: 2\r\n", CONTENT_7BIT,
	  "D: 2\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
	  "Content-Transfer-Encoding: quoted-printable\r\n\r\naaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa=C3=A9\r\n" },
};

static uv_loop_t loop;
static bool woken;

static void wake(void *arg)
{
	(void)arg;
	woken = true;
}

static int file_of(struct span body)
{
	int fd = memfd_create("body", 0);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, body.p, body.n), (ssize_t)body.n);
	return fd;
}

/* All of it; a memfd is read on the pool, so each piece comes late. */
static int read_all(const struct content_source *s, struct buf *out, struct error *err)
{
	struct content *c = content_new(s);
	struct span piece;
	int r;

	assert_non_null(c);
	while ((r = content_next(c, &piece, err)) == 1 || r == -EAGAIN) {
		if (r == 1) {
			assert_true(piece.n <= CLIENT_PIECE);
			buf_put(out, piece);
		}
		for (woken = r == 1; !woken;)
			uv_run(&loop, UV_RUN_ONCE);
	}
	content_free(c);
	return r;
}

static void test_cases(void **state)
{
	static uint8_t scratch[CLIENT_PIECE];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct content_source s = { .loop = &loop, .form = cases[i].form, .head = span_of(cases[i].head),
					    .scratch = scratch, .wake = wake };
		struct buf out;

		unit_case(cases[i].why, 0);
		buf_init(&out, 1 << 20);
		s.fd = file_of(span_of(cases[i].body));
		assert_int_equal(read_all(&s, &out, NULL), 0);
		unit_is(out.p, out.n, cases[i].want);
		buf_clear(&out);
		close(s.fd);
	}
}

/* More than one piece, in front of which a head stands. */
static void test_large(void **state)
{
	static uint8_t scratch[CLIENT_PIECE];
	struct content_source s = { .loop = &loop, .head = span_of("Head: er\r\n"), .scratch = scratch, .wake = wake };
	size_t n = 5 * CLIENT_PIECE + 17;
	struct buf body, out;

	(void)state;
	buf_init(&body, 1 << 20);
	buf_init(&out, 1 << 20);
	buf_put_text(&body, "Return-Path: <x@y>\r\n");
	while (body.n < n && !body.failed)
		buf_put_byte(&body, (uint8_t)(body.n * 7 % 251));
	s.fd = file_of(buf_span(&body));
	assert_int_equal(read_all(&s, &out, NULL), 0);
	assert_int_equal(out.n, body.n - 20 + 10);
	assert_memory_equal(out.p, "Head: er\r\n", 10);
	assert_memory_equal(out.p + 10, body.p + 20, body.n - 20);
	buf_clear(&body);
	buf_clear(&out);
	close(s.fd);
}

/* A signed part can't be converted; a file that is gone can't be read. */
static void test_fails(void **state)
{
	static uint8_t scratch[CLIENT_PIECE];
	struct content_source s = { .loop = &loop, .form = CONTENT_7BIT, .scratch = scratch, .wake = wake };
	struct error err = { 0 };
	struct buf out;

	(void)state;
	buf_init(&out, 1 << 20);
	s.fd = file_of(span_of("MIME-Version: 1.0\r\nContent-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n"
			       "Content-Transfer-Encoding: 8bit\r\n\r\n\xc3\xa9\r\n--b--\r\n"));
	assert_int_equal(read_all(&s, &out, &err), -EINVAL);
	assert_true(err.words[0] != '\0');
	close(s.fd);
	s.form = CONTENT_AS_IS;
	s.fd = open("/", O_RDONLY | O_DIRECTORY);
	assert_int_equal(read_all(&s, &out, &err), -EISDIR);
	close(s.fd);
	buf_clear(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_cases), cmocka_unit_test(test_large),
					    cmocka_unit_test(test_fails) };
	int r;

	uv_loop_init(&loop);
	r = unit_run(tests, sizeof(tests) / sizeof(tests[0]), "content");
	uv_run(&loop, UV_RUN_DEFAULT);
	uv_loop_close(&loop);
	return r;
}
