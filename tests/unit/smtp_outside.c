/* smtp_outside.c - the contract is in smtp_outside.h. */
#include "tests/unit/smtp_outside.h"

#include <strings.h>

#include "tests/unit/unit.h"

static enum smtp_result resolve(const char *address)
{
	if (strcasecmp(address, "postmaster") == 0 || strcmp(address, "fwd@here.test") == 0 ||
	    strcmp(address, "user@here.test") == 0)
		return SMTP_DONE;
	if (strcmp(address, "full@here.test") == 0)
		return SMTP_OVER_QUOTA;
	if (strcmp(address, "crowded@here.test") == 0)
		return SMTP_FULL;
	if (strcmp(address, "guessed@here.test") == 0)
		return SMTP_OVER_RATE;
	return strstr(address, "@here.test") != NULL ? SMTP_NO_USER : SMTP_NOT_LOCAL;
}

static void note_message(struct outside *o)
{
	struct span delivered;

	o->flags = smtp_server_flags(o->engine);
	snprintf(o->envid, sizeof(o->envid), "%s", smtp_server_envid(o->engine));
	snprintf(o->message_id, sizeof(o->message_id), "%s", smtp_server_message_id(o->engine));
	smtp_server_delivered(o->engine, &delivered);
	snprintf(o->delivered, sizeof(o->delivered), "%.*s", (int)delivered.n,
		 delivered.n > 0 ? (const char *)delivered.p : "");
}

static enum smtp_result verify(const struct sasl_credentials *c)
{
	if (!span_is(c->password, "secret"))
		return SMTP_WRONG;
	if (span_is(c->user, "scoped"))
		return SMTP_SCOPE;
	if (span_is(c->user, "old"))
		return SMTP_EXPIRED;
	if (!span_is(c->user, "user"))
		return SMTP_WRONG;
	return c->authzid.n == 0 || span_is(c->authzid, "user") ? SMTP_DONE : SMTP_AUTHZID;
}

static enum smtp_result play(struct outside *o, const struct smtp_action *a)
{
	size_t used;

	switch (a->kind) {
	case SMTP_AUTHENTICATE:
		if (strcmp(a->credentials->mechanism, "EXTERNAL") == 0)
			return a->credentials->authzid.n == 0 || span_is(a->credentials->authzid, "user") ?
				       SMTP_DONE : SMTP_WRONG;
		return verify(a->credentials);
	case SMTP_CHECK_FROM:
		used = strlen(o->authors);
		snprintf(o->authors + used, sizeof(o->authors) - used, "%s ", a->address);
		if (o->from != SMTP_DONE)
			return o->from;
		return strcmp(a->address, "user@here.test") == 0 ? SMTP_DONE : SMTP_WRONG;
	case SMTP_CHECK_RATE:
		return o->rate;
	case SMTP_ADD_REMOTE:
		used = strlen(o->remotes);
		snprintf(o->remotes + used, sizeof(o->remotes) - used, "%s %u %s;", a->address,
			 smtp_server_notify(o->engine), smtp_server_orcpt(o->engine));
		return SMTP_DONE;
	case SMTP_CHECK_SENDER:
		return strcmp(a->address, "user@here.test") == 0 ? SMTP_DONE : SMTP_WRONG;
	case SMTP_CHECK_RECIPIENT:
		return resolve(a->address);
	case SMTP_BODY_BEGIN:
		buf_reset(&o->body);
		smtp_server_defaults(o->engine, "Date: now\r\n", "Message-ID: <new>\r\n");
		return SMTP_DONE;
	case SMTP_BODY:
		buf_put(&o->body, a->bytes);
		o->largest = a->bytes.n > o->largest ? a->bytes.n : o->largest;
		return SMTP_DONE;
	case SMTP_COMMIT:
		o->committed++;
		note_message(o);
		for (size_t i = 0; i < 8; i++)
			if ((o->refused & 1u << i) != 0)
				smtp_server_refused(o->engine, i);
		return o->commit;
	default:
		return SMTP_DONE;
	}
}

void outside_pump(void *outside, struct buf *said)
{
	struct outside *o = outside;
	struct smtp_action a;

	for (;;) {
		smtp_server_next(o->engine, &a);
		switch (a.kind) {
		case SMTP_NONE:
			return;
		case SMTP_REPLY:
			buf_put(said, a.bytes);
			break;
		case SMTP_NOTE:
			buf_put(&o->notes, a.bytes);
			break;
		case SMTP_CLOSE:
			o->closed = true;
			break;
		case SMTP_START_TLS:
			o->tls = true;
			smtp_server_secured(o->engine);
			break;
		case SMTP_ABANDON:
			o->abandoned++;
			break;
		case SMTP_CANCEL:
			o->cancelled++;
			break;
		default:
			if (a.kind == o->stuck)
				break;
			smtp_server_done(o->engine, a.number, play(o, &a),
					 a.kind == SMTP_CHECK_RATE ? "no more" : "ID1");
		}
	}
}

void outside_feed(void *outside, struct span *in)
{
	smtp_server_feed(((struct outside *)outside)->engine, in);
}

void outside_start(struct outside *o, const struct smtp_config *config)
{
	*o = (struct outside){ .commit = SMTP_DONE };
	buf_init(&o->body, 1 << 20);
	buf_init(&o->notes, 1 << 16);
	assert_int_equal(smtp_server_new(&o->engine, config, 0, NULL), 0);
}

void outside_stop(struct outside *o)
{
	smtp_server_free(o->engine);
	buf_clear(&o->body);
	buf_clear(&o->notes);
}
