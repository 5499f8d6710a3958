/* verify.c - signatures checked: the contract is in dkim.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dkim/body.h"
#include "dkim/header.h"
#include "dkim/intake.h"
#include "dkim/record.h"
#include "dkim/signature.h"
#include "dkim/tags.h"

struct dkim_verifier {
	struct dkim_intake in;
	struct dkim_fields fields;
	struct dkim_signature signatures[DKIM_SIGNATURES];
	size_t count;
	struct dkim_body bodies[DKIM_SIGNATURES];	/* one for each form that a signature asks for */
	size_t body_count;
	bool hashed;		/* the bodies have their digests */
	bool failed;
};

/* --- the message ----------------------------------------------------------- */

/* The body that s wants; made if no signature before wants the same. */
static int find_body(struct dkim_verifier *v, struct dkim_signature *s)
{
	for (s->body = 0; s->body < v->body_count; s->body++)
		if (v->bodies[s->body].canon == s->body_canon && v->bodies[s->body].limit == s->limit)
			return 0;
	return dkim_body_init(&v->bodies[v->body_count++], s->body_canon, s->limit);
}

static int on_header(void *arg)
{
	struct dkim_verifier *v = arg;
	int rc = dkim_fields_read(&v->fields, buf_span(&v->in.header), DKIM_FIELDS);

	for (size_t i = 0; i < v->fields.count && rc == 0 && v->count < DKIM_SIGNATURES; i++) {
		struct dkim_signature *s = &v->signatures[v->count];

		if (!span_is_nocase(v->fields.all[i].name, "DKIM-Signature"))
			continue;
		v->count++;
		dkim_signature_read(s, v->fields.all[i].raw);
		if (s->result == DKIM_PASS)
			rc = find_body(v, s);
	}
	return rc;
}

static void on_text(void *arg, struct span text)
{
	struct dkim_verifier *v = arg;

	for (size_t i = 0; i < v->body_count; i++)
		dkim_body_text(&v->bodies[i], text);
}

static void on_line(void *arg)
{
	struct dkim_verifier *v = arg;

	for (size_t i = 0; i < v->body_count; i++)
		dkim_body_line(&v->bodies[i]);
}

int dkim_verifier_new(struct dkim_verifier **out, struct error *err)
{
	static const struct dkim_intake_calls calls = { on_header, on_text, on_line };
	struct dkim_verifier *v = calloc(1, sizeof(*v));

	*out = NULL;
	if (v == NULL)
		return error_set(err, -ENOMEM, "no memory to check signatures");
	dkim_intake_init(&v->in, &calls, v);
	*out = v;
	return 0;
}

void dkim_verifier_free(struct dkim_verifier *v)
{
	if (v == NULL)
		return;
	for (size_t i = 0; i < v->body_count; i++)
		dkim_body_clear(&v->bodies[i]);
	for (size_t i = 0; i < v->count; i++)
		dkim_signature_clear(&v->signatures[i]);
	dkim_fields_clear(&v->fields);
	dkim_intake_clear(&v->in);
	free(v);
}

int dkim_verifier_feed(struct dkim_verifier *v, struct span piece)
{
	int rc = v->failed ? -EINVAL : dkim_intake_feed(&v->in, piece);

	v->failed |= rc != 0;
	return rc;
}

size_t dkim_verifier_end(struct dkim_verifier *v)
{
	if (v->hashed)
		return v->count;
	v->hashed = true;
	v->failed |= v->failed || dkim_intake_end(&v->in) != 0;
	for (size_t i = 0; i < v->body_count && !v->failed; i++)
		v->failed = !dkim_body_end(&v->bodies[i]);
	return v->count;
}

const char *dkim_verifier_query(const struct dkim_verifier *v, size_t i)
{
	return v->signatures[i].query;
}

/* --- one signature --------------------------------------------------------- */

/* RFC 6376 3.7: the fields that h= names, then the signature's own field without b= and its
 * line end. */
static void put_signed(struct dkim_verifier *v, const struct dkim_signature *s, struct buf *data)
{
	struct span names = s->names, name, end = { s->b.p + s->b.n, (size_t)(s->raw.p + s->raw.n - s->b.p) - s->b.n };
	struct buf own;

	dkim_fields_begin(&v->fields);
	while (dkim_tags_item(&names, &name)) {
		const struct dkim_field *field = dkim_fields_take(&v->fields, name);

		if (field != NULL)
			dkim_field_put(s->header_canon, field->raw, data);
	}
	buf_init(&own, DKIM_HEADER_MAX);
	buf_put(&own, (struct span){ s->raw.p, (size_t)(s->b.p - s->raw.p) });
	buf_put(&own, end);
	if (end.n == 0)
		buf_put_text(&own, "\r\n");	/* it went with the signature */
	data->failed |= own.failed;
	dkim_field_put(s->header_canon, buf_span(&own), data);
	buf_clear(&own);
}

static bool verify(const struct dkim_signature *s, const struct dkim_record *r, struct span data)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool rsa = s->algorithm == DKIM_RSA_SHA256, good = false;
	uint8_t hash[DKIM_HASH];

	if (context != NULL && dkim_hash(data, hash) &&
	    EVP_DigestVerifyInit(context, NULL, rsa ? EVP_sha256() : NULL, NULL, r->pkey) == 1)
		good = EVP_DigestVerify(context, s->signature.p, s->signature.n, rsa ? data.p : hash,
					rsa ? data.n : DKIM_HASH) == 1;
	EVP_MD_CTX_free(context);
	dkim_forget_errors();
	return good;
}

static void refuse(struct dkim_verdict *out, enum dkim_result result, const char *words)
{
	out->result = result;
	out->words = words;
}

static void check_signed(struct dkim_verifier *v, const struct dkim_signature *s, const struct dkim_record *r,
			 struct dkim_verdict *out)
{
	struct buf data;

	buf_init(&data, 2 * DKIM_HEADER_MAX);
	put_signed(v, s, &data);
	if (data.failed)
		refuse(out, DKIM_TEMPERROR, "no memory");
	else if (!verify(s, r, (struct span){ data.p, data.n - 2 }))
		refuse(out, DKIM_FAIL, "the signature does not fit the header: it was changed, or the key is another one");
	buf_clear(&data);
}

static void check_body(const struct dkim_verifier *v, const struct dkim_signature *s, struct dkim_verdict *out)
{
	const struct dkim_body *b = &v->bodies[s->body];

	if (s->limit != DKIM_WHOLE && b->length < s->limit)
		refuse(out, DKIM_FAIL, "the body is shorter than what was signed of it");
	else if (memcmp(b->digest, s->body_hash, DKIM_HASH) != 0)
		refuse(out, DKIM_FAIL, "the body was changed");
}

/* What l= leaves out anybody may have added: that is no pass (RFC 6376 8.2). */
static void check_length(const struct dkim_verifier *v, struct dkim_signature *s, struct dkim_verdict *out)
{
	const struct dkim_body *b = &v->bodies[s->body];

	if (s->limit == DKIM_WHOLE || b->length <= s->limit)
		return;
	snprintf(s->words, sizeof(s->words), "l= leaves %llu bytes of the body unsigned",
		 (unsigned long long)(b->length - s->limit));
	refuse(out, DKIM_POLICY, s->words);
}

static void check_key(struct dkim_verifier *v, struct dkim_signature *s, struct span key, struct dkim_verdict *out)
{
	struct dkim_record r;

	dkim_record_read(&r, key);
	out->testing = r.testing;
	if (r.result != DKIM_PASS)
		refuse(out, r.result, r.words);
	else if (r.algorithm != s->algorithm)
		refuse(out, DKIM_PERMERROR, "the key in DNS is of another kind than the signature");
	else if (r.strict && !s->same_domain)
		refuse(out, DKIM_PERMERROR, "the key is for the domain itself alone (t=s), and i= is below it");
	else
		check_body(v, s, out);
	if (out->result == DKIM_PASS)
		check_signed(v, s, &r, out);
	if (out->result == DKIM_PASS)
		check_length(v, s, out);
	dkim_record_clear(&r);
}

void dkim_verifier_check(struct dkim_verifier *v, size_t i, const struct span *key, bool temporary, int64_t now_s,
			 struct dkim_verdict *out)
{
	struct dkim_signature *s = &v->signatures[i];

	*out = (struct dkim_verdict){ .result = DKIM_PASS, .words = "" };
	snprintf(out->domain, sizeof(out->domain), "%s", s->domain);
	snprintf(out->selector, sizeof(out->selector), "%s", s->selector);
	if (s->result != DKIM_PASS)
		refuse(out, s->result, s->words);
	else if (v->failed)
		refuse(out, DKIM_TEMPERROR, "the message could not be read to its end");
	else if (s->expires_s != 0 && now_s > s->expires_s)
		refuse(out, DKIM_FAIL, "the signature has expired (x=)");
	else if (key == NULL && temporary)
		refuse(out, DKIM_TEMPERROR, "DNS did not give the key");
	else if (key == NULL)
		refuse(out, DKIM_PERMERROR, "there is no such key in DNS");
	else
		check_key(v, s, *key, out);
}
