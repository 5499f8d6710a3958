/* peer.c - a daemon's questions: read, checked against its rights, answered. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auth/authd/scram.h"
#include "auth/authd/state.h"
#include "common/base/clock.h"
#include "common/base/escape.h"
#include "common/base/log.h"
#include "common/proc/control.h"

enum {
	QUEUE = 16 << 20, /* bytes of answers that a daemon may leave untaken */
	DAY_MS = 24 * 3600 * 1000,
	MINUTE_S = 60
};

/* Gone: freed by peers_reap, for its callers still hold it. */
static void leave(struct peer *p)
{
	ipc_free(p->ipc);
	p->ipc = NULL;
}

static void peer_free(struct peer *p)
{
	leave(p);
	logins_cancel(p);
	free(p);
}

void peers_reap(struct authd *d)
{
	struct peer **at = &d->peers;

	while (*at != NULL) {
		struct peer *p = *at;

		if (p->ipc != NULL) {
			at = &p->next;
			continue;
		}
		*at = p->next;
		peer_free(p);
	}
}

void peers_free(struct authd *d)
{
	while (d->peers != NULL) {
		struct peer *p = d->peers;

		d->peers = p->next;
		peer_free(p);
	}
}

void peer_answer(struct peer *p, enum auth_wire_type type, uint64_t number, struct buf *b)
{
	int code = p->ipc == NULL ? 0
		   : b->failed    ? -ENOMEM
				  : ipc_send(p->ipc, (uint16_t)type, number, buf_span(b), NULL, 0);

	if (code < 0 && code != -EPIPE) {
		log_warn("a daemon takes no answers and is cut off peer=%s reason=\"%s\"", p->name,
			 strerror(-code));
		leave(p);
	}
	if (b->p != NULL)
		explicit_bzero(b->p, b->n);
	buf_clear(b);
}

static bool may(const struct peer *p, enum control_right right, const char *what)
{
	if ((p->rights & right) != 0)
		return true;
	log_warn("a daemon asked what it may not peer=%s what=%s", p->name, what);
	return false;
}

static void send_resolved(struct peer *p, uint64_t number, enum auth_status status, const struct resolved *r)
{
	bool ok = status == AUTH_OK;
	struct buf b;

	buf_init(&b, AUTH_WIRE_MAX);
	auth_wire_put_resolve_answer(&b, status, ok ? r->count : 0, ok ? r->remote_count : 0);
	for (size_t i = 0; ok && i < r->count; i++)
		auth_wire_put_target(&b, r->accounts[i]->address, resolve_quota(r->accounts[i]));
	for (size_t i = 0; ok && i < r->remote_count; i++)
		auth_wire_put_remote(&b, r->remotes[i].address, r->remotes[i].sender, r->remotes[i].original);
	peer_answer(p, AUTH_WIRE_RESOLVE_ANSWER, number, &b);
}

static bool take_resolve(struct peer *p, uint64_t number, struct span body)
{
	struct resolve_mail mail = { .day = (uint64_t)clock_real_ms() / DAY_MS };
	struct resolved r = { .accounts = NULL };
	enum auth_status status = AUTH_REFUSED;
	struct span address;

	if (!auth_wire_get_resolve(body, &address, &mail.sender))
		return false;
	if (may(p, CONTROL_RIGHT_DELIVER, "resolve"))
		status = resolve_address(&r, p->d->accounts, &p->d->policy.rules, address, &mail);
	send_resolved(p, number, status, &r);
	resolved_clear(&r);
	return true;
}

static bool take_owns(struct peer *p, uint64_t number, struct span body)
{
	char account[AUTH_ADDRESS_MAX];
	enum auth_status status = AUTH_REFUSED;
	struct span address;
	struct buf b;

	if (!auth_wire_get_owns(body, account, &address))
		return false;
	if (may(p, CONTROL_RIGHT_DELIVER, "owns"))
		status = resolve_owns(p->d->accounts, &p->d->policy.rules, account, address);
	buf_init(&b, AUTH_WIRE_MAX);
	auth_wire_put_owns_answer(&b, status);
	peer_answer(p, AUTH_WIRE_OWNS_ANSWER, number, &b);
	return true;
}

static bool take_login(struct peer *p, uint64_t number, struct span body)
{
	struct auth_wire_login asked;
	struct buf b;

	if (!auth_wire_get_login(body, &asked))
		return false;
	if (strcmp(asked.mechanism, AUTH_EXTERNAL) == 0 ? may(p, CONTROL_RIGHT_EXTERNAL, "login by certificate")
							: may(p, CONTROL_RIGHT_LOGIN, "login")) {
		login_begin(p, number, &asked);
		return true;
	}
	buf_init(&b, AUTH_WIRE_MAX);
	auth_wire_put_login_answer(&b, AUTH_REFUSED, NULL);
	peer_answer(p, AUTH_WIRE_LOGIN_ANSWER, number, &b);
	return true;
}

/* Is there room in the account's windows? words say what is used up. */
static enum auth_status try_rate(struct authd *d, const char *account, uint32_t recipients,
				 char words[AUTH_WORDS_MAX])
{
	uint64_t now_ms = clock_mono_ms();
	struct rate_over over;

	if (accounts_find(d->accounts, account) == NULL)
		return AUTH_NO_USER;
	switch (rate_take(d->rate, &d->policy.rates, account, recipients, now_ms, &over)) {
	case RATE_OK:
		return AUTH_OK;
	case RATE_OVER:
		d->over_rate++;
		rate_words(words, AUTH_WORDS_MAX, &over,
			   (clock_real_ms() + (int64_t)(over.ends_ms - now_ms)) / 1000 + MINUTE_S); /* the text has no seconds */
		return AUTH_OVER_RATE;
	default:
		return AUTH_TRY_LATER;
	}
}

static bool take_rate(struct peer *p, uint64_t number, struct span body)
{
	char account[AUTH_ADDRESS_MAX], words[AUTH_WORDS_MAX] = "";
	enum auth_status status = AUTH_REFUSED;
	uint32_t recipients;
	struct buf b;

	if (!auth_wire_get_rate(body, account, &recipients))
		return false;
	if (may(p, CONTROL_RIGHT_DELIVER, "rate"))
		status = try_rate(p->d, account, recipients, words);
	buf_init(&b, AUTH_WIRE_MAX);
	auth_wire_put_rate_answer(&b, status, words);
	peer_answer(p, AUTH_WIRE_RATE_ANSWER, number, &b);
	return true;
}

/* False: malformed, or no SCRAM at all. */
static bool take_scram(struct peer *p, uint64_t number, struct span body)
{
	struct auth_wire_login asked;
	enum scram_hash hash;
	struct buf b;

	if (!auth_wire_get_scram(body, &asked) || !scram_hash_of(span_of(asked.mechanism), &hash))
		return false;
	if (may(p, CONTROL_RIGHT_LOGIN, "login")) {
		scram_begin(p, number, &asked);
		return true;
	}
	buf_init(&b, AUTH_WIRE_MAX);
	auth_wire_put_scram_answer(&b, AUTH_REFUSED, (struct span){ NULL, 0 });
	peer_answer(p, AUTH_WIRE_SCRAM_ANSWER, number, &b);
	return true;
}

static bool take_proof(struct peer *p, uint64_t number, struct span body)
{
	struct span final, proof;
	uint64_t scram;

	if (!auth_wire_get_proof(body, &scram, &final, &proof))
		return false;
	scram_prove(p, number, scram, final, proof);
	return true;
}

static bool take_cancel(struct peer *p, uint64_t number, struct span body)
{
	if (body.n > 0)
		return false;
	login_cancel(p, number);
	return true;
}

static const struct {
	enum auth_wire_type type;
	bool (*take)(struct peer *p, uint64_t number, struct span body); /* false: malformed */
} questions[] = {
	{ AUTH_WIRE_LOGIN, take_login },
	{ AUTH_WIRE_RESOLVE, take_resolve },
	{ AUTH_WIRE_OWNS, take_owns },
	{ AUTH_WIRE_RATE, take_rate },
	{ AUTH_WIRE_SCRAM, take_scram },
	{ AUTH_WIRE_PROOF, take_proof },
	{ AUTH_WIRE_CANCEL, take_cancel },
};

static bool take(struct peer *p, const struct ipc_message *m)
{
	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++)
		if (m->type == questions[i].type)
			return questions[i].take(p, m->number, m->body);
	return false;
}

static void on_message(void *arg, struct ipc_message *m)
{
	struct peer *p = arg;

	if (!take(p, m)) {
		log_warn("a daemon sent a malformed question and is cut off peer=%s type=%u", p->name,
			 m->type);
		leave(p);
	}
	peers_reap(p->d);
}

static void on_gone(void *arg, const struct error *why)
{
	struct peer *p = arg;

	log_debug("a daemon is gone peer=%s reason=\"%s\"", p->name, why->words);
	leave(p);
	peers_reap(p->d);
}

void peer_new(struct authd *d, unsigned rights, const char *name, int fd)
{
	struct peer *p = calloc(1, sizeof(*p));
	const struct ipc_handlers h = { .receive = on_message, .gone = on_gone, .arg = p };
	struct error err;

	if (p == NULL) {
		log_error("no memory for a daemon that wants to ask");
		close(fd);
		return;
	}
	p->d = d;
	p->rights = rights;
	escape_text(p->name, sizeof(p->name), span_of(name));
	if (ipc_new(&p->ipc, d->loop, fd, QUEUE, &h, &err) < 0) {
		log_error("no way to a daemon peer=%s reason=\"%s\"", p->name, err.words);
		free(p);
		return;
	}
	p->next = d->peers;
	d->peers = p;
	scram_tell(p);
}
