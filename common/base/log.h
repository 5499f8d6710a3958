/*
 * log.h - one event, one line.
 *
 * Form    TIME LEVEL DAEMON[WORKER] EVENT: a fixed phrase, then key=value. What a
 *         peer sent goes through escape_text first; a control character that is
 *         left is replaced here all the same.
 * Sink    A datagram socket to yubind, never blocking: a line that finds it full
 *         is counted, and the next line that gets through says how many are gone.
 *         Before log_to_socket (and in yubind and the command line): stderr or a
 *         function of the program's own.
 * State   The one process-wide thing in the tree: daemons have one sink each.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdint.h>

enum log_level {
	LOG_LEVEL_ERROR,	/* something is broken and stays so */
	LOG_LEVEL_WARN,		/* somebody should look */
	LOG_LEVEL_INFO,		/* the story of a session */
	LOG_LEVEL_DEBUG		/* for us */
};

enum { LOG_LINE_MAX = 2000 };	/* bytes of a whole line; longer ones are cut */

typedef void (*log_sink)(void *arg, const char *line);

/* Who speaks: "imapd", 2. worker 0: no [N]. The name must outlive the process. */
void log_open(const char *daemon, unsigned worker);
void log_to_socket(int fd);
void log_to_function(log_sink sink, void *arg);
void log_set_level(enum log_level level);

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
