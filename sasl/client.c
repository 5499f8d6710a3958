/* client.c - the contract is in client.h. */
#include "sasl/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/base64.h"
#include "sasl/mechanism.h"
#include "sasl/scram.h"

enum client_state {
	CLIENT_STATE_NEW,	/* nothing was given */
	CLIENT_STATE_GIVEN,	/* the initial response was */
	CLIENT_STATE_AGAIN,	/* and given again, to an empty challenge */
	CLIENT_STATE_USER,	/* LOGIN: the user was given */
	CLIENT_STATE_PROOF,	/* SCRAM: the proof was given */
	CLIENT_STATE_OVER
};

struct client_row {
	const char *name;
	int (*start)(struct sasl_client *c, struct error *err);	/* makes c->first */
	enum sasl_client_status (*step)(struct sasl_client *c, struct span challenge, struct span *out);
};

struct sasl_client {
	const struct client_row *row;
	struct arena *memory;	/* wiping */
	enum client_state state;
	struct span user, password;
	struct span first;	/* the initial response */
	bool wants_proof, proved;
	struct span nonce;	/* SCRAM: ours, in base64 */
	uint8_t signature[SCRAM_HASH];
};

/* Takes a buf's bytes into the exchange's memory, and wipes it. */
static bool keep(struct sasl_client *c, struct buf *b, struct span *out)
{
	*out = arena_copy(c->memory, buf_span(b));
	if (b->failed || out->p == NULL)
		*out = (struct span){ NULL, 0 };
	buf_wipe(b);
	return out->p != NULL;
}

/* --- PLAIN, LOGIN, EXTERNAL ------------------------------------------------- */

/* RFC 4616 2: authzid, which is left out, NUL user NUL password. */
static int plain_start(struct sasl_client *c, struct error *err)
{
	struct buf b;

	buf_init(&b, SASL_USER_MAX + SASL_PASSWORD_MAX + 2);
	buf_put_byte(&b, 0);
	buf_put_secret(&b, c->user);
	buf_put_secret(&b, (struct span){ (const uint8_t *)"", 1 });
	buf_put_secret(&b, c->password);
	return keep(c, &b, &c->first) ? 0 : error_set(err, -ENOMEM, "no memory for an answer to AUTH");
}

static int external_start(struct sasl_client *c, struct error *err)
{
	(void)err;
	c->first = c->user;	/* RFC 4422 A.1: empty: who the certificate says */
	return 0;
}

/* All was in the first message. */
static enum sasl_client_status one_step(struct sasl_client *c, struct span challenge, struct span *out)
{
	(void)challenge;
	(void)out;
	c->state = CLIENT_STATE_OVER;
	return SASL_CLIENT_BAD;
}

static int login_start(struct sasl_client *c, struct error *err)
{
	(void)c;
	(void)err;
	return 0;
}

/* The questions' words differ from server to server: only their order counts. */
static enum sasl_client_status login_step(struct sasl_client *c, struct span challenge, struct span *out)
{
	bool first = c->state == CLIENT_STATE_NEW;

	(void)challenge;
	if (!first && c->state != CLIENT_STATE_USER)
		return SASL_CLIENT_BAD;
	*out = first ? c->user : c->password;
	c->state = first ? CLIENT_STATE_USER : CLIENT_STATE_OVER;
	return SASL_CLIENT_ANSWER;
}

/* --- SCRAM-SHA-256 ---------------------------------------------------------- */

static const char gs2[] = "n,,";	/* RFC 5802 6: no channel binding, no authzid */

/* RFC 5802 5.1: "=" and "," in a name are "=3D" and "=2C". */
static void put_name(struct buf *b, struct span user)
{
	for (size_t i = 0; i < user.n; i++)
		if (user.p[i] == '=' || user.p[i] == ',')
			buf_put_text(b, user.p[i] == '=' ? "=3D" : "=2C");
		else
			buf_put_byte(b, user.p[i]);
}

static int scram_start(struct sasl_client *c, struct error *err)
{
	struct buf b;

	if (c->nonce.n < SCRAM_NONCE_MIN)
		return error_set(err, -EINVAL, "too few random bytes for SCRAM");
	c->wants_proof = true;
	buf_init(&b, SASL_MEMORY);
	base64_encode(&b, c->nonce);
	if (!keep(c, &b, &c->nonce))
		return error_set(err, -ENOMEM, "no memory for an answer to AUTH");
	buf_put_text(&b, gs2);
	buf_put_text(&b, "n=");
	put_name(&b, c->user);
	buf_put_text(&b, ",r=");
	buf_put(&b, c->nonce);
	return keep(c, &b, &c->first) ? 0 : error_set(err, -ENOMEM, "no memory for an answer to AUTH");
}

/* RFC 5802 3 and 7: "biws" is gs2 in base64. */
static enum sasl_client_status scram_prove(struct sasl_client *c, struct span challenge, struct span *out)
{
	struct span bare = c->first, message;
	uint8_t proof[SCRAM_HASH];
	struct scram_first f;
	struct buf b, last;
	bool good;

	if (!scram_read_first(&f, challenge, c->nonce))
		return SASL_CLIENT_BAD;
	span_take(&bare, strlen(gs2));
	buf_init(&b, SASL_MEMORY);
	buf_init(&last, SASL_MEMORY);
	buf_put_text(&last, "c=biws,r=");
	buf_put(&last, f.nonce);
	buf_put(&b, bare);
	buf_put_text(&b, ",");
	buf_put(&b, challenge);
	buf_put_text(&b, ",");
	buf_put(&b, buf_span(&last));
	good = !last.failed && keep(c, &b, &message);
	if (good) {
		scram_proofs(&f, c->password, message, proof, c->signature);
		buf_put_text(&last, ",p=");
		base64_encode(&last, (struct span){ proof, sizeof(proof) });
	}
	c->state = CLIENT_STATE_PROOF;
	return keep(c, &last, out) && good ? SASL_CLIENT_ANSWER : SASL_CLIENT_BAD;
}

static enum sasl_client_status scram_step(struct sasl_client *c, struct span challenge, struct span *out)
{
	if (c->state == CLIENT_STATE_GIVEN || c->state == CLIENT_STATE_AGAIN)
		return scram_prove(c, challenge, out);
	if (c->state != CLIENT_STATE_PROOF)
		return SASL_CLIENT_BAD;
	c->state = CLIENT_STATE_OVER;
	c->proved = scram_read_last(challenge, c->signature);	/* RFC 5802 5 */
	return c->proved ? SASL_CLIENT_DONE : SASL_CLIENT_BAD;
}

/* --- all of them ------------------------------------------------------------ */

static const struct client_row rows[] = {
	{ "SCRAM-SHA-256", scram_start, scram_step },
	{ "PLAIN", plain_start, one_step },
	{ "LOGIN", login_start, login_step },
	{ "EXTERNAL", external_start, one_step },
};

static const struct client_row *row_find(struct span name)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (span_is_nocase(name, rows[i].name))
			return &rows[i];
	return NULL;
}

static bool is_offered(struct span offered, struct span name)
{
	while (offered.n > 0)
		if (span_equal_nocase(span_take_until(&offered, ' '), name))
			return true;
	return false;
}

struct span sasl_client_choose(const char *preferred, struct span offered)
{
	struct span ours = span_of(preferred);

	while (ours.n > 0) {
		struct span name = span_trim(span_take_until(&ours, ','));

		if (name.n > 0 && row_find(name) != NULL && is_offered(offered, name))
			return name;
	}
	return (struct span){ NULL, 0 };
}

static bool text_fit(struct span s, size_t max)
{
	return s.n <= max && span_find(s, 0) < 0;
}

static int client_fill(struct sasl_client *c, struct span user, struct span password, struct span nonce,
		       struct error *err)
{
	bool external = span_is(span_of(c->row->name), "EXTERNAL");

	if (!text_fit(user, SASL_USER_MAX) || !text_fit(password, SASL_PASSWORD_MAX) || nonce.n > 64 ||
	    (!external && (user.n == 0 || password.n == 0)))
		return error_set(err, -EINVAL, "a user name or password that %s can't carry", c->row->name);
	if (arena_new(&c->memory, SASL_MEMORY, ARENA_WIPING, err) < 0)
		return -ENOMEM;
	c->user = arena_copy(c->memory, user);
	c->password = arena_copy(c->memory, password);
	c->nonce = arena_copy(c->memory, nonce);
	if ((c->user.p == NULL && user.n > 0) || (c->password.p == NULL && password.n > 0) ||
	    (c->nonce.p == NULL && nonce.n > 0))
		return error_set(err, -ENOMEM, "no memory for AUTH");
	return c->row->start(c, err);
}

int sasl_client_new(struct sasl_client **out, struct span mechanism, struct span user, struct span password,
		    struct span nonce, struct error *err)
{
	const struct client_row *row = row_find(mechanism);
	struct sasl_client *c;
	int r;

	*out = NULL;
	if (row == NULL)
		return error_set(err, -EINVAL, "unknown SASL mechanism");
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return error_set(err, -ENOMEM, "no memory for AUTH");
	c->row = row;
	r = client_fill(c, user, password, nonce, err);
	if (r < 0) {
		sasl_client_free(c);
		return r;
	}
	*out = c;
	return 0;
}

void sasl_client_free(struct sasl_client *c)
{
	if (c == NULL)
		return;
	arena_free(c->memory);
	explicit_bzero(c, sizeof(*c));
	free(c);
}

static bool speaks_first(const struct sasl_client *c)
{
	return c->row->step != login_step;
}

bool sasl_client_initial(struct sasl_client *c, struct span *out)
{
	*out = c->first;
	if (!speaks_first(c) || c->state != CLIENT_STATE_NEW)
		return false;
	c->state = CLIENT_STATE_GIVEN;
	return true;
}

enum sasl_client_status sasl_client_step(struct sasl_client *c, struct span challenge, struct span *out)
{
	*out = (struct span){ NULL, 0 };
	if (speaks_first(c) && c->state <= CLIENT_STATE_GIVEN && challenge.n == 0) {
		c->state = CLIENT_STATE_AGAIN;
		*out = c->first;
		return SASL_CLIENT_ANSWER;
	}
	return c->row->step(c, challenge, out);
}

bool sasl_client_trusts(const struct sasl_client *c)
{
	return !c->wants_proof || c->proved;
}
