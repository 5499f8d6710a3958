/* queue_text_read.c - an envelope's text is read; the contract is in queue_text.h. */
#include "storage/local/queue_text.h"

#include <string.h>

#include "common/base/ascii.h"

static const char digits[] = "0123456789ABCDEF";

struct reader {
	struct span in;
	struct arena *memory;
	struct queue_letter *l;
	struct span key, value; /* of the line at hand; value as it stands there */
	size_t to_room;
	uint64_t seen; /* bit n: the n-th of head_lines was there */
	bool failed;   /* no memory */
};

/* False: no whole line is left. */
static bool reader_line(struct reader *r)
{
	ptrdiff_t end = span_find(r->in, '\n');

	if (end < 0)
		return false;
	r->value = span_take(&r->in, (size_t)end);
	span_take(&r->in, 1);
	r->key = span_take_until(&r->value, ' ');
	return true;
}

static int hex_of(uint8_t c)
{
	const char *at = c != '\0' ? strchr(digits, c) : NULL;

	return at != NULL ? (int)(at - digits) : -1;
}

/* Undoes put_value into memory of the arena. At most max bytes. */
static bool read_value(struct reader *r, struct span value, size_t max, struct span *out)
{
	uint8_t *to = arena_alloc(r->memory, value.n + 1);
	size_t n = 0;

	r->failed |= to == NULL;
	for (size_t i = 0; i < value.n && to != NULL; i++) {
		int high, low;

		if (ascii_control(value.p[i]))
			return false;
		to[n++] = value.p[i];
		if (value.p[i] != '%')
			continue;
		if (value.n - i < 3 || (high = hex_of(value.p[i + 1])) < 0 ||
		    (low = hex_of(value.p[i + 2])) < 0)
			return false;
		to[n - 1] = (uint8_t)(high << 4 | low);
		i += 2;
	}
	*out = (struct span){ to, n };
	return to != NULL && n <= max;
}

static bool take_number(struct span *in, uint64_t max, uint64_t *out)
{
	return span_number(span_take_until(in, ' '), max, out);
}

/* --- what was accepted ------------------------------------------------------- */

static bool read_id(struct reader *r)
{
	if (!queue_id_valid(r->value))
		return false;
	memcpy(r->l->head.id, r->value.p, r->value.n);
	r->l->head.id[r->value.n] = '\0';
	return true;
}

static bool read_created(struct reader *r)
{
	uint64_t n;

	if (!span_number(r->value, INT64_MAX, &n))
		return false;
	r->l->head.created_s = (int64_t)n;
	return true;
}

static bool read_size(struct reader *r)
{
	return span_number(r->value, UINT64_MAX, &r->l->head.size);
}

static bool read_flags(struct reader *r)
{
	uint64_t n;

	if (!span_number(r->value, STORE_MAIL_FLAGS, &n))
		return false;
	r->l->head.envelope.flags = (unsigned)n;
	return true;
}

static bool read_account(struct reader *r)
{
	return read_value(r, r->value, STORE_ACCOUNT_MAX, &r->l->head.envelope.account);
}

static bool read_envid(struct reader *r)
{
	return read_value(r, r->value, QUEUE_TEXT_MAX, &r->l->head.envelope.envid);
}

static bool read_message_id(struct reader *r)
{
	return read_value(r, r->value, QUEUE_TEXT_MAX, &r->l->head.envelope.message_id);
}

/* Each sender line begins the next try. */
static bool read_sender(struct reader *r)
{
	struct queue_letter *l = r->l;
	struct queue_try *t;

	if (l->head.tries == STORE_RECIPIENTS)
		return false;
	t = &l->tries[l->head.tries];
	*t = (struct queue_try){ .number = l->head.tries++, .first = l->count, .due_s = l->head.created_s };
	return read_value(r, r->value, QUEUE_TEXT_MAX, &t->sender) && queue_plain(t->sender);
}

static bool to_fits(struct reader *r, struct queue_try *t, const struct queue_to *to)
{
	char domain[QUEUE_DOMAIN_MAX];

	if (!queue_domain_of(to->r.to.address, domain))
		return false;
	if (t->count > 0)
		return span_is(t->domain, domain);
	t->domain = arena_copy(r->memory, span_of(domain));
	r->failed |= t->domain.p == NULL;
	return !r->failed;
}

static bool read_to(struct reader *r)
{
	struct queue_letter *l = r->l;
	struct queue_try *t = &l->tries[l->head.tries > 0 ? l->head.tries - 1 : 0];
	struct queue_to *to = &l->to[l->count];
	uint64_t number, notify;

	if (l->head.tries == 0 || l->count == STORE_RECIPIENTS ||
	    !take_number(&r->value, STORE_RECIPIENTS - 1, &number) || !take_number(&r->value, 15, &notify))
		return false;
	*to = (struct queue_to){ .r = { .number = (uint32_t)number,
					.to = { .sender = t->sender, .notify = (unsigned)notify } } };
	if (!read_value(r, r->value, QUEUE_TEXT_MAX, &to->r.to.address) || !queue_plain(to->r.to.address) ||
	    !to_fits(r, t, to))
		return false;
	t->count++;
	l->count++;
	return true;
}

/* The recipient that the line belongs to: the last of the try at hand. */
static struct queue_to *last_to(const struct reader *r)
{
	const struct queue_letter *l = r->l;

	return l->head.tries > 0 && l->tries[l->head.tries - 1].count > 0 ? &l->to[l->count - 1] : NULL;
}

static bool read_original(struct reader *r)
{
	struct queue_to *to = last_to(r);

	return to != NULL && read_value(r, r->value, QUEUE_TEXT_MAX, &to->r.to.original);
}

static bool read_orcpt(struct reader *r)
{
	struct queue_to *to = last_to(r);

	return to != NULL && read_value(r, r->value, QUEUE_TEXT_MAX, &to->r.to.orcpt);
}

struct line_kind {
	const char *key;
	bool (*read)(struct reader *r);
	bool once, needed;
};

static const struct line_kind head_lines[] = {
	{ "id", read_id, true, true },
	{ "created", read_created, true, true },
	{ "size", read_size, true, true },
	{ "flags", read_flags, true, true },
	{ "account", read_account, true, false },
	{ "envid", read_envid, true, false },
	{ "message-id", read_message_id, true, false },
	{ "sender", read_sender, false, true },
	{ "to", read_to, false, false },
	{ "original", read_original, false, false },
	{ "orcpt", read_orcpt, false, false },
};

enum { HEAD_LINES = sizeof(head_lines) / sizeof(head_lines[0]) };

static bool read_head_line(struct reader *r)
{
	for (size_t i = 0; i < HEAD_LINES; i++) {
		if (!span_is(r->key, head_lines[i].key))
			continue;
		if (head_lines[i].once && (r->seen & 1u << i))
			return false;
		r->seen |= 1u << i;
		return head_lines[i].read(r);
	}
	return false;
}

/* A recipient's number is its own. */
static bool numbers_differ(const struct queue_letter *l)
{
	bool seen[STORE_RECIPIENTS] = { false };

	for (size_t i = 0; i < l->count; i++) {
		if (seen[l->to[i].r.number])
			return false;
		seen[l->to[i].r.number] = true;
	}
	return true;
}

static bool read_head(struct reader *r)
{
	if (!reader_line(r) || !span_is(r->key, "yubin-queue") || !span_is(r->value, "1"))
		return false;
	for (;;) {
		if (!reader_line(r))
			return false;
		if (span_is(r->key, "end") && r->value.n == 0)
			break;
		if (!read_head_line(r))
			return false;
	}
	for (size_t i = 0; i < HEAD_LINES; i++)
		if (head_lines[i].needed && !(r->seen & 1u << i))
			return false;
	return numbers_differ(r->l);
}

/* --- what became of it -------------------------------------------------------- */

static bool read_done(struct reader *r, struct queue_try *unused)
{
	struct queue_letter *l = r->l;
	uint64_t number;

	(void)unused;
	if (!span_number(r->value, STORE_RECIPIENTS - 1, &number))
		return false;
	for (uint32_t i = 0; i < l->head.tries; i++) {
		struct queue_try *t = &l->tries[i];

		for (size_t j = t->first; j < t->first + t->count; j++)
			if (l->to[j].r.number == number) {
				memmove(&l->to[j], &l->to[j + 1],
					(t->first + t->count - j - 1) * sizeof(*l->to));
				t->count--;
				return true;
			}
	}
	return true;
}

static bool read_due(struct reader *r, struct queue_try *t)
{
	uint64_t due;

	if (!span_number(r->value, INT64_MAX, &due))
		return false;
	t->due_s = (int64_t)due;
	return true;
}

static bool read_later(struct reader *r, struct queue_try *t)
{
	uint64_t attempts;

	if (!take_number(&r->value, UINT32_MAX, &attempts) || !read_due(r, t))
		return false;
	t->attempts = (uint32_t)attempts;
	return true;
}

static bool read_noticed(struct reader *r, struct queue_try *t)
{
	t->bits |= QUEUE_BIT_NOTICED;
	return r->value.n == 0;
}

static bool read_hold(struct reader *r, struct queue_try *t)
{
	t->bits |= QUEUE_BIT_HELD;
	return r->value.n == 0;
}

static bool read_release(struct reader *r, struct queue_try *t)
{
	t->bits &= ~(unsigned)QUEUE_BIT_HELD;
	return r->value.n == 0;
}

static bool read_bounce(struct reader *r, struct queue_try *t)
{
	t->bits |= QUEUE_BIT_BOUNCE;
	return r->value.n == 0;
}

static bool read_route(struct reader *r, struct queue_try *t)
{
	return read_value(r, r->value, QUEUE_DOMAIN_MAX, &t->route);
}

static const struct {
	const char *key;
	bool of_try; /* the try's number comes first */
	bool (*read)(struct reader *r, struct queue_try *t);
} since_lines[] = {
	{ "done", false, read_done },      { "later", true, read_later }, { "due", true, read_due },
	{ "noticed", true, read_noticed }, { "hold", true, read_hold },   { "release", true, read_release },
	{ "bounce", true, read_bounce },   { "route", true, read_route },
};

static bool read_since_line(struct reader *r)
{
	uint64_t number = 0;

	for (size_t i = 0; i < sizeof(since_lines) / sizeof(since_lines[0]); i++) {
		if (!span_is(r->key, since_lines[i].key))
			continue;
		if (since_lines[i].of_try && !take_number(&r->value, r->l->head.tries - 1, &number))
			return false;
		return since_lines[i].read(r, &r->l->tries[number]);
	}
	return false;
}

bool queue_text_parse(struct span in, struct arena *memory, struct queue_letter *l)
{
	struct reader r = { .in = in, .memory = memory, .l = l };

	*l = (struct queue_letter){ .count = 0 };
	l->tries = arena_array(memory, STORE_RECIPIENTS, sizeof(*l->tries));
	l->to = arena_array(memory, STORE_RECIPIENTS, sizeof(*l->to));
	if (l->tries == NULL || l->to == NULL || !read_head(&r))
		return false;
	while (reader_line(&r) && read_since_line(&r))
		;
	return !r.failed;
}
