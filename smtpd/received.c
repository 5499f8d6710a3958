/* received.c - the contract is in received.h. */
#include "smtpd/received.h"

/* RFC 3848, RFC 6531 4.3: the name of the protocol as it was spoken. */
static const char *with_protocol(const struct received *r)
{
	bool tls = r->tls_protocol != NULL;

	if (r->lmtp)
		return r->utf8 ? (tls ? "UTF8LMTPS" : "UTF8LMTP") : tls ? "LMTPS" : "LMTP";
	if (!r->esmtp)
		return "SMTP";
	if (r->authenticated)
		return r->utf8 ? (tls ? "UTF8SMTPSA" : "UTF8SMTPA") : tls ? "ESMTPSA" : "ESMTPA";
	return r->utf8 ? (tls ? "UTF8SMTPS" : "UTF8SMTP") : tls ? "ESMTPS" : "ESMTP";
}

static void from_clause(const struct received *r, struct buf *out)
{
	if (r->peer == NULL)
		return;
	buf_printf(out, "from %s ([%s%s])\r\n\t", r->helo, span_find(span_of(r->peer), ':') >= 0 ? "IPv6:" : "",
		   r->peer);
}

void received_write(const struct received *r, struct buf *out)
{
	if (r->stays_here)
		buf_printf(out, "Return-Path: <%s>\r\n", r->sender);
	if (r->stays_here && r->recipient != NULL)
		buf_printf(out, "Delivered-To: %s\r\n", r->recipient);
	buf_put_text(out, "Received: ");
	from_clause(r, out);
	if (r->tls_protocol != NULL)
		buf_printf(out, "(using %s with cipher %s group %s%s%s)\r\n\t", r->tls_protocol, r->tls_cipher,
			   r->tls_group, *r->client_cert != '\0' ? " client-cert " : "", r->client_cert);
	buf_printf(out, "by %s (Yubin) with %s id %s", r->hostname, with_protocol(r), r->id);
	if (r->recipient != NULL)
		buf_printf(out, "\r\n\tfor <%s>", r->recipient);
	buf_printf(out, ";\r\n\t%s\r\n", r->date);
}
