/* suite.c - running the cases, and what they have in common; the contract is in suite.h. */
#include "tests/conformance/suite.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/clock.h"

enum { CONF_PATIENCE_MS = 10000 };

static const struct conformance_driver *driver;

struct conf *conf_of(void **state)
{
	return *state;
}

int conf_setup(void **state)
{
	struct conf *c = calloc(1, sizeof(*c));

	assert_non_null(c);
	c->driver = driver;
	assert_int_equal(uv_loop_init(&c->loop), 0);
	driver->wipe(driver->arg);
	c->s = driver->open(driver->arg, &c->loop);
	*state = c;
	return 0;
}

int conf_teardown(void **state)
{
	struct conf *c = *state;

	driver->close(driver->arg, &c->loop, c->s);
	uv_run(&c->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&c->loop), 0);
	free(c);
	return 0;
}

void conf_reopen(struct conf *c)
{
	c->driver->close(c->driver->arg, &c->loop, c->s);
	c->s = c->driver->open(c->driver->arg, &c->loop);
}

static void patience_over(uv_timer_t *timer)
{
	*(bool *)timer->data = true;
}

void conf_wait(struct conf *c, const bool *done)
{
	uv_timer_t timer;
	bool over = false;

	uv_timer_init(&c->loop, &timer);
	timer.data = &over;
	uv_timer_start(&timer, patience_over, CONF_PATIENCE_MS, 0);
	while (!*done && !over)
		uv_run(&c->loop, UV_RUN_ONCE);
	uv_close((uv_handle_t *)&timer, NULL);
	uv_run(&c->loop, UV_RUN_NOWAIT);
	if (!*done)
		fail_msg("no answer within %d ms", CONF_PATIENCE_MS);
}

void conf_idle(struct conf *c)
{
	bool over = false;
	uv_timer_t timer;

	uv_timer_init(&c->loop, &timer);
	timer.data = &over;
	uv_timer_start(&timer, patience_over, 20, 0);
	while (!over)
		uv_run(&c->loop, UV_RUN_ONCE);
	uv_close((uv_handle_t *)&timer, NULL);
	uv_run(&c->loop, UV_RUN_NOWAIT);
}

void conf_done(void *arg, enum store_status status, const char *words)
{
	struct conf_done *d = arg;

	(void)words;
	d->done = true;
	d->calls++;
	d->status = status;
}

/* --- logging in ------------------------------------------------------------ */

struct login_wait {
	bool done;
	enum store_status status;
	struct store_account *account;
};

static void login_done(void *arg, enum store_status status, struct store_account *account)
{
	struct login_wait *w = arg;

	*w = (struct login_wait){ true, status, account };
}

void conf_token(struct conf *c, const char *account, uint32_t rights, struct store_token *out)
{
	struct store_grant g = { .rights = rights, .session = 7 };

	g.made_ms = c->made_ms > 0 ? c->made_ms : clock_real_ms();
	g.ends_s = clock_real_ms() / 1000 + 3600;
	snprintf(g.account, sizeof(g.account), "%s", account);
	c->driver->token(c->driver->arg, &g, out);
}

enum store_status conf_try_login(struct conf *c, const struct store_token *t, struct store_account **out)
{
	struct login_wait w = { 0 };

	assert_int_not_equal(store_login(c->s, t, login_done, &w), 0);
	assert_false(w.done);
	conf_wait(c, &w.done);
	*out = w.account;
	return w.status;
}

struct store_account *conf_login(struct conf *c, const char *account)
{
	struct store_account *a;
	struct store_token t;

	conf_token(c, account, STORE_RIGHT_READ, &t);
	assert_int_equal(conf_try_login(c, &t, &a), STORE_OK);
	assert_non_null(a);
	assert_ptr_equal(store_of(a), c->s);
	return a;
}

/* --- looking --------------------------------------------------------------- */

struct find_wait {
	bool done;
	enum store_status status;
	struct store_mailbox mailbox;
	char name[STORE_NAME_MAX + 1];
};

static void find_done(void *arg, enum store_status status, const struct store_mailbox *m)
{
	struct find_wait *w = arg;

	w->done = true;
	w->status = status;
	if (status != STORE_OK)
		return;
	w->mailbox = *m;
	snprintf(w->name, sizeof(w->name), "%.*s", (int)m->name.n, (const char *)m->name.p);
}

enum store_status conf_find(struct conf *c, struct store_account *a, const char *name,
			    struct store_mailbox *out)
{
	static struct find_wait w;

	w = (struct find_wait){ 0 };
	store_find(a, span_of(name), find_done, &w);
	assert_false(w.done);
	conf_wait(c, &w.done);
	w.mailbox.name = span_of(w.name);
	*out = w.mailbox;
	return w.status;
}

uint64_t conf_mailbox(struct conf *c, struct store_account *a, const char *name)
{
	struct store_mailbox m;

	assert_int_equal(conf_find(c, a, name, &m), STORE_OK);
	assert_int_not_equal(m.id, 0);
	return m.id;
}

struct list_wait {
	bool done;
	enum store_status status;
	struct store_mailbox *out;
	size_t count, room, next;
	struct buf *names;
	struct store_quota quota;
};

static void list_done(void *arg, enum store_status status, const struct store_list *list)
{
	struct list_wait *w = arg;

	w->done = true;
	w->status = status;
	w->next = 0;
	if (status != STORE_OK)
		return;
	for (size_t i = 0; i < list->count && w->count < w->room; i++, w->count++) {
		w->out[w->count] = list->mailboxes[i];
		w->out[w->count].name.p = (const uint8_t *)(uintptr_t)w->names->n; /* its place, for now */
		buf_put(w->names, list->mailboxes[i].name);
	}
	w->next = list->next;
	w->quota = list->quota;
}

enum store_status conf_list(struct conf *c, struct store_account *a, struct store_mailbox *out, size_t room,
			    size_t *count)
{
	static struct buf names;
	struct list_wait w = { .out = out, .room = room, .names = &names };

	buf_clear(&names);
	buf_init(&names, 16 * 1024 * 1024);
	do {
		w.done = false;
		store_list(a, w.next, list_done, &w);
		conf_wait(c, &w.done);
	} while (w.status == STORE_OK && w.next > 0);
	for (size_t i = 0; i < w.count; i++)
		out[i].name.p = names.p + (uintptr_t)out[i].name.p;
	*count = w.count;
	return w.status;
}

void conf_quota(struct conf *c, struct store_account *a, struct store_quota *out)
{
	struct list_wait w = { .room = 0 };

	store_list(a, 0, list_done, &w);
	conf_wait(c, &w.done);
	assert_int_equal(w.status, STORE_OK);
	*out = w.quota;
}

struct page_wait {
	bool done;
	uint32_t next;
	struct conf_sync *s;
};

static void page_append(struct conf_sync *s, const struct store_page *p)
{
	assert_true(p->record_count <= STORE_PAGE_RECORDS && p->range_count <= STORE_PAGE_RANGES &&
		    p->vanished_count <= STORE_PAGE_RANGES);
	assert_true(s->record_count + p->record_count <= CONF_RECORDS &&
		    s->range_count + p->range_count <= CONF_RANGES &&
		    s->vanished_count + p->vanished_count <= CONF_RANGES);
	if (p->record_count > 0)
		memcpy(s->records + s->record_count, p->records, p->record_count * sizeof(*p->records));
	if (p->range_count > 0)
		memcpy(s->ranges + s->range_count, p->ranges, p->range_count * sizeof(*p->ranges));
	if (p->vanished_count > 0)
		memcpy(s->vanished + s->vanished_count, p->vanished,
		       p->vanished_count * sizeof(*p->vanished));
	s->record_count += p->record_count;
	s->range_count += p->range_count;
	s->vanished_count += p->vanished_count;
	s->keyword_count = p->keyword_count;
	for (size_t i = 0; i < p->keyword_count; i++)
		snprintf(s->keywords[i], sizeof(s->keywords[i]), "%.*s", (int)p->keywords[i].n,
			 (const char *)p->keywords[i].p);
}

static void page_done(void *arg, enum store_status status, const struct store_page *p)
{
	struct page_wait *w = arg;

	w->done = true;
	w->next = 0;
	w->s->status = status;
	if (status != STORE_OK)
		return;
	if (w->s->pages++ == 0) {
		w->s->mailbox = p->mailbox;
		w->s->first_unseen = p->first_unseen;
	}
	page_append(w->s, p);
	w->next = p->next_uid;
}

struct conf_sync *conf_sync(struct conf *c, struct store_account *a, const struct store_look *look)
{
	static struct conf_sync s;
	struct page_wait w = { .s = &s };
	struct store_look l = *look;

	memset(&s, 0, sizeof(s));
	do {
		w.done = false;
		store_sync(a, &l, page_done, &w);
		assert_false(w.done);
		conf_wait(c, &w.done);
		assert_true(w.next == 0 || w.next > l.first);
		l.first = w.next;
	} while (w.next > 0);
	return &s;
}

struct conf_sync *conf_since(struct conf *c, struct store_account *a, uint64_t mailbox, uint64_t since)
{
	const struct store_look look = {
		.mailbox = mailbox, .want = STORE_WANT_RECORDS, .since = since, .first = 1, .last = UINT32_MAX
	};

	return conf_sync(c, a, &look);
}

struct conf_sync *conf_all(struct conf *c, struct store_account *a, uint64_t mailbox)
{
	return conf_since(c, a, mailbox, 0);
}

const char *conf_ranges(const struct store_range *r, size_t count)
{
	static char text[4096];
	size_t n = 0;

	text[0] = '\0';
	for (size_t i = 0; i < count && n < sizeof(text) - 32; i++) {
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%u", i > 0 ? "," : "", r[i].first);
		if (r[i].last > r[i].first)
			n += (size_t)snprintf(text + n, sizeof(text) - n, ":%u", r[i].last);
	}
	return text;
}

const char *conf_uids(const struct conf_sync *s)
{
	struct store_range ranges[CONF_RANGES];
	size_t count = 0;

	for (size_t i = 0; i < s->record_count; i++) {
		uint32_t uid = s->records[i].uid;

		if (count > 0 && ranges[count - 1].last + 1 == uid)
			ranges[count - 1].last = uid;
		else
			ranges[count++] = (struct store_range){ uid, uid };
	}
	return conf_ranges(ranges, count);
}

/* --- bodies ---------------------------------------------------------------- */

struct body_wait {
	bool done;
	enum store_status status;
	int fd;
	uint64_t size;
};

static void body_done(void *arg, enum store_status status, int fd, uint64_t size)
{
	struct body_wait *w = arg;

	*w = (struct body_wait){ true, status, fd, size };
}

enum store_status conf_body_status(struct conf *c, struct store_account *a, uint64_t mailbox, uint32_t uid)
{
	struct body_wait w = { .fd = -1 };

	store_body(a, mailbox, uid, body_done, &w);
	conf_wait(c, &w.done);
	assert_true((w.fd >= 0) == (w.status == STORE_OK));
	if (w.fd >= 0)
		close(w.fd);
	return w.status;
}

const char *conf_body(struct conf *c, struct store_account *a, uint64_t mailbox, uint32_t uid)
{
	static char text[1024 * 1024];
	struct body_wait w = { .fd = -1 };

	store_body(a, mailbox, uid, body_done, &w);
	conf_wait(c, &w.done);
	assert_int_equal(w.status, STORE_OK);
	assert_true(w.size < sizeof(text));
	assert_int_equal(pread(w.fd, text, sizeof(text), 0), w.size);
	assert_int_equal(write(w.fd, "x", 1), -1); /* read-only */
	close(w.fd);
	text[w.size] = '\0';
	return text;
}

/* --- changing -------------------------------------------------------------- */

struct commit_wait {
	bool done;
	struct conf_result *r;
};

static void copy_set(struct store_set *set, struct store_range to[64])
{
	size_t n = set->count < 64 ? set->count : 64;

	if (n > 0)
		memcpy(to, set->ranges, n * sizeof(*to));
	*set = (struct store_set){ to, n };
}

static void commit_done(void *arg, enum store_status status, const struct store_result *results, size_t count,
			const char *words)
{
	struct commit_wait *w = arg;
	struct conf_result *r = w->r;

	assert_false(w->done);
	w->done = true;
	r->status = status;
	r->count = count;
	snprintf(r->words, sizeof(r->words), "%s", words != NULL ? words : "");
	for (size_t i = 0; i < count && i < 8; i++) {
		r->r[i] = results[i];
		copy_set(&r->r[i].from, r->sets[i][0]);
		copy_set(&r->r[i].to, r->sets[i][1]);
		copy_set(&r->r[i].skipped, r->sets[i][2]);
	}
}

struct conf_result *conf_commit(struct conf *c, struct store_account *a, const struct store_mutation *m,
				size_t count, const struct store_txid *txid)
{
	static struct conf_result r;
	struct commit_wait w = { .r = &r };
	struct store_txid own;

	memset(&r, 0, sizeof(r));
	store_txid_new(&own);
	assert_int_not_equal(store_commit(a, m, count, txid != NULL ? txid : &own, commit_done, &w), 0);
	assert_false(w.done);
	conf_wait(c, &w.done);
	return &r;
}

enum store_status conf_change(struct conf *c, struct store_account *a, const struct store_mutation *m)
{
	return conf_commit(c, a, m, 1, NULL)->status;
}

static void stage_ready(void *arg)
{
	*(bool *)arg = true;
}

struct store_stage *conf_stage(struct conf *c, const char *text, size_t size)
{
	struct span in = { (const uint8_t *)text, size };
	struct store_stage *st;
	bool ready = false;
	struct error err;

	assert_int_equal(store_stage_new(c->s, &st, size, stage_ready, &ready, &err), 0);
	while (in.n > 0) {
		size_t n = in.n < 65536 ? in.n : 65536;
		int r = store_stage_write(st, (struct span){ in.p, n });

		if (r == -EAGAIN) {
			ready = false;
			conf_wait(c, &ready);
			continue;
		}
		assert_int_equal(r, 0);
		span_take(&in, n);
	}
	assert_int_equal(store_stage_size(st), size);
	return st;
}

uint32_t conf_append(struct conf *c, struct store_account *a, uint64_t mailbox, const char *text,
		     uint32_t flags)
{
	const struct store_mutation m = { .change = STORE_APPEND,
					  .mailbox = mailbox,
					  .flags = flags,
					  .internal_s = 1700000000,
					  .stage = conf_stage(c, text, strlen(text)) };
	struct conf_result *r = conf_commit(c, a, &m, 1, NULL);

	assert_int_equal(r->status, STORE_OK);
	assert_int_equal(r->count, 1);
	assert_int_equal(r->r[0].to.count, 1);
	assert_int_equal(r->r[0].to.ranges[0].first, r->r[0].to.ranges[0].last);
	return r->r[0].to.ranges[0].first;
}

enum { GUESTS = 8 };

static void guests(struct store_recipient to[GUESTS], const char *const accounts[], const uint64_t *quotas, size_t count)
{
	for (size_t i = 0; i < count; i++)
		to[i] = (struct store_recipient){ span_of(accounts[i]), span_of(accounts[i]),
						  quotas != NULL ? quotas[i] : STORE_QUOTA_UNTOLD };
}

struct room_wait {
	struct conf_done d;
	char over[64];
};

static void room_done(void *arg, enum store_status status, struct store_set over)
{
	struct room_wait *w = arg;

	snprintf(w->over, sizeof(w->over), "%s", conf_ranges(over.ranges, over.count));
	conf_done(&w->d, status, "");
}

const char *conf_room(struct conf *c, uint64_t size, const char *const accounts[], const uint64_t *quotas, size_t count)
{
	struct store_recipient to[GUESTS];
	static struct room_wait w;

	w = (struct room_wait){ 0 };
	guests(to, accounts, quotas, count);
	store_room(c->s, size, to, count, room_done, &w);
	assert_false(w.d.done);
	conf_wait(c, &w.d.done);
	if (w.d.status == STORE_TRY_LATER)
		return "later";
	assert_int_equal(w.d.status, *w.over != '\0' ? STORE_OVER_QUOTA : STORE_OK);
	return w.over;
}

static enum store_status deliver(struct conf *c, const struct store_recipient *to, size_t count, const char *text,
				 const struct store_txid *txid)
{
	struct conf_done d = { 0 };
	struct store_txid own;

	store_txid_new(&own);
	store_deliver(c->s,
		      &(struct store_delivery){
			  .stage = conf_stage(c, text, strlen(text)), .recipients = to, .count = count },
		      txid != NULL ? txid : &own, conf_done, &d);
	assert_false(d.done);
	conf_wait(c, &d.done);
	return d.status;
}

enum store_status conf_deliver_limited(struct conf *c, const char *const accounts[], const uint64_t *quotas,
				       size_t count, const char *text)
{
	struct store_recipient to[GUESTS];

	guests(to, accounts, quotas, count);
	return deliver(c, to, count, text, NULL);
}

enum store_status conf_deliver(struct conf *c, const char *const accounts[], size_t count, const char *text,
			       const struct store_txid *txid)
{
	struct store_recipient to[GUESTS];

	guests(to, accounts, NULL, count);
	return deliver(c, to, count, text, txid);
}

enum store_status conf_flags(struct conf *c, struct store_account *a, uint64_t mailbox, uint32_t first,
			     uint32_t last, enum store_how how, uint32_t flags, const char *keyword)
{
	const struct store_range range = { first, last };
	const struct span word = span_of(keyword);
	const struct store_mutation m = { .change = STORE_SET_FLAGS,
					  .mailbox = mailbox,
					  .uids = { &range, 1 },
					  .how = how,
					  .flags = flags,
					  .keywords = &word,
					  .keyword_count = keyword != NULL };

	return conf_change(c, a, &m);
}

enum store_status conf_expunge(struct conf *c, struct store_account *a, uint64_t mailbox, uint32_t first,
			       uint32_t last)
{
	const struct store_range range = { first, last };
	const struct store_mutation m = { .change = STORE_EXPUNGE,
					  .mailbox = mailbox,
					  .uids = { &range, 1 } };

	return conf_change(c, a, &m);
}

enum store_status conf_create(struct conf *c, struct store_account *a, const char *name)
{
	const struct store_mutation m = { .change = STORE_CREATE, .name = span_of(name) };

	return conf_change(c, a, &m);
}

/* --- all ------------------------------------------------------------------- */

int conformance_run(const struct conformance_driver *d)
{
	struct conf_group (*const groups[])(
	    void) = { conf_mailbox_cases, conf_message_cases, conf_change_cases, conf_deliver_cases,
		      conf_access_cases,  conf_queue_cases,   conf_note_cases,   conf_annotation_cases };
	int failed = 0;

	driver = d;
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		struct conf_group g = groups[i]();

		failed |= unit_run(g.tests, g.count, d->name);
	}
	return failed;
}
