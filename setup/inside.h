/*
 * inside.h - what a setup is made of; for the files of setup/ alone.
 *
 * Shape   A setup is the conf texts, which a renewal shares with the one before it, and the
 *         files that they name, each of which it shares as long as it is the same.
 */
#ifndef SETUP_INSIDE_H
#define SETUP_INSIDE_H

#include "common/proc/bundle.h"
#include "setup/named.h"
#include "setup/setup.h"

/* etc/NAME.conf, read and understood. */
struct confs {
	unsigned holders;
	char site_name[PATHS_MAX];
	struct config *site;
	struct buf site_text;
	struct setup_daemon daemons[DAEMON_COUNT];
	struct buf texts[DAEMON_COUNT];
	char names[DAEMON_COUNT][PATHS_MAX];
};

struct setup {
	unsigned holders;
	struct confs *confs;
	struct named *files[SETUP_FILES];
	size_t file_count;
	struct buf fingerprints;	/* of certificates that accounts hold, one a line */
};

/* confs.c: reads all of them; errors go to r. NULL: no memory (said). */
struct confs *confs_read(const struct setup_source *source, struct report *r);
struct confs *confs_hold(struct confs *c);
void confs_drop(struct confs *c);

/* The i-th Listen of d is opened; and its clients can have TLS (EnableSSL, EnableTLS). */
bool confs_opens(const struct confs *c, enum daemon d, size_t i);
bool confs_tls(const struct confs *c, enum daemon d, size_t i);

/* Lends each name until each returns: tells each file that a Listen of d with TLS names, as often as it is named; of deliverd those
 * that its conf names. i: in the key's i-th value. */
typedef void (*confs_file)(void *arg, const struct config_scope *s, enum config_key key, size_t i, const char *name);
void confs_walk_files(const struct confs *c, enum daemon d, confs_file each, void *arg);

/* A Listen of d takes client certificates that signed themselves. */
bool confs_self_signed(const struct confs *c, enum daemon d);

/* A Listen of d lets clients log in by certificate (AUTH EXTERNAL). */
bool confs_external(const struct confs *c, enum daemon d);

/* holders.c: the fingerprints of all certificates that accounts hold, appended to out. */
int holders_read(const struct paths *paths, struct buf *out, struct error *err);

/* setup.c: a setup of its own with the same conf texts, files and fingerprints; NULL: no memory. */
struct setup *setup_copy(const struct setup *s);

#endif
