/*
 * logfile.h - where all lines end: log/yubin.log, or syslog.
 *
 * A file that was renamed or removed (logrotate) is opened anew by logfile_look, which
 * yubind calls each two seconds and at SIGHUP. A full disk costs lines, counted and
 * told once there is room; it never stops anybody.
 */
#ifndef SUPERVISOR_LOGFILE_H
#define SUPERVISOR_LOGFILE_H

#include "common/base/error.h"
#include "common/base/span.h"

struct logfile;			/* opaque */

/* path NULL: syslog (LOG_MAIL). copy_fd: a descriptor that gets all lines too, or -1. */
int logfile_open(struct logfile **out, const char *path, int copy_fd, struct error *err);
void logfile_close(struct logfile *l);

/* One line, without its end. */
void logfile_write(struct logfile *l, struct span line);

void logfile_look(struct logfile *l);

#endif
