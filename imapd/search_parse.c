/* search_parse.c - the keys of SEARCH (RFC 3501 9: search, search-key). */
#include "imapd/search.h"

#include "common/base/ascii.h"
#include "mime/charset.h"

enum argument {
	ARG_NONE,
	ARG_TEXT,
	ARG_FIELD,		/* a text, in the field of the row */
	ARG_HEADER,
	ARG_DATE,
	ARG_SIZE,
	ARG_SECONDS,
	ARG_MODSEQ,
	ARG_EMAILID,
	ARG_THREADID,
	ARG_KEYWORD,
	ARG_UIDS,
	ARG_NOT,
	ARG_OR
};

static const struct row {
	const char *name;
	enum search_op op;
	enum argument argument;
	unsigned detail;	/* flags, or the field */
} rows[] = {
	{ "ALL", SEARCH_ALL, ARG_NONE, 0 },
	{ "ANSWERED", SEARCH_FLAG, ARG_NONE, STORE_ANSWERED },
	{ "BCC", SEARCH_FIELD, ARG_FIELD, MIME_FIELD_BCC },
	{ "BEFORE", SEARCH_BEFORE, ARG_DATE, 0 },
	{ "BODY", SEARCH_BODY, ARG_TEXT, 0 },
	{ "CC", SEARCH_FIELD, ARG_FIELD, MIME_FIELD_CC },
	{ "DELETED", SEARCH_FLAG, ARG_NONE, STORE_DELETED },
	{ "DRAFT", SEARCH_FLAG, ARG_NONE, STORE_DRAFT },
	{ "EMAILID", SEARCH_EMAILID, ARG_EMAILID, 0 },	/* RFC 8474 6 */
	{ "FLAGGED", SEARCH_FLAG, ARG_NONE, STORE_FLAGGED },
	{ "FROM", SEARCH_FIELD, ARG_FIELD, MIME_FIELD_FROM },
	{ "HEADER", SEARCH_HEADER, ARG_HEADER, 0 },
	{ "KEYWORD", SEARCH_KEYWORD, ARG_KEYWORD, 0 },
	{ "LARGER", SEARCH_LARGER, ARG_SIZE, 0 },
	{ "MODSEQ", SEARCH_MODSEQ, ARG_MODSEQ, 0 },	/* RFC 7162 3.1.5 */
	{ "NOT", SEARCH_NOT, ARG_NOT, 0 },
	{ "OLDER", SEARCH_OLDER, ARG_SECONDS, 0 },	/* RFC 5032 3 */
	{ "ON", SEARCH_ON, ARG_DATE, 0 },
	{ "OR", SEARCH_OR, ARG_OR, 0 },
	{ "RECENT", SEARCH_RECENT, ARG_NONE, 0 },
	{ "SAVEDATESUPPORTED", SEARCH_ALL, ARG_NONE, 0 },	/* RFC 8514 4.3 */
	{ "SAVEDBEFORE", SEARCH_SAVEDBEFORE, ARG_DATE, 0 },
	{ "SAVEDON", SEARCH_SAVEDON, ARG_DATE, 0 },
	{ "SAVEDSINCE", SEARCH_SAVEDSINCE, ARG_DATE, 0 },
	{ "SEEN", SEARCH_FLAG, ARG_NONE, STORE_SEEN },
	{ "SENTBEFORE", SEARCH_SENTBEFORE, ARG_DATE, 0 },
	{ "SENTON", SEARCH_SENTON, ARG_DATE, 0 },
	{ "SENTSINCE", SEARCH_SENTSINCE, ARG_DATE, 0 },
	{ "SINCE", SEARCH_SINCE, ARG_DATE, 0 },
	{ "SMALLER", SEARCH_SMALLER, ARG_SIZE, 0 },
	{ "SUBJECT", SEARCH_FIELD, ARG_FIELD, MIME_FIELD_SUBJECT },
	{ "TEXT", SEARCH_TEXT, ARG_TEXT, 0 },
	{ "THREADID", SEARCH_NEVER, ARG_THREADID, 0 },	/* RFC 8474 6: there are none here */
	{ "TO", SEARCH_FIELD, ARG_FIELD, MIME_FIELD_TO },
	{ "UID", SEARCH_UIDS, ARG_UIDS, 0 },
	{ "UNANSWERED", SEARCH_UNFLAG, ARG_NONE, STORE_ANSWERED },
	{ "UNDELETED", SEARCH_UNFLAG, ARG_NONE, STORE_DELETED },
	{ "UNDRAFT", SEARCH_UNFLAG, ARG_NONE, STORE_DRAFT },
	{ "UNFLAGGED", SEARCH_UNFLAG, ARG_NONE, STORE_FLAGGED },
	{ "UNKEYWORD", SEARCH_UNKEYWORD, ARG_KEYWORD, 0 },
	{ "UNSEEN", SEARCH_UNFLAG, ARG_NONE, STORE_SEEN },
	{ "YOUNGER", SEARCH_YOUNGER, ARG_SECONDS, 0 },
};

static struct search_key *new_key(struct imap_parse *p, struct search *s, enum search_op op)
{
	struct search_job *j = s->job;
	struct search_key *k = j->keys < SEARCH_KEYS ? arena_alloc(j->arena, sizeof(*k)) : NULL;

	if (k == NULL) {
		imap_parse_fail(p, "too many keys");
		return NULL;
	}
	j->keys++;
	k->op = op;
	k->listed = j->all;
	j->all = k;
	j->asks_recent |= op == SEARCH_RECENT;
	j->asks_meta |= op == SEARCH_SENTBEFORE || op == SEARCH_SENTON || op == SEARCH_SENTSINCE;
	return k;
}

/* Text in the charset of the command becomes a needle. */
static bool make_needle(struct imap_parse *p, struct search *s, struct search_key *k, struct span text)
{
	struct buf utf8;
	int r;

	if (++s->job->texts > SEARCH_TEXTS)
		return imap_parse_fail(p, "too many texts to look for");
	if (text.n == 0 && k->op != SEARCH_FIELD && k->op != SEARCH_HEADER)
		k->op = SEARCH_ALL;	/* RFC 9051 6.4.4: nothing is in every text */
	s->job->asks_meta |= k->op == SEARCH_FIELD;
	if (k->op != SEARCH_FIELD && k->op != SEARCH_ALL) {
		k->reading = s->job->reading;
		s->job->reading = k;
	}
	buf_init(&utf8, 8 * text.n + 64);
	if (s->unknown_charset || !mime_charset_convert(NULL, s->charset, text, &utf8)) {
		s->unknown_charset = true;
		buf_clear(&utf8);
		return true;
	}
	r = mime_search_new(&k->needle, buf_span(&utf8), NULL);
	buf_clear(&utf8);
	s->long_text |= r != 0;
	k->empty = text.n == 0;
	return true;
}

static bool parse_needle(struct imap_parse *p, struct search *s, struct search_key *k)
{
	struct span text;

	return imap_parse_space(p) && imap_parse_astring(p, &text) && make_needle(p, s, k, text);
}

static bool parse_header(struct imap_parse *p, struct search *s, struct search_key *k)
{
	struct span name;

	if (!imap_parse_space(p) || !imap_parse_astring(p, &name))
		return false;
	k->name = arena_copy(s->job->arena, name);
	if (k->name.p == NULL && name.n > 0)
		return imap_parse_fail(p, "the command is too large");
	k->field = mime_field_of(k->name);
	if (k->field != MIME_FIELD_COUNT && mime_field_of_message(k->field))
		k->op = SEARCH_FIELD;
	return parse_needle(p, s, k);
}

static int hex_digit(uint8_t c)
{
	return ascii_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* RFC 8474 6: case counts; what no message here can be called is no message's. */
static bool parse_emailid(struct imap_parse *p, struct search_key *k)
{
	struct span id;

	if (!imap_parse_space(p) || !imap_parse_astring(p, &id))
		return false;
	if (id.n != 2 * STORE_GUID + 1 || id.p[0] != 'M')
		k->op = SEARCH_NEVER;
	for (size_t i = 0; k->op != SEARCH_NEVER && i < STORE_GUID; i++) {
		int high = hex_digit(id.p[2 * i + 1]), low = hex_digit(id.p[2 * i + 2]);

		if (high < 0 || low < 0)
			k->op = SEARCH_NEVER;
		else
			k->guid[i] = (uint8_t)(high * 16 + low);
	}
	return true;
}

/* The entry's name and kind are read and passed over: a message has one mod-sequence for all. */
static bool parse_modseq(struct imap_parse *p, struct search *s, struct search_key *k)
{
	struct span entry;

	s->modseq = true;
	if (!imap_parse_space(p))
		return false;
	if (p->in.n > 0 && p->in.p[0] == '"') {
		if (!imap_parse_string(p, &entry) || !imap_parse_space(p))
			return false;
		if (!imap_parse_try_word(p, "all") && !imap_parse_try_word(p, "priv") && !imap_parse_try_word(p, "shared"))
			return imap_parse_fail(p, "all, priv or shared is missing");
		if (!imap_parse_space(p))
			return false;
	}
	return imap_parse_number(p, INT64_MAX, &k->size);
}

static bool parse_seconds(struct imap_parse *p, struct search_key *k)
{
	return imap_parse_space(p) && imap_parse_nz_number(p, UINT32_MAX, &k->size);
}

static struct search_key *parse_key(struct imap_parse *p, struct search *s, unsigned depth);

static bool parse_inner(struct imap_parse *p, struct search *s, struct search_key *k, unsigned depth)
{
	struct search_key *inner = NULL;

	if (imap_parse_space(p))
		inner = parse_key(p, s, depth + 1);
	if (inner == NULL)
		return false;
	inner->next = k->first;
	k->first = inner;
	return true;
}

static bool parse_argument(struct imap_parse *p, struct search *s, struct search_key *k, const struct row *row,
			   unsigned depth)
{
	switch (row->argument) {
	case ARG_NONE:
		k->flags = row->detail;
		return true;
	case ARG_TEXT:
		return parse_needle(p, s, k);
	case ARG_FIELD:
		k->field = (enum mime_field)row->detail;
		return parse_needle(p, s, k);
	case ARG_HEADER:
		return parse_header(p, s, k);
	case ARG_DATE:
		return imap_parse_space(p) && imap_parse_date(p, &k->day);
	case ARG_SIZE:
		return imap_parse_space(p) && imap_parse_number(p, INT64_MAX, &k->size);
	case ARG_SECONDS:
		return parse_seconds(p, k);
	case ARG_MODSEQ:
		return parse_modseq(p, s, k);
	case ARG_EMAILID:
		return parse_emailid(p, k);
	case ARG_THREADID:
		return imap_parse_space(p) && imap_parse_astring(p, &k->name);
	case ARG_KEYWORD:
		return imap_parse_space(p) && imap_parse_atom(p, &k->name);
	case ARG_UIDS:
		return imap_parse_space(p) && imap_parse_set(p, &k->numbers);
	case ARG_NOT:
		return parse_inner(p, s, k, depth);
	case ARG_OR:
		return parse_inner(p, s, k, depth) && parse_inner(p, s, k, depth);
	}
	return false;
}

static bool parse_list(struct imap_parse *p, struct search *s, struct search_key *k, unsigned depth)
{
	do {
		struct search_key *inner = parse_key(p, s, depth + 1);

		if (inner == NULL)
			return false;
		inner->next = k->first;
		k->first = inner;
	} while (imap_parse_try(p, ' '));
	return true;
}

/* NEW and OLD are short for others. */
static struct search_key *parse_new(struct imap_parse *p, struct search *s)
{
	struct search_key *both = new_key(p, s, SEARCH_AND);
	struct search_key *recent = both != NULL ? new_key(p, s, SEARCH_RECENT) : NULL;
	struct search_key *unseen = recent != NULL ? new_key(p, s, SEARCH_UNFLAG) : NULL;

	if (unseen == NULL)
		return NULL;
	unseen->flags = STORE_SEEN;
	recent->next = unseen;
	both->first = recent;
	return both;
}

static struct search_key *parse_old(struct imap_parse *p, struct search *s)
{
	struct search_key *not = new_key(p, s, SEARCH_NOT);

	if (not != NULL)
		not->first = new_key(p, s, SEARCH_RECENT);
	return not != NULL && not->first != NULL ? not : NULL;
}

static struct search_key *parse_key(struct imap_parse *p, struct search *s, unsigned depth)
{
	struct search_key *k;

	if (depth > SEARCH_DEPTH) {
		imap_parse_fail(p, "the keys are nested too deeply");
		return NULL;
	}
	if (imap_parse_try(p, '(')) {
		k = new_key(p, s, SEARCH_AND);
		return k != NULL && parse_list(p, s, k, depth) && imap_parse_byte(p, ')') ? k : NULL;
	}
	if (p->in.n > 0 && (ascii_digit(p->in.p[0]) || p->in.p[0] == '*' || p->in.p[0] == '$')) {
		k = new_key(p, s, SEARCH_NUMBERS);
		if (k == NULL || !imap_parse_set(p, &k->numbers))
			return NULL;
		s->numbers |= !k->numbers.saved;
		return k;
	}
	if (imap_parse_try_word(p, "NEW"))
		return parse_new(p, s);
	if (imap_parse_try_word(p, "OLD"))
		return parse_old(p, s);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!imap_parse_try_word(p, rows[i].name))
			continue;
		k = new_key(p, s, rows[i].op);
		return k != NULL && parse_argument(p, s, k, &rows[i], depth) ? k : NULL;
	}
	imap_parse_fail(p, "no such search key");
	return NULL;
}

/* charset SP */
static bool parse_charset(struct imap_parse *p, struct search *s)
{
	if (!imap_parse_astring(p, &s->charset) || !imap_parse_space(p))
		return false;
	s->unknown_charset = s->charset.n == 0 || !mime_charset_known(s->charset);
	return true;
}

static bool parse_keys(struct imap_parse *p, struct search *s)
{
	struct search_key *root;

	if (search_job_new(&s->job) != 0)
		return imap_parse_fail(p, "there is no memory for a search");
	root = s->job->root = new_key(p, s, SEARCH_AND);
	return root != NULL && parse_list(p, s, root, 0) && imap_parse_end(p);
}

bool search_parse(struct imap_parse *p, struct search *s)
{
	if (imap_parse_try_word(p, "RETURN") && (!search_parse_return(p, &s->give) || !imap_parse_space(p)))
		return false;
	if (imap_parse_try_word(p, "CHARSET") && (!imap_parse_space(p) || !parse_charset(p, s)))
		return false;
	return parse_keys(p, s);
}

bool search_parse_program(struct imap_parse *p, struct search *s)
{
	return parse_charset(p, s) && parse_keys(p, s);
}
