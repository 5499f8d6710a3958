/*
 * maildrop.h - the messages of one POP3 session, as they were when it began (RFC 1939 3).
 *
 * Pure. Memory: 12 bytes a message. Numbers are from 1, in the order of the UIDs.
 */
#ifndef POP3D_MAILDROP_H
#define POP3D_MAILDROP_H

#include "common/base/span.h"

struct maildrop_message {
	uint32_t uid;
	uint32_t size;		/* octets; what is larger than 4 GB shows as 4 GB */
	uint8_t deleted, seen;
};

struct maildrop {		/* zeros: empty */
	struct maildrop_message *messages;
	size_t count, room;
	size_t left;		/* not marked as deleted */
	uint64_t octets;	/* of those */
	uint32_t uidvalidity;
};

void maildrop_clear(struct maildrop *m);
int maildrop_add(struct maildrop *m, uint32_t uid, uint64_t size);

/* The message of that number, or NULL if there is none or it is marked as deleted. */
struct maildrop_message *maildrop_get(struct maildrop *m, uint64_t number);
void maildrop_delete(struct maildrop *m, struct maildrop_message *message);
/* RSET: nothing is marked any more. */
void maildrop_undelete(struct maildrop *m);

#endif
