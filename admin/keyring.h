/*
 * keyring.h - the keys that sign for one domain, in etc/dkim/DOMAIN/ (dkim/keys.h): read, made, put in order.
 *
 * A key's file is written before the list that names it: a server that looks in between
 * keeps what it has. Who changes the list holds a lock on etc/dkim.
 */
#ifndef ADMIN_KEYRING_H
#define ADMIN_KEYRING_H

#include "admin/site.h"
#include "common/dns/dns.h"
#include "dkim/keys.h"

struct keyring {
	char domain[DNS_NAME_MAX];	/* as DNS has it */
	char folder[PATHS_MAX];		/* etc/dkim/DOMAIN */
	struct dkim_entry entries[DKIM_KEYS];
	size_t count;			/* 0: there are none */
};

/* domain: as a person writes it. A domain without keys is no error. */
int keyring_read(struct keyring *k, const struct site *s, const char *domain, struct error *err);
bool keyring_has(const struct keyring *k, enum dkim_state state);

/* Makes a pair, RSA and Ed25519, on disk, and two entries; keyring_write makes them count. */
int keyring_make(struct keyring *k, enum dkim_state state, int64_t now_s, struct error *err);
int keyring_write(const struct keyring *k, struct error *err);
/* Takes the i-th out of the list; its file goes with keyring_sweep, after the list was written. */
void keyring_drop(struct keyring *k, size_t i);
/* Removes the files of keys that the list does not name. */
void keyring_sweep(const struct keyring *k);

/* "y20261122r._domainkey.example.org", and what is published there. */
enum { KEYRING_NAME_MAX = DKIM_SELECTOR_MAX + DNS_NAME_MAX + 16 };
void keyring_name(const struct keyring *k, size_t i, char out[KEYRING_NAME_MAX]);
int keyring_record(const struct keyring *k, size_t i, struct buf *out, struct error *err);

/* A domain that has none gets its first pair; true if it was made. */
int keyring_first(const struct site *s, const char *domain, bool *made, struct error *err);

/* One command at a time changes keys: a descriptor to close; negative: errno. Makes etc/dkim. */
int keyring_lock(const struct site *s, struct error *err);

/* Each domain that has a folder; its first error ends the walk. */
typedef int (*keyring_each)(void *arg, const struct keyring *k, struct error *err);
int keyring_walk(const struct site *s, keyring_each each, void *arg, struct error *err);

#endif
