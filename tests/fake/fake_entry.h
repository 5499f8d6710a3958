/*
 * fake_entry.h - what the fake store's queue holds. Only the files of tests/fake include it.
 */
#ifndef FAKE_ENTRY_H
#define FAKE_ENTRY_H

#include "tests/fake/fake_inner.h"
#include "tests/fake/fake_queue.h"

struct fake_recipient {
	struct fake_remote remote; /* its envelope is the entry's */
};

struct fake_job {
	uint32_t number;
	struct fake_domain *domain;
	struct span sender, route;
	int64_t due_s;
	uint32_t attempts;
	uint64_t lease; /* 0: nobody has it */
	bool noticed, bounce, over;
};

struct fake_entry {
	struct fake_entry *next;
	struct arena *memory; /* of all spans in it */
	struct store_envelope envelope;
	struct fake_body *body;
	int64_t created_s;
	bool gone;
	struct fake_job *jobs;
	size_t job_count;
	struct fake_recipient *recipients;
	size_t count;
};

struct fake_domain {
	struct fake_domain *next;
	struct queue_domain told; /* its domain is the name below */
	bool is_told;
	char *words;
	uint32_t leased;
	uint64_t turn; /* when it was leased from the last time */
	uint64_t flushed_ms; /* clock_mono_ms; 0: never */
	char name[QUEUE_DOMAIN_MAX];
};

struct fake_kept_note {
	struct fake_kept_note *next;
	char *name;
	struct fake_body *bytes;
	int64_t expires_s;
};

struct fake_queue {
	struct fake_entry *entries, **last_entry;
	struct fake_domain *domains;
	struct fake_kept_note *notes; /* ascending by name */
	struct queue_times times;
	uint64_t last_lease, turns;
	queue_ready ready; /* NULL: not watched */
	void *arg;
	bool armed;
	struct fake_remote lent;
};

/* Makes it where there is none. */
struct fake_domain *fake_domain_of(struct fake_queue *q, struct span name);
/* NULL: there is no such entry, or it is done with. */
struct fake_entry *fake_entry_find(struct fake_queue *q, struct span id);
struct fake_job *fake_job_find(struct fake_entry *e, uint32_t number);
/* Why it may be leased now, 0: it may not; bits of enum queue_why. */
unsigned fake_job_why(const struct fake_store *s, const struct fake_entry *e, const struct fake_job *j);
void fake_job_release(struct fake_job *j);

#endif
