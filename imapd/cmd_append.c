/*
 * cmd_append.c - APPEND (RFC 3501 6.3.11, RFC 4315 3) of one message or several (RFC 3502), and
 * REPLACE (RFC 8508): each message goes into a stage as it comes, all of them into one commit.
 */
#include "imapd/session.h"
#include "mime/parse.h"

enum {
	PIECE = 32 * 1024,
	METAS = 256 * 1024	/* bytes of metadata that wait for the commit; who needs more of it makes it again */
};

/* A message as the command states it. */
struct letter {
	struct imap_flags flags;
	bool has_date;
	int64_t date_s;
	bool binary;		/* literal8 (RFC 3516 4.4) */
	bool utf8;		/* in UTF8 (...) (RFC 6855 4) */
};

struct append {
	struct span name;
	uint64_t mailbox;
	struct imap_set set;		/* REPLACE: what goes */
	struct store_set gone;
	struct letter letter;		/* the one at hand */
	struct imap_literal literal;	/* its size */
	struct mime_parser *parser;
	struct buf piece;
	struct buf meta[IMAP_MUTATIONS];
	size_t metas;			/* bytes in them */
	bool nul;
	enum store_status status;	/* of the first piece that could not be written */
	struct store_mutation *m;	/* IMAP_MUTATIONS of them */
	size_t n;
};

static void clear_append(struct imap_server *e)
{
	struct append *d = e->data;

	mime_parser_free(d->parser);
	buf_clear(&d->piece);
	for (size_t i = 0; i < d->n; i++)
		buf_clear(&d->meta[i]);
}

static bool is_replace(const struct imap_server *e)
{
	return e->command->name[0] == 'R';
}

/* Only one without a literal as its last argument comes here. */
bool imap_parse_append(struct imap_server *e, struct imap_parse *p)
{
	(void)e;
	return imap_parse_fail(p, "the message must be a literal");
}

enum imap_run imap_run_append(struct imap_server *e)
{
	return imap_bad(e, "APPEND: the message must be a literal");
}

/* --- arguments ------------------------------------------------------------- */

/* RFC 8508 3: one message of the selected mailbox. */
static bool parse_replaced(struct imap_parse *p, struct append *d)
{
	if (!imap_parse_set(p, &d->set) || !imap_parse_space(p))
		return false;
	return (d->set.n == 1 && d->set.ranges[0].first == d->set.ranges[0].last && d->set.ranges[0].first != 0) ||
	       imap_parse_fail(p, "one message is replaced by one");
}

static bool parse_target(struct imap_server *e, struct imap_parse *p, struct append *d)
{
	return (!is_replace(e) || parse_replaced(p, d)) && imap_parse_mailbox(p, &d->name);
}

/* What lends from the command is copied: the reader goes on. */
static bool keep_keywords(struct imap_server *e, struct imap_parse *p, struct imap_flags *f)
{
	for (size_t i = 0; i < f->keyword_count; i++) {
		f->keywords[i] = arena_copy(e->arena, f->keywords[i]);
		if (f->keywords[i].p == NULL)
			return imap_parse_fail(p, "the command is too large");
	}
	return true;
}

/* Everything between the mailbox, or the message before, and the literal. */
static bool parse_letter(struct imap_server *e, struct imap_parse *p, struct letter *l)
{
	*l = (struct letter){ .has_date = false };
	if (!imap_parse_space(p))
		return false;
	if (p->in.n > 0 && p->in.p[0] == '(' &&
	    (!imap_parse_flags(p, &l->flags) || !keep_keywords(e, p, &l->flags) || !imap_parse_space(p)))
		return false;
	l->has_date = p->in.n > 0 && p->in.p[0] == '"';
	if (l->has_date && (!imap_parse_date_time(p, &l->date_s) || !imap_parse_space(p)))
		return false;
	if (imap_parse_try_word(p, "UTF8")) {
		l->utf8 = true;
		if (!imap_parse_space(p) || !imap_parse_byte(p, '('))
			return false;
	}
	l->binary = imap_parse_try(p, '~');
	if (l->utf8 && !l->binary)
		return imap_parse_fail(p, "UTF8 takes a literal8");
	return p->in.n == 0 || imap_parse_fail(p, "the message must be a literal");
}

/* The reply to a command whose announced literal is not taken. */
static enum imap_run refused(struct imap_server *e, enum imap_run reply)
{
	struct imap_literal l = imap_reader_literal(e->reader);
	uint64_t bound = e->set.message_limit * 2;

	e->input = IMAP_INPUT_COMMAND;
	if (!l.sync && l.size > bound)
		imap_bye(e, "[TOOBIG] The message is larger than can be skipped");
	else
		imap_reader_refuse(e->reader, bound);
	return reply;
}

/* --- behind the last byte -------------------------------------------------- */

static void put_appenduid(struct buf *out, const struct store_result *r, size_t n)
{
	uint32_t first = r[0].to.ranges[0].first, last = first;

	buf_printf(out, "OK [APPENDUID %u ", r[0].uidvalidity);
	for (size_t i = 1; i <= n; i++) {
		uint32_t uid = i < n ? r[i].to.ranges[0].first : 0;

		if (i < n && uid == last + 1) {
			last = uid;
			continue;
		}
		buf_printf(out, first == last ? "%u" : "%u:%u", first, last);
		buf_put_text(out, i < n ? "," : "] ");
		first = last = uid;
	}
}

static bool all_numbered(const struct store_result *r, size_t count, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (i >= count || r[i].to.count == 0)
			return false;
	return true;
}

static enum imap_run appended(struct imap_server *e)
{
	const struct store_result *r = e->result->commit.results;
	struct append *d = e->data;
	bool numbered;

	if (e->result->status == STORE_NOT_FOUND)
		return imap_done(e, "NO [TRYCREATE] There is no such mailbox");
	if (e->result->status != STORE_OK)
		return imap_no(e, e->result->status);
	e->dirty |= e->state == IMAP_SELECTED;
	e->behind_modseq = e->result->commit.count > 0 ? r[0].modseq : 0;
	numbered = all_numbered(r, e->result->commit.count, d->n);
	if (!is_replace(e)) {
		if (!numbered)
			return imap_done(e, "OK APPEND completed");
		put_appenduid(&e->final, r, d->n);
		return imap_done(e, "APPEND completed");
	}
	e->tell_highest = (e->enabled & IMAP_QRESYNC) != 0;
	if (numbered) {		/* RFC 8508 4.3: before the EXPUNGE */
		imap_text(e, "* ");
		put_appenduid(&e->out, r, d->n);
		imap_text(e, "The new message is there\r\n");
	}
	return imap_done(e, "OK REPLACE completed");
}

static enum imap_run commit(struct imap_server *e)
{
	struct append *d = e->data;
	size_t n = d->n;
	struct imap_action *a;

	if (is_replace(e))
		d->m[n++] = (struct store_mutation){ .change = STORE_EXPUNGE,
						     .mailbox = e->sel.mailbox,
						     .uids = d->gone };
	e->stage_open = false;	/* taken, whatever comes of it */
	a = imap_ask(e, IMAP_COMMIT, appended);
	a->commit.mutations = d->m;
	a->commit.count = n;
	if (e->state == IMAP_SELECTED && d->mailbox == e->sel.mailbox && e->notify == NULL)
		a->commit.then = imap_sync_behind(e);
	return IMAP_RUN_WAIT;
}

static enum imap_run give_final(struct imap_server *e)
{
	(void)e;
	return IMAP_RUN_DONE;
}

/* The message is whole: it waits for the commit. */
static void keep_letter(struct append *d)
{
	struct buf *meta = &d->meta[d->n];

	buf_init(meta, STORE_META_MAX);
	if (mime_parser_finish(d->parser, meta, NULL) != 0 || (d->n > 0 && d->metas + meta->n > METAS))
		buf_clear(meta);	/* derived: made again by who needs it */
	d->metas += meta->n;
	mime_parser_free(d->parser);
	d->parser = NULL;
	d->m[d->n] = (struct store_mutation){ .change = STORE_APPEND,
					      .mailbox = d->mailbox,
					      .flags = d->letter.flags.flags,
					      .keywords = d->letter.flags.keywords,
					      .keyword_count = d->letter.flags.keyword_count,
					      .meta = buf_span(meta),
					      .internal_s = d->letter.has_date ? d->letter.date_s : IMAP_NOW };
	d->n++;
}

static enum imap_run begin_letter(struct imap_server *e);

/* RFC 3502: what stands behind a message may be the next one. */
static enum imap_run next_letter(struct imap_server *e, struct span text)
{
	struct imap_parse p = { text, e->arena, NULL, imap_knows_utf8(e) };
	struct append *d = e->data;

	d->literal = imap_reader_literal(e->reader);
	if (d->n == IMAP_MUTATIONS)
		return refused(e, imap_done(e, "NO [LIMIT] APPEND takes %d messages at once", IMAP_MUTATIONS));
	if (is_replace(e))
		return refused(e, imap_bad(e, "REPLACE takes one message"));
	if (!parse_letter(e, &p, &d->letter))
		return refused(e, imap_bad(e, p.wrong));
	e->step = begin_letter;
	return IMAP_RUN_MORE;
}

static bool is_spoilt(const struct append *d)
{
	return d->nul || d->status != STORE_OK;
}

/* A message that can't be kept: none of the command's is. */
static enum imap_run spoilt(struct imap_server *e)
{
	const struct append *d = e->data;

	if (!d->nul)
		return imap_no(e, d->status);
	if (d->letter.binary)
		return imap_done(e, "NO [UNKNOWN-CTE] Mailboxes keep no NUL");	/* RFC 3516 4.4 */
	return imap_bad(e, "A NUL in the message");	/* RFC 3501 9: CHAR8 */
}

static enum imap_run broken_end(struct imap_server *e)
{
	imap_skip_announced(e);
	return imap_bad(e, "A line too long, or with a lone CR or LF, behind the message");
}

/* Behind the bytes of a message. */
static void behind_letter(struct imap_server *e, struct span *in)
{
	struct append *d = e->data;
	enum imap_read status;
	struct span text;
	bool closed;

	status = imap_reader_feed(e->reader, in, &text);
	if (status == IMAP_READ_MORE)
		return;
	e->step = give_final;
	keep_letter(d);
	closed = !d->letter.utf8 || span_starts(text, ")");
	if (d->letter.utf8 && closed)
		span_take(&text, 1);
	if (status == IMAP_READ_LITERAL) {
		if (!closed)
			refused(e, imap_bad(e, "UTF8: a ) is missing behind the message"));
		else if (is_spoilt(d))
			refused(e, spoilt(e));
		else
			next_letter(e, text);
		return;
	}
	e->input = IMAP_INPUT_COMMAND;
	if (status != IMAP_READ_COMMAND)
		broken_end(e);
	else if (text.n > 0 || !closed)
		imap_bad(e, "What stands behind the message is no other one");
	else if (is_spoilt(d))
		spoilt(e);
	else
		e->step = commit;
}

/* --- the bytes ------------------------------------------------------------- */

static enum imap_run written(struct imap_server *e)
{
	struct append *d = e->data;

	d->status = e->result->status;
	buf_reset(&d->piece);
	e->step = NULL;		/* more input */
	return IMAP_RUN_WAIT;
}

/* RFC 6855 4 not done: 8-bit characters in a header are taken of everyone. Old mail has them, in
 * whatever charset, and who moves it from another server has enabled nothing. */
void imap_append_bytes(struct imap_server *e, struct span *in)
{
	struct append *d = e->data;

	if (imap_reader_left(e->reader) == 0) {
		behind_letter(e, in);
		return;
	}
	buf_put(&d->piece, imap_reader_take(e->reader, in, PIECE - d->piece.n));
	if (d->piece.n < PIECE && imap_reader_left(e->reader) > 0)
		return;
	d->nul |= span_find(buf_span(&d->piece), 0) >= 0;
	mime_parser_feed(d->parser, buf_span(&d->piece));
	if (d->status != STORE_OK) {
		buf_reset(&d->piece);
		return;
	}
	imap_ask(e, IMAP_STAGE_WRITE, written)->bytes = buf_span(&d->piece);
}

static enum imap_run stage_made(struct imap_server *e)
{
	struct append *d = e->data;

	if (e->result->status != STORE_OK)
		return refused(e, imap_no(e, e->result->status));
	e->stage_open = true;
	if (mime_parser_new(&d->parser, NULL, NULL) != 0)
		return refused(e, imap_no_memory(e));
	imap_reader_stream(e->reader);
	e->input = IMAP_INPUT_STREAM;
	e->step = NULL;
	if (d->literal.sync)
		imap_text(e, "+ Go ahead\r\n");
	return IMAP_RUN_WAIT;
}

/* RFC 7889 4: the limit is one message's, not the command's. */
static enum imap_run begin_letter(struct imap_server *e)
{
	struct imap_literal l = ((struct append *)e->data)->literal;

	if (l.size == 0)	/* RFC 3502: so a client gives up */
		return refused(e, imap_done(e, "NO [CANNOT] %s: the message is empty", e->command->name));
	if (l.size == UINT64_MAX)
		return refused(e, imap_bad(e, "The size is not a number, or too large a one"));
	if (l.size > e->set.message_limit)
		return refused(e, imap_done(e, "NO [TOOBIG] The message is larger than this server takes (%llu bytes)",
					    (unsigned long long)e->set.message_limit));
	imap_ask(e, IMAP_STAGE_NEW, stage_made)->size = l.size;
	return IMAP_RUN_WAIT;
}

static enum imap_run found(struct imap_server *e)
{
	struct append *d = e->data;

	if (e->result->status == STORE_NOT_FOUND)
		return refused(e, imap_done(e, "NO [TRYCREATE] There is no such mailbox"));
	if (e->result->status != STORE_OK)
		return refused(e, imap_no(e, e->result->status));
	d->mailbox = e->result->mailbox->id;
	return imap_go(e, begin_letter);
}

static enum imap_run look_for(struct imap_server *e)
{
	struct append *d = e->data;

	if (d->literal.size == 0 || d->literal.size > e->set.message_limit)
		return begin_letter(e);
	if (is_replace(e) && e->sel.read_only)
		return refused(e, imap_done(e, "NO [CANNOT] The mailbox was opened read-only"));
	if (is_replace(e) && !imap_uids(e, &d->set, &d->gone))
		return refused(e, imap_bad(e, "REPLACE: there is no such message"));
	if (is_replace(e) && (d->gone.count == 0 || imap_view_seq(&e->sel.view, d->gone.ranges[0].first) == 0))
		return refused(e, imap_done(e, "NO [NONEXISTENT] There is no such message"));
	imap_ask(e, IMAP_FIND, found)->name = d->name;
	return IMAP_RUN_WAIT;
}

void imap_append_begin(struct imap_server *e, struct imap_parse *p)
{
	struct append *d = arena_alloc(e->arena, sizeof(*d));
	bool ok = d != NULL;

	if (ok) {
		d->literal = imap_reader_literal(e->reader);
		buf_init(&d->piece, PIECE);
		d->m = arena_array(e->arena, IMAP_MUTATIONS + 1, sizeof(*d->m));
		e->clear = clear_append;
		ok = d->m != NULL && parse_target(e, p, d) && parse_letter(e, p, &d->letter);
	}
	e->data = d;
	e->step = ok ? look_for : give_final;
	if (!ok)
		refused(e, imap_bad(e, p->wrong != NULL ? p->wrong : "not understood"));
}
