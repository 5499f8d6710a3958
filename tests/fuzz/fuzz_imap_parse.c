/* fuzz_imap_parse.c - bytes to commands to words; the same whether they come at once or one by one.
 * link: imapd common/base */
#include <stdlib.h>
#include <string.h>

#include "common/base/utf7.h"
#include "imapd/match.h"
#include "imapd/parse.h"
#include "imapd/read.h"

static void need(bool b)
{
	if (!b)
		abort();
}

/* What decodes is the one form of its name. */
static void round_trip(struct span wire)
{
	struct buf utf8, again;

	buf_init(&utf8, 3 * wire.n + 1);
	buf_init(&again, 8 * (3 * wire.n + 1));
	if (utf7_decode(wire, &utf8)) {
		utf7_encode(buf_span(&utf8), &again);
		need(span_equal(buf_span(&again), wire));
	}
	buf_clear(&utf8);
	buf_clear(&again);
}

static void words(struct span text)
{
	struct arena *a;

	if (arena_new(&a, 1 << 20, ARENA_PLAIN, NULL) != 0)
		return;
	for (int k = 0; k < 6; k++) {
		struct imap_parse p = { text, a, NULL, text.n % 2 == 1 };
		struct imap_set set;
		struct imap_flags flags;
		struct store_set out;
		struct span s, name;
		int64_t n;

		imap_parse_tag(&p, &s);
		imap_parse_try(&p, ' ');
		switch (k) {
		case 0:
			while (imap_parse_astring(&p, &s) && imap_parse_space(&p))
				round_trip(s);
			break;
		case 1:
			if (imap_parse_set(&p, &set) && imap_set_resolve(&set, 7, a, &out))
				for (size_t i = 1; i < out.count; i++)
					need(out.ranges[i].first > out.ranges[i - 1].last + 1);
			break;
		case 2:
			imap_parse_flags_open(&p, &flags);
			break;
		case 3:
			imap_parse_date(&p, &n);
			break;
		case 4:
			imap_parse_date_time(&p, &n);
			break;
		default:
			if (imap_parse_pattern(&p, &s) && imap_parse_space(&p) && imap_parse_mailbox(&p, &name))
				imap_match(s, name);
		}
	}
	arena_free(a);
}

static void feed(struct imap_reader *r, struct span in, struct buf *out)
{
	enum imap_read status;
	struct span text;

	while (in.n > 0 && (status = imap_reader_feed(r, &in, &text)) != IMAP_READ_LOST) {
		buf_put_byte(out, (uint8_t)('0' + status));
		if (status == IMAP_READ_MORE)
			out->n--;
		buf_put(out, text);
		if (status == IMAP_READ_COMMAND)
			words(text);
		if (status != IMAP_READ_LITERAL)
			continue;
		if (imap_reader_literal(r).size + imap_reader_literals(r) <= 100)
			imap_reader_accept(r);
		else
			imap_reader_refuse(r, 1000);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct imap_reader *whole, *bytes;
	struct buf a, b;

	if (size > 4096 || imap_reader_new(&whole, 500, NULL) != 0)
		return 0;
	need(imap_reader_new(&bytes, 500, NULL) == 0);
	buf_init(&a, 1 << 20);
	buf_init(&b, 1 << 20);
	feed(whole, (struct span){ data, size }, &a);
	for (size_t i = 0; i < size; i++)
		feed(bytes, (struct span){ data + i, 1 }, &b);
	/* after LOST the session ends: what follows may differ */
	need(a.n <= b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0));
	imap_reader_free(whole);
	imap_reader_free(bytes);
	buf_clear(&a);
	buf_clear(&b);
	return 0;
}
