/* reply.c - what the engine says: replies to the client, notes for the log. */
#include <stdarg.h>
#include <stdio.h>

#include "smtpd/state.h"

enum { REPLY_LINE_MAX = 512 };	/* with its CRLF (RFC 5321 4.5.3.1.5) */

void smtp_reply(struct smtp_server *e, const char *line)
{
	buf_put_text(&e->replies, line);
	buf_put_text(&e->replies, "\r\n");
}

void smtp_replyf(struct smtp_server *e, const char *format, ...)
{
	char line[REPLY_LINE_MAX - 1];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	smtp_reply(e, line);
}

/* RFC 2033 4.2 */
void smtp_reply_each(struct smtp_server *e, size_t recipients, const char *line)
{
	size_t n = e->config.lmtp ? recipients : 1;

	while (n-- > 0)
		smtp_reply(e, line);
}

void smtp_bad(struct smtp_server *e, const char *line)
{
	smtp_reply(e, line);
	if (++e->errors < e->config.error_limit)
		return;
	smtp_replyf(e, "421 4.7.0 %s too many errors, closing", e->config.hostname);
	smtp_note(e, "closing: too many bad commands errors=%u last=\"%s\"", e->errors, line);
	smtp_close(e);
}

/* One note waits at a time; what comes while it does goes behind it, on one line. */
void smtp_note(struct smtp_server *e, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (e->note.n > 0)
		buf_put_text(&e->note, "; ");
	buf_put_text(&e->note, text);
}

void smtp_close(struct smtp_server *e)
{
	smtp_reset(e);
	e->phase = PHASE_CLOSED;
}
