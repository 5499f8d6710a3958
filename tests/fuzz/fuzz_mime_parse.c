/* fuzz_mime_parse.c - any bytes as a message: a parser never fails, its blob opens, all
 * that can be asked of it lies inside the message, and cuts change nothing.
 * link: mime common/base */
#include <stdlib.h>
#include <string.h>

#include "mime/meta.h"
#include "mime/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { DEPTH = 40 };	/* of paths that are tried */

static void check(bool good)
{
	if (!good)
		abort();
}

/* Feeds the message in pieces of the given length. */
static void parse(struct span message, size_t piece, const struct mime_limits *limits, struct buf *blob)
{
	struct mime_parser *p;

	check(mime_parser_new(&p, limits, NULL) == 0);
	while (message.n > 0)
		mime_parser_feed(p, span_take(&message, piece));
	check(mime_parser_finish(p, blob, NULL) == 0);
	mime_parser_free(p);
}

static void check_sections(const struct mime_meta *m, const uint32_t path[], size_t n)
{
	uint64_t at, length;

	for (int kind = MIME_SECTION_BODY; kind <= MIME_SECTION_MIME; kind++)
		if (mime_meta_section(m, path, n, (enum mime_section)kind, &at, &length))
			check(at <= m->size && length <= m->size - at);
}

/* All sections, by counting up the last number of a path until there is no such part. */
static void walk_sections(const struct mime_meta *m)
{
	uint32_t path[DEPTH] = { 1 };
	size_t n = 1, budget = 500;
	uint64_t at, length;

	check_sections(m, path, 0);
	while (n > 0 && budget-- > 0) {
		if (!mime_meta_section(m, path, n, MIME_SECTION_BODY, &at, &length)) {
			if (--n > 0)
				path[n - 1]++;
			continue;
		}
		check_sections(m, path, n);
		if (n < DEPTH)
			path[n++] = 1;
		else
			path[n - 1]++;
	}
}

static void use(const struct mime_meta *m)
{
	struct mime_meta rev2 = *m;
	struct buf out;
	struct mime_part part;
	struct mime_content content;
	struct mime_date date;
	size_t at = 0;

	buf_init(&out, 6 * m->blob.n + 256 * m->parts + 1000000);
	mime_meta_envelope(m, &out);
	check(!out.failed);
	buf_reset(&out);
	mime_meta_bodystructure(m, &out);
	check(!out.failed);
	buf_reset(&out);
	mime_meta_body(m, &out);
	check(!out.failed);
	buf_reset(&out);
	rev2.rev2 = true;
	mime_meta_bodystructure(&rev2, &out);
	check(!out.failed);
	buf_clear(&out);
	mime_meta_sent(m, &date);
	while (mime_meta_next(m, &at, &part)) {
		mime_part_content(&part, &content);
		check(content.type.n > 0 && content.subtype.n > 0);
	}
	walk_sections(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct mime_limits small = { 3, 6, 256, MIME_META_MIN };
	struct span in = { data, size }, how = span_take(&in, 1);
	const struct mime_limits *limits = how.n > 0 && how.p[0] & 1 ? &small : NULL;
	size_t piece = how.n > 0 ? 1 + how.p[0] / 2 : 1;
	struct buf blob, again;
	struct mime_meta m;

	buf_init(&blob, MIME_LIMIT_META);
	buf_init(&again, limits != NULL ? MIME_META_MIN : MIME_LIMIT_META);
	parse(in, SIZE_MAX, limits, &blob);
	parse(in, piece, limits, &again);
	check(span_equal(buf_span(&blob), buf_span(&again)));
	check(mime_meta_open(&m, buf_span(&blob), NULL) == 0 && m.size == in.n);
	use(&m);
	buf_clear(&blob);
	buf_clear(&again);
	return 0;
}
