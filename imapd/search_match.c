/* search_match.c - does a message answer the keys? (RFC 3501 6.4.4) */
#include "imapd/search_job.h"

#include <string.h>

#include "common/base/clock.h"
#include "mime/charset.h"
#include "mime/header.h"
#include "mime/words.h"

static enum search_answer yes(bool b)
{
	return b ? SEARCH_YES : SEARCH_NO;
}

/* The day of INTERNALDATE as FETCH shows it, whatever its time and zone. */
static int64_t internal_day(int64_t real_s)
{
	char text[CLOCK_TEXT];
	struct span in, month, year;
	uint64_t d = 1, y = 1970;

	clock_imap_text(text, real_s);
	in = span_of(text);
	span_number(span_trim(span_take_until(&in, '-')), 31, &d);
	month = span_take_until(&in, '-');
	year = span_take_until(&in, ' ');
	span_number(year, 9999, &y);
	return clock_days((int64_t)y, clock_month(month), (unsigned)d);
}

static int compare_day(int64_t real_s, int64_t day)
{
	int64_t about = real_s / 86400, exact;

	if (about < day - 2)
		return -1;
	if (about > day + 2)
		return 1;
	exact = internal_day(real_s);
	return (exact > day) - (exact < day);
}

static enum search_answer sent(const struct search_key *k, const struct search_job *j)
{
	struct mime_date date;

	if (!j->has_meta)
		return SEARCH_OPEN;
	if (!mime_meta_sent(&j->meta, &date))
		return SEARCH_NO;
	return yes(k->op == SEARCH_SENTBEFORE ? date.day < k->day :
		   k->op == SEARCH_SENTON     ? date.day == k->day :
						date.day >= k->day);
}

/* Most values hold no encoded word. */
static struct span decoded(struct span value, struct buf *scratch)
{
	if (value.n == 0 || memmem(value.p, value.n, "=?", 2) == NULL)
		return value;
	buf_reset(scratch);
	mime_words_decode(value, mime_charset_convert, NULL, scratch);
	return buf_span(scratch);
}

static bool find_in(const struct search_key *k, struct span value, struct buf *scratch)
{
	bool found;

	mime_search_reset(k->needle);
	found = mime_search_feed(k->needle, decoded(value, scratch));
	mime_search_reset(k->needle);
	return found;
}

static enum search_answer field(struct search_job *j, const struct search_key *k)
{
	struct span value;

	if (!j->has_meta)
		return SEARCH_OPEN;
	return yes(mime_meta_field(&j->meta, k->field, &value) && (k->empty || find_in(k, value, &j->scratch)));
}

static enum search_answer answer(struct search_job *j, const struct search_key *k, const struct search_item *item);

static enum search_answer all_of(struct search_job *j, const struct search_key *k, const struct search_item *item)
{
	enum search_answer all = SEARCH_YES;

	for (const struct search_key *i = k->first; i != NULL; i = i->next) {
		enum search_answer one = answer(j, i, item);

		if (one == SEARCH_NO)
			return SEARCH_NO;
		if (one == SEARCH_OPEN)
			all = SEARCH_OPEN;
	}
	return all;
}

static enum search_answer any_of(struct search_job *j, const struct search_key *k, const struct search_item *item)
{
	enum search_answer any = SEARCH_NO;

	for (const struct search_key *i = k->first; i != NULL; i = i->next) {
		enum search_answer one = answer(j, i, item);

		if (one == SEARCH_YES)
			return SEARCH_YES;
		if (one == SEARCH_OPEN)
			any = SEARCH_OPEN;
	}
	return any;
}

static enum search_answer answer(struct search_job *j, const struct search_key *k, const struct search_item *item)
{
	const struct store_record *r = item->record;
	enum search_answer inner;

	switch (k->op) {
	case SEARCH_ALL:
		return SEARCH_YES;
	case SEARCH_AND:
		return all_of(j, k, item);
	case SEARCH_OR:
		return any_of(j, k, item);
	case SEARCH_NOT:
		inner = answer(j, k->first, item);
		return inner == SEARCH_OPEN ? SEARCH_OPEN : yes(inner == SEARCH_NO);
	case SEARCH_NUMBERS:
	case SEARCH_UIDS:
		return yes(imap_set_has(&k->uids, r->uid));
	case SEARCH_EMAILID:
		return yes(memcmp(k->guid, r->guid, STORE_GUID) == 0);
	case SEARCH_NEVER:
		return SEARCH_NO;
	case SEARCH_FLAG:
		return yes((r->flags & k->flags) == k->flags);
	case SEARCH_UNFLAG:
		return yes((r->flags & k->flags) == 0);
	case SEARCH_KEYWORD:
		return yes((r->keywords & k->keyword) != 0);
	case SEARCH_UNKEYWORD:
		return yes((r->keywords & k->keyword) == 0);
	case SEARCH_RECENT:
		return yes(item->recent);
	case SEARCH_BEFORE:
		return yes(compare_day(r->internal_s, k->day) < 0);
	case SEARCH_ON:
		return yes(compare_day(r->internal_s, k->day) == 0);
	case SEARCH_SINCE:
		return yes(compare_day(r->internal_s, k->day) >= 0);
	case SEARCH_SAVEDBEFORE:
		return yes(compare_day(r->saved_s, k->day) < 0);
	case SEARCH_SAVEDON:
		return yes(compare_day(r->saved_s, k->day) == 0);
	case SEARCH_SAVEDSINCE:
		return yes(compare_day(r->saved_s, k->day) >= 0);
	case SEARCH_OLDER:
		return yes(r->internal_s <= j->now_s - (int64_t)k->size);
	case SEARCH_YOUNGER:
		return yes(r->internal_s >= j->now_s - (int64_t)k->size);
	case SEARCH_MODSEQ:
		return yes(r->modseq >= k->size);
	case SEARCH_SENTBEFORE:
	case SEARCH_SENTON:
	case SEARCH_SENTSINCE:
		return sent(k, j);
	case SEARCH_LARGER:
		return yes(r->size > k->size);
	case SEARCH_SMALLER:
		return yes(r->size < k->size);
	case SEARCH_FIELD:
		return field(j, k);
	case SEARCH_HEADER:
	case SEARCH_BODY:
	case SEARCH_TEXT:
		return k->found ? SEARCH_YES : j->read ? SEARCH_NO : SEARCH_OPEN;
	}
	return SEARCH_NO;
}

enum search_answer search_answer(struct search_job *j, const struct store_record *r, bool recent)
{
	const struct search_item item = { .record = r, .recent = recent };

	j->has_meta = j->read = false;
	return answer(j, j->root, &item);
}

enum search_answer search_answer_item(struct search_job *j, const struct search_item *item)
{
	return answer(j, j->root, item);
}

/* --- text that was read ---------------------------------------------------- */

bool search_wants(const struct search_job *j, enum search_op op)
{
	for (const struct search_key *k = j->reading; k != NULL; k = k->reading)
		if (k->op == op && !k->found)
			return true;
	return false;
}

void search_forget(struct search_job *j)
{
	for (struct search_key *k = j->reading; k != NULL; k = k->reading)
		k->found = false;
	search_text_begins(j);
}

void search_text_begins(struct search_job *j)
{
	for (struct search_key *k = j->reading; k != NULL; k = k->reading)
		mime_search_reset(k->needle);
}

void search_show_text(struct search_job *j, struct span utf8)
{
	for (struct search_key *k = j->reading; k != NULL; k = k->reading)
		if ((k->op == SEARCH_BODY || k->op == SEARCH_TEXT) && !k->found)
			k->found = mime_search_feed(k->needle, utf8);
}

static void show_field(struct search_job *j, const struct mime_header_field *f, struct span value)
{
	for (struct search_key *k = j->reading; k != NULL; k = k->reading) {
		if (k->found || (k->op != SEARCH_HEADER && k->op != SEARCH_TEXT))
			continue;
		if (k->op == SEARCH_HEADER && !j->outer)
			continue;
		if (k->op == SEARCH_HEADER && !span_equal_nocase(k->name, f->name))
			continue;
		if (k->op == SEARCH_HEADER && k->empty) {
			k->found = true;
			continue;
		}
		mime_search_reset(k->needle);
		if (k->op == SEARCH_TEXT) {
			mime_search_feed(k->needle, f->name);
			mime_search_feed(k->needle, span_of(": "));
		}
		k->found = mime_search_feed(k->needle, value);
	}
}

static bool wants_field(const struct search_job *j, struct span name)
{
	for (const struct search_key *k = j->reading; k != NULL; k = k->reading)
		if (!k->found && (k->op == SEARCH_TEXT || (k->op == SEARCH_HEADER && j->outer && span_equal_nocase(k->name, name))))
			return true;
	return false;
}

/* Most values are one line. */
static struct span unfolded(struct span value, struct buf *to)
{
	struct span line = value;

	if (line.n > 0 && line.p[line.n - 1] == '\n')
		line.n--;
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	if (line.n == 0 || (memchr(line.p, '\n', line.n) == NULL && memchr(line.p, '\r', line.n) == NULL &&
			    memchr(line.p, '\0', line.n) == NULL))
		return span_trim(line);
	buf_reset(to);
	mime_header_unfold(value, to);
	return buf_span(to);
}

bool search_show_field(struct search_job *j, struct span *header)
{
	struct mime_header_field f;
	struct span value;

	if (!mime_header_next(header, &f))
		return false;
	if (!wants_field(j, f.name))
		return true;
	value = unfolded(f.value, &j->unfolded);
	show_field(j, &f, decoded(value, &j->scratch));
	return true;
}
