/*
 * script.h - a conversation as rows: what the client sends, what must come back.
 *
 * For engines that answer at once. Lines start with "C: " (sent with CRLF) or "S: " (a
 * line that must come, in order; "*" at its end: whatever follows). Anything else that
 * the engine says is an error.
 */
#ifndef TESTS_SCRIPT_H
#define TESTS_SCRIPT_H

#include "common/base/buf.h"

struct script_engine {
	void *engine;
	void (*feed)(void *engine, struct span *in);
	/* Runs the engine until it wants input; appends what it says. */
	void (*pump)(void *engine, struct buf *said);
};

/* Plays text; pieces: bytes fed at a time (0: all that is sent in one go). */
void script_play(const struct script_engine *e, const char *text, size_t pieces);

#endif
