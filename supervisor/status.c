/* status.c - `yubin status`, for a person and as JSON. */
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/escape.h"
#include "supervisor/orders.h"

static const char *state_name(const struct child *c)
{
	static const char *const names[] = { [CHILD_STARTING] = "starting",
					     [CHILD_READY] = "ready",
					     [CHILD_DRAINING] = "draining",
					     [CHILD_STOPPING] = "stopping" };

	return names[c->state];
}

static unsigned restarts_of(const struct child *c)
{
	return c->s->groups[c->daemon].slots[c->worker - 1].restarts;
}

/* Beyond it nothing more of what daemons say is shown: yubind's own lines must fit behind it. */
enum { PAIRS_MAX = ORDERS_TEXT_MAX / 2, JSON_GROWTH = 6 };

static bool has_room(const struct buf *out, struct span key, struct span value)
{
	return out->n + JSON_GROWTH * (key.n + value.n) < PAIRS_MAX;
}

/* The answer to CONTROL_ASK, line by line: "connections 3". */
static bool take_pair(struct span *in, struct span *key, struct span *value)
{
	struct span line;

	do {
		if (in->n == 0)
			return false;
		line = span_take_until(in, '\n');
		*key = span_take_until(&line, ' ');
		*value = span_trim(line);
	} while (key->n == 0 || span_is(*key, "pid") || span_is(*key, "sandbox"));
	return true;
}

/* --- for a person ---------------------------------------------------------- */

static void put_age(struct buf *out, uint64_t ms)
{
	unsigned long long s = ms / 1000;

	if (s < 120)
		buf_printf(out, "%llus", s);
	else if (s < 7200)
		buf_printf(out, "%llum", s / 60);
	else if (s < 2 * 86400)
		buf_printf(out, "%lluh", s / 3600);
	else
		buf_printf(out, "%llud", s / 86400);
}

/* What a person wants to see of a daemon's counts; --json has all. */
static bool is_headline(struct span key)
{
	static const char *const keys[] = { "connections",      "accepted",   "sessions",   "logins",
					    "queue_recipients", "queue_held", "queue_aside",
					    "delivered",	"deferred",   "failed" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (span_is(key, keys[i]))
			return true;
	return false;
}

static void put_child(const struct child *c, struct buf *out)
{
	struct span in = buf_span(&c->answers[CHILD_STATUS].text), key, value;
	char shown[200];

	buf_printf(out, "%-11s pid %-7d %-9s up ", c->label, (int)c->pid, state_name(c));
	put_age(out, clock_mono_ms() - c->started_ms);
	buf_printf(out, "  restarts %u", restarts_of(c));
	while (take_pair(&in, &key, &value))
		if (is_headline(key)) {
			buf_printf(out, "  %.*s", (int)key.n, (const char *)key.p);
			buf_printf(out, " %s", escape_text(shown, sizeof(shown), value));
		}
	buf_printf(out, "\n            %s\n", c->sandbox);
}

static void put_waiting(const struct supervisor *s, enum daemon d, struct buf *out)
{
	const struct group *g = &s->groups[d];

	for (unsigned i = 0; i < g->workers; i++)
		if (g->slots[i].child == NULL)
			buf_printf(out, "%s[%u] is down, restarts %u\n", daemon_rows[d].name, i + 1,
				   g->slots[i].restarts);
	if (g->workers == 0)
		buf_printf(out, "%-11s not started: it has no Listen\n", daemon_rows[d].name);
}

static const char *mode_name(const struct config_listen *l)
{
	static const char *const names[] = { [CONFIG_MODE_PLAIN] = "plain",
					     [CONFIG_MODE_EXPLICIT] = "explicit",
					     [CONFIG_MODE_IMPLICIT] = "implicit" };

	return names[l->mode];
}

static const char *service_name(const struct config_listen *l)
{
	static const char *const names[] = { [CONFIG_SERVICE_NONE] = "",
					     [CONFIG_SERVICE_MX] = "mx",
					     [CONFIG_SERVICE_SUBMISSION] = "submission",
					     [CONFIG_SERVICE_LMTP] = "lmtp" };

	return names[l->service];
}

/* Walks the ports that are open; *d and *i start at 0. */
static const struct config_listen *next_listen(const struct supervisor *s, enum daemon *d, size_t *i)
{
	for (; *d < DAEMON_COUNT; ++*d, *i = 0) {
		const struct setup *setup = s->groups[*d].setup;
		const struct config *c = setup != NULL ? setup_of(setup, *d)->config : NULL;

		while (c != NULL && *i < config_listen_count(c))
			if (sockets_find(s->sockets, setup, *d, (*i)++) >= 0)
				return config_listen(c, *i - 1);
	}
	return NULL;
}

void status_write(const struct supervisor *s, struct buf *out)
{
	const struct config_listen *l;
	enum daemon d = 0;
	size_t i = 0;

	buf_printf(out, "yubind      pid %-7d running   up ", (int)getpid());
	put_age(out, clock_mono_ms() - s->started_ms);
	buf_printf(out, "  %s\n", config_text(setup_site(s->setup), CONFIG_HOSTNAME));
	for (enum daemon k = 0; k < DAEMON_COUNT; k++) {
		for (const struct child *c = s->children; c != NULL; c = c->next)
			if (c->daemon == k)
				put_child(c, out);
		put_waiting(s, k, out);
	}
	while ((l = next_listen(s, &d, &i)) != NULL)
		buf_printf(out, "%-11s listens at %s %s%s%s\n", daemon_rows[d].name, l->text, mode_name(l),
			   l->service != CONFIG_SERVICE_NONE ? " " : "", service_name(l));
	if (!s->root)
		buf_put_text(out, "not started by root: all daemons run as one user\n");
}

/* --- as JSON --------------------------------------------------------------- */

static void put_json_text(struct buf *out, struct span s)
{
	buf_put_byte(out, '"');
	escape_json(out, s);
	buf_put_byte(out, '"');
}

static void put_json_child(const struct child *c, struct buf *out)
{
	struct span in = buf_span(&c->answers[CHILD_STATUS].text), key, value;
	uint64_t number;

	buf_printf(
	    out,
	    "{\"name\":\"%s\",\"worker\":%u,\"pid\":%d,\"state\":\"%s\",\"uptime_s\":%llu,\"restarts\":%u,"
	    "\"sandbox\":",
	    daemon_rows[c->daemon].name, c->worker, (int)c->pid, state_name(c),
	    (unsigned long long)(clock_mono_ms() - c->started_ms) / 1000, restarts_of(c));
	put_json_text(out, span_of(c->sandbox));
	while (take_pair(&in, &key, &value) && has_room(out, key, value)) {
		buf_put_byte(out, ',');
		put_json_text(out, key);
		buf_put_byte(out, ':');
		if (span_number(value, INT64_MAX, &number))
			buf_printf(out, "%llu", (unsigned long long)number);
		else
			put_json_text(out, value);
	}
	buf_put_byte(out, '}');
}

/* Who is down has a line too: whoever watches must not have to notice what is missing. */
static void put_json_down(const struct supervisor *s, enum daemon d, const char **between, struct buf *out)
{
	const struct group *g = &s->groups[d];

	for (unsigned i = 0; i < g->workers; i++) {
		if (g->slots[i].child != NULL)
			continue;
		buf_printf(out,
			   "%s{\"name\":\"%s\",\"worker\":%u,\"pid\":0,\"state\":\"down\",\"uptime_s\":0,"
			   "\"restarts\":%u,\"sandbox\":\"\"}",
			   *between, daemon_rows[d].name, i + 1, g->slots[i].restarts);
		*between = ",";
	}
}

static void put_json_listens(const struct supervisor *s, struct buf *out)
{
	const struct config_listen *l;
	const char *between = "";
	enum daemon d = 0;
	size_t i = 0;

	while ((l = next_listen(s, &d, &i)) != NULL) {
		buf_printf(
		    out,
		    "%s{\"daemon\":\"%s\",\"listen\":\"%s\",\"port\":%u,\"mode\":\"%s\",\"service\":\"%s\"}",
		    between, daemon_rows[d].name, l->text, l->port, mode_name(l), service_name(l));
		between = ",";
	}
}

void status_write_json(const struct supervisor *s, struct buf *out)
{
	const char *between = "";

	buf_printf(
	    out,
	    "{\"running\":true,\"pid\":%d,\"uptime_s\":%llu,\"version\":\"%s\",\"root\":%s,\"hostname\":",
	    (int)getpid(), (unsigned long long)(clock_mono_ms() - s->started_ms) / 1000, YUBIN_VERSION,
	    s->root ? "true" : "false");
	put_json_text(out, span_of(config_text(setup_site(s->setup), CONFIG_HOSTNAME)));
	buf_put_text(out, ",\"daemons\":[");
	for (enum daemon k = 0; k < DAEMON_COUNT; k++) {
		for (const struct child *c = s->children; c != NULL; c = c->next)
			if (c->daemon == k) {
				buf_put_text(out, between);
				put_json_child(c, out);
				between = ",";
			}
		put_json_down(s, k, &between, out);
	}
	buf_put_text(out, "],\"listens\":[");
	put_json_listens(s, out);
	buf_put_text(out, "]}\n");
}
