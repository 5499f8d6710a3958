/* lookup.c - the contract is in lookup.h: the real world, in a loop of its own. */
#include "admin/lookup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/lookup_inside.h"
#include "common/base/arena.h"
#include "common/config/config.h"
#include "common/config/file.h"
#include "setup/setup.h"

enum { MEMORY_MAX = 64 << 20, FILE_MAX = 1 << 20, SERVERS = 8 };

/* --- DNS ------------------------------------------------------------------- */

static const struct dns_answer *copy_answer(struct world *w, const struct dns_answer *in)
{
	struct dns_answer *out = arena_alloc(w->arena, sizeof(*out));
	struct dns_record *records = arena_array(w->arena, in->count + 1, sizeof(*records));

	if (out == NULL || records == NULL)
		return NULL;
	*out = *in;
	out->name = arena_text(w->arena, span_of(in->name));
	out->words = arena_text(w->arena, span_of(in->words));
	for (size_t i = 0; i < in->count; i++) {
		records[i] = in->records[i];
		records[i].text = arena_copy(w->arena, in->records[i].text);
	}
	out->records = records;
	return out->name != NULL && out->words != NULL ? out : NULL;
}

static void on_answer(void *arg, const struct dns_answer *answer)
{
	struct question *q = arg;

	q->answer = copy_answer(q->world, answer);
	q->done = true;
}

static struct question *find_question(struct world *w, const char *name, enum dns_type type)
{
	struct question *q = w->questions;

	while (q != NULL && (q->type != type || strcmp(q->name, name) != 0))
		q = q->next;
	if (q != NULL)
		return q;
	q = arena_alloc(w->arena, sizeof(*q));
	if (q == NULL || (q->name = arena_text(w->arena, span_of(name))) == NULL)
		return NULL;
	q->world = w;
	q->type = type;
	q->next = w->questions;
	w->questions = q;
	q->done = dns_ask(w->dns, name, type, on_answer, q) == 0;
	return q;
}

static void world_soon(struct lookup *l, const char *name, enum dns_type type)
{
	find_question((struct world *)l, name, type);
}

static const struct dns_answer *world_ask(struct lookup *l, const char *name, enum dns_type type)
{
	static const struct dns_answer none = { .status = DNS_FAILED, .name = "", .words = "no memory" };
	struct world *w = (struct world *)l;
	struct question *q = find_question(w, name, type);

	while (q != NULL && !q->done)
		uv_run(&w->loop, UV_RUN_ONCE);
	return q != NULL && q->answer != NULL ? q->answer : &none;
}

/* --- the resolver's settings ----------------------------------------------- */

static void ignore(void *arg, enum config_severity severity, const char *file, unsigned line, const char *words)
{
	(void)arg;
	(void)severity;
	(void)file;
	(void)line;
	(void)words;
}

static int read_conf(struct config **out, const struct site *s, struct error *err)
{
	char path[PATHS_MAX];
	struct buf text;
	int rc;

	buf_init(&text, FILE_MAX);
	rc = file_read(paths_file(&s->paths, PATHS_ETC, "deliverd.conf", path), &text, NULL, err);
	if (rc == -ENOENT)
		rc = 0;
	if (rc == 0 && config_parse(out, CONFIG_DELIVERD, buf_span(&text), path, ignore, NULL) != 0)
		rc = error_set(err, -EINVAL, "%s has errors; see `yubin config check`", path);
	buf_clear(&text);
	return rc;
}

/* A file that a key names, relative to etc/. Not set: nothing. */
static int read_named(const struct site *s, const struct config_scope *top, enum config_key key, struct buf *out,
		      struct error *err)
{
	const char *name = config_text(top, key);
	char path[PATHS_MAX];

	if (*name == '\0')
		return 0;
	if (*name == '/')
		snprintf(path, sizeof(path), "%s", name);
	else
		paths_file(&s->paths, PATHS_ETC, name, path);
	return file_read(path, out, NULL, err);
}

static size_t read_resolv_conf(char servers[SERVERS][64])
{
	struct buf text;
	size_t count = 0;

	buf_init(&text, FILE_MAX);
	if (file_read("/etc/resolv.conf", &text, NULL, NULL) == 0)
		count = dns_servers(buf_span(&text), servers, SERVERS);
	buf_clear(&text);
	return count;
}

static int make_resolver(struct world *w, const struct config_scope *top, struct span anchors, struct error *err)
{
	char from_system[SERVERS][64];
	const char *servers[SERVERS], *name;
	size_t count = 0;

	while (count < SERVERS && (name = config_item(top, CONFIG_RESOLVER, count)) != NULL)
		servers[count++] = name;
	if (count == 0)
		for (size_t n = read_resolv_conf(from_system); count < n; count++)
			servers[count] = from_system[count];
	else if (strcmp(servers[0], "root") == 0)
		count = 0;
	const struct dns_options o = { .servers = servers,
				       .server_count = count,
				       .found = config_item(top, CONFIG_RESOLVER, 0) == NULL,
				       .anchors = anchors };

	return dns_new(&w->dns, &w->loop, &o, err);
}

static int read_settings(struct world *w, const struct site *s, struct error *err)
{
	struct config *c = NULL;
	struct buf anchors;
	int rc = read_conf(&c, s, err);

	buf_init(&anchors, FILE_MAX);
	if (rc == 0)
		rc = read_named(s, config_top(c), CONFIG_TRUST_ANCHOR, &anchors, err);
	if (rc == 0)
		rc = read_named(s, config_top(c), CONFIG_HTTPS_CA, &w->authorities, err);
	if (rc == 0 && w->authorities.n == 0 && file_read(setup_authorities(), &w->authorities, NULL, NULL) != 0)
		buf_reset(&w->authorities);
	if (rc == 0)
		rc = make_resolver(w, config_top(c), buf_span(&anchors), err);
	buf_clear(&anchors);
	config_free(c);
	return rc;
}

/* --- its life -------------------------------------------------------------- */

static void world_close(struct lookup *l)
{
	struct world *w = (struct world *)l;

	world_page_close(w);
	dns_free(w->dns);
	while (uv_run(&w->loop, UV_RUN_DEFAULT) != 0)
		;
	uv_loop_close(&w->loop);
	buf_clear(&w->authorities);
	arena_free(w->arena);
	free(w);
}

int lookup_open(struct lookup **out, const struct site *s, struct error *err)
{
	struct world *w = calloc(1, sizeof(*w));
	int rc;

	*out = NULL;
	if (w == NULL || uv_loop_init(&w->loop) != 0) {
		free(w);
		return error_set(err, -ENOMEM, "no memory to look anything up");
	}
	w->lookup = (struct lookup){ world_ask, world_soon, world_page, world_port, world_close };
	buf_init(&w->authorities, 4 << 20);
	rc = arena_new(&w->arena, MEMORY_MAX, ARENA_PLAIN, err);
	if (rc == 0)
		rc = read_settings(w, s, err);
	if (rc != 0) {
		world_close(&w->lookup);
		return rc;
	}
	*out = &w->lookup;
	return 0;
}

void lookup_close(struct lookup *l)
{
	if (l != NULL)
		l->close(l);
}
