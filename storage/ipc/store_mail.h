/*
 * store_mail.h - who a message is from and for, in a message's body.
 *
 * Limits  STORE_ID_MAX, STORE_ACCOUNT_MAX, STORE_WIRE_ADDRESS_MAX; no control character in any text.
 * Pure    No I/O.
 */
#ifndef STORAGE_STORE_MAIL_H
#define STORAGE_STORE_MAIL_H

#include "storage/ipc/store_wire.h"

/* 1 to STORE_ID_MAX - 1 letters and digits. */
bool store_mail_is_id(struct span id);

bool store_mail_envelope_valid(const struct store_envelope *e);
void store_mail_put_envelope(struct buf *b, const struct store_envelope *e);
void store_mail_envelope(struct wire *w, struct store_envelope *e, struct arena *memory);

/* Remotes stand one behind the other: a sender that is the last one's (at first *last is empty) is not
 * written again. last lends what it holds. */
bool store_mail_remote_valid(const struct store_remote *r);
void store_mail_put_remote(struct buf *b, const struct store_remote *r, struct span *last);
void store_mail_remote(struct wire *w, struct store_remote *r, struct span *last);

/* Those here. Writing: STORE_OK, STORE_LIMIT, STORE_INVALID; nobody is allowed. */
enum store_status store_mail_put_recipients(struct buf *b, const struct store_delivery *d);
void store_mail_recipients(struct wire *w, struct store_delivery *d, struct arena *memory);

/* Recipients here and elsewhere, envelope and metadata; not the body. */
enum store_status store_mail_check(const struct store_delivery *d);
void store_mail_put_delivery(struct buf *b, const struct store_delivery *d);
void store_mail_delivery(struct wire *w, struct store_delivery *d, struct arena *memory);

#endif
