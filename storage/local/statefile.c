/* statefile.c - the contract is in statefile.h. */
#include "storage/local/statefile.h"

#include <sodium.h>
#include <string.h>

#include "common/base/ascii.h"

enum { SUM_BYTES = 16 };

static const char mailbox_title[] = "yubin mailbox 1";
static const char flags_title[] = "yubin flags 1";
static const char notes_title[] = "yubin annotations 1";
static const char account_title[] = "yubin account 1";
static const char flag_letters[] =
    "SAFDT"; /* Seen, Answered, Flagged, Deleted, drafT: in the order of the bits */

static const char *const role_names[] = {
	[STORE_ROLE_NONE] = "none",       [STORE_ROLE_INBOX] = "inbox", [STORE_ROLE_SENT] = "sent",
	[STORE_ROLE_DRAFTS] = "drafts",   [STORE_ROLE_TRASH] = "trash", [STORE_ROLE_JUNK] = "junk",
	[STORE_ROLE_ARCHIVE] = "archive",
};

/* --- what all have in common ---------------------------------------------- */

/* Text without spaces, line ends and what else a line could not hold. */
static void put_text(struct buf *out, const char *key, struct span text)
{
	buf_printf(out, "%s ", key);
	for (size_t i = 0; i < text.n; i++) {
		uint8_t c = text.p[i];

		if (c <= ' ' || c == '%' || c == 0x7f)
			buf_printf(out, "%%%02x", c);
		else
			buf_put_byte(out, c);
	}
	buf_put_byte(out, '\n');
}

static bool take_text(struct span text, struct buf *out)
{
	while (text.n > 0) {
		uint8_t c = *span_take(&text, 1).p;

		if (c == '%') {
			int high = text.n > 1 ? ascii_hex(text.p[0]) : -1,
			    low = high < 0 ? -1 : ascii_hex(text.p[1]);

			if (low < 0)
				return false;
			span_take(&text, 2);
			c = (uint8_t)(high << 4 | low);
		}
		buf_put_byte(out, c);
	}
	return !out->failed;
}

static void sum_text(char out[2 * SUM_BYTES + 1], struct span text)
{
	uint8_t sum[SUM_BYTES];

	crypto_generichash(sum, sizeof(sum), text.p, text.n, NULL, 0);
	sodium_bin2hex(out, 2 * SUM_BYTES + 1, sum, sizeof(sum));
}

static void put_sum(struct buf *out)
{
	char sum[2 * SUM_BYTES + 1];

	sum_text(sum, buf_span(out));
	buf_printf(out, "sum %s\n", sum);
}

/* Takes the sum off the end and the title off the start, if both are right. */
static bool check_file(struct span *text, const char *title)
{
	const size_t tail = 4 + 2 * SUM_BYTES + 1;
	char sum[2 * SUM_BYTES + 1];
	struct span end;

	if (text->n < tail)
		return false;
	text->n -= tail;
	end = (struct span){ text->p + text->n, tail };
	sum_text(sum, *text);
	return span_is(span_take(&end, 4), "sum ") && span_is(span_take(&end, 2 * SUM_BYTES), sum) &&
	       span_is(end, "\n") && span_is(span_take_until(text, '\n'), title);
}

/* The value of the next line, whose key must be this one. */
static bool take_line(struct span *text, const char *key, struct span *value)
{
	struct span line = span_take_until(text, '\n');

	if (!span_is(span_take_until(&line, ' '), key))
		return false;
	*value = line;
	return true;
}

static bool take_number(struct span *text, const char *key, uint64_t max, uint64_t *out)
{
	struct span value;

	return take_line(text, key, &value) && span_number(value, max, out);
}

/* --- state ----------------------------------------------------------------- */

void statefile_mailbox(struct buf *out, const struct head *h, struct span name)
{
	buf_printf(out, "%s\n", mailbox_title);
	put_text(out, "name", name);
	buf_printf(out, "role %s\nsubscribed %s\nuidvalidity %u\nuid-floor %u\nmodseq-floor %llu\n",
		   role_names[h->role <= STORE_ROLE_ARCHIVE ? h->role : STORE_ROLE_NONE],
		   h->subscribed ? "yes" : "no", h->uidvalidity, h->uid_floor,
		   (unsigned long long)h->modseq_floor);
	put_sum(out);
}

static bool role_parse(struct span value, uint8_t *role)
{
	for (size_t i = 0; i < sizeof(role_names) / sizeof(role_names[0]); i++)
		if (span_is(value, role_names[i])) {
			*role = (uint8_t)i;
			return true;
		}
	return false;
}

bool statefile_mailbox_parse(struct span text, struct head *h, struct buf *name)
{
	struct span encoded, role, subscribed;
	uint64_t uidvalidity, uid_floor, modseq_floor;

	if (!check_file(&text, mailbox_title) || !take_line(&text, "name", &encoded) ||
	    !take_line(&text, "role", &role) || !role_parse(role, &h->role) ||
	    !take_line(&text, "subscribed", &subscribed) ||
	    !take_number(&text, "uidvalidity", UINT32_MAX, &uidvalidity) ||
	    !take_number(&text, "uid-floor", UINT32_MAX, &uid_floor) ||
	    !take_number(&text, "modseq-floor", INT64_MAX, &modseq_floor))
		return false;
	h->subscribed = span_is(subscribed, "yes");
	h->uidvalidity = (uint32_t)uidvalidity;
	h->uid_floor = (uint32_t)uid_floor;
	h->modseq_floor = modseq_floor;
	return take_text(encoded, name);
}

/* --- flags ----------------------------------------------------------------- */

void statefile_flags_begin(struct flags_writer *w, struct buf *out, const struct span *keywords, size_t count)
{
	*w = (struct flags_writer){ .out = out };
	buf_printf(out, "%s\n", flags_title);
	for (size_t i = 0; i < count; i++)
		put_text(out, "keyword", keywords[i]);
}

/* "FIRST LAST FLAGS KEYWORDS", the keywords as a hexadecimal mask. */
static void flags_flush(struct flags_writer *w)
{
	char letters[sizeof(flag_letters)];
	size_t n = 0;

	if (w->first == 0 || (w->flags == 0 && w->keywords == 0))
		return;
	for (size_t i = 0; flag_letters[i] != '\0'; i++)
		if (w->flags & 1u << i)
			letters[n++] = flag_letters[i];
	letters[n] = '\0';
	buf_printf(w->out, "%u %u -%s %llx\n", w->first, w->last, letters, (unsigned long long)w->keywords);
}

void statefile_flags_add(struct flags_writer *w, uint32_t uid, uint32_t flags, uint64_t keywords)
{
	if (w->first > 0 && w->flags == flags && w->keywords == keywords) {
		w->last = uid; /* UIDs between that are gone do no harm */
		return;
	}
	flags_flush(w);
	w->first = w->last = uid;
	w->flags = flags;
	w->keywords = keywords;
}

void statefile_flags_end(struct flags_writer *w)
{
	flags_flush(w);
	put_sum(w->out);
}

bool statefile_flags_parse(struct flags_reader *r, struct span text)
{
	*r = (struct flags_reader){ .text = text };
	if (!check_file(&r->text, flags_title))
		return false;
	while (span_starts(r->text, "keyword ") && r->keyword_count < STORE_KEYWORDS)
		if (!take_line(&r->text, "keyword", &r->keywords[r->keyword_count++]))
			return false;
	return true;
}

static bool hex_number(struct span text, uint64_t *out)
{
	*out = 0;
	for (size_t i = 0; i < text.n; i++) {
		int digit = ascii_hex(text.p[i]);

		if (digit < 0 || i >= 16)
			return false;
		*out = *out << 4 | (uint64_t)digit;
	}
	return text.n > 0;
}

bool statefile_flags_next(struct flags_reader *r)
{
	struct span line = span_take_until(&r->text, '\n');
	uint64_t first, last;

	if (!span_number(span_take_until(&line, ' '), UINT32_MAX, &first) ||
	    !span_number(span_take_until(&line, ' '), UINT32_MAX, &last))
		return false;
	struct span letters = span_take_until(&line, ' ');

	r->first = (uint32_t)first;
	r->last = (uint32_t)last;
	r->flags = 0;
	for (size_t i = 0; flag_letters[i] != '\0'; i++)
		if (span_find(letters, (uint8_t)flag_letters[i]) >= 0)
			r->flags |= 1u << i;
	return hex_number(line, &r->bits);
}

/* --- annotations ----------------------------------------------------------- */

void statefile_notes_begin(struct buf *out)
{
	buf_printf(out, "%s\n", notes_title);
}

void statefile_note(struct buf *out, struct span entry, struct span value)
{
	put_text(out, "entry", entry);
	put_text(out, "value", value);
}

void statefile_notes_end(struct buf *out)
{
	put_sum(out);
}

bool statefile_notes_parse(struct span text, struct span *rest)
{
	if (!check_file(&text, notes_title))
		return false;
	*rest = text;
	return true;
}

bool statefile_note_next(struct span *rest, struct buf *entry, struct buf *value)
{
	struct span one, other;

	buf_reset(entry);
	buf_reset(value);
	return rest->n > 0 && take_line(rest, "entry", &one) && take_line(rest, "value", &other) &&
	       take_text(one, entry) && take_text(other, value);
}

/* --- account --------------------------------------------------------------- */

void statefile_account(struct buf *out, const struct account_record *a)
{
	buf_printf(out, "%s\nnext-mailbox %u\nuidvalidity %u\n", account_title, a->next_mailbox,
		   a->uidvalidity);
}

void statefile_absent(struct buf *out, struct span name)
{
	put_text(out, "subscribed", name);
}

void statefile_account_end(struct buf *out)
{
	put_sum(out);
}

bool statefile_account_parse(struct span text, struct account_record *a, struct span *rest)
{
	uint64_t next_mailbox, uidvalidity;

	if (!check_file(&text, account_title) ||
	    !take_number(&text, "next-mailbox", UINT32_MAX, &next_mailbox) ||
	    !take_number(&text, "uidvalidity", UINT32_MAX, &uidvalidity))
		return false;
	a->next_mailbox = (uint32_t)next_mailbox;
	a->uidvalidity = (uint32_t)uidvalidity;
	*rest = text;
	return true;
}

bool statefile_absent_next(struct span *rest, struct buf *name)
{
	struct span value;

	buf_reset(name);
	return rest->n > 0 && take_line(rest, "subscribed", &value) && take_text(value, name);
}
