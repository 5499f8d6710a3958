/*
 * subject.h - the base subject: what SORT and THREAD compare (RFC 5256 2.1).
 *
 * Pure. Linear in the subject.
 */
#ifndef MIME_SUBJECT_H
#define MIME_SUBJECT_H

#include "common/base/buf.h"

/* subject is UTF-8, unfolded, its encoded words decoded; its white space is evened out in place.
 * Lends the base subject from it. *reply: something was taken off that only a reply or a forwarded
 * message has (RFC 5256 3, THREAD). */
struct span mime_subject_base(struct buf *subject, bool *reply);

#endif
