/* answer.c - how a command ends: OK, NO and BAD in words, with the codes of RFC 5530; BYE. The contracts are in session.h. */
#include <stdarg.h>
#include <stdio.h>

#include "imapd/session.h"

enum imap_run imap_done(struct imap_server *e, const char *format, ...)
{
	char text[600];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	buf_put_text(&e->final, text);
	buf_put_text(&e->final, "\r\n");
	return IMAP_RUN_DONE;
}

void imap_bye(struct imap_server *e, const char *words)
{
	if (e->closing)
		return;
	if (e->half_line)
		imap_text(e, "\r\n");
	e->half_line = false;
	if (!e->half)
		buf_printf(&e->out, "* BYE %s\r\n", words);
	e->closing = true;
}

enum imap_run imap_break(struct imap_server *e)
{
	e->closing = true;
	return IMAP_RUN_DONE;
}

void imap_count_error(struct imap_server *e)
{
	if (++e->errors >= e->set.error_limit)
		imap_bye(e, "[CLIENTBUG] Too many bad commands");
}

enum imap_run imap_bad(struct imap_server *e, const char *words)
{
	imap_count_error(e);
	return imap_done(e, "BAD %s", words);
}

enum imap_run imap_no_memory(struct imap_server *e)
{
	return imap_done(e, "NO [UNAVAILABLE] The server has no memory for that now");
}

/* RFC 5530 3: what a status is called */
static const char *const status_words[] = {
	[STORE_OK] = "OK done",
	[STORE_NOT_FOUND] = "NO [NONEXISTENT] There is no such mailbox",
	[STORE_EXISTS] = "NO [ALREADYEXISTS] A mailbox of that name is there already",
	[STORE_OVER_QUOTA] = "NO [OVERQUOTA] The account is full",
	[STORE_TRY_LATER] = "NO [UNAVAILABLE] The mail store can't do that now, try again later",
	[STORE_CORRUPT] = "NO [CORRUPTION] The data are damaged; the administrator finds more in the log",
	[STORE_UNKNOWN] = "NO [UNAVAILABLE] The mail store has not answered: it may be done all the same, look before you try again",
	[STORE_REFUSED] = "NO [NOPERM] This session may not do that",
	[STORE_INVALID] = "NO [CANNOT] Such a name can't be",
	[STORE_IN_USE] = "NO [INUSE] Somebody else uses it",
	[STORE_LIMIT] = "NO [LIMIT] A limit is reached: mailboxes, keywords or the size of a message",
};

enum imap_run imap_no(struct imap_server *e, enum store_status status)
{
	const char *words = (size_t)status < sizeof(status_words) / sizeof(status_words[0]) ? status_words[status] : NULL;

	return imap_done(e, "%s", words != NULL ? words : "NO [SERVERBUG] The mail store gave an answer that is none");
}
