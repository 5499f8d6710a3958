/*
 * log_source.h - the log, whichever `yubin log` reads: the site's file, or the journal.
 *
 * Old    From log_source_open on with what was rotated away and is still beside the file, plain or gzipped
 *        (yubin.log.1, yubin.log.2.gz, yubin.log-20261121.gz), by the time of the last line.
 */
#ifndef ADMIN_LOG_SOURCE_H
#define ADMIN_LOG_SOURCE_H

#include "admin/site.h"
#include "common/base/span.h"

enum { LOG_SOURCE_LINE = 8192 }; /* bytes; a longer line is cut */

struct log_source; /* opaque */

/* The file that the server of a site under -C writes to: a descriptor, the caller's. */
int log_source_file(const struct site *s, struct error *err);
/* The program that shows the journal's lines, for execvp; follows what is given in words. */
enum { LOG_SOURCE_JOURNAL = 6 }; /* words that are there already */
void log_source_journal(const char *argv[LOG_SOURCE_JOURNAL]);

/* From the first line of the oldest file on. */
int log_source_open(struct log_source **out, const struct site *s, struct error *err);
void log_source_close(struct log_source *l);

/* The next line, without its end; lent until the next call. False: that was all. */
bool log_source_next(struct log_source *l, struct span *line);

#endif
