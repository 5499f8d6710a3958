/*
 * outcome.h - what became of a recipient: the log's line, the retry, the report to storaged.
 */
#ifndef DELIVERD_OUTCOME_H
#define DELIVERD_OUTCOME_H

#include "deliverd/deliverd.h"
#include "deliverd/job.h"

struct outcome {
	enum queue_fate fate;
	struct span status, words;	/* words: one line, escaped */
	struct span host;		/* "mx.example.org[192.0.2.7]:25"; empty: none was reached */
	uint64_t id;			/* DCID; 0: no connection */
	const char *tls;		/* "TLSv1.3", "none"; NULL: no connection */
	bool relayed;
};

/* Of the i-th recipient. What is deferred when the job has expired fails. */
void outcome_settle(struct deliverd *d, struct job *j, size_t i, const struct outcome *o);
/* Of all that are open. */
void outcome_settle_all(struct deliverd *d, struct job *j, const struct outcome *o);

/* All recipients are settled: the sender is told what there is to tell, storaged the rest; the
 * job is forgotten when that is on disk. */
void outcome_report(struct deliverd *d, struct job *j);
/* The same without waiting for an attempt: nothing of it was tried. */
void outcome_untried(struct deliverd *d, struct job *j);

#endif
