/* cmd_metadata.c - GETMETADATA, SETMETADATA (RFC 5464). An account's "shared" entries are shared with nobody yet. */
#include <string.h>

#include "common/base/ascii.h"
#include "imapd/session.h"

enum { ENTRIES_MAX = IMAP_MUTATIONS };	/* of one command */

enum depth { DEPTH_ITSELF, DEPTH_CHILDREN, DEPTH_ALL };

struct metadata {
	struct span name;	/* of the mailbox; empty: of the server */
	uint64_t mailbox;
	struct span entries[ENTRIES_MAX];	/* in lower case */
	size_t count;
	struct store_mutation set[ENTRIES_MAX];
	/* GETMETADATA */
	enum depth depth;
	bool has_max, told;
	uint64_t max, longest;	/* bytes of a value; the longest that was left out */
	struct store_annotation *all;
	size_t all_count, at;
};

/* --- parsing --------------------------------------------------------------- */

/* RFC 5464 5: the mailbox "" is the server. */
static bool parse_mailbox(struct imap_parse *p, struct span *name)
{
	const struct span before = p->in;

	if (imap_parse_try_word(p, "\"\""))
		return true;
	p->in = before;
	return imap_parse_mailbox(p, name);
}

/* A scope alone can be looked at, with all that is below it. */
static bool is_scope(struct span entry)
{
	return span_is(entry, "/private") || span_is(entry, "/shared");
}

/* RFC 5464 3.2: "Entry names are case-insensitive", and one that can't be is BAD. */
static bool parse_entry(struct imap_parse *p, struct metadata *d)
{
	struct span entry;
	uint8_t *lower;

	if (!imap_parse_astring(p, &entry))
		return false;
	if (d->count == ENTRIES_MAX)
		return imap_parse_fail(p, "too many entries for one command");
	lower = arena_alloc(p->arena, entry.n + 1);
	if (lower == NULL)
		return imap_parse_fail(p, "the command is too large");
	for (size_t i = 0; i < entry.n; i++)
		lower[i] = ascii_lower(entry.p[i]);
	d->entries[d->count] = (struct span){ lower, entry.n };
	if (!is_scope(d->entries[d->count]) && !store_entry_valid(d->entries[d->count]))
		return imap_parse_fail(p, "no such entry: write /private/... or /shared/...");
	d->count++;
	return true;
}

static bool parse_entries(struct imap_parse *p, struct metadata *d)
{
	if (!imap_parse_try(p, '('))
		return parse_entry(p, d);
	do {
		if (!parse_entry(p, d))
			return false;
	} while (imap_parse_try(p, ' '));
	return imap_parse_byte(p, ')');
}

/* RFC 5464 4.2.2 */
static bool parse_depth(struct imap_parse *p, struct metadata *d)
{
	if (imap_parse_try_word(p, "infinity"))
		d->depth = DEPTH_ALL;
	else if (imap_parse_try_word(p, "1"))
		d->depth = DEPTH_CHILDREN;
	else if (imap_parse_try_word(p, "0"))
		d->depth = DEPTH_ITSELF;
	else
		return imap_parse_fail(p, "DEPTH is 0, 1 or infinity");
	return true;
}

static bool parse_option(struct imap_parse *p, struct metadata *d)
{
	if (imap_parse_try_word(p, "MAXSIZE")) {	/* RFC 5464 4.2.1 */
		d->has_max = true;
		return imap_parse_space(p) && imap_parse_number(p, UINT32_MAX, &d->max);
	}
	if (imap_parse_try_word(p, "DEPTH"))
		return imap_parse_space(p) && parse_depth(p, d);
	return imap_parse_fail(p, "no such option");
}

/* "(" options ")" and a space, if they stand here. */
static bool parse_options(struct imap_parse *p, struct metadata *d)
{
	if (!imap_parse_try(p, '('))
		return true;
	do {
		if (!parse_option(p, d))
			return false;
	} while (imap_parse_try(p, ' '));
	return imap_parse_byte(p, ')') && imap_parse_space(p);
}

static bool options_stand_here(const struct imap_parse *p)
{
	return span_starts_nocase(p->in, "(MAXSIZE ") || span_starts_nocase(p->in, "(DEPTH ");
}

/* The grammar has the options before the mailbox, the examples behind it: both are taken. */
bool imap_parse_getmetadata(struct imap_server *e, struct imap_parse *p)
{
	struct metadata *d = arena_alloc(e->arena, sizeof(*d));

	e->data = d;
	if (d == NULL)
		return imap_parse_fail(p, "the command is too large");
	return parse_options(p, d) && parse_mailbox(p, &d->name) && imap_parse_space(p) &&
	       (!options_stand_here(p) || parse_options(p, d)) && parse_entries(p, d) && imap_parse_end(p);
}

static bool parse_value(struct imap_parse *p, struct store_mutation *m)
{
	m->no_value = span_starts_nocase(p->in, "NIL");
	return imap_parse_value(p, &m->meta);
}

bool imap_parse_setmetadata(struct imap_server *e, struct imap_parse *p)
{
	struct metadata *d = arena_alloc(e->arena, sizeof(*d));

	e->data = d;
	if (d == NULL)
		return imap_parse_fail(p, "the command is too large");
	if (!parse_mailbox(p, &d->name) || !imap_parse_space(p) || !imap_parse_byte(p, '('))
		return false;
	do {
		struct store_mutation *m = &d->set[d->count < ENTRIES_MAX ? d->count : 0];

		if (!parse_entry(p, d) || !imap_parse_space(p) || !parse_value(p, m))
			return false;
		m->change = STORE_ANNOTATE;
		m->name = d->entries[d->count - 1];
		if (is_scope(m->name))
			return imap_parse_fail(p, "a scope has no value");
	} while (imap_parse_try(p, ' '));
	return imap_parse_byte(p, ')') && imap_parse_end(p);
}

/* --- whose they are -------------------------------------------------------- */

/* Goes on with `then` once the mailbox is known. */
static enum imap_run find(struct imap_server *e, imap_step found, imap_step then)
{
	struct metadata *d = e->data;

	if (d->name.n == 0)
		return imap_go(e, then);
	imap_ask(e, IMAP_FIND, found)->name = d->name;
	return IMAP_RUN_WAIT;
}

static enum imap_run take_found(struct imap_server *e, imap_step then)
{
	struct metadata *d = e->data;

	if (e->result->status != STORE_OK)
		return imap_no(e, e->result->status);
	d->mailbox = e->result->mailbox->id;
	return imap_go(e, then);
}

/* --- GETMETADATA ------------------------------------------------------------ */

/* Is it the entry that was asked for, or below it as far as the depth says? */
static bool meant(struct span entry, struct span asked, enum depth depth)
{
	struct span rest = entry;

	if (!span_equal(span_take(&rest, asked.n), asked))
		return false;
	if (rest.n == 0)
		return true;
	if (depth == DEPTH_ITSELF || rest.p[0] != '/')
		return false;
	span_take(&rest, 1);
	return depth == DEPTH_ALL || span_find(rest, '/') < 0;
}

static bool is_wanted(const struct metadata *d, struct span entry)
{
	for (size_t i = 0; i < d->count; i++)
		if (meant(entry, d->entries[i], d->depth))
			return true;
	return false;
}

static void put_one(struct imap_server *e, const struct store_annotation *one)
{
	imap_put_astring(&e->out, one->entry);
	imap_text(e, span_find(one->value, 0) >= 0 ? " ~" : " ");	/* RFC 5464 5: literal8 */
	imap_put_string(&e->out, one->value);
}

/* One response, as long as there is room for its entries; more of them say the rest. */
static enum imap_run tell(struct imap_server *e)
{
	struct metadata *d = e->data;

	d->told = false;
	for (; d->at < d->all_count && !imap_out_full(e); d->at++) {
		const struct store_annotation *one = &d->all[d->at];

		if (!is_wanted(d, one->entry))
			continue;
		if (d->has_max && one->value.n > d->max) {
			d->longest = one->value.n > d->longest ? one->value.n : d->longest;
			continue;
		}
		imap_text(e, d->told ? " " : "* METADATA ");
		if (!d->told) {
			imap_tell_mailbox(e, d->name);
			imap_text(e, " (");
		}
		put_one(e, one);
		d->told = true;
	}
	if (d->told)
		imap_text(e, ")\r\n");
	if (d->at < d->all_count)
		return IMAP_RUN_MORE;
	if (d->longest > 0)	/* RFC 5464 4.2.1 */
		return imap_done(e, "OK [METADATA LONGENTRIES %llu] Some values are longer", (unsigned long long)d->longest);
	return imap_done(e, "OK GETMETADATA completed");
}

static enum imap_run got(struct imap_server *e)
{
	struct metadata *d = e->data;
	size_t count = e->result->status == STORE_OK ? e->result->annotations.count : 0;

	if (e->result->status != STORE_OK)
		return imap_no(e, e->result->status);
	d->all = arena_array(e->arena, count + 1, sizeof(*d->all));
	for (size_t i = 0; d->all != NULL && i < count; i++) {
		const struct store_annotation *one = &e->result->annotations.all[i];

		d->all[i].entry = arena_copy(e->arena, one->entry);
		d->all[i].value = arena_copy(e->arena, one->value);
		if (d->all[i].entry.p == NULL || (d->all[i].value.p == NULL && one->value.n > 0))
			return imap_no_memory(e);
	}
	if (d->all == NULL)
		return imap_no_memory(e);
	d->all_count = count;
	return imap_go(e, tell);
}

static enum imap_run get(struct imap_server *e)
{
	struct metadata *d = e->data;

	imap_ask(e, IMAP_ANNOTATIONS, got)->mailbox = d->mailbox;
	return IMAP_RUN_WAIT;
}

static enum imap_run get_found(struct imap_server *e)
{
	return take_found(e, get);
}

enum imap_run imap_run_getmetadata(struct imap_server *e)
{
	return find(e, get_found, get);
}

/* --- SETMETADATA ------------------------------------------------------------ */

static enum imap_run was_set(struct imap_server *e)
{
	if (e->result->status == STORE_LIMIT)
		return imap_done(e, "NO [METADATA TOOMANY] There are too many entries, or they are too long together");
	if (e->result->status != STORE_OK)
		return imap_no(e, e->result->status);
	return imap_done(e, "OK SETMETADATA completed");
}

/* RFC 5464 4.3: all of them, or none */
static enum imap_run set(struct imap_server *e)
{
	struct metadata *d = e->data;
	struct imap_action *a;

	for (size_t i = 0; i < d->count; i++)
		d->set[i].mailbox = d->mailbox;
	a = imap_ask(e, IMAP_COMMIT, was_set);
	a->commit.mutations = d->set;
	a->commit.count = d->count;
	return IMAP_RUN_WAIT;
}

static enum imap_run set_found(struct imap_server *e)
{
	return take_found(e, set);
}

enum imap_run imap_run_setmetadata(struct imap_server *e)
{
	const struct metadata *d = e->data;

	for (size_t i = 0; i < d->count; i++)
		if (d->set[i].meta.n > STORE_VALUE_MAX)
			return imap_done(e, "NO [METADATA MAXSIZE %d] A value is too long", STORE_VALUE_MAX);
	return find(e, set_found, set);
}
