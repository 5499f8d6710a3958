/*
 * settings.h - etc/ as it was read once, checked, and ready to be handed out.
 *
 * Shape   Immutable and counted: processes that were started with it hold it, so that
 *         a dead worker of an old generation comes back as it was.
 * Secrets Private keys lie in it; its memory is wiped when the last one drops it.
 */
#ifndef SUPERVISOR_SETTINGS_H
#define SUPERVISOR_SETTINGS_H

#include "common/base/buf.h"
#include "common/config/paths.h"
#include "supervisor/daemons.h"
#include "supervisor/report.h"

enum { SETTINGS_FILE_MAX = 1 << 20 };	/* bytes of one file */

struct settings;		/* opaque */

struct settings_daemon {
	struct config *config;		/* with XMail's switches worked in */
	unsigned workers;		/* 0: it has no port to serve */
	uint32_t uid, gid;		/* to become; UINT32_MAX: stay */
};

/* What a reading needs to know. flags: behind `start --`, may be NULL. */
struct settings_source {
	const struct paths *paths;
	const char *flags;
	bool root;
};

/* Reads and checks everything that can be checked without starting; errors and warnings
 * go to r. Gives *out, or -EINVAL (errors were reported) or -ENOMEM. */
int settings_read(struct settings **out, const struct settings_source *source, struct report *r);
struct settings *settings_hold(struct settings *s);
void settings_drop(struct settings *s);

/* Lends, as long as s is held. */
const struct config_scope *settings_site(const struct settings *s);
const struct settings_daemon *settings_of(const struct settings *s, enum daemon d);
/* The text of a file that a configuration names; false: not read. */
bool settings_file(const struct settings *s, const char *name, struct span *text);
/* "DIR/etc/imapd.conf", for messages. */
const char *settings_name(const struct settings *s, enum daemon d);

/* The i-th Listen of d is to be opened (EnableSSL does not forbid it). */
bool settings_opens(const struct settings *s, enum daemon d, size_t i);

/* All that d may see, as a sealed memfd (bundle.h); the caller's. */
int settings_bundle(const struct settings *s, enum daemon d, int *fd, struct error *err);

/* Appends what can't be changed in a running process of d: equal texts mean that new
 * settings can go into it. */
void settings_fingerprint(const struct settings *s, enum daemon d, struct buf *out);

/* For check.c: the certificates, ports and folders of s. */
void settings_check(const struct settings *s, const struct settings_source *source, struct report *r);

#endif
