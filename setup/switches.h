/*
 * switches.h - XMail's names for what EnableSSL and EnableTLS say.
 *
 * EnableSMTP-TLS no (yubin.conf) is EnableTLS no in smtpd.conf; the flag -X- is
 * EnableSSL no there, and so on for pop3d (-B-) and imapd (-I-). -W- and
 * EnableCTRL-TLS are for XMail's ctrld, which we have not.
 */
#ifndef SETUP_SWITCHES_H
#define SETUP_SWITCHES_H

#include "setup/daemons.h"
#include "setup/report.h"

struct switches {
	bool no_implicit[DAEMON_COUNT];	/* -X- -B- -I- */
	bool no_starttls[DAEMON_COUNT];	/* Enable...-TLS no */
};

/* From yubin.conf and from what stood behind `start --` (flags; may be NULL). source
 * names the file in messages. */
void switches_read(struct switches *s, const struct config_scope *site, const char *source, const char *flags,
		   struct report *r);

/* The text of a daemon's file as the daemon is to see it: with the switches in it, every
 * other line in its place. c is text, parsed. */
void switches_write(const struct switches *s, enum daemon d, const struct config *c, struct span text,
		    struct buf *out);

#endif
