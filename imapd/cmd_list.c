/* cmd_list.c - LIST (RFC 3501 6.3.8, RFC 9051 6.3.9, RFC 5258, RFC 5819, RFC 6154), LSUB and XLIST. */
#include "imapd/match.h"
#include "imapd/role.h"
#include "imapd/session.h"
#include "imapd/tree.h"

enum {
	NAMES_MAX = 64 << 20,	/* bytes of all names of an account */
	PATTERNS = 64		/* of one LIST */
};

enum list_option {
	LIST_SUBSCRIBED = 1,
	LIST_SPECIAL_USE = 2,
	LIST_RECURSIVE = 4,
	LIST_REMOTE = 8,	/* nothing is elsewhere: RFC 5258 3.1 */
	LIST_CHILDREN = 16,	/* shown in any case */
	LIST_STATUS = 32
};

struct list {
	struct span reference;
	struct span *patterns;	/* each joined with the reference; wildcards collapsed */
	size_t count;
	bool empty;		/* LIST "" "": what is the separator? */
	bool extended;		/* written as RFC 5258 has it */
	unsigned select, give;	/* enum list_option */
	struct imap_status status;
	struct imap_tree tree;
	struct arena *names;	/* as many as there are: not of the command's arena */
	size_t from, at;
};

static bool is_lsub(const struct imap_server *e)
{
	return e->command->name[1] == 'S';
}

static bool is_xlist(const struct imap_server *e)
{
	return e->command->name[0] == 'X';
}

/* --- the command ------------------------------------------------------------ */

/* "**", "*%" and "%*" are "*": fewer states to walk. */
static struct span join(struct arena *a, struct span reference, struct span pattern)
{
	uint8_t *p = arena_alloc(a, reference.n + pattern.n + 1);
	size_t n = 0;

	for (size_t i = 0; p != NULL && i < reference.n + pattern.n; i++) {
		uint8_t c = i < reference.n ? reference.p[i] : pattern.p[i - reference.n];
		bool wild = c == '*' || c == '%';

		if (wild && n > 0 && (p[n - 1] == '*' || p[n - 1] == c))
			continue;
		if (c == '*' && n > 0 && p[n - 1] == '%')
			n--;
		p[n++] = c;
	}
	return (struct span){ p, n };
}

struct option_word {
	const char *word;
	unsigned bit;
};

static bool parse_option(struct imap_parse *p, const struct option_word *words, unsigned *bits)
{
	for (; words->word != NULL; words++) {
		if (imap_parse_try_word(p, words->word)) {
			*bits |= words->bit;
			return true;
		}
	}
	return false;
}

/* RFC 5258 3.1, behind the first parenthesis */
static bool parse_selection(struct imap_parse *p, struct list *d)
{
	static const struct option_word words[] = {
		{ "SUBSCRIBED", LIST_SUBSCRIBED }, { "SPECIAL-USE", LIST_SPECIAL_USE },
		{ "RECURSIVEMATCH", LIST_RECURSIVE }, { "REMOTE", LIST_REMOTE }, { NULL, 0 }
	};

	d->extended = true;
	while (!imap_parse_try(p, ')')) {
		if (!parse_option(p, words, &d->select))
			return imap_parse_fail(p, "no such selection option");
		imap_parse_try(p, ' ');
	}
	if ((d->select & LIST_RECURSIVE) != 0 && (d->select & (LIST_SUBSCRIBED | LIST_SPECIAL_USE)) == 0)
		return imap_parse_fail(p, "RECURSIVEMATCH needs another selection option");
	d->give |= d->select & LIST_SUBSCRIBED;
	return imap_parse_space(p);
}

/* RFC 5258 3.2. Roles and children are shown in any case. */
static bool parse_return(struct imap_parse *p, struct list *d)
{
	static const struct option_word words[] = {
		{ "SUBSCRIBED", LIST_SUBSCRIBED }, { "SPECIAL-USE", LIST_SPECIAL_USE },
		{ "CHILDREN", LIST_CHILDREN }, { "STATUS", LIST_STATUS }, { NULL, 0 }
	};
	unsigned one;

	d->extended = true;
	if (!imap_parse_space(p) || !imap_parse_byte(p, '('))
		return false;
	while (!imap_parse_try(p, ')')) {
		one = 0;
		if (!parse_option(p, words, &one))
			return imap_parse_fail(p, "no such return option");
		if (one == LIST_STATUS && (!imap_parse_space(p) || !imap_status_parse(p, &d->status.wanted)))
			return false;
		d->give |= one;
		imap_parse_try(p, ' ');
	}
	return true;
}

static bool add_pattern(struct imap_server *e, struct imap_parse *p)
{
	struct list *d = e->data;
	struct span pattern;

	if (d->count == PATTERNS)
		return imap_parse_fail(p, "too many patterns");
	if (!imap_parse_pattern(p, &pattern))
		return false;
	d->empty = pattern.n == 0;
	pattern = join(e->arena, d->reference, pattern);
	d->patterns[d->count++] = pattern;
	return pattern.p != NULL || imap_parse_fail(p, "the pattern is too long");
}

static bool parse_patterns(struct imap_server *e, struct imap_parse *p)
{
	struct list *d = e->data;

	if (is_lsub(e) || !imap_parse_try(p, '('))
		return add_pattern(e, p);
	d->extended = true;
	do {
		if (!add_pattern(e, p))
			return false;
	} while (imap_parse_try(p, ' '));
	return imap_parse_byte(p, ')');
}

bool imap_parse_list(struct imap_server *e, struct imap_parse *p)
{
	struct list *d = arena_alloc(e->arena, sizeof(*d));

	e->data = d;
	if (d != NULL)
		d->patterns = arena_array(e->arena, PATTERNS, sizeof(*d->patterns));
	if (d == NULL || d->patterns == NULL)
		return imap_parse_fail(p, "the command is too large");
	if (is_lsub(e))
		d->select = LIST_SUBSCRIBED;
	else if (imap_parse_try(p, '(') && !parse_selection(p, d))
		return false;
	if (!imap_parse_mailbox(p, &d->reference) || !imap_parse_space(p) || !parse_patterns(e, p))
		return false;
	if (!is_lsub(e) && imap_parse_try_word(p, " RETURN") && !parse_return(p, d))
		return false;
	return imap_parse_end(p);
}

/* --- the answer ------------------------------------------------------------- */

/* RFC 3501 6.3.9: LSUB tells a parent that is not subscribed as one that can't be selected. */
static bool selectable(const struct imap_server *e, const struct imap_name *n)
{
	return n->box.id != 0 && (n->selected || !is_lsub(e));
}

/* RFC 5258 4 CHILDINFO */
static void tell_childinfo(struct imap_server *e)
{
	const struct list *d = e->data;

	imap_text(e, " (\"CHILDINFO\" (");
	if ((d->select & LIST_SUBSCRIBED) != 0)
		imap_text(e, "\"SUBSCRIBED\"");
	if ((d->select & LIST_SUBSCRIBED) != 0 && (d->select & LIST_SPECIAL_USE) != 0)
		imap_text(e, " ");
	if ((d->select & LIST_SPECIAL_USE) != 0)
		imap_text(e, "\"SPECIAL-USE\"");
	imap_text(e, "))");
}

static void tell(struct imap_server *e, const struct imap_name *n)
{
	const struct list *d = e->data;
	const char *role = is_xlist(e) ? imap_role_xlist(n->box.role) : imap_role_word(n->box.role);
	bool child = is_lsub(e) ? n->below : n->child;

	buf_printf(&e->out, "* %s (", e->command->name);
	if (!selectable(e, n))		/* RFC 5258 3: \NonExistent says more, to who knows it */
		imap_text(e, d->extended || (e->enabled & IMAP_REV2) != 0 ? "\\NonExistent " : "\\Noselect ");
	imap_text(e, child ? "\\HasChildren" : "\\HasNoChildren");
	if (role != NULL && selectable(e, n))
		buf_printf(&e->out, " %s", role);
	if ((d->give & LIST_SUBSCRIBED) != 0 && n->box.subscribed)
		imap_text(e, " \\Subscribed");
	imap_text(e, ") \"/\" ");
	imap_tell_mailbox(e, n->box.name);
	if ((d->select & LIST_RECURSIVE) != 0 && n->below)
		tell_childinfo(e);
	imap_text(e, "\r\n");
}

/* The selection options are met; the pattern is another matter. */
static bool selected(const struct list *d, const struct imap_name *n)
{
	if ((d->select & LIST_SPECIAL_USE) != 0 && n->box.role <= STORE_ROLE_INBOX)
		return false;
	if ((d->select & LIST_SUBSCRIBED) != 0)
		return n->box.subscribed;
	return n->box.id != 0 || n->child;
}

/* RFC 3501 6.3.9: a parent that is not subscribed itself is told only where the pattern
 * ends in "%" and so hides what is below it. */
static bool hides_below(const struct imap_server *e)
{
	const struct list *d = e->data;
	struct span p = d->patterns[0];

	return is_lsub(e) && p.n > 0 && p.p[p.n - 1] == '%';
}

static bool wanted(const struct imap_server *e, const struct imap_name *n)
{
	const struct list *d = e->data;

	if (!n->matches || n->selected)
		return n->matches;
	return n->hidden && ((d->select & LIST_RECURSIVE) != 0 || hides_below(e));
}

static enum imap_run tell_names(struct imap_server *e)
{
	struct list *d = e->data;

	while (d->at < d->tree.n) {
		const struct imap_name *n = &d->tree.names[d->at];

		if (imap_out_full(e))
			return IMAP_RUN_MORE;
		d->at++;
		if (!wanted(e, n))
			continue;
		tell(e, n);
		if ((d->give & LIST_STATUS) == 0 || !selectable(e, n))
			continue;
		d->status.m = n->box;	/* RFC 5819 2 */
		return imap_status_run(e, &d->status, tell_names);
	}
	return imap_done(e, "OK %s completed", e->command->name);
}

static bool matches(const struct list *d, struct span name)
{
	for (size_t i = 0; i < d->count; i++)
		if (imap_match(d->patterns[i], name))
			return true;
	return false;
}

/* Before anything is told: what is above a name may have to say that there is something. */
static enum imap_run judge_names(struct imap_server *e)
{
	struct list *d = e->data;

	for (; d->at < d->tree.n; d->at++) {
		struct imap_name *n = &d->tree.names[d->at];

		if (imap_out_full(e))
			return IMAP_RUN_MORE;
		e->work += 1 + (unsigned)(d->count * n->box.name.n / 32);
		n->matches = matches(d, n->box.name);
		n->selected = selected(d, n);
		if (n->selected)
			imap_tree_above(&d->tree, d->at);
	}
	d->at = 0;
	return imap_go(e, tell_names);
}

static enum imap_run list_page(struct imap_server *e);

static enum imap_run list_ask(struct imap_server *e)
{
	struct list *d = e->data;

	imap_ask(e, IMAP_LIST, list_page)->from = d->from;
	return IMAP_RUN_WAIT;
}

static enum imap_run list_page(struct imap_server *e)
{
	const struct store_list *list = e->result->list;
	struct list *d = e->data;

	if (e->result->status != STORE_OK)
		return imap_no(e, e->result->status);
	for (size_t i = 0; i < list->count; i++)
		if (!imap_tree_add(&d->tree, d->names, &list->mailboxes[i]))
			return imap_no_memory(e);
	if (list->next != 0) {
		d->from = list->next;
		return imap_go(e, list_ask);
	}
	if (!imap_tree_finish(&d->tree))
		return imap_no_memory(e);
	return imap_go(e, judge_names);
}

static void clear_list(struct imap_server *e)
{
	struct list *d = e->data;

	imap_tree_clear(&d->tree);
	arena_free(d->names);
}

enum imap_run imap_run_list(struct imap_server *e)
{
	struct list *d = e->data;

	if (d->empty && !d->extended && !is_lsub(e)) {
		buf_printf(&e->out, "* %s (\\Noselect) \"/\" \"\"\r\n", e->command->name);
		return imap_done(e, "OK %s completed", e->command->name);
	}
	if (arena_new(&d->names, NAMES_MAX, ARENA_PLAIN, NULL) != 0)
		return imap_no_memory(e);
	e->clear = clear_list;
	imap_status_knows(e, d->status.wanted);
	return imap_go(e, list_ask);
}
