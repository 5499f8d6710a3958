/*
 * named.h - a file or folder that a configuration names: its text, and its stamp.
 *
 * For the files of setup/ alone.
 * Folder  ClientCA and ClientCRL may be one: all *.pem, *.crt and *.crl in it, sorted by
 *         name, one behind the other.
 * Stamp   A text that is another as soon as the file is: who it is, how long, when it was
 *         changed; of a folder that of all its members; "" if it is not there. Symlinks
 *         are followed.
 */
#ifndef SETUP_NAMED_H
#define SETUP_NAMED_H

#include "common/base/buf.h"
#include "common/config/paths.h"
#include "setup/report.h"

enum { NAMED_FOLDER_MAX = 4 << 20 };	/* bytes of a folder's files together */

enum named_kind {
	NAMED_WRITTEN,		/* a configuration names it */
	NAMED_SYSTEM,		/* the system's own: resolv.conf, its authorities; empty if it is not there */
	NAMED_SIGNING		/* all of etc/dkim, packed (signing.h) */
};

struct named {
	unsigned holders;
	enum named_kind kind;
	char *name;			/* as written; of the other kinds their name in the bundle */
	char path[PATHS_MAX];
	enum config_key key;		/* the first that named it; of the other kinds CONFIG_KEY_COUNT */
	struct buf text;		/* secret */
	struct buf stamp;		/* from before the reading: a change in between is seen as one */
};

/* Reads it. What is odd but does not matter is said to r. After an error *out is there too, if
 * memory is, to remember by that it was said. */
int named_read(struct named **out, const struct paths *paths, enum config_key key, const char *name, struct report *r,
	       struct error *err);
/* A file of the system's; it is given even without its file, err has words only without memory. */
int named_read_system(struct named **out, const char *name, const char *path, struct error *err);
/* etc/dkim. */
int named_read_signing(struct named **out, const struct paths *paths, struct report *r, struct error *err);
/* What old is, read again. */
int named_again(struct named **out, const struct named *old, const struct paths *paths, struct report *r,
		struct error *err);
struct named *named_hold(struct named *n);
/* Wipes it with the last holder. NULL is allowed. */
void named_drop(struct named *n);

/* A running process keeps what it began with (config_rows: RESTART): another file is another
 * fingerprint, and nobody watches it. */
bool named_is_fixed(const struct named *n);

/* Appends the stamp of what now lies there; of a fixed one that which it has. */
void named_look(const struct named *n, struct buf *stamp);

#endif
