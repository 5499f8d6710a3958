/* fuzz_mime_address.c - any bytes as a header and as the value of each structured field.
 * link: mime common/base */
#include <stdlib.h>

#include "mime/address.h"
#include "mime/date.h"
#include "mime/header.h"
#include "mime/param.h"
#include "mime/words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
	if (!good)
		abort();
}

static void try_addresses(struct span in)
{
	struct mime_address_walk walk;
	struct mime_address a;
	size_t text = 0, found = 0;

	mime_address_walk_init(&walk, in);
	while (mime_address_next(&walk, &a)) {
		text += a.name.n + a.route.n + a.local.n + a.domain.n;
		found++;
	}
	check(!walk.text.failed && found <= 2 * in.n + 1 && text <= 2 * in.n);
	mime_address_walk_clear(&walk);
}

static void try_params(struct span in)
{
	struct mime_params p;

	mime_params_type(&p, in);
	check(!p.text.failed && p.n <= MIME_PARAMS);
	mime_params_clear(&p);
	mime_params_disposition(&p, in);
	check(!p.text.failed && p.n <= MIME_PARAMS);
	mime_params_find(&p, "filename");
	mime_params_clear(&p);
}

/* Every field is in one of the two halves, and the walk loses no byte. */
static void try_header(struct span in)
{
	const struct span names[] = { span_of("from"), span_of("x") };
	struct span rest = in;
	struct mime_header_field field;
	struct buf out;
	size_t fields = 0, named, others;

	while (mime_header_next(&rest, &field))
		fields += field.raw.n;
	check(fields + rest.n == in.n && mime_header_end(in) >= fields);
	buf_init(&out, 2 * in.n + 1);
	mime_header_filter(in, names, 2, &out);
	named = out.n;
	mime_header_filter_not(in, names, 2, &out);
	others = out.n - named;
	check(!out.failed && named + others == fields + 2 * (mime_header_end(in) - fields));
	buf_reset(&out);
	mime_header_unfold(in, &out);
	check(out.n <= in.n);
	buf_clear(&out);
}

/* Knows every charset but x, and changes nothing. */
static bool convert(void *arg, struct span charset, struct span bytes, struct buf *out)
{
	(void)arg;
	if (span_is_nocase(charset, "x"))
		return false;
	buf_put(out, bytes);
	return true;
}

static void try_words(struct span in)
{
	struct buf out;

	buf_init(&out, in.n);
	mime_words_decode(in, convert, NULL, &out);
	check(!out.failed);
	buf_reset(&out);
	mime_words_ext_value(in, convert, NULL, &out);
	check(!out.failed);
	buf_clear(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = { data, size };
	struct mime_date date;

	try_addresses(in);
	try_params(in);
	try_header(in);
	try_words(in);
	mime_date_parse(in, &date);
	return 0;
}
