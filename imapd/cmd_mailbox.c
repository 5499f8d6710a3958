/* cmd_mailbox.c - CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE (RFC 3501 6.3.3 to 6.3.7). */
#include <string.h>

#include "imapd/role.h"
#include "imapd/session.h"
#include "mime/charset.h"

enum { SUPERIORS_MAX = 32 };	/* made with a name; what is missing beyond that stays so */

struct change {
	struct span name, to;
	size_t at;		/* the superiors of m.name are looked for up to here */
	size_t from;		/* the next page of names */
	bool subscribed;	/* what is renamed */
	bool use;		/* the role was asked for (RFC 6154 3) */
	bool no_use;		/* and can't be given */
	struct store_mutation superior[SUPERIORS_MAX + 1];	/* the last place is for m */
	size_t superiors;
	struct store_mutation m;
};

bool imap_parse_name(struct imap_server *e, struct imap_parse *p)
{
	struct change *d = arena_alloc(e->arena, sizeof(*d));

	e->data = d;
	return d != NULL && imap_parse_mailbox(p, &d->name) && imap_parse_end(p);
}

bool imap_parse_rename(struct imap_server *e, struct imap_parse *p)
{
	struct change *d = arena_alloc(e->arena, sizeof(*d));

	e->data = d;
	return d != NULL && imap_parse_mailbox(p, &d->name) && imap_parse_space(p) &&
	       imap_parse_mailbox(p, &d->to) && imap_parse_end(p);
}

/* RFC 6154 3: "\Sent". One mailbox has one role here. */
static bool parse_use(struct imap_parse *p, struct change *d)
{
	enum store_role role;
	struct span word;

	if (!imap_parse_try(p, '\\') || !imap_parse_atom(p, &word))
		return imap_parse_fail(p, "a role is missing");
	role = imap_role_of_word(word);
	d->no_use |= role == STORE_ROLE_NONE || (d->m.role != STORE_ROLE_NONE && d->m.role != role);
	d->m.role = role;
	return true;
}

/* RFC 4466 2.3 create parameters, of which there is one */
static bool parse_parameters(struct imap_parse *p, struct change *d)
{
	if (!imap_parse_byte(p, '(') || !imap_parse_try_word(p, "USE"))
		return imap_parse_fail(p, "no such parameter");
	if (!imap_parse_space(p) || !imap_parse_byte(p, '('))
		return false;
	if (!imap_parse_try(p, ')')) {
		d->use = true;
		do {
			if (!parse_use(p, d))
				return false;
		} while (imap_parse_try(p, ' '));
		if (!imap_parse_byte(p, ')'))
			return false;
	}
	return imap_parse_byte(p, ')');
}

bool imap_parse_create(struct imap_server *e, struct imap_parse *p)
{
	struct change *d = arena_alloc(e->arena, sizeof(*d));

	e->data = d;
	return d != NULL && imap_parse_mailbox(p, &d->name) &&
	       (!imap_parse_try(p, ' ') || parse_parameters(p, d)) && imap_parse_end(p);
}

static enum imap_run commit(struct imap_server *e);

/* A mailbox with messages has the role. Asked for, it is refused; else the new one is a mailbox
 * like any other. */
static enum imap_run role_taken(struct imap_server *e)
{
	struct change *d = e->data;

	if (d->use)
		return imap_done(e, "NO [USEATTR] Another mailbox has that role, and messages");
	if (d->m.role == STORE_ROLE_NONE)
		return imap_no(e, STORE_TRY_LATER);
	d->m.role = STORE_ROLE_NONE;
	return imap_go(e, commit);
}

/* RFC 8474 4.1 */
static enum imap_run created(struct imap_server *e, uint64_t mailbox)
{
	buf_put_text(&e->final, "OK [MAILBOXID (");
	imap_put_mailbox_id(&e->final, mailbox);
	return imap_done(e, ")] CREATE completed");
}

/* RFC 9051 6.3.9.7, to clients that know it */
static void tell_renamed(struct imap_server *e)
{
	const struct change *d = e->data;

	if ((e->enabled & IMAP_REV2) == 0 || span_is(d->name, "INBOX"))
		return;
	buf_printf(&e->out, "* LIST (%s) \"/\" ", d->subscribed ? "\\Subscribed" : "");
	imap_tell_mailbox(e, d->to);
	imap_text(e, " (\"OLDNAME\" (");
	imap_tell_mailbox(e, d->name);
	imap_text(e, "))\r\n");
}

static enum imap_run changed(struct imap_server *e)
{
	struct change *d = e->data;

	if (e->result->status == STORE_IN_USE && d->m.change == STORE_CREATE)
		return role_taken(e);
	if (e->result->status != STORE_OK)
		return imap_no(e, e->result->status);
	if (d->m.change == STORE_CREATE && e->result->commit.count > 0)
		return created(e, e->result->commit.results[e->result->commit.count - 1].mailbox);
	if (d->m.change == STORE_DELETE && e->state == IMAP_SELECTED && d->m.mailbox == e->sel.mailbox)
		imap_deselect(e);
	if (d->m.change == STORE_RENAME)
		tell_renamed(e);
	return imap_done(e, "OK %s completed", e->command->name);
}

static enum imap_run commit(struct imap_server *e)
{
	struct change *d = e->data;
	struct imap_action *a = imap_ask(e, IMAP_COMMIT, changed);

	d->superior[d->superiors] = d->m;
	a->commit.mutations = d->superior;
	a->commit.count = d->superiors + 1;
	return IMAP_RUN_WAIT;
}

/* --- what lies above a new name -------------------------------------------- */

/* RFC 9051 5.1: a name is made in one form only, so that who types it finds it. */
static enum imap_run denormalized(struct imap_server *e)
{
	return imap_done(e, "NO [CANNOT] A name must be composed (Unicode Normalization Form C)");
}

static enum imap_run find_superior(struct imap_server *e);

static enum imap_run superior_found(struct imap_server *e)
{
	struct change *d = e->data;
	struct span name = { d->m.name.p, d->at };

	if (e->result->status == STORE_NOT_FOUND)
		d->superior[d->superiors++] = (struct store_mutation){ .change = STORE_CREATE, .name = name };
	else if (e->result->status != STORE_OK)
		return imap_no(e, e->result->status);
	return imap_go(e, find_superior);
}

/* RFC 3501 6.3.3 and RFC 3501 6.3.5: superiors that are missing are made, in the same
 * commit. Else mail programs show a folder that can be neither renamed nor deleted. */
static enum imap_run find_superior(struct imap_server *e)
{
	struct change *d = e->data;
	struct span name = d->m.name;
	const uint8_t *slash = d->at < name.n ? memchr(name.p + d->at + 1, '/', name.n - d->at - 1) : NULL;

	if (slash == NULL || d->superiors == SUPERIORS_MAX)
		return imap_go(e, commit);
	d->at = (size_t)(slash - name.p);
	imap_ask(e, IMAP_FIND, superior_found)->name = (struct span){ name.p, d->at };
	return IMAP_RUN_WAIT;
}

/* RFC 3501 6.3.3: a separator at the end announces names below; the name is without it. */
enum imap_run imap_run_create(struct imap_server *e)
{
	struct change *d = e->data;

	if (d->name.n > 1 && d->name.p[d->name.n - 1] == '/')
		d->name.n--;
	if (d->no_use)
		return imap_done(e, "NO [USEATTR] A mailbox can have one of the roles Sent, Drafts, Trash, Junk and Archive");
	if (!mime_is_composed(d->name))
		return denormalized(e);
	d->m.change = STORE_CREATE;
	d->m.name = d->name;
	if (!d->use)
		d->m.role = imap_role_of_name(d->name);
	return imap_go(e, find_superior);
}

enum imap_run imap_run_subscribe(struct imap_server *e)
{
	struct change *d = e->data;

	d->m = (struct store_mutation){ .change = STORE_SUBSCRIBE, .name = d->name };
	return commit(e);
}

enum imap_run imap_run_unsubscribe(struct imap_server *e)
{
	struct change *d = e->data;

	d->m = (struct store_mutation){ .change = STORE_UNSUBSCRIBE, .name = d->name };
	return commit(e);
}

static enum imap_run found(struct imap_server *e)
{
	struct change *d = e->data;

	if (e->result->status != STORE_OK)
		return imap_no(e, e->result->status);
	d->m.mailbox = e->result->mailbox->id;
	return imap_go(e, commit);
}

enum imap_run imap_run_delete(struct imap_server *e)
{
	struct change *d = e->data;

	if (span_is(d->name, "INBOX"))
		return imap_done(e, "NO [CANNOT] INBOX can't be deleted");
	d->m.change = STORE_DELETE;
	imap_ask(e, IMAP_FIND, found)->name = d->name;
	return IMAP_RUN_WAIT;
}

/* --- RENAME ---------------------------------------------------------------- */

static enum imap_run find_old(struct imap_server *e);

static enum imap_run filled(struct imap_server *e)
{
	return e->result->status == STORE_OK ? imap_go(e, find_old) : imap_no(e, e->result->status);
}

/* A name that is only there because of what lies below it becomes a mailbox, which takes
 * the others along. */
static enum imap_run fill(struct imap_server *e)
{
	struct change *d = e->data;
	struct imap_action *a = imap_ask(e, IMAP_COMMIT, filled);

	d->superior[0] = (struct store_mutation){ .change = STORE_CREATE, .name = d->name };
	a->commit.mutations = d->superior;
	a->commit.count = 1;
	return IMAP_RUN_WAIT;
}

static bool is_below(struct span name, struct span top)
{
	return name.n > top.n && name.p[top.n] == '/' && memcmp(name.p, top.p, top.n) == 0;
}

static enum imap_run names_page(struct imap_server *e);

static enum imap_run ask_names(struct imap_server *e)
{
	struct change *d = e->data;

	imap_ask(e, IMAP_LIST, names_page)->from = d->from;
	return IMAP_RUN_WAIT;
}

static enum imap_run names_page(struct imap_server *e)
{
	const struct store_list *list = e->result->list;
	struct change *d = e->data;

	if (e->result->status != STORE_OK)
		return imap_no(e, e->result->status);
	for (size_t i = 0; i < list->count; i++)
		if (list->mailboxes[i].id != 0 && is_below(list->mailboxes[i].name, d->name))
			return imap_go(e, fill);
	if (list->next == 0)
		return imap_no(e, STORE_NOT_FOUND);
	d->from = list->next;
	return imap_go(e, ask_names);
}

static enum imap_run old_found(struct imap_server *e)
{
	struct change *d = e->data;

	if (e->result->status == STORE_NOT_FOUND)
		return imap_go(e, ask_names);
	if (e->result->status != STORE_OK)
		return imap_no(e, e->result->status);
	d->m.mailbox = e->result->mailbox->id;
	d->subscribed = e->result->mailbox->subscribed;
	return imap_go(e, find_superior);
}

static enum imap_run find_old(struct imap_server *e)
{
	struct change *d = e->data;

	imap_ask(e, IMAP_FIND, old_found)->name = d->name;
	return IMAP_RUN_WAIT;
}

enum imap_run imap_run_rename(struct imap_server *e)
{
	struct change *d = e->data;

	if (!mime_is_composed(d->to))
		return denormalized(e);
	d->m = (struct store_mutation){ .change = STORE_RENAME, .name = d->to };
	return imap_go(e, find_old);
}
