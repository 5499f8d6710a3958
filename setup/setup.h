/*
 * setup.h - etc/ as it was read once, checked, and ready to be handed out.
 *
 * Shape   Immutable and counted: processes that were started with it hold it, so that
 *         a dead worker of an old generation comes back as it was. Files that were replaced
 *         make a new one (renew.h).
 * Files   Those that Listens with TLS name, and no others: a site without TLS needs none.
 * Secrets Private keys lie in it; its memory is wiped when the last one drops it.
 */
#ifndef SETUP_SETUP_H
#define SETUP_SETUP_H

#include "common/base/buf.h"
#include "common/config/paths.h"
#include "setup/daemons.h"
#include "setup/report.h"

enum {
	SETUP_FILE_MAX = 1 << 20,	/* bytes of one file */
	SETUP_FILES = 512,		/* files that all Listens name */
	SETUP_FINGERPRINTS_MAX = 4 << 20	/* bytes of them */
};

#define SETUP_FINGERPRINTS "fingerprints"	/* their name in a bundle */

struct setup;		/* opaque */

struct setup_daemon {
	struct config *config;		/* with XMail's switches worked in */
	unsigned workers;		/* 0: it has no port to serve */
	uint32_t uid, gid;		/* to become; UINT32_MAX: stay */
};

/* What a reading needs to know. flags: behind `start --`, may be NULL. */
struct setup_source {
	const struct paths *paths;
	const char *flags;
	bool root;
};

/* Reads and checks everything that can be checked without starting; errors and warnings
 * go to r. Gives *out, or -EINVAL (errors were reported) or -ENOMEM. */
int setup_read(struct setup **out, const struct setup_source *source, struct report *r);
struct setup *setup_hold(struct setup *s);
void setup_drop(struct setup *s);

/* Lends, as long as s is held. */
const struct config_scope *setup_site(const struct setup *s);
const struct setup_daemon *setup_of(const struct setup *s, enum daemon d);
/* The text of a file that a configuration names; false: not read. */
bool setup_file(const struct setup *s, const char *name, struct span *text);
/* "DIR/etc/imapd.conf", for messages. */
const char *setup_name(const struct setup *s, enum daemon d);

/* The i-th Listen of d is to be opened (EnableSSL does not forbid it); and its clients can
 * have TLS there (neither EnableSSL nor EnableTLS forbids it). */
bool setup_opens(const struct setup *s, enum daemon d, size_t i);
bool setup_tls(const struct setup *s, enum daemon d, size_t i);

/* Some Listen takes client certificates that signed themselves (AllowSelfSigned). */
bool setup_self_signed(const struct setup *s);
/* What authd does for d (enum control_right): logins by certificate only where some Listen of
 * its takes them, for then a broken daemon could claim anybody's. */
unsigned setup_auth_rights(const struct setup *s, enum daemon d);

/* Fingerprints of the client certificates that accounts hold, one a line; empty where no
 * Listen of d has AllowSelfSigned. */
struct span setup_fingerprints(const struct setup *s, enum daemon d);

/* The files: their names as written; their stamps (named.h) when they were read, and
 * (appended) as they now are. */
size_t setup_file_count(const struct setup *s);
const char *setup_file_name(const struct setup *s, size_t i);
struct span setup_file_stamp(const struct setup *s, size_t i);
void setup_file_look(const struct setup *s, size_t i, struct buf *stamp);

/* All that d may see, as a sealed memfd (bundle.h); the caller's. */
int setup_bundle(const struct setup *s, enum daemon d, int *fd, struct error *err);

/* The file in which the system keeps the authorities that it trusts; it need not be there. */
const char *setup_authorities(void);

/* Appends what can't be changed in a running process of d: equal texts mean that new
 * settings can go into it. */
void setup_fingerprint(const struct setup *s, enum daemon d, struct buf *out);

/* The certificates, ports and folders of s; and of that what hangs on files alone: every
 * port's TLS. */
void setup_check(const struct setup *s, const struct setup_source *source, struct report *r);
void setup_check_tls(const struct setup *s, struct report *r);

#endif
