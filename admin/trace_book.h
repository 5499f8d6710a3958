/*
 * trace_book.h - what the log tells of some messages, gathered line by line.
 *
 * Shape   The log goes by three times: TRACE_FIND notes the ids of the messages that are meant,
 *         TRACE_GATHER their events and connections, TRACE_MEET what those connections said.
 * Memory  TRACE_MESSAGES messages, the newest; TRACE_MEMORY bytes of events. What is left out is
 *         counted.
 * Cost    Linear in the log.
 * Pure    No I/O.
 */
#ifndef ADMIN_TRACE_BOOK_H
#define ADMIN_TRACE_BOOK_H

#include "admin/trace_line.h"
#include "common/base/error.h"

enum { TRACE_MESSAGES = 500, TRACE_MEMORY = 48 << 20, TRACE_STRAYS = 500 };

enum trace_pass { TRACE_FIND, TRACE_GATHER, TRACE_MEET };

enum trace_kind {
	TRACE_ACCEPTED,
	TRACE_DELIVERED,
	TRACE_DEFERRED,
	TRACE_FAILED,
	TRACE_REPORT, /* sent; `to` is who was told */
	TRACE_QUEUE,  /* an administrator, or the queue itself: phrase says what */
	TRACE_OTHER
};

/* Spans are the book's, as they stood in the log: escaped. */
struct trace_event {
	struct trace_event *next;
	enum trace_kind kind;
	int64_t real_s;
	struct span time, phrase, to, host, status, tls, words, next_try;
	struct span report, report_kind; /* TRACE_REPORT: its id; "failure" */
	struct trace_peer *peer;         /* the connection, or NULL */
};

struct trace_peer {             /* a connection */
	struct span name;       /* "DCID 9" */
	struct span address;    /* "192.0.2.7:50112" */
	struct span mode, user; /* ICID */
	struct span tls;        /* what it said of TLS last */
};

struct trace_address {
	struct trace_address *next;
	struct span text;
};

struct trace_state { /* what became of one recipient elsewhere */
	struct trace_state *next;
	struct span to;
	const struct trace_event *last; /* delivered, deferred or failed; NULL: only the queue knows of it */
	bool waits;                     /* set by who asks the queue */
	struct span waits_words;
};

struct trace_message {
	const char *id;
	struct span from, message_id, size;
	uint64_t recipients, accounts, remotes; /* as it was accepted */
	struct trace_address *to, *last_to;     /* whom it was for, as far as the log has it; */
	uint64_t more_to;                       /* the others */
	const struct trace_event *accepted;     /* NULL: before the log begins, or a report of ours */
	struct trace_event *first, *last;
	struct trace_state *states, *last_state;
};

struct trace_book; /* opaque */

/* query: a message-id, with or without <>, an id of the queue, or an address. Lines before since_s
 * (0: none) are passed over. */
int trace_book_new(struct trace_book **out, const char *query, int64_t since_s, struct error *err);
void trace_book_free(struct trace_book *b);

void trace_book_take(struct trace_book *b, enum trace_pass pass, struct span line);

size_t trace_book_count(const struct trace_book *b);
struct trace_message *trace_book_at(struct trace_book *b, size_t i); /* in the order of the log */
/* Events that name the address and no message: refusals. */
const struct trace_event *trace_book_strays(const struct trace_book *b);
/* Messages that were too many, and whether events are missing. */
size_t trace_book_left_out(const struct trace_book *b);
bool trace_book_full(const struct trace_book *b);

/* The recipient's state, made where there is none; NULL without memory. words are copied. */
struct trace_state *trace_book_state(struct trace_book *b, struct trace_message *m, struct span to);
struct span trace_book_copy(struct trace_book *b, struct span text);

#endif
