/* match.c - the contract is in match.h. */
#include "imapd/match.h"

#include <string.h>

#include "common/base/ascii.h"

/* on[i]: what was read so far can be what pattern[0..i) stands for. Wildcards may
 * stand for nothing: their successor is on with them. */
static void skip_wildcards(const uint8_t *pattern, size_t n, bool *on)
{
	for (size_t i = 0; i < n; i++)
		if (on[i] && (pattern[i] == '*' || pattern[i] == '%'))
			on[i + 1] = true;
}

static void take_byte(const uint8_t *pattern, size_t n, bool *on, uint8_t c, bool fold)
{
	for (size_t i = n + 1; i-- > 0;) {
		bool stays = i < n && on[i] && (pattern[i] == '*' || (pattern[i] == '%' && c != '/'));
		bool comes = i > 0 && on[i - 1] && pattern[i - 1] != '*' && pattern[i - 1] != '%' &&
			     (fold ? ascii_upper(pattern[i - 1]) == ascii_upper(c) : pattern[i - 1] == c);

		on[i] = stays || comes;
	}
}

static size_t count_literal(struct span pattern)
{
	size_t n = 0;

	for (size_t i = 0; i < pattern.n; i++)
		n += pattern.p[i] != '*' && pattern.p[i] != '%';
	return n;
}

bool imap_match(struct span pattern, struct span name)
{
	bool on[IMAP_PATTERN_MAX + 1];
	bool inbox = span_starts_nocase(name, "INBOX") && (name.n == 5 || name.p[5] == '/');

	if (pattern.n > IMAP_PATTERN_MAX || count_literal(pattern) > name.n)
		return false;
	memset(on, 0, pattern.n + 1);
	on[0] = true;
	skip_wildcards(pattern.p, pattern.n, on);
	for (size_t i = 0; i < name.n; i++) {
		take_byte(pattern.p, pattern.n, on, name.p[i], inbox && i < 5);
		skip_wildcards(pattern.p, pattern.n, on);
	}
	return on[pattern.n];
}
