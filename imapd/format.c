/* format.c - the contract is in format.h. */
#include "imapd/format.h"

#include "common/base/utf7.h"

void imap_put_number(struct buf *out, uint64_t n)
{
	uint8_t digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (uint8_t)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	buf_put(out, (struct span){ digits + at, sizeof(digits) - at });
}

/* RFC 3501 9: QUOTED-CHAR; what is long goes as a literal, so that no line outgrows a client. */
static bool quotable(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x20 || s.p[i] > 0x7e)
			return false;
	return s.n <= 1000;
}

void imap_put_quoted(struct buf *out, struct span s)
{
	buf_put_byte(out, '"');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			buf_put_byte(out, '\\');
		buf_put_byte(out, s.p[i]);
	}
	buf_put_byte(out, '"');
}

void imap_put_string(struct buf *out, struct span s)
{
	if (quotable(s)) {
		imap_put_quoted(out, s);
		return;
	}
	buf_put_byte(out, '{');
	imap_put_number(out, s.n);
	buf_put_text(out, "}\r\n");
	buf_put(out, s);
}

/* RFC 9051 9: ASTRING-CHAR */
static bool is_astring(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > 0x7e || strchr("(){%*\"\\", s.p[i]) != NULL)
			return false;
	return s.n > 0;
}

void imap_put_astring(struct buf *out, struct span s)
{
	if (is_astring(s))
		buf_put(out, s);
	else
		imap_put_string(out, s);
}

void imap_put_mailbox(struct buf *out, struct span name)
{
	struct buf wire;

	buf_init(&wire, 8 * name.n + 1);
	utf7_encode(name, &wire);
	imap_put_quoted(out, buf_span(&wire));
	out->failed |= wire.failed;
	buf_clear(&wire);
}

void imap_put_mailbox_id(struct buf *out, uint64_t id)
{
	buf_printf(out, "F%llx", (unsigned long long)id);
}

void imap_put_email_id(struct buf *out, const uint8_t guid[STORE_GUID])
{
	buf_put_byte(out, 'M');
	for (unsigned i = 0; i < STORE_GUID; i++)
		buf_printf(out, "%02x", guid[i]);
}

static const char *const system_flags[] = { "\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft" };

static void put_flag(struct buf *out, struct span name, bool *first)
{
	if (!*first)
		buf_put_byte(out, ' ');
	*first = false;
	buf_put(out, name);
}

void imap_put_flags(struct buf *out, const struct imap_flag_words *w)
{
	bool first = true;

	buf_put_byte(out, '(');
	for (unsigned i = 0; i < sizeof(system_flags) / sizeof(system_flags[0]); i++)
		if (w->flags >> i & 1)
			put_flag(out, span_of(system_flags[i]), &first);
	for (size_t i = 0; w->mask != 0 && i < w->keyword_count && i < STORE_KEYWORDS; i++)
		if (w->mask >> i & 1)
			put_flag(out, w->keywords[i], &first);
	if (w->recent)
		put_flag(out, span_of("\\Recent"), &first);
	buf_put_byte(out, ')');
}
