/* param.c - the contract is in param.h. */
#include "mime/param.h"

#include <string.h>

#include "common/base/ascii.h"
#include "mime/lex.h"

/* RFC 2045 5.1: what a token may not hold. */
static const char tspecials[] = "()<>@,;:\\\"/[]?=";

/* Senders leave out the quotes around boundaries and names: less ends a value. */
static const char value_ends[] = "(;\"";

/* One parameter as it stands, or one piece of it (RFC 2231 3). */
struct piece {
	struct span name;	/* without *N and the last '*' */
	struct span value;
	unsigned number;
	bool numbered;
	bool ext;		/* percent form (RFC 2231 4) */
	bool used;
};

struct pieces {
	size_t n;
	struct piece at[MIME_PARAM_PIECES];
};

/* Takes what stands before white space, a control character or one of ends. */
static struct span take_run(struct span *in, const char *ends)
{
	size_t n = 0;

	while (n < in->n && in->p[n] > ' ' && in->p[n] != 0x7f && strchr(ends, in->p[n]) == NULL)
		n++;
	return span_take(in, n);
}

static bool take_word(struct span *in, const char *ends, struct buf *out)
{
	struct span run;

	mime_lex_skip(in);
	if (in->n > 0 && in->p[0] == '"') {
		mime_lex_quoted(in, out);
	} else {
		run = take_run(in, ends);
		if (run.n == 0)
			return false;
		buf_put(out, run);
	}
	mime_lex_skip(in);
	return true;
}

struct span mime_param_token(struct span *in)
{
	mime_lex_skip(in);
	return take_run(in, tspecials);
}

bool mime_param_word(struct span *in, struct buf *out)
{
	return take_word(in, tspecials, out);
}

/* The same, as a span of p->text; empty if none stands there. */
static struct span word_of(struct mime_params *p, struct span *in, const char *ends)
{
	size_t start = p->text.n;

	take_word(in, ends, &p->text);
	return (struct span){ p->text.p + start, p->text.n - start };
}

/* "name*12*" gives its three parts. A number that is none, or of more than 3 digits,
 * belongs to the name. */
static void split_name(struct piece *piece)
{
	struct span head = piece->name, digits;
	ptrdiff_t star;
	uint64_t n;

	if (head.n > 1 && head.p[head.n - 1] == '*') {
		piece->ext = true;
		head.n--;
	}
	star = span_find(head, '*');
	if (star > 0) {
		digits = (struct span){ head.p + star + 1, head.n - (size_t)star - 1 };
		if (digits.n <= 3 && span_number(digits, 999, &n)) {
			piece->numbered = true;
			piece->number = (unsigned)n;
			head.n = (size_t)star;
		}
	}
	piece->name = head;
}

/* Moves *in behind the next ';' that stands outside quotes and comments. */
static bool next_parameter(struct span *in)
{
	while (in->n > 0) {
		uint8_t c = in->p[0];

		if (c == '"') {
			mime_lex_quoted(in, NULL);
		} else if (c == '(') {
			mime_lex_comment(in);
		} else {
			span_take(in, 1);
			if (c == ';')
				return true;
		}
	}
	return false;
}

static void take_pieces(struct mime_params *p, struct span *in, struct pieces *all)
{
	while (all->n < MIME_PARAM_PIECES && next_parameter(in)) {
		struct piece piece = { .name = word_of(p, in, tspecials) };

		if (piece.name.n == 0 || in->n == 0 || in->p[0] != '=')
			continue;
		span_take(in, 1);
		piece.value = word_of(p, in, value_ends);
		split_name(&piece);
		all->at[all->n++] = piece;
	}
}

/* Appends a plain piece among percent ones, in their form (RFC 2231 4.1). */
static void put_percent(struct buf *out, struct span value)
{
	static const char hex[] = "0123456789ABCDEF";

	for (size_t i = 0; i < value.n; i++) {
		uint8_t c = value.p[i];

		if (ascii_alnum(c) || (c != '\0' && strchr("-._~", c) != NULL)) {
			buf_put_byte(out, c);
		} else {
			buf_put_byte(out, '%');
			buf_put_byte(out, hex[c >> 4]);
			buf_put_byte(out, (uint8_t)hex[c & 15]);
		}
	}
}

/* Piece number n of name that was not used yet, or NULL. */
static struct piece *piece_of(struct pieces *all, struct span name, unsigned n)
{
	for (size_t i = 0; i < all->n; i++) {
		struct piece *piece = &all->at[i];

		if (!piece->used && piece->numbered && piece->number == n &&
		    span_equal_nocase(piece->name, name))
			return piece;
	}
	return NULL;
}

static bool any_ext(const struct pieces *all, struct span name)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->at[i].numbered && all->at[i].ext && span_equal_nocase(all->at[i].name, name))
			return true;
	return false;
}

/* RFC 2231 3: pieces 0, 1, 2... in their order, wherever they stand. */
static struct span join_pieces(struct mime_params *p, struct pieces *all, struct span name, bool ext)
{
	size_t start = p->text.n;
	struct piece *piece;

	for (unsigned n = 0; (piece = piece_of(all, name, n)) != NULL; n++) {
		piece->used = true;
		if (ext && !piece->ext)
			put_percent(&p->text, piece->value);
		else
			buf_put(&p->text, piece->value);
	}
	return (struct span){ p->text.p + start, p->text.n - start };
}

/* "name", or "name*" for a value that names its charset. */
static struct span name_of(struct mime_params *p, struct span name, bool ext)
{
	size_t start = p->text.n;

	buf_put(&p->text, name);
	if (ext)
		buf_put_byte(&p->text, '*');
	return (struct span){ p->text.p + start, p->text.n - start };
}

static void join_all(struct mime_params *p, struct pieces *all)
{
	for (size_t i = 0; i < all->n && p->n < MIME_PARAMS; i++) {
		struct piece *piece = &all->at[i];
		struct mime_param *to = &p->at[p->n];
		bool ext = piece->numbered ? any_ext(all, piece->name) : piece->ext;

		if (piece->used)
			continue;
		if (!piece->numbered) {
			to->name = name_of(p, piece->name, ext);
			to->value = piece->value;
			p->n++;
		} else if (piece_of(all, piece->name, 0) != NULL) {
			to->name = name_of(p, piece->name, ext);
			to->value = join_pieces(p, all, piece->name, ext);
			p->n++;
		}
	}
}

/* All text lies in one allocation that never moves: spans look into it. */
static bool start(struct mime_params *p, struct span value)
{
	p->type = p->subtype = (struct span){ 0 };
	p->n = 0;
	buf_init(&p->text, value.n < SIZE_MAX / 8 ? 5 * value.n + MIME_PARAM_PIECES : 0);
	return buf_room(&p->text, p->text.max) != NULL;
}

static struct span text_of(struct mime_params *p, struct span token)
{
	size_t at = p->text.n;

	buf_put(&p->text, token);
	return (struct span){ p->text.p + at, token.n };
}

static void take_parameters(struct mime_params *p, struct span in)
{
	struct pieces all;

	all.n = 0;
	take_pieces(p, &in, &all);
	join_all(p, &all);
}

bool mime_params_type(struct mime_params *p, struct span value)
{
	if (!start(p, value))
		return false;
	p->type = text_of(p, mime_param_token(&value));
	mime_lex_skip(&value);
	if (p->type.n == 0 || !span_starts(value, "/"))
		return false;
	span_take(&value, 1);
	p->subtype = text_of(p, mime_param_token(&value));
	if (p->subtype.n == 0)
		return false;
	take_parameters(p, value);
	return true;
}

bool mime_params_disposition(struct mime_params *p, struct span value)
{
	if (!start(p, value))
		return false;
	p->type = text_of(p, mime_param_token(&value));
	if (p->type.n == 0)
		return false;
	take_parameters(p, value);
	return true;
}

void mime_params_clear(struct mime_params *p)
{
	buf_clear(&p->text);
}

const struct mime_param *mime_params_find(const struct mime_params *p, const char *name)
{
	for (size_t i = 0; i < p->n; i++) {
		struct span base = p->at[i].name;

		if (base.n > 0 && base.p[base.n - 1] == '*')
			base.n--;
		if (span_is_nocase(base, name))
			return &p->at[i];
	}
	return NULL;
}
