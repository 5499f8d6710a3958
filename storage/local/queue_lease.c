/* queue_lease.c - jobs are handed out, with their bodies; the contract is in storage/queue.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/local/files.h"
#include "storage/local/queue.h"

enum { LEASE_MEMORY = 64 * 1024 * 1024 };

struct leased {
	struct queue_head head;
	uint64_t lease;
	int fd, error;
	uint64_t size; /* of the file */
};

struct leasing {
	struct call call;
	queue_lease_done done;
	char domain[QUEUE_DOMAIN_MAX]; /* empty: by turns */
	size_t max;
	struct arena *memory;
	struct queue_job jobs[QUEUE_JOBS];
	struct leased leased[QUEUE_JOBS];
	size_t count;
	enum store_status status;
	struct turn turn;
	struct job job;
};

/* --- the end ------------------------------------------------------------------ */

static void leasing_free(struct leasing *k)
{
	arena_free(k->memory);
	free(k);
}

static void leasing_end(struct leasing *k)
{
	struct queue *q = k->call.s->queue;

	if (call_close(&k->call)) {
		k->done(k->call.arg, k->status, k->count > 0 ? k->jobs : NULL, k->count);
	} else {
		for (size_t i = 0; i < k->count; i++) {
			close(k->jobs[i].fd);
			local_queue_release(&k->call.s->base, k->jobs[i].lease);
		}
	}
	q->told = false;
	if (k->status == STORE_OK) /* else with the next tick: what was short may be there again */
		queue_hint(q);
	leasing_free(k);
}

/* --- bodies -------------------------------------------------------------------- */

static void open_run(struct job *job)
{
	struct leasing *k = (struct leasing *)((char *)job - offsetof(struct leasing, job));

	for (size_t i = 0; i < k->count; i++) {
		struct leased *l = &k->leased[i];
		char name[QUEUE_NAME_MAX];
		struct stat st;

		queue_name_mail(name, l->head.id);
		l->fd = files_open(job->s->o.queue_fd, name, 0, &st);
		if (l->fd < 0)
			l->error = -l->fd;
		else
			l->size = (uint64_t)st.st_size;
	}
}

/* Why the body can't be used; NULL: it can, or not just now. */
static const char *body_damage(const struct leased *l)
{
	if (l->error == ENOENT || l->error == ELOOP)
		return "its body is missing";
	if (l->error == EIO)
		return "its body can't be read";
	return l->error == 0 && l->size != l->head.size ? "its body has another size" : NULL;
}

/* False: it is handed out to nobody. */
static bool leased_good(struct leasing *k, const struct leased *l)
{
	struct queue *q = k->call.s->queue;
	struct queue_slot *slot = table_get(q->leases, table_number(&l->lease));
	const char *damage = body_damage(l);

	if (slot != NULL && damage == NULL && l->error == 0)
		return true;
	if (l->fd >= 0)
		close(l->fd);
	if (slot == NULL)
		return false; /* deleted, or reported by another, meanwhile */
	if (damage != NULL)
		queue_set_aside(q, queue_slot_entry(slot), damage);
	else
		k->status = STORE_TRY_LATER;
	queue_slot_unlease(q, slot);
	return false;
}

static void open_done(struct job *job)
{
	struct leasing *k = (struct leasing *)((char *)job - offsetof(struct leasing, job));
	size_t n = 0;

	for (size_t i = 0; i < k->count; i++) {
		if (!leased_good(k, &k->leased[i]))
			continue;
		k->leased[n] = k->leased[i];
		k->jobs[n] = k->jobs[i];
		k->jobs[n].fd = k->leased[n].fd;
		k->jobs[n].envelope.id = k->leased[n].head.id;
		n++;
	}
	k->count = n;
	if (n > 0)
		k->status = STORE_OK;
	leasing_end(k);
}

/* --- which --------------------------------------------------------------------- */

static int fill_recipients(struct leasing *k, struct queue_job *j, struct queue_record *r)
{
	struct queue_recipient *to = arena_array(k->memory, r->try.count, sizeof(*to));
	struct queue_to one;

	for (size_t i = 0; i < r->try.count && to != NULL; i++) {
		queue_record_next(r, &one);
		to[i] = one.r;
	}
	j->recipients = to;
	j->count = r->try.count;
	return to != NULL ? 0 : -ENOMEM;
}

static void fill_job(struct queue_job *j, const struct queue_record *r)
{
	j->job = r->try.number;
	j->envelope = r->head.envelope;
	j->created_s = r->head.created_s;
	j->size = r->head.size;
	j->attempts = r->try.attempts;
	j->domain = r->try.domain;
	j->sender = r->try.sender;
	j->route = r->try.route;
}

/* All that the index has of the job goes into the next place of the answer. */
static int read_job(struct leasing *k, struct queue_slot *slot)
{
	struct queue_job *j = &k->jobs[k->count];
	struct leased *l = &k->leased[k->count];
	const char *id = queue_entry_id(queue_slot_entry(slot));
	struct local *s = k->call.s;
	struct queue_record record;
	struct span value;
	struct key key;
	int r;

	key_queue(&key, span_of(id), slot->number);
	r = local_index(s, kv_get(s->kv, key_span(&key), &value));
	if (r < 0)
		return r;
	value = arena_copy(k->memory, value);
	if (value.p == NULL)
		return -ENOMEM;
	if (!queue_record_decode(value, &record))
		return -EBADMSG;
	*j = (struct queue_job){ .why = queue_slot_why(s->queue, slot),
				 .flushed_ms = queue_dest_flushed_ms(slot->dest) };
	*l = (struct leased){ .head = record.head, .fd = -1 };
	memcpy(l->head.id, id, strlen(id) + 1);
	fill_job(j, &record);
	return fill_recipients(k, j, &record);
}

/* False: no more can be had now. */
static bool lease_one(struct leasing *k, struct queue_slot *slot)
{
	struct queue *q = k->call.s->queue;
	int r = read_job(k, slot);

	if (r == -ENOMEM) {
		k->status = k->count > 0 ? STORE_OK : STORE_TRY_LATER;
		return false;
	}
	if (r < 0) {
		queue_set_aside(q, queue_slot_entry(slot), "its record can't be read");
		return true;
	}
	queue_slot_lease(q, slot);
	k->jobs[k->count].lease = k->leased[k->count].lease = slot->lease;
	k->count++;
	return true;
}

static struct queue_slot *next_slot(struct leasing *k)
{
	struct queue *q = k->call.s->queue;
	struct queue_dest *d;

	if (k->domain[0] != '\0') {
		d = queue_dest_find(q, span_of(k->domain));
		return d != NULL ? queue_dest_pick(d, queue_now_s()) : NULL;
	}
	while ((d = queue_dest_turn(q)) != NULL) {
		struct queue_slot *slot = queue_dest_pick(d, queue_now_s());

		if (slot != NULL)
			return slot;
		queue_dest_place(q, d); /* the clock was set back */
		if (d->ready)
			return NULL;
	}
	return NULL;
}

static enum turn_more lease_step(void *arg)
{
	struct leasing *k = arg;
	struct queue_slot *slot;
	struct local *s = k->call.s;

	k->status = STORE_OK;
	while (k->count < k->max && !s->closing && (slot = next_slot(k)) != NULL && lease_one(k, slot))
		;
	if (k->count > 0)
		pool_start(s, &k->job, open_run, open_done);
	else
		leasing_end(k);
	return TURN_DONE;
}

uint64_t queue_lease_start(struct store *base, const struct queue_want *want, queue_lease_done done,
			   void *arg)
{
	struct local *s = local_of(base);
	struct leasing *k = call_new(s, sizeof(*k));
	struct error err;

	if (arena_new(&k->memory, LEASE_MEMORY, ARENA_PLAIN, &err) < 0)
		local_die("a lease can't be kept", -ENOMEM);
	k->done = done;
	k->max = want->max < QUEUE_JOBS ? want->max : QUEUE_JOBS;
	if (want->domain.n >= QUEUE_DOMAIN_MAX)
		k->max = 0;
	else if (want->domain.n > 0)
		memcpy(k->domain, want->domain.p, want->domain.n);
	turns_add(s->turns, &k->turn, lease_step, k);
	return call_open(&k->call, arg);
}
