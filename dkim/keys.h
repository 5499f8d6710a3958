/*
 * keys.h - etc/dkim/: which keys sign for which domain, and who is next.
 *
 *     etc/dkim/DOMAIN/keys              `SELECTOR rsa|ed25519 active|next|old CREATED`, one a line
 *     etc/dkim/DOMAIN/SELECTOR.pem      the private key
 *
 * Text in, values out; who reads the files is the caller's business (setup/ for deliverd, the
 * yubin command). A selector: "y" and the date ("y20261122r", "y20261122e").
 * CREATED: "2026-11-22T10:00:00Z".
 */
#ifndef DKIM_KEYS_H
#define DKIM_KEYS_H

#include "dkim/dkim.h"

enum dkim_state { DKIM_ACTIVE, DKIM_NEXT, DKIM_OLD };
enum { DKIM_KEYS = 16, DKIM_SELECTOR_MAX = 64 };

struct dkim_entry {
	char selector[DKIM_SELECTOR_MAX];
	enum dkim_algorithm algorithm;
	enum dkim_state state;
	int64_t created_s;
};

/* Letters, digits, - _ and dots between them: a name in DNS, and of a file. */
bool dkim_selector_is_good(struct span name);

/* Empty lines and those that begin with # mean nothing. At most DKIM_KEYS; -EINVAL with the line for what can't be. */
int dkim_keys_read(struct span text, struct dkim_entry entries[DKIM_KEYS], size_t *count, struct error *err);
void dkim_keys_write(const struct dkim_entry *entries, size_t count, struct buf *out);

#endif
