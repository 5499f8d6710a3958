/*
 * control.h - what yubind and its daemons say to each other.
 *
 * Each child inherits one descriptor, CONTROL_FD: its control socket (ipc.h). The
 * first message is CONTROL_HELLO; everything that the child needs comes in it or
 * behind it, nothing from the environment or the command line.
 */
#ifndef PROC_CONTROL_H
#define PROC_CONTROL_H

#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/ipc/wire.h"

enum { CONTROL_FD = 3 };

enum control_type {
	/* yubind -> child */
	CONTROL_HELLO = 1, /* struct control_hello; descriptors: log socket, then folders (see there) */
	CONTROL_SETTINGS,  /* a bundle (bundle.h) in a sealed memfd; at start and at each reload */
	CONTROL_LISTEN,    /* u32 index of the Listen in the settings; descriptor: the listening socket */
	CONTROL_PEER,      /* u8 role, u8 rights, text name; descriptor: one end of a fresh pair */
	CONTROL_TICKETS,   /* the session ticket keys (tls/tickets.h), whole */
	CONTROL_IDS,       /* u64 first, u64 count: connection ids to use */
	CONTROL_GO,        /* all was sent: enter the sandbox, serve, answer CONTROL_READY */
	CONTROL_DRAIN,     /* stop accepting; end idle sessions after u64 ms; leave when the last is gone */
	CONTROL_STOP,      /* finish the commands in hand, leave within u64 ms */
	CONTROL_REVOKE,    /* text account: end its sessions, forget its tokens and credentials */
	CONTROL_ASK, /* text what ("status", "tls", "queue ...", "settle ..."): answered by CONTROL_ANSWER with the same number */
	/* child -> yubind */
	CONTROL_READY = 64, /* text: the sandbox that is in force */
	CONTROL_FAILED,     /* text: why it can't start; the child leaves */
	CONTROL_APPLIED,  /* settings are in force; text is empty, or why they were refused (number as in the
			     order) */
	CONTROL_WANT_IDS, /* the block of ids runs low */
	CONTROL_REVOKED,  /* from authd: text account was changed; yubind tells all others (CONTROL_REVOKE) */
	CONTROL_ANSWER,   /* to CONTROL_ASK: text, one `key value` a line */
	CONTROL_WANT_PEER, /* u8 role: the socket to it has ended, and nobody may have died */
	CONTROL_BUSY       /* before CONTROL_READY: text: what takes so long; its time begins anew */
};

/* Who is at the other end of a CONTROL_PEER socket. */
enum control_role {
	CONTROL_ROLE_STORE = 1, /* for a network daemon: storaged is at the other end */
	CONTROL_ROLE_AUTH,      /* for a network daemon: authd is at the other end */
	CONTROL_ROLE_CLIENT     /* for storaged and authd: a daemon, with rights */
};

enum control_right {
	CONTROL_RIGHT_DELIVER = 1, /* store_deliver, auth_resolve */
	CONTROL_RIGHT_READ = 2,    /* store_login and what it opens */
	CONTROL_RIGHT_LOGIN = 4,   /* auth_login, by password */
	CONTROL_RIGHT_EXTERNAL = 8, /* auth_login by a client's certificate, for which authd has the daemon's word */
	CONTROL_RIGHT_QUEUE = 16    /* queue.h: what waits, its bodies, and notes */
};

struct control_hello {
	char daemon[16]; /* "smtpd" */
	uint32_t worker; /* from 1 */
	char hostname[256];
	uint32_t uid, gid; /* to become; UINT32_MAX: stay who you are */
	uint32_t nofile;   /* RLIMIT_NOFILE */
	uint8_t key[32];   /* storaged and authd: the MAC key of tokens; others: zeros */
	uint32_t folders;  /* descriptors behind the log socket. storaged: mail, queue, db; authd: accounts */
};

struct control_peer {
	uint8_t role;   /* enum control_role */
	uint8_t rights; /* bits of enum control_right */
	char name[32];  /* "imapd[2]": for the log */
};

void control_peer_write(struct buf *b, const struct control_peer *p);
int control_peer_read(struct span body, struct control_peer *p, struct error *err);

void control_hello_write(struct buf *b, const struct control_hello *h);
int control_hello_read(struct span body, struct control_hello *h, struct error *err);

#endif
