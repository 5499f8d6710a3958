/* cmd_append.c - APPEND (RFC 3501 6.3.11, RFC 4315 3): the message goes into a stage as it comes. */
#include "imapd/session.h"
#include "mime/parse.h"

enum { PIECE = 32 * 1024 };

struct append {
	struct span name;
	struct imap_flags flags;
	bool has_date;
	int64_t date_s;
	struct imap_literal literal;
	struct mime_parser *parser;
	struct buf piece, meta;
	bool nul;
	enum store_status status;	/* of the first piece that could not be written */
	struct store_mutation m;
};

static void clear_append(struct imap_server *e)
{
	struct append *d = e->data;

	mime_parser_free(d->parser);
	buf_clear(&d->piece);
	buf_clear(&d->meta);
}

/* Only an APPEND without a literal as its last argument comes here. */
bool imap_parse_append(struct imap_server *e, struct imap_parse *p)
{
	(void)e;
	return imap_parse_fail(p, "the message must be a literal");
}

enum imap_run imap_run_append(struct imap_server *e)
{
	return imap_bad(e, "APPEND: the message must be a literal");
}

/* Everything in front of the message. What lends from the command is copied: the reader
 * goes on. */
static bool parse_arguments(struct imap_server *e, struct imap_parse *p, struct append *d)
{
	if (!imap_parse_mailbox(p, &d->name) || !imap_parse_space(p))
		return false;
	if (p->in.n > 0 && p->in.p[0] == '(' && (!imap_parse_flags(p, &d->flags) || !imap_parse_space(p)))
		return false;
	for (size_t i = 0; i < d->flags.keyword_count; i++) {
		d->flags.keywords[i] = arena_copy(e->arena, d->flags.keywords[i]);
		if (d->flags.keywords[i].p == NULL)
			return imap_parse_fail(p, "the command is too large");
	}
	d->has_date = p->in.n > 0 && p->in.p[0] == '"';
	if (d->has_date && (!imap_parse_date_time(p, &d->date_s) || !imap_parse_space(p)))
		return false;
	return p->in.n == 0 || imap_parse_fail(p, "the message must be a literal");
}

static enum imap_run refused(struct imap_server *e, enum imap_run reply)
{
	if (e->input != IMAP_INPUT_STREAM)
		imap_reader_refuse(e->reader, e->set.message_limit * 2);
	return reply;
}

/* --- behind the last byte -------------------------------------------------- */

static enum imap_run appended(struct imap_server *e)
{
	const struct store_result *r = e->result->commit.results;

	if (e->result->status == STORE_NOT_FOUND)
		return imap_done(e, "NO [TRYCREATE] There is no such mailbox");
	if (e->result->status != STORE_OK)
		return imap_no(e, e->result->status);
	e->dirty |= e->state == IMAP_SELECTED;
	if (e->result->commit.count == 0 || r->to.count == 0)
		return imap_done(e, "OK APPEND completed");
	return imap_done(e, "OK [APPENDUID %u %u] APPEND completed", r->uidvalidity, r->to.ranges[0].first);
}

static enum imap_run commit(struct imap_server *e)
{
	struct append *d = e->data;
	struct imap_action *a;

	buf_init(&d->meta, STORE_META_MAX);
	if (mime_parser_finish(d->parser, &d->meta, NULL) != 0)
		buf_reset(&d->meta);		/* derived: made again by who needs it */
	d->m.change = STORE_APPEND;
	d->m.flags = d->flags.flags;
	d->m.keywords = d->flags.keywords;
	d->m.keyword_count = d->flags.keyword_count;
	d->m.meta = buf_span(&d->meta);
	d->m.internal_s = d->has_date ? d->date_s : IMAP_NOW;
	e->stage_open = false;	/* taken, whatever comes of it */
	a = imap_ask(e, IMAP_COMMIT, appended);
	a->commit.mutations = &d->m;
	a->commit.count = 1;
	return IMAP_RUN_WAIT;
}

static enum imap_run give_final(struct imap_server *e)
{
	(void)e;
	return IMAP_RUN_DONE;
}

/* What stands behind the message: nothing, one message a command (RFC 3502 is not offered). */
static void end_of_command(struct imap_server *e, struct span *in)
{
	struct append *d = e->data;
	enum imap_read status;
	struct span text;

	status = imap_reader_feed(e->reader, in, &text);
	if (status == IMAP_READ_MORE)
		return;
	e->input = IMAP_INPUT_COMMAND;
	e->step = give_final;
	if (status == IMAP_READ_LITERAL)
		imap_reader_refuse(e->reader, e->set.message_limit * 2);
	else if (status != IMAP_READ_COMMAND)
		imap_skip_announced(e);
	if (status != IMAP_READ_COMMAND || text.n > 0)
		imap_bad(e, "APPEND takes one message and nothing behind it");
	else if (d->nul)
		imap_bad(e, "APPEND: a NUL in the message");
	else if (d->status != STORE_OK)
		imap_no(e, d->status);
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

void imap_append_bytes(struct imap_server *e, struct span *in)
{
	struct append *d = e->data;

	if (imap_reader_left(e->reader) == 0) {
		end_of_command(e, in);
		return;
	}
	buf_put(&d->piece, imap_reader_take(e->reader, in, PIECE - d->piece.n));
	if (d->piece.n < PIECE && imap_reader_left(e->reader) > 0)
		return;
	d->nul |= span_find(buf_span(&d->piece), 0) >= 0;	/* RFC 3501 9: CHAR8 */
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
	buf_init(&d->piece, PIECE);
	imap_reader_stream(e->reader);
	e->input = IMAP_INPUT_STREAM;
	e->step = NULL;
	if (d->literal.sync)
		imap_text(e, "+ Go ahead\r\n");
	return IMAP_RUN_WAIT;
}

static enum imap_run found(struct imap_server *e)
{
	struct append *d = e->data;

	if (e->result->status == STORE_NOT_FOUND)
		return refused(e, imap_done(e, "NO [TRYCREATE] There is no such mailbox"));
	if (e->result->status != STORE_OK)
		return refused(e, imap_no(e, e->result->status));
	d->m.mailbox = e->result->mailbox->id;
	imap_ask(e, IMAP_STAGE_NEW, stage_made)->size = d->literal.size;
	return IMAP_RUN_WAIT;
}

static enum imap_run look_for(struct imap_server *e)
{
	struct append *d = e->data;

	imap_ask(e, IMAP_FIND, found)->name = d->name;
	return IMAP_RUN_WAIT;
}

void imap_append_begin(struct imap_server *e, struct imap_parse *p)
{
	struct append *d = arena_alloc(e->arena, sizeof(*d));
	bool ok = d != NULL && parse_arguments(e, p, d);
	struct imap_literal l = imap_reader_literal(e->reader);
	uint64_t bound = e->set.message_limit * 2;

	e->data = d;
	e->step = give_final;
	if (d != NULL)
		e->clear = clear_append;
	if (ok && l.size > 0 && l.size <= e->set.message_limit) {
		d->literal = l;
		e->step = look_for;
		return;
	}
	if (!l.sync && l.size > bound) {
		imap_bye(e, "[TOOBIG] The message is larger than can be skipped");
		return;
	}
	imap_reader_refuse(e->reader, bound);
	if (!ok)
		imap_bad(e, p->wrong != NULL ? p->wrong : "APPEND: not understood");
	else if (l.size == 0)
		imap_done(e, "NO APPEND: the message is empty");
	else if (l.size == UINT64_MAX)
		imap_bad(e, "APPEND: the size is not a number, or too large a one");
	else
		imap_done(e, "NO [TOOBIG] The message is larger than this server takes (%llu bytes)",
			  (unsigned long long)e->set.message_limit);
}
