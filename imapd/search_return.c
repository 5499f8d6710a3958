/* search_return.c - the options of RETURN, and ESEARCH (RFC 4731, RFC 9394 3, RFC 5182). */
#include "imapd/search.h"

/* --- parsing --------------------------------------------------------------- */

/* "-" stands before both numbers or before none (RFC 9394 4). */
static bool parse_partial(struct imap_parse *p, struct search_return *r)
{
	uint64_t a, b;

	if (!imap_parse_space(p))
		return false;
	r->from_end = imap_parse_try(p, '-');
	if (!imap_parse_nz_number(p, UINT32_MAX, &a) || !imap_parse_byte(p, ':'))
		return false;
	if (r->from_end && !imap_parse_byte(p, '-'))
		return false;
	if (!imap_parse_nz_number(p, UINT32_MAX, &b))
		return false;
	r->written = (struct store_range){ (uint32_t)a, (uint32_t)b };
	return true;
}

static bool parse_option(struct imap_parse *p, struct search_return *r)
{
	static const struct {
		const char *name;
		enum search_want want;
	} options[] = {
		{ "MIN", SEARCH_WANT_MIN },	{ "MAX", SEARCH_WANT_MAX },   { "ALL", SEARCH_WANT_ALL },
		{ "COUNT", SEARCH_WANT_COUNT }, { "SAVE", SEARCH_WANT_SAVE }, { "PARTIAL", SEARCH_WANT_PARTIAL },
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if (!imap_parse_try_word(p, options[i].name))
			continue;
		if (options[i].want == SEARCH_WANT_PARTIAL && (r->want & SEARCH_WANT_PARTIAL) != 0)
			return imap_parse_fail(p, "PARTIAL stands there twice");
		r->want |= options[i].want;
		return options[i].want != SEARCH_WANT_PARTIAL || parse_partial(p, r);
	}
	return imap_parse_fail(p, "no such return option");
}

bool search_parse_return(struct imap_parse *p, struct search_return *r)
{
	if (!imap_parse_space(p) || !imap_parse_byte(p, '('))
		return false;
	r->extended = true;
	if (!imap_parse_try(p, ')')) {
		do {
			if (!parse_option(p, r))
				return false;
		} while (imap_parse_try(p, ' '));
		if (!imap_parse_byte(p, ')'))
			return false;
	}
	if (r->want == 0)
		r->want = SEARCH_WANT_ALL;	/* RFC 4731 3.1 */
	if ((r->want & SEARCH_WANT_ALL) != 0 && (r->want & SEARCH_WANT_PARTIAL) != 0)
		return imap_parse_fail(p, "PARTIAL and ALL can't be had together");	/* RFC 9394 3.1 */
	return true;
}

/* --- what was found -------------------------------------------------------- */

bool search_take(struct search *s, const struct store_record *r)
{
	struct search_found *f = &s->found;

	if (f->count > 0 && f->uids.r[f->uids.n - 1].last == r->uid)
		return true;	/* MIN is MAX, too */
	if (f->count == 0)
		f->first_modseq = r->modseq;
	f->last_modseq = r->modseq;
	if (r->modseq > f->highest)
		f->highest = r->modseq;
	f->count++;
	if (s->modseq && (s->give.want & SEARCH_WANT_PARTIAL) != 0)
		buf_put(&f->modseqs, (struct span){ (const uint8_t *)&r->modseq, sizeof(r->modseq) });
	return imap_ranges_add(&f->uids, r->uid, r->uid) == 0 && !f->modseqs.failed;
}

/* Which of the found messages PARTIAL means, counted from 0; false: none. */
static bool part_of(const struct search *s, uint32_t *from, uint32_t *n)
{
	uint32_t a = s->give.written.first, b = s->give.written.last, count = s->found.count;
	uint32_t low = a < b ? a : b, high = a < b ? b : a;

	*from = *n = 0;
	if (low > count)
		return false;
	if (high > count)
		high = count;
	*n = high - low + 1;
	*from = s->give.from_end ? count - high : low - 1;
	return true;
}

/* n of the UIDs from the from-th on. False: no memory. */
static bool cut(struct imap_server *e, const struct imap_ranges *all, uint32_t from, uint32_t n, struct store_set *out)
{
	struct store_range *r = arena_array(e->arena, all->n + 1, sizeof(*r));
	size_t kept = 0;

	if (r == NULL)
		return false;
	for (size_t i = 0; i < all->n && n > 0; i++) {
		uint32_t size = all->r[i].last - all->r[i].first + 1, first = all->r[i].first;

		if (from >= size) {
			from -= size;
			continue;
		}
		first += from;
		size = size - from < n ? size - from : n;
		from = 0;
		n -= size;
		r[kept++] = (struct store_range){ first, first + (size - 1) };
	}
	*out = (struct store_set){ r, kept };
	return true;
}

static uint64_t part_modseq(const struct search *s)
{
	const uint64_t *modseqs = (const uint64_t *)(const void *)s->found.modseqs.p;
	uint64_t highest = 0;
	uint32_t from, n;

	part_of(s, &from, &n);
	for (uint32_t i = from; i < from + n; i++)
		if (modseqs[i] > highest)
			highest = modseqs[i];
	return highest;
}

/* RFC 4731 3.2: the highest mod-sequence of the messages that are told. */
static uint64_t told_modseq(const struct search *s)
{
	const struct search_found *f = &s->found;
	unsigned want = s->give.want;
	uint64_t highest = 0;

	if ((want & (SEARCH_WANT_ALL | SEARCH_WANT_COUNT)) != 0 || s->take != NULL)
		return f->highest;
	if ((want & SEARCH_WANT_PARTIAL) != 0)
		highest = part_modseq(s);
	if ((want & SEARCH_WANT_MIN) != 0 && f->first_modseq > highest)
		highest = f->first_modseq;
	if ((want & SEARCH_WANT_MAX) != 0 && f->last_modseq > highest)
		highest = f->last_modseq;
	return highest;
}

static bool keep(struct imap_ranges *to, const struct store_range *r, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (imap_ranges_push(to, r[i].first) != 0)
			return false;
		else
			to->r[to->n - 1].last = r[i].last;
	return true;
}

/* RFC 5182 2.4, RFC 9394 3.2: what "$" means from here on. */
static bool save(struct imap_server *e, struct search *s)
{
	struct imap_ranges *to = &e->sel.saved, *found = &s->found.uids;
	unsigned want = s->give.want;
	struct store_range end;
	bool ok = true;

	imap_ranges_clear(to);
	if ((want & (SEARCH_WANT_ALL | SEARCH_WANT_COUNT)) != 0 || want == SEARCH_WANT_SAVE) {
		ok = keep(to, found->r, found->n);
	} else if (found->n > 0) {
		ok = keep(to, s->told.ranges, s->told.count);	/* PARTIAL */
		end = (struct store_range){ found->r[0].first, found->r[0].first };
		ok = ok && ((want & SEARCH_WANT_MIN) == 0 || keep(to, &end, 1));
		end = (struct store_range){ found->r[found->n - 1].last, found->r[found->n - 1].last };
		ok = ok && ((want & SEARCH_WANT_MAX) == 0 || keep(to, &end, 1));
	}
	to->n = imap_ranges_sort(to->r, to->n);
	return ok;
}

/* --- telling --------------------------------------------------------------- */

static uint32_t number(const struct imap_server *e, uint32_t uid)
{
	return e->uid ? uid : imap_view_seq(&e->sel.view, uid);
}

static enum imap_run tell_end(struct imap_server *e)
{
	struct search *s = e->data;

	if ((s->give.want & SEARCH_WANT_PARTIAL) != 0)
		imap_text(e, s->told.count == 0 ? " NIL)" : ")");
	if (s->modseq && s->found.count > 0)
		buf_printf(&e->out, " MODSEQ %llu", (unsigned long long)told_modseq(s));
	imap_text(e, "\r\n");
	e->half_line = false;
	return imap_go(e, search_over);
}

/* UIDs in a row are numbers in a row; numbers may be so where UIDs are not. */
static enum imap_run tell_ranges(struct imap_server *e)
{
	struct search *s = e->data;
	struct store_set one = { NULL, 1 };

	while (s->told_at < s->told.count) {
		struct store_range r = s->told.ranges[s->told_at];

		if (imap_out_full(e))
			return IMAP_RUN_MORE;
		imap_text(e, s->told_at == 0 ? " " : ",");
		r = (struct store_range){ number(e, r.first), number(e, r.last) };
		while (++s->told_at < s->told.count && number(e, s->told.ranges[s->told_at].first) == r.last + 1)
			r.last = number(e, s->told.ranges[s->told_at].last);
		one.ranges = &r;
		imap_set_write(&one, &e->out);
		e->work++;
	}
	return imap_go(e, tell_end);
}

static void tell_partial(struct imap_server *e, const struct search_return *r)
{
	const char *sign = r->from_end ? "-" : "";

	buf_printf(&e->out, " PARTIAL (%s%u:%s%u", sign, r->written.first, sign, r->written.last);
}

static void tell_begin(struct imap_server *e, const struct search *s)
{
	const struct search_found *f = &s->found;
	unsigned want = s->give.want;

	imap_text(e, "* ESEARCH (TAG \"");
	buf_put(&e->out, e->tag);
	imap_text(e, e->uid ? "\") UID" : "\")");
	if ((want & SEARCH_WANT_MIN) != 0 && f->count > 0)
		buf_printf(&e->out, " MIN %u", number(e, f->uids.r[0].first));
	if ((want & SEARCH_WANT_MAX) != 0 && f->count > 0)
		buf_printf(&e->out, " MAX %u", number(e, f->uids.r[f->uids.n - 1].last));
	if ((want & SEARCH_WANT_COUNT) != 0)
		buf_printf(&e->out, " COUNT %u", f->count);
	if ((want & SEARCH_WANT_ALL) != 0 && f->count > 0)
		imap_text(e, " ALL");
	if ((want & SEARCH_WANT_PARTIAL) != 0)
		tell_partial(e, &s->give);
}

enum imap_run search_tell(struct imap_server *e)
{
	struct search *s = e->data;
	uint32_t from, n;

	if ((s->give.want & SEARCH_WANT_ALL) != 0)
		s->told = (struct store_set){ s->found.uids.r, s->found.uids.n };
	else if ((s->give.want & SEARCH_WANT_PARTIAL) != 0 && part_of(s, &from, &n) &&
		 !cut(e, &s->found.uids, from, n, &s->told))
		return imap_no_memory(e);
	if ((s->give.want & SEARCH_WANT_SAVE) != 0 && !save(e, s))
		return imap_done(e, "NO [NOTSAVED] There is no memory to keep what was found");	/* RFC 5182 2.3 */
	s->saving = false;
	if (s->give.want == SEARCH_WANT_SAVE)
		return imap_go(e, search_over);
	tell_begin(e, s);
	e->half_line = true;
	return imap_go(e, tell_ranges);
}
