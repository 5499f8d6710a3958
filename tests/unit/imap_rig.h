/*
 * imap_rig.h - whole IMAP sessions inside a test: the engine and its shell on the store in
 * memory, without a socket. Stands in for conn.h, auth.h and worker.h.
 */
#ifndef TESTS_IMAP_RIG_H
#define TESTS_IMAP_RIG_H

#include "imapd/shell.h"
#include "tests/fake/fake_store.h"
#include "tests/unit/unit.h"

#define RIG_ACCOUNT "anna@example.org"

struct rig;			/* the server */
struct conn;			/* one session; opaque to the shell as ever */

struct rig *rig_new(const struct fake_options *o);
void rig_free(struct rig *r);
struct store *rig_store(struct rig *r);
/* From here on no read of a body is answered at once. */
void rig_slow_disk(struct rig *r);
/* From here on nothing runs on the pool, until rig_go. */
void rig_hold(struct rig *r);
void rig_go(struct rig *r);
/* The same, and while somebody has a seat there the store does not answer. */
void rig_strand(struct rig *r);
/* Jobs that ran, or were told to stop while they did. */
unsigned rig_jobs(const struct rig *r);
/* From here on clients show a certificate that names RIG_ACCOUNT. */
void rig_certificate(struct rig *r);
void rig_time(struct rig *r, uint64_t ms);	/* goes on by ms; sessions are ticked */

/* conf: lines for imapd.conf above and below `Listen 127.0.0.1:143 explicit`; may be NULL. */
struct conn *rig_open(struct rig *r, const char *conf);
/* The same, greeted and logged in, with mailbox selected unless that is NULL. */
struct conn *rig_login(struct rig *r, const char *mailbox);
void rig_close(struct conn *c);

/* Sends text and compares all that comes back. In want, ~ stands for the rest of a word
 * or of a line: anything without CR. */
void rig_say(struct conn *c, const char *send, const char *want);
/* The same, sent one byte at a time. */
void rig_say_bytes(struct conn *c, const char *send, const char *want);
void rig_want(struct conn *c, const char *want);
/* Sends n bytes; what comes back is dropped; gives how many bytes those were. */
size_t rig_pump(struct conn *c, const char *send, size_t n);
/* Sends text; what comes back waits for rig_output or rig_want. */
void rig_send(struct conn *c, const char *text);
void rig_send_bytes(struct conn *c, const char *send, size_t n);	/* with NUL in them */
/* What came back since the last call, and has not been compared. */
struct span rig_output(struct conn *c);
/* Output is not taken until rig_take. */
void rig_block(struct conn *c);
void rig_take(struct conn *c);
bool rig_closed(const struct conn *c);
bool rig_wants_tls(const struct conn *c);
void rig_secure(struct conn *c);
struct shell *rig_shell(struct conn *c);
/* The largest REPLY. */
size_t rig_largest_reply(const struct conn *c);

#endif
