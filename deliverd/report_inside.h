/*
 * report_inside.h - the parts of a report, for report*.c alone.
 */
#ifndef DELIVERD_REPORT_INSIDE_H
#define DELIVERD_REPORT_INSIDE_H

#include "deliverd/report.h"

/* An address or a header needs UTF-8: then it is a report of RFC 6533. */
bool report_is_global(const struct report *r);

/* The kind that matters most among the recipients: a failure, else a delay. */
enum report_kind report_main_kind(const struct report *r);

/* A header field's value, folded at its spaces; control bytes become "?", of other bytes above
 * 127 only UTF-8 stays, and that only where global says so. Then CRLF. */
void report_put_field(struct buf *out, const char *name, struct span value, bool global);

/* The part for a person. */
void report_put_text(const struct report *r, struct buf *out);

#endif
