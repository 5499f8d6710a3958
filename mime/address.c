/* address.c - the contract is in address.h. */
#include "mime/address.h"

#include <string.h>

#include "mime/lex.h"

/* What white space between two words means. Beside a dot it means nothing (RFC 5322
 * 4.4). */
enum glue {
	GLUE_NAME,		/* one space, dots or not */
	GLUE_LOCAL,		/* one space */
	GLUE_DOMAIN,		/* the end: what follows is no part of the address */
	GLUE_NONE		/* nothing: a route, a domain literal */
};

/* A text under way: spans into the scratch buffer can be made only when it no longer
 * moves. */
struct piece {
	size_t at, n;
};

/* The shape of one member of the list: offsets into what is left of the value. */
struct member {
	size_t end;		/* of the part that was looked at */
	size_t at_sign;		/* the last '@' before an angle; SIZE_MAX: none */
	bool angle;		/* '<' stands at end */
	bool group;		/* ':' stands at end */
};

void mime_address_walk_init(struct mime_address_walk *w, struct span value)
{
	*w = (struct mime_address_walk){ .rest = value };
	buf_init(&w->text, value.n < SIZE_MAX / 4 ? 2 * value.n + 64 : 0);
}

void mime_address_walk_clear(struct mime_address_walk *w)
{
	buf_clear(&w->text);
}

/* Takes one byte, quoted pair, quoted string or comment, and gives its first byte. */
static uint8_t skip_one(struct span *in)
{
	uint8_t c = in->p[0];

	if (c == '"')
		mime_lex_quoted(in, NULL);
	else if (c == '(')
		mime_lex_comment(in);
	else
		span_take(in, c == '\\' ? 2 : 1);
	return c;
}

/* Appends a run of bytes in which nothing is special. */
static void put_run(struct span *in, struct buf *out)
{
	while (in->n > 0 && !mime_lex_is_space(in->p[0]) && in->p[0] != '"' && in->p[0] != '(') {
		size_t run = 1;

		if (in->p[0] == '\\' && in->n > 1)
			span_take(in, 1);	/* RFC 5322 4.1: a quoted pair in a phrase */
		while (run < in->n && in->p[run] > ' ' && strchr("\"(\\", in->p[run]) == NULL)
			run++;
		buf_put(out, span_take(in, run));
	}
}

/* The word that next begins with stands apart from the last one. Appends what belongs
 * between them; false if the text ends before it. */
static bool put_glue(struct buf *out, enum glue glue, struct span next)
{
	bool dot = out->p[out->n - 1] == '.' || next.p[0] == '.';

	if (glue == GLUE_DOMAIN)
		return dot;
	if (glue == GLUE_NAME || (glue == GLUE_LOCAL && !dot))
		buf_put_byte(out, ' ');
	return true;
}

/* Appends the words of in, quotes and comments taken out. The last comment's inside
 * is left in *comment. */
static struct piece put_words(struct buf *out, struct span in, enum glue glue, struct span *comment)
{
	struct piece piece = { out->n, 0 };
	bool gap = false;

	while (in.n > 0 && !out->failed) {
		if (in.p[0] == '(') {
			*comment = mime_lex_comment(&in);
			gap = true;
			continue;
		}
		if (mime_lex_is_space(in.p[0])) {
			span_take(&in, 1);
			gap = true;
			continue;
		}
		if (gap && out->n > piece.at && !put_glue(out, glue, in))
			break;
		gap = false;
		if (in.p[0] == '"')
			mime_lex_quoted(&in, out);
		else
			put_run(&in, out);
	}
	piece.n = out->n - piece.at;
	return piece;
}

/* Looks ahead over one member: to the separator, or to the '<' or ':' that tells what
 * it is. */
static struct member member_shape(struct span in, bool in_group)
{
	struct member m = { .at_sign = SIZE_MAX };
	size_t all = in.n;

	while (in.n > 0) {
		uint8_t c = in.p[0];

		m.end = all - in.n;
		m.angle = c == '<';
		m.group = c == ':' && !in_group && m.at_sign == SIZE_MAX;
		if (m.angle || m.group || c == ',' || c == ';')
			return m;
		if (c == '@')
			m.at_sign = m.end;
		skip_one(&in);
	}
	m.end = all;
	return m;
}

/* Takes an obsolete route, "@a,@b:", off the front of *in (RFC 5322 4.4). */
static struct span take_route(struct span *in)
{
	struct span look = *in, route;

	while (look.n > 0 && look.p[0] != ':' && look.p[0] != '>' && look.p[0] != '<')
		skip_one(&look);
	if (look.n == 0 || look.p[0] != ':')
		return (struct span){ 0 };
	route = span_take(in, in->n - look.n);
	span_take(in, 1);
	return route;
}

/* Takes what stands between angles, *in begins behind '<', and the '>'. Without one it
 * ends where the next member begins. *at_sign is the place of the last '@'. */
static struct span take_angle(struct span *in, size_t *at_sign)
{
	struct span look = *in, inside;

	*at_sign = SIZE_MAX;
	while (look.n > 0 && look.p[0] != '>' && look.p[0] != '<' && look.p[0] != ',' && look.p[0] != ';') {
		if (look.p[0] == '@')
			*at_sign = in->n - look.n;
		skip_one(&look);
	}
	inside = span_take(in, in->n - look.n);
	if (look.n > 0 && look.p[0] == '>')
		span_take(in, 1);
	return inside;
}

/* Passes over what stands behind an address; a comment there may be its name. */
static void skip_tail(struct span *in, struct span *comment)
{
	while (in->n > 0 && in->p[0] != ',' && in->p[0] != ';') {
		if (in->p[0] == '(')
			*comment = mime_lex_comment(in);
		else
			skip_one(in);
	}
}

static struct span text_of(const struct mime_address_walk *w, struct piece piece)
{
	return (struct span){ piece.n > 0 ? w->text.p + piece.at : NULL, piece.n };
}

/* local@domain in in; the '@' is at at_sign, or there is none. */
static void put_spec(struct buf *out, struct span in, size_t at_sign, struct span *comment, struct piece *local,
		     struct piece *domain)
{
	struct span left = span_take(&in, at_sign);

	*local = put_words(out, left, GLUE_LOCAL, comment);
	span_take(&in, 1);
	mime_lex_skip(&in);
	*domain = put_words(out, in, span_starts(in, "[") ? GLUE_NONE : GLUE_DOMAIN, comment);
}

/* A mailbox of the given shape. False if nothing stood there. */
static bool take_mailbox(struct mime_address_walk *w, const struct member *m, struct mime_address *a)
{
	struct piece name = { 0 }, route = { 0 }, local, domain;
	struct span comment = { 0 }, head = span_take(&w->rest, m->end), inside;
	size_t at_sign;

	if (m->angle) {
		name = put_words(&w->text, head, GLUE_NAME, &comment);
		span_take(&w->rest, 1);
		mime_lex_skip(&w->rest);
		if (span_starts(w->rest, "@"))
			route = put_words(&w->text, take_route(&w->rest), GLUE_NONE, &comment);
		inside = take_angle(&w->rest, &at_sign);
		put_spec(&w->text, inside, at_sign, &comment, &local, &domain);
		skip_tail(&w->rest, &comment);
	} else {
		put_spec(&w->text, head, m->at_sign, &comment, &local, &domain);
	}
	if (!m->angle && m->at_sign == SIZE_MAX && local.n == 0)
		return false;
	if (name.n == 0)
		name = put_words(&w->text, comment, GLUE_NAME, &comment);
	a->kind = MIME_ADDRESS_MAILBOX;
	a->name = text_of(w, name);
	a->route = text_of(w, route);
	a->local = text_of(w, local);
	a->domain = text_of(w, domain);
	return true;
}

static bool end_group(struct mime_address_walk *w, struct mime_address *a)
{
	w->in_group = false;
	*a = (struct mime_address){ .kind = MIME_ADDRESS_GROUP_END };
	return true;
}

static bool begin_group(struct mime_address_walk *w, const struct member *m, struct mime_address *a)
{
	struct span comment, head = span_take(&w->rest, m->end);

	span_take(&w->rest, 1);
	w->in_group = true;
	*a = (struct mime_address){ .kind = MIME_ADDRESS_GROUP };
	a->name = text_of(w, put_words(&w->text, head, GLUE_NAME, &comment));
	return true;
}

/* --- what nearly all addresses look like ----------------------------------- */

/* Bytes that mean nothing but themselves. */
static bool is_plain(uint8_t c)
{
	static const bool special[256] = {
		['('] = true, [')'] = true, ['<'] = true,  ['>'] = true, ['['] = true, [']'] = true, [':'] = true,
		[';'] = true, ['@'] = true, ['\\'] = true, [','] = true, ['"'] = true, [127] = true,
	};

	return c > ' ' && !special[c];
}

static struct span take_plain(struct span *in)
{
	size_t n = 0;

	while (n < in->n && is_plain(in->p[n]))
		n++;
	return span_take(in, n);
}

static bool stands(const struct span *in, uint8_t c)
{
	return in->n > 0 && in->p[0] == c;
}

static void skip_blanks(struct span *in)
{
	while (in->n > 0 && in->p[0] == ' ')
		span_take(in, 1);
}

/* Words with one space between them, the one before '<' left out. False: it is more than that. */
static bool take_plain_name(struct span *in, struct span *name)
{
	*name = (struct span){ in->p, 0 };
	for (;;) {
		size_t word = take_plain(in).n;

		if (word == 0)
			return false;
		name->n = (size_t)(in->p - name->p);
		if (!stands(in, ' '))
			return true;
		span_take(in, 1);
		if (stands(in, '<'))
			return true;
	}
}

/* "words" and blanks behind it. */
static bool take_quoted_name(struct span *in, struct span *name)
{
	size_t n = 1;

	while (n < in->n && in->p[n] != '"') {
		if (in->p[n] < ' ' || in->p[n] == '\\')
			return false;
		n++;
	}
	if (n == 1 || n >= in->n)
		return false;
	*name = (struct span){ in->p + 1, n - 1 };
	span_take(in, n + 1);
	skip_blanks(in);
	return true;
}

/* local@domain, both plain. */
static bool take_plain_spec(struct span *in, struct mime_address *a)
{
	a->local = take_plain(in);
	if (a->local.n == 0 || !stands(in, '@'))
		return false;
	span_take(in, 1);
	a->domain = take_plain(in);
	return a->domain.n > 0;
}

/* "local@domain", "Some Name <local@domain>" and "\"Some Name\" <local@domain>" are lent as they
 * stand. False, and nothing taken, for all that is not one of the three. */
static bool take_simple(struct mime_address_walk *w, struct mime_address *a)
{
	struct span in = w->rest;

	*a = (struct mime_address){ .kind = MIME_ADDRESS_MAILBOX };
	if (!take_plain_spec(&in, a)) {
		in = w->rest;
		if (stands(&in, '"') ? !take_quoted_name(&in, &a->name)
					  : !stands(&in, '<') && !take_plain_name(&in, &a->name))
			return false;
		if (!stands(&in, '<'))
			return false;
		span_take(&in, 1);
		if (!take_plain_spec(&in, a) || !stands(&in, '>'))
			return false;
		span_take(&in, 1);
	}
	skip_blanks(&in);
	if (in.n > 0 && in.p[0] != ',')
		return false;
	w->rest = in;
	return true;
}

bool mime_address_next(struct mime_address_walk *w, struct mime_address *address)
{
	bool found = false;

	buf_reset(&w->text);
	while (!found && w->rest.n > 0) {
		uint8_t c = w->rest.p[0];
		struct member m;

		if (c == ',' || c == ';' || mime_lex_is_space(c)) {
			span_take(&w->rest, 1);
			if (c == ';' && w->in_group)
				return end_group(w, address);
			continue;
		}
		if (take_simple(w, address))
			return true;
		m = member_shape(w->rest, w->in_group);
		if (m.group)
			found = begin_group(w, &m, address);
		else
			found = take_mailbox(w, &m, address);
	}
	if (!found && w->in_group)
		found = end_group(w, address);
	if (w->text.failed)
		*address = (struct mime_address){ 0 };
	return found && !w->text.failed;
}
