/*
 * error.h - a negative errno plus words that an administrator can act on.
 *
 * The words are written once, where the cause is known; on the way up they are
 * only given context. Every function that can fail takes a struct error * last
 * and returns 0 or the code. NULL is allowed where nobody will read it.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

struct error {
	int code;		/* a negative errno */
	char words[480];	/* one line, no line end, cut if too long */
};

/* Fills *err and returns code, so that a caller can `return error_set(...)`. */
int error_set(struct error *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The same with ": " and the system's words for errno_value behind it. The code
 * is -errno_value. */
int error_system(struct error *err, int errno_value, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts context and ": " in front of the words that stand there. Returns the code. */
int error_context(struct error *err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
