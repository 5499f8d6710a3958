/*
 * session_message.c - a message of a session: its trace lines, its body, into the store.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/escape.h"
#include "common/base/log.h"
#include "smtpd/header_watch.h"
#include "smtpd/received.h"
#include "smtpd/session_parts.h"

enum {
	TRACE_MAX = 4096,	/* bytes of the lines that we put in front */
	LOG_TO_MAX = 700	/* bytes of a log line for whom a message is for */
};

enum smtp_result session_from_store(enum store_status st)
{
	switch (st) {
	case STORE_OK:
		return SMTP_DONE;
	case STORE_OVER_QUOTA:
		return SMTP_OVER_QUOTA;
	case STORE_TRY_LATER:
		return SMTP_FULL;
	case STORE_LIMIT:
		return SMTP_TOO_LARGE;
	default:
		return SMTP_TRY_LATER;
	}
}

static void stage_ready(void *arg)
{
	struct session *s = arg;

	if (s->number != 0)
		session_answer(s, SMTP_DONE, NULL);
}

/* The one recipient: what a stranger wrote behind RCPT TO, not where one of ours has it sent on. */
static const char *recipient_text(const struct session *s, char out[AUTH_ADDRESS_MAX])
{
	struct span shown = transaction_to(&s->t, 0);

	snprintf(out, AUTH_ADDRESS_MAX, "%.*s", (int)shown.n, (const char *)shown.p);
	return out;
}

static void write_trace(struct session *s, struct buf *out)
{
	const struct tls_facts *tls = conn_tls(s->conn);
	bool hide = *s->account != '\0' && config_bool(conn_config(s->conn), CONFIG_HIDE_CLIENT);
	char date[CLOCK_TEXT], recipient[AUTH_ADDRESS_MAX];
	struct received r = {
		.hostname = conn_hostname(s->conn),
		.helo = smtp_server_helo(s->engine),
		.peer = hide || *config_listen_path(conn_listen(s->conn)) != '\0' ? NULL : conn_peer(s->conn),
		.esmtp = smtp_server_is_esmtp(s->engine),
		.authenticated = *s->account != '\0',
		.utf8 = smtp_server_is_utf8(s->engine),
		.lmtp = session_is_lmtp(s),
		.stays_here = s->t.count > 0,
		.id = s->t.id,
		.sender = smtp_server_sender(s->engine),
		.date = date,
	};

	clock_mail_text(date, clock_real_ms() / 1000);
	if (tls != NULL) {
		r.tls_protocol = tls->protocol;
		r.tls_cipher = tls->cipher;
		r.tls_group = tls->group;
		r.client_cert = conn_client_fingerprint(s->conn);
	}
	if (smtp_server_recipients(s->engine) == 1 && s->t.count + transaction_away(&s->t) == 1)
		r.recipient = recipient_text(s, recipient);
	received_write(&r, out);
	snprintf(s->date_line, sizeof(s->date_line), "Date: %s\r\n", date);
	s->own_message_id[0] = '\0';
	if (*s->account != '\0')
		snprintf(s->own_message_id, sizeof(s->own_message_id), "<%s@%s>", s->t.id, conn_hostname(s->conn));
	snprintf(s->message_id_line, sizeof(s->message_id_line), "Message-ID: %s\r\n", s->own_message_id);
	smtp_server_defaults(s->engine, s->date_line, s->message_id_line);
}

static enum smtp_result from_write(int r)
{
	return r == 0 ? SMTP_DONE : r == -EFBIG ? SMTP_TOO_LARGE : r == -ENOSPC ? SMTP_FULL : SMTP_TRY_LATER;
}

static enum smtp_result begin_body(struct session *s)
{
	uint64_t limit = (uint64_t)config_number(conn_config(s->conn), CONFIG_MESSAGE_LIMIT);
	struct error err;
	struct buf trace;
	int r;

	transaction_name(&s->t, clock_real_ms(), worker_number(s->daemon->worker), s->daemon->serial++);
	r = store_stage_new(s->daemon->store, &s->t.stage, limit + TRACE_MAX + SMTP_HEADER_MAX, stage_ready, s, &err);
	if (r == 0)
		r = mime_parser_new(&s->t.parser, NULL, &err);
	if (r < 0) {
		log_error("ICID %llu no room for a message: %s", (unsigned long long)conn_id(s->conn), err.words);
		return SMTP_TRY_LATER;
	}
	buf_init(&trace, TRACE_MAX);
	write_trace(s, &trace);
	r = transaction_write(&s->t, buf_span(&trace));
	buf_clear(&trace);
	return from_write(r);
}

void session_body_begin(struct session *s)
{
	session_answer(s, begin_body(s), NULL);
}

void session_body(struct session *s, const struct smtp_action *a)
{
	int r = transaction_write(&s->t, a->bytes);

	if (r == 0 && !store_stage_ready(s->t.stage))
		return;		/* stage_ready answers */
	session_answer(s, from_write(r), NULL);
}

/* As it is shown: in angle brackets, escaped. */
static const char *message_id_of(const struct session *s)
{
	const char *seen = smtp_server_message_id(s->engine);

	return *seen != '\0' ? seen : s->own_message_id;
}

/* " to=<a@b> to=<c@d> more=7": whom it is for, each once, as far as a line has room. */
static void put_recipients(const struct session *s, struct buf *out)
{
	size_t more = 0, count = transaction_count(&s->t);
	char one[PATH_ADDRESS_MAX + 16];

	for (size_t i = 0; i < count; i++) {
		char address[PATH_ADDRESS_MAX + 8];

		snprintf(one, sizeof(one), " to=<%s>", escape_text(address, sizeof(address), transaction_to(&s->t, i)));
		if (memmem(out->p, out->n, one, strlen(one)) != NULL)
			continue;
		if (out->n + strlen(one) > LOG_TO_MAX)
			more++;
		else
			buf_put_text(out, one);
	}
	if (more > 0)
		buf_printf(out, " more=%zu", more);
}

static void log_accepted(struct session *s)
{
	char from[PATH_ADDRESS_MAX + 8], message_id[2 * WATCH_VALUE];
	struct buf to;

	escape_text(from, sizeof(from), span_of(smtp_server_sender(s->engine)));
	escape_text(message_id, sizeof(message_id), span_of(message_id_of(s)));
	buf_init(&to, 2 * LOG_TO_MAX);
	put_recipients(s, &to);
	log_info("ICID %llu message accepted id=%s from=<%s> recipients=%zu accounts=%zu remotes=%zu message-id=%s "
		 "size=%llu%.*s",
		 (unsigned long long)conn_id(s->conn), s->t.id, from, smtp_server_recipients(s->engine), s->t.count,
		 transaction_away(&s->t), *message_id != '\0' ? message_id : "<>", (unsigned long long)s->size, (int)to.n,
		 (const char *)to.p);
	buf_clear(&to);
}

static void delivered(void *arg, enum store_status st, const char *words)
{
	struct session *s = arg;
	char id[sizeof(s->t.id)], from[PATH_ADDRESS_MAX + 8];

	s->store_op = 0;
	memcpy(id, s->t.id, sizeof(id));
	if (st == STORE_OK) {
		s->daemon->done++;
		log_accepted(s);
	} else {
		log_warn("ICID %llu message not stored id=%s from=<%s> reason=\"%s\"",
			 (unsigned long long)conn_id(s->conn), id,
			 escape_text(from, sizeof(from), span_of(smtp_server_sender(s->engine))),
			 words != NULL ? words : "");
	}
	transaction_clear(&s->t);
	session_answer(s, session_from_store(st), id);
}

/* Nothing is kept of it, nor of whom it was for. */
static void refuse(struct session *s, enum smtp_result result)
{
	transaction_clear(&s->t);
	session_answer(s, result, NULL);
}

/* RFC 5321 6.3: what goes on from an address of ours has not been there yet. */
static bool is_loop(const struct session *s)
{
	struct span seen;
	bool whole = smtp_server_delivered(s->engine, &seen);

	return whole ? transaction_loops(&s->t, seen) : transaction_forwards(&s->t);
}

/* RFC 6532 3.2: what needs SMTPUTF8 may stand in the header of a part as well. */
static unsigned flags_of(const struct session *s)
{
	bool utf8 = smtp_server_is_utf8(s->engine) && mime_parser_is_utf8(s->t.parser);

	return smtp_server_flags(s->engine) | (utf8 ? STORE_MAIL_UTF8 : 0);
}

static void session_deliver(struct session *s)
{
	const struct store_envelope envelope = {
		.account = span_of(s->account),
		.envid = span_of(smtp_server_envid(s->engine)),
		.message_id = span_of(message_id_of(s)),
		.flags = flags_of(s),
	};

	s->store_op = transaction_deliver(&s->t, s->daemon->store, &envelope, delivered, s);
	if (s->store_op == 0)
		refuse(s, SMTP_TRY_LATER); /* the next message must not go to these recipients too */
}

/* RFC 2033 4.2: the others get it. */
static void refuse_some(struct session *s, struct store_set over)
{
	bool refused[SMTP_LMTP_RECIPIENTS] = { false };

	transaction_refuse(&s->t, over, refused, SMTP_LMTP_RECIPIENTS);
	for (size_t i = 0; i < SMTP_LMTP_RECIPIENTS; i++)
		if (refused[i])
			smtp_server_refused(s->engine, i);
	log_info("ICID %llu message refused for some id=%s reason=over-quota left=%zu",
		 (unsigned long long)conn_id(s->conn), s->t.id, transaction_count(&s->t));
}

static void room_for_each(void *arg, enum store_status st, struct store_set over)
{
	struct session *s = arg;

	s->store_op = 0;
	if (st == STORE_OVER_QUOTA)
		refuse_some(s, over);
	if (st != STORE_OK && st != STORE_OVER_QUOTA)
		refuse(s, session_from_store(st));
	else if (transaction_count(&s->t) == 0)
		refuse(s, SMTP_OVER_QUOTA);
	else
		session_deliver(s);
}

/* Each recipient is answered for itself: who has room? */
static void ask_each(struct session *s)
{
	struct store_recipient *to = transaction_recipients(&s->t, 0);

	if (to != NULL)
		s->store_op = store_room(s->daemon->store, store_stage_size(s->t.stage), to, s->t.count, room_for_each, s);
	if (to == NULL || s->store_op == 0)
		refuse(s, SMTP_TRY_LATER);
	free(to);
}

void session_commit(struct session *s, const struct smtp_action *a)
{
	s->size = a->size;
	if (is_loop(s)) {
		log_info("ICID %llu message refused id=%s reason=loop", (unsigned long long)conn_id(s->conn), s->t.id);
		refuse(s, SMTP_LOOP);
	} else if (session_is_lmtp(s)) {
		ask_each(s);
	} else {
		session_deliver(s);
	}
}
