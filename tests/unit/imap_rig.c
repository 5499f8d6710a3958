/* imap_rig.c - the contract is in imap_rig.h. */
#include "tests/unit/imap_rig.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/proc/seats.h"

enum { SESSIONS = 16 };

struct conn {
	struct rig *rig;
	struct shell *session;
	struct config *config;
	struct buf out, in;
	size_t largest;
	bool awake, closed, tls, wants_tls, blocked;
};

struct rig {
	struct service service;
	struct store *store;
	struct conn *conns[SESSIONS];
	/* the login that waits */
	auth_login_done done;
	void *arg;
	struct auth_grant grant;
	enum auth_status status;
	uint64_t skew_ms;
	bool slow_disk, certificate;
	struct body_read *reads;
	struct sitter *line, *job;	/* of seats.h: who waits; who is away */
	bool taken, held, stranded;
	unsigned jobs;
};

struct body_read {		/* one that waits for the slow disk */
	struct body_read *next;
	int fd;
	uint64_t offset;
	size_t n;
	body_read_done done;
	void *arg;
};

static struct rig *the_rig;	/* auth_login and worker_loop have no other way to it */

/* --- conn.h, auth.h, worker.h ---------------------------------------------- */

void conn_wake(struct conn *c)
{
	c->awake = true;
}

uint64_t conn_id(const struct conn *c)
{
	(void)c;
	return 1;
}

const char *conn_peer(const struct conn *c)
{
	(void)c;
	return "192.0.2.7";
}

const struct config_listen *conn_listen(const struct conn *c)
{
	return config_listen(c->config, 0);
}

const struct config_scope *conn_config(const struct conn *c)
{
	return config_listen_scope(c->config, 0);
}

const char *conn_hostname(const struct conn *c)
{
	(void)c;
	return "mail.example.org";
}

const struct tls_facts *conn_tls(const struct conn *c)
{
	(void)c;
	return NULL;
}

const char *conn_client_bound(const struct conn *c)
{
	(void)c;
	return "";
}

const char *conn_client_names(const struct conn *c, char *out)
{
	snprintf(out, CONN_NAMES, "%s", conn_client_known(c) ? "email:" RIG_ACCOUNT : "");
	return out;
}

bool conn_client_known(const struct conn *c)
{
	return c->rig->certificate && c->tls;
}

bool conn_may_start_tls(const struct conn *c)
{
	return !c->tls && conn_listen(c)->mode == CONFIG_MODE_EXPLICIT;
}

void *conn_daemon(const struct conn *c)
{
	return &c->rig->service;
}

void conn_login_begin(struct conn *c)
{
	(void)c;
}

bool conn_login(struct conn *c, const char *account)
{
	(void)c;
	return strcmp(account, "crowd@example.org") != 0;
}

uv_loop_t *worker_loop(struct worker *w)
{
	(void)w;
	return NULL;
}

ssize_t body_read_now(int fd, uint64_t offset, uint8_t *p, size_t n)
{
	return the_rig->slow_disk ? -EAGAIN : pread(fd, p, n, (off_t)offset);
}

struct body_read *body_read_later(uv_loop_t *loop, int fd, uint64_t offset, size_t n, body_read_done done, void *arg)
{
	struct body_read *b = calloc(1, sizeof(*b));

	(void)loop;
	assert_non_null(b);
	*b = (struct body_read){ the_rig->reads, dup(fd), offset, n, done, arg };
	the_rig->reads = b;
	return b;
}

void body_read_cancel(struct body_read *b)
{
	if (b != NULL)
		b->done = NULL;
}

static bool run_read(struct rig *r)
{
	struct body_read *b = r->reads;
	uint8_t bytes[40000];
	ssize_t n;

	if (b == NULL)
		return false;
	r->reads = b->next;
	n = pread(b->fd, bytes, b->n < sizeof(bytes) ? b->n : sizeof(bytes), (off_t)b->offset);
	if (b->done != NULL)
		b->done(b->arg, n < 0 ? -EIO : 0, (struct span){ bytes, n > 0 ? (size_t)n : 0 });
	close(b->fd);
	free(b);
	return true;
}

/* One seat. What is away runs, in one go, when nobody else has anything to do. */
static void sit_down(struct rig *r)
{
	struct sitter *who = r->line;

	if (who == NULL || r->taken)
		return;
	r->line = who->next;
	r->taken = true;
	who->work.data = r;
	who->seated(who);
}

void seats_take(struct seats *seats, struct sitter *who)
{
	struct sitter **last = &the_rig->line;

	(void)seats;
	while (*last != NULL)
		last = &(*last)->next;
	*last = who;
	sit_down(the_rig);
}

void seats_run(struct sitter *who)
{
	assert_true(the_rig->taken && the_rig->job == NULL);
	the_rig->job = who;
}

void seats_rise(struct sitter *who)
{
	struct sitter **at = &the_rig->line;

	while (*at != NULL && *at != who)
		at = &(*at)->next;
	if (*at == who)
		*at = who->next;
	if (who->work.data == NULL)
		return;
	the_rig->taken = false;
	sit_down(the_rig);
}

static bool run_job(struct rig *r)
{
	struct sitter *who = r->job;

	if (who == NULL || r->held)
		return false;
	r->job = NULL;
	r->jobs++;
	who->run(who);
	who->ran(who);
	return true;
}

/* SCRAM's own tests play the other side. */
uint64_t auth_scram(struct auth *a, const struct auth_attempt *attempt, struct span bare, struct span nonce,
		    auth_scram_done done, void *arg)
{
	(void)a;
	(void)attempt;
	(void)bare;
	(void)nonce;
	(void)done;
	(void)arg;
	return 0;
}

uint64_t auth_proof(struct auth *a, uint64_t scram, struct span final, struct span proof, auth_proof_done done,
		    void *arg)
{
	(void)a;
	(void)scram;
	(void)final;
	(void)proof;
	(void)done;
	(void)arg;
	return 0;
}

void auth_scram_end(struct auth *a, uint64_t scram)
{
	(void)a;
	(void)scram;
}

unsigned auth_scram_hashes(const struct auth *a)
{
	(void)a;
	return 0;
}

size_t conn_binding(const struct conn *c, const char *type, uint8_t out[CONN_BINDING])
{
	(void)c;
	(void)type;
	(void)out;
	return 0;
}

uint64_t auth_login(struct auth *a, const struct auth_attempt *attempt, auth_login_done done, void *arg)
{
	struct rig *r = the_rig;
	struct span user = attempt->user;

	(void)a;
	if (span_is(user, "none"))
		return 0;	/* no memory: nothing completes */
	memset(&r->grant, 0, sizeof(r->grant));
	r->done = done;
	r->arg = arg;
	r->status = span_is(attempt->password, "secret") ? AUTH_OK : AUTH_WRONG;
	if (strcmp(attempt->mechanism, "EXTERNAL") == 0) {
		user = attempt->authzid.n > 0 ? attempt->authzid : span_of("anna");
		r->status = strcmp(attempt->names, "email:" RIG_ACCOUNT) == 0 && span_is(user, "anna") ? AUTH_OK :
													 AUTH_WRONG;
	}
	if (span_is(user, "off"))
		r->status = AUTH_DISABLED;
	if (span_is(user, "late"))
		r->status = AUTH_TRY_LATER;
	if (span_is(user, "scoped"))
		r->status = AUTH_SCOPE;
	if (span_is(user, "old"))
		r->status = AUTH_EXPIRED;
	if (r->status == AUTH_OK && attempt->authzid.n > 0 && !span_equal(attempt->authzid, user))
		r->status = AUTH_AUTHZID;
	snprintf(r->grant.account, sizeof(r->grant.account), "%.*s@example.org", (int)user.n, (const char *)user.p);
	fake_store_token(r->store, &r->grant.token, r->grant.account, STORE_RIGHT_READ);
	return 77;
}

void auth_cancel(struct auth *a, uint64_t number)
{
	(void)a;
	if (number == 77)
		the_rig->done = NULL;
}

static bool run_auth(struct rig *r)
{
	auth_login_done done = r->done;

	r->done = NULL;
	if (done != NULL)
		done(r->arg, r->status, r->status == AUTH_OK ? &r->grant : NULL);
	return done != NULL;
}

/* --- turns ----------------------------------------------------------------- */

static void converse(struct conn *c)
{
	struct span out, in;

	c->awake = false;
	imap_protocol.tick(c->session, clock_mono_ms() + c->rig->skew_ms);
	while (!c->closed && !c->wants_tls && !c->blocked) {
		switch (imap_protocol.next(c->session, &out)) {
		case CONN_WANT_OUTPUT:
			buf_put(&c->out, out);
			c->largest = out.n > c->largest ? out.n : c->largest;
			break;
		case CONN_WANT_TLS:
			c->wants_tls = true;
			buf_reset(&c->in);
			break;
		case CONN_WANT_CLOSE:
			c->closed = true;
			break;
		case CONN_WANT_INPUT:
			in = buf_span(&c->in);
			if (in.n == 0)
				return;
			imap_protocol.feed(c->session, &in);
			if (in.n == c->in.n)
				return;
			buf_drop(&c->in, c->in.n - in.n);
			break;
		}
	}
}

static bool turn(struct rig *r)
{
	bool any = false;

	for (size_t i = 0; i < SESSIONS; i++) {
		if (r->conns[i] != NULL && r->conns[i]->awake && !r->conns[i]->blocked) {
			converse(r->conns[i]);
			any = true;
		}
	}
	return any;
}

static void settle(struct rig *r)
{
	while (turn(r) || run_auth(r) || (!(r->stranded && r->taken) && fake_store_step(r->store) > 0) || run_read(r) ||
	       run_job(r))
		;
}

static void no_log(void *arg, const char *line)
{
	(void)arg;
	(void)line;
}

/* --- the rig --------------------------------------------------------------- */

struct rig *rig_new(const struct fake_options *o)
{
	struct rig *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	assert_int_equal(fake_store_new(&r->store, o, NULL), 0);
	log_to_function(no_log, NULL);
	r->service.store = r->store;
	the_rig = r;
	return r;
}

void rig_free(struct rig *r)
{
	for (size_t i = 0; i < SESSIONS; i++)
		if (r->conns[i] != NULL)
			rig_close(r->conns[i]);
	r->held = false;
	while (run_read(r) || run_job(r))
		;
	fake_store_free(r->store);
	free(r);
	the_rig = NULL;
}

void rig_slow_disk(struct rig *r)
{
	r->slow_disk = true;
}

void rig_hold(struct rig *r)
{
	r->held = true;
}

void rig_strand(struct rig *r)
{
	r->held = r->stranded = true;
}

void rig_go(struct rig *r)
{
	r->held = r->stranded = false;
	settle(r);
}

unsigned rig_jobs(const struct rig *r)
{
	return r->jobs;
}

void rig_certificate(struct rig *r)
{
	r->certificate = true;
}

struct store *rig_store(struct rig *r)
{
	return r->store;
}

void rig_time(struct rig *r, uint64_t ms)
{
	r->skew_ms += ms;
	for (size_t i = 0; i < SESSIONS; i++) {
		if (r->conns[i] == NULL)
			continue;
		imap_protocol.tick(r->conns[i]->session, clock_mono_ms() + r->skew_ms);
		r->conns[i]->awake = true;
	}
	settle(r);
}

static void say_config(void *arg, enum config_severity severity, const char *file, unsigned line, const char *words)
{
	(void)arg;
	(void)severity;
	fail_msg("%s:%u: %s", file, line, words);
}

struct conn *rig_open(struct rig *r, const char *conf)
{
	static const char fallback[] = "Listen 127.0.0.1:143 explicit\n";
	struct conn *c = calloc(1, sizeof(*c));
	void *session;
	size_t i;

	assert_non_null(c);
	for (i = 0; i < SESSIONS && r->conns[i] == NULL; i++)
		;
	if (i == SESSIONS)
		r->skew_ms = 0;		/* nobody saw that time */
	c->rig = r;
	buf_init(&c->out, 256 << 20);
	buf_init(&c->in, 256 << 20);
	assert_int_equal(config_parse(&c->config, CONFIG_IMAPD, span_of(conf != NULL ? conf : fallback), "imapd.conf",
				      say_config, NULL), 0);
	assert_int_equal(imap_protocol.open(&session, c, NULL), 0);
	c->session = session;
	for (i = 0; r->conns[i] != NULL; i++)
		assert_true(i + 1 < SESSIONS);
	r->conns[i] = c;
	if (conn_listen(c)->mode == CONFIG_MODE_IMPLICIT) {
		c->tls = true;
		imap_protocol.secured(c->session);
	}
	c->awake = true;
	settle(r);
	return c;
}

struct conn *rig_login(struct rig *r, const char *mailbox)
{
	struct conn *c = rig_open(r, NULL);

	rig_secure(c);
	rig_pump(c, "l LOGIN anna secret\r\n", strlen("l LOGIN anna secret\r\n"));
	if (mailbox != NULL) {
		char select[300];

		snprintf(select, sizeof(select), "s SELECT %s\r\n", mailbox);
		rig_pump(c, select, strlen(select));
	}
	return c;
}

void rig_close(struct conn *c)
{
	struct rig *r = c->rig;

	for (size_t i = 0; i < SESSIONS; i++)
		if (r->conns[i] == c)
			r->conns[i] = NULL;
	imap_protocol.close(c->session);
	config_free(c->config);
	buf_clear(&c->out);
	buf_clear(&c->in);
	free(c);
}

/* want with ~ for anything without CR. */
static bool matches(const char *want, const char *got)
{
	for (; *want != '\0'; want++, got++) {
		if (*want != '~') {
			if (*want != *got)
				return false;
			continue;
		}
		for (;; got++) {
			if (matches(want + 1, got))
				return true;
			if (*got == '\0' || *got == '\r')
				return false;
		}
	}
	return *got == '\0';
}

void rig_want(struct conn *c, const char *want)
{
	buf_put_byte(&c->out, 0);
	if (!matches(want, (const char *)c->out.p)) {
		printf("--- wanted\n%s\n--- got\n%s\n---\n", want, (const char *)c->out.p);
		fail();
	}
	buf_reset(&c->out);
}

size_t rig_pump(struct conn *c, const char *send, size_t n)
{
	size_t got;

	buf_put(&c->in, (struct span){ (const uint8_t *)send, n });
	imap_protocol.tick(c->session, clock_mono_ms() + c->rig->skew_ms);
	c->awake = true;
	settle(c->rig);
	got = c->out.n;
	buf_reset(&c->out);
	return got;
}

static void send_text(struct conn *c, const char *send, size_t n)
{
	buf_put(&c->in, (struct span){ (const uint8_t *)send, n });
	imap_protocol.tick(c->session, clock_mono_ms() + c->rig->skew_ms);
	c->awake = true;
	settle(c->rig);
}

void rig_send_bytes(struct conn *c, const char *send, size_t n)
{
	send_text(c, send, n);
}

void rig_send(struct conn *c, const char *text)
{
	send_text(c, text, strlen(text));
}

void rig_say(struct conn *c, const char *send, const char *want)
{
	unit_case(send, 0);
	send_text(c, send, strlen(send));
	rig_want(c, want);
}

void rig_say_bytes(struct conn *c, const char *send, const char *want)
{
	unit_case(send, 1);
	for (size_t i = 0; send[i] != '\0'; i++)
		send_text(c, send + i, 1);
	rig_want(c, want);
}

struct span rig_output(struct conn *c)
{
	struct span out = buf_span(&c->out);

	c->out.n = 0;
	return out;
}

void rig_block(struct conn *c)
{
	c->blocked = true;
}

void rig_take(struct conn *c)
{
	c->blocked = false;
	c->awake = true;
	settle(c->rig);
}

bool rig_closed(const struct conn *c)
{
	return c->closed;
}

bool rig_wants_tls(const struct conn *c)
{
	return c->wants_tls;
}

void rig_secure(struct conn *c)
{
	c->tls = true;
	c->wants_tls = false;
	imap_protocol.secured(c->session);
	buf_reset(&c->out);
}

struct shell *rig_shell(struct conn *c)
{
	return c->session;
}

size_t rig_largest_reply(const struct conn *c)
{
	return c->largest;
}
