/* fetch_parse.c - the items of FETCH and their sections (RFC 3501 9: fetch-att, section). */
#include "imapd/fetch.h"

#include "common/base/ascii.h"

/* What is asked for twice is told once, sections apart. */
static struct fetch_item *add(struct imap_parse *p, struct fetch *f, enum fetch_kind kind)
{
	for (size_t i = 0; i < f->n && kind != FETCH_SECTION; i++)
		if (f->items[i].kind == kind)
			return &f->items[i];
	if (f->n == FETCH_ITEMS) {
		imap_parse_fail(p, "too many items");
		return NULL;
	}
	f->items[f->n].kind = kind;
	f->knows_condstore |= kind == FETCH_MODSEQ;
	f->needs_tree |= kind == FETCH_BODYSTRUCTURE || kind == FETCH_BODY;
	f->needs_meta |= kind == FETCH_ENVELOPE || kind == FETCH_BODYSTRUCTURE || kind == FETCH_BODY;
	return &f->items[f->n++];
}

static bool add_section(struct imap_parse *p, struct fetch *f, const struct fetch_item *item)
{
	struct fetch_item *i = add(p, f, FETCH_SECTION);

	if (i == NULL)
		return false;
	*i = *item;
	f->needs_body = true;
	f->needs_meta |= !fetch_is_whole(i);
	return true;
}

/* RFC 822's names for three sections (RFC 3501 6.4.5). */
static bool add_old(struct imap_parse *p, struct fetch *f, const char *label, enum mime_section section)
{
	struct fetch_item i = { .kind = FETCH_SECTION, .label = span_of(label), .section = section };

	f->sees |= section != MIME_SECTION_HEADER;
	return add_section(p, f, &i);
}

/* "1.2" or, before a word, "1.2.". */
static bool parse_path(struct imap_parse *p, struct fetch_item *i)
{
	bool dot = true;
	uint64_t n;

	i->path = arena_array(p->arena, FETCH_PATH, sizeof(*i->path));
	if (i->path == NULL)
		return imap_parse_fail(p, "the command is too large");
	while (p->in.n > 0 && ascii_digit(p->in.p[0])) {
		if (i->path_n == FETCH_PATH || !imap_parse_nz_number(p, UINT32_MAX, &n))
			return imap_parse_fail(p, "not a part's number");
		i->path[i->path_n++] = (uint32_t)n;
		dot = imap_parse_try(p, '.');
		if (!dot)
			break;
	}
	if (dot == (p->in.n > 0 && p->in.p[0] == ']'))
		return imap_parse_fail(p, "not a section");
	return true;
}

static bool parse_fields(struct imap_parse *p, struct fetch_item *i)
{
	i->fields = arena_array(p->arena, FETCH_FIELDS, sizeof(*i->fields));
	if (i->fields == NULL)
		return imap_parse_fail(p, "the command is too large");
	if (!imap_parse_space(p) || !imap_parse_byte(p, '('))
		return false;
	do {
		if (i->field_n == FETCH_FIELDS)
			return imap_parse_fail(p, "too many header fields");
		if (!imap_parse_astring(p, &i->fields[i->field_n++]))
			return false;
	} while (imap_parse_try(p, ' '));
	return imap_parse_byte(p, ')');
}

static bool parse_section_text(struct imap_parse *p, struct fetch_item *i)
{
	i->section = MIME_SECTION_HEADER;
	if (imap_parse_try_word(p, "HEADER")) {
		if (!imap_parse_try(p, '.'))
			return true;
		if (!imap_parse_try_word(p, "FIELDS"))
			return imap_parse_fail(p, "no such section");
		i->which = imap_parse_try_word(p, ".NOT") ? FETCH_OTHER_FIELDS : FETCH_THESE_FIELDS;
		return parse_fields(p, i);
	}
	i->section = MIME_SECTION_TEXT;
	if (imap_parse_try_word(p, "TEXT"))
		return true;
	i->section = MIME_SECTION_MIME;	/* RFC 3501 6.4.5: of a part only */
	if (i->path_n > 0 && imap_parse_try_word(p, "MIME"))
		return true;
	return imap_parse_fail(p, "no such section");
}

static bool parse_section(struct imap_parse *p, struct fetch_item *i)
{
	i->section = MIME_SECTION_BODY;
	if (!imap_parse_byte(p, '['))
		return false;
	if (imap_parse_try(p, ']'))
		return true;
	if (p->in.n > 0 && ascii_digit(p->in.p[0])) {
		if (!parse_path(p, i))
			return false;
		if (imap_parse_try(p, ']'))
			return true;
	}
	return parse_section_text(p, i) && imap_parse_byte(p, ']');
}

static bool parse_partial(struct imap_parse *p, struct fetch_item *i)
{
	i->partial = imap_parse_try(p, '<');
	if (!i->partial)
		return true;
	if (!imap_parse_number(p, INT64_MAX, &i->from) || !imap_parse_byte(p, '.') ||
	    !imap_parse_nz_number(p, INT64_MAX, &i->most) || !imap_parse_byte(p, '>'))
		return imap_parse_fail(p, "a partial is <from.count>, count over 0");
	return true;
}

static bool plain_name(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!ascii_alnum(s.p[i]) && s.p[i] != '-' && s.p[i] != '_')
			return false;
	return s.n > 0;
}

static void put_label(struct buf *out, const struct fetch_item *i)
{
	static const char *const prefixes[] = { "BODY[", "BINARY[", "BINARY.SIZE[" };
	static const char *const words[] = { "", "HEADER", "TEXT", "MIME" };

	buf_put_text(out, prefixes[i->decode]);
	for (size_t k = 0; k < i->path_n; k++)
		buf_printf(out, "%s%u", k > 0 ? "." : "", i->path[k]);
	if (i->path_n > 0 && i->section != MIME_SECTION_BODY)
		buf_put_byte(out, '.');
	buf_put_text(out, words[i->section]);
	if (i->which != FETCH_ALL_FIELDS)
		buf_put_text(out, i->which == FETCH_THESE_FIELDS ? ".FIELDS (" : ".FIELDS.NOT (");
	for (size_t k = 0; k < i->field_n; k++) {
		if (k > 0)
			buf_put_byte(out, ' ');
		if (plain_name(i->fields[k]))
			buf_put(out, i->fields[k]);
		else
			imap_put_string(out, i->fields[k]);
	}
	buf_put_text(out, i->which != FETCH_ALL_FIELDS ? ")]" : "]");
	if (i->partial)
		buf_printf(out, "<%llu>", (unsigned long long)i->from);
}

static bool make_label(struct imap_parse *p, struct fetch_item *i)
{
	struct buf text;
	bool ok;

	buf_init(&text, 1 << 20);
	put_label(&text, i);
	i->label = arena_copy(p->arena, buf_span(&text));
	ok = !text.failed && i->label.p != NULL;
	buf_clear(&text);
	return ok || imap_parse_fail(p, "the command is too large");
}

static bool parse_body(struct imap_parse *p, struct fetch *f)
{
	struct fetch_item i = { .kind = FETCH_SECTION };
	bool peek = imap_parse_try_word(p, ".PEEK");

	if (!peek && (p->in.n == 0 || p->in.p[0] != '['))
		return add(p, f, FETCH_BODY) != NULL;
	f->sees |= !peek;
	return parse_section(p, &i) && parse_partial(p, &i) && make_label(p, &i) && add_section(p, f, &i);
}

/* RFC 3516 4.2: the path of a part, or nothing for the message. */
static bool parse_section_binary(struct imap_parse *p, struct fetch_item *i)
{
	if (!imap_parse_byte(p, '['))
		return false;
	if (imap_parse_try(p, ']'))
		return true;
	if (p->in.n == 0 || !ascii_digit(p->in.p[0]))
		return imap_parse_fail(p, "BINARY takes a part's number");
	return parse_path(p, i) && imap_parse_byte(p, ']');
}

static bool parse_binary(struct imap_parse *p, struct fetch *f)
{
	struct fetch_item i = { .kind = FETCH_SECTION, .decode = FETCH_DECODED };
	bool peek = imap_parse_try_word(p, ".PEEK");

	if (!peek && imap_parse_try_word(p, ".SIZE"))
		i.decode = FETCH_DECODED_SIZE;
	f->sees |= !peek && i.decode == FETCH_DECODED;
	if (!parse_section_binary(p, &i) || (i.decode == FETCH_DECODED && !parse_partial(p, &i)))
		return false;
	return make_label(p, &i) && add_section(p, f, &i);
}

/* RFC 8970 6: modifiers of the item, where a list of FETCH's own modifiers may follow too. */
static bool parse_preview(struct imap_parse *p, struct fetch *f)
{
	bool lazy = span_starts_nocase(p->in, " (LAZY");

	if (add(p, f, FETCH_PREVIEW) == NULL)
		return false;
	f->preview.lazy = lazy && (f->preview.lazy || !f->preview.wanted);
	f->preview.wanted = true;
	if (!lazy)
		return true;
	span_take(&p->in, 2);
	do {
		if (!imap_parse_try_word(p, "LAZY"))
			return imap_parse_fail(p, "PREVIEW knows LAZY only");
	} while (imap_parse_try(p, ' '));
	return imap_parse_byte(p, ')');
}

static const struct {
	const char *name;
	enum fetch_kind kind;
} plain_items[] = {
	{ "FLAGS", FETCH_FLAGS },	{ "UID", FETCH_UID },		{ "INTERNALDATE", FETCH_INTERNALDATE },
	{ "RFC822.SIZE", FETCH_SIZE },	{ "ENVELOPE", FETCH_ENVELOPE }, { "BODYSTRUCTURE", FETCH_BODYSTRUCTURE },
	{ "MODSEQ", FETCH_MODSEQ },	{ "EMAILID", FETCH_EMAILID },	{ "THREADID", FETCH_THREADID },
	{ "SAVEDATE", FETCH_SAVEDATE },
};

static bool parse_item(struct imap_parse *p, struct fetch *f)
{
	for (size_t i = 0; i < sizeof(plain_items) / sizeof(plain_items[0]); i++)
		if (imap_parse_try_word(p, plain_items[i].name))
			return add(p, f, plain_items[i].kind) != NULL;
	if (imap_parse_try_word(p, "RFC822.HEADER"))
		return add_old(p, f, "RFC822.HEADER", MIME_SECTION_HEADER);
	if (imap_parse_try_word(p, "RFC822.TEXT"))
		return add_old(p, f, "RFC822.TEXT", MIME_SECTION_TEXT);
	if (imap_parse_try_word(p, "RFC822"))
		return add_old(p, f, "RFC822", MIME_SECTION_BODY);
	if (imap_parse_try_word(p, "BODY"))
		return parse_body(p, f);
	if (imap_parse_try_word(p, "BINARY"))
		return parse_binary(p, f);
	if (imap_parse_try_word(p, "PREVIEW"))
		return parse_preview(p, f);
	return imap_parse_fail(p, "no such item");
}

/* RFC 3501 6.4.5: ALL, FAST and FULL stand alone. */
static bool parse_macro(struct imap_parse *p, struct fetch *f)
{
	static const enum fetch_kind kinds[] = { FETCH_FLAGS, FETCH_INTERNALDATE, FETCH_SIZE, FETCH_ENVELOPE, FETCH_BODY };
	size_t n = imap_parse_try_word(p, "FAST") ? 3 :
		   imap_parse_try_word(p, "ALL")  ? 4 :
		   imap_parse_try_word(p, "FULL") ? 5 :
						    0;

	for (size_t i = 0; i < n; i++)
		add(p, f, kinds[i]);
	return n > 0;
}

bool fetch_parse_items(struct imap_parse *p, struct fetch *f)
{
	f->items = arena_array(p->arena, FETCH_ITEMS, sizeof(*f->items));
	if (f->items == NULL)
		return imap_parse_fail(p, "the command is too large");
	if (parse_macro(p, f))
		return true;
	if (!imap_parse_try(p, '('))
		return parse_item(p, f);
	do {
		if (!parse_item(p, f))
			return false;
	} while (imap_parse_try(p, ' '));
	return imap_parse_byte(p, ')');
}

static bool parse_since(struct imap_parse *p, struct fetch *f)
{
	f->knows_condstore = true;
	if (!imap_parse_space(p) || !imap_parse_number(p, INT64_MAX, &f->since))
		return false;
	return f->since > 0 || imap_parse_fail(p, "CHANGEDSINCE 0 is no mod-sequence");
}

/* RFC 9394 4: "-" stands before both numbers or before none. */
static bool parse_part(struct imap_parse *p, struct fetch *f)
{
	uint64_t a, b;

	if (f->part.first != 0)
		return imap_parse_fail(p, "PARTIAL stands there twice");
	if (!imap_parse_space(p))
		return false;
	f->from_end = imap_parse_try(p, '-');
	if (!imap_parse_nz_number(p, UINT32_MAX, &a) || !imap_parse_byte(p, ':') ||
	    (f->from_end && !imap_parse_byte(p, '-')) || !imap_parse_nz_number(p, UINT32_MAX, &b))
		return false;
	f->part = (struct store_range){ (uint32_t)a, (uint32_t)b };
	return true;
}

static bool parse_modifier(struct imap_parse *p, struct fetch *f)
{
	if (imap_parse_try_word(p, "VANISHED")) {
		f->vanished = true;
		return true;
	}
	if (imap_parse_try_word(p, "CHANGEDSINCE"))
		return parse_since(p, f);
	if (imap_parse_try_word(p, "PARTIAL"))
		return parse_part(p, f);
	return imap_parse_fail(p, "no such modifier");
}

/* RFC 4466 2.2 */
bool fetch_parse_modifiers(struct imap_parse *p, struct fetch *f)
{
	if (!imap_parse_byte(p, '('))
		return false;
	do {
		if (!parse_modifier(p, f))
			return false;
	} while (imap_parse_try(p, ' '));
	if (f->vanished && f->since == 0)
		return imap_parse_fail(p, "VANISHED goes with CHANGEDSINCE");
	return imap_parse_byte(p, ')');
}
