/*
 * fake_box.h - what the store in memory holds: accounts, mailboxes, messages.
 *
 * Only the files of tests/fake include it.
 */
#ifndef FAKE_BOX_H
#define FAKE_BOX_H

#include "storage/store.h"

struct fake_body {
	unsigned refs;
	size_t n;
	uint8_t bytes[];
};

struct fake_message {
	struct store_record record;
	struct fake_body *body;
	char *address; /* of a delivered one, or NULL */
};

struct fake_tomb {
	uint32_t uid;
	uint64_t modseq;
};

struct fake_mailbox {
	uint64_t id; /* 0: subscribed to, but not there */
	char *name;
	enum store_role role;
	bool subscribed;
	uint32_t uidvalidity, uidnext, recent_uid;
	uint64_t modseq;
	uint64_t forgotten; /* tombs up to this mod-sequence are lost */
	uint64_t notes;
	char *keywords[STORE_KEYWORDS];
	size_t keyword_count;
	struct fake_message *messages; /* ascending by UID */
	size_t count, cap;
	struct fake_tomb *tombs; /* ascending by mod-sequence */
	size_t tomb_count, tomb_cap;
};

struct fake_note { /* an annotation */
	uint64_t mailbox; /* 0: of the account */
	char entry[STORE_ENTRY_MAX + 1];
	size_t n;
	uint8_t value[STORE_VALUE_MAX];
};

/* The mailboxes of an account: what a commit that fails must leave as it was. */
struct fake_boxes {
	struct fake_mailbox **box; /* ascending by name */
	size_t count, cap;
	uint64_t bytes; /* of all messages */
	struct fake_note *notes; /* ascending by mailbox and entry */
	size_t note_count, note_cap;
	uint64_t account_notes;
};

/* Which mailboxes a commit changed. */
struct fake_touched {
	bool any;
	uint64_t mailbox; /* 0: the list, or several */
};

struct fake_user {
	char *name;
	struct fake_boxes boxes;
	struct fake_touched touched;
	uint64_t quota; /* as it was told last */
	uint64_t last_id, last_notes;
	uint32_t last_uidvalidity;
	uint64_t void_below; /* tokens with a lower serial */
	struct fake_account *logins;
	struct fake_account *locked; /* who has the maildrop, or NULL */
	int meta_fd;                 /* -1 until it is needed */
	uint64_t meta_size;
};

/* malloc and its like that end the test where there is no memory. */
void *fake_need(size_t n);
/* Room for one more element of that size. */
void *fake_grow(void *p, size_t count, size_t *cap, size_t size);
char *fake_text(struct span s);

struct fake_body *fake_body_new(struct span bytes);
void fake_body_drop(struct fake_body *b);

struct fake_user *fake_user_new(struct span name);
void fake_user_free(struct fake_user *u);
void fake_touch(struct fake_user *u, uint64_t mailbox);

/* INBOX in capitals, anything else as it is. */
struct span fake_name(struct span name);
/* 1 to 1000 bytes, UTF-8, no control character, no level that is empty, "." or "..", or over 255. */
bool fake_name_valid(struct span name);
/* Lends; NULL if there is none. by_name finds names that are only subscribed to as well. */
struct fake_mailbox *fake_box_by_name(const struct fake_boxes *b, struct span name);
struct fake_mailbox *fake_box_by_id(const struct fake_boxes *b, uint64_t id);
/* Gives the name a place, with id 0. */
struct fake_mailbox *fake_box_add(struct fake_user *u, struct span name);
/* Makes a mailbox of a name that has none yet. */
struct fake_mailbox *fake_box_create(struct fake_user *u, struct span name, enum store_role role);
/* Forgets the mailbox's messages and, unless it is subscribed to, its name. */
void fake_box_delete(struct fake_user *u, struct fake_mailbox *m);
/* Puts the names back in order after a rename. */
void fake_boxes_sort(struct fake_boxes *b);
/* Removes a name that has neither mailbox nor subscription. */
void fake_box_prune(struct fake_user *u, struct fake_mailbox *m);
void fake_boxes_copy(struct fake_boxes *to, const struct fake_boxes *from);
void fake_boxes_clear(struct fake_boxes *b);

/* A new message at the end: r without UID and mod-sequence; keeps a reference to body. */
struct fake_message *fake_message_add(struct fake_user *u, struct fake_mailbox *m,
				      const struct store_record *r, struct fake_body *body, uint64_t modseq);
struct fake_message *fake_message_find(const struct fake_mailbox *m, uint32_t uid);
/* Takes the i-th message out and leaves a tomb. */
void fake_message_drop(struct fake_user *u, struct fake_mailbox *m, size_t i, uint64_t modseq);
/* An atom of 1 to 128 bytes (RFC 9051 9). */
bool fake_keyword_valid(struct span name);
/* The bit of a keyword, added if need be; -1: over the limit. */
int fake_keyword_bit(struct fake_mailbox *m, struct span name, size_t limit);
bool fake_set_has(const struct store_set *set, uint32_t uid);

#endif
