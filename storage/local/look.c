/* look.c - what all looks share, and the short ones: list, find, room; the contract is in look.h. */
#include "storage/local/look.h"

#include <stdlib.h>
#include <string.h>

#include "storage/local/inner.h"

enum { LIST_PAGE = 256 };

/* --- what all share -------------------------------------------------------- */

struct look *look_new(struct store_account *base, size_t size, uint32_t need)
{
	struct login *login = (struct login *)base;
	struct look *l = call_new(login->account->s, size);

	l->account = login->account;
	l->login = login;
	account_keep(l->account);
	if (login->ended || (login->rights & need) == 0)
		l->status = STORE_REFUSED;
	return l;
}

void look_free(struct look *l)
{
	account_release(l->account);
	free(l);
}

static struct login *look_login(const struct look *l)
{
	struct login *login = l->account->logins;

	while (login != NULL && login != l->login)
		login = login->next;
	return login;
}

void look_done(struct look *l, uint64_t mailbox)
{
	struct login *login = look_login(l);

	if (login != NULL)
		login_looked(login, mailbox);
}

/* None once it has logged out. */
static uint32_t look_rights(const struct look *l)
{
	const struct login *login = look_login(l);

	return login != NULL ? login->rights : 0;
}

bool look_may_see(const struct look *l, const struct mailbox *m)
{
	uint32_t rights = look_rights(l);

	return (rights & STORE_RIGHT_READ) || ((rights & STORE_RIGHT_POP) && mailbox_is_inbox(m));
}

static enum turn_more look_turn(void *arg)
{
	struct look *l = arg;

	if (l->account->unflushed == 0 || l->status != STORE_OK)
		return l->try(l);
	after_add(&l->account->parked, &l->after);
	return TURN_DONE;
}

static void look_again(struct after *after, enum store_status status)
{
	struct look *l = (struct look *)((char *)after - offsetof(struct look, after));

	if (status != STORE_OK)
		l->status = status;
	if (look_turn(l) == TURN_AGAIN)
		look_wait(l);
}

void look_wait(struct look *l)
{
	turns_add(l->account->s->turns, &l->turn, look_turn, l);
}

uint64_t look_start(struct look *l, look_try try, void *arg)
{
	l->try = try;
	l->after.run = look_again;
	look_wait(l);
	return call_open(&l->call, arg);
}

/* --- list ------------------------------------------------------------------ */

struct look_list {
	struct look look;
	store_list_done done;
	size_t from;
};

/* Mailboxes and absent names, merged: what sorts first of the two is the next. */
static bool list_next(const struct account *a, size_t *m, size_t *n, struct store_mailbox *out)
{
	bool mailbox = *m < a->mailbox_count, absent = *n < a->absent_count;

	if (mailbox && (!absent || name_order(a->by_name[*m]->name, a->absent[*n]) < 0)) {
		mailbox_show(a->by_name[(*m)++], out);
		return true;
	}
	if (absent)
		*out = (struct store_mailbox){ .name = a->absent[(*n)++], .subscribed = true };
	return absent;
}

static enum turn_more list_try(struct look *l)
{
	struct look_list *k = (struct look_list *)l;
	struct store_mailbox page[LIST_PAGE], one;
	struct store_list list = { .mailboxes = page };
	bool all = (look_rights(l) & STORE_RIGHT_READ) != 0;
	size_t m = 0, n = 0, at = 0;

	while (l->status == STORE_OK && list.count < LIST_PAGE && list_next(l->account, &m, &n, &one))
		if (at++ >= k->from && (all || span_is(one.name, "INBOX")))
			page[list.count++] = one;
	if (m < l->account->mailbox_count || n < l->account->absent_count)
		list.next = at;
	account_quota(l->account, &list.quota);
	list.notes = l->account->notes;
	look_done(l, 0);
	if (call_close(&l->call))
		k->done(l->call.arg, l->status, l->status == STORE_OK ? &list : NULL);
	look_free(l);
	return TURN_DONE;
}

uint64_t look_list(struct store_account *a, size_t from, store_list_done done, void *arg)
{
	struct look_list *k = (struct look_list *)look_new(a, sizeof(*k), STORE_RIGHT_READ | STORE_RIGHT_POP);

	k->done = done;
	k->from = from;
	return look_start(&k->look, list_try, arg);
}

/* --- find ------------------------------------------------------------------ */

struct look_find {
	struct look look;
	store_find_done done;
	size_t n;
	uint8_t name[STORE_NAME_MAX];
};

static enum turn_more find_try(struct look *l)
{
	struct look_find *k = (struct look_find *)l;
	struct span name = { k->name, k->n };
	struct mailbox *m = mailbox_by_name(l->account, name);
	struct store_mailbox shown;

	if (l->status == STORE_OK && (look_rights(l) & STORE_RIGHT_READ) == 0 && !span_is(name, "INBOX"))
		l->status = STORE_REFUSED;
	if (l->status == STORE_OK && m == NULL)
		l->status = STORE_NOT_FOUND;
	if (l->status == STORE_OK)
		mailbox_show(m, &shown);
	look_done(l, 0);
	if (call_close(&l->call))
		k->done(l->call.arg, l->status, l->status == STORE_OK ? &shown : NULL);
	look_free(l);
	return TURN_DONE;
}

uint64_t look_find(struct store_account *a, struct span name, store_find_done done, void *arg)
{
	struct look_find *k = (struct look_find *)look_new(a, sizeof(*k), STORE_RIGHT_READ | STORE_RIGHT_POP);

	k->done = done;
	if (span_is_nocase(name, "INBOX"))
		name = span_of("INBOX");
	if (names_mailbox_valid(name)) {
		k->n = name.n;
		memcpy(k->name, name.p, name.n);
	} else if (k->look.status == STORE_OK) {
		k->look.status = STORE_INVALID;
	}
	return look_start(&k->look, find_try, arg);
}
