/*
 * tlsrpt_entry.h - one domain's day; for tlsrpt.c (counted, saved) and tlsrpt_send.c (reported).
 */
#ifndef DELIVERD_TLSRPT_ENTRY_H
#define DELIVERD_TLSRPT_ENTRY_H

#include "deliverd/tlsrpt.h"
#include "deliverd/tlsrpt_mail.h"

enum tlsrpt_stage {
	TLSRPT_COUNTING,
	TLSRPT_UNWANTED,	/* there is no record: nothing is kept until the day is over */
	TLSRPT_LOOKING,		/* the day is over: for its record */
	TLSRPT_SENDING
};

struct tlsrpt_entry {
	struct tlsrpt *t;
	const struct tlsrpt_options *o;	/* t's */
	char key[QUEUE_NOTE_KEY];	/* "tlsrpt/1700000000/example.org", its note's name */
	const char *domain;	/* in key */
	int64_t start_s;
	enum tlsrpt_stage stage;
	struct tlsrpt_counts *counts;	/* NULL: TLSRPT_UNWANTED */
	bool changed;		/* since it was saved */
	uint64_t save_op, dns_number, https_number;	/* under way; 0: none */
	int64_t due_s;		/* of the report, or of its next try */
	unsigned tries;
	struct tlsrpt_target targets[TLSRPT_TARGETS];
	size_t target, target_count;	/* the next to be sent to */
};

/* With its first session: a domain without a record is TLSRPT_UNWANTED when the answer is there. */
void tlsrpt_entry_begin(struct tlsrpt_entry *e);
/* Its time has come: looks the record up and sends, or goes on with that. May end it. */
void tlsrpt_entry_due(struct tlsrpt_entry *e);
/* When its report is due: some time behind its day (RFC 8460 4.1). */
int64_t tlsrpt_entry_time(int64_t start_s, int64_t day_s, const char *domain);

/* tlsrpt.c: the report was sent, or nobody wants it. Frees it and forgets its note. */
void tlsrpt_entry_end(struct tlsrpt_entry *e);

#endif
