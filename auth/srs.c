/* srs.c - the contract is in srs.h. */
#include "auth/srs.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "common/base/ascii.h"

enum {
	HASH = 4,	/* signs of base 32 */
	STAMP = 2,
	STAMPS = 1024	/* days until stamps are the same again */
};

static const char signs[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/* What an SRS local part is made of; all lent. */
struct parts {
	char kind;			/* '0' or '1' */
	struct span hash, stamp;	/* stamp: SRS0 */
	struct span domain;
	struct span rest;		/* SRS0: the local part; SRS1: what stood behind "SRS0", its = too */
};

/* An address's two sides, the local one without its quotes. */
struct sides {
	char local[SRS_ADDRESS_MAX];
	struct span domain;
};

/* RFC 5321 4.1.2: "a\ b" and a\ b are one local part. */
static bool unquote(char out[SRS_ADDRESS_MAX], struct span local)
{
	bool quoted = local.n >= 2 && local.p[0] == '"' && local.p[local.n - 1] == '"';
	size_t n = 0;

	if (quoted)
		local = (struct span){ local.p + 1, local.n - 2 };
	for (size_t i = 0; i < local.n; i++) {
		if (quoted && local.p[i] == '\\' && ++i == local.n)
			return false;
		if (ascii_control(local.p[i]) || n + 1 == SRS_ADDRESS_MAX)
			return false;
		out[n++] = (char)local.p[i];
	}
	out[n] = '\0';
	return n > 0;
}

/* Letters, digits and what stands in a name or in an address literal. */
static bool is_domain(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!ascii_alnum(s.p[i]) && s.p[i] < 0x80 && (s.p[i] == 0 || strchr("-._[]:", s.p[i]) == NULL))
			return false;
	return s.n > 0;
}

static bool split(struct sides *s, struct span address)
{
	size_t at = address.n;

	while (at > 0 && address.p[at - 1] != '@')
		at--;
	if (at == 0)
		return false;
	s->domain = (struct span){ address.p + at, address.n - at };
	return is_domain(s->domain) && unquote(s->local, (struct span){ address.p, at - 1 });
}

static bool is_atom(uint8_t c)
{
	return ascii_alnum(c) || c >= 0x80 || (c != 0 && strchr("!#$%&'*+-/=?^_`{|}~.", c) != NULL);
}

/* Is it a dot-string? */
static bool is_plain(const char *local)
{
	size_t n = strlen(local);

	if (local[0] == '.' || local[n - 1] == '.' || strstr(local, "..") != NULL)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!is_atom((uint8_t)local[i]))
			return false;
	return true;
}

/* local@domain, quoted if it must be. False: too long. */
static bool join(char out[SRS_ADDRESS_MAX], const char *local, struct span domain)
{
	bool plain = is_plain(local);
	size_t n = 0, length;

	if (!plain)
		out[n++] = '"';
	for (; *local != '\0' && n + 4 < SRS_ADDRESS_MAX; local++) {
		if (!plain && (*local == '"' || *local == '\\'))
			out[n++] = '\\';
		out[n++] = *local;
	}
	length = n + !plain;
	if (*local != '\0' || length > SRS_LOCAL_MAX || length + 1 + domain.n >= SRS_ADDRESS_MAX)
		return false;
	if (!plain)
		out[n++] = '"';
	out[n++] = '@';
	memcpy(out + n, domain.p, domain.n);
	out[n + domain.n] = '\0';
	return true;
}

/* In lower case, and an end that no text holds. */
static void mix(crypto_auth_hmacsha256_state *st, struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = ascii_lower(s.p[i]);

		crypto_auth_hmacsha256_update(st, &c, 1);
	}
	crypto_auth_hmacsha256_update(st, (const uint8_t *)"", 1);
}

static void make_hash(char out[HASH + 1], const uint8_t key[SRS_KEY], const struct parts *p)
{
	uint8_t mac[crypto_auth_hmacsha256_BYTES];
	crypto_auth_hmacsha256_state st;
	uint32_t bits;

	crypto_auth_hmacsha256_init(&st, key, SRS_KEY);
	mix(&st, (struct span){ (const uint8_t *)&p->kind, 1 });
	mix(&st, p->stamp);
	mix(&st, p->domain);
	mix(&st, p->rest);
	crypto_auth_hmacsha256_final(&st, mac);
	bits = (uint32_t)mac[0] << 16 | (uint32_t)mac[1] << 8 | mac[2];
	for (int i = 0; i < HASH; i++, bits >>= 5)
		out[i] = signs[bits & 31];
	out[HASH] = '\0';
	explicit_bzero(&st, sizeof(st));
}

/* All keys are tried, whichever fits. */
static bool hash_fits(const struct srs_keys *k, const struct parts *p)
{
	bool fits = false;

	for (size_t i = 0; i < k->count && i < SRS_KEYS; i++) {
		char hash[HASH + 1];

		make_hash(hash, k->keys[i], p);
		fits |= span_is_nocase(p->hash, hash);
	}
	return fits;
}

static bool starts_srs(const char *local)
{
	struct span s = span_of(local);

	return s.n > 5 && span_starts_nocase(s, "SRS") && (s.p[3] == '0' || s.p[3] == '1') &&
	       strchr("=+-", s.p[4]) != NULL;
}

/* The parts of a local part that begins as SRS does. False: there are not that many. */
static bool cut(struct parts *p, const char *local)
{
	struct span s = span_of(local);

	*p = (struct parts){ .kind = local[3] };
	span_take(&s, 5);
	p->hash = span_take_until(&s, '=');
	if (p->kind == '0')
		p->stamp = span_take_until(&s, '=');
	p->domain = span_take_until(&s, '=');
	p->rest = s;
	if (p->kind == '0')
		return p->hash.n == HASH && p->stamp.n == STAMP && is_domain(p->domain) && p->rest.n > 0;
	return p->hash.n > 0 && is_domain(p->domain) && p->rest.n > 1 && strchr("=+-", p->rest.p[0]) != NULL;
}

static int stamp_sign(uint8_t c)
{
	const char *at = strchr(signs, ascii_upper(c));

	return c != 0 && at != NULL ? (int)(at - signs) : -1;
}

static bool is_young(struct span stamp, uint64_t day)
{
	int high = stamp_sign(stamp.p[0]), low = stamp_sign(stamp.p[1]);

	if (high < 0 || low < 0)
		return false;
	return (day % STAMPS + STAMPS - (uint64_t)(high * 32 + low)) % STAMPS < SRS_DAYS;
}

/* What the new address is to be made of, without its hash. */
static void choose(struct parts *p, const struct sides *from, char stamp[STAMP + 1], uint64_t day)
{
	struct parts theirs;

	stamp[0] = signs[day % STAMPS / 32];
	stamp[1] = signs[day % 32];
	stamp[2] = '\0';
	if (starts_srs(from->local) && from->local[3] == '0')
		*p = (struct parts){ .kind = '1', .domain = from->domain, .rest = span_of(from->local + 4) };
	else if (starts_srs(from->local) && cut(&theirs, from->local))
		*p = (struct parts){ .kind = '1', .domain = theirs.domain, .rest = theirs.rest };
	else
		*p = (struct parts){ .kind = '0', .stamp = span_of(stamp), .domain = from->domain,
				     .rest = span_of(from->local) };
}

enum srs_status srs_forward(char out[SRS_ADDRESS_MAX], const struct srs_keys *k, struct span sender,
			    const char *domain, uint64_t day)
{
	char hash[HASH + 1], stamp[STAMP + 1], local[2 * SRS_ADDRESS_MAX + 32];
	struct sides from;
	struct parts p;

	out[0] = '\0';
	if (k->count == 0 || sender.n >= SRS_ADDRESS_MAX || !split(&from, sender))
		return SRS_UNFIT;
	choose(&p, &from, stamp, day);
	make_hash(hash, k->keys[0], &p);
	snprintf(local, sizeof(local), "SRS%c=%s=%.*s%s%.*s=%.*s", p.kind, hash, (int)p.stamp.n,
		 p.stamp.n > 0 ? (const char *)p.stamp.p : "", p.stamp.n > 0 ? "=" : "", (int)p.domain.n,
		 (const char *)p.domain.p, (int)p.rest.n, (const char *)p.rest.p);
	if (join(out, local, span_of(domain)))
		return SRS_OK;
	out[0] = '\0';
	return SRS_UNFIT;
}

enum srs_status srs_reverse(char out[SRS_ADDRESS_MAX], const struct srs_keys *k, struct span address, uint64_t day)
{
	char local[SRS_ADDRESS_MAX + 8];
	struct sides at;
	struct parts p;

	out[0] = '\0';
	if (address.n >= SRS_ADDRESS_MAX || !split(&at, address) || !starts_srs(at.local))
		return SRS_NONE;
	if (!cut(&p, at.local) || !hash_fits(k, &p) || (p.kind == '0' && !is_young(p.stamp, day)))
		return SRS_FORGED;
	snprintf(local, sizeof(local), "%s%.*s", p.kind == '0' ? "" : "SRS0", (int)p.rest.n,
		 (const char *)p.rest.p);
	if (join(out, local, p.domain))
		return SRS_OK;
	out[0] = '\0';
	return SRS_FORGED;
}
