/* mail.c - MAIL, RCPT, RSET, DATA: the transaction's envelope (RFC 5321 3.3). */
#include <stdio.h>
#include <string.h>

#include "common/base/escape.h"
#include "smtpd/state.h"

/* RFC 6531 3.5 */
static const char in_chunks[] = "503 5.5.1 the message has begun with BDAT: BDAT LAST ends it, RSET starts again";
static const char needs_utf8[] = "553 5.6.7 this address needs SMTPUTF8 behind MAIL FROM";

/* Takes "FROM:" or "TO:" and the spaces that some put behind it. */
static bool take_keyword(struct span *args, const char *keyword)
{
	if (!span_starts_nocase(*args, keyword))
		return false;
	span_take(args, strlen(keyword));
	*args = span_trim(*args);
	return true;
}

/* utf8: the client wrote it so; its domain is in A-labels then. */
static enum path_status take_path(struct smtp_server *e, struct span *args, bool *utf8)
{
	struct span path = *args;
	enum path_status st = path_take(args, e->address);

	path.n -= args->n;
	*utf8 = path_is_utf8(path);
	return st;
}

void smtp_run_mail(struct smtp_server *e, struct span args)
{
	enum path_status st;
	const char *reply;
	bool utf8;

	if (e->has_sender) {
		smtp_bad(e, "503 5.5.1 a sender was given already; RSET starts again");
		return;
	}
	if (!take_keyword(&args, "FROM:")) {
		smtp_bad(e, "501 5.5.4 write MAIL FROM:<address>");
		return;
	}
	st = take_path(e, &args, &utf8);
	reply = smtp_mail_parameters(e, args);
	if (st == PATH_BAD || st == PATH_BARE) {
		smtp_bad(e, "501 5.1.7 the sender is no address: write MAIL FROM:<user@domain>");
		return;
	}
	if (reply == NULL && utf8 && !e->utf8)
		reply = needs_utf8;
	if (reply != NULL) {
		smtp_bad(e, reply);
		return;
	}
	smtp_open(e, e->config.submission && st == PATH_OK ? SMTP_CHECK_SENDER : SMTP_CHECK_ROOM);
}

void smtp_sender_done(struct smtp_server *e, enum smtp_result result)
{
	char shown[PATH_ADDRESS_MAX + 8];

	if (result == SMTP_DONE) {
		smtp_open(e, SMTP_CHECK_ROOM);
	} else if (result == SMTP_WRONG) {
		smtp_note(e, "sender refused from=<%s> reason=not-of-this-account",
			  escape_text(shown, sizeof(shown), span_of(e->address)));
		smtp_bad(e, "550 5.7.1 this address does not belong to the account that you are logged in with");
	} else {
		smtp_reply(e, "451 4.3.0 can't check the sender right now, try again later");
	}
}

void smtp_room_done(struct smtp_server *e, enum smtp_result result)
{
	if (result == SMTP_FULL) {
		smtp_reply(e, SMTP_NO_ROOM);
		return;
	}
	if (result != SMTP_DONE) {
		smtp_reply(e, "451 4.3.0 can't take mail right now, try again later");
		return;
	}
	e->has_sender = true;
	e->utf8_address = path_is_utf8(span_of(e->address));
	memcpy(e->sender, e->address, sizeof(e->sender));
	smtp_reply(e, "250 2.1.0 sender ok");
}

void smtp_run_rcpt(struct smtp_server *e, struct span args)
{
	enum path_status st;
	const char *reply;
	bool utf8;

	if (!e->has_sender || e->bdat) {
		smtp_bad(e, e->bdat ? in_chunks : "503 5.5.1 MAIL first");
		return;
	}
	if (!take_keyword(&args, "TO:")) {
		smtp_bad(e, "501 5.5.4 write RCPT TO:<address>");
		return;
	}
	st = take_path(e, &args, &utf8);
	reply = smtp_rcpt_parameters(e, args);
	/* RFC 5321 4.5.1: <postmaster> needs no domain */
	if (st == PATH_BAD || st == PATH_NULL ||
	    (st == PATH_BARE && !span_is_nocase(span_of(e->address), "postmaster")))
		smtp_bad(e, "501 5.1.3 the recipient is no address: write RCPT TO:<user@domain>");
	else if (utf8 && !e->utf8)
		smtp_bad(e, needs_utf8);
	else if (reply != NULL)
		smtp_bad(e, reply);
	else if (e->recipients >= e->config.recipient_limit)
		smtp_reply(e, "452 4.5.3 too many recipients; send the rest as a second message");
	else
		smtp_open(e, SMTP_CHECK_RECIPIENT);
}

static void refuse_recipient(struct smtp_server *e, const char *reason, const char *reply)
{
	char shown[PATH_ADDRESS_MAX + 8];

	smtp_note(e, "recipient refused to=<%s> reason=%s", escape_text(shown, sizeof(shown), span_of(e->address)),
		  reason);
	smtp_bad(e, reply);
}

/* Not one of ours: mail for others is taken from those alone who have logged in to send it. */
static void other_server(struct smtp_server *e)
{
	if (!e->config.submission || !e->authenticated)
		refuse_recipient(e, "not-local", "550 5.7.1 this server does not take mail for that domain");
	else if (!path_is_routable(e->address))
		refuse_recipient(e, "no-domain", "550 5.1.2 what stands behind the @ is no domain that mail can go to");
	else
		smtp_open(e, SMTP_ADD_REMOTE);
}

void smtp_remote_done(struct smtp_server *e, enum smtp_result result)
{
	smtp_recipient_done(e, result == SMTP_NOT_LOCAL ? SMTP_TRY_LATER : result);
}

void smtp_recipient_done(struct smtp_server *e, enum smtp_result result)
{
	switch (result) {
	case SMTP_DONE:
		e->recipients++;
		e->utf8_address |= path_is_utf8(span_of(e->address));
		smtp_reply(e, "250 2.1.5 recipient ok");
		break;
	case SMTP_NO_USER:
		refuse_recipient(e, "no-such-user", "550 5.1.1 there is no such user here");
		break;
	case SMTP_NOT_LOCAL:
		other_server(e);
		break;
	case SMTP_OVER_QUOTA:
		refuse_recipient(e, "over-quota", "452 4.2.2 the mailbox is full");
		break;
	case SMTP_FULL:
		smtp_reply(e, SMTP_NO_ROOM);
		break;
	case SMTP_OVER_RATE:
		smtp_note(e, "closing: too many recipients refused to the address");
		smtp_replyf(e, "421 4.7.0 %s too many recipients were refused to your address, try again later",
			    e->config.hostname);
		smtp_close(e);
		break;
	case SMTP_TOO_MANY:
		smtp_reply(e, "452 4.5.3 too many recipients; send the rest as a second message");
		break;
	default:
		smtp_reply(e, "451 4.3.0 can't check the recipient right now, try again later");
	}
}

void smtp_run_rset(struct smtp_server *e, struct span args)
{
	(void)args;
	smtp_reset(e);
	smtp_reply(e, "250 2.0.0 OK");
}

void smtp_run_data(struct smtp_server *e, struct span args)
{
	(void)args;
	if (!e->has_sender)
		smtp_bad(e, "503 5.5.1 MAIL first");
	else if (e->bdat)	/* RFC 3030 2 */
		smtp_bad(e, in_chunks);
	else if ((e->flags & STORE_MAIL_BINARY) != 0)	/* RFC 3030 3 */
		smtp_bad(e, "503 5.5.1 a message with BODY=BINARYMIME comes by BDAT");
	else if (e->recipients == 0)
		/* RFC 5321 3.3, RFC 2033 4.2 */
		smtp_bad(e, e->config.lmtp ? "503 5.5.1 no valid recipients" : "554 5.5.1 no valid recipients");
	else if (e->config.submission)
		smtp_open(e, SMTP_CHECK_RATE);
	else
		smtp_open(e, SMTP_BODY_BEGIN);
}

void smtp_rate_done(struct smtp_server *e, enum smtp_result result, const char *words)
{
	char line[512] = "451 4.3.0 can't take mail right now, try again later";

	if (result == SMTP_DONE) {
		smtp_open(e, SMTP_BODY_BEGIN);
		return;
	}
	if (result == SMTP_OVER_RATE) {
		smtp_note(e, "message refused reason=rate words=\"%s\"", words != NULL ? words : "");
		snprintf(line, sizeof(line), "450 4.7.1 too much mail from this account: %s",
			 words != NULL ? words : "try again later");
	}
	smtp_refuse_body(e, line);
}
