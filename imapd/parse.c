/* parse.c - the contract is in parse.h. */
#include "imapd/parse.h"

#include <string.h>

#include "common/base/ascii.h"
#include "common/base/clock.h"
#include "common/base/utf7.h"
#include "common/base/utf8.h"

bool imap_parse_fail(struct imap_parse *p, const char *wrong)
{
	if (p->wrong == NULL)
		p->wrong = wrong;
	return false;
}

bool imap_parse_end(struct imap_parse *p)
{
	return p->in.n == 0 || imap_parse_fail(p, "there is more than the command takes");
}

bool imap_parse_try(struct imap_parse *p, uint8_t c)
{
	if (p->in.n == 0 || p->in.p[0] != c)
		return false;
	span_take(&p->in, 1);
	return true;
}

bool imap_parse_space(struct imap_parse *p)
{
	return imap_parse_try(p, ' ') ||
	       imap_parse_fail(p, p->in.n == 0 ? "an argument is missing" : "a space is missing");
}

bool imap_parse_byte(struct imap_parse *p, uint8_t c)
{
	if (imap_parse_try(p, c))
		return true;
	return imap_parse_fail(p, c == '(' ? "a ( is missing" : c == ')' ? "a ) is missing" : "a sign is missing");
}

/* RFC 3501 9: ATOM-CHAR is any CHAR except atom-specials. */
static bool atom_char(uint8_t c)
{
	return c > 0x20 && c < 0x7f && strchr("(){%*\"\\]", c) == NULL;
}

static bool astring_char(uint8_t c)
{
	return atom_char(c) || c == ']';
}

static bool list_char(uint8_t c)
{
	return astring_char(c) || c == '%' || c == '*';
}

static bool tag_char(uint8_t c)
{
	return astring_char(c) && c != '+';
}

static bool word_char(uint8_t c)
{
	return ascii_alnum(c) || c == '-' || c == '_';
}

static struct span take_while(struct imap_parse *p, bool (*is)(uint8_t))
{
	size_t n = 0;

	while (n < p->in.n && is(p->in.p[n]))
		n++;
	return span_take(&p->in, n);
}

bool imap_parse_try_word(struct imap_parse *p, const char *word)
{
	size_t n = strlen(word);

	if (!span_starts_nocase(p->in, word) || (p->in.n > n && word_char(p->in.p[n])))
		return false;
	span_take(&p->in, n);
	return true;
}

bool imap_parse_tag(struct imap_parse *p, struct span *tag)
{
	*tag = take_while(p, tag_char);
	return tag->n > 0 || imap_parse_fail(p, "A command begins with a tag and a space");
}

bool imap_parse_atom(struct imap_parse *p, struct span *atom)
{
	*atom = take_while(p, atom_char);
	return atom->n > 0 || imap_parse_fail(p, "a word is missing");
}

static bool parse_quoted(struct imap_parse *p, struct span *s)
{
	size_t n = 0, kept = 0;
	bool escaped = false;

	while (n < p->in.n && p->in.p[n] != '"') {
		uint8_t c = p->in.p[n];

		if (c == 0 || c == '\r' || c == '\n')
			return imap_parse_fail(p, "a control character in a quoted string");
		if (c == '\\') {
			escaped = true;
			n++;
			if (n == p->in.n || (p->in.p[n] != '"' && p->in.p[n] != '\\'))
				return imap_parse_fail(p, "a backslash in a quoted string must stand before \" or \\");
		}
		n++;
	}
	if (n == p->in.n)
		return imap_parse_fail(p, "a quoted string has no end");
	*s = span_take(&p->in, n);
	span_take(&p->in, 1);
	if (p->utf8 && !utf8_valid(*s))	/* RFC 6855 3 */
		return imap_parse_fail(p, "a quoted string is not UTF-8");
	if (!escaped)
		return true;
	uint8_t *copy = arena_alloc(p->arena, s->n);

	if (copy == NULL)
		return imap_parse_fail(p, "the command is too large");
	for (size_t i = 0; i < s->n; i++) {
		if (s->p[i] == '\\')
			i++;
		copy[kept++] = s->p[i];
	}
	*s = (struct span){ copy, kept };
	return true;
}

/* The reader has put {n} CRLF and n bytes into the command. */
static bool parse_literal_bytes(struct imap_parse *p, struct span *s)
{
	uint64_t size;
	ptrdiff_t end = span_find(p->in, '}');
	struct span number;

	if (end < 0)
		return imap_parse_fail(p, "a literal without }");
	number = span_take(&p->in, (size_t)end);
	span_take(&p->in, 1);
	if (number.n > 0 && number.p[number.n - 1] == '+')
		number.n--;
	if (!span_number(number, SIZE_MAX / 2, &size) || !span_starts(p->in, "\r\n") || p->in.n - 2 < size)
		return imap_parse_fail(p, "not a literal");
	span_take(&p->in, 2);
	*s = span_take(&p->in, (size_t)size);
	return true;
}

static bool parse_literal(struct imap_parse *p, struct span *s)
{
	return parse_literal_bytes(p, s) &&
	       (span_find(*s, 0) < 0 || imap_parse_fail(p, "a NUL in a literal"));	/* RFC 3501 9: CHAR8 */
}

bool imap_parse_value(struct imap_parse *p, struct span *s)
{
	if (!span_starts(p->in, "~{"))
		return imap_parse_nstring(p, s);
	span_take(&p->in, 2);
	return parse_literal_bytes(p, s);
}

bool imap_parse_string(struct imap_parse *p, struct span *s)
{
	if (imap_parse_try(p, '"'))
		return parse_quoted(p, s);
	if (imap_parse_try(p, '{'))
		return parse_literal(p, s);
	return imap_parse_fail(p, "a string is missing");
}

static bool at_string(const struct imap_parse *p)
{
	return p->in.n > 0 && (p->in.p[0] == '"' || p->in.p[0] == '{');
}

bool imap_parse_astring(struct imap_parse *p, struct span *s)
{
	if (at_string(p))
		return imap_parse_string(p, s);
	*s = take_while(p, astring_char);
	return s->n > 0 || imap_parse_fail(p, "an argument is missing or has a sign that must be quoted");
}

bool imap_parse_nstring(struct imap_parse *p, struct span *s)
{
	if (imap_parse_try_word(p, "NIL")) {
		*s = (struct span){ NULL, 0 };
		return true;
	}
	return imap_parse_string(p, s);
}

static bool digit(uint8_t c)
{
	return ascii_digit(c);
}

bool imap_parse_number(struct imap_parse *p, uint64_t max, uint64_t *n)
{
	return span_number(take_while(p, digit), max, n) || imap_parse_fail(p, "not a number, or one too large");
}

bool imap_parse_nz_number(struct imap_parse *p, uint64_t max, uint64_t *n)
{
	if (span_starts(p->in, "0"))
		return imap_parse_fail(p, "the number is 0, or has a 0 in front");
	return imap_parse_number(p, max, n);
}

static bool parse_set_number(struct imap_parse *p, uint32_t *n)
{
	uint64_t value;

	*n = 0;
	if (imap_parse_try(p, '*'))
		return true;
	if (!imap_parse_nz_number(p, UINT32_MAX, &value))
		return false;
	*n = (uint32_t)value;
	return true;
}

bool imap_parse_set(struct imap_parse *p, struct imap_set *set)
{
	size_t n = 1;

	*set = (struct imap_set){ .saved = imap_parse_try(p, '$') };
	if (set->saved)
		return true;
	for (size_t i = 0; i < p->in.n && p->in.p[i] != ' ' && p->in.p[i] != ')'; i++)
		n += p->in.p[i] == ',';
	if (n > IMAP_SET_RANGES)
		return imap_parse_fail(p, "the set has too many ranges");
	set->ranges = arena_array(p->arena, n, sizeof(*set->ranges));
	if (set->ranges == NULL)
		return imap_parse_fail(p, "the set is too large");
	do {
		struct store_range *r = &set->ranges[set->n++];

		if (!parse_set_number(p, &r->first))
			return false;
		r->last = r->first;
		if (imap_parse_try(p, ':') && !parse_set_number(p, &r->last))
			return false;
	} while (imap_parse_try(p, ','));
	return true;
}

static bool from_utf7(struct imap_parse *p, struct span *name)
{
	struct span wire = *name;
	struct buf utf8;
	bool ok;

	if (wire.n > (size_t)STORE_NAME_MAX * 3)
		return imap_parse_fail(p, "the mailbox name is too long");
	buf_init(&utf8, wire.n * 3 + 1);
	ok = utf7_decode(wire, &utf8);
	*name = arena_copy(p->arena, buf_span(&utf8));
	buf_clear(&utf8);
	return ok || imap_parse_fail(p, "the mailbox name is not modified UTF-7 (RFC 3501 5.1.3)");
}

/* RFC 6855 3: no control character, and no separator of lines or paragraphs. */
static bool is_name(struct span s)
{
	uint32_t c;

	while (s.n > 0) {
		if (!utf8_take(&s, &c))
			return false;
		if (c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029)
			return false;
	}
	return true;
}

/* To what the store calls it. */
static bool to_name(struct imap_parse *p, struct span *name)
{
	struct span wire;

	if (p->utf8 && !is_name(*name))
		return imap_parse_fail(p, "the mailbox name is not UTF-8, or has a control character");
	if (!p->utf8 && !from_utf7(p, name))
		return false;
	if (span_starts_nocase(*name, "INBOX") && (name->n == 5 || name->p[5] == '/')) {
		wire = *name;
		*name = arena_copy(p->arena, wire);
		if (name->p != NULL)
			memcpy((uint8_t *)name->p, "INBOX", 5);
	}
	return name->p != NULL || imap_parse_fail(p, "the command is too large");
}

bool imap_parse_mailbox(struct imap_parse *p, struct span *name)
{
	return imap_parse_astring(p, name) && to_name(p, name);
}

bool imap_parse_pattern(struct imap_parse *p, struct span *pattern)
{
	if (at_string(p)) {
		if (!imap_parse_string(p, pattern))
			return false;
	} else {
		*pattern = take_while(p, list_char);
		if (pattern->n == 0)
			return imap_parse_fail(p, "a pattern is missing");
	}
	return to_name(p, pattern);
}

static const struct {
	const char *name;
	uint32_t flag;
} system_flags[] = {
	{ "Seen", STORE_SEEN },		{ "Answered", STORE_ANSWERED }, { "Flagged", STORE_FLAGGED },
	{ "Deleted", STORE_DELETED }, { "Draft", STORE_DRAFT },
};

static bool parse_system_flag(struct imap_parse *p, struct imap_flags *f)
{
	struct span name;

	if (!imap_parse_atom(p, &name))
		return imap_parse_fail(p, "a flag is missing");
	for (size_t i = 0; i < sizeof(system_flags) / sizeof(system_flags[0]); i++) {
		if (span_is_nocase(name, system_flags[i].name)) {
			f->flags |= system_flags[i].flag;
			return true;
		}
	}
	f->recent = span_is_nocase(name, "Recent");
	return f->recent || imap_parse_fail(p, "no such flag behind the backslash");
}

static bool parse_flag(struct imap_parse *p, struct imap_flags *f)
{
	struct span name;

	if (imap_parse_try(p, '\\'))
		return parse_system_flag(p, f);
	if (!imap_parse_atom(p, &name))
		return imap_parse_fail(p, "a flag is missing");
	if (name.n > STORE_KEYWORD_MAX || f->keyword_count == IMAP_KEYWORDS)
		return imap_parse_fail(p, "a keyword too long, or too many of them");
	for (size_t i = 0; i < f->keyword_count; i++)
		if (span_equal_nocase(f->keywords[i], name))
			return true;
	f->keywords[f->keyword_count++] = name;
	return true;
}

static bool flags_begin(struct imap_parse *p, struct imap_flags *f)
{
	*f = (struct imap_flags){ .keywords = arena_array(p->arena, IMAP_KEYWORDS, sizeof(*f->keywords)) };
	return f->keywords != NULL || imap_parse_fail(p, "the command is too large");
}

static bool flags_inside(struct imap_parse *p, struct imap_flags *f)
{
	if (imap_parse_try(p, ')'))
		return true;
	do {
		if (!parse_flag(p, f))
			return false;
	} while (imap_parse_try(p, ' '));
	return imap_parse_byte(p, ')');
}

bool imap_parse_flags(struct imap_parse *p, struct imap_flags *f)
{
	return flags_begin(p, f) && imap_parse_byte(p, '(') && flags_inside(p, f);
}

bool imap_parse_flags_open(struct imap_parse *p, struct imap_flags *f)
{
	if (!flags_begin(p, f))
		return false;
	if (imap_parse_try(p, '('))
		return flags_inside(p, f);
	do {
		if (!parse_flag(p, f))
			return false;
	} while (imap_parse_try(p, ' '));
	return true;
}

/* least to most digits */
static bool parse_digits(struct imap_parse *p, size_t least, size_t most, uint64_t *n)
{
	struct span digits = take_while(p, digit);

	return digits.n >= least && digits.n <= most && span_number(digits, UINT32_MAX, n);
}

/* RFC 3501 9: date-day "-" date-month "-" date-year */
bool imap_parse_date(struct imap_parse *p, int64_t *day)
{
	bool quoted = imap_parse_try(p, '"');
	uint64_t d, y;
	unsigned month;

	if (!parse_digits(p, 1, 2, &d) || d == 0 || d > 31 || !imap_parse_byte(p, '-'))
		return imap_parse_fail(p, "not a date");
	month = clock_month(span_take(&p->in, 3));
	if (month == 0 || !imap_parse_byte(p, '-') || !parse_digits(p, 4, 4, &y) ||
	    (quoted && !imap_parse_byte(p, '"')))
		return imap_parse_fail(p, "not a date");
	*day = clock_days((int64_t)y, month, (unsigned)d);
	return true;
}

bool imap_parse_date_time(struct imap_parse *p, int64_t *real_s)
{
	struct span text;

	return imap_parse_string(p, &text) &&
	       (clock_imap_parse(text, real_s) || imap_parse_fail(p, "not a date and time"));
}
