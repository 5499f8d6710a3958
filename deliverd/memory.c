/* memory.c - the contract is in memory.h.
 * A note is "tls UNTIL" and "version NUMBER UNTIL", a line each. */
#include "deliverd/memory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/table.h"
#include "common/tls/policy.h"
#include "deliverd/asks.h"

enum {
	WRITE_AGAIN_S = 86400,	/* a note is not written again for a time that is this little later */
	NOTE_TEXT = 128
};

struct host {
	struct host *newer, *older;	/* by use */
	struct memory *memory;
	char name[QUEUE_NOTE_KEY];	/* "host/mx.example.org:25" */
	bool known;
	uint64_t op;		/* the question for the note; 0: none */
	int64_t tls_until_s, version_until_s;
	unsigned version;
};

struct memory {
	struct store *store;
	struct asks *asks;
	struct table *hosts;
	struct host *newest, *oldest;
};

static int64_t now(void)
{
	return clock_real_ms() / 1000;
}

/* --- hosts, by use --------------------------------------------------------- */

static void host_unlink(struct memory *m, struct host *h)
{
	*(h->newer != NULL ? &h->newer->older : &m->newest) = h->older;
	*(h->older != NULL ? &h->older->newer : &m->oldest) = h->newer;
}

static void host_front(struct memory *m, struct host *h)
{
	h->newer = NULL;
	h->older = m->newest;
	*(m->newest != NULL ? &m->newest->newer : &m->oldest) = h;
	m->newest = h;
}

static void host_free(struct memory *m, struct host *h)
{
	host_unlink(m, h);
	table_remove(m->hosts, span_of(h->name));
	if (h->op != 0)
		store_cancel(m->store, h->op);
	free(h);
}

/* Makes room for one more; hosts that somebody waits for stay. */
static void hosts_thin(struct memory *m)
{
	struct host *h = m->oldest;

	while (h != NULL && table_count(m->hosts) >= MEMORY_HOSTS) {
		struct host *newer = h->newer;

		if (h->op == 0 && !asks_wait(m->asks, h))
			host_free(m, h);
		h = newer;
	}
}

static struct host *host_get(struct memory *m, const char *name, unsigned port)
{
	char key[QUEUE_NOTE_KEY];
	struct host *h;

	snprintf(key, sizeof(key), "host/%s:%u", name, port);
	h = table_get(m->hosts, span_of(key));
	if (h != NULL) {
		host_unlink(m, h);
		host_front(m, h);
		return h;
	}
	hosts_thin(m);
	h = calloc(1, sizeof(*h));
	if (h == NULL || table_put(m->hosts, span_of(key), h) < 0) {
		free(h);
		return NULL;
	}
	memcpy(h->name, key, sizeof(key));
	h->memory = m;
	host_front(m, h);
	return h;
}

/* --- notes ----------------------------------------------------------------- */

static bool number_take(struct span *line, uint64_t max, uint64_t *out)
{
	return span_number(span_take_until(line, ' '), max, out);
}

/* What is not understood is not known. */
static void note_read(struct host *h, struct span text)
{
	while (text.n > 0) {
		struct span line = span_take_until(&text, '\n'), word = span_take_until(&line, ' ');
		uint64_t version = 0, until = 0;

		if (span_is(word, "tls") && number_take(&line, INT64_MAX, &until)) {
			h->tls_until_s = (int64_t)until;
		} else if (span_is(word, "version") && number_take(&line, TLS_1_3, &version) &&
			   number_take(&line, INT64_MAX, &until)) {
			h->version = (unsigned)version;
			h->version_until_s = (int64_t)until;
		}
	}
}

static void note_write(struct host *h)
{
	int64_t until = h->tls_until_s > h->version_until_s ? h->tls_until_s : h->version_until_s;
	char text[NOTE_TEXT];

	snprintf(text, sizeof(text), "tls %" PRId64 "\nversion %u %" PRId64 "\n", h->tls_until_s, h->version,
		 h->version_until_s);
	/* A cache: nothing hangs on whether it is kept. */
	queue_note_put(h->memory->store, span_of(h->name), span_of(text), until, NULL, NULL);
}

static void on_note(void *arg, enum store_status status, struct span bytes)
{
	struct host *h = arg;

	h->op = 0;
	if (!h->known && status == STORE_OK)	/* else a session has taught us meanwhile */
		note_read(h, bytes);
	h->known = true;
	asks_ready(h->memory->asks, h);
}

/* --- questions ------------------------------------------------------------- */

static void answer(void *owner, void *about, asks_done done, void *arg)
{
	const struct host *h = about;
	struct memory_host out = {
		.had_tls = h->tls_until_s > now(),
		.version = h->version_until_s > now() ? h->version : 0,
	};

	(void)owner;
	((memory_done)done)(arg, &out);
}

int memory_new(struct memory **out, uv_loop_t *loop, struct store *store, struct error *err)
{
	struct memory *m = calloc(1, sizeof(*m));
	int rc = m != NULL ? table_new(&m->hosts, err) : error_set(err, -ENOMEM, "no memory for hosts");

	*out = NULL;
	if (rc == 0)
		rc = asks_new(&m->asks, loop, answer, m, err);
	if (rc < 0) {
		if (m != NULL)
			table_free(m->hosts);
		free(m);
		return rc;
	}
	m->store = store;
	*out = m;
	return 0;
}

void memory_free(struct memory *m)
{
	if (m == NULL)
		return;
	while (m->newest != NULL)
		host_free(m, m->newest);
	table_free(m->hosts);
	asks_free(m->asks);
	free(m);
}

uint64_t memory_ask(struct memory *m, const char *name, unsigned port, memory_done done, void *arg)
{
	struct host *h = host_get(m, name, port);
	uint64_t number = h != NULL ? asks_add(m->asks, h, (asks_done)done, arg) : 0;

	if (number == 0)
		return 0;
	if (!h->known && h->op == 0)
		h->op = queue_note_get(m->store, span_of(h->name), on_note, h);
	if (h->known || h->op == 0)
		asks_ready(m->asks, h);
	return number;
}

void memory_cancel(struct memory *m, uint64_t number)
{
	asks_cancel(m->asks, number);
}

void memory_tls(struct memory *m, const char *name, unsigned port, unsigned version)
{
	struct host *h = host_get(m, name, port);
	int64_t until = now() + MEMORY_TLS_S;
	bool changed;

	if (h == NULL)
		return;
	changed = !h->known || until - h->tls_until_s > WRITE_AGAIN_S;
	/* The day begins with the first time: after it all versions have another chance. */
	if (version != 0 && (version != h->version || h->version_until_s <= now())) {
		h->version = version;
		h->version_until_s = now() + MEMORY_VERSION_S;
		changed = true;
	} else if (version == 0 && h->version_until_s > now()) {
		h->version_until_s = 0;
		changed = true;
	}
	h->known = true;
	if (!changed)
		return;
	h->tls_until_s = until;
	note_write(h);
}
