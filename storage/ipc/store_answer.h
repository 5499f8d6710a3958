/*
 * store_answer.h - storaged's answer to a request, as a struct and as a message's body.
 *
 * Shape   A status and words; on STORE_OK what the request's type asked for.
 * Pure    No I/O.
 */
#ifndef STORAGE_STORE_ANSWER_H
#define STORAGE_STORE_ANSWER_H

#include "storage/ipc/store_wire.h"

enum { STORE_ANSWER_WORDS = 480 };

/* Which fields count, by type of the request. */
struct store_answer {
	enum store_status status;
	const char *words;                  /* never NULL once read */
	uint64_t version;                   /* LOGIN, read: storaged's STORE_WIRE_VERSION; 0: from before there was one */
	uint64_t from;                      /* LIST, writing: as it was asked */
	struct store_list list;             /* LIST */
	struct store_mailbox mailbox;       /* FIND */
	struct store_page page;             /* SYNC */
	uint64_t size;                      /* BODY, META_FILE */
	struct store_opened *opened; /* BODIES; descriptors come beside the answer: each fd is -1 */
	size_t opened_count;
	const struct store_result *results; /* COMMIT */
	size_t count;
	struct queue_job *jobs; /* LEASE; their descriptors come beside the answer: each fd is -1 */
	size_t job_count;
	struct span bytes;              /* NOTE_GET */
	const struct queue_note *notes; /* NOTES */
	size_t note_count;
	bool more; /* NOTES */
	const struct store_annotation *annotations; /* ANNOTATIONS */
	size_t annotation_count;
	struct store_set over; /* ROOM: with STORE_OK, where it is not empty, STORE_OVER_QUOTA is meant */
};

/* Appends the body. A long list is cut to a page of STORE_WIRE_LIST_BYTES, notes to STORE_WIRE_NOTE_PAGE. */
void store_answer_write(struct buf *b, enum store_wire_type type, const struct store_answer *a);

/* Reads the answer to a request of that type; lent from body and memory. False:
 * malformed, or no memory. */
bool store_answer_read(struct store_answer *a, enum store_wire_type type, struct span body,
		       struct arena *memory);

#endif
