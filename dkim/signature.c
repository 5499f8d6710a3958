/* signature.c - the contract is in signature.h. */
#include "dkim/signature.h"

#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

#include "common/base/ascii.h"
#include "common/base/base64.h"
#include "dkim/body.h"
#include "dkim/tags.h"

enum { SIGNATURE_BYTES = 1024 + 64, NAMES_MAX = 1024, DIGITS = 12 };

void dkim_forget_errors(void)
{
	ERR_clear_error();
}

static bool refuse(struct dkim_signature *s, enum dkim_result result, const char *words)
{
	s->result = result;
	snprintf(s->words, sizeof(s->words), "%s", words);
	return false;
}

/* --- values ---------------------------------------------------------------- */

/* Base64 with white space in it. */
static bool decode(struct span text, struct buf *out)
{
	struct buf bare;
	bool good;

	buf_init(&bare, 2 * SIGNATURE_BYTES);
	for (size_t i = 0; i < text.n; i++)
		if (dkim_trim((struct span){ text.p + i, 1 }).n == 1)
			buf_put_byte(&bare, text.p[i]);
	good = bare.n > 0 && !bare.failed && base64_decode(out, buf_span(&bare)) && !out->failed;
	buf_clear(&bare);
	return good;
}

/* A name that can be asked for; UTF-8 may stand in it (RFC 8616). */
static bool take_name(char out[DKIM_NAME_MAX], struct span in)
{
	*out = '\0';
	if (in.n == 0 || in.n > 253)
		return false;
	for (size_t i = 0; i < in.n; i++) {
		bool dot = in.p[i] == '.';

		if (!ascii_alnum(in.p[i]) && in.p[i] < 0x80 && in.p[i] != '-' && in.p[i] != '_' && !dot)
			return false;
		if (dot && (i == 0 || i + 1 == in.n || in.p[i + 1] == '.'))
			return false;
	}
	for (size_t i = 0; i < in.n; i++)
		out[i] = (char)ascii_lower(in.p[i]);
	out[in.n] = '\0';
	return true;
}

static bool take_canon(struct span word, enum dkim_canon *out)
{
	*out = span_is_nocase(word, "relaxed") ? DKIM_RELAXED : DKIM_SIMPLE;
	return *out == DKIM_RELAXED || span_is_nocase(word, "simple");
}

/* "relaxed/simple", "relaxed": then the body is simple. */
static bool take_canons(struct dkim_signature *s, struct span value)
{
	struct span header = span_take_until(&value, '/');

	return take_canon(header, &s->header_canon) &&
	       take_canon(value.n > 0 ? value : span_of("simple"), &s->body_canon);
}

static bool has_name(struct span list, const char *name, size_t *count)
{
	struct span item;
	bool found = false;

	for (*count = 0; dkim_tags_item(&list, &item); (*count)++)
		found |= span_is_nocase(item, name);
	return found;
}

/* i= is of d= or of a domain below it (RFC 6376 3.5). */
static bool take_identity(struct dkim_signature *s, struct span value)
{
	size_t n = strlen(s->domain);
	ptrdiff_t at = -1;

	for (size_t i = 0; i < value.n; i++)
		if (value.p[i] == '@')
			at = (ptrdiff_t)i;
	if (at < 0)
		return false;
	span_take(&value, (size_t)at + 1);
	s->same_domain = value.n == n;
	if (value.n < n || !span_is_nocase((struct span){ value.p + value.n - n, n }, s->domain))
		return false;
	return value.n == n || value.p[value.n - n - 1] == '.';
}

/* --- tags ------------------------------------------------------------------ */

static bool read_algorithm(struct dkim_signature *s, const struct dkim_tags *t)
{
	struct span value;

	dkim_tags_find(t, "a", &value);
	if (span_is_nocase(value, "rsa-sha256"))
		s->algorithm = DKIM_RSA_SHA256;
	else if (span_is_nocase(value, "ed25519-sha256"))
		s->algorithm = DKIM_ED25519_SHA256;
	else if (span_is_nocase(value, "rsa-sha1"))	/* RFC 8301 3.1 */
		return refuse(s, DKIM_POLICY, "rsa-sha1 proves nothing any more (a=)");
	else
		return refuse(s, DKIM_PERMERROR, "the algorithm (a=) is not known");
	return true;
}

static bool read_domain(struct dkim_signature *s, const struct dkim_tags *t)
{
	struct span d, selector, i;

	dkim_tags_find(t, "d", &d);
	dkim_tags_find(t, "s", &selector);
	if (!take_name(s->domain, d) || !take_name(s->selector, selector))
		return refuse(s, DKIM_PERMERROR, "the domain (d=) or the selector (s=) is no name");
	s->same_domain = true;
	if (dkim_tags_find(t, "i", &i) && !take_identity(s, i))
		return refuse(s, DKIM_PERMERROR, "the identity (i=) is not of the domain (d=)");
	return true;
}

static bool read_hashes(struct dkim_signature *s, const struct dkim_tags *t)
{
	struct span value;
	struct buf hash;
	bool good;

	buf_init(&hash, 2 * DKIM_HASH);
	dkim_tags_find(t, "bh", &value);
	good = decode(value, &hash) && hash.n == DKIM_HASH;
	if (good)
		memcpy(s->body_hash, hash.p, DKIM_HASH);
	buf_clear(&hash);
	dkim_tags_find(t, "b", &value);
	if (!good || !decode(value, &s->signature))
		return refuse(s, DKIM_PERMERROR, "the hash (bh=) or the signature (b=) is no base64");
	return true;
}

static bool read_names(struct dkim_signature *s, const struct dkim_tags *t)
{
	size_t count;

	dkim_tags_find(t, "h", &s->names);
	if (!has_name(s->names, "From", &count))	/* RFC 6376 5.4 */
		return refuse(s, DKIM_PERMERROR, "From is not signed (h=)");
	if (count > NAMES_MAX)
		return refuse(s, DKIM_PERMERROR, "too many fields are signed (h=)");
	return true;
}

static bool read_times(struct dkim_signature *s, const struct dkim_tags *t)
{
	uint64_t made = 0, expires;
	struct span value;

	if (dkim_tags_find(t, "t", &value) && (value.n > DIGITS || !span_number(value, INT64_MAX, &made)))
		return refuse(s, DKIM_PERMERROR, "the time (t=) is none");
	if (!dkim_tags_find(t, "x", &value))
		return true;
	if (value.n > DIGITS || !span_number(value, INT64_MAX, &expires))
		return refuse(s, DKIM_PERMERROR, "the time of expiry (x=) is none");
	if (expires < made)
		return refuse(s, DKIM_PERMERROR, "it expires before it was made (x=)");
	s->expires_s = expires > 0 ? (int64_t)expires : 1;
	return true;
}

static bool read_rest(struct dkim_signature *s, const struct dkim_tags *t)
{
	struct span value, item;
	bool dns = false;

	if (!dkim_tags_find(t, "v", &value) || !span_is(value, "1"))
		return refuse(s, DKIM_PERMERROR, "the version (v=) is not 1");
	if (dkim_tags_find(t, "c", &value) && !take_canons(s, value))
		return refuse(s, DKIM_PERMERROR, "the canonical form (c=) is not known");
	s->limit = DKIM_WHOLE;
	if (dkim_tags_find(t, "l", &value) && !span_number(value, INT64_MAX, &s->limit))
		return refuse(s, DKIM_PERMERROR, "the length (l=) is none");
	if (!dkim_tags_find(t, "q", &value))
		return true;
	while (dkim_tags_item(&value, &item))
		dns |= span_is_nocase(item, "dns/txt") || span_is_nocase(item, "dns");
	return dns || refuse(s, DKIM_PERMERROR, "the key is not in DNS (q=)");
}

void dkim_signature_read(struct dkim_signature *s, struct span raw)
{
	struct span text = raw;
	struct dkim_tags t;

	*s = (struct dkim_signature){ .raw = raw, .result = DKIM_PASS };
	buf_init(&s->signature, SIGNATURE_BYTES);
	span_take_until(&text, ':');
	if (!dkim_tags_read(&t, text)) {
		refuse(s, DKIM_PERMERROR, "it is no list of tags, or one is there twice");
		return;
	}
	for (size_t i = 0; i < t.count; i++)
		if (span_is(t.tags[i].name, "b"))
			s->b = t.tags[i].whole;
	if (read_domain(s, &t) && read_rest(s, &t) && read_algorithm(s, &t) && read_hashes(s, &t) && read_names(s, &t) &&
	    read_times(s, &t))
		snprintf(s->query, sizeof(s->query), "%s._domainkey.%s", s->selector, s->domain);
}

void dkim_signature_clear(struct dkim_signature *s)
{
	buf_clear(&s->signature);
}
