/*
 * search_page.c - which messages of a page answer: what records tell at once, what metadata tell
 * for the whole page, and then bodies, some at a time; both as jobs (search_job.h).
 */
#include "imapd/search.h"

static enum imap_run next_stage(struct imap_server *e);

/* --- what records tell ----------------------------------------------------- */

/* Looks keywords up for the page. */
static void find_keywords(struct search *s)
{
	for (struct search_key *k = s->job->all; k != NULL; k = k->listed) {
		if (k->op != SEARCH_KEYWORD && k->op != SEARCH_UNKEYWORD)
			continue;
		k->keyword = 0;
		for (size_t i = 0; i < s->page.keyword_count && i < STORE_KEYWORDS; i++)
			if (span_equal_nocase(s->page.keywords[i], k->name))
				k->keyword = UINT64_C(1) << i;
	}
}

static bool is_recent(const struct imap_server *e, const struct search *s, size_t i)
{
	return s->job->asks_recent && imap_view_is_recent(&e->sel.view, s->page.records[i].uid);
}

static enum imap_run look_at_records(struct imap_server *e)
{
	struct search *s = e->data;

	for (; s->at < s->page.count; s->at++) {
		if (imap_out_full(e))
			return IMAP_RUN_MORE;
		e->work += (unsigned)(s->job->keys / 32) + (s->at % 8 == 0);
		s->answers[s->at] = search_answer(s->job, &s->page.records[s->at], is_recent(e, s, s->at));
	}
	s->at = 0;
	return imap_go(e, next_stage);
}

/* --- jobs ------------------------------------------------------------------ */

/* Metadata that the job worked out go to the store, one after another. */
static enum imap_run put_made(struct imap_server *e)
{
	struct search *s = e->data;
	const struct search_job *j = s->job;

	if (s->put_at == j->made_n)
		return imap_go(e, next_stage);
	buf_reset(&e->put);
	buf_put(&e->put, (struct span){ j->made_bytes.p + s->put_from, j->made[s->put_at].n });
	e->put_uid = j->made[s->put_at].uid;
	e->put_wanted = !e->put.failed;
	s->put_from += j->made[s->put_at++].n;
	return IMAP_RUN_MORE;
}

static enum imap_run matched(struct imap_server *e)
{
	struct search *s = e->data;
	const struct search_job *j = s->job;

	s->put_at = s->put_from = 0;
	if (e->result->status != STORE_OK)
		return imap_no(e, e->result->status);
	for (size_t i = 0; i < j->n; i++) {
		const struct search_item *item = &j->items[i];

		/* behind the first that is enough nobody looked */
		s->answers[s->asked[i]] = j->bodies && item->answer == SEARCH_OPEN && !j->first ? SEARCH_NO : item->answer;
		s->missing |= item->status == STORE_NOT_FOUND;
		if (item->status != STORE_OK && item->status != STORE_NOT_FOUND && item->status != STORE_CORRUPT)
			s->failed = item->status;
	}
	return imap_go(e, put_made);
}

static enum imap_run ask(struct imap_server *e)
{
	struct imap_action *a = imap_ask(e, IMAP_MATCH, matched);

	a->match.mailbox = e->sel.mailbox;
	a->match.job = ((struct search *)e->data)->job;
	return IMAP_RUN_WAIT;
}

/* Those that are open, as far as they may go into one job. */
static void gather(struct imap_server *e, bool bodies)
{
	struct search *s = e->data;
	uint64_t bytes = 0;

	search_job_begin(s->job, bodies);
	for (size_t i = 0; i < s->page.count; i++) {
		const struct store_record *r = &s->page.records[i];

		if (s->answers[i] == SEARCH_YES && s->job->first)
			break;
		if (s->answers[i] != SEARCH_OPEN)
			continue;
		bytes += r->size;
		if (bodies && bytes > SEARCH_BODY_BYTES && s->job->n > 0)
			break;
		if (!search_job_add(s->job, r, is_recent(e, s, i)))
			break;
		s->asked[s->job->n - 1] = (uint16_t)i;
	}
}

static enum imap_run next_stage(struct imap_server *e)
{
	struct search *s = e->data;

	if (s->failed != STORE_OK)
		return imap_no(e, s->failed);
	gather(e, s->bodies);
	e->work += STORE_PAGE_RECORDS / 64;
	if (s->job->n > 0 && !s->bodies) {
		s->bodies = true;	/* what metadata leave open */
		return ask(e);
	}
	return s->job->n > 0 ? ask(e) : imap_go(e, s->after_page);
}

enum imap_run search_page_run(struct imap_server *e, imap_step after)
{
	struct search *s = e->data;

	find_keywords(s);
	s->at = 0;
	s->after_page = after;
	s->bodies = !s->job->asks_meta;
	e->work += (unsigned)s->page.count / 16;
	return imap_go(e, look_at_records);
}
