/* mail.c - MAIL, RCPT, RSET, DATA: the transaction's envelope (RFC 5321 3.3). */
#include <string.h>

#include "common/base/escape.h"
#include "smtpd/state.h"

/* Takes "FROM:" or "TO:" and the spaces that some put behind it. */
static bool take_keyword(struct span *args, const char *keyword)
{
	if (!span_starts_nocase(*args, keyword))
		return false;
	span_take(args, strlen(keyword));
	*args = span_trim(*args);
	return true;
}

/* RFC 1870 6.1, RFC 6152 2, RFC 4954 5. Returns the reply, or NULL. */
static const char *mail_parameter(struct smtp_server *e, struct span name, struct span value, uint64_t *size)
{
	if (span_is_nocase(name, "SIZE")) {
		if (!span_number(value, UINT64_MAX / 2, size))
			return value.n > 19 ? "552 5.3.4 no message of that size" : "501 5.5.4 SIZE wants a number";
		return *size > e->config.message_limit ? "552 5.3.4 the message is larger than this server takes" : NULL;
	}
	if (span_is_nocase(name, "BODY"))
		return span_is_nocase(value, "7BIT") || span_is_nocase(value, "8BITMIME") ?
			       NULL : "501 5.5.4 BODY is 7BIT or 8BITMIME";
	if (span_is_nocase(name, "AUTH") && e->config.submission)
		return value.n > 0 ? NULL : "501 5.5.4 AUTH wants a value";
	return "555 5.5.4 this parameter of MAIL is not known";
}

static const char *mail_parameters(struct smtp_server *e, struct span rest, uint64_t *size)
{
	if (rest.n > 0 && rest.p[0] != ' ')
		return "501 5.5.4 a space is missing behind the address";
	while (rest.n > 0) {
		struct span value = span_take_until(&rest, ' '), name;
		const char *reply;

		if (value.n == 0)
			continue;
		name = span_take_until(&value, '=');
		reply = e->esmtp ? mail_parameter(e, name, value, size) : "555 5.5.4 parameters need EHLO";
		if (reply != NULL)
			return reply;
	}
	return NULL;
}

void smtp_run_mail(struct smtp_server *e, struct span args)
{
	enum path_status st;
	const char *reply;
	uint64_t size = 0;

	if (e->has_sender) {
		smtp_bad(e, "503 5.5.1 a sender was given already; RSET starts again");
		return;
	}
	if (!take_keyword(&args, "FROM:")) {
		smtp_bad(e, "501 5.5.4 write MAIL FROM:<address>");
		return;
	}
	st = path_take(&args, e->address);
	reply = mail_parameters(e, args, &size);
	if (st == PATH_BAD || st == PATH_BARE) {
		smtp_bad(e, "501 5.1.7 the sender is no address: write MAIL FROM:<user@domain>");
		return;
	}
	if (reply != NULL) {
		smtp_bad(e, reply);
		return;
	}
	e->announced = size;
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
		smtp_reply(e, "452 4.3.1 no room on this server right now, try again later");
		return;
	}
	if (result != SMTP_DONE) {
		smtp_reply(e, "451 4.3.0 can't take mail right now, try again later");
		return;
	}
	e->has_sender = true;
	memcpy(e->sender, e->address, sizeof(e->sender));
	smtp_reply(e, "250 2.1.0 sender ok");
}

void smtp_run_rcpt(struct smtp_server *e, struct span args)
{
	enum path_status st;

	if (!e->has_sender) {
		smtp_bad(e, "503 5.5.1 MAIL first");
		return;
	}
	if (!take_keyword(&args, "TO:")) {
		smtp_bad(e, "501 5.5.4 write RCPT TO:<address>");
		return;
	}
	st = path_take(&args, e->address);
	/* RFC 5321 4.5.1: <postmaster> needs no domain */
	if (st == PATH_BAD || st == PATH_NULL ||
	    (st == PATH_BARE && !span_is_nocase(span_of(e->address), "postmaster")))
		smtp_bad(e, "501 5.1.3 the recipient is no address: write RCPT TO:<user@domain>");
	else if (span_trim(args).n > 0)
		smtp_bad(e, "555 5.5.4 this parameter of RCPT is not known");
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

void smtp_recipient_done(struct smtp_server *e, enum smtp_result result)
{
	switch (result) {
	case SMTP_DONE:
		e->recipients++;
		smtp_reply(e, "250 2.1.5 recipient ok");
		break;
	case SMTP_NO_USER:
		refuse_recipient(e, "no-such-user", "550 5.1.1 there is no such user here");
		break;
	case SMTP_NOT_LOCAL:
		refuse_recipient(e, "not-local",
				 e->config.submission ?
					 "550 5.7.1 this server does not deliver to other servers yet" :
					 "550 5.7.1 this server does not take mail for that domain");
		break;
	case SMTP_OVER_QUOTA:
		refuse_recipient(e, "over-quota", "452 4.2.2 the mailbox is full");
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
	else if (e->recipients == 0)
		smtp_bad(e, "554 5.5.1 no valid recipients");	/* RFC 5321 3.3 */
	else
		smtp_open(e, SMTP_BODY_BEGIN);
}
