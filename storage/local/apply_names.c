/* apply_names.c - mailboxes come, go and change their names, in the transaction of apply.c. */
#include <errno.h>
#include <string.h>

#include "storage/local/apply.h"

/* --- subscriptions of names that are not there ----------------------------- */

static int absent_in(struct apply *ap, struct account *a, struct span name)
{
	struct key k;
	bool there;
	int r;

	absent_place(a, name, &there);
	if (there)
		return 0;
	if (a->absent_count >= ap->s->o.mailbox_limit) {
		commit_fail(ap->c, STORE_LIMIT, "the account has its %zu subscriptions", a->absent_count);
		return -ECANCELED;
	}
	if (absent_add(a, name) < 0)
		return -ENOMEM;
	r = apply_note(ap, UNDO_ABSENT_ADD, NULL, a, name);
	key_absent(&k, a->record.number, name);
	a->account_stale = true;
	return r == 0 ? apply_put(ap, &k, (struct span){ NULL, 0 }) : r;
}

static int absent_out(struct apply *ap, struct account *a, struct span name)
{
	struct key k;
	bool there;
	int r;

	absent_place(a, name, &there);
	if (!there)
		return 0;
	absent_remove(a, name);
	r = apply_note(ap, UNDO_ABSENT_REMOVE, NULL, a, name);
	key_absent(&k, a->record.number, name);
	a->account_stale = true;
	return r == 0 ? apply_del(ap, &k) : r;
}

static struct span name_copy(struct apply *ap, struct span name)
{
	return arena_copy(ap->c->arena, name);
}

/* --- CREATE, DELETE -------------------------------------------------------- */

/* A role has one mailbox: a new one takes it from one that is empty. */
static int take_role(struct apply *ap, struct account *a, enum store_role role)
{
	struct mailbox *holder = role != STORE_ROLE_NONE ? mailbox_by_role(a, role) : NULL;
	int r;

	if (holder == NULL)
		return 0;
	if (holder->head.exists > 0) {
		commit_fail(ap->c, STORE_IN_USE, "another mailbox has that role");
		return -ECANCELED;
	}
	r = apply_touch(ap, holder);
	holder->head.role = r == 0 ? STORE_ROLE_NONE : holder->head.role;
	holder->state_stale = true;
	return r;
}

/* Puts the new mailbox of the step where it belongs; prepare.c has made its folder. */
static int insert_fresh(struct apply *ap, struct step *step)
{
	struct mailbox *m = step->fresh;
	struct account *a = step->account;
	struct key k;
	int r;

	if (mailbox_by_name(a, m->name) != NULL) {
		commit_fail(ap->c, STORE_EXISTS, "a mailbox of that name is there");
		return -ECANCELED;
	}
	r = take_role(ap, a, (enum store_role)m->head.role);
	if (r == 0)
		r = mailbox_insert(m);
	if (r == 0)
		r = apply_note(ap, UNDO_INSERT, m, a, (struct span){ NULL, 0 });
	if (r == 0)
		r = apply_touch(ap, m);
	if (r == 0)
		r = absent_out(ap, a, m->name);
	key_mailbox(&k, KEY_GARBAGE, a->record.number, m->id);
	if (r == 0)
		r = apply_del(ap, &k);
	a->account_stale = true;
	return r == 0 ? account_put(a) : r;
}

int apply_create(struct apply *ap, struct step *step)
{
	step->r.mailbox = step->fresh->id;
	step->r.uidvalidity = step->fresh->head.uidvalidity;
	return insert_fresh(ap, step);
}

static int check_mailbox(struct apply *ap, const struct mailbox *m)
{
	if (!m->gone)
		return 0;
	commit_fail(ap->c, STORE_NOT_FOUND, "the mailbox was deleted");
	return -ECANCELED;
}

/* Its records and files go later (garbage.c). A name that was subscribed stays so: RFC
 * 9051 6.3.7 */
int apply_delete(struct apply *ap, struct step *step)
{
	struct mailbox *m = step->mailbox;
	struct account *a = step->account;
	struct span name = name_copy(ap, m->name);
	struct key k;
	int r = name.p != NULL ? check_mailbox(ap, m) : -ENOMEM;

	if (r == 0 && mailbox_is_inbox(m)) {
		commit_fail(ap->c, STORE_INVALID, "INBOX can't be deleted");
		return -ECANCELED;
	}
	if (r < 0)
		return r;
	if (step->removed == NULL) {
		step->removed = m;
		mailbox_hold(m);
	}
	mailbox_remove(m);
	m->gone = true;
	r = apply_note(ap, UNDO_REMOVE, m, a, (struct span){ NULL, 0 });
	key_mailbox(&k, KEY_MAILBOX, a->record.number, m->id);
	if (r == 0)
		r = apply_del(ap, &k);
	key_mailbox(&k, KEY_KEYWORDS, a->record.number, m->id);
	if (r == 0)
		r = apply_del(ap, &k);
	key_mailbox(&k, KEY_GARBAGE, a->record.number, m->id);
	if (r == 0)
		r = apply_put(ap, &k, (struct span){ NULL, 0 });
	a->account_stale = true;
	return r == 0 && m->head.subscribed ? absent_in(ap, a, name) : r;
}

/* --- RENAME ---------------------------------------------------------------- */

static bool name_below(struct span name, struct span above)
{
	return name.n > above.n && name.p[above.n] == '/' && memcmp(name.p, above.p, above.n) == 0;
}

/* The name with `from` at its start replaced by `to`. { NULL, n } without memory. */
static struct span name_moved(struct apply *ap, struct span name, struct span from, struct span to)
{
	size_t n = name.n - from.n + to.n;
	uint8_t *p = arena_alloc(ap->c->arena, n);

	if (p != NULL) {
		memcpy(p, to.p, to.n);
		memcpy(p + to.n, name.p + from.n, name.n - from.n);
	}
	return (struct span){ p, n };
}

/* The old name stays subscribed if it was, and the new one is too: so neither a program
 * that keeps the list itself nor a person who looks at it misses something. */
static int rename_one(struct apply *ap, struct mailbox *m, struct span name)
{
	struct account *a = m->account;
	struct span old = name_copy(ap, m->name);
	bool was_absent;
	int r = old.p != NULL ? apply_touch(ap, m) : -ENOMEM;

	if (r == 0 && mailbox_by_name(a, name) != NULL) {
		commit_fail(ap->c, STORE_EXISTS, "a mailbox of that name is there");
		return -ECANCELED;
	}
	if (r == 0)
		r = mailbox_rename(m, name);
	if (r == 0)
		r = apply_note(ap, UNDO_RENAME, m, a, old);
	if (r == 0 && m->head.subscribed)
		r = absent_in(ap, a, old);
	if (r < 0)
		return r;
	absent_place(a, name, &was_absent);
	m->head.subscribed |= was_absent;
	m->state_stale = true;
	return absent_out(ap, a, name);
}

static int rename_tree(struct apply *ap, struct account *a, struct mailbox *top, struct span to)
{
	struct span from = name_copy(ap, top->name);
	size_t count = a->mailbox_count, n = 0;
	struct mailbox **list = arena_array(ap->c->arena, count, sizeof(struct mailbox *));
	int r = 0;

	if (list == NULL || from.p == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		if (a->by_name[i] == top || name_below(a->by_name[i]->name, from))
			list[n++] = a->by_name[i];
	for (size_t i = 0; i < n && r == 0; i++) {
		struct span name = name_moved(ap, list[i]->name, from, to);

		if (name.p == NULL)
			return -ENOMEM;
		if (!names_mailbox_valid(name)) {
			commit_fail(ap->c, STORE_INVALID, "the name of a mailbox below would be too long");
			return -ECANCELED;
		}
		r = rename_one(ap, list[i], name);
	}
	return r;
}

/* RFC 9051 6.3.6 */
int apply_rename(struct apply *ap, struct step *step)
{
	struct mailbox *m = step->mailbox;
	int r = check_mailbox(ap, m);

	if (r < 0)
		return r;
	if (step->fresh != NULL) {
		step->r.mailbox = step->fresh->id;
		return apply_move_out(ap, step, insert_fresh);
	}
	if (name_below(step->m.name, m->name)) {
		commit_fail(ap->c, STORE_INVALID, "a mailbox can't be moved below itself");
		return -ECANCELED;
	}
	step->r.mailbox = m->id;
	return rename_tree(ap, step->account, m, step->m.name);
}

/* --- SUBSCRIBE, UNSUBSCRIBE ------------------------------------------------ */

static int set_subscribed(struct apply *ap, struct mailbox *m, uint8_t subscribed)
{
	int r;

	if (m->head.subscribed == subscribed)
		return 0;
	r = apply_touch(ap, m);
	m->head.subscribed = r == 0 ? subscribed : m->head.subscribed;
	m->state_stale = true;
	return r;
}

int apply_subscribe(struct apply *ap, struct step *step)
{
	struct mailbox *m = mailbox_by_name(step->account, step->m.name);

	return m != NULL ? set_subscribed(ap, m, 1) : absent_in(ap, step->account, step->m.name);
}

int apply_unsubscribe(struct apply *ap, struct step *step)
{
	struct mailbox *m = mailbox_by_name(step->account, step->m.name);

	return m != NULL ? set_subscribed(ap, m, 0) : absent_out(ap, step->account, step->m.name);
}

/* --- UIDVALIDITY ------------------------------------------------------------ */

/* UIDs go on from where they are: what is linked meanwhile keeps its own. Mailboxes made later get a
 * higher one (RFC 9051 2.3.1.1). */
int apply_uidvalidity(struct apply *ap, struct step *step)
{
	struct mailbox *m = step->mailbox;
	struct account *a = step->account;
	int r = check_mailbox(ap, m);

	if (r == 0 && m->head.exists > 0) {
		commit_fail(ap->c, STORE_EXISTS, "the mailbox has messages");
		return -ECANCELED;
	}
	if (r == 0)
		r = apply_touch(ap, m);
	if (r < 0)
		return r;
	m->head.uidvalidity = step->m.uidvalidity;
	m->head.modseq++;
	m->state_stale = true;
	if (step->m.uidvalidity > a->record.uidvalidity)
		a->record.uidvalidity = step->m.uidvalidity;
	a->account_stale = true;
	step->r.mailbox = m->id;
	step->r.uidvalidity = m->head.uidvalidity;
	step->r.modseq = m->head.modseq;
	return account_put(a);
}
