/* fuzz_mime_meta.c - any bytes as a blob: refused, or all that it says can be used.
 * link: mime common/base */
#include <stdlib.h>

#include "mime/meta.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
	if (!good)
		abort();
}

static void check_sections(const struct mime_meta *m, const uint32_t path[], size_t n)
{
	uint64_t at, length;

	for (int kind = MIME_SECTION_BODY; kind <= MIME_SECTION_MIME; kind++)
		if (mime_meta_section(m, path, n, (enum mime_section)kind, &at, &length))
			check(at <= m->size && length <= m->size - at);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t path[3] = { 0 };
	struct mime_meta m;
	struct mime_part part;
	struct mime_content content;
	struct buf out;
	struct span value;
	size_t at = 0;

	if (mime_meta_open_fields(&m, (struct span){ data, size }))
		for (enum mime_field f = 0; f < MIME_FIELD_COUNT; f++)
			mime_meta_field(&m, f, &value);
	if (mime_meta_open(&m, (struct span){ data, size }, NULL) < 0)
		return 0;
	buf_init(&out, 6 * size + 256 * m.parts + 1000000);
	mime_meta_envelope(&m, &out);
	check(!out.failed);
	buf_reset(&out);
	mime_meta_bodystructure(&m, &out);
	check(!out.failed);
	buf_reset(&out);
	m.rev2 = true;
	mime_meta_bodystructure(&m, &out);
	check(!out.failed);
	buf_reset(&out);
	mime_meta_body(&m, &out);
	check(!out.failed);
	buf_clear(&out);
	while (mime_meta_next(&m, &at, &part))
		mime_part_content(&part, &content);
	for (uint32_t i = 0; i < 64; i++) {
		path[0] = i / 16;
		path[1] = i / 4 % 4;
		path[2] = i % 4;
		for (size_t n = 0; n <= 3; n++)
			check_sections(&m, path, n);
	}
	return 0;
}
