/* fake_store.c - the contract is in fake_store.h. */
#include "tests/fake/fake_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "tests/fake/fake_inner.h"

static struct fake_store *of(struct store *s)
{
	return (struct fake_store *)s;
}

int fake_store_new(struct store **out, const struct fake_options *o, struct error *err)
{
	struct fake_store *s = fake_need(sizeof(*s));

	*out = NULL;
	s->base.driver = &fake_driver;
	if (o != NULL)
		s->options = *o;
	s->last = &s->first;
	if (table_new(&s->users, err) < 0 || table_new(&s->outcomes, err) < 0)
		abort();
	s->queue = fake_queue_new();
	*out = &s->base;
	return 0;
}

void fake_store_on_wake(struct store *s, void (*wake)(void *arg), void *arg)
{
	of(s)->options.wake = wake;
	of(s)->options.wake_arg = arg;
}

static void user_free(struct fake_user *u)
{
	while (u->logins != NULL) {
		struct fake_account *a = u->logins;

		u->logins = a->next;
		free(a);
	}
	fake_user_free(u);
}

void fake_store_free(struct store *base)
{
	struct fake_store *s = of(base);
	size_t at = 0;
	void *value;

	if (s == NULL)
		return;
	while (s->stages != NULL)
		fake_stage_free(&s->stages->base);
	while (s->first != NULL) {
		struct fake_op *op = s->first;

		s->first = op->next;
		fake_op_free(op);
	}
	while (table_next(s->users, &at, NULL, &value))
		user_free(value);
	at = 0;
	while (table_next(s->outcomes, &at, NULL, &value)) {
		arena_free(((struct fake_outcome *)value)->memory);
		free(value);
	}
	table_free(s->users);
	table_free(s->outcomes);
	fake_queue_free(s->queue);
	free(s);
}

int64_t fake_now_s(const struct fake_store *s)
{
	return s->options.now_s != 0 ? s->options.now_s : clock_real_ms() / 1000;
}

void fake_wake(struct fake_store *s)
{
	if (s->options.wake != NULL)
		s->options.wake(s->options.wake_arg);
}

bool fake_user_next(struct fake_store *s, size_t *at, struct fake_user **u)
{
	void *value;

	if (!table_next(s->users, at, NULL, &value))
		return false;
	*u = value;
	return true;
}

struct fake_user *fake_user_of(struct fake_store *s, struct span name)
{
	struct fake_user *u = table_get(s->users, name);

	if (u != NULL)
		return u;
	u = fake_user_new(name);
	if (table_put(s->users, name, u) < 0)
		abort();
	return u;
}

/* --- tokens: "fake SERIAL RIGHTS SUM ACCOUNT" --------------------------------- */

/* No secret is in it; it tells a token that a test has damaged. */
static uint32_t token_sum(uint64_t serial, uint64_t rights, struct span account)
{
	uint32_t sum = (uint32_t)(2166136261u ^ serial ^ (rights << 8));

	for (size_t i = 0; i < account.n; i++)
		sum = (sum ^ account.p[i]) * 16777619u;
	return sum;
}

void fake_store_token(struct store *base, struct store_token *t, const char *account, uint32_t rights)
{
	uint64_t serial = ++of(base)->last_serial;
	int n = snprintf((char *)t->bytes, sizeof(t->bytes), "fake %llu %u %u %s", (unsigned long long)serial,
			 rights, token_sum(serial, rights, span_of(account)), account);

	t->n = (uint16_t)n;
}

struct fake_user *fake_token_user(struct fake_store *s, const struct store_token *t, uint32_t *rights)
{
	struct span in = { t->bytes, t->n };
	uint64_t serial, bits, sum;
	struct fake_user *u;

	if (t->n > sizeof(t->bytes) || !span_is(span_take_until(&in, ' '), "fake") ||
	    !span_number(span_take_until(&in, ' '), UINT64_MAX, &serial) ||
	    !span_number(span_take_until(&in, ' '), UINT32_MAX, &bits) ||
	    !span_number(span_take_until(&in, ' '), UINT32_MAX, &sum) || in.n == 0 ||
	    in.n >= STORE_ACCOUNT_MAX)
		return NULL;
	if ((bits & (STORE_RIGHT_READ | STORE_RIGHT_POP)) == 0 || sum != token_sum(serial, bits, in))
		return NULL;
	u = fake_user_of(s, in);
	*rights = (uint32_t)bits;
	return serial >= u->void_below ? u : NULL;
}

void fake_store_revoke(struct store *base, const char *account)
{
	struct fake_user *u = fake_user_of(of(base), span_of(account));

	u->void_below = of(base)->last_serial + 1;
	for (struct fake_account *a = u->logins; a != NULL; a = a->next)
		a->revoked = true;
}

/* --- what a test orders and asks ------------------------------------------- */

size_t fake_store_waiting(const struct store *base)
{
	struct fake_store *s = (struct fake_store *)(uintptr_t)base;
	struct fake_user *u;
	size_t count = fake_queue_hints(s), at = 0;

	for (const struct fake_op *op = s->first; op != NULL; op = op->next)
		count++;
	for (const struct fake_stage *st = s->stages; st != NULL; st = st->next)
		count += !fake_stage_ready(&st->base);
	while (fake_user_next(s, &at, &u))
		for (const struct fake_account *a = u->logins; a != NULL; a = a->next)
			count += a->changed != NULL && a->armed && a->news.any;
	return count;
}

void fake_store_fail(struct store *s, enum fake_call call, enum store_status status, unsigned times)
{
	of(s)->fail[call] = (struct fake_failure){ status, times };
}

void fake_store_lose(struct store *s, enum fake_call call, enum store_status status, unsigned times)
{
	of(s)->lose[call] = (struct fake_failure){ status, times };
}

size_t fake_store_calls(const struct store *s, enum fake_call call)
{
	return ((const struct fake_store *)s)->calls[call];
}

size_t fake_store_accounts(const struct store *base)
{
	struct fake_store *s = (struct fake_store *)(uintptr_t)base;
	struct fake_user *u;
	size_t count = 0, at = 0;

	while (fake_user_next(s, &at, &u))
		for (const struct fake_account *a = u->logins; a != NULL; a = a->next)
			count++;
	return count;
}

size_t fake_store_stages(const struct store *base)
{
	size_t count = 0;

	for (const struct fake_stage *st = ((const struct fake_store *)base)->stages; st != NULL;
	     st = st->next)
		count++;
	return count;
}

static struct fake_mailbox *box_of(struct store *s, const char *account, const char *mailbox)
{
	struct fake_user *u = fake_user_of(of(s), span_of(account));
	struct fake_mailbox *m = fake_box_by_name(&u->boxes, span_of(mailbox));

	if (m == NULL || m->id == 0)
		m = fake_box_create(u, span_of(mailbox), STORE_ROLE_NONE);
	return m;
}

uint32_t fake_store_put(struct store *s, const char *account, const char *mailbox, const char *text,
			uint32_t flags)
{
	return fake_store_put_bytes(s, account, mailbox, span_of(text), flags);
}

uint32_t fake_store_put_bytes(struct store *s, const char *account, const char *mailbox, struct span bytes,
			      uint32_t flags)
{
	struct fake_mailbox *m = box_of(s, account, mailbox);
	struct fake_user *u = fake_user_of(of(s), span_of(account));
	struct fake_body *body = fake_body_new(bytes);
	struct store_record r = { .flags = flags, .size = body->n, .internal_s = fake_now_s(of(s)) };
	uint32_t uid;

	r.saved_s = r.internal_s;
	of(s)->last_guid++;
	memcpy(r.guid, &of(s)->last_guid, sizeof(of(s)->last_guid));
	uid = fake_message_add(u, m, &r, body, m->modseq + 1)->record.uid;
	fake_body_drop(body);
	fake_tell(of(s), u);
	return uid;
}

bool fake_store_drop(struct store *s, const char *account, const char *mailbox, uint32_t uid)
{
	struct fake_mailbox *m = box_of(s, account, mailbox);
	struct fake_user *u = fake_user_of(of(s), span_of(account));
	struct fake_message *message = fake_message_find(m, uid);

	if (message == NULL)
		return false;
	fake_message_drop(u, m, (size_t)(message - m->messages), m->modseq + 1);
	fake_tell(of(s), u);
	return true;
}

void fake_store_forget(struct store *s, const char *account, const char *mailbox)
{
	struct fake_mailbox *m = box_of(s, account, mailbox);

	m->forgotten = m->modseq;
	m->tomb_count = 0;
}

void fake_store_uidnext(struct store *s, const char *account, const char *mailbox, uint32_t uid)
{
	box_of(s, account, mailbox)->uidnext = uid;
}

const char *fake_store_address(struct store *s, const char *account, const char *mailbox, uint32_t uid)
{
	const struct fake_message *message = fake_message_find(box_of(s, account, mailbox), uid);

	return message != NULL ? message->address : NULL;
}
