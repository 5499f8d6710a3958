/* mode.c - the contract is in mode.h. */
#include "common/net/mode.h"

#include <string.h>

#include "common/base/ascii.h"

enum fit { FIT_NO, FIT_MORE, FIT_YES };

/* s begins with word, or could yet. */
static enum fit word_fit(struct span s, const char *word)
{
	size_t n = strlen(word), both = s.n < n ? s.n : n;

	if (both > 0 && memcmp(s.p, word, both) != 0)
		return FIT_NO;
	return s.n < n ? FIT_MORE : FIT_YES;
}

/* RFC 9110 9.3: what a browser or a script in it can be made to send. */
static enum fit http_fit(struct span s)
{
	static const char *const methods[] = { "GET ", "POST ", "HEAD ", "PUT ", "CONNECT ", "OPTIONS " };
	enum fit best = FIT_NO;

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		enum fit one = word_fit(s, methods[i]);

		best = one > best ? one : best;
	}
	return best;
}

/* RFC 8446 5.1, 4: a handshake record of any TLS with a ClientHello in it; its length, in
 * between, may be anything. Or a ClientHello in the form of SSL 2.0 (RFC 5246 E.2). */
static enum fit tls_fit(struct span s)
{
	static const struct {
		uint8_t mask, want;
	} record[] = { { 0xff, 0x16 }, { 0xff, 3 }, { 0xfc, 0 }, { 0, 0 }, { 0, 0 }, { 0xff, 1 } },
	  old[] = { { 0x80, 0x80 }, { 0, 0 }, { 0xff, 1 }, { 0xff, 3 }, { 0xfc, 0 }, { 0, 0 } };
	bool fits = true, fits_old = true;

	for (size_t i = 0; i < s.n && i < sizeof(record) / sizeof(record[0]); i++) {
		fits = fits && (s.p[i] & record[i].mask) == record[i].want;
		fits_old = fits_old && (s.p[i] & old[i].mask) == old[i].want;
	}
	if (!fits && !fits_old)
		return FIT_NO;
	return s.n < sizeof(record) / sizeof(record[0]) ? FIT_MORE : FIT_YES;
}

/* Printable, or what stands between words and lines. */
static bool typed(uint8_t c)
{
	return c == '\r' || c == '\n' || c == '\t' || (!ascii_control(c) && c < 0x80);
}

static enum fit text_fit(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (!typed(s.p[i]))
			return FIT_NO;
		if (s.p[i] == '\n')
			return FIT_YES;
	}
	return s.n < MODE_FIRST ? FIT_MORE : FIT_YES;
}

enum mode mode_judge(struct span first)
{
	static const struct {
		enum fit (*fit)(struct span s);
		enum mode mode;
	} kinds[] = { { tls_fit, MODE_TLS }, { http_fit, MODE_HTTP }, { text_fit, MODE_TEXT } };
	struct span s = { first.p, first.n < MODE_FIRST ? first.n : MODE_FIRST };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		enum fit fit = kinds[i].fit(s);

		if (fit != FIT_NO)
			return fit == FIT_YES ? kinds[i].mode : MODE_MORE;
	}
	return MODE_OTHER;
}
