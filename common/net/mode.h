/*
 * mode.h - what a connection's first bytes are: TLS, a mail client's words, a browser's.
 *
 * Pure. Mail ports are told apart by people, who take the wrong one: a client that is set to
 * SSL/TLS comes to a port that begins in clear, and the other way round. And a browser can be
 * made to post mail commands (cross-protocol attacks): HTTP is never answered.
 */
#ifndef NET_MODE_H
#define NET_MODE_H

#include "common/base/span.h"

enum mode {
	MODE_MORE,	/* not to be told yet */
	MODE_TLS,	/* a record that holds a ClientHello */
	MODE_HTTP,
	MODE_TEXT,	/* words that somebody could have typed */
	MODE_OTHER
};

enum { MODE_FIRST = 8 };	/* so many bytes tell in any case */

/* Judges the first bytes that came: the same, however they were cut. A whole line is never
 * MODE_MORE, so that who waits for more keeps no command from its answer. */
enum mode mode_judge(struct span first);

#endif
