/* cmd_sort.c - SORT (RFC 5256), SORT=DISPLAY (RFC 5957), ESORT (RFC 5267 3).
 *
 * What is found becomes a row of values, one for each criterion; the rows are ordered in turns. */
#include <string.h>

#include "imapd/merge.h"
#include "imapd/search.h"
#include "imapd/value.h"

enum {
	SORT_CRITERIA = 16,
	SORT_ROWS = 128 << 20,		/* bytes of all rows, ... */
	SORT_TEXTS = 64 << 20,		/* ... and of all texts in them */
	SORT_STEPS = 256		/* comparisons between two looks at the clock */
};

enum sort_value {
	SORT_ARRIVAL,
	SORT_CC,
	SORT_DATE,
	SORT_DISPLAYFROM,
	SORT_DISPLAYTO,
	SORT_FROM,
	SORT_SIZE,
	SORT_SUBJECT,
	SORT_TO
};

struct sort_criterion {
	enum sort_value value;
	bool reverse;
};

struct sort {
	struct search search;		/* first: the search works on e->data */
	struct sort_criterion by[SORT_CRITERIA];
	size_t n;
	struct buf rows;		/* n + 1 numbers each: values, and the UID */
	struct buf texts;		/* a value of text lies here: its length, its bytes */
	struct merge merge;
	size_t told;
};

static void clear_sort(struct imap_server *e)
{
	struct sort *s = e->data;

	buf_clear(&s->rows);
	buf_clear(&s->texts);
	merge_clear(&s->merge);
	search_clear(e);
}

/* --- parsing --------------------------------------------------------------- */

static bool parse_criterion(struct imap_parse *p, struct sort *s)
{
	static const char *const names[] = {
		[SORT_ARRIVAL] = "ARRIVAL", [SORT_CC] = "CC",		    [SORT_DATE] = "DATE",
		[SORT_DISPLAYFROM] = "DISPLAYFROM", [SORT_DISPLAYTO] = "DISPLAYTO", [SORT_FROM] = "FROM",
		[SORT_SIZE] = "SIZE",		    [SORT_SUBJECT] = "SUBJECT",	    [SORT_TO] = "TO",
	};
	struct sort_criterion c = { .reverse = imap_parse_try_word(p, "REVERSE") };

	if (c.reverse && !imap_parse_space(p))
		return false;
	if (s->n == SORT_CRITERIA)
		return imap_parse_fail(p, "too many criteria");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!imap_parse_try_word(p, names[i]))
			continue;
		c.value = (enum sort_value)i;
		s->by[s->n++] = c;
		s->search.wants_meta |= c.value != SORT_ARRIVAL && c.value != SORT_SIZE;
		return true;
	}
	return imap_parse_fail(p, "no such criterion");
}

static bool parse_criteria(struct imap_parse *p, struct sort *s)
{
	if (!imap_parse_byte(p, '('))
		return false;
	do {
		if (!parse_criterion(p, s))
			return false;
	} while (imap_parse_try(p, ' '));
	return imap_parse_byte(p, ')') && imap_parse_space(p);
}

bool imap_parse_sort(struct imap_server *e, struct imap_parse *p)
{
	struct sort *s = arena_alloc(e->arena, sizeof(*s));
	bool ok;

	e->data = s;
	if (s == NULL)
		return imap_parse_fail(p, "the command is too large");
	ok = (!imap_parse_try_word(p, "RETURN") ||
	      (search_parse_return(p, &s->search.give) && imap_parse_space(p))) &&
	     parse_criteria(p, s) && search_parse_program(p, &s->search);
	if (!ok)
		clear_sort(e);	/* it never runs */
	return ok;
}

/* --- rows ------------------------------------------------------------------ */

/* So that numbers below zero come first. */
static uint64_t of_time(int64_t real_s)
{
	return (uint64_t)real_s ^ UINT64_C(1) << 63;
}

static bool is_text(enum sort_value v)
{
	return v != SORT_ARRIVAL && v != SORT_DATE && v != SORT_SIZE;
}

static void put_text(const struct search_message *m, enum sort_value v, struct buf *out)
{
	switch (v) {
	case SORT_CC:
		imap_value_mailbox(m->meta, MIME_FIELD_CC, out);
		break;
	case SORT_FROM:
		imap_value_mailbox(m->meta, MIME_FIELD_FROM, out);
		break;
	case SORT_TO:
		imap_value_mailbox(m->meta, MIME_FIELD_TO, out);
		break;
	case SORT_DISPLAYFROM:
		imap_value_display(m->meta, MIME_FIELD_FROM, m->scratch, out);
		break;
	case SORT_DISPLAYTO:
		imap_value_display(m->meta, MIME_FIELD_TO, m->scratch, out);
		break;
	default:
		imap_value_subject(m->meta, m->scratch, out);
		break;
	}
}

/* Where it lies in texts. */
static uint64_t keep_text(struct sort *s, enum sort_value v)
{
	size_t at = s->texts.n;
	uint32_t n = 0;

	buf_put(&s->texts, (struct span){ (const uint8_t *)&n, sizeof(n) });
	put_text(&s->search.m, v, &s->texts);
	if (s->texts.failed)
		return 0;
	n = (uint32_t)(s->texts.n - at - sizeof(n));
	memcpy(s->texts.p + at, &n, sizeof(n));
	return at;
}

static bool take(struct imap_server *e)
{
	struct sort *s = e->data;
	const struct search_message *m = &s->search.m;
	uint64_t row[SORT_CRITERIA + 1];

	for (size_t i = 0; i < s->n; i++) {
		enum sort_value v = s->by[i].value;

		row[i] = is_text(v)	    ? keep_text(s, v) :
			 v == SORT_SIZE	    ? m->record->size :
			 v == SORT_ARRIVAL ? of_time(m->record->internal_s) :
					      of_time(imap_value_sent(m->meta, m->record));
	}
	row[s->n] = m->record->uid;
	buf_put(&s->rows, (struct span){ (const uint8_t *)row, (s->n + 1) * sizeof(row[0]) });
	e->work += 2 * (unsigned)s->n;
	return !s->rows.failed && !s->texts.failed;
}

static const uint64_t *row_at(const struct sort *s, uint32_t i)
{
	return (const uint64_t *)(const void *)s->rows.p + i * (s->n + 1);
}

static struct span text_at(const struct sort *s, uint64_t at)
{
	uint32_t n;

	memcpy(&n, s->texts.p + at, sizeof(n));
	return (struct span){ s->texts.p + at + sizeof(n), n };
}

static int compare_texts(struct span a, struct span b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int d = n > 0 ? memcmp(a.p, b.p, n) : 0;

	return d != 0 ? d : (a.n > b.n) - (a.n < b.n);
}

static int compare(const void *arg, uint32_t a, uint32_t b)
{
	const struct sort *s = arg;
	const uint64_t *x = row_at(s, a), *y = row_at(s, b);

	for (size_t i = 0; i < s->n; i++) {
		int d = is_text(s->by[i].value) ? compare_texts(text_at(s, x[i]), text_at(s, y[i])) :
						  (x[i] > y[i]) - (x[i] < y[i]);

		if (d != 0)
			return s->by[i].reverse ? -d : d;
	}
	return 0;
}

/* --- telling --------------------------------------------------------------- */

static enum imap_run tell(struct imap_server *e)
{
	struct sort *s = e->data;

	for (; s->told < s->merge.n; s->told++) {
		uint32_t uid = (uint32_t)row_at(s, s->merge.order[s->told])[s->n];

		if (imap_out_full(e))
			return IMAP_RUN_MORE;
		e->work += s->told % 8 == 0;
		if (s->search.give.extended) {
			if (imap_ranges_push(&s->search.found.uids, uid) != 0)
				return imap_no_memory(e);
			continue;
		}
		imap_text(e, " ");
		imap_put_number(&e->out, e->uid ? uid : imap_view_seq(&e->sel.view, uid));
	}
	return s->search.give.extended ? search_tell(e) : search_classic_end(e);
}

static enum imap_run order(struct imap_server *e)
{
	struct sort *s = e->data;

	while (!merge_go(&s->merge, SORT_STEPS)) {
		e->work += SORT_STEPS / 8;
		if (imap_out_full(e))
			return IMAP_RUN_MORE;
	}
	if (!s->search.give.extended) {
		e->half_line = true;
		imap_text(e, "* SORT");
	}
	return imap_go(e, tell);
}

static enum imap_run found_all(struct imap_server *e)
{
	struct sort *s = e->data;

	if (merge_init(&s->merge, s->rows.n / ((s->n + 1) * sizeof(uint64_t)), compare, s) != 0)
		return imap_no_memory(e);
	return imap_go(e, order);
}

enum imap_run imap_run_sort(struct imap_server *e)
{
	struct sort *s = e->data;

	e->clear = clear_sort;
	buf_init(&s->rows, SORT_ROWS);
	buf_init(&s->texts, SORT_TEXTS);
	s->search.take = take;
	s->search.finish = found_all;
	return search_start(e);
}
