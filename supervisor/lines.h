/*
 * lines.h - what a daemon sent, line by line.
 *
 * To the log: a daemon that was broken into must not write in another's name, nor end a line: a
 * line that is not of the form `TIME LEVEL its-own-label ...` is wrapped into one of
 * yubind's that says who it came from.
 */
#ifndef SUPERVISOR_LINES_H
#define SUPERVISOR_LINES_H

#include "common/base/span.h"

bool lines_good(struct span line, const char *label);

/* "TIME error imapd[2] stderr text=..." into out[size]. */
void lines_wrap(char *out, size_t size, const char *label, struct span text);

/* As many whole lines from the front of text as fit into max bytes. */
struct span lines_fit(struct span text, size_t max);

#endif
