/* confs.c - etc/NAME.conf, read and understood: what the files say, not yet what they name. */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/span.h"
#include "common/config/file.h"
#include "common/config/route.h"
#include "sasl/sasl.h"
#include "setup/inside.h"
#include "setup/switches.h"

static const enum config_key file_keys[] = { CONFIG_CERTIFICATE, CONFIG_PRIVATE_KEY, CONFIG_CLIENT_CA,
					     CONFIG_CLIENT_CRL, CONFIG_OCSP_STAPLE };
static const enum config_key outward_keys[] = { CONFIG_HTTPS_CA, CONFIG_TRUST_ANCHOR }; /* deliverd's */
enum {
	FILE_KEYS = sizeof(file_keys) / sizeof(file_keys[0]),
	OUTWARD_KEYS = sizeof(outward_keys) / sizeof(outward_keys[0])
};

struct reading {
	struct confs *c;
	const struct setup_source *source;
	struct report *r;
	enum daemon daemon;
};

/* --- what they name -------------------------------------------------------- */

bool confs_opens(const struct confs *c, enum daemon d, size_t i)
{
	const struct config *own = c->daemons[d].config;

	return config_listen(own, i)->mode != CONFIG_MODE_IMPLICIT ||
	       config_bool(config_top(own), CONFIG_ENABLE_SSL);
}

bool confs_tls(const struct confs *c, enum daemon d, size_t i)
{
	const struct config *own = c->daemons[d].config;

	switch (config_listen(own, i)->mode) {
	case CONFIG_MODE_IMPLICIT:
		return config_bool(config_top(own), CONFIG_ENABLE_SSL);
	case CONFIG_MODE_EXPLICIT:
		return config_bool(config_top(own), CONFIG_ENABLE_TLS);
	case CONFIG_MODE_PLAIN:
		break;
	}
	return false;
}

static void walk_keys(const struct config_scope *s, const enum config_key *keys, unsigned count, confs_file each,
		      void *arg)
{
	for (unsigned k = 0; k < count; k++) {
		const char *name;

		if ((config_rows[keys[k]].flags & CONFIG_REPEAT) == 0) {
			name = config_text(s, keys[k]);
			if (*name != '\0')
				each(arg, s, keys[k], 0, name);
			continue;
		}
		for (size_t i = 0; (name = config_item(s, keys[k], i)) != NULL; i++)
			each(arg, s, keys[k], i, name);
	}
}

/* The files of Route lines; a line that can't be is said by the check. */
static void walk_routes(const struct config_scope *s, confs_file each, void *arg)
{
	const char *line;

	for (size_t i = 0; (line = config_item(s, CONFIG_ROUTE, i)) != NULL; i++) {
		struct route route;
		struct error err;

		if (route_parse(&route, span_of(line), &err) != 0)
			continue;
		if (*route.auth != '\0')
			each(arg, s, CONFIG_ROUTE, i, route.auth);
		if (*route.cert != '\0')
			each(arg, s, CONFIG_ROUTE, i, route.cert);
	}
}

void confs_walk_files(const struct confs *c, enum daemon d, confs_file each, void *arg)
{
	const struct config *own = c->daemons[d].config;

	if (d == DAEMON_DELIVERD) {
		walk_keys(config_top(own), outward_keys, OUTWARD_KEYS, each, arg);
		walk_routes(config_top(own), each, arg);
	}
	for (size_t i = 0; i < config_listen_count(own); i++)
		if (confs_tls(c, d, i))
			walk_keys(config_listen_scope(own, i), file_keys, FILE_KEYS, each, arg);
}

bool confs_self_signed(const struct confs *c, enum daemon d)
{
	const struct config *own = c->daemons[d].config;

	for (size_t i = 0; i < config_listen_count(own); i++) {
		const struct config_scope *s = config_listen_scope(own, i);

		if (confs_tls(c, d, i) && config_bool(s, CONFIG_ALLOW_SELF_SIGNED) &&
		    strcmp(config_text(s, CONFIG_VERIFY_CLIENT), "no") != 0)
			return true;
	}
	return false;
}

bool confs_external(const struct confs *c, enum daemon d)
{
	const struct config *own = c->daemons[d].config;

	for (size_t i = 0; i < config_listen_count(own); i++) {
		const struct config_scope *s = config_listen_scope(own, i);

		if (confs_tls(c, d, i) && config_takes_logins(config_listen(own, i)->service) &&
		    strcmp(config_text(s, CONFIG_VERIFY_CLIENT), "no") != 0 &&
		    sasl_listed(config_text(s, CONFIG_MECHANISMS), span_of("EXTERNAL")))
			return true;
	}
	return false;
}

/* --- reading --------------------------------------------------------------- */

/* Reads etc/NAME.conf into text and parses it; name gets its path. A file that is not
 * there is an empty one, but for yubin.conf. */
static struct config *read_conf(struct reading *g, enum config_file which, char name[PATHS_MAX],
				struct buf *text)
{
	char file[32];
	struct config *c = NULL;
	struct error err;
	int rc;

	snprintf(file, sizeof(file), "%s.conf", config_file_name(which));
	paths_file(g->source->paths, PATHS_ETC, file, name);
	buf_init(text, SETUP_FILE_MAX);
	rc = file_read(name, text, NULL, &err);
	if (rc == -ENOENT && which == CONFIG_YUBIN)
		report_error(g->r, "%s is not there: `yubin init` makes a site", name);
	else if (rc == -ENOENT)
		report_warn(g->r, "%s is not there: defaults are used%s", name,
			    which == CONFIG_AUTHD || which == CONFIG_STORAGED || which == CONFIG_DELIVERD ? ""
									      : ", and no port is opened");
	else if (rc != 0)
		report_error(g->r, "%s", err.words);
	if ((rc == 0 || (rc == -ENOENT && which != CONFIG_YUBIN)) &&
	    config_parse(&c, which, buf_span(text), name, report_config, g->r) == -ENOMEM)
		report_error(g->r, "no memory for %s", name);
	return c;
}

static void find_user(struct reading *g, struct setup_daemon *d)
{
	const struct config_scope *top = config_top(d->config);
	const char *user = config_user(top, daemon_rows[g->daemon].which);
	const struct passwd *pw;

	d->uid = d->gid = UINT32_MAX;
	if (!g->source->root) {
		if (config_is_set(top, CONFIG_USER))
			report_warn(g->r, "%s:%u: User is not used: only root can become another user",
				    g->c->names[g->daemon], config_line(top, CONFIG_USER));
		return;
	}
	pw = getpwnam(user);
	if (pw == NULL) {
		report_error(g->r,
			     "%s: the system user %s is missing; make it with: useradd --system --user-group "
			     "--no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin %s",
			     daemon_rows[g->daemon].name, user, user);
		return;
	}
	if (pw->pw_uid == 0)
		report_warn(g->r, "%s:%u: User %s is root: a fault in %s then has the whole machine",
			    g->c->names[g->daemon], config_line(top, CONFIG_USER), user,
			    daemon_rows[g->daemon].name);
	d->uid = pw->pw_uid;
	d->gid = pw->pw_gid;
}

/* Puts the switches into the text and parses that one: what the daemon will see. */
static void apply_switches(struct reading *g, const struct switches *sw)
{
	struct confs *all = g->c;
	struct setup_daemon *d = &all->daemons[g->daemon];
	struct config *c = NULL;
	struct buf text;

	if (!sw->no_implicit[g->daemon] && !sw->no_starttls[g->daemon])
		return;
	buf_init(&text, SETUP_FILE_MAX + 64);
	switches_write(sw, g->daemon, d->config, buf_span(&all->texts[g->daemon]), &text);
	buf_clear(&all->texts[g->daemon]);
	all->texts[g->daemon] = text;
	if (text.failed || config_parse(&c, daemon_rows[g->daemon].which, buf_span(&all->texts[g->daemon]),
					all->names[g->daemon], report_config, g->r) != 0)
		report_error(g->r, "no memory for %s", all->names[g->daemon]);
	config_free(d->config);
	d->config = c;
}

static unsigned count_workers(const struct confs *all, enum daemon d)
{
	const struct config *c = all->daemons[d].config;

	if (!daemon_rows[d].net)
		return 1;
	for (size_t i = 0; i < config_listen_count(c); i++)
		if (confs_opens(all, d, i))
			return (config_rows[CONFIG_WORKERS].files & daemon_rows[d].which) != 0
				   ? (unsigned)config_number(config_top(c), CONFIG_WORKERS)
				   : 1;
	return 0;
}

static void read_daemon(struct reading *g, const struct switches *sw)
{
	struct setup_daemon *d = &g->c->daemons[g->daemon];

	d->config =
	    read_conf(g, daemon_rows[g->daemon].which, g->c->names[g->daemon], &g->c->texts[g->daemon]);
	if (d->config != NULL)
		apply_switches(g, sw);
	if (d->config == NULL)
		return;
	find_user(g, d);
	d->workers = count_workers(g->c, g->daemon);
}

struct confs *confs_read(const struct setup_source *source, struct report *r)
{
	struct reading g = { .c = calloc(1, sizeof(*g.c)), .source = source, .r = r };
	struct switches sw = { 0 };

	if (g.c == NULL) {
		report_error(r, "no memory for the configuration");
		return NULL;
	}
	g.c->holders = 1;
	g.c->site = read_conf(&g, CONFIG_YUBIN, g.c->site_name, &g.c->site_text);
	if (g.c->site != NULL)
		switches_read(&sw, config_top(g.c->site), g.c->site_name, source->flags, r);
	for (g.daemon = 0; g.daemon < DAEMON_COUNT; g.daemon++)
		read_daemon(&g, &sw);
	return g.c;
}

struct confs *confs_hold(struct confs *c)
{
	c->holders++;
	return c;
}

void confs_drop(struct confs *c)
{
	if (c == NULL || --c->holders > 0)
		return;
	for (enum daemon d = 0; d < DAEMON_COUNT; d++) {
		config_free(c->daemons[d].config);
		buf_clear(&c->texts[d]);
	}
	config_free(c->site);
	buf_clear(&c->site_text);
	free(c);
}
