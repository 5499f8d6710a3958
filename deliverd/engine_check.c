/* engine_check.c - what may stand in a command, and what this server can take.
 *
 * What is wrong here was wrong in the queue: nothing that a command could not hold ever
 * leaves, so no address starts a command of its own. */
#include <errno.h>

#include "common/base/ascii.h"
#include "common/base/utf8.h"
#include "deliverd/engine_state.h"

enum { PARAMETER_MAX = 1000 };	/* ENVID and ORCPT; RFC 3461 5.4 asks for 100 and 500 at least */

/* A path's mailbox: no control characters, no space or angle bracket outside a quoted
 * local part (RFC 5321 4.1.2); UTF-8 only where the command may hold it (RFC 6531 3.3). */
static bool address_fit(struct span a, bool utf8)
{
	bool quoted = false;

	if (a.n == 0 || a.n > ADDRESS_MAX || (utf8 && !utf8_valid(a)))
		return false;
	for (size_t i = 0; i < a.n; i++) {
		uint8_t c = a.p[i];

		if (ascii_control(c) || (c >= 0x80 && !utf8))
			return false;
		if (c == '"')
			quoted = !quoted;
		else if (quoted && c == '\\' && ++i < a.n && (ascii_control(a.p[i]) || a.p[i] >= 0x80))
			return false;
		else if (!quoted && (c == ' ' || c == '<' || c == '>' || c == '\\'))
			return false;
	}
	return !quoted;
}

/* The value of a parameter: esmtp-value (RFC 5321 4.1.2), or UTF-8 (RFC 6531 3.3). */
static bool value_fit(struct span v, size_t max, bool utf8)
{
	if (v.n > max || (utf8 && !utf8_valid(v)))
		return false;
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] <= ' ' || v.p[i] == 0x7f || (v.p[i] >= 0x80 && !utf8))
			return false;
	return true;
}

static int check_rcpt(const struct client_rcpt *r, bool utf8, struct error *err)
{
	if (!address_fit(r->address, utf8))
		return error_set(err, -EINVAL, "a recipient's address that no command can hold");
	if (!value_fit(r->orcpt, PARAMETER_MAX, utf8))
		return error_set(err, -EINVAL, "an ORCPT that no command can hold");
	return 0;
}

/* RFC 6152 3, RFC 6531 3.6, RFC 8689 4.2.1, RFC 1870 6.1: what was not offered may not be used. */
static int check_offers(const struct smtp_client *e, const struct client_mail *m, struct error *err)
{
	const struct client_offers *o = &e->offers;

	if (m->eightbit && !o->eightbit)
		return error_set(err, -EINVAL, "the message is 8-bit, and the server does not offer 8BITMIME");
	if (m->binary && !smtp_client_takes_binary(e))
		return error_set(err, -EINVAL, "the message is binary, and the server does not offer BINARYMIME");
	if (m->utf8 && !o->smtputf8)
		return error_set(err, -EINVAL, "the message needs SMTPUTF8, and the server does not offer it");
	if (m->require_tls && !o->require_tls)
		return error_set(err, -EINVAL, "the message needs REQUIRETLS, and the server does not offer it");
	if (o->size_limit > 0 && m->size > o->size_limit)
		return error_set(err, -EINVAL, "the message is %llu bytes, and the server takes %llu",
				 (unsigned long long)m->size, (unsigned long long)o->size_limit);
	return 0;
}

int client_check_mail(const struct smtp_client *e, const struct client_mail *m, struct error *err)
{
	int r = check_offers(e, m, err);

	if (r < 0)
		return r;
	if (m->sender.n > 0 && !address_fit(m->sender, m->utf8))
		return error_set(err, -EINVAL, "a sender's address that no command can hold");
	if (!value_fit(m->envid, PARAMETER_MAX, false) || (m->ret != 0 && m->ret != 'F' && m->ret != 'H'))
		return error_set(err, -EINVAL, "an ENVID or RET that no command can hold");
	if (m->count == 0)
		return error_set(err, -EINVAL, "a message without a recipient");
	for (size_t i = 0; i < m->count && r == 0; i++)
		r = check_rcpt(&m->rcpts[i], m->utf8, err);
	return r;
}
