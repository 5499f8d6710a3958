/* preview.c - the contract is in preview.h. */
#include "mime/preview.h"

#include <string.h>

#include "common/base/ascii.h"
#include "common/base/utf8.h"

enum state {
	IN_TEXT,
	IN_ENTITY,		/* behind & */
	IN_OPEN,		/* behind < */
	IN_NAME,		/* of a tag */
	IN_TAG,
	IN_QUOTE,
	IN_MARKUP,		/* behind <! */
	IN_COMMENT,
	IN_CODE			/* a script or a style, up to p->until */
};

/* --- which part ------------------------------------------------------------ */

static bool is_attachment(const struct mime_part *part)
{
	struct span value;

	return mime_part_field(part, MIME_FIELD_DISPOSITION, &value) &&
	       span_starts_nocase(span_trim(value), "attachment");
}

bool mime_preview_part(const struct mime_meta *m, size_t *at, struct mime_part *part,
		       struct mime_content *content, enum mime_preview_kind *kind)
{
	unsigned inside = UINT32_MAX;	/* depth of the message whose parts are passed over */

	while (mime_meta_next(m, at, part)) {
		if (part->depth > inside)
			continue;
		inside = part->kind == MIME_PART_MESSAGE ? part->depth : UINT32_MAX;
		if (part->kind != MIME_PART_LEAF || is_attachment(part))
			continue;
		mime_part_content(part, content);
		if (!span_is_nocase(content->type, "text") || content->encoding == MIME_ENCODING_UNKNOWN)
			continue;
		*kind = span_is_nocase(content->subtype, "html") ? MIME_PREVIEW_HTML : MIME_PREVIEW_PLAIN;
		if (*kind == MIME_PREVIEW_HTML || span_is_nocase(content->subtype, "plain"))
			return true;
	}
	return false;
}

/* --- characters ------------------------------------------------------------ */

struct range {
	uint32_t first, last;
};

static bool in_ranges(const struct range *r, size_t n, uint32_t c)
{
	for (size_t i = 0; i < n; i++)
		if (c >= r[i].first && c <= r[i].last)
			return true;
	return false;
}

static bool is_space(uint32_t c)
{
	static const struct range spaces[] = { { 0x7f, 0xa0 }, { 0x1680, 0x1680 }, { 0x2000, 0x200a }, { 0x2028, 0x2029 },
					       { 0x202f, 0x202f }, { 0x205f, 0x205f }, { 0x3000, 0x3000 } };

	return c <= 0x20 || (c >= 0x7f && in_ranges(spaces, sizeof(spaces) / sizeof(spaces[0]), c));
}

/* Marks of direction could turn what a client shows beside the preview. */
static bool is_unseen(const struct mime_preview *p, uint32_t c)
{
	static const struct range unseen[] = { { 0xad, 0xad }, { 0x34f, 0x34f }, { 0x61c, 0x61c }, { 0x180b, 0x180f },
					       { 0x200b, 0x200b }, { 0x200e, 0x200f }, { 0x202a, 0x202e }, { 0x2060, 0x206f },
					       { 0xfeff, 0xfeff }, { 0xfff9, 0xfffb }, { 0xe0000, 0xe0fff } };

	if (c == 0x200c || c == 0x200d)		/* between letters they mean something */
		return p->space || p->n == 0;
	return c >= 0xad && in_ranges(unseen, sizeof(unseen) / sizeof(unseen[0]), c);
}

static bool is_full(const struct mime_preview *p)
{
	return p->chars == MIME_PREVIEW_CHARS;
}

static void put(struct mime_preview *p, uint32_t c)
{
	uint8_t bytes[4];
	size_t n;

	if (is_space(c)) {
		p->space = p->n > 0;
		return;
	}
	n = is_unseen(p, c) ? 0 : utf8_write(bytes, c);
	if (n > 0 && p->space && !is_full(p)) {
		p->text[p->n++] = ' ';
		p->chars++;
	}
	if (n == 0 || is_full(p))
		return;
	p->space = false;
	memcpy(p->text + p->n, bytes, n);
	p->n += n;
	p->chars++;
}

static void put_text(struct mime_preview *p, const char *text)
{
	struct span s = span_of(text);
	uint32_t c;

	while (s.n > 0 && utf8_take(&s, &c))
		put(p, c);
}

/* --- plain ----------------------------------------------------------------- */

static void take_plain(struct mime_preview *p, uint32_t c)
{
	if (p->line_begins)
		p->quoted = c == '>';
	p->line_begins = c == '\n';
	if (!p->quoted || c == '\n')
		put(p, c);
}

/* --- HTML ------------------------------------------------------------------ */

static void take_html(struct mime_preview *p, uint32_t c);

static void begin_name(struct mime_preview *p, enum state state)
{
	p->state = state;
	p->name_n = 0;
	p->name[0] = '\0';
}

/* False: it is longer than any that is known. */
static bool add_to_name(struct mime_preview *p, uint32_t c)
{
	if (c >= 0x80 || p->name_n + 1 >= sizeof(p->name))
		return false;
	p->name[p->name_n++] = (char)c;
	p->name[p->name_n] = '\0';
	return true;
}

static const struct {
	const char *name;
	uint32_t c;
} entities[] = {
	{ "amp", '&' },	     { "lt", '<' },	  { "gt", '>' },       { "quot", '"' },	    { "apos", '\'' },
	{ "nbsp", ' ' },     { "shy", 0xad },	  { "zwnj", 0x200c },  { "zwj", 0x200d },   { "ensp", ' ' },
	{ "emsp", ' ' },     { "thinsp", ' ' },	  { "copy", 0xa9 },    { "reg", 0xae },	    { "trade", 0x2122 },
	{ "euro", 0x20ac },  { "pound", 0xa3 },	  { "yen", 0xa5 },     { "cent", 0xa2 },    { "sect", 0xa7 },
	{ "deg", 0xb0 },     { "middot", 0xb7 },  { "bull", 0x2022 },  { "hellip", 0x2026 }, { "ndash", 0x2013 },
	{ "mdash", 0x2014 }, { "lsquo", 0x2018 }, { "rsquo", 0x2019 }, { "ldquo", 0x201c }, { "rdquo", 0x201d },
	{ "sbquo", 0x201a }, { "bdquo", 0x201e }, { "laquo", 0xab },   { "raquo", 0xbb },   { "iexcl", 0xa1 },
	{ "iquest", 0xbf },  { "Auml", 0xc4 },	  { "auml", 0xe4 },    { "Ouml", 0xd6 },    { "ouml", 0xf6 },
	{ "Uuml", 0xdc },    { "uuml", 0xfc },	  { "szlig", 0xdf },   { "eacute", 0xe9 },  { "Eacute", 0xc9 },
	{ "egrave", 0xe8 },  { "ecirc", 0xea },	  { "euml", 0xeb },    { "agrave", 0xe0 },  { "Agrave", 0xc0 },
	{ "aacute", 0xe1 },  { "acirc", 0xe2 },	  { "atilde", 0xe3 },  { "aring", 0xe5 },   { "Aring", 0xc5 },
	{ "aelig", 0xe6 },   { "ccedil", 0xe7 },  { "Ccedil", 0xc7 },  { "iacute", 0xed },  { "icirc", 0xee },
	{ "iuml", 0xef },    { "ntilde", 0xf1 },  { "Ntilde", 0xd1 },  { "oacute", 0xf3 },  { "ocirc", 0xf4 },
	{ "otilde", 0xf5 },  { "oslash", 0xf8 },  { "Oslash", 0xd8 },  { "uacute", 0xfa },  { "ugrave", 0xf9 },
	{ "ucirc", 0xfb },   { "times", 0xd7 },	  { "rarr", 0x2192 },  { "larr", 0x2190 },
};

/* "#8217" or "#x2019": 0 if it is neither. */
static uint32_t number_of(const char *s)
{
	unsigned base = s[1] == 'x' || s[1] == 'X' ? 16 : 10;
	uint32_t c = 0;

	for (s += base == 16 ? 2 : 1; *s != '\0' && c < 0x110000; s++) {
		unsigned digit = *s >= '0' && *s <= '9' ? (unsigned)(*s - '0') : (unsigned)(ascii_lower((uint8_t)*s) - 'a') + 10;

		if (digit >= base)
			return 0;
		c = c * base + digit;
	}
	return c;
}

/* False: it means nothing, and stands for itself. */
static bool put_entity(struct mime_preview *p)
{
	uint32_t means = p->name[0] == '#' ? number_of(p->name) : 0;

	p->state = IN_TEXT;
	for (size_t i = 0; i < sizeof(entities) / sizeof(entities[0]) && means == 0; i++)
		if (strcmp(entities[i].name, p->name) == 0)
			means = entities[i].c;
	put(p, means != 0 ? means : '&');
	if (means == 0)
		put_text(p, p->name);
	return means != 0;
}

static void take_entity(struct mime_preview *p, uint32_t c)
{
	bool part = c < 0x80 && (ascii_alnum((uint8_t)c) || (c == '#' && p->name_n == 0));

	if (part && add_to_name(p, c))
		return;
	if (!put_entity(p) || c != ';')
		take_html(p, c);
}

/* Tags that stand inside a word or line; all others are a space. */
static bool is_inline(const char *name)
{
	static const char *const names[] = { "a",   "abbr", "b",     "big",  "code",   "del",	 "em",	"font", "i",   "ins", "mark",
					     "s",   "small", "span", "strike", "strong", "sub", "sup", "tt",  "u",   "wbr" };

	name += *name == '/';
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static void end_tag(struct mime_preview *p)
{
	static const char *const codes[][2] = { { "script", "</script" }, { "style", "</style" }, { "title", "</title" } };

	p->state = IN_TEXT;
	if (!is_inline(p->name))
		put(p, ' ');
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (strcmp(p->name, codes[i][0]) != 0)
			continue;
		p->state = IN_CODE;
		p->until = codes[i][1];
		p->matched = 0;
	}
}

static void take_tag(struct mime_preview *p, uint32_t c)
{
	if (c == '>') {
		end_tag(p);
	} else if (c == '"' || c == '\'') {
		p->quote = (uint8_t)c;
		p->state = IN_QUOTE;
	}
}

static void take_name(struct mime_preview *p, uint32_t c)
{
	bool part = c < 0x80 && (ascii_alnum((uint8_t)c) || (c == '/' && p->name_n == 0));

	if (part && add_to_name(p, ascii_lower((uint8_t)c)))
		return;
	p->state = IN_TAG;
	take_tag(p, c);
}

static void take_open(struct mime_preview *p, uint32_t c)
{
	bool tag = c < 0x80 && (ascii_alpha((uint8_t)c) || c == '/');

	begin_name(p, IN_NAME);
	p->matched = 0;
	if (tag) {
		take_name(p, c);
	} else if (c == '!' || c == '?') {
		p->state = IN_MARKUP;
	} else {
		put(p, '<');
		p->state = IN_TEXT;
		take_html(p, c);
	}
}

/* A comment begins with two dashes right behind <!, and ends with two before >. */
static void take_markup(struct mime_preview *p, uint32_t c)
{
	p->matched = c == '-' ? p->matched + 1 : 3;
	if (c == '>')
		p->state = IN_TEXT;
	else if (c == '-' && p->matched == 2)
		p->state = IN_COMMENT;
}

static void take_comment(struct mime_preview *p, uint32_t c)
{
	if (c == '>' && p->matched >= 2)
		p->state = IN_TEXT;
	p->matched = c == '-' ? (p->matched < 2 ? p->matched + 1 : 2) : 0;
}

static void take_code(struct mime_preview *p, uint32_t c)
{
	bool same = c < 0x80 && ascii_lower((uint8_t)c) == (uint8_t)p->until[p->matched];

	p->matched = same ? p->matched + 1 : c == '<';
	if (p->until[p->matched] != '\0')
		return;
	p->state = IN_TAG;
	p->name[0] = '\0';
}

static void take_html(struct mime_preview *p, uint32_t c)
{
	switch ((enum state)p->state) {
	case IN_TEXT:
		if (c == '&')
			begin_name(p, IN_ENTITY);
		else if (c == '<')
			p->state = IN_OPEN;
		else
			put(p, c);
		break;
	case IN_ENTITY:
		take_entity(p, c);
		break;
	case IN_OPEN:
		take_open(p, c);
		break;
	case IN_NAME:
		take_name(p, c);
		break;
	case IN_TAG:
		take_tag(p, c);
		break;
	case IN_QUOTE:
		if (c == p->quote)
			p->state = IN_TAG;
		break;
	case IN_MARKUP:
		take_markup(p, c);
		break;
	case IN_COMMENT:
		take_comment(p, c);
		break;
	case IN_CODE:
		take_code(p, c);
		break;
	}
}

/* --- the whole ------------------------------------------------------------- */

void mime_preview_init(struct mime_preview *p, enum mime_preview_kind kind)
{
	*p = (struct mime_preview){ .kind = kind, .line_begins = true };
}

bool mime_preview_feed(struct mime_preview *p, struct span utf8)
{
	uint32_t c;

	while (utf8.n > 0 && !is_full(p)) {
		utf8_take(&utf8, &c);
		if (p->kind == MIME_PREVIEW_HTML)
			take_html(p, c);
		else
			take_plain(p, c);
	}
	return !is_full(p);
}

struct span mime_preview_end(struct mime_preview *p)
{
	struct span text;

	if (p->kind == MIME_PREVIEW_HTML && p->state == IN_ENTITY)
		put_entity(p);
	text = span_trim((struct span){ p->text, p->n });
	if (span_starts(text, "-----BEGIN PGP MESSAGE-----"))
		text.n = 0;	/* RFC 8970 3.2: nothing that means something can be shown */
	return text;
}
