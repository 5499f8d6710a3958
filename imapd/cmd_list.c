/* cmd_list.c - LIST (RFC 3501 6.3.8, RFC 3348, RFC 6154) and LSUB (RFC 3501 6.3.9). */
#include "imapd/match.h"
#include "imapd/session.h"
#include "imapd/tree.h"

struct list {
	struct span pattern;	/* reference and pattern, joined; wildcards collapsed */
	bool empty;		/* LIST "" "": what is the separator? */
	bool subscribed_only;	/* LSUB, or the selection option SUBSCRIBED */
	bool special_only;	/* the selection option SPECIAL-USE */
	bool show_subscribed;
	struct imap_tree tree;
	struct arena *names;	/* as many as there are: not of the command's arena */
	size_t from, at;
};

enum { NAMES_MAX = 64 << 20 };	/* bytes of all names of an account */

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

static bool is_lsub(const struct imap_server *e)
{
	return e->command->name[1] == 'S';
}

/* RFC 6154 2: what clients put in front of the names, behind the first parenthesis. */
static bool parse_selection(struct imap_parse *p, struct list *d)
{
	while (!imap_parse_try(p, ')')) {
		if (imap_parse_try_word(p, "SPECIAL-USE"))
			d->special_only = true;
		else if (imap_parse_try_word(p, "SUBSCRIBED"))
			d->subscribed_only = d->show_subscribed = true;
		else
			return imap_parse_fail(p, "no such selection option");
		imap_parse_try(p, ' ');
	}
	return imap_parse_space(p);
}

/* Roles and children are shown in any case. */
static bool parse_return(struct imap_parse *p, struct list *d)
{
	if (!imap_parse_space(p) || !imap_parse_byte(p, '('))
		return false;
	while (!imap_parse_try(p, ')')) {
		if (imap_parse_try_word(p, "SUBSCRIBED"))
			d->show_subscribed = true;
		else if (!imap_parse_try_word(p, "SPECIAL-USE") && !imap_parse_try_word(p, "CHILDREN"))
			return imap_parse_fail(p, "no such return option");
		imap_parse_try(p, ' ');
	}
	return true;
}

bool imap_parse_list(struct imap_server *e, struct imap_parse *p)
{
	struct list *d = arena_alloc(e->arena, sizeof(*d));
	struct span reference, pattern;

	e->data = d;
	if (d == NULL)
		return imap_parse_fail(p, "the command is too large");
	d->subscribed_only = is_lsub(e);
	if (!is_lsub(e) && imap_parse_try(p, '(') && !parse_selection(p, d))
		return false;
	if (!imap_parse_mailbox(p, &reference) || !imap_parse_space(p) ||
	    !imap_parse_pattern(p, &pattern))
		return false;
	d->empty = pattern.n == 0;
	d->pattern = join(e->arena, reference, pattern);
	if (d->pattern.p == NULL)
		return imap_parse_fail(p, "the pattern is too long");
	if (!is_lsub(e) && imap_parse_try_word(p, " RETURN") && !parse_return(p, d))
		return false;
	return imap_parse_end(p);
}

static const char *const role_words[] = {
	[STORE_ROLE_SENT] = " \\Sent", [STORE_ROLE_DRAFTS] = " \\Drafts",   [STORE_ROLE_TRASH] = " \\Trash",
	[STORE_ROLE_JUNK] = " \\Junk", [STORE_ROLE_ARCHIVE] = " \\Archive",
};

static void tell(struct imap_server *e, const struct imap_name *n)
{
	const struct list *d = e->data;
	const char *role = (size_t)n->role < sizeof(role_words) / sizeof(role_words[0]) ? role_words[n->role] : NULL;

	imap_text(e, is_lsub(e) ? "* LSUB (" : "* LIST (");
	if (!n->there)
		imap_text(e, "\\Noselect ");
	imap_text(e, n->child ? "\\HasChildren" : "\\HasNoChildren");
	if (role != NULL && n->there)
		imap_text(e, role);
	if (d->show_subscribed && n->subscribed)
		imap_text(e, " \\Subscribed");
	imap_text(e, ") \"/\" ");
	imap_put_mailbox(&e->out, n->name);
	imap_text(e, "\r\n");
}

/* RFC 3501 6.3.9: a parent that is not subscribed itself is told only where the pattern
 * ends in "%" and so hides what is below it. */
static bool wanted(const struct list *d, const struct imap_name *n)
{
	struct span p = d->pattern;

	if (d->special_only && n->role <= STORE_ROLE_INBOX)
		return false;
	if (d->subscribed_only && !n->subscribed && (p.n == 0 || p.p[p.n - 1] != '%'))
		return false;
	return imap_match(p, n->name);
}

static enum imap_run tell_names(struct imap_server *e)
{
	struct list *d = e->data;

	for (; d->at < d->tree.n; d->at++) {
		const struct imap_name *n = &d->tree.names[d->at];

		if (imap_out_full(e))
			return IMAP_RUN_MORE;
		e->work += 1 + (unsigned)(n->name.n * d->pattern.n / 1000);
		if (wanted(d, n))
			tell(e, n);
	}
	return imap_done(e, "OK %s completed", e->command->name);
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
	for (size_t i = 0; i < list->count; i++) {
		const struct store_mailbox *m = &list->mailboxes[i];

		if (d->subscribed_only ? !m->subscribed : m->id == 0)
			continue;
		if (!imap_tree_add(&d->tree, d->names, m))
			return imap_no_memory(e);
	}
	if (list->next != 0) {
		d->from = list->next;
		return imap_go(e, list_ask);
	}
	if (!imap_tree_finish(&d->tree))
		return imap_no_memory(e);
	return imap_go(e, tell_names);
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

	if (d->empty && !is_lsub(e)) {
		imap_text(e, "* LIST (\\Noselect) \"/\" \"\"\r\n");
		return imap_done(e, "OK LIST completed");
	}
	if (arena_new(&d->names, NAMES_MAX, ARENA_PLAIN, NULL) != 0)
		return imap_no_memory(e);
	e->clear = clear_list;
	return imap_go(e, list_ask);
}
