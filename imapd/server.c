/* server.c - the contracts are in server.h and session.h: input, steps, actions, output, time. */
#include "imapd/server.h"

#include <errno.h>
#include <stdlib.h>

#include "imapd/session.h"

enum {
	OUT_MAX = 16 << 20,	/* unsent output plus one item of a reply */
	TURN_WORK = 1500,	/* microseconds or so until others have their turn */
	FINAL_MAX = 2 << 20	/* a tagged reply: COPYUID names sets */
};

/* Not before the handshake of an implicit port: a certificate adds to what is offered. A
 * server that goes down has greeted with BYE (RFC 3501 7.1.5). */
static void greet(struct imap_server *e)
{
	e->greeted = true;
	if (e->closing)
		return;
	buf_put_text(&e->out, "* OK [CAPABILITY ");
	imap_put_capabilities(e, &e->out);
	buf_printf(&e->out, "] %s IMAP server ready\r\n", e->set.hostname);
}

int imap_server_new(struct imap_server **out, const struct imap_settings *settings, uint64_t now_ms,
		    struct error *err)
{
	struct imap_server *e = calloc(1, sizeof(*e));

	*out = NULL;
	if (e == NULL || imap_reader_new(&e->reader, IMAP_SHY_LIMIT, err) != 0 ||
	    arena_new(&e->arena, IMAP_ARENA, ARENA_WIPING, err) != 0) {
		imap_server_free(e);
		return error_set(err, -ENOMEM, "no memory for a session");
	}
	e->set = *settings;
	e->state = IMAP_NOT_AUTH;
	e->secure = settings->secure;
	e->now_ms = e->born_ms = e->heard_ms = now_ms;
	buf_init(&e->out, OUT_MAX);
	buf_init(&e->lent, OUT_MAX);
	buf_init(&e->final, FINAL_MAX);
	buf_init(&e->put, STORE_META_MAX);
	imap_view_init(&e->sel.view);
	*out = e;
	return 0;
}

void imap_server_free(struct imap_server *e)
{
	if (e == NULL)
		return;
	if (e->clear != NULL)
		e->clear(e);
	imap_derive_clear(e);
	imap_notify_free(e);
	imap_view_clear(&e->sel.view);
	imap_ranges_clear(&e->sel.saved);
	free(e->sel.name);
	imap_reader_free(e->reader);
	arena_free(e->arena);
	buf_clear(&e->out);
	buf_clear(&e->lent);
	buf_clear(&e->final);
	buf_clear(&e->put);
	free(e);
}

/* --- what steps use -------------------------------------------------------- */

struct imap_action *imap_ask(struct imap_server *e, enum imap_kind kind, imap_step step)
{
	e->ask = (struct imap_action){ .kind = kind, .number = ++e->last_number };
	e->asked = true;
	e->waiting = e->ask.number;
	e->step = step;
	return &e->ask;
}

enum imap_run imap_wait_line(struct imap_server *e, imap_step step)
{
	e->step = step;
	e->input = IMAP_INPUT_LINE;
	return IMAP_RUN_WAIT;
}

enum imap_run imap_go(struct imap_server *e, imap_step step)
{
	e->step = step;
	return IMAP_RUN_MORE;
}

bool imap_out_full(const struct imap_server *e)
{
	return e->out.n >= IMAP_OUT_MARK || e->work >= TURN_WORK;
}

void imap_body_done(struct imap_server *e)
{
	e->body_close |= e->body_open;
	e->body_open = false;
}

/* --- the command in hand --------------------------------------------------- */

static enum imap_run step_done(struct imap_server *e)
{
	(void)e;
	return IMAP_RUN_DONE;
}

static size_t line_limit(const struct imap_server *e)
{
	return e->state == IMAP_NOT_AUTH && e->set.line_limit > IMAP_SHY_LIMIT ? IMAP_SHY_LIMIT : e->set.line_limit;
}

static void drop_command(struct imap_server *e)
{
	if (e->clear != NULL)
		e->clear(e);
	imap_derive_clear(e);
	imap_body_done(e);
	e->stage_drop |= e->stage_open;
	e->stage_open = false;
	e->clear = NULL;
	e->command = NULL;
	e->data = NULL;
	e->step = NULL;
	e->tag = (struct span){ NULL, 0 };
	e->input = IMAP_INPUT_COMMAND;
	e->looked = e->half = e->tell_highest = e->behind = false;
	e->sel.own_modseq = e->sel.modseq;
	buf_clear(&e->final);
	arena_reset(e->arena);
}

static void clear_command(struct imap_server *e)
{
	drop_command(e);
	e->idling = false;
	e->heard_ms = e->now_ms;
	imap_reader_limit(e->reader, line_limit(e));
	if (imap_reader_left(e->reader) == 0)
		imap_reader_rest(e->reader);
}

static void put_final(struct imap_server *e)
{
	struct span final = buf_span(&e->final);

	buf_put(&e->out, e->tag);
	buf_put_byte(&e->out, ' ');
	if (e->tell_highest && e->state == IMAP_SELECTED && span_starts(final, "OK ")) {
		buf_printf(&e->out, "OK [HIGHESTMODSEQ %llu] ", (unsigned long long)e->sel.modseq);
		span_take(&final, 3);
	}
	buf_put(&e->out, final);
}

/* RFC 5465 3.1: where NOTIFY asked for nothing of the selected mailbox, its own commands alone tell of it. */
static bool looks(const struct imap_server *e)
{
	unsigned flags = e->command != NULL ? e->command->flags : 0;

	if (!imap_notify_selected(e))
		return (flags & C_TELLS) != 0;
	return e->dirty || (e->sel.view.gone.n > 0 && imap_may_expunge(e)) || (flags & C_LOOK) != 0;
}

static void command_over(struct imap_server *e)
{
	if (e->half_line)
		imap_text(e, "\r\n");
	e->half_line = false;
	if (imap_notify_works(e)) {
		drop_command(e);
		imap_notify_over(e);
		return;
	}
	if (e->state == IMAP_SELECTED && looks(e) && !e->looked && !e->closing) {
		e->looked = true;
		imap_sync_run(e, step_done);
		return;
	}
	if (e->final.n > 0 && !e->half)
		put_final(e);
	e->out.failed |= e->final.failed;
	clear_command(e);
}

static void run(struct imap_server *e)
{
	imap_step step = e->step;

	e->work++;
	if (step(e) == IMAP_RUN_DONE)
		command_over(e);
}

/* A look may have used up the hint of store_watch: what it did not tell is looked for when
 * the command ends. */
static void note_news(struct imap_server *e, const struct imap_result *r)
{
	if (r->status != STORE_OK)
		return;
	if (e->ask.kind == IMAP_SYNC)
		imap_notify_saw(e, &r->page->mailbox);
	if (imap_notify_works(e))
		return;
	if (e->ask.kind == IMAP_COMMIT)
		imap_notify_committed(e, r);
	if (e->state != IMAP_SELECTED)
		return;
	if (e->ask.kind == IMAP_FIND || e->ask.kind == IMAP_LIST)
		e->dirty = true;
	else if (e->ask.kind == IMAP_SYNC && !e->sync.begun && r->page->mailbox.id == e->sel.mailbox)
		e->dirty |= r->page->mailbox.modseq > e->sel.own_modseq;
}

void imap_server_done(struct imap_server *e, uint64_t number, const struct imap_result *result)
{
	if (number == 0 || number != e->waiting || e->asked)
		return;
	e->waiting = 0;
	if (e->closing || e->step == NULL)
		return;
	note_news(e, result);
	e->result = result;
	run(e);
	e->result = NULL;
}

/* --- bytes in -------------------------------------------------------------- */

/* For who waits in IDLE. */
static bool has_news(const struct imap_server *e)
{
	return imap_notify_used(e) ? imap_notify_due(e) : e->dirty && e->retry_ms == 0;
}

static bool takes_input(const struct imap_server *e)
{
	if (e->closing || e->start_tls || e->compress || e->waiting != 0 || e->out.n >= IMAP_OUT_MARK)
		return false;
	if (e->input == IMAP_INPUT_LINE)
		return !e->sync.begun && !has_news(e);
	return e->command == NULL ||
	       (e->input == IMAP_INPUT_STREAM && e->step == NULL);
}

static void feed_command(struct imap_server *e, struct span *in)
{
	struct span text;

	switch (imap_reader_feed(e->reader, in, &text)) {
	case IMAP_READ_MORE:
		break;
	case IMAP_READ_COMMAND:
		imap_command_begin(e, text);
		break;
	case IMAP_READ_LITERAL:
		imap_command_literal(e, text);
		break;
	case IMAP_READ_LONG:
		imap_command_bad(e, text, "The command line is too long");
		imap_skip_announced(e);
		break;
	case IMAP_READ_BARE:
		imap_command_bad(e, text, "A lone CR or LF in a command");
		imap_skip_announced(e);
		break;
	case IMAP_READ_LOST:
		imap_bye(e, "[TOOBIG] Too much came behind a command that was refused");
		break;
	}
}

static void feed_line(struct imap_server *e, struct span *in)
{
	enum imap_read status = imap_reader_line(e->reader, in, &e->line);

	if (status == IMAP_READ_MORE)
		return;
	if (status != IMAP_READ_COMMAND)
		e->line = span_of("\r");	/* what no answer is */
	e->input = IMAP_INPUT_COMMAND;
	run(e);
	e->line = (struct span){ NULL, 0 };
}

void imap_server_feed(struct imap_server *e, struct span *in)
{
	if (e->closing)
		span_take(in, in->n);
	if (in->n > 0 && (e->command == NULL || e->step == NULL || e->input != IMAP_INPUT_COMMAND))
		e->heard_ms = e->now_ms;
	while (in->n > 0 && takes_input(e)) {
		if (e->command != NULL && e->input == IMAP_INPUT_LINE)
			feed_line(e, in);
		else if (e->input == IMAP_INPUT_STREAM)
			imap_append_bytes(e, in);
		else
			feed_command(e, in);
	}
}

/* --- actions out ----------------------------------------------------------- */

/* What the shell only has to be told. */
static bool give_order(struct imap_server *e, struct imap_action *a)
{
	*a = (struct imap_action){ .kind = IMAP_WANT_INPUT };
	if (e->late != IMAP_WANT_INPUT) {
		a->kind = IMAP_CANCEL;
		a->late = e->late;
		e->late = IMAP_WANT_INPUT;
	} else if (e->body_close) {
		a->kind = IMAP_BODY_CLOSE;
		e->body_close = false;
	} else if (e->stage_drop) {
		a->kind = IMAP_STAGE_DROP;
		e->stage_drop = false;
	} else if (e->put_wanted) {
		a->kind = IMAP_META_PUT;
		a->put.mailbox = e->sel.mailbox;
		a->put.uid = e->put_uid;
		a->put.meta = buf_span(&e->put);
		e->put_wanted = false;
	} else if (e->watch_wanted) {
		a->kind = IMAP_WATCH;
		e->watch_wanted = false;
	}
	return a->kind != IMAP_WANT_INPUT;
}

static void let_go(struct imap_server *e)
{
	e->lent_at += e->lent_n;
	e->lent_n = 0;
	if (e->lent_at < e->lent.n)
		return;
	buf_reset(&e->lent);
	e->lent_at = 0;
	if (e->command == NULL || e->step == NULL || e->idling) {
		buf_clear(&e->lent);
		if (e->out.n == 0 && !e->out.failed)
			buf_clear(&e->out);
	}
	if (e->put.cap > 0 && !e->put_wanted)
		buf_clear(&e->put);
}

static enum imap_kind reply(struct imap_server *e, struct imap_action *a)
{
	if (e->lent_at == e->lent.n) {
		struct buf empty = e->lent;

		e->lent = e->out;
		e->out = empty;
		buf_reset(&e->out);
		e->lent_at = 0;
	}
	e->lent_n = e->lent.n - e->lent_at;
	if (e->lent_n > IMAP_REPLY_MAX)
		e->lent_n = IMAP_REPLY_MAX;
	a->kind = IMAP_REPLY;
	a->bytes = (struct span){ e->lent.p + e->lent_at, e->lent_n };
	return a->kind;
}

static bool has_output(const struct imap_server *e)
{
	return e->out.n > 0 || e->lent_at < e->lent.n;
}

static bool runnable(const struct imap_server *e)
{
	if (e->closing || e->command == NULL || e->step == NULL || e->waiting != 0)
		return false;
	return e->input != IMAP_INPUT_LINE || e->sync.begun || (e->idling && !imap_notify_used(e) && has_news(e));
}

/* IDLE: news while a line is awaited. */
static void run_news(struct imap_server *e)
{
	if (e->input == IMAP_INPUT_LINE && !e->sync.begun)
		imap_sync_run(e, e->step);
	else
		run(e);
}

static enum imap_kind at_rest(struct imap_server *e, struct imap_action *a)
{
	if (has_output(e))
		return reply(e, a);
	a->kind = IMAP_WANT_INPUT;
	if (e->closing) {
		a->kind = IMAP_CLOSE;
	} else if (e->start_tls && e->waiting == 0) {
		a->kind = IMAP_START_TLS;
	} else if (e->compress) {
		a->kind = IMAP_COMPRESS;
		e->compress = false;
		e->compressed = true;
	}
	e->work = 0;
	return a->kind;
}

enum imap_kind imap_server_next(struct imap_server *e, struct imap_action *a)
{
	let_go(e);
	if (!e->greeted)
		greet(e);
	for (;;) {
		if (e->out.failed) {
			e->closing = e->broken = true;
			buf_clear(&e->out);
		}
		if (give_order(e, a))
			return a->kind;
		if (e->lent_at < e->lent.n || e->out.n >= IMAP_OUT_MARK)
			return reply(e, a);
		imap_progress_tell(e);
		if (e->asked) {
			e->asked = false;
			e->open_until_ms = imap_late_after(e);
			*a = e->ask;
			return a->kind;
		}
		if (!runnable(e) && !imap_notify_begin(e))
			return at_rest(e, a);
		if (e->work >= TURN_WORK) {
			if (has_output(e))
				return reply(e, a);
			e->work = 0;
			a->kind = IMAP_YIELD;
			return a->kind;
		}
		run_news(e);
	}
}

/* --- events ---------------------------------------------------------------- */

void imap_server_certificate(struct imap_server *e)
{
	e->certificate = true;
}

void imap_server_secured(struct imap_server *e)
{
	if (e->start_tls)
		imap_reader_rest(e->reader);
	e->start_tls = false;
	e->secure = true;
}

void imap_server_changed(struct imap_server *e, uint64_t mailbox)
{
	imap_notify_hint(e, mailbox);
	e->retry_ms = 0;
}

void imap_server_end(struct imap_server *e, const char *words)
{
	imap_bye(e, words);
}

void imap_server_ended(struct imap_server *e)
{
	e->ended_ms = e->now_ms + IMAP_ENDED_MS;
}

/* A search is away for a client that may be gone. */
static bool is_forlorn(const struct imap_server *e)
{
	return e->ended_ms != 0 && e->waiting != 0 && e->ask.kind == IMAP_MATCH;
}

/* 0: nothing is awaited of the client. */
static uint64_t idle_deadline(const struct imap_server *e)
{
	bool busy = e->command != NULL && !e->idling && e->input == IMAP_INPUT_COMMAND;

	if (e->state == IMAP_NOT_AUTH)
		return e->born_ms + e->set.login_ms;
	return busy ? 0 : e->heard_ms + e->set.idle_ms;
}

void imap_server_tick(struct imap_server *e, uint64_t now_ms)
{
	uint64_t end = idle_deadline(e);

	e->now_ms = now_ms;
	imap_late_tick(e);
	imap_progress_tick(e);
	if (e->retry_ms != 0 && now_ms >= e->retry_ms)
		e->retry_ms = 0;
	if (end != 0 && now_ms >= end)		/* RFC 3501 5.4 */
		imap_bye(e, e->state == IMAP_NOT_AUTH ? "No login came in time" : "Nothing came for too long");
	if (is_forlorn(e) && now_ms >= e->ended_ms)
		imap_bye(e, "The connection was closed behind a search");
}

uint64_t imap_server_deadline(const struct imap_server *e)
{
	uint64_t end = idle_deadline(e);

	if (e->closing)
		return UINT64_MAX;
	if (end == 0)
		end = imap_is_busy(e) ? e->progress.next_ms : UINT64_MAX;
	if (is_forlorn(e) && e->ended_ms < end)
		end = e->ended_ms;
	if (imap_late_deadline(e) < end)
		end = imap_late_deadline(e);
	return e->retry_ms != 0 && e->retry_ms < end ? e->retry_ms : end;
}

const char *imap_server_mailbox(const struct imap_server *e)
{
	return e->state == IMAP_SELECTED && e->sel.name != NULL ? e->sel.name : "";
}

/* What the client has begun and does not go on with holds nobody up; a message whose rest can't come any more is none. */
bool imap_server_idle(const struct imap_server *e)
{
	if (e->command == NULL || e->idling)
		return true;
	if (e->waiting != 0)
		return false;
	return e->input == IMAP_INPUT_LINE ||
	       (e->input == IMAP_INPUT_STREAM && e->step == NULL && e->ended_ms != 0);
}
