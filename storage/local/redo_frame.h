/*
 * redo_frame.h - what stands in a log of redo.h: bytes only, no file.
 *
 * Shape   A log is frames, one for each group of commits: "YbRd", four zeros, then big-endian and of 64 bits each
 *         the log's number, the length of the entries, their checksum (XXH3, the number is its
 *         seed); the entries; zeros up to the next multiple of 512. So no sector that holds what was promised is
 *         written again. An entry is names, then the body that they share.
 *         A log that is used again gets another number: frames behind the last one are not taken for its own.
 * Bounds  REDO_LOG bytes a log.
 * Errors  A frame that is torn or damaged is the end of its log.
 */
#ifndef STORAGE_LOCAL_REDO_FRAME_H
#define STORAGE_LOCAL_REDO_FRAME_H

#include "common/base/buf.h"
#include "storage/store.h"

enum {
	REDO_LOG = 8 * 1024 * 1024,
	REDO_SECTOR = 512,
	REDO_HEAD = 32,				/* bytes in front of a frame's entries */
	REDO_ENTRY_MAX = 32,			/* bytes that an entry takes, at most, apart from its names and its body, */
	REDO_NAME_MAX = STORE_ACCOUNT_MAX + 48	/* and each name */
};

/* --- writing ------------------------------------------------------------------- */

/* Empties the buffer and begins a frame in it. */
void redo_frame_begin(struct buf *frame);
void redo_put_message(struct buf *frame, struct span account, uint32_t mailbox, uint32_t uid,
		      const uint8_t guid[STORE_GUID]);
void redo_put_letter(struct buf *frame, struct span id); /* queue/ID.mail */
/* Ends an entry: the body of the names since the last one. */
void redo_put_body(struct buf *frame, int64_t date_s, struct span body);
/* Fills the header, and up to a whole sector. */
void redo_frame_end(struct buf *frame, uint64_t number);
/* Bytes of a frame with so many of entries. */
size_t redo_frame_size(size_t entries);

/* --- reading --------------------------------------------------------------------- */

struct redo_entry {
	struct span names; /* for redo_take_name */
	int64_t date_s;
	struct span body;
};
struct redo_name {
	bool letter;
	struct span account, id; /* a message's, a letter's */
	uint32_t mailbox, uid;
	uint8_t guid[STORE_GUID];
};
/* Takes the next frame; its entries are lent. *number is 0 before the first one, which sets it. False: the log ends
 * here. */
bool redo_take_frame(struct span *log, uint64_t *number, struct span *entries);
/* False: none left, or damage. */
bool redo_take_entry(struct span *entries, struct redo_entry *e);
bool redo_take_name(struct span *names, struct redo_name *name);

#endif
