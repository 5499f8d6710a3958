/* setup.c - the contract is in setup.h: reading, holding and lending. */
#include "setup/setup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/proc/control.h"
#include "setup/inside.h"
#include "setup/outward.h"

struct reading {
	struct setup *s;
	const struct setup_source *source;
	struct report *r;
	enum daemon daemon;
};

/* --- reading --------------------------------------------------------------- */

static void read_named(void *arg, const struct config_scope *scope, enum config_key key, size_t i, const char *name)
{
	struct reading *g = arg;
	struct setup *s = g->s;
	struct named *n = NULL;
	struct error err;
	struct span text;
	int rc;

	if (setup_file(s, name, &text))
		return;
	if (g->daemon == DAEMON_DELIVERD && outward_is_taken(name))
		rc = error_set(&err, -EINVAL, "%s: call the file something else", name);
	else if (s->file_count == SETUP_FILES)
		rc = error_set(&err, -E2BIG, "more than %d files are named", SETUP_FILES);
	else
		rc = named_read(&n, g->source->paths, key, name, g->r, &err);
	if (n != NULL)
		s->files[s->file_count++] = n;
	if (rc != 0)
		report_error(g->r, "%s:%u: %s: %s", s->confs->names[g->daemon], config_item_line(scope, key, i),
			     config_rows[key].name, err.words);
}

static void read_files(struct reading *g)
{
	struct error err;

	for (g->daemon = 0; g->daemon < DAEMON_COUNT; g->daemon++)
		confs_walk_files(g->s->confs, g->daemon, read_named, g);
	outward_read(g->s, g->source, g->r);
	if (setup_self_signed(g->s) && holders_read(g->source->paths, &g->s->fingerprints, &err) != 0)
		report_error(g->r, "AllowSelfSigned: %s", err.words);
}

static struct setup *setup_new(void)
{
	struct setup *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->holders = 1;
	buf_init(&s->fingerprints, SETUP_FINGERPRINTS_MAX);
	return s;
}

int setup_read(struct setup **out, const struct setup_source *source, struct report *r)
{
	struct reading g = { .s = setup_new(), .source = source, .r = r };
	unsigned before = r->errors;

	*out = NULL;
	if (g.s == NULL) {
		report_error(r, "no memory for the configuration");
		return -ENOMEM;
	}
	g.s->confs = confs_read(source, r);
	if (r->errors == before)
		read_files(&g);
	if (r->errors == before)
		setup_check(g.s, source, r);
	if (r->errors != before) {
		setup_drop(g.s);
		return -EINVAL;
	}
	*out = g.s;
	return 0;
}

/* --- holding --------------------------------------------------------------- */

struct setup *setup_copy(const struct setup *s)
{
	struct setup *copy = setup_new();

	if (copy == NULL)
		return NULL;
	copy->confs = confs_hold(s->confs);
	for (; copy->file_count < s->file_count; copy->file_count++)
		copy->files[copy->file_count] = named_hold(s->files[copy->file_count]);
	buf_put(&copy->fingerprints, buf_span(&s->fingerprints));
	if (copy->fingerprints.failed) {
		setup_drop(copy);
		return NULL;
	}
	return copy;
}

struct setup *setup_hold(struct setup *s)
{
	s->holders++;
	return s;
}

void setup_drop(struct setup *s)
{
	if (s == NULL || --s->holders > 0)
		return;
	for (size_t i = 0; i < s->file_count; i++)
		named_drop(s->files[i]);
	confs_drop(s->confs);
	buf_clear(&s->fingerprints);
	free(s);
}

/* --- lending --------------------------------------------------------------- */

const struct config_scope *setup_site(const struct setup *s)
{
	return config_top(s->confs->site);
}

const struct setup_daemon *setup_of(const struct setup *s, enum daemon d)
{
	return &s->confs->daemons[d];
}

const char *setup_name(const struct setup *s, enum daemon d)
{
	return s->confs->names[d];
}

bool setup_opens(const struct setup *s, enum daemon d, size_t i)
{
	return confs_opens(s->confs, d, i);
}

bool setup_tls(const struct setup *s, enum daemon d, size_t i)
{
	return confs_tls(s->confs, d, i);
}

bool setup_file(const struct setup *s, const char *name, struct span *text)
{
	for (size_t i = 0; i < s->file_count; i++)
		if (s->files[i]->kind == NAMED_WRITTEN && strcmp(s->files[i]->name, name) == 0) {
			*text = buf_span(&s->files[i]->text);
			return true;
		}
	return false;
}

bool setup_self_signed(const struct setup *s)
{
	for (enum daemon d = 0; d < DAEMON_COUNT; d++)
		if (confs_self_signed(s->confs, d))
			return true;
	return false;
}

unsigned setup_auth_rights(const struct setup *s, enum daemon d)
{
	return daemon_rows[d].auth_rights | (confs_external(s->confs, d) ? CONTROL_RIGHT_EXTERNAL : 0U);
}

struct span setup_fingerprints(const struct setup *s, enum daemon d)
{
	return confs_self_signed(s->confs, d) ? buf_span(&s->fingerprints) : (struct span){ NULL, 0 };
}

size_t setup_file_count(const struct setup *s)
{
	return s->file_count;
}

const char *setup_file_name(const struct setup *s, size_t i)
{
	return s->files[i]->name;
}

struct span setup_file_stamp(const struct setup *s, size_t i)
{
	return buf_span(&s->files[i]->stamp);
}

void setup_file_look(const struct setup *s, size_t i, struct buf *stamp)
{
	named_look(s->files[i], stamp);
}
