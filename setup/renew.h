/*
 * renew.h - files that were replaced while the server runs: read anew, tested, made a setup.
 *
 * Tests   Each new server certificate, alone, at each port that has it: its key, the level,
 *         a handshake; its dates; that it is for Hostname where the old one is. Then every
 *         port as a whole (setup_check_tls). What fails is refused, the old file stays.
 * Units   A certificate and its key go together, everything else goes by itself: one bad
 *         file does not keep the others out.
 * Words   As they stand in the log: report_note for what was taken ("certificate renewed
 *         file=..."), report_warn for what was refused ("renewal refused file=...") and for
 *         what looks odd.
 */
#ifndef SETUP_RENEW_H
#define SETUP_RENEW_H

#include "setup/setup.h"

/* Reads anew the files of s for which which[i] is true. Gives in *out a setup with what could
 * be taken; NULL: there is nothing to take. */
void setup_renew(struct setup **out, const struct setup *s, const bool which[SETUP_FILES],
		 const struct paths *paths, struct report *r);

/* The same for what accounts hold: NULL if s has no use for it or nothing has changed. */
void setup_renew_fingerprints(struct setup **out, const struct setup *s, const struct paths *paths,
			      struct report *r);

#endif
