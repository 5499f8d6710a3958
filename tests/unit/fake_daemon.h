/*
 * fake_daemon.h - a daemon's process as yubind sees it, for tests of yubind.
 *
 * It looks at what it is given and complains by CONTROL_FAILED about what it should not
 * have (another's settings, a key that is not its affair). Otherwise it behaves, but for
 * what the Hostname says: "WHAT.DAEMON" tells that daemon to
 *     die      abort at GO           fail    send CONTROL_FAILED at GO
 *     refuse   not take new settings stay    not leave when told to
 *     linger   be ready twelve seconds after GO, and say CONTROL_BUSY meanwhile
 *     faint    abort at the settings with the number 2 (the first order after the start)
 *     talk     answer "tls" with far more than fits
 *     tell     say that an account was changed (CONTROL_REVOKED), whenever it is asked something
 *     babble   answer a question with a message that makes no sense
 */
#ifndef TESTS_FAKE_DAEMON_H
#define TESTS_FAKE_DAEMON_H

#include "common/base/span.h"

/* What its status says of tls/server.pem ("certificate") and of the fingerprints ("holders"). */
unsigned fake_daemon_sum(struct span text);

/* The whole life of the process; returns main's exit code. */
int fake_daemon(const char *name);

#endif
