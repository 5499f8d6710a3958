/*
 * msgid.h - message ids in Message-ID, In-Reply-To and References (RFC 5322 3.6.4).
 *
 * Pure. Linear.
 */
#ifndef MIME_MSGID_H
#define MIME_MSGID_H

#include "common/base/buf.h"

/* Takes what lies before the next "<left@right>" and itself off *in, and puts it into id without
 * brackets, quotes and white space, so that one id looks one way however it is quoted (RFC 5256 3).
 * False: there is none. */
bool mime_msgid_next(struct span *in, struct buf *id);

#endif
