/* utf8.c - UTF8 and LANG, and what USER and PASS may say in UTF-8 (RFC 6856); authd compares it. */
#include "common/base/utf8.h"

#include "pop3d/state.h"

/* RFC 4013 2.3, without what SASLprep has mapped away before it looks (RFC 3454 B.1, NFKC). Ascending. */
static const struct {
	uint32_t first, last;
} forbidden[] = {
	{ 0, 0x1f }, { 0x7f, 0x9f }, { 0x6dd, 0x6dd }, { 0x70f, 0x70f }, { 0x180e, 0x180e }, { 0x200e, 0x200f },
	{ 0x2028, 0x202e }, { 0x2061, 0x2063 }, { 0x206a, 0x206f }, { 0x2ff0, 0x2ffb }, { 0xe000, 0xf8ff },
	{ 0xfdd0, 0xfdef }, { 0xfff9, 0xffff }, { 0x1d173, 0x1d17a }, { 0xe0001, 0xe0001 }, { 0xe0020, 0xe007f },
	{ 0xf0000, 0x10ffff },
};

static bool is_forbidden(uint32_t c)
{
	if ((c & 0xfffe) == 0xfffe)	/* RFC 3454 C.4, in every plane */
		return true;
	for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++)
		if (c >= forbidden[i].first && c <= forbidden[i].last)
			return true;
	return false;
}

bool pop3_may_log_in(struct span text)
{
	uint32_t c;

	while (text.n > 0)
		if (!utf8_take(&text, &c) || is_forbidden(c))	/* RFC 6856 2.2 */
			return false;
	return true;
}

void pop3_run_utf8(struct pop3_server *e, struct span args)
{
	(void)args;
	e->utf8 = true;
	pop3_reply(e, "+OK messages go out as they are, headers in UTF-8 too");
}

/* RFC 6856 3.2, with the one language that there is; "*" is the administrator's choice. */
void pop3_run_lang(struct pop3_server *e, struct span args)
{
	struct span range = span_trim(args);

	if (range.n == 0) {
		pop3_reply(e, "+OK languages");
		pop3_reply(e, "en English");
		pop3_reply(e, ".");
	} else if (span_is_nocase(range, "en") || span_is(range, "*")) {
		pop3_reply(e, "+OK en all texts are in English");
	} else {
		pop3_bad(e, "-ERR this language is not spoken here; LANG lists those that are");
	}
}
