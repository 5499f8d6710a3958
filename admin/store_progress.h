/*
 * store_progress.h - how far a long command is: a line that is written anew on a terminal, else a line now and then.
 */
#ifndef ADMIN_STORE_PROGRESS_H
#define ADMIN_STORE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct store_progress {
	uint64_t begun_ms, told_ms;
	bool terminal;	/* stderr is one */
};

struct store_progress_at {
	const char *what;	/* the mailbox */
	const char *unit;	/* what messages counts; NULL: "messages" */
	uint64_t messages, bytes;
	uint64_t part, whole;	/* in any unit; whole 0: nobody knows */
};

void store_progress_begin(struct store_progress *p);
/* Says it if the last time was a while ago. */
void store_progress_tell(struct store_progress *p, const struct store_progress_at *at);
/* Takes the line away. */
void store_progress_end(struct store_progress *p);

/* What came of it, on stdout: "12 messages imported, 3400 bytes, 0.1 s, 120 messages/s". */
void store_progress_sum(const struct store_progress *p, const char *done, uint64_t messages, uint64_t bytes);
/* "3 were there already"; of 0 nothing. */
void store_progress_count(uint64_t n, const char *words);

#endif
