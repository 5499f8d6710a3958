/*
 * record.h - what lies in the index, as keys and values.
 *
 * Keys    A letter for the kind, then big-endian numbers, so that a mailbox's records lie
 *         together and in the order of their UIDs.
 *           A name                    account: its number, counters
 *           B account mailbox         mailbox: its head and its name
 *           K account mailbox         keywords of a mailbox
 *           R account mailbox uid     message
 *           L account mailbox modseq kind   what changed or vanished at that mod-sequence
 *           U account mailbox         the UIDs that there were (uids.c)
 *           M account mailbox entry   an annotation's value; mailbox 0: the account's
 *           S account name            subscribed to, but not there
 *           D account mailbox         dirty: its folder may hold files that nothing knows
 *           I account which           a long change that was begun (intent.c)
 *           G account mailbox         garbage: its folder and records are to be removed
 *           T name                    tokens made before this are void
 *           X sequence                a txid and its result
 *           Q id 00 job               a job of the queue (queue_record.h)
 *           N name                    a note (queue_note.c)
 *           Z                         the index is complete; the next account's number
 * Values  Numbers as varints. A value that does not decode is damage, told by false.
 */
#ifndef STORAGE_LOCAL_RECORD_H
#define STORAGE_LOCAL_RECORD_H

#include "common/base/buf.h"
#include "storage/local/ranges.h"
#include "storage/store.h"

enum key_kind {
	KEY_ACCOUNT = 'A',
	KEY_MAILBOX = 'B',
	KEY_KEYWORDS = 'K',
	KEY_RECORD = 'R',
	KEY_LOG = 'L',
	KEY_UIDS = 'U',
	KEY_ANNOTATION = 'M',
	KEY_ABSENT = 'S',
	KEY_DIRTY = 'D',
	KEY_GARBAGE = 'G',
	KEY_INTENT = 'I',
	KEY_REVOKED = 'T',
	KEY_TXID = 'X',
	KEY_QUEUE = 'Q',
	KEY_NOTE = 'N',
	KEY_COMPLETE = 'Z'
};

struct key {
	size_t n;
	uint8_t bytes[5 + STORE_NAME_MAX + 3];
};

enum log_kind { LOG_CHANGED, LOG_VANISHED };

/* Each fills *k. */
void key_named(struct key *k, enum key_kind kind, struct span name);   /* A, T, N */
void key_account(struct key *k, enum key_kind kind, uint32_t account); /* start of B K U S D G of one */
void key_mailbox(struct key *k, enum key_kind kind, uint32_t account, uint32_t mailbox);
void key_record(struct key *k, uint32_t account, uint32_t mailbox, uint32_t uid);
void key_log(struct key *k, uint32_t account, uint32_t mailbox, uint64_t modseq, enum log_kind kind);
void key_absent(struct key *k, uint32_t account, struct span name);
void key_annotation(struct key *k, uint32_t account, uint32_t mailbox, struct span entry);
void key_txid(struct key *k, uint64_t sequence);
void key_queue(struct key *k, struct span id, uint32_t job);
void key_queue_entry(struct key *k, struct span id); /* start of all jobs of one */
void key_kind(struct key *k, enum key_kind kind); /* Z, and the start of each */
/* The least key that does not begin with k. */
void key_end(struct key *end, const struct key *k);
struct span key_span(const struct key *k);

/* What stands behind the letter. The key is one of its kind. */
uint32_t key_get_account(struct span key);
uint32_t key_get_mailbox(struct span key);
uint32_t key_get_uid(struct span key);
uint64_t key_get_modseq(struct span key);
enum log_kind key_get_kind(struct span key);
struct span key_get_entry(struct span key);
uint64_t key_get_sequence(struct span key);
/* False: damage. */
bool key_get_queue(struct span key, char id[STORE_ID_MAX], uint32_t *job);

/* A message. The address lends from the value. */
struct message {
	struct store_record r;
	struct span address; /* the envelope recipient, or empty */
};
void message_encode(struct buf *out, const struct message *m);
bool message_decode(struct span value, uint32_t uid, struct message *m);

/* What is counted and kept of a mailbox, apart from its name and keywords. */
struct head {
	uint8_t role, subscribed;
	uint32_t uidvalidity, uidnext, recent_uid;
	uint64_t modseq;
	uint32_t exists, unseen, deleted;
	uint32_t unseen_hint; /* no message below it lacks \Seen */
	uint64_t size;
	uint32_t uid_floor;    /* UIDs below it may be given without a word to the state file */
	uint64_t modseq_floor; /* so may mod-sequences up to it */
	uint64_t log_floor;    /* what changed up to it, the log no longer tells */
	uint32_t log_count;    /* entries of the log */
	uint32_t expunges;     /* how often messages went: a list of UIDs from before is void */
	uint64_t flags_modseq; /* the flags file holds what they were at it */
};
void head_encode(struct buf *out, const struct head *h, struct span name);
bool head_decode(struct span value, struct head *h, struct span *name);

struct account_record {
	uint32_t number, next_mailbox, uidvalidity;
	uint64_t derived_end;
};
void account_encode(struct buf *out, const struct account_record *a);
bool account_decode(struct span value, struct account_record *a);

void log_encode(struct buf *out, int64_t time_s, const struct ranges *r);
/* Pushes the ranges to *r, if it is not NULL. */
bool log_decode(struct span value, int64_t *time_s, struct ranges *r);

/* Counts up whenever a record gets another form. An index of another format than this is made
 * again from the folders: it would be read as what it is not. */
enum { RECORD_FORMAT = 2 };

/* Z: the index is whole, and of this format. */
void complete_encode(struct buf *out, uint32_t next_account);
bool complete_decode(struct span value, uint32_t *next_account);

/* One number alone (T). */
void number_encode(struct buf *out, uint64_t value);
bool number_decode(struct span value, uint64_t *out);

/* For values made elsewhere (txids.c, keywords, redo_frame.c). Varints; _take is false at damage. */
void value_put(struct buf *out, uint64_t number);
void value_put_span(struct buf *out, struct span s);
bool value_take(struct span *in, uint64_t max, uint64_t *number);
bool value_take_span(struct span *in, struct span *s);
void value_put_time(struct buf *out, int64_t time_s);
bool value_take_32(struct span *in, uint32_t *number);
bool value_take_time(struct span *in, int64_t *time_s);

#endif
