/* sasl.c - the contract is in sasl.h. */
#include "sasl/sasl.h"

#include <errno.h>
#include <stdlib.h>

#include "common/base/utf8.h"
#include "sasl/mechanism.h"

static const struct sasl_row rows[] = {
	/* name                  without a response   an answer           which a first response is */
	{ "PLAIN",              sasl_plain_start,    sasl_plain_step,    SASL_STATE_MESSAGE, false },
	{ "LOGIN",              sasl_login_start,    sasl_login_step,    SASL_STATE_USER, false },
	{ "EXTERNAL",           sasl_external_start, sasl_external_step, SASL_STATE_MESSAGE, false },
	{ "SCRAM-SHA-256-PLUS", sasl_scram_start,    sasl_scram_step,    SASL_STATE_MESSAGE, true },
	{ "SCRAM-SHA-256",      sasl_scram_start,    sasl_scram_step,    SASL_STATE_MESSAGE, false },
	{ "SCRAM-SHA-1-PLUS",   sasl_scram_start,    sasl_scram_step,    SASL_STATE_MESSAGE, true },
	{ "SCRAM-SHA-1",        sasl_scram_start,    sasl_scram_step,    SASL_STATE_MESSAGE, false },
};

enum { ROW_COUNT = sizeof(rows) / sizeof(rows[0]) };

static const struct sasl_row *row_find(struct span name)
{
	for (size_t i = 0; i < ROW_COUNT; i++)
		if (span_is_nocase(name, rows[i].name))
			return &rows[i];
	return NULL;
}

const char *sasl_mechanism(size_t i)
{
	return i < ROW_COUNT ? rows[i].name : NULL;
}

bool sasl_known(struct span name)
{
	return row_find(name) != NULL;
}

bool sasl_listed(const char *list, struct span name)
{
	struct span rest = span_of(list);

	if (name.n == 0 || span_is_nocase(name, "none"))
		return false;
	while (rest.n > 0)
		if (span_equal_nocase(span_trim(span_take_until(&rest, ',')), name))
			return true;
	return false;
}

int sasl_new(struct sasl **out, struct span mechanism, struct error *err)
{
	const struct sasl_row *row = row_find(mechanism);
	struct sasl *s;

	*out = NULL;
	if (row == NULL)
		return error_set(err, -ENOENT, "unknown SASL mechanism");
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return error_set(err, -ENOMEM, "no memory for a SASL exchange");
	if (arena_new(&s->memory, SASL_MEMORY, ARENA_WIPING, err) < 0) {
		free(s);
		return -ENOMEM;
	}
	s->row = row;
	s->credentials.mechanism = row->name;
	s->credentials.exchange = s;
	s->trouble = "";
	*out = s;
	return 0;
}

void sasl_free(struct sasl *s)
{
	if (s == NULL)
		return;
	arena_free(s->memory);
	free(s);
}

enum sasl_status sasl_start(struct sasl *s, struct span initial, struct span *out)
{
	*out = span_of("");
	if (s->state != SASL_STATE_NEW)
		return SASL_BAD;
	if (initial.p == NULL)
		return s->row->start(s, out);
	s->state = s->row->first;
	return s->row->step(s, initial, out);
}

enum sasl_status sasl_step(struct sasl *s, struct span answer, struct span *out)
{
	*out = span_of("");
	if (s->state == SASL_STATE_NEW || s->state == SASL_STATE_OVER)
		return SASL_BAD;
	return s->row->step(s, answer, out);
}

const struct sasl_credentials *sasl_credentials(const struct sasl *s)
{
	return &s->credentials;
}

void sasl_binding_offered(struct sasl *s)
{
	s->binding_offered = true;
}

void sasl_tell(struct sasl *s, struct span words)
{
	sasl_keep(s, words, &s->words);
}

bool sasl_told(struct sasl *s, struct span *out)
{
	bool due = (s->state == SASL_STATE_SALT || s->state == SASL_STATE_VERDICT) && s->words.n > 0;

	*out = due ? s->words : span_of("");
	if (due)
		s->state = s->state == SASL_STATE_SALT ? SASL_STATE_FINAL : SASL_STATE_HEARD;
	return due;
}

const char *sasl_trouble(const struct sasl *s)
{
	return s->trouble;
}

bool sasl_keep(struct sasl *s, struct span from, struct span *to)
{
	*to = arena_copy(s->memory, from);
	return to->p != NULL;
}

bool sasl_user_fit(struct span user)
{
	return user.n > 0 && user.n <= SASL_USER_MAX && span_find(user, 0) < 0 && utf8_valid(user);
}
