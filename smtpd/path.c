/* path.c - the contract is in path.h. */
#include "smtpd/path.h"

#include <arpa/inet.h>
#include <string.h>

#include "common/base/ascii.h"
#include "common/base/idn.h"
#include "common/base/utf8.h"

/* What is being put together; at most room bytes and a NUL. */
struct text {
	char *out;
	size_t n, room;
	bool over;
};

static void text_put(struct text *t, uint8_t c)
{
	if (t->n < t->room)
		t->out[t->n++] = (char)c;
	else
		t->over = true;
}

static uint8_t peek(const struct span *in)
{
	return in->n > 0 ? in->p[0] : 0;
}

static bool take_sign(struct span *in, uint8_t c)
{
	if (peek(in) != c)
		return false;
	span_take(in, 1);
	return true;
}

/* RFC 5322 3.2.3 atext, and RFC 6531 3.3: UTF-8, looked at as a whole in the end */
static bool is_atext(uint8_t c)
{
	return ascii_alnum(c) || c >= 0x80 || (c != 0 && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

/* RFC 5321 4.1.2 Quoted-string: the content, without quotes and backslashes. */
static bool take_quoted(struct span *in, struct text *t)
{
	span_take(in, 1);
	while (in->n > 0) {
		uint8_t c = span_take(in, 1).p[0];

		if (c == '"')
			return t->n > 0 && !t->over;
		if (c == '\\') {
			if (in->n == 0)
				return false;
			c = span_take(in, 1).p[0];
		}
		if (ascii_control(c))
			return false;
		text_put(t, c);
	}
	return false;
}

/* RFC 5321 4.1.2 Dot-string, but that dots may stand anywhere: mail with such
 * addresses exists, and they are refused as unknown users where they are. */
static bool take_dot_string(struct span *in, struct text *t)
{
	while (is_atext(peek(in)) || peek(in) == '.')
		text_put(t, span_take(in, 1).p[0]);
	return t->n > 0 && !t->over;
}

/* RFC 5321 4.1.3: the text between the brackets, as addresses of that kind are written. */
static void put_address(struct text *t, int family, struct span inside)
{
	char text[INET6_ADDRSTRLEN] = "";
	uint8_t address[16];

	t->over |= inside.n >= sizeof(text);
	memcpy(text, inside.p, t->over ? 0 : inside.n);
	t->over |= inet_pton(family, text, address) != 1;
	if (!t->over)
		inet_ntop(family, address, text, sizeof(text));
	for (const char *c = text; *c != '\0'; c++)
		text_put(t, (uint8_t)*c);
}

/* RFC 5321 4.1.3: a tag that somebody has standardised, a colon, and what belongs to it. */
static void put_tagged(struct text *t, struct span tag, struct span content)
{
	t->over |= tag.n == 0 || content.n == 0 || !ascii_alnum(tag.p[tag.n - 1]);
	for (size_t i = 0; i < tag.n; i++) {
		t->over |= !ascii_alnum(tag.p[i]) && tag.p[i] != '-';
		text_put(t, ascii_lower(tag.p[i]));
	}
	text_put(t, ':');
	for (size_t i = 0; i < content.n; i++) {
		t->over |= content.p[i] <= ' ' || content.p[i] >= 0x7f || content.p[i] == '[' || content.p[i] == '\\';
		text_put(t, content.p[i]);
	}
}

static bool take_literal(struct span *in, struct text *t)
{
	ptrdiff_t end = span_find(*in, ']');
	struct span inside, tag;

	if (end < 1)
		return false;
	inside = span_take(in, (size_t)end + 1);
	span_take(&inside, 1);
	inside.n--;
	text_put(t, '[');
	if (span_find(inside, ':') < 0) {
		put_address(t, AF_INET, inside);
	} else {
		tag = span_take_until(&inside, ':');
		if (span_is_nocase(tag, "IPv6")) {
			for (size_t i = 0; i < 5; i++)
				text_put(t, (uint8_t)"ipv6:"[i]);
			put_address(t, AF_INET6, inside);
		} else {
			put_tagged(t, tag, inside);
		}
	}
	text_put(t, ']');
	return !t->over;
}

/* RFC 6531 3.3, RFC 5891 4: what DNS knows. From here on nobody has to know the other spelling. */
static bool put_u_labels(struct text *t)
{
	char ascii[IDN_MAX];
	struct span name = { (const uint8_t *)t->out, t->n };

	if (t->over || !idn_ascii(name, ascii))
		return false;
	t->n = 0;
	for (size_t i = 0; ascii[i] != '\0'; i++) {	/* dots of other scripts are dots now */
		if (ascii[i] == '.' && (i == 0 || ascii[i - 1] == '.'))
			return false;
		text_put(t, ascii_lower((uint8_t)ascii[i]));
	}
	return !t->over;
}

static bool take_domain(struct span *in, struct text *t)
{
	uint8_t last = '.';
	bool utf8 = false;

	if (peek(in) == '[')
		return take_literal(in, t);
	while (ascii_alnum(peek(in)) || peek(in) >= 0x80 || (peek(in) != 0 && strchr("-._", peek(in)) != NULL)) {
		uint8_t c = ascii_lower(span_take(in, 1).p[0]);

		if (c == '.' && last == '.')
			return false;
		utf8 |= c >= 0x80;
		text_put(t, c);
		last = c;
	}
	if (utf8 && !put_u_labels(t))
		return false;
	if (t->n > 0 && t->out[t->n - 1] == '.')
		t->n--;		/* the root's dot */
	return t->n > 0 && t->out[t->n - 1] != '.' && !t->over;
}

/* RFC 5321 appendix C: "@one,@two:" is accepted and ignored. */
static bool skip_route(struct span *in)
{
	char name[PATH_DOMAIN_MAX + 1];

	while (take_sign(in, '@')) {
		struct text t = { name, 0, PATH_DOMAIN_MAX, false };

		if (!take_domain(in, &t))
			return false;
		if (take_sign(in, ':'))
			return true;
		if (!take_sign(in, ','))
			return false;
	}
	return false;
}

static bool local_needs_quotes(const char *local, size_t n)
{
	if (local[0] == '.' || local[n - 1] == '.')
		return true;
	for (size_t i = 0; i < n; i++)
		if ((!is_atext((uint8_t)local[i]) && local[i] != '.') || (local[i] == '.' && local[i + 1] == '.'))
			return true;
	return false;
}

/* local, quoted if it must be, into t. */
static void put_local(struct text *t, const char *local, size_t n)
{
	bool quoted = local_needs_quotes(local, n);

	if (quoted)
		text_put(t, '"');
	for (size_t i = 0; i < n; i++) {
		if (local[i] == '"' || local[i] == '\\')
			text_put(t, '\\');
		text_put(t, (uint8_t)local[i]);
	}
	if (quoted)
		text_put(t, '"');
}

static enum path_status take_mailbox(struct span *in, char address[PATH_ADDRESS_MAX])
{
	char local[PATH_LOCAL_MAX + 2] = "", domain[PATH_DOMAIN_MAX + 1];
	struct text l = { local, 0, PATH_LOCAL_MAX, false }, d = { domain, 0, PATH_DOMAIN_MAX, false };
	struct text whole = { address, 0, PATH_ADDRESS_MAX - 1, false };
	bool bare;

	if (!(peek(in) == '"' ? take_quoted(in, &l) : take_dot_string(in, &l)))
		return PATH_BAD;
	bare = !take_sign(in, '@');
	if (!bare && !take_domain(in, &d))
		return PATH_BAD;
	if (!take_sign(in, '>'))
		return PATH_BAD;
	put_local(&whole, local, l.n);
	if (!bare)
		text_put(&whole, '@');
	for (size_t i = 0; i < d.n; i++)
		text_put(&whole, (uint8_t)domain[i]);
	address[whole.n] = '\0';
	return whole.over || !utf8_valid(span_of(address)) ? PATH_BAD : bare ? PATH_BARE : PATH_OK;
}

enum path_status path_take(struct span *in, char address[PATH_ADDRESS_MAX])
{
	address[0] = '\0';
	if (!take_sign(in, '<'))
		return PATH_BAD;
	if (take_sign(in, '>'))
		return PATH_NULL;
	if (peek(in) == '@' && !skip_route(in))
		return PATH_BAD;
	return take_mailbox(in, address);
}

bool path_is_utf8(struct span path)
{
	for (size_t i = 0; i < path.n; i++)
		if (path.p[i] >= 0x80)
			return true;
	return false;
}

/* RFC 5321 4.1.3 */
static bool literal_valid(struct span inside)
{
	char text[INET6_ADDRSTRLEN];
	bool six = span_starts_nocase(inside, "IPv6:");
	uint8_t address[16];

	if (six)
		span_take(&inside, 5);
	if (inside.n >= sizeof(text))
		return false;
	memcpy(text, inside.p, inside.n);
	text[inside.n] = '\0';
	return inet_pton(six ? AF_INET6 : AF_INET, text, address) == 1;
}

static bool label_valid(struct span label)
{
	return label.n > 0 && label.n <= 63 && label.p[0] != '-' && label.p[label.n - 1] != '-';
}

static bool all_digits(struct span label)
{
	for (size_t i = 0; i < label.n; i++)
		if (!ascii_digit(label.p[i]))
			return false;
	return true;
}

bool path_is_routable(const char *address)
{
	struct span domain = span_of(strrchr(address, '@') != NULL ? strrchr(address, '@') + 1 : ""), label = domain;
	size_t labels = 0;

	if (domain.n > 2 && domain.p[0] == '[')
		return literal_valid((struct span){ domain.p + 1, domain.n - 2 });
	while (domain.n > 0) {
		label = span_take_until(&domain, '.');
		labels++;
		if (!label_valid(label))
			return false;
	}
	return labels > 1 && !all_digits(label); /* RFC 5321 2.3.5: the whole name of a domain */
}

bool path_helo_valid(struct span name)
{
	if (name.n == 0 || name.n > PATH_DOMAIN_MAX)
		return false;
	for (size_t i = 0; i < name.n; i++)
		if (!ascii_alnum(name.p[i]) && (name.p[i] == 0 || strchr("-._[]:", name.p[i]) == NULL))
			return false;
	return true;
}
