/* parameters.c - what stands behind the addresses of MAIL and RCPT. */
#include <string.h>

#include "common/base/ascii.h"
#include "common/base/utf8.h"
#include "smtpd/state.h"

/* NAME, or NAME=value. take returns NULL, or the reply. */
struct parameter {
	const char *name;
	const char *(*take)(struct smtp_server *e, struct span value);
	bool has_value;
};

/* RFC 3461 4: printable ASCII but + and =, other bytes as +HH. RFC 6533 3 has UTF-8 beside it. */
static bool is_xtext(struct span s, bool utf8)
{
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];

		if (c <= ' ' || c == '=' || c == 0x7f || (c >= 0x80 && !utf8))
			return false;
		if (c != '+')
			continue;
		if (i + 2 >= s.n || ascii_hex(s.p[i + 1]) < 0 || ascii_hex(s.p[i + 2]) < 0)
			return false;
		i += 2;
	}
	return utf8_valid(s);
}

static void keep(char *out, struct span value)
{
	memcpy(out, value.p, value.n);
	out[value.n] = '\0';
}

/* RFC 1870 6.1 */
static const char *take_size(struct smtp_server *e, struct span value)
{
	if (!span_number(value, UINT64_MAX / 2, &e->announced))
		return value.n > 19 ? "552 5.3.4 no message of that size" : "501 5.5.4 SIZE wants a number";
	return e->announced > e->config.message_limit ? "552 5.3.4 the message is larger than this server takes" : NULL;
}

/* RFC 6152 2: what the bytes are is seen when they come */
static const char *take_body(struct smtp_server *e, struct span value)
{
	if (span_is_nocase(value, "BINARYMIME") && !e->config.lmtp)	/* RFC 3030 3 */
		e->flags |= STORE_MAIL_BINARY;
	else if (!span_is_nocase(value, "7BIT") && !span_is_nocase(value, "8BITMIME"))
		return "501 5.5.4 BODY is 7BIT, 8BITMIME or BINARYMIME";
	return NULL;
}

/* RFC 4954 5: taken, and not believed */
static const char *take_auth(struct smtp_server *e, struct span value)
{
	(void)value;
	return e->config.submission ? NULL : "555 5.5.4 this port has no AUTH";
}

/* RFC 6531 3.4 */
static const char *take_utf8(struct smtp_server *e, struct span value)
{
	(void)value;
	e->utf8 = true;
	return NULL;
}

/* RFC 8689 2 */
static const char *take_requiretls(struct smtp_server *e, struct span value)
{
	(void)value;
	if (!e->config.tls)
		return "530 5.7.10 REQUIRETLS comes behind STARTTLS";
	e->flags |= STORE_MAIL_REQUIRE_TLS;
	return NULL;
}

/* RFC 3461 4.3 */
static const char *take_ret(struct smtp_server *e, struct span value)
{
	if (span_is_nocase(value, "FULL"))
		e->flags |= STORE_MAIL_RET_FULL;
	else if (span_is_nocase(value, "HDRS"))
		e->flags |= STORE_MAIL_RET_HEADERS;
	else
		return "501 5.5.4 RET is FULL or HDRS";
	return NULL;
}

/* RFC 3461 4.4 */
static const char *take_envid(struct smtp_server *e, struct span value)
{
	if (value.n > SMTP_ENVID_MAX || !is_xtext(value, false))
		return "501 5.5.4 ENVID is xtext (RFC 3461), 100 bytes at most";
	keep(e->envid, value);
	return NULL;
}

/* RFC 3461 4.1 */
static const char *take_notify(struct smtp_server *e, struct span value)
{
	static const struct {
		const char *name;
		unsigned bit;
	} words[] = {
		{ "SUCCESS", STORE_NOTIFY_SUCCESS }, { "FAILURE", STORE_NOTIFY_FAILURE },
		{ "DELAY", STORE_NOTIFY_DELAY },     { "NEVER", STORE_NOTIFY_NEVER },
	};
	static const char wrong[] = "501 5.5.4 NOTIFY is NEVER, or of SUCCESS,FAILURE,DELAY";
	bool more = true;

	while (more) {
		size_t i = 0, before = value.n;
		struct span word = span_take_until(&value, ',');

		more = word.n < before;	/* a comma was there */
		while (i < sizeof(words) / sizeof(words[0]) && !span_is_nocase(word, words[i].name))
			i++;
		if (i == sizeof(words) / sizeof(words[0]))
			return wrong;
		e->notify |= words[i].bit;
	}
	return (e->notify & STORE_NOTIFY_NEVER) != 0 && e->notify != STORE_NOTIFY_NEVER ? wrong : NULL;
}

/* RFC 3461 4.2: type, semicolon, xtext */
static const char *take_orcpt(struct smtp_server *e, struct span value)
{
	struct span address = value, type = span_take_until(&address, ';');

	for (size_t i = 0; i < type.n; i++)
		if (!ascii_alnum(type.p[i]) && type.p[i] != '-')
			type.n = 0;
	if (value.n > SMTP_ORCPT_MAX || type.n == 0 || address.n == 0 ||
	    !is_xtext(address, e->utf8 && span_is_nocase(type, "utf-8")))
		return "501 5.5.4 ORCPT is rfc822; and xtext (RFC 3461), 500 bytes at most";
	keep(e->orcpt, value);
	return NULL;
}

static const struct parameter mail_parameters[] = {
	{ "SIZE", take_size, true },	   { "BODY", take_body, true },	       { "AUTH", take_auth, true },
	{ "SMTPUTF8", take_utf8, false },  { "REQUIRETLS", take_requiretls, false }, { "RET", take_ret, true },
	{ "ENVID", take_envid, true },
};

static const struct parameter rcpt_parameters[] = {
	{ "NOTIFY", take_notify, true },
	{ "ORCPT", take_orcpt, true },
};

/* What one command may have. seen: those that it has had. */
struct parameters {
	const struct parameter *rows;
	size_t count;
	const char *unknown;
	unsigned seen;
};

static const char *take_one(struct smtp_server *e, struct parameters *p, struct span one)
{
	bool has_value = span_find(one, '=') >= 0;
	struct span name = span_take_until(&one, '=');

	for (size_t i = 0; i < p->count; i++) {
		if (!span_is_nocase(name, p->rows[i].name))
			continue;
		if ((p->seen & 1U << i) != 0)
			return "501 5.5.4 this parameter was given twice";
		p->seen |= 1U << i;
		if (has_value != p->rows[i].has_value || (has_value && one.n == 0))
			return has_value ? "501 5.5.4 this parameter takes no value, or not an empty one" :
					   "501 5.5.4 this parameter wants a value";
		return p->rows[i].take(e, one);
	}
	return p->unknown;
}

static const char *take_all(struct smtp_server *e, struct parameters *p, struct span rest)
{
	if (rest.n > 0 && rest.p[0] != ' ')
		return "501 5.5.4 a space is missing behind the address";
	while (rest.n > 0) {
		struct span one = span_take_until(&rest, ' ');
		const char *reply;

		if (one.n == 0)
			continue;
		reply = e->esmtp ? take_one(e, p, one) : "555 5.5.4 parameters need EHLO";
		if (reply != NULL)
			return reply;
	}
	return NULL;
}

const char *smtp_mail_parameters(struct smtp_server *e, struct span rest)
{
	struct parameters p = { mail_parameters, sizeof(mail_parameters) / sizeof(mail_parameters[0]),
				"555 5.5.4 this parameter of MAIL is not known", 0 };

	e->announced = 0;
	e->flags = 0;
	e->utf8 = false;
	e->envid[0] = '\0';
	return take_all(e, &p, rest);
}

const char *smtp_rcpt_parameters(struct smtp_server *e, struct span rest)
{
	struct parameters p = { rcpt_parameters, sizeof(rcpt_parameters) / sizeof(rcpt_parameters[0]),
				"555 5.5.4 this parameter of RCPT is not known", 0 };

	e->notify = 0;
	e->orcpt[0] = '\0';
	return take_all(e, &p, rest);
}
