/* tell.c - the contract is in tell.h. */
#include "deliverd/tell.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/escape.h"
#include "common/base/log.h"
#include "deliverd/content.h"
#include "deliverd/engine.h"
#include "deliverd/report.h"
#include "deliverd/schedule.h"
#include "mime/header.h"
#include "mime/parse.h"

enum {
	HEADER_MAX = 64 * 1024,		/* of the original's that comes along */
	TEXT_MAX = 2 << 20,		/* of ours */
	PIECE = 32 * 1024,
	NAMES = 200			/* accounts, and remotes, that a sender may stand for */
};

struct tell {
	struct link link;		/* of those that wait for their turn */
	bool running;			/* it has its turn */
	struct deliverd *d;
	struct job *job;
	tell_done done;
	void *arg;
	char id[STORE_ID_MAX];
	struct report_recipient *recipients;
	size_t count;
	enum report_kind kind;		/* the gravest */
	bool sender_wanted, copy_wanted;
	uint64_t question;		/* to authd */
	bool sender_known, copy_known;
	struct arena *memory;
	struct store_recipient *to;	/* NAMES, made when it is known whom */
	size_t to_count;
	struct store_remote *remotes;
	size_t remote_count;
	bool whole;
	struct content *content;
	struct buf original;
	struct buf text;
	size_t written;
	struct store_stage *stage;
};

/* --- what there is to tell ------------------------------------------------------- */

static bool kind_of(const struct job *j, const struct job_rcpt *r, enum report_kind *kind)
{
	bool waits = r->fate == QUEUE_DEFERRED || r->fate == QUEUE_UNTRIED;

	if (r->fate == QUEUE_FAILED)
		*kind = REPORT_FAILURE;
	else if (waits && (j->q.why & QUEUE_NOTICE) != 0)
		*kind = REPORT_DELAY;
	else if (r->fate == QUEUE_DELIVERED && (r->relayed || store_remote_is_here(&r->to.to)))
		*kind = REPORT_SUCCESS;
	else
		return false;
	return true;
}

static bool copy_of(const struct deliverd *d, const struct job *j, enum report_kind kind, bool wanted)
{
	if ((j->q.envelope.flags & STORE_MAIL_REPORT) != 0)
		return kind == REPORT_FAILURE && d->conf->copies != CONF_COPIES_NONE;
	return d->conf->copies == CONF_COPIES_ALL ? wanted || kind == REPORT_FAILURE
						  : d->conf->copies == CONF_COPIES_FAILURES && kind == REPORT_FAILURE;
}

static void add_recipient(struct tell *t, const struct job_rcpt *r, enum report_kind kind)
{
	const struct job *j = t->job;

	t->recipients[t->count++] = (struct report_recipient){
		.address = r->to.to.address,
		.original = store_remote_is_here(&r->to.to) ? (struct span){ NULL, 0 } : r->to.to.original,
		.orcpt = r->to.to.orcpt,
		.kind = kind,
		.relayed = r->relayed,
		.status = r->status,
		.words = r->words,
		.host = r->host,
		.last_try_s = r->fate == QUEUE_UNTRIED ? 0 : deliverd_now_s(),
		.retry_until_s = kind == REPORT_DELAY ? j->q.created_s + t->d->conf->lifetime_s : 0,
	};
	if (t->count == 1 || kind < t->kind)
		t->kind = kind;
}

/* Those that somebody is to hear of. */
static size_t collect(struct deliverd *d, struct job *j, struct tell *t)
{
	size_t count = 0;

	for (size_t i = 0; i < j->count; i++) {
		const struct job_rcpt *r = &j->rcpts[i];
		enum report_kind kind;
		bool wanted, copy;

		if (!kind_of(j, r, &kind))
			continue;
		wanted = report_wanted(&r->to.to, j->q.sender, j->q.envelope.flags, kind);
		copy = copy_of(d, j, kind, wanted);
		if (!wanted && !copy)
			continue;
		count++;
		if (t == NULL)
			continue;
		t->sender_wanted |= wanted;
		t->copy_wanted |= copy;
		add_recipient(t, r, kind);
	}
	return count;
}

/* As smtpd's, but longer, so that it is none of theirs. */
void tell_id(struct deliverd *d, char out[STORE_ID_MAX])
{
	static const char signs[] = "0123456789abcdefghjkmnpqrstvwxyz";
	uint64_t bits = (uint64_t)clock_real_ms() << 20 | (d->serial++ & 0xfffff);

	out[0] = 'd';
	for (int i = 13; i >= 1; i--, bits >>= 5)
		out[i] = signs[bits & 31];
	out[14] = '\0';
}

/* --- life ------------------------------------------------------------------------- */

static void ask_next(struct tell *t);

/* Texts lie in memory while they are written: so only some at a time. */
static void next_turn(struct deliverd *d)
{
	struct link *l;

	while (d->telling < TELL_OPEN && (l = link_take(&d->tells)) != NULL) {
		struct tell *t = LINK_OF(l, struct tell, link);

		t->running = true;
		d->telling++;
		ask_next(t);
	}
}

void tell_free(struct tell *t)
{
	struct deliverd *d;

	if (t == NULL)
		return;
	d = t->d;
	t->job->tell = NULL;
	link_remove(&t->link);
	if (t->running)
		d->telling--;
	auth_cancel(d->auth, t->question);
	store_stage_free(t->stage);
	content_free(t->content);
	buf_clear(&t->original);
	buf_clear(&t->text);
	arena_free(t->memory);
	free(t->recipients);
	free(t->to);
	free(t->remotes);
	free(t);
	if (!d->over)
		next_turn(d);
}

/* It can't be told now: once more, later. */
static void try_later(struct tell *t)
{
	struct job *j = t->job;

	schedule_again(t->d->schedule, j);
	tell_free(t);
}

static void nothing(struct tell *t)
{
	tell_done done = t->done;
	void *arg = t->arg;

	tell_free(t);
	done(arg, NULL);
}

/* --- the message -------------------------------------------------------------------- */

static const char *const kinds[] = { [REPORT_FAILURE] = "failure", [REPORT_DELAY] = "delay",
				     [REPORT_SUCCESS] = "success" };

static void note_for_log(struct tell *t)
{
	char to[400], line[600];

	escape_text(to, sizeof(to), t->job->q.sender);
	snprintf(line, sizeof(line), "id=%s about=%s to=<%s> kind=%s", t->id, t->job->q.envelope.id, to, kinds[t->kind]);
	t->job->notice = arena_text(t->job->memory, span_of(line));
}

static bool has_8bit(struct span text)
{
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] >= 0x80)
			return true;
	return false;
}

static void put_meta(struct tell *t, struct buf *meta)
{
	struct mime_parser *p;

	buf_init(meta, STORE_META_MAX);
	if (mime_parser_new(&p, NULL, NULL) < 0)
		return;		/* worked out again by who first needs it */
	mime_parser_feed(p, buf_span(&t->text));
	if (mime_parser_finish(p, meta, NULL) < 0)
		buf_reset(meta);
	mime_parser_free(p);
}

static void hand_over(struct tell *t)
{
	struct job *j = t->job;
	bool utf8 = has_8bit(j->q.sender);
	struct store_envelope e = {
		.id = t->id,
		.flags = STORE_MAIL_REPORT | (has_8bit(buf_span(&t->text)) ? STORE_MAIL_8BIT : 0u) |
			 (utf8 ? STORE_MAIL_UTF8 : 0u),
	};
	struct store_delivery notice = {
		.stage = t->stage,
		.recipients = t->to,
		.count = t->to_count,
		.envelope = t->remote_count > 0 ? &e : NULL,
		.remotes = t->remotes,
		.remote_count = t->remote_count,
	};
	struct buf meta;

	put_meta(t, &meta);
	notice.meta = buf_span(&meta);
	note_for_log(t);
	t->stage = NULL;
	t->done(t->arg, &notice);
	buf_clear(&meta);
	tell_free(t);
}

static void write_on(void *arg)
{
	struct tell *t = arg;

	while (t->written < t->text.n) {
		struct span piece = { t->text.p + t->written, t->text.n - t->written };
		int r;

		if (!store_stage_ready(t->stage))
			return;
		if (piece.n > PIECE)
			piece.n = PIECE;
		r = store_stage_write(t->stage, piece);
		if (r == -EAGAIN)
			return;
		if (r < 0) {
			try_later(t);
			return;
		}
		t->written += piece.n;
	}
	hand_over(t);
}

static void build(struct tell *t)
{
	struct job *j = t->job;
	struct span original = buf_span(&t->original);
	struct span header = { original.p, mime_header_end(original) };
	struct report r = {
		.hostname = t->d->conf->hostname,
		.id = t->id,
		.about = &j->q.envelope,
		.to = j->q.sender,
		.arrived_s = j->q.created_s,
		.now_s = deliverd_now_s(),
		.size = j->q.size,
		.recipients = t->recipients,
		.count = t->count,
		.whole = t->whole,
		.lifetime_s = t->d->conf->lifetime_s,
	};
	struct error err;

	buf_init(&t->text, TEXT_MAX + original.n);
	if (t->to_count > 0)	/* RFC 5321 4.4: where it ends; content.h leaves it out of what goes on */
		buf_put_text(&t->text, "Return-Path: <>\r\n");
	report_begin(&r, header, &t->text);
	buf_put(&t->text, t->whole ? original : header);
	report_end(&r, &t->text);
	if (t->text.failed || store_stage_new(t->d->store, &t->stage, t->text.n, write_on, t, &err) < 0) {
		try_later(t);
		return;
	}
	write_on(t);
}

/* --- the original ------------------------------------------------------------------- */

static void read_on(void *arg)
{
	struct tell *t = arg;
	struct span piece;
	struct error err;
	int r;

	while ((r = content_next(t->content, &piece, &err)) == 1) {
		size_t most = t->whole ? SIZE_MAX : HEADER_MAX;
		size_t room = t->original.n < most ? most - t->original.n : 0;

		if (piece.n > room)
			piece.n = room;
		buf_put(&t->original, piece);
		if (!t->whole && (room <= piece.n || mime_header_end(buf_span(&t->original)) < t->original.n))
			break;
	}
	if (r == -EAGAIN)
		return;
	if (r < 0 || t->original.failed) {	/* the sender hears of it without the message */
		log_error("queue entry unreadable id=%s", t->job->q.envelope.id);
		buf_reset(&t->original);
		t->whole = false;
	}
	build(t);
}

static void read_original(struct tell *t)
{
	const struct job *j = t->job;
	struct content_source s = {
		.loop = t->d->loop, .fd = j->fd, .form = CONTENT_AS_IS, .scratch = t->d->piece, .wake = read_on, .arg = t
	};

	/* RFC 3461 4.3; larger and binary ones never, RFC 3461 6.2: of others only the header */
	t->whole = t->kind == REPORT_FAILURE && j->q.size <= t->d->conf->report_size &&
		   (j->q.envelope.flags & (STORE_MAIL_RET_HEADERS | STORE_MAIL_BINARY)) == 0;
	buf_init(&t->original, t->whole ? (size_t)j->q.size + 1 : HEADER_MAX);
	t->content = content_new(&s);
	if (t->content == NULL)
		try_later(t);
	else
		read_on(t);
}

/* --- who is told --------------------------------------------------------------------- */

static bool keep_text(struct tell *t, const char *text, struct span *out)
{
	*out = arena_copy(t->memory, span_of(text));
	return out->p != NULL || *text == '\0';
}

static bool add_account(struct tell *t, const char *account)
{
	struct store_recipient *r = &t->to[t->to_count];

	for (size_t i = 0; i < t->to_count; i++)
		if (span_is(t->to[i].account, account))
			return true;
	if (t->to_count == NAMES)
		return true;
	r->address = t->job->q.sender;
	t->to_count++;
	return keep_text(t, account, &r->account);
}

static bool add_remote(struct tell *t, const struct auth_remote *from)
{
	struct store_remote *r = &t->remotes[t->remote_count];

	if (t->remote_count == NAMES)
		return true;
	*r = (struct store_remote){ .notify = STORE_NOTIFY_NEVER };
	t->remote_count++;
	return keep_text(t, from->address, &r->address) && keep_text(t, from->original, &r->original);
}

static bool add_resolved(struct tell *t, const struct auth_resolved *r)
{
	bool good = true;

	for (size_t i = 0; i < r->count; i++)
		good = add_account(t, r->targets[i].account) && good;
	for (size_t i = 0; i < r->remote_count; i++)
		good = add_remote(t, &r->remotes[i]) && good;
	return good;
}

static void resolved(void *arg, enum auth_status status, const struct auth_resolved *r)
{
	struct tell *t = arg;
	char to[400];

	t->question = 0;
	if (t->to == NULL)
		t->to = calloc(NAMES, sizeof(*t->to));
	if (t->remotes == NULL)
		t->remotes = calloc(NAMES, sizeof(*t->remotes));
	if (t->to == NULL || t->remotes == NULL || (status == AUTH_OK && !add_resolved(t, r)))
		status = AUTH_TRY_LATER;
	if (status == AUTH_NOT_LOCAL && !t->sender_known) {
		t->remotes[t->remote_count++] = (struct store_remote){ .address = t->job->q.sender,
								       .notify = STORE_NOTIFY_NEVER };
	} else if (status == AUTH_NO_USER || status == AUTH_NOT_LOCAL) {
		log_info("report not sent about=%s to=<%s> reason=\"no such user here\"", t->job->q.envelope.id,
			 escape_text(to, sizeof(to), t->sender_known ? span_of("postmaster") : t->job->q.sender));
	} else if (status != AUTH_OK) {
		try_later(t);
		return;
	}
	if (t->sender_known)
		t->copy_known = true;
	t->sender_known = true;
	ask_next(t);
}

static void ask_next(struct tell *t)
{
	struct span whom = t->sender_known ? span_of("postmaster") : t->job->q.sender, none = { NULL, 0 };

	if (t->sender_known && t->copy_known) {
		if (t->to_count + t->remote_count > 0)
			read_original(t);
		else
			nothing(t);
		return;
	}
	t->question = auth_resolve(t->d->auth, whom, none, resolved, t);
	if (t->question == 0)
		try_later(t);
}

static struct tell *tell_new(struct deliverd *d, struct job *j, size_t count)
{
	struct tell *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->d = d;
	t->job = j;
	j->tell = t;
	link_init(&t->link);
	tell_id(d, t->id);
	t->recipients = calloc(count, sizeof(*t->recipients));
	if (t->recipients == NULL || arena_new(&t->memory, 256 * 1024, ARENA_PLAIN, NULL) < 0) {
		tell_free(t);
		return NULL;
	}
	return t;
}

bool tell_begin(struct deliverd *d, struct job *j, tell_done done, void *arg)
{
	size_t count = collect(d, j, NULL);
	struct tell *t;

	if (count == 0)
		return false;
	t = tell_new(d, j, count);
	if (t == NULL) {
		schedule_again(d->schedule, j);
		return true;
	}
	t->done = done;
	t->arg = arg;
	collect(d, j, t);
	t->sender_known = !t->sender_wanted;
	t->copy_known = !t->copy_wanted;
	link_append(&d->tells, &t->link);
	next_turn(d);
	return true;
}
