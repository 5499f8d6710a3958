/*
 * references.h - who answers whom, by what messages refer to (RFC 5256 3, REFERENCES).
 *
 * Messages are added in the order of the mailbox; then references_go works in turns and leaves a
 * forest for thread.h. Each step is n log n at most: parents are found by union-find, siblings are
 * ordered by ordering all messages once.
 * Order   What a message says of its own parent is linked first, for all messages; then what the
 *         others' lists of references add. A loop is refused, as the RFC has it, but never because of
 *         what a third message says.
 * Memory  About 100 bytes for each message and each id that is referred to, with the ids.
 */
#ifndef IMAPD_REFERENCES_H
#define IMAPD_REFERENCES_H

#include "common/base/table.h"
#include "imapd/merge.h"
#include "imapd/thread.h"

enum {
	REFERENCES_NODES = 4000000,	/* messages and ids at most */
	REFERENCES_EACH = 1000,		/* of one message: the first and the last count */
	REFERENCES_ID = 320		/* bytes of an id; a longer one is none */
};

struct references_message {
	uint32_t uid;			/* not 0 */
	int64_t sent_s;
	struct span subject;		/* base subject, folded; kept as a copy */
	bool reply;
	struct span id, references, in_reply_to;	/* values of fields, may be empty */
};

struct references;

/* -ENOMEM. */
int references_new(struct references **out);
void references_free(struct references *r);
/* -ENOMEM, also where a limit is reached. */
int references_add(struct references *r, const struct references_message *m);
/* Goes on for so many steps. 1: done, 0: there is more, -ENOMEM. */
int references_go(struct references *r, size_t steps);
/* Once it is done. */
const struct thread_forest *references_forest(const struct references *r);

#endif
