/*
 * queued.h - for the cases of storage/queue.h, and other tests of a store's queue: mail that waits
 * is put in, leased, reported.
 */
#ifndef TESTS_CONFORMANCE_QUEUED_H
#define TESTS_CONFORMANCE_QUEUED_H

#include "storage/queue.h"
#include "tests/conformance/suite.h"

enum { QUEUED_TO = 8, QUEUED_TEXT = 600 };

/* A job that was leased, copied; its body is closed. */
struct queued_job {
	uint64_t lease;
	uint32_t job;
	unsigned why;
	char id[STORE_ID_MAX];
	char account[80], envid[80], message_id[80];
	unsigned flags;
	int64_t created_s;
	uint64_t size;
	uint32_t attempts;
	uint64_t flushed_ms;
	char domain[80], sender[80], route[80];
	size_t count;
	struct {
		uint32_t number;
		char address[80], original[80], orcpt[80];
		unsigned notify;
	} to[QUEUED_TO];
	char body[QUEUED_TEXT];
};

/* Passes the case over where the driver has no queue. */
void queued_needed(const struct conf *c);

/* A delivery to the remotes (addresses with a space between) from the sender; local may be NULL. */
struct queued_mail {
	const char *id, *sender, *remotes, *local, *text;
	const struct store_envelope *envelope; /* NULL: the id alone */
	const struct store_txid *txid;         /* NULL: a new one */
};
enum store_status queued_put(struct conf *c, const struct queued_mail *m);
/* A message with that text to that address. */
void queued_simple(struct conf *c, const char *id, const char *address);

/* Leases up to max jobs (domain NULL: by turns). Copies in static memory until the next call. */
size_t queued_lease(struct conf *c, const char *domain, size_t max, struct queued_job **out);
/* The one job that can be had now; fails the test if there is another number of them. */
struct queued_job *queued_one(struct conf *c);
/* Nothing can be had now. */
void queued_none(struct conf *c);

/* Reports one fate for all recipients of the job. */
enum store_status queued_report(struct conf *c, const struct queued_job *j, enum queue_fate fate,
				int64_t retry_s);
enum store_status queued_report_full(struct conf *c, const struct queue_report *r,
				     const struct store_txid *txid);
void queued_domain(struct conf *c, const char *domain, uint32_t allowed, int64_t not_before_s);
/* How many messages the account's INBOX holds. */
size_t queued_inbox(struct conf *c, const char *account);

#endif
